#!/usr/bin/python3
"""What a pair does, in figures, each beside its target and beside what the ancestors did.

The ancestors' figures were measured for their last versions, on two cores as well. Nothing else
should run meanwhile. It takes root or user namespaces: some pairs have a network of their own."""
import argparse
import sys
import tempfile

import pair  # noqa: F401 pylint: disable=unused-import
from pair import catching_up, daily_work, fairness, hardship, losses, outages
from pair.stage import Stage
from pair.table import Table

FIGURES = {**outages.FIGURES, **catching_up.FIGURES, **daily_work.FIGURES, **hardship.FIGURES,
           **losses.FIGURES, **fairness.FIGURES}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    number = {"type": int, "metavar": "N"}
    parser.add_argument("--runs", default=10, help="how often most things happen", **number)
    parser.add_argument("--starts", default=20, help="pairs started at once", **number)
    parser.add_argument("--kills", default=12, help="kill -9 in each mode", **number)
    parser.add_argument("--conflicts", default=5000, help="keys set on both nodes", **number)
    parser.add_argument("--rounds", default=9, help="windows of a comparison", **number)
    parser.add_argument("--fresh", default=5, help="pairs whose cost is compared", **number)
    parser.add_argument("--walks", default=3, help="joins beside which p99 is taken", **number)
    parser.add_argument("--items", default=2_000_000, help="items of a join; the walk under load "
                        "has 4 times, the rejoin after an overflow 5 times as many", **number)
    parser.add_argument("figures", nargs="*", metavar="figure",
                        help=f"some of {', '.join(FIGURES)}; all by default")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.figures if name not in FIGURES]
    if unknown:
        parser.error(f"no figure {', '.join(unknown)}")
    return arguments


def main():
    settings = parse_arguments()
    table = Table()
    with tempfile.TemporaryDirectory(prefix="twincached-") as directory:
        stage = Stage(directory)
        for name in settings.figures or FIGURES:
            FIGURES[name](stage, table, settings)
    table.print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
