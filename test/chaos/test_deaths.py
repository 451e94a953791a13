"""Nodes that die, hang, stop and come back (REPLICATION.md, section 17)."""
import time

import chaos  # noqa: F401 pylint: disable=unused-import
from chaos.case import ChaosCase
from chaos.checkers import acknowledged_and_lost
from harness import main, until, world


class Deaths(ChaosCase):

    def test_a_killed_node_loses_its_last_moment_at_most_and_comes_back_full(self):
        """Row: kill -9 of one."""
        nodes = self.machines().start()
        with self.load():
            for victim in nodes:
                self.wait_until_written(victim, 200)
                self._kill_and_bring_back(victim, nodes.other(victim))
        self.check()

    def _kill_and_bring_back(self, victim, survivor):
        self.kill(victim)
        alone = survivor.wait_for(0.05, role="primary") if survivor.number("sessions") else 0
        print(f"{survivor.name} knew of the death after {alone * 1000:.0f} ms", flush=True)
        self.wait_until_written(survivor, 100)
        victim.start()
        self.assertEqual(victim.number("dirty_buckets"), 0, "open means filled")
        self.nodes.wait_until_linked()

    def test_what_was_acknowledged_before_the_last_moment_survives_a_kill(self):
        """Row: kill -9 of one. Every key is written once: no loss can hide."""
        nodes = self.machines().start()
        with self.load(nodes.a, fresh=True, reads=0, deletes=0):
            self.wait_until_written(nodes.a, 500)
            self.kill(nodes.a)
        nodes.a.start()
        held = self.check()
        lost = acknowledged_and_lost(self.history, held)
        print(f"{len(lost)} acknowledged writes died with their node", flush=True)
        self.assertTrue(all(self.history.is_excused(each) for each in lost))

    def test_a_node_that_is_stopped_delays_nobody_and_is_brought_up_to_date(self):
        """Row: SIGSTOP of one."""
        nodes = self.machines().start()
        with self.load():
            self.wait_until_written(nodes.a, 100)
            stopped = time.monotonic()
            self.pause(nodes.b)
            noticed = nodes.a.wait_for(1.3, role="primary", state="LISTENING")
            self.assertGreater(noticed, 0.7, "silence is a second long")
            self.wait_until_written(nodes.a, 200)
            slowest = self.history.slowest("a", stopped)
            nodes.b.resume()
            self.wait_until_linked(5, f"noticed after {noticed:.2f} s, slowest answer "
                                      f"{slowest * 1000:.1f} ms; resumed")
        self.assertLess(slowest, world.scaled(0.1))
        self.check()

    def test_a_short_stop_ends_no_session(self):
        """Row: SIGSTOP of one; a stall shorter than the silence is none of anybody's business."""
        nodes = self.machines().start()
        sessions = nodes.a.number("sessions")
        with self.load():
            for _ in range(3):
                self.wait_until_written(nodes.a, 50)
                self.pause(nodes.b)
                time.sleep(0.4)  # the length of the stall is what is tested
                nodes.b.resume()
        self.check()
        self.assertEqual(nodes.a.number("sessions"), sessions)

    def test_a_clean_stop_loses_nothing_and_the_peer_takes_over_at_once(self):
        """Row: clean restart, upgrade: one after the other, under load."""
        nodes = self.machines().start()
        with self.load():
            for node in nodes:
                other = nodes.other(node)
                self.wait_until_written(node, 150)
                self.assertEqual(node.stop(), 0)
                self.assertLess(other.wait_for(0.3, role="primary", state="LISTENING"),
                                world.scaled(0.3))
                self.wait_until_written(other, 50)
                node.start()
                nodes.wait_until_linked()
        self.check()

    def test_both_restarted_at_once_are_linked_within_a_second(self):
        """Row: both restart. What they held is gone with them; nothing else is wrong."""
        nodes = self.machines().start()
        with self.load():
            self.wait_until_written(nodes.a, 100)
            for node in nodes:
                self.kill(node)
            self.history.excuse("a", 0)
            self.history.excuse("b", 0)
            began = time.monotonic()
            nodes.launch()
            until(lambda: all(node.is_open() for node in nodes) and nodes.is_linked(), 1.5,
                  "both are linked")
            print(f"both linked {time.monotonic() - began:.2f} s after their start", flush=True)
            self.wait_until_written(nodes.a, 100)
        self.check(misses_allowed=True)

    def test_one_of_two_that_returns_serves_alone_after_the_boot_grace(self):
        """Row: both restart, only one returns."""
        nodes = self.machines().start()
        for node in nodes:
            self.kill(node)
        began = time.monotonic()
        nodes.a.start(5)
        alone = time.monotonic() - began
        self.assertGreater(alone, 2.5)
        self.assertEqual(nodes.a.replication()["repl_role"], "primary")
        with self.load(nodes.a):
            self.wait_until_written(nodes.a, 50)
        nodes.b.start()
        print(f"alone after {alone:.2f} s", flush=True)
        self.check()

    def test_a_host_that_dies_without_a_word_is_given_up_after_the_silence(self):
        """Row: kill -9 of one, with its host: no end of the connection arrives."""
        nodes = self.machines().start()
        with self.load(nodes.a):
            self.wait_until_written(nodes.a, 100)
            died = time.monotonic()
            self.cut()
            self.kill(nodes.b)
            noticed = nodes.a.wait_until_alone(1.3, died)
            self.assertGreater(noticed, 0.7, "silence is a second long")
            slowest = self.history.slowest("a", died)
            self.wait_until_written(nodes.a, 100)
            self.heal()
            nodes.b.start()
            self.wait_until_linked(3, f"noticed after {noticed:.2f} s, slowest answer "
                                      f"{slowest * 1000:.1f} ms; started again")
        self.assertLess(slowest, world.scaled(0.1))
        self.check()

    def test_a_flush_while_a_node_is_being_filled_ends_what_is_older_on_both(self):
        """Row: flush_all during sync. The walk is slow enough to be met in its midst."""
        nodes = self.machines("--sync-rate=200k").start()
        keys = [b"old-%d" % n for n in range(2000)]
        with nodes.a.client() as client:
            for key in keys:
                client.set(key, b"x" * 300)
        self.rest()
        self.kill(nodes.b)
        nodes.b.launch()
        until(lambda: nodes.a.number("walking"), 5, "b is being filled")
        with self.load(nodes.a):
            self.wait_until_written(nodes.a, 50)
            self.assertFalse(nodes.b.is_open(), "it is not filled yet")
            self.flush(nodes.a)
            self.wait_until_written(nodes.a, 50)
            nodes.b.wait_until_open()
        self.check()
        for node in nodes:
            with node.client() as client:
                self.assertEqual(client.gets_many(keys), {})

    def test_a_peer_that_restarts_unnoticed_replaces_its_old_session(self):
        """Row: peer restarted inside the silence; its end of the connection was never told."""
        nodes = self.machines("--silence=5s", "--boot-grace=8s").start()
        with self.load(nodes.a):
            self.wait_until_written(nodes.a, 100)
            sessions = nodes.a.number("sessions")
            self.cut()  # the RST of the dead process must not arrive
            self.kill(nodes.b)
            nodes.b.launch()
            self.heal()
            self.wait_until_linked(3, "restarted behind a cut")
            self.assertEqual(nodes.a.number("sessions"), sessions + 1)
            self.wait_until_written(nodes.a, 50)
        self.check()


if __name__ == "__main__":
    main()
