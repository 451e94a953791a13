"""How fast a node is filled, and how little crosses the link when it comes back."""
import mmap
import statistics
import time

import join_rate
import measuring
from pair.stage import PATIENCE, difference, is_alone, stopped, traffic, wait_until_at_rest
from pair.table import milliseconds

LARGE_VALUE = 100_000
SMALL_VALUE = 100
LOG_ENTRY_BYTES = 96  # about
MADV_POPULATE_WRITE = 23


def join(stage, table, settings):
    del stage
    items, rate = settings.items, 2000
    runs = [join_rate.join(items, SMALL_VALUE, rate) for _ in range(3)]
    per_second = statistics.median(items / seconds for seconds, _ in runs)
    slowest = statistics.median(slowest for _, slowest in runs)
    table.add(f"an empty node joins one with {items} items of {SMALL_VALUE} bytes, under {rate} "
              "requests/s", "≥ 1 M items/s",
              f"{per_second / 1e6:.2f} M items/s (median of 3); slowest request {slowest:.1f} ms",
              per_second >= 1e6, "repcached 2.2.1: 0.13 M/s, all clients stalled for 0.35 s; "
              "2.3.1: 0.06 M/s, 2.0 and 3.5 s; yrmcds: 0.29 M/s, 0.24 s")


def large_join(stage, table, settings):
    del stage
    items = max(1, settings.items * SMALL_VALUE * 20 // LARGE_VALUE)
    volume = items * LARGE_VALUE
    rates, supplies = [], []
    for _ in range(5):
        rates.append(volume / join_rate.join(
            items, LARGE_VALUE, 0, lambda: supplies.append(_supply_memory(2 * volume)))[0])
    per_second = statistics.median(rates)
    table.add(f"an empty node joins one with {items} values of {LARGE_VALUE} bytes", "≥ 1 GB/s",
              f"{per_second / 1e9:.2f} GB/s (median of 5, {min(rates) / 1e9:.2f} to "
              f"{max(rates) / 1e9:.2f}); the machine hands out fresh memory at "
              f"{min(supplies) / 1e9:.2f} to {max(supplies) / 1e9:.2f} GB/s", per_second >= 1e9,
              "2000 values of 500 kB: repcached 2.2.1 never ends, 2.3.1 0.4 GB/s")


def _supply_memory(size):
    """Bytes per second at which this machine finds memory for a process that writes nothing.

    A virtual machine whose host takes back what was freed has to ask for it again first. That is
    measured here, and done before the join, so that the join need not wait for it."""
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        began = time.monotonic()
        memory.madvise(MADV_POPULATE_WRITE)
        return size / (time.monotonic() - began)


def short_cut(stage, table, settings):
    """The log holds all that changed meanwhile: nothing is compared."""
    items = min(settings.items, 100_000)

    def store(client, numbers):
        for n in numbers:
            client.send(b"set k%08d 0 0 100 noreply\r\n%0100d\r\n" % (n, n))
        client.ask(b"version")

    with stage.machines("-m", "256") as nodes:
        with nodes.a.client() as client:
            store(client, range(items))
            nodes.wait_until_at_rest(PATIENCE)
            before = traffic(nodes)
            stage.network.cut()
            nodes.a.wait_until_alone(3)
            store(client, range(0, items, 100))
            stage.network.heal()
            healed = time.monotonic()
            nodes.wait_until_linked(5)
            nodes.wait_until_at_rest(PATIENCE)
            seconds = time.monotonic() - healed
        sent = difference(traffic(nodes), before)
    changed = len(range(0, items, 100))
    table.add(f"rejoin after a cut, {changed} of {items} items changed", "sends what changed",
              f"{sent['records']} records, {sent['lists']} lists, {sent['bytes'] / 1024:.0f} KiB; "
              f"at rest {milliseconds(seconds)} after healing",
              sent["records"] == changed and sent["lists"] == 0,
              "repcached: never linked again; yrmcds: drops all, full copy")


def overflow(stage, table, settings):
    """The peer is stopped for longer than the silence, so it stays the same incarnation."""
    items = settings.items * 5
    changed = items // 100
    memory = 3 * items * (SMALL_VALUE + 60) >> 20
    log_kib = max(64, changed * LOG_ENTRY_BYTES // 8 >> 10)  # an eighth of what would be needed
    with stage.servers(memory, ("--log-memory", f"{log_kib}k")) as nodes:
        a, b = nodes
        a.fill(items, SMALL_VALUE)
        wait_until_at_rest(nodes)
        before = traffic(nodes)
        seconds = _miss_and_catch_up(nodes, lambda: a.load(
            f"--operations {changed} --keys {items} --value {SMALL_VALUE} --get-ratio 0 "
            "--connections 8 --depth 32"))
        sent = difference(traffic(nodes), before)
        folded = int(a.stats("replication")["repl_log_overflows"])
        held = [int(node.stats()["curr_items"]) for node in nodes]
    table.add(f"rejoin, 1 % of {items} items changed at random, log overflowed",
              "≤ 3 s, ≤ 200 MB",
              f"{seconds:.2f} s, {sent['bytes'] / 1e6:.0f} MB: {sent['records']} records and "
              f"{sent['lists']} lists; {folded} log entries had been folded",
              seconds <= 3 and sent["bytes"] <= 200e6 and folded > 0 and held == [items] * 2,
              "as above")


def full_log(stage, table, settings):
    """As many distinct keys as the log holds."""
    del settings
    with stage.servers() as nodes:
        a, b = nodes
        items = 600_000
        a.fill(items, SMALL_VALUE)
        wait_until_at_rest(nodes)
        seconds = _miss_and_catch_up(nodes, lambda: a.fill(items, SMALL_VALUE))
        folded = int(a.stats("replication")["repl_log_overflows"])
    table.add(f"rejoin, {items} keys in the log", "≤ 2 s",
              f"{seconds:.2f} s, {folded} entries folded", seconds <= 2 and folded == 0)


def _miss_and_catch_up(nodes, change):
    """Seconds from the end of the peer's stop to rest; `change` runs while it is stopped."""
    a, b = nodes
    with stopped(b):
        measuring.wait_until(lambda: is_alone(a.stats("replication")), 5, "b is given up")
        change()
    began = time.monotonic()
    measuring.wait_until_linked(nodes, PATIENCE)
    wait_until_at_rest(nodes)
    return time.monotonic() - began


FIGURES = {"join": join, "large_join": large_join, "short_cut": short_cut, "overflow": overflow,
           "full_log": full_log}
