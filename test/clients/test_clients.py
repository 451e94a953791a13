"""Client libraries as people have them: each does all that it can on one node and finds it on the
other, in both directions; and each goes on when one of two nodes behind HAProxy is killed."""
import os
import subprocess
import time
import unittest

import clients
from harness import Case, main, until, world

CLIENTS = clients.found_here()


def output_of(client, mode, *words, seconds=60):
    """(exit status, output) of a client's program."""
    ended = subprocess.run(client.command(mode, *words), capture_output=True, text=True,
                           env=client.environment(), timeout=world.scaled(seconds))
    return ended.returncode, ended.stdout + ended.stderr


class Everything(Case):
    """`test_<client>` for each of them is made below."""
    needs_replication = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared = None

    def setUp(self):
        super().setUp()
        self.nodes = self.pair().start()

    def all_it_can(self, client):
        for here in self.nodes:
            there = self.nodes.other(here)
            with self.subTest(on=here.name):
                at = ["{}:{}".format(*node.address) for node in (here, there)]
                prefix = f"{client.name}-{here.name}-"
                status, said = output_of(client, "everything", prefix, *at)
                self.assertEqual(status, 0, said)
                self.assertTrue(said.endswith("done\n"), said)


def _test_of(client):
    def test(self):
        if client.lacks:
            self.skipTest(f"{client.name} lacks {client.lacks}")
        self.all_it_can(client)
    return test


for each in CLIENTS:
    setattr(Everything, f"test_{each.name}", _test_of(each))


class Arbitrated(Case):
    """Each client's counter, counted on both nodes at once; and PHP's sessions, whose lock is an
    `add`: three requests on each node read and write one session."""
    needs_replication = True
    TIMES = 20 if world.IS_SANITIZED else 200

    def setUp(self):
        super().setUp()
        self.nodes = self.pair("--arbitrate", "conditional").start()
        until(lambda: all(node.replication()["repl_arbitration"] == "conditional"
                          for node in self.nodes), 20, "one node decides for both")

    def count_on_both(self, clients_there, key, times, programs=1):
        """How often it was counted."""
        children = [subprocess.Popen(
            client.command("count", key, "{}:{}".format(*node.address), str(times)),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=client.environment())
            for client in clients_there for node in self.nodes for _ in range(programs)]
        for child in children:
            self.addCleanup(child.stdout.close)
        for child in children:
            said, _ = child.communicate(timeout=world.scaled(60))
            self.assertEqual((child.returncode, said), (0, "done\n"))
        return len(children) * times

    def test_a_counter_of_each_client_counts_what_both_nodes_are_asked(self):
        able = [client for client in CLIENTS if client.counts and not client.lacks]
        self.assertTrue(able)
        for client in able:
            with self.subTest(client=client.name):
                wanted = self.count_on_both([client], f"n-{client.name}", self.TIMES)
                until(lambda: all(self.counted(node, f"n-{client.name}") == wanted
                                  for node in self.nodes), 5, f"{client.name} has lost none")

    def counted(self, node, key):
        with node.client() as client:
            return int(client.get(key.encode()))

    def test_a_session_of_php_is_locked_for_both_nodes(self):
        able = [client for client in CLIENTS
                if client.name.startswith("php_sessions") and not client.lacks]
        for client in able:
            with self.subTest(client=client.name):
                wanted = self.count_on_both([client], f"locked-{client.name}".replace("_", "-"),
                                            self.TIMES // 10, programs=3)
                for node in self.nodes:
                    until(lambda node=node: self.session_of(node, client) == wanted, 5,
                          "no request has lost another's change")

    def session_of(self, node, client):
        """What a session of `count|i:120;` has counted to."""
        prefix = b"memc.sess.key." if client.name.endswith("memcached") else b""
        key = prefix + f"locked-{client.name}".replace("_", "-").encode()
        with node.client() as asking:
            held = asking.get(key) or b""
        digits = held.split(b"count|i:")[-1].split(b";")[0]
        return int(digits) if digits.isdigit() else held


class Failover(Case):
    """All clients at once behind HAProxy, which stands in front of two nodes. One is killed and
    comes back, and then the other is killed: every client meets at least one of the two."""
    needs_replication = True
    SECONDS = 14.0
    RECOVERED = 3.0  # after a kill; from then on nothing may fail

    def test_every_client_survives_the_kill_of_the_node_that_it_speaks_to(self):
        able = [client for client in CLIENTS if client.loops and not client.lacks]
        self.assertTrue(able)
        nodes = self.pair().start()
        proxy = self.haproxy(nodes)
        at = "{}:{}".format(*proxy.address)
        runs = [Run(client, at, self.SECONDS, self.directory) for client in able]
        for run in runs:
            self.addCleanup(run.end)
        until(lambda: all(run.stored() for run in runs), 20, "every client has stored something")
        nodes.a.kill()
        time.sleep(self.RECOVERED / 2)
        nodes.a.start()
        nodes.wait_until_linked()
        until(proxy.all_up, 5, "HAProxy uses both again")
        nodes.b.kill()
        time.sleep(self.RECOVERED)
        for run in runs:
            run.mark()
        for run in runs:
            run.wait()
        print(f"\n{'client':24} {'stored':>7} {'failed':>7} {'lost':>5}", flush=True)
        with nodes.a.client() as survivor:
            for run in runs:
                with self.subTest(client=run.client.name):
                    self._check(run, survivor)

    def _check(self, run, survivor):
        stored = [key.encode() for key in run.stored()]
        lost = [key for key in stored if survivor.get(key) is None]
        print(f"{run.client.name:24} {len(stored):7} {len(run.failures()):7} {len(lost):5}",
              flush=True)
        self.assertTrue(run.said().endswith("done\n"), run.said()[-500:])
        self.assertGreater(len(stored), 10)
        self.assertEqual(run.failures_since_mark(), [], "it has recovered")
        self.assertTrue(run.stored_since_mark(), "it goes on")
        # What had been answered when a node died and was not yet sent to the other: two died.
        self.assertLessEqual(len(lost), 2, lost)


class Run:
    """A client's program in its loop; what it says goes to a file."""

    def __init__(self, client, at, seconds, directory):
        self.client = client
        self._path = os.path.join(directory, f"{client.name}.log")
        self._marked = 0
        with open(self._path, "wb") as output:
            self._child = subprocess.Popen(
                client.command("loop", f"loop-{client.name}", at, str(seconds)),
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env=client.environment())

    def said(self):
        with open(self._path, errors="replace") as file:
            return file.read()

    def answers(self):
        """Without the last line, which may be half written."""
        return [line for line in self.said().split("\n")[:-1] if line[:3] in ("ok ", "no ")]

    def mark(self):
        self._marked = len(self.answers())

    def stored(self):
        return [line[3:] for line in self.answers() if line.startswith("ok ")]

    def failures(self):
        return [line for line in self.answers() if line.startswith("no ")]

    def stored_since_mark(self):
        return [line for line in self.answers()[self._marked:] if line.startswith("ok ")]

    def failures_since_mark(self):
        return [line for line in self.answers()[self._marked:] if line.startswith("no ")]

    def wait(self):
        self._child.wait(world.scaled(60))

    def end(self):
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()


class Installed(unittest.TestCase):
    """Where the clients are promised, a skip is a failure."""

    def test_no_client_is_missing_where_all_are_promised(self):
        lacking = {client.name: client.lacks for client in CLIENTS if client.lacks}
        for name, what in lacking.items():
            print(f"SKIPPED {name}: {what} is not there", flush=True)
        if os.environ.get("TWINCACHED_ALL_CLIENTS") == "1":
            self.assertEqual(lacking, {})


if __name__ == "__main__":
    main()
