"""conf/nutcracker.yml as it is shipped: twemproxy over two pairs, each behind HAProxy, while nodes of
one pair die, leave and hang."""
import os
import subprocess
import time

from harness import Case, main, until, world
from harness.client import Client
from harness.node import Pair
from harness.numbered import Crowd, lay_base
from harness.process import Process
from harness.shipped import ShippedHAProxy, arguments_for_checks, text_of

PROGRAM = "/usr/sbin/nutcracker"
WRITERS = 4


class OverTwoPairs(Case):
    needs_replication = True

    def setUp(self):
        super().setUp()
        self.shift = self.client_port - world.CLIENT_PORT
        self.pairs = [self._pair_of(number, first) for number, first in ((1, 1), (2, 5))]
        for pair in self.pairs:
            pair.launch()
        fronts = []
        for number, pair in enumerate(self.pairs, 1):
            for node in pair:
                node.wait_until_open()
            pair.wait_until_linked()
            fronts.append(self._haproxy_of(number, pair))
        self.proxies = [front for front, _ in fronts]
        self.address = self._start_nutcracker([host for _, host in fronts])

    def _pair_of(self, number, first):
        hosts = [self.addresses.host(first), self.addresses.host(first + 1)]
        return Pair(*(self.node(*arguments_for_checks(host, self.shift), name=f"{name}{number}",
                                host=at, peer=peer)
                      for name, host, peer, at in (("a", *hosts, first),
                                                   ("b", *reversed(hosts), first + 1))))

    def _haproxy_of(self, number, pair):
        directory = os.path.join(self.directory, f"haproxy-{number}")
        os.mkdir(directory)
        host = self.addresses.host(8 + number)
        proxy = ShippedHAProxy(directory, host, pair)
        self.addCleanup(proxy.stop)
        return proxy.start(), host

    def _start_nutcracker(self, pairs):
        front = self.addresses.host(12)
        addresses = {"10.0.0.10": pairs[0], "10.0.0.20": pairs[1], "127.0.0.1": front}
        path = os.path.join(self.directory, "nutcracker.yml")
        with open(path, "w") as file:
            file.write(text_of("nutcracker.yml", self.shift, addresses))
        tried = subprocess.run([PROGRAM, "-t", "-c", path], capture_output=True, text=True,
                               check=False)
        self.assertEqual(tried.returncode, 0, tried.stderr)
        proxy = Process([PROGRAM, "-c", path, "-a", front, "-s", "22222",
                         "-o", os.path.join(self.directory, "nutcracker.log"),
                         "-p", os.path.join(self.directory, "nutcracker.pid")],
                        os.path.join(self.directory, "nutcracker.out.log"))
        self.addCleanup(proxy.stop)
        address = (front, 22121)
        until(lambda: Client(address).close() or True, 5, "nutcracker listens")
        return address

    def _serving(self, pair):
        """The node of the pair that has the clients."""
        return max(pair, key=lambda node: int(node.stats()["cmd_set"]))

    def test_a_node_that_dies_leaves_or_hangs_costs_some_errors_and_no_value(self):
        with Client(self.address) as client:
            lay_base(client)
        for pair in self.pairs:
            pair.wait_until_at_rest()
            self.assertGreater(int(pair.a.stats()["curr_items"]), 100, "both pairs have a share")
        crowd = Crowd(self.address, "nutcracker", WRITERS).start()
        self.addCleanup(crowd.stop)
        self._wait_until_answered(crowd)
        pair = self.pairs[0]
        for kind, errors, gap in (("kill", 6, 0.05), ("stop", 6, 0.05), ("hang", 8, 0.4)):
            victim = self._serving(pair)
            since = time.monotonic()
            {"kill": victim.kill, "stop": victim.stop, "hang": victim.pause}[kind]()
            self._wait_until_answered(crowd)
            broken, again, _, longest = crowd.noticed(since, time.monotonic())
            print(f"{kind} {victim.name}: {broken} errors, {again} at the second try, "
                  f"{longest * 1000:.0f} ms without an answer", flush=True)
            if not world.IS_SANITIZED:
                self.assertLessEqual(broken, errors)
                self.assertLess(longest, gap * world.TIME_FACTOR)
            if kind == "hang":
                victim.resume()
            else:
                victim.start()
            pair.wait_until_linked(10)
            until(self.proxies[0].all_up, 10, "HAProxy uses both again")
        crowd.stop()
        self.assertEqual(crowd.troubles(), [])

    @staticmethod
    def _wait_until_answered(crowd, count=20):
        since = time.monotonic()
        until(lambda: crowd.answered_since(since) >= count, 10, "clients are answered")


if __name__ == "__main__":
    main()
