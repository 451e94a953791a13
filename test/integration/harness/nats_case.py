"""What the tests of clusters over NATS have in common: servers, nodes, writers and what must be held."""
import dataclasses
import os
import random
import threading
import time

from harness import world
from harness.case import Case
from harness.nats_server import Cluster, NatsServer, two_sites
from harness.relay import Relay
from harness.waiting import until


@dataclasses.dataclass
class TwoSites:
    nodes: Cluster  # of both
    paris: NatsServer
    rome: NatsServer
    way: Relay  # between the two


class NatsCase(Case):
    needs_replication = True

    def set_environment(self, name, value):
        os.environ[name] = value
        self.addCleanup(os.environ.pop, name)

    def excuse_libnats(self):
        """For a test with TLS at its broker: see libnats_tls.tsan. Before its node is started."""
        self.set_environment("TSAN_OPTIONS", f"suppressions={os.path.abspath('libnats_tls.tsan')}")

    def server(self, more="", host=12, name="nats"):
        server = NatsServer(self.directory, self.addresses.host(host), name, more)
        self.addCleanup(server.stop)
        return server.start()

    def cluster(self, count, *arguments, server=None):
        return Cluster(self, [server or self.server()], count, *arguments)

    def cluster_of_two_sites(self, nodes_each):
        """Nodes in step at paris, then those at rome, on two sites that are joined."""
        way = (self.addresses.host(11), 7422)
        paris, rome = two_sites(self, through=way)
        paris.start()
        relay = Relay(way, (paris.address[0], 7422))
        self.addCleanup(relay.stop)
        rome.start()
        until(lambda: paris.ask("$JS.rome.API.INFO", seconds=1), 20, "the sites are joined")
        at_paris = Cluster(self, [paris], nodes_each, "--nats-site", "paris", "--nats-sites",
                           "rome", "--nats-domain", "paris")
        at_rome = Cluster(self, [rome], nodes_each, "--nats-site", "rome", "--nats-sites", "paris",
                          "--nats-domain", "rome", first=nodes_each)
        at_paris.nodes += at_rome.nodes
        return TwoSites(at_paris.start(60), paris, rome, relay)

    def chance(self):
        """Random numbers; of a seed that is printed, and that CHAOS_SEED repeats."""
        seed = world.number("CHAOS_SEED", random.randrange(1 << 30))
        print(f"CHAOS_SEED={seed}", flush=True)
        return random.Random(seed)

    def assert_values(self, nodes, expected, seconds=10):
        """All hold exactly this of the keys: {key: value, or None where nothing is left}."""
        held = nodes.wait_until_equal(list(expected), seconds)
        wrong = {key: (held.get(key), value) for key, value in expected.items()
                 if (held[key][0] if key in held else None) != value}
        self.assertEqual(dict(list(wrong.items())[:3]), {}, f"{len(wrong)} keys")

    def write(self, node, seed, count, keys=300):
        """Random sets and deletes; {key: the value it has then, None: none}."""
        chance = random.Random(seed)
        expected = {}
        with node.client(20) as client:
            for number in range(count):
                key = b"key%d" % chance.randrange(keys)
                if chance.random() < 0.3:
                    client.ask(b"delete " + key)
                    expected[key] = None
                else:
                    expected[key] = b"%d-%d" % (seed, number)
                    self.assertEqual(client.set(key, expected[key]), b"STORED")
        return expected


class Load:
    """A client that sets and deletes all the time, and notes how long each took."""

    def __init__(self, node, prefix=b"load"):
        self.node = node
        self.prefix = prefix
        self.expected = {}
        self.slowest = 0.0
        self.errors = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        number = 0
        try:
            with self.node.client(20) as client:
                while not self._over.is_set():
                    number += 1
                    key = b"%s%d" % (self.prefix, number % 500)
                    began = time.monotonic()
                    if number % 7:
                        self.expected[key] = b"%d" % number
                        client.set(key, self.expected[key])
                    else:
                        self.expected[key] = None
                        client.ask(b"delete " + key)
                    self.slowest = max(self.slowest, time.monotonic() - began)
                    time.sleep(0.001)
        except Exception as error:  # told when the test ends the load
            self.errors.append(error)

    def end(self):
        self._over.set()
        self._thread.join()
        if self.errors:
            raise self.errors[0]
        return self.expected
