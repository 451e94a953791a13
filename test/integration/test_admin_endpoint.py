"""A node can be asked how it is at any time: cold, full, closed, refused, stopping, and with every
thread that serves clients stopped."""
import ctypes
import json
import os
import re
import socket
import subprocess
import time
import unittest
from unittest import mock

from harness import Case, Client, main, until, world
from harness.admin import Admin, local_address
from harness.node import Pair
from harness.proxy import HAProxy, by_admin_endpoint
from harness.schema import problems

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir)
ANSWERED_WITHIN = 0.010
PLACES = 32  # AdminEndpoint::places
STREAMS = 8  # AdminEndpoint::stream_places
ATTEMPTS = 5  # a delay that the server makes is there every time; one of the machine is not


def free_port(host):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


class StoppedThreads:
    """Stops the threads of a process that serve clients, and no other, as a debugger does."""

    _SEIZE, _INTERRUPT = 0x4206, 0x4207

    def __init__(self, pid, count, prefix="io-"):
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.ptrace.argtypes = [ctypes.c_long] * 4
        # A thread bears its name a moment after it has begun.
        until(lambda: len(self._named(pid, prefix)) == count, 5, f"{count} threads {prefix}*")
        self._threads = self._named(pid, prefix)

    @staticmethod
    def _named(pid, prefix):
        def name(task):
            with open(f"/proc/{pid}/task/{task}/comm") as file:
                return file.read()
        return [int(task) for task in os.listdir(f"/proc/{pid}/task") if name(task).startswith(prefix)]

    def __enter__(self):
        for thread in self._threads:
            for request in (self._SEIZE, self._INTERRUPT):
                if self._libc.ptrace(request, thread, 0, 0) != 0:
                    raise OSError(ctypes.get_errno(), "ptrace")
            os.waitpid(thread, 0x40000000)  # __WALL

    def __exit__(self, *_):
        for thread in self._threads:
            self._libc.ptrace(17, thread, 0, 0)  # PTRACE_DETACH


class Timed(Case):
    def assert_answers_at_once(self, admin, path, status):
        for attempt in range(ATTEMPTS):
            begun = time.monotonic()
            self.assertEqual(admin.status(path), status)
            took = time.monotonic() - begun
            if took < world.scaled(ANSWERED_WITHIN):
                return
        self.fail(f"{path}: {1000 * took:.1f} ms each time")

    def assert_all_answer_at_once(self, admin, readyz):
        for path, status in (("/healthz", 200), ("/readyz", readyz), ("/metrics", 200),
                             ("/status", 200)):
            self.assert_answers_at_once(admin, path, status)


class Asked(Timed):
    def started(self, *arguments, **options):
        node = self.node(*arguments, **options).start()
        admin = Admin.of(node)
        # The port is open a moment before the endpoint says so.
        if "--admin-listen" not in arguments:
            until(lambda: "not open to clients yet" not in admin.line("/readyz"), 10, "it says so")
        return node, admin

    # --- pages -----------------------------------------------------------------------------------

    def test_a_node_alone_is_ready_and_primary(self):
        _, admin = self.started()
        self.assertEqual(admin.ask("/healthz")[::2], (200, "alive\n"))
        self.assertEqual(admin.ask("/readyz")[::2],
                         (200, "ready; alone, no peer is configured\n"))
        self.assertEqual(admin.status("/primary"), 200)
        self.assertEqual(admin.status("/secondary"), 503)
        self.assertEqual(admin.status("/synchronised"), 503)

    def test_what_is_asked_wrongly_is_told_so(self):
        _, admin = self.started()
        self.assertEqual(admin.status("/nothing"), 404)
        self.assertEqual(admin.status("/synchronised?lag=100"), 400)
        status, headers, _ = admin.ask("/readyz", "POST")
        self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))
        status, headers, body = admin.ask("/readyz", "HEAD")
        self.assertEqual((status, body), (200, ""))
        self.assertGreater(int(headers["Content-Length"]), 0)

    def test_a_connection_that_is_kept_open_serves_many_requests(self):
        _, admin = self.started()
        connection = admin.connection()
        self.addCleanup(connection.close)
        for _ in range(20):
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            self.assertEqual(answer.status, 200)
            answer.read()

    # --- where -----------------------------------------------------------------------------------

    def test_it_listens_where_it_is_told_to_and_names_the_option_if_it_cannot(self):
        path = os.path.join(self.directory, "admin.sock")
        at = (self.addresses.host(1), free_port(self.addresses.host(1)))
        listen = f"local,{path},{at[0]}:{at[1]}"
        node = self.node("--admin-listen", listen).start()
        for address in (local_address(node.process.pid), path, at):
            self.assertEqual(Admin(address).status("/readyz"), 200)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o700)
        second = self.node("--admin-listen", f"{at[0]}:{at[1]}", name="second", host=2).launch()
        self.assertNotEqual(second.process.exit_status(), 0)
        self.assertIn(f"listen of [admin] {at[0]}:{at[1]}", second.process.log())
        node.stop()
        self.assertFalse(os.path.exists(path))

    def test_it_can_be_off(self):
        node = self.node("--admin-listen", "").start()
        with self.assertRaises(OSError):
            Admin.of(node).status("/healthz")

    def test_many_nodes_of_a_machine_never_meet(self):
        for number in range(1, 4):
            _, admin = self.started(name=f"n{number}", host=number)
            # The port is open a moment before the node says so.
            until(lambda: admin.status("/readyz") == 200, 5, "it is ready")

    # --- whatever clients do ---------------------------------------------------------------------

    def test_it_answers_at_once_at_the_connection_limit_and_the_node_stays_ready(self):
        node, admin = self.started("-c", "20")
        # Whoever asked whether it is open yet has left.
        until(lambda: admin.metrics()["memcached_current_connections"] == 0, 5, "nobody is there")
        clients = [node.client() for _ in range(20)]
        for client in clients:
            self.addCleanup(client.close)
            self.assertTrue(client.ask(b"version").startswith(b"VERSION"))
        with socket.create_connection(node.address, world.scaled(5)) as one_too_many:
            self.assertIn(b"Too many open connections", one_too_many.recv(100))
        for path in ("/healthz", "/readyz", "/metrics", "/status"):
            self.assert_answers_at_once(admin, path, 200)
        self.assertEqual(admin.metrics()["memcached_current_connections"], 20)

    def test_it_answers_at_once_while_every_thread_of_clients_is_stopped(self):
        node, admin = self.started("-t", "3")
        with node.client() as client:
            client.set(b"key", b"value")
        try:
            stopped = StoppedThreads(node.process.pid, 3)
            with stopped:
                for path in ("/healthz", "/readyz", "/primary", "/metrics", "/status"):
                    self.assert_answers_at_once(admin, path, 200)
        except PermissionError as error:
            self.skipTest(f"threads cannot be stopped one by one here: {error}")
        self.assert_still_serves(node)

    # --- who asks without end, or not at all -----------------------------------------------------

    def test_who_says_nothing_keeps_nobody_out(self):
        _, admin = self.started()
        silent = [admin.connection() for _ in range(200)]
        for connection in silent:
            self.addCleanup(connection.close)
            until(lambda: connection.connect() or True, 5, "there is room for one more")
            connection.sock.sendall(b"GET /readyz HT")
        for _ in range(10):
            self.assertEqual(admin.status("/readyz"), 200)

    def test_all_who_came_while_it_stood_still_are_answered(self):
        place = (self.addresses.host(1), free_port(self.addresses.host(1)))
        node, _ = self.started("--admin-listen", f"{place[0]}:{place[1]}")
        node.pause()
        waiting = []
        for _ in range(10 * PLACES):
            visitor = Client(place, 20)
            self.addCleanup(visitor.close)
            visitor.send(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")
            waiting.append(visitor)
        node.resume()
        for visitor in waiting:
            self.assertIn(b"200 OK", visitor.rest())

    @unittest.skipUnless(world.IS_ROOT, "at its socket without a path")
    def test_strangers_take_no_place_from_the_nodes_user(self):
        place = (self.addresses.host(1), free_port(self.addresses.host(1)))
        node, admin = self.started("--admin-listen", f"local,{place[0]}:{place[1]}")
        first = admin.connection()
        self.addCleanup(first.close)

        def ask():
            first.request("GET", "/healthz")
            answer = first.getresponse()
            answer.read()
            return answer.status
        self.assertEqual(ask(), 200)
        for _ in range(3):
            for _ in range(2 * PLACES):
                self.addCleanup(Client(place, 5).close)
            self.assertEqual(Admin(place).status("/healthz"), 200)
            self.assertEqual(ask(), 200)
        # Those of the user himself take turns, and of strangers there is room for none.
        for _ in range(2 * PLACES):
            another = admin.connection()
            self.addCleanup(another.close)
            another.request("GET", "/healthz")
            self.assertEqual(another.getresponse().status, 200)
        with Client(place, 5) as stranger:
            self.assertEqual(stranger.rest(), b"")

    @unittest.skipUnless(world.IS_ROOT, "at its socket without a path")
    def test_strangers_who_look_on_keep_the_nodes_user_from_nothing(self):
        place = (self.addresses.host(1), free_port(self.addresses.host(1)))
        _, admin = self.started("--admin-listen", f"local,{place[0]}:{place[1]}")
        for _ in range(STREAMS):
            stranger = Client(place, 5)
            self.addCleanup(stranger.close)
            stranger.send(b"GET /live HTTP/1.1\r\n\r\n")
            self.assertIn(b"200 OK", stranger.through(b"\r\n\r\n"))
        self.assertEqual(Admin(place).status("/live"), 503)
        looks = []
        for _ in range(STREAMS):
            connection = admin.connection()
            connection.request("GET", "/live")
            looks.append(connection.getresponse())
            self.addCleanup(looks[-1].close)
            self.assertEqual(looks[-1].status, 200)
        self.assertEqual(admin.status("/live"), 503)

    def test_a_request_that_does_not_end_is_closed_in_time(self):
        _, admin = self.started()
        connection = admin.connection()
        connection.connect()
        self.addCleanup(connection.close)
        begun = time.monotonic()
        connection.sock.settimeout(world.scaled(15))
        connection.sock.sendall(b"GET /readyz HTTP/1.1\r\nX: ")
        self.assertEqual(connection.sock.recv(100), b"")
        self.assertLess(time.monotonic() - begun, world.scaled(8))

    def test_what_is_too_long_or_no_http_gets_an_answer_and_the_end(self):
        _, admin = self.started()
        for request, status in ((b"GET /" + b"a" * 20000, b"431"), (b"version\r\n", b"400"),
                                (b"GET /readyz HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", b"413")):
            connection = admin.connection()
            connection.connect()
            self.addCleanup(connection.close)
            connection.sock.sendall(request)
            answer = b""
            while more := connection.sock.recv(4096):
                answer += more
            self.assertTrue(answer.startswith(b"HTTP/1.1 " + status), answer)

    def test_another_user_is_not_served_at_the_socket_without_a_path(self):
        if not world.IS_ROOT:
            self.skipTest("only root can become somebody else")
        node = self.node("-u", "nobody").start()
        admin = Admin.of(node)
        self.assertEqual(admin.status("/readyz"), 200)
        program = ("import os,socket;os.setgid(12345);os.setuid(12345);s=socket.socket("
                   f"socket.AF_UNIX);s.connect({admin.address!r});"
                   "s.settimeout(10);print(s.recv(10))")
        ended = subprocess.run(["/usr/bin/python3", "-c", program], capture_output=True, text=True)
        self.assertEqual(ended.stdout, "b''\n", ended.stderr)


class AskedOfAPair(Timed):
    needs_replication = True

    def test_both_nodes_say_which_they_are(self):
        nodes = self.pair().start()
        a, b = (Admin.of(node) for node in nodes)
        self.assertEqual((a.status("/primary"), b.status("/primary")), (200, 503))
        self.assertEqual((a.status("/secondary"), b.status("/secondary")), (503, 200))
        nodes.wait_until_at_rest()
        for admin in (a, b):
            until(lambda: admin.status("/synchronised?lag=1s") == 200, 3, "it says synchronised")
        page = a.page()
        self.assertEqual((page["state"], page["role"], page["ready"]), ("LINKED", "primary", True))
        self.assertEqual(page["peer"]["address"], "{}:{}".format(*nodes.b.link_address))

    def test_a_resync_is_told_in_percent_and_seconds_also_to_the_service_manager(self):
        nodes = self.pair("--sync-rate", "1m")
        nodes.a.start()
        with nodes.a.client() as client:
            for i in range(800):
                client.set(b"key%d" % i, b"x" * 1000)
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        path = os.path.join(self.directory, "notify")
        manager.bind(path)
        with mock.patch.dict(os.environ, NOTIFY_SOCKET=path):
            nodes.b.launch()
        admin = Admin.of(nodes.b)
        peer = until(lambda: self.peer_with_an_estimate(admin), 20, "b knows its pace")
        self.assertEqual(admin.page()["phase"], "cold")
        self.assertLess(0, peer["resync_percent"])
        self.assertLess(peer["resync_percent"], 100)
        nodes.b.wait_until_open(30)
        peer = until(lambda: admin.page()["state"] == "LINKED" and admin.page()["peer"], 20, "linked")
        self.assertEqual((peer["resync_percent"], peer["resync_seconds_left"]), (100, 0))
        manager.settimeout(world.scaled(5))
        told = []
        while not told or told[-1] != "READY=1":
            told.append(manager.recv(4096).decode())
        self.assertTrue(told[-2].startswith("STATUS=secondary; ready; in step with"), told)
        self.assertTrue(any("left to compare" in line for line in told), told)

    @staticmethod
    def peer_with_an_estimate(admin):
        peer = admin.page()["peer"]
        return peer if peer["resync_seconds_left"] else None

    def test_a_node_that_has_lost_its_peer_is_ready_and_not_synchronised(self):
        nodes = self.pair().start()
        admin = Admin.of(nodes.b)
        until(lambda: admin.page()["state_seconds"] >= 1, 5, "it says for how long it is linked")
        nodes.a.kill()
        until(lambda: admin.page()["state_seconds"] == 0, 5, "another state has begun")
        until(lambda: admin.status("/primary") == 200, 5, "b is the primary")
        self.assertEqual(admin.status("/readyz"), 200)
        self.assertEqual(admin.status("/synchronised"), 503)

    def test_a_node_that_is_not_open_yet_can_be_asked(self):
        node = self.node("--boot-grace", "60s", peer=self.addresses.host(9)).launch()
        admin = Admin.of(node)
        line = until(lambda: admin.line("/readyz"), 10, "it answers")
        self.assertIn("not open to clients yet", line)
        self.assertFalse(node.is_open())
        self.assertEqual(admin.status("/healthz"), 200)
        self.assertEqual(admin.status("/readyz"), 503)
        self.assertEqual(admin.page()["open"], False)
        self.assertEqual(admin.metrics()['twincached_repl_serving{state="COLD"}'], 1)
        self.assert_all_answer_at_once(admin, 503)

    def test_a_node_that_its_policy_has_closed_can_be_asked(self):
        nodes = self.pair("--on-split", "secondary-closed").start()
        nodes.a.pause()
        self.addCleanup(nodes.a.resume)
        admin = Admin.of(nodes.b)
        until(lambda: admin.status("/readyz") == 503, 10, "b is not ready")
        self.assertIn("closed to clients until the other node is seen again", admin.line("/readyz"))
        self.assertEqual(admin.status("/healthz"), 200)
        self.assertEqual(admin.page()["access"], "closed")
        self.assert_all_answer_at_once(admin, 503)

    def test_a_refused_node_says_why(self):
        secrets = []
        for name in ("one", "two"):
            secrets.append(os.path.join(self.directory, name))
            with open(secrets[-1], "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(f"the secret {name}, which is long enough to be one\n")
        a = self.node("--secret-file", secrets[0], name="a", host=1, peer=self.addresses.host(2))
        b = self.node("--secret-file", secrets[1], name="b", host=2, peer=self.addresses.host(1))
        a.launch()
        b.launch()
        admin = Admin.of(a)
        page = until(lambda: (page := admin.page())["state"] == "REFUSED" and page, 20,
                     "a says that it is refused")
        self.assertIn("not paired with", page["link"])
        self.assertIn("secret", page["link"])
        self.assert_all_answer_at_once(admin, admin.status("/readyz"))


class Metrics(Case):
    needs_replication = True

    def setUp(self):
        super().setUp()
        self.nodes = self.pair().start()
        self.admin = Admin.of(self.nodes.a)
        with self.nodes.a.client() as client:
            client.set(b"key", b"value")
            client.get(b"key")
            client.get(b"absent")

    def test_they_are_what_stats_tells(self):
        stats = self.nodes.a.stats()
        metrics = self.admin.metrics()
        self.assertEqual(metrics["twincached_get_hits_total"], int(stats["get_hits"]))
        self.assertEqual(metrics['memcached_commands_total{command="get",status="miss"}'], 1)
        self.assertEqual(metrics["memcached_current_items"], 1)
        self.assertEqual(metrics["memcached_limit_bytes"], int(stats["limit_maxbytes"]))
        self.assertEqual(metrics['twincached_repl_state{state="LINKED"}'], 1)
        self.assertEqual(metrics['twincached_repl_role{state="primary"}'], 1)

    def test_openmetrics_is_told_to_who_accepts_it(self):
        wanted = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3"
        _, headers, body = self.admin.ask("/metrics", Accept=wanted)
        self.assertTrue(headers["Content-Type"].startswith("application/openmetrics-text"))
        self.assertTrue(body.endswith("\n# EOF\n"))
        self.assertIn("# TYPE twincached_get_hits counter\ntwincached_get_hits_total", body)


class Status(Case):
    needs_replication = True

    def test_it_is_as_its_schema_says_in_every_condition(self):
        with open(os.path.join(SOURCE, "docs", "status.schema.json")) as file:
            schema = json.load(file)
        self.assertNotEqual(problems({"ready": 1}, schema), [])
        alone = self.node(name="alone", host=3).start()
        cold = self.node("--boot-grace", "60s", name="cold", host=4,
                         peer=self.addresses.host(9)).launch()
        for node in (alone, cold, *self.pair().start()):
            with self.subTest(node=node.name):
                page = until(Admin.of(node).page, 10, "it answers")
                self.assertEqual(problems(page, schema), [])

    def test_its_figures_are_those_of_stats(self):
        """What stats has beside them are names of memcached's that have no meaning here."""
        node = self.pair().start().a
        figures = set(Admin.of(node).page()["figures"])
        replication = set(node.replication())
        told = set(node.stats())
        latency = set(node.stats(b"latency"))
        self.assertEqual(figures - told - replication - latency, set())
        self.assertEqual(replication - figures, set())
        with open(os.path.join(SOURCE, "docs", "OBSERVING.md")) as file:
            zeroes = file.read().split("<!-- figures: zeroes of stats -->")[1].split("<!--")[0]
        self.assertEqual(told - figures, set(re.findall("`([^`]+)`", zeroes)))


class Agent(Case):
    """What HAProxy's agent-check hears."""

    needs_replication = True

    def agent_of(self, node):
        with socket.create_connection((node.host, self.agent_port), 5) as agent:
            line = b""
            while more := agent.recv(100):
                line += more
        return line.decode()

    def test_it_says_up_down_and_drain(self):
        self.agent_port = free_port(self.addresses.host(1))
        agent = f"{self.addresses.host(1)}:{self.agent_port}"
        node = self.node("--agent-listen", agent, "--boot-grace", "2s",
                         peer=self.addresses.host(9)).launch()
        line = until(lambda: self.agent_of(node), 10, "the agent answers")
        self.assertTrue(line.startswith("down #not open to clients yet"), line)
        node.wait_until_open(20)
        until(lambda: self.agent_of(node) == "ready up 100%\n", 5, "the agent says ready")
        # A client in the middle of a request holds the stop up.
        with node.client() as client:
            client.send(b"set key 0 0 10\r\n123")
            until(lambda: int(node.stats()["read_buf_count"]) > 4, 5, "half a request is there")
            node.process.signal(15)
            until(lambda: self.agent_of(node) == "drain\n", 5, "the agent says drain")
            self.assertEqual(Admin.of(node).status("/readyz"), 503)
            self.assertIn("stopping", Admin.of(node).line("/readyz"))
            client.send(b"4567890\r\n")


@unittest.skipUnless(os.access(HAProxy.PROGRAM, os.X_OK), "HAProxy is not there")
class BehindHAProxy(Case):
    """Variant 3 of conf/haproxy.cfg, and the agent."""

    needs_replication = True

    def pair_with_ports(self, *arguments):
        """Not started; HTTP and the agent of both at these ports of their own addresses."""
        port, agent = (free_port(self.addresses.host(1)) for _ in range(2))
        nodes = [self.node("--admin-listen", f"local,{self.addresses.host(n)}:{port}",
                           "--agent-listen", f"{self.addresses.host(n)}:{agent}", *arguments,
                           name=name, host=n, peer=self.addresses.host(3 - n))
                 for name, n in (("a", 1), ("b", 2))]
        return Pair(*nodes), port, agent

    def proxy_of(self, nodes, page, of_server):
        proxy = HAProxy(self.directory, (self.addresses.host(15), self.client_port), list(nodes),
                        by_admin_endpoint(page), of_server)
        self.addCleanup(proxy.stop)
        return proxy.launch()

    def becomes(self, proxy, **wanted):
        def is_so():
            states = proxy.server_states()
            return all(states[name].startswith(state) for name, state in wanted.items())
        until(is_so, 15, f"HAProxy says {wanted}, the last {proxy.server_states()}")

    def test_traffic_follows_the_primary(self):
        nodes, port, _ = self.pair_with_ports()
        nodes.start()
        proxy = self.proxy_of(nodes, "/primary", f" port {port}")
        self.becomes(proxy, a="UP", b="DOWN")
        nodes.a.kill()
        self.becomes(proxy, a="DOWN", b="UP")
        nodes.a.start(20)
        nodes.wait_until_linked(20)
        # The role stays where it is, and the traffic with it.
        self.assertEqual(Admin.of(nodes.a).status("/primary"), 503)
        self.becomes(proxy, a="DOWN", b="UP")

    def test_a_crowd_of_clients_takes_no_node_away(self):
        nodes, port, _ = self.pair_with_ports("-c", "10")
        nodes.start()
        proxy = self.proxy_of(nodes, "/readyz", f" port {port}")
        self.becomes(proxy, a="UP", b="UP")
        for _ in range(10):
            client = nodes.a.client()
            self.addCleanup(client.close)
            client.ask(b"version")  # one may find an earlier visitor's place still taken
        # Ten checks; that nothing comes of them is no event that could be awaited.
        for _ in range(10):
            time.sleep(0.1)
            self.becomes(proxy, a="UP", b="UP")
        self.assertEqual(proxy.failed_checks_of("a"), 0)

    def test_the_agents_drain_lasts_until_the_next_process_says_ready(self):
        nodes, port, agent = self.pair_with_ports("--stop-timeout", "20s")
        nodes.start()
        proxy = self.proxy_of(nodes, "/healthz", f" port {port} agent-check agent-port {agent} "
                                                 "agent-inter 100ms")
        self.becomes(proxy, a="UP", b="UP")
        with nodes.a.client() as client:
            client.send(b"set key 0 0 10\r\n123")
            nodes.a.process.signal(15)
            self.becomes(proxy, a="DRAIN", b="UP")
            client.send(b"4567890\r\n")
            nodes.a.process.exit_status()
        nodes.a.start(20)
        self.becomes(proxy, a="UP", b="UP")


if __name__ == "__main__":
    main()
