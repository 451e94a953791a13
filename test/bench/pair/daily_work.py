"""What being a pair costs, and how far the peer is behind, while nothing is wrong."""
import collections
import contextlib
import statistics
import time

import measuring
from harness.client import Client
from pair.stage import wait_until_at_rest
from pair.table import milliseconds, percentiles

KEYS = 1_000_000
OLD_COST = ("CPU of a set alone -> in a pair: repcached 2.2.1 7.4 -> 7.3 us (+ 1.1 on the peer), "
            "2.3.1 9.7 -> 10.8 (+ 1.7); yrmcds 40 + 8.6")


def lag(stage, table, settings):
    count = settings.runs * 200
    for rate, most_p50, most_p99 in ((1_000, 0.0005, 0.005), (20_000, None, 0.001)):
        with stage.servers() as nodes:
            options = f"--rate {rate} --get-ratio 0 --connections 8 --depth 64 --seconds 120"
            with measuring.background(nodes[0], options):
                time.sleep(0.5)
                on_a, on_b = (Client((node.host, node.port)) for node in nodes)
                with on_a, on_b:
                    p50, p99 = percentiles(measuring.seen_after(on_a, on_b, count))
        table.add(f"from the answer of a set on a to its sight on b, beside {rate} sets/s",
                  f"p99 ≤ {milliseconds(most_p99)}"
                  + (f", p50 < {milliseconds(most_p50)}" if most_p50 else ""),
                  f"p50 {milliseconds(p50)}, p99 {milliseconds(p99)} of {count}",
                  p99 <= most_p99 and (most_p50 is None or p50 < most_p50),
                  "repcached 2.2.1 / 2.3.1, idle: p50 0.042 / 0.067 ms, p99 0.093 / 0.165 ms")


# (Share of sets, most that may be lost, requests a packet.) At 16 a packet both cores are busy with
# nothing else, and what a kill may lose was the more important.
COST_CASES = [(1.0, 0.15, 1), (1.0, 0.20, 16), (0.1, 0.03, 1), (0.1, 0.15, 16)]
Cost = collections.namedtuple("Cost", "alone paired ratio busy")


def cost(stage, table, settings):
    """Windows on the node alone and on the pair in turn, on the same core; median of ratios.

    What is looked for is smaller than what the machine's mood does to a window, and where their
    memory happens to lie to two processes: so there are many short windows, and several pairs."""
    found = {case: [] for case in COST_CASES}
    for _ in range(settings.fresh):
        with stage.servers() as nodes, measuring.Server(measuring.TWINCACHED) as alone:
            alone.wait_until_open()
            for server in (alone, nodes[0]):
                server.fill(KEYS, 100)
            wait_until_at_rest(nodes)
            for case in COST_CASES:
                found[case].append(_cost_of(settings, alone, nodes[0], *case))
    for case, costs in found.items():
        _add_cost(table, costs, *case)


def _cost_of(settings, alone, paired, sets, _, depth):
    options = f"--connections 50 --depth {depth} --keys {KEYS} --get-ratio {1 - sets:.2g}"
    busy = []

    def throughput(figures):
        busy.append(figures["server_cpu_seconds"] / figures["seconds"])
        return figures["operations_per_second"]
    first, second, ratio, _ = measuring.compare(alone, paired, options, settings.rounds * 4, 0.2,
                                                throughput)
    return Cost(first, second, ratio, statistics.median(busy))


def _add_cost(table, costs, sets, most, depth):
    alone, paired, ratio, busy = (statistics.median(values) for values in zip(*costs))
    ratios = [cost.ratio for cost in costs]
    table.add(f"{sets:.0%} sets, {depth} per packet: throughput of a pair's node against one alone",
              f"≥ -{most:.0%}", f"{ratio - 1:+.1%} (of {len(costs)} pairs: {min(ratios) - 1:+.1%} "
              f"to {max(ratios) - 1:+.1%}; {alone:.0f} and {paired:.0f}/s, server's core "
              f"{busy:.0%} busy)", ratio >= 1 - most, OLD_COST)


def received(stage, table, settings):
    """One client that waits for each answer; `async` and `received` in pairs of their own."""
    with stage.servers() as plain, stage.servers(extra=("--ack", "received")) as waiting:
        measuring.wait_until(lambda: waiting[0].stats("replication")["repl_ack_state"] == "sync",
                             20, "answers wait for the peer")
        options = "--connections 1 --keys 1000 --value 100 --get-ratio 0"
        us, longer, _, _ = measuring.compare(plain[0], waiting[0], options, settings.rounds, 0.5,
                                             lambda figures: figures["latency_us"]["p50"])
    # On loopback a plain answer takes no more than a round trip, so it may stand for one.
    table.add("answers that wait for the peer, ack = received: p50 of a set",
              "+ a round trip + ≤ 100 us", f"{us:.0f} -> {longer:.0f} us", longer <= 2 * us + 100)


def walk(stage, table, settings):
    """An empty node joins again and again; the windows lie within the walks, and between them.

    Two cores are too few for two nodes and a load. So the full node may use both, and the empty
    one, which would have cores of its own, gets what is left; the load, which would have a machine
    of its own, runs before all others, or it would measure how long it waits itself."""
    del stage
    items = settings.items * 4
    options = f"--rate 2000 --keys {items} --get-ratio 0.9 --connections 8 --seconds 2"
    memory = 3 * items * 160 >> 20
    hosts = [measuring.Server.next_host() for _ in range(2)]
    without, during, ended = [], [], 0
    with measuring.Server(measuring.TWINCACHED, memory, core=None, host=hosts[0],
                          extra=("-x", hosts[1])) as full:
        full.wait_until_open()
        full.fill(items, 100)
        for _ in range(settings.walks):
            with measuring.Server(measuring.TWINCACHED, memory, core=measuring.LOAD_CORE,
                                  host=hosts[1], extra=("-x", hosts[0]), nice=19) as empty:
                measuring.wait_until(lambda: full.stats("replication")["repl_walking"] != "0",
                                     10, "the walk begins")
                during.append(full.load(options, is_urgent=True)["latency_us"])
                ended += int(full.stats("replication")["repl_dirty_buckets"]) == 0
                empty.wait_until_open(120)
                wait_until_at_rest((full, empty))
                without.append(full.load(options, is_urgent=True)["latency_us"])
    _report_walk(table, items, without, during, ended)


def _report_walk(table, items, without, during, ended):
    p99 = [statistics.median(each["p99"] for each in side) for side in (without, during)]
    slowest = max(each["max"] for each in during) / 1000
    more = (p99[1] - p99[0]) / 1000
    note = f"; {ended} walks ended too soon" if ended else ""
    table.add(f"client p99 at 2000 requests/s while {items} items are walked",
              "≤ 0.5 ms more",
              f"{more:+.2f} ms ({p99[0] / 1000:.2f} -> {p99[1] / 1000:.2f}, medians of "
              f"{len(during)}; slowest {slowest:.1f} ms{note})", more <= 0.5 and not ended,
              "all clients stalled for 0.35 s (repcached 2.2.1), 2.0 and 3.5 s (2.3.1), 0.24 s "
              "(yrmcds), 2 M items")


# --- arbitrate -----------------------------------------------------------------------------------

TOGETHER = 32  # connections, each with one request under way


def answered_after(client, count, request=b"incr n 1\r\n"):
    """(p50, p99) of one request after the other, in seconds."""
    times = []
    for _ in range(count):
        began = time.monotonic()
        client.send(request)
        if not client.line().isdigit():
            raise SystemExit("an increment was not answered with a number")
        times.append(time.monotonic() - began)
    return percentiles(times)


def answered_together(server, seconds):
    """Increments a second of all connections."""
    with contextlib.ExitStack() as open_clients:
        clients = [open_clients.enter_context(Client((server.host, server.port)))
                   for _ in range(TOGETHER)]
        count, began = 0, time.monotonic()
        while time.monotonic() - began < seconds:
            for client in clients:
                client.send(b"incr n 1\r\n")
            for client in clients:
                client.line()
            count += TOGETHER
        return count / (time.monotonic() - began)


def asked(stage, table, settings):
    """An increment on the node that asks, beside one on the node that decides."""
    with stage.servers(extra=("--arbitrate", "conditional")) as nodes:
        measuring.wait_until(lambda: all(node.stats("replication")["repl_arbitration"] ==
                                         "conditional" for node in nodes), 20, "one decides")
        decides = 0 if nodes[0].stats("replication")["repl_decides"] == "yes" else 1
        here, there = nodes[1 - decides], nodes[decides]
        with Client((here.host, here.port)) as asking, Client((there.host, there.port)) as deciding:
            deciding.set(b"n", b"0")
            while asking.get(b"n") is None:
                pass
            local, local_worst = answered_after(deciding, settings.runs * 500)
            longer, worst = answered_after(asking, settings.runs * 500)
        # On loopback a plain answer takes no more than a round trip, so it may stand for one.
        table.add("arbitrate: p50 of an incr that the other node decides",
                  "one decided here + a round trip + <= 60 us",
                  f"{local * 1e6:.0f} -> {longer * 1e6:.0f} us (p99 {local_worst * 1e6:.0f} and "
                  f"{worst * 1e6:.0f})", longer <= 2 * local + 60e-6)
        rates = [answered_together(node, 2) for node in (there, here)]
        table.add(f"arbitrate: incr a second, {TOGETHER} connections with one each, decided here "
                  "and there", "-", f"{rates[0]:.0f} and {rates[1]:.0f}", None)


FIGURES = {"lag": lag, "cost": cost, "received": received, "walk": walk, "asked": asked}
