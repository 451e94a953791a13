"""What clients did and were answered, and what of it a misfortune may have taken.

An operation that was not answered may have happened, may still happen, or never will. CAS uniques
are a key's versions: the server orders all writes of a key by them, on both nodes alike."""
import dataclasses
import threading
import time

NEVER = float("inf")


@dataclasses.dataclass
class Operation:
    worker: str
    node: str
    incarnation: int
    kind: str          # set, delete, flush, read
    key: bytes         # b"" of a flush
    value: bytes = None  # written, or read; None: absent
    cas: int = None    # of what was written or read, if known
    start: float = 0.0
    end: float = NEVER
    answered: bool = False


@dataclasses.dataclass
class Excuse:
    """What `node` acknowledged in this time may be lost: it died, and the peer was not told."""
    node: str
    since: float
    until: float

    def covers(self, operation):
        return (operation.node == self.node and operation.end >= self.since and
                operation.start <= self.until)


class History:
    """Filled by many threads, read when they have ended."""

    def __init__(self):
        self.operations = []
        self.excuses = []
        self._lock = threading.Lock()

    def add(self, operation):
        with self._lock:
            self.operations.append(operation)
        return operation

    def excuse(self, node, since, until=None):
        self.excuses.append(Excuse(node, since, time.monotonic() if until is None else until))

    def is_excused(self, operation):
        return any(excuse.covers(operation) for excuse in self.excuses)

    def by_key(self):
        """{key: its operations in order of their start}, each with all flushes among them."""
        with self._lock:
            operations = sorted(self.operations, key=lambda each: each.start)
        flushes = [each for each in operations if each.kind == "flush"]
        found = {}
        for each in operations:
            if each.kind != "flush":
                found.setdefault(each.key, []).append(each)
        for key, own in found.items():
            if flushes:
                found[key] = sorted(own + flushes, key=lambda each: each.start)
        return found

    def count(self, kind=None, answered=None, node=None, since=0.0):
        with self._lock:
            return sum(1 for each in self.operations
                       if kind in (None, each.kind) and answered in (None, each.answered)
                       and node in (None, each.node) and each.start >= since)

    def slowest(self, node, since, until=NEVER):
        """The longest that a client of this node waited for an answer."""
        with self._lock:
            return max((each.end - each.start for each in self.operations
                        if each.node == node and each.answered and since <= each.start < until),
                       default=0.0)

    def unanswered(self, node, since):
        with self._lock:
            return sum(1 for each in self.operations
                       if each.node == node and not each.answered and each.start >= since)
