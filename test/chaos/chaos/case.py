"""The TestCase of the chaos suite: two machines, their network, the history of their clients, and
the checks that every test ends with. It knows when the nodes were apart, and so what a death may
take with it: what was acknowledged since, or in the last moment before."""
import os
import time

from chaos.checkers import check_all
from chaos.history import History, Operation
from chaos.load import Load, MetaClient
from chaos.machine import Clock, Machine
from chaos.network import the_network
from harness import Case, Pair, until, world

SEED = world.number("CHAOS_SEED", int(time.time()))
# What a node that dies may take with it while linked (P5): normally a round trip; this bounds it.
LAST_MOMENT = 0.5


class ChaosCase(Case):
    needs_replication = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.network = the_network()
        cls.client_port, cls.link_port = world.CLIENT_PORT, world.LINK_PORT

    def setUp(self):
        super().setUp()
        print(f"CHAOS_SEED={SEED}", flush=True)
        self.network.heal()
        self.addCleanup(self.network.heal)
        self.history = History()
        self._apart_since = None

    # --- what tests are made of ------------------------------------------------------------------

    def machines(self, *arguments, clocks=False):
        """A pair on the two hosts, not started yet. a is the lower address."""
        if clocks and not Clock.is_available():
            print("*** SKIPPED: no libfaketime here (Debian: faketime)", flush=True)
            self.skipTest("no libfaketime")
        hosts = self.network.hosts()
        made = [Machine(host, self.network.other(host), self.directory, arguments,
                        Clock(self.directory, host.name) if clocks else None) for host in hosts]
        for machine in made:
            self.addCleanup(self._stop, machine)
        self.nodes = Pair(*made)
        return self.nodes

    def load(self, *targets, **options):
        """Clients of these nodes, by default of both; use with `with`."""
        return Load(self.history, targets or tuple(self.nodes), SEED, **options)

    def flush(self, node):
        flush = self.history.add(Operation("the test", node.name, node.incarnation, "flush", b"",
                                           start=time.monotonic()))
        # A node that stood still a moment ago closes clients whose requests waited: asked again.
        until(lambda: self._is_flushed(node), 10, f"{node.name} answers a flush")
        flush.end, flush.answered = time.monotonic(), True

    @staticmethod
    def _is_flushed(node):
        with MetaClient(node.address) as client:
            client.flush()
        return True

    # --- misfortune ----------------------------------------------------------------------------

    def cut(self, *nodes):
        """What these nodes send to each other is lost; of both, by default."""
        self._come_apart()
        self.network.cut(*(node.machine for node in nodes))

    def heal(self):
        self.network.heal()

    def _come_apart(self):
        if self._apart_since is None:
            self._apart_since = time.monotonic()

    def kill(self, node):
        """kill -9. What the node acknowledged and the peer had not confirmed may be lost."""
        now = time.monotonic()
        since = (self._apart_since or now) - world.scaled(LAST_MOMENT)
        node.kill()
        self.history.excuse(node.name, since)

    def pause(self, node):
        self._come_apart()
        node.pause()

    # --- how every test ends -------------------------------------------------------------------

    def rest(self, seconds=15):
        """Waits until nothing is left to say. REQUIRES: the link is whole, no load runs."""
        self.nodes.wait_until_at_rest(seconds)
        self._apart_since = None

    def held(self):
        """{node: {key: (value, cas)}} of all keys of the history."""
        keys = sorted(key for key in self.history.by_key())
        found = {}
        for node in self.nodes:
            with MetaClient(node.address) as client:
                items = client.gets_many(keys)
            found[node.name] = {key: (value, cas) for key, (value, _, cas) in items.items()}
        return found

    def check(self, misses_allowed=False, seconds=15):
        """At rest, and nobody was lied to. Returns what both nodes hold."""
        self.rest(seconds)
        held = self.held()
        problems = check_all(self.history, held, misses_allowed)
        self._report(held)
        self.assertEqual(problems, [], f"CHAOS_SEED={SEED}")
        return held

    def _report(self, held):
        history = self.history
        sets, deletes, reads = (history.count(kind, answered=True)
                                for kind in ("set", "delete", "read"))
        unanswered = history.count(answered=False)
        print(f"{sets} sets, {deletes} deletes, {reads} reads answered, {unanswered} not; "
              f"at rest {len(held['a'])} and {len(held['b'])} keys are held", flush=True)
        self.assertGreater(sets, 0, "a history in which nothing happens proves nothing")

    def wait_until_written(self, node, count, seconds=20):
        """Until clients of this node were answered `count` more times."""
        since = time.monotonic()
        until(lambda: self.history.count(answered=True, node=node.name, since=since) >= count,
              seconds, f"{count} more answers of {node.name}", interval=0.02)

    def wait_until_linked(self, seconds, what):
        began = time.monotonic()
        self.nodes.wait_until_linked(seconds)
        print(f"{what}: linked {time.monotonic() - began:.2f} s later", flush=True)

    def log_of(self, node):
        with open(os.path.join(self.directory, f"{node.name}.log"), errors="replace") as file:
            return file.read()
