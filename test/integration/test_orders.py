"""What an operator tells nodes while they run: drain, undrain, promote, switchover, resync, the log
level; by twinctl, and by POST."""
import json
import os
import signal
import socket
import subprocess
import threading
import time
import unittest

from harness import Case, main, until, world
from harness.admin import Admin

TWINCTL = os.environ.get("TWINCTL", os.path.join(os.path.dirname(world.SERVER), "twinctl"))
ACTIONS = ("/drain", "/undrain", "/promote", "/switchover", "/resync", "/log-level?level=debug")


def free_port(host):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


class Ordered(Case):
    def told(self, node, *words):
        """(exit status, what twinctl said)."""
        ended = subprocess.run([TWINCTL, "--pid", str(node.process.pid), *words],
                               capture_output=True, text=True, timeout=world.scaled(60))
        return ended.returncode, (ended.stdout + ended.stderr).strip()

    def post(self, admin, path):
        status, _, body = admin.ask(path, method="POST", Content_Length="0")
        return status, body.strip()


@unittest.skipUnless(os.access(TWINCTL, os.X_OK), "no twinctl beside the server")
class ANodeAlone(Ordered):
    def test_a_drained_node_is_not_ready_and_serves_whoever_is_there(self):
        node = self.node().start()
        admin = Admin.of(node)
        with node.client() as client:
            self.assertEqual(self.told(node, "drain"),
                             (0, "drained: /readyz says not ready, connections go on"))
            self.assertEqual(admin.status("/readyz"), 503)
            self.assertEqual(admin.status("/primary"), 503)
            self.assertEqual(admin.page()["phase"], "drained")
            self.assertEqual(client.set(b"a", b"1"), b"STORED")
            self.assertTrue(node.is_open())  # who comes all the same is served
            self.assertEqual(self.told(node, "drain"),
                             (1, "not done: this node is drained already"))
            self.assertEqual(self.told(node, "undrain")[0], 0)
            self.assertEqual(admin.status("/readyz"), 200)
            self.assertEqual(client.get(b"a"), b"1")
        self.assertEqual(self.told(node, "undrain"), (1, "not done: this node is not drained"))
        self.assertIn("drained by an operator", node.process.log())

    def test_orders_that_need_two_nodes_are_refused_with_a_sentence(self):
        node = self.node().start()
        for order in ("promote", "switchover", "resync"):
            code, text = self.told(node, order, "--json")
            self.assertEqual((code, json.loads(text)["done"]), (1, False))
            self.assertIn("no peer is configured", json.loads(text)["sentence"])

    def test_the_log_level_is_changed_and_changed_back(self):
        node = self.node().start()
        self.assertEqual(self.told(node, "log-level", "debug"), (0, "the log level is debug"))
        with node.client() as client:
            client.ask(b"version")
        self.assertEqual(node.stats(b"settings")["verbosity"], "1")
        self.assertEqual(self.told(node, "log-level", "info")[0], 0)
        self.assertEqual(node.stats(b"settings")["verbosity"], "0")

    def test_nobody_acts_by_a_port(self):
        host = self.addresses.host(1)
        port = free_port(host)
        path = os.path.join(self.directory, "admin.sock")
        node = self.node("--admin-listen", f"{host}:{port},{path}").start()
        for action in ACTIONS:
            status, why = self.post(Admin((host, port)), action)
            self.assertEqual(status, 403, action)
            self.assertIn("unix socket", why)
        self.assertEqual(Admin((host, port)).status("/readyz"), 200)
        self.assertEqual(self.post(Admin(path), "/drain")[0], 200)
        self.assertEqual(Admin(path).ask("/drain")[0], 405)
        ended = subprocess.run([TWINCTL, "--host", f"{host}:{port}", "undrain"],
                               capture_output=True, text=True, timeout=world.scaled(30))
        self.assertEqual(ended.returncode, 1)
        self.assertIn("not done: only the user of the node", ended.stdout)
        self.assertEqual(node.process.is_running(), True)


class APlannedStop(Ordered):
    def test_a_node_says_not_ready_and_serves_on_for_the_pause(self):
        pause = world.scaled(0.5)
        node = self.node("--drain-pause", f"{pause * 1000:.0f}ms").start()
        admin = Admin.of(node)
        with node.client() as client:
            began = time.monotonic()
            node.process.signal(signal.SIGTERM)
            until(lambda: admin.status("/readyz") == 503, 1, "it is not ready")
            self.assertEqual(admin.page()["phase"], "stopping")
            self.assertEqual(self.post(admin, "/undrain")[0], 409)
            with node.client() as another:
                self.assertEqual(another.set(b"a", b"1"), b"STORED")
            self.assertEqual(client.get(b"a"), b"1")
            self.assertLess(time.monotonic() - began, pause)
            until(lambda: not node.process.is_running(), pause + 5, "it has ended")
            self.assertGreaterEqual(time.monotonic() - began, pause)
        self.assertIn("not ready from now on", node.process.log())

    def test_a_second_signal_does_not_wait(self):
        node = self.node("--drain-pause", "600s").start()
        node.process.signal(signal.SIGTERM)
        until(lambda: Admin.of(node).status("/readyz") == 503, 2, "it pauses")
        node.process.signal(signal.SIGTERM)
        until(lambda: not node.process.is_running(), 5, "it has ended")

    def test_a_node_that_never_opened_does_not_pause(self):
        node = self.node("--drain-pause", "600s", "--boot-grace", "600s",
                         peer=self.addresses.host(9)).launch()
        until(lambda: Admin.of(node).status("/healthz") == 200, 10, "it runs")
        node.process.signal(signal.SIGTERM)
        until(lambda: not node.process.is_running(), 5, "it has ended")

    def test_what_the_peer_does_not_have_is_told_with_its_number_and_the_peer(self):
        a, b = self.pair("--drain-timeout", "300ms", "--silence", "60s").start()
        until(a.is_linked, 20, "they are linked")
        b.pause()
        self.addCleanup(b.resume)
        with a.client() as client:
            for i in range(200):
                client.set(b"k%d" % i, b"1")
        a.process.signal(signal.SIGTERM)
        until(lambda: not a.process.is_running(), 10, "it has ended")
        self.assertIn("warning stopping with what {}:{} has not confirmed: 200 changes;".format(
            *b.link_address), a.process.log())

    def test_a_stop_that_leaves_nothing_behind_says_nothing_of_it(self):
        a, b = self.pair().start()
        until(a.is_linked, 20, "they are linked")
        with a.client() as client:
            client.set(b"k", b"1")
        a.process.signal(signal.SIGTERM)
        until(lambda: not a.process.is_running(), 10, "it has ended")
        self.assertNotIn("has not confirmed", a.process.log())


class Balanced(threading.Thread):
    """A client behind a balancer that asks /primary, whose connections are kept. The two
    nodes are asked one after the other, so that a change in between may show none of them as primary:
    then the one of before is asked on, and it serves."""

    def __init__(self, nodes, stop):
        super().__init__()
        self._nodes = list(nodes)
        self._stop_event = stop
        self.asked = {node.name: 0 for node in nodes}
        self.failed = []

    @staticmethod
    def _is_primary(admin):
        try:
            return admin.status("/primary") == 200
        except OSError:
            return False

    def run(self):
        clients = {node.name: node.client(timeout=world.scaled(5)) for node in self._nodes}
        admins = {node.name: Admin.of(node) for node in self._nodes}
        primary = self._nodes[0].name
        number = 0
        while not self._stop_event.is_set():
            if number % 50 == 0:
                found = [name for name, admin in admins.items() if self._is_primary(admin)]
                primary = found[0] if found else primary
            number += 1
            try:
                if clients[primary].set(b"k", b"1") != b"STORED":
                    self.failed.append("no STORED")
                self.asked[primary] += 1
            except OSError as error:
                self.failed.append(repr(error))
        for client in clients.values():
            client.close()


@unittest.skipUnless(os.access(TWINCTL, os.X_OK), "no twinctl beside the server")
class APair(Ordered):
    needs_replication = True

    def in_step(self, *arguments):
        nodes = self.pair(*arguments).start()
        for node in nodes:
            until(lambda: Admin.of(node).status("/synchronised") == 200, 20, "they are in step")
        return nodes

    def roles(self, nodes):
        return tuple(Admin.of(node).page()["role"] for node in nodes)

    def test_a_switchover_under_load_costs_no_request(self):
        nodes = self.in_step()
        stop = threading.Event()
        clients = [Balanced(nodes, stop) for _ in range(3)]
        for client in clients:
            client.start()
        try:
            for told, roles in ((nodes.a, ("secondary", "primary")),
                                (nodes.a, ("primary", "secondary"))):
                before = [dict(client.asked) for client in clients]
                code, text = self.told(told, "switchover")
                self.assertEqual(code, 0, text)
                until(lambda: self.roles(nodes) == roles, 5, "both know it")
                name = "b" if roles[1] == "primary" else "a"
                for client, asked in zip(clients, before):
                    until(lambda: client.asked[name] > asked[name], 10, "the client has moved")
        finally:
            stop.set()
            for client in clients:
                client.join()
        for client in clients:
            self.assertEqual(client.failed, [])
        self.assertTrue(nodes.a.is_linked())

    def test_a_promoted_secondary_is_primary_and_stays_it_when_the_link_heals(self):
        nodes = self.in_step()
        self.assertEqual(self.told(nodes.a, "promote"),
                         (1, "not done: this node is the primary already"))
        code, text = self.told(nodes.b, "promote")
        self.assertEqual((code, text.splitlines()[-1]), (0, "this node is the primary"))
        until(lambda: self.roles(nodes) == ("secondary", "primary"), 5, "a has stepped back")
        self.assertIn("role: primary: by an operator", nodes.b.process.log())

    def test_a_switchover_without_the_peer_is_refused(self):
        nodes = self.in_step()
        nodes.b.kill()
        until(lambda: Admin.of(nodes.a).page()["state"] != "LINKED", 5, "a has noticed")
        code, text = self.told(nodes.a, "switchover")
        self.assertEqual(code, 1)
        self.assertIn("not done: switchover needs the other node, which is not there", text)

    def test_a_drained_primary_hands_its_role_over(self):
        nodes = self.in_step()
        code, text = self.told(nodes.a, "drain")
        self.assertEqual(code, 0)
        self.assertIn("the other node becomes the primary", text)
        until(lambda: Admin.of(nodes.b).status("/primary") == 200, 5, "b is asked for instead")
        self.assertEqual(self.told(nodes.a, "undrain")[0], 0)
        until(lambda: Admin.of(nodes.a).status("/secondary") == 200, 5, "a is the secondary")

    def test_a_primary_that_is_stopped_hands_over_before_it_closes(self):
        nodes = self.in_step("--drain-pause", f"{world.scaled(250):.0f}ms")
        stop = threading.Event()
        client = Balanced(nodes, stop)
        client.start()
        try:
            until(lambda: client.asked["a"] > 0, 10, "it asks a")
            nodes.a.process.signal(signal.SIGTERM)
            until(lambda: client.asked["b"] > 0, 10, "it has moved")
            until(lambda: not nodes.a.process.is_running(), 10, "a has ended")
        finally:
            stop.set()
            client.join()
        self.assertEqual(client.failed, [])
        self.assertIn("role: primary: the primary handed over", nodes.b.process.log())

    def test_a_resync_compares_all_and_is_seen_to_its_end(self):
        nodes = self.in_step()
        with nodes.a.client() as client:
            for i in range(200):
                client.set(b"k%d" % i, b"1")
        before = int(nodes.a.replication()["repl_resyncs"])
        code, text = self.told(nodes.b, "resync")
        self.assertEqual((code, text.splitlines()[-1]),
                         (0, "all buckets are compared; the nodes are in step"))
        self.assertEqual(int(nodes.a.replication()["repl_resyncs"]), before + 1)
        self.assertEqual(self.roles(nodes), ("primary", "secondary"))
        for node in nodes:
            self.assertEqual(int(node.replication()["repl_sessions"]), 1)

    def history(self, node):
        return json.loads(Admin.of(node).ask("/history")[2])

    def test_a_failover_is_remembered_told_in_words_and_survives_a_restart(self):
        path = os.path.join(self.directory, "history")
        nodes = self.pair()
        nodes.b.arguments += ["--history-file", path]
        nodes.start()
        until(nodes.b.is_linked, 20, "they are linked")
        self.assertEqual([], self.history(nodes.b))
        nodes.a.kill()
        last = until(lambda: self.history(nodes.b), 10, "b remembers")[-1]
        self.assertEqual((last["from"], last["to"], last["here"]), ("a", "b", "b"))
        code, text = self.told(nodes.b, "explain")
        self.assertEqual(code, 0)
        self.assertIn("the primary changed from node a to node b", text)
        self.assertIn(last["why"], text)
        self.assertIn("link: LINKED -> LISTENING", text)  # the log around it
        until(lambda: os.path.exists(path), 5, "it is in the file")
        nodes.b.stop()
        nodes.b.launch(["--boot-grace", "60s"])
        self.assertEqual(until(lambda: self.history(nodes.b), 10, "it answers"), [last])
        self.assertEqual(json.loads(self.told(nodes.b, "explain", "--json")[1]), [last])

    def test_what_a_node_logs_is_watched_as_it_happens(self):
        node = self.node().start()
        watcher = subprocess.Popen([TWINCTL, "--pid", str(node.process.pid), "watch", "--json",
                                    "--interval", "50ms"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(watcher.stdout.close)
        self.addCleanup(watcher.wait)
        self.addCleanup(watcher.kill)
        admin = Admin.of(node)
        # It begins at its first look, of which nobody tells: something happens until it is seen.
        seen = []
        reader = threading.Thread(target=lambda: seen.append(watcher.stdout.readline()))
        reader.start()
        until(lambda: self.post(admin, "/log-level?level=info") and seen, 10, "it tells a line")
        reader.join()
        event = json.loads(seen[0])
        self.assertEqual((event["level"], event["text"]),
                         ("info", "log level set to info by an operator"))


if __name__ == "__main__":
    main()
