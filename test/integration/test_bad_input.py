"""What clients may do to the client port: a clear error, nothing lost, memory bounded."""
import os
import random
import resource
import socket
import time
import unittest

from harness import Case, Client, ClientClosed, main, until, world

HOSTILE_LINES = [
    (b"set k 0 0 -1", b"CLIENT_ERROR bad command line format"),
    (b"set k 0 0 2147483647", b"CLIENT_ERROR bad command line format"),
    (b"set k 0 0 99999999999999999999", b"CLIENT_ERROR bad command line format"),
    (b"set k 0 0 abc", b"CLIENT_ERROR bad command line format"),
    (b"set k -1 0 1\r\nx", b"CLIENT_ERROR bad command line format"),
    (b"set " + b"k" * 251 + b" 0 0 1\r\nx", b"CLIENT_ERROR"),
    (b"get " + b"k" * 251, b"CLIENT_ERROR bad command line format"),
    (b"get ok " + b"k" * 251, b"CLIENT_ERROR bad command line format"),
    (b"incr k abc", b"CLIENT_ERROR invalid numeric delta argument"),
    (b"incr k -1", b"CLIENT_ERROR invalid numeric delta argument"),
    (b"touch k abc", b"CLIENT_ERROR invalid exptime argument"),
    (b"flush_all abc", b"CLIENT_ERROR"),
    (b"GET k", b"ERROR"),
    (b"rep k 0 0 1 1", b"ERROR"),
    (b"marugoto_end", b"ERROR"),
    (b"shutdown", b"SERVER_ERROR" if not world.IS_MEMCACHED else b"ERROR"),
    (b"\0\1\2", b""),
]


class Lines(Case):
    def setUp(self):
        super().setUp()
        self.server = self.node().start()
        with self.server.client() as client:
            client.set(b"kept", b"safe")

    def tearDown(self):
        with self.server.client() as client:
            self.assertEqual(client.get(b"kept"), b"safe", "what was stored must survive")

    def test_a_hostile_line_gets_its_error_and_the_server_goes_on(self):
        for line, error in HOSTILE_LINES:
            with self.subTest(line=line[:40]), self.server.client() as client:
                client.send(line + b"\r\n")
                if error:
                    self.assertTrue(client.line().startswith(error))

    def test_a_line_without_end_closes_the_connection(self):
        with self.server.client() as client:
            with self.assertRaises((ClientClosed, ConnectionError)):
                client.send(b"s" * 8192)
                while True:
                    if not client.line().startswith((b"ERROR", b"CLIENT_ERROR")):
                        self.fail("a line without end was answered as if it had one")

    def test_a_get_of_many_keys_may_be_hundreds_of_kilobytes_long(self):
        keys = [b"missing%03d" % n for n in range(18725)]
        with self.server.client() as client:
            self.assertEqual(client.values(b"get kept " + b" ".join(keys))[b"kept"][0], b"safe")

    def test_a_value_above_the_limit_is_refused_and_swallowed(self):
        with self.server.client() as client:
            client.set(b"big", b"old")
            answer = client.set(b"big", b"x" * 1049600)
            self.assertEqual(answer, b"SERVER_ERROR object too large for cache")
            self.assertIsNone(client.get(b"big"), "the old value must not outlive a failed set")
            self.assertEqual(client.set(b"big", b"x" * 1000000), b"STORED")

    def test_a_refused_value_never_runs_as_commands(self):
        body = b"flush_all\r\nset kept 0 0 4\r\nlost\r\n" * 40000
        with self.server.client() as client:
            self.assertEqual(client.set(b"big", body), b"SERVER_ERROR object too large for cache")
            self.assertEqual(client.get(b"kept"), b"safe")

    def test_a_stored_value_whose_bytes_are_commands_is_only_a_value(self):
        body = b"\r\nflush_all\r\ndelete kept\r\nEND\r\nVALUE kept 0 4\r\nlost\r\nEND\r\n"
        with self.server.client() as client:
            self.assertEqual(client.set(b"text", body), b"STORED")
            self.assertEqual(client.get(b"text"), body)

    def test_a_value_of_a_wrong_length_is_a_bad_data_chunk(self):
        with self.server.client() as client:
            client.send(b"set wrong 0 0 3\r\nabcdef\r\n")
            self.assertEqual(client.line(), b"CLIENT_ERROR bad data chunk")
        with self.server.client() as client:
            self.assertIsNone(client.get(b"wrong"))

    def test_a_request_that_stops_halfway_stores_nothing(self):
        for part in (b"set half 0 0 10", b"set half 0 0 10\r\n", b"set half 0 0 10\r\n12345",
                     b"set half 0 0 10\r\n1234567890", b"set half 0 0 10\r\n1234567890\r"):
            with self.server.client() as client:
                client.send(part)
                client.half_close()
                client.rest()
            with self.server.client() as client:
                self.assertIsNone(client.get(b"half"), part)

    def test_a_request_may_come_byte_by_byte(self):
        with self.server.client() as client:
            for byte in b"set slow 7 0 4\r\nbyte\r\nget slow\r\n":
                client.send(bytes([byte]))
            self.assertEqual(client.line(), b"STORED")
            self.assertEqual(client.line(), b"VALUE slow 7 4")

    def test_an_http_request_is_closed_without_an_answer(self):
        for verb in (b"GET", b"POST", b"PUT", b"DELETE"):
            with self.server.client() as client:
                client.send(verb + b" /x HTTP/1.1\r\nHost: x\r\n\r\nflush_all\r\n")
                answer = client.rest()
                self.assertNotIn(b"OK", answer)
                if not world.IS_MEMCACHED:
                    self.assertEqual(answer, b"")

    def test_random_bytes_never_hurt(self):
        seed = world.number("TWINCACHED_SEED", int(time.time()))
        print(f"TWINCACHED_SEED={seed}", flush=True)
        source = random.Random(seed)
        for _ in range(100):
            # Letters alone would find `flush_all` only by luck; the first byte is what selects.
            noise = source.randbytes(source.randrange(1, 4000))
            with self.server.client(timeout=2) as client:
                try:
                    client.send(noise)
                    client.half_close()
                    client.rest()
                except OSError:
                    pass  # closed on us: that is an answer
        self.assert_still_serves(self.server)


class Memory(Case):
    IDLE = world.number("TWINCACHED_IDLE_CONNECTIONS", 10000)

    def test_ten_thousand_idle_connections_cost_little_and_disturb_nobody(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.IDLE + 500,) * 2) \
            if world.IS_ROOT else self.skipTest("needs root for the descriptors")
        server = self.node("-c", str(self.IDLE + 100), descriptors=self.IDLE + 500).start()
        self.assert_still_serves(server)
        before = server.process.resident_kib()
        idle = [socket.create_connection(server.address, 5) for _ in range(self.IDLE)]
        try:
            until(lambda: int(server.stats()["curr_connections"]) >= self.IDLE, 10, "all are in")
            grown = server.process.resident_kib() - before
            per_connection = grown * 1024 / self.IDLE
            print(f"{self.IDLE} idle connections: {per_connection:.0f} bytes each", flush=True)
            self.assertLess(per_connection, 16384 * max(1, world.TIME_FACTOR))
            self.assert_still_serves(server)
        finally:
            for connection in idle:
                connection.close()
        until(lambda: int(server.stats()["curr_connections"]) < 50, 10, "all are gone")

    def test_a_client_that_does_not_read_is_not_given_memory_for_ever(self):
        server = self.node("-m", "256").start()
        with server.client() as client:
            client.set(b"big", b"x" * 500000)
            before = server.process.resident_kib()
            deaf = Client(server.address)
            deaf.set_timeout(0.5)
            try:
                for _ in range(200):
                    deaf.send(b"get big\r\n" * 500)  # 50 GB of answers, were they made
            except OSError:
                pass  # the server has stopped reading, as it should
            self.assertEqual(client.get(b"big"), b"x" * 500000)
            grown = server.process.resident_kib() - before
            print(f"a deaf client costs {grown} KiB", flush=True)
            self.assertLess(grown, 64 * 1024)
            deaf.close()

    def test_half_sent_values_hold_no_more_than_they_have_sent(self):
        server = self.node("-m", "64").start()
        with server.client() as client:
            client.set(b"kept", b"safe")
        halves = [server.client() for _ in range(100)]
        for number, half in enumerate(halves):
            half.send(b"set half%d 0 0 1000000\r\n" % number + b"x" * 1000)
        with server.client() as client:
            self.assertEqual(client.get(b"kept"), b"safe")
            self.assertEqual(client.set(b"more", b"room"), b"STORED")
        self.assertLess(server.process.resident_kib(), (64 + 200) * 1024 * world.TIME_FACTOR)
        for half in halves:
            half.close()


class Descriptors(Case):
    def test_one_connection_too_many_gets_a_clear_error(self):
        server = self.node("-c", "64").start()
        clients = []
        try:
            answer = b""
            for _ in range(100):
                client = Client(server.address)
                clients.append(client)
                client.send(b"version\r\n")
                answer = client.line()
                if not answer.startswith(b"VERSION"):
                    break
            self.assertEqual(answer, b"ERROR Too many open connections")
            self.assertTrue(clients[0].ask(b"version").startswith(b"VERSION"))
            # Whoever was turned away may have read it before it is counted.
            until(lambda: int(clients[0].stats()["rejected_connections"]) > 0, 2, "it is counted")
        finally:
            for client in clients:
                client.close()
        until(lambda: self._serves(server), 5, "there is room again")

    @staticmethod
    def _serves(server):
        with server.client() as client:
            return client.ask(b"version").startswith(b"VERSION")

    @unittest.skipIf(world.IS_MEMCACHED, "memcached refuses to start with fewer than -c")
    def test_running_out_of_descriptors_ends_nothing_and_wastes_no_processor(self):
        server = self.node("-c", "40").start()
        # A limit that is set on the running process is one that no start-up check can see.
        in_use = len(os.listdir(f"/proc/{server.process.pid}/fd"))
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (in_use + 8,) * 2)
        first = server.client()
        first.set(b"kept", b"safe")
        crowd = []
        try:
            for _ in range(30):
                crowd.append(socket.create_connection(server.address, 2))
            before = server.process.cpu_seconds()
            for _ in range(200):
                self.assertEqual(first.get(b"kept"), b"safe")
                time.sleep(0.005)
            spent = server.process.cpu_seconds() - before
            self.assertLess(spent, world.scaled(0.5), "accept must not spin")
        finally:
            for connection in crowd:
                connection.close()
        until(lambda: self._serves(server), 5, "there is room again")
        first.close()


if __name__ == "__main__":
    main()
