"""The secret of the link: read while root can, exchanged without a gap, never told."""
import os
import signal
import unittest

from harness import world
from harness.case import Case, main
from harness.node import Pair
from harness.waiting import until

FIRST, SECOND = "the-first-of-all-secrets", "another-one-that-came-later"


class Secrets(Case):
    needs_replication = True

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), "w") as file:
            file.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def configure(self, name, secret, old=None):
        """What a node reads when it starts, and at SIGHUP."""
        self.write(name + ".secret", secret + "\n")
        lines = ["[replication]", f"secret-file = {self.path(name + '.secret')}"]
        if old:
            self.write(name + ".old", old + "\n")
            lines.append(f"old-secret-file = {self.path(name + '.old')}")
        return self.write(name + ".conf", "\n".join(lines) + "\n")

    def hangup(self, node, said):
        before = node.process.log().count(said)
        node.process.signal(signal.SIGHUP)
        until(lambda: node.process.log().count(said) > before, 5, f"{node.name} says: {said}")

    def pair(self):
        a, b = (self.node("--config", self.configure(name, FIRST), name=name, host=host,
                          peer=self.addresses.host(3 - host)) for name, host in (("a", 1), ("b", 2)))
        return Pair(a, b).start()

    def begin_again(self, pair, node):
        """Another session of the two, which begins with a handshake."""
        node.stop()
        node.start()
        pair.wait_until_linked(10)

    def test_a_secret_is_exchanged_on_one_node_after_the_other(self):
        pair = self.pair()
        with pair.a.client() as client:
            client.set(b"kept", b"value")
        pair.wait_until_at_rest()
        changed = "the secret of the link was changed"
        self.configure("a", SECOND, old=FIRST)
        self.hangup(pair.a, changed)
        self.begin_again(pair, pair.b)          # a knows both, b the first
        self.configure("b", SECOND, old=FIRST)
        self.hangup(pair.b, changed)
        self.begin_again(pair, pair.a)          # both know both
        self.configure("a", SECOND)
        self.hangup(pair.a, "the old secret of the link is accepted no more")
        self.begin_again(pair, pair.b)          # a knows the second, b both
        self.configure("b", SECOND)
        self.hangup(pair.b, "the old secret of the link is accepted no more")
        self.begin_again(pair, pair.a)          # neither knows the first
        pair.wait_until_at_rest()
        for node in pair:
            with node.client() as client:
                self.assertEqual(client.get(b"kept"), b"value")
            log = node.process.log()
            self.assertNotIn("REFUSED", log)
            self.assertNotIn(FIRST, log)
            self.assertNotIn(SECOND, log)

    def test_a_changed_file_is_read_by_SIGHUP_and_a_peer_that_does_not_know_it_is_refused(self):
        pair = self.pair()
        self.write("a.secret", SECOND + "\n")
        self.hangup(pair.a, "the secret of the link was changed")
        self.assertTrue(pair.a.is_linked(), "a session that stands is not asked again")
        pair.b.stop()
        pair.b.launch()
        until(lambda: pair.a.replication()["repl_state"] == "REFUSED", 10, "the two part")

    def test_a_file_that_cannot_be_read_any_more_changes_nothing(self):
        pair = self.pair()
        os.remove(self.path("a.secret"))
        self.hangup(pair.a, "the secrets in use stay: secret-file: cannot read a secret from "
                    f"{self.path('a.secret')}: No such file")
        self.begin_again(pair, pair.b)

    @unittest.skipUnless(world.IS_ROOT, "only root may become somebody else")
    def test_files_that_root_alone_can_read_are_read_before_it_becomes_somebody_else(self):
        os.chmod(self.directory, 0o755)
        passwords = self.write("passwords", "user:word\n")
        nodes = [self.node("-u", "nobody", "-Y", passwords, "--config",
                           self.configure(name, FIRST), name=name, host=host,
                           peer=self.addresses.host(3 - host))
                 for name, host in (("a", 1), ("b", 2))]
        for node in nodes:
            os.chmod(self.path(node.name + ".conf"), 0o644)
            node.launch()
        a = nodes[0]
        until(lambda: all("-> LINKED" in node.process.log() for node in nodes), 10, "linked")
        for path in (self.path("a.secret"), passwords):
            self.assertIn(f"{path} cannot be read again by user nobody", a.process.log())
        self.hangup(a, "the secrets in use stay: secret-file: cannot read a secret from "
                    f"{self.path('a.secret')}: Permission denied")
        self.assertIn("the passwords stay as they were", a.process.log())


if __name__ == "__main__":
    main()
