"""Windows by turns, and what may be said of them: the machine drifts, neighbours drift alike."""
import statistics
import sys

from measuring import Failed, interval_of_median

# Name: (what it is, whether less of it is better).
FIGURES = {
    "us": ("µs of CPU a request", True),
    "per_second": ("requests a second", False),
    "p50": ("p50, µs", True),
    "p99": ("p99, µs", True),
    "p999": ("p99.9, µs", True),
    "connection_bytes": ("resident bytes of an idle connection", True),
    "start_ms": ("ms from start to the first answer", True),
    "item_bytes": ("bytes of an item beyond key and value", True),
    "items": ("items that stay", False),
    "resident_mib": ("resident MiB with these", True),
    "lag_p50": ("p50 of the lag, ms", True),
    "lag_p99": ("p99 of the lag, ms", True),
    "join_seconds": ("s until an empty node holds all", True),
    "us_alone": ("µs of CPU a set, without the other node", True),
    "us_node": ("µs of CPU a set, with it", True),
    "us_other": ("µs of CPU a set, of the other node", True),
}


def ratios(ours, theirs):
    """Each of ours to the mean of the two of theirs between which it was taken. Where one begins
    and ours ends, the last stands for both."""
    neighbours = zip(theirs, [*theirs[1:], theirs[-1]])
    return [mine * 2 / max(1e-9, before + after) for mine, (before, after) in zip(ours, neighbours)]


def cell(ours, theirs):
    """Medians of both and of the ratio, with its 95 % interval."""
    found = ratios(ours, theirs)
    low, high = interval_of_median(found)
    return {"ours": statistics.median(ours), "peer": statistics.median(theirs),
            "ratio": statistics.median(found), "low": low, "high": high}


def is_ours_better(figure, ratio):
    return ratio <= 1 if FIGURES[figure][1] else ratio >= 1


def rows_of(group, workload, taken, names, ours="twincached", **more):
    """A row for each peer. `taken`: {server: [{figure: value}, a window each]}."""
    return [{"group": group, "workload": workload, "peer": peer, **more,
             "figures": {name: cell([window[name] for window in taken[ours]],
                                    [window[name] for window in windows]) for name in names}}
            for peer, windows in taken.items() if peer != ours]


def without_failing(servers, ours, ask):
    """{name: ask(server)}. A peer that fails is left out from then on, and says why; ours may not."""
    answers = {}
    for name in list(servers):
        try:
            answers[name] = ask(servers[name])
        except (Failed, OSError) as failure:
            if name == ours:
                raise
            print(f"{name} is left out: {failure}", file=sys.stderr, flush=True)
            del servers[name]
    return answers


def by_turns(servers, rounds, window):
    """{name: [window(server, round), one a round]}. The last is ours: each window of it stands
    between two of every other, for these have one round more."""
    servers = dict(servers)
    ours = list(servers)[-1]
    taken = {name: [] for name in servers}
    for number in range(rounds + 1):
        if number == rounds:
            del servers[ours]
        for name, found in without_failing(servers, ours, lambda server: window(server, number)
                                           ).items():
            taken[name].append(found)
    return {name: windows for name, windows in taken.items() if name in servers or name == ours}


def print_rows(rows):
    for row in rows:
        for figure, found in row["figures"].items():
            print(f"{row['workload']:42} {row['peer']:10} {figure:16} {found['ours']:12.3f} "
                  f"{found['peer']:12.3f}   {found['ratio']:.3f}  {found['low']:.3f} - "
                  f"{found['high']:.3f}", flush=True)


def print_head():
    print(f"{'workload':42} {'peer':10} {'figure':16} {'ours':>12} {'peer':>12}   ratio  95 %")
