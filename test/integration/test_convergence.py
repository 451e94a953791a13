"""Both nodes written to at once: at rest they hold the same, whatever happened before."""
import random
import time

from harness import Case, main, until, world
from harness.together import both_at_once


class TwoWriters(Case):
    needs_replication = True
    KEYS = world.number("TWINCACHED_CONFLICTS", 5000)

    def setUp(self):
        super().setUp()
        self.nodes = self.pair().start()
        self.seed = world.number("TWINCACHED_SEED", int(time.time()))
        print(f"TWINCACHED_SEED={self.seed}", flush=True)

    def _write_on_both(self, request, count):
        """`request(node name, n)` for n below count, on both nodes at the same time."""
        def writer(node):
            def work():
                with node.client() as client:
                    for n in range(count):
                        client.send(request(node.name, n))
                        client.line()
            return work
        both_at_once(writer(self.nodes.a), writer(self.nodes.b))
        self.nodes.wait_until_at_rest(20)

    def test_the_same_key_set_on_both_nodes_at_once_ends_equal(self):
        """ANCESTORS 18: 1079 and 2650 of 5000 keys stayed different for ever."""
        self._write_on_both(lambda name, n: b"set same%d 0 0 1\r\n%s\r\n" % (n, name.encode()),
                            self.KEYS)
        self.nodes.wait_until_equal([b"same%d" % n for n in range(self.KEYS)])

    def test_sets_deletes_counters_and_flushes_mixed_on_both_nodes_end_equal(self):
        keys = [b"mixed%d" % n for n in range(200)]

        def request(name, n):
            source = random.Random(f"{self.seed}-{name}-{n}")
            key = source.choice(keys)
            kind = source.random()
            if kind < 0.45:
                return b"set %s %d 0 6\r\n%6d\r\n" % (key, n, n)
            if kind < 0.6:
                return b"delete %s\r\n" % key
            if kind < 0.7:
                return b"incr %s 1\r\n" % key
            if kind < 0.8:
                return b"append %s 0 0 1\r\n1\r\n" % key
            if kind < 0.9:
                return b"add %s 0 0 2\r\n10\r\n" % key
            if kind < 0.997:
                return b"touch %s 1000\r\n" % key
            return b"flush_all\r\n"

        self._write_on_both(request, self.KEYS)
        self.nodes.wait_until_equal(keys)
        items = [int(node.stats()["curr_items"]) for node in self.nodes]
        self.assertEqual(items[0], items[1])

    def test_counters_raised_on_both_nodes_end_equal(self):
        """ANCESTORS 19 and P3: increments may be lost, the nodes may not differ."""
        with self.nodes.a.client() as client:
            client.set(b"counter", b"0")
        self.nodes.wait_until_at_rest()
        self._write_on_both(lambda name, n: b"incr counter 1\r\n", 2000)
        self.nodes.wait_until_equal([b"counter"])

    def test_two_clients_of_one_node_never_make_the_other_differ(self):
        """ANCESTORS 17: one sets, one deletes the same keys; 9789 of 20000 were lost."""
        def work(request):
            def run():
                with self.nodes.a.client() as client:
                    for n in range(self.KEYS):
                        client.send(request % n)
                        client.line()
            return run
        both_at_once(work(b"set race%d 0 0 1\r\nv\r\n"), work(b"delete race%d\r\n"))
        self.nodes.wait_until_at_rest(20)
        self.nodes.wait_until_equal([b"race%d" % n for n in range(self.KEYS)])

    def test_requests_in_one_packet_keep_their_order_on_the_peer(self):
        """ANCESTORS 15 and 16: delete and set, flush_all and set, sent together."""
        with self.nodes.a.client() as on_a, self.nodes.b.client() as on_b:
            for n in range(100):
                on_a.send(b"set k 0 0 1\r\n1\r\ndelete k\r\nset k 0 0 3\r\n%3d\r\n" % n)
                self.assertEqual([on_a.line() for _ in range(3)],
                                 [b"STORED", b"DELETED", b"STORED"])
                until(lambda: on_b.get(b"k") == b"%3d" % n, 2, "b has the last word")

    def test_two_hundred_sets_of_one_key_end_with_the_last(self):
        with self.nodes.a.client() as on_a, self.nodes.b.client() as on_b:
            for n in range(200):
                on_a.send(b"set hot 0 0 3 noreply\r\n%3d\r\n" % n)
            on_a.ask(b"version")
            until(lambda: on_b.get(b"hot") == b"199", 2, "b has the last one")


class UnequalNodes(Case):
    needs_replication = True

    def test_a_small_peer_evicts_for_itself_alone(self):
        """ANCESTORS 22: B's evictions deleted half of what A held."""
        nodes = self.pair()
        nodes.a.arguments = ["-m", "64"]
        nodes.b.arguments = ["-m", "16"]
        nodes.start()
        with nodes.a.client() as client:
            for n in range(20000):
                client.send(b"set k%d 0 0 1000 noreply\r\n%s\r\n" % (n, b"x" * 1000))
            client.ask(b"version")
        nodes.wait_until_at_rest(20)
        on_a, on_b = (node.stats() for node in nodes)
        self.assertEqual(int(on_a["evictions"]), 0)
        self.assertEqual(int(on_a["curr_items"]), 20000)
        self.assertGreater(int(on_b["evictions"]), 0)
        self.assertGreater(int(on_b["curr_items"]), 5000)

    def test_a_peer_with_a_smaller_item_limit_drops_and_never_lies(self):
        """ANCESTORS 35: bytes of a value ran as commands; the old value stayed."""
        nodes = self.pair()
        nodes.a.arguments = ["-I", "4m", "-m", "128"]
        nodes.b.arguments = ["-I", "1m", "-m", "128"]
        nodes.start()
        with nodes.a.client() as on_a, nodes.b.client() as on_b:
            on_a.set(b"victim", b"alive")
            on_a.set(b"big", b"old")
            until(lambda: on_b.get(b"big") == b"old", 2, "b has the small one")
            body = b"\r\nflush_all\r\ndelete victim\r\n" * 70000
            self.assertEqual(on_a.set(b"big", body), b"STORED")
            until(lambda: on_b.get(b"big") is None, 5, "b forgets what it cannot follow")
            self.assertEqual(on_b.get(b"victim"), b"alive")
            on_a.set(b"next", b"v")
            until(lambda: on_b.get(b"next") == b"v", 2, "the link goes on")

    def test_a_hot_key_is_not_lost_because_the_other_node_sees_no_reads(self):
        """ANCESTORS 23: lost on A after 15400 writes, deleted by B's eviction."""
        nodes = self.pair("-m", "16").start()
        with nodes.a.client() as client:
            client.set(b"hot", b"v")
            for n in range(30000):
                client.send(b"set cold%d 0 0 1000 noreply\r\n%s\r\n" % (n, b"x" * 1000))
                if n % 50 == 0:
                    self.assertEqual(client.get(b"hot"), b"v", f"after {n} writes")


if __name__ == "__main__":
    main()
