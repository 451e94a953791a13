"""Load from threads that record every operation: when, how long, and whether it was answered.

Python's threads cannot saturate a server and need not: they stand for the application's requests,
whose failures and stalls a test counts. mcload is there for volume."""
import collections
import json
import subprocess
import sys
import threading
import time

from harness import world
from harness.client import Client

Operation = collections.namedtuple("Operation", "start seconds key answer")

# The interpreter's default of 5 ms would show up as latency of the server.
sys.setswitchinterval(0.0005)


class Load:
    """`connections` threads that set fresh keys one after another, each at most `rate` a second.

    A thread whose connection breaks counts one failed operation and connects again at once, as
    client libraries do."""

    def __init__(self, address, connections=8, rate=500, prefix=b"load", timeout=2.0):
        self.address = address
        self.operations = []   # answered
        self.failures = []     # not answered, or answered with an error
        self.gaps = []         # how long a thread waited for a connection after it lost one
        self._prefix = prefix
        self._pause = 1.0 / rate
        self._timeout = timeout
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True)
                         for n in range(connections)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def stored(self):
        """{key: value} of everything that was acknowledged."""
        return {op.key: op.key for op in list(self.operations)}

    def slowest(self, since=0.0):
        return max((op.seconds for op in list(self.operations) if op.start >= since), default=0.0)

    def answered_since(self, moment):
        """How many operations that began after this moment were answered."""
        return sum(1 for op in reversed(self.operations[-2000:]) if op.start >= moment)

    def _connect(self):
        lost = time.monotonic()
        while not self._stopping.is_set():
            client = None
            try:
                client = Client(self.address, self._timeout)
                # A proxy accepts before it has found a server: only an answer is a connection.
                client.ask(b"version")
                self.gaps.append(time.monotonic() - lost)
                return client
            except OSError:
                if client:
                    client.close()
                time.sleep(0.002)
        return None

    def _work(self, thread):
        client = self._connect()
        count = 0
        while client and not self._stopping.is_set():
            key = b"%s-%d-%d" % (self._prefix, thread, count)
            count += 1
            start = time.monotonic()
            try:
                answer = client.set(key, key)
            except OSError as error:
                self.failures.append(Operation(start, time.monotonic() - start, key, repr(error)))
                client.close()
                client = self._connect()
                continue
            seconds = time.monotonic() - start
            (self.operations if answer == b"STORED" else self.failures).append(
                Operation(start, seconds, key, answer))
            if self._pause > seconds:
                time.sleep(self._pause - seconds)
        if client:
            client.close()


class Mcload:
    """The load generator as a child process; `report()` waits for its figures."""

    def __init__(self, address, *options):
        argv = [world.MCLOAD, "--host", address[0], "--port", str(address[1]), "--json", *options]
        self._child = subprocess.Popen([str(word) for word in argv], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)

    def report(self, seconds=120):
        out, err = self._child.communicate(timeout=world.scaled(seconds))
        if self._child.returncode != 0:
            raise AssertionError(f"mcload ended with {self._child.returncode}: {out} {err}")
        return json.loads(out.splitlines()[-1])


def fill(address, items, value_size=100):
    """Stores items k00000000... through the load generator; returns how many a second."""
    report = Mcload(address, "--fill-keys", items, "--value", value_size).report()
    assert report["errors"] == 0, report
    return report["operations_per_second"]
