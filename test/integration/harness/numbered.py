"""Clients that write numbers and read them back: whoever reads a smaller one than was confirmed has
met an older value that came back."""
import threading
import time

from harness import world
from harness.client import Client

BASE = [b"base-%d" % n for n in range(500)]


def lay_base(client):
    """What is never changed, so that every miss of it is a node that lacks something."""
    for key in BASE:
        client.set(key, b"laid")


MOMENT = world.scaled(0.02)  # seconds: in which the system ends a killed process


class NumberedWriter(threading.Thread):
    """Sets its own key to 1, 2, 3 ..., and reads it and one that never changes. One at a time.

    A request that fails is tried again at once on a new connection, and once more a moment later: the
    system of a node that was killed may still take calls while it ends the process. What a node confirmed in
    the moment before its death may die with it: so only what was confirmed since the last failure is
    held against what is read."""

    def __init__(self, address, name, rate=100, timeout=2.0):
        super().__init__(daemon=True)
        self.address = address
        self.key = b"numbered-" + name.encode()
        self.written = 0        # the last number that was sent
        self.confirmed = 0      # the last that was answered since the last failure
        self.answers = []       # when
        self.broken = []        # when a request failed at first
        self.again = []         # when the second try failed, too
        self.failed = []        # and the third
        self.misses = []
        self.older = []         # (read, confirmed)
        self.errors = []        # what other exceptions there were
        self._timeout = timeout
        self._pause = 1.0 / rate
        self._client = None
        self._stopping = threading.Event()

    def stop(self):
        self._stopping.set()
        self.join()
        if self._client:
            self._client.close()

    def run(self):
        try:
            while not self._stopping.is_set():
                self._round()
                self._stopping.wait(self._pause)
        except Exception as error:  # handed to the test
            self.errors.append(repr(error))

    def _round(self):
        number = self.written = self.written + 1
        if self._tried(lambda client: self._store(client, number)):
            self.confirmed = number
        found = self._tried(lambda client: client.values(
            b"get %s %s" % (self.key, BASE[number % len(BASE)])))
        if found is not None:
            self._look_at(found)

    def _store(self, client, number):
        answer = client.set(self.key, b"%d" % number)
        if answer != b"STORED":
            raise ConnectionError(f"set: {answer!r}")  # what a proxy says whose node is gone
        return True

    def _look_at(self, found):
        if len(found) < (2 if self.confirmed else 1):
            self.misses.append((time.monotonic(), sorted(found)))
        if self.key in found:
            value = int(found[self.key][0])
            if value < self.confirmed:
                self.older.append((value, self.confirmed))

    def _tried(self, request):
        for failures in (self.broken, self.again, self.failed):
            if failures is self.failed:
                self._stopping.wait(MOMENT)
            try:
                if self._client is None:
                    self._client = Client(self.address, self._timeout / world.TIME_FACTOR)
                answer = request(self._client)
                self.answers.append(time.monotonic())
                return answer
            except (OSError, AssertionError):
                failures.append(time.monotonic())
                self.confirmed = 0
                if self._client:
                    self._client.close()
                self._client = None
        return None

    def longest_gap(self, since, end):
        """The longest time without an answer that begins or ends between these moments."""
        moments = [at for at in self.answers if since - 1 < at < end]
        pairs = zip(moments, moments[1:])
        return max((later - at for at, later in pairs if later > since), default=end - since)


class Crowd:
    """Writers of one address, and what they noticed together."""

    def __init__(self, address, name, count=3, **options):
        self.name = name
        self.writers = [NumberedWriter(address, f"{name}-{n}", **options) for n in range(count)]

    def start(self):
        for writer in self.writers:
            writer.start()
        return self

    def stop(self):
        for writer in self.writers:
            writer.stop()  # harmless if it was stopped before

    def answered_since(self, moment):
        """The fewest answers that one of them has had."""
        return min(sum(1 for at in reversed(writer.answers[-200:]) if at > moment)
                   for writer in self.writers)

    def asked_since(self, moment):
        """How many requests were answered or failed at the first try."""
        return sum(at > moment for writer in self.writers for at in writer.answers + writer.broken)

    def noticed(self, since, end):
        """(requests that failed at the first try, at the second, at the third, and the longest time
        without an answer)."""
        def count(which):
            return sum(since < at < end for writer in self.writers for at in which(writer))
        return (count(lambda writer: writer.broken), count(lambda writer: writer.again),
                count(lambda writer: writer.failed),
                max(writer.longest_gap(since, end) for writer in self.writers))

    def troubles(self):
        """What must never be, in words."""
        return [f"{self.name}: {what} {found[:3]}" for writer in self.writers
                for what, found in (("missed", writer.misses), ("older values", writer.older),
                                    ("errors", writer.errors)) if found]
