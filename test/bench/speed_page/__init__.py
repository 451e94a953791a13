"""What performance_page.py is made of.

    limits.py    what limits each row
    tables.py    a run's rows as tables of Markdown
    verdicts.py  sentences that are true of these rows: who was better at what
    pictures.py  bars, as SVG
    misses.py    the chapter of misses, of another program's rows"""
import os
import sys

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
