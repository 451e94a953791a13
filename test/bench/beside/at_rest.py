"""What a server holds while nobody asks, and how soon it is there."""
import os
import time

from measuring import KEY_BYTES, LOAD_CORE, SERVER_CORE, Failed
from beside import peers, turns

CONNECTIONS = 10_000
ITEM_SIZES = (32, 100, 300)
LIMIT_MIB = 64
STEADY_SECONDS = 3


def each_by_turns(asked, rounds, measure):
    """Servers of their own for each turn, so that ours need no neighbours on both sides."""
    able = {peer.name: peer for peer in asked}
    taken = {name: [] for name in able}
    for _ in range(rounds):
        for name, found in turns.without_failing(able, peers.TWINS.name, measure).items():
            taken[name].append(found)
    return {name: taken[name] for name in able}


def settled_bytes(server):
    """Resident bytes when they have not become less for some seconds: redis gives back what an idle
    connection does not need only then."""
    least, since = server.resident_bytes(), time.monotonic()
    began = since
    while time.monotonic() - since < STEADY_SECONDS and time.monotonic() - began < 30:
        time.sleep(0.1)
        now = server.resident_bytes()
        if now < least:
            least, since = now, time.monotonic()
    return least


def connection_bytes(peer):
    """Of each of 10,000 that were answered once and now say nothing."""
    with peer.start(peers.Place()) as server:
        server.wait_until_open()
        warm = [server.ask() for _ in range(100)]
        before = settled_bytes(server)
        idle = [server.ask() for _ in range(CONNECTIONS)]
        grown = settled_bytes(server) - before
        for connection in (*warm, *idle):
            connection.close()
        return {"connection_bytes": grown / CONNECTIONS}


def idle(settings):
    # One turn: it is counted, not timed, and comes out alike each time.
    taken = each_by_turns(settings.peers, 1, connection_bytes)
    yield turns.rows_of("idle", "10,000 idle connections", taken, ("connection_bytes",))


def start_ms(peer):
    """This process goes to the server's core to start it, for a program that is started through
    another one pays for both, and asks from its own."""
    os.sched_setaffinity(0, {SERVER_CORE})
    began = time.monotonic()
    with peer.start(peers.Place(core=None)) as server:
        os.sched_setaffinity(0, {LOAD_CORE})
        while True:
            try:
                server.ask().close()
                return {"start_ms": (time.monotonic() - began) * 1000}
            except OSError:
                if time.monotonic() - began > 20:
                    raise Failed(f"{peer.name} does not serve") from None


def start(settings):
    own = os.sched_getaffinity(0)
    try:
        taken = each_by_turns(settings.peers, settings.rounds, start_ms)
    finally:
        os.sched_setaffinity(0, own)
    yield turns.rows_of("start", "start of an empty server", taken, ("start_ms",))


def item_bytes(start, items, value_bytes):
    """Bytes per item beyond key and value. Twice the memory needed, so that nothing is evicted."""
    memory = items * (value_bytes + KEY_BYTES + 100) * 2 >> 20
    # memcached reports what it preallocates as used from the start; an empty start is the base.
    with start(memory) as server:
        server.wait_until_open()
        before = server.resident_bytes()
        server.fill(items, value_bytes)
        return (server.resident_bytes() - before) / server.items() - KEY_BYTES - value_bytes


def capacity(start, memory_mib, value_bytes):
    """(items that stay of twice as many as could, resident MiB) with that memory. A memcached whose
    thread that makes room gets no core in time refuses some: these do not stay."""
    with start(memory_mib) as server:
        server.wait_until_open()
        server.fill(2 * (memory_mib << 20) // (value_bytes + KEY_BYTES), value_bytes,
                    may_refuse=True)
        return server.items(), server.resident_bytes() / (1 << 20)


def memory(settings):
    """Without yrmcds: it takes its limit for a hint, and makes room every ten seconds."""
    def starting(peer):
        return lambda memory_mib: peer.start(peers.Place(2, memory_mib, core=None))

    asked = [peer for peer in settings.peers if peer.name != "yrmcds"]
    for value in ITEM_SIZES:
        taken = each_by_turns(asked, 1, lambda peer, value=value: {
            "item_bytes": item_bytes(starting(peer), settings.items, value)})
        yield turns.rows_of("memory", f"{settings.items:,} items of {value} B", taken,
                            ("item_bytes",))
    for value in ITEM_SIZES:
        taken = each_by_turns(asked, 1, lambda peer, value=value: dict(zip(
            ("items", "resident_mib"), capacity(starting(peer), LIMIT_MIB, value))))
        yield turns.rows_of("memory", f"items of {value} B within {LIMIT_MIB} MiB", taken,
                            ("items", "resident_mib"))
