"""An installed tree is whole: the program runs from it, the units name what is there, and what an
operator has written stays. CTest says where things belong; everything happens below a DESTDIR."""
import fnmatch
import os
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), os.pardir, os.pardir))
SBIN = os.environ["PATH"] + ":/usr/sbin:/sbin"


class InstalledTree(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="twincached-install-")
        cls.addClassCleanup(shutil.rmtree, cls.root)
        cls.install()

    @classmethod
    def install(cls):
        subprocess.run([os.environ["CMAKE"], "--install", os.environ["BUILD"]], check=True,
                       stdout=subprocess.DEVNULL, env={**os.environ, "DESTDIR": cls.root})

    def path(self, place, *names):
        """Where the tree has what will be in the folder that the environment calls `place`."""
        return self.root + os.path.join(os.environ[place], *names)

    def read(self, *where):
        with open(self.path(*where)) as file:
            return file.read()

    def test_the_program_takes_the_installed_configuration(self):
        checked = subprocess.run([self.path("SBIN", "twincached"), "--check-config", "--config",
                                  self.path("ETC", "twincached", "twincached.conf"),
                                  *(["-u", "root"] if os.geteuid() == 0 else [])],
                                 capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_the_units_start_what_is_installed(self):
        for unit, name in (("twincached.service", "twincached.conf"),
                           ("twincached@.service", "%i.conf")):
            with self.subTest(unit=unit):
                words = re.search("^ExecStart=(.*)$", self.read("UNITS", unit), re.M)[1].split()
                self.assertTrue(os.access(self.root + words[0], os.X_OK), words)
                self.assertEqual(words[1], "--config")
                folder, conf = os.path.split(words[2])
                self.assertTrue(os.path.isfile(os.path.join(self.root + folder,
                                                            "twincached.conf")), words)
                self.assertEqual(conf, name)

    def test_the_logs_of_every_unit_are_rotated(self):
        shipped = self.read("ETC", "logrotate.d", "twincached")
        for unit in ("twincached.service", "twincached@.service"):
            with self.subTest(unit=unit):
                folder = re.search("^LogsDirectory=(.*)$", self.read("UNITS", unit), re.M)[1]
                logs = f"/var/log/{folder}/twincached.log".replace("%i", "a")
                patterns = re.findall(r"/var/log/\S+", re.sub("^#.*$", "", shipped, flags=re.M))
                self.assertTrue(any(fnmatch.fnmatch(logs, pattern) for pattern in patterns), patterns)

    @unittest.skipUnless(shutil.which("logrotate", path=SBIN), "logrotate is not installed")
    def test_a_log_is_rotated(self):
        folder = tempfile.mkdtemp(prefix="twincached-logs-")
        self.addCleanup(shutil.rmtree, folder)
        text = self.read("ETC", "logrotate.d", "twincached").replace("/var/log", folder)
        self._write(os.path.join(folder, "conf"), re.sub("postrotate.*endscript", "", text, flags=re.S))
        for name in ("twincached", "twincached-a"):
            os.mkdir(os.path.join(folder, name), 0o755)
            self._write(os.path.join(folder, name, "twincached.log"), "a line\n")
        subprocess.run(["logrotate", "--force", "--state", os.path.join(folder, "state"),
                        os.path.join(folder, "conf")], check=True, env={**os.environ, "PATH": SBIN})
        for name in ("twincached", "twincached-a"):
            self.assertEqual(os.listdir(os.path.join(folder, name)), ["twincached.log.1"])

    def test_every_manual_is_there(self):
        for folder in ("docs", "."):
            for name in os.listdir(os.path.join(SOURCE, folder)):
                if name in ("README.md", "CHANGELOG.md", "LICENSE") or folder == "docs":
                    with self.subTest(manual=name):
                        self.assertTrue(os.path.exists(self.path("DOC", folder, name)))

    def test_the_examples_are_there(self):
        for name in ("collectd.conf", "munin.conf", "nagios.cfg", "haproxy.cfg",
                     "nutcracker.yml", "twincached.conf", "grafana/twincached.json",
                     "prometheus/alerts.yml", "prometheus/prometheus.yml",
                     "keepalived/keepalived.conf", "keepalived/lvs.conf",
                     "keepalived/twincached-notify", "pair-on-one-host/a.conf",
                     "pair-on-one-host/b.conf", "pair-on-one-host/start"):
            with self.subTest(example=name):
                self.assertTrue(os.path.isfile(self.path("DOC", "examples", name)))

    def test_the_operators_tool_runs_from_it_and_bash_completes_it(self):
        told = subprocess.run([self.path("BIN", "twinctl"), "--version"], capture_output=True,
                              text=True)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertIn("complete -F _twinctl twinctl",
                      self.read("DATA", "bash-completion", "completions", "twinctl"))

    def test_the_manual_pages_are_there_and_well_formed(self):
        for folder, page in (("man8", "twincached.8"), ("man5", "twincached.conf.5"),
                             ("man1", "twinctl.1")):
            with self.subTest(page=page):
                text = self.read("MAN", folder, page)
                self.assertNotRegex(text, "@[A-Z]+@")
                if shutil.which("mandoc"):
                    linted = subprocess.run(["mandoc", "-T", "lint", self.path("MAN", folder, page)],
                                            capture_output=True, text=True)
                    # It looks for the other two where this machine's own pages are.
                    self.assertEqual([line for line in linted.stdout.splitlines()
                                      if "referenced manual not found" not in line], [])
        self.assertIn("old-secret-file", self.read("MAN", "man5", "twincached.conf.5"))

    def test_nothing_else_is_there(self):
        places = [self.path("SBIN", "twincached"), self.path("BIN", "twinctl"),
                  self.path("ETC", "twincached"), self.path("ETC", "logrotate.d", "twincached"),
                  self.path("LIB", "sysusers.d", "twincached.conf"),
                  self.path("LIB", "tmpfiles.d", "twincached.conf"), self.path("DOC"), self.path("UNITS"),
                  self.path("DATA", "bash-completion", "completions", "twinctl"),
                  *(self.path("MAN", "man" + page[-1], page)
                    for page in ("twincached.8", "twincached.conf.5", "twinctl.1"))]
        for folder, _, names in os.walk(self.root):
            for name in names:
                found = os.path.join(folder, name)
                self.assertTrue(any(found == place or found.startswith(place + "/")
                                    for place in places), found)

    def test_what_an_operator_wrote_stays(self):
        conf = self.path("ETC", "twincached", "twincached.conf")
        shipped = self.read("ETC", "twincached", "twincached.conf")
        self.addCleanup(lambda: self._write(conf, shipped))
        self._write(conf, "# mine\n")
        self.install()
        self.assertEqual(self.read("ETC", "twincached", "twincached.conf"), "# mine\n")

    @staticmethod
    def _write(path, text):
        with open(path, "w") as file:
            file.write(text)


if __name__ == "__main__":
    unittest.main()
