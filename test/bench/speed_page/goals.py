"""What was wanted of each row beside memcached, whether it is reached, and what stands in the way."""
from beside import turns
from beside.peers import FLOOR
from speed_page.limits import limit_of
from speed_page.tables import lines_of, number, table

PEER = "memcached"

# {(workload, figure): the ratio to memcached's that was wanted}
RATIOS = {
    ("get, one a packet", "us"): 0.80,
    ("get, one a packet, 1000 connections", "us"): 0.80,
    ("get, 16 pipelined", "us"): 0.28,
    ("meta get, one a packet", "us"): 0.82,
    ("meta get, 16 pipelined", "us"): 0.35,
    ("multi-get of 100", "us"): 0.25,
    ("set, one a packet", "us"): 0.85,
    ("set, 16 pipelined", "us"): 0.55,
    ("90 % gets, 10 % sets", "us"): 0.80,
    ("get of 100 kB", "us"): 0.90,
    ("set of 100 kB", "us"): 0.95,
    ("get of 1 MB", "us"): 0.90,
    ("set of 1 MB", "us"): 0.95,
    ("items of 32 B within 64 MiB", "items"): 1.65,
    ("items of 300 B within 64 MiB", "items"): 1.12,
    ("10,000 idle connections", "connection_bytes"): 0.75,
    ("start of an empty server", "start_ms"): 1.2,
}

# {(workload, figure): the figure itself that was wanted of ours}
OWN = {
    ("1,000,000 items of 32 B", "item_bytes"): 30,
    ("1,000,000 items of 100 B", "item_bytes"): 30,
    ("1,000,000 items of 300 B", "item_bytes"): 30,
}


def is_reached(figure, goal, found):
    """As far as the two digits go with which the goals were set."""
    return round(found, 2) <= goal if turns.FIGURES[figure][1] else round(found, 2) >= goal


def _obstacle(workload, by_peer):
    limit = limit_of(workload)
    if FLOOR.name not in by_peer:
        return limit
    to_floor, to_peer = (by_peer[name]["figures"]["us"]["ratio"] for name in (FLOOR.name, PEER))
    return f"{limit}; a server without a store, `floor`, has {to_peer / to_floor:.2f}"


def _line(workload, figure, goal, by_peer, found):
    reached = is_reached(figure, goal, found)
    bound = "at most" if turns.FIGURES[figure][1] else "at least"
    return [f"{workload}, {turns.FIGURES[figure][0]}", f"{bound} {number(goal)}", number(found),
            "reached" if reached else f"missed by {abs(found / goal - 1):.0%}",
            "" if reached else _obstacle(workload, by_peer)]


def lines_for(suite):
    """A table of what is measured of them; nothing where nothing is."""
    rows = lines_of(suite["rows"])
    lines = []
    for goals, side in ((RATIOS, "ratio"), (OWN, "ours")):
        for (workload, figure), goal in goals.items():
            by_peer = rows.get(workload, {})
            if PEER in by_peer:
                cell = by_peer[PEER]["figures"][figure]
                lines.append(_line(workload, figure, goal, by_peer, cell[side]))
    if not lines:
        return []
    return table([f"ratio to {PEER}, or bytes", "goal", "measured", "", "what stands in the way"],
                 lines)
