"""Wall clocks that are wrong or are set while nodes run (REPLICATION.md, sections 1, 3 and 17)."""
import time

import chaos  # noqa: F401 pylint: disable=unused-import
from chaos.case import ChaosCase
from chaos.load import MetaClient
from harness import main, until, world

DAY = 86400


class Clocks(ChaosCase):

    def test_a_clock_that_is_set_while_a_node_runs_orders_nothing_anew(self):
        """Row: clock step forward or back while running."""
        nodes = self.machines(clocks=True).start()
        with self.load():
            for step in (5000, -5000, -100, 3600, 0):
                nodes.a.clock.set(step)
                time.sleep(1.2)  # the clock is looked at once a second
                self.wait_until_written(nodes.a, 50)
        self.check()
        ahead = max(node.number("hlc_ahead_ms") for node in nodes)
        print(f"versions are {ahead} ms ahead of their clock", flush=True)
        self.assertLess(ahead, 2000, "a step of 5000 s may lead versions by a tenth of its time")

    def test_a_clock_that_is_set_during_a_split_does_not_decide_who_wins(self):
        """Row: clock step while running, where skew would matter: nobody talks to anybody."""
        nodes = self.machines(clocks=True).start()
        with MetaClient(nodes.a.address) as on_a, MetaClient(nodes.b.address) as on_b:
            on_a.store(b"k", b"before")
            self.rest()
            self.cut()
            for node in nodes:
                node.wait_until_alone(1.3)
            nodes.a.clock.set(7200)
            time.sleep(1.2)  # the clock is looked at once a second
            on_a.store(b"k", b"earlier, by a clock that is ahead")
            time.sleep(1)    # a tenth of two seconds is what the step may have won
            on_b.store(b"k", b"later")
            self.heal()
            self.wait_until_linked(3, "healed")
            self.rest()
            self.assertEqual([on_a.read(b"k")[0], on_b.read(b"k")[0]], [b"later"] * 2)

    def test_a_node_that_boots_with_its_clock_behind_writes_what_wins(self):
        """Row: boot with clock behind: it observes the peer before it opens its port."""
        nodes = self.machines(clocks=True).start()
        with self.load():
            self.wait_until_written(nodes.a, 100)
            self.kill(nodes.b)
            nodes.b.clock.set(-1800)
            nodes.b.start()
            self.wait_until_written(nodes.b, 100)
        self.check()
        with MetaClient(nodes.a.address) as on_a, MetaClient(nodes.b.address) as on_b:
            on_a.store(b"k", b"first, by the right clock")
            self.rest()
            on_b.store(b"k", b"second, by the clock behind")
            self.rest()
            self.assertEqual(on_a.read(b"k")[0], b"second, by the clock behind")

    def test_a_node_that_boots_with_its_clock_ahead_takes_the_pair_along(self):
        """Row: boot with clock ahead, less than clock-max-ahead."""
        nodes = self.machines(clocks=True).start()
        with self.load():
            self.wait_until_written(nodes.a, 100)
            self.kill(nodes.b)
            nodes.b.clock.set(3600)
            nodes.b.start()
            nodes.wait_until_linked()
            self.wait_until_written(nodes.a, 100)
        self.check()
        self.assertGreater(nodes.a.number("hlc_ahead_ms"), 3500 * 1000)
        with MetaClient(nodes.a.address) as on_a, MetaClient(nodes.b.address) as on_b:
            on_b.store(b"k", b"first, by the clock ahead")
            self.rest()
            on_a.store(b"k", b"second")
            self.rest()
            self.assertEqual(on_b.read(b"k")[0], b"second")

    def test_a_node_whose_clock_is_days_ahead_is_refused(self):
        """Row: boot with clock ahead, more than clock-max-ahead: loud, and both serve on."""
        nodes = self.machines(clocks=True).start()
        with self.load(nodes.a):
            self.wait_until_written(nodes.a, 50)
            self.kill(nodes.b)
            nodes.b.clock.set(3 * DAY)
            nodes.b.start(8)
            until(lambda: nodes.a.number("refused"), 5, "a has refused b")
            self.wait_until_written(nodes.a, 50)
            print(nodes.a.replication()["repl_last_refusal"], flush=True)
            self.assertEqual(nodes.b.stats()["curr_items"], "0", "no data moved")
            nodes.b.stop()
            nodes.b.clock.set(0)
            nodes.b.start()
        self.check()

    def test_times_to_live_do_not_care_whose_clock_is_wrong(self):
        """Row: TTL with skew, and invariant 15: a second, and the way."""
        nodes = self.machines(clocks=True)
        nodes.a.clock.set(-2 * 3600)
        nodes.b.clock.set(2 * 3600)
        nodes.start()
        with MetaClient(nodes.a.address) as on_a, MetaClient(nodes.b.address) as on_b:
            for n in range(50):
                on_a.ask(b"ms ttl%d 1 T%d" % (n, 100 + n), b"v")
                on_b.ask(b"ms back%d 1 T%d" % (n, 100 + n), b"v")
            on_a.ask(b"ms brief 1 T2", b"v")
            self.rest()
            for key in [b"%s%d" % (name, n) for name in (b"ttl", b"back") for n in range(50)]:
                left = [int(client.ask(b"mg %s t" % key).split(b"t")[1]) for client in (on_a, on_b)]
                self.assertLessEqual(abs(left[0] - left[1]), 1, key)
            self.assertEqual(on_b.read(b"brief")[0], b"v", "not dead on arrival")
            until(lambda: on_b.read(b"brief")[0] is None, 4 / world.TIME_FACTOR, "it expires on b")


if __name__ == "__main__":
    main()
