#!/usr/bin/python3
"""What a pair does when something happens to it, in figures, beside what its ancestors did.

Two nodes in networks of their own (as in test/chaos, so it takes root or user namespaces), and one
pair on loopback for the figures that need load. The ancestors' column was measured once, on two
cores: repcached 2.2.1 / 2.3.1."""
import argparse
import os
import signal
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(HERE, os.pardir, "chaos"))
os.environ.setdefault("TWINCACHED", os.path.join(HERE, "../../build/release/twincached"))

# pylint: disable=wrong-import-position
import chaos  # noqa: E402,F401
from chaos.machine import Machine  # noqa: E402
from chaos.network import the_network  # noqa: E402
from harness import Pair  # noqa: E402
import measuring  # noqa: E402

PATIENCE = 20


def milliseconds(seconds):
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.1 else f"{seconds * 1000:.2g} ms"


def spread(values):
    return f"median {milliseconds(statistics.median(values))}, worst {milliseconds(max(values))}"


def wait_until(client, is_so):
    """Asks one node again and again; returns the moment at which `is_so` held."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if is_so(client.stats(b"replication")):
            return time.monotonic()
    raise SystemExit(f"not within {PATIENCE} s")


def is_alone(stats):
    return stats["repl_role"] == "primary" and stats["repl_state"] not in ("LINKED", "SYNCING")


def is_linked(stats):
    return stats["repl_state"] == "LINKED"


class Bench:
    def __init__(self, directory, runs):
        self.runs = runs
        self.network = the_network()
        self.directory = directory
        self.made = []
        self.rows = []

    def row(self, what, value, target, ancestors):
        self.rows.append((what, value, target, ancestors))
        print(f"{what}: {value}", flush=True)

    def pair(self, *arguments):
        nodes = Pair(*[Machine(host, self.network.other(host), self.directory, arguments)
                       for host in self.network.hosts()])
        self.made.append(nodes)
        return nodes.start()

    @staticmethod
    def stop(nodes):
        for node in nodes:
            node.stop()

    def stop_all(self):
        for nodes in self.made:
            self.stop(nodes)

    # --- rows ----------------------------------------------------------------------------------

    def deaths(self):
        nodes = self.pair()
        times = []
        for _ in range(self.runs):
            with nodes.a.client() as client:
                killed = time.monotonic()
                nodes.b.kill()
                times.append(wait_until(client, is_alone) - killed)
            nodes.b.start()
            nodes.wait_until_linked()
        self.stop(nodes)
        self.row("peer's process dies: primary after", spread(times), "50 ms", "1.5 / 4.3 ms")

    def silence(self):
        nodes = self.pair()
        noticed, relinked = [], []
        for _ in range(self.runs):
            with nodes.a.client() as client:
                cut = time.monotonic()
                self.network.cut()
                noticed.append(wait_until(client, is_alone) - cut)
                healed = time.monotonic()
                self.network.heal()
                relinked.append(wait_until(client, is_linked) - healed)
        self.stop(nodes)
        self.row("link falls silent: primary after", spread(noticed), "1.2 s",
                 "not noticed in 90 s")
        self.row("link healed: linked after", spread(relinked), "1.5 s", "never / 15.2 s")

    def starts(self):
        times = []
        for _ in range(self.runs * 2):
            began = time.monotonic()
            nodes = self.pair()
            times.append(time.monotonic() - began)
            self.stop(nodes)
        self.row("both start at once: linked and open", f"{len(times)} of {len(times)}, "
                 f"{spread(times)}", "all", "34 of 40 / 22 of 40")

    def lag(self):
        nodes = self.pair()
        times = []
        with nodes.a.client() as on_a, nodes.b.client() as on_b:
            for n in range(self.runs * 100):
                value = b"%d" % n
                on_a.set(b"k", value)
                began = time.monotonic()
                while on_b.get(b"k") != value:
                    pass
                times.append(time.monotonic() - began)
        self.stop(nodes)
        times.sort()
        self.row("set on a, seen on b", f"p50 {milliseconds(times[len(times) // 2])}, p99 "
                 f"{milliseconds(times[len(times) * 99 // 100])}", "p99 5 ms",
                 "p50 0.042 / 0.067 ms, p99 0.093 / 0.165 ms")

    def rejoin(self, items=100_000):
        nodes = self.pair("-m", "256")
        with nodes.a.client() as client:
            def store(numbers):
                for n in numbers:
                    client.send(b"set k%08d 0 0 100 noreply\r\n%0100d\r\n" % (n, n))
                client.ask(b"version")
            store(range(items))
            nodes.wait_until_at_rest(30)
            before = nodes.a.replication()
            self.network.cut()
            nodes.a.wait_until_alone(3)
            store(range(0, items, 100))
            self.network.heal()
            nodes.wait_until_linked(5)
            nodes.wait_until_at_rest(30)
            after = nodes.a.replication()
        self.stop(nodes)
        records, sent = (int(after[name]) - int(before[name])
                         for name in ("repl_records_sent", "repl_bytes_sent"))
        self.row(f"cut, {items // 100} of {items} items changed, healed: sent",
                 f"{records} records, {sent / 1024:.0f} KiB", "what changed", "never linked again")

    def stopped_peer(self):
        """On loopback, where the load generator may go."""
        load = "--connections 8 --depth 4 --get-ratio 0.9 --keys 100000 --value 100 --seconds 2"
        nodes = measuring.pair(256, cores=(measuring.SERVER_CORE, measuring.SERVER_CORE))
        try:
            a, b = nodes
            a.load(load)
            before = a.load(load)
            memory = a.resident_bytes()
            os.kill(b.pid, signal.SIGSTOP)
            time.sleep(1.5)  # until it is given up
            during = a.load(load)
            grown = a.resident_bytes() - memory
            os.kill(b.pid, signal.SIGCONT)
        finally:
            for node in nodes:
                os.kill(node.pid, signal.SIGCONT)
                node.stop()
        rates = [each["operations_per_second"] for each in (before, during)]
        self.row("peer stopped: throughput, memory",
                 f"{(rates[1] / rates[0] - 1) * 100:+.0f} %, {grown / 2**20:+.0f} MiB",
                 "-5 %, log + 32 MiB", "stalls of 1.3 and 3.3 s / link dead for ever")

    def print_table(self):
        print("\n| what | measured | target | repcached 2.2.1 / 2.3.1 |\n|---|---|---|---|")
        for row in self.rows:
            print("| " + " | ".join(row) + " |")


def main():
    names = ["deaths", "silence", "starts", "lag", "rejoin", "stopped_peer"]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="how often each thing happens")
    parser.add_argument("rows", nargs="*", help=f"some of {', '.join(names)}; all by default")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="twincached-") as directory:
        bench = Bench(directory, arguments.runs)
        try:
            for name in arguments.rows or names:
                if name not in names:
                    parser.error(f"no row {name}")
                getattr(bench, name)()
        finally:
            bench.stop_all()
        bench.print_table()


if __name__ == "__main__":
    main()
