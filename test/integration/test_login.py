"""Who may come in: logins of the text protocol (-Y) and SASL PLAIN (-S), with real clients."""
import importlib
import json
import os
import shutil
import signal
import struct
import subprocess
import unittest

from pymemcache.client.base import Client as PyMemcache

from harness import Case, main, until, world

LOGIN = b"app secret"


def client_library(name):
    """A package that scripts/install-dependencies.sh installs with the clients."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise unittest.SkipTest(f"{name} is not installed") from error


def packet(opcode, key=b"", value=b"", extras=b""):
    body = extras + key + value
    return struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, 0, len(body), 7,
                       0) + body


class Guarded(Case):
    def password_file(self, content="app:secret\nother:word\n", name="passwords"):
        path = os.path.join(self.directory, name)
        with open(path + ".new", "w") as file:
            file.write(content)
        os.rename(path + ".new", path)
        return path

    def refused_start(self, *arguments, environment=None):
        """What is said of a command line that must not start."""
        argv = [world.SERVER, "-l", self.addresses.host(1), "-p", str(self.client_port)]
        argv += ["-u", "root"] if world.IS_ROOT else []
        ended = subprocess.run(argv + list(arguments), capture_output=True, text=True,
                               timeout=world.scaled(10), env={**os.environ, **(environment or {})})
        self.assertNotEqual(ended.returncode, 0)
        return ended.stderr.strip()

    def reload(self, node, says, times=1):
        node.process.signal(signal.SIGHUP)
        until(lambda: node.process.log().count(says) >= times, 5, f"the log says: {says}")


class TextLogin(Guarded):
    def guarded(self, *arguments):
        return self.node("-Y", self.password_file(), *arguments).launch()

    def client_of(self, node):
        until(node.is_open, 10, "the node serves")
        return node.client()

    def test_nothing_is_served_before_the_login_and_everything_after_it(self):
        node = self.guarded()
        with self.client_of(node) as client:
            for line in (b"version", b"stats", b"get x", b"mg x v", b"quit", b"shutdown"):
                self.assertEqual(client.ask(line), b"CLIENT_ERROR unauthenticated")
            self.assertEqual(client.ask(b"set x 0 0 9", b"app wrong"),
                             b"CLIENT_ERROR authentication failure")
            self.assertEqual(client.ask(b"get x"), b"CLIENT_ERROR unauthenticated")
            self.assertEqual(client.ask(b"set x 0 0 10", LOGIN), b"STORED")
            self.assertIsNone(client.get(b"x"))
            self.assertEqual(client.set(b"x", b"mine"), b"STORED")
            stats = client.stats()
            self.assertEqual((stats["auth_cmds"], stats["auth_errors"]), ("2", "1"))
            settings = client.stats(b"settings")
            self.assertEqual(settings["auth_enabled_ascii"], self.password_file())
            self.assertEqual(settings["binding_protocol"], "ascii")

    def test_another_connection_must_log_in_for_itself(self):
        node = self.guarded()
        with self.client_of(node) as first, node.client() as second:
            self.assertEqual(first.ask(b"set x 0 0 10", LOGIN), b"STORED")
            self.assertEqual(second.ask(b"get x"), b"CLIENT_ERROR unauthenticated")

    def test_the_binary_protocol_is_closed_without_a_word(self):
        node = self.guarded()
        with self.client_of(node) as client:
            client.send(packet(0x0b))
            self.assertEqual(client.rest(), b"")

    def test_pymemcache_logs_in_by_a_set(self):
        node = self.guarded()
        self.client_of(node).close()
        client = PyMemcache(node.address, timeout=5, default_noreply=False)
        self.assertTrue(client.set("login", LOGIN))
        self.assertTrue(client.set("k", b"v"))
        self.assertEqual(client.get("k"), b"v")
        client.close()

    def test_a_hangup_reads_the_file_again_and_a_bad_file_changes_nothing(self):
        node = self.guarded()
        log_in = lambda client, token: client.ask(b"set x 0 0 %d" % len(token), token)
        with self.client_of(node) as old, node.client() as first, node.client() as second:
            self.assertEqual(log_in(old, LOGIN), b"STORED")
            self.password_file("app:changed\n")
            self.reload(node, "the passwords of 1 users were read")
            self.assertEqual(log_in(first, LOGIN), b"CLIENT_ERROR authentication failure")
            self.assertEqual(log_in(first, b"app changed"), b"STORED")
            self.assertEqual(old.set(b"k", b"v"), b"STORED", "who is in stays in")
            self.password_file("broken hush\n")
            self.reload(node, "line 1: malformed entry")
            self.assertIn("the passwords stay as they were", node.process.log())
            self.assertNotIn("hush", node.process.log())
            self.assertEqual(log_in(second, b"app changed"), b"STORED")
            os.unlink(os.path.join(self.directory, "passwords"))
            self.reload(node, "Could not open authfile")
            self.assertEqual(log_in(second, b"app changed"), b"STORED")

    def test_a_relative_file_is_found_by_a_daemon_that_moved_away(self):
        node = self.node("-Y", os.path.relpath(self.password_file())).launch()
        self.client_of(node).close()
        self.reload(node, "the passwords of 2 users were read")

    def test_a_file_that_cannot_be_used_prevents_the_start_with_one_clear_line(self):
        missing = os.path.join(self.directory, "missing")
        self.assertIn(f"Could not open authfile [{missing}] for reading, error No such file",
                      self.refused_start("-Y", missing))
        self.assertIn("line 2: malformed entry, should be 'user:password'",
                      self.refused_start("-Y", self.password_file("app:secret\nhush\n")))
        self.assertIn("Could not open authfile [/] for reading", self.refused_start("-Y", "/"))
        self.assertIn("no user in it", self.refused_start("-Y", self.password_file("")))
        self.assertIn("BINARY protocol", self.refused_start("-Y", missing, "-B", "binary"))

    def test_a_configuration_is_checked_with_its_passwords(self):
        self.assertIn("Could not open authfile",
                      self.refused_start("-Y", "/does/not/exist", "--check-config"))


class Sasl(Guarded):
    def start(self, *arguments, environment=None):
        node = self.node("-S", *arguments)
        if environment:
            os.environ.update(environment)
            self.addCleanup(lambda: [os.environ.pop(name) for name in environment])
        node.launch()
        until(node.is_open, 10, "the node serves")
        return node

    def guarded(self):
        return self.start("--sasl-file", self.password_file())

    def test_the_text_protocol_is_closed_without_a_word(self):
        node = self.guarded()
        with node.client() as client:
            client.send(b"version\r\n")
            self.assertEqual(client.rest(), b"")

    def test_a_command_after_a_failed_attempt_is_refused(self):
        node = self.guarded()
        with node.client() as client:
            client.send(packet(0x21, b"PLAIN", b"\0app\0wrong") + packet(0x00, b"k"))
            answers = client.rest()
            self.assertEqual(answers.count(b"Auth failure."), 2)
            self.assertEqual(answers[6:8], b"\0\x20")

    def test_bmemcached_logs_in(self):
        node = self.guarded()
        client = client_library("bmemcached").Client(("{}:{}".format(*node.address),), "app", "secret")
        self.assertTrue(client.set("k", "v"))
        self.assertEqual(client.get("k"), "v")
        stats = list(client.stats().values())[0]
        self.assertEqual((stats["auth_cmds"], stats["auth_errors"]), (b"1", b"0"))
        client.disconnect_all()

    def test_pylibmc_logs_in_and_a_wrong_password_is_told(self):
        node = self.guarded()
        at = ["{}:{}".format(*node.address)]
        pylibmc = client_library("pylibmc")
        client = pylibmc.Client(at, binary=True, username="app", password="secret")
        client["k"] = "v"
        self.assertEqual(client["k"], "v")
        stranger = pylibmc.Client(at, binary=True, username="app", password="wrong")
        with self.assertRaises(pylibmc.Error):
            stranger.set("k", "stolen")
        self.assertEqual(client["k"], "v")

    @unittest.skipUnless(shutil.which("php"), "php is not installed")
    def test_php_memcached_logs_in_and_a_wrong_password_is_told(self):
        node = self.guarded()
        script = """
            function client($password) {
                $m = new Memcached();
                $m->setOption(Memcached::OPT_BINARY_PROTOCOL, true);
                $m->setSaslAuthData('app', $password);
                $m->addServer('%s', %d);
                return $m;
            }
            $in = client('secret');
            $out = client('wrong');
            echo json_encode([$in->set('k', [1, 2]), $in->get('k'), $out->set('k', 1),
                              $out->getResultMessage()]);
        """ % node.address
        said = subprocess.run(["php", "-r", script], capture_output=True, text=True,
                              timeout=world.scaled(20))
        stored, value, stolen, message = json.loads(said.stdout)
        self.assertEqual((stored, value, stolen), (True, [1, 2], False), said.stderr)
        self.assertIn("AUTHENTICATION FAILURE", message)

    def test_the_tools_of_libmemcached_log_in(self):
        node = self.guarded()
        at = "--servers={}:{}".format(*node.address)
        path = os.path.join(self.directory, "file-to-copy")
        with open(path, "w") as file:
            file.write("copied")

        def run(tool, password, *words):
            return subprocess.run(
                [tool, at, "--binary", "--username=app", f"--password={password}", *words],
                capture_output=True, text=True, timeout=world.scaled(20))
        self.assertEqual(run("memccp", "secret", path).returncode, 0)
        self.assertEqual(run("memccat", "secret", "file-to-copy").stdout.strip(), "copied")
        self.assertNotIn("copied", run("memccat", "wrong", "file-to-copy").stdout)

    def test_passwords_come_from_memcacheds_variable(self):
        path = self.password_file("app:secret:\n")
        node = self.start(environment={"MEMCACHED_SASL_PWDB": path})
        client = client_library("bmemcached").Client(("{}:{}".format(*node.address),), "app", "secret")
        self.assertTrue(client.set("k", "v"))
        client.disconnect_all()

    def test_one_file_guards_both_protocols(self):
        node = self.start("-Y", self.password_file())
        client = client_library("bmemcached").Client(("{}:{}".format(*node.address),), "other", "word")
        self.assertTrue(client.set("k", "v"))
        client.disconnect_all()
        with node.client() as text:
            self.assertEqual(text.ask(b"get k"), b"CLIENT_ERROR unauthenticated")
            self.assertEqual(text.ask(b"set x 0 0 10", LOGIN), b"STORED")
            self.assertEqual(text.get(b"k"), b"v")

    def test_a_hangup_changes_who_may_come_in(self):
        node = self.guarded()
        self.password_file("app:changed\n")
        self.reload(node, "the passwords of 1 users were read")
        with node.client() as client:
            client.send(packet(0x21, b"PLAIN", b"\0app\0secret"))
            self.assertEqual(client.exactly(24 + 13)[6:8], b"\0\x20")
            client.send(packet(0x21, b"PLAIN", b"\0app\0changed"))
            self.assertEqual(client.exactly(24 + 13)[24:], b"Authenticated")

    def test_without_passwords_it_does_not_start(self):
        self.assertIn("-S needs passwords", self.refused_start("-S"))
        self.assertIn("ASCII protocol", self.refused_start("-S", "-B", "ascii"))
        self.assertIn("Cannot enable UDP", self.refused_start("-S", "-U", "11211"))


if __name__ == "__main__":
    main()
