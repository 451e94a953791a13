"""Every command and every piece of configuration in the manuals is tried here, or stands in a table
below with the reason why not: what is new in a manual and in neither place fails.

A command is a line of an indented block that begins with a program's name, or a `.Dl` of a manual
page. Addresses and files are replaced by some that are ours."""
import os
import re
import shlex
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "integration"))

from harness import Case, main, until, world  # noqa: E402 pylint: disable=wrong-import-position

SOURCE = os.path.abspath(os.path.join(HERE, os.pardir, os.pardir))
MANUALS = ["README.md", "CONTRIBUTING.md", *(f"docs/{name}" for name in sorted(
    os.listdir(os.path.join(SOURCE, "docs"))) if name.endswith(".md"))]
PAGES = [f"conf/man/{name}" for name in ("twincached.8.in", "twincached.conf.5.in", "twinctl.1.in")]

# Begins so, and is not run here: where else it is, or why nowhere.
ELSEWHERE = {
    "scripts/": "is the tests, or starts a whole build",
    "cmake ": "builds; CI does by these presets",
    "ctest ": "runs the tests; CI does",
    "build/": "a test program with a filter: CI runs it without",
    "cd test/integration ": "how CTest runs each of them",
    "test/mutation/run.py ": "takes an hour; its rows are checked by it",
    "/usr/bin/python3 -B test/bench/": "takes minutes, on a quiet machine",
    "CHAOS_": "the chaos suite, for as long as one likes; CI runs it",
    "SIMULATION_": "the simulation; CI runs it",
    "SWARM_": "the simulation; CI runs it",
    "apt install ": "test/install/test_package.py installs the package",
    "systemd-run ": "test/install/in_booted_root.sh asks so",
    "journalctl ": "the same",
    "systemctl ": "test/install/in_booted_root.sh: enable, start, restart under a real systemd",
    "install -d -m 700 /etc/credstore": "test/install/in_booted_root.sh does the same",
    "install -d -o nats -g nats": "needs root, and the user of Debian's nats-server",
    "htpasswd -nBC 11": "apache2-utils', which asks for the password",
    "(umask 077; head -c 32": "test/install/in_booted_root.sh does the same",
    "echo \"@1 set server memcached/a": "test/integration/test_haproxy.py tells HAProxy these lines",
    "saslpasswd2 ": "test/integration/test_cyrus_sasl.py makes users so",
    "twinctl --host 10.0.0.1:11281 --ca": "test/integration/test_admin_tls.py has tokens and TLS",
    "twinctl --host host-b:11281 --ca": "the same",
    "curl --cacert ": "test/integration/test_admin_tls.py sends the same",
    "magent ": "another program, not in Debian; run once, the figures stand beside it",
}
# Pieces that begin so are no configuration of ours.
OTHERS_FILES = {
    "mech_list: plain": "Cyrus SASL's; test_cyrus_sasl.py writes it",
    "option httpchk GET /readyz": "HAProxy's; conf/haproxy.cfg is run",
    "livenessProbe: ": "Kubernetes'; conf/container/kubernetes.yml is checked",
    "server_name: ": "nats-server's; test/integration/harness/nats_server.py writes the like",
    "extension=memcached.so": "PHP's; test/clients/programs/php_sessions.php sets the like",
}

# Blocks that begin so show what is: a drawing, an answer, a line of the protocol.
SHOWN = ("lib  <-", " " * 18 + "app", "build   ports bound", "twincached 0.1.0 (", "STAT ", "ts=",
         "watch [", "stats hotkeys on | off")
# Names of settings in docs/MIGRATING.md.
OF_YRMCDS = {"max_connections", "repl_buffer_size"}


def read(path):
    with open(os.path.join(SOURCE, path)) as file:
        return file.read()


def blocks_of(text):
    """The indented blocks of a manual, each a list of lines; fenced ones are drawings."""
    text = re.sub(r"(?ms)^```.*?^```", "", text)
    return [[line[4:] for line in block.strip("\n").split("\n")] for block in
            re.findall(r"(?m)(?:^    .*\n)+", text)]


def without_comment(line):
    return re.sub(r"\s+#.*$", "", line.removeprefix("$ ")).rstrip()


def commands_of(path):
    text = read(path)
    if path in PAGES:
        return [line.removeprefix(".Dl ").replace("@CONFDIR@", "/etc/twincached")
                for line in text.split("\n") if line.startswith(".Dl ")]
    known = ("twincached ", "twinctl ", *ELSEWHERE)
    return [without_comment(line) for block in blocks_of(text) for line in block
            if without_comment(line).startswith(known)
            and not re.match(r"twincached \d", line)]  # what --version prints


def all_commands():
    return [(path, command) for path in MANUALS + PAGES for command in commands_of(path)]


def configurations_of(path):
    """Blocks that are pieces of our file: sections and keys alone."""
    line = re.compile(r"\s*$|\[[a-z]+\]|[a-z][a-z-]* = ")
    return [block for block in blocks_of(read(path))
            if all(line.match(part) for part in block)
            and not any(block[0].startswith(other) for other in OTHERS_FILES)]


class Manuals(unittest.TestCase):
    def test_there_are_commands_and_each_exception_is_one_of_them(self):
        commands = [command for _, command in all_commands()]
        self.assertGreater(len(commands), 40)
        for beginning in ELSEWHERE:
            with self.subTest(beginning=beginning):
                self.assertTrue(any(command.startswith(beginning) for command in commands))
        begins = [block[0] for path in MANUALS for block in blocks_of(read(path))]
        for beginning in OTHERS_FILES:
            with self.subTest(beginning=beginning):
                self.assertTrue(any(first.startswith(beginning) for first in begins))

    def test_every_block_is_tried_listed_or_shown(self):
        for path in MANUALS:
            commands = commands_of(path)
            for block in blocks_of(read(path)):
                if block in configurations_of(path) or block[0].startswith((*OTHERS_FILES, *SHOWN)):
                    continue
                said = [line for line in block if line.startswith("$ ")]
                lines = said or block
                for line in filter(None, map(without_comment, lines)):
                    with self.subTest(manual=path, line=line):
                        self.assertIn(line, commands)

    def test_what_a_manual_links_to_is_there(self):
        seen = 0
        for path in MANUALS:
            for target, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)]*))?\)", read(path)):
                place = os.path.normpath(os.path.join(os.path.dirname(path), target)) \
                    if target else path
                with self.subTest(manual=path, link=target + "#" + anchor):
                    seen += 1
                    self.assertTrue(os.path.exists(os.path.join(SOURCE, place)), place)
                    if anchor:
                        self.assertIn(anchor, anchors_of(place))
        self.assertGreater(seen, 60)

    def test_the_figures_of_the_readme_are_those_of_the_manual(self):
        """The figure, its target, what was measured, whether that is met."""
        known = {tuple(cells(line)[:4]) for line in read("docs/FIGURES.md").split("\n")}
        measured = read("README.md").split("## Measured")[1].split("One node beside")[0]
        rows = [cells(line) for line in measured.split("\n") if line.startswith("| ")][1:]
        self.assertGreater(len(rows), 8)
        for row in rows:
            with self.subTest(figure=row[0]):
                self.assertIn(tuple(row), known)

    def test_figures_and_options_that_manuals_name_exist(self):
        known = read("docs/OBSERVING.md") + read("conf/twincached.conf")
        for path in ("docs/OPERATIONS.md", "docs/MIGRATING.md", "docs/CLIENTS.md"):
            for name in re.findall(r"`(repl_[a-z_]+|[a-z]+_(?:active|kicks|connections))`",
                                   read(path)):
                with self.subTest(manual=path, figure=name):
                    self.assertTrue(re.search(rf"\b{name}\b", known) or name in OF_YRMCDS, name)


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def anchors_of(path):
    """As GitHub makes them of headings."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
            for heading in re.findall(r"(?m)^#+ (.*)$", read(path))}


def inline_commands():
    """(manual, program, words): what is said within a sentence; some of it in half."""
    return [(path, program, words.split()) for path in MANUALS for program, words in
            re.findall(r"`(twinctl|twincached) ([^`]+)`", read(path))]


class Commands(Case):
    needs_replication = True

    def setUp(self):
        super().setUp()
        self.etc = os.path.join(self.directory, "twincached")
        os.mkdir(self.etc)
        self.host_a, self.host_b = self.addresses.host(1), self.addresses.host(2)
        with open(os.path.join(SOURCE, "conf/twincached.conf")) as shipped:
            self._write("twincached.conf", shipped.read())
        self._write("secret", "known to both\n")
        self._write("auth", "user:password\n")
        self._write("admin-tokens", "a-token-that-is-long-enough-for-it\n")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=node",
                        "-keyout", os.path.join(self.etc, "key.pem"), "-out",
                        os.path.join(self.etc, "chain.pem")], check=True, capture_output=True)

    def _write(self, name, text):
        path = os.path.join(self.etc, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o600)
        return path

    def _ours(self, words):
        """With our addresses and folders in place of the manual's."""
        ours = {"/etc/twincached/": self.etc + "/", "/var/lib/twincached/": self.etc + "/",
                "/etc/haproxy/haproxy.cfg": os.path.join(SOURCE, "conf/haproxy.cfg"),
                "10.0.0.1": self.host_a, "10.0.0.2": self.host_b, "10.0.0.10": self.host_a,
                "host-a": self.host_a, "host-b": self.host_b, "-x host-": "-x 127.0.0."}
        for theirs in sorted(ours, key=len, reverse=True):
            words = words.replace(theirs, ours[theirs])
        return re.sub(r":(112[18]\d)\b", lambda port: f":{self._port(int(port[1]))}", words)

    def _port(self, shipped):
        return shipped + self.client_port - world.CLIENT_PORT

    def _run(self, program, words, seconds=20):
        return subprocess.run([os.path.abspath(program), *words], capture_output=True, text=True, check=False,
                              timeout=world.scaled(seconds), cwd=self.directory,
                              env={**os.environ, "CREDENTIALS_DIRECTORY": self.etc})

    @staticmethod
    def twinctl():
        return os.environ.get("TWINCTL", os.path.join(os.path.dirname(world.SERVER), "twinctl"))

    def _checked(self, words):
        """The daemon's options: they are asked whether they would serve."""
        words = [word for word in words if word not in ("...", "-d", "--check-config")]
        if "-u" in words:
            del words[words.index("-u"):words.index("-u") + 2]
        if world.IS_ROOT:
            words += ["-u", "root"]
        return self._run(world.SERVER, [*words, "--check-config"])

    def test_what_a_manual_says_to_the_daemon_is_accepted(self):
        seen = 0
        for path, command in all_commands():
            if not command.startswith("twincached "):
                continue
            seen += 1
            with self.subTest(manual=path, command=command):
                done = self._checked(shlex.split(self._ours(command))[1:])
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertGreater(seen, 8)

    def test_options_and_orders_within_sentences_exist(self):
        told = {}
        for program, path in (("twincached", world.SERVER), ("twinctl", self.twinctl())):
            done = self._run(path, ["--help"])
            self.assertEqual(done.returncode, 0)
            told[program] = done.stdout
        seen = 0
        for path, program, words in inline_commands():
            for option in (word.split("=")[0] for word in words if word.startswith("--")):
                seen += 1
                with self.subTest(manual=path, program=program, option=option):
                    self.assertRegex(told[program], rf"(?m)(^|[\s,]){option}(?![\w-])")
            if program == "twinctl" and not words[0].startswith("-"):
                with self.subTest(manual=path, order=words[0]):
                    self.assertRegex(told[program], rf"(?m)^  {words[0]}\b")
        self.assertGreater(seen, 10)

    def test_what_migrating_says_instead_of_memcacheds_line_is_accepted(self):
        """The right column of its tables: `twincached ...` in full."""
        seen = 0
        for command in re.findall(r"`(twincached -[^`]*)`", read("docs/MIGRATING.md")):
            seen += 1
            ours = self._ours(command).replace("/etc/memcached.auth", self._write("auth", "u:p\n"))
            ours = ours.replace("/dev/shm/items", os.path.join(self.etc, "items"))
            with self.subTest(command=command):
                done = self._checked(shlex.split(ours)[1:])
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertGreaterEqual(seen, 5)

    def test_every_piece_of_configuration_is_accepted(self):
        seen = 0
        for path in MANUALS:
            for number, block in enumerate(configurations_of(path)):
                text = self._ours("\n".join(block)) + "\n"
                if not text.startswith("["):
                    text = "[replication]\n" + text
                text = self._with_files(text)
                seen += 1
                with self.subTest(manual=path, block=block[0]):
                    conf = self._write(f"{os.path.basename(path)}-{number}.conf", text)
                    done = self._checked(["--config", conf])
                    self.assertEqual(done.returncode, 0, text + done.stdout + done.stderr)
        self.assertGreaterEqual(seen, 4)

    def _with_files(self, text):
        for ours, theirs in (("chain.pem", ("node-a.pem", "ca.pem", "admin-chain.pem")),
                             ("key.pem", ("node-a.key", "admin-key.pem"))):
            for name in theirs:
                text = text.replace(os.path.join(self.etc, name), os.path.join(self.etc, ours))
        return text

    def test_what_a_manual_says_to_twinctl_is_done(self):
        pair = self.pair()
        for node in pair:
            node.arguments += ["--admin-listen", f"local,{node.host}:{self._port(11280)}"]
        pair.start()
        here = ["--pid", str(pair.a.process.pid)]
        seen = 0
        for path, command in all_commands():
            if not command.startswith("twinctl ") or command.startswith((*ELSEWHERE,)):
                continue
            seen += 1
            words = shlex.split(self._ours(command))[1:]
            named = [] if "--host" in words else here
            if "digest" in words and not named[2:]:
                named = here + ["--pid", str(pair.b.process.pid)]
            # The doctor finds what there is to find: a link without a secret, for one.
            fine = (0, 1) if "doctor" in words else (0,)
            with self.subTest(manual=path, command=command):
                until(lambda call=["--timeout", "20s", *named, *words], fine=fine:
                      self._run(self.twinctl(), call).returncode in fine, 10, command)
        self.assertGreater(seen, 6)


if __name__ == "__main__":
    main()
