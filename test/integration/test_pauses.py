"""A node that stood still (SIGSTOP stands for a paused machine, too) does not execute what waited for
it: its peer has taken over meanwhile, and has newer writes."""
import socket
import struct
import time

from harness import Case, main, until, world
from harness.admin import Admin, local_address


class Paused(Case):
    needs_replication = True

    def paused_pair(self, *arguments):
        """Linked nodes; what a client says to a while that stands still, b knows better."""
        self.nodes = self.pair(*arguments).start()
        return self.nodes.a, self.nodes.b

    def take_over(self, keys):
        """b, which is alone by now, is told something newer of every key."""
        b = self.nodes.b
        until(lambda: not b.is_linked(), 10, "b has noticed that a is silent")
        with b.client() as client:
            for key in keys:
                self.assertEqual(client.set(key, b"newer"), b"STORED")

    def wake(self, keys):
        self.nodes.a.resume()
        self.nodes.wait_until_linked(10)
        self.nodes.wait_until_equal(keys, 10)
        with self.nodes.a.client() as client:
            for key in keys:
                self.assertEqual(client.get(key), b"newer", key)

    def closes(self, client):
        client.set_timeout(world.scaled(5))
        self.assertEqual(client.rest(), b"")

    def test_requests_that_waited_are_not_executed(self):
        a, _ = self.paused_pair()
        keys = [b"line", b"many", b"half", b"large", b"binary", b"queued", b"rest", b"gone"]
        with a.client() as client:
            for key in keys:
                client.set(key, b"first")
        line, many, half, large, binary, rest, idle = (a.client() for _ in range(7))
        watching = a.client()
        self.assertEqual(watching.ask(b"watch fetchers"), b"OK")
        half.send(b"set half 0 0 5\r\nol")
        large.send(b"set large 0 0 900000\r\n" + b"o" * 500_000)
        rest.send(b"set rest 0 0 5")
        for client in (line, many, idle):
            client.ask(b"mn")
        until(lambda: self.in_value(a) == 2, 5, "a has seen the beginnings")
        a.pause()
        line.send(b"set line 0 0 5\r\nolder\r\n")
        many.send(b"set many 0 0 5 noreply\r\nolder\r\n" * 1000 + b"delete many\r\n")
        half.send(b"der\r\n")
        large.send(b"o" * 400_000 + b"\r\n")
        rest.send(b"\r\nolder\r\n")
        binary.send(struct.pack(">BBHBBHIIQ", 0x80, 1, 6, 8, 0, 0, 19, 0, 0) + bytes(8)
                    + b"binaryolder")
        # Those that nobody has accepted yet, of which one is gone again.
        queued, gone = a.client(), a.client()
        queued.send(b"set queued 0 0 5\r\nolder\r\n")
        gone.send(b"set gone 0 0 5\r\nolder\r\n")
        gone.close()
        self.take_over(keys)
        self.wake(keys)
        for client in (line, many, half, large, rest, binary, queued):
            self.closes(client)
        self.assertEqual(idle.ask(b"mn"), b"MN")
        with a.client() as client:
            client.get(b"line")
        self.assertIn(b"item_get key=", watching.through(b"\n"))
        self.assertGreaterEqual(int(a.stats()["stale_kicks"]), 7)
        # One line, not one a thread or a client; a busy machine may pause the process once more.
        self.assertIn(a.process.log().count("the process stood still for"), (1, 2))

    def in_value(self, node):
        return sum(1 for key, value in node.stats(b"conns").items()
                   if key.endswith(":state") and value == "conn_nread")

    def test_datagrams_that_waited_are_not_executed(self):
        a, _ = self.paused_pair("-U", str(self.client_port))
        keys = [b"datagram"]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(world.scaled(2))
            udp.connect(a.address)
            udp.send(b"\0\1\0\0\0\1\0\0set datagram 0 0 5\r\nfirst\r\n")
            self.assertTrue(udp.recv(100).endswith(b"STORED\r\n"))
            a.pause()
            for _ in range(20):
                udp.send(b"\0\2\0\0\0\1\0\0set datagram 0 0 5\r\nolder\r\n")
            self.take_over(keys)
            self.wake(keys)
            udp.send(b"\0\3\0\0\0\1\0\0get datagram\r\n")
            self.assertIn(b"newer", udp.recv(100))
        self.assertGreaterEqual(int(a.stats()["udp_dropped"]), 20)

    def test_who_comes_after_a_pause_has_waited_for_nothing(self):
        a, _ = self.paused_pair("-t", "1", "-U", str(self.client_port))
        waits = a.client()
        waits.ask(b"mn")
        a.pause()
        waits.send(b"mn\r\n")
        self.stand_still(2)
        a.resume()
        self.closes(waits)  # the thread that serves clients has noticed, and the one that accepts them:
        until(lambda: "clients whose requests waited are closed" in a.process.log(), 5, "the pause is said")
        self.stand_still(1)  # whoever comes at the very moment may be taken for one who waited
        with a.client() as client:
            self.assertEqual(client.ask(b"mn"), b"MN")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(world.scaled(2))
            udp.connect(a.address)
            udp.send(b"\0\1\0\0\0\1\0\0mn\r\n")
            self.assertTrue(udp.recv(100).endswith(b"MN\r\n"))
        self.assertEqual(int(a.stats()["udp_dropped"]), 0)

    def test_a_node_alone_executes_what_waited(self):
        node = self.node("--silence", "1s").start()
        with node.client() as client:
            client.ask(b"mn")
            node.pause()
            client.send(b"set k 0 0 1\r\nv\r\n")
            self.stand_still(2.5)
            node.resume()
            self.assertEqual(client.line(), b"STORED")

    def test_a_shorter_pause_closes_nobody(self):
        a, _ = self.paused_pair("--silence", "8s")
        with a.client() as client:
            client.ask(b"mn")
            a.pause()
            client.send(b"set k 0 0 1\r\nv\r\n")
            self.stand_still(1)
            a.resume()
            self.assertEqual(client.line(), b"STORED")
        self.assertEqual(a.stats()["stale_kicks"], "0")

    def test_who_hung_up_during_a_hiccup_is_not_executed_and_who_waits_is(self):
        a, b = self.paused_pair("--silence", "8s")
        with a.client() as patient, a.client() as accepted:
            for client in (patient, accepted):
                client.ask(b"mn")
            a.pause()
            accepted.send(b"set gone 0 0 5\r\nolder\r\n")
            accepted.close()
            queued = a.client()
            queued.send(b"set queued 0 0 5\r\nolder\r\n")
            queued.close()
            patient.send(b"set patient 0 0 5\r\nolder\r\n")
            with b.client() as other:
                for key in (b"gone", b"queued"):
                    other.set(key, b"newer")
            # Longer than a hiccup (a quarter of what the peer waits for), shorter than a pause.
            self.stand_still(3)
            a.resume()
            self.assertEqual(patient.line(), b"STORED")
        self.nodes_agree_on(a, b, {b"gone": b"newer", b"queued": b"newer", b"patient": b"older"})
        self.assertEqual(a.stats()["stale_kicks"], "2")

    @staticmethod
    def nodes_agree_on(a, b, values):
        def are_equal():
            for node in (a, b):
                with node.client() as client:
                    if any(client.get(key) != value for key, value in values.items()):
                        return False
            return True
        until(are_equal, 5, f"both nodes hold {values}")

    @staticmethod
    def stand_still(seconds):
        """Nothing is awaited here: the length of a pause is what is tested."""
        time.sleep(seconds)


class PausedPeers(Case):
    """What the other node asked for waits in the link's socket, too; and that node has gone on."""
    needs_replication = True

    def test_a_change_that_was_asked_for_is_not_decided_later(self):
        pair = self.pair("--arbitrate=all").start()
        decides, asks = pair
        self.assertEqual(decides.replication()["repl_role"], "primary")
        until(lambda: asks.replication()["repl_arbitration"] == "all", 10, "b asks a")
        with asks.client() as client:
            for key in (b"set", b"lock"):
                self.assertEqual(client.set(key, b"first"), b"STORED")
            self.assertEqual(client.ask(b"delete lock"), b"DELETED")
        pair.wait_until_at_rest()
        decides.pause()
        with asks.client(world.scaled(10)) as one, asks.client(world.scaled(10)) as two:
            one.send(b"set set 0 0 5\r\nolder\r\n")
            two.send(b"add lock 0 0 5\r\nolder\r\n")
            self.assertIn(b"unknown", one.line())
            self.assertIn(b"unknown", two.line())
        until(lambda: asks.replication()["repl_arbitration"] == "off", 10, "b decides for itself")
        with asks.client() as client:
            self.assertEqual(client.set(b"set", b"newer"), b"STORED")
            self.assertEqual(client.store(b"add", b"lock", b"newer"), b"STORED")
        decides.resume()
        pair.wait_until_linked(10)
        pair.wait_until_at_rest()
        for node in pair:
            with node.client() as client:
                self.assertEqual(client.get(b"set"), b"newer")
                self.assertEqual(client.get(b"lock"), b"newer")

    def test_a_role_that_was_handed_over_to_a_node_that_stood_still_is_not_taken_later(self):
        pair = self.pair().start()
        primary, secondary = pair
        self.assertEqual(primary.replication()["repl_role"], "primary")
        # Whose role it is after a cut is decided by who has served for longer.
        secondary.kill()
        secondary.start()
        pair.wait_until_linked(10)
        secondary.pause()
        admin = Admin.of(primary)
        self.assertEqual(admin.ask("/switchover", "POST", Content_Length="0")[0], 200)
        until(lambda: "switchover: given up" in primary.process.log(), 10, "the primary has given it up")
        secondary.resume()
        pair.wait_until_linked(10)
        self.assertEqual(primary.replication()["repl_role"], "primary")
        self.assertNotIn("the primary handed over", secondary.process.log())

    def test_after_a_pause_that_nobody_has_noticed_a_role_is_handed_over_as_before(self):
        pair = self.pair("--silence=30s").start()
        primary, secondary = pair
        secondary.pause()
        time.sleep(1)
        secondary.resume()
        self.assertEqual(Admin.of(primary).ask("/switchover", "POST", Content_Length="0")[0], 200)
        until(lambda: secondary.replication()["repl_role"] == "primary", 10, "it takes over")


class PausedOrders(Case):
    """An operator's order, by the unix socket without a path."""

    def order(self, node, what):
        admin = socket.socket(socket.AF_UNIX)
        self.addCleanup(admin.close)
        admin.settimeout(world.scaled(10))
        admin.connect(local_address(node.process.pid))
        admin.sendall(b"POST /%s HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % what)
        return admin

    def test_an_order_that_nobody_waits_for_any_more_is_not_followed(self):
        node = self.node().start()
        node.pause()
        self.order(node, b"drain").close()
        node.resume()
        # Who comes behind it is answered behind it; a node that was drained would never be ready.
        until(lambda: Admin.of(node).status("/readyz") == 200, 10, "it is ready as before")
        self.assertNotIn("drained", node.process.log())

    def test_an_order_that_is_still_waited_for_is_followed(self):
        node = self.node().start()
        node.pause()
        waits = self.order(node, b"drain")
        waits.shutdown(socket.SHUT_WR)  # it has nothing more to say, and listens
        node.resume()
        self.assertTrue(waits.recv(1000).startswith(b"HTTP/1.1 200 "))
        self.assertEqual(Admin.of(node).status("/readyz"), 503)


if __name__ == "__main__":
    main()
