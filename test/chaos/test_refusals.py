"""Peers that must not be paired, and bytes that are not what was sent (section 17)."""
import os

import chaos  # noqa: F401 pylint: disable=unused-import
from chaos.case import ChaosCase
from chaos.load import MetaClient
from harness import main, until


class Refusals(ChaosCase):

    def _refused(self, what, *arguments_of_b):
        """b, started so, gets no data; started right, all of it."""
        nodes = self.machines(self._secret("right"), "--boot-grace=1s")
        right = list(nodes.b.arguments)
        nodes.b.arguments = list(arguments_of_b)
        nodes.launch()
        for node in nodes:
            node.wait_until_open()
        with MetaClient(nodes.a.address) as on_a:
            on_a.store(b"k", b"private")
            until(lambda: nodes.a.number("refused") + nodes.b.number("refused"), 5, "refused")
            print(f"{what}: {[node.replication()['repl_last_refusal'] for node in nodes]}",
                  flush=True)
            for node in nodes:
                self.assertNotIn(node.state(), ("LINKED", "SYNCING"))
            with MetaClient(nodes.b.address) as on_b:
                self.assertIsNone(on_b.read(b"k")[0])
                on_b.store(b"k2", b"other")
            self.assertIsNone(on_a.read(b"k2")[0])
        nodes.b.stop()
        nodes.b.arguments = right
        nodes.b.start()
        nodes.wait_until_linked(8)
        with MetaClient(nodes.b.address) as on_b:
            self.assertEqual(on_b.read(b"k")[0], b"private")

    def _secret(self, secret):
        path = os.path.join(self.directory, f"{secret}.secret")
        with open(path, "w") as file:
            file.write(secret + "\n")
        os.chmod(path, 0o600)
        return f"--secret-file={path}"

    def test_a_wrong_secret_gets_no_data(self):
        """Row: wrong secret."""
        self._refused("wrong secret", self._secret("wrong"), "--boot-grace=1s")

    def test_a_missing_secret_gets_no_data(self):
        """Row: wrong secret."""
        self._refused("no secret", "--boot-grace=1s")

    def test_the_node_of_another_cluster_gets_no_data(self):
        """Row: two clusters crossed."""
        self._refused("other cluster", self._secret("right"), "--boot-grace=1s", "--cluster=other")

    def test_two_nodes_of_one_name_refuse_each_other(self):
        """Row: equal node ids would mint equal versions."""
        self._refused("both are a", self._secret("right"), "--boot-grace=1s", "--node=a")

    def test_a_node_that_dials_itself_serves_alone(self):
        """Row: self-connect."""
        nodes = self.machines("--boot-grace=1s", "--node=a")
        nodes.a.peer = nodes.a.machine.link_address
        nodes.a.start(8)
        with MetaClient(nodes.a.address) as on_a:
            on_a.store(b"k", b"v")
            self.assertEqual(on_a.read(b"k")[0], b"v")
        self.assertNotIn(nodes.a.state(), ("LINKED", "SYNCING"))


if __name__ == "__main__":
    main()
