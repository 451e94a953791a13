"""Nodes that come, go and come back, and NATS servers that do, while clients write."""
import json
import os
import socket
import threading
import time

from harness import main, until, world
from harness.nats_case import Load, NatsCase


class Joining(NatsCase):
    def test_nodes_that_join_at_once_hold_everything_when_they_open(self):
        nodes = self.cluster(2).start()
        with nodes[0].client(20) as client:
            for number in range(20_000):
                client.send(b"set item%d 0 0 100 noreply\r\n%s\r\n" % (number, b"x" * 100))
            client.ask(b"version")
            for number in range(0, 20_000, 10):
                client.ask(b"delete item%d" % number)
        load = Load(nodes[1])
        joiners = [nodes.add(2), nodes.add(3)]
        for node in joiners:
            node.launch()
        for node in joiners:
            node.wait_until_open(30)
            with node.client(20) as client:
                held = client.gets_many([b"item%d" % number for number in range(20_000)])
            self.assertEqual(len(held), 18_000)
        nodes.wait_until_in_step()
        self.assert_values(nodes, load.end())

    def test_a_joiner_whose_donor_is_killed_finds_another(self):
        nodes = self.cluster(3).start()
        with nodes[0].client(20) as client:
            for number in range(20_000):
                client.send(b"set item%d 0 0 1000 noreply\r\n%s\r\n" % (number, b"x" * 1000))
            client.ask(b"version")
        keys = [b"item%d" % number for number in range(20_000)]
        nodes.wait_until_equal(keys[::50], 20)
        joiner = nodes.add(3, "--sync-rate", "4m")
        joiner.launch()
        until(lambda: any(int(node.replication()["repl_items_given"]) > 500
                          for node in nodes.nodes[:3]), 20, "a donor gives")
        donor = max(nodes.nodes[:3], key=lambda n: int(n.replication()["repl_items_given"]))
        donor.kill()
        nodes.nodes.remove(donor)
        joiner.wait_until_open(60)
        with joiner.client(20) as client:
            self.assertEqual(len(client.gets_many(keys, 50)), 20_000)

    def test_a_node_that_was_killed_comes_back_to_what_happened_meanwhile(self):
        nodes = self.cluster(3).start()
        expected = self.write(nodes[0], 1, 1000)
        self.assert_values(nodes, expected)
        nodes[2].kill()
        survivors = nodes.nodes[:2]
        expected.update(self.write(survivors[1], 2, 1000))
        nodes[2].start(20)
        nodes.wait_until_in_step()
        self.assert_values(nodes, expected)

    def test_a_node_that_stood_still_catches_up_and_brings_nothing_back(self):
        nodes = self.cluster(3).start()
        expected = self.write(nodes[0], 1, 1000)
        self.assert_values(nodes, expected)
        nodes[2].pause()
        with nodes[0].client() as client:
            for key in expected:
                client.ask(b"delete " + key)
        time.sleep(world.scaled(1))
        nodes[2].resume()
        nodes.wait_until_in_step()
        self.assert_values(nodes, {key: None for key in expected})

    def test_a_warm_restart_continues_and_misses_nothing(self):
        server = self.server()
        nodes = self.cluster(2, server=server)
        path = os.path.join(self.directory, "memory")
        nodes[1].arguments += ["-e", path]
        nodes.start()
        expected = self.write(nodes[0], 1, 1000)
        self.assert_values(nodes, expected)
        nodes[1].process.signal(10)  # SIGUSR1: an orderly stop
        self.assertEqual(nodes[1].process.exit_status(20), 0)
        expected.update(self.write(nodes[0], 2, 500))
        nodes[1].start(20)
        nodes.wait_until_in_step()
        self.assert_values(nodes, expected)
        log = nodes[1].process.log().rsplit("$ ", 1)[1]
        self.assertNotIn("starting empty", log)
        self.assertIn("what it holds is compared with another node", log)
        self.assertNotIn("replicated in another way", log)


class WithoutTheBroker(NatsCase):
    seconds_without = world.number("NATS_SECONDS_WITHOUT", 2)

    def test_no_client_waits_for_a_broker_that_is_killed(self):
        server = self.server()
        nodes = self.cluster(3, server=server).start()
        loads = [Load(node, b"load%d-" % number) for number, node in enumerate(nodes)]
        time.sleep(0.5)
        server.kill()
        time.sleep(self.seconds_without)
        server.start()
        back = time.monotonic()
        nodes.wait_until_in_step(15)
        expected = {}
        for load in loads:
            expected.update(load.end())
        self.assert_values(nodes, expected)
        slowest = max(load.slowest for load in loads)
        print(f"broker killed: slowest operation {slowest * 1000:.1f} ms, equal "
              f"{time.monotonic() - back:.2f} s after it was back", flush=True)
        self.assertLess(slowest, world.scaled(0.1))

    def test_a_broker_that_comes_back_empty_costs_no_write(self):
        server = self.server()
        nodes = self.cluster(3, server=server).start()
        expected = self.write(nodes[0], 1, 500)
        self.assert_values(nodes, expected)
        server.kill()
        server.forget_everything()
        expected.update(self.write(nodes[1], 2, 500))
        time.sleep(0.5)
        server.start()
        nodes.wait_until_in_step(20)
        self.assert_values(nodes, expected)

    def test_a_broker_that_stands_still_costs_no_write(self):
        server = self.server()
        nodes = self.cluster(2, server=server).start()
        server.pause()
        expected = self.write(nodes[0], 1, 500)
        until(lambda: not nodes[0].is_linked(), 10, "the node notices")
        server.resume()
        nodes.wait_until_in_step(15)
        self.assert_values(nodes, expected)

    def test_a_node_alone_without_a_broker_serves_after_its_grace_and_tells_later(self):
        server = self.server()
        server.kill()
        nodes = self.cluster(2, "--boot-grace", "500ms", server=server)
        for node in nodes:
            node.start(20)
        expected = self.write(nodes[0], 1, 300, keys=100)
        server.start()
        nodes.wait_until_in_step(20)
        self.assert_values(nodes, expected)


class Mute:
    """In a NATS server's place: lets nodes in, and loses them as soon as they ask JetStream something.
    So does one whose disk is full."""

    def __init__(self, address):
        self.let_in_at = []
        self._listener = socket.create_server(address)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _run(self):
        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            self.let_in_at.append(time.monotonic())
            with connection:
                try:
                    self._serve(connection)
                except OSError:
                    pass

    def _serve(self, connection):
        info = {"server_id": "mute", "version": "2.9.10", "proto": 1, "headers": True,
                "max_payload": 1 << 20}
        connection.sendall(f"INFO {json.dumps(info)}\r\n".encode())
        stream = connection.makefile("rb")
        inbox = b""
        while line := stream.readline():
            words = line.split()
            if words[0] == b"PING":
                connection.sendall(b"PONG\r\n")
            if words[0] == b"SUB" and words[1].startswith(b"_INBOX."):
                inbox = words[-1]
            if words[0] == b"PUB":
                stream.read(int(words[-1]) + 2)
                if words[1].startswith(b"$JS."):
                    return
                if len(words) == 4:
                    connection.sendall(b"HMSG %s %s 16 16\r\nNATS/1.0 503\r\n\r\n\r\n" % (words[2], inbox))


class MuteServers(NatsCase):
    def test_one_that_lets_nodes_in_and_answers_nothing_is_told_of_once(self):
        words = "JetStream does not answer"
        server = self.server()
        node = self.cluster(1, server=server).start()[0]
        server.stop()
        mute = Mute(server.address)
        try:
            until(lambda: words in node.replication()["repl_last_refusal"], 10, "it is told")
            until(lambda: len(mute.let_in_at) >= 10, 60, "it goes on trying")
            last, before = mute.let_in_at[9], mute.let_in_at[8]
            self.assertGreater(last - before, 0.4, mute.let_in_at)
            facts = node.replication()
            self.assertEqual(facts["repl_state"], "CONNECTING")
            self.assertIn(words, facts["repl_last_refusal"])
        finally:
            mute.stop()
        log = node.process.log()
        self.assertEqual(log.count(words), 1, log)
        server.start()
        until(node.is_linked, 20, "it is in step")
        self.assertEqual(node.replication()["repl_last_refusal"], "")


if __name__ == "__main__":
    main()
