"""Items that survive a restart (-e), and the many ways in which they must not."""
import os
import random
import shutil
import signal
import subprocess
import tempfile
import unittest

from harness import Case, main, until, world

DROPPED_LINE = "starting empty"


class WarmCase(Case):
    needs_replication = True  # memcached's -e needs another kind of file

    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(prefix="twincached-memory-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def file_of(self, node):
        return os.path.join(self.folder, node.name)

    def warm(self, node, *extra):
        """Lets the node keep its items in a file of its own."""
        node.arguments += ["-e", self.file_of(node), *extra]
        return node

    def end(self, node, number=signal.SIGUSR1):
        """An orderly stop; returns what the log says of the file."""
        node.process.signal(number)
        self.assertEqual(node.process.exit_status(20), 0)
        return node.process.log()

    def last_log(self, node):
        """The log since the last start."""
        return node.process.log().rsplit("$ ", 1)[1]


class Alone(WarmCase):
    def setUp(self):
        super().setUp()
        self.lone = self.warm(self.node()).start()

    def _fill(self, count=200):
        with self.lone.client() as client:
            for n in range(count):
                self.assertEqual(client.set(b"key%d" % n, b"value %d" % n, n), b"STORED")

    def _count(self):
        return int(self.lone.stats()["curr_items"])

    def test_every_orderly_stop_keeps_the_items(self):
        for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number):
                self._fill()
                with self.lone.client() as client:
                    before = client.gets_many([b"key%d" % n for n in range(200)])
                self.end(self.lone, number)
                self.lone.start()
                with self.lone.client() as client:
                    self.assertEqual(client.gets_many([b"key%d" % n for n in range(200)]), before)
                self.assertIn("200 items", self.last_log(self.lone))

    def test_the_shutdown_command_keeps_the_items(self):
        self.lone.stop()
        self.lone.start(extra=["-A"])
        self._fill()
        with self.lone.client() as client:
            client.send(b"shutdown graceful\r\n")
        self.assertEqual(self.lone.process.exit_status(20), 0)
        self.lone.start()
        self.assertEqual(self._count(), 200)

    def test_an_item_comes_back_with_everything_that_makes_it_what_it_is(self):
        large = random.Random(7).randbytes(900_000)
        with self.lone.client() as client:
            client.set(b"large", large, 77)
            client.set(b"empty", b"", 4294967295)
            client.ask(b"ms c2hlIGlz 5 b E987654321 F3", b"meta!")
            client.set(b"counter", b"41")
            client.ask(b"mg large v")  # has been fetched
            client.exactly(len(large) + 2)
            self.assertEqual(client.ask(b"ms stale 2", b"xy"), b"HD")
            self.assertEqual(client.ask(b"md stale I T30"), b"HD")
            cas = client.gets(b"counter")[2]
        self.end(self.lone)
        self.lone.start()
        with self.lone.client() as client:
            self.assertEqual(client.gets(b"large")[:2], (large, 77))
            self.assertEqual(client.gets(b"empty")[:2], (b"", 4294967295))
            self.assertEqual(client.ask(b"mg c2hlIGlz b c f k"),
                             b"HD c987654321 f3 kc2hlIGlz b")
            self.assertEqual(client.gets(b"counter")[2], cas)
            self.assertEqual(client.store(b"cas", b"counter", b"42", extra=b" %d" % cas), b"STORED")
            self.assertGreater(client.gets(b"counter")[2], cas)
            self.assertEqual(client.ask(b"mg large h"), b"HD h1")
            self.assertEqual(client.ask(b"mg stale t"), b"HD t30 X W")

    def test_times_to_live_go_on_while_the_server_is_away(self):
        with self.lone.client() as client:
            client.set(b"short", b"1", exptime=2)
            client.set(b"long", b"1", exptime=1000)
        self.end(self.lone)
        self.lone.start()
        with self.lone.client() as client:
            self.assertLessEqual(int(client.ask(b"mg long t").split(b" t")[1]), 1000)
            self.assertGreater(int(client.ask(b"mg long t").split(b" t")[1]), 980)
            until(lambda: client.get(b"short") is None, 5, "the item expires in its time")
            self.assertLess(int(client.stats()["uptime"]), 10)

    def test_a_scheduled_flush_is_not_forgotten(self):
        with self.lone.client() as client:
            client.set(b"doomed", b"1")
            self.assertEqual(client.ask(b"flush_all 2"), b"OK")
        self.end(self.lone)
        self.lone.start()
        with self.lone.client() as client:
            until(lambda: client.get(b"doomed") is None, 6, "the flush takes place")

    def test_what_was_flushed_does_not_come_back(self):
        self._fill()
        with self.lone.client() as client:
            client.ask(b"flush_all")
            client.set(b"after", b"1")
        self.end(self.lone)
        self.lone.start()
        self.assertEqual(self._count(), 1)

    def test_after_a_crash_it_starts_empty_and_says_so(self):
        self._fill()
        self.end(self.lone)
        self.lone.start()
        self.assertEqual(self._count(), 200)
        self.lone.kill()
        self.lone.start()
        self.assertEqual(self._count(), 0)
        self.assertIn("ended without saving", self.last_log(self.lone))

    def test_a_file_is_restored_once_only(self):
        self._fill()
        self.end(self.lone)
        self.lone.start()
        with open(self.file_of(self.lone), "rb") as file:
            self.assertEqual(file.read(), b"TWIN-RUN")

    def test_a_file_that_another_server_uses_refuses_the_start(self):
        second = self.node("-e", self.file_of(self.lone), name="second", host=2)
        second.launch()
        self.assertNotEqual(second.process.exit_status(10), 0)
        self.assertIn("another running server uses it", second.process.log())

    def test_damage_anywhere_is_noticed_and_nothing_is_served(self):
        self._fill()
        with self.lone.client() as client:
            client.set(b"large", b"x" * 700_000)
        self.end(self.lone)
        path = self.file_of(self.lone)
        with open(path, "rb") as file:
            whole = file.read()
        source = random.Random(3)
        places = [0, 5, 8, 12, 16, 24, 40, len(whole) - 1, len(whole) - 9]
        places += [source.randrange(len(whole)) for _ in range(12)]
        spoilt = [whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1:] for at in places]
        spoilt += [whole[:at] for at in (1, 7, 8, 23, 100, len(whole) // 2, len(whole) - 1)]
        spoilt += [whole + b"!", whole + whole]
        for image in spoilt:
            with open(path, "wb") as file:
                file.write(image)
            self.lone.start()
            self.assertEqual(self._count(), 0)
            self.assertIn(DROPPED_LINE, self.last_log(self.lone))
            self.lone.kill()

    def test_it_comes_back_into_other_sizes(self):
        self._fill(2000)
        self.end(self.lone)
        self.lone.start(extra=["-m", "256", "-t", "1", "-I", "2m"])
        self.assertEqual(self._count(), 2000)
        with self.lone.client() as client:
            for n in range(60_000):
                client.send(b"set fill%d 0 0 400 noreply\r\n%s\r\n" % (n, b"x" * 400))
            client.get(b"sync")
        self.end(self.lone)
        self.lone.start(extra=["-m", "8", "-t", "2"])
        self.assertGreater(self._count(), 5000)
        self.assertGreater(int(self.lone.stats()["evictions"]), 0)
        self.end(self.lone)
        self.lone.start(extra=["-m", "64", "-I", "512k"])
        self.assert_still_serves(self.lone)

    def test_an_unusable_place_refuses_the_start(self):
        for path in ("/nowhere/at/all", self.folder):
            with self.subTest(path=path):
                node = self.node("-e", path, name="unusable", host=3)
                node.launch()
                self.assertNotEqual(node.process.exit_status(10), 0)
                self.assertIn("memory file", node.process.log())

    @unittest.skipUnless(world.IS_ROOT, "needs another user, or a mount")
    def test_a_folder_without_permission_refuses_the_start(self):
        closed = os.path.join(self.folder, "closed")
        os.mkdir(closed, 0o700)
        node = self.node("-e", os.path.join(closed, "file"), "-u", "nobody", name="unusable", host=3)
        node.launch()
        self.assertNotEqual(node.process.exit_status(10), 0)
        self.assertIn("Permission denied", node.process.log())

    @unittest.skipUnless(world.IS_ROOT, "needs another user, or a mount")
    def test_a_full_disk_means_an_empty_start_and_no_rubbish(self):
        small = os.path.join(self.folder, "small")
        os.mkdir(small)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", small],
                                 capture_output=True, check=False)
        if mounted.returncode != 0:
            self.skipTest("no right to mount")
        self.addCleanup(subprocess.run, ["umount", small], check=False)
        node = self.node("-e", os.path.join(small, "file"), name="full", host=3).start()
        with node.client() as client:
            for n in range(100):
                client.set(b"key%d" % n, b"x" * 8000)
        self.assertIn("No space left", self.end(node))
        self.assertEqual(os.listdir(small), ["file"])
        node.start()
        self.assertEqual(int(node.stats()["curr_items"]), 0)


class UnderAnotherDriver(WarmCase):
    def setUp(self):
        super().setUp()
        self.file = os.path.join(self.folder, "items")

    def _fill(self, node, count=200):
        with node.client() as client:
            for n in range(count):
                self.assertEqual(client.set(b"key%d" % n, b"value %d" % n), b"STORED")

    def _assert_full(self, node, count=200):
        with node.client() as client:
            for n in range(count):
                self.assertEqual(client.get(b"key%d" % n), b"value %d" % n)

    def _filled_lone_node(self):
        lone = self.node()
        lone.arguments += ["-e", self.file]
        lone.start()
        self._fill(lone)
        self.end(lone)

    def test_a_single_server_becomes_a_pair_and_keeps_its_items(self):
        self._filled_lone_node()
        nodes = self.pair()
        nodes.a.arguments += ["-e", self.file]
        nodes.start()
        nodes.wait_until_at_rest()
        for node in nodes:
            self._assert_full(node)

    def test_a_node_of_a_pair_becomes_a_single_server_and_keeps_its_items(self):
        nodes = self.pair()
        nodes.b.arguments += ["-e", self.file]
        nodes.start()
        self._fill(nodes.a)
        nodes.wait_until_at_rest()
        self.end(nodes.b)
        lone = self.node()
        lone.arguments += ["-e", self.file]
        lone.start()
        self._assert_full(lone)


class InAPair(WarmCase):
    def setUp(self):
        super().setUp()
        self.nodes = self.pair()
        for node in self.nodes:
            self.warm(node)
        self.nodes.start()
        self.keys = [b"key%d" % n for n in range(3000)]
        self._set(self.nodes.a, self.keys, b"first")
        self.nodes.wait_until_at_rest()

    def _set(self, node, keys, value):
        with node.client() as client:
            for key in keys:
                client.send(b"set %s 0 0 %d noreply\r\n%s\r\n" % (key, len(value), value))
            client.get(b"sync")

    def _delete(self, node, keys):
        with node.client() as client:
            for key in keys:
                client.send(b"delete %s noreply\r\n" % key)
            client.get(b"sync")

    def _items(self, node):
        return int(node.stats()["curr_items"])

    def _traffic(self, node):
        stats = node.replication()
        return {name: int(stats["repl_" + name]) for name in
                ("records_received", "records_sent", "lists_sent", "lists_received", "resyncs")}

    def test_only_the_difference_crosses_the_link_and_nothing_stale_comes_back(self):
        for away, stays in ((self.nodes.b, self.nodes.a), (self.nodes.a, self.nodes.b)):
            with self.subTest(away=away.name):
                self._set(stays, self.keys, b"before")
                self.nodes.wait_until_at_rest()
                self.end(away)
                self._set(stays, self.keys[:50], b"changed")
                self._delete(stays, self.keys[50:80])
                away.start()
                with away.client() as client:
                    self.assertEqual(client.get(self.keys[0]), b"changed")
                    self.assertIsNone(client.get(self.keys[50]))
                    self.assertEqual(client.get(self.keys[80]), b"before")
                self.nodes.wait_until_at_rest()
                self.nodes.wait_until_equal(self.keys)
                traffic = self._traffic(away)
                self.assertEqual(traffic["resyncs"], 0)
                self.assertEqual(traffic["records_received"], 80)
                self.assertEqual(traffic["records_sent"], 0)
                self.assertEqual(traffic["lists_sent"] + traffic["lists_received"], 0)
                self._set(stays, self.keys, b"again")
                self.nodes.wait_until_at_rest()

    def test_a_flush_while_it_was_away_reaches_it(self):
        self.end(self.nodes.b)
        with self.nodes.a.client() as client:
            client.ask(b"flush_all")
            client.set(b"after", b"1")
        self.nodes.b.start()
        self.nodes.wait_until_at_rest()
        with self.nodes.b.client() as client:
            self.assertIsNone(client.get(self.keys[0]))
            self.assertEqual(client.get(b"after"), b"1")

    def test_more_changes_than_the_log_holds_leave_nothing_stale(self):
        for node in self.nodes:
            self.end(node)
        for node in self.nodes:
            node.launch(extra=["--log-memory", "64k"])
        for node in self.nodes:
            node.wait_until_open()
        self.nodes.wait_until_at_rest()
        self.end(self.nodes.b)
        self._delete(self.nodes.a, self.keys[:2000])
        self._set(self.nodes.a, self.keys[2000:2500], b"changed")
        self.assertGreater(int(self.nodes.a.replication()["repl_dirty_buckets"]), 0)
        self.nodes.b.start(extra=["--log-memory", "64k"])
        self.nodes.wait_until_at_rest()
        self.nodes.wait_until_equal(self.keys)
        self.assertEqual(self._items(self.nodes.b), 1000)

    def test_both_restart_one_after_the_other_and_keep_everything(self):
        self.end(self.nodes.a)
        self._delete(self.nodes.b, self.keys[:10])
        self.end(self.nodes.b)
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait_until_open()
        self.nodes.wait_until_at_rest()
        self.nodes.wait_until_equal(self.keys)
        self.assertEqual([self._items(node) for node in self.nodes], [2990, 2990])
        self.assertEqual(self._traffic(self.nodes.a)["resyncs"], 0)

    def test_the_last_one_serves_its_items_though_nobody_confirms_them(self):
        self.end(self.nodes.a)
        self._delete(self.nodes.b, self.keys[:10])
        self.end(self.nodes.b)
        self.nodes.b.start()
        self.assertEqual(self._items(self.nodes.b), 2990)
        self.nodes.a.start()
        self.nodes.wait_until_at_rest()
        self.nodes.wait_until_equal(self.keys)
        self.assertEqual(self._items(self.nodes.a), 2990)

    def test_one_that_left_its_peer_behind_and_finds_nobody_forgets(self):
        self.end(self.nodes.a)
        self._delete(self.nodes.b, self.keys[:10])
        self.nodes.b.kill()
        self.nodes.a.start()
        self.assertIn("forgotten", self.last_log(self.nodes.a))
        self.assertEqual(self._items(self.nodes.a), 0)
        self._set(self.nodes.a, [b"new"], b"1")
        self.nodes.b.start()
        self.nodes.wait_until_at_rest()
        self.nodes.wait_until_equal(self.keys + [b"new"])

    def test_a_peer_that_died_meanwhile_and_serves_anew_is_believed(self):
        self.end(self.nodes.a)
        self._delete(self.nodes.b, self.keys[:10])
        self.nodes.b.kill()
        self.nodes.b.start()
        self._set(self.nodes.b, self.keys[20:30], b"anew")
        self.nodes.a.start()
        self.nodes.wait_until_at_rest()
        self.nodes.wait_until_equal(self.keys)
        self.assertEqual(self._items(self.nodes.a), 10)

    def test_a_copy_of_an_older_file_is_never_taken_as_current(self):
        copy = os.path.join(self.folder, "copy")
        path = self.file_of(self.nodes.b)
        self.end(self.nodes.b)
        shutil.copy(path, copy)
        self.nodes.b.start()
        self.nodes.wait_until_at_rest()
        self._delete(self.nodes.a, self.keys[:100])
        self.nodes.wait_until_at_rest()  # the peer has acknowledged: the tombstones are gone
        for how in ("warm", "cold"):
            with self.subTest(between=how):
                if how == "warm":
                    self.end(self.nodes.b)
                else:
                    self.nodes.b.kill()
                    os.remove(path)
                    self.nodes.b.start()
                    self.nodes.wait_until_at_rest()
                    self.nodes.b.kill()
                shutil.copy(copy, path)
                self.nodes.b.start()
                self.nodes.wait_until_at_rest()
                self.nodes.wait_until_equal(self.keys)
                self.assertIn("forgotten", self.last_log(self.nodes.b))
                for node in self.nodes:
                    self.assertEqual(self._items(node), 2900)

    def test_the_peers_file_is_refused(self):
        for node in self.nodes:
            self.end(node)
        shutil.copy(self.file_of(self.nodes.a), self.file_of(self.nodes.b))
        self.nodes.launch()
        for node in self.nodes:
            node.wait_until_open()
        self.nodes.wait_until_at_rest()
        self.assertIn("another kind of node", self.last_log(self.nodes.b))
        self.nodes.wait_until_equal(self.keys)

    def test_deletes_that_the_peer_never_heard_of_survive_the_restart(self):
        self.end(self.nodes.a)
        self._delete(self.nodes.b, self.keys[:10])  # in b's log, for a is away
        self.end(self.nodes.b)
        self.nodes.launch()
        for node in self.nodes:
            node.wait_until_open()
        self.nodes.wait_until_at_rest()
        with self.nodes.b.client() as client:
            self.assertIsNone(client.get(self.keys[0]))
        with self.nodes.a.client() as client:
            self.assertIsNone(client.get(self.keys[0]))


if __name__ == "__main__":
    main()
