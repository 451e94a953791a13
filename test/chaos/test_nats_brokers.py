"""What happens to the NATS servers under a cluster: leaders that die, sites that are cut, returns from
too long an absence. No network of its own is needed: everything is on loopback."""
import threading
import time

import chaos  # noqa: F401 pylint: disable=unused-import
from harness import main, until, world
from harness.nats_case import Load, NatsCase
from harness.nats_server import Cluster, three_servers
from harness.relay import Relay


class ThreeServers(NatsCase):
    def three(self, *arguments):
        servers = three_servers(self)
        for server in servers:
            server.launch()
        return servers, Cluster(self, servers, 3, "--nats-replicas", "3", *arguments).start(60)

    def test_whatever_is_killed_and_stopped_the_nodes_come_to_hold_the_same(self):
        """Two servers of three at once as well: then nobody takes anything."""
        chance = self.chance()
        servers, nodes = self.three()
        loads = [Load(nodes[0], b"first"), Load(nodes[1], b"second")]
        for load in loads:
            self.addCleanup(load.end)
        end = time.monotonic() + world.number("CHAOS_SECONDS", 10)
        while time.monotonic() < end:
            what = chance.choice(("server", "two", "still", "node", "pause"))
            pause = chance.random() * 2
            print(f"{what} {pause:.1f}", flush=True)
            if what in ("server", "two"):
                victims = chance.sample(servers, 2 if what == "two" else 1)
                for server in victims:
                    server.kill()
                time.sleep(pause)
                for server in victims:
                    server.launch()
            elif what == "node":
                nodes[2].kill()
                nodes[2].start(60)
            else:
                victim = chance.choice(servers) if what == "still" else nodes[2]
                victim.pause()
                time.sleep(pause)
                victim.resume()
            time.sleep(chance.random() * 2)
        expected = {}
        for load in loads:
            expected.update(load.end())
        nodes.wait_until_in_step(60)
        self.assert_values(nodes, expected, 30)

    def test_a_killed_leader_costs_no_write_that_was_answered(self):
        """Acks are refused for seconds, until the next leader is elected."""
        servers, nodes = self.three("--ack", "received", "--ack-timeout", "1s")
        load = Load(nodes[0])
        try:
            leader = until(lambda: servers[0].leader_of("MC_twincached"), 30, "there is a leader")
            victim = next(server for server in servers if server.name == leader)
            time.sleep(1)
            victim.kill()
            survivor = next(server for server in servers if server is not victim)
            until(lambda: survivor.leader_of("MC_twincached") not in (None, leader), 60,
                  "another server leads")
            time.sleep(1)
            victim.launch()
        finally:
            expected = load.end()
        nodes.wait_until_in_step(60)
        self.assert_values(nodes, expected)


class Returns(NatsCase):
    def test_older_writes_of_a_node_that_was_cut_off_bring_nothing_back(self):
        server = self.server()
        way = (self.addresses.host(11), 4222)
        relay = Relay(way, server.address)
        self.addCleanup(relay.stop)
        nodes = self.cluster(3, server=server)
        cut_off = nodes.node(3)
        at = cut_off.arguments.index("--nats-servers") + 1
        cut_off.arguments[at] = f"nats://{way[0]}:{way[1]}"
        nodes.nodes.append(cut_off)
        nodes.start()
        keys = [b"key%d" % number for number in range(50)]
        with nodes[0].client() as client:
            for key in keys:
                client.set(key, b"first")
        nodes.wait_until_equal(keys)
        relay.cut()
        until(lambda: not cut_off.is_linked(), 10, "it knows that it is cut off")
        with cut_off.client() as client:
            for key in keys:
                self.assertEqual(client.set(key, b"older"), b"STORED")
        time.sleep(0.05)
        with nodes[1].client() as client:
            for key in keys:
                self.assertEqual(client.ask(b"delete " + key), b"DELETED")
        time.sleep(1)
        relay.heal()
        nodes.wait_until_in_step(20)
        self.assert_values(nodes, {key: None for key in keys})

    def test_a_node_that_was_forgotten_compares_all_and_brings_nothing_back(self):
        server = self.server()
        way = (self.addresses.host(11), 4222)
        relay = Relay(way, server.address)
        self.addCleanup(relay.stop)
        nodes = self.cluster(2, "--member-timeout", "1s", "--nats-max-age", "10s", server=server)
        away = nodes.node(2)
        at = away.arguments.index("--nats-servers") + 1
        away.arguments[at] = f"nats://{way[0]}:{way[1]}"
        nodes.nodes.append(away)
        nodes.start()
        gone = [b"gone%d" % number for number in range(200)]
        with nodes[0].client() as client:
            for key in gone:
                client.set(key, b"1")
        nodes.wait_until_equal(gone)
        relay.cut()
        until(lambda: not away.is_linked(), 10, "it knows that it is cut off")
        expected = {key: None for key in gone}
        with nodes[0].client() as client:
            for key in gone:
                client.ask(b"delete " + key)
            for number in range(200):
                expected[b"new%d" % number] = b"1"
                client.set(b"new%d" % number, b"1")
        with away.client() as client:
            for number in range(200):
                expected[b"away%d" % number] = b"2"
                client.set(b"away%d" % number, b"2")
        time.sleep(4)  # of a second of member-timeout
        relay.heal()
        nodes.wait_until_in_step(30)
        self.assert_values(nodes, expected, 20)


class Storm(NatsCase):
    def test_whatever_is_killed_and_stopped_the_nodes_come_to_hold_the_same(self):
        seconds = world.number("CHAOS_SECONDS", 10)
        chance = self.chance()
        server = self.server()
        nodes = self.cluster(4, server=server).start()
        stays = Load(nodes[0], b"stays")
        over = threading.Event()

        def disturb():
            while not over.is_set():
                what = chance.choice(("node", "pause", "broker", "empty", "flush"))
                victim = chance.choice(nodes.nodes[1:])
                if what == "node":
                    victim.kill()
                    victim.start(60)
                elif what == "pause":
                    victim.pause()
                    time.sleep(chance.random() * 2)
                    victim.resume()
                elif what in ("broker", "empty"):
                    server.kill()
                    if what == "empty":
                        server.forget_everything()
                    time.sleep(chance.random())
                    server.start()
                else:
                    with victim.client() as client:
                        client.set(b"touched", b"%d" % chance.randrange(1000))
                time.sleep(chance.random() * 1.5)

        disturber = threading.Thread(target=disturb)
        disturber.start()
        time.sleep(seconds)
        over.set()
        disturber.join()
        expected = stays.end()
        nodes.wait_until_in_step(60)
        self.assert_values(nodes, expected, 30)


if __name__ == "__main__":
    main()
