"""Where the programs are, which addresses are ours, and how patient this build wants us to be.

Everything comes from the environment, set by CTest:
    TWINCACHED             the server; a memcached serves to try the tests of one node
    MCLOAD                 the load generator
    TWINCACHED_TIME_FACTOR bounds on time are multiplied by it (sanitizers are slow)
"""
import itertools
import os
import socket

_ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 3))

SERVER = os.environ.get("TWINCACHED", os.path.join(_ROOT, "build/debug/twincached"))
MCLOAD = os.environ.get("MCLOAD", os.path.join(_ROOT, "build/debug/mcload"))
TIME_FACTOR = float(os.environ.get("TWINCACHED_TIME_FACTOR", "1"))
IS_SANITIZED = TIME_FACTOR >= 4  # memory is then not what it will be
IS_MEMCACHED = os.path.basename(SERVER).startswith("memcached")
IS_ROOT = os.geteuid() == 0

CLIENT_PORT = 11211
LINK_PORT = 11212

_blocks = itertools.count()


def scaled(seconds):
    """A bound on time as this build may take it."""
    return seconds * TIME_FACTOR


def number(name, default):
    """A size that the environment may change, such as the items of a join."""
    return int(os.environ.get(name, default))


class Addresses:
    """A block of loopback addresses that no other test uses: the usual ports are free on them.

    127.x.y.z, x and y from our process, z from the block; `host(n)` of a block is its n-th."""

    SIZE = 16

    def __init__(self):
        pid = os.getpid()
        block = next(_blocks) % (240 // self.SIZE)
        self._prefix = f"127.{64 + (pid >> 8) % 128}.{pid % 256}"
        self._first = 8 + block * self.SIZE

    def host(self, n):
        assert 0 <= n < self.SIZE
        return f"{self._prefix}.{self._first + n}"


def knows_localhost():
    """A root that was only just made has no file of hosts, and no service knows the name then."""
    try:
        return socket.gethostbyname("localhost").startswith("127.")
    except OSError:
        return False


def port_is_free_everywhere(port):
    """False where something listens on all addresses, as a packaged memcached may."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
            probe.listen()
        except OSError:
            return False
    return True


def usual_ports():
    """The client and the link port: the usual ones unless they are taken on this machine."""
    for shift in range(0, 2000, 10):
        ports = (CLIENT_PORT + shift, LINK_PORT + shift)
        if all(port_is_free_everywhere(port) for port in ports):
            return ports
    raise RuntimeError("no free ports near 11211")
