"""Links that are cut, one way or both, slowed, that come and go (REPLICATION.md, section 17)."""
import time

import chaos  # noqa: F401 pylint: disable=unused-import
from chaos.case import ChaosCase
from harness import main, until, world

A_SMALL_LOG = "--log-memory=64k"


class Partitions(ChaosCase):

    def _both_are_alone(self, what, since=None):
        """Silence is a second long; half a heartbeat and what this machine needs come on top."""
        since = since or time.monotonic()
        for node in self.nodes:
            noticed = node.wait_until_alone(1.3, since)
            print(f"{what}: {node.name} alone after {noticed:.2f} s", flush=True)

    def test_nodes_that_are_cut_apart_both_serve_and_merge_when_healed(self):
        """Row: full partition. Deletes on both sides are in the log and exact."""
        nodes = self.machines().start()
        with self.load():
            self.wait_until_written(nodes.a, 100)
            cut = time.monotonic()
            self.cut()
            self._both_are_alone("cut")
            for node in nodes:
                self.wait_until_written(node, 150)
                self.assertLess(self.history.slowest(node.name, cut), world.scaled(0.1))
            self.heal()
            self.wait_until_linked(2, "healed")
            self.wait_until_written(nodes.a, 50)
        self.check()
        for node in nodes:
            self.assertEqual(node.number("log_overflows"), 0)
            self.assertEqual(node.number("dropped_in_doubt"), 0)

    def test_a_split_longer_than_the_log_costs_misses_and_no_lie(self):
        """Row: full partition, deletes after the log is full: bucket-conservative."""
        nodes = self.machines(A_SMALL_LOG).start()
        with self.load(own_keys=400, shared_keys=400, rate=400, deletes=0.3, sizes=(30,)):
            self.wait_until_written(nodes.a, 300)
            self.cut()
            self._both_are_alone("cut")
            until(lambda: all(node.number("log_overflows") for node in nodes), 20,
                  "both logs are full", interval=0.05)
            self.heal()
            self.wait_until_linked(3, "healed, both logs full")
        self.check(misses_allowed=True)
        print(f"dropped in doubt: {[node.number('dropped_in_doubt') for node in nodes]}",
              flush=True)

    def test_a_cut_of_one_direction_ends_the_session_on_both_sides(self):
        """Row: one-way cut, each way."""
        nodes = self.machines().start()
        with self.load():
            for mute in nodes:
                self.wait_until_written(nodes.a, 50)
                self.cut(mute)
                self._both_are_alone(f"what {mute.name} sends is lost")
                for node in nodes:
                    self.wait_until_written(node, 50)
                self.heal()
                self.wait_until_linked(3, "healed")
        self.check()

    def test_a_black_hole_in_a_route_is_a_cut(self):
        """Row: one-way cut, by a route: the sender's own kernel drops."""
        nodes = self.machines().start()
        with self.load():
            self.wait_until_written(nodes.a, 50)
            self._come_apart()
            self.network.black_hole(nodes.a.machine)
            try:
                self._both_are_alone("black hole")
                self.wait_until_written(nodes.b, 50)
            finally:
                self.network.fill_black_hole(nodes.a.machine)
            self.wait_until_linked(3, "filled")
        self.check()

    def test_a_slow_link_delays_no_client_and_catches_up(self):
        """Row: slow link. More is written than it carries: changes coalesce, the log may fill."""
        nodes = self.machines(A_SMALL_LOG).start()
        self._come_apart()
        self.network.slow_down(kilobits=400)
        try:
            began = time.monotonic()
            flaps = nodes.a.number("sessions")
            with self.load(rate=400, sizes=(300, 3000, 30000)):
                self.wait_until_written(nodes.a, 1500)
                until(lambda: nodes.a.number("lag_ms") > 300, 5,
                      "a link that is full is behind, and says so")
                lag = nodes.a.number("lag_ms")
            for node in nodes:
                self.assertLess(self.history.slowest(node.name, began), world.scaled(0.1))
            print(f"lag {lag} ms, sessions {flaps} -> {nodes.a.number('sessions')}", flush=True)
            self.assertEqual(nodes.a.number("sessions"), flaps, "slow is not silent")
        finally:
            self.network.speed_up()
        self.check(misses_allowed=True, seconds=20)

    def test_a_flapping_link_starts_nothing_from_zero(self):
        """Row: flapping link: what was confirmed stays so, only the rest is sent again."""
        nodes = self.machines().start()
        resyncs = [node.number("resyncs") for node in nodes]
        with self.load():
            for _ in range(5):
                self.wait_until_written(nodes.a, 40)
                self.cut()
                nodes.a.wait_until_alone(1.3)
                self.heal()
                self.wait_until_linked(3, "healed")
        self.check()
        for node, before in zip(nodes, resyncs):
            self.assertEqual(node.number("resyncs"), before)
            self.assertEqual(node.number("dropped_in_doubt"), 0)

    def test_cuts_shorter_than_the_silence_end_no_session(self):
        """Row: flapping link, in cuts that TCP mends."""
        nodes = self.machines().start()
        sessions = nodes.a.number("sessions")
        with self.load():
            for _ in range(4):
                self.wait_until_written(nodes.a, 30)
                self.cut()
                time.sleep(0.15)  # the length of the cut is what is tested
                self.heal()
        self.check()
        self.assertEqual(nodes.a.number("sessions"), sessions)

    def test_a_flush_on_one_side_of_a_split_ends_what_is_older_on_both(self):
        """Row: flush_all during split or sync."""
        nodes = self.machines().start()
        with self.load():
            self.wait_until_written(nodes.a, 100)
            self.cut()
            self._both_are_alone("cut")
            self.wait_until_written(nodes.a, 50)
            self.flush(nodes.a)
            for node in nodes:
                self.wait_until_written(node, 50)
            self.heal()
            self.wait_until_linked(3, "healed after a flush on one side")
            self.flush(nodes.b)  # and one while they may still be talking it over
            self.wait_until_written(nodes.b, 50)
        self.check()

    def test_a_delete_during_a_split_is_not_undone(self):
        """Row: full partition; the tombstone, not the item, is what survives."""
        nodes = self.machines().start()
        keys = [b"doomed-%d" % n for n in range(300)]
        with nodes.a.client() as on_a, nodes.b.client() as on_b:
            for key in keys:
                on_a.set(key, b"old")
            self.rest()
            self.cut()
            self._both_are_alone("cut")
            for n, key in enumerate(keys):
                (on_a if n % 2 else on_b).ask(b"delete " + key)
            on_b.set(b"doomed-1", b"newer")
            self.heal()
            self.wait_until_linked(3, "healed after deletes")
            self.rest()
            for client in (on_a, on_b):
                self.assertEqual(client.gets_many(keys).keys() - {b"doomed-1"}, set())
        held = [node.stats()["curr_items"] for node in nodes]
        self.assertEqual(held[0], held[1])


if __name__ == "__main__":
    main()
