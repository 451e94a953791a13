"""UDP: requests of one datagram, answers of one or many, and what must not be answered."""
import socket
import struct

from harness import Case, Client, main


class Datagrams:
    """A client that speaks memcached's frames."""

    def __init__(self, address, source=("", 0)):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if source[1]:
            self._socket.bind(source)
        self._socket.settimeout(3)
        self._address = address
        self._last_id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, request, sequence=0, count=1):
        self._last_id += 1
        header = struct.pack(">HHHH", self._last_id, sequence, count, 0)
        self._socket.sendto(header + request, self._address)

    def answer(self):
        parts = {}
        while True:
            datagram = self._socket.recv(65536)
            request, sequence, count, reserved = struct.unpack(">HHHH", datagram[:8])
            assert (request, reserved) == (self._last_id, 0) and len(datagram) <= 1400
            parts[sequence] = datagram[8:]
            if len(parts) == count:
                return b"".join(parts[i] for i in range(count))

    def ask(self, request):
        self.send(request)
        return self.answer()

    def is_silent(self, seconds=0.3):
        self._socket.settimeout(seconds)
        try:
            self._socket.recv(65536)
            return False
        except socket.timeout:
            return True
        finally:
            self._socket.settimeout(3)


class Udp(Case):
    def setUp(self):
        super().setUp()
        self.server = self.node("-U", str(self.client_port), "-t", "2", "-v").start()

    def _client(self, **arguments):
        return Datagrams(self.server.address, **arguments)

    def test_both_transports_serve_the_same_items(self):
        with self._client() as datagrams, self.server.client() as stream:
            self.assertEqual(datagrams.ask(b"set k 3 0 5\r\nvalue\r\n"), b"STORED\r\n")
            self.assertEqual(stream.get(b"k"), b"value")
            stream.set(b"other", b"1")
            self.assertEqual(datagrams.ask(b"incr other 41\r\n"), b"42\r\n")
            self.assertEqual(datagrams.ask(b"get k\r\n"), b"VALUE k 3 5\r\nvalue\r\nEND\r\n")
            self.assertRegex(datagrams.ask(b"version\r\n"), rb"VERSION 1\.6\.45")

    def test_an_answer_may_take_many_datagrams_up_to_a_bound(self):
        value = bytes(i % 251 for i in range(60_000))
        with self._client() as datagrams, self.server.client() as stream:
            stream.set(b"large", value)
            answer = datagrams.ask(b"get large\r\n")
            self.assertEqual(answer, b"VALUE large 0 60000\r\n" + value + b"\r\nEND\r\n")
            self.assertEqual(datagrams.ask(b"get large large\r\n"),
                             b"SERVER_ERROR answer too large for UDP\r\n")

    def test_requests_of_several_datagrams_are_not_answered(self):
        with self._client() as datagrams:
            datagrams.send(b"get k\r\n", count=2)
            self.assertTrue(datagrams.is_silent())
        self.assertGreater(int(self.server.stats()["udp_dropped"]), 0)

    def test_a_sender_with_a_service_port_is_not_answered(self):
        with self._client(source=("127.0.0.1", 19)) as datagrams:
            datagrams.send(b"version\r\n")
            self.assertTrue(datagrams.is_silent())
        self.assertGreater(int(self.server.stats()["udp_dropped"]), 0)

    def test_rubbish_is_dropped_and_counted(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as raw:
            for size in range(12):
                raw.sendto(b"\xff" * size, self.server.address)
        with self._client() as datagrams:
            self.assertRegex(datagrams.ask(b"version\r\n"), rb"VERSION")
        self.assertGreaterEqual(int(self.server.stats()["udp_requests"]), 12)
        self.assert_still_serves(self.server)

    def test_the_sockets_are_listed(self):
        connections = self.server.stats(b"conns")
        self.assertIn("UDP", [value for key, value in connections.items() if key.endswith(":UDP")])
        self.assertEqual(self.server.stats(b"settings")["udpport"], str(self.client_port))


class NoUdp(Case):
    def test_udp_is_off_by_default(self):
        server = self.node().start()
        with Datagrams(server.address) as datagrams:
            datagrams.send(b"version\r\n")
            with self.assertRaises((ConnectionRefusedError, socket.timeout)):
                datagrams._socket.settimeout(0.3)
                datagrams.answer()

    def test_a_taken_udp_port_is_an_error_at_start(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            server = self.node("-U", str(self.client_port))
            other.bind(server.address)
            server.launch()
            self.assertNotEqual(server.process.exit_status(), 0)
            self.assertIn("failed to listen on UDP", server.process.log())


if __name__ == "__main__":
    main()
