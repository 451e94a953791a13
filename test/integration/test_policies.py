"""What a node does when its peer is lost (on-split, on-peer-crash), and pairs of two versions."""
import os
import signal

from harness import Case, main, until

REFUSAL = b"SERVER_ERROR read only, the other node is out of sight"


def access(node):
    return node.replication()["repl_access"]


class SplitPolicy(Case):
    needs_replication = True

    def linked_pair(self, *options):
        """Both linked; the first is primary."""
        nodes = self.pair(*options).start()
        self.assertEqual(nodes.a.replication()["repl_role"], "primary")
        with nodes.a.client() as client:
            client.set(b"key", b"value")
        nodes.wait_until_equal([b"key"])
        # The primary falls silent, and is alive: what a cut link looks like from here.
        nodes.a.pause()
        self.addCleanup(nodes.a.resume)
        return nodes

    def test_as_it_comes_both_nodes_serve(self):
        nodes = self.linked_pair()
        until(lambda: nodes.b.replication()["repl_role"] == "primary", 3, "b is promoted")
        with nodes.b.client() as client:
            self.assertEqual(client.ask(b"set new 0 0 1", b"x"), b"STORED")

    def test_a_secondary_may_only_be_read_until_the_link_is_back(self):
        nodes = self.linked_pair("--on-split", "secondary-readonly")
        with nodes.b.client() as client:
            until(lambda: access(nodes.b) == "read-only", 3, "b is read only")
            self.assertEqual(client.get(b"key"), b"value")
            self.assertEqual(client.ask(b"set key 0 0 1", b"x"), REFUSAL)
            self.assertEqual(client.ask(b"delete key"), REFUSAL)
            self.assertEqual(nodes.b.replication()["repl_role"], "secondary")
            nodes.a.resume()
            until(lambda: access(nodes.b) == "open", 3, "b takes changes again")
            self.assertEqual(client.ask(b"set key 0 0 1", b"x"), b"STORED")
        nodes.wait_until_linked()
        nodes.wait_until_equal([b"key"])

    def test_a_secondary_closes_its_port_until_the_link_is_back(self):
        nodes = self.linked_pair("--on-split", "secondary-closed")
        with nodes.b.client() as client:
            until(lambda: not nodes.b.is_open(), 3, "the port is closed")
            # A request that crossed the closing may still be answered.
            self.assertEqual(client.rest(), b"")
        nodes.a.resume()
        nodes.b.wait_until_open(3)
        with nodes.b.client() as client:
            self.assertEqual(client.get(b"key"), b"value")
            self.assertEqual(client.ask(b"set key 0 0 1", b"x"), b"STORED")

    def test_a_secondary_whose_primary_is_killed_serves_at_once(self):
        nodes = self.linked_pair("--on-split", "secondary-closed")
        nodes.a.resume()
        nodes.a.kill()
        with nodes.b.client() as client:
            self.assertEqual(client.get(b"key"), b"value")
            self.assertEqual(client.ask(b"set key 0 0 1", b"x"), b"STORED")

    def test_an_operator_lets_a_restricted_node_serve_by_sighup(self):
        config = os.path.join(self.directory, "pair.conf")

        def write(policy):
            with open(config, "w") as file:
                file.write(f"[replication]\non-split = {policy}\n")
        write("secondary-closed")
        nodes = self.linked_pair("--config", config)
        until(lambda: not nodes.b.is_open(), 3, "the port is closed")
        write("both")
        nodes.b.process.signal(signal.SIGHUP)
        nodes.b.wait_until_open(3)
        until(lambda: nodes.b.replication()["repl_role"] == "primary", 3, "b is promoted")


class CrashPolicy(Case):
    needs_replication = True

    def survivor_of_a_kill(self, *options):
        nodes = self.pair(*options).start()
        with nodes.a.client() as client:
            client.set(b"key", b"value")
        nodes.wait_until_equal([b"key"])
        until(lambda: nodes.b.replication()["repl_state"] == "LINKED", 3, "linked")
        nodes.a.kill()
        until(lambda: nodes.b.replication()["repl_promotions"] == "1", 3, "b is promoted")
        return nodes.b

    def test_the_survivor_keeps_its_items(self):
        with self.survivor_of_a_kill().client() as client:
            self.assertEqual(client.get(b"key"), b"value")

    def test_or_forgets_them_if_it_is_told_to(self):
        with self.survivor_of_a_kill("--on-peer-crash", "flush").client() as client:
            self.assertIsNone(client.get(b"key"))
            client.set(b"key", b"new")
            self.assertEqual(client.get(b"key"), b"new")


class TwoVersions(Case):
    needs_replication = True
    NEWEST = "3"

    def test_a_pair_is_upgraded_one_node_at_a_time(self):
        self._upgrade("1")

    def test_and_so_is_one_whose_version_is_the_last_but_one(self):
        self._upgrade("2")

    def _upgrade(self, old):
        nodes = self.pair("--link-protocol", old).start()
        keys = [b"key-%d" % i for i in range(200)]

        def write(node, value):
            with node.client() as client:
                for key in keys:
                    client.set(key, value)
        write(nodes.a, b"old")
        nodes.wait_until_equal(keys)
        for step, node in enumerate(nodes):
            node.stop()
            node.arguments = []  # the new version
            node.start()
            nodes.wait_until_linked()
            spoken = {n.replication()["repl_protocol"] for n in nodes}
            self.assertEqual(spoken, {old if step == 0 else self.NEWEST})
            nodes.wait_until_equal(keys)
            write(nodes.other(node), b"by the other, step %d" % step)
            write(node, b"by the upgraded one, step %d" % step)
            nodes.wait_until_equal(keys)
        with nodes.b.client() as client:
            self.assertEqual(client.get(keys[0]), b"by the upgraded one, step 1")


if __name__ == "__main__":
    main()
