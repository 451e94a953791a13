"""What a node keeps is listed, compared with its peer's, saved and restored, by who may read it."""
import json
import os
import socket
import subprocess
import time
import unittest

from harness import Case, main, until, world
from harness.admin import Admin, local_address

TWINCTL = os.environ.get("TWINCTL", os.path.join(os.path.dirname(world.SERVER), "twinctl"))


def free_port(host):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def keys_of(text):
    return {line.split()[0].removeprefix("key=") for line in text.splitlines()
            if line.startswith("key=")}


@unittest.skipUnless(os.access(TWINCTL, os.X_OK), "no twinctl beside the server")
class Items(Case):
    def said(self, *words, given=""):
        """(exit status, standard output, standard error)."""
        ended = subprocess.run([TWINCTL, *map(str, words)], capture_output=True, text=True,
                               input=given, timeout=world.scaled(60))
        return ended.returncode, ended.stdout, ended.stderr

    def started(self, *arguments, number=1, **options):
        """A node, and the words that name it to twinctl."""
        path = os.path.join(self.directory, f"admin{number}")
        node = self.node("--admin-listen", f"local,{path}", *arguments, name=f"n{number}",
                         host=number, **options).start()
        return node, ("--socket", path)

    def at(self, node):
        return "{}:{}".format(*node.address)

    # --- who may -----------------------------------------------------------------------------

    def test_items_are_shown_at_the_sockets_of_the_nodes_user_and_at_no_port(self):
        port = free_port(self.addresses.host(1))
        node = self.node("--admin-listen", f"local,{self.addresses.host(1)}:{port}").start()
        with node.client() as client:
            client.set(b"mine", b"value")
        by_port = Admin((self.addresses.host(1), port))
        by_socket = Admin(local_address(node.process.pid))
        for path in ("/keys", "/items"):
            self.assertEqual(by_port.status(path), 403)
            self.assertNotIn("mine", by_port.line(path))
            self.assertEqual(by_socket.status(path), 200)
        self.assertIn("key=mine", by_socket.line("/keys"))
        self.assertEqual(by_port.status("/metrics"), 200)

    # --- keys --------------------------------------------------------------------------------

    def test_keys_are_listed_by_prefix_and_limit(self):
        node, at = self.started()
        with node.client() as client:
            for i in range(30):
                client.set(b"user:%d" % i, b"x")
                client.set(b"page:%d" % i, b"x")
        code, text, _ = self.said(*at, "keys", "--prefix", "user:")
        self.assertEqual((code, keys_of(text)), (0, {f"user%3A{i}" for i in range(30)}))
        self.assertEqual(len(keys_of(self.said(*at, "keys")[1])), 60)
        self.assertEqual(len(self.said(*at, "keys", "--limit", "7")[1].splitlines()), 7)
        lines = self.said(*at, "keys", "--json", "--limit", "2")[1].splitlines()
        self.assertEqual([json.loads(line)["size"] for line in lines], [1, 1])

    # --- dump and load -----------------------------------------------------------------------

    def test_what_was_dumped_is_loaded_into_any_node(self):
        node, at = self.started()
        large = os.urandom(900_000)
        with node.client() as client:
            for i in range(500):
                client.set(b"key%d" % i, os.urandom(i), i, 0 if i % 2 else 1000)
            client.set(b"large", large)
            client.set(b"soon", b"x", 0, 1)
            stored = time.monotonic()
            self.assertEqual(client.ask(b"ms AP8= 3 b", b"raw"), b"HD")
        code, dump, _ = self.said(*at, "dump")
        self.assertEqual(code, 0)
        self.assertEqual(dump.splitlines()[0], "# twincached dump 1")
        # Wherever in its second it was stored, by anybody's clock.
        until(lambda: time.monotonic() > stored + 2, 5, "one has expired")
        other, _ = self.started(number=2)
        code, told, problem = self.said("load", "--to", self.at(other), given=dump)
        self.assertEqual((code, problem), (0, ""), told)
        self.assertIn("502 stored, 1 ended meanwhile", told)
        with other.client() as client:
            self.assertEqual(client.get(b"large"), large)
            self.assertEqual(client.ask(b"mg AP8= b v"), b"VA 3")
            self.assertEqual(client.line(), b"raw")
        # All but versions, and what is left of a life, is as it was.
        with node.client() as before, other.client() as after:
            for i in range(0, 500, 7):
                request = b"get key%d" % i
                self.assertEqual(before.values(request), after.values(request))
                self.assertEqual(len(after.get(b"key%d" % i)), i)
            left = int(after.ask(b"mg key100 t").split()[1][1:])
            self.assertTrue(900 < left <= 1000, left)

    def test_a_dump_that_is_cut_off_is_told(self):
        node, at = self.started()
        with node.client() as client:
            client.set(b"a", b"x")
        dump = self.said(*at, "dump")[1]
        code, told, problem = self.said("load", "--to", self.at(node),
                                        given=dump[:dump.index("# end")])
        self.assertEqual(code, 1)
        self.assertIn("1 stored", told)
        self.assertIn("cut off behind 1 items", problem)

    def test_only_new_items_are_loaded_if_that_is_wanted(self):
        node, at = self.started()
        with node.client() as client:
            client.set(b"a", b"old")
            client.set(b"b", b"old")
            dump = self.said(*at, "dump")[1]
            client.set(b"a", b"new")
            client.ask(b"delete b")
            told = self.said("load", "--to", self.at(node), "--only-new", given=dump)[1]
            self.assertIn("1 stored, 0 ended meanwhile, 1 kept as they were, 0 refused", told)
            self.assertEqual((client.get(b"a"), client.get(b"b")), (b"new", b"old"))

    def test_a_server_that_refuses_items_is_quoted(self):
        node, at = self.started("-I", "4m")
        with node.client() as client:
            client.set(b"a", b"x" * 2_000_000)
        small, _ = self.started(number=2)
        code, told, _ = self.said("load", "--to", self.at(small), given=self.said(*at, "dump")[1])
        self.assertEqual(code, 1)
        self.assertIn("1 refused: SERVER_ERROR object too large for cache", told)

    # --- digest ------------------------------------------------------------------------------

    def test_a_node_alone_keeps_no_digests(self):
        _, first = self.started()
        _, second = self.started(number=2)
        code, _, problem = self.said(*first, *second, "digest")
        self.assertEqual(code, 2)
        self.assertIn("keeps no digests", problem)

    def test_mistakes_are_sentences(self):
        for words in (["load"], ["load", "--to", "x"], ["keys", "--to", "a:1"],
                      ["status", "--prefix", "a"], ["dump", "--only-new"], ["top", "--limit", "3"]):
            code, _, problem = self.said(*words)
            self.assertEqual((code, problem.count("\n")), (1, 1), words)


@unittest.skipUnless(os.access(TWINCTL, os.X_OK), "no twinctl beside the server")
class Digest(Case):
    needs_replication = True

    def compared(self, nodes, *words):
        at = []
        for node in nodes:
            at += ["--socket", self.socket_of(node)]
        ended = subprocess.run([TWINCTL, *at, "--timeout", "30s", "digest", *words],
                               capture_output=True, text=True, timeout=world.scaled(60))
        return ended.returncode, ended.stdout + ended.stderr

    def socket_of(self, node):
        return os.path.join(self.directory, f"admin-{node.name}")

    def test_two_nodes_in_step_are_equal_and_two_apart_are_told_by_their_keys(self):
        nodes, relays = self.relayed_pair()
        for node in nodes:
            node.arguments += ["--admin-listen", f"local,{self.socket_of(node)}"]
        nodes.start()
        with nodes.a.client() as a, nodes.b.client() as b:
            for i in range(200):
                a.set(b"key%d" % i, b"x")
            nodes.wait_until_at_rest()
            code, text = self.compared(nodes)
            self.assertEqual(code, 0, text)
            self.assertTrue(text.startswith("equal: "), text)
            for relay in relays:
                relay.cut()
            until(lambda: not nodes.a.is_linked() and not nodes.b.is_linked(), 10, "they part")
            a.set(b"only:here", b"x")
            b.set(b"key7", b"newer")
            b.ask(b"delete key9")
        code, text = self.compared(nodes, "--json")
        self.assertEqual(code, 1, text)
        page = json.loads(text)
        self.assertFalse(page["equal"])
        told = {item["key"]: [version != 0 for version in item["versions"]]
                for item in page["items"]}
        self.assertEqual(told, {"only%3Ahere": [True, False], "key7": [True, True],
                                "key9": [True, False]})
        text = self.compared(nodes)[1]
        self.assertIn(f"key key9: on {self.socket_of(nodes.a)} alone", text)
        self.assertIn(f"key key7: newer on {self.socket_of(nodes.b)}", text)
        for relay in relays:
            relay.heal()
        nodes.wait_until_linked()
        nodes.wait_until_at_rest()
        self.assertEqual(self.compared(nodes)[0], 0)


if __name__ == "__main__":
    main()
