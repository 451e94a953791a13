"""The figures of a pair, each measured on real nodes: what pair_figures.py is made of.

    table.py        rows: what was measured, its target, whether it was met, the ancestors' figure
    stage.py        pairs in networks of their own, and pairs on loopback, where load may go
    outages.py      deaths, silence, healing, starts
    catching_up.py  joins, and rejoins that send what changed
    daily_work.py   lag, the cost of being a pair, answers that wait, clients during a walk
    hardship.py     a stopped peer, kills, both nodes written to at once, evictions
    losses.py       what a kill takes where no answer waits for the peer
    fairness.py     a client's longest wait beside whatever else its node does

Each of the last six has FIGURES, {name: function(stage, table, settings)}."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.join(HERE, os.pardir)
sys.path.insert(1, BENCH)
sys.path.insert(1, os.path.join(BENCH, os.pardir, "chaos"))
BUILD = os.environ.setdefault("BENCH_BUILD", os.path.join(BENCH, "../../build/release"))
os.environ.setdefault("TWINCACHED", os.path.join(BUILD, "twincached"))
os.environ.setdefault("MCLOAD", os.path.join(BUILD, "mcload"))

import chaos  # noqa: E402,F401 pylint: disable=wrong-import-position,unused-import
