"""A node that comes back empty meets no client before it has everything, whatever the balancer asks
it: its readiness, its agent, or nothing but whether its port takes a connection."""
import threading
import time

from harness import Case, main, until, world
from harness.admin import Admin
from harness.client import Client
from harness.node import Pair
from harness.proxy import HAProxy
from harness.shipped import ShippedHAProxy, arguments_for_checks

KEYS = [b"key-%d" % n for n in range(5_000)]
VALUE = b"v" * 200
ASKED = 40   # keys of each new client
SOURCES = 3  # addresses that clients come from: a balancer that goes by them uses both nodes
# So that a resync takes two seconds, and not a twentieth of one.
SYNC_RATE = "1m"


class NewClients(threading.Thread):
    """One new connection after the other, each of which asks for keys that are all there."""

    def __init__(self, address, sources):
        super().__init__(daemon=True)
        self.address = address
        self.met = []       # (when, the node's process)
        self.missing = []
        self._sources = sources
        self._stopping = threading.Event()

    def run(self):
        asked = 0
        while not self._stopping.wait(0.01):
            source = self._sources[asked % len(self._sources)]
            keys = [KEYS[(asked * ASKED + n) % len(KEYS)] for n in range(ASKED)]
            asked += 1
            try:
                with Client(self.address, source=source) as client:
                    pid = int(client.stats()["pid"])
                    found = client.gets_many(keys)
            except OSError:  # what a failover costs is measured in test_haproxy.py
                continue
            self.met.append((time.monotonic(), pid))
            self.missing += [(pid, key) for key in keys if key not in found]

    def stop(self):
        self._stopping.set()
        self.join()

    def met_since(self, moment):
        return [pid for at, pid in list(self.met) if at > moment]


class ReturnsEmpty(Case):
    needs_replication = True

    def setUp(self):
        super().setUp()
        self.shift = self.client_port - world.CLIENT_PORT
        self.nodes = Pair(*(
            self.node(*arguments_for_checks(self.addresses.host(n), self.shift), "--sync-rate",
                      SYNC_RATE, name=name, host=n, peer=self.addresses.host(3 - n))
            for name, n in (("a", 1), ("b", 2)))).start()
        with self.nodes.a.client() as client:
            for key in KEYS:
                client.send(b"set %s 0 0 %d noreply\r\n%s\r\n" % (key, len(VALUE), VALUE))
            client.ask(b"version")
        self.nodes.wait_until_at_rest(20)
        self.sources = [self.addresses.host(3 + n) for n in range(SOURCES)]

    def _watch(self, proxy, addresses):
        """Kills a, lets it return, and tells what new clients of each address met meanwhile."""
        self.addCleanup(proxy.stop)
        proxy.start()
        crowds = {name: NewClients(address, self.sources) for name, address in addresses.items()}
        for crowd in crowds.values():
            self.addCleanup(crowd.stop)
            crowd.start()
        self._wait_until_met(crowds, time.monotonic())
        self.nodes.a.kill()
        until(lambda: "a" in self._down(proxy), 5, "the balancer has found out")
        given = self._given_to_a(proxy)
        since = time.monotonic()
        self.nodes.a.launch()
        until(lambda: Admin.of(self.nodes.a).status("/healthz") == 200, 10, "a lives")
        given_meanwhile, not_ready = self._given_until_ready(proxy)
        self.assertEqual(given_meanwhile, given, "sessions, refused connections")
        for name, crowd in crowds.items():
            self.assertGreater(len(crowd.met_since(since)), 10, f"new clients of {name} meanwhile")
        self.nodes.a.wait_until_open(20)
        opened = time.monotonic()
        until(proxy.all_up, 10, "the balancer uses both again")
        self._wait_until_met(crowds, time.monotonic())
        for crowd in crowds.values():
            crowd.stop()
        return crowds, since, not_ready, opened

    @staticmethod
    def _down(proxy):
        """The servers that are down in every `listen`."""
        rows = proxy.rows()
        return {row["svname"] for row in rows} - {row["svname"] for row in rows
                                                  if not row["status"].startswith("DOWN")}

    def _given_until_ready(self, proxy):
        """What a was given up to the last moment in which it was seen not to be ready, and when
        that was."""
        last = None
        while True:
            seen = self._given_to_a(proxy), time.monotonic()
            if Admin.of(self.nodes.a).status("/readyz") == 200:
                return last
            last = seen

    @staticmethod
    def _given_to_a(proxy):
        """{listen: (sessions, connections that were refused)}"""
        return {row["pxname"]: (row["stot"], row["econ"]) for row in proxy.rows()
                if row["svname"] == "a"}

    @staticmethod
    def _wait_until_met(crowds, since, count=5):
        for name, crowd in crowds.items():
            until(lambda crowd=crowd: len(crowd.met_since(since)) >= count, 10,
                  f"new clients of {name} are answered")

    def _assert_nobody_met_it_empty(self, watched, has_clients_again):
        crowds, since, not_ready, opened = watched
        returned = self.nodes.a.process.pid
        for name, crowd in crowds.items():
            print(f"{name}: {len(crowd.met_since(since))} new clients since a came back",
                  flush=True)
            self.assertEqual(crowd.missing, [], name)
            early = [at for at, pid in crowd.met if pid == returned and at < not_ready]
            self.assertEqual(early, [], name)
            if name in has_clients_again:
                self.assertIn(returned, crowd.met_since(opened), name)

    def test_by_its_readiness_and_by_its_agent(self):
        fronts = ("memcached", "memcached-prefers-a", "memcached-both", "memcached-drained")
        proxy = ShippedHAProxy(self.directory, self.addresses.host(15), self.nodes)
        watched = self._watch(proxy, {front: proxy.address_of(front) for front in fronts})
        self._assert_nobody_met_it_empty(watched, ("memcached-prefers-a",))

    def test_by_a_check_that_merely_connects(self):
        address = (self.addresses.host(15), self.client_port)
        proxy = HAProxy(self.directory, address, list(self.nodes), check="")
        self._assert_nobody_met_it_empty(self._watch(proxy, {"tcp": address}), ("tcp",))


if __name__ == "__main__":
    main()
