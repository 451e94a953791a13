"""Nodes that are killed while clients write, and what of the answered writes their peer holds."""
import threading
import time

from harness.client import ClientClosed
from harness.waiting import until

DEPTHS = (1, 1, 7, 50)  # requests in flight of the writers: alone, few and many at a time
LENGTHS = 12            # different times between the first write and the kill


def ack_state(node):
    return node.replication()["repl_ack_state"]


class Writer(threading.Thread):
    """Stores keys of its own, `depth` requests at a time, until the node is gone."""

    def __init__(self, node, prefix, depth):
        super().__init__()
        self.node, self.prefix, self.depth = node, prefix, depth
        self.stored = []
        self.refused = 0

    def run(self):
        number = 0
        try:
            with self.node.client() as client:
                while True:
                    keys = [b"%s-%d" % (self.prefix, number + i) for i in range(self.depth)]
                    number += self.depth
                    client.send(b"".join(b"set %s 0 0 5\r\nvalue\r\n" % key for key in keys))
                    for key in keys:
                        if client.line() == b"STORED":
                            self.stored.append(key)
                        else:
                            self.refused += 1
        except (ClientClosed, OSError):
            pass


def kill_under_load(nodes, cycle):
    """Kills one node of the pair (in turn) in the midst of writes that wait for the peer, and
    brings it back. Returns (keys whose write was answered, those that the survivor lacks).

    REQUIRES: ack = received, and memory enough for the writes of two seconds."""
    victim = (nodes.a, nodes.b)[cycle % 2]
    survivor = nodes.other(victim)
    until(lambda: ack_state(victim) == "sync", 10, "answers wait for the peer")
    writers = [Writer(victim, b"c%d-w%d" % (cycle, i), depth) for i, depth in enumerate(DEPTHS)]
    for writer in writers:
        writer.start()
    time.sleep(0.15 + 0.02 * (cycle % LENGTHS))  # how long they write is what varies
    victim.kill()
    for writer in writers:
        writer.join()
    stored = [key for writer in writers for key in writer.stored]
    with survivor.client() as client:
        found = client.gets_many(stored)
        client.ask(b"flush_all")  # many kills would fill the memory, and evictions are no losses
    victim.start()
    nodes.wait_until_linked()
    return stored, [key for key in stored if key not in found]
