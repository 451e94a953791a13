#!/usr/bin/python3
"""How fast an empty node is filled by its peer, and what the peer's clients notice of it."""
import argparse
import contextlib
import json
import subprocess
import time

from measuring import LOAD_CORE, MCLOAD, TWINCACHED, Server, wait_until_linked


@contextlib.contextmanager
def load(server, items, rate):
    """Yields a function that waits for the end and returns the slowest request in ms."""
    if rate == 0:
        yield lambda: 0.0
        return
    child = subprocess.Popen(
        ["taskset", "-c", str(LOAD_CORE), MCLOAD, "--host", server.host, "--json", "--keys",
         str(items), "--rate", str(rate), "--seconds", "5", "--get-ratio", "0.9",
         "--connections", "4"], stdout=subprocess.PIPE, text=True)
    time.sleep(0.5)
    try:
        yield lambda: json.loads(child.communicate()[0])["latency_us"]["max"] / 1000
    finally:
        child.terminate()
        child.wait()


def join(items, value_bytes, rate, prepare=lambda: None):
    """One join under `rate` requests a second, 0 for none, right after `prepare`; returns
    (seconds, slowest request in ms)."""
    memory = 2 * items * (value_bytes + 100) >> 20
    hosts = [Server.next_host(), Server.next_host()]
    with Server(TWINCACHED, memory, 2, None, hosts[0], ("-x", hosts[1])) as full:
        full.wait_until_open()
        full.fill(items, value_bytes)
        prepare()
        with load(full, items, rate) as slowest:
            began = time.monotonic()
            with Server(TWINCACHED, memory, 2, None, hosts[1], ("-x", hosts[0])) as empty:
                empty.wait_until_open(60)
                seconds = time.monotonic() - began
                held = int(empty.stats()["curr_items"])
                if held < items:
                    raise SystemExit(f"the joiner opened its port with {held} of {items} items")
                wait_until_linked((full, empty))
                return seconds, slowest()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=2_000_000)
    parser.add_argument("--value", type=int, default=100)
    parser.add_argument("--rate", type=int, default=2000)
    arguments = parser.parse_args()
    seconds, slowest = join(arguments.items, arguments.value, arguments.rate)
    print(f"Join of {arguments.items} items of {arguments.value} bytes: {seconds:.2f} s from start "
          f"to open port, {arguments.items / seconds:.0f} items/s; slowest of {arguments.rate} "
          f"requests/s meanwhile {slowest:.1f} ms")


if __name__ == "__main__":
    main()
