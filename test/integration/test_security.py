"""One test for each class of vulnerability that memcached and repcached have had, by what an
attacker sends. Those of authentication stand in test_login.py, of the link in test_strangers.py."""
import itertools
import os
import socket
import struct
import time

from harness import Case, Client, ClientClosed, main, until, world

MEBIBYTE_KIB = 1024
MOST_KIB = 48 * MEBIBYTE_KIB  # that an attack may cost; the store itself is filled before


def packet(opcode, key=b"", extras=b"", value=b"", **wrong):
    """`wrong` is what the header says instead of the truth."""
    body = extras + key + value
    return struct.pack(">BBHBBHIIQ", 0x80, opcode, wrong.get("key_bytes", len(key)),
                       wrong.get("extras_bytes", len(extras)), 0, 0,
                       wrong.get("body_bytes", len(body)), 0, 0) + body


class Attacked(Case):
    ARGUMENTS = ()

    def setUp(self):
        super().setUp()
        self.server = self.node(*self.ARGUMENTS).start()
        with self.server.client() as client:
            client.set(b"kept", b"safe")
        self.resident = self.server.process.resident_kib()

    def tearDown(self):
        with self.server.client() as client:
            self.assertEqual(client.get(b"kept"), b"safe", "what was stored must survive")
            self.assertEqual(client.stats()["pinned_values"], "0", "nothing is held for ever")

    def answers_to(self, request):
        """All that it says until it closes, which it does when we have said all."""
        with self.server.client() as client:
            try:
                client.send(request)
                client.half_close()
            except OSError:
                pass  # it has closed already, which is an answer
            return client.rest()

    def assert_cheap(self):
        grown = self.server.process.resident_kib() - self.resident
        self.assertLess(grown, MOST_KIB * max(1, world.TIME_FACTOR))


class Text(Attacked):
    def test_lengths_that_overflow_are_refused(self):
        """CVE-2009-2415, and every number that strtol would read on and on."""
        numbers = [b"-1", b"2147483647", b"2147483648", b"4294967295", b"4294967296",
                   b"18446744073709551615", b"18446744073709551616", b"9" * 500, b"0x10", b"1e3"]
        for number in numbers:
            for line in (b"set k 0 0 %s", b"append k 0 0 %s noreply", b"cas k 0 0 %s 1", b"ms k %s",
                         b"ms k %s T0 F0 q"):
                with self.subTest(line=line, number=number[:24]):
                    said = self.answers_to(line % number + b"\r\n")
                    self.assertNotIn(b"STORED\r\n", said)
                    self.assertNotIn(b"HD", said)
        self.assert_cheap()

    def test_numbers_without_end_are_refused_wherever_one_is_read(self):
        for digits in (b"9" * 30, b"9" * 1500, b"-" * 100, b"+1"):
            for line in (b"incr kept %s", b"touch kept %s", b"gat %s kept", b"flush_all %s",
                         b"verbosity %s", b"cache_memlimit %s", b"lru temp_ttl x%s",
                         b"slabs reassign %s %s", b"slabs automove %s", b"lru_crawler sleep %s",
                         b"lru_crawler crawl %s", b"stats cachedump %s %s", b"mg kept R%s",
                         b"mg missing N%s", b"ma kept D%s J%s", b"ms k 1 C%s", b"ms k 1 F%s"):
                with self.subTest(line=line, digits=digits[:4]):
                    line = line.replace(b"%s", digits)
                    self.answers_to(line + b"\r\nx\r\nversion\r\n")
        self.assert_cheap()

    def test_a_line_without_end_is_bounded_even_for_a_get(self):
        """CVE-2010-1152: memory until the machine has none."""
        with self.server.client() as client:
            with self.assertRaises((ClientClosed, ConnectionError)):
                client.send(b"get")
                for _ in range(2000):
                    client.send(b" " + b"k" * 200 + b" x" * 20000)
                client.line()
        self.assert_cheap()

    def test_blanks_are_no_keys_however_many(self):
        """CVE-2023-46852 and -46853: many spaces in a multi-get, lines that end without \\r."""
        self.assertEqual(self.answers_to(b"get" + b" " * 1900 + b"kept\n")[:16],
                         b"VALUE kept 0 4\r\n")
        self.assertEqual(self.answers_to(b"get " + b"kept " * 10000 + b"\n").count(b"VALUE"), 10000)
        for line in (b" ", b" " * 2000, b"\t" * 100, b"get " + b" " * 2000, b"mg " + b" " * 1000,
                     b"gat 0" + b" " * 1000, b"delete " + b" " * 100, b"set" + b" " * 500):
            with self.subTest(line=line[:8]):
                self.assertIn(b"ERROR", self.answers_to(line + b"\n"))

    def test_words_that_are_missing_are_not_read(self):
        """CVE-2019-11596: `lru mode` and `lru temp_ttl` without what belongs behind them."""
        for line in (b"lru", b"lru mode", b"lru temp_ttl", b"lru tune", b"lru tune 1 2 3", b"slabs",
                     b"slabs reassign", b"slabs reassign 1", b"slabs automove",
                     b"slabs automove window", b"slabs automove ratio", b"lru_crawler",
                     b"lru_crawler crawl",
                     b"lru_crawler metadump", b"lru_crawler sleep", b"cache_memlimit", b"verbosity",
                     b"stats detail", b"stats cachedump", b"watch bogus", b"extstore", b"me", b"mg",
                     b"ms", b"md", b"ma", b"set", b"set k", b"cas k 0 0", b"gat",
                     b"gat 0", b"incr k"):
            with self.subTest(line=line):
                self.assertIn(b"ERROR", self.answers_to(line + b"\r\n"))

    def test_crafted_meta_commands_are_refused_and_hold_nothing(self):
        """CVE-2020-22570, the bad F, the reference leaked by an ms that is refused."""
        flags = [b"F", b"Fx", b"F-1", b"F" + b"9" * 40, b"T", b"C", b"M", b"MX", b"E",
                 b"O" + b"o" * 40, b"b", b"b b", b"k k k", b"\xff", b"{", b"@", b"[", b"\x80" * 40,
                 b"k" * 900]
        for flag in flags:
            for command in (b"mg kept v ", b"md nothing ", b"ma kept ", b"ms kept 1 MR C99 "):
                with self.subTest(command=command, flag=flag[:20]):
                    self.answers_to(command + flag + b"\r\n" + b"x\r\n" * command.startswith(b"ms"))
        many = b"mg kept " + b" ".join(b"L%d" % n for n in range(400)) + b"\r\n"
        self.answers_to(many * 100)
        self.answers_to(b"ms kept 1 MX\r\nx\r\n" * 5000)
        self.assert_cheap()

    def test_one_key_may_be_asked_for_any_number_of_times_while_it_is_deleted(self):
        """CVE-2018-1000127: a count of references that wraps."""
        large = b"x" * 20000
        with self.server.client() as client, self.server.client() as other:
            client.set(b"much", large)
            client.set(b"small", b"v")
            client.send(b"get" + b" small" * 70000 + b"\r\nget" + b" much" * 1000 +
                        b"\r\nversion\r\nquit\r\n")
            self.assertEqual(client.exactly(8), b"VALUE sm")
            for key in (b"small", b"much"):
                self.assertEqual(other.ask(b"delete " + key), b"DELETED")
                self.assertEqual(other.set(key, b"new"), b"STORED")
            self.assertIn(b"END\r\nVERSION", client.rest()[-100:])
        self.assert_cheap()

    def test_there_is_no_report_of_the_memory_layout(self):
        """CVE-2009-1255."""
        self.assertEqual(self.answers_to(b"stats maps\r\n"), b"ERROR\r\n")
        self.assertNotIn(b"/lib", self.answers_to(b"stats\r\nstats settings\r\nstats malloc\r\n"))

    def test_prefixes_are_counted_for_a_bounded_number(self):
        """The table of `stats detail` grew without a limit."""
        with self.server.client() as client:
            self.assertEqual(client.ask(b"stats detail on"), b"OK")
            for first in range(0, 50000, 500):
                numbers = range(first, first + 500)
                client.send(b"".join(b"get prefix%d:key\r\n" % n for n in numbers))
                for _ in range(500):
                    self.assertEqual(client.line(), b"END")
            client.send(b"stats detail off\r\nversion\r\n")
            until(lambda: client.line().startswith(b"VERSION"), 30, "it goes on", 0)
        dump = self.answers_to(b"stats detail dump\r\n")
        self.assertLess(dump.count(b"\n"), 20000)
        self.assert_cheap()


class Binary(Attacked):
    OPCODES = [*range(0x00, 0x26), 0x30, 0x7f, 0x80, 0xff]

    def test_headers_that_lie_are_refused_in_every_opcode(self):
        """CVE-2011-4971, 2016-8704, -8705, -8706, 2017-9951, 2020-10931: lengths that are huge,
        that are negative as a signed number, or that do not add up."""
        lengths = itertools.product((0, 1, 251, 0xffff), (0, 8, 20, 0xff),
                                    (0, 0x7fffffff, 0x80000000, 0xffffffff))
        lies = [lie for lie in lengths if any(lie)]
        for opcode in self.OPCODES:
            for key_bytes, extras_bytes, body_bytes in lies:
                self._lie(opcode, key_bytes=key_bytes, extras_bytes=extras_bytes,
                          body_bytes=body_bytes)
        self.assert_cheap()

    def _lie(self, opcode, **wrong):
        with self.subTest(opcode=hex(opcode), **wrong):
            said = self.answers_to(packet(opcode, **wrong) + b"x" * 300)
            if said:
                self.assertEqual(said[0], 0x81)
            self.assertNotEqual(said[6:8], b"\0\0", "it is not a success")

    def test_quiet_floods_are_answered_and_bounded(self):
        """A flood of GETKQ on one key counted its references past their limit."""
        flood = packet(0x0d, b"kept") * 2000
        with self.server.client(timeout=30) as client:
            for _ in range(40):
                client.send(flood)
                client.exactly(2000 * (24 + 4 + 4 + 4))
        self.answers_to(packet(0x19, b"absent", b"", b"x") * 20000 + packet(0x0a))
        self.assert_cheap()

    def test_a_body_that_ends_early_stores_nothing(self):
        storing = packet(0x01, b"half", bytes(8), b"value")
        for cut in range(1, len(storing)):
            self.assertEqual(self.answers_to(storing[:cut]), b"")
        with self.server.client() as client:
            self.assertIsNone(client.get(b"half"))


class Verbose(Attacked):
    ARGUMENTS = ("-vv",)

    def test_a_verbose_log_shows_no_values_and_reads_no_further_than_a_key(self):
        """CVE-2013-0179, -7290, -7291: keys printed up to a zero byte that was not theirs."""
        secret = b"a-value-nobody-may-log"
        key = b"\x01%s%n\xff" * 20
        with self.server.client() as client:
            client.set(b"k", secret)
            client.get(b"k")
            client.ask(b"delete k")
        for opcode in (0x00, 0x04, 0x0c):
            self.answers_to(packet(opcode, key))
        self.answers_to(packet(0x01, key, bytes(8), secret) + packet(0x0c, key))
        self.answers_to(b"get " + b"%n" * 100 + b"\r\n")
        self.assertNotIn(secret.decode(), self.server.process.log())


class Outside(Case):
    def test_udp_is_off_unless_it_is_asked_for(self):
        """CVE-2018-1000115: answers fifty thousand times as large as the question."""
        node = self.node()
        words = node.command_line()
        at = words.index("-U")
        node.command_line = lambda: words[:at] + words[at + 2:]
        node.start()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(node.address)
            probe.settimeout(0.3)
            with self.assertRaises(OSError):
                probe.send(b"\0\1\0\0\0\1\0\0stats\r\n")
                probe.recv(100)
        self.assertEqual(self._udp_sockets(node.process.pid), 0)

    @staticmethod
    def _udp_sockets(pid):
        with open(f"/proc/{pid}/net/udp") as table:
            inodes = {line.split()[9] for line in table.readlines()[1:]}
        held = 0
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            try:
                target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
            except FileNotFoundError:  # closed meanwhile
                continue
            held += target[8:-1] in inodes if target.startswith("socket:") else 0
        return held

    def test_stats_conns_prints_a_unix_socket_of_any_length(self):
        """CVE-2019-15026."""
        longest = 107  # of a unix socket's address
        path = os.path.join(self.directory, "s" * (longest - len(self.directory) - 1))
        node = self.node("-s", path)
        node.launch()
        until(lambda: os.path.exists(path), 5, "the socket is there")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            connection.sendall(b"stats conns\r\nquit\r\n")
            said = b""
            while more := connection.recv(65536):
                said += more
        self.assertIn(path.encode(), said)
        self.assertTrue(said.endswith(b"END\r\n"))

    def test_a_watcher_or_a_dump_may_lose_its_client_at_any_moment(self):
        """Watchers used after they were freed; a crawler that dumped to a closed connection."""
        node = self.node().start()
        with node.client() as client:
            for n in range(20000):
                client.send(b"set key%d 0 0 1 noreply\r\nv\r\n" % n)
            client.ask(b"version")
            for n in range(30):
                leaver = Client(node.address)
                leaver.send(b"watch fetchers mutations evictions connevents deletions\r\n" if n % 2
                            else b"lru_crawler metadump all\r\n")
                client.send(b"get key1\r\nset key1 0 0 1 noreply\r\nv\r\ndelete key2\r\n")
                leaver.close()
            client.send(b"version\r\n")
            until(lambda: client.line().startswith(b"VERSION"), 10, "it goes on", 0)
        self.assert_still_serves(node)

    def test_a_peer_that_goes_away_costs_no_processor_time(self):
        """repcached's changes: a hog on transient network problems, and at a closed pipe."""
        nodes = self.pair().start()
        nodes.b.kill()
        with nodes.a.client() as client:
            client.set(b"k", b"v")
        time.sleep(0.3)
        before = nodes.a.process.cpu_seconds()
        time.sleep(1.0)
        self.assertLess(nodes.a.process.cpu_seconds() - before, 0.2 * max(1, world.TIME_FACTOR))

    def test_flushes_that_are_replicated_leak_nothing(self):
        """repcached leaked at each flush_all that it replicated."""
        nodes = self.pair().start()
        with nodes.a.client() as client:
            self._flush(client, 2000)
            nodes.wait_until_at_rest()
            before = [node.process.resident_kib() for node in nodes]
            self._flush(client, 20000)
        nodes.wait_until_at_rest()
        for node, resident in zip(nodes, before):
            grown = node.process.resident_kib() - resident
            self.assertLess(grown, 8 * MEBIBYTE_KIB * max(1, world.TIME_FACTOR))

    @staticmethod
    def _flush(client, times):
        for _ in range(times // 500):
            client.send(b"flush_all noreply\r\n" * 500)
            client.ask(b"version")


if __name__ == "__main__":
    main()
