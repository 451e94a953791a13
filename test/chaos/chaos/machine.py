"""A server on a host of the chaos network, with a clock that a test may set."""
import os
import subprocess
import time

from harness import Node, world
from harness.process import Process
from harness.waiting import until

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


class Clock:
    """A wall clock of its own for one process, by libfaketime: an offset, read at each look.

    The steady clocks stay what they are, as on a machine whose administrator sets the time."""

    def __init__(self, directory, name):
        self._path = os.path.join(directory, f"{name}.clock")
        self.offset = 0
        self.set(0)

    @staticmethod
    def is_available():
        return os.path.exists(FAKETIME)

    def set(self, offset_seconds):
        self.offset = offset_seconds
        fresh = self._path + ".new"
        with open(fresh, "w") as file:
            file.write(f"{offset_seconds:+d}\n")
        os.rename(fresh, self._path)

    def environment(self):
        return {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": self._path,
                "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DISABLE_SHM": "1"}


class Machine(Node):
    """A node on a host. `incarnation` counts its processes: what a client saw belongs to one."""

    def __init__(self, host, peer, directory, arguments=(), clock=None):
        super().__init__(host.name, host.client_address, directory, world.CLIENT_PORT,
                         world.LINK_PORT, peer.link_address, arguments)
        self.machine = host
        self.clock = clock
        self.incarnation = 0

    def command_line(self):
        argv = [world.SERVER, "-l", self.host, "-p", self.address[1], "-U", "0", "-u", "root",
                "-x", self.peer, "--link-listen", f"{self.machine.link_address}:{world.LINK_PORT}"]
        return argv + self.arguments

    def launch(self, extra=()):
        assert self.process is None or not self.process.is_running()
        self.incarnation += 1
        self.process = Process(self.command_line() + list(extra), self._log_path,
                               environment=self.clock.environment() if self.clock else None,
                               prepare=self.machine.enter)
        return self

    def number(self, statistic):
        return int(self.replication()[f"repl_{statistic}"])

    def state(self):
        return self.replication()["repl_state"]

    def wait_for(self, seconds, **expected):
        """Waits until `stats replication` says so: wait_for(1.3, role="primary")."""
        began = time.monotonic()

        def is_so():
            stats = self.replication()
            return all(stats[f"repl_{name}"] == value for name, value in expected.items())
        until(is_so, seconds, f"{self.name}: {expected}")
        return time.monotonic() - began

    def wait_until_alone(self, seconds, since=None):
        """Until it has given its peer up. Returns how long that took, from `since` on."""
        since = since or time.monotonic()

        def is_alone():
            stats = self.replication()
            return stats["repl_role"] == "primary" and not self._is_in_session(stats)
        until(is_alone, seconds - (time.monotonic() - since) / world.TIME_FACTOR,
              f"{self.name} has given its peer up")
        return time.monotonic() - since

    @staticmethod
    def _is_in_session(stats):
        return stats["repl_state"] in ("LINKED", "SYNCING")


def knows_option(option):
    """Whether this build of the server has it."""
    help_text = subprocess.run([world.SERVER, "--help"], capture_output=True, text=True,
                               check=False).stdout
    return any(line.split("=")[0].strip() == option for line in help_text.splitlines())
