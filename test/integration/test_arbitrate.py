"""arbitrate: one node decides for both, so that a lock has one holder and a counter counts all."""
import random
import threading
import time

from harness import Case, main, until, world
from harness.admin import Admin
from harness.client import Client
from harness.node import Pair
from harness.shipped import ShippedHAProxy, arguments_for_checks

UNKNOWN = b"SERVER_ERROR outcome unknown"
INCREMENTS = world.number("TWINCACHED_INCREMENTS", 1000 if world.IS_SANITIZED else 20000)
LOCKS = 50 if world.IS_SANITIZED else 2000
CAS_LOOPS = 10 if world.IS_SANITIZED else 100  # of each of ten clients


def together(*tasks):
    """Runs them at once; what one of them raises is raised here."""
    raised = []

    def guarded(task):
        try:
            task()
        except BaseException as error:  # pylint: disable=broad-except
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


def value_on(node, key):
    with node.client() as client:
        return client.get(key)


def zero_on_both(nodes, key=b"n"):
    with nodes.a.client() as client:
        client.set(key, b"0")
    until(lambda: all(value_on(node, key) == b"0" for node in nodes), 10, "both have it")


class Arbitrated(Case):
    needs_replication = True

    def linked(self, *options, mode="conditional"):
        nodes = self.pair("--arbitrate", mode, *options).start()
        until(lambda: all(node.replication()["repl_arbitration"] == mode for node in nodes), 20,
              "one node decides for both")
        return nodes

    def by_role(self, nodes):
        """The node that decides, and the one that asks it."""
        first = nodes.a if nodes.a.replication()["repl_decides"] == "yes" else nodes.b
        return first, nodes.b if first is nodes.a else nodes.a


class WhileLinked(Arbitrated):

    def test_what_stands_behind_a_decision_is_answered_though_nobody_else_says_anything(self):
        _, other = self.by_role(self.linked())
        with other.client() as client:
            for request, answer in ((b"add q 0 0 1\r\n1", b"STORED"), (b"incr q 1", b"2")):
                client.send(request + b"\r\n" + b"mn\r\n" * 1000)
                self.assertEqual(client.line(), answer)
                for _ in range(1000):
                    self.assertEqual(client.line(), b"MN")

    def test_every_increment_of_both_nodes_is_counted(self):
        nodes = self.linked()
        zero_on_both(nodes)

        def count(node):
            with node.client() as client:
                for _ in range(INCREMENTS // 2):
                    self.assertTrue(client.ask(b"incr n 1").isdigit())

        together(lambda: count(nodes.a), lambda: count(nodes.b))
        total = str(INCREMENTS // 2 * 2).encode()
        until(lambda: all(value_on(node, b"n") == total for node in nodes), 10, "none is lost")
        first, other = self.by_role(nodes)
        self.assertGreaterEqual(int(other.replication()["repl_asked"]), INCREMENTS // 2)
        until(lambda: int(first.replication()["repl_decided_for_peer"]) >= INCREMENTS // 2, 5,
              "the one has decided for the other")
        self.assertEqual(other.replication()["repl_asked_unknown"], "0")

    def test_of_two_adds_of_one_key_at_once_one_is_stored(self):
        nodes = self.linked()
        answers = {node: [] for node in nodes}
        barrier = threading.Barrier(2)

        def lock(node):
            with node.client() as client:
                for i in range(LOCKS):
                    barrier.wait(30)
                    answers[node].append(client.ask(b"add lock%d 0 0 1" % i, b"x"))

        together(*(lambda node=node: lock(node) for node in nodes))
        for pair in zip(*answers.values()):
            self.assertEqual(sorted(pair), [b"NOT_STORED", b"STORED"])

    def test_a_loop_of_gets_and_cas_of_both_nodes_is_exact(self):
        nodes = self.linked()
        zero_on_both(nodes)

        def count(node):
            with node.client() as client:
                done = 0
                while done < CAS_LOOPS:
                    client.send(b"gets n\r\n")
                    cas = client.line().split()[4]
                    number = int(client.line())
                    client.line()
                    new = str(number + 1).encode()
                    answer = client.ask(b"cas n 0 0 %d %s" % (len(new), cas), new)
                    self.assertIn(answer, (b"STORED", b"EXISTS"))
                    done += answer == b"STORED"

        together(*(lambda node=node: count(node) for node in nodes for _ in range(5)))
        total = str(CAS_LOOPS * 10).encode()
        until(lambda: all(value_on(node, b"n") == total for node in nodes), 10, "it is exact")

    def test_what_a_client_has_done_before_is_seen_and_what_it_was_told_is_there(self):
        nodes = self.linked()
        _, other = self.by_role(nodes)
        with other.client() as client:
            for i in range(100):
                client.send(b"set k%d 0 0 2\r\n41\r\nincr k%d 1\r\nget k%d\r\n" % (i, i, i))
                answers = [client.line() for _ in range(5)]
                self.assertEqual(answers, [b"STORED", b"42", b"VALUE k%d 0 2" % i, b"42", b"END"])

    def test_every_dialect_asks_and_quiet_requests_do(self):
        nodes = self.linked()
        first, other = self.by_role(nodes)
        with other.client() as client:
            self.assertEqual(client.ask(b"add a 0 0 1", b"1"), b"STORED")
            self.assertEqual(client.ask(b"replace a 0 0 1", b"2"), b"STORED")
            self.assertEqual(client.ask(b"append a 0 0 1", b"3"), b"STORED")
            self.assertEqual(client.ask(b"prepend a 0 0 1", b"1"), b"STORED")
            self.assertEqual(client.get(b"a"), b"123")
            self.assertEqual(client.ask(b"decr a 23"), b"100")
            self.assertEqual(client.ask(b"ms a 1 MA", b"5"), b"HD")
            self.assertEqual(client.ask(b"ma a v").split()[0], b"VA")
            self.assertEqual(client.line(), b"1006")
            self.assertEqual(client.ask(b"md a C1"), b"EX")
            client.send(b"incr a 1 noreply\r\nma a q\r\nmn\r\n")
            self.assertEqual(client.line(), b"MN")
        with other.client() as client:
            client.send(b"\x80\x05\x00\x01\x14\x00\x00\x00\x00\x00\x00\x15" + bytes(12) +
                        (1).to_bytes(8, "big") + bytes(8) + b"\xff" * 4 + b"a")
            head = client.exactly(24)
            self.assertEqual(head[6:8], b"\x00\x00")
            self.assertEqual(int.from_bytes(client.exactly(8), "big"), 1009)
        self.assertEqual(value_on(first, b"a"), b"1009")
        self.assertGreaterEqual(int(other.replication()["repl_asked"]), 11)

    def test_of_all_readers_of_a_missing_item_one_is_told_to_fetch_it(self):
        nodes = self.linked()
        with nodes.a.client() as one, nodes.b.client() as two:
            answers = [client.ask(b"mg k N30 t") for client in (one, two)]
            self.assertEqual(sum(b" W" in answer for answer in answers), 1)
            self.assertEqual(sum(b" Z" in answer for answer in answers), 1)

    def test_a_large_value_is_decided_there_and_read_here(self):
        nodes = self.linked("-I", "4m", "-m", "256")
        first, other = self.by_role(nodes)
        value = b"v" * 1500000
        with other.client() as client:
            self.assertEqual(client.ask(b"add k 0 0 %d" % len(value), value), b"STORED")
            self.assertEqual(client.get(b"k"), value)
            self.assertEqual(client.ask(b"append k 0 0 1", b"w"), b"STORED")
            self.assertEqual(client.get(b"k"), value + b"w")
        self.assertEqual(value_on(first, b"k"), value + b"w")

    def test_all_asks_for_plain_changes_too(self):
        nodes = self.linked(mode="all")
        first, other = self.by_role(nodes)
        with other.client() as client:
            self.assertEqual(client.set(b"k", b"v"), b"STORED")
            self.assertEqual(value_on(first, b"k"), b"v")
            self.assertEqual(client.ask(b"touch k 100"), b"TOUCHED")
            client.send(b"gat 100 k none k\r\n")
            answers = [client.line() for _ in range(5)]
            self.assertEqual(answers, [b"VALUE k 0 1", b"v", b"VALUE k 0 1", b"v", b"END"])
            self.assertEqual(client.ask(b"delete k"), b"DELETED")
            self.assertIsNone(value_on(first, b"k"))


class Failures(Arbitrated):

    def count_until(self, node, stop, outcomes):
        with node.client() as client:
            while not stop.is_set():
                outcomes.append(client.ask(b"incr n 1"))

    def test_a_primary_that_dies_leaves_at_most_what_was_under_way_unknown(self):
        nodes = self.linked()
        first, other = self.by_role(nodes)
        with other.client() as client:
            client.set(b"n", b"0")
        stop = threading.Event()
        outcomes = [[] for _ in range(3)]

        def kill():
            until(lambda: all(len(each) > 50 for each in outcomes), 20, "they count")
            first.kill()
            until(lambda: other.replication()["repl_role"] == "primary", 10, "it takes over")
            lengths = [len(each) for each in outcomes]
            until(lambda: all(len(each) > length + 20 for each, length in zip(outcomes, lengths)),
                  10, "it decides for itself")
            stop.set()

        together(kill, *(lambda each=each: self.count_until(other, stop, each)
                         for each in outcomes))
        flat = [answer for each in outcomes for answer in each]
        unknown = flat.count(UNKNOWN)
        self.assertLessEqual(unknown, 3)
        done = [int(answer) for answer in flat if answer != UNKNOWN]
        self.assertEqual(len(done), len(set(done)), "no number is given twice")
        self.assertLessEqual(len(done), int(value_on(other, b"n")))
        self.assertLessEqual(int(value_on(other, b"n")), len(done) + unknown)

    def test_a_primary_that_hangs_is_waited_for_no_longer_than_arbitrate_timeout(self):
        nodes = self.linked("--arbitrate-timeout", "200ms", "--silence", "20s")
        first, other = self.by_role(nodes)
        with other.client() as client:
            self.assertEqual(client.set(b"n", b"1"), b"STORED")
            self.assertEqual(client.ask(b"incr n 1"), b"2")
            first.pause()
            self.assertEqual(client.ask(b"incr n 1"), UNKNOWN)
            self.assertEqual(client.set(b"m", b"1"), b"STORED", "who asks nothing waits for nothing")
            first.resume()
            until(lambda: client.ask(b"incr n 1") != UNKNOWN, 10, "it is asked again")

    def test_a_switchover_loses_nothing(self):
        nodes = self.linked()
        first, other = self.by_role(nodes)
        with other.client() as client:
            client.set(b"n", b"0")
        until(lambda: value_on(first, b"n") == b"0", 10, "both have it")
        stop = threading.Event()
        outcomes = {node: [] for node in nodes}

        def switch():
            until(lambda: all(len(each) > 50 for each in outcomes.values()), 20, "they count")
            status, _, _ = Admin.of(first).ask("/switchover", method="POST", Content_Length="0")
            self.assertEqual(status, 200)
            until(lambda: other.replication()["repl_decides"] == "yes", 10, "it decides")
            until(lambda: first.replication()["repl_role"] == "secondary", 10, "it steps back")
            lengths = {node: len(each) for node, each in outcomes.items()}
            until(lambda: all(len(outcomes[node]) > lengths[node] + 50 for node in nodes), 20,
                  "they count on")
            stop.set()

        together(switch, *(lambda node=node: self.count_until(node, stop, outcomes[node])
                           for node in nodes))
        flat = outcomes[first] + outcomes[other]
        self.assertEqual([answer for answer in flat if not answer.isdigit()], [])
        total = str(len(flat)).encode()
        until(lambda: all(value_on(node, b"n") == total for node in nodes), 10, "none is lost")
        self.assertEqual(len(set(flat)), len(flat), "no number is given twice")

    def test_a_peer_one_version_back_means_off_and_that_is_said_once(self):
        nodes = self.pair("--arbitrate", "conditional")
        nodes.b.arguments += ["--link-protocol", "2"]
        nodes.start()
        line = "speaks an older protocol: off holds"
        until(lambda: line in nodes.a.process.log(), 10, "it is said")
        self.assertEqual(nodes.a.process.log().count(line), 1)
        self.assertEqual(nodes.a.replication()["repl_arbitration"], "off")
        with nodes.b.client() as client:
            self.assertEqual(client.ask(b"add k 0 0 1", b"v"), b"STORED")


class Holding:
    """A lock as one client had it: from its STORED to when it began to give it back."""

    def __init__(self, name, since, until_):
        self.name = name
        self.since = since
        self.until = until_


def held_by_two(holdings):
    """Pairs of holdings of one lock that overlap."""
    found = []
    last = {}
    for each in sorted(holdings, key=lambda holding: holding.since):
        before = last.get(each.name)
        if before and each.since < before.until:
            found.append((before.name, before.since, before.until, each.since))
        if not before or each.until > before.until:
            last[each.name] = each
    return found


class Locks(Arbitrated):
    """Clients behind HAProxy, which deals them to both nodes: a lock is got by `add` and given back
    by `delete`. TWINCACHED_LOCK_SECONDS=60 for a minute of it."""
    SECONDS = world.number("TWINCACHED_LOCK_SECONDS", 4)
    CLIENTS = 10 if world.IS_SANITIZED else 100
    NAMES = [b"lock%d" % i for i in range(5)]
    TTL = 20

    def behind_haproxy(self):
        shift = self.client_port - world.CLIENT_PORT
        nodes = Pair(*(self.node("--arbitrate", "conditional",
                                 *arguments_for_checks(self.addresses.host(n), shift), name=name,
                                 host=n, peer=self.addresses.host(3 - n))
                       for name, n in (("a", 1), ("b", 2)))).start()
        until(lambda: all(node.replication()["repl_arbitration"] == "conditional"
                          for node in nodes), 20, "one node decides for both")
        proxy = ShippedHAProxy(self.directory, self.addresses.host(15), nodes)
        self.addCleanup(proxy.stop)
        proxy.start()
        return nodes, proxy

    def work(self, address, end, holdings, waits):
        chance = random.Random(threading.get_ident())
        with Client(address, timeout=20) as client:
            while time.monotonic() < end:
                name = chance.choice(self.NAMES)
                asked = time.monotonic()
                while client.ask(b"add %s 0 %d 1" % (name, self.TTL), b"x") != b"STORED":
                    time.sleep(chance.uniform(0.001, 0.01))
                since = time.monotonic()
                time.sleep(chance.uniform(0, 0.002))
                holdings.append(Holding(name, since, time.monotonic()))
                self.assertEqual(client.ask(b"delete %s" % name), b"DELETED")
                waits.append(since - asked)

    def test_a_lock_has_one_holder_whichever_node_a_client_meets(self):
        nodes, proxy = self.behind_haproxy()
        holdings, waits = [], []
        end = time.monotonic() + self.SECONDS
        address = proxy.address_of("memcached-both")
        together(*(lambda: self.work(address, end, holdings, waits)
                   for _ in range(self.CLIENTS)))
        self.assertEqual(held_by_two(holdings), [])
        self.assertGreater(len(holdings), 5 * self.CLIENTS if not world.IS_SANITIZED else 10)
        self.assertLess(max(waits), self.TTL, "no lock is lost")
        _, other = self.by_role(nodes)
        self.assertGreater(int(other.replication()["repl_asked"]), 0)
        self.assertEqual(other.replication()["repl_asked_unknown"], "0")
        print(f"{len(holdings)} locks of {self.CLIENTS} clients, {max(waits):.2f} s waited at most",
              flush=True)

    def test_the_checker_finds_two_holders(self):
        one, two = Holding(b"a", 1, 4), Holding(b"a", 2, 3)
        self.assertEqual(len(held_by_two([one, two, Holding(b"b", 2, 3)])), 1)
        self.assertEqual(held_by_two([Holding(b"a", 1, 2), Holding(b"a", 2, 3)]), [])


if __name__ == "__main__":
    main()
