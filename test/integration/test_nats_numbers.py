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

    def test_a_node_that_was_stopped_while_another_took_its_number_is_told(self):
        nodes = self.cluster(2, "--member-timeout", "1s", "--nats-max-age", "10s").start()
        expected = self.write(nodes[1], 1, 300)
        self.assert_values(nodes, expected)
        stopped = nodes[0]
        stopped.pause()
        time.sleep(world.scaled(2))
        taker = self.namesake(nodes).start(20)
        until(taker.is_linked, 20, "the number is free")
        stopped.resume()
        until(lambda: self.refusals(stopped), 20, "it says where the other is")
        self.assertIn(f"process {taker.process.pid}", self.refusals(stopped)[-1])
        self.assertEqual(stopped.replication()["repl_state"], "CONNECTING")
        self.assertTrue(taker.is_linked())
        self.assertEqual(self.refusals(taker), [])
        taker.kill()
        until(stopped.is_linked, 20, "it is let in")
        nodes.wait_until_in_step()
        self.assert_values(nodes, expected)

    def test_a_number_that_is_used_at_both_sites_is_refused_at_one(self):
        sites = self.cluster_of_two_sites(1)
        nodes = sites.nodes
        sites.way.cut()
        arguments = list(nodes[1].arguments)
        arguments[arguments.index("--node") + 1] = "0"
        twin = self.node(*arguments, name="twin", host=9).start(30)
        until(twin.is_linked, 30, "nobody tells it otherwise")
        sites.way.heal()
        until(lambda: self.refusals(nodes[0]) or self.refusals(twin), 30, "one is told")
        until(lambda: nodes[0].is_linked() != twin.is_linked(), 10, "the other goes on")

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
