"""A pair beside a redis with a replica: how far the other node is behind, how soon a new one holds
everything, and what a set costs both. (yrmcds' second node wants an address that the first can lose,
so on one machine it has none.)

On two cores the node that is written to has the first for itself; the other shares the second with
the load, as if both were elsewhere."""
import contextlib
import functools
import time

import join_rate
import measuring
from beside import peers, turns
from beside.redis import Redis
from harness.client import Client
from measuring import LOAD_CORE, SERVER_CORE, TWINCACHED, Server

RATE = 20_000
KEYS = 1_000_000
PROBES = 300
PATIENCE = 180


class Two:
    """Two linked nodes; `client(node)` asks one of them."""

    def __init__(self, nodes, client):
        self.nodes, self.client = nodes, client

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            node.stop()

    @property
    def first(self):
        return self.nodes[0]


def twins():
    return Two(measuring.pair(peers.MEMORY_MIB, (SERVER_CORE, LOAD_CORE)),
               lambda node: Client((node.host, node.port)))


def redis_with_replica():
    primary = Redis(peers.Place())
    primary.wait_until_open()
    replica = Redis(peers.Place(core=LOAD_CORE), primary)
    replica.wait_until_open()
    measuring.wait_until(replica.is_linked, PATIENCE, "the replica is linked")
    return Two((primary, replica), Redis.client)


BOTH = {"redis": redis_with_replica, "twincached": twins}


def lag_of(two, _):
    seconds = 60  # more than the probes need; it is ended with them
    with measuring.background(two.first, f"--rate {RATE} --get-ratio 0 --connections 8 --depth 64 "
                              f"--keys {KEYS} --seconds {seconds}"):
        time.sleep(0.3)
        with two.client(two.nodes[0]) as here, two.client(two.nodes[1]) as there:
            times = sorted(measuring.seen_after(here, there, PROBES))
    return {"lag_p50": times[len(times) // 2] * 1000,
            "lag_p99": times[len(times) * 99 // 100] * 1000}


def lag(settings):
    with contextlib.ExitStack() as stack:
        both = {name: stack.enter_context(make()) for name, make in BOTH.items()}
        taken = turns.by_turns(both, settings.few, lag_of)
    return turns.rows_of("replication", f"lag beside {RATE:,} sets/s", taken,
                         ("lag_p50", "lag_p99"))


def join_of_redis(items, value):
    memory = peers.Place(2, 2 * items * (value + 100) >> 20, core=None)
    with Redis(memory) as full:
        full.wait_until_open()
        full.fill(items, value)
        began = time.monotonic()
        with Redis(memory, full) as empty:
            measuring.wait_until(lambda: holds(empty, items), PATIENCE, "the replica holds all")
            return {"join_seconds": time.monotonic() - began}


def holds(replica, items):
    try:
        return replica.items() >= items
    except OSError:
        return False  # it starts, or loads


def join(settings):
    items, value = settings.items, 100
    taken = {name: [] for name in BOTH}
    for _ in range(settings.few):
        taken["redis"].append(join_of_redis(items, value))
        taken["twincached"].append({"join_seconds": join_rate.join(items, value, 0)[0]})
    return turns.rows_of("replication", f"join of {items:,} items of {value} B", taken,
                         ("join_seconds",))


def cost_of(alone, two, options, seed):
    """Without a warm-up: the other node is told of each set that is counted, and of no more."""
    words = f"{options} --keys {KEYS} --get-ratio 0 --seed {seed}"
    without = alone.load(words)["server_us_per_operation"]
    other = two.nodes[1]
    before = other.cpu_seconds()
    report = two.first.load(words)
    time.sleep(0.05)  # what it is told last, it works off last
    return {"us_alone": without, "us_node": report["server_us_per_operation"],
            "us_other": (other.cpu_seconds() - before) * 1e6 / report["operations"]}


# As fast as sets come, and at a rate that leaves both nodes idle at times.
COSTS = {"sets, one a packet": "--connections 50",
         "sets, 16 pipelined": "--connections 50 --depth 16",
         f"{RATE:,} sets/s": f"--connections 50 --rate {RATE}"}


def cost(settings):
    with contextlib.ExitStack() as stack:
        alone = {"redis": stack.enter_context(Redis(peers.Place())),
                 "twincached": stack.enter_context(Server(TWINCACHED, peers.MEMORY_MIB))}
        both = {name: stack.enter_context(make()) for name, make in BOTH.items()}
        for name, two in both.items():
            alone[name].wait_until_open()
            for server in (alone[name], two.first):
                server.fill(KEYS, 100)
        for name, options in COSTS.items():
            words = f"{options} --seconds {settings.seconds:g}"
            taken = turns.by_turns({each: (alone[each], both[each]) for each in both},
                                   settings.rounds, functools.partial(_cost_window, words))
            yield turns.rows_of("replication", f"cost of replication, {name}", taken,
                                ("us_alone", "us_node", "us_other"))


def _cost_window(words, servers, seed):
    return cost_of(*servers, words, seed)


def run(settings):
    yield lag(settings)
    yield join(settings)
    yield from cost(settings)
