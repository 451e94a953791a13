"""Two to four nodes that keep each other in step over a real nats-server."""
import json
import os
import socket
import subprocess
import threading
import unittest

from harness import main, until, world
from harness.nats_case import NatsCase
from harness.nats_server import Cluster
from harness.schema import problems

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), os.pardir, os.pardir))
TWINCTL = os.environ.get("TWINCTL", os.path.join(os.path.dirname(world.SERVER), "twinctl"))


class InStep(NatsCase):
    def test_four_nodes_come_to_hold_the_same_whatever_is_done_to_which(self):
        nodes = self.cluster(4).start()
        expected = self.write(nodes[0], 1, 1000)
        self.assert_values(nodes, expected)
        with nodes[1].client() as one, nodes[2].client() as two, nodes[3].client() as three:
            self.assertEqual(one.set(b"counter", b"10"), b"STORED")
            until(lambda: two.get(b"counter") == b"10", 5, "the counter arrives")
            self.assertEqual(two.ask(b"incr counter 5"), b"15")
            until(lambda: three.get(b"counter") == b"15", 5, "the sum arrives")
            self.assertEqual(three.ask(b"append counter 0 0 1", b"0"), b"STORED")
            large = os.urandom(900_000)
            self.assertEqual(one.set(b"large", large, 7), b"STORED")
            self.assert_values(nodes, {b"counter": b"150", b"large": large})
            self.assertEqual(two.ask(b"flush_all"), b"OK")
            expected.update({key: None for key in expected})
            expected.update({b"counter": None, b"large": None})
            self.assert_values(nodes, expected)
            self.assertEqual(three.set(b"after", b"1"), b"STORED")
            self.assert_values(nodes, {b"after": b"1"})

    def test_all_nodes_may_write_the_same_keys_at_once(self):
        nodes = self.cluster(3).start()
        writers = [threading.Thread(target=self.write, args=(node, seed, 1000, 100))
                   for seed, node in enumerate(nodes)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        nodes.wait_until_equal([b"key%d" % n for n in range(100)])

    def test_what_a_node_has_lived_of_a_ttl_counts_at_the_others(self):
        nodes = self.cluster(2).start()
        with nodes[0].client() as client:
            client.set(b"short", b"1", exptime=2)
            client.set(b"long", b"1", exptime=1000)
        self.assert_values(nodes, {b"short": b"1", b"long": b"1"})
        with nodes[1].client() as client:
            until(lambda: client.get(b"short") is None, 5, "it expires there, too")
        self.assert_values(nodes, {b"short": None, b"long": b"1"})


class Doors(NatsCase):
    def test_nobody_comes_in_without_the_password(self):
        server = self.server("authorization { user: node, password: right }")
        with self.assertRaises((ConnectionError, OSError)):
            server.ask("$JS.API.INFO", seconds=2)
        right, wrong = (os.path.join(self.directory, name) for name in ("right", "wrong"))
        for path, password in ((right, "right"), (wrong, "wrong")):
            with open(path, "w") as file:
                file.write(password + "\n")
        nodes = self.cluster(2, "--nats-user", "node", "--nats-password-file", right,
                             server=server).start()
        stranger = self.node("--replication-driver", "nats", "--nats-servers", server.url,
                             "--node", "2", "--nats-user", "node", "--nats-password-file", wrong,
                             "--boot-grace", "200ms", name="stranger", host=8).start()
        self.assertEqual(stranger.replication()["repl_state"], "CONNECTING")
        self.assertIn("uthorization", stranger.replication()["repl_last_refusal"])
        self.assertNotIn("wrong\n", stranger.process.log().replace(wrong, ""))
        expected = self.write(nodes[0], 1, 200)
        self.assert_values(nodes, expected)
        with stranger.client() as client:
            self.assertEqual(client.gets_many(list(expected)), {})

    def test_two_clusters_at_one_broker_do_not_meet(self):
        server = self.server()
        one = self.cluster(2, "--cluster", "one", server=server).start()
        other = Cluster(self, [server], 1, "--cluster", "two", "--boot-grace", "200ms", first=2)
        other.nodes[0].start(20)
        expected = self.write(one[0], 1, 200)
        self.assert_values(one, expected)
        with other.nodes[0].client() as client:
            self.assertEqual(client.gets_many(list(expected)), {})

    def test_no_message_is_longer_than_the_broker_takes(self):
        server = self.server("max_payload: 65536")
        nodes = self.cluster(2, server=server).start()
        expected = {b"large%d" % n: os.urandom(400_000) for n in range(5)}
        with nodes[0].client() as client:
            for key, value in expected.items():
                self.assertEqual(client.set(key, value), b"STORED")
        self.assert_values(nodes, expected)
        joiner = nodes.add(2)
        joiner.start(20)
        self.assert_values(nodes, expected)
        for node in nodes:
            self.assertEqual(node.replication()["repl_broker_connections"], "1")

    def test_what_was_answered_with_ack_received_survives_the_node(self):
        nodes = self.cluster(2, "--ack", "received", "--ack-timeout", "2s").start()
        expected = {}
        with nodes[0].client() as client:
            for number in range(300):
                expected[b"key%d" % number] = b"%d" % number
                client.set(b"key%d" % number, b"%d" % number)
            nodes[0].kill()
        nodes.nodes.pop(0)
        self.assert_values(nodes, expected)

    def test_options_that_make_no_cluster_are_refused_with_a_sentence(self):
        for arguments, sentence in (
                (["--nats-servers", "localhost"], "driver nats needs node"),
                (["--nats-servers", "localhost", "--node", "a"], "are 0, 1, 2 and 3, not 'a'"),
                (["--replication-driver", "nats", "--node", "1"], "needs a NATS server"),
                (["--nats-servers", "nats://u:p@host", "--node", "1"], "who this node is"),
                (["--nats-servers", "host", "--node", "1", "--nats-user", "u"],
                 "user needs password-file"),
                (["--nats-servers", "host", "--node", "1", "--cluster", "a b"], "letters, digits"),
                (["--nats-servers", "host", "--node", "1", "--nats-sites", "rome"],
                 "sites needs site"),
                (["--nats-servers", "host", "--node", "1", "--nats-replicas", "2"],
                 "replicas are 1, 3 or 5")):
            with self.subTest(arguments=arguments):
                node = self.node(*arguments, name="refused")
                node.launch()
                self.assertEqual(node.process.exit_status(10), 64)
                self.assertIn(sentence, node.process.log())


@unittest.skipUnless(os.access(TWINCTL, os.X_OK), "no twinctl beside the server")
class Told(NatsCase):
    def said(self, *words):
        ended = subprocess.run([TWINCTL, *words], capture_output=True, text=True,
                               timeout=world.scaled(30))
        return ended.returncode, ended.stdout + ended.stderr

    def test_twinctl_tells_of_the_members_and_of_the_broker(self):
        server = self.server()
        nodes = self.cluster(2, server=server)
        places = []
        for node in nodes:
            with socket.socket() as probe:
                probe.bind((node.host, 0))
                places.append(f"{node.host}:{probe.getsockname()[1]}")
            node.arguments += ["--admin-listen", f"local,{places[-1]}"]
        nodes.start()
        hosts = [word for place in places for word in ("--host", place)]
        until(lambda: "node 1: ready, in step" in self.said(*hosts[:2], "status")[1], 10,
              "each is a member to the other")
        code, text = self.said(*hosts, "status")
        self.assertEqual(code, 0, text)
        self.assertEqual(text.count("NATS server: " + server.url), 2, text)
        self.assertIn("in step with the cluster twincached", text)
        self.assertNotIn("its peer", text)
        self.assertNotIn("| primary", text)
        with open(os.path.join(SOURCE, "docs", "status.schema.json")) as file:
            schema = json.load(file)
        for told in json.loads(self.said(*hosts, "status", "--json")[1]):
            self.assertEqual(problems(told["status"], schema), [])
        code, text = self.said(*hosts[:2], "check", "primary")
        self.assertEqual((code, "a cluster has no primary" in text), (0, True), text)
        _, text = self.said(*hosts, "doctor")
        for no_fault in ("split", "peer", "neither a secret"):
            self.assertNotIn(no_fault, text)
        self.assertEqual(self.said(*hosts[:2], "check", "synchronised")[0], 0)
        server.kill()
        until(lambda: not nodes[0].is_linked(), 10, "the node notices")
        self.assertIn("it reaches no NATS server", self.said(*hosts[:2], "doctor")[1])
        self.assertEqual(self.said(*hosts[:2], "check", "ready")[0], 0)


if __name__ == "__main__":
    main()
