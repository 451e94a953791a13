"""The Debian package in a bare root that is booted: it installs, runs a pair, is upgraded and purged.

    PACKAGE   what scripts/package.sh has made
    ROOT      where the bare root is kept, packed, so that it is made once: a .tar

Takes root's rights, debootstrap, systemd-nspawn and, once, a Debian mirror."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PACKAGE = os.environ["PACKAGE"]
ROOT = os.environ["ROOT"]
HERE = os.path.dirname(os.path.abspath(__file__))
MIRROR = os.environ.get("MIRROR", "http://deb.debian.org/debian")
INCLUDED = "systemd,dbus,iproute2"
SECONDS = 240
# What dpkg, apt and a boot leave behind, whatever is installed.
NOT_OURS = re.compile(r"^/(tmp|run|proc|sys|dev|result|said|upgrade\.deb|package\.deb|var/(cache|log|tmp"
                      r"|lib/(apt|dpkg|systemd|dbus|private))|etc/(passwd|group|shadow|gshadow|subuid"
                      r"|subgid|machine-id|\.pwd\.lock|ld\.so\.cache|hostname|resolv\.conf"
                      r"|systemd/system/.*twincached-package-test|credstore|.*-$))")


def run(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{words}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def make_root():
    if os.path.exists(ROOT):
        return
    folder = tempfile.mkdtemp(prefix="twincached-root-")
    run("debootstrap", "--variant=minbase", f"--include={INCLUDED}", "bookworm", folder, MIRROR)
    # What the package depends on comes with it; the mirror is asked here and never again.
    shutil.copy(PACKAGE, os.path.join(folder, "package.deb"))
    run("chroot", folder, "apt-get", "update", "-qq", env=environment())
    run("chroot", folder, "apt-get", "install", "-y", "-qq", "--no-install-recommends",
        "/package.deb", env=environment())
    run("chroot", folder, "dpkg", "--purge", "twincached", env=environment())
    os.remove(os.path.join(folder, "package.deb"))
    run("tar", "-C", folder, "-cf", ROOT + ".new", ".")
    os.rename(ROOT + ".new", ROOT)
    shutil.rmtree(folder)


def environment():
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
            "LC_ALL": "C"}


class InABareRoot(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        make_root()
        cls.root = tempfile.mkdtemp(prefix="twincached-root-")
        cls.addClassCleanup(shutil.rmtree, cls.root, ignore_errors=True)
        run("tar", "-C", cls.root, "-xf", ROOT)
        # A temporary folder is its owner's alone; this one is "/" to users that own nothing.
        os.chmod(cls.root, 0o755)
        cls.before = cls.files()
        shutil.copy(PACKAGE, os.path.join(cls.root, "package.deb"))
        cls.make_next_version()
        cls.chroot("dpkg", "--install", "/package.deb")

    @classmethod
    def chroot(cls, *words):
        return run("chroot", cls.root, *words, env=environment())

    @classmethod
    def files(cls):
        found = set()
        for folder, folders, names in os.walk(cls.root):
            inside = folder[len(cls.root):]
            found.update(f"{inside}/{name}" for name in folders + names)
        return {path for path in found if not NOT_OURS.match(path)}

    @classmethod
    def make_next_version(cls):
        """The same with a higher number, and another shipped configuration."""
        folder = tempfile.mkdtemp(prefix="twincached-deb-")
        cls.addClassCleanup(shutil.rmtree, folder)
        run("dpkg-deb", "-R", PACKAGE, folder)
        control = os.path.join(folder, "DEBIAN", "control")
        with open(control) as file:
            text = file.read()
        with open(control, "w") as file:
            file.write(re.sub(r"(?m)^Version: .*$", lambda line: line[0] + "+next", text))
        with open(os.path.join(folder, "etc/twincached/twincached.conf"), "a") as file:
            file.write("# A line of the next version.\n")
        os.remove(os.path.join(folder, "DEBIAN", "md5sums"))
        run("dpkg-deb", "--root-owner-group", "-Znone", "-b", folder,
            os.path.join(cls.root, "upgrade.deb"))

    def boot(self):
        """Runs in_booted_root.sh as a service of a booted root; returns what it has written."""
        inside = os.path.join(self.root, "usr/local/sbin/twincached-package-test")
        shutil.copy(os.path.join(HERE, "in_booted_root.sh"), inside)
        os.chmod(inside, 0o755)
        unit = os.path.join(self.root, "etc/systemd/system/twincached-package-test.service")
        with open(unit, "w") as file:
            file.write("[Unit]\nAfter=network-online.target\nSuccessAction=poweroff\n"
                       "FailureAction=poweroff\n[Service]\nType=oneshot\n"
                       f"TimeoutStartSec={SECONDS}\nExecStart=/usr/local/sbin/"
                       "twincached-package-test\n[Install]\nWantedBy=multi-user.target\n")
        run("systemctl", f"--root={self.root}", "enable", "twincached-package-test.service")
        booted = subprocess.run(["systemd-nspawn", "--quiet", "--register=no", "--keep-unit",
                                 "--private-network", f"--directory={self.root}", "--boot"],
                                stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                timeout=2 * SECONDS, check=False)
        result = os.path.join(self.root, "result")
        if not os.path.exists(result):
            self.fail(f"it did not boot: {booted.stdout[-2000:]}{booted.stderr[-2000:]}")
        with open(result) as file:
            said = file.read()
        os.remove(inside)
        return said

    def test_it_installs_runs_a_pair_is_upgraded_and_purged(self):
        self.assertIn("twincached", self.chroot("getent", "passwd", "twincached"))
        self.assertRegex(self.chroot("twincached", "--version"), r"(?m)^built from [0-9a-f]{12}")
        self.chroot("twincached", "--check-config", "-u", "twincached", "--config",
                    "/etc/twincached/twincached.conf")
        said = self.boot()
        print(said, flush=True)
        self.assertEqual(re.findall(r"(?m)^not ok .*$", said), [])
        self.assertTrue(said.endswith("done\n"), said)
        left = {path for path in self.files() - self.before if "/etc/twincached" not in path}
        self.assertEqual(left, set())


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("takes root's rights")
    unittest.main()
