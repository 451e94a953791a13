"""What suite.py is made of: twincached and other servers under the same load, by turns.

    peers.py        how each server is started, and how it is spoken to
    redis.py        redis, alone or with a replica
    workloads.py    the table of requests that all of them are asked
    turns.py        windows by turns, and the ratios of neighbours
    requests.py     CPU, throughput and latency under the workloads
    at_rest.py      memory of idle connections and of items, time from start to service
    replicated.py   beside a redis with a replica: lag, join, cost
    results.py      rows of several runs in one file

Rows are dictionaries: `group`, `workload`, `peer`, and `figures`, {name of turns.FIGURES: cell}."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(HERE, os.pardir))
# For certificates and clients; what is tried there is good enough here.
sys.path.append(os.path.join(HERE, os.pardir, os.pardir, "integration"))
