"""Clients over TLS, with real parts: Python's ssl, pymemcache, the openssl tool, HAProxy."""
import os
import signal
import socket
import ssl
import subprocess
import time
import unittest

from pymemcache.client.base import Client as PymemcacheClient

from harness import world
from harness.case import Case, main
from harness.certificates import Authority
from harness.client import Client, ClientClosed
from harness.proxy import HAProxy
from harness.waiting import until


class TlsClient(Client):
    def __init__(self, address, context, timeout=5.0):
        super().__init__(address, timeout)
        self._socket = context.wrap_socket(self._socket, server_hostname="cache")


class TlsHAProxy(HAProxy):
    """It verifies the certificate of the node behind it, its checks do, too."""

    def __init__(self, directory, front, nodes, authority):
        self.SERVER = f"{HAProxy.SERVER} ssl verify required ca-file {authority} verifyhost cache"
        super().__init__(directory, front, nodes)
        with open(self._path) as file:
            configuration = file.read()
        with open(self._path, "w") as file:
            file.write(configuration.replace("tcp-check connect\n", "tcp-check connect ssl\n"))


class Tls(Case):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.directory)
        self.server = self.authority.issue("cache")

    def context(self, own=None, authority=None):
        context = ssl.create_default_context(cafile=(authority or self.authority).cert)
        if own:
            context.load_cert_chain(own.cert, own.key)
        return context

    def serving(self, *arguments, words=""):
        node = self.node("-Z", "-o", f"ssl_chain_cert={self.server.cert},ssl_key={self.server.key}"
                         + words, *arguments)
        return node.start()

    def refused(self, *arguments):
        """What a server says that does not start, and its exit status."""
        command = [world.SERVER, "-l", self.addresses.host(1), "-p", str(self.client_port), "-U",
                   "0", *(["-u", "root"] if world.IS_ROOT else []), *arguments]
        ended = subprocess.run(command, capture_output=True, timeout=20)
        return ended.returncode, ended.stderr.decode().strip()

    def test_new_sessions_are_counted_with_ssl_session_cache(self):
        node = self.serving(words=",ssl_session_cache")
        with TlsClient(node.address, self.context()) as client:
            self.assertEqual(client.stats()["ssl_new_sessions"], "1")

    def test_a_client_that_verifies_the_certificate_is_served(self):
        node = self.serving()
        with TlsClient(node.address, self.context()) as client:
            self.assertEqual(client.set(b"k", b"v"), b"STORED")
            self.assertEqual(client.get(b"k"), b"v")
            stats = client.stats()
            self.assertNotIn("ssl_new_sessions", stats, "there only with ssl_session_cache")
            self.assertEqual(stats["ssl_handshake_errors"], "0")
            self.assertIn("time_since_server_cert_refresh", stats)
            settings = client.stats(b"settings")
            self.assertEqual(settings["ssl_enabled"], "yes")
            self.assertEqual(settings["ssl_chain_cert"], self.server.cert)
        strange = Authority(self.directory, "strange")
        with self.assertRaises(ssl.SSLCertVerificationError):
            TlsClient(node.address, self.context(authority=strange))
        # The client knows of it before the node does.
        with TlsClient(node.address, self.context()) as client:
            until(lambda: client.stats()["ssl_handshake_errors"] == "1", 5, "it is counted")

    def test_large_values_and_long_pipelines_pass_whole(self):
        node = self.serving("-I", "4m", words=",ssl_wbuf_size=64")
        value = os.urandom(3_000_000)
        with TlsClient(node.address, self.context(), 20) as client:
            self.assertEqual(client.set(b"large", value), b"STORED")
            client.send(b"get large\r\n" * 20)  # and nothing is read for a while
            time.sleep(0.2)
            for _ in range(20):
                self.assertEqual(client.line(), b"VALUE large 0 3000000")
                self.assertEqual(client.exactly(3_000_002), value + b"\r\n")
                self.assertEqual(client.line(), b"END")
            client.send(b"".join(b"set k%d 0 0 5\r\nvalue\r\n" % i for i in range(20_000)))
            for _ in range(20_000):
                self.assertEqual(client.line(), b"STORED")
            client.send(b"get large\r\nquit\r\n")  # the answer is not lost with the connection
            self.assertEqual(len(client.rest()), len(b"VALUE large 0 3000000\r\n\r\nEND\r\n")
                             + 3_000_000)

    def test_pymemcache_is_served(self):
        node = self.serving()
        context = self.context()
        context.check_hostname = False
        client = PymemcacheClient(node.address, tls_context=context, default_noreply=False)
        self.assertTrue(client.set("a", "1"))
        self.assertEqual(client.incr("a", 41), 42)
        self.assertEqual(client.get_many(["a", "b"]), {"a": b"42"})
        client.close()

    def test_the_openssl_tool_speaks_every_version_that_is_allowed(self):
        node = self.serving(words=",ssl_min_version=tlsv1.2")
        for flag, works in (("-tls1_2", True), ("-tls1_3", True), ("-tls1_1", False)):
            tool = subprocess.run(
                ["openssl", "s_client", "-quiet", flag, "-CAfile",
                 self.authority.cert, "-verify_return_error", "-connect", "%s:%d" % node.address],
                input=b"version\r\nquit\r\n", capture_output=True, timeout=20)
            self.assertEqual(b"VERSION" in tool.stdout, works, (flag, tool.stderr))

    def test_whoever_speaks_no_tls_is_closed_without_a_word(self):
        node = self.serving()
        for said in (b"get k\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x80" + bytes(23),
                     os.urandom(300)):
            with Client(node.address) as client:
                client.send(said)
                client.half_close()
                answer = client.rest()
            self.assertTrue(answer == b"" or answer[0] == 0x15, answer)  # an alert at most
        with TlsClient(node.address, self.context()) as client:
            self.assertGreaterEqual(int(client.stats()["ssl_handshake_errors"]), 3)

    def test_a_listener_may_be_plain_or_ask_for_certificates(self):
        plain, mutual = self.client_port + 3, self.client_port + 4
        host = self.addresses.host(1)
        node = self.serving("-l", f"notls:{host}:{plain}", "-l", f"mtls:{host}:{mutual}",
                            words=f",ssl_ca_cert={self.authority.cert}")
        with Client((host, plain)) as client:
            self.assertEqual(client.set(b"k", b"v"), b"STORED")
        with TlsClient(node.address, self.context()) as client:
            self.assertEqual(client.get(b"k"), b"v")
        known = self.authority.issue("client")
        with TlsClient((host, mutual), self.context(known)) as client:
            self.assertEqual(client.get(b"k"), b"v")
        unknown = Authority(self.directory, "strange").issue("client")
        late = self.authority.issue("late", days=-1)
        for own in (None, unknown, late):
            with self.assertRaises((ssl.SSLError, ConnectionError, ClientClosed)):
                TlsClient((host, mutual), self.context(own)).get(b"k")

    def test_a_session_is_resumed_but_never_where_more_is_asked_for(self):
        mutual = (self.addresses.host(1), self.client_port + 4)
        node = self.serving("-l", "mtls:%s:%d" % mutual,
                            words=f",ssl_ca_cert={self.authority.cert},ssl_session_cache")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.context()
            context.minimum_version = context.maximum_version = version

            def connected(address, session=None):
                plain = socket.create_connection(address, 5)
                return context.wrap_socket(plain, server_hostname="cache", session=session)

            def version_of(server):
                server.sendall(b"version\r\n")
                return server.recv(100)
            with connected(node.address) as first:
                self.assertTrue(version_of(first).startswith(b"VERSION"))
                self.assertFalse(first.session_reused)
                session = first.session
            with connected(node.address, session) as second:
                self.assertTrue(version_of(second).startswith(b"VERSION"))
                self.assertTrue(second.session_reused)
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                with connected(mutual, session) as third:
                    self.assertEqual(version_of(third), b"")
                    raise ConnectionError

    def test_certificates_are_exchanged_while_connections_go_on(self):
        node = self.serving()
        first = TlsClient(node.address, self.context())
        self.assertEqual(first.set(b"k", b"v"), b"STORED")
        other = Authority(self.directory, "other")
        self.server.replace_with(other.issue("cache"))
        with TlsClient(node.address, self.context()) as client:
            self.assertEqual(client.ask(b"refresh_certs"), b"OK")
        with TlsClient(node.address, self.context(authority=other)) as client:
            self.assertEqual(client.get(b"k"), b"v")
        self.assertEqual(first.get(b"k"), b"v")
        # What cannot be used changes nothing.
        with open(self.server.key, "w") as file:
            file.write("no key\n")
        answer = first.ask(b"refresh_certs")
        self.assertTrue(answer.startswith(b"Error " + self.server.key.encode()), answer)
        TlsClient(node.address, self.context(authority=other)).close()
        self.server.replace_with(self.authority.issue("cache"))
        node.process.signal(signal.SIGHUP)
        until(lambda: node.process.log().count("the certificates were read again") == 2, 5,
              "the certificates are read again")
        with TlsClient(node.address, self.context()) as client:
            self.assertEqual(client.get(b"k"), b"v")
        self.assertEqual(first.get(b"k"), b"v")
        first.close()

    def test_a_slow_handshake_holds_up_nobody_and_has_an_end(self):
        node = self.serving("-t", "1", "--tls-handshake-timeout=1s")
        hello = b"\x16\x03\x01\x02\x00\x01"
        slow = [Client(node.address, 20) for _ in range(50)]
        for client in slow:
            client.send(hello)
        with TlsClient(node.address, self.context()) as client:
            began = time.monotonic()
            for _ in range(100):
                self.assertEqual(client.set(b"k", b"v"), b"STORED")
            self.assertLess(time.monotonic() - began, world.scaled(1))
            for other in slow:
                self.assertEqual(other.rest(), b"")
                other.close()
            stats = client.stats()
            self.assertEqual(stats["ssl_handshake_errors"], "50")
            self.assertEqual(stats["curr_connections"], "1")

    def test_a_bad_certificate_is_refused_at_the_start(self):
        other = self.authority.issue("other")
        status, said = self.refused("-Z")
        self.assertEqual(status, 64)
        self.assertIn("TLS (-Z) needs a certificate", said)
        status, said = self.refused("-Z", "-o",
                                    f"ssl_chain_cert={self.server.cert},ssl_key={other.key}")
        self.assertNotEqual(status, 0)
        self.assertEqual(said, f"the private key {other.key} does not belong to the certificate "
                         f"{self.server.cert}")
        status, said = self.refused("-Z", "-o", f"ssl_chain_cert=/nowhere,ssl_key={other.key}")
        self.assertNotEqual(status, 0)
        self.assertEqual(said, "cannot read the certificate /nowhere: No such file or directory")

    def test_without_tls_there_is_nothing_to_refresh(self):
        node = self.node().start()
        with node.client() as client:
            self.assertEqual(client.ask(b"refresh_certs"), b"Error TLS not enabled")
            self.assertNotIn("ssl_new_sessions", client.stats())

    def test_haproxy_speaks_tls_with_the_node_behind_it(self):
        node = self.serving()
        proxy = TlsHAProxy(self.directory, (self.addresses.host(15), self.client_port), [node],
                           self.authority.cert)
        self.addCleanup(proxy.stop)
        proxy.start()
        with Client(proxy.address) as client:
            self.assertEqual(client.set(b"k", b"v" * 100_000), b"STORED")
            self.assertEqual(client.get(b"k"), b"v" * 100_000)

    def test_many_idle_clients_cost_little_memory(self):
        node = self.serving("-c", "2000")
        context = self.context()
        before = node.process.resident_kib()
        clients = [TlsClient(node.address, context) for _ in range(400)]
        for client in clients:
            self.assertEqual(client.ask(b"version")[:7], b"VERSION")
        each = (node.process.resident_kib() - before) / len(clients)
        print(f"{each:.1f} KiB for an idle TLS connection")
        if not world.IS_SANITIZED:
            self.assertLess(each, 40)
        for client in clients:
            client.close()


if __name__ == "__main__":
    main()
