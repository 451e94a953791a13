"""The TestCase of all integration tests: it hands out nodes and proxies, and ends what it started.

A failed test leaves its directory behind and prints the end of every log in it."""
import os
import shutil
import tempfile
import unittest

from harness import world
from harness.node import Node, Pair
from harness.proxy import HAProxy
from harness.relay import Relay

LOG_LINES_SHOWN = 40
ALARMS = ("ThreadSanitizer", "AddressSanitizer", "LeakSanitizer", "runtime error:", "Assertion `")


def main():
    """Runs the tests of the calling file."""
    unittest.main(verbosity=2)


class Case(unittest.TestCase):
    needs_replication = False

    def shortDescription(self):
        return None  # a test's name is its description

    @classmethod
    def setUpClass(cls):
        if not os.access(world.SERVER, os.X_OK):
            raise unittest.SkipTest(f"no server at {world.SERVER}; set TWINCACHED")
        if cls.needs_replication and world.IS_MEMCACHED:
            raise unittest.SkipTest("memcached has no peer")
        cls.client_port, cls.link_port = world.usual_ports()

    def setUp(self):
        # Short, because the path of a unix socket may not be long.
        self.directory = tempfile.mkdtemp(prefix="twincached-")
        os.chmod(self.directory, 0o755)
        self.addresses = world.Addresses()
        self.addCleanup(self._keep_or_remove_directory)

    def _keep_or_remove_directory(self):
        if self._has_failed():
            self._show_logs()
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _has_failed(self):
        outcome = self._outcome
        problems = outcome.result.failures + outcome.result.errors
        return any(error for test, error in problems if getattr(test, "test_case", test) is self)

    def _show_logs(self):
        print(f"\n--- logs of {self.id()}, kept in {self.directory}", flush=True)
        for name in sorted(os.listdir(self.directory)):
            if not name.endswith(".log"):
                continue
            with open(os.path.join(self.directory, name), errors="replace") as file:
                lines = file.readlines()
            print(f"--- {name}, {len(lines)} lines, the last {LOG_LINES_SHOWN}:")
            print("".join(lines[-LOG_LINES_SHOWN:]), flush=True)

    # --- what tests are made of ------------------------------------------------------------------

    def node(self, *arguments, name="node", host=1, peer=None, descriptors=None):
        """A node that is not started yet; it is stopped when the test ends."""
        node = Node(name, self.addresses.host(host), self.directory, self.client_port,
                    self.link_port, peer, arguments, descriptors)
        self.addCleanup(self._stop, node)
        return node

    def _stop(self, node):
        """Ends a node; what a sanitizer or an assertion has said of it fails the test."""
        node.stop()
        if node.process:
            for alarm in ALARMS:
                self.assertNotIn(alarm, node.process.log())

    def pair(self, *arguments):
        """Two nodes that dial each other; not started yet."""
        a = self.node(*arguments, name="a", host=1, peer=self.addresses.host(2))
        b = self.node(*arguments, name="b", host=2, peer=self.addresses.host(1))
        return Pair(a, b)

    def relayed_pair(self, *arguments, relay=Relay):
        """(pair, relays): two nodes whose links both pass through relays.

        The relays' addresses are such that each node sees its own end as low or high as without
        them, for that decides which of them is node a."""
        at = self.addresses.host
        a = self.node(*arguments, name="a", host=5, peer=at(11))
        b = self.node(*arguments, name="b", host=10, peer=at(4))
        relays = [relay((at(11), self.link_port), b.link_address, source=at(4)),
                  relay((at(4), self.link_port), a.link_address, source=at(11))]
        for relay in relays:
            self.addCleanup(relay.stop)
        return Pair(a, b), relays

    def haproxy(self, nodes):
        proxy = HAProxy(self.directory, (self.addresses.host(15), self.client_port), list(nodes))
        self.addCleanup(proxy.stop)
        return proxy.start()

    def assert_still_serves(self, node):
        with node.client() as client:
            self.assertEqual(client.set(b"still", b"here"), b"STORED")
            self.assertEqual(client.get(b"still"), b"here")
