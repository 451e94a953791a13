#!/usr/bin/python3
"""Every workload on twincached and on each peer by turns: CPU per request, user's and the kernel's,
throughput, and latency at a fixed load. Writes JSON, which performance_page.py makes a page of.

Peers are given the same memory and threads. Debian's memcached is always one; any other that speaks
memcached's text protocol is added by its command line, with {host}, {port}, {memory} (MiB) and
{threads} in their places:

    suite.py --peer 'newer=/opt/memcached -u root -l {host} -p {port} -m {memory} -t {threads}'

Server and load have a core each, which nothing else should use. What is printed is the ratio to the
peer, below 1 where twincached is better; only that holds from one machine to the next."""
import argparse
import datetime
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys

from measuring import (BUILD, MEMCACHED, ROOT, SERVER_CORE, TWINCACHED, Server, interval_of_median,
                       placed)

KEYS = 1_000_000
MEMORY_MIB = 1024
US = "µs of CPU per request"


class Workload:
    """`load`: options of mcload. `rate`: requests a second, where latency is what is compared."""

    def __init__(self, name, load, threads=1, value=100, keys=KEYS, rate=0, quick=True):
        self.name, self.load, self.threads, self.value = name, load, threads, value
        self.keys, self.rate, self.quick = keys, rate, quick

    def options(self, seconds, seed):
        rate = f" --rate {self.rate}" if self.rate else ""
        return (f"{self.load} --keys {self.keys} --value {self.value}{rate} "
                f"--seconds {seconds} --warmup 0.1 --seed {seed}")

    def place(self):
        """What a server must be started and filled with: workloads of one place share it."""
        return self.threads, self.value, self.keys


WORKLOADS = [
    Workload("get, one a packet", "--connections 50"),
    Workload("get, one a packet, 1 connection", "--connections 1", quick=False),
    Workload("get, one a packet, 1000 connections", "--connections 1000"),
    Workload("get, 16 pipelined", "--connections 50 --depth 16"),
    Workload("meta get, one a packet", "--connections 50 --meta"),
    Workload("meta get, 16 pipelined", "--connections 50 --depth 16 --meta"),
    Workload("multi-get of 100", "--connections 10 --keys-per-get 100"),
    Workload("set, one a packet", "--connections 50 --get-ratio 0"),
    Workload("set, 16 pipelined", "--connections 50 --depth 16 --get-ratio 0"),
    Workload("90 % gets, 10 % sets", "--connections 50 --get-ratio 0.9"),
    Workload("90 % gets, Zipf 1.0", "--connections 50 --get-ratio 0.9 --zipf 1.0", quick=False),
    Workload("90 % gets at 20,000 a second", "--connections 50 --get-ratio 0.9", rate=20_000),
    Workload("get, one a packet, 2 threads", "--connections 50", threads=2, quick=False),
    Workload("get of 32 B", "--connections 50", value=32, quick=False),
    Workload("get of 10 kB", "--connections 50", value=10_000, keys=20_000, quick=False),
    Workload("get of 100 kB", "--connections 10", value=100_000, keys=2_000),
    Workload("set of 100 kB", "--connections 10 --get-ratio 0", value=100_000, keys=2_000),
    Workload("get of 1 MB", "--connections 4", value=1_000_000, keys=200, quick=False),
    Workload("set of 1 MB", "--connections 4 --get-ratio 0", value=1_000_000, keys=200,
             quick=False),
]


class Peer:
    def __init__(self, name, words=None):
        self.name, self._words = name, words

    def start(self, threads):
        if self._words is None:
            return Server(TWINCACHED, MEMORY_MIB, threads, extra=("-I", "2m", "-c", "4096"))
        if self._words == MEMCACHED:
            return Server(MEMCACHED, MEMORY_MIB, threads, extra=("-I", "2m", "-c", "4096"))
        return OtherServer(self._words, threads)


class OtherServer(Server):
    """Started by a command line of the user's."""

    def __init__(self, words, threads):  # pylint: disable=super-init-not-called
        self.host, self.port = Server.next_host(), 11211
        words = words.format(host=self.host, port=self.port, memory=MEMORY_MIB, threads=threads)
        self._child = subprocess.Popen(placed(SERVER_CORE) + shlex.split(words),
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self._child.pid


def user_and_kernel(pid):
    """Ticks of the process so far."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return int(fields[11]), int(fields[12])


def window(server, workload, seconds, seed):
    """One window's figures. How the CPU time divides is told in ticks, how much it is, exactly."""
    before = user_and_kernel(server.pid)
    report = server.load(workload.options(seconds, seed))
    user, kernel = (now - then for now, then in zip(user_and_kernel(server.pid), before))
    if report["errors"]:
        raise SystemExit(f"{workload.name}: {report['errors']} errors")
    return {"us": report["server_us_per_operation"], "user": user / max(1, user + kernel),
            "per_second": report["operations_per_second"], **report["latency_us"]}


def ratios(ours, theirs, figure):
    """Each window of ours to the mean of its two neighbours: the machine drifts."""
    return [mine[figure] * 2 / max(1e-9, before[figure] + after[figure])
            for mine, before, after in zip(ours, theirs, theirs[1:])]


def measure(workload, servers, arguments):
    """Windows by turns, the peers first: each of ours stands between two of theirs."""
    windows = {name: [] for name in servers}
    for seed in range(arguments.rounds + 1):
        for name, server in servers.items():
            windows[name].append(window(server, workload, arguments.seconds, seed))
    ours = windows.pop("twincached")
    rows = []
    for name, theirs in windows.items():
        row = {"workload": workload.name, "load": workload.options(arguments.seconds, 0),
               "threads": workload.threads, "peer": name, "rounds": arguments.rounds}
        for figure in ("p50", "p99", "p999") if workload.rate else ("us", "per_second"):
            found = ratios(ours, theirs, figure)
            low, high = interval_of_median(found)
            row[figure] = {"ours": statistics.median(w[figure] for w in ours),
                           "peer": statistics.median(w[figure] for w in theirs),
                           "ratio": statistics.median(found), "low": low, "high": high}
        row["user_part"] = {"ours": statistics.median(w["user"] for w in ours),
                            "peer": statistics.median(w["user"] for w in theirs)}
        rows.append(row)
        print_row(row)
    return rows


def print_row(row):
    for figure in ("us", "per_second", "p50", "p99", "p999"):
        if figure not in row:
            continue
        cell = row[figure]
        print(f"{row['workload']:36} {row['peer']:10} {figure:10} {cell['ours']:12.3f} "
              f"{cell['peer']:12.3f}   {cell['ratio']:.3f}  {cell['low']:.3f} - "
              f"{cell['high']:.3f}", flush=True)


def version_of(program):
    run = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return run.stdout.splitlines()[0] if run.stdout else "unknown"


def surroundings(peers):
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"],
                            capture_output=True, text=True, check=False).stdout.strip()
    with open("/proc/cpuinfo") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return {"date": datetime.date.today().isoformat(), "commit": commit or "unknown",
            "kernel": platform.release(), "cpu": models[0] if models else platform.machine(),
            "cores": os.cpu_count(), "others": os.getloadavg()[0],
            "command": " ".join(sys.argv[1:]) or "all workloads",
            "versions": {"twincached": version_of(TWINCACHED), "memcached": version_of(MEMCACHED)},
            "peers": [peer.name for peer in peers]}


def run(workloads, peers, arguments):
    rows = []
    for place in dict.fromkeys(workload.place() for workload in workloads):
        threads, value, keys = place
        servers = {}
        try:
            for peer in peers:
                servers[peer.name] = peer.start(threads)
            for server in servers.values():
                server.wait_until_open()
                server.fill(keys, value)
            for workload in workloads:
                if workload.place() == place:
                    rows += measure(workload, servers, arguments)
        finally:
            for server in servers.values():
                server.stop()
    return rows


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer workloads, in five minutes")
    parser.add_argument("--rounds", type=int, help="windows of each server; 9, or 5 if quick")
    parser.add_argument("--seconds", type=float, default=0.3, help="of one window")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--only", action="append", metavar="WORDS", help="workloads named so")
    parser.add_argument("--json", default=os.path.join(BUILD, "suite.json"), metavar="FILE")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (5 if arguments.quick else 9)
    return arguments


def main():
    arguments = parse_arguments()
    workloads = [workload for workload in WORKLOADS if workload.quick or not arguments.quick]
    if arguments.only:
        workloads = [workload for workload in workloads
                     if any(words in workload.name for words in arguments.only)]
    others = [Peer(*text.split("=", 1)) for text in arguments.peer]
    # The peers first: each window of ours then stands between two of theirs.
    peers = [Peer("memcached", MEMCACHED), *others, Peer("twincached")]
    print(f"{'workload':36} {'peer':10} {'figure':10} {'ours':>12} {'peer':>12}   ratio  95 %")
    result = {**surroundings(peers[:-1]), "unit": US, "rows": run(workloads, peers, arguments)}
    with open(arguments.json, "w") as file:
        json.dump(result, file, indent=1)
    print(f"written to {arguments.json}")


if __name__ == "__main__":
    main()
