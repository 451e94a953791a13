"""The load generator, for what is measured with it: it asks what it was told to ask, it counts what it
was answered, and what is wrong it calls wrong. Beside a real redis, and beside a server that answers
as it was told to."""
import resource
import socket
import ssl
import subprocess
import threading

from harness import Case, main, until, world
from harness.certificates import Authority
from harness.load import Mcload
from harness.process import Process
from test_tls import TlsClient

REDIS = "/usr/bin/redis-server"


def ended(address, *options):
    """(exit status, what it says of errors) of a run that is to fail."""
    argv = [world.MCLOAD, "--host", address[0], "--port", str(address[1]), "--json", *options]
    run = subprocess.run([str(word) for word in argv], capture_output=True, text=True,
                         timeout=world.scaled(30), check=False)
    return run.returncode, run.stderr


class Scripted:
    """Takes one connection, answers each packet with the next of `answers`, each of them in two
    pieces, and keeps what it was asked."""

    def __init__(self, host, answers):
        self.asked = b""
        self._answers = answers
        self._listener = socket.create_server((host, 0))
        self.address = self._listener.getsockname()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        connection, _ = self._listener.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for answer in self._answers:
                self.asked += connection.recv(65536)
                half = len(answer) // 2
                connection.sendall(answer[:half])
                connection.sendall(answer[half:])
            self.asked += connection.recv(65536)

    def stop(self):
        self._listener.close()
        self._thread.join(world.scaled(10))


class Resp(Case):
    def scripted(self, *answers):
        server = Scripted(self.addresses.host(1), answers)
        self.addCleanup(server.stop)
        return server

    def redis(self):
        """A redis of its own, without a file on a disk."""
        address = (self.addresses.host(2), self.client_port)
        process = Process([REDIS, "--bind", address[0], "--port", str(address[1]), "--save", "",
                           "--dir", self.directory], f"{self.directory}/redis.log")
        self.addCleanup(process.stop)
        until(lambda: self.is_open(address), 10, "redis serves")
        return address

    @staticmethod
    def is_open(address):
        try:
            socket.create_connection(address, 1).close()
            return True
        except OSError:
            return False

    def test_a_get_of_many_keys_is_one_request_with_an_answer_for_each(self):
        server = self.scripted(b"*3\r\n$2\r\nab\r\n$-1\r\n$0\r\n\r\n")
        report = Mcload(server.address, "--resp", "--connections", 1, "--operations", 1,
                        "--keys-per-get", 3, "--sequential", "--key-bytes", 9).report()
        self.assertEqual(server.asked, b"*4\r\n$4\r\nMGET\r\n$9\r\nk00000000\r\n$9\r\nk00000001\r\n"
                                       b"$9\r\nk00000002\r\n")
        self.assertEqual((report["operations"], report["keys"], report["hits"], report["misses"]),
                         (1, 3, 2, 1))

    def test_an_error_is_told_and_ends_in_failure(self):
        server = self.scripted(b"-LOADING the dataset\r\n")
        status, error = ended(server.address, "--resp", "--connections", 1, "--operations", 1)
        self.assertEqual(status, 1)
        self.assertIn("LOADING the dataset", error)

    def test_a_value_that_was_never_stored_is_found(self):
        for protocol, answer in (("--resp", b"$3\r\nbad\r\n"), ("--meta", b"VA 3\r\nbad\r\n")):
            with self.subTest(protocol=protocol):
                server = self.scripted(answer)
                status, _ = ended(server.address, protocol, "--connections", 1, "--operations", 1,
                                  "--value", 3, "--verify")
                self.assertEqual(status, 1)

    def test_redis_keeps_what_it_is_filled_with(self):
        address = self.redis()
        Mcload(address, "--resp", "--fill-keys", 1000, "--value", "0-3000").report()
        for options in (("--keys-per-get", 1, "--depth", 16), ("--keys-per-get", 10)):
            with self.subTest(options=options):
                report = Mcload(address, "--resp", "--keys", 1000, "--value", "0-3000", "--verify",
                                "--operations", 2000, "--get-ratio", 0.9, "--connections", 4,
                                *options).report()
                self.assertEqual((report["misses"], report["bad_values"]), (0, 0))
                self.assertGreater(report["hits"], 1500)
                self.assertGreater(report["stored"], 100)
        report = Mcload(address, "--resp", "--keys", 2000, "--sequential", "--operations", 2000,
                        "--connections", 1).report()
        self.assertEqual((report["hits"], report["misses"]), (1000, 1000))


class Tls(Case):
    def serving(self, *arguments):
        certificate = Authority(self.directory).issue("cache")
        return self.node("-Z", "-o", f"ssl_chain_cert={certificate.cert},ssl_key={certificate.key},"
                         "ssl_session_cache", *arguments).start()

    def sessions(self, node):
        """How many were begun, this one included."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with TlsClient(node.address, context) as client:
            return int(client.stats()["ssl_new_sessions"])

    def begun_by(self, node, *options):
        before = self.sessions(node)
        report = Mcload(node.address, "--tls", *options).report()
        return report["operations"], self.sessions(node) - before - 1

    def test_values_of_all_sizes_pass_through_both_ways(self):
        node = self.serving("-I", "2m")
        for size in ("0-300", "16000-17000", 1_000_000):
            with self.subTest(size=size):
                keys = ("--keys", 20, "--value", size)
                Mcload(node.address, "--tls", "--fill-keys", 20, "--value", size).report()
                report = Mcload(node.address, "--tls", *keys, "--verify", "--operations", 200,
                                "--get-ratio", 0.8, "--connections", 3, "--depth", 4).report()
                self.assertEqual((report["misses"], report["bad_values"]), (0, 0))
                self.assertEqual(report["operations"], 200)

    def test_a_connection_shakes_hands_once_or_for_each_packet(self):
        node = self.serving()
        options = ("--operations", 60, "--connections", 3, "--depth", 2)
        self.assertEqual(self.begun_by(node, *options), (60, 3))
        self.assertEqual(self.begun_by(node, *options, "--reconnect"), (60, 3 + 30))

    def test_a_server_without_tls_is_told_of_at_once(self):
        node = self.node().start()
        status, error = ended(node.address, "--tls", "--operations", 1)
        self.assertEqual(status, 2)
        self.assertIn("not TLS", error)


class OneNode(Case):
    def test_each_packet_may_have_a_connection_of_its_own(self):
        node = self.node().start()
        with node.client() as client:
            before = int(client.stats()["total_connections"])
            Mcload(node.address, "--operations", 500, "--connections", 5, "--reconnect").report()
            self.assertEqual(int(client.stats()["total_connections"]) - before, 505)

    def test_there_may_be_more_connections_than_descriptors_at_first(self):
        node = self.node().start()
        argv = [world.MCLOAD, "--host", node.address[0], "--port", str(node.address[1]),
                "--connections", "300", "--operations", "600"]
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        run = subprocess.run(argv, capture_output=True, text=True, check=False, preexec_fn=lambda:
                             resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard)))
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_options_that_exclude_each_other_are_refused(self):
        for options in (("--reconnect", "--fill-keys", 1), ("--reconnect", "--rate", 1,
                                                            "--seconds", 1)):
            with self.subTest(options=options):
                status, error = ended(("127.0.0.1", 1), *options)
                self.assertEqual(status, 2)
                self.assertIn("--reconnect", error)

    def test_meta_gets_are_verified_as_others_are(self):
        node = self.node().start()
        Mcload(node.address, "--fill-keys", 1000, "--value", "1-3000").report()
        for options in ((), ("--meta",), ("--meta", "--keys-per-get", 10)):
            with self.subTest(options=options):
                report = Mcload(node.address, "--keys", 2000, "--value", "1-3000", "--verify",
                                "--sequential", "--operations", 2000, "--connections", 4,
                                *options).report()
                self.assertEqual(report["hits"], report["misses"])
                self.assertEqual(report["bad_values"], 0)


if __name__ == "__main__":
    main()
