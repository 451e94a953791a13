"""What SIGHUP changes of a cluster's node, beside what test_reload.py sees at work, and what it does not."""
import os

from harness import main, until
from harness.certificates import Authority
from harness.nats_case import NatsCase
from test_reload import Configured


class Reload(NatsCase):
    def configured(self, server, **options):
        """A node at that server, linked; (it, the function that writes its file again)."""
        made = Configured(self)

        def write(**more):
            made.write(replication={"node": 0, "boot-grace": "200ms", "servers": server.url,
                                    **options, **more})
        write()
        made.node.start()
        until(made.node.is_linked, 10, "it is let in")
        return made, write

    def tls_server(self, authority, name="nats"):
        own = authority.issue("nats")
        return self.server(f'tls {{ cert_file: "{own.cert}", key_file: "{own.key}", '
                           f'ca_file: "{authority.cert}", verify: true }}', name=name)

    def test_certificates(self):
        self.excuse_libnats()
        first, second = Authority(self.directory), Authority(self.directory, "second")
        server = self.tls_server(first)

        def files(authority):
            own = authority.issue("node")
            return {"tls-ca": authority.cert, "tls-certificate": own.cert, "tls-key": own.key}
        made, write = self.configured(server, tls="yes", **{"tls-peer-name": "nats"}, **files(first))
        write(**files(second))
        made.reload("options changed: tls-certificate")
        self.assertTrue(made.node.is_linked())  # the connection that stands goes on
        server.kill()
        self.tls_server(second, "renewed")
        until(made.node.is_linked, 10, "the new ones are good")

    def test_certificates_that_cannot_be_used_change_nothing(self):
        authority = Authority(self.directory)
        self.excuse_libnats()
        server = self.tls_server(authority)
        own, other = authority.issue("node"), authority.issue("other")
        made, write = self.configured(server, tls="yes", **{
            "tls-peer-name": "nats", "tls-ca": authority.cert, "tls-certificate": own.cert,
            "tls-key": own.key})
        write(**{"tls-key": other.key})
        made.reload("options not taken: tls-key")
        self.assertIn(f"the private key {other.key} does not belong", made.node.process.log())
        server.kill()
        until(lambda: not made.node.is_linked(), 10, "it notices")
        server.start()
        until(made.node.is_linked, 10, "the old ones are in use")

    def test_what_takes_a_restart_is_named_and_stays(self):
        server = self.server()
        made, write = self.configured(server)
        fresh = {"node": "1", "cluster": "other", "stream": "OTHER", "replicas": "3",
                 "storage": "memory", "max-age": "10m", "max-bytes": "64m", "site": "paris",
                 "domain": "paris", "inbox-prefix": "_INBOX_x", "member-timeout": "20s", "batch-size": "64k",
                 "heartbeat": "100ms", "silence": "2s", "boot-grace": "1s",
                 "sync-serve-timeout": "1m", "drain-timeout": "1s", "sync-rate": "1m",
                 "log-memory": "8m", "clock-max-ahead": "12h", "tls-peer-name": "elsewhere"}
        write(**fresh)
        made.reload("options that take a restart to change")
        line = next(line for line in made.node.process.log().splitlines()
                    if "options that take a restart to change" in line)
        for option in fresh:
            self.assertIn(f" {option} ", line)
        self.assertNotIn("options changed", made.node.process.log())
        write(**{**fresh, "sites": "rome", "stream": ""})
        made.reload(" sites nothing -> rome")
        stats = made.node.replication()
        self.assertEqual((stats["repl_stream"], stats["repl_state"], stats["repl_node"]),
                         ("MC_twincached", "LINKED", "0"))
        self.assertEqual(stats["repl_broker_connections"], "1")

    def test_a_secret_is_not_exchanged_while_keys_hash_by_it(self):
        made, write = self.configured(self.server(), secret="the-first")
        write(secret="the-second")
        made.reload("options not taken: secret")
        log = made.node.process.log()
        self.assertIn("it is changed while all nodes are stopped", log)
        for secret in ("the-first", "the-second"):
            self.assertNotIn(secret, log)

    def test_without_a_server_it_keeps_those_that_it_has(self):
        made, write = self.configured(self.server())
        write(servers="")
        made.reload("options not taken: servers")
        self.assertTrue(made.node.is_linked())
        self.assertNotIn("options changed", made.node.process.log())

    def test_a_password_that_was_changed_in_its_file_is_read_by_the_next_connection(self):
        path = os.path.join(self.directory, "password")

        def set_password(word):
            with open(path, "w") as file:
                file.write(word + "\n")
            return f"authorization {{ user: node, password: {word} }}"
        server = self.server(set_password("first"))
        made, _ = self.configured(server, user="node", **{"password-file": path})
        server.kill()
        server.more = set_password("second")
        server.start()
        until(made.node.is_linked, 10, "it is let in again")


if __name__ == "__main__":
    main()
