"""How soon a pair knows that something is wrong, and how soon it is a pair again."""
import time

from pair.stage import is_alone, is_linked, wait_until
from pair.table import OLD, spread


def deaths(stage, table, settings):
    times = []
    with stage.machines() as nodes:
        for _ in range(settings.runs):
            with nodes.a.client() as client:
                killed = time.monotonic()
                nodes.b.kill()
                times.append(wait_until(client, is_alone) - killed)
            nodes.b.start()
            nodes.wait_until_linked()
    table.add("the peer's process dies: primary after", "≤ 50 ms", spread(times),
              max(times) <= 0.05, f"{OLD}: 1.5 / 4.3 ms; yrmcds: 0.54 s")


def silence(stage, table, settings):
    noticed, relinked = [], []
    with stage.machines() as nodes:
        for _ in range(settings.runs):
            with nodes.a.client() as client:
                cut = time.monotonic()
                stage.network.cut()
                noticed.append(wait_until(client, is_alone) - cut)
                healed = time.monotonic()
                stage.network.heal()
                relinked.append(wait_until(client, is_linked) - healed)
            nodes.wait_until_at_rest()
    table.add("the link falls silent: primary after", "≤ 1.2 s", spread(noticed),
              max(noticed) <= 1.2, "repcached 2.3.1: not within 90 s; yrmcds: 10 s on the master, "
              "never on the slave")
    table.add("the link is healed: linked after", "≤ 1.5 s", spread(relinked),
              max(relinked) <= 1.5, f"{OLD}: never after a reset; 15.2 s after a black hole")


def starts(stage, table, settings):
    """Both processes are started one after the other, without a wait between them."""
    times = []
    for _ in range(settings.starts):
        began = time.monotonic()
        with stage.machines():
            times.append(time.monotonic() - began)
    within = sum(1 for each in times if each <= 1)
    table.add("both start at once: linked and open within 1 s", "all (1000 of 1000)",
              f"{within} of {len(times)}; {spread(times)}", within == len(times),
              f"{OLD}: 34 of 40 / 22 of 40 ever")


FIGURES = {"deaths": deaths, "silence": silence, "starts": starts}
