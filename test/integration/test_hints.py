"""Whoever sees no reads keeps what the other node's clients read (REPLICATION.md section 11)."""
from harness import Case, main, until


class QuietNode(Case):
    needs_replication = True
    MEGABYTES = 16
    VALUE = b"x" * 1000
    HOT = [b"hot%d" % n for n in range(400)]
    CONTROL = [b"control%d" % n for n in range(400)]
    STEPS = 60          # four times what both nodes have memory for
    STEP = 1000

    def setUp(self):
        super().setUp()
        self.nodes = self.pair("-m", str(self.MEGABYTES)).start()
        self.written = 0

    def _number(self, node, name):
        return int(node.replication()["repl_access_hints_" + name])

    def _write(self, client, keys):
        for key in keys:
            client.send(b"set %s 0 0 %d noreply\r\n%s\r\n" % (key, len(self.VALUE), self.VALUE))
        client.ask(b"version")

    def _fill(self, client):
        """What is read, and as much that is not; b hears of the reads before memory is full."""
        self._write(client, [key for both in zip(self.HOT, self.CONTROL) for key in both])
        self.nodes.wait_until_at_rest()
        client.gets_many(self.HOT)

    def _crowd(self, client, steps):
        """New items, half of which are read once: they leave the fresh queue, and push the hot
        ones, which are read once a step, through the main one."""
        for _ in range(steps):
            new = [b"new%d" % n for n in range(self.written, self.written + self.STEP)]
            self.written += self.STEP
            self._write(client, new)
            self.nodes.wait_until_at_rest()
            heard = self._number(self.nodes.b, "received")
            self.assertEqual(len(client.gets_many(new[::2])), self.STEP // 2)
            until(lambda: self._number(self.nodes.b, "received") >= heard + self.STEP // 2, 5,
                  "b hears of what was read", interval=0.005)
            client.gets_many(self.HOT)

    def _held(self, node, keys):
        with node.client() as client:
            return len(client.gets_many(keys))

    def _check_hot(self):
        """What a itself found worth keeping, b has kept."""
        on_a, on_b = (self._held(node, self.HOT) for node in self.nodes)
        print(f"of {len(self.HOT)} hot ones a holds {on_a}, b {on_b}", flush=True)
        self.assertGreater(on_a, 0.8 * len(self.HOT))
        self.assertGreater(on_b, 0.95 * on_a)

    def test_what_is_read_on_one_node_stays_on_the_other(self):
        a, b = self.nodes
        with a.client() as client:
            self._fill(client)
            until(lambda: self._number(b, "received") >= len(self.HOT), 5, "b hears of the reads")
            self._crowd(client, self.STEPS)
        stats = b.stats()
        self.assertGreater(int(stats["evictions"]), self.STEPS * self.STEP // 2)
        self.assertEqual(int(stats["cmd_get"]), 0, "hints are no reads")
        self.assertEqual(self._number(b, "sent"), 0, "and are not sent back")
        self.assertEqual(self._number(a, "dropped"), 0)
        self._check_hot()
        # The control: without hints all would have fared like these.
        control = self._held(b, self.CONTROL)
        print(f"of {len(self.CONTROL)} that nobody read b holds {control}", flush=True)
        self.assertLess(control, 0.1 * len(self.CONTROL))

    def test_a_node_that_returns_keeps_what_is_read_on_the_other(self):
        a, b = self.nodes
        with a.client() as client:
            self._fill(client)
            self._crowd(client, self.STEPS // 4)
            b.kill()
            b.start()
            self.nodes.wait_until_at_rest()
            self._crowd(client, self.STEPS // 2)
        self._check_hot()


if __name__ == "__main__":
    main()
