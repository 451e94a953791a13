"""Orders from another machine: by TLS, with a token."""
import http.client
import os
import signal
import socket
import ssl
import subprocess
import unittest

from harness import Case, main, until, world
from harness.admin import Admin
from harness.certificates import Authority

TWINCTL = os.environ.get("TWINCTL", os.path.join(os.path.dirname(world.SERVER), "twinctl"))
TOKEN = "the-first-token-of-the-node"
OTHER = "a-token-that-comes-later.1"


def free_port(host):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


class TlsAdmin(Admin):
    def __init__(self, address, authority):
        super().__init__(address)
        self.context = ssl.create_default_context(cafile=authority.cert)

    def connection(self):
        return http.client.HTTPSConnection(*self.address, timeout=5, context=self.context)

    def post(self, path, token=None):
        headers = {"Authorization": "Bearer " + token} if token else {}
        status, answered, body = self.ask(path, method="POST", Content_Length="0", **headers)
        return status, answered.get("WWW-Authenticate"), body


@unittest.skipUnless(os.access(TWINCTL, os.X_OK), "no twinctl beside the server")
class AdminByTls(Case):
    def setUp(self):
        super().setUp()
        self.host = self.addresses.host(1)
        self.authority = Authority(self.directory)
        self.own = self.authority.issue("node", address=self.host)
        self.tokens = self.secret("tokens", TOKEN)
        self.plain, self.tls = (self.host, free_port(self.host)), (self.host, free_port(self.host))

    def secret(self, name, *lines):
        path = os.path.join(self.directory, name)
        with open(path + ".new", "w") as file:
            file.write("".join(line + "\n" for line in lines))
        os.chmod(path + ".new", 0o600)
        os.replace(path + ".new", path)
        return path

    def started(self, *arguments, tokens=True):
        places = "local,{}:{},tls:{}:{}".format(*self.plain, *self.tls)
        words = ["--admin-listen", places, "--admin-certificate", self.own.cert, "--admin-key",
                 self.own.key]
        if tokens:
            words += ["--admin-token-file", self.tokens]
        return self.node(*words, *arguments).start()

    def said(self, *words, given=""):
        ended = subprocess.run([TWINCTL, *map(str, words)], capture_output=True, text=True,
                               input=given, timeout=world.scaled(60))
        return ended.returncode, (ended.stdout + ended.stderr).strip()

    def by_tls(self):
        return ("--host", "{}:{}".format(*self.tls), "--ca", self.authority.cert)

    def test_who_shows_the_token_by_tls_is_obeyed_and_nobody_else(self):
        node = self.started()
        by_tls, in_the_clear = TlsAdmin(self.tls, self.authority), Admin(self.plain)
        self.assertEqual(by_tls.status("/readyz"), 200)
        self.assertEqual(by_tls.post("/drain")[:2], (401, "Bearer"))
        status, _, body = by_tls.post("/drain", OTHER)
        self.assertEqual((status, body), (401, "the token that was shown is not this node's\n"))
        self.assertEqual(by_tls.status("/events"), 401)
        status, _, body = in_the_clear.ask("/drain", method="POST", Content_Length="0",
                                           Authorization="Bearer " + TOKEN)
        self.assertEqual(status, 403)
        self.assertIn("where it speaks TLS", body)
        self.assertEqual(by_tls.status("/readyz"), 200)
        self.assertEqual(by_tls.post("/drain", TOKEN)[0], 200)
        self.assertEqual(by_tls.status("/readyz"), 503)
        log = node.process.log()
        self.assertRegex(log, r"warning tcp:[0-9.]+:\d+ showed the admin endpoint a token that is not")
        for token in (TOKEN, OTHER):
            self.assertNotIn(token, log)

    def test_a_node_without_a_token_is_told_nothing_by_tls(self):
        self.started(tokens=False)
        status, _, body = TlsAdmin(self.tls, self.authority).post("/drain", TOKEN)
        self.assertEqual(status, 403)
        self.assertIn("no token that could be shown", body)

    def test_a_connection_that_is_kept_open_serves_many_requests(self):
        self.started()
        connection = TlsAdmin(self.tls, self.authority).connection()
        self.addCleanup(connection.close)
        for _ in range(20):
            connection.request("GET", "/status", headers={"Authorization": "Bearer " + TOKEN})
            answer = connection.getresponse()
            self.assertEqual(answer.status, 200)
            self.assertGreater(len(answer.read()), 1000)

    def test_who_speaks_no_tls_gets_no_page_and_keeps_nobody_out(self):
        self.started()
        for said in (b"GET /readyz HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05", b""):
            with socket.create_connection(self.tls, timeout=world.scaled(10)) as one:
                one.sendall(said)
                one.shutdown(socket.SHUT_WR)
                heard = b""
                while piece := one.recv(4096):
                    heard += piece
                self.assertNotIn(b"HTTP", heard)
        silent = [socket.create_connection(self.tls) for _ in range(40)]
        for one in silent:
            self.addCleanup(one.close)
        self.assertEqual(TlsAdmin(self.tls, self.authority).status("/readyz"), 200)

    def test_tokens_and_certificates_are_exchanged_without_a_gap(self):
        node = self.started()
        by_tls = TlsAdmin(self.tls, self.authority)

        def reload(said):
            before = node.process.log().count(said)
            node.process.signal(signal.SIGHUP)
            until(lambda: node.process.log().count(said) > before, 5, said)

        self.secret("tokens", OTHER, TOKEN)
        reload("tokens of the admin endpoint were changed: 2 known")
        for token in (TOKEN, OTHER):
            self.assertEqual(by_tls.post("/log-level?level=info", token)[0], 200)
        self.secret("tokens", OTHER)
        reload("tokens of the admin endpoint were changed: 1 known")
        self.assertEqual(by_tls.post("/log-level?level=info", TOKEN)[0], 401)
        self.secret("tokens", "short")
        reload("the tokens in use stay: token-file: ")
        self.assertEqual(by_tls.post("/log-level?level=info", OTHER)[0], 200)
        other = Authority(self.directory, "other")
        self.own.replace_with(other.issue("node", address=self.host))
        self.secret("tokens", OTHER)
        reload("the certificates were read again")
        with self.assertRaises(ssl.SSLError):
            by_tls.status("/readyz")
        self.assertEqual(TlsAdmin(self.tls, other).status("/readyz"), 200)

    def test_twinctl_gives_orders_from_elsewhere(self):
        self.started()
        shown = (*self.by_tls(), "--token-file", self.tokens)
        self.assertEqual(self.said(*self.by_tls(), "check")[0], 0)
        self.assertEqual(self.said(*shown, "drain"),
                         (0, "drained: /readyz says not ready, connections go on"))
        self.assertEqual(self.said(*self.by_tls(), "check")[0], 1)
        status, said = self.said(*self.by_tls(), "undrain")
        self.assertEqual(status, 1)
        self.assertIn("or who shows a token of the node", said)
        self.assertEqual(self.said(*shown, "undrain")[0], 0)

    def test_twinctl_believes_nobody_whose_certificate_is_not_the_nodes(self):
        self.started()
        stranger = Authority(self.directory, "stranger")
        at = ("--host", "{}:{}".format(*self.tls))
        status, said = self.said(*at, "--ca", stranger.cert, "check")
        self.assertEqual(status, 1)
        self.assertIn("certificate", said)
        status, said = self.said(*at, "check")
        self.assertEqual(status, 1)
        self.assertIn("speaks TLS (--ca)", said)
        status, said = self.said("--host", "{}:{}".format(*self.plain), "--ca", self.authority.cert,
                                 "check")
        self.assertEqual(status, 1)
        self.assertIn("TLS", said)

    def test_secrets_go_nowhere_by_mistake(self):
        at = ("--host", "{}:{}".format(*self.plain))
        for words, why in (((*at, "--token-file", self.tokens, "drain"), "needs --ca"),
                           (("--ca", self.authority.cert, "status"), "goes with --host"),
                           ((*at, "--ca", "/x", "--token-file", "/does/not/exist", "drain"),
                            "No such file"),
                           ((*at, "--login-file", self.tokens, "status"), "with load alone")):
            with self.subTest(words=words):
                status, said = self.said(*words)
                self.assertEqual(status, 1)
                self.assertIn(why, said)

    def test_items_are_saved_and_restored_where_clients_log_in_and_speak_tls(self):
        passwords = self.secret("passwords", "app:secret")
        node = self.started("-Z", "-o", f"ssl_chain_cert={self.own.cert},ssl_key={self.own.key}",
                            "-Y", passwords)
        given = ("# twincached dump 1\nkey=a version=1 exp=-1 flags=5 size=3 value=eHl6\n# end 1\n")
        to = ("load", "--to", "{}:{}".format(*node.address), "--ca", self.authority.cert)
        self.assertEqual(self.said(*to, given=given)[0], 1)
        status, said = self.said(*to, "--login-file", self.secret("wrong", "app:wrong"), given=given)
        self.assertEqual(status, 1)
        self.assertIn("the login is refused", said)
        status, said = self.said(*to, "--login-file", passwords, given=given)
        self.assertEqual(status, 0, said)
        self.assertIn("1 stored", said)
        status, said = self.said(*self.by_tls(), "--token-file", self.tokens, "dump")
        self.assertEqual(status, 0)
        self.assertIn("key=a ", said)
        self.assertEqual(self.said(*self.by_tls(), "dump")[0], 1)


if __name__ == "__main__":
    main()
