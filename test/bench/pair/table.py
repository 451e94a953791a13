"""What was measured, beside what it should be and what the ancestors did."""
import statistics

OLD = "repcached 2.2.1 / 2.3.1"


def milliseconds(seconds):
    value = seconds * 1000
    return f"{value:.0f} ms" if value >= 100 else f"{value:.3g} ms"


def spread(values):
    return (f"median {milliseconds(statistics.median(values))}, "
            f"worst {milliseconds(max(values))} of {len(values)}")


def mebibytes(count):
    return f"{count / 2**20:.3g} MiB"


def percentiles(values):
    """(p50, p99)."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]


class Table:
    """Rows in the order in which they were measured; each is printed at once."""

    HEAD = ("what", "target", "measured", "met", "measured for the ancestors")

    def __init__(self):
        self.rows = []

    def add(self, what, target, measured, met, ancestors="–"):
        """`met` is None where there is no target."""
        verdict = {True: "yes", False: "NO", None: ""}[met]
        self.rows.append((what, target, measured, verdict, ancestors))
        print(f"{what}: {measured} (target: {target}){'' if met is None else ' ' + verdict}",
              flush=True)

    def print(self):
        print("\n| " + " | ".join(self.HEAD) + " |\n" + "|---" * len(self.HEAD) + "|")
        for row in self.rows:
            print("| " + " | ".join(row) + " |")
