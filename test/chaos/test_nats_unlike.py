"""Nodes of a cluster that are unlike: one with a wrong clock, one with a smaller limit of items. No
network of its own is needed: everything is on loopback."""
import os

import chaos  # noqa: F401 pylint: disable=unused-import
from chaos.machine import Clock
from harness import main, until
from harness.nats_case import NatsCase
from harness.process import Process

DAY = 86400


class Clocks(NatsCase):
    """Node 2 has a wall clock of its own."""

    def setUp(self):
        super().setUp()
        if not Clock.is_available():
            self.skipTest("no libfaketime here (Debian: faketime)")
        self.clock = Clock(self.directory, "node2")

    def start_with(self, offset):
        nodes = self.cluster(2).start()
        self.clock.set(offset)
        astray = nodes.add(2)
        astray.process = Process(astray.command_line(), os.path.join(self.directory, "node2.log"),
                                 environment=self.clock.environment())
        astray.wait_until_open(20)
        nodes.wait_until_in_step(20)
        return nodes, astray

    def wait_until_told(self, node, what):
        def is_told():
            told = node.replication()
            return what in told["repl_last_refusal"] and told["repl_state"] == "REFUSED"
        until(is_told, 10, f"{node.name} says that its clock is{what}")
        self.assertIn(what, node.process.log())

    def test_one_that_is_days_ahead_is_told_so_and_lacks_nothing_when_it_is_right(self):
        nodes, astray = self.start_with(2 * DAY)
        with astray.client() as client:
            for key in (b"ahead", b"both"):
                self.assertEqual(client.set(key, b"of another time"), b"STORED")
        self.wait_until_told(astray, " s ahead of the NATS server's")
        with nodes[0].client() as client:
            self.assertIsNone(client.get(b"ahead"))
            self.assertEqual(client.set(b"both", b"right"), b"STORED")
        self.assertTrue(nodes[0].is_linked() and nodes[1].is_linked())
        self.clock.set(0)
        nodes.wait_until_in_step(20)
        self.assert_values(nodes, {b"ahead": b"of another time", b"both": b"right"})
        with astray.client() as client:
            self.assertEqual(client.set(b"both", b"newer"), b"STORED")
        self.assert_values(nodes, {b"both": b"newer"})

    def test_one_that_is_days_behind_is_told_so_and_lacks_nothing_when_it_is_right(self):
        nodes, astray = self.start_with(-2 * DAY)
        expected = self.write(nodes[0], 1, 100)
        self.wait_until_told(astray, " s behind the NATS server's")
        self.assertTrue(nodes[0].is_linked() and nodes[1].is_linked())
        self.clock.set(0)
        nodes.wait_until_in_step(20)
        self.assert_values(nodes, expected)

    def test_one_that_is_hours_ahead_takes_the_others_along(self):
        nodes, astray = self.start_with(3600)
        with astray.client() as client:
            self.assertEqual(client.set(b"key", b"first, by the clock ahead"), b"STORED")
        self.assert_values(nodes, {b"key": b"first, by the clock ahead"})
        with nodes[0].client() as client:
            self.assertEqual(client.set(b"key", b"second"), b"STORED")
        self.assert_values(nodes, {b"key": b"second"})

    def test_one_whose_clock_is_set_while_it_runs_orders_nothing_anew(self):
        nodes, astray = self.start_with(0)
        for number, offset in enumerate((3600, -3600, 0)):
            self.clock.set(offset)
            for writer in (astray, nodes[0]):
                value = b"%d by %s" % (number, writer.name.encode())
                with writer.client() as client:
                    self.assertEqual(client.set(b"key", value), b"STORED")
                self.assert_values(nodes, {b"key": value})


class Limits(NatsCase):
    def test_a_value_above_a_nodes_limit_takes_the_older_one_with_it(self):
        server = self.server()
        nodes = self.cluster(1, server=server)
        nodes.nodes[0].arguments += ["-I", "4m"]
        nodes.add(1, "-I", "4m")
        small = nodes.add(2, "-I", "1m")
        nodes.start()
        large = {b"large%d" % number: os.urandom(size) for number, size in
                 enumerate(((1 << 20) - 1, 1 << 20, 2_000_000, 4_000_000))}
        with nodes[0].client(20) as client:
            for key in large:
                self.assertEqual(client.set(key, b"small yet"), b"STORED")
        nodes.wait_until_equal(list(large))
        with nodes[0].client(20) as client:
            for key, value in large.items():
                self.assertEqual(client.set(key, value), b"STORED")
            self.assertEqual(client.set(b"bystander", b"alive"), b"STORED")

        def held(node):
            with node.client(20) as client:
                return {key: value[0] for key, value in
                        client.gets_many(list(large) + [b"bystander"]).items()}
        until(lambda: held(nodes[1]) == {**large, b"bystander": b"alive"}, 20, "its like has all")
        until(lambda: b"bystander" in held(small), 20, "the smaller one has read as far")
        self.assertTrue(all(value == large[key] for key, value in held(small).items()
                            if key != b"bystander"), "none that is older")
        self.assertNotIn(b"large3", held(small))
        self.assertTrue(all(node.is_linked() for node in nodes))


if __name__ == "__main__":
    main()
