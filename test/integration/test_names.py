"""Names of the peer that stand for nothing, too late, for too much, and peers that are refused."""
import os
import socket
import subprocess
import time

from harness import Case, main, until, within, world


def can_mount():
    command = ["unshare", "-m", "true"]
    return world.IS_ROOT and subprocess.run(command, capture_output=True).returncode == 0


def free_port():
    """A port of localhost that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Names(Case):
    needs_replication = True

    def _named(self, peer, *arguments, name="node", host=1):
        """A node that knows its peer by what is given."""
        return self.node(*arguments, name=name, host=host, peer=peer)

    def _place(self, host):
        return f"{self.addresses.host(host)}:{self.link_port}"

    def _secret(self):
        path = os.path.join(self.directory, "secret")
        with open(path, "w") as file:
            file.write("only-for-the-peer\n")
        os.chmod(path, 0o600)
        return f"--secret-file={path}"

    def _link(self, *nodes):
        for node in nodes:
            until(node.is_linked, 10, f"{node.name} is linked")

    def test_a_peer_without_an_address_keeps_a_node_neither_from_serving_nor_from_ending(self):
        node = self._named("no-such-host.invalid", "--boot-grace=1s")
        node.start()
        with node.client() as client:
            client.set(b"k", b"v")
            self.assertEqual(client.get(b"k"), b"v")
        self.assertEqual(node.replication()["repl_node"], "")
        # It goes on asking, and says so once.
        time.sleep(3)
        self.assertEqual(node.process.log().count("does not resolve"), 1)
        began = time.monotonic()
        self.assertEqual(node.stop(), 0)
        within(world.scaled(2), began, "ended")

    def test_a_name_service_that_does_not_answer_delays_neither_the_port_nor_the_end(self):
        if not can_mount():
            self.skipTest("needs a mount namespace")
        deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(deaf.close)
        try:
            deaf.bind((self.addresses.host(9), 53))
        except OSError:
            self.skipTest("needs port 53")
        path = os.path.join(self.directory, "resolv.conf")
        with open(path, "w") as file:
            file.write(f"nameserver {self.addresses.host(9)}\noptions timeout:30 attempts:3\n")
        node = self._named("host-b", "--boot-grace=1s")
        words = node.command_line()
        node.command_line = lambda: [
            "unshare", "-m", "sh", "-c",
            f"mount --bind {path} /etc/resolv.conf && exec \"$@\"", "sh", *words]
        began = time.monotonic()
        node.start()
        within(world.scaled(3), began, "serves")
        deaf.settimeout(5)
        self.assertIn(b"host-b", deaf.recv(512))  # it does ask
        began = time.monotonic()
        self.assertEqual(node.stop(), 0)
        within(world.scaled(2), began, "ended")

    def test_a_node_that_is_not_known_by_address_is_called_and_told_which_it_is(self):
        secret = self._secret()
        unknowing = self._named("no-such-host.invalid", secret, "--boot-grace=500ms", name="a")
        unknowing.start()
        with unknowing.client() as client:
            client.set(b"alone", b"1")
        knowing = self._named(self._place(1), secret, name="b", host=2).start()
        self._link(unknowing, knowing)
        with unknowing.client() as one, knowing.client() as other:
            until(lambda: other.get(b"alone") == b"1", 5, "what was written alone arrives")
            other.set(b"both", b"2")
            until(lambda: one.get(b"both") == b"2", 5, "what the other wrote arrives")
        self.assertEqual({node.replication()["repl_node"] for node in (unknowing, knowing)},
                         {"a", "b"})

    def test_what_an_undecided_node_has_saved_comes_back_whichever_it_is_then(self):
        memory = os.path.join(self.directory, "items")
        node = self._named("no-such-host.invalid", "--boot-grace=100ms", "-e", memory)
        node.start()
        with node.client() as client:
            client.set(b"kept", b"1")
        self.assertEqual(node.stop(), 0)
        node.peer = self._place(2)
        node.start()
        with node.client() as client:
            self.assertEqual(client.get(b"kept"), b"1")

    def test_a_name_with_addresses_of_this_machine_pairs_two_nodes_of_it(self):
        if not world.knows_localhost():
            self.skipTest("no name has an address of this machine here")
        ports = [free_port(), free_port()]
        a, b = (self._named(f"localhost:{ports[1 - n]}", f"--link-listen=127.0.0.1:{ports[n]}",
                            self._secret(), name="ab"[n], host=n + 1) for n in (0, 1))
        a.launch()
        b.launch()
        for node in (a, b):
            node.wait_until_open()
        self._link(a, b)


class Refused(Case):
    needs_replication = True

    def test_a_peer_with_another_secret_is_a_line_or_two_and_counted(self):
        nodes = self.pair("--boot-grace=1s")
        for node in nodes:
            path = os.path.join(self.directory, f"secret-{node.name}")
            with open(path, "w") as file:
                file.write(f"the secret of {node.name}\n")
            node.arguments.append(f"--secret-file={path}")
        nodes.launch()
        for node in nodes:
            node.wait_until_open()
        # Until each has been refused for the third time, ten seconds later.
        for node in nodes:
            until(lambda: int(node.replication()["repl_refused"]) >= 3, 20, "refused again")
        for node in nodes:
            log = node.process.log()
            self.assertEqual(log.count("-> REFUSED"), 1, log)
            self.assertEqual(log.count("on the link port: "), 1, log)
            self.assertGreaterEqual(int(node.replication()["repl_strangers"]), 2)


class Lonely(Case):
    needs_replication = True

    def _said(self, *words):
        user = ["-u", "root"] if world.IS_ROOT else []
        ended = subprocess.run([world.SERVER, *user, "-l", self.addresses.host(1), *words,
                                "--check-config"], capture_output=True, text=True,
                               stdin=subprocess.DEVNULL, timeout=world.scaled(10))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return ended.stderr

    def test_options_that_make_no_pair_are_said_to_at_the_check_and_at_the_start(self):
        for words in (["-X", "11300"], ["--cluster=shop"], ["--node=a"], ["--ack=received"],
                      ["--on-split=secondary-closed"], ["--replication-driver=none", "-x", "b"]):
            with self.subTest(words=words):
                self.assertIn("this node is alone, although", self._said(*words))
        self.assertNotIn("alone", self._said())
        node = self.node("--cluster=shop").start()
        self.assertIn("has cluster: it needs a peer (-x, or peer in [replication])",
                      node.process.log())

    def test_a_name_of_this_very_node_is_said_to_be_at_the_check_and_at_the_start(self):
        port = free_port()
        link, name = f"--link-listen=127.0.0.1:{port}", "127.1"  # which the system takes for a name
        itself = f"warning{{}} peer (-x) {name}: the name stands for no address but this node's own"
        at = ("-p", str(self.client_port), link, "-x")
        self.assertIn(itself.format(":"), self._said(*at, f"{name}:{port}"))
        self.assertNotIn(itself.format(":"), self._said(*at, f"{name}:{port - 1}"))
        node = self.node(link, "--boot-grace=100ms", peer=f"{name}:{port}").start()
        self.assertIn(itself.format(""), node.process.log())

    def test_a_name_of_this_machine_is_reached_from_a_link_on_loopback(self):
        at = ("-p", str(self.client_port), f"--link-listen=127.0.0.1:{free_port()}", "-x")
        self.assertNotIn("cannot be reached", self._said(*at, "127.1:1"))
        self.assertIn("cannot be reached", self._said(*at, "192.0.2.9"))


if __name__ == "__main__":
    main()
