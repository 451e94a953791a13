"""What others do to the stream of a cluster: with NATS' own tools, or by their settings."""
import json
import os
import time

from harness import main, until, world
from harness.nats_case import Load, NatsCase
from harness.nats_server import Cluster, two_sites
from harness.relay import Relay

STREAM = "MC_twincached"


class StreamCase(NatsCase):
    def ask(self, server, what, **body):
        answer = server.ask(f"$JS.API.STREAM.{what}.{STREAM}", json.dumps(body) if body else "")
        self.assertNotIn("error", answer)
        return answer

    def create(self, server, **settings):
        """As an operator does it, before there is a node."""
        self.ask(server, "CREATE", **{"name": STREAM, "subjects": ["mc.twincached.*"],
                                      "storage": "file", "num_replicas": 1,
                                      "retention": "limits", **settings})

    def edit(self, server, **settings):
        self.ask(server, "UPDATE", **{**self.ask(server, "INFO")["config"], **settings})


class TakenOut(StreamCase):
    def test_who_had_not_read_what_was_taken_out_compares_all_and_is_in_step(self):
        server = self.server()
        way = (self.addresses.host(11), 4222)
        relay = Relay(way, server.address)
        self.addCleanup(relay.stop)
        nodes = self.cluster(2, server=server)
        away = nodes.node(2)
        at = away.arguments.index("--nats-servers") + 1
        away.arguments[at] = f"nats://{way[0]}:{way[1]}"
        nodes.nodes.append(away)
        nodes.start()
        expected = self.write(nodes[0], 1, 200)
        nodes.wait_until_equal(list(expected))
        relay.cut()
        until(lambda: not away.is_linked(), 10, "it knows that it is cut off")
        first = self.ask(server, "INFO")["state"]["last_seq"] + 1
        expected.update(self.write(nodes[0], 2, 300))
        last = self.ask(server, "INFO")["state"]["last_seq"]
        for sequence in range(first, last, 3):
            self.ask(server, "MSG.DELETE", seq=sequence)
        relay.heal()
        nodes.wait_until_in_step(20)
        self.assert_values(nodes, expected)
        self.assertIn("lacks what this node had not read", away.process.log())

    def test_a_stream_that_is_emptied_while_it_is_read_costs_nothing(self):
        server = self.server()
        nodes = self.cluster(3, server=server).start()
        expected = self.write(nodes[0], 1, 200)
        self.ask(server, "PURGE")
        expected.update(self.write(nodes[1], 2, 200))
        self.assert_values(nodes, expected)
        self.ask(server, "DELETE")
        expected.update(self.write(nodes[2], 3, 200))
        until(lambda: not nodes[0].is_linked(), 10, "its loss is noticed")
        nodes.wait_until_in_step(20)
        self.assert_values(nodes, expected)


class Refusing(StreamCase):
    def test_a_stream_that_takes_nothing_more_is_told_of_and_all_is_told_afterwards(self):
        server = self.server()
        nodes = self.cluster(2, server=server).start()
        self.edit(server, discard="new", max_bytes=40_000)
        expected = {b"key%d" % number: b"%d" % number * 1000 for number in range(50)}
        with nodes[0].client() as client:
            for key, value in expected.items():
                self.assertEqual(client.set(key, value), b"STORED")
        until(lambda: not nodes[0].is_linked(), 10, "it is not in step any more")
        facts = nodes[0].replication()
        self.assertIn("maximum bytes exceeded", facts["repl_last_refusal"])
        self.assertGreaterEqual(int(facts["repl_lag_ms"]), 1000)
        self.assertEqual(nodes[0].process.log().count("takes nothing that this node says"), 1)
        self.edit(server, discard="old")
        nodes.wait_until_in_step(10)
        self.assert_values(nodes, expected)
        self.assertEqual(nodes[0].replication()["repl_last_refusal"], "")

    def test_a_stream_for_other_subjects_keeps_no_node_from_serving(self):
        server = self.server()
        self.create(server, subjects=["something.else"])
        node = self.cluster(1, server=server).nodes[0].start(15)
        self.assertEqual(node.replication()["repl_serving"], "READY")
        self.assertIn("the broker takes nothing", node.process.log())

    def test_messages_are_no_longer_than_the_stream_takes_them(self):
        server = self.server()
        self.create(server, max_msg_size=20_000)
        nodes = self.cluster(2, server=server).start()
        expected = {b"key%d" % number: b"%d" % number * 500 for number in range(300)}
        expected[b"large"] = b"x" * 300_000
        with nodes[0].client() as client:
            for key, value in expected.items():
                self.assertEqual(client.set(key, value), b"STORED")
        self.assert_values(nodes, expected)
        self.assertNotIn("takes nothing", nodes[0].process.log())

    def test_a_stream_that_takes_hardly_anything_is_none(self):
        server = self.server()
        self.create(server, max_msg_size=2000)
        node = self.cluster(1, server=server).nodes[0].start(15)
        words = "its max_msg_size is too small: 2000 bytes"
        self.assertIn(words, node.process.log())
        self.assertIn(words, node.replication()["repl_last_refusal"])
        self.edit(server, max_msg_size=-1)
        until(node.is_linked, 10, "it is in step")
        self.assertEqual(node.replication()["repl_last_refusal"], "")

    def test_what_somebody_has_set_a_stream_to_is_said_once(self):
        server = self.server()
        self.create(server, retention="interest", max_age=10**9, max_msgs=100, max_bytes=500_000)
        nodes = self.cluster(2, server=server).start()
        log = nodes[0].process.log()
        self.assertEqual(log.count("is set otherwise than a node would have it"), 1)
        doubts = nodes[0].replication()["repl_stream_doubts"]
        for setting in ("retention", "max_age", "max_msgs", "max_bytes"):
            self.assertIn(f"({setting})", log)
            self.assertIn(f"({setting})", doubts)

    def test_a_stream_that_nobody_else_may_read_is_told_of_and_not_asked_all_the_time(self):
        server = self.server()
        self.create(server, max_consumers=1)
        nodes = self.cluster(2, server=server)
        for node in nodes:
            node.launch()
        for node in nodes:
            node.wait_until_open(20)

        def refused():
            return [node for node in nodes if "maximum consumers" in node.process.log()]
        until(refused, 10, "one of them is refused")
        self.assertEqual(len(refused()), 1)
        lines = len(refused()[0].process.log().splitlines())
        asked = server.ask("$JS.API.INFO")["api"]["total"]
        self.assertLess(lines, 20)
        until(lambda: server.ask("$JS.API.INFO")["api"]["total"] > asked + 20, 20, "it tries again")
        self.assertLess(len(refused()[0].process.log().splitlines()), lines + 3)


class OtherSites(StreamCase):
    def sites(self, denied):
        """(paris, rome), where the user `web` may not publish to these subjects."""
        paris, rome = two_sites(self)
        rome.more += ('\nauthorization { users: [ { user: ok, password: right }, { user: web, password: '
                      'right, permissions: { publish: { deny: %s } } } ] }' % json.dumps(denied))
        for server in (paris, rome):
            server.start()
        until(lambda: rome.ask("$JS.paris.API.INFO", user={"user": "ok", "pass": "right"},
                               seconds=1), 20, "the sites are joined")
        return paris, rome

    def at(self, server, site, other, number):
        password = os.path.join(self.directory, "password")
        with open(password, "w") as file:
            file.write("right\n")
        login = [] if site == "paris" else ["--nats-user", "web", "--nats-password-file", password]
        return Cluster(self, [server], 1, "--nats-site", site, "--nats-sites", other,
                       "--nats-domain", site, *login, first=number)

    def assert_goes_on_without(self, denied):
        mirror = "MC_twincached_paris_AT_rome"
        paris, rome = self.sites([f"$JS.API.{denied}.{mirror}"])
        cluster = self.at(paris, "paris", "rome", 0).start()
        load = Load(cluster[0])
        self.addCleanup(load.end)
        cluster.nodes += self.at(rome, "rome", "paris", 1).nodes
        node = cluster[1].start(20)
        until(node.is_linked, 10, "it is in step with its site")
        time.sleep(world.scaled(2))  # it would begin anew at each heartbeat
        log = node.process.log()
        self.assertLessEqual(log.count("COMPARING") + log.count("IN_STEP"), 2, log)
        refusal = node.replication()["repl_last_refusal"]
        self.assertIn("stream MC_twincached_paris: the broker does not answer", refusal)
        self.assertIn(f"$JS.API.{denied}.{mirror}", refusal)
        rome.more = rome.more.replace(denied, "NONE")
        rome.reload()
        until(lambda: node.replication()["repl_last_refusal"] == "", 20, "it is mended")
        self.assert_values(cluster, load.end())

    def test_who_may_not_mirror_another_site_goes_on_without_it_and_says_so(self):
        self.assert_goes_on_without("STREAM.CREATE")

    def test_who_may_not_read_the_mirror_goes_on_without_it_and_says_so(self):
        self.assert_goes_on_without("CONSUMER.CREATE")


class Strangers(StreamCase):
    def test_nodes_with_another_secret_are_told_of_and_not_heard(self):
        server = self.server()
        for name in ("one", "two"):
            path = os.path.join(self.directory, name)
            with open(path, "w") as file:
                file.write(name * 20 + "\n")
            os.chmod(path, 0o600)
        ours = self.cluster(2, "--secret-file", os.path.join(self.directory, "one"),
                            server=server).start()
        stranger = Cluster(self, [server], 1, "--secret-file",
                           os.path.join(self.directory, "two"), first=2).nodes[0].start(20)
        for node in (*ours.nodes, stranger):
            until(lambda: "has another secret" in node.process.log(), 10, "it is told")
        expected = self.write(ours[0], 1, 100)
        self.assert_values(ours, expected)
        with stranger.client() as client:
            self.assertEqual(client.gets_many(list(expected)), {})


if __name__ == "__main__":
    main()
