"""kill -9 of either node behind HAProxy: what the application notices, and what the node holds
when it comes back."""
import socket
import time

from harness import Case, Load, main, until, within, world


class KillUnderLoad(Case):
    needs_replication = True
    CONNECTIONS = 16

    def test_either_node_may_be_killed_and_comes_back_full_before_it_serves(self):
        nodes = self.pair().start()
        proxy = self.haproxy(nodes)
        for victim in nodes:
            with self.subTest(victim=victim.name):
                self._kill_and_bring_back(nodes, proxy, victim)

    def _kill_and_bring_back(self, nodes, proxy, victim):
        survivor = nodes.other(victim)
        prefix = b"kill-" + victim.name.encode()
        with Load(proxy.address, self.CONNECTIONS, rate=200, prefix=prefix) as load:
            until(lambda: len(load.operations) > 500, 20, "the load runs")
            victim.kill()
            killed = time.monotonic()
            until(lambda: load.answered_since(killed) > self.CONNECTIONS, 5, "service goes on")
            self._check_what_clients_saw(load, killed)

            until(lambda: load.answered_since(killed) > 500, 20, "writes to the survivor")
            known = sorted(load.stored())
            self._restart_and_read_at_once(victim, survivor, known)
            nodes.wait_until_linked()
            until(proxy.all_up, 5, "HAProxy uses both again")
        nodes.wait_until_at_rest()
        nodes.wait_until_equal(sorted(load.stored()))

    def _check_what_clients_saw(self, load, killed):
        self.assertLessEqual(len(load.failures), self.CONNECTIONS,
                             "at most what was in flight may fail")
        blackout = max(load.gaps[self.CONNECTIONS:], default=0.0)
        first = min(op.start + op.seconds for op in list(load.operations) if op.start > killed)
        print(f"{len(load.failures)} requests failed, next answer after "
              f"{(first - killed) * 1000:.1f} ms, longest reconnection {blackout * 1000:.1f} ms",
              flush=True)
        self.assertLess(blackout, world.scaled(1))
        self.assertLess(first - killed, world.scaled(1))

    def _restart_and_read_at_once(self, victim, survivor, known):
        with survivor.client() as client:
            wanted = client.gets_many(known)
        victim.launch()
        until(victim.is_open, 10, f"{victim.name} serves again", interval=0.0005)
        with victim.client() as client:
            found = client.gets_many(known)
        lacking = [key for key in known if key in wanted and key not in found]
        self.assertEqual(lacking[:5], [], f"{len(lacking)} of {len(wanted)} keys were not there "
                                          "when the port opened")


class Restarts(Case):
    needs_replication = True
    CYCLES = world.number("TWINCACHED_RESTARTS", 4 if world.IS_SANITIZED else 10)

    def test_a_node_killed_again_and_again_never_misses_a_key(self):
        """ANCESTORS 5 and 7: deletes made meanwhile stay deleted, nothing is missing."""
        nodes = self.pair().start()
        keys = [b"base%d" % n for n in range(3000)]
        with nodes.a.client() as client:
            for key in keys:
                client.send(b"set %s 0 0 4 noreply\r\nbase\r\n" % key)
            for cycle in range(self.CYCLES):
                nodes.b.kill()
                client.ask(b"delete base%d" % cycle)
                client.set(b"while-away", b"%d" % cycle)
                nodes.b.start()
                with nodes.b.client() as on_b:
                    self.assertEqual(on_b.get(b"while-away"), b"%d" % cycle)
                    self.assertIsNone(on_b.get(b"base%d" % cycle))
                    self.assertEqual(len(on_b.gets_many(keys)), len(keys) - cycle - 1)
                nodes.wait_until_linked()
        nodes.wait_until_equal(keys)

    def test_a_clean_stop_loses_nothing_and_the_peer_takes_over_at_once(self):
        """ANCESTORS 38: SIGTERM with data still to be sent."""
        nodes = self.pair().start()
        keys = [b"last%d" % n for n in range(2000)]
        with nodes.a.client() as client:
            for key in keys:
                client.send(b"set %s 0 0 5 noreply\r\nwords\r\n" % key)
            client.ask(b"version")
        stopped = time.monotonic()
        self.assertEqual(nodes.a.stop(), 0, "SIGTERM is a good end")
        within(6, stopped, "a drain ends by its deadline")
        with nodes.b.client() as client:
            self.assertEqual(len(client.gets_many(keys)), len(keys))
            self.assertEqual(client.set(b"alone", b"v"), b"STORED")

    def test_a_node_alone_serves_after_the_boot_grace(self):
        node = self.node(peer=self.addresses.host(9))
        began = time.monotonic()
        node.start(seconds=5)
        passed = within(4.5, began, "a node whose peer is not there serves")
        print(f"alone after {passed:.2f} s", flush=True)
        self.assert_still_serves(node)

    def test_a_peer_whose_address_swallows_everything_never_keeps_the_port_closed(self):
        """ANCESTORS 11: 134 s until the kernel gave up on the SYN."""
        swallower = (self.addresses.host(9), self.link_port)
        with socket.socket() as listener:
            listener.bind(swallower)
            listener.listen(0)
            # A full backlog drops further SYNs, as a dead host does.
            crowd = [self._knock(swallower) for _ in range(4)]
            node = self.node(peer=swallower[0])
            began = time.monotonic()
            node.start(seconds=6)
            within(5, began, "a node whose peer's host is dead serves")
            self.assert_still_serves(node)
            for knocking in crowd:
                knocking.close()

    @staticmethod
    def _knock(address):
        knocking = socket.socket()
        knocking.setblocking(False)
        knocking.connect_ex(address)
        return knocking

    def test_what_a_kill_loses_is_what_was_on_its_way(self):
        """ANCESTORS 34: 0 to 16 acknowledged writes of some 60000 were lost."""
        nodes = self.pair().start()
        with Load(nodes.a.address, connections=8, rate=2000) as load:
            until(lambda: len(load.operations) > 5000, 20, "the load runs")
            nodes.a.kill()
            known = sorted(load.stored())
        with nodes.b.client() as client:
            lost = len(known) - len(client.gets_many(known))
        print(f"{lost} of {len(known)} acknowledged writes died with their node", flush=True)
        self.assertLess(lost, 100)

    def test_a_peer_that_is_stopped_never_keeps_the_port_closed(self):
        """ANCESTORS 12: repcached's port never opened."""
        nodes = self.pair().start()
        with nodes.a.client() as client:
            client.set(b"k", b"v")
        nodes.b.kill()
        nodes.a.pause()
        began = time.monotonic()
        nodes.b.start(seconds=8)
        within(6, began, "b serves although its peer hangs")
        nodes.a.resume()
        nodes.wait_until_linked(10)
        with nodes.b.client() as client:
            until(lambda: client.get(b"k") == b"v", 2, "b has what a had")


if __name__ == "__main__":
    main()
