"""Two nodes of a cluster that were given one number: the second is told so, and nothing is harmed."""
import time

from harness import main, until, world
from harness.nats_case import NatsCase

LINE = "another node is node 0 of the cluster twincached"


class OneNumber(NatsCase):
    def namesake(self, nodes):
        """A second node 0, on an address of its own."""
        return self.node(*nodes[0].arguments, name="namesake", host=9)

    def refusals(self, node):
        return [line for line in node.process.log().splitlines() if LINE in line]

    def test_the_second_is_told_where_the_first_is_and_harms_nobody(self):
        nodes = self.cluster(2).start()
        expected = self.write(nodes[0], 1, 300)
        self.assert_values(nodes, expected)
        second = self.namesake(nodes).start(20)
        said = until(lambda: self.refusals(second), 10, "it says why it is alone")
        self.assertIn(f"process {nodes[0].process.pid}", said[0])
        self.assertIn(" error ", said[0])
        self.assertEqual(second.replication()["repl_state"], "CONNECTING")
        self.assertIn(LINE, second.replication()["repl_last_refusal"])
        # It serves, and what it is told stays with it for now.
        with second.client() as client:
            self.assertEqual(client.gets_many(list(expected)), {})
            self.assertEqual(client.set(b"of-the-second", b"1"), b"STORED")
            client.set(b"key1", b"of the second")
        expected.update(self.write(nodes[1], 2, 300))
        time.sleep(world.scaled(1.5))  # three more attempts
        self.assert_values(nodes, {**expected, b"of-the-second": None})
        for node in nodes:
            self.assertTrue(node.is_linked())
            self.assertEqual(node.replication()["repl_broker_connections"], "1")
            self.assertEqual(self.refusals(node), [])
        self.assertEqual(len(self.refusals(second)), 1)
        # When the number is free the second takes it, with all that it holds.
        nodes[0].kill()
        until(second.is_linked, 20, "it is let in")
        nodes.nodes[0] = second
        nodes.wait_until_in_step()
        held = nodes.wait_until_equal([*expected, b"of-the-second"])
        self.assertEqual(held[b"of-the-second"][0], b"1")

    def test_the_first_keeps_its_number_whoever_is_there_first_after_the_broker_was_away(self):
        server = self.server()
        nodes = self.cluster(2, server=server).start()
        second = self.namesake(nodes).start(20)
        until(lambda: self.refusals(second), 10, "it says why it is alone")
        for _ in range(3):
            server.kill()
            until(lambda: not any(node.is_linked() for node in nodes), 10, "all notice")
            server.start()
            nodes.wait_until_in_step()
        expected = self.write(nodes[0], 1, 300)
        self.assert_values(nodes, expected)
        self.assertFalse(second.is_linked())

    def test_a_node_that_was_killed_gets_its_number_back_at_once(self):
        nodes = self.cluster(2).start()
        expected = self.write(nodes[0], 1, 300)
        self.assert_values(nodes, expected)
        for _ in range(3):
            nodes[0].kill()
            nodes[0].start(20)
            nodes.wait_until_in_step()
            self.assertEqual(self.refusals(nodes[0]), [])
        self.assert_values(nodes, expected)


if __name__ == "__main__":
    main()
