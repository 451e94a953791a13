#!/usr/bin/python3
"""Resident memory per item and items within a limit, beside Debian's memcached."""
import argparse
import os

from measuring import KEY_BYTES, MEMCACHED, TWINCACHED, Server


def overhead(program, items, value_bytes):
    """Bytes per item beyond key and value. Twice the memory needed, so that nothing is evicted."""
    memory = items * (value_bytes + KEY_BYTES + 100) * 2 >> 20
    # memcached reports what it preallocates as used from the start; an empty start is the base.
    with Server(program, memory, threads=2, core=None) as server:
        server.wait_until_open()
        before = server.resident_bytes()
        server.fill(items, value_bytes)
        kept = int(server.stats()["curr_items"])
        return (server.resident_bytes() - before) / kept - KEY_BYTES - value_bytes


def capacity(program, memory_mib, value_bytes):
    """(items that stay of twice as many as could, resident MiB) at -m memory_mib."""
    with Server(program, memory_mib, threads=2, core=None) as server:
        server.wait_until_open()
        server.fill(2 * (memory_mib << 20) // (value_bytes + KEY_BYTES), value_bytes)
        return int(server.stats()["curr_items"]), server.resident_bytes() / (1 << 20)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    arguments = parser.parse_args()
    programs = (MEMCACHED, TWINCACHED)
    print(f"Bytes per item beyond key and value, {arguments.items} items")
    for value in (32, 100, 300):
        row = [overhead(program, arguments.items, value) for program in programs]
        print(f"  {value:4} bytes   memcached {row[0]:6.1f}   twincached {row[1]:6.1f}   "
              f"ratio {row[1] / row[0]:.2f}", flush=True)
    print("Items that stay at -m 64 (and resident MiB)")
    for value in (32, 100, 300):
        row = [capacity(program, 64, value) for program in programs]
        names = [f"{os.path.basename(program)} {items:7} ({resident:5.1f})"
                 for program, (items, resident) in zip(programs, row)]
        print(f"  {value:4} bytes   {'   '.join(names)}   ratio {row[1][0] / row[0][0]:.2f}",
              flush=True)


if __name__ == "__main__":
    main()
