#!/usr/bin/python3
"""Makes docs/PERFORMANCE.md and its picture of what suite.py and misses have written.

    performance_page.py SUITE.json MISSES.json

The second file has a line for each row of `misses --json`. Everything that was measured comes from
the two; the words around it, what limits a row and how to repeat it, stand here."""
import json
import os
import statistics
import sys

from measuring import ROOT

PAGE = os.path.join(ROOT, "docs", "PERFORMANCE.md")
PICTURE = os.path.join(ROOT, "docs", "pictures", "cpu.svg")
PEER = "memcached"
QUIET = 0.5  # a load average of others up to which throughput means something

LIMITS = {
    "one a packet": "the kernel's work on a packet in and one out, 80 % of all",
    "1000 connections": "the same, with a colder cache and fuller turns of epoll",
    "get, 16": "a look-up whose memory no cache holds; hidden by fetching ahead of the batch",
    "meta get, 16": "the same, and a line that is parsed flag by flag",
    "multi-get": "copying keys and values into the answer",
    "set, 16": "the log of changes and the place of the item, one after the other",
    "90 % gets at": "the wake-up of an idle thread; the load and the server have a core each",
    "90 %": "as its gets",
    "kB": "copying through the socket; one copy into the store",
    "MB": "copying through the socket; one copy into the store",
}


def limit_of(workload):
    return next((text for name, text in LIMITS.items() if name in workload), "")


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def cell_of(cell):
    return (f"{number(cell['peer'])} | {number(cell['ours'])} | **{cell['ratio']:.2f}** "
            f"({cell['low']:.2f} to {cell['high']:.2f})")


def rows_of(suite):
    return [row for row in suite["rows"] if row["peer"] == PEER]


def cpu_table(suite):
    lines = ["| workload | memcached, µs | twincached, µs | ratio (95 %) | user's part of ours | "
             "what limits it |", "|---|---|---|---|---|---|"]
    for row in rows_of(suite):
        if "us" in row:
            lines.append(f"| {row['workload']} | {cell_of(row['us'])} | "
                         f"{row['user_part']['ours']:.0%} | {limit_of(row['workload'])} |")
    return lines


def other_table(suite):
    lines = ["| workload | figure | memcached | twincached | ratio (95 %) |",
             "|---|---|---|---|---|"]
    names = {"per_second": "requests a second", "p50": "p50, µs", "p99": "p99, µs",
             "p999": "p99.9, µs"}
    for row in rows_of(suite):
        for figure, name in names.items():
            if figure in row:
                lines.append(f"| {row['workload']} | {name} | {cell_of(row[figure])} |")
    return lines


def misses_table(rows):
    policies = ["LRU", "ARC", "LIRS", "W-TinyLFU", "S3-FIFO"]
    lines = ["| trace | MiB | store | " + " | ".join(policies) + " | Belady | to the best |",
             "|---" * (len(policies) + 5) + "|"]
    for row in rows:
        limit = min(row["Belady"], row["Belady by size"])
        found = [row[policy] for policy in policies]
        if row["store"] - limit < 0.002:
            continue  # everything fits
        cells = [f"{value:.3f}" for value in (row["store"], *found, limit)]
        lines.append(f"| {row['trace']} | {row['mib']:g} | {' | '.join(cells)} | "
                     f"**{row['to_best']:.3f}** |")
    return lines


def better_peers(suite):
    worse = [row for row in rows_of(suite) if "us" in row and row["us"]["ratio"] > 1]
    if not worse:
        return "In this run no workload cost more CPU than memcached's."
    return "memcached was better at: " + "; ".join(
        f"{row['workload']} ({row['us']['ratio']:.2f}"
        f"{', which may be chance' if row['us']['low'] <= 1 else ''})" for row in worse) + "."


def quietness(suite):
    return "" if suite["others"] <= QUIET else (
        f"The machine was not quiet (load average {suite['others']:.1f} before the run), so the "
        "intervals are wide.")


def throughput(suite):
    """Nothing of it where others used the machine: they took what was to be measured."""
    if suite["others"] > QUIET:
        return ["What the machine answered in a second is not told: others used it, too."]
    return ["Server and load have a core each, so throughput says as much of the load",
            "generator as of the server.", "", *other_table(suite)]


def picture(suite):
    """Bars of the ratios, and the line that memcached is."""
    rows = [row for row in rows_of(suite) if "us" in row]
    left, wide, high, top = 330, 440, 26, 56
    width, height = 860, top + high * len(rows) + 40
    one = left + wide / 1.2
    bars = []
    for place, row in enumerate(rows):
        y = top + place * high
        cell = row["us"]
        length = min(cell["ratio"], 1.2) / 1.2 * wide
        kind = "a" if cell["ratio"] <= 1 else "gone"
        bars += [f'  <text class="ink" x="{left - 12}" y="{y + 16}" text-anchor="end">'
                 f'{row["workload"]}</text>',
                 f'  <rect class="{kind}" x="{left}" y="{y + 3}" width="{length:.0f}" '
                 f'height="{high - 8}"/>',
                 f'  <text class="quiet" x="{left + wide + 20}" y="{y + 16}" text-anchor="start">'
                 f'{cell["ratio"]:.2f}</text>']
    said = ", ".join(f"{row['workload']}: {row['us']['ratio']:.2f}" for row in rows)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" \
viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc">
  <title id="title">CPU per request beside memcached</title>
  <desc id="desc">Bars of twincached's CPU time per request as a part of memcached's, one for each \
workload; the line is memcached. {said}.</desc>
  <style>
    text {{ font: 14px system-ui, "DejaVu Sans", sans-serif; }}
    .paper {{ fill: #fcfcfa; }}
    .ink {{ fill: #1b1f24; }}
    .quiet {{ fill: #4b5563; }}
    .a {{ fill: #dbeafe; stroke: #1d4ed8; stroke-width: 1.5; }}
    .gone {{ fill: #fee2e2; stroke: #b91c1c; stroke-width: 1.5; }}
    .line {{ fill: none; stroke: #4b5563; stroke-width: 1.5; }}
    @media (prefers-color-scheme: dark) {{
      .paper {{ fill: #0f1419; }}
      .ink {{ fill: #e6edf3; }}
      .quiet {{ fill: #b3bcc6; }}
      .a {{ fill: #17315c; stroke: #7db0ff; }}
      .gone {{ fill: #4a1d1f; stroke: #ff9a94; }}
      .line {{ stroke: #9aa5b1; }}
    }}
  </style>
  <rect class="paper" width="{width}" height="{height}" rx="8"/>
  <text class="ink" x="{one:.0f}" y="36" text-anchor="middle">memcached = 1</text>
""" + "\n".join(bars) + f"""
  <path class="line" d="M{one:.0f} 46V{height - 24}"/>
</svg>
"""


def page(suite, misses):
    ratio = statistics.median(row["us"]["ratio"] for row in rows_of(suite) if "us" in row)
    versions = ", ".join(dict.fromkeys(suite["versions"].values()))
    return "\n".join([
        "# Speed, beside others", "",
        "This page is made of a run (`test/bench/performance_page.py`); do not edit it. Only the",
        "ratios hold from one machine to the next: windows of both servers alternate, and each of",
        "ours is compared with its two neighbours.", "",
        "    scripts/bench.sh --quick        # five minutes: the tables of CPU and latency",
        "    scripts/bench.sh                # with memory, misses and the pair's figures", "",
        f"Measured on {suite['date']} at {suite['commit']}: {suite['cores']} cores of "
        f"{suite['cpu']}, Linux {suite['kernel']};",
        f"{versions}; `suite.py {suite['command']}`. Values of 100 bytes and a million keys,",
        "unless said.", "",
        "## CPU per request", "",
        f"The median ratio is {ratio:.2f}. {better_peers(suite)} {quietness(suite)}".rstrip(), "",
        "![Bars of twincached's CPU per request as a part of memcached's](pictures/cpu.svg)", "",
        *cpu_table(suite), "",
        "A server that answers every get with a constant, without any store, costs 0.75 of",
        "memcached at one request a packet, 0.73 with 1000 connections and 0.20 with 16 pipelined:",
        "what is below that is the kernel's and cannot be had. memcached 1.6.18 spends four times",
        "as much on pipelined gets as 1.6.45 does; beside that one the ratio is near 0.3.", "",
        "## Throughput, and latency at a fixed load", "",
        *throughput(suite), "",
        "## Misses", "",
        "Requests that miss, of the store and of policies simulated object by object on the same",
        "bytes (38 for each object beside its key and value, as many as the store needs; what they",
        "remember of others is free). Belady knows the future: the smaller of farthest use and",
        "farthest use by size. `build/release/test/bench/misses --seed 7`, made-up traces of a",
        "million requests each, and recorded ones by the names of their files; rows where",
        "everything fits are left out.", "",
        *misses_table(misses), "",
        "Where the store is more than 3 % above the best, it is for one of these:", "",
        "- **loop, loops**: LIRS keeps the first that came for ever. Here a newcomer is tried,",
        "  and the main queue fills only with what came back.",
        "- **drift**: recency alone is best, and a queue that is emptied slab by slab only comes",
        "  near to it, also over three times as many requests.",
        "- **short**: what has expired still takes room until its slab is looked through, and each",
        "  class of lifetime has a slab that is not full; with 6 MiB that counts.",
        "- **zipf-sizes**: W-TinyLFU weighs a newcomer against all that it would displace. The",
        "  store knows only what is much larger than the mean.", ""])


def main():
    with open(sys.argv[1]) as file:
        suite = json.load(file)
    with open(sys.argv[2]) as file:
        misses = [json.loads(line) for line in file]
    with open(PICTURE, "w") as file:
        file.write(picture(suite))
    with open(PAGE, "w") as file:
        file.write(page(suite, misses))


if __name__ == "__main__":
    main()
