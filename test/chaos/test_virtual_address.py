"""One address in front of the pair: is a key behind it one register?

On a single node it is, whatever happens to the peer. Behind a virtual address it is across clean
handovers if answers wait for the peer (ack = received); and then nothing that was answered is
lost by a kill either. Without that mode the latter two say that they are skipped.

    CHAOS_KILLS=100   how many kills in the last test (3 by default)"""
import chaos  # noqa: F401 pylint: disable=unused-import
from chaos.case import ChaosCase
from chaos.checkers import acknowledged_and_lost
from chaos.linearizable import violations
from chaos.machine import knows_option
from harness import HAProxy, main, until, world

KILLS = world.number("CHAOS_KILLS", 3)
# A test machine is not the network that the usual limit of 50 ms is made for.
WAITS_FOR_THE_PEER = ("--ack=received", "--ack-timeout=5s")


class VirtualAddress(HAProxy):
    """All clients are on one node; the other takes over when it fails or leaves."""
    LATER_SERVER = HAProxy.SERVER + " backup"
    name = "vip"
    incarnation = 1


class Register(ChaosCase):

    def _contended(self, *targets, **options):
        return self.load(*targets, own_keys=1, shared_keys=3, reads=0.5, rate=100, workers=4,
                         **options)

    def _assert_linearizable(self):
        self.assertGreater(self.history.count("read", answered=True), 100)
        self.assertEqual(violations(self.history), [])

    def test_a_key_of_one_node_is_a_register_whatever_happens_to_the_peer(self):
        """Checker (iv) of section 18, on one node."""
        nodes = self.machines().start()
        with self._contended(nodes.a):
            self.wait_until_written(nodes.a, 200)
            self.cut()
            self.wait_until_written(nodes.a, 500)
            self.heal()
            self.nodes.wait_until_linked()
            self.kill(nodes.b)
            self.wait_until_written(nodes.a, 200)
            nodes.b.start()
        self._assert_linearizable()
        self.check()

    def _pair_that_waits(self, *arguments):
        if not knows_option("--ack"):
            print("*** SKIPPED: this build has no ack mode", flush=True)
            self.skipTest("no ack mode")
        nodes = self.machines(*WAITS_FOR_THE_PEER, *arguments).start()
        self._wait_until_sync()
        vip = VirtualAddress(self.directory, ("127.0.0.15", self.client_port), list(nodes))
        self.addCleanup(vip.stop)
        return nodes, vip.start()

    def _wait_until_sync(self):
        until(lambda: all(node.replication()["repl_ack_state"] == "sync" for node in self.nodes),
              10, "answers wait for the peer")

    def test_a_key_behind_a_virtual_address_is_a_register_across_clean_handovers(self):
        """Checker (iv) of section 18, behind an address, with ack = received."""
        nodes, vip = self._pair_that_waits()
        with self._contended(vip):
            for node in (nodes.a, nodes.b, nodes.a):
                self.wait_until_written(vip, 150)
                node.stop()
                self.wait_until_written(vip, 100)
                node.start()
                nodes.wait_until_linked()
                until(vip.all_up, 5, "HAProxy uses both again")
                self._wait_until_sync()
        self._assert_linearizable()

    def test_nothing_that_was_answered_in_received_mode_dies_with_its_node(self):
        """P5 and invariant 8: kill -9 of whoever has the address, again and again."""
        nodes, vip = self._pair_that_waits("-m", "1024")  # an eviction is no loss
        with self.load(vip, fresh=True, reads=0, deletes=0, rate=300, workers=6, sizes=(30,)):
            for n in range(KILLS):
                self.wait_until_written(vip, 150)
                # While both live a serves: a backup waits. Every second time b serves, and dies.
                victims = [nodes.a] if n % 2 == 0 else [nodes.a, nodes.b]
                for victim in victims:
                    self._wait_until_sync()
                    victim.kill()
                    self.wait_until_written(vip, 30)
                    victim.start()
                    nodes.wait_until_linked()
        self.rest()
        lost = acknowledged_and_lost(self.history, self.held())
        sets = self.history.count("set", answered=True)
        print(f"{len(lost)} of {sets} acknowledged writes lost in {KILLS} rounds", flush=True)
        self.assertEqual(len(lost), 0, lost[:3])


if __name__ == "__main__":
    main()
