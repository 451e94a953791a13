"""conf/keepalived as it is shipped: one address that moves between the two nodes, both of which may
come to hold it. The nodes and a keepalived each live on a host of their own, on one network with the
clients."""
import os
import re
import shutil
import signal
import subprocess
import time

import chaos  # noqa: F401 pylint: disable=unused-import
from chaos.case import ChaosCase
from chaos.machine import Machine
from chaos.network import _run, the_network
from harness import Case, Pair, main, until, world
from harness.numbered import Crowd, lay_base
from harness.process import Process
from harness.shipped import CONF

PROGRAM = "/usr/sbin/keepalived"
ADDRESS = "10.77.3.10"
HOSTS = {"a": "10.77.3.11", "b": "10.77.3.12"}


def twinctl():
    return os.environ.get("TWINCTL", os.path.join(os.path.dirname(world.SERVER), "twinctl"))


class OneNetwork:
    """A bridge among the clients, and an interface `lan` of each host on it."""

    def __init__(self, network):
        _run("ip link add lan type bridge")
        _run("ip address add 10.77.3.1/24 dev lan")
        _run("ip link set lan up")
        for host in network.hosts():
            _run(f"ip link add lan-{host.name} type veth peer name lan netns {host.path}")
            _run(f"ip link set lan-{host.name} master lan up")
            host.run(f"ip address add {HOSTS[host.name]}/24 dev lan")
            host.run("ip link set lan up")


class Keepalived:
    """One per host, with the shipped configuration: its four values are ours."""

    def __init__(self, host, directory):
        self.host = host
        self._directory = directory
        self._path = os.path.join(directory, "keepalived.conf")
        self.process = None
        os.makedirs(directory, exist_ok=True)
        notify = os.path.join(directory, "notify")
        shutil.copy(os.path.join(CONF, "keepalived/twincached-notify"), notify)
        with open(os.path.join(CONF, "keepalived/keepalived.conf")) as file:
            text = file.read()
        values = {"ADDRESS": ADDRESS + "/24", "NODE_A": HOSTS["a"], "NODE_B": HOSTS["b"],
                  "INTERFACE": "lan"}
        for name, value in values.items():
            text, count = re.subn(rf"(?m)^\${name}=.*$", f"${name}={value}", text)
            assert count == 1, name
        self.checked = self._checked(text)
        # Programs in folders that others may write are refused; those of a test are in such ones.
        text = text.replace("    enable_script_security\n", "")
        self._write(text, twinctl(), notify)

    def _write(self, text, check, notify):
        with open(self._path, "w") as file:
            file.write(text.replace("/usr/bin/twinctl", check)
                       .replace("/etc/keepalived/twincached-notify", notify))

    def _checked(self, text):
        """What `keepalived -t` says of it: (exit code, words)."""
        self._write(text, "/bin/true", "/bin/true")
        done = subprocess.run([PROGRAM, "-t", "-i", self.host.name, "-f", self._path],
                              preexec_fn=self.host.enter, capture_output=True, text=True,
                              check=False)
        return done.returncode, done.stdout + done.stderr

    def start(self):
        pids = [word for option, name in (("-p", "main"), ("-r", "vrrp"))
                for word in (option, os.path.join(self._directory, f"{name}.pid"))]
        self.process = Process(
            [PROGRAM, "-n", "-l", "-P", "-i", self.host.name, "-f", self._path, *pids],
            os.path.join(self._directory, os.pardir, f"keepalived-{self.host.name}.log"),
            prepare=self.host.enter,
            environment={"TWINCTL": twinctl(), "STATE": os.path.join(self._directory, "state"),
                         "LOGGER": "echo"})
        return self

    def kill(self):
        """Both of its processes, so that neither takes the address down: the first would start
        the second anew, the second ends in order with the first."""
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True,
                                  text=True, check=True).stdout.split()
        self.process.signal(signal.SIGSTOP)
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        self.process.kill()
        # The second has nobody here who would bury it, and would count as running.
        os.unlink(os.path.join(self._directory, "vrrp.pid"))

    def stop(self):
        if self.process:
            self.process.stop()

    def has_address(self):
        shown = subprocess.run(["ip", "-4", "address", "show", "dev", "lan"],
                               preexec_fn=self.host.enter, capture_output=True, text=True,
                               check=True)
        return f"{ADDRESS}/" in shown.stdout


class OneAddress(ChaosCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        OneNetwork(cls.network)

    def setUp(self):
        super().setUp()
        made = []
        for host in self.network.hosts():
            machine = Machine(host, self.network.other(host), self.directory,
                              ("-l", ADDRESS))
            machine.host = HOSTS[host.name]
            machine.address = (HOSTS[host.name], world.CLIENT_PORT)
            self.addCleanup(self._stop, machine)
            made.append(machine)
        self.nodes = Pair(*made).start()
        self.keepers = {host.name: self._keeper(host) for host in self.network.hosts()}
        self._lay_base()

    def _keeper(self, host):
        keeper = Keepalived(host, os.path.join(self.directory, f"keepalived-{host.name}"))
        self.addCleanup(keeper.stop)
        self.assertEqual(keeper.checked, (0, ""))
        return keeper.start()

    def _lay_base(self):
        with self.nodes.a.client() as client:
            lay_base(client)
        self.nodes.wait_until_at_rest()

    def _holders(self):
        return "".join(name for name, keeper in self.keepers.items() if keeper.has_address())

    def _wait_until_held_by(self, names, seconds=10):
        until(lambda: self._holders() == names, seconds, f"{names} has the address")

    def _crowd(self):
        crowd = Crowd((ADDRESS, world.CLIENT_PORT), "vrrp", rate=50, timeout=0.5)
        self.addCleanup(crowd.stop)
        crowd.start()
        self._wait_until_answered(crowd)
        return crowd

    @staticmethod
    def _wait_until_primary(node):
        until(lambda: node.replication()["repl_role"] == "primary", 10, f"{node.name} is primary")

    @staticmethod
    def _wait_until_answered(crowd):
        since = time.monotonic()
        until(lambda: crowd.answered_since(since) >= 20, 10, "clients of the address are answered")

    def _strike(self, crowd, what, strike, holders):
        since = time.monotonic()
        strike()
        self._wait_until_held_by(holders)
        self._wait_until_answered(crowd)
        *_, gap = crowd.noticed(since, time.monotonic())
        print(f"{what}: {gap:.2f} s without an answer", flush=True)
        self.assertLess(gap, world.scaled(2.5))

    def _assert_nobody_was_lied_to(self, crowd):
        crowd.stop()
        self.nodes.wait_until_at_rest()
        self.assertEqual(crowd.troubles(), [])
        for node in self.nodes:
            with node.client() as client:
                held = client.gets_many([writer.key for writer in crowd.writers])
            for writer in crowd.writers:
                self.assertGreaterEqual(int(held[writer.key][0]), writer.confirmed, node.name)

    def test_the_address_leaves_a_node_that_dies_and_one_that_hangs_and_stays_where_it_is(self):
        until(self._holders, 10, "somebody has the address")
        self._wait_until_held_by(self._holders())
        crowd = self._crowd()
        for what in ("kill", "pause"):
            first = self._holders()
            node = getattr(self.nodes, first)
            self._strike(crowd, what, getattr(node, what), self.nodes.other(node).name)
            self._wait_until_primary(self.nodes.other(node))
            if what == "kill":
                node.start()
            else:
                node.resume()
            self.nodes.wait_until_linked(10)
            # Two good answers of its check, and it could take the address back if it wanted to.
            time.sleep(2.5)
            self.assertEqual(self._holders(), self.nodes.other(node).name)
        self._assert_nobody_was_lied_to(crowd)

    def test_both_nodes_may_hold_the_address_and_no_older_value_comes_back(self):
        until(self._holders, 10, "somebody has the address")
        first = self._holders()
        crowd = self._crowd()
        self._strike(crowd, "keepalived is killed", self.keepers[first].kill, "ab")
        self.assertEqual(self._holders(), "ab")
        self._wait_until_answered(crowd)
        # The role goes with the address: `on-split` would close the node that has it not.
        self._wait_until_primary(self.nodes.other(getattr(self.nodes, first)))
        # A keepalived that comes back takes down what the one before it has left.
        second = self.nodes.other(getattr(self.nodes, first)).name
        self._strike(crowd, "and comes back", self.keepers[first].start, second)
        self._assert_nobody_was_lied_to(crowd)


class Files(Case):
    def test_keepalived_takes_the_file_for_lvs(self):
        """IPVS itself is in few kernels of test machines."""
        with open(os.path.join(CONF, "keepalived/lvs.conf")) as file:
            text = file.read().replace("/usr/bin/twinctl", "/bin/true")
        path = os.path.join(self.directory, "lvs.conf")
        with open(path, "w") as file:
            file.write(text)
        done = subprocess.run([PROGRAM, "-t", "-f", path], capture_output=True, text=True,
                              check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        self.assertEqual(len(re.findall(r"\bcheck --weight --timeout \S+ --host \S+:11280",
                                        text)), 2)

    def test_what_is_told_to_the_journal_is_the_state_and_how_the_node_is(self):
        notify = os.path.join(CONF, "keepalived/twincached-notify")
        environment = {**os.environ, "TWINCTL": twinctl(), "LOGGER": "echo", "PATIENCE": "1",
                       "STATE": os.path.join(self.directory, "state")}
        for state in ("MASTER", "BACKUP", "FAULT", "STOP"):
            done = subprocess.run([notify, "INSTANCE", "twincached", state, "100"],
                                  env=environment, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, r"^twincached: \w+ .*; .+")
        done = subprocess.run([notify], env=environment, capture_output=True, check=False)
        self.assertEqual(done.returncode, 64)

    def _notified(self, answers, state="MASTER", patience=9):
        """What is logged, and how often the node was told to promote itself: `answers` are its
        exit statuses, one after the other; the last goes on."""
        program = os.path.join(self.directory, "answers")
        told = os.path.join(self.directory, "told")
        with open(program, "w") as file:
            file.write("#!/bin/sh\n"
                       f'[ "$1" = check ] && {{ [ "$2" != primary ]; exit; }}\n'
                       f'echo >> {told}; echo "answer $(wc -l < {told})"\n'
                       f"set -- {' '.join(map(str, answers))}\n"
                       f'shift $(( $(wc -l < {told}) - 1 )) 2>/dev/null; exit ${{1:-{answers[-1]}}}\n')
        os.chmod(program, 0o755)
        done = subprocess.run(
            [os.path.join(CONF, "keepalived/twincached-notify"), "INSTANCE", "pair", state, "1"],
            env={**os.environ, "TWINCTL": program, "LOGGER": "echo", "PATIENCE": str(patience),
                 "STATE": os.path.join(self.directory, "state")},
            capture_output=True, text=True, check=True)
        with open(told) as file:
            return done.stdout, len(file.readlines())

    def test_a_node_that_refuses_to_be_promoted_is_told_again(self):
        said, times = self._notified([1, 1, 0])
        self.assertIn("this node has the address; answer 3", said)
        self.assertEqual(times, 3)

    def test_a_node_that_goes_on_refusing_is_left_in_peace(self):
        self.assertEqual(self._notified([1], patience=2)[1], 2)


if __name__ == "__main__":
    the_network()  # before there are threads
    main()
