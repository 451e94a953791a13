"""Clients on both sides. Every value names its writer, its number and its key, so that whoever
reads it knows where it comes from; every operation enters the history with its times."""
import random
import threading
import time

from chaos.history import Operation
from harness import world
from harness.client import Client

PAUSE_AFTER_A_FAILURE = 0.01


class MetaClient(Client):
    """What the workers say: meta commands, for their answers carry the version (CAS unique)."""

    def store(self, key, value):  # pylint: disable=arguments-differ
        """The CAS unique of what was stored."""
        answer = self.ask(b"ms %s %d c" % (key, len(value)), value)
        if not answer.startswith(b"HD c"):
            raise ConnectionError(f"ms {key!r}: {answer!r}")
        return int(answer[4:])

    def remove(self, key):
        answer = self.ask(b"md %s" % key)
        if answer not in (b"HD", b"NF"):
            raise ConnectionError(f"md {key!r}: {answer!r}")

    def flush(self):
        answer = self.ask(b"flush_all")
        if answer != b"OK":
            raise ConnectionError(f"flush_all: {answer!r}")

    def read(self, key):
        """(value, CAS), or (None, None)."""
        words = self.ask(b"mg %s v c" % key).split(b" ")
        if words == [b"EN"]:
            return None, None
        if words[0] != b"VA":
            raise ConnectionError(f"mg {key!r}: {words!r}")
        value = self.exactly(int(words[1]))
        assert self.exactly(2) == b"\r\n"
        return value, int(words[2][1:])


def value_of(worker, number, key, size):
    """Bytes that depend on all of it, and on their place: a mixture of two is neither."""
    head = b"%s:%d:%s:" % (worker.encode(), number, key)
    return (head * (size // len(head) + 1))[:max(size, len(head))]


class Worker:
    """One client of one node (or of a proxy), on a thread, with its own chain of chance."""

    def __init__(self, load, name, target, seed):
        self.name = name
        self.target = target
        self._load = load
        self._random = random.Random(f"{seed}-{name}")
        self._own = [b"own-%s-%d" % (name.encode(), n) for n in range(load.own_keys)]
        self._number = 0
        self._client = None
        self._incarnation = 0
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._load.stopping.is_set():
            began = time.monotonic()
            if self._client is None and not self._connect():
                self._load.stopping.wait(PAUSE_AFTER_A_FAILURE)
                continue
            self._one()
            left = self._load.pause - (time.monotonic() - began)
            if left > 0:
                self._load.stopping.wait(left)
        self._disconnect()

    def _connect(self):
        try:
            self._incarnation = self.target.incarnation
            self._client = MetaClient(self.target.address, self._load.timeout / world.TIME_FACTOR)
            return True
        except OSError:
            return False

    def _disconnect(self):
        if self._client:
            self._client.close()
        self._client = None

    def _one(self):
        operation = self._choose()
        operation.start = time.monotonic()
        self._load.history.add(operation)
        try:
            if operation.kind == "set":
                operation.cas = self._client.store(operation.key, operation.value)
            elif operation.kind == "delete":
                self._client.remove(operation.key)
            else:
                operation.value, operation.cas = self._client.read(operation.key)
        except (OSError, AssertionError):
            self._disconnect()
            return
        operation.end = time.monotonic()
        operation.answered = True

    def _choose(self):
        chance = self._random.random()
        shared = self._load.shared_keys
        own = self._random.random() < 0.5 or not shared
        key = self._random.choice(self._own if own else shared)
        kind = "read" if chance < self._load.reads else "set"
        if kind == "set" and self._random.random() < self._load.deletes:
            kind = "delete"
        operation = Operation(self.name, self.target.name, self._incarnation, kind, key)
        if kind == "set":
            self._number += 1
            if self._load.fresh:
                operation.key = key = b"once-%s-%d" % (self.name.encode(), self._number)
            size = self._random.choice(self._load.sizes)
            operation.value = value_of(self.name, self._number, key, size)
        return operation


class Load:
    """`workers` clients of each target. What they did is in `history`, also after the end.

    fresh: every set has a key of its own, so that a lost one cannot hide behind a newer one."""

    def __init__(self, history, targets, seed, workers=3, rate=150, own_keys=8, shared_keys=12,
                 reads=0.3, deletes=0.15, sizes=(30, 30, 300, 3000), timeout=2.0, fresh=False,
                 name="w"):
        self.history = history
        self.pause = 1.0 / rate
        self.own_keys = own_keys
        self.shared_keys = [b"shared-%d" % n for n in range(shared_keys)]
        self.reads = reads
        self.deletes = deletes
        self.sizes = sizes
        self.timeout = timeout
        self.fresh = fresh
        self.stopping = threading.Event()
        self._workers = [Worker(self, f"{name}{target.name}{n}", target, seed)
                         for target in targets for n in range(workers)]

    def start(self):
        for worker in self._workers:
            worker.thread.start()
        return self

    def stop(self):
        self.stopping.set()
        for worker in self._workers:
            worker.thread.join()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
