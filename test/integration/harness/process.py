"""One child process: its command line, its log, its end. Ended by pid, never by name."""
import os
import resource
import signal
import subprocess

from harness import world
from harness.waiting import Late, until


class Process:
    """A child that writes to a log file. `stop` is polite first, `kill` is not."""

    def __init__(self, argv, log_path, descriptors=None, environment=None, prepare=None):
        """`prepare` is called in the child before the program is, as in a namespace of its own."""
        self.argv = [str(word) for word in argv]
        self.log_path = log_path
        self._descriptors = descriptors
        self._prepare = prepare
        with open(log_path, "ab") as log:
            log.write(("$ " + " ".join(self.argv) + "\n").encode())
            log.flush()
            self._child = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=self._before_program if descriptors or prepare else None,
                env={**os.environ, **(environment or {})})
        self.pid = self._child.pid

    def _before_program(self):
        if self._descriptors:
            limit = (self._descriptors, self._descriptors)
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        if self._prepare:
            self._prepare()

    def is_running(self):
        return self._child.poll() is None

    def exit_status(self, seconds=10):
        """Waits for the end."""
        return self._child.wait(world.scaled(seconds))

    def signal(self, number):
        if self.is_running():
            os.kill(self.pid, number)

    def kill(self):
        """As kill -9 does it. Waits until the kernel has taken everything down."""
        self.signal(signal.SIGKILL)
        self._child.wait()

    def stop(self, seconds=15):
        """SIGTERM, then SIGKILL for one that does not go. Returns the exit status."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            return self._child.wait(world.scaled(seconds))
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def log(self):
        with open(self.log_path, "rb") as log:
            return log.read().decode(errors="replace")

    def resident_kib(self):
        with open(f"/proc/{self.pid}/status") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        return 0

    def _scheduled(self, column):
        """Seconds of each thread, from the scheduler's own accounting."""
        for task in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{task}/schedstat") as stat:
                yield int(stat.read().split()[column]) / 1e9

    def cpu_seconds(self):
        """Run time of all threads."""
        return sum(self._scheduled(0))

    def seconds_without_a_core(self):
        """How long the thread that fared worst could have run and had no core."""
        return max(self._scheduled(1))


def daemons_of(host):
    """The pids of servers told to listen on this address, which no other test has."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().decode(errors="replace").split("\0")
        except OSError:
            continue  # it has ended meanwhile
        listens = ("-l", host) in zip(words, words[1:])  # as a peer it names the address, too
        if words[0] == world.SERVER and "-d" in words and listens:
            found.append(int(pid))
    return found


def end_daemons_of(host, seconds=10):
    """SIGTERM, then SIGKILL. A daemon is nobody's child: whatever state its test was left in, it
    must be found by what only it can have. Fails if one does not go politely."""
    for pid in daemons_of(host):
        os.kill(pid, signal.SIGTERM)
    try:
        until(lambda: not daemons_of(host), seconds, f"the daemon on {host} ends on SIGTERM")
    except Late:
        for pid in daemons_of(host):
            os.kill(pid, signal.SIGKILL)
        raise
