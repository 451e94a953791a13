#!/usr/bin/python3
"""A cluster of four over one nats-server: how soon what one node was told is visible on all, under
load; what a change costs it; how long a node takes to join. Prints a line for each.

    TWINCACHED=build/release/twincached MCLOAD=build/release/mcload \\
        /usr/bin/python3 -B test/bench/cluster_figures.py"""
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "integration"))

from harness import main, world  # noqa: E402 pylint: disable=wrong-import-position
from harness.load import Mcload, fill  # noqa: E402 pylint: disable=wrong-import-position
from harness.nats_case import NatsCase  # noqa: E402 pylint: disable=wrong-import-position
from harness.nats_server import Cluster  # noqa: E402 pylint: disable=wrong-import-position

RATE = world.number("CLUSTER_RATE", 20_000)
ROUNDS = world.number("CLUSTER_ROUNDS", 5)
ITEMS = world.number("CLUSTER_ITEMS", 1_000_000)


def quantile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


class Figures(NatsCase):
    def test_what_one_node_was_told_is_soon_visible_on_all(self):
        nodes = self.cluster(4, "-m", "512").start()
        cpu = nodes[0].process.cpu_seconds()
        load = Mcload(nodes[0].address, "--connections", 8, "--get-ratio", 0, "--keys", 200_000,
                      "--value", 100, "--rate", RATE, "--seconds", 8)
        waits = []
        clients = [node.client() for node in nodes]
        until = time.monotonic() + 6
        number = 0
        while time.monotonic() < until:
            number += 1
            value = b"%d" % number
            clients[0].set(b"probe", value)
            began = time.monotonic()
            for client in clients[1:]:
                while client.get(b"probe") != value:
                    pass
            waits.append(time.monotonic() - began)
            time.sleep(0.005)
        report = load.report()
        spent = nodes[0].process.cpu_seconds() - cpu
        for client in clients:
            client.close()
        print(f"visible on all of 4 at {report['operations_per_second']:.0f} sets/s: p50 "
              f"{quantile(waits, .5) * 1000:.2f} ms, p99 {quantile(waits, .99) * 1000:.2f} ms, "
              f"{len(waits)} probes; {spent / report['stored'] * 1e6:.1f} us of CPU a set", flush=True)

    def test_what_a_change_costs_its_node_beside_a_pairs(self):
        """Rounds by turns, for other work on the machine comes and goes."""
        pair = self.pair("-m", "512").start()
        server = self.server()
        nodes = Cluster(self, [server], 0)
        nodes.nodes = [nodes.node(number, "-m", "512", host=number + 3) for number in range(4)]
        nodes.start()
        costs = {"pair": [], "cluster": []}
        for _ in range(ROUNDS):
            for name, node in (("pair", pair.a), ("cluster", nodes[0])):
                costs[name].append(self.cost_of_a_set(node))
        of_pair, of_cluster = (quantile(costs[name], .5) for name in ("pair", "cluster"))
        print(f"CPU of the node that is told, a set at {RATE} sets/s: {of_cluster:.2f} us in a cluster "
              f"of 4, {of_pair:.2f} us in a pair: {of_cluster / of_pair:.2f} times", flush=True)

    def cost_of_a_set(self, node):
        before = node.process.cpu_seconds()
        load = Mcload(node.address, "--connections", 8, "--get-ratio", 0, "--keys", 200_000,
                      "--value", 100, "--rate", RATE, "--seconds", 5)
        stored = load.report()["stored"]
        return (node.process.cpu_seconds() - before) / stored * 1e6

    def test_a_node_joins(self):
        nodes = self.cluster(1, "-m", "1024").start()
        fill(nodes[0].address, ITEMS)
        joiner = nodes.add(1)
        began = time.monotonic()
        joiner.start(120)
        print(f"a node that joins has {joiner.stats()['curr_items']} items of 100 bytes after "
              f"{time.monotonic() - began:.2f} s", flush=True)


if __name__ == "__main__":
    main()
