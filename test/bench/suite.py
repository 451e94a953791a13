#!/usr/bin/python3
"""twincached and its peers under the same work by turns: CPU per request, user's and the kernel's,
throughput, latency at a fixed load, TLS, memory, start, and a pair beside a redis with a replica.
Writes JSON, which performance_page.py makes a page of.

Peers are Debian's memcached, yrmcds and redis, with the same memory, threads and connections, each
where it speaks what is asked. Any other that speaks memcached's text protocol is added by its command
line, with {host}, {port}, {memory} (MiB), {threads} and {connections} in their places:

    suite.py --peer 'newer=/opt/memcached -u root -l {host} -p {port} -m {memory} -t {threads} \\
                     -c {connections} -I 2m'

What a peer cannot do is left out, with a line that says why.

`--only` measures a group or some workloads again and puts them into the file beside the others;
`--missing` goes on with a run that was interrupted.

Server and load have a core each, which nothing else should use. What is printed is the ratio to the
peer; only that holds from one machine to the next."""
import argparse
import datetime
import os
import platform
import resource
import signal
import subprocess
import sys
import time

from measuring import BUILD, ROOT
from beside import at_rest, peers, replicated, requests, turns
from beside.results import Results
from beside.workloads import WORKLOADS

DESCRIPTORS = 12_000  # for 10,000 connections, at both ends

# Not asked with mcload's workloads: {name: (function of the settings, whether it is quick)}.
OTHERS = {"start": (at_rest.start, True), "idle": (at_rest.idle, False),
          "memory": (at_rest.memory, False), "replication": (replicated.run, False)}


class Group:
    """Some rows that are measured together. `chosen`: its workloads, for those that have any."""

    def __init__(self, name, chosen=()):
        self.name = name
        self.chosen = chosen

    def rows(self, settings):
        if self.name in OTHERS:
            return OTHERS[self.name][0](settings)
        return requests.run(self.name, self.chosen, settings)


def is_named(words, name, workload=""):
    return any(each == name or (workload and each in workload) for each in words)


def groups_of(arguments, held):
    """What is to be measured. `held`: Results."""
    for name, workloads in WORKLOADS.items():
        chosen = [each for each in workloads
                  if (each.quick or not arguments.quick)
                  and (not arguments.only or is_named(arguments.only, name, each.name))
                  and not (arguments.missing and each.name in held.workloads())]
        if chosen:
            yield Group(name, chosen)
    for name, (_, is_quick) in OTHERS.items():
        if ((is_quick or not arguments.quick)
                and (not arguments.only or is_named(arguments.only, name))
                and not (arguments.missing and name in held.complete)):
            yield Group(name)


def busy_ticks():
    """Of all cores, the host's share of them included. See proc(5), /proc/stat."""
    with open("/proc/stat") as file:
        user, nice, kernel, idle, waiting, *rest = map(int, file.readline().split()[1:9])
    del idle, waiting
    return user + nice + kernel + sum(rest)


def cores_of_others(seconds=2.0):
    """How many cores others keep busy, now that this program only waits. (The load average still
    knows of the build before it.)"""
    before = busy_ticks()
    time.sleep(seconds)
    return (busy_ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds


def commit():
    return subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"],
                          capture_output=True, text=True, check=False).stdout.strip()


def surroundings(settings):
    with open("/proc/cpuinfo") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    memory_kib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 10
    return {"date": datetime.date.today().isoformat(), "commit": commit() or "unknown",
            "kernel": platform.release(), "cpu": models[0] if models else platform.machine(),
            "cores": os.cpu_count(), "memory_gib": round(memory_kib / 2**20),
            "others": cores_of_others(), "command": " ".join(sys.argv[1:]) or "all of it",
            "rounds": settings.rounds, "seconds": settings.seconds, "versions": peers.versions()}


def raise_descriptor_limit():
    """Of this process, and of what it starts from now on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, DESCRIPTORS)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
    except (ValueError, OSError):
        raise SystemExit(f"{wanted} file descriptors are needed (ulimit -n), {hard} may be open")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer workloads, in five minutes")
    parser.add_argument("--rounds", type=int, help="windows of each server; 9, or 5 if quick")
    parser.add_argument("--seconds", type=float, default=0.3, help="of one window")
    parser.add_argument("--items", type=int, default=1_000_000, help="of memory and of a join")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--only", action="append", metavar="WORDS", help="a group ("
                        + ", ".join((*WORKLOADS, *OTHERS)) + "), or workloads named so")
    parser.add_argument("--missing", action="store_true", help="what the file does not have yet")
    parser.add_argument("--json", default=os.path.join(BUILD, "suite.json"), metavar="FILE",
                        help="written anew but with --only or --missing; %(default)s")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (5 if arguments.quick else 9)
    arguments.few = min(3, arguments.rounds)  # of what takes seconds, and is not noisy
    # The peers first: each window of ours then stands between two of theirs.
    arguments.peers = [*peers.PEERS, *map(peers.other, arguments.peer), peers.TWINS]
    return arguments


def main():
    # A terminate, too, ends what was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("interrupted; --missing goes on"))
    settings = parse_arguments()
    raise_descriptor_limit()
    results = Results(settings.json, surroundings(settings),
                      is_new=not (settings.only or settings.missing))
    groups = list(groups_of(settings, results))
    if not groups:
        raise SystemExit("there is nothing to measure: no such workload, or nothing is missing")
    turns.print_head()
    for group in groups:
        for rows in group.rows(settings):
            turns.print_rows(rows)
            results.add(rows)
        results.end(group.name)
    print(f"written to {settings.json}")


if __name__ == "__main__":
    main()
