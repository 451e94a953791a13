"""Requests that are much work, and the longest that another client of the same thread waits for an
answer beside one of them. For the test of fairness and for the bench that prints the table."""
import contextlib
import ssl
import struct
import threading

from harness.client import Client
from harness.load import Mcload

KEYS = b" ".join(b"k%06d" % n for n in range(20_000))


def worst_wait_ms(address, heavy, seconds=1.5):
    """The bystander's slowest request while `heavy(address, stopping)` goes on in a thread."""
    stopping = threading.Event()
    worker = threading.Thread(target=_run, args=(heavy, address, stopping), daemon=True)
    bystander = Mcload(address, "--connections", 1, "--seconds", seconds, "--keys", 100,
                       "--value", 10)
    worker.start()
    try:
        report = bystander.report()
    finally:
        stopping.set()
        worker.join(30)
    assert report["errors"] == 0, report
    return report["latency_us"]["max"] / 1000


def _run(heavy, address, stopping):
    with contextlib.suppress(OSError):
        heavy(address, stopping)


# --- what is asked; each goes on until it is told to stop ----------------------------------------


def nothing(_address, stopping):
    stopping.wait()


def _again_and_again(request, end, read_bytes=1 << 20):
    def ask(address, stopping):
        with Client(address, 60.0) as client:
            while not stopping.is_set():
                client.send(request)
                _read_until(client, end, read_bytes)
    return ask


def _read_until(client, end, read_bytes):
    """Reads as fast as it can and keeps nothing but what the end may stand in."""
    tail = b""
    while not tail.endswith(end):
        tail = (tail + client.some(read_bytes))[-len(end):]


def _unread(request, copies=1):
    """Many who ask and never read."""
    def ask(address, stopping):
        with contextlib.ExitStack() as open_clients:
            clients = [open_clients.enter_context(Client(address, 0.2)) for _ in range(copies)]
            while not stopping.is_set():
                for client in clients:
                    with contextlib.suppress(OSError):
                        client.send(request)
                stopping.wait(0.05)
    return ask


def _line_without_end(address, stopping):
    with Client(address, 60.0) as client:
        client.send(b"get")
        for _ in range(7):
            if stopping.is_set():
                return
            client.send(b" k" * (1 << 19))
        stopping.wait()


def _handshakes(port_of):
    """As many handshakes as a machine can begin."""
    def ask(address, stopping):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        while not stopping.is_set():
            with contextlib.ExitStack() as open_clients:
                clients = [open_clients.enter_context(Client(port_of(address), 5.0))
                           for _ in range(60)]
                hellos = [_hello(context) for _ in clients]
                for client, hello in zip(clients, hellos):
                    client.send(hello)
                for client in clients:
                    client.some(100)
    return ask


def _hello(context):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    stream = context.wrap_bio(incoming, outgoing)
    with contextlib.suppress(ssl.SSLWantReadError):
        stream.do_handshake()
    return outgoing.read()


def _binary_gets():
    packet = b"\x80\x09\0\x07" + bytes(4) + b"\0\0\0\x07" + bytes(12)  # getq
    noop = b"\x80\x0a" + bytes(22)
    gets = b"".join(packet + b"k%06d" % n for n in range(20_000))
    return _again_and_again(gets + noop, b"\x81\x0a" + bytes(22))


REQUESTS = {
    "nothing": nothing,
    "get of 100,000 keys, all there": _again_and_again(
        b"get " + b" ".join([KEYS] * 5) + b"\r\n", b"END\r\n"),
    "get of 100,000 keys, none there": _again_and_again(
        b"get" + b" x" * 100_000 + b"\r\n", b"END\r\n"),
    "get of 4,000,000 keys (8 MiB), none there": _again_and_again(
        b"get" + b" x" * 4_000_000 + b"\r\n", b"END\r\n"),
    "gat of 20,000 keys": _again_and_again(b"gat 0 " + KEYS + b"\r\n", b"END\r\n"),
    "get of 64 values of 900 kB": _again_and_again(
        b"get" + b" large" * 64 + b"\r\n", b"END\r\n"),
    "the same, 20 clients that do not read": _unread(b"get" + b" large" * 64 + b"\r\n", 20),
    "20,000 gets in one packet": _again_and_again(
        b"".join(b"get k%06d\r\n" % n for n in range(20_000)) + b"mn\r\n", b"MN\r\n"),
    "20,000 quiet meta gets": _again_and_again(
        b"".join(b"mg k%06d v q\r\n" % n for n in range(20_000)) + b"mn\r\n", b"MN\r\n"),
    "20,000 quiet binary gets": _binary_gets(),
    "20,000 sets in one packet": _again_and_again(
        b"".join(b"set k%06d 0 0 1 noreply\r\nv\r\n" % n for n in range(20_000)) + b"mn\r\n",
        b"MN\r\n"),
    "a line of 7 MiB without an end": _line_without_end,
    "lru_crawler metadump all": _again_and_again(b"lru_crawler metadump all\r\n", b"END\r\n"),
    "lru_crawler mgdump all": _again_and_again(b"lru_crawler mgdump all\r\n", b"EN\r\n"),
    "stats cachedump": _again_and_again(b"stats cachedump 3 0\r\n", b"END\r\n"),
    "stats, 100 of each kind": _again_and_again(
        100 * b"stats\r\nstats items\r\nstats slabs\r\nstats sizes\r\nstats conns\r\n"
              b"stats settings\r\n" + b"mn\r\n", b"MN\r\n"),
    "flush_all, 1000 in one packet": _again_and_again(b"flush_all noreply\r\n" * 1000 + b"mn\r\n",
                                                      b"MN\r\n"),
}


def _binary_stats(what):
    packet = struct.pack(">BBHII", 0x80, 0x10, len(what), 0, len(what)) + bytes(12) + what
    noop = b"\x80\x0a" + bytes(22)
    return _again_and_again(packet * 5 + noop, b"\x81\x0a" + bytes(22))


# What tells of every client: heavy where there are thousands.
REPORTS_OF_CLIENTS = {
    "stats conns": _again_and_again(b"stats conns\r\n" * 5 + b"mn\r\n", b"MN\r\n"),
    "stat conns in binary": _binary_stats(b"conns"),
}


def handshakes(port):
    """For a server whose TLS listener is at that port."""
    return _handshakes(lambda address: (address[0], port))


def prefixes(address):
    """Names for `stats detail dump` to tell: as many as a server counts by."""
    with Client(address, 60.0) as client:
        client.ask(b"stats detail on")
        for first in range(0, 16_384, 1024):
            client.send(b"".join(b"get prefix%06d:k\r\n" % n for n in range(first, first + 1024))
                        + b"mn\r\n")
            client.through(b"MN\r\n")
    return _again_and_again(b"stats detail dump\r\n" * 3 + b"mn\r\n", b"MN\r\n")


def watcher(address, stopping):
    """Watches everything and reads it while another client makes much of it."""
    with Client(address, 60.0) as watching, Client(address, 60.0) as busy:
        watching.ask(b"watch fetchers mutations evictions deletions")
        gets = b"".join(b"get k%06d\r\n" % n for n in range(2000)) + b"mn\r\n"
        while not stopping.is_set():
            busy.send(gets)
            _read_until(busy, b"MN\r\n", 1 << 18)
            watching.some(1 << 18)


def fill(address):
    """What the requests above ask for."""
    with Client(address, 60.0) as client:
        client.set(b"large", b"v" * 900_000)
        for first in range(0, 20_000, 1000):
            client.send(b"".join(b"set k%06d 0 0 100 noreply\r\n%b\r\n" % (n, b"v" * 100)
                                 for n in range(first, first + 1000)) + b"mn\r\n")
            client.through(b"MN\r\n")
