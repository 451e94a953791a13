"""The way of a cluster's nodes to their NATS servers: who is let in, who is not, and what a log says."""
import json
import os
import socket

from harness import main, until, world
from harness.certificates import Authority
from harness.nats_case import NatsCase
from harness.nkeys import NKey, Operator


class Listener:
    """One who listens at a server, as its user may."""

    def __init__(self, server, subject, user):
        self._socket = socket.create_connection(server.address, world.scaled(5))
        self._lines = self._socket.makefile("rb")
        self._lines.readline()
        login = json.dumps({"verbose": False, **user})
        self._socket.sendall(f"CONNECT {login}\r\nSUB {subject} 1\r\n".encode())
        self._heard = []
        self._await_pong()

    def _await_pong(self):
        self._socket.sendall(b"PING\r\n")
        while (line := self._lines.readline()) != b"PONG\r\n":
            if line == b"":
                raise ConnectionError("closed")
            if line.startswith(b"PING"):
                self._socket.sendall(b"PONG\r\n")
            elif not line.startswith(b"INFO"):
                self._heard.append(line)

    def heard(self):
        self._await_pong()
        return self._heard

    def close(self):
        self._socket.close()


class Way(NatsCase):
    """Every test tries one way in, and what is no way in."""

    def file(self, name, content):
        path = os.path.join(self.directory, name)
        with open(path, "w") as file:
            file.write(content + "\n")
        os.chmod(path, 0o644)
        return path

    def stranger(self, server, *arguments, host=8):
        return self.node("--replication-driver", "nats", "--nats-servers", server.url, "--node",
                         "3", "--boot-grace", "200ms", "-vv", *arguments, name=f"stranger{host}",
                         host=host)

    def assert_let_in(self, server, *arguments, secrets=()):
        """Two nodes meet there, and neither says a secret, whatever is asked of it."""
        nodes = self.cluster(2, "-vv", *arguments, server=server).start()
        self.assert_values(nodes, self.write(nodes[0], 1, 200))
        for node in nodes:
            self.assert_says_none_of(node, secrets)
            node.stop()

    def assert_says_none_of(self, node, secrets):
        said = node.process.log() + str(node.replication()) + str(node.stats(b"settings"))
        for secret in secrets:
            self.assertNotIn(secret, said)

    def assert_refused(self, server, node, words, secrets=()):
        """It serves all the same, says once why it is alone, and goes on trying."""
        node.start()
        until(lambda: "no broker at" in node.process.log(), 10, "it says that it is refused")
        tries = lambda: server.process.log().count("rror")
        before = tries()
        until(lambda: tries() > before + 2, 10, "it tries again")
        self.assert_still_serves(node)
        said = [line for line in node.process.log().splitlines() if "no broker at" in line]
        self.assertEqual(len(said), 1, said)
        for word in (server.address[0], words):
            self.assertIn(word, said[0])
        self.assertEqual(node.replication()["repl_state"], "CONNECTING")
        self.assertIn(words, node.replication()["repl_last_refusal"])
        self.assert_says_none_of(node, secrets)
        node.stop()


class Logins(Way):
    def test_a_user_and_the_password(self):
        server = self.server('authorization { user: node, password: "Aright-Pass1" }')
        right = self.file("right", "Aright-Pass1")
        wrong = self.file("wrong", "Awrong-Pass2")
        self.assert_let_in(server, "--nats-user", "node", "--nats-password-file", right,
                           secrets=["Aright-Pass1"])
        words = "uthorization"
        self.assert_refused(server, self.stranger(server), words)
        self.assert_refused(server, self.stranger(server, "--nats-user", "node",
                                                  "--nats-password-file", wrong, host=9), words,
                            secrets=["Awrong-Pass2"])

    def test_a_token(self):
        server = self.server('authorization { token: "Aright-Token1" }')
        right = self.file("right", "Aright-Token1")
        wrong = self.file("wrong", "Awrong-Token2")
        self.assert_let_in(server, "--nats-token-file", right, secrets=["Aright-Token1"])
        self.assert_refused(server, self.stranger(server, "--nats-token-file", wrong),
                            "uthorization", secrets=["Awrong-Token2"])

    def test_an_nkey(self):
        right, wrong = NKey(self.directory, "U", "right"), NKey(self.directory, "U", "wrong")
        server = self.server(f"authorization {{ users: [ {{ nkey: {right.public} }} ] }}")
        self.assert_let_in(server, "--nats-user", right.public, "--nats-credentials",
                           right.seed_file(), secrets=[right.seed])
        for host, user in ((8, wrong), (9, right)):
            # A stranger's key, and one who knows a public key and not its seed.
            node = self.stranger(server, "--nats-user", user.public, "--nats-credentials",
                                 wrong.seed_file(), host=host)
            self.assert_refused(server, node, "uthorization", secrets=[wrong.seed])

    def test_credentials_of_an_operator(self):
        operator = Operator(self.directory)
        server = self.server(operator.config)
        path, seed = operator.credentials()
        self.assert_let_in(server, "--nats-credentials", path, secrets=[seed])
        other = os.path.join(self.directory, "elsewhere")
        os.mkdir(other)
        path, seed = Operator(other).credentials("stranger")
        self.assert_refused(server, self.stranger(server, "--nats-credentials", path),
                            "uthorization", secrets=[seed])

    def test_a_user_who_may_do_what_the_manual_says_and_no_more(self):
        """And whose answers a neighbour does not hear, who may listen to the usual inboxes."""
        own = ["mcask.twincached.>", "mctell.twincached.>", "_INBOX_web.>"]
        publish = own + ["mc.twincached.>", "$JS.API.>", "$JS.FC.>"]

        def words(subjects):
            return "[" + ", ".join(f'"{subject}"' for subject in subjects) + "]"
        server = self.server(
            f'authorization {{ users: [ {{ user: web, password: right, permissions: {{ '
            f'publish: {words(publish)}, subscribe: {words(own)} }} }},\n'
            '{ user: neighbour, password: other, permissions: { subscribe: "_INBOX.>" } } ] }')
        neighbour = Listener(server, "_INBOX.>", {"user": "neighbour", "pass": "other"})
        self.addCleanup(neighbour.close)
        nodes = self.cluster(2, "--nats-user", "web", "--nats-password-file",
                             self.file("right", "right"), "--nats-inbox-prefix", "_INBOX_web",
                             server=server).start()
        expected = self.write(nodes[0], 1, 300)
        self.assert_values(nodes, expected)
        nodes.add(2).start(20)
        nodes.wait_until_in_step()
        self.assert_values(nodes, expected)
        self.assertEqual(neighbour.heard(), [])
        self.assertNotIn("ermissions", server.process.log())

    def test_what_a_user_may_not_do_is_said_and_tried_again_when_it_is_mended(self):
        def users(web, deaf):
            one = ('{ user: %s, password: right, permissions: { publish: ">", subscribe: %s } }')
            return 'authorization { users: [ %s, %s ] }' % (one % ("web", json.dumps(web)),
                                                            one % ("deaf", json.dumps(deaf)))
        own = ["mcask.twincached.>", "_INBOX.>", "mctell.twincached.>"]
        server = self.server(users([own[0], own[2]], own[:2]))
        login = "--nats-password-file", self.file("right", "right"), "--nats-user"
        node = self.stranger(server, *login, "web").start(20)
        deaf = self.node("--nats-servers", server.url, "--node", "0", *login, "deaf",
                         name="deaf").start(20)
        words = 'Permissions Violation for Subscription to "'
        until(lambda: words + "_INBOX." in node.process.log(), 10, "it says what it may not do")
        until(lambda: words + "mctell." in deaf.process.log(), 10, "the other says it as well")
        self.assertFalse(node.is_linked())
        until(lambda: words + "_INBOX." in node.replication()["repl_last_refusal"], 10,
              "a report says it, too")
        server.more = users(own, own[:2])
        server.reload()
        until(node.is_linked, 45, "it is let in without a restart")
        # What others tell of use a node can do without: it does not give up its connection for that.
        refused = lambda: server.process.log().count('Violation - User "deaf", Subject "mctell.')
        until(lambda: refused() >= 2, 45, "it has tried again")
        self.assertTrue(deaf.is_linked())
        self.assertEqual(deaf.replication()["repl_broker_connections"], "1")

    def test_what_keeps_clients_waiting_is_said(self):
        """Others are in step, and this node cannot ask them for what they hold."""
        server = self.server('authorization { users: [ { user: ok, password: right }, { user: mute, '
                             'password: right, permissions: { publish: { deny: "mcask.>" } } } ] }')
        login = "--nats-password-file", self.file("right", "right"), "--nats-user"
        nodes = self.cluster(1, *login, "ok", server=server).start()
        mute = self.node("--nats-servers", server.url, "--node", "3", "--boot-grace", "2s", *login,
                         "mute", name="mute", host=8)
        mute.launch()
        until(lambda: "warning clients wait, for this node is not in step: a donor is looked for"
              in mute.process.log(), 15, "it says what it waits for")
        self.assertFalse(mute.is_open())
        self.assertIn('Permissions Violation for Publish to "mcask.', mute.process.log())
        self.assertTrue(nodes[0].is_linked())

    def test_a_file_that_cannot_be_read_is_named(self):
        server = self.server('authorization { token: "Aright-Token1" }')
        node = self.stranger(server, "--nats-token-file", self.directory + "/nowhere").start()
        line = f"{self.directory}/nowhere: No such file or directory"
        until(lambda: line in node.process.log(), 10, "it says which")
        self.assert_still_serves(node)
        # What comes into being later is found.
        self.file("nowhere", "Aright-Token1")
        until(node.is_linked, 10, "it is let in")


class Certificates(Way):
    def setUp(self):
        super().setUp()
        self.excuse_libnats()
        self.authority = Authority(self.directory)

    def tls_server(self, names="nats", address=None, more=""):
        made = self.authority.issue(names, address=address)
        return self.server(f'tls {{ cert_file: "{made.cert}", key_file: "{made.key}"{more} }}')

    def tls(self, authority=None, name="nats"):
        chosen = ["--link-tls", "--link-tls-ca", (authority or self.authority).cert]
        return chosen + (["--link-tls-peer-name", name] if name else [])

    def test_a_server_that_the_authority_has_signed_for_and_no_other(self):
        server = self.tls_server()
        self.assert_let_in(server, *self.tls())
        foreign = Authority(self.directory, "foreign")
        self.assert_refused(server, self.stranger(server, *self.tls(foreign)), "ertificate")
        # Nobody is told whom the system trusts: the test's own authority is none of those.
        self.assert_refused(server, self.stranger(server, "--link-tls", host=9), "ertificate")

    def test_a_server_of_another_name_is_refused(self):
        server = self.tls_server()
        self.assert_refused(server, self.stranger(server, *self.tls(name="elsewhere")), "mismatch")

    def test_without_a_name_it_is_the_address_that_counts(self):
        right = self.tls_server("right", address=self.addresses.host(12))
        self.assert_let_in(right, *self.tls(name=None))
        right.stop()
        wrong = self.tls_server("wrong", address=self.addresses.host(13))
        self.assert_refused(wrong, self.stranger(wrong, *self.tls(name=None)), "mismatch")

    def test_the_scheme_of_a_server_asks_for_tls_as_well(self):
        server = self.tls_server("right", address=self.addresses.host(12))
        address = f"tls://{server.address[0]}:{server.address[1]}"
        node = self.node("--nats-servers", address, "--node", "0", "--link-tls-ca",
                         self.authority.cert, "--boot-grace", "200ms").start()
        until(node.is_linked, 10, "it is let in")
        self.assertEqual(node.replication()["repl_tls"], "yes")

    def test_the_certificate_of_a_node(self):
        server = self.tls_server(more=f', ca_file: "{self.authority.cert}", verify: true')
        own = self.authority.issue("node")
        self.assert_let_in(server, *self.tls(), "--link-tls-certificate", own.cert,
                           "--link-tls-key", own.key)
        self.assert_refused(server, self.stranger(server, *self.tls()), "tls-certificate")
        foreign = Authority(self.directory, "foreign").issue("node")
        node = self.stranger(server, *self.tls(), "--link-tls-certificate", foreign.cert,
                             "--link-tls-key", foreign.key, host=9)
        self.assert_refused(server, node, "tls-certificate")

    def test_a_server_without_tls_gets_nothing_from_a_node_that_wants_it(self):
        server = self.server()
        node = self.stranger(server, *self.tls()).start()
        until(lambda: "no broker at" in node.process.log(), 10, "it says why")
        self.assertIn("ecure", node.replication()["repl_last_refusal"])
        self.assert_still_serves(node)

    def test_a_server_that_insists_on_tls_gets_it_from_a_node_that_does_not(self):
        server = self.tls_server("right", address=self.addresses.host(12))
        self.assert_let_in(server, "--link-tls-ca", self.authority.cert)
        self.assert_refused(server, self.stranger(server), "ertificate")

    def test_without_an_authority_it_is_the_systems_that_count(self):
        server = self.tls_server()
        self.set_environment("SSL_CERT_FILE", self.authority.cert)
        self.assert_let_in(server, "--link-tls", "--link-tls-peer-name", "nats")

    def test_files_that_cannot_be_used_stop_the_start(self):
        server = self.tls_server()
        node = self.stranger(server, "--link-tls", "--link-tls-ca", self.file("none", "x"))
        node.launch()
        self.assertNotEqual(node.process.exit_status(10), 0)
        self.assertIn(self.directory + "/none", node.process.log())


class Several(Way):
    def test_the_first_server_that_answers_is_used(self):
        dead = f"nats://{self.addresses.host(13)}:4222"
        server = self.server()
        nodes = self.cluster(2, server=server)
        for node in nodes:
            at = node.arguments.index("--nats-servers") + 1
            node.arguments[at] = f"{dead},{server.url}"
        nodes.start()
        self.assert_values(nodes, self.write(nodes[0], 1, 200))
        for node in nodes:
            self.assertEqual(node.replication()["repl_broker"], server.url)
            log = node.process.log()
            self.assertEqual(log.count(f"no broker at {dead}"), 1)


if __name__ == "__main__":
    main()
