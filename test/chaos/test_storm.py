"""Misfortune at random, from a seed, with clients on both sides all the while.

    CHAOS_SECONDS=600   how long (a quarter of a minute by default)
    CHAOS_SEED=7        the same weather again; what the threads of the clients do differs each time

It comes in rounds. In each some things go wrong, one after the other or at once; then all is
put right, and at rest nobody may have been lied to. What is held then is where the next round
begins."""
import random
import time

import chaos  # noqa: F401 pylint: disable=unused-import
from chaos.case import SEED, ChaosCase
from chaos.history import History, Operation
from harness import main, until, world

SECONDS = world.number("CHAOS_SECONDS", 15)
TROUBLES_PER_ROUND = 3


class Storm(ChaosCase):

    def setUp(self):
        super().setUp()
        self._random = random.Random(SEED)
        self._paused = set()
        self._is_slow = False
        self._misses_allowed = False

    def test_whatever_happens_no_node_lies_at_rest(self):
        """P2, P3, P7 in any weather; with a log of 64 KiB every other time."""
        has_small_log = self._random.random() < 0.5
        self.machines(*(["--log-memory=64k"] if has_small_log else [])).start()
        began = time.monotonic()
        number = 0
        while number == 0 or time.monotonic() - began < SECONDS:
            number += 1
            self._misses_allowed = has_small_log
            self._round(number)
        print(f"{number} rounds in {time.monotonic() - began:.0f} s", flush=True)

    def _round(self, number):
        with self.load(name=f"r{number}-", own_keys=30, shared_keys=30, deletes=0.25, timeout=0.5):
            for _ in range(TROUBLES_PER_ROUND):
                trouble = self._random.choice(self.TROUBLES)
                print(f"round {number}: {trouble.__name__[1:]}", flush=True)
                trouble(self)
                time.sleep(self._random.uniform(0.1, 1.2))  # how long it lasts
                if self._random.random() < 0.5:
                    self._put_right()
            self._put_right()
            self.nodes.wait_until_linked(10)
            for node in self.nodes:
                self.wait_until_written(node, 20)
        held = self.check(self._misses_allowed, seconds=20)
        self._begin_with(held)

    def _begin_with(self, held):
        """What both nodes hold is all that the next round needs to know of this one."""
        self.history = History()
        now = time.monotonic()
        for node in self.nodes:
            for key, (value, cas) in held[node.name].items():
                self.history.add(Operation("before", node.name, node.incarnation, "set", key,
                                           value, cas, now, now, True))

    # --- what goes wrong -------------------------------------------------------------------------

    def _any_node(self):
        return self._random.choice(list(self.nodes))

    def _cut_both_ways(self):
        self.cut()

    def _cut_one_way(self):
        self.cut(self._any_node())

    def _slow_link(self):
        if not self._is_slow:
            self._come_apart()
            self.network.slow_down(kilobits=self._random.choice([100, 1000, 10000]))
            self._is_slow = True

    def _stop_a_node(self):
        node = self._any_node()
        if node.process.is_running() and node not in self._paused:
            self.pause(node)
            self._paused.add(node)

    def _kill_a_node(self):
        node = self._any_node()
        self._misses_allowed = True
        self._paused.discard(node)
        self.kill(node)
        if self._random.random() < 0.5:
            node.launch()

    def _kill_both_nodes(self):
        for node in self.nodes:
            self._paused.discard(node)
            self.kill(node)
            self.history.excuse(node.name, 0)
        self._misses_allowed = True

    def _restart_a_node_cleanly(self):
        node = self._any_node()
        if node in self._paused:
            return
        if self._apart_since is not None:
            self._misses_allowed = True
            self.history.excuse(node.name, self._apart_since - 1, time.monotonic() + 60)
        node.stop()
        node.launch()

    def _flush_a_node(self):
        node = self._any_node()
        if node.process.is_running() and node not in self._paused and node.is_open():
            self.flush(node)

    def _put_right(self):
        self.heal()
        if self._is_slow:
            self.network.speed_up()
            self._is_slow = False
        for node in list(self._paused):
            node.resume()
        self._paused.clear()
        for node in self.nodes:
            if not node.process.is_running():
                node.launch()
        for node in self.nodes:
            until(node.is_open, 15, f"{node.name} serves")

    TROUBLES = [_cut_both_ways, _cut_both_ways, _cut_one_way, _slow_link, _stop_a_node,
                _kill_a_node, _kill_both_nodes, _restart_a_node_cleanly, _flush_a_node]


if __name__ == "__main__":
    main()
