"""Logins that Cyrus SASL judges (-S without passwords of ours): a real sasldb, and a saslauthd that
says yes, no or nothing."""
import os
import shutil
import socket
import struct
import subprocess
import threading
import unittest

from harness import Case, main, until, world
from test_login import client_library, packet

START, STEP, LIST = 0x21, 0x22, 0x20


def plain(user, password):
    return packet(START, b"PLAIN", b"\0" + user + b"\0" + password)


def answer(client):
    """(status, body) of the next packet."""
    head = client.exactly(24)
    size = struct.unpack(">I", head[8:12])[0]
    return struct.unpack(">H", head[6:8])[0], client.exactly(size)


class Saslauthd:
    """Its socket. Judges by the password: `right` is, `hang` is never judged."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "mux")
        self.hung = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._listener.close()
        for connection in self.hung:
            connection.close()

    def _serve(self):
        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            words = [self._word(connection) for _ in range(4)]  # user, password, service, realm
            if words[1] == b"hang":
                self.hung.append(connection)
                continue
            verdict = b"OK" if words[1:3] == [b"right", b"memcached"] else b"NO"
            connection.sendall(struct.pack(">H", len(verdict)) + verdict)
            connection.close()

    @staticmethod
    def _word(connection):
        size = struct.unpack(">H", connection.recv(2, socket.MSG_WAITALL))[0]
        return connection.recv(size, socket.MSG_WAITALL) if size else b""


@unittest.skipIf(world.IS_MEMCACHED, "memcached reads its own configuration")
@unittest.skipUnless(shutil.which("saslpasswd2"), "sasl2-bin is not installed")
class CyrusSasl(Case):
    def judged(self, *configuration, arguments=()):
        with open(os.path.join(self.directory, "memcached.conf"), "w") as file:
            file.write("".join(f"{line}\n" for line in configuration))
        os.environ["SASL_CONF_PATH"] = self.directory
        self.addCleanup(os.environ.pop, "SASL_CONF_PATH")
        node = self.node("-S", *arguments).launch()
        until(node.is_open, 10, "the node serves")
        return node

    def by_database(self, mechanisms="plain"):
        path = os.path.join(self.directory, "sasldb")
        subprocess.run(["saslpasswd2", "-a", "memcached", "-c", "-p", "-f", path, "app"],
                       input=b"secret", check=True)
        return self.judged(f"mech_list: {mechanisms}", "pwcheck_method: auxprop",
                           "auxprop_plugin: sasldb", f"sasldb_path: {path}")

    def by_daemon(self, *arguments):
        daemon = Saslauthd(self.directory)
        self.addCleanup(daemon.close)
        node = self.judged("mech_list: plain", "pwcheck_method: saslauthd",
                           f"saslauthd_path: {daemon.path}", arguments=arguments)
        return node, daemon

    def counts(self, node):
        with node.client() as client:
            client.send(plain(b"app", b"right") + packet(0x10))
            self.assertEqual(answer(client), (0, b"Authenticated"))
            stats = {}
            while (line := client.exactly(24))[2:4] != b"\0\0":
                key = client.exactly(line[3]).decode()
                stats[key] = client.exactly(struct.unpack(">I", line[8:12])[0] - line[3]).decode()
            return stats

    def test_a_user_of_the_database_is_let_in_and_nobody_else(self):
        node = self.by_database()
        with node.client() as client:
            client.send(packet(LIST))
            self.assertEqual(answer(client), (0, b"PLAIN"))
            client.send(plain(b"app", b"secret") + packet(0x01, b"k", b"v", b"\0" * 8) +
                        packet(0x00, b"k"))
            self.assertEqual(answer(client), (0, b"Authenticated"))
            self.assertEqual(answer(client), (0, b""))
            self.assertEqual(answer(client), (0, b"\0\0\0\0v"))
        for user, password in ((b"app", b"wrong"), (b"other", b"secret"), (b"app", b"")):
            with node.client() as client:
                client.send(plain(user, password) + packet(0x00, b"k"))
                self.assertEqual(answer(client), (0x20, b"Auth failure."))
                self.assertEqual(answer(client), (0x20, b"Auth failure."))
                self.assertEqual(client.rest(), b"")
        with node.client() as client:
            client.send(packet(START, b"NO-SUCH", b"x") + packet(STEP, b"PLAIN", b"x"))
            self.assertEqual(answer(client)[0], 0x20)
            self.assertEqual(answer(client)[0], 0x20)

    def test_a_message_may_come_with_the_next_step(self):
        node = self.by_database()
        with node.client() as client:
            client.send(packet(START, b"PLAIN"))
            self.assertEqual(answer(client), (0x21, b""))
            client.send(packet(STEP, b"PLAIN", b"\0app\0secret"))
            self.assertEqual(answer(client), (0, b"Authenticated"))

    def test_a_mechanism_with_challenges_is_carried_through(self):
        import hashlib  # pylint: disable=import-outside-toplevel
        import hmac  # pylint: disable=import-outside-toplevel
        node = self.by_database("cram-md5")
        for password, status in ((b"secret", 0), (b"wrong", 0x20)):
            with node.client() as client:
                client.send(packet(START, b"CRAM-MD5"))
                went_on, challenge = answer(client)
                self.assertEqual(went_on, 0x21)
                self.assertTrue(challenge.startswith(b"<"))
                proof = hmac.new(password, challenge, hashlib.md5).hexdigest().encode()
                client.send(packet(STEP, b"CRAM-MD5", b"app " + proof))
                self.assertEqual(answer(client)[0], status)

    def test_a_real_client_logs_in(self):
        node = self.by_database()
        client = client_library("bmemcached").Client(("{}:{}".format(*node.address),), "app",
                                                     "secret")
        self.assertTrue(client.set("k", "v"))
        self.assertEqual(client.get("k"), "v")
        client.disconnect_all()

    def test_saslauthd_is_asked(self):
        node, _ = self.by_daemon()
        for _ in range(2):
            with node.client() as client:
                client.send(plain(b"app", b"right") + plain(b"app", b"wrong"))
                self.assertEqual(answer(client), (0, b"Authenticated"))
                self.assertEqual(answer(client), (0x20, b"Auth failure."))
        self.assertEqual(self.counts(node)["auth_errors"], "2")

    def test_who_fails_five_times_is_closed_and_counted(self):
        node, _ = self.by_daemon()
        with node.client() as client:
            client.send(plain(b"app", b"wrong") * 6)
            self.assertEqual(client.rest().count(b"Auth failure."), 5)
        self.assertEqual(self.counts(node)["auth_kicks"], "1")

    def test_a_judge_who_never_answers_costs_his_client_and_nobody_else(self):
        node, daemon = self.by_daemon("--login-timeout=1s", "-t", "1")
        with node.client(15) as waiting, node.client() as gone, node.client() as other:
            waiting.send(plain(b"app", b"hang") + packet(0x00, b"k"))
            gone.send(plain(b"app", b"hang"))
            until(lambda: len(daemon.hung) == 2, 5, "both are being judged")
            gone.close()
            other.send(plain(b"app", b"right") + packet(0x00, b"k"))
            self.assertEqual(answer(other), (0, b"Authenticated"))
            self.assertEqual(answer(other)[0], 1)
            self.assertEqual(waiting.rest(), b"")
            other.send(packet(0x00, b"k"))
            self.assertEqual(answer(other)[0], 1)
        # Who waits is not heard, also when it goes.
        self.assertEqual(self.counts(node)["auth_timeouts"], "2")
        self.assertEqual(node.process.stop(), 0)

    def test_where_too_many_wait_for_the_judge_a_login_is_refused(self):
        node, daemon = self.by_daemon("--login-timeout=1m", "-t", "1")
        judges, line = 4, 64
        for number in range(judges + line):
            client = self.greeted(node)
            client.send(plain(b"app", b"hang"))
            if number < judges:
                until(lambda: len(daemon.hung) > number, 5, "it is being judged")
        # The one thread reads in the order in which it was written to.
        late = self.greeted(node)
        late.send(plain(b"app", b"right"))
        self.assertEqual(answer(late), (0x20, b"Auth failure."))
        self.assertEqual(node.process.stop(), 0)

    def greeted(self, node):
        """A client that the node has answered."""
        client = node.client(15)
        self.addCleanup(client.close)
        client.send(packet(LIST))
        self.assertEqual(answer(client), (0, b"PLAIN"))
        return client

    def test_passwords_of_ours_win(self):
        path = os.path.join(self.directory, "passwords")
        with open(path, "w") as file:
            file.write("mine:secret\n")
        os.environ["SASL_CONF_PATH"] = self.directory
        self.addCleanup(os.environ.pop, "SASL_CONF_PATH")
        node = self.node("-S", "--sasl-file", path).launch()
        until(node.is_open, 10, "the node serves")
        with node.client() as client:
            client.send(plain(b"mine", b"secret"))
            self.assertEqual(answer(client), (0, b"Authenticated"))
        self.assertNotIn("Cyrus", node.process.log())

    def test_a_daemon_that_is_not_there_is_said(self):
        node = self.judged("mech_list: plain", "pwcheck_method: saslauthd",
                           f"saslauthd_path: {self.directory}/nowhere")
        with node.client() as client:
            client.send(plain(b"app", b"right") * 3)
            self.assertEqual(client.exactly(3 * 37).count(b"Auth failure."), 3)
        until(lambda: "Cyrus SASL: " in node.process.log(), 5, "a line says why")
        self.assertNotIn("right", node.process.log().split("\n", 1)[1])


if __name__ == "__main__":
    main()
