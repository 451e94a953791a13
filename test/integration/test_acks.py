"""ack = received: an answer means that the other node has it, and it is visible when it does not."""
import time

from harness import Case, main, until, world
from harness.killing import ack_state, kill_under_load


class Kills(Case):
    needs_replication = True
    CYCLES = world.number("TWINCACHED_KILLS", 6)

    def _kill_again_and_again(self, *options):
        nodes = self.pair("-m", "512", "--ack", "received", "--ack-timeout", "20s", *options)
        nodes.start()
        acknowledged = 0
        for cycle in range(self.CYCLES):
            stored, lost = kill_under_load(nodes, cycle)
            self.assertGreater(len(stored), 20)
            self.assertEqual(lost[:5], [], f"{len(lost)} of {len(stored)} in cycle {cycle}")
            acknowledged += len(stored)
        print(f"{self.CYCLES} kills, {acknowledged} acknowledged, 0 lost", flush=True)

    def test_what_was_acknowledged_survives_the_death_of_the_node_that_took_it(self):
        self._kill_again_and_again()

    def test_so_it_does_where_an_acknowledgement_is_required(self):
        self._kill_again_and_again("--ack-required")


class Alone(Case):
    """One client, and nothing else that would wake its thread."""
    needs_replication = True

    def test_what_stands_behind_an_answer_that_waits_is_answered_however_much_it_is(self):
        nodes = self.pair("--ack", "received").start()
        until(lambda: ack_state(nodes.a) == "sync", 10, "answers wait for the peer")
        value = b"v" * 300_000
        with nodes.a.client() as client:
            self.assertEqual(client.set(b"big", value), b"STORED")
            client.send(b"set k 0 0 1\r\nx\r\n" + b"get big\r\n" * 4 + b"mn\r\n")
            self.assertEqual(client.line(), b"STORED")
            for _ in range(4):
                self.assertEqual(client.through(b"END\r\n"),
                                 b"VALUE big 0 300000\r\n" + value + b"\r\n")
            self.assertEqual(client.line(), b"MN")
            client.send(b"set k 0 0 1\r\nx\r\n" + b"mn\r\n" * 1000)
            self.assertEqual(client.line(), b"STORED")
            for _ in range(1000):
                self.assertEqual(client.line(), b"MN")


class Degradation(Case):
    needs_replication = True

    def test_a_stopped_peer_delays_one_answer_and_then_none(self):
        nodes = self.pair("--ack", "received", "--ack-timeout", "100ms").start()
        until(lambda: ack_state(nodes.a) == "sync", 10, "answers wait for the peer")
        nodes.b.pause()
        with nodes.a.client() as client:
            began = time.monotonic()
            self.assertEqual(client.set(b"k", b"v"), b"STORED")
            first = time.monotonic() - began
            began = time.monotonic()
            for _ in range(20):
                self.assertEqual(client.set(b"k", b"v"), b"STORED")
            rest = time.monotonic() - began
        print(f"first {first * 1000:.0f} ms, twenty more {rest * 1000:.0f} ms", flush=True)
        self.assertGreater(first, 0.09)
        self.assertLess(first, world.scaled(0.4))
        self.assertLess(rest, world.scaled(0.1))
        report = nodes.a.replication()
        self.assertEqual(report["repl_ack_state"], "degraded")
        self.assertEqual(report["repl_ack_degradations"], "1")
        self.assertEqual(report["repl_acks_degraded"], "21")
        log = nodes.a.process.log()
        self.assertEqual(log.count("changes are answered without waiting for the other node: "), 1)
        nodes.b.resume()
        until(lambda: ack_state(nodes.a) == "sync", 10, "answers wait for the peer again")

    def test_where_it_is_required_a_change_without_the_peer_is_refused_in_each_dialect(self):
        nodes = self.pair("--ack", "received", "--ack-required").start()
        until(lambda: ack_state(nodes.a) == "sync", 10, "answers wait for the peer")
        nodes.b.kill()
        until(lambda: ack_state(nodes.a) == "degraded", 5, "the peer is gone")
        refusal = b"SERVER_ERROR replication unavailable"
        with nodes.a.client() as client:
            self.assertEqual(client.set(b"k", b"v"), refusal)
            self.assertEqual(client.ask(b"ms k 1", b"w"), refusal)
            self.assertEqual(client.get(b"k"), b"w", "it is stored here all the same")
            self.assertEqual(client.ask(b"delete k"), refusal)
            client.send(b"set n 0 0 1 noreply\r\n1\r\nincr n 1\r\nget n\r\nmn\r\n")
            answers = [client.line() for _ in range(5)]
            self.assertEqual(answers, [refusal, b"VALUE n 0 1", b"2", b"END", b"MN"])
        with nodes.a.client() as client:
            packet = (b"\x80\x01" + b"\x00\x01" + b"\x08\x00\x00\x00" + b"\x00\x00\x00\x0a" +
                      b"\xde\xad\xbe\xef" + bytes(8) + bytes(8) + b"k" + b"v")
            client.send(packet)
            head = client.exactly(24)
            self.assertEqual(head[:2], b"\x81\x01")
            self.assertEqual(head[6:8], b"\x00\x86")
            self.assertEqual(head[12:16], b"\xde\xad\xbe\xef")
            body = client.exactly(int.from_bytes(head[8:12], "big"))
            self.assertEqual(body, b"Replication unavailable")
        nodes.b.start()
        until(lambda: ack_state(nodes.a) == "sync", 10, "answers wait for the peer again")
        with nodes.a.client() as client:
            self.assertEqual(client.set(b"k", b"v"), b"STORED")


class Latency(Case):
    needs_replication = True

    def test_an_answer_takes_one_round_trip_more(self):
        medians = {}
        for mode in ("async", "received"):
            nodes = self.pair("--ack", mode).start()
            nodes.wait_until_linked()
            with nodes.a.client() as client:
                times = []
                for n in range(500):
                    began = time.monotonic()
                    self.assertEqual(client.set(b"k%d" % (n % 50), b"v" * 100), b"STORED")
                    times.append(time.monotonic() - began)
            medians[mode] = sorted(times)[len(times) // 2]
            for node in nodes:
                node.stop()
        print(", ".join(f"{mode}: {median * 1e6:.0f} us" for mode, median in medians.items()))
        self.assertLess(medians["received"], medians["async"] + world.scaled(0.005))


if __name__ == "__main__":
    main()
