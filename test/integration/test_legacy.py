"""A live repcached pair becomes a pair of ours, node by node, with its data, while clients write.

The old nodes are a stand-in that errs as the old programs do (harness/repcached.py)."""
import random
import subprocess
import threading
import time

from harness import Case, Client, main, until, world
from harness.repcached import Repcached
from test_orders import TWINCTL
from test_reload import Configured

ITEMS = world.number("TWINCACHED_LEGACY_ITEMS", 2000)
VERSIONS = ("2.2.1", "2.3.1")


class Writers:
    """Three clients that set, delete and count without a pause, and flush now and then; and what
    must be there after all that was confirmed."""

    def __init__(self, address, expected):
        self.expected = expected  # {key: (value, flags)}
        self.written = 0
        self._random = random.Random(20261129)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._address = address
        self._client = None
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True)
                         for n in range(3)]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def move(self, address):
        """None: nobody writes, and what was confirmed has been noted."""
        with self._lock:
            self._address = address
            if self._client is not None:
                self._client.close()
            self._client = None

    def _run(self, number):
        while not self._stopped.is_set():
            with self._lock:
                if self._address is not None:
                    self._write(b"w%d-%d" % (number, self._random.randrange(300)))
            time.sleep(0.0002)

    def _write(self, key):
        if self._client is None:
            self._client = Client(self._address)
        self.written += 1
        what = self._random.randrange(1000)
        if what == 0:
            assert self._client.ask(b"flush_all") == b"OK"
            self.expected.clear()
        elif what < 250:
            self._client.ask(b"delete " + key)
            self.expected.pop(key, None)
        elif what < 400:
            answer = self._client.ask(b"incr n%s 1" % key)
            if answer == b"NOT_FOUND":
                self._client.set(b"n" + key, b"1000")
                answer = b"1000"
            self.expected[b"n" + key] = (answer, 0)
        else:
            flags = self._random.choice((0, 1, 1 << 31, (1 << 32) - 1))
            value = b"%d" % self._random.getrandbits(60)
            assert self._client.set(key, value, flags) == b"STORED"
            self.expected[key] = (value, flags)


class Migration(Case):
    needs_replication = True

    def old(self, host, version, peer=None):
        at = self.addresses.host
        old = Repcached(version, at(host), self.client_port, self.link_port,
                        at(peer) if peer else None)
        self.addCleanup(old.kill)
        return old

    def new(self, host, peer, name):
        made = Configured(self, name=name, host=host, peer=self.addresses.host(peer))
        self.configure(made, legacy="yes")
        return made

    def serving_old(self, version, items):
        old = self.old(1, version)
        old.fill(items)
        old.start()
        until(old.is_open, 5, "the old node serves")
        return old

    def linked_to_old(self, version, items):
        """The old node with these items, and a new one that has fetched them."""
        old = self.serving_old(version, items)
        made = self.new(2, 1, "b")
        made.node.start(seconds=15)
        self.wait_until_linked(made, dumps=1)
        return old, made

    @staticmethod
    def configure(made, memory=None, **options):
        made.write(replication={"boot-grace": "1s", **options}, memory=memory or {})

    def wait_until_linked(self, made, dumps=None, seconds=15):
        def linked():
            stats = made.node.replication()
            told = dumps is None or stats["repl_legacy_dumps_received"] == str(dumps)
            return stats["repl_legacy"] == "linked" and told
        until(linked, seconds, "the new node is in step with the old one", interval=0.02)

    def ask_for_dump(self, made, dumps):
        self.twinctl(made, "resync")
        self.wait_until_linked(made, dumps)

    def twinctl(self, made, *words):
        ended = subprocess.run([TWINCTL, "--pid", str(made.node.process.pid), *words],
                               capture_output=True, text=True, check=False)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        return ended.stdout

    def check_step(self, made, number):
        """Reports are made anew each tenth of a second."""
        until(lambda: f"step {number} of 6" in self.twinctl(made, "migrate", "status"), 5,
              f"twinctl says step {number}", interval=0.05)

    def wrong_on(self, node, expected):
        """Keys whose value or flags are not the expected ones, with those that must not be there."""
        keys = sorted(set(expected) | self.all_keys)
        with node.client() as client:
            found = {}
            for n in range(0, len(keys), 100):
                found.update(client.values(b"get " + b" ".join(keys[n:n + 100])))
        return {key: (expected.get(key), found.get(key)) for key in keys
                if (found[key][:2] if key in found else None) != expected.get(key)}

    def wrong_on_old(self, old, expected):
        held = {key: (item.value, item.flags) for key, item in old.items.items()}
        return {key: (expected.get(key), held.get(key)) for key in set(held) | set(expected)
                if held.get(key) != expected.get(key)}

    def check(self, wrong, what):
        """Waits for what is on its way; then nothing may be wrong."""
        deadline = time.monotonic() + world.scaled(5)
        while (found := wrong()) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(len(found), 0, f"{what}: {list(found.items())[:5]}")

    def check_both(self, old, made, expected, what):
        self.check(lambda: self.wrong_on(made.node, expected), f"{what}, the new node")
        self.check(lambda: self.wrong_on_old(old, expected), f"{what}, the old node")

    def some_items(self):
        chance = random.Random(7)
        expected = {b"old%d" % n: (b"v%d" % n, chance.choice((0, 5, (1 << 32) - 1)))
                    for n in range(ITEMS)}
        self.all_keys = set(expected) | {kind + b"w%d-%d" % (writer, n) for writer in range(3)
                                         for n in range(300) for kind in (b"", b"n")}
        return expected


class Steps(Migration):
    def _spoil(self, old, expected):
        """What each version does not tell as it is."""
        if old.version == "2.2.1":
            with Client(old.address) as client:
                for n in range(200):
                    client.set(b"old%d" % n, b"there")
                for n in range(200):
                    client.send(b"delete old%d\r\nset old%d 0 0 3\r\nnew\r\n" % (n, n))
                    client.line()
                    client.line()
                    expected[b"old%d" % n] = (b"new", 0)
            return
        for n in range(200):
            old.store_by_binary_protocol(b"old%d" % n, b"binary")
            expected[b"old%d" % n] = (b"binary", 0)

    def _migrate(self, version):
        expected = self.some_items()
        a = self.serving_old(version, expected)
        writers = Writers(a.address, expected)
        self.addCleanup(writers.stop)

        b = self.new(2, 1, "b")
        b.node.start(seconds=15)
        self.wait_until_linked(b, dumps=1)
        writers.move(None)
        self.check(lambda: self.wrong_on(b.node, expected), "step 2")
        self.check_step(b, 2)
        self._spoil(a, expected)
        self.assertTrue(self.wrong_on(b.node, expected), "the old node tells all as it is")
        writers.move(a.address)
        self.ask_for_dump(b, 2)
        writers.move(None)
        if version == "2.2.1":
            # What was written while the dump came, or since, it may have told in the wrong order.
            self.ask_for_dump(b, 3)
        self.check(lambda: self.wrong_on(b.node, expected), "step 3")
        self.check_step(b, 3)

        writers.move(a.address)
        before = writers.written
        until(lambda: writers.written > before + 500, 10, "clients still write to the old node")
        writers.move(b.node.address)
        self.ask_for_dump(b, int(b.node.replication()["repl_legacy_dumps_received"]) + 1)
        self.configure(b, legacy="yes", apply="no")
        b.reload()
        self.check_step(b, 4)
        before = writers.written
        until(lambda: writers.written > before + 500, 10, "clients write to the new node")
        evicted = next(iter(a.items))
        a.evict(evicted)
        writers.move(None)
        self.check(lambda: self.wrong_on(b.node, expected), "step 4, the new node")
        self.check(lambda: {key: what for key, what in self.wrong_on_old(a, expected).items()
                            if key != evicted}, "step 4, the old node")

        writers.move(b.node.address)
        a.kill()
        new_a = self.new(1, 2, "a")
        new_a.node.start(seconds=15)
        until(lambda: new_a.node.is_linked() and b.node.is_linked(), 10, "a pair")
        writers.move(None)
        for made in (b, new_a):
            self.check(lambda: self.wrong_on(made.node, expected), "step 5")
        self.assertEqual(b.node.replication()["repl_role"], "primary")
        self.check_step(b, 5)
        for made in (b, new_a):
            self.configure(made, legacy="no")
            made.reload()
            until(lambda: made.node.replication()["repl_legacy"] == "off", 5, "no legacy link")
        self.assertTrue(b.node.is_linked())
        self.check_step(b, 6)
        self.check(lambda: self.wrong_on(b.node, expected), "step 6")
        self.assertGreater(writers.written, 1000)

    def _go_back_from_step_4(self, version):
        expected = self.some_items()
        a, b = self.linked_to_old(version, expected)
        self.configure(b, legacy="yes", apply="no")
        b.reload()
        self.check_step(b, 4)
        writers = Writers(b.node.address, expected)
        self.addCleanup(writers.stop)
        for address in (b.node.address, a.address):
            writers.move(address)
            before = writers.written
            until(lambda: writers.written > before + 500, 10, "clients write")
        writers.move(None)
        self.configure(b, legacy="yes", apply="yes")
        b.reload()
        self.wait_until_linked(b, dumps=2)
        self.check_both(a, b, expected, "back")
        self.ask_for_dump(b, 3)
        self.check_both(a, b, expected, "back, after a resync")

    def test_the_way_back_from_step_4_to_a_2_2_1_leaves_no_key_wrong(self):
        self._go_back_from_step_4("2.2.1")

    def test_the_way_back_from_step_4_to_a_2_3_1_leaves_no_key_wrong(self):
        self._go_back_from_step_4("2.3.1")

    def test_a_live_pair_of_2_2_1_moves_step_by_step_and_no_key_is_wrong(self):
        self._migrate("2.2.1")

    def test_a_live_pair_of_2_3_1_moves_step_by_step_and_no_key_is_wrong(self):
        self._migrate("2.3.1")


class OldNodeRestarted(Migration):
    """At each step the old node dies and is started again with -x, as its manual says."""

    def _restart(self, old, made):
        old.kill()
        until(lambda: "with -x and this node's host" in self.twinctl(made, "migrate", "status"), 5,
              "the node that has the data says how the old one is started again", interval=0.05)
        self.assertNotIn("stop this node", self.twinctl(made, "migrate", "status"))
        again = self.old(1, old.version, peer=2)
        again.start()
        until(again.is_open, 20, "the old node gets a dump and opens its client port")
        self.wait_until_linked(made)
        return again

    def _restart_at_each_step(self, version):
        # An old 2.3.1 drops what has negative flags, but takes unsigned ones.
        expected = self.some_items()
        a, b = self.linked_to_old(version, expected)
        a = self._restart(a, b)
        self.check_both(a, b, expected, "after step 2")
        with Client(a.address) as client:
            client.set(b"old1", b"changed")
            client.ask(b"delete old2")
        expected[b"old1"] = (b"changed", 0)
        del expected[b"old2"]
        self.check_both(a, b, expected, "the old node tells again")
        self.ask_for_dump(b, dumps=2)
        a = self._restart(a, b)
        self.check_both(a, b, expected, "after step 3")
        self.configure(b, legacy="yes", apply="no")
        b.reload()
        writers = Writers(b.node.address, expected)
        self.addCleanup(writers.stop)
        until(lambda: writers.written > 200, 10, "clients write")
        a = self._restart(a, b)
        before = writers.written
        until(lambda: writers.written > before + 200, 10, "clients write")
        writers.move(None)
        self.check_both(a, b, expected, "after step 4")

    def test_a_2_2_1_that_is_restarted_at_any_step_gets_all_and_no_key_is_wrong(self):
        self._restart_at_each_step("2.2.1")

    def test_a_2_3_1_that_is_restarted_at_any_step_gets_all_and_no_key_is_wrong(self):
        self._restart_at_each_step("2.3.1")

    def test_an_old_node_that_dies_in_its_dump_leaves_a_node_that_serves_what_came(self):
        a = self.old(1, "2.3.1")
        a.fill({b"old%d" % n: (b"v" * 5000, 0) for n in range(3000)})
        a.start()
        until(a.is_open, 5, "the old node serves")
        b = self.new(2, 1, "b")
        b.node.launch()
        until(a.is_linked, 10, "the new node has called")
        a.kill()
        b.node.wait_until_open(15)
        again = self.old(1, "2.3.1", peer=2)
        again.start()
        until(again.is_open, 20, "the old node gets what is there")
        self.wait_until_linked(b)
        self.assertEqual(len(again.items), int(b.node.stats()["curr_items"]))


class WhatIsTold(Migration):
    def _linked(self, version, items=None):
        a = self.serving_old(version, items or {})
        b = self.new(2, 1, "b")
        self.configure(b, {"item-size-limit": "2m"}, legacy="yes")
        b.node.start(seconds=15)
        self.wait_until_linked(b, dumps=1)
        return a, b

    def test_values_around_1_MiB_do_no_harm_to_an_old_node(self):
        for version in VERSIONS:
            with self.subTest(version):
                a, b = self._linked(version)
                limit = (1 << 20) - 81
                lines = b"\r\nflush_all\r\n"
                with b.node.client() as client:
                    client.set(b"kept", b"here")
                    client.set(b"larger", b"small as yet")
                    self.assertEqual(client.set(b"fits", lines.ljust(limit - 4)), b"STORED")
                    client.set(b"flags", lines.ljust(limit - 5), (1 << 31) | 5)
                    until(lambda: {b"fits", b"larger", b"flags"} <= set(a.items), 10, "all fit")
                    self.assertEqual(client.set(b"larger", lines.ljust(limit - 5)), b"STORED")
                    client.set(b"last", b"l")
                    until(lambda: b"last" in a.items, 10, "the link goes on")
                self.assertIn(b"kept", a.items)
                self.assertNotIn(b"larger", a.items)
                self.assertTrue(a.is_linked())
                self.assertEqual(b.node.replication()["repl_legacy"], "linked")
                a.kill()
                b.node.stop()

    def test_times_flushes_and_cas_uniques_cross_the_link(self):
        a, b = self._linked("2.3.1", {b"t%d" % n: (b"v", 0) for n in range(10)})
        with Client(a.address) as old, b.node.client() as new:
            old.set(b"timed", b"v", exptime=100)
            old.set(b"mine", b"v", flags=7)
            cas = old.values(b"gets mine")[b"mine"][2]
            until(lambda: b"mine" in new.values(b"gets mine"), 5, "the set arrives")
            self.assertEqual(new.ask(b"cas mine 0 0 1 %d" % (cas + 1), b"x"), b"EXISTS")
            self.assertEqual(new.ask(b"cas mine 0 0 1 %d" % cas, b"x"), b"STORED")
            until(lambda: a.items[b"mine"].value == b"x", 5, "and goes back")
            left = int(new.ask(b"mg timed t").split()[1][1:])
            self.assertTrue(95 <= left <= 101, left)
            new.set(b"far", b"v", exptime=4102444800)  # in 2100
            until(lambda: b"far" in a.items, 5, "what is to live for long does")
            new.ask(b"touch timed 50")
            until(lambda: a.items[b"timed"].exptime <= time.time() + 52, 5, "a touch goes back")
            self.assertEqual(old.ask(b"flush_all"), b"OK")
            until(lambda: new.values(b"get t1 mine") == {}, 5, "a flush arrives")
            new.set(b"behind", b"v")
            until(lambda: b"behind" in a.items, 5, "what follows it stays")
            self.assertEqual(new.ask(b"flush_all"), b"OK")
            new.set(b"after", b"v")
            until(lambda: set(a.items) == {b"after"}, 5, "a flush goes back, and what follows it")
            self.assertEqual(old.ask(b"flush_all 2"), b"OK")
            until(lambda: new.values(b"get after") == {}, 8, "a flush for later comes due")
            self.assertEqual(a.heard[b"delete"], 0, "nothing is echoed")

    def test_what_came_over_the_link_never_goes_back(self):
        a, b = self._linked("2.2.1", {b"k%d" % n: (b"v", 0) for n in range(500)})
        with Client(a.address) as old, b.node.client() as new:
            for n in range(250):
                old.ask(b"delete k%d" % n)
            old.set(b"last", b"v")
            until(lambda: new.values(b"get last"), 5, "all has arrived")
            new.set(b"mark", b"v")
            until(lambda: b"mark" in a.items, 5, "and is past")
        self.assertEqual(dict(a.heard) | {b"": 0}, {b"": 0, b"rep": 1} | {
            verb: count for verb, count in a.heard.items() if verb[:1] not in b"rdfm"})
        self.assertEqual(len(a.items), 252)

    def test_a_key_that_the_old_wire_cannot_carry_is_kept_from_it(self):
        a, b = self._linked("2.3.1")
        with b.node.client() as client:
            client.ask(b"ms AQ0KZmx1c2hfYWxsDQo= 1 b", b"v")  # a key with a line flush_all in it
            client.set(b"mark", b"v")
            until(lambda: b"mark" in a.items, 5, "what follows arrives")
        self.assertEqual(set(a.items), {b"mark"})
        self.assertEqual(a.heard[b"flush_all"], 0)
        until(lambda: b.node.replication()["repl_legacy_unsendable"] == "1", 5, "it is counted")


class StrangersOfALegacyLink(Migration):
    """Whoever talks, or says nothing, gets nothing but from the peer's address while legacy is on."""

    def _heard(self, made, source, says=b""):
        with Client(made.node.link_address, 2, source) as stranger:
            stranger.set_timeout(world.scaled(2.5))
            if says:
                stranger.send(says)
            return stranger.rest()

    def _alone(self, **options):
        b = self.new(2, 1, "b")
        if options:
            self.configure(b, **options)
        b.node.start(seconds=15)
        with b.node.client() as client:
            client.set(b"secret", b"only-for-the-peer")
        return b

    SAID = (b"", b"rep secret 0 0 4 9\r\nfake\r\n", b"delete secret\r\n", b"flush_all \r\n",
            b"marugoto_end\r\n")

    def _check_unharmed(self, made):
        with made.node.client() as client:
            self.assertEqual(client.get(b"secret"), b"only-for-the-peer")
        self.assertEqual(made.node.replication()["repl_legacy_dumps_sent"], "0")

    def test_a_stranger_gets_nothing_from_another_address_than_the_peers(self):
        b = self._alone(legacy="yes")
        for said in self.SAID:
            self.assertNotIn(b"secret", self._heard(b, self.addresses.host(7), said))
        self._check_unharmed(b)

    def test_nobody_gets_anything_while_legacy_is_no_not_even_the_peers_address(self):
        b = self._alone(legacy="no")
        for said in self.SAID:
            self.assertNotIn(b"secret", self._heard(b, self.addresses.host(1), said))
        self._check_unharmed(b)

    def test_two_nodes_that_both_allow_a_repcached_link_as_a_pair(self):
        b = self.new(2, 1, "b")
        a = self.new(1, 2, "a")
        for made in (a, b):
            made.node.launch()
        for made in (a, b):
            made.node.wait_until_open(10)
            until(made.node.is_linked, 10, "a pair")
            self.assertEqual(made.node.replication()["repl_legacy"], "waiting")


if __name__ == "__main__":
    main()
