"""What the verbs promise across the pair: tokens, times to live, flushes, large values. That every
one of them arrives stands in test_verb_table.py."""
import time

from harness import Case, main, until


class Verbs(Case):
    needs_replication = True

    def setUp(self):
        super().setUp()
        self.nodes = self.pair().start()

    def test_cas_holds_across_the_pair(self):
        with self.nodes.a.client() as on_a, self.nodes.b.client() as on_b:
            on_a.set(b"k", b"one")
            until(lambda: on_b.gets(b"k"), 2, "b has it")
            token = on_b.gets(b"k")[2]
            self.assertEqual(on_b.store(b"cas", b"k", b"two", extra=b" %d" % token), b"STORED")
            until(lambda: on_a.get(b"k") == b"two", 2, "a has b's change")
            self.assertEqual(on_a.store(b"cas", b"k", b"bad", extra=b" %d" % token), b"EXISTS",
                             "a token from before the peer's write must not match")

    def test_touch_and_gat_carry_the_time_to_live_and_keep_the_token(self):
        for request in (b"touch k 2", b"touch k 2 noreply", b"gat 2 k", b"gats 2 k"):
            with self.subTest(request), self.nodes.a.client() as on_a, \
                    self.nodes.b.client() as on_b:
                on_a.set(b"k", b"v")
                until(lambda: on_b.gets(b"k") == on_a.gets(b"k"), 2, "b has it")
                token = on_a.gets(b"k")[2]
                if request.startswith(b"gat"):
                    on_a.values(request)
                else:
                    on_a.send(request + b"\r\nversion\r\n")
                    while not on_a.line().startswith(b"VERSION"):
                        pass
                self.assertEqual(on_a.gets(b"k")[2], token)
                until(lambda: on_b.get(b"k") is None, 4, "it expires on b as well", 0.05)

    def test_a_time_to_live_runs_out_on_both_nodes_together(self):
        with self.nodes.a.client() as on_a, self.nodes.b.client() as on_b:
            on_a.set(b"relative", b"v", exptime=2)
            on_a.set(b"absolute", b"v", exptime=int(time.time()) + 3)
            on_a.set(b"past", b"v", exptime=int(time.time()) - 10)
            on_a.set(b"long", b"v", exptime=3600)
            until(lambda: on_b.get(b"long") and on_b.get(b"relative"), 2, "b has them")
            self.assertIsNone(on_b.get(b"past"))
            for key in (b"relative", b"absolute"):
                until(lambda: on_a.get(key) is None, 6, f"{key} expires on a", 0.02)
                until(lambda: on_b.get(key) is None, 2, f"{key} expires on b", 0.02)
            self.assertEqual(on_b.get(b"long"), b"v")

    def test_flush_all_empties_both_and_what_comes_after_it_stays(self):
        for number, request in enumerate((b"flush_all", b"flush_all 0", b"flush_all noreply")):
            after = b"after%d" % number  # what an earlier round left must not be taken for it
            with self.subTest(request), self.nodes.a.client() as on_a, \
                    self.nodes.b.client() as on_b:
                on_a.set(b"before-a", b"v")
                on_b.set(b"before-b", b"v")
                self.nodes.wait_until_at_rest()
                # One packet: the set must survive the flush on both nodes (repcached lost it).
                on_a.send(request + b"\r\nset " + after + b" 0 0 1\r\nv\r\n")
                while on_a.line() != b"STORED":
                    pass
                until(lambda: on_b.get(after) == b"v", 2, "b has what came after")
                for client in (on_a, on_b):
                    self.assertIsNone(client.get(b"before-a"))
                    self.assertIsNone(client.get(b"before-b"))
                    self.assertEqual(client.get(after), b"v")

    def test_a_delayed_flush_happens_on_both_nodes(self):
        with self.nodes.a.client() as on_a, self.nodes.b.client() as on_b:
            on_a.set(b"k", b"v")
            until(lambda: on_b.get(b"k"), 2, "b has it")
            self.assertEqual(on_a.ask(b"flush_all 2"), b"OK")
            self.assertEqual(on_b.get(b"k"), b"v", "not yet")
            until(lambda: on_a.get(b"k") is None, 5, "a is flushed", 0.05)
            until(lambda: on_b.get(b"k") is None, 2, "b is flushed", 0.05)
            self.assertEqual(on_b.set(b"later", b"v"), b"STORED")
            until(lambda: on_a.get(b"later") == b"v", 2, "new items live on")

    def test_a_failed_set_of_a_huge_value_leaves_no_old_one_on_either_node(self):
        with self.nodes.a.client() as on_a, self.nodes.b.client() as on_b:
            on_a.set(b"k", b"old")
            until(lambda: on_b.get(b"k"), 2, "b has it")
            self.assertTrue(on_a.set(b"k", b"x" * 1100000).startswith(b"SERVER_ERROR"))
            self.assertIsNone(on_a.get(b"k"))
            until(lambda: on_b.get(b"k") is None, 2, "the old value is gone on b, too")

    def test_large_values_arrive_whole(self):
        sizes = (1000, 16 * 1024, 100_000, 262_144, 600_000, 1_000_000)
        with self.nodes.a.client() as on_a, self.nodes.b.client() as on_b:
            for size in sizes:
                value = bytes(n * 31 % 251 for n in range(1000)) * (size // 1000)
                self.assertEqual(on_a.set(b"large", value), b"STORED")
                until(lambda: on_b.get(b"large") == value, 5, f"{size} bytes are on b")

    def test_a_delete_of_what_this_node_has_lost_reaches_the_other(self):
        # A is small and evicts; B still has it. Deleting on A must not leave it alive on B.
        with self.nodes.a.client() as on_a, self.nodes.b.client() as on_b:
            self.assertEqual(on_a.ask(b"delete absent"), b"NOT_FOUND")
            on_b.set(b"absent", b"v")
            until(lambda: on_a.get(b"absent"), 2, "a has it")
            self.assertEqual(on_a.ask(b"delete absent"), b"DELETED")
            until(lambda: on_b.get(b"absent") is None, 2, "b has deleted it")


if __name__ == "__main__":
    main()
