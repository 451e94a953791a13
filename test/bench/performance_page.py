#!/usr/bin/python3
"""Makes docs/PERFORMANCE.md and its pictures of what suite.py and misses have written.

    performance_page.py SUITE.json MISSES.json

The second file has a line for each row of `misses --json`. Everything that was measured comes from
the two; the words around it, what limits a row and how to repeat it, stand here and in speed_page."""
import argparse
import json
import os

from measuring import ROOT
from speed_page import goals, misses, pictures, tables, verdicts

PEER = "memcached"  # what the pictures have for a line

PICTURES = {
    "cpu.svg": (("requests", "connections", "threads", "tls"), "CPU per request"),
    "sizes.svg": (("values",), "CPU per request by the size of values"),
}


def cpu(suite):
    rows = tables.of_groups(suite, "requests", "connections", "threads")
    return [
        "## CPU per request", "",
        f"Of the rows below, the median ratios are {verdicts.median_ratios(rows)}.", "",
        "![Bars of twincached's CPU per request as a part of memcached's](pictures/cpu.svg)", "",
        *tables.of_one_figure(rows, "us"), "",
        *verdicts.floors(suite),
        "memcached 1.6.18 spends four times as much on pipelined gets as 1.6.45 does; beside that",
        "one the ratio is near 0.3. redis is asked the same in its own protocol, with GET, MGET and",
        "SET; meta gets have nothing of the kind there, nor with yrmcds.", ""]


def values(suite):
    return [
        "## Sizes of values", "",
        "![Bars of twincached's CPU per request as a part of memcached's, by the size of values]"
        "(pictures/sizes.svg)", "",
        *tables.of_one_figure(tables.of_groups(suite, "values"), "us"), ""]


def tls(suite):
    return [
        "## TLS", "",
        "TLS 1.3 with a certificate of P-256 and no session resumed; memcached is started with",
        f"`-Z`, redis with `--tls-port`. {verdicts.handshake(suite)}".rstrip(), "",
        *tables.of_one_figure(tables.of_groups(suite, "tls"), "us"), ""]


def throughput(suite):
    """Nothing of it where others used the machine: they took what was to be measured."""
    head = ["## Throughput, and latency at a fixed load", ""]
    if not verdicts.is_quiet(suite):
        return [*head, "What the machine answered in a second is not told: others used it, too.", ""]
    timed = tables.of_groups(suite, "latency")
    others = [row for row in tables.in_order(suite["rows"]) if "per_second" in row["figures"]]
    return [*head, "Latency counts from when a request was due, whatever the server did meanwhile.",
            "", *tables.of_all_figures(timed), "",
            "Server and load have a core each, so throughput says as much of the load",
            "generator as of the server.", "", *tables.of_one_figure(others, "per_second"), ""]


def at_rest(suite):
    return [
        "## Memory, connections, start", "",
        "Resident memory, as the kernel counts it. A connection was answered once and then says",
        "nothing. The last rows fill 64 MiB (`-m 64`) with twice as many items as could stay. Of",
        "yrmcds' memory nothing is told: it takes a limit for a hint, and makes room every ten",
        "seconds, so what it holds depends on when one looks.", "",
        *tables.of_all_figures(tables.of_groups(suite, "idle", "start", "memory")), ""]


def replicated(suite):
    return [
        "## A pair, beside a redis with a replica", "",
        "Lag is the time from the answer of a set on one node to the get on the other that sees",
        "it. A redis' replica may only be read; both nodes of a pair may be written to. yrmcds'",
        "second node needs an address that wanders, so on one machine it has none; what it was",
        "measured at elsewhere stands in [FIGURES.md](FIGURES.md).", "",
        *tables.of_all_figures(tables.of_groups(suite, "replication")), "",
        *verdicts.cost_of_replication(suite), ""]


# What is not measured yet has no chapter.
CHAPTERS = [(("requests", "connections", "threads"), cpu), (("values",), values), (("tls",), tls),
            (("requests", "latency"), throughput), (("idle", "start", "memory"), at_rest),
            (("replication",), replicated)]


def head(suite):
    quiet = "" if verdicts.is_quiet(suite) else (
        "The machine was not quiet, so the intervals are wide.")
    return [
        "# Speed, beside others", "",
        "This page is made of a run (`test/bench/performance_page.py`); do not edit it. Only the",
        "ratios hold from one machine to the next, and below 1 twincached needs less: windows of",
        "all servers alternate, and each of ours is compared with its two neighbours.", "",
        "    scripts/bench.sh --quick        # five minutes: CPU, latency, TLS, start",
        "    scripts/bench.sh                # all of it, with misses and the pair's figures",
        "    scripts/bench.sh --only tls     # some of it anew; the other rows stay", "",
        f"Measured beside {verdicts.versions(suite)}, a thread each, values of 100 bytes and a",
        f"million keys, unless said. {quiet}".rstrip(), "", *verdicts.measured(suite), ""]


def wanted(suite):
    found = goals.lines_for(suite)
    return [] if not found else [
        "## What was wanted", "",
        "The goals were set on another machine beside memcached 1.6.45, whose pipelined gets cost a",
        "quarter of those of Debian's 1.6.18; in its other rows the two are alike.", "", *found, ""]


def page(suite, missed):
    chapters = [line for groups, chapter in CHAPTERS if tables.of_groups(suite, *groups)
                for line in chapter(suite)]
    return "\n".join([*head(suite), *chapters,
                      *wanted(suite),
                      "## Where a peer is better", "", *verdicts.better(suite), "",
                      *misses.chapter(missed)])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", metavar="SUITE.json")
    parser.add_argument("misses", metavar="MISSES.json")
    parser.add_argument("--into", default=os.path.join(ROOT, "docs"), metavar="FOLDER")
    arguments = parser.parse_args()
    with open(arguments.suite) as file:
        suite = json.load(file)
    with open(arguments.misses) as file:
        missed = [json.loads(line) for line in file]
    os.makedirs(os.path.join(arguments.into, "pictures"), exist_ok=True)
    for name, (groups, what) in PICTURES.items():
        rows = tables.of_groups(suite, *groups)
        if rows:
            with open(os.path.join(arguments.into, "pictures", name), "w") as file:
                file.write(pictures.bars(rows, "us", PEER, what))
    with open(os.path.join(arguments.into, "PERFORMANCE.md"), "w") as file:
        file.write(page(suite, missed))


if __name__ == "__main__":
    main()
