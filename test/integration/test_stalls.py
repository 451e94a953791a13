"""What a client must not notice: a peer that is stopped, a peer that is filled."""
import time

from harness import Case, main, until, world
from harness.load import Mcload, fill

ATTEMPTS = 3  # a stall that the server makes is there every time; one of the machine is not


class StoppedPeer(Case):
    needs_replication = True

    def test_no_client_waits_for_a_stopped_peer(self):
        """ANCESTORS 29 to 31: repcached stalled for 1.3 to 3.5 s or lost the link for ever."""
        nodes = self.pair("-m", "512").start()
        for attempt in range(ATTEMPTS):
            before = nodes.a.process.resident_kib()
            nodes.b.pause()
            report = Mcload(nodes.a.address, "--connections", 8, "--get-ratio", 0.2, "--keys",
                            200000, "--value", 1000, "--rate", 5000, "--seconds", 4).report()
            grown = nodes.a.process.resident_kib() - before
            nodes.b.resume()
            slowest = report["latency_us"]["max"] / 1000
            print(f"peer stopped: slowest operation {slowest:.1f} ms, p99.9 "
                  f"{report['latency_us']['p999']:.0f} us, RSS +{grown} KiB", flush=True)
            # What was stored, the log's limit of 64 MiB and 32 MiB for all else.
            self.assertLess(grown, report["stored"] * 1150 / 1024 + 96 * 1024 * world.TIME_FACTOR)
            nodes.wait_until_linked(10)
            nodes.wait_until_at_rest(20)
            if slowest < world.scaled(50):
                break
        else:
            self.fail("operations above 50 ms each time the peer was stopped")
        keys = [b"kkkkkk%08d" % n for n in range(0, 200000, 20)]
        nodes.wait_until_equal(keys, 10)

    def test_a_stopped_peer_catches_up_without_any_client_traffic(self):
        """ANCESTORS 28: stuck at 2090 of 3000 items."""
        nodes = self.pair().start()
        nodes.b.pause()
        keys = [b"caught%d" % n for n in range(3000)]
        with nodes.a.client() as client:
            for key in keys:
                client.send(b"set %s 0 0 1 noreply\r\nv\r\n" % key)
            client.ask(b"version")
        nodes.b.resume()
        nodes.wait_until_linked(10)
        nodes.wait_until_equal(keys)

    def test_more_writes_than_the_log_holds_cost_no_link_and_no_item(self):
        """ANCESTORS 32 and 33: a plain burst ended repcached 2.3's link for ever."""
        nodes = self.pair("-m", "256").start()
        report = Mcload(nodes.a.address, "--connections", 16, "--depth", 64, "--get-ratio", 0,
                        "--keys", 100000, "--value", 1000, "--operations", 100000,
                        "--sequential").report()
        self.assertEqual(report["errors"], 0)
        nodes.wait_until_linked(10)
        nodes.wait_until_at_rest(30)
        nodes.wait_until_equal([b"kkkkkk%08d" % n for n in range(0, 100000, 5)], 10)


class Idle(Case):
    needs_replication = True

    def test_an_idle_pair_costs_next_to_nothing_even_with_one_of_them_stopped(self):
        """ANCESTORS 39: 0.00 s of CPU in 5 s."""
        nodes = self.pair().start()
        for is_stopped in (False, True):
            if is_stopped:
                nodes.b.pause()
            before = nodes.a.process.cpu_seconds()
            time.sleep(3)  # the time is what is measured
            spent = nodes.a.process.cpu_seconds() - before
            print(f"idle for 3 s: {spent * 1000:.1f} ms of CPU", flush=True)
            self.assertLess(spent, world.scaled(0.1))


class Join(Case):
    needs_replication = True
    # A sanitizer slows down what a join begins with, whatever it has to move.
    ITEMS = world.number("TWINCACHED_JOIN_ITEMS", 60000 if world.IS_SANITIZED else 300000)
    PER_SECOND = (100000 if world.IS_SANITIZED else 250000) / world.TIME_FACTOR

    def test_an_empty_node_is_filled_fast_and_no_client_notices(self):
        """ANCESTORS 24 to 26: 66 k to 127 k items/s, with a freeze of 0.35 to 3.5 s."""
        nodes = self.pair("-m", "1024")
        nodes.a.start(seconds=8)
        fill(nodes.a.address, self.ITEMS)
        bystander = self.node(name="bystander", host=3).start()
        for attempt in range(ATTEMPTS):
            per_second, slowest, elsewhere = self._join(nodes, bystander)
            print(f"{self.ITEMS} items joined at {per_second:.0f} items/s, slowest client "
                  f"operation meanwhile {slowest:.1f} ms, of a node that has nothing to do with it "
                  f"{elsewhere:.1f} ms", flush=True)
            allowed = max(world.scaled(20), 2 * elsewhere)
            if slowest < allowed and per_second > self.PER_SECOND:
                break
        else:
            self.fail("too slow, or clients noticed, in every attempt")
        with nodes.b.client() as client:
            keys = [b"kkkkkk%08d" % n for n in range(0, self.ITEMS, 7)]
            self.assertEqual(len(client.gets_many(keys)), len(keys))

    def _join(self, nodes, bystander):
        """Joins an empty b under light load; returns (items a second, slowest in ms, and slowest
        of a node that does not take part). What others do on this machine at the same time is no
        property of a join: the bystander's clients meet it, too, and a thread that waited for a
        core did not work slowly."""
        if nodes.b.process and nodes.b.process.is_running():
            nodes.b.kill()
        seconds = 3 + world.scaled(self.ITEMS / 250000)
        load, control = (
            Mcload(node.address, "--connections", 4, "--get-ratio", 0.9, "--keys", self.ITEMS,
                   "--rate", 2000, "--seconds", seconds) for node in (nodes.a, bystander))
        time.sleep(0.5)  # the load's own beginning is not what is measured
        waited_before = nodes.a.process.seconds_without_a_core()
        began = time.monotonic()
        nodes.b.start(seconds=60)
        joined = time.monotonic() - began
        joined -= max(nodes.a.process.seconds_without_a_core() - waited_before,
                      nodes.b.process.seconds_without_a_core())
        items = int(nodes.b.stats()["curr_items"])
        self.assertGreaterEqual(items, self.ITEMS)
        nodes.wait_until_linked()
        slowest, elsewhere = (each.report()["latency_us"]["max"] / 1000
                              for each in (load, control))
        return items / joined, slowest, elsewhere


class LargeValues(Case):
    needs_replication = True

    def test_a_join_of_large_values_ends_without_client_traffic(self):
        """ANCESTORS 27: 1 GB of 500 kB values never finished; here a fifth of it."""
        nodes = self.pair("-m", "1024")
        nodes.a.start(seconds=8)
        with nodes.a.client() as client:
            for n in range(400):
                client.set(b"large%d" % n, b"%d" % n * 100000)
        nodes.b.start(seconds=20)
        with nodes.b.client() as client:
            for n in range(0, 400, 13):
                self.assertEqual(client.get(b"large%d" % n), b"%d" % n * 100000)


if __name__ == "__main__":
    main()
