"""The door: proxies that name their clients, limits of each address, deadlines, reloads."""
import os
import signal
import socket
import ssl
import time

from harness import Case, ClientClosed, main, until, world
from harness.certificates import Authority
from harness.client import Client
from harness.process import Process
from harness.proxy import HAProxy

HAPROXY = """
global
    maxconn 100
defaults
    mode tcp
    timeout connect 2s
    timeout client 1h
    timeout server 1h
listen memcached
    bind {front}
    server node {node} {how}
"""

# 192.0.2.7:47000 to 192.0.2.1:11211
VERSION_1 = b"PROXY TCP4 192.0.2.7 192.0.2.1 47000 11211\r\n"
VERSION_2 = (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\7\xc0\0\2\1\xb7\x98\x2b\xcb")
LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"


class Door(Case):
    def served(self, node):
        """Started; `Node.start` would ask whether it is open and be turned away or counted."""
        node.launch()
        until(lambda: "serving clients" in node.process.log(), 10, "the node serves")
        return node

    def addresses_in(self, client):
        return [value for key, value in client.stats(b"conns").items() if key.endswith(":addr")]


class Proxied(Door):
    def trusting(self, *arguments):
        """A node that trusts the proxies at this test's 14 and nobody else."""
        self.proxy_host = self.addresses.host(14)
        return self.served(self.node("--proxy-protocol-from", self.proxy_host + "/32", *arguments))

    def proxy_says(self, node, header, timeout=5.0):
        client = Client(node.address, timeout, self.proxy_host)
        client.send(header)
        return client

    def haproxy_in_front(self, node, how):
        front = (self.addresses.host(13), self.client_port)
        path = os.path.join(self.directory, "proxy.cfg")
        with open(path, "w") as file:
            file.write(HAPROXY.format(front="{}:{}".format(*front),
                                      node="{}:{}".format(*node.address),
                                      how=f"source {self.proxy_host} {how}"))
        process = Process([HAProxy.PROGRAM, "-db", "-f", path],
                          os.path.join(self.directory, "proxy.log"))
        self.addCleanup(process.stop)

        def answers():
            with socket.create_connection(front, 1):
                return True
        until(lambda: self._quietly(answers), 10, "HAProxy serves")
        return front

    @staticmethod
    def _quietly(ask):
        try:
            return ask()
        except OSError:
            return False

    def test_haproxy_names_its_clients(self):
        for how in ("send-proxy", "send-proxy-v2"):
            with self.subTest(how=how):
                node = self.trusting()
                front = self.haproxy_in_front(node, how)
                source = self.addresses.host(12)
                with Client(front, 5.0, source) as client:
                    self.assertEqual(client.set(b"k", b"v"), b"STORED")
                    port = client._socket.getsockname()[1]
                    self.assertIn(f"tcp:{source}:{port}", self.addresses_in(client))
                node.stop()

    def test_the_header_comes_before_tls(self):
        authority = Authority(self.directory)
        own = authority.issue("cache")
        node = self.trusting("-Z", "-o", f"ssl_chain_cert={own.cert},ssl_key={own.key}")
        context = ssl.create_default_context(cafile=authority.cert)
        for header in (VERSION_1, VERSION_2):
            with self.proxy_says(node, header) as client:
                client._socket = context.wrap_socket(client._socket, server_hostname="cache")
                self.assertEqual(client.set(b"k", b"v"), b"STORED")
                self.assertIn("192.0.2.7:47000", " ".join(self.addresses_in(client)))
        front = self.haproxy_in_front(node, f"ssl verify required ca-file {authority.cert} "
                                            "verifyhost cache send-proxy-v2")
        with Client(front, 5.0, self.addresses.host(12)) as client:
            self.assertEqual(client.get(b"k"), b"v")
            self.assertIn(self.addresses.host(12), " ".join(self.addresses_in(client)))

    def test_a_header_is_understood_at_every_split(self):
        node = self.trusting()
        for header in (VERSION_1, VERSION_2):
            for split in range(1, len(header)):
                with self.proxy_says(node, header[:split]) as client:
                    client.send(header[split:] + b"mn\r\n")
                    self.assertEqual(client.line(), b"MN")
        with self.proxy_says(node, b"") as client:
            for byte in VERSION_2:
                client.send(bytes([byte]))
            self.assertIn("tcp:192.0.2.7:47000", self.addresses_in(client))

    def test_a_proxy_may_speak_for_itself(self):
        node = self.trusting("--connections-per-address=1")
        with self.proxy_says(node, LOCAL) as first, self.proxy_says(node, LOCAL) as second:
            self.assertEqual(first.ask(b"mn"), b"MN")
            self.assertEqual(second.ask(b"mn"), b"MN")
            self.assertIn(self.proxy_host, " ".join(self.addresses_in(first)))

    def test_who_is_not_trusted_is_not_believed(self):
        node = self.trusting()
        with Client(node.address, 5.0, self.addresses.host(11)) as client:
            client.send(VERSION_1)
            self.assertEqual(client.line(), b"ERROR")
            self.assertNotIn("192.0.2.7", " ".join(self.addresses_in(client)))

    def test_a_proxy_that_names_nobody_is_closed(self):
        node = self.trusting()
        for said in (b"version\r\n", b"\x80\x0b", b"PROXY TCP4 nonsense\r\n"):
            with self.proxy_says(node, said) as client:
                self.assertEqual(client.rest(), b"")
        with Client(node.address, 5.0, self.addresses.host(11)) as other:
            stats = other.stats()
            self.assertEqual(stats["proxy_header_errors"], "3")
            self.assertEqual(stats["curr_connections"], "1")

    def test_a_proxy_that_says_nothing_is_closed_in_time_and_stalls_nobody(self):
        node = self.trusting()
        with self.proxy_says(node, VERSION_1[:20], timeout=20.0) as slow:
            with self.proxy_says(node, VERSION_1) as client:
                self.assertEqual(client.ask(b"mn"), b"MN")
            started = time.monotonic()
            self.assertEqual(slow.rest(), b"")
            self.assertLess(time.monotonic() - started, world.scaled(8))

    def test_addresses_behind_a_proxy_have_their_own_limits(self):
        node = self.trusting("--connections-per-address=2")
        other = VERSION_1.replace(b"192.0.2.7", b"192.0.2.8")
        with self.proxy_says(node, VERSION_1) as first, self.proxy_says(node, VERSION_2) as second:
            self.assertEqual(first.ask(b"mn"), b"MN")
            self.assertEqual(second.ask(b"mn"), b"MN")
            with self.proxy_says(node, VERSION_1) as third:
                self.assertEqual(third.rest(), b"ERROR Too many open connections\r\n")
            with self.proxy_says(node, other) as elsewhere:
                self.assertEqual(elsewhere.ask(b"mn"), b"MN")
                self.assertEqual(elsewhere.stats()["rejected_per_address"], "1")

    def test_nonsense_for_a_network_is_refused(self):
        node = self.node("--proxy-protocol-from", "10.0.0.0/33").launch()
        self.assertNotEqual(node.process.exit_status(), 0)
        self.assertIn("'10.0.0.0/33' is no address or network", node.process.log())


class Limits(Door):
    def test_an_address_gets_its_share_of_connections_and_gets_it_back(self):
        node = self.served(self.node("--connections-per-address=2"))
        here, there = self.addresses.host(11), self.addresses.host(12)
        with Client(node.address, 5.0, here) as first, Client(node.address, 5.0, here) as second:
            self.assertEqual(first.ask(b"mn"), b"MN")
            self.assertEqual(second.ask(b"mn"), b"MN")
            with Client(node.address, 5.0, here) as third:
                self.assertEqual(third.rest(), b"ERROR Too many open connections\r\n")
            with Client(node.address, 5.0, there) as other:
                self.assertEqual(other.ask(b"mn"), b"MN")
                self.assertEqual(other.stats()["rejected_per_address"], "1")

        def has_room():
            with Client(node.address, 5.0, here) as again:
                again.send(b"mn\r\n")
                return again.line() == b"MN"
        until(has_room, 5, "places are given back")

    def test_a_hangup_changes_the_share_and_says_what_it_cannot_change(self):
        path = os.path.join(self.directory, "node.conf")

        def configure(connections, threads):
            with open(path, "w") as file:
                file.write(f"[limits]\nconnections-per-address = {connections}\n"
                           f"[process]\nthreads = {threads}\n")
        configure(1, 2)
        node = self.served(self.node("--config", os.path.relpath(path)))
        with node.client() as first:
            self.assertEqual(first.ask(b"mn"), b"MN")
            with node.client() as second:
                self.assertEqual(second.rest(), b"ERROR Too many open connections\r\n")
            configure(2, 4)
            node.process.signal(signal.SIGHUP)
            until(lambda: "restart" in node.process.log(), 5, "it was read again")
            self.assertIn("options changed: connections-per-address 1 -> 2", node.process.log())
            self.assertIn("options that take a restart to change: threads 2 -> 4",
                          node.process.log())
            with node.client() as second:
                self.assertEqual(second.ask(b"mn"), b"MN")
            with open(path, "a") as file:
                file.write("nonsense\n")
            node.process.signal(signal.SIGHUP)
            until(lambda: "the options stay as they are" in node.process.log(), 5,
                  "a broken file is refused")

    def test_half_a_request_is_closed_in_time_however_slowly_it_comes(self):
        node = self.served(self.node("--request-timeout=2s"))
        with node.client(30) as line, node.client(30) as value, node.client() as idle:
            started = time.monotonic()
            value.send(b"set k 0 0 100\r\nhalf")
            with self.assertRaises((ClientClosed, OSError)):
                for _ in range(300):
                    line.send(b"g")
                    line.set_timeout(0.1)
                    try:
                        line._fill()
                    except TimeoutError:
                        pass
            self.assertLess(time.monotonic() - started, world.scaled(6))
            self.assertEqual(value.rest(), b"")
            self.assertEqual(idle.ask(b"mn"), b"MN", "who asks for nothing is left alone")
            self.assertEqual(idle.stats()["request_timeouts"], "2")

    def test_a_client_that_pipelines_is_never_late(self):
        node = self.served(self.node("--request-timeout=2s"))
        with node.client() as client:
            client.send(b"m")
            for _ in range(8):
                client.send(b"n\r\nm")
                self.assertEqual(client.line(), b"MN")
                time.sleep(0.5)

    def test_a_client_that_does_not_read_is_closed_in_time(self):
        node = self.served(self.node("--write-timeout=2s"))
        with node.client() as client, node.client(30) as deaf:
            client.set(b"big", b"v" * 1000000)
            deaf.send(b"get big\r\n" * 200)
            until(lambda: client.stats()["write_timeouts"] == "1", 10, "it is closed")
            self.assertEqual(client.stats()["curr_connections"], "1")

    def test_idle_clients_are_closed_in_memcacheds_time(self):
        node = self.served(self.node("-o", "idle_timeout=3"))
        with node.client(30) as idle:
            started = time.monotonic()
            self.assertEqual(idle.rest(), b"")
            waited = time.monotonic() - started
            self.assertGreater(waited, 2)
            self.assertLess(waited, world.scaled(10))
        with node.client() as client:
            self.assertEqual(client.stats()["idle_kicks"], "1")


class Listeners(Door):
    def test_several_listeners_of_both_families_serve(self):
        one, two = self.addresses.host(5), self.addresses.host(6)
        node = self.served(self.node("-l", f"{one}:{self.client_port},{two}",
                                     "-l", f"[::1]:{20000 + os.getpid() % 20000}"))
        for host, port in ((one, self.client_port), (two, self.client_port),
                           ("::1", 20000 + os.getpid() % 20000)):
            with Client((host, port)) as client:
                self.assertEqual(client.ask(b"mn"), b"MN")
                family = "tcp6:[::1]" if host == "::1" else f"tcp:{host}"
                self.assertIn(family, " ".join(self.addresses_in(client)))

    def test_unix_clients_are_shown_and_not_limited(self):
        # CVE-2019-15026: an address was read behind its end.
        path = os.path.join(self.directory, "door-" + "x" * 60)
        node = self.served(self.node("-s", path, "--connections-per-address=1"))
        for _ in range(2):
            client = socket.socket(socket.AF_UNIX)
            self.addCleanup(client.close)
            client.connect(path)
            client.sendall(b"stats conns\r\n")
            shown = b""
            while not shown.endswith(b"END\r\n"):
                shown += client.recv(65536)
        lines = [line for line in shown.decode().splitlines() if "addr" in line]
        self.assertEqual([line.split()[-1] for line in lines if ":addr" in line],
                         ["unix:" + path, "unix:", "unix:"])
        self.assertTrue(all(line.endswith("unix:" + path) for line in lines if "listen" in line))
        node.stop()

    def test_ascii_and_binary_are_bound_as_told(self):
        version = b"\x80\x0b" + b"\0" * 22
        with self.served(self.node("-B", "ascii", host=5)).client() as client:
            client.send(version + b"\r\n")
            self.assertEqual(client.line(), b"ERROR")
            self.assertEqual(client.ask(b"mn"), b"MN")
        node = self.served(self.node("-B", "binary", name="binary", host=6))
        with node.client() as client:
            client.send(version)
            self.assertEqual(client.exactly(2), b"\x81\x0b")
        with node.client() as client:
            client.send(b"version\r\n")
            self.assertEqual(client.rest(), b"")


if __name__ == "__main__":
    main()
