"""The image of conf/container, built as Docker would build it and run as compose and Kubernetes run it: two
containers become a pair, as a user without rights, on a root that is read only.

    WORK      where the base image and what is built are kept

buildah builds, crun runs; no registry is asked, the base is made by debootstrap. Takes root's rights
and, for the packages that the Dockerfile installs, a Debian mirror."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.abspath(os.path.join(HERE, os.pardir, os.pardir))
WORK = os.path.abspath(os.environ["WORK"])
MIRROR = os.environ.get("MIRROR", "http://deb.debian.org/debian")
BASE = "debian:bookworm-slim"
IMAGE = "twincached"
PORT = 11211
ADDRESSES = {"a": "127.0.0.31", "b": "127.0.0.32"}


def run(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{words}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout.strip()


def buildah(*words):
    return run("buildah", "--storage-driver", "vfs", "--root", os.path.join(WORK, "storage"),
               "--runroot", os.path.join(WORK, "running"), *words)


def crun(*words):
    """Where cgroups of both versions are there it runs nothing; it is shown those of the second alone,
    in a place that nobody else sees."""
    script = 'mount -t cgroup2 none /sys/fs/cgroup && exec crun --cgroup-manager=disabled "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "crun",
            "--root", os.path.join(WORK, "crun"), *words]


def make_base():
    if BASE in buildah("images", "--format", "{{.Name}}:{{.Tag}}").replace("localhost/", ""):
        return
    folder = tempfile.mkdtemp(prefix="twincached-base-")
    try:
        run("debootstrap", "--variant=minbase", "bookworm", folder, MIRROR)
        shutil.rmtree(os.path.join(folder, "var/cache/apt"))
        container = buildah("from", "scratch")
        buildah("copy", "--quiet", container, folder, "/")
        buildah("config", "--cmd", "/bin/bash", container)
        buildah("commit", "--quiet", "--rm", container, BASE)
    finally:
        shutil.rmtree(folder)


def until(is_so, seconds, what):
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.05)


def ask(node, words):
    """What the node answers to a line, or lines, and `quit`; nothing while its port is closed."""
    try:
        with socket.create_connection((ADDRESSES[node], PORT), 5) as client:
            client.sendall(words + b"\r\nquit\r\n")
            return b"".join(iter(lambda: client.recv(4096), b""))
    except ConnectionError:
        return b""


class Container:
    """One that runs the image, read only and without rights, on the network of the machine."""

    def __init__(self, test, name, *words, mounts=(), has_own_network=False):
        self.name = f"twincached-test-{name}"
        self.folder = tempfile.mkdtemp(prefix="twincached-bundle-")
        test.addCleanup(shutil.rmtree, self.folder)
        run("crun", "spec", cwd=self.folder)
        path = os.path.join(self.folder, "config.json")
        with open(path) as file:
            spec = json.load(file)
        self.user = test.config["User"]
        user, group = map(int, self.user.split(":"))
        spec["process"].update(
            args=[*test.config["Entrypoint"], *words], env=test.config["Env"], terminal=False, cwd="/",
            user={"uid": user, "gid": group}, capabilities={}, noNewPrivileges=True)
        del spec["process"]["rlimits"]
        spec["root"] = {"path": test.root, "readonly": True}
        spec["mounts"] = [mount for mount in spec["mounts"] if mount["type"] != "cgroup"]
        spec["mounts"] += [{"source": source, "destination": destination, "type": "bind",
                            "options": ["bind", "ro"]} for source, destination in mounts]
        shared = {"cgroup"} if has_own_network else {"cgroup", "network"}
        spec["linux"]["namespaces"] = [one for one in spec["linux"]["namespaces"]
                                       if one["type"] not in shared]
        spec["linux"].pop("resources", None)
        with open(path, "w") as file:
            json.dump(spec, file)
        self.log_path = os.path.join(self.folder, "log")
        with open(self.log_path, "wb") as log:
            self._child = subprocess.Popen(
                crun("run", "--bundle", self.folder, self.name), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        test.addCleanup(self.remove)

    def log(self):
        with open(self.log_path) as file:
            return file.read()

    def execute(self, *words):
        """As `docker exec` does it, and a health check: exit status, and what was said."""
        done = subprocess.run(crun("exec", "--user", self.user, self.name, *words), capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout + done.stderr

    def process(self):
        state = subprocess.run(crun("state", self.name), capture_output=True, text=True, check=False)
        return json.loads(state.stdout)["pid"] if state.returncode == 0 else 0

    def stop(self, signal):
        """As `docker stop` does it; the exit status, after at most its ten seconds."""
        run(*crun("kill", self.name, signal))
        return self._child.wait(10)

    def remove(self):
        subprocess.run(crun("delete", "--force", self.name), check=False, capture_output=True)
        self._child.wait()


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.makedirs(WORK, exist_ok=True)
        make_base()
        began = time.monotonic()
        buildah("bud", "--isolation", "chroot", "--network", "host", "--format", "docker",
                "--pull-never", "--quiet", "-f", os.path.join(SOURCE, "conf/container/Dockerfile"),
                "-t", IMAGE, SOURCE)
        made = json.loads(buildah("inspect", "--type", "image", IMAGE))
        cls.config = made["Docker"]["config"]
        size = buildah("images", "--format", "{{.Size}}", IMAGE)
        print(f"built in {time.monotonic() - began:.0f} s, {size}", flush=True)
        container = buildah("from", "--pull-never", IMAGE)
        cls.addClassCleanup(buildah, "rm", container)
        cls.root = buildah("mount", container)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="twincached-")
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        self.folder = folder.name
        self.secret = self.file("secret", "known to both\n", 0o400)

    def file(self, name, text, mode):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        os.chown(path, *map(int, self.config["User"].split(":")))
        return path

    def node(self, name, peer, *words):
        at = ADDRESSES[name]
        return Container(
            self, name, f"--node={name}", f"--peer={ADDRESSES[peer]}", f"--listen={at}",
            f"--link-listen={at}", f"--admin-listen=local,{at}:11280", f"--agent-listen={at}:11281",
            "--secret-file=/run/secrets/link", "--drain-pause=500ms", *words,
            mounts=[(self.secret, "/run/secrets/link")])

    def health(self, node):
        kind, *words = self.config["Healthcheck"]["Test"]
        self.assertEqual(kind, "CMD")
        return node.execute(*words)

    def test_two_containers_are_a_pair_and_one_is_stopped(self):
        a = self.node("a", "b", "--boot-grace=5s")
        until(lambda: "waiting for" in self.health(a)[1], 20, lambda: "a says that it waits: " + a.log())
        self.assertEqual(self.health(a)[0], 1)
        b = self.node("b", "a")
        for name, node in (("a", a), ("b", b)):
            until(lambda node=node: self.health(node)[0] == 0, 20, lambda node=node: "healthy: " + node.log())
            with open(f"/proc/{node.process()}/status") as file:
                status = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
            self.assertEqual(status["Uid"].split("\t"), ["11211"] * 4)
            self.assertEqual(int(status["CapEff"], 16), 0)
            self.assertEqual([node.execute("id", which)[1] for which in ("-un", "-gn")],
                             ["twincached\n"] * 2)
            self.assertEqual(status["NoNewPrivs"], "1")
        self.assertIn(b"STORED", ask("a", b"set greeting 0 0 5\r\nhello"))
        until(lambda: b"hello" in ask("b", b"get greeting"), 5, "b has it")
        self.assertNotEqual(a.execute("sh", "-c", ": > /file")[0], 0)
        self.assertEqual(a.stop(self.config.get("StopSignal", "SIGTERM")), 0, a.log())
        self.assertIn("stopped", a.log())
        self.assertIn("hello", ask("b", b"get greeting").decode())
        self.assertEqual(self.health(b)[0], 0)

    def test_a_file_that_is_mounted_counts_and_flags_are_stronger(self):
        conf = self.file("mine.conf", f"[network]\nlisten = {ADDRESSES['a']}\n\n[memory]\nlimit = 32m\n\n"
                                      "[limits]\nconnections = 100\n", 0o444)
        node = Container(self, "mine", "--conn-limit=50",
                         mounts=[(conf, "/etc/twincached/twincached.conf")])
        until(lambda: self.health(node)[0] == 0, 20, lambda: "it is healthy: " + node.log())
        said = ask("a", b"stats").decode()
        self.assertIn(f"limit_maxbytes {32 << 20}\r\n", said)
        self.assertIn("max_connections 50\r\n", said)
        self.assertEqual(node.execute("sh", "-c", "kill -HUP 1"), (0, ""))
        until(lambda: "no option has changed" in node.log(), 5, node.log)

    def test_without_a_word_it_serves_on_all_interfaces_and_tells_how_it_is(self):
        node = Container(self, "alone", has_own_network=True)
        until(lambda: self.health(node)[0] == 0, 20, lambda: "it is healthy: " + node.log())
        heard = re.findall(r":([0-9A-F]{4}) \S+ 0A ", node.execute("cat", "/proc/net/tcp")[1])
        self.assertEqual({f"{int(port, 16)}/tcp" for port in heard},
                         set(self.config["ExposedPorts"]) - {"11212/tcp"})  # there is no peer

    def test_what_cannot_start_ends_with_a_sentence(self):
        node = Container(self, "wrong", "--peer=127.0.0.33", "--secret-file=/run/secrets/none")
        until(lambda: "cannot read a secret" in node.log(), 10, node.log)


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("takes root's rights")
    for program in ("buildah", "crun", "debootstrap"):
        if not shutil.which(program):
            sys.exit(f"takes {program}")
    unittest.main()
