"""Every option that its row calls reloadable is changed by SIGHUP and seen at work."""
import http.client
import os
import re
import signal
import socket
import ssl
import subprocess

from harness import world
from harness.case import Case, main
from harness.certificates import Authority
from harness.client import Client, ClientClosed
from harness.nats_server import NatsServer
from harness.nkeys import NKey
from harness.node import Pair
from harness.waiting import until


def reloadable_options():
    """Those that --print-default-config marks, as section.key."""
    printed = subprocess.run([world.SERVER, "--print-default-config"], check=True,
                             capture_output=True, text=True).stdout
    options, section, is_marked = set(), None, False
    for line in printed.splitlines():
        if match := re.fullmatch(r"\[(\w+)\]", line):
            section = match[1]
        elif line.startswith("# (") and "reloaded on SIGHUP" in line:
            is_marked = True
        elif is_marked and (match := re.match(r"#?([\w-]+) =", line)):
            options.add(f"{section}.{match[1]}")
            is_marked = False
    return options


class TlsClient(Client):
    def __init__(self, address, authority, own=None):
        super().__init__(address)
        context = ssl.create_default_context(cafile=authority.cert)
        if own:
            context.load_cert_chain(own.cert, own.key)
        self._socket = context.wrap_socket(self._socket, server_hostname="cache")


class Configured:
    """A node and the file that it reads."""

    def __init__(self, case, name="node", host=1, peer=None):
        self.path = os.path.join(case.directory, name + ".conf")
        self.node = case.node("--config", self.path, name=name, host=host, peer=peer)

    def write(self, **sections):
        with open(self.path, "w") as file:
            for section, options in sections.items():
                file.write(f"[{section}]\n")
                file.writelines(f"{key} = {value}\n" for key, value in options.items())

    def reload(self, said="options changed"):
        """Returns when the log has said so once more."""
        before = self.node.process.log().count(said)
        self.node.process.signal(signal.SIGHUP)
        until(lambda: self.node.process.log().count(said) > before, 5, f"the log says: {said}")


class Reload(Case):
    needs_replication = True

    # Which test sees an option at work.
    TESTS = {
        "admin.certificate": "test_certificate_and_tokens_of_the_admin_endpoint",
        "admin.key": "test_certificate_and_tokens_of_the_admin_endpoint",
        "admin.token-file": "test_certificate_and_tokens_of_the_admin_endpoint",
        "log.verbosity": "test_verbosity",
        "limits.connections-per-address": "test_connections_per_address",
        "replication.on-split": "test_on_split",
        "replication.arbitrate": "test_arbitrate",
        "replication.legacy": "test_legacy_and_apply",
        "replication.apply": "test_legacy_and_apply",
        "replication.servers": "test_servers_of_a_cluster_and_what_lets_it_in",
        "replication.user": "test_servers_of_a_cluster_and_what_lets_it_in",
        "replication.password-file": "test_servers_of_a_cluster_and_what_lets_it_in",
        "replication.token-file": "test_servers_of_a_cluster_and_what_lets_it_in",
        "replication.credentials": "test_servers_of_a_cluster_and_what_lets_it_in",
        "replication.secret": "test_secrets_of_the_link",
        "replication.secret-file": "test_secrets_of_the_link",
        "replication.old-secret-file": "test_secrets_of_the_link",
        "replication.tls-certificate": "test_certificates_of_the_link",
        "replication.tls-key": "test_certificates_of_the_link",
        "replication.tls-ca": "test_certificates_of_the_link",
        "tls.chain-cert": "test_certificate_and_key_for_clients",
        "tls.key": "test_certificate_and_key_for_clients",
        "tls.ca-cert": "test_authority_of_clients",
    }

    def test_every_reloadable_option_has_its_test(self):
        self.assertEqual(reloadable_options(), set(self.TESTS))
        for name in self.TESTS.values():
            self.assertTrue(hasattr(self, name), name)

    def test_verbosity(self):
        server = Configured(self)
        server.write(log={"verbosity": 0})
        server.node.start()
        with server.node.client() as client:
            self.assertEqual(client.stats(b"settings")["verbosity"], "0")
            server.write(log={"verbosity": 2})
            server.reload()
            self.assertEqual(client.stats(b"settings")["verbosity"], "2")
        self.assertIn("verbosity 0 -> 2", server.node.process.log())

    def test_connections_per_address(self):
        server = Configured(self)
        server.write(limits={"connections-per-address": 1})
        server.node.start()

        def let_in():
            client = server.node.client()
            try:
                if client.ask(b"mn") == b"MN":
                    return client
            except (ClientClosed, OSError):
                pass
            return client.close()
        # Whoever looked whether the port is open has to give its place back first.
        with until(let_in, 5, "the first is let in"):
            with server.node.client() as second:
                self.assertEqual(second.rest(), b"ERROR Too many open connections\r\n")
            server.write(limits={"connections-per-address": 2})
            server.reload()
            with server.node.client() as second:
                self.assertEqual(second.ask(b"mn"), b"MN")

    def test_on_split(self):
        a = Configured(self, "a", 1, self.addresses.host(2))
        b = Configured(self, "b", 2, self.addresses.host(1))
        for one in (a, b):
            one.write(replication={"on-split": "secondary-closed"})
        pair = Pair(a.node, b.node).start()
        self.assertEqual(pair.a.replication()["repl_role"], "primary")
        pair.a.pause()
        self.addCleanup(pair.a.resume)
        until(lambda: not pair.b.is_open(), 5, "the port is closed")
        b.write(replication={"on-split": "both"})
        b.reload()
        pair.b.wait_until_open(5)
        with pair.b.client() as client:
            until(lambda: client.stats(b"settings")["replication_on_split"] == "both", 5,
                  "the settings are those in force")

    def test_arbitrate(self):
        a = Configured(self, "a", 1, self.addresses.host(2))
        b = Configured(self, "b", 2, self.addresses.host(1))
        a.write(replication={"arbitrate": "conditional"})
        b.write(replication={"arbitrate": "off"})
        pair = Pair(a.node, b.node).start()

        def decided_by_a():
            with pair.b.client() as client:
                client.ask(b"add k 0 0 1", b"v")
            return pair.a.replication()["repl_decided_for_peer"] != "0"
        self.assertFalse(decided_by_a())
        b.write(replication={"arbitrate": "conditional"})
        b.reload()
        until(decided_by_a, 5, "the one asks the other")

    def test_legacy_and_apply(self):
        made = Configured(self, peer=self.addresses.host(2))
        made.write(replication={"legacy": "no"})
        made.node.start()

        def state():
            stats = made.node.replication()
            return stats["repl_legacy"], stats["repl_legacy_apply"]
        self.assertEqual(state(), ("off", "yes"))
        made.write(replication={"legacy": "yes", "apply": "no"})
        made.reload()
        until(lambda: state() == ("waiting", "no"), 5, "a repcached may come, and changes nothing")

    def test_secrets_of_the_link(self):
        paths = {}
        for name, secret in (("first", "the-first"), ("second", "the-second")):
            paths[name] = os.path.join(self.directory, name)
            with open(paths[name], "w") as file:
                file.write(secret + "\n")
        a = Configured(self, "a", 1, self.addresses.host(2))
        b = Configured(self, "b", 2, self.addresses.host(1))
        for one in (a, b):
            one.write(replication={"secret": "the-first"})
        pair = Pair(a.node, b.node).start()
        both = {"secret-file": paths["second"], "old-secret-file": paths["first"]}
        a.write(replication=both)
        a.reload("options changed: secret, secret-file nothing -> ")
        # a knows both, and lets in the b that knows the first alone ...
        pair.b.stop()
        pair.b.start()
        pair.wait_until_linked(10)
        b.write(replication={"secret": "the-second"})
        b.reload("options changed: secret")
        # ... and the b that knows the second alone.
        pair.b.stop()
        pair.b.start()
        pair.wait_until_linked(10)
        a.write(replication={"secret-file": paths["second"]})
        a.reload("options changed: old-secret-file ")
        # Now the first is worth nothing.
        pair.b.stop()
        b.write(replication={"secret": "the-first"})
        pair.b.start()
        until(lambda: pair.a.replication()["repl_state"] == "REFUSED", 10, "the two part")

    def test_servers_of_a_cluster_and_what_lets_it_in(self):
        paths = {}
        for name in ("password", "token"):
            paths[name] = os.path.join(self.directory, name)
            with open(paths[name], "w") as file:
                file.write(f"a-{name}\n")
        key = NKey(self.directory)
        servers = []
        for number, login in enumerate(("user: one, password: a-password", "token: a-token",
                                        f"users: [ {{ nkey: {key.public} }} ]")):
            server = NatsServer(self.directory, self.addresses.host(12 + number), f"nats{number}",
                                f"authorization {{ {login} }}")
            self.addCleanup(server.stop)
            servers.append(server.start())
        ways = ({"user": "one", "password-file": paths["password"]},
                {"token-file": paths["token"]},
                {"user": key.public, "credentials": key.seed_file()})
        made = Configured(self)

        def choose(number):
            made.write(replication={"driver": "nats", "node": 0, "boot-grace": "200ms",
                                    "servers": servers[number].url, **ways[number]})

        def is_at(number):
            stats = made.node.replication()
            return (stats["repl_broker"], stats["repl_state"]) == (servers[number].url, "LINKED")
        choose(0)
        made.node.start()
        until(lambda: is_at(0), 10, "the password is right")
        for number in (1, 2, 0):
            choose(number)
            made.reload("options changed: servers")
            until(lambda: is_at(number), 10, "it is let in")  # pylint: disable=cell-var-from-loop

    def link_options(self, authority, name):
        own = authority.issue(name)
        return {"tls": "yes", "tls-certificate": own.cert, "tls-key": own.key,
                "tls-ca": authority.cert, "tls-peer-name": "b" if name == "a" else "a",
                "boot-grace": "500ms"}

    def test_certificates_of_the_link(self):
        first, second = Authority(self.directory), Authority(self.directory, "second")
        a = Configured(self, "a", 1, self.addresses.host(2))
        b = Configured(self, "b", 2, self.addresses.host(1))
        for one, name in ((a, "a"), (b, "b")):
            one.write(replication=self.link_options(first, name))
        pair = Pair(a.node, b.node).start()
        # Only a is told of the other authority; it goes on with the b that it knows ...
        a.write(replication=self.link_options(second, "a"))
        a.reload()
        self.assertTrue(pair.a.is_linked())
        # ... and lets in, without a restart, the b that has its certificate from there, too.
        pair.b.stop()
        b.write(replication=self.link_options(second, "b"))
        pair.b.start()
        pair.wait_until_linked(10)

    def test_certificate_and_tokens_of_the_admin_endpoint(self):
        host = self.addresses.host(1)
        with socket.socket() as probe:
            probe.bind((host, 0))
            port = probe.getsockname()[1]

        def options(authority, token):
            own = authority.issue("admin", address=host)
            path = os.path.join(self.directory, token)
            with open(path, "w") as file:
                file.write(token + "\n")
            return {"listen": f"local, tls:{host}:{port}", "certificate": own.cert, "key": own.key,
                    "token-file": path}

        def answer_to(authority, token):
            context = ssl.create_default_context(cafile=authority.cert)
            asked = http.client.HTTPSConnection(host, port, timeout=world.scaled(5), context=context)
            self.addCleanup(asked.close)
            asked.request("GET", "/events", headers={"Authorization": f"Bearer {token}"})
            return asked.getresponse().status

        first, second = Authority(self.directory), Authority(self.directory, "second")
        tokens = ("the-token-of-before", "the-token-of-today")
        server = Configured(self)
        server.write(admin=options(first, tokens[0]))
        server.node.start()
        self.assertEqual([answer_to(first, token) for token in tokens], [200, 401])
        server.write(admin=options(second, tokens[1]))
        server.reload()
        self.assertEqual([answer_to(second, token) for token in tokens], [401, 200])

    def tls_options(self, certificate, **others):
        return {"enabled": "yes", "chain-cert": certificate.cert, "key": certificate.key, **others}

    def assert_serves(self, node, authority, own=None):
        with TlsClient(node.address, authority, own) as client:
            self.assertEqual(client.ask(b"mn"), b"MN")

    def test_certificate_and_key_for_clients(self):
        first, second = Authority(self.directory), Authority(self.directory, "second")
        old, new = first.issue("cache"), second.issue("cache")
        server = Configured(self)
        server.write(tls=self.tls_options(old))
        server.node.start()
        with TlsClient(server.node.address, first) as early:
            server.write(tls=self.tls_options(new))
            server.reload()
            self.assert_serves(server.node, second)
            with self.assertRaises(ssl.SSLError):
                TlsClient(server.node.address, first)
            self.assertEqual(early.ask(b"mn"), b"MN")
            # From now on refresh_certs reads the new files.
            os.remove(old.cert)
            self.assertEqual(early.ask(b"refresh_certs"), b"OK")

    def test_files_that_cannot_be_used_change_nothing(self):
        authority = Authority(self.directory)
        good, other = authority.issue("cache"), authority.issue("other")
        server = Configured(self)
        server.write(tls=self.tls_options(good), log={"verbosity": 0})
        server.node.start()
        broken = self.tls_options(good)
        broken["key"] = other.key
        server.write(tls=broken, log={"verbosity": 1})
        server.reload("the certificates in use stay")
        until(lambda: "options not taken: key" in server.node.process.log(), 5, "it is said")
        self.assertNotIn("options changed: key", server.node.process.log())
        self.assertIn("options changed: verbosity 0 -> 1", server.node.process.log())
        self.assert_serves(server.node, authority)
        with TlsClient(server.node.address, authority) as client:
            self.assertEqual(client.ask(b"refresh_certs"), b"OK")  # the good ones

    def test_a_file_that_has_become_unreadable_changes_nothing(self):
        server = Configured(self)
        server.write(log={"verbosity": 1})
        server.node.start()
        os.remove(server.path)
        os.mkdir(server.path)
        server.reload("the options stay as they are")
        self.assertIn(f"{server.path}: Is a directory", server.node.process.log())
        self.assertNotIn("options changed", server.node.process.log())

    def test_an_emptied_file_leaves_what_the_node_cannot_be_without(self):
        """As a file that is being written is seen: valid, and without TLS or anything else."""
        authority = Authority(self.directory)
        server = Configured(self)
        options = self.tls_options(authority.issue("cache"))
        server.write(tls=options, log={"verbosity": 1})
        server.node.start()
        server.write()
        server.reload("options not taken: chain-cert")
        self.assertIn("TLS (-Z) needs a certificate", server.node.process.log())
        self.assert_serves(server.node, authority)
        server.write(tls=options, log={"verbosity": 1})
        server.reload("verbosity 0 -> 1")
        self.assert_serves(server.node, authority)

    def test_a_pipe_in_the_place_of_a_file_holds_nobody_up(self):
        passwords = os.path.join(self.directory, "passwords")
        with open(passwords, "w") as file:
            file.write("user:pass\n")
        server = Configured(self)
        server.write(access={"auth-file": passwords})
        server.node.start()
        for path in (server.path, passwords):
            os.rename(path, path + ".kept")
            os.mkfifo(path)
            server.reload(f"{path}: it is a pipe" if path == server.path else "it is a pipe")
            with server.node.client() as client:
                self.assertEqual(client.ask(b"set a 0 0 9", b"user pass"), b"STORED")
            os.rename(path + ".kept", path)

    def test_a_log_that_cannot_be_opened_anew_goes_on_where_it_was(self):
        path = os.path.join(self.directory, "own.log")
        server = Configured(self)
        server.write(log={"verbosity": 0, "file": path})
        server.node.start()

        def lines():
            with open(path + ".1") as file:
                return file.read()
        os.rename(path, path + ".1")
        for stand_in in (os.mkdir, os.mkfifo):
            stand_in(path)
            server.node.process.signal(signal.SIGHUP)
            until(lambda: f"the log goes on in the file of before: {path} cannot be opened"
                  in lines(), 5, "the old file says so")
            with server.node.client() as client:
                self.assertEqual(client.ask(b"mn"), b"MN")
            (os.rmdir if stand_in is os.mkdir else os.remove)(path)
            os.truncate(path + ".1", 0)
        server.node.process.signal(signal.SIGHUP)
        until(lambda: os.path.exists(path), 5, "there is a new one")
        self.assertNotIn("cannot be opened", lines())

    def test_authority_of_clients(self):
        ours = Authority(self.directory)
        first, second = Authority(self.directory, "first"), Authority(self.directory, "second")
        certificate = ours.issue("cache")
        clients = {authority: authority.issue("client") for authority in (first, second)}
        server = Configured(self)

        def trust(authority):
            server.write(tls=self.tls_options(certificate, **{
                "verify-mode": 2, "ca-cert": authority.cert}))

        def assert_refused(own):
            with self.assertRaises((ssl.SSLError, ClientClosed, OSError)):
                self.assert_serves(server.node, ours, own)
        trust(first)
        server.node.start()
        self.assert_serves(server.node, ours, clients[first])
        assert_refused(clients[second])
        trust(second)
        server.reload()
        self.assert_serves(server.node, ours, clients[second])
        assert_refused(clients[first])


if __name__ == "__main__":
    main()
