"""Where the log goes: whoever takes its lines, or does not, holds up nobody; and streams that were
closed before the start get nothing that is anybody else's."""
import array
import fcntl
import os
import pty
import resource
import signal
import subprocess
import termios
import unittest

from harness import Case, main, until, world
from harness.process import Process, daemons_of, end_daemons_of

PIPE_BYTES = 4096  # the fewest that a pipe can be made to hold
LOST = "lines of the log were lost here: "


def stderr_is(descriptor):
    return lambda: os.dup2(descriptor, 2)


def close_standard_streams():
    for stream in (0, 1, 2):
        os.close(stream)


@unittest.skipIf(world.IS_MEMCACHED, "memcached has its own ways")
class Output(Case):
    def _launch(self, node, prepare):
        node.process = Process(node.command_line(), os.path.join(self.directory, f"{node.name}.log"),
                               prepare=prepare)
        return node

    def _pair_whose_a_writes_to(self, descriptor):
        pair = self.pair()
        self._launch(pair.a, stderr_is(descriptor))
        pair.b.launch()
        for node in pair:
            node.wait_until_open()
        pair.wait_until_linked()
        return pair

    def _say_something(self, node):
        """Each reload is a line."""
        node.process.signal(signal.SIGHUP)

    def _fill(self, node, pipe):
        """Until it takes no other line."""
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        seen = []

        def is_full():
            self._say_something(node)
            waiting = array.array("i", [0])
            fcntl.ioctl(pipe, termios.FIONREAD, waiting)
            seen.append(waiting[0])
            return len(seen) > 100 and seen[-1] == seen[-100] > PIPE_BYTES // 2
        until(is_full, 60, "the pipe is full", interval=0.002)

    def _assert_in_step(self, pair, value):
        sessions = pair.b.replication()["repl_sessions"]
        with pair.a.client() as client:
            self.assertEqual(client.set(b"key", value), b"STORED")
        pair.wait_until_equal([b"key"])
        self.assertTrue(pair.is_linked())
        self.assertEqual(pair.b.replication()["repl_sessions"], sessions)

    def test_a_pipe_that_nobody_reads_costs_neither_the_peer_nor_the_end(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        self.addCleanup(os.close, writing)
        pair = self._pair_whose_a_writes_to(writing)
        self._fill(pair.a, reading)
        # A new session is several lines of the thread that keeps the peer.
        pair.b.kill()
        pair.b.start()
        pair.wait_until_linked()
        self._assert_in_step(pair, b"while it is full")
        os.set_blocking(reading, False)
        read = os.read(reading, 1 << 20).decode()
        self.assertNotIn(LOST, read)

        def told():
            self._say_something(pair.a)
            return LOST + "nobody took them" in os.read(reading, 1 << 20).decode()
        until(told, 5, "it says what was lost", interval=0.05)
        self._fill(pair.a, reading)
        self.assertEqual(pair.a.stop(), 0)

    def test_a_terminal_that_somebody_stopped_costs_neither_the_peer_nor_the_end(self):
        controlling, terminal = pty.openpty()
        self.addCleanup(os.close, controlling)
        self.addCleanup(os.close, terminal)
        pair = self._pair_whose_a_writes_to(terminal)
        termios.tcflow(terminal, termios.TCOOFF)
        self._say_something(pair.a)
        pair.b.kill()
        pair.b.start()
        pair.wait_until_linked()
        self._assert_in_step(pair, b"while it is stopped")
        termios.tcflow(terminal, termios.TCOON)
        os.set_blocking(controlling, False)
        said = []

        def told():
            self._say_something(pair.a)
            said.append(os.read(controlling, 1 << 20).decode())
            return LOST in "".join(said)
        until(told, 5, "it goes on, and says what was lost", interval=0.05)
        termios.tcflow(terminal, termios.TCOOFF)
        self._say_something(pair.a)
        self.assertEqual(pair.a.stop(), 0)

    def test_a_file_that_could_not_grow_goes_on_with_a_line_that_says_how_many_it_lacks(self):
        path = os.path.join(self.directory, "file.log")
        node = self.node("--log-file", path).start()
        size = os.path.getsize(path) + 30
        resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        until(lambda: self._say_something(node) or os.path.getsize(path) == size, 5, "it is full",
              interval=0.02)
        for _ in range(5):
            self._say_something(node)
        self.assert_still_serves(node)
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, unlimited)

        def lines():
            self._say_something(node)
            with open(path) as file:
                file.seek(size)
                return file.read().splitlines()
        until(lambda: len(lines()) > 2, 5, "it goes on", interval=0.05)
        rest_of_the_cut_line, lost, following, *_ = lines()
        self.assertEqual(rest_of_the_cut_line, "")
        self.assertRegex(lost, r"^\d{4}-\d\d-\d\dT[\d:.]+Z warning [1-9]\d* " + LOST + "File too large$")
        self.assertRegex(following, r"^\d{4}-\d\d-\d\dT[\d:.]+Z info ")

    def test_streams_that_were_closed_before_the_start_get_nothing_that_is_anybody_elses(self):
        node = self._launch(self.node(), close_standard_streams)
        node.wait_until_open()
        for stream in (0, 1, 2):
            self.assertEqual(os.readlink(f"/proc/{node.process.pid}/fd/{stream}"), os.devnull)
        self.assertEqual(node.process.stop(), 0)

    def test_a_daemon_whose_streams_were_closed_keeps_its_pid_file_and_ends(self):
        pid_file = os.path.join(self.directory, "pid")
        node = self.node("-d", "-P", pid_file)
        self.addCleanup(end_daemons_of, node.host)
        subprocess.run(node.command_line(), preexec_fn=close_standard_streams, check=True, timeout=10)
        until(node.is_open, 5, "it serves")
        second = subprocess.run(node.command_line(), capture_output=True, check=False)
        self.assertNotEqual(second.returncode, 0)
        self.assertIn(b"belongs to process", second.stderr)
        os.kill(*daemons_of(node.host), signal.SIGTERM)
        until(lambda: not daemons_of(node.host), 10, "the daemon ends on SIGTERM")


if __name__ == "__main__":
    main()
