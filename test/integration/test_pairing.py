"""How two nodes find each other: at once, after a cut, after a silence, whoever came first."""
import time

from harness import Case, main, until, within, world


class SimultaneousStart(Case):
    needs_replication = True
    TIMES = world.number("TWINCACHED_STARTS", 15 if world.IS_SANITIZED else 100)

    def test_two_nodes_started_at_the_same_instant_always_pair_within_a_second(self):
        """ANCESTORS 8: 6 of 40 and 18 of 40 repcached pairs never paired."""
        nodes = self.pair("-m", "64")
        times = []
        for _ in range(self.TIMES):
            nodes.launch()
            began = time.monotonic()
            for node in nodes:
                node.wait_until_open(5)
            nodes.wait_until_linked(5)
            times.append(within(1, began, "both serve and are linked"))
            for node in nodes:
                node.kill()
        times.sort()
        median, slowest = times[len(times) // 2] * 1000, times[-1] * 1000
        print(f"{len(times)} of {self.TIMES} paired, median {median:.0f} ms, slowest "
              f"{slowest:.0f} ms", flush=True)


class BrokenLink(Case):
    needs_replication = True

    def setUp(self):
        super().setUp()
        self.nodes, self.relays = self.relayed_pair()
        self.nodes.start()

    def _on_links(self, action):
        for relay in self.relays:
            getattr(relay, action)()

    def _write_on_both_sides(self):
        """Writes, overwrites and deletes that conflict; returns every key that was touched."""
        a, b = self.nodes.a.client(), self.nodes.b.client()
        keys = [b"%s%d" % (kind, n) for kind in (b"shared", b"only-a", b"only-b")
                for n in range(300)]
        # Which write was later is a matter of milliseconds, so all first ones come first.
        for n in range(300):
            a.set(b"only-a%d" % n, b"a")
            b.set(b"only-b%d" % n, b"b")
            (a if n % 2 else b).set(b"shared%d" % n, b"first")
        for n in range(300):
            second = b if n % 2 else a
            if n % 3 == 0:
                second.ask(b"delete shared%d" % n)
            else:
                second.set(b"shared%d" % n, b"second")
        a.close()
        b.close()
        return keys

    def _heal_and_compare(self, keys):
        self._on_links("heal")
        healed = time.monotonic()
        self.nodes.wait_until_linked(3)
        passed = within(1.5, healed, "linked again")
        print(f"linked again {passed * 1000:.0f} ms after healing", flush=True)
        self.nodes.wait_until_at_rest()
        self.nodes.wait_until_equal(keys)

    def test_a_cut_link_heals_by_itself_and_both_nodes_end_equal(self):
        """ANCESTORS 9: repcached never reconnected."""
        with self.nodes.a.client() as client:
            for n in range(300):
                client.set(b"shared%d" % n, b"before")
        self._on_links("cut")
        until(lambda: not any(node.is_linked() for node in self.nodes), 2, "both notice the cut")
        keys = self._write_on_both_sides()
        self._heal_and_compare(keys)
        with self.nodes.b.client() as client:
            self.assertEqual(client.get(b"only-a7"), b"a")
            self.assertEqual(client.get(b"shared4"), b"second", "the later write wins")
            self.assertIsNone(client.get(b"shared3"), "a later delete wins, too")

    def test_a_silent_link_is_noticed_and_heals(self):
        """ANCESTORS 10: not noticed by repcached in 90 s."""
        self._on_links("black_hole")
        began = time.monotonic()
        until(lambda: not any(node.is_linked() for node in self.nodes), 4, "both notice silence")
        passed = within(1.7, began, "silence is noticed")
        print(f"silence noticed after {passed:.2f} s", flush=True)
        keys = self._write_on_both_sides()
        self._heal_and_compare(keys)

    def test_a_write_never_waits_for_a_link_that_swallows_everything(self):
        self._on_links("black_hole")
        with self.nodes.a.client() as client:
            began = time.monotonic()
            client.set(b"k", b"v")
            within(0.05, began, "a write never waits for a link")
        self._heal_and_compare([b"k"])

    def test_a_link_cut_over_and_over_under_writes_ends_equal(self):
        keys = []
        for cycle in range(10):
            with self.nodes.a.client() as a, self.nodes.b.client() as b:
                for n in range(100):
                    key = b"flap%d-%d" % (cycle, n)
                    keys.append(key)
                    (a if n % 2 else b).send(b"set %s 0 0 1 noreply\r\nv\r\n" % key)
                    if n == 50:
                        self._on_links("cut")
                a.ask(b"version")
                b.ask(b"version")
            self._on_links("heal")
        self.nodes.wait_until_linked(5)
        self.nodes.wait_until_at_rest()
        self.nodes.wait_until_equal(keys)
        with self.nodes.a.client() as client:
            self.assertEqual(len(client.gets_many(keys)), len(keys), "nothing is lost by a cut")

    def test_a_slow_link_delays_the_peer_and_nobody_else(self):
        for relay in self.relays:
            relay.delay(0.05)
        with self.nodes.a.client() as client:
            slowest = 0.0
            for n in range(500):
                began = time.monotonic()
                client.set(b"slow%d" % n, b"v")
                slowest = max(slowest, time.monotonic() - began)
        self.assertLess(slowest, world.scaled(0.05))
        self.nodes.wait_until_equal([b"slow%d" % n for n in range(500)])
        self.assertTrue(self.nodes.is_linked())


class WhoIsThere(Case):
    needs_replication = True

    def test_only_one_end_needs_to_be_able_to_dial(self):
        nodes = self.pair()
        nodes.a.peer = self.addresses.host(2)
        nodes.start()
        nodes.b.kill()
        nodes.b.start()
        nodes.wait_until_linked()

    def test_nodes_that_each_held_data_merge_and_lose_nothing(self):
        nodes = self.pair()
        nodes.a.start(seconds=8)  # alone after the boot grace
        with nodes.a.client() as client:
            client.set(b"from-a", b"v")
        nodes.b.start()
        nodes.wait_until_linked()
        with nodes.b.client() as client:
            self.assertEqual(client.get(b"from-a"), b"v")
            client.set(b"from-b", b"v")
        nodes.wait_until_equal([b"from-a", b"from-b"])

    def test_both_ends_restarted_pair_again(self):
        nodes = self.pair().start()
        for _ in range(3):
            for node in nodes:
                node.kill()
            began = time.monotonic()
            nodes.start(5)
            within(1.5, began, "both are back")


if __name__ == "__main__":
    main()
