"""Lists of listeners, some of which this machine cannot have: it serves on the others."""
import ctypes
import os
import platform
import signal
import socket
import subprocess
import unittest

from harness import Case, main, until, world
from harness.process import Process

NOWHERE = "203.0.113.77"  # of RFC 5737, as is the other: no machine has them
NOWHERE_ELSE = "198.51.100.77"
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SOCKET_CALL = {"x86_64": 41, "aarch64": 198}.get(platform.machine())


class _Filter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte),
                ("k", ctypes.c_uint)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Filter))]


def lose_ipv6():
    """For a child, before it becomes the program: as on a kernel without IPv6 (ipv6.disable=1),
    socket() says that it does not know the family."""
    load, jump_if, answer = 0x20, 0x15, 0x06
    refused = 0x00050000 | 97  # SECCOMP_RET_ERRNO, EAFNOSUPPORT
    program = (_Filter * 6)((load, 0, 0, 0), (jump_if, 0, 3, _SOCKET_CALL), (load, 0, 0, 16),
                            (jump_if, 0, 1, socket.AF_INET6), (answer, 0, 0, refused),
                            (answer, 0, 0, 0x7fff0000))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(_PR_SET_SECCOMP, 2, ctypes.byref(_Program(len(program), program)), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


@unittest.skipIf(world.IS_MEMCACHED, "memcached ends with 71")
class Listeners(Case):
    def setUp(self):
        super().setUp()
        self.host = self.addresses.host(1)

    def _launch(self, *words, prepare=None, name="node"):
        user = ["-u", "root"] if world.IS_ROOT else []
        process = Process([world.SERVER, *user, "-p", str(self.client_port), *words],
                          os.path.join(self.directory, f"{name}.log"), prepare=prepare)
        self.addCleanup(process.stop)
        return process

    def _serves_on(self, process, *listeners):
        for listener in listeners:
            until(lambda: f"serving clients on {listener}" in process.log(), 10,
                  f"it serves on {listener}: {process.log()}")
        self.assertTrue(process.is_running())

    def _refused(self, process, *said):
        self.assertEqual(process.exit_status(), 71)
        for words in said:
            self.assertIn(words, process.log())

    @unittest.skipUnless(_SOCKET_CALL, "the number of the system call is not known")
    def test_a_machine_without_ipv6_serves_the_rest_of_the_shipped_list(self):
        process = self._launch(f"-l{self.host}, ::1", prepare=lose_ipv6)
        self._serves_on(process, f"tcp:{self.host}:{self.client_port}")
        self.assertEqual(process.log().count("listen (-l) ::1"), 1)
        self.assertIn("listen (-l) ::1: this machine has no IPv6; it is left out", process.log())

    @unittest.skipUnless(_SOCKET_CALL, "the number of the system call is not known")
    def test_a_machine_without_ipv6_serves_all_interfaces_and_localhost(self):
        for words in ([], ["-l", "localhost"]):
            process = self._launch("-p", "-1", *words, prepare=lose_ipv6)
            self._serves_on(process, "tcp:")
            self.assertNotIn("left out", process.log())
            process.stop()

    @unittest.skipUnless(_SOCKET_CALL, "the number of the system call is not known")
    def test_udp_and_the_link_do_without_ipv6_as_well(self):
        process = self._launch(f"-l{self.host}, ::1", "-U", str(self.client_port), "-x",
                               self.addresses.host(2), "--boot-grace=0", "--node=a",
                               "--link-listen", f"{self.host}:{self.link_port}",
                               prepare=lose_ipv6)
        self._serves_on(process, f"udp:{self.host}:{self.client_port}",
                        f"tcp:{self.host}:{self.client_port}")
        self.assertIn(f"udp-port (-U) {self.client_port}, listen (-l) ::1: this machine has no",
                      process.log())

    @unittest.skipUnless(_SOCKET_CALL, "the number of the system call is not known")
    def test_nothing_but_ipv6_is_refused_where_there_is_none(self):
        self._refused(self._launch("-l", "::1", prepare=lose_ipv6),
                      "nothing to listen on: listen (-l) ::1: this machine has no IPv6")

    def test_what_this_machine_does_not_have_costs_one_line(self):
        process = self._launch("-l", NOWHERE, "-l", self.host)
        self._serves_on(process, f"tcp:{self.host}:{self.client_port}")
        self.assertEqual(process.log().count(f"listen (-l) {NOWHERE}"), 1)
        self.assertIn(f"listen (-l) {NOWHERE}: no interface of this machine has this address yet",
                      process.log())
        with socket.create_connection((self.host, self.client_port), 5) as client:
            client.sendall(b"version\r\n")
            self.assertTrue(client.recv(100).startswith(b"VERSION"))

    def test_if_none_is_left_it_refuses_and_names_each(self):
        self._refused(self._launch("-l", f"{NOWHERE},{NOWHERE_ELSE}:1234"),
                      f"listen (-l) {NOWHERE}: no interface",
                      f"listen (-l) {NOWHERE_ELSE}:1234: no interface")

    def test_a_port_that_is_taken_stays_an_error_whatever_else_there_is(self):
        with socket.socket() as taken:
            taken.bind((self.addresses.host(2), self.client_port))
            taken.listen()
            self._refused(self._launch("-l", f"{self.host},{self.addresses.host(2)},{NOWHERE}"),
                          f"listen (-l) {self.addresses.host(2)}: failed to listen on tcp:",
                          "Address already in use")

    def test_a_link_local_address_is_told_to_name_its_interface(self):
        self._refused(self._launch("-l", f"{self.host},fe80::1"),
                      "listen (-l) fe80::1: a link-local address takes its interface with it")
        process = self._launch("-l", f"{self.host},fe80::1%lo", name="named")
        self._serves_on(process, f"tcp:{self.host}:{self.client_port}")

    def test_a_name_that_does_not_resolve_stays_an_error_and_is_named(self):
        self._refused(self._launch("-l", self.host, "-l", "no.such.name.invalid"),
                      "listen (-l) no.such.name.invalid: failed to listen: getaddrinfo(): ")

    def test_the_links_address_and_the_unix_socket_are_named_when_they_cannot_be_had(self):
        self._refused(self._launch("-l", self.host, "-x", self.addresses.host(2), "--node=a",
                                   "--link-listen", f"{NOWHERE}:{self.link_port}"),
                      f"(--link-listen, -X): the link cannot listen on {NOWHERE}:{self.link_port}")
        path = os.path.join(self.directory, "absent", "socket")
        self._refused(self._launch("-s", path, name="unix"), "unix-socket (-s)", path)

    def test_an_address_that_comes_later_is_served_from_then_on(self):
        """As the virtual IP that keepalived brings."""
        enter = ["nsenter", "-U", "-n", "--preserve-credentials", "-t"]
        made = subprocess.Popen(["unshare", "-rn", "sh", "-c", "ip link set lo up && echo up; "
                                 "exec sleep 1000"], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL)
        self.addCleanup(made.stdout.close)
        self.addCleanup(made.wait)
        self.addCleanup(made.send_signal, signal.SIGKILL)
        if made.stdout.readline() != b"up\n":
            self.skipTest("this machine gives us no network namespaces")
        enter.append(str(made.pid))
        process = Process([*enter, world.SERVER, "-u", "root", "-l", f"127.0.0.1,{NOWHERE}",
                           "-U", "11211"], os.path.join(self.directory, "node.log"))
        self.addCleanup(process.stop)
        self._serves_on(process, f"tcp:{NOWHERE}:11211")
        subprocess.run([*enter, "ip", "addr", "add", NOWHERE + "/32", "dev", "lo"], check=True)
        ask = ("import socket; s = socket.create_connection(('%s', 11211), 5); "
               "s.sendall(b'version\\r\\n'); print(s.recv(100))" % NOWHERE)
        answer = subprocess.run([*enter, "/usr/bin/python3", "-c", ask], capture_output=True,
                                text=True, timeout=world.scaled(10))
        self.assertIn("VERSION", answer.stdout)


if __name__ == "__main__":
    main()
