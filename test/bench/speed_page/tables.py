"""Rows of suite.py as tables: a line for each workload, a column for each peer."""
from beside import turns
from beside.peers import FLOOR
from beside.workloads import WORKLOADS
from speed_page.limits import limit_of

FIRST_PEERS = ("memcached", "yrmcds", "redis")
UNSAID = "–"


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def ratio(cell):
    """With its interval, if there was more than a window."""
    text = f"**{cell['ratio']:.2f}**"
    return text if cell["low"] == cell["high"] else (
        f"{text} ({cell['low']:.2f} to {cell['high']:.2f})")


def peers_of(rows):
    found = dict.fromkeys(row["peer"] for row in rows)
    return [*(name for name in FIRST_PEERS if name in found),
            *(name for name in found if name not in (*FIRST_PEERS, FLOOR.name)),
            *(name for name in (FLOOR.name,) if name in found)]


def in_order(rows):
    """As the workloads' table has them, for a file that several runs have filled; others behind."""
    known = [each.name for workloads in WORKLOADS.values() for each in workloads]
    place = {name: number for number, name in enumerate(known)}
    return sorted(rows, key=lambda row: place.get(row["workload"], len(known)))


def of_groups(suite, *groups):
    return in_order([row for row in suite["rows"] if row["group"] in groups])


def lines_of(rows):
    """{workload: {peer: row}}."""
    found = {}
    for row in rows:
        found.setdefault(row["workload"], {})[row["peer"]] = row
    return found


def table(head, lines):
    return ["| " + " | ".join(head) + " |", "|---" * len(head) + "|",
            *("| " + " | ".join(line) + " |" for line in lines)]


def against(cell):
    return f"{number(cell['peer'])}: {ratio(cell)}"


def of_one_figure(rows, figure):
    """What each server needed or reached, the ratio to each peer, and what limits it."""
    rows = [row for row in rows if figure in row["figures"]]
    peers = peers_of(rows)
    has_part = any("user_part" in row for row in rows) and figure == "us"
    lines = []
    for workload, by_peer in lines_of(rows).items():
        first = next(iter(by_peer.values()))
        lines.append([workload, number(first["figures"][figure]["ours"]),
                      *(against(by_peer[peer]["figures"][figure]) if peer in by_peer else UNSAID
                        for peer in peers),
                      *([f"{first['user_part']['ours']:.0%}"] if has_part else []),
                      limit_of(workload)])
    unit = turns.FIGURES[figure][0]
    return table([unit, "twincached", *(f"{peer}: ratio (95 %)" for peer in peers),
                   *(["user's part of ours"] if has_part else []), "what limits it"], lines)


def of_all_figures(rows):
    """A line for each figure of each workload."""
    peers = peers_of(rows)
    lines = []
    for workload, by_peer in lines_of(rows).items():
        figures = next(iter(by_peer.values()))["figures"]
        for figure, cell in figures.items():
            lines.append([workload, turns.FIGURES[figure][0], number(cell["ours"]),
                          *(against(by_peer[peer]["figures"][figure]) if peer in by_peer
                            else UNSAID for peer in peers), limit_of(workload)])
    return table(["what", "figure", "twincached", *(f"{peer}: ratio (95 %)" for peer in peers),
                   "what limits it"], lines)
