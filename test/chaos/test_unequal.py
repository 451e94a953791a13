"""Nodes that cannot hold what their peer holds, and nodes that are full (section 17)."""
import chaos  # noqa: F401 pylint: disable=unused-import
from chaos.case import ChaosCase
from chaos.load import MetaClient
from harness import main, until


class Unequal(ChaosCase):

    def test_a_peer_with_little_memory_misses_and_never_lies(self):
        """Row: receiver out of memory, by eviction."""
        nodes = self.machines()
        nodes.a.arguments, nodes.b.arguments = ["-m", "64"], ["-m", "8"]
        nodes.start()
        with self.load(own_keys=200, shared_keys=200, rate=300, sizes=(30, 3000, 30000)):
            self.wait_until_written(nodes.a, 300)
            self.cut()
            nodes.a.wait_until_alone(1.3)
            self.wait_until_written(nodes.a, 600)
            self.heal()
            self.wait_until_linked(3, "healed")
            self.wait_until_written(nodes.a, 300)
        held = self.check(misses_allowed=True)
        self.assertEqual(int(nodes.a.stats()["evictions"]), 0, "evictions never cross the link")
        self.assertLess(len(held["b"]), len(held["a"]))

    def test_a_peer_that_may_not_evict_drops_what_it_cannot_follow(self):
        """Row: receiver out of memory, with -M: the older version goes, too."""
        nodes = self.machines()
        nodes.a.arguments, nodes.b.arguments = ["-m", "64"], ["-m", "8", "-M"]
        nodes.start()
        with self.load(own_keys=200, shared_keys=200, rate=300, deletes=0.05,
                       sizes=(3000, 30000)):
            until(lambda: nodes.b.number("apply_nomem"), 20, "b is full", interval=0.1)
            self.wait_until_written(nodes.a, 300)
        self.check(misses_allowed=True)
        self.assertEqual(int(nodes.b.stats()["evictions"]), 0)
        self.assertGreater(nodes.a.number("peer_nomem"), 0, "a knows")

    def test_a_value_above_the_peers_limit_takes_the_older_one_with_it(self):
        """Row: smaller item_max. The bytes of the value are commands, and stay bytes."""
        nodes = self.machines()
        nodes.a.arguments, nodes.b.arguments = ["-I", "4m"], ["-I", "1m"]
        nodes.start()
        poison = b"\r\nflush_all\r\nset own 0 0 1\r\nx\r\n"
        with MetaClient(nodes.a.address) as on_a, MetaClient(nodes.b.address) as on_b:
            for n in range(20):
                on_a.store(b"big%d" % n, b"small yet")
            on_a.store(b"bystander", b"alive")
            self.rest()
            for n in range(20):
                on_a.store(b"big%d" % n, poison * (40000 + 100 * n))
            self.rest()
            for n in range(20):
                self.assertIsNone(on_b.read(b"big%d" % n)[0])
                self.assertEqual(len(on_a.read(b"big%d" % n)[0]), len(poison) * (40000 + 100 * n))
            self.assertEqual(on_b.read(b"bystander")[0], b"alive")
            self.assertIsNone(on_b.read(b"own")[0])

    def test_two_full_nodes_differ_by_what_they_evicted_and_by_nothing_else(self):
        """Row: both memory-full, and cut apart while they are."""
        nodes = self.machines("-m", "8").start()
        with self.load(own_keys=300, shared_keys=300, rate=300, sizes=(3000, 10000)):
            self._crowd(nodes)
            self.cut()
            for node in nodes:
                node.wait_until_alone(1.3)
            self._crowd(nodes)
            self.heal()
            self.wait_until_linked(5, "healed, both full")
            self._crowd(nodes)
        self.check(misses_allowed=True, seconds=20)
        for node in nodes:
            self.assertGreater(int(node.stats()["evictions"]), 0)

    @staticmethod
    def _crowd(nodes):
        """Others' items that push ours out."""
        for node in nodes:
            with node.client() as client:
                for n in range(8000):
                    client.send(b"set crowd-%s-%d 0 0 1000 noreply\r\n%s\r\n" %
                                (node.name.encode(), n, b"x" * 1000))
                client.ask(b"version")


if __name__ == "__main__":
    main()
