"""Common parts of the measuring scripts: servers under load, and honest statistics.

Everything here starts its own processes on loopback and ends only those, by pid."""
import contextlib
import functools
import itertools
import json
import os
import random
import shlex
import socket
import statistics
import subprocess
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), os.pardir, os.pardir))
BUILD = os.environ.get("BENCH_BUILD", os.path.join(ROOT, "build/release"))
MCLOAD = os.path.join(BUILD, "mcload")
TWINCACHED = os.path.join(BUILD, "twincached")
MEMCACHED = "/usr/bin/memcached"
KEY_BYTES = 14

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]


def placed(core, nice=0, is_urgent=False):
    """What a command line begins with to run on that core (None: on all), as nice as that, or
    before all others, if this user may ask for it."""
    return ([] if core is None else ["taskset", "-c", str(core)]) + (
        ["nice", "-n", str(nice)] if nice else []) + (
        ["chrt", "--fifo", "1"] if is_urgent and may_be_urgent() else [])


@functools.cache
def may_be_urgent():
    return subprocess.run(["chrt", "--fifo", "1", "true"], stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def free_port():
    """Of all addresses, for a server that cannot be told which of them to take."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


class Failed(SystemExit):
    """A server did not do what it was asked; a sentence. Ends a program that does not expect it."""


class AnyServer:
    """A program that serves at an address, pinned to one core unless told otherwise."""

    # Options of mcload: how this server is spoken to.
    speaks = ()
    asks = b"version\r\n"
    _hosts = itertools.cycle(range(1, 250))  # those of long ago are free again

    def __init__(self, words, host, port, core=SERVER_CORE, nice=0):
        self.host, self.port = host, port
        self._child = subprocess.Popen(placed(core, nice) + [str(word) for word in words],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self._child.pid

    @classmethod
    def next_host(cls):
        return f"127.{100 + os.getpid() % 100}.{os.getpid() // 100 % 250}.{next(AnyServer._hosts)}"

    def wait_until_open(self, seconds=20):
        """Returns how long it took from now, to the millisecond."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            try:
                socket.create_connection((self.host, self.port), 1).close()
                return time.monotonic() - began
            except OSError:
                if self._child.poll() is not None:
                    raise Failed(f"{self._child.args} ended at once")
                time.sleep(0.001)
        raise Failed(f"{self._child.args} does not serve")

    def load_words(self):
        return [MCLOAD, "--host", self.host, "--port", str(self.port), "--pid", str(self.pid),
                "--json", *self.speaks]

    def load(self, options, core=LOAD_CORE, is_urgent=False, may_refuse=False):
        """Runs mcload against this server and returns its figures. An answer that is an error is
        one of this program, too, unless the server may refuse what it is asked."""
        words = [*placed(core, is_urgent=is_urgent), *self.load_words(), *shlex.split(options)]
        run = subprocess.run(words, capture_output=True, text=True, timeout=600)
        if run.returncode != 0 and not (may_refuse and run.returncode == 1):
            raise Failed(f"{' '.join(words)}: {run.stdout} {run.stderr}")
        return json.loads(run.stdout)

    def fill(self, items, value_bytes, may_refuse=False):
        return self.load(f"--fill-keys {items} --value {value_bytes}", may_refuse=may_refuse)

    def stats(self, which=""):
        with socket.create_connection((self.host, self.port), 5) as connection:
            connection.sendall(f"stats {which}".strip().encode() + b"\r\n")
            text = b""
            while not text.endswith(b"END\r\n"):
                text += connection.recv(65536)
        lines = text.decode().splitlines()
        return dict(line.split(" ", 2)[1:] for line in lines if line.startswith("STAT "))

    def items(self):
        return int(self.stats()["curr_items"])

    def ask(self):
        """A connection of its own that was answered once, for its owner to close."""
        connection = socket.create_connection((self.host, self.port), 5)
        connection.sendall(self.asks)
        if not connection.recv(4096):
            raise OSError("closed")
        return connection

    def resident_bytes(self):
        with open(f"/proc/{self.pid}/status") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        return 0

    def cpu_seconds(self):
        """Run time of all threads, of those that have ended, too, by the scheduler's own accounting.
        The clock's number is what clock_getcpuclockid(3) makes of the process'."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def kill(self):
        self._child.kill()
        self._child.wait()

    def stop(self):
        self._child.terminate()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Server(AnyServer):
    """A memcached, or what takes its options, on an address of its own."""

    def __init__(self, program, memory_mib=1024, threads=1, core=SERVER_CORE, host=None, extra=(),
                 nice=0):
        host, port = host or self.next_host(), 11211
        words = [program, "-l", host, "-p", port, "-m", memory_mib, "-t", threads, "-U", 0, *extra]
        if os.geteuid() == 0:
            words += ["-u", "root"]
        super().__init__(words, host, port, core, nice)


def seen_after(here, there, count):
    """Seconds from the answer of a set by one client to the get of another, on another node, that
    sees it; there it is asked for all the time."""
    times = []
    for number in range(count):
        value = b"%f %d" % (time.monotonic(), number)
        here.set(b"probe", value)
        began = time.monotonic()
        while there.get(b"probe") != value:
            pass
        times.append(time.monotonic() - began)
        time.sleep(0.001)
    return times


@contextlib.contextmanager
def background(server, options, core=LOAD_CORE):
    """mcload beside what is measured; it must outlast it."""
    child = subprocess.Popen([*placed(core), *server.load_words(), *shlex.split(options)],
                             stdout=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
        child.communicate()


def interval_of_median(values, rounds=2000):
    """A 95 % bootstrap interval."""
    source = random.Random(1)
    medians = sorted(statistics.median(source.choices(values, k=len(values)))
                     for _ in range(rounds))
    return medians[int(rounds * 0.025)], medians[int(rounds * 0.975)]


def compare(reference, other, options, rounds, seconds, figure):
    """A figure of two servers under the same load, in turn.

    The machine drifts, so each window of `other` stands between two of `reference`, and the
    figure to trust is the median of the ratios to its neighbours. `figure` takes it out of
    mcload's report. Returns (median of reference, of other, median ratio, its interval)."""
    def window(server, seed):
        return figure(server.load(f"{options} --seconds {seconds} --warmup 0.05 --seed {seed}"))

    on_reference = [window(reference, 0)]
    on_other = []
    for seed in range(1, rounds + 1):
        on_other.append(window(other, seed))
        on_reference.append(window(reference, seed))
    ratios = [value * 2 / (before + after) for value, before, after
              in zip(on_other, on_reference, on_reference[1:])]
    return (statistics.median(on_reference), statistics.median(on_other),
            statistics.median(ratios), interval_of_median(ratios))


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {seconds} s: {what}")
        time.sleep(0.005)


def pair(memory_mib=1024, cores=(SERVER_CORE, None), extra=()):
    """Two linked nodes; the second is not pinned to the first one's core."""
    hosts = [Server.next_host(), Server.next_host()]
    nodes = [Server(TWINCACHED, memory_mib, host=host, core=core, extra=("-x", peer, *extra))
             for host, peer, core in zip(hosts, reversed(hosts), cores)]
    for node in nodes:
        node.wait_until_open()
    wait_until_linked(nodes)
    return nodes


def wait_until_linked(nodes, seconds=10):
    wait_until(lambda: all(node.stats("replication").get("repl_state", "").lower() == "linked"
                           for node in nodes), seconds, "the nodes are linked")
