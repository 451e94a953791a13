"""Clients cannot take each other's memory: who never finishes a request takes nothing from those who
do."""
import contextlib
import time

from harness import Case, main, until, world

LARGE = b"v" * 100_000


class Shares(Case):
    def unfinished(self, node, count, beginning):
        """So many clients that have said this and say no more."""
        clients = [node.client() for _ in range(count)]
        for client in clients:
            self.addCleanup(client.close)
            client.send(beginning)
        return clients

    def check_sets(self, node, count=200, value=LARGE):
        """Large and small ones are stored, and found."""
        with node.client(20.0) as client:
            for n in range(count):
                self.assertEqual(client.set(b"large%d" % (n % 20), value), b"STORED", n)
                self.assertEqual(client.get(b"large%d" % (n % 20)), value)
                self.assertEqual(client.set(b"small", b"v"), b"STORED")

    def test_values_that_were_only_announced_are_in_nobodys_way(self):
        node = self.node("-m", "64").start()
        slow = self.unfinished(node, 80, b"set slow 0 0 1000000\r\nv")
        self.check_sets(node)
        # They are served, too, if they go on in the end.
        for client in slow:
            client.send(b"v" * 999_999 + b"\r\n")
            self.assertEqual(client.line(), b"STORED")

    def test_values_that_stop_before_their_end_are_in_nobodys_way(self):
        node = self.node("-m", "64").start()
        for stops_at in (300_000, 999_999):
            with self.subTest(stops_at):
                self.unfinished(node, 80, b"set slow 0 0 1000000\r\n" + b"v" * stops_at)
                self.check_sets(node)

    def test_packets_that_stop_are_in_nobodys_way(self):
        node = self.node("-m", "64").start()
        head = b"\x80\x01\0\x04\x08\0\0\0" + (1_000_012).to_bytes(4, "big") + bytes(12 + 8)
        self.unfinished(node, 80, head + b"slow" + b"v" * 500_000)
        self.check_sets(node)

    def test_nobody_waits_for_those_who_fill_the_buffers_and_stop(self):
        """Beyond half of -m and all of buffer-memory: what does not get on gives way."""
        node = self.node("-m", "64", "-c", "2000").start()
        for count, stops_at in ((250, 900_000), (900, 100_000)):
            with self.subTest(count):
                for number in range(count):
                    client = node.client()
                    self.addCleanup(client.close)
                    with contextlib.suppress(ConnectionError):
                        client.send(b"set slow%d 0 0 1000000\r\n" % number + b"v" * stops_at)
                time.sleep(world.scaled(3))  # from then on they do not get on
                self.check_sets(node, 40, b"v" * 1_000_000)
                self.check_sets(node, 40)

    def test_lines_without_an_end_hold_no_more_than_they_may(self):
        node = self.node("-m", "64").start()
        self.check_sets(node)
        before = node.process.resident_kib()
        beginning = b"get" + b" k" * (3 << 20)  # 6 MiB
        for client in [node.client() for _ in range(60)]:
            self.addCleanup(client.close)
            with contextlib.suppress(ConnectionError):
                client.send(beginning)
        until(lambda: int(node.stats()["read_buf_oom"]) > 20, 20, "some of them are closed")
        self.check_sets(node)
        grown = node.process.resident_kib() - before
        print(f"60 lines of 6 MiB: RSS +{grown} KiB", flush=True)
        if not world.IS_SANITIZED:  # it keeps what was freed
            self.assertLess(grown, 110 * 1024)

    def test_answers_that_are_not_read_hold_no_more_than_they_may(self):
        node = self.node("-m", "64", "-t", "1", "--buffer-memory", "8m").start()
        with node.client() as client:
            for n in range(100):
                client.set(b"k%d" % n, b"v" * 5000)
        line = b"get" + b"".join(b" k%d" % n for n in range(100)) + b"\r\n"
        for client in self.unfinished(node, 60, line * 50):
            client.set_timeout(0.2)
        until(lambda: int(node.stats()["response_obj_oom"]) > 10, 20, "some of them are closed")
        self.check_sets(node, 50)


if __name__ == "__main__":
    main()
