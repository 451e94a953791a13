"""The console, as a browser shows it: both nodes, what happens to them within a second, by day and by
night, on a phone, by keyboard, and nothing of what keys are called taken for markup.

TWINCACHED_PICTURES=1 makes the pictures of docs/pictures anew, under load."""
import contextlib
import json
import os
import signal
import socket
import socketserver
import subprocess
import threading
import time
import unittest

from harness import Case, main, until, world
from harness.admin import Admin, local_address
from harness.browser import PROGRAM, Browser
from harness.nats_server import Cluster, NatsServer

PICTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "docs", "pictures")
MAKES_PICTURES = os.environ.get("TWINCACHED_PICTURES") == "1"
SHOWN_WITHIN = 1.0
STREAMS = 8  # AdminEndpoint::stream_places
LOST = "document.querySelector('.node.{} .inside').textContent === 'lost'"


def free_port(host):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


class ToUnixSocket(socketserver.ThreadingTCPServer):
    """A port of loopback that leads to a unix socket, as `ssh -L` makes one."""
    daemon_threads = True

    def __init__(self, host, path):
        super().__init__((host, 0), None)
        self._path = path
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, client_address):
        with socket.socket(socket.AF_UNIX) as node:
            node.connect(self._path)
            back = threading.Thread(target=self._carry, args=(node, request), daemon=True)
            back.start()
            self._carry(request, node)
            back.join()

    @staticmethod
    def _carry(one, other):
        with contextlib.suppress(OSError):
            while read := one.recv(65536):
                other.sendall(read)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Impostor(socketserver.ThreadingTCPServer):
    """Answers in the place of the other node's console: `tell` is called with what is to be sent,
    over and over, for as long as the browser takes it."""
    daemon_threads = True

    def __init__(self, host, allowed, tell):
        super().__init__((host, 0), None)
        self._head = ("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                      f"Access-Control-Allow-Origin: {allowed}\r\nConnection: close\r\n\r\n").encode()
        self.tell = tell
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, client_address):
        with contextlib.suppress(OSError):
            request.recv(65536)
            request.sendall(self._head)
            while True:
                request.sendall(self.tell())


def event(name, data):
    return f"event: {name}\ndata: {data}\n\n".encode()


def once_in_a_while(*events):
    def tell():
        time.sleep(.1)
        return b"".join(events)
    return tell


NONSENSE = {
    "nothing": once_in_a_while(*(event(name, "null") for name in ("status", "standing", "history", "link"))),
    "numbers": once_in_a_while(*(event(name, "5") for name in ("status", "standing", "history", "link"))),
    "no objects": once_in_a_while(event("status", '{"figures":"x","latency":[1],"peer":"p","node":{"a":1},"role":[]}')),
    "no texts": once_in_a_while(event("standing", '{"node":{"toString":5},"role":{"x":1},"state":"SYNCING","phase":{}}')),
    "no time": once_in_a_while(event("history", '[{"at_ms":1e300,"to":"b","here":"b","why":"x"}]')),
    "no lines": once_in_a_while(event("link", '[{"at_ms":1e300,"number":1,"text":"x","level":"info"},null]')),
    "no span": once_in_a_while(event("standing", '{"node":"b","role":"primary","role_seconds":1e20}')),
    "no keys": once_in_a_while(event("status", '{"figures":{},"latency":{},"hot_keys":{"keys_by_requests":{"a":1}}}')),
    "no json": once_in_a_while(event("status", "{{{")),
    "a name of the language's": once_in_a_while(event("constructor", "1"), event("status", "{}")),
    "an event without an end": lambda: b"data: " + b"x" * (1 << 20) + b"\n",
    "events without an end": lambda: event("standing", '{"node":"b","role":"primary"}') * 1000,
}


@unittest.skipUnless(PROGRAM, "no chromium is installed")
class Console(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.stop)

    def setUp(self):
        super().setUp()
        self.browser.problems.clear()
        self.browser.size(1240, 900)
        self.browser.prefers(color_scheme="dark", reduced_motion="reduce")

    def tearDown(self):
        self.browser.open("about:blank")
        self.assertEqual(self.browser.problems, [])
        super().tearDown()

    def seen_pair(self, *arguments):
        """(pair, page of a, page of b): each names the other's console."""
        pair = self.pair(*arguments)
        pages = []
        for node, other in ((pair.a, pair.b), (pair.b, pair.a)):
            node.port = free_port(node.host)
            pages.append(f"http://{node.host}:{node.port}")
        for node, own, others in ((pair.a, *pages), (pair.b, *reversed(pages))):
            node.arguments += ["--admin-listen", "local," + own.removeprefix("http://"), "--peer-console", others]
        return pair.start(), *pages

    def open(self, page):
        self.browser.open(page + "/")

    def until_headline(self, text, seconds=10):
        return self.browser.until(f"document.getElementById('headline')?.textContent === '{text}'", seconds, text)

    def until_both_live(self):
        self.until_headline("In step.")
        self.browser.until("[...document.querySelectorAll('.seen')].map(e => e.textContent).join() === 'live,live'",
                           5, "both nodes tell of themselves")

    # --- who answers in the other node's place -----------------------------------------------------

    def test_whatever_answers_in_the_other_nodes_place_this_ones_figures_go_on(self):
        own = f"{self.addresses.host(1)}:{free_port(self.addresses.host(1))}"
        impostor = Impostor(self.addresses.host(2), f"http://{own}", None)
        self.addCleanup(impostor.server_close)
        self.addCleanup(impostor.shutdown)
        node = self.node("--admin-listen", f"local,{own}", "--peer-console",
                         "http://{}:{}".format(*impostor.server_address)).start()
        for name, tell in NONSENSE.items():
            with self.subTest(name), node.client() as client:
                impostor.tell = tell
                self.open(f"http://{own}")
                self.browser.until(
                    "[...document.querySelectorAll('.note')].some(note => /makes no sense|more than a node/.test(note.textContent))",
                    10, "it is said of the other one")
                self.browser.until("document.querySelector('.panel.a .seen')?.textContent === 'live'", 5, "this one is seen")
                for number in range(500):
                    client.set(b"key", b"%d" % number)
                self.browser.until("Number(document.querySelector('.panel.a .kind-set b').textContent) > 0", 5, "its sets are counted")
                self.assertEqual(self.browser.text("#headline"), "One node, serving.")

    # --- what happens ----------------------------------------------------------------------------

    def test_it_shows_both_nodes_and_a_lost_one_within_a_second(self):
        pair, page, _ = self.seen_pair()
        self.open(page)
        self.until_both_live()
        shown = self.browser.text("main")
        for text in ("Node a", "Node b", "primary", "secondary", "0 ms behind", "Hit ratio", "Connections", "since"):
            self.assertIn(text, shown)
        with pair.a.client() as client:
            for number in range(2000):
                client.set(b"key-%d" % number, b"value")
        self.browser.until("Number(document.querySelector('.panel.a .kind-set b').textContent) > 0", 5, "sets are counted")
        pair.b.kill()
        took = self.browser.until(LOST.format("b"), 5, "the lost node is shown")
        self.assertLess(took, world.scaled(SHOWN_WITHIN))
        self.until_headline("Node b is lost.")
        self.browser.until("document.querySelector('.node.a .chip').textContent === 'primary'", 5, "a is the primary")
        self.assertIn("Node b is lost.", self.browser.text("#announcer"))
        self.assertIn("lost sight of node b", self.browser.text("#timeline"))
        pair.b.start()
        self.until_both_live()

    def test_a_node_that_stands_still_is_lost_too_and_comes_back(self):
        pair, _, page = self.seen_pair()
        self.open(page)
        self.until_both_live()
        pair.a.pause()
        took = self.browser.until(LOST.format("a"), 5, "the silent node is shown")
        self.assertLess(took, world.scaled(SHOWN_WITHIN))
        # The other one finds out by itself, and the reason is told with it.
        self.browser.until("document.querySelector('#timeline .turn')?.textContent.includes('Node b is the primary')",
                           10, "the change of the primary is on the page")
        pair.a.resume()
        self.until_both_live()

    def test_a_node_that_returns_empty_shows_a_bar_that_grows_and_is_gone_at_its_end(self):
        pair, page, _ = self.seen_pair("--sync-rate=1m")
        pair.b.kill()
        with pair.a.client() as client:
            for number in range(1000):
                client.set(b"key-%d" % number, b"x" * 1000)
        self.open(page)
        self.until_headline("Node b is lost.")
        is_hidden = "document.getElementById('resync').hidden"
        self.assertTrue(self.browser.run(is_hidden))
        pair.b.launch()
        self.until_headline("Catching up.")
        bar = "Number(document.getElementById('resync-bar').getAttribute('aria-valuenow'))"
        self.browser.until(f"{bar} > 0 && {bar} < 100", 10, "the bar has begun")
        begun = self.browser.run(bar)
        self.assertIn("cold", self.browser.text(".node.b"))
        self.assertIn("% compared", self.browser.text("#resync-text"))
        self.browser.until(f"{bar} > {begun}", 10, "the bar grows")
        self.assertTrue(self.browser.run("document.getElementById('resync-fill').style.width === "
                                         "document.getElementById('resync-bar').getAttribute('aria-valuenow') + '%'"))
        self.until_both_live()
        self.assertTrue(self.browser.run(is_hidden))

    def test_the_page_of_a_dead_node_goes_on_with_the_other(self):
        pair, page, _ = self.seen_pair()
        self.open(page)
        self.until_both_live()
        pair.a.kill()
        self.until_headline("Node a is lost.", 1)
        self.assertIn("Node b serves", self.browser.text("#detail"))
        pair.b.kill()
        self.until_headline("Neither node answers.", 2)

    def test_it_says_which_node_it_cannot_see(self):
        pair, page, _ = self.seen_pair()
        pair.a.stop()
        place = pair.a.arguments.index("--peer-console")
        del pair.a.arguments[place:place + 2]
        pair.a.start()
        self.open(page)
        self.until_headline("In step.")
        self.assertIn("peer-console", self.browser.text(".panel.b"))
        self.assertIn("as the other node says", self.browser.text(".node.b"))

    def test_each_state_of_a_pair_has_words_of_its_own(self):
        peer = {"last_contact_seconds": 3, "last_refusal": "the secrets differ"}
        linked = {"state": "LINKED", "role": "primary", "phase": "open", "ready": True, "peer": peer, "summary": "fine"}
        other = {**linked, "role": "secondary"}
        alone = {**linked, "state": "LISTENING"}
        words = (
            (None, None, "bad", "Neither node answers.", "9 s ago"),
            (None, other, "bad", "Node a is lost.", "Node b serves."),
            (None, {**other, "role": "primary"}, "bad", "Node a is lost.", "serves as the primary."),
            (None, {**other, "ready": False, "phase": "cold"}, "bad", "Node a is lost.", "Node b is cold."),
            ({**linked, "stopping": True}, other, "warn", "Node a is stopping.", "fine."),
            ({**linked, "peer": None}, None, "good", "One node, serving.", "No peer is configured"),
            ({**linked, "peer": None, "ready": False, "phase": "drained"}, None, "warn", "One node, drained.", "fine."),
            (linked, other, "good", "In step.", "Node a is the primary."),
            (other, linked, "good", "In step.", "Node b is the primary."),
            ({**linked, "phase": "drained"}, other, "warn", "Node a is drained.", "in step"),
            (linked, {**other, "phase": "drained"}, "warn", "Node b is drained.", "in step"),
            ({**linked, "state": "SYNCING"}, None, "warn", "Catching up.", "served meanwhile"),
            ({**other, "state": "SYNCING", "ready": False}, None, "warn", "Catching up.", "Node a opens to clients"),
            ({**linked, "state": "DRAINING"}, None, "warn", "Node a is leaving.", "the last changes"),
            ({**linked, "state": "REFUSED"}, None, "bad", "The nodes refuse each other.", "the secrets differ"),
            (alone, {**alone}, "bad", "The nodes do not see each other.", "Both serve as primary."),
            (alone, {**alone, "role": "secondary"}, "bad", "The nodes do not see each other.", "Node b the secondary."),
            (alone, None, "bad", "Node b is lost.", "Node a serves alone, as the primary."),
            ({**alone, "peer": {**peer, "last_contact_seconds": None}}, None, "warn", "Waiting for node b.", "fine."),
        )
        node = self.node("--admin-listen", f"local,{self.addresses.host(1)}:{(port := free_port(self.addresses.host(1)))}")
        node.start()
        self.open(f"http://{node.host}:{port}")
        self.until_headline("One node, serving.")
        for here, there, tone, title, detail in words:
            with self.subTest(title=title, detail=detail):
                said = self.browser.run(f"verdict({json.dumps(here)}, {json.dumps(there)}, ['a', 'b'], 9)")
                self.assertEqual((said["tone"], said["title"]), (tone, title))
                self.assertIn(detail, said["detail"])
        gone = json.dumps({**alone, "state": "CONNECTING", "state_seconds": 0})
        self.assertEqual(self.browser.run(f"drawLink({gone}), link.text.textContent"), "for 3 s")
        for call, shown in (("short(999.4)", "999"), ("short(9999)", "9999"), ("short(12345)", "12.3 k"),
                            ("short(4.25)", "4.3"), ("short(2e6)", "2 M"), ("short(NaN)", "\u2013"), ("short(3.1e13)", "31 T"), ("short(2 ** 64)", "18.4 E"),
                            ("bytes(1023)", "1023 B"), ("bytes(1024)", "1.0 KiB"), ("bytes(300 * 1048576)", "300 MiB"), ("bytes(2 ** 63)", "8.0 EiB"),
                            ("behind(9999)", "9999 ms behind"), ("behind(3600000)", "1 h 0 min behind"),
                            ("duration(59.9)", "59 s"), ("duration(60)", "1 min"), ("duration(3600)", "1 h 0 min"),
                            ("duration(90000)", "1 d 1 h"), ("duration(-1)", "0 s"), ("microseconds(999)", "1000 \u00b5s"),
                            ("microseconds(1500)", "1.5 ms"), ("microseconds(2e6)", "2.0 s"),
                            ("quantile([[1000, 1], [2000, 98], [9000, 1]], 50)", 2),
                            ("quantile([[1000, 1], [2000, 98], [9000, 1]], 100)", 9)):
            with self.subTest(call=call):
                self.assertEqual(self.browser.run(call), shown)

    def test_a_node_of_a_cluster_tells_of_its_members_and_of_its_broker(self):
        server = NatsServer(self.directory, self.addresses.host(12))
        self.addCleanup(server.stop)
        nodes = Cluster(self, [server.start()], 2)
        port = free_port(nodes[0].host)
        nodes[0].arguments += ["--admin-listen", f"local,{nodes[0].host}:{port}"]
        nodes.start()
        self.open(f"http://{nodes[0].host}:{port}")
        self.until_headline("In step with the cluster.")
        self.browser.until("document.getElementById('detail').textContent.includes('node 1 ready, in step')", 5,
                           "the other member is shown")
        self.assertIn("Node 0", self.browser.text("main"))
        server.kill()
        self.until_headline("No NATS server is reached.")
        server.start()
        self.until_headline("In step with the cluster.", 20)

    def test_a_change_of_the_primary_is_told_once_as_the_new_one_tells_it(self):
        node = self.node("--admin-listen", f"local,{self.addresses.host(1)}:{(port := free_port(self.addresses.host(1)))}")
        node.start()
        self.open(f"http://{node.host}:{port}")
        self.until_headline("One node, serving.")
        told = {here: json.dumps({"source": {"lines": [], "clockAhead": 0, "history": [
            {"at_ms": 1000 + late, "to": "b", "here": here, "why": why}]}, "letter": here})
            for here, late, why in (("a", 900, "the other node took over"), ("b", 0, "handed over"))}
        for order in ("ab", "ba"):
            nodes = ",".join(told[letter] for letter in order)
            self.assertEqual(self.browser.run(
                "(() => { const list = document.createElement('ol'); "
                f"new Timeline(list).draw([{nodes}]); return [...list.querySelectorAll('p')].map(p => p.textContent); }})()"),
                ["Node b is the primary: handed over"])

    def test_events_stand_where_they_belong_whatever_the_clocks_of_the_nodes_say(self):
        node = self.node("--admin-listen", f"local,{self.addresses.host(1)}:{(port := free_port(self.addresses.host(1)))}")
        node.start()
        self.open(f"http://{node.host}:{port}")
        self.until_headline("One node, serving.")
        shown = self.browser.run("""(() => {
            const now = Date.now(), hour = 3600000, list = document.createElement('ol');
            const [right, late] = ['a', 'b'].map(letter => ({letter, source: new Source('')}));
            right.source.addLines([{number: 7, at_ms: now - 9000, text: 'first', level: 'info'}]);
            late.source.addLines([{number: 7, at_ms: now - hour - 8000, text: 'second', level: 'info'}]);
            right.source.readClock(now / 1000);
            late.source.readClock((now - hour) / 1000);
            // Started anew with a clock that was set back, and heard again from its first line on.
            for (const numbers of [[1], [1, 2], [1, 2]])
                late.source.addLines(numbers.map(number => ({number, at_ms: now - hour - 8000 + number, text: 'anew ' + number, level: 'info'})));
            new Timeline(list).draw([right, late]);
            return [...list.querySelectorAll('p')].map(p => p.textContent).concat(clockText(right.source), clockText(late.source)); })()""")
        self.assertEqual(shown[:-1], ["anew 2", "anew 1", "second", "first", ""])
        self.assertRegex(shown[-1], r"^Its clock is (59 min|1 h 0 min) behind this browser's\.$")

    # --- who may see what ------------------------------------------------------------------------

    def test_a_key_is_shown_to_whoever_may_read_it_and_is_text_whatever_it_is_called(self):
        key = b"<img/src=x/onerror=alert(1)>\"'&amp;" + b"\xff" * 100
        host = self.addresses.host(1)
        port = free_port(host)
        node = self.node("--hot-keys", "--admin-listen", f"local,{host}:{port}").start()
        with node.client() as client:
            client.set(key, b"value")
            for _ in range(3000):
                client.get(key)
        tunnel = ToUnixSocket(self.addresses.host(2), local_address(node.process.pid))
        self.addCleanup(tunnel.server_close)
        self.addCleanup(tunnel.shutdown)
        self.open("http://{}:{}".format(*tunnel.server_address))
        self.browser.until("document.querySelector('#hot-keys code') !== null", 10, "the key is shown")
        self.assertIn("onerror", self.browser.text("#hot-keys code"))
        self.assertEqual(self.browser.run("document.querySelectorAll('img, #hot-keys code *').length"), 0)
        self.browser.size(360, 780)
        self.assertLessEqual(self.browser.run("document.documentElement.scrollWidth"), 360)
        self.assertEqual(self.browser.run("(() => { const count = document.createRange(); count.selectNodeContents("
                                          "document.querySelector('#hot-keys b')); return count.getClientRects().length; })()"),
                         1, "the count is one line")
        self.open(f"http://{host}:{port}")
        self.until_headline("One node, serving.")
        self.assertFalse(self.browser.run("document.body.innerText.includes('onerror')"))

    def test_a_page_whose_name_was_made_to_point_at_a_tunnel_reads_no_key(self):
        node = self.node("--hot-keys").start()
        tunnel = ToUnixSocket(self.addresses.host(2), local_address(node.process.pid))
        self.addCleanup(tunnel.server_close)
        self.addCleanup(tunnel.shutdown)
        admin = Admin(tunnel.server_address)
        for page in ("/keys", "/items", "/events"):
            self.assertEqual(admin.ask(page, Host="{}:{}".format(*tunnel.server_address))[0], 200)
            status, _, body = admin.ask(page, Host="evil.example:11280")
            self.assertEqual(status, 403)
            self.assertIn("ask by an address", body)
        self.assertIsNone(json.loads(admin.ask("/status", Host="evil.example")[2])["hot_keys"])
        self.assertEqual(admin.ask("/drain", "POST", Host="evil.example")[0], 403)

    def test_so_many_may_look_on_and_who_does_not_read_is_dropped(self):
        node = self.node().start()
        admin = Admin.of(node)
        streams = []
        for _ in range(STREAMS):
            connection = admin.connection()
            self.addCleanup(connection.close)
            connection.request("GET", "/live")
            answer = connection.getresponse()
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.readline(), b"event: status\n")
            streams.append(answer)
        self.assertEqual(admin.status("/live"), 503)
        # Nobody reads on: each is dropped once its buffers are full, and others have its place.
        until(lambda: self.may_look_on(admin), 60, "a place is free again", interval=0.2)
        self.assertEqual(admin.status("/healthz"), 200)

    @staticmethod
    def may_look_on(admin):
        connection = admin.connection()
        try:
            connection.request("GET", "/live")
            return connection.getresponse().status == 200
        finally:
            connection.close()

    # --- how it looks ----------------------------------------------------------------------------

    def test_it_fits_a_phone_and_a_wall_by_day_and_by_night_and_by_keyboard(self):
        _, page, _ = self.seen_pair()
        for scheme, theme in (("light", "day"), ("dark", "night")):
            self.browser.prefers(color_scheme=scheme, reduced_motion="reduce")
            self.open(page)
            self.until_both_live()
            self.assertEqual(self.browser.run("document.documentElement.dataset.theme"), theme)
            for width in (360, 768, 1920):
                self.browser.size(width, 800)
                self.assertLessEqual(self.browser.run("document.documentElement.scrollWidth"), width)
        self.assertEqual(self.browser.run("document.getAnimations().filter(a => a.playState === 'running').length"), 0)
        self.check_keyboard()
        self.browser.size(360, 780, 2)
        self.browser.run("localStorage.clear()")

    def check_keyboard(self):
        focused = "document.activeElement.id || document.activeElement.className"
        reached = []
        for _ in range(3):
            self.browser.press("Tab", 9)
            reached.append(self.browser.run(focused))
            self.assertNotEqual(self.browser.run("getComputedStyle(document.activeElement).outlineStyle"), "none")
        self.assertEqual(reached, ["skip", "theme", "scroll"])
        self.browser.run("document.getElementById('theme').focus()")
        self.browser.press("Enter", 13)
        self.assertEqual(self.browser.run("document.documentElement.dataset.theme"), "day")
        self.assertEqual(self.browser.run("document.getElementById('theme').getAttribute('aria-pressed')"), "true")

    @unittest.skipUnless(MAKES_PICTURES, "TWINCACHED_PICTURES=1 makes the pictures anew")
    def test_pictures(self):
        os.makedirs(PICTURES, exist_ok=True)
        pair, page, other_page = self.seen_pair()
        load = subprocess.Popen([world.MCLOAD, "--host", pair.a.host, "--port", str(pair.a.address[1]), "--connections", "4",
                                 "--rate", "1500", "--get-ratio", "0.85", "--zipf", "1", "--keys", "20000", "--value", "100-900",
                                 "--seconds", "300"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(load.kill)
        self.open(page)
        self.until_both_live()
        time.sleep(100)
        shots = (("dark", 1240, "console-night"), ("light", 1240, "console-day"), ("dark", 360, "console-phone"))
        for scheme, width, name in shots:
            self.browser.prefers(color_scheme=scheme, reduced_motion="reduce")
            self.browser.size(width, 900, 1.5 if width < 500 else 1)
            time.sleep(1)
            self.browser.picture(os.path.join(PICTURES, name + ".webp"))
        self.browser.size(1240, 900)
        pair.b.process.signal(signal.SIGSTOP)
        self.until_headline("Node b is lost.")
        time.sleep(2)
        self.browser.picture(os.path.join(PICTURES, "console-lost.webp"))
        pair.b.process.signal(signal.SIGCONT)
        for name in os.listdir(PICTURES):
            self.assertLess(os.path.getsize(os.path.join(PICTURES, name)), 150_000, name)


if __name__ == "__main__":
    main()
