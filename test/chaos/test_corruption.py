"""Bytes that change on their way (section 17: corrupt bytes): the nodes talk through a relay."""
import random
import threading

import chaos  # noqa: F401 pylint: disable=unused-import
from chaos.case import SEED, ChaosCase
from chaos.load import Load
from harness import Relay, main, until


class DamagingRelay(Relay):
    """Once asked to, it turns one bit of the next chunk that is large enough to be data."""

    def __init__(self, *arguments, **options):
        self._random = random.Random(SEED)
        self.damage_next = threading.Event()
        super().__init__(*arguments, **options)

    def _take(self, half):
        before = len(half.chunks)
        moved = super()._take(half)
        if len(half.chunks) > before and self.damage_next.is_set():
            due, data = half.chunks[-1]
            if len(data) > 100:
                at = self._random.randrange(len(data))
                half.chunks[-1] = (due, data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1:])
                self.damage_next.clear()
        return moved


class Corruption(ChaosCase):

    def test_a_turned_bit_ends_the_session_and_changes_no_value(self):
        """Row: corrupt bytes."""
        self.nodes, relays = self.relayed_pair(relay=DamagingRelay)
        for node in self.nodes:
            node.incarnation = 1
        self.nodes.start()
        self._apart_since = None
        with Load(self.history, tuple(self.nodes), SEED):
            for _ in range(4):
                self.wait_until_written(self.nodes.a, 60)
                sessions = int(self.nodes.a.replication()["repl_sessions"])
                for relay in relays:
                    relay.damage_next.set()
                until(lambda: int(self.nodes.a.replication()["repl_sessions"]) > sessions, 5,
                      "a new session")
                for relay in relays:
                    relay.damage_next.clear()
                self.nodes.wait_until_linked()
                print(self.nodes.a.replication()["repl_last_event"], flush=True)
        self.check()


if __name__ == "__main__":
    main()
