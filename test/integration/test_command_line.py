"""Command lines: what must be refused, what must work as the ancestors' users know it."""
import os
import signal
import socket
import stat
import subprocess
import time
import unittest

from harness import Case, Client, main, until, world
from harness.certificates import Authority
from harness.process import end_daemons_of

REFUSED = [
    ["-l", "fooble"], ["-B", "http"], ["-c", "0"], ["-c", "-1"], ["-t", "0"], ["-f", "1.0"],
    ["-n", "0"], ["-R", "0"], ["-I", "1023"], ["-I", "1025m"], ["-I", "40m", "-m", "64"],
    ["-o", "bogus"], ["-Y", "/does/not/exist"], ["--no-such-option"], ["-p", "70000"],
    ["-m", "lots"],
]

ACCEPTED = [
    ["-vv"], ["-k"], ["-r"], ["-L"], ["-C"], ["-F"], ["-X"], ["-W"], ["-A"], ["-M"],
    ["-b", "2048"], ["-R", "50"], ["-f", "1.3"], ["-n", "64"], ["-I", "2m"], ["-D", ":"],
    ["-B", "auto"], ["-t", "2"], ["-U", "0"], ["-o", "modern"], ["-o", "maxconns_fast"],
    ["-o", "slab_reassign,slab_automove,lru_crawler,lru_maintainer"],
    ["-o", "no_lru_crawler,hash_algorithm=xxh3"], ["-o", "relaxed_privileges"],
    ["--memory-limit=128", "--threads=2", "--conn-limit=100"],
]


class CommandLine(Case):
    def _run(self, *words):
        return subprocess.run([world.SERVER, *self._user(), *words], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=world.scaled(10))

    @staticmethod
    def _user():
        return ["-u", "root"] if world.IS_ROOT else []

    def test_nonsense_is_refused_with_one_clear_line(self):
        port = ["-p", str(self.client_port)]
        host = ["-l", self.addresses.host(1)]
        for words in REFUSED:
            with self.subTest(words=words):
                ended = self._run(*port, *host, *words)
                self.assertNotEqual(ended.returncode, 0)
                said = (ended.stderr + ended.stdout).strip()
                self.assertTrue(said, "it must say why")

    def test_every_flag_of_the_ancestors_is_accepted(self):
        skipped = {"-X", "-W", "-A"} if world.IS_MEMCACHED else set()
        for words in ACCEPTED:
            if words[0] in skipped:
                continue
            with self.subTest(words=words):
                node = self.node(*words).start()
                self.assert_still_serves(node)
                node.stop()

    def test_help_and_version_end_well(self):
        for word in ("-h", "--help", "-V", "--version"):
            with self.subTest(word=word):
                ended = self._run(word)
                self.assertEqual(ended.returncode, 0)
        version = self._run("-V").stdout
        self.assertRegex(version, r"^twincached \d+\.\d+\.\d+ \(memcached 1\.6\.\d+\)\n"
                                  r"built from (an unnamed commit|[0-9a-f]{12}\S*) by \S+ \d+\.")
        self.assertEqual(self._run("--version").stdout, version)

    @unittest.skipUnless(world.IS_ROOT, "only root may become somebody else")
    def test_root_becomes_the_user_that_it_is_told(self):
        node = self.node("-u", "nobody").start()
        with open(f"/proc/{node.process.pid}/status") as status:
            fields = dict(line.split(":", 1) for line in status)
        self.assertNotIn("0", fields["Uid"].split())
        self.assertNotIn("0", fields["Gid"].split())
        self.assertNotIn("0", fields["Groups"].split(), "root's groups must go as well")

    @unittest.skipUnless(world.IS_ROOT, "only root needs to say who")
    def test_root_must_say_whom_to_become(self):
        ended = subprocess.run([world.SERVER, "-p", str(self.client_port)], capture_output=True,
                               stdin=subprocess.DEVNULL, timeout=world.scaled(10))
        self.assertNotEqual(ended.returncode, 0)

    def test_a_port_that_is_taken_is_a_clear_error(self):
        node = self.node().start()
        ended = self._run("-l", node.host, "-p", str(node.address[1]))
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("in use", (ended.stderr + ended.stdout).lower())

    def test_a_daemon_has_a_pid_file_for_as_long_as_it_lives(self):
        path = os.path.join(self.directory, "pid")
        host = self.addresses.host(1)
        self.addCleanup(end_daemons_of, host)
        ended = self._run("-d", "-P", path, "-l", host, "-p", str(self.client_port))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        until(lambda: os.path.exists(path) and os.path.getsize(path), 1, "the pid file is there")
        with open(path) as file:
            pid = int(file.read())
        address = (host, self.client_port)
        until(lambda: Client(address).close() or True, 5, "it serves")
        with Client(address) as client:
            self.assertEqual(int(client.stats()["pid"]), pid)
        os.kill(pid, signal.SIGTERM)
        until(lambda: not os.path.exists(f"/proc/{pid}"), 5, "it ends")
        self.assertFalse(os.path.exists(path))

    @unittest.skipUnless(world.IS_ROOT, "only root may become somebody else")
    def test_a_pid_file_that_cannot_be_removed_is_emptied_and_said(self):
        path = os.path.join(self.directory, "pid")  # in a folder that is root's
        node = self.node("-u", "nobody", "-P", path).start()
        self.assertGreater(os.path.getsize(path), 0)
        node.stop()
        self.assertEqual(os.path.getsize(path), 0)
        self.assertIn(f"the pid file {path} stays behind, empty", node.process.log())

    def test_a_limit_in_bytes_is_refused_with_what_was_meant(self):
        ended = self._run("-m", "1073741824", "-l", self.addresses.host(1), "-p",
                          str(self.client_port))
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("memory-limit: 1073741824 counts MiB", ended.stderr)
        self.assertIn("write 1g", ended.stderr)

    def test_a_check_warns_of_what_would_be_regretted_and_the_start_says_the_same(self):
        host = self.addresses.host(1)
        words = ["-l", host, "-p", str(self.client_port), "-U", str(self.client_port), "-x",
                 "192.0.2.9", "--node=a"]
        checked = self._run("--check-config", *words)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertEqual(checked.stdout, "the options are valid\n")
        warnings = checked.stderr.splitlines()
        for option in ("udp-port (-U)", "secret-file"):
            said = [line for line in warnings if line.startswith(f"warning: {option}")]
            self.assertEqual(len(said), 1, checked.stderr)
        node = self.node("-U", str(self.client_port)).start()
        self.assertIn("warning udp-port (-U): UDP has no logins", node.process.log())

    def test_a_check_says_that_the_peers_name_does_not_resolve_and_the_start_goes_on(self):
        at = ["-l", self.addresses.host(1), "-p", str(self.client_port), "-x"]
        checked = self._run("--check-config", *at, "no-such-host.invalid")
        self.assertEqual((checked.returncode, checked.stdout), (0, "the options are valid\n"))
        self.assertIn("warning: peer (-x) no-such-host.invalid: the name does not resolve: ", checked.stderr)
        for known in ("192.0.2.9", *(["localhost"] if world.knows_localhost() else [])):
            self.assertNotIn("peer (-x)", self._run("--check-config", *at, known).stderr)

    def test_a_check_names_files_without_which_no_nats_server_lets_this_node_in(self):
        at = ["-l", self.addresses.host(1), "-p", str(self.client_port), "--node", "0",
              "--nats-servers", self.addresses.host(2)]
        for words in (["--nats-user", "web", "--nats-password-file"], ["--nats-token-file"],
                      ["--nats-credentials"], ["--link-tls-ca"]):
            checked = self._run("--check-config", *at, *words, "/does/not/exist")
            self.assertEqual((checked.returncode, checked.stdout), (0, "the options are valid\n"))
            self.assertIn(": /does/not/exist: No such file or directory", checked.stderr)

    def test_more_clients_than_open_files_are_foretold_and_refused(self):
        words = ["-l", self.addresses.host(1), "-p", str(self.client_port), "-c", "9000000"]
        checked = self._run("--check-config", *words)
        self.assertIn("warning: connections (-c) 9000000", checked.stderr)
        self.assertEqual(checked.returncode, self._run(*words).returncode)
        self.assertEqual(checked.returncode, 71)

    def test_a_check_ends_as_the_start_would_and_opens_what_it_would_open(self):
        """Each start fails at once; each check says the same and ends with the same status."""
        at = ["-l", self.addresses.host(1), "-p", str(self.client_port)]
        peer = ["-x", self.addresses.host(2)]
        for words, why in ((["--log-file", "/does/not/exist/log"], "No such file"),
                           (["--log-file", self.directory], "Is a directory"),
                           (["-P", "/does/not/exist/pid"], "/does/not/exist/pid"),
                           (["-l", "999.1.1.1"], "listen (-l) 999.1.1.1"),
                           (["-l", "192.0.2.77"], "there is nothing to listen on"),
                           (["-Y", "/does/not/exist"], "/does/not/exist"),
                           (["-e", "/does/not/exist/items"], "/does/not/exist/items"),
                           (["-e", self.directory], self.directory),
                           ([*peer, "--secret-file", "/does/not/exist"],
                            "cannot read a secret from /does/not/exist: No such file"),
                           ([*peer, "--secret-file", self.directory],
                            f"cannot read a secret from {self.directory}: Is a directory"),
                           ([*peer, "--secret-file", "/dev/null"], "the secret in /dev/null is empty"),
                           ([*peer, "--secret-file", "/etc/hostname", "--old-secret-file",
                             "/does/not/exist"], "old-secret-file: cannot read a secret"),
                           (["-Z", "-o", "ssl_chain_cert=/does/not/exist,ssl_key=/x"],
                            "/does/not/exist"),
                           (["--admin-listen", "999.1.1.1:1"], "999.1.1.1"),
                           (["--admin-listen", "tls:127.0.0.1:1"], "it needs certificate and key"),
                           (["--admin-listen", "tls:127.0.0.1:1", "--admin-certificate",
                             "/does/not/exist", "--admin-key", "/x"], "/does/not/exist"),
                           (["--admin-token-file", "/etc/hostname"], "is for TLS"),
                           (["--secret="], "stands in the file alone"),
                           (["--on-splitt=both"], "did you mean 'on-split'?"),
                           (["-m", "0"], "must be at least 1m"),
                           ([*peer, "--link-listen", "999.1.1.1:11212"], "999.1.1.1"),
                           ([*peer, "--link-listen", "192.0.2.77:11212"],
                            "listen of [replication] (--link-listen, -X)"),
                           (["-x", f"{self.addresses.host(1)}:11999", "--link-listen",
                             f"{self.addresses.host(1)}:11999"], "are this node's own"),
                           (["-x", f"{self.addresses.host(1)},{self.addresses.host(2)}"],
                            "peer is one node"),
                           ([*peer, "--link-listen", str(self.client_port)], "both want port"),
                           (["--drain-timeout", "30", *peer], "needs a unit"),
                           (["-I", "1g"], "item size limit")):
            words = [*words, *(at if "-l" not in words else at[2:])]
            with self.subTest(words=words):
                checked, started = self._run("--check-config", *words), self._run(*words)
                self.assertIn(why, checked.stderr)
                self.assertIn(why, started.stderr)
                self.assertNotEqual(started.returncode, 0)
                self.assertEqual(checked.returncode, started.returncode)

    def test_a_check_finds_what_stands_where_the_start_would_write(self):
        at = ["-l", self.addresses.host(1), "-p", str(self.client_port)]
        pipe, plain, link, locked = (os.path.join(self.directory, name)
                                     for name in ("pipe", "plain", "link", "is a folder"))
        os.mkdir(locked + ".lock")
        os.mkfifo(pipe)
        open(plain, "w").close()
        os.symlink(link, link)
        for words, why in ((["-P", pipe], "no plain file"), (["-e", pipe], "plain file"),
                           (["-e", "/dev/null"], "plain file"), (["-P", "/dev/null"], "plain file"),
                           (["-s", plain], "it exists and is no socket"),
                           (["-s", locked], "is a folder.lock"),
                           (["-s", "/tmp/" + 110 * "s"], "at most 107 bytes"),
                           (["--admin-listen", "/tmp/" + 110 * "s"], "at most 107 bytes"),
                           (["-e", self.directory], "Is a directory"),
                           (["-P", plain + "/x"], "Not a directory"),
                           (["-e", plain + "/x"], "Not a directory"),
                           (["--log-file", plain + "/x"], "Not a directory"),
                           (["-P", link], "Too many levels"), (["-e", link], "Too many levels"),
                           (["--log-file", link], "Too many levels"),
                           (["--config", pipe], "it is a pipe that nobody writes to"),
                           (["-Y", pipe], "it is a pipe that nobody writes to"),
                           (["-Z", "-o", f"ssl_chain_cert={pipe},ssl_key={pipe}"], "it is a pipe")):
            with self.subTest(words=words):
                checked = self._run("--check-config", *words, *at)
                started = self._run(*words, *at)
                self.assertIn(why, checked.stderr)
                self.assertIn(why, started.stderr)
                self.assertNotEqual(started.returncode, 0)
                self.assertEqual(checked.returncode, started.returncode)

    def test_a_check_finds_two_listeners_that_want_one_place(self):
        host, other, both = self.addresses.host(1), self.addresses.host(2), str(self.client_port)
        path = os.path.join(self.directory, "socket")
        taken = "Address already in use"
        for words, why in ((["-l", host, "-l", host], taken),
                           (["-l", f"0.0.0.0:{both},{host}:{both}"], taken),
                           (["-l", host, "--admin-listen", f"{host}:{both}"], taken),
                           (["-l", other, "--admin-listen", f"{host}:{both}", "--agent-listen",
                             f"{host}:{both}"], taken),
                           (["-l", other, "--admin-listen", f"{host}:{both}", "-x", "192.0.2.9",
                             "--node=a", "--link-listen", f"{host}:{both}"], taken),
                           (["-s", path, "--admin-listen", path], f"{path}: ")):
            with self.subTest(words=words):
                checked, started = (self._run(*check, "-p", both, *words)
                                    for check in (["--check-config"], []))
                self.assertIn(why, checked.stderr)
                self.assertIn(why, started.stderr)
                self.assertEqual((checked.returncode, started.returncode), (71, 71))
        side_by_side = ["-l", f"{host}:{both}", "-l", f"{other}:{both}", "--admin-listen", "local"]
        self.assertEqual(self._run("--check-config", *side_by_side).returncode, 0)

    def test_a_log_file_that_is_a_pipe_nobody_reads_is_refused(self):
        pipe = os.path.join(self.directory, "pipe")
        os.mkfifo(pipe)
        ended = self._run("-l", self.addresses.host(1), "-p", str(self.client_port), "--log-file",
                          pipe)
        self.assertEqual(ended.returncode, 71)
        self.assertIn(f"log file {pipe}: No such device or address", ended.stderr)

    def test_a_file_may_come_out_of_a_pipe(self):
        words = [world.SERVER, *self._user(), "-l", self.addresses.host(1), "--print-config"]
        said = subprocess.run(
            ["bash", "-c", '"$@" --config <(sleep 1; printf "[memory]\\nlimit = 77m\\n")', "-",
             *words], capture_output=True, text=True, timeout=world.scaled(20))
        self.assertRegex(said.stdout, r"\blimit = 77m")

    @unittest.skipUnless(world.IS_ROOT, "only root may become somebody else")
    def test_a_check_is_made_as_the_user_that_the_start_becomes(self):
        at = ["-l", self.addresses.host(1), "-p", str(self.client_port), "-u"]
        log = os.path.join(self.directory, "log")
        self.assertEqual(self._run("--check-config", "--log-file", log, *at, "root").returncode, 0)
        self.assertFalse(os.path.exists(log), "a check leaves nothing behind")
        refused = self._run("--check-config", "--log-file", log, *at, "nobody")
        self.assertEqual(refused.returncode, 71)
        self.assertIn("Permission denied", refused.stderr)
        link = ["-x", self.addresses.host(2), "--node=a", "--link-listen"]
        for words in (["-e", os.path.join(self.directory, "items")], ["-p", "99"], ["-U", "99"],
                      [*link, "99"], [*link, f"{self.addresses.host(1)}:99"],
                      ["--admin-listen", f"local,{self.addresses.host(1)}:99"]):
            with self.subTest(words=words):
                call = [*at, "nobody", *words]
                checked, started = self._run("--check-config", *call), self._run(*call)
                self.assertEqual((checked.returncode, started.returncode), (71, 71), checked.stderr)
                self.assertIn("Permission denied", checked.stderr)
        pid_file = os.path.join(self.directory, "pid")
        checked = self._run("--check-config", "-P", pid_file, *at, "nobody")
        self.assertEqual(checked.returncode, 0)
        self.assertIn(f"warning: pid-file (-P): {pid_file} would stay behind", checked.stderr)
        self.assertNotIn("pid-file", self._run("--check-config", "-P", pid_file, *at, "root").stderr)
        history = os.path.join(self.directory, "history")
        checked = self._run("--check-config", "--history-file", history, *at, "nobody")
        self.assertEqual(checked.returncode, 0)
        self.assertIn(f"warning: history-file: cannot write {history}", checked.stderr)
        nobody = self._run("--check-config", *at, "no-such-user")
        self.assertEqual(nobody.returncode, 67)
        self.assertIn("can't find the user no-such-user", nobody.stderr)

    def test_a_check_harms_no_node_that_runs(self):
        pid_file = os.path.join(self.directory, "pid")
        node = self.node("-P", pid_file).start()
        checked = self._run("--check-config", "-l", node.host, "-p", str(node.address[1]), "-P",
                            pid_file)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        with node.client() as client, open(pid_file) as file:
            self.assertEqual(int(client.stats()["pid"]), int(file.read()))

    def test_what_is_printed_says_where_each_value_comes_from(self):
        with open(os.path.join(self.directory, "main.conf"), "w") as file:
            file.write("include = conf.d\n[memory]\nlimit = 32m\nitem-size-limit = 2m\n")
        os.mkdir(os.path.join(self.directory, "conf.d"))
        with open(os.path.join(self.directory, "conf.d", "10.conf"), "w") as file:
            file.write("[memory]\nlimit = 48m\n")
        printed = self._run("--config", os.path.join(self.directory, "main.conf"), "-t", "2",
                            "--print-config").stdout
        self.assertRegex(printed, r"limit = 48m +# .*/conf\.d/10\.conf:2\n")
        self.assertRegex(printed, r"item-size-limit = 2m +# .*/main\.conf:4\n")
        self.assertRegex(printed, r"threads = 2 +# command line\n")
        self.assertRegex(printed, r"backlog = 1024 +# default\n")

    def test_a_check_says_which_certificate_ends_soon(self):
        made = Authority(self.directory).issue("node", days=3)
        checked = self._run("--check-config", "-l", self.addresses.host(1), "-Z", "-o",
                            f"ssl_chain_cert={made.cert},ssl_key={made.key}")
        self.assertEqual(checked.returncode, 0)
        self.assertRegex(checked.stderr, f"warning: the certificate {made.cert} expires in 7[12] h")

    def test_a_file_that_cannot_be_read_is_no_empty_file(self):
        host = ["-l", self.addresses.host(1), "-p", str(self.client_port)]
        for unreadable, why in ((self.directory, "Is a directory"),
                                ("/proc/self/mem", "Input/output error"),
                                ("/dev/zero", "larger than 4 MiB"),
                                ("/does/not/exist", "No such file")):
            for words in ([f"--config={unreadable}"],
                          [f"--config={unreadable}", "--check-config"],
                          ["-x", "127.0.0.1", "--node=a", f"--secret-file={unreadable}"],
                          ["-x", "127.0.0.1", "--node=a", f"--secret-file={unreadable}",
                           "--check-config"]):
                with self.subTest(words=words):
                    ended = self._run(*host, *words)
                    self.assertNotEqual(ended.returncode, 0)
                    self.assertIn(unreadable, ended.stderr)
                    self.assertIn(why, ended.stderr)

    def test_the_crawler_can_be_enabled_where_old_defaults_were_asked_for(self):
        for word in ("no_modern", "no_lru_crawler"):
            node = self.node("-o", word).start()
            with self.subTest(word=word), node.client() as client:
                self.assertEqual(client.stats(b"settings")["lru_crawler"], "no")
                self.assertEqual(client.ask(b"lru_crawler enable"), b"OK")
            node.stop()

    def test_a_unix_socket_opens_no_port(self):
        path = os.path.join(self.directory, "socket")
        node = self.node("-s", path, "-a", "0700")
        node.launch()
        until(lambda: stat.S_ISSOCK(os.stat(path).st_mode), 5, "the socket is there")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o700)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            connection.sendall(b"version\r\n")
            self.assertTrue(connection.recv(100).startswith(b"VERSION"))
        self.assertFalse(node.is_open())

    def test_port_minus_one_is_any_and_its_number_is_written_down(self):
        path = os.path.join(self.directory, "ports")
        os.environ["MEMCACHED_PORT_FILENAME"] = path
        self.addCleanup(os.environ.pop, "MEMCACHED_PORT_FILENAME")
        self.node("-p", "-1").launch()
        port = until(lambda: self._written_port(path), 2, "the port is written down")
        with Client((self.addresses.host(1), port)) as client:
            self.assertTrue(client.ask(b"version").startswith(b"VERSION"))

    @staticmethod
    def _written_port(path):
        with open(path) as file:
            ports = [line.split()[-1] for line in file if line.startswith("TCP INET: ")]
        return int(ports[0]) if ports else None

    def test_term_and_int_end_it_well_and_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number.name):
                node = self.node().start()
                idle = node.client()
                began = time.monotonic()
                node.process.signal(number)
                self.assertEqual(node.process.exit_status(), 0)
                self.assertLess(time.monotonic() - began, world.scaled(4))
                idle.close()

    def test_hup_does_not_end_it(self):
        if world.IS_MEMCACHED:
            self.skipTest("1.6.18 has no use for HUP without -k")
        node = self.node().start()
        node.process.signal(signal.SIGHUP)
        self.assert_still_serves(node)


class Limits(Case):
    def test_m_is_the_limit_of_all_memory_of_items(self):
        node = self.node("-m", "64").start()
        base = node.process.resident_kib()
        with node.client() as client:
            for n in range(120000):
                client.send(b"set k%d 0 0 1000 noreply\r\n%s\r\n" % (n, b"x" * 1000))
            client.ask(b"version")
            grown = node.process.resident_kib() - base
            stats = client.stats()
        print(f"-m 64 full: {grown / 1024:.1f} MiB, {stats['curr_items']} items", flush=True)
        self.assertGreater(int(stats["evictions"]), 0)
        self.assertGreater(int(stats["curr_items"]), 45000)
        self.assertLess(grown, 80 * 1024 * max(1, world.TIME_FACTOR))

    def test_without_eviction_a_full_store_says_so_and_keeps_everything(self):
        node = self.node("-M", "-m", "8").start()
        stored, refused = [], 0
        with node.client() as client:
            for n in range(20000):
                answer = client.set(b"k%d" % n, b"x" * 1000)
                if answer == b"STORED":
                    stored.append(b"k%d" % n)
                else:
                    self.assertEqual(answer, b"SERVER_ERROR out of memory storing object")
                    refused += 1
                    if refused == 100:
                        break
            self.assertEqual(refused, 100)
            self.assertEqual(len(client.gets_many(stored)), len(stored))
            self.assertGreaterEqual(int(client.stats()["store_no_memory"]), 100)

    def test_a_fast_client_gives_way_to_others(self):
        node = self.node("-R", "1").start()
        with node.client() as client:
            client.send(b"set k 0 0 1\r\nv\r\n" * 6)
            for _ in range(6):
                self.assertEqual(client.line(), b"STORED")
            self.assertGreaterEqual(int(client.stats()["conn_yields"]), 5)

    def test_an_idle_connection_is_closed_when_so_configured(self):
        node = self.node("-o", "idle_timeout=3").start()
        with node.client() as client:
            client.set_timeout(world.scaled(15))
            client.ask(b"version")
            began = time.monotonic()
            self.assertEqual(client.rest(), b"")
            self.assertGreater(time.monotonic() - began, 2)
        self.assertGreaterEqual(int(node.stats()["idle_kicks"]), 1)

    def test_what_clients_hold_half_done_has_a_limit(self):
        node = self.node("-t", "1", "-o", "read_buf_mem_limit=1").start()
        with node.client() as client:
            client.set(b"k", b"x" * 4000)
            client.set(b"small", b"v")
            self.assertEqual(client.stats(b"settings")["read_buf_mem_limit"], str(1 << 20))
            deaf = [self._deaf(node) for _ in range(8)]
            until(lambda: int(client.stats()["response_obj_oom"]) > 0, 10, "one is closed")
            held = int(client.stats()["response_obj_bytes"])
            self.assertLess(held, 2 << 20)
            for one in deaf:
                one.close()
            until(lambda: client.stats()["response_obj_count"] == "0", 10, "all is given back")
            self.assertEqual(client.ask(b"get" + b" small" * 5000),
                             b"SERVER_ERROR out of memory writing get response")
            self.assertEqual(client.get(b"small"), b"v")

    @staticmethod
    def _deaf(node):
        client = Client(node.address)
        client.set_timeout(0.2)
        try:
            for _ in range(20):
                client.send(b"get k\r\n" * 2000)
        except OSError:
            pass  # the server has stopped reading, or closed
        return client

    def test_huge_pages_are_asked_for(self):
        for words, wants in (([], False), (["-L"], True)):
            with self.subTest(words=words):
                node = self.node(*words).start()
                self.assert_still_serves(node)
                with open(f"/proc/{node.process.pid}/smaps") as maps:
                    flags = [line for line in maps if line.startswith("VmFlags:")]
                self.assertEqual(any(" hg" in line for line in flags), wants)
                node.stop()

    def test_clocks_can_be_moved_by_whoever_started_it_for_tests(self):
        node = self.node("--test-commands").start()
        with node.client() as client:
            client.set(b"short", b"v", exptime=1000)
            client.set(b"long", b"v", exptime=3000)
            was = int(client.stats()["uptime"])
            self.assertEqual(client.ask(b"debugtime 1001"), b"OK")
            self.assertEqual(client.gets_many([b"short", b"long"]).keys(), {b"long"})
            self.assertGreaterEqual(int(client.stats()["uptime"]), was + 1001)
            self.assertEqual(client.ask(b"debugtime p"), b"OK")
            self.assertEqual(client.ask(b"debugtime -1000"), b"OK")
            standing = client.stats()["time"]
            self.assertEqual(client.ask(b"debugtime r"), b"OK")
            until(lambda: client.stats()["time"] > standing, 5, "it goes on")
            self.assertEqual(client.get(b"long"), b"v")

    def test_what_the_process_keeps_for_itself_is_told(self):
        node = self.node("-t", "3").start()
        with node.client() as client:
            stats = client.stats()
            self.assertGreater(int(stats["reserved_fds"]), 10)
            self.assertGreaterEqual(int(stats["read_buf_count"]), 3)
            self.assertGreater(int(stats["read_buf_bytes"]), 0)
            self.assertEqual(client.stats(b"settings")["oldest"], "0")
            until(lambda: int(client.stats()["uptime"]) > 0, 5, "it has a past")
            client.ask(b"flush_all")
            self.assertGreater(int(client.stats(b"settings")["oldest"]), 0)


if __name__ == "__main__":
    main()
