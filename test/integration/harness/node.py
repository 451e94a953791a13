"""A server under test, and a pair of them."""
import contextlib
import getpass
import os
import re
import signal
import socket
import time

from harness import world
from harness.client import Client
from harness.process import Process
from harness.waiting import until


class Node:
    """One server on an address of its own. `arguments` follow those that place it.

    `peer` is the address that it is told to dial (-x); None makes a node alone."""

    def __init__(self, name, host, directory, port, link_port, peer=None, arguments=(),
                 descriptors=None):
        self.name = name
        self.host = host
        self.address = (host, port)
        self.link_address = (host, link_port)
        self.peer = peer
        self.arguments = list(arguments)
        self.descriptors = descriptors
        self.process = None
        self._log_path = os.path.join(directory, f"{name}.log")

    def command_line(self):
        argv = [world.SERVER, "-l", self.host, "-p", str(self.address[1]), "-U", "0"]
        if world.IS_ROOT:
            argv += ["-u", getpass.getuser()]
        if self.peer:
            argv += ["-x", self.peer]
            if self.link_address[1] != world.LINK_PORT:
                argv += ["-X", str(self.link_address[1])]
        return argv + self.arguments

    def launch(self, extra=()):
        """Starts the process and does not wait. What is running already is an error of the test."""
        assert self.process is None or not self.process.is_running()
        self.process = Process(self.command_line() + list(extra), self._log_path, self.descriptors)
        return self

    def start(self, seconds=10, extra=()):
        """Starts and waits until clients are served."""
        self.launch(extra)
        self.wait_until_open(seconds)
        return self

    def is_open(self):
        """Whether the client port accepts, and all that `-l` names beside it, which open after it."""
        try:
            for address in (self.address, *self._other_listeners()):
                socket.create_connection(address, 1).close()
            return True
        except OSError:
            return False

    def _other_listeners(self):
        values = [value for flag, value in zip(self.arguments, self.arguments[1:]) if flag == "-l"]
        for value in ",".join(values).split(","):
            named = re.fullmatch(r"(?:[a-z]+:)?(?:\[(.+)\]|([^:]+)):(\d+)", value)
            if named:
                yield named[1] or named[2], int(named[3])

    def wait_until_open(self, seconds=10):
        def open_or_dead():
            if not self.process.is_running():
                raise AssertionError(f"{self.name} has ended: {self.process.log()[-2000:]}")
            return self.is_open()
        until(open_or_dead, seconds, f"{self.name} opens its client port", interval=0.001)

    def client(self, timeout=5.0):
        return Client(self.address, timeout)

    def stats(self, which=b""):
        # A node that has just stood still closes whoever asked meanwhile.
        for _ in range(2):
            with contextlib.suppress(ConnectionError), self.client() as client:
                return client.stats(which)
        with self.client() as client:
            return client.stats(which)

    def replication(self):
        """`stats replication`; names as there."""
        return self.stats(b"replication")

    def is_linked(self):
        return self.replication().get("repl_state", "").lower() == "linked"

    def kill(self):
        self.process.kill()

    def pause(self):
        self.process.signal(signal.SIGSTOP)
        until(lambda: self._state() == "T", 2, f"{self.name} is stopped")

    def resume(self):
        self.process.signal(signal.SIGCONT)

    def _state(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0]

    def stop(self):
        if self.process is None or not self.process.is_running():
            return None
        return self.process.stop()


class Pair:
    """Two nodes that dial each other, directly or through relays."""

    def __init__(self, a, b):
        self.a = a
        self.b = b

    def __iter__(self):
        return iter((self.a, self.b))

    def launch(self):
        for node in self:
            node.launch()
        return self

    def start(self, seconds=10):
        """Starts both and waits until both serve and are linked."""
        self.launch()
        for node in self:
            node.wait_until_open(seconds)
        self.wait_until_linked(seconds)
        return self

    def other(self, node):
        return self.b if node is self.a else self.a

    def is_linked(self):
        return all(node.is_linked() for node in self)

    def wait_until_linked(self, seconds=5):
        until(self.is_linked, seconds, "both nodes say that they are linked")

    def wait_until_at_rest(self, seconds=10):
        """Waits until both are linked and neither has anything left to tell the other."""
        until(self._is_at_rest, seconds, "nothing is left to replicate", interval=0.01)

    def _is_at_rest(self):
        for node in self:
            stats = node.replication()
            if stats.get("repl_state", "").lower() != "linked":
                return False
            if any(int(stats.get(name, "0")) for name in
                   ("repl_unacked", "repl_dirty_buckets", "repl_walking")):
                return False
        return True

    def differing(self, keys):
        """The keys whose value, flags or version differ between the nodes: {key: (on a, on b)}."""
        with self.a.client() as on_a, self.b.client() as on_b:
            left, right = on_a.gets_many(keys), on_b.gets_many(keys)
        return {key: (left.get(key), right.get(key)) for key in keys
                if left.get(key) != right.get(key)}

    def wait_until_equal(self, keys, seconds=5):
        """Waits for both to hold the same of these keys; fails with some that differ."""
        deadline = time.monotonic() + world.scaled(seconds)
        while True:
            differing = self.differing(keys)
            if not differing:
                return
            if time.monotonic() > deadline:
                some = list(differing.items())[:5]
                raise AssertionError(f"{len(differing)} of {len(keys)} keys differ: {some}")
            time.sleep(0.01)
