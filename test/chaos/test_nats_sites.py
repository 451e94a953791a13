"""Two sites, two nodes at each, and what happens to one of them or to the way between the two. No
network of its own is needed: everything is on loopback."""
import threading
import time

import chaos  # noqa: F401 pylint: disable=unused-import
from harness import main, until, world
from harness.nats_case import Load, NatsCase

OF_PARIS = "MC_twincached_paris"
AT_ROME = "MC_twincached_paris_AT_rome"


class SitesCase(NatsCase):
    def setUp(self):
        super().setUp()
        self.sites = self.cluster_of_two_sites(2)
        self.nodes = self.sites.nodes
        self.paris, self.rome = self.nodes.nodes[:2], self.nodes.nodes[2:]


class TheWay(SitesCase):
    def test_sites_that_were_cut_come_to_hold_the_same(self):
        expected = self.write(self.paris[0], 1, 300)
        expected.update(self.write(self.rome[1], 2, 300))
        self.nodes.wait_until_equal(list(expected), 30)
        self.sites.way.cut()
        here, there = {}, {}
        for key in list(expected)[:100]:
            here[key] = None
        with self.paris[1].client() as client:
            for key in here:
                client.ask(b"delete " + key)
            for number in range(100):
                here[b"paris%d" % number] = b"p"
                client.set(b"paris%d" % number, b"p")
        with self.rome[0].client() as client:
            for number in range(100):
                there[b"rome%d" % number] = b"r"
                client.set(b"rome%d" % number, b"r")
        time.sleep(3)
        self.sites.way.heal()
        self.assert_values(self.nodes, {**here, **there}, 60)


class UnderLoad(SitesCase):
    """Clients of both sites write all the time."""

    def setUp(self):
        super().setUp()
        self.loads = [Load(self.paris[0], b"paris"), Load(self.rome[0], b"rome")]
        for load in self.loads:
            self.addCleanup(load.end)
        time.sleep(world.scaled(0.5))

    def assert_nothing_lost(self):
        time.sleep(world.scaled(0.5))
        expected = {}
        for load in self.loads:
            expected.update(load.end())
        self.nodes.wait_until_in_step(60)
        self.assert_values(self.nodes, expected, 30)

    @staticmethod
    def created(server, stream):
        try:
            answer = server.ask(f"$JS.API.STREAM.INFO.{stream}", seconds=1)
        except OSError:
            return None
        return (answer or {}).get("created")


class OneSite(UnderLoad):
    def test_a_server_that_is_killed_costs_no_write_of_either(self):
        self.sites.paris.kill()
        until(lambda: not self.paris[0].is_linked(), 10, "its nodes notice")
        time.sleep(world.scaled(2))
        self.assertTrue(all(node.is_linked() for node in self.rome), "rome goes on")
        self.sites.paris.start()
        self.assert_nothing_lost()

    def test_a_server_that_comes_back_empty_costs_no_write_of_either(self):
        for server in (self.sites.paris, self.sites.rome):
            server.kill()
            server.forget_everything()
            time.sleep(world.scaled(1))
            server.start()
            self.nodes.wait_until_in_step(30)
        self.assert_nothing_lost()

    def test_a_server_that_stands_still_costs_no_write_of_either(self):
        self.sites.paris.pause()
        time.sleep(5)
        self.sites.paris.resume()
        self.assert_nothing_lost()

    def test_a_site_that_loses_all_it_had_is_given_it_by_the_other(self):
        expected = self.write(self.rome[1], 3, 300)
        self.nodes.wait_until_equal(list(expected), 30)
        self.loads.pop(0).end()  # the nodes that it wrote to are killed
        for node in self.paris:
            node.kill()
        self.sites.paris.kill()
        self.sites.paris.forget_everything()
        for node in self.rome:
            self.assertTrue(node.is_linked())
        self.sites.paris.start()
        for node in self.paris:
            # It takes a second until rome's server calls again.
            node.arguments[node.arguments.index("--boot-grace") + 1] = "5s"
            node.launch()
        for node in self.paris:
            node.wait_until_open(60)
            with node.client() as client:
                held = client.gets_many(list(expected))
            self.assertEqual({key: value[0] for key, value in held.items()},
                             {key: value for key, value in expected.items() if value})
        self.assert_nothing_lost()

    def test_a_stream_that_is_made_anew_is_mirrored_anew(self):
        before = self.created(self.sites.rome, AT_ROME)
        self.sites.paris.ask(f"$JS.API.STREAM.DELETE.{OF_PARIS}")
        until(lambda: self.created(self.sites.rome, AT_ROME) not in (None, before), 30,
              "rome's mirror is another")
        self.assert_nothing_lost()

    def test_a_stream_that_is_made_anew_while_the_way_is_cut_is_mirrored_anew(self):
        """And has got beyond what the mirror had, as of a stream that had merely gone on."""
        before = self.created(self.sites.rome, AT_ROME)
        self.sites.way.cut()
        self.sites.paris.ask(f"$JS.API.STREAM.DELETE.{OF_PARIS}")
        mirrored = self.sites.rome.ask(f"$JS.API.STREAM.INFO.{AT_ROME}")["state"]["last_seq"]

        def has_grown():
            answer = self.sites.paris.ask(f"$JS.API.STREAM.INFO.{OF_PARIS}")
            return answer and answer.get("state", {}).get("last_seq", 0) > mirrored + 10
        until(has_grown, 60, "the new stream is longer than what was mirrored of the old one")
        self.sites.way.heal()
        until(lambda: self.created(self.sites.rome, AT_ROME) not in (None, before), 30,
              "rome's mirror is another")
        self.assert_nothing_lost()

    def test_a_mirror_that_is_deleted_is_made_anew(self):
        self.sites.rome.ask(f"$JS.API.STREAM.DELETE.{AT_ROME}")
        until(lambda: self.created(self.sites.rome, AT_ROME), 30, "there is one again")
        self.assert_nothing_lost()


class Storm(UnderLoad):
    """Everything of the above, drawn."""

    def disturb(self, chance):
        name = chance.choice(("paris", "rome"))
        server = getattr(self.sites, name)
        victim = getattr(self, name)[1]
        pause = chance.random() * 2
        what = chance.choice(("cut", "hole", "server", "empty", "still", "node", "pause", "stream",
                              "mirror", "site"))
        print(f"{what} {name} {pause:.1f}", flush=True)
        if what in ("cut", "hole"):
            (self.sites.way.cut if what == "cut" else self.sites.way.black_hole)()
            time.sleep(pause)
            self.sites.way.heal()
        elif what in ("server", "empty", "site"):
            if what == "site":
                victim.kill()
            server.kill()
            if what != "server":
                server.forget_everything()
            time.sleep(pause)
            server.start()
            if what == "site":
                victim.start(60)
        elif what in ("still", "pause"):
            of = server if what == "still" else victim
            of.pause()
            time.sleep(pause)
            of.resume()
        elif what == "node":
            victim.kill()
            victim.start(60)
        else:
            other = "rome" if name == "paris" else "paris"
            stream = f"MC_twincached_{other}_AT_{name}" if what == "mirror" else f"MC_twincached_{name}"
            server.ask(f"$JS.API.STREAM.DELETE.{stream}")

    def test_whatever_happens_the_nodes_come_to_hold_the_same(self):
        chance = self.chance()
        over = threading.Event()
        failures = []

        def disturb():
            try:
                while not over.is_set():
                    self.disturb(chance)
                    time.sleep(chance.random() * 1.5)
            except Exception as error:
                failures.append(error)

        disturber = threading.Thread(target=disturb)
        disturber.start()
        time.sleep(world.number("CHAOS_SECONDS", 10))
        over.set()
        disturber.join()
        self.assertEqual(failures, [])
        self.assert_nothing_lost()


if __name__ == "__main__":
    main()
