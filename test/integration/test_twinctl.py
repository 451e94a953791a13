"""twinctl, as an operator, keepalived and a container's health check call it."""
import contextlib
import json
import os
import re
import socket
import socketserver
import subprocess
import threading
import time
import types
import unittest

from harness import Case, main, until, world
from harness.admin import Admin

TWINCTL = os.environ.get("TWINCTL", os.path.join(os.path.dirname(world.SERVER), "twinctl"))
COMPLETION = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir,
                          "conf", "twinctl.bash")


def free_port(host):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


class Asking(Case):
    def said(self, *words):
        """(exit status, what it wrote)."""
        ended = subprocess.run([TWINCTL, *map(str, words)], capture_output=True, text=True,
                               timeout=world.scaled(30))
        return ended.returncode, ended.stdout + ended.stderr


@unittest.skipUnless(os.access(TWINCTL, os.X_OK), "no twinctl beside the server")
class Twinctl(Asking):
    def with_port(self, *arguments, host=1, name="node", **options):
        """A node that is not started, and where it is asked."""
        at = f"{self.addresses.host(host)}:{free_port(self.addresses.host(host))}"
        node = self.node("--admin-listen", f"local,{at}", *arguments, host=host, name=name,
                         **options)
        return node, at

    def test_check_tells_by_its_exit_status(self):
        node, at = self.with_port()
        code, line = self.said("--host", at, "check")
        self.assertEqual(code, 1)
        self.assertIn(f"{at}: Connection refused: is the node running", line)
        self.assertEqual(line.count("\n"), 1)
        node.start()
        self.assertEqual(self.said("--host", at, "check"),
                         (0, "ready; alone, no peer is configured\n"))
        self.assertEqual(self.said("--host", at, "check", "primary")[0], 0)
        self.assertEqual(self.said("--host", at, "check", "secondary")[0], 1)
        self.assertEqual(self.said("--host", at, "check", "synchronised", "--lag", "1s")[0], 1)
        self.assertEqual(self.said("--host", at, "check", "--weight")[0], 102)
        _, text = self.said("--host", at, "check", "--json")
        self.assertEqual(json.loads(text)["exit_code"], 0)

    def test_a_mistake_is_one_sentence_and_no_weight(self):
        for words in (["check", "everything"], ["promot"], ["log-level", "loud"], [], ["status", "--host", "x"]):
            code, text = self.said(*words)
            self.assertEqual((code, text.count("\n")), (1, 1), text)
            self.assertTrue(text.startswith("twinctl: "), text)

    def test_a_node_is_found_by_a_socket_with_a_path(self):
        path = os.path.join(self.directory, "admin.sock")
        self.node("--admin-listen", path).start()
        self.assertEqual(self.said("--socket", path, "check")[0], 0)
        code, text = self.said("--socket", path + "x", "check")
        self.assertEqual(code, 1)
        self.assertIn("is the node running", text)

    def test_what_is_no_admin_endpoint_is_told_from_one(self):
        node = self.node().start()
        code, text = self.said("--host", "{}:{}".format(*node.address), "check")
        self.assertEqual(code, 1)
        self.assertIn("it closed the connection without an answer", text)

    def test_a_node_that_does_not_answer_is_given_up(self):
        node, at = self.with_port()
        node.start()
        node.pause()
        self.addCleanup(node.resume)
        code, text = self.said("--host", at, "--timeout", "200ms", "check")
        self.assertEqual(code, 1)
        self.assertIn("timed out", text)

    def test_without_an_address_the_nodes_of_the_machine_are_shown(self):
        node, _ = self.with_port()
        node.start()
        code, text = self.said("status", "--json")
        mine = [entry for entry in json.loads(text)
                if entry["asked_at"] == f"pid {node.process.pid}"]
        self.assertEqual(len(mine), 1)
        self.assertEqual(mine[0]["status"]["state"], "STANDALONE")

    @unittest.skipUnless(world.IS_ROOT, "takes a namespace of processes")
    def test_a_container_sees_its_own_node_alone_whatever_network_it_shares(self):
        self.node().start()
        inside = subprocess.run(["unshare", "--pid", "--fork", TWINCTL, "status"],
                                capture_output=True, text=True, check=False)
        self.assertEqual(inside.returncode, 1, inside.stdout)
        self.assertIn("no node runs on this machine", inside.stderr)

    def test_both_nodes_of_a_pair_are_on_one_screen(self):
        b, at_b = self.with_port(host=2, name="b", peer=self.addresses.host(1))
        a, at_a = self.with_port(host=1, name="a", peer=self.addresses.host(2))
        a.launch()
        b.launch()
        for node in (a, b):
            node.wait_until_open(20)
        until(lambda: Admin.of(a).status("/synchronised") == 200, 20, "they are in step")
        code, text = self.said("--host", at_a, "--host", at_b, "status")
        self.assertEqual(code, 0)
        rows = [line.split("|")[1:5] for line in text.splitlines() if line.startswith("| ")][1:]
        self.assertEqual([[word.strip() for word in row] for row in rows],
                         [["a", at_a, "primary", "ready"], ["b", at_b, "secondary", "ready"]])
        # One alone says what it knows of the other.
        self.assertIn("give its admin address, too", self.said("--host", at_a, "status")[1])
        b.kill()
        code, text = self.said("--host", at_a, "--host", at_b, "status")
        self.assertEqual(code, 1)
        self.assertIn("unreachable", text)

    def test_top_tells_what_is_done(self):
        node, at = self.with_port()
        node.start()
        code, text = self.said("--host", at, "top", "--json", "--count", "2", "--interval", "50ms")
        self.assertEqual(code, 0)
        looks = [json.loads(line) for line in text.splitlines()]
        self.assertEqual(len(looks), 2)
        self.assertIn("cmd_get_per_second", looks[0][0])

    def test_a_wrong_secret_and_a_bad_proxy_file_are_what_the_doctor_finds(self):
        node = self.node("--secret-file", self.secret("one"), name="a", host=1,
                         peer=self.addresses.host(2)).launch()
        self.node("--secret-file", self.secret("two"), name="b", host=2,
                  peer=self.addresses.host(1)).launch()
        until(lambda: Admin.of(node).page()["state"] == "REFUSED", 20, "they refuse each other")
        proxy = os.path.join(self.directory, "haproxy.cfg")
        with open(proxy, "w") as file:
            file.write("listen x\n mode tcp\n timeout connect 5s\n server a 127.0.0.1:11211 check\n")
        code, text = self.said("--pid", node.process.pid, "doctor", "--haproxy", proxy, "--json")
        self.assertEqual(code, 1)
        page = json.loads(text)
        told = " ".join(finding["what"] for finding in page["findings"])
        for part in ("does not pair", "secret", "waited for for 5s", "checked at its client port"):
            self.assertIn(part, told)
        self.assertIn("this machine", page["looked_at"])
        self.assertEqual(self.said("--pid", node.process.pid, "doctor", "--haproxy", "/none"),
                         (1, "twinctl: --haproxy /none: it cannot be read\n"))

    def secret(self, name):
        path = os.path.join(self.directory, name)
        with open(path, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(f"the secret {name}, which is long enough to be one\n")
        return path

    def test_the_shipped_file_of_haproxy_is_well(self):
        node, at = self.with_port()
        node.start()
        shipped = os.path.join(os.path.dirname(COMPLETION), "haproxy.cfg")
        _, text = self.said("--host", at, "doctor", "--haproxy", shipped, "--json")
        findings = [finding for finding in json.loads(text)["findings"]
                    if finding["where"].startswith(shipped)]
        self.assertEqual(findings, [])

    def test_status_answers_at_once_at_the_connection_limit(self):
        node = self.node("-c", "20").start()
        until(lambda: Admin.of(node).metrics()["memcached_current_connections"] == 0, 5,
              "nobody is there")
        for _ in range(20):
            client = node.client()
            self.addCleanup(client.close)
            client.ask(b"version")
        # What a process takes to begin and to end is not the node's: --version takes it, too.
        def seconds(*words):
            begun = time.monotonic()
            self.assertEqual(self.said(*words)[0], 0)
            return time.monotonic() - begun
        attempts = range(7)
        took = min(seconds("--pid", node.process.pid, "status") for _ in attempts)
        self.assertLess(took - min(seconds("--version") for _ in attempts), world.scaled(0.010))

    def test_hot_keys_are_told_if_they_are_counted(self):
        node = self.node("--hot-keys").start()
        with node.client() as client:
            for _ in range(3000):
                client.send(b"get hot:key\r\n")
            for _ in range(3000):
                client.line()
        code, text = self.said("--pid", node.process.pid, "keys", "--hot")
        self.assertEqual(code, 0)
        self.assertTrue(text.startswith("key=hot%3Akey requests="), text)
        look = self.said("--pid", node.process.pid, "top", "--count", "1", "--interval", "10ms")[1]
        self.assertIn("hottest keys: hot%3Akey (", look)
        cold = self.node(name="cold", host=2).start()
        code, text = self.said("--pid", cold.process.pid, "keys", "--hot")
        self.assertEqual(code, 1)
        self.assertIn("hot-keys = yes", text)

    def test_top_tells_how_long_requests_take(self):
        node = self.node().start()
        with node.client() as client:
            for _ in range(3000):
                client.ask(b"mg key")
        page = Admin.of(node).page()["latency"]["meta"]["get"]
        self.assertGreater(page["measured"], 10)
        self.assertLessEqual(page["p50_us"], page["p99_us"])
        buckets = {name: value for name, value in Admin.of(node).metrics().items()
                   if name.startswith('twincached_request_seconds_bucket{dialect="meta",command="get"')}
        self.assertGreater(len(buckets), 20)
        self.assertEqual(max(buckets.values()), Admin.of(node).metrics()[
            'twincached_request_seconds_count{dialect="meta",command="get"}'])
        self.assertIn("latency_meta_get_p99_us", node.stats(b"latency"))

    def test_the_completion_knows_every_option(self):
        helped = self.said("--help")[1]
        script = (f"source {COMPLETION}; COMP_WORDS=(twinctl --); COMP_CWORD=1; _twinctl; "
                  "printf '%s\\n' \"${COMPREPLY[@]}\"")
        ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
        known = set(ended.stdout.split())
        options = set(re.findall("^  (?:-. \\[ )?(--[a-z-]+)", helped, re.M))
        self.assertEqual(known, options, ended.stderr)


class NoNode(socketserver.ThreadingTCPServer):
    """Whatever answers where a node is asked: `answers` has the bytes by the beginning of the path,
    of which some may never end."""
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, place, answers):
        super().__init__(place, None)
        self._answers = answers
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, client_address):
        path = request.recv(65536).split(b" ")[1]
        body = next(body for beginning, body in self._answers.items() if path.startswith(beginning))
        with contextlib.suppress(OSError):
            request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            for piece in body if isinstance(body, types.GeneratorType) else (body,):
                request.sendall(piece)


@unittest.skipUnless(os.access(TWINCTL, os.X_OK), "no twinctl beside the server")
class Nonsense(Asking):
    """A wrong port, an old version, or somebody who means ill."""

    def answered_by(self, answers, host=None, port=0):
        server = NoNode((host or self.addresses.host(1), port), answers)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return "{}:{}".format(*server.server_address)

    def test_what_it_says_does_nothing_to_a_terminal(self):
        evil = r"\u001b]0;title\u0007\u001b[31m\nnode b"
        page = json.dumps({"ready": True, "open": True, "peer": {"address": "@", "role": "@"},
                           **dict.fromkeys(("role", "node", "summary", "state", "access"), "@"),
                           "figures": {"repl_last_event": "@", "repl_peer_node": "@"}})
        events = json.dumps([{"number": 1, "at_ms": 1, **dict.fromkeys(
            ("level", "text", "from", "to", "here", "why"), "@")}])
        at = self.answered_by({b"/status": page.replace("@", evil).encode(),
                               b"/history": events.replace("@", evil).encode(),
                               b"/events": events.replace("@", evil).encode(),
                               b"/": b"\x1b]0;title\x07 \x9b31m key=x\nend\n"})
        for words in (["status"], ["top", "--count", 1, "--interval", "10ms"], ["check"], ["explain"],
                      ["check", "synchronised", "--lag", "1s"], ["keys"], ["dump"], ["drain"], ["doctor"],
                      ["migrate", "status"], ["watch", "--count", 2, "--interval", "10ms"]):
            with self.subTest(words=words):
                _, text = self.said("--host", at, *words)
                self.assertNotIn("\x1b", text)
                self.assertNotIn("\x07", text)
                self.assertNotIn("\x9b", text)
                self.assertNotRegex(text, r"(?m)^node b")

    def test_what_is_no_nodes_answer_is_said_to_be_none(self):
        for body in (b"", b"null", b"<html>", b"[" * 100_000, b"\0" * 1000):
            at = self.answered_by({b"/": body})
            for words in (["status"], ["check"], ["explain"], ["watch", "--count", 1], ["doctor"], ["drain"]):
                with self.subTest(body=body[:10], words=words):
                    code, text = self.said("--host", at, *words)
                    self.assertEqual(code, 1)
                    self.assertIn("it answers, but not as a twincached node does", text)

    def test_a_list_that_comes_no_closer_to_its_end_is_given_up(self):
        for body in (b"more=0\n", b"key=x\nmore=7\n", b"more=x\n", b"more=\n", b""):
            at = self.answered_by({b"/": body})
            with self.subTest(body=body):
                code, text = self.said("--host", at, "--json", "keys")
                self.assertEqual(code, 1)
                self.assertIn("its answer has no end", text)

    def test_an_answer_without_an_end_takes_little_memory(self):
        def endless():
            while True:
                yield b"x" * (1 << 20)
        at = self.answered_by({b"/": endless()})
        limited = ["prlimit", f"--as={1 << 30}"] if not world.IS_SANITIZED else []
        ended = subprocess.run([*limited, TWINCTL, "--host", at, "--timeout", "10s", "check"],
                               capture_output=True, text=True, check=False, timeout=world.scaled(30))
        self.assertEqual(ended.returncode, 1)
        self.assertIn("the answer is too long", ended.stdout)

    @unittest.skipUnless(world.IS_ROOT, "names of a test's own take a mount")
    def test_of_a_names_addresses_one_that_does_not_answer_leaves_time_for_the_next(self):
        hosts = os.path.join(self.directory, "hosts")
        own_hosts = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts]
        with open(hosts, "w"):
            pass
        if subprocess.run([*own_hosts, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no mounts here")
        # Which of the two is tried first is not ours to say.
        for one, other in ((1, 2), (2, 1)):
            silent, answering = self.addresses.host(one), self.addresses.host(other)
            with open(hosts, "w") as file:
                file.write(f"{silent} two-addresses\n{answering} two-addresses\n")
            at = self.answered_by({b"/": b'{"ready": true, "summary": "it serves"}'}, answering)
            port = int(at.rsplit(":", 1)[1])
            # Nobody accepts: who comes when the queue is full is not answered.
            queue = socket.socket()
            self.addCleanup(queue.close)
            queue.bind((silent, port))
            queue.listen(0)
            for _ in range(4):
                waiting = socket.socket()
                self.addCleanup(waiting.close)
                waiting.setblocking(False)
                waiting.connect_ex((silent, port))
            ended = subprocess.run([*own_hosts, TWINCTL, "--host", f"two-addresses:{port}", "check"],
                                   capture_output=True, text=True, check=False, timeout=world.scaled(30))
            self.assertEqual((ended.returncode, ended.stdout), (0, "it serves\n"), ended.stderr)


if __name__ == "__main__":
    main()
