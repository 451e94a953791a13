"""A machine that gives less than was asked for: memory that may not be locked or addressed, files
that may not grow, paths that another process has. Each is survived or said."""
import contextlib
import os
import pwd
import resource
import socket
import subprocess
import unittest

from harness import Case, main, until, world
from harness.process import Process

MIB = 1 << 20
CAP_IPC_LOCK = 14
CAP_SYS_RESOURCE = 24


def limited(what, size):
    """For a child, before it becomes the program."""
    return lambda: resource.setrlimit(what, (size, size))


def limited_for_root(capability, what, size):
    """Root sets itself above limits; without the right to, they hold."""
    def prepare():
        import ctypes  # pylint: disable=import-outside-toplevel
        pr_capbset_drop = 24
        ctypes.CDLL(None).prctl(pr_capbset_drop, capability, 0, 0, 0)
        resource.setrlimit(what, (size, size))
    return prepare


def lose_the_right_to_lock(limit):
    return limited_for_root(CAP_IPC_LOCK, resource.RLIMIT_MEMLOCK, limit)


def lose_the_right_to_files(limit):
    return limited_for_root(CAP_SYS_RESOURCE, resource.RLIMIT_NOFILE, limit)


@unittest.skipIf(world.IS_MEMCACHED, "memcached has its own ways")
class Machine(Case):
    def _launch(self, *words, prepare=None, name="node", host=1):
        node = self.node(*words, name=name, host=host)
        node.process = Process(node.command_line(), os.path.join(self.directory, f"{name}.log"),
                               prepare=prepare)
        self.addCleanup(node.process.stop)
        return node

    def _status_kib(self, node, row):
        with open(f"/proc/{node.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(row))

    def _fill(self, node, bytes_each, count):
        with node.client(30) as client:
            for n in range(count):
                client.send(b"set key%d 0 0 %d noreply\r\n%s\r\n" % (n, bytes_each,
                                                                   b"x" * bytes_each))
            client.get(b"sync")

    def _refused(self, node, *words):
        self.assertNotEqual(node.process.exit_status(10), 0)
        for word in words:
            self.assertIn(word, node.process.log())

    def test_locked_memory_is_what_is_used_and_no_more(self):
        node = self._launch("-k", "-m", "64")
        node.wait_until_open()
        if "lock-memory" in node.process.log():
            self.skipTest("no right to lock memory")
        # A sanitizer keeps what was freed, and its shadow, resident.
        limit = (16 if world.IS_SANITIZED else 1) * 64 * 1024
        self.assertLess(node.process.resident_kib(), limit)
        # Several times what there is memory for; to lock and to give back, a part will do.
        part = 8 if world.IS_SANITIZED else 1
        for size, count in ((100, 400_000), (20_000, 6000), (300_000, 500), (100, 400_000)):
            self._fill(node, size, count // part)
            self.assertGreater(self._status_kib(node, "VmLck:"), 0)
            self.assertLess(node.process.resident_kib(), limit + 48 * 1024)

    def test_within_a_limit_the_start_goes_on_and_says_what_is_not_locked(self):
        node = self._launch("-k", "-m", "64", prepare=lose_the_right_to_lock(8 * MIB))
        node.wait_until_open()
        self.assertIn("lock-memory (-k): 8 MiB may be locked", node.process.log())
        self._fill(node, 1000, 30_000)
        self.assertGreater(int(node.stats()["curr_items"]), 25_000)
        self.assertLess(self._status_kib(node, "VmLck:"), 8 * 1024 + 1)

    def test_where_nothing_may_be_locked_one_line_says_so(self):
        node = self._launch("-k", prepare=lose_the_right_to_lock(0))
        node.wait_until_open()
        self.assertIn("lock-memory (-k): nothing may be locked", node.process.log())

    def test_a_limit_on_open_files_that_is_enough_for_memcached_costs_some_clients(self):
        node = self._launch("-c", "180", "-t", "1", prepare=lose_the_right_to_files(200))
        node.wait_until_open()
        served = 200 - 91  # of one thread, and what is kept for link, endpoint and files
        self.assertEqual(node.stats()["max_connections"], str(served))
        self.assertIn(f"connections (-c) 180: they take 271 open files, and this process may have 200 "
                      f"(ulimit -n, LimitNOFILE= of the unit): {served} are served at a time",
                      node.process.log())
        refused = self._launch("-c", "201", "-t", "1", name="refused", host=2,
                               prepare=lose_the_right_to_files(200))
        self._refused(refused, "failed to set rlimit for open files", "292 are needed for -c 201")

    @unittest.skipIf(world.IS_SANITIZED, "a sanitizer needs the address space for itself")
    def test_less_address_space_is_enough_for_a_limit_that_fits_into_it(self):
        node = self._launch("-m", "64", "-t", "2",
                            prepare=limited(resource.RLIMIT_AS, 1500 * MIB))
        node.wait_until_open()
        self._fill(node, 1000, 30_000)
        self.assert_still_serves(node)

    @unittest.skipIf(world.IS_SANITIZED, "a sanitizer needs the address space for itself")
    def test_a_limit_beyond_the_address_space_is_refused_with_a_sentence(self):
        node = self._launch("-m", "4096", prepare=limited(resource.RLIMIT_AS, 1500 * MIB))
        self._refused(node, "limit (-m): there is no address space for 4096 MiB", "ulimit -v")

    @unittest.skipIf(world.IS_SANITIZED, "a sanitizer needs the address space for itself")
    def test_a_log_beyond_the_address_space_is_refused_with_a_sentence(self):
        for name, log, what in (("alone", "20g", "log-memory: there is no memory for a log of 20g;"),
                                ("with_items", "3g", "; log-memory, 3g, has taken its part of it")):
            with self.subTest(name):
                node = self._launch("-m", "64", "-x", self.addresses.host(2), "--log-memory", log,
                                    name=name, prepare=limited(resource.RLIMIT_AS, 700 * MIB))
                self._refused(node, what, "ulimit -v")

    @unittest.skipIf(world.IS_SANITIZED, "a sanitizer looks for leaks with a thread of its own")
    @unittest.skipUnless(world.IS_ROOT, "root alone may have more threads than it is allowed")
    def test_where_no_thread_can_be_had_the_start_says_so_and_a_stop_ends_well(self):
        user = "nobody"
        os.chmod(self.directory, 0o755)
        refused = self._launch("-u", user, prepare=limited(resource.RLIMIT_NPROC, 1),
                               name="refused", host=2)
        self._refused(refused, "a thread cannot be started", "ulimit -u", "TasksMax=")
        folder = os.path.join(self.directory, "items")
        os.mkdir(folder)
        os.chmod(folder, 0o777)
        node = self._launch("-u", user, "-e", os.path.join(folder, "items"))
        node.wait_until_open()
        self._fill(node, 100, 100)
        # Each user may set the limits of what is his own.
        subprocess.run(["prlimit", f"--pid={node.process.pid}", "--nproc=1:1"], user=user,
                       group=pwd.getpwnam(user).pw_gid, extra_groups=[],
                       check=True)
        self.assertEqual(node.process.stop(), 0)
        self.assertIn("info stopped", node.process.log())

    @unittest.skipIf(world.IS_SANITIZED, "a sanitizer needs the address space for itself")
    def test_a_client_that_finds_no_memory_is_closed_and_the_others_are_served(self):
        node = self._launch("-m", "64", "-t", "2", "--buffer-memory=4g")
        node.wait_until_open()
        other = node.client(10)
        self.addCleanup(other.close)
        self.assertEqual(other.set(b"key", b"x" * 1000), b"STORED")
        size = self._status_kib(node, "VmSize:") * 1024 + 32 * MIB
        resource.prlimit(node.process.pid, resource.RLIMIT_AS, (size, size))
        # The most of a line that a client may have half said.
        half_line = b"get" + b" key" * 2_000_000
        for n in range(100):
            greedy = node.client(10)
            self.addCleanup(greedy.close)
            with contextlib.suppress(ConnectionError):
                greedy.send(half_line)
            self.assertEqual(other.set(b"key", b"%d" % n), b"STORED")
            self.assertEqual(other.get(b"key"), b"%d" % n)
            if int(other.stats()["malloc_fails"]) > 2:
                break
        else:
            self.fail("there is memory without an end")
        self.assert_still_serves(node)
        self.assertTrue(node.process.is_running())
        self.assertIn("the system has no memory for a client", node.process.log())

    def test_a_file_that_may_not_grow_costs_its_items_and_not_the_server(self):
        path = os.path.join(self.directory, "items")
        node = self._launch("-e", path)
        node.wait_until_open()
        self._fill(node, 1000, 1000)
        small = (100_000, 100_000)
        resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, small)
        self.assertEqual(node.process.stop(), 0)
        self.assertIn("not saved, the next start will be empty: File too large",
                      node.process.log())
        self.assertFalse(os.path.exists(path + ".new"))

    def test_a_unix_socket_belongs_to_one_node_whether_it_is_open_or_not(self):
        path = os.path.join(self.directory, "socket")
        # It waits for a peer, and has not opened anything yet.
        cold = self._launch("-s", path, "-x", self.addresses.host(9), "--node=a",
                            "--link-listen", self.addresses.host(1), "--boot-grace=60s",
                            name="cold")
        until(lambda: os.path.exists(path + ".lock"), 10, "it has its lock")
        second = self._launch("-s", path, name="second", host=2)
        self._refused(second, f"unix-socket (-s) {path}: it is in use by another process")
        self.assertTrue(cold.process.is_running())
        cold.process.kill()  # its lock ends with it
        third = self._launch("-s", path, name="third", host=3)
        until(lambda: os.path.exists(path), 10, "the third serves")
        fourth = self._launch("-s", path, name="fourth", host=4)
        self._refused(fourth, "it is in use by another process")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.sendall(b"version\r\n")
            self.assertTrue(client.recv(100).startswith(b"VERSION"))
        self.assertEqual(third.process.stop(), 0)
        self.assertEqual([name for name in os.listdir(self.directory) if "socket" in name], [])

    def test_a_stale_unix_socket_is_replaced_and_anybody_elses_is_not(self):
        path = os.path.join(self.directory, "socket")
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(path)
        node = self._launch("-s", path)
        until(lambda: "serving clients on unix:" in node.process.log(), 10, "it serves")
        self.assertEqual(node.process.stop(), 0)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as theirs:
            theirs.bind(path)
            self._refused(self._launch("-s", path, name="second"), "in use by another process")
            self.assertTrue(os.path.exists(path))


if __name__ == "__main__":
    main()
