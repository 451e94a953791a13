"""What the shipped units promise: a node that is started again for ever, and a user that owns
nothing and yet has a secret, passwords and certificates."""
import os
import pwd
import re
import shutil
import socket
import stat
import subprocess
import unittest

from harness import Case, main, until, world
from harness.certificates import Authority
from harness.process import Process

UNITS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../conf/systemd")


def settings_of(unit):
    """[(key, value)] of a unit's file, comments left out."""
    with open(os.path.join(UNITS, unit)) as file:
        return [tuple(line.rstrip("\n").split("=", 1)) for line in file
                if "=" in line and not line.startswith("#")]


def command_of(unit, key, runtime):
    """The command of an Exec line as a shell would read it."""
    written = dict(settings_of(unit))[key].lstrip("-")
    for specifier, text in (("%t", runtime), ("%i", "a"), ("$$", "$")):
        written = written.replace(specifier, text)
    return re.sub(r"^/bin/", "", written)


class Restarts(Case):
    UNIT = "twincached.service"

    def setUp(self):
        super().setUp()
        os.mkdir(os.path.join(self.directory, "twincached"))
        self.tools = os.path.join(self.directory, "tools")
        os.mkdir(self.tools)
        with open(os.path.join(self.tools, "sleep"), "w") as stub:
            stub.write('#!/bin/sh\necho "$1"\n')
        os.chmod(stub.name, 0o755)

    def _run(self, key):
        command = command_of(self.UNIT, key, self.directory)
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True,
                              env={**os.environ, "PATH": self.tools + ":" + os.environ["PATH"]})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return int(done.stdout or "0")

    def test_failed_starts_follow_each_other_ever_more_slowly(self):
        pauses = [self._run("ExecStartPre") for _ in range(80)]
        self.assertEqual(pauses[:7], [0, 0, 0, 0, 0, 5, 6])
        self.assertEqual(pauses, sorted(pauses))
        self.assertEqual(pauses[-1], 60)

    def test_a_start_that_succeeds_begins_anew(self):
        for _ in range(8):
            self._run("ExecStartPre")
        self._run("ExecStartPost")
        self.assertEqual(self._run("ExecStartPre"), 0)

    def test_no_number_of_failures_is_the_last(self):
        for unit in ("twincached.service", "twincached@.service"):
            self.assertIn(("StartLimitIntervalSec", "0"), settings_of(unit))
            self.assertIn(("Restart", "always"), settings_of(unit))
            self.assertIn(("RuntimeDirectoryPreserve", "restart"), settings_of(unit))

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze")
    def test_systemd_finds_nothing_wrong_with_the_units(self):
        for unit, name in (("twincached.service", "twincached.service"),
                           ("twincached@.service", "twincached@a.service")):
            with open(os.path.join(UNITS, unit)) as file:
                text = file.read().replace("/usr/sbin/twincached", "/bin/true")
            with open(os.path.join(self.directory, unit), "w") as file:
                file.write(text)
            done = subprocess.run(["systemd-analyze", "verify",
                                   os.path.join(self.directory, name)],
                                  capture_output=True, text=True)
            self.assertNotIn("twincached", done.stderr)


class Notifications(Case):
    """What systemd hears of a node, on a socket as systemd has it."""

    needs_replication = True

    def setUp(self):
        super().setUp()
        path = os.path.join(self.directory, "notify")
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(path)
        self.manager.settimeout(world.scaled(20))
        self.addCleanup(self.manager.close)
        given = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "100000"}
        os.environ.update(given)
        self.addCleanup(lambda: [os.environ.pop(name) for name in given])
        self.heard = []

    def _hear(self, wanted):
        """Waits for a message that begins so."""
        while True:
            message = self.manager.recv(4096).decode()
            self.heard.append(message)
            if message.startswith(wanted):
                return message

    def test_ready_is_said_when_clients_are_served_and_how_it_is_from_the_start_on(self):
        node = self.node("--boot-grace", "1s", peer=self.addresses.host(9)).launch()
        self.assertIn("not open to clients yet; ", self._hear("STATUS="))
        self.assertFalse(any(message.startswith("READY") for message in self.heard))
        self._hear("READY=1")
        self.assertTrue(node.is_open())
        told = [message for message in self.heard if message.startswith("STATUS=")]
        self.assertIn("; ready; ", told[-1])
        node.process.signal(15)
        self._hear("STOPPING=1")

    def test_signs_of_life_come_as_often_as_asked_for_and_stop_with_the_node(self):
        node = self.node().start()
        for _ in range(5):
            self._hear("WATCHDOG=1")
        node.pause()
        self.manager.settimeout(0.5)
        with self.assertRaises(TimeoutError):
            while True:
                self.manager.recv(4096)
        self.manager.settimeout(world.scaled(20))
        node.resume()
        self._hear("WATCHDOG=1")

    def test_the_units_ask_for_signs_of_life_and_expose_little(self):
        for unit in ("twincached.service", "twincached@.service"):
            self.assertIn(("WatchdogSec", "30s"), settings_of(unit))
        for unit in ("twincached.service", "twincached@.service"):
            done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                                   "--threshold=15", os.path.join(UNITS, unit)],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout[-200:] + done.stderr)


@unittest.skipUnless(world.IS_ROOT, "only root may become somebody else")
class Credentials(Case):
    """As systemd does it: root reads what root alone may read, and hands copies to the user."""

    def setUp(self):
        super().setUp()
        self.stores = os.path.join(self.directory, "credstore")
        self.handed = os.path.join(self.directory, "credentials")
        os.mkdir(self.stores, 0o700)
        os.mkdir(self.handed, 0o755)
        issued = Authority(self.directory).issue("node")
        self._keep("secret", "of the pair\n")
        self._keep("passwords", "user:password\n")
        for name, path in (("chain.pem", issued.cert), ("key.pem", issued.key)):
            with open(path) as file:
                self._keep(name, file.read())
        self.user = pwd.getpwnam("nobody")

    def _keep(self, name, content):
        path = os.path.join(self.stores, "twincached." + name)
        with open(path, "w") as file:
            file.write(content)
        os.chmod(path, 0o600)

    def _hand_over(self):
        """What the unit names in LoadCredential=, if it is there."""
        for key, value in settings_of("twincached.service"):
            if key != "LoadCredential":
                continue
            name, source = value.split(":")
            kept = os.path.join(self.stores, source)
            if os.path.exists(kept):
                shutil.copy(kept, os.path.join(self.handed, name))
                os.chown(os.path.join(self.handed, name), self.user.pw_uid, self.user.pw_gid)
                os.chmod(os.path.join(self.handed, name), 0o400)
        os.chown(self.handed, self.user.pw_uid, self.user.pw_gid)
        os.chmod(self.handed, 0o500)

    def _become_nobody(self):
        os.setgroups([])
        os.setgid(self.user.pw_gid)
        os.setuid(self.user.pw_uid)

    def _launch(self, where, *words):
        host = self.addresses.host(1)
        path = os.path.join(self.directory, "node.conf")
        with open(path, "w") as file:
            file.write(f"[network]\nlisten = {host}, notls:{host}:{self.client_port + 2}\n"
                       f"port = {self.client_port}\n[replication]\nnode = a\nboot-grace = 0\n"
                       f"peer = {self.addresses.host(2)}\nlisten = {host}:{self.link_port}\n"
                       f"secret-file = {where}secret\n[access]\nauth-file = {where}passwords\n"
                       f"[tls]\nenabled = yes\nchain-cert = {where}chain.pem\n"
                       f"key = {where}key.pem\n")
        # Where it was built, others may not look: a checkout of root's own.
        server = shutil.copy(world.SERVER, self.directory)
        process = Process([server, f"--config={path}", *words],
                          os.path.join(self.directory, "node.log"), prepare=self._become_nobody,
                          environment={"CREDENTIALS_DIRECTORY": self.handed})
        self.addCleanup(process.stop)
        return process

    def test_a_user_that_owns_nothing_serves_with_what_it_was_handed(self):
        self._hand_over()
        node = self._launch("%d/")
        until(lambda: "serving clients on" in node.log(), 10, "it serves: " + node.log())
        node.signal(1)
        until(lambda: "users were read from" in node.log(), 5, "it reads them again on SIGHUP")
        self.assertTrue(node.is_running())

    def test_the_check_of_a_configuration_reads_them_as_well(self):
        self._hand_over()
        self.assertEqual(self._launch("%d/", "--check-config").exit_status(), 0)

    def test_the_manual_names_every_credential_that_the_units_hand_over(self):
        with open(os.path.join(UNITS, "../../docs/OPERATIONS.md")) as file:
            table = file.read().split("| credential |")[1].split("\n\n")[0]
        told = {name for row in table.split("\n")[2:]
                for name in re.findall(r"`([^`]+)`", row.split("|")[1])}
        for unit, place in (("twincached.service", ""), ("twincached@.service", "%i.")):
            handed = dict(value.split(":") for key, value in settings_of(unit) if key == "LoadCredential")
            self.assertEqual(set(handed), told)
            for name, source in handed.items():
                self.assertEqual(source, f"twincached.{place}{name}")

    def test_without_them_that_user_is_told_which_file_it_cannot_read(self):
        store = os.path.join(self.stores, "twincached.")
        self.assertEqual(stat.S_IMODE(os.stat(store + "secret").st_mode), 0o600)
        node = self._launch(store)
        self.assertEqual(node.exit_status(), 64)
        self.assertIn(store, node.log())


if __name__ == "__main__":
    main()
