"""How long a client waits at most beside whatever another one, or the peer, makes its node do."""
import os
import signal
import tempfile

import measuring
from harness import heavy
from harness.certificates import Authority
from pair.stage import stopped, wait_until_at_rest

LONGEST_MS = 20
ATTEMPTS = 4  # a stall that the server makes is there every time; one of the machine is not


def _add(table, name, waits):
    wait = min(waits)
    table.add(f"another client's longest wait beside: {name}", f"≤ {LONGEST_MS} ms",
              f"{wait:.1f} ms", wait <= LONGEST_MS)


def _beside(table, address, name, request, seconds=1.5):
    waits = []
    while len(waits) < ATTEMPTS and (not waits or min(waits) > LONGEST_MS):
        waits.append(heavy.worst_wait_ms(address, request, seconds))
    _add(table, name, waits)


def _clients(table):
    """All on one thread of one node."""
    with measuring.Server(measuring.TWINCACHED, 256) as node:
        node.wait_until_open()
        address = (node.host, node.port)
        for name, request in heavy.REQUESTS.items():
            heavy.fill(address)
            _beside(table, address, name, request)
        _beside(table, address, "stats detail dump", heavy.prefixes(address))
        heavy.fill(address)
        _beside(table, address, "watch fetchers mutations evictions deletions", heavy.watcher)


def _handshakes(table):
    host = measuring.Server.next_host()
    with tempfile.TemporaryDirectory(prefix="twincached-") as directory:
        made = Authority(directory).issue("cache")
        extra = ("-Z", "-o", f"ssl_chain_cert={made.cert},ssl_key={made.key}",
                 "-l", f"notls:{host}:11212")
        with measuring.Server(measuring.TWINCACHED, 256, host=host, extra=extra) as node:
            node.wait_until_open()
            _beside(table, (host, 11212), "handshakes", heavy.handshakes(11211))


def _joins(table, stage, settings):
    """The node that is asked fills an empty peer."""
    with stage.servers(2048) as nodes:
        a, b = nodes
        a.fill(settings.items, 100)
        wait_until_at_rest(nodes)
        waits = []
        for _ in range(ATTEMPTS):
            b.kill()

            def join(_address, stopping):
                with measuring.Server(measuring.TWINCACHED, 2048, host=b.host,
                                      core=measuring.LOAD_CORE, extra=("-x", a.host)) as joiner:
                    joiner.wait_until_open(60)
                    stopping.wait()

            waits.append(heavy.worst_wait_ms((a.host, a.port), join, 4))
    _add(table, f"an empty peer that joins ({settings.items} items)", waits)


def _rejoins(table, stage, settings):
    """The peer comes back after the log overflowed: digests, lists, records."""
    waits = []
    with stage.servers(2048, ("--log-memory", "4m")) as nodes:
        a, b = nodes
        a.fill(settings.items, 100)
        wait_until_at_rest(nodes)
        for _ in range(ATTEMPTS):
            with stopped(b):
                a.fill(settings.items // 4, 101)

            def settle(_address, stopping):
                wait_until_at_rest(nodes)
                stopping.wait()

            waits.append(heavy.worst_wait_ms((a.host, a.port), settle, 4))
        lists = int(a.stats("replication")["repl_lists_sent"])
    _add(table, f"a peer that comes back after an overflow ({lists} lists)", waits)


def fairness(stage, table, settings):
    _clients(table)
    _handshakes(table)
    _joins(table, stage, settings)
    _rejoins(table, stage, settings)


FIGURES = {"fairness": fairness}
