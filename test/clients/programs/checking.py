"""What the Python programs share: checks that end the program, and the loop that a failover meets.

    program everything <dialect> <prefix> <here> <there>
        does all that the client can do at `here`, and finds it at `there`, the other node
    program loop <dialect> <prefix> <where> <seconds>
        sets and gets one key after another; a line for each: "ok <key>" or "no <why>"
    program count <dialect> <prefix> <where> <times>
        creates the counter <prefix>, unless somebody has, and increments it so many times
"""
import sys
import time

PATIENCE = 5.0


def check(what, found, wanted=True):
    if found != wanted:
        sys.exit(f"{what}: {found!r} instead of {wanted!r}")


def eventually(what, find, wanted):
    """For what the other node hears of a moment later."""
    deadline = time.monotonic() + PATIENCE
    while (found := find()) != wanted:
        if time.monotonic() > deadline:
            check(f"{what} on the other node", found, wanted)
        time.sleep(0.005)


def split_address(at):
    host, port = at.rsplit(":", 1)
    return host, int(port)


def loop(prefix, seconds, put, fetch):
    """`put(key, value)` returns whether it was stored; `fetch(key)` the value as text."""
    end = time.monotonic() + float(seconds)
    number = 0
    while time.monotonic() < end:
        key = f"{prefix}-{number}"
        number += 1
        try:
            said = "ok " + key if put(key, key) and fetch(key) == key else "no it said so"
        except Exception as error:  # whatever a client raises is what its user would see
            said = f"no {type(error).__name__}"
        print(said, flush=True)
        time.sleep(0.01)


def counting(times, create, increment):
    """Others count, too: each time it is told another number, and a higher one."""
    create()
    last = 0
    for _ in range(int(times)):
        number = int(increment())
        check("a higher number", number > last)
        last = number


def run(everything, in_a_loop, count):
    {"everything": everything, "loop": in_a_loop, "count": count}[sys.argv[1]](*sys.argv[2:])
    print("done", flush=True)
