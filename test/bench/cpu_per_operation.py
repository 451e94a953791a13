#!/usr/bin/python3
"""CPU time per request beside Debian's memcached, and of a set alone beside a set in a pair."""
import argparse

from measuring import MEMCACHED, TWINCACHED, LOAD_CORE, Server, compare_cpu, pair

KEYS = 1_000_000
WORKLOADS = {
    "get, one per packet": "--connections 50 --get-ratio 1",
    "set, one per packet": "--connections 50 --get-ratio 0",
    "90 % get, 10 % set": "--connections 50 --get-ratio 0.9",
    "get, 50 per packet": "--connections 10 --depth 50 --get-ratio 1",
    "set, 50 per packet": "--connections 10 --depth 50 --get-ratio 0",
    "get of 100 keys": "--connections 10 --keys-per-get 100 --get-ratio 1",
    "get, 1000 connections": "--connections 1000 --get-ratio 1",
}


def print_row(name, figures):
    reference, other, ratio, (low, high) = figures
    print(f"  {name:24} {reference:8.3f} us {other:8.3f} us   {ratio:5.3f}   {low:.3f} - {high:.3f}",
          flush=True)


def against_memcached(arguments):
    print("CPU per request           memcached   twincached   ratio   95 %")
    with Server(MEMCACHED) as reference, Server(TWINCACHED) as ours:
        for server in (reference, ours):
            server.wait_until_open()
            server.fill(KEYS, 100)
        for name, options in WORKLOADS.items():
            print_row(name, compare_cpu(reference, ours, f"{options} --keys {KEYS}",
                                        arguments.rounds, arguments.seconds))


def alone_against_paired(arguments):
    """Also what the other node spends; both nodes then share the core that the load leaves."""
    print("CPU per set                   alone       paired   ratio   95 %")
    first, second = pair()
    with Server(TWINCACHED) as alone, first, second:
        alone.wait_until_open()
        options = f"--connections 50 --get-ratio 0 --keys {KEYS}"
        for server in (alone, first):
            server.fill(KEYS, 100)
        print_row("one per packet", compare_cpu(alone, first, options, arguments.rounds,
                                                arguments.seconds))
        before = second.cpu_seconds()
        run = first.load(f"{options} --seconds 2", core=LOAD_CORE)
        spent = (second.cpu_seconds() - before) * 1e6 / run["operations"]
        print(f"  the other node spends {spent:.3f} us per set")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.25, help="of one window")
    parser.add_argument("--pair-only", action="store_true")
    arguments = parser.parse_args()
    if not arguments.pair_only:
        against_memcached(arguments)
    alone_against_paired(arguments)


if __name__ == "__main__":
    main()
