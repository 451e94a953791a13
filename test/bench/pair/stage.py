"""Where the pairs of the figures come from. It ends every process that it started.

A pair of *machines* has a network of its own (as in test/chaos, so it takes root or user
namespaces), whose link can be cut. A pair of *servers* is on loopback and pinned to cores: mcload
goes to loopback only. On two cores node a has the first for itself; node b and the load share
the other, as if both were elsewhere."""
import contextlib
import os
import signal
import time

import measuring
from chaos.machine import Machine
from chaos.network import the_network
from harness import Pair

PATIENCE = 180  # seconds; ten million items take their time on a busy machine


def wait_until(client, is_so):
    """Asks one node again and again; returns the moment at which `is_so` held."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if is_so(client.stats(b"replication")):
            return time.monotonic()
    raise SystemExit(f"not within {PATIENCE} s")


def is_alone(stats):
    return stats["repl_role"] == "primary" and stats["repl_state"] not in ("LINKED", "SYNCING")


def is_linked(stats):
    return stats["repl_state"] == "LINKED"


def is_at_rest(stats):
    return is_linked(stats) and not any(int(stats[f"repl_{name}"]) for name in
                                        ("unacked", "dirty_buckets", "walking"))


def wait_until_at_rest(servers):
    measuring.wait_until(lambda: all(is_at_rest(server.stats("replication"))
                                     for server in servers), PATIENCE, "nothing is left to say")


def traffic(nodes):
    """What both have sent so far: {"records": ..., "bytes": ..., "lists": ...}."""
    reports = [node.replication() if hasattr(node, "replication") else node.stats("replication")
               for node in nodes]
    return {name: sum(int(report[f"repl_{name}_sent"]) for report in reports)
            for name in ("records", "bytes", "lists")}


def difference(after, before):
    return {name: after[name] - before[name] for name in after}


class Stage:
    def __init__(self, directory):
        self.network = the_network()
        self._directory = directory

    @contextlib.contextmanager
    def machines(self, *arguments):
        """Two linked nodes in networks of their own."""
        nodes = Pair(*[Machine(host, self.network.other(host), self._directory, arguments)
                       for host in self.network.hosts()])
        try:
            yield nodes.start(PATIENCE)
        finally:
            self.network.heal()
            for node in nodes:
                node.stop()

    @contextlib.contextmanager
    def servers(self, memory_mib=1024, extra=(), cores=(measuring.SERVER_CORE,
                                                        measuring.LOAD_CORE)):
        """Two linked nodes on loopback; the first has a core for itself unless told otherwise."""
        nodes = measuring.pair(memory_mib, cores, extra)
        try:
            yield nodes
        finally:
            for node in nodes:
                node.stop()


@contextlib.contextmanager
def stopped(server):
    """SIGSTOP, and SIGCONT whatever happens."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)
