"""What a pair keeps, and what it costs its clients, when one node stops, dies, or is too small."""
import statistics

import measuring
from harness.killing import kill_under_load
from harness.together import both_at_once
from pair.stage import PATIENCE, stopped, traffic, wait_until_at_rest
from pair.table import OLD, mebibytes

ALLOWED_BEYOND_THE_LOG = 32 << 20


def stopped_peer(stage, table, settings):
    """The window begins with the SIGSTOP: the second until the peer is given up is within it."""
    load = "--connections 50 --depth 4 --keys 1000000 --get-ratio 0.9 --seconds 2 --warmup 0"
    ratios = []
    with stage.servers(512) as nodes:
        a, b = nodes
        a.fill(1_000_000, 100)
        wait_until_at_rest(nodes)
        a.load(load)
        for _ in range(settings.runs):
            before = a.load(load)["operations_per_second"]
            with stopped(b):
                during = a.load(load)["operations_per_second"]
            wait_until_at_rest(nodes)
            after = a.load(load)["operations_per_second"]
            ratios.append(2 * during / (before + after))
    change = statistics.median(ratios) - 1
    table.add("peer stopped: throughput at 10 % sets", "≥ -5 %",
              f"{change:+.1%} (median of {len(ratios)}, {min(ratios) - 1:+.1%} to "
              f"{max(ratios) - 1:+.1%})", change >= -0.05,
              f"{OLD}: 5300 -> 0 to 300 sets/s, single ones 1.3 and 3.3 s / link dead for ever; "
              "yrmcds: blocked for 8.7 s")


def stopped_peer_memory(stage, table, settings):
    """The store is at its limit before, so that what grows is the link's share."""
    del settings
    items = 3_000_000
    with stage.servers(256) as nodes:
        a, b = nodes
        for _ in range(2):
            a.fill(items, 100)
            wait_until_at_rest(nodes)
        before = a.resident_bytes()
        most = before
        with stopped(b):
            for _ in range(3):
                a.fill(items, 100)
                most = max(most, a.resident_bytes())
            report = a.stats("replication")
        wait_until_at_rest(nodes)
    limit = int(report["repl_log_limit_bytes"])
    folded = int(report["repl_log_overflows"])
    grown = most - before
    table.add(f"peer stopped: memory beside the items, {3 * items} sets, {folded} log entries "
              "folded", f"≤ {mebibytes(limit)} (log-memory) + 32 MiB", f"+{mebibytes(grown)}",
              folded > 0 and grown <= limit + ALLOWED_BEYOND_THE_LOG,
              "repcached 2.2.1: buffer up to 256 MB, then the link is closed")


def kills(stage, table, settings):
    for name, options in (("received", ()), ("received, ack-required", ("--ack-required",))):
        stored = lost = 0
        with stage.machines("-m", "512", "--ack", "received", "--ack-timeout", "20s",
                            *options) as nodes:
            for cycle in range(settings.kills):
                acknowledged, missing = kill_under_load(nodes, cycle)
                stored += len(acknowledged)
                lost += len(missing)
        table.add(f"acknowledged writes lost by {settings.kills} kill -9, ack = {name}", "0",
                  f"{lost} of {stored}", lost == 0 and stored > 0,
                  f"{OLD}, which wait for nothing: 0 to 16 of 80,000 / 0 to 8 of 64,000 a kill")


def conflicts(stage, table, settings):
    def writer(node):
        def work():
            with node.client() as client:
                for n in range(settings.conflicts):
                    client.set(b"same%d" % n, node.name.encode())
        return work

    with stage.machines() as nodes:
        both_at_once(writer(nodes.a), writer(nodes.b))
        nodes.wait_until_at_rest(PATIENCE)
        keys = [b"same%d" % n for n in range(settings.conflicts)]
        differing = len(nodes.differing(keys))
        met = sum(int(node.replication()["repl_conflicts"]) for node in nodes)
        with nodes.a.client() as client:
            held = len(client.gets_many(keys))
    table.add(f"{settings.conflicts} keys set on both nodes at once: keys that differ at rest", "0",
              f"{differing} ({held} held, {met} changes met)",
              differing == 0 and held == settings.conflicts,
              f"{OLD}: 1079 / 2650 of 5000; two magents: 2732")


def evictions(stage, table, settings):
    """b has a quarter of a's memory; what b evicts must stay on a, and b must say nothing of it."""
    del settings
    with stage.machines("-m", "64") as nodes:
        nodes.b.stop()
        nodes.b.arguments = ["-m", "16"]
        nodes.b.start(PATIENCE)
        nodes.wait_until_at_rest(PATIENCE)
        before = traffic([nodes.b])
        with nodes.a.client() as client:
            for n in range(30_000):
                client.send(b"set k%d 0 0 1000 noreply\r\n%s\r\n" % (n, b"x" * 1000))
            client.ask(b"version")
        nodes.wait_until_at_rest(PATIENCE)
        sent = traffic([nodes.b])["records"] - before["records"]
        evicted = int(nodes.b.stats()["evictions"])
        kept = int(nodes.a.stats()["curr_items"])
    table.add("evictions that cross the link: 30000 sets of 1 kB on a (-m 64), b has -m 16", "0",
              f"{sent} ({evicted} evictions on b; a keeps {kept})",
              sent == 0 and evicted > 0 and kept == 30_000,
              f"{OLD}: a keeps 15,296 / 14,160, with no eviction of its own")


FIGURES = {"stopped_peer": stopped_peer, "stopped_peer_memory": stopped_peer_memory,
           "kills": kills, "conflicts": conflicts, "evictions": evictions}
