"""`arbitrate` in misfortune: clients on both sides append to one key and count with another, while the
link is cut and nodes are killed, stopped and restarted. What fails is never executed twice; what does
not fail is exact.

    CHAOS_SECONDS=600   how long (eight seconds by default)
    CHAOS_SEED=7        the same weather again"""
import random
import threading
import time

import chaos  # noqa: F401 pylint: disable=unused-import
from chaos.case import SEED, ChaosCase
from harness import ClientClosed, main, until, world

SECONDS = world.number("CHAOS_SECONDS", 8)
CLIENTS_PER_NODE = 3


class Appender(threading.Thread):
    """Appends a word of its own again and again, and counts; remembers what it was told."""

    def __init__(self, node, name, key):
        super().__init__()
        self._node = node
        self._name = name
        self._key = key
        self._over = threading.Event()
        self.stored, self.refused = [], 0
        self.start()

    def stop(self):
        self._over.set()
        self.join()

    def run(self):
        number = 0
        while not self._over.is_set():
            try:
                with self._node.client() as client:
                    while not self._over.is_set():
                        number += 1
                        self._append(client, b"%s%d," % (self._name, number))
                        time.sleep(0.001)
            except (ClientClosed, OSError):
                self.refused += 1
                time.sleep(0.01)

    def _append(self, client, word):
        answer = client.ask(b"append %s 0 0 %d" % (self._key, len(word)), word)
        if answer == b"STORED":
            self.stored.append(word)
        else:
            self.refused += 1


def words_of(node, key):
    with node.client() as client:
        return (client.get(key) or b"").split(b",")[:-1]


class Arbitration(ChaosCase):

    def setUp(self):
        super().setUp()
        self._random = random.Random(SEED)
        self.machines("--arbitrate", "conditional").start()
        self.wait_until_arbitrated()

    def wait_until_arbitrated(self):
        until(lambda: all(node.replication()["repl_arbitration"] == "conditional"
                          for node in self.nodes), 15, "one node decides for both")

    def appenders(self, key, *nodes):
        return [Appender(node, b"%s%d." % (node.name.encode(), n), key)
                for node in nodes for n in range(CLIENTS_PER_NODE)]

    def begin_with(self, key):
        with self.nodes.a.client() as client:
            client.set(key, b"begin,")
        until(lambda: all(words_of(node, key) for node in self.nodes), 5, "both have it")

    def held_at_rest(self, key):
        self.nodes.wait_until_at_rest()
        held = [words_of(node, key) for node in self.nodes]
        self.assertEqual(held[0], held[1])
        self.assertEqual(len(held[0]), len(set(held[0])), "a word stands there twice")
        return held[0]

    def test_whatever_happens_nothing_is_executed_twice(self):
        """Rules A2 and A4. What is lost is what a dead node took along, or the older side of a cut."""
        began = time.monotonic()
        number = 0
        while number == 0 or time.monotonic() - began < SECONDS:
            number += 1
            key = b"log%d" % number
            self.begin_with(key)
            clients = self.appenders(key, *self.nodes)
            time.sleep(0.2)
            trouble = self._random.choice(self.TROUBLES)
            trouble(self, self._random.choice(list(self.nodes)))
            time.sleep(0.3)
            for client in clients:
                client.stop()
            self.nodes.wait_until_linked(10)
            self.wait_until_arbitrated()
            held = self.held_at_rest(key)
            print(f"{trouble.__name__[1:]}: {sum(len(each.stored) for each in clients)} stored, "
                  f"{sum(each.refused for each in clients)} not, {len(held)} held", flush=True)
        print(f"{number} troubles in {time.monotonic() - began:.0f} s", flush=True)

    def test_a_clean_stop_of_either_node_loses_nothing_and_leaves_nothing_unknown(self):
        """Rule A4: the other node's clients notice nothing."""
        for leaving in self.nodes:
            staying = self.nodes.other(leaving)
            key = b"stop-" + leaving.name.encode()
            self.begin_with(key)
            clients = self.appenders(key, staying)
            time.sleep(0.2)
            leaving.stop()
            time.sleep(0.2)
            for client in clients:
                client.stop()
            self.assertEqual([each.refused for each in clients], [0] * len(clients))
            leaving.start()
            self.nodes.wait_until_linked(10)
            self.wait_until_arbitrated()
            stored = [word[:-1] for each in clients for word in each.stored]
            self.assertEqual(sorted(self.held_at_rest(key)), sorted(stored + [b"begin"]))

    # --- what goes wrong -------------------------------------------------------------------------

    def _cut(self, _):
        self.cut()
        time.sleep(self._random.uniform(0.1, 1.5))
        self.heal()

    def _cut_one_way(self, node):
        self.cut(node)
        time.sleep(self._random.uniform(0.1, 1.5))
        self.heal()

    def _kill(self, node):
        self.kill(node)
        time.sleep(self._random.uniform(0, 0.5))
        node.launch()
        until(node.is_open, 15, f"{node.name} serves")

    def _stand_still(self, node):
        self.pause(node)
        time.sleep(self._random.uniform(0.1, 1.5))
        node.resume()

    TROUBLES = [_cut, _cut_one_way, _kill, _stand_still]


if __name__ == "__main__":
    main()
