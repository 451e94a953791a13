"""Sentences about rows that hold for whatever the rows say."""
import statistics

from beside import turns
from beside.peers import FLOOR
from speed_page.tables import in_order, lines_of, number

QUIET = 0.2  # cores that others may keep busy where throughput is to mean something
# They say how fast the machine is that others use, too.
OF_THE_MACHINE = ("per_second", "p50", "p99", "p999")


def is_quiet(suite):
    return all(run["others"] <= QUIET for run in suite["runs"])


def median_ratios(rows):
    """'0.87 to memcached, 0.17 to yrmcds': of CPU per request."""
    found = {}
    for row in rows:
        if "us" in row["figures"] and row["peer"] != FLOOR.name:
            found.setdefault(row["peer"], []).append(row["figures"]["us"]["ratio"])
    return ", ".join(f"{statistics.median(values):.2f} to {peer}"
                     for peer, values in found.items())


def better(suite):
    """Where a peer was better, a line for each; a difference that may be chance says so."""
    lines = []
    for row in in_order(suite["rows"]):
        for figure, cell in row["figures"].items():
            if (row["peer"] == FLOOR.name or turns.is_ours_better(figure, cell["ratio"])
                    or (figure in OF_THE_MACHINE and not is_quiet(suite))):
                continue
            is_chance = cell["low"] <= 1 <= cell["high"]
            lines.append(f"- **{row['peer']}**, {row['workload']}, {turns.FIGURES[figure][0]}: "
                         f"{number(cell['peer'])} to our {number(cell['ours'])}, "
                         f"{cell['ratio']:.2f}{', which may be chance' if is_chance else ''}")
    return lines or ["In no row of these was a peer better."]


def floors(suite, peer="memcached"):
    """Lines on what a server without a store needs, as a part of what the peer needs."""
    parts = []
    for workload, by_peer in lines_of(in_order(suite["rows"])).items():
        if {FLOOR.name, peer} <= by_peer.keys() and "us" in by_peer[peer]["figures"]:
            to_floor, to_peer = (by_peer[name]["figures"]["us"]["ratio"] for name in (FLOOR.name, peer))
            parts.append(f"{to_peer / to_floor:.2f} ({workload})")
    if not parts:
        return []
    return ["`floor` is no peer: it answers every get with one value, without any store, and what is",
            "below it is the kernel's and cannot be had (`test/bench/floor`). Of "
            f"{peer}'s CPU it needs", f"{', '.join(parts)}.", ""]


def handshake(suite):
    """What is left of a handshake and a get when the get is taken away."""
    cells = {row["workload"]: row["figures"]["us"] for row in suite["rows"]
             if row["peer"] == "memcached" and "us" in row["figures"]}
    both, get = cells.get("handshake and a get"), cells.get("get over TLS, one a packet")
    if not both or not get:
        return ""
    ours, theirs = (both[side] - get[side] for side in ("ours", "peer"))
    return (f"A handshake alone, the row less its get, is {number(ours)} µs here and "
            f"{number(theirs)} with memcached: {ours / max(1e-9, theirs):.2f}.")


def cost_of_replication(suite):
    """By how much a set costs more with another node, here and with the peer."""
    lines = []
    for row in suite["rows"]:
        figures = row["figures"]
        if "us_node" not in figures:
            continue
        more = {side: figures["us_node"][side] / max(1e-9, figures["us_alone"][side])
                for side in ("ours", "peer")}
        both = {side: figures["us_node"][side] + figures["us_other"][side]
                for side in ("ours", "peer")}
        lines.append(f"- {row['workload'].removeprefix('cost of replication, ')}: the node that is "
                     f"written to spends {more['ours']:.2f} times what it spends alone, "
                     f"{row['peer']} {more['peer']:.2f} times; both nodes together "
                     f"{number(both['ours'])} µs a set, {row['peer']}'s {number(both['peer'])}.")
    return lines


def measured(suite):
    """Each run whose rows are here."""
    return [f"- {run['date']} at {run['commit']}: {run['cores']} cores of {run['cpu']}, "
            f"{run['memory_gib']} GiB, Linux {run['kernel']}; `suite.py {run['command']}`; others "
            f"kept {run['others']:.1f} cores busy before it" for run in suite["runs"]]


def versions(suite):
    return ", ".join(dict.fromkeys(text for run in suite["runs"]
                                   for text in run["versions"].values()))
