"""TLS on the peer link: who is let in, who is not, and what the log says of it."""
import signal
import socket

from harness.case import Case, main
from harness.certificates import Authority
from harness.node import Pair
from harness.waiting import until


class LinkTls(Case):
    needs_replication = True

    def setUp(self):
        super().setUp()
        self.authority = Authority(self.directory)
        self.certificates = {name: self.authority.issue(name) for name in "ab"}

    def options(self, name, own=None, authority=None, peer_name=None, pins=()):
        own = own or self.certificates[name]
        words = ["--link-tls", f"--link-tls-certificate={own.cert}", f"--link-tls-key={own.key}"]
        if pins:
            return words + [f"--link-tls-peer-fingerprint={','.join(pins)}"]
        other = peer_name or ("b" if name == "a" else "a")
        return words + [f"--link-tls-ca={(authority or self.authority).cert}",
                        f"--link-tls-peer-name={other}"]

    def pair_of(self, of_a, of_b):
        at = self.addresses.host
        grace = "--boot-grace=500ms"
        return Pair(self.node(*of_a, grace, name="a", host=1, peer=at(2)),
                    self.node(*of_b, grace, name="b", host=2, peer=at(1)))

    def assert_linked(self, pair):
        for node in pair:
            until(node.is_linked, 10, f"{node.name} is linked")
        for here, there in ((pair.a, pair.b), (pair.b, pair.a)):
            with here.client() as client:
                self.assertEqual(client.set(b"from-" + here.name.encode(), b"v"), b"STORED")
            self.assert_arrives(there, b"from-" + here.name.encode())

    def assert_arrives(self, node, key):
        with node.client() as client:
            until(lambda: client.get(key) is not None, 5, "it arrives")

    def assert_apart(self, pair, reason):
        """Both serve, each alone, and a log says why."""
        for node in pair:
            node.wait_until_open()
        until(lambda: any(reason in node.process.log() for node in pair), 10, reason)
        for node in pair:
            self.assertFalse(node.is_linked())
            self.assert_still_serves(node)

    def test_a_pair_is_linked_by_names(self):
        pair = self.pair_of(self.options("a"), self.options("b")).start()
        self.assert_linked(pair)
        self.assertEqual(pair.a.replication()["repl_tls"], "yes")

    def test_a_pair_is_linked_by_fingerprints_without_an_authority(self):
        pins = {name: [one.fingerprint()] for name, one in self.certificates.items()}
        pair = self.pair_of(self.options("a", pins=pins["b"]), self.options("b", pins=pins["a"]))
        self.assert_linked(pair.start())

    def test_nothing_on_the_link_can_be_read_on_the_way(self):
        for tls in (False, True):
            with self.subTest(tls=tls):
                pair, relays = self.relayed_pair()
                if tls:
                    pair.a.arguments = self.options("a")
                    pair.b.arguments = self.options("b")
                passing = [self.listen_in(relay) for relay in relays]
                pair.start()
                with pair.a.client() as client:
                    client.set(b"secret-key", b"a secret value" * 10)
                self.assert_arrives(pair.b, b"secret-key")
                seen = b"".join(data for heard in passing for data in heard)
                self.assertGreater(len(seen), 500)
                self.assertEqual(b"secret-key" in seen, not tls)
                self.assertEqual(b"a secret value" in seen, not tls)
                for part in (*pair, *relays):
                    part.stop()

    @staticmethod
    def listen_in(relay):
        """What passes the relay from now on."""
        heard = []
        give = relay._give

        def give_and_keep(half):
            heard.extend(data for _, data in half.chunks[:1])
            return give(half)
        relay._give = give_and_keep
        return heard

    def test_the_secret_is_asked_for_as_well(self):
        for node_b, linked in (("opensesame", True), ("closesesame", False)):
            with self.subTest(node_b):
                path = {}
                for name, secret in (("a", "opensesame"), ("b", node_b)):
                    path[name] = f"{self.directory}/{name}.secret"
                    with open(path[name], "w") as file:
                        file.write(secret + "\n")
                pair = self.pair_of(self.options("a") + [f"--secret-file={path['a']}"],
                                    self.options("b") + [f"--secret-file={path['b']}"])
                pair.launch()
                if linked:
                    self.assert_linked(pair)
                else:
                    self.assert_apart(pair, "secret")
                for node in pair:
                    node.stop()

    def test_a_large_store_is_handed_over(self):
        pair = self.pair_of(self.options("a"), self.options("b"))
        pair.a.start()
        with pair.a.client(30) as client:
            client.send(b"".join(b"set k%d 0 0 1000 noreply\r\n%s\r\n" % (i, b"v" * 1000)
                                 for i in range(20_000)))
            self.assertEqual(client.set(b"last", b"v"), b"STORED")
        pair.b.start(20)
        with pair.b.client() as client:
            self.assertEqual(client.get(b"k19999"), b"v" * 1000)
            self.assertEqual(client.stats()["curr_items"], "20001")

    def test_a_certificate_of_another_authority_is_refused(self):
        strange = Authority(self.directory, "strange").issue("b")
        pair = self.pair_of(self.options("a"), self.options("b", own=strange)).launch()
        self.assert_apart(pair, "the certificate is refused: unable to get local issuer")

    def test_a_certificate_of_another_name_is_refused(self):
        wrong = self.authority.issue("somebody")
        pair = self.pair_of(self.options("a"), self.options("b", own=wrong)).launch()
        self.assert_apart(pair, "the certificate is refused: hostname mismatch")

    def test_an_expired_certificate_is_refused(self):
        late = self.authority.issue("b", days=-1)
        pair = self.pair_of(self.options("a"), self.options("b", own=late)).launch()
        self.assert_apart(pair, "the certificate is refused: certificate has expired")
        self.assertIn("has expired", pair.b.process.log())

    def test_a_peer_without_tls_is_refused_and_both_say_why(self):
        pair = self.pair_of(self.options("a"), []).launch()
        self.assert_apart(pair, "TLS on the link failed: what came in is not TLS")
        until(lambda: "the other end speaks TLS on the link, and this node has none"
              in pair.b.process.log(), 10, "the plain node says why")

    def test_a_stranger_gets_nothing(self):
        pair = self.pair_of(self.options("a"), self.options("b")).start()
        with socket.create_connection(pair.a.link_address, 5, (self.addresses.host(2), 0)) as link:
            link.sendall(b"get k\r\n" * 10)
            self.assertEqual(link.recv(100), b"")
        self.assert_linked(pair)

    def test_certificates_are_exchanged_while_the_link_goes_on(self):
        pair = self.pair_of(self.options("a"), self.options("b")).start()
        sessions = pair.a.replication()["repl_sessions"]
        for node, name in ((pair.a, "a"), (pair.b, "b")):
            self.certificates[name].replace_with(
                Authority(self.directory, "renewed-" + name).issue(name))
            node.process.signal(signal.SIGHUP)
            until(lambda: "the certificates were read again" in node.process.log(), 5, "reload")
        self.assertEqual(pair.a.replication()["repl_sessions"], sessions)
        self.assert_linked(pair)
        # The new certificates are another authority's: whoever comes back with one is refused.
        pair.b.stop()
        pair.b.launch()
        until(lambda: "the certificate is refused" in pair.a.process.log(), 10, "b is refused")


if __name__ == "__main__":
    main()
