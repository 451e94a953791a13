"""The chaos suite: real servers in networks of their own, misfortune, and checkers.

    network.py       two hosts and their clients, in namespaces; links that are cut and slowed
    machine.py       a server on such a host, with a clock that a test may set
    history.py       what clients did and were answered
    load.py          clients on both sides whose values name their writer and order
    checkers.py      what the histories must satisfy: no stale value, nothing lost, monotone reads
    linearizable.py  whether a history of one key could have happened one operation at a time
    case.py          the TestCase that owns all of it

The processes, clients and waiting are those of the integration tests (test/integration/harness).
"""
import os
import sys

sys.path.insert(1, os.path.join(os.path.dirname(__file__), os.pardir, os.pardir, "integration"))
