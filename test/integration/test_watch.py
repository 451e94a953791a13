"""Watchers: what the server does arrives at them while it is done, whatever thread does it, and
one that does not read costs nobody anything."""
import re
import socket
import time

from harness import Case, main, until

LINE = re.compile(rb"ts=\d+\.\d{6} gid=\d+ type=(.*)")


class Watching(Case):
    def setUp(self):
        super().setUp()
        self.server = self.node("-t", "4", "-m", "16").start()

    def _watch(self, topics):
        client = self.server.client()
        self.addCleanup(client.close)
        self.assertEqual(client.ask(b"watch " + topics), b"OK")
        return client

    def _event(self, watcher):
        line = watcher.through(b"\n")  # without a carriage return, unlike answers
        match = LINE.fullmatch(line)
        self.assertTrue(match, line)
        return match.group(1)

    def test_events_of_every_thread_arrive_without_a_request(self):
        watcher = self._watch(b"mutations deletions")
        for number in range(8):  # one after the other on all four threads
            key = b"key%d" % number
            with self.server.client() as client:
                client.set(key, b"value")
                self.assertIn(b"item_store key=" + key + b" status=stored", self._event(watcher))
                client.ask(b"delete " + key)
                self.assertIn(b"deleted key=" + key + b" cmd=delete", self._event(watcher))

    def test_connections_are_reported_with_address_and_reason(self):
        watcher = self._watch(b"connevents")
        with self.server.client() as client:
            client.ask(b"version")
            ours = b" rport=%d " % client.port
            opened = self._event_with(watcher, ours)
        closed = self._event_with(watcher, ours)
        self.assertRegex(opened, rb"conn_new rip=127\.[0-9.]+ rport=\d+ transport=tcp cfd=\d+")
        self.assertRegex(closed, rb"conn_close .* reason=normal cfd=\d+")

    def test_what_is_closed_because_it_is_wrong_is_reported_as_an_error(self):
        watcher = self._watch(b"connevents")
        for said, reason in ((b"quit\r\n", b"normal"), (b"GET / HTTP/1.1\r\n", b"error"),
                             (b"x" * 3000, b"error"), (b"\x80\x00" + b"\xff" * 30, b"error")):
            with self.subTest(said=said[:20]), self.server.client() as client:
                client.send(said)
                closed = self._event_with(watcher, b" rport=%d " % client.port)
                while b"conn_close" not in closed:
                    closed = self._event_with(watcher, b" rport=%d " % client.port)
                self.assertIn(b" reason=" + reason + b" ", closed)

    def _event_with(self, watcher, words):
        """Whoever asked whether the port is open may be reported as well."""
        while words not in (event := self._event(watcher)):
            pass
        return event

    def test_a_watcher_that_does_not_read_costs_nobody_anything_and_is_told_what_it_missed(self):
        lazy = self._watch(b"fetchers mutations")
        busy = self._watch(b"deletions")
        pipelined = b"get key\r\n" * 500
        with self.server.client() as client:
            started = time.monotonic()
            for _ in range(100):
                client.send(pipelined)
                for _ in range(500):
                    self.assertEqual(client.line(), b"END")
            self.assertLess(time.monotonic() - started, 20)
            client.set(b"key", b"value")
            client.ask(b"delete key")
            self.assertIn(b"deleted key=key", self._event(busy))
        stats = self.server.stats()
        self.assertGreater(int(stats["log_watcher_skipped"]), 0)
        self.assertEqual(int(stats["log_watchers"]), 2)
        lazy.through(b"\nskipped=")
        self.assertGreater(int(lazy.through(b"\n")), 0)
        self.assert_still_serves(self.server)

    def test_a_watcher_that_leaves_is_forgotten_as_soon_as_there_is_something_to_tell(self):
        self._watch(b"fetchers").close()

        def nobody_watches():
            with self.server.client() as client:
                client.ask(b"get key")
            return self.server.stats()["log_watchers"] == "0"
        until(nobody_watches, 2, "nobody watches")

    def test_a_watcher_that_has_said_all_it_has_to_say_listens_on(self):
        with socket.create_connection(self.server.address, 5) as connection:
            connection.sendall(b"watch mutations\r\n")
            connection.shutdown(socket.SHUT_WR)
            lines = connection.makefile("rb")
            self.assertEqual(lines.readline(), b"OK\r\n")
            used = self.server.process.cpu_seconds()
            for number in range(3):
                with self.server.client() as client:
                    client.set(b"key%d" % number, b"value")
                self.assertIn(b"key=key%d status=stored" % number, lines.readline())
            self.assertEqual(self.server.stats()["log_watchers"], "1")
            self.assertLess(self.server.process.cpu_seconds() - used, 0.5, "nothing is polled for")

    def test_a_server_with_watchers_stops_at_once(self):
        self._watch(b"fetchers connevents")
        started = time.monotonic()
        self.server.stop()
        self.assertLess(time.monotonic() - started, 2)


if __name__ == "__main__":
    main()
