"""Two hosts, a link between them, and the clients' network: all made of namespaces of this process.

                 clients (where this process lives)
                 10.77.1.1              10.77.2.1
                     |                      |
                 10.77.1.2              10.77.2.2
                   host a ---- link ---- host b
                         10.77.0.1  10.77.0.2

The link of the pair is apart from the clients' network, so that a cut between the nodes leaves
clients on both sides. Nothing has a name on the machine: the namespaces live as long as this
process holds them open, and vanish with it whatever happens.

A direction is cut by giving the sender a wrong hardware address for the other end: what it sends
leaves, and nobody takes it. Neither end is told. It takes no packet filter and works one way."""
import ctypes
import os
import signal
import subprocess
import sys

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1

NOBODY = "02:00:00:00:de:ad"
SKIPPED = 77  # the exit status that CTest takes for "skipped"


class Unavailable(Exception):
    """This machine gives us no network namespaces."""


def _call(name, *arguments):
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _become_root_of_a_user_namespace():
    """As `unshare -Ur`: without it only root may make network namespaces."""
    user, group = os.geteuid(), os.getegid()
    _call("unshare", _CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"),
                       ("gid_map", f"0 {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


class Host:
    """One end of the link: a namespace, its address there and its address for clients."""

    def __init__(self, name, number):
        self.name = name
        self.link_address = f"10.77.0.{number}"
        self.link_hardware = f"02:00:00:00:00:0{number}"
        self.client_address = f"10.77.{number}.2"
        self.clients_own_address = f"10.77.{number}.1"
        _call("unshare", _CLONE_NEWNET)
        self.namespace = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.path = f"/proc/{os.getpid()}/fd/{self.namespace}"

    def enter(self):
        """For a child, before it becomes the program. It dies with the suite."""
        _call("setns", self.namespace, _CLONE_NEWNET)
        _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL)

    def run(self, command):
        _run(command, self.enter)


def _run(command, prepare=None):
    done = subprocess.run(command.split(), preexec_fn=prepare, capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"{command}: {done.stderr.strip()}")


class Network:
    """Made once per process, before it has threads. REQUIRES: nothing was started yet."""

    def __init__(self):
        try:
            if os.geteuid() != 0:
                _become_root_of_a_user_namespace()
            self.a, self.b = Host("a", 1), Host("b", 2)
            _call("unshare", _CLONE_NEWNET)
            self._wire()
        except (OSError, subprocess.SubprocessError) as error:
            raise Unavailable(str(error)) from error

    def hosts(self):
        return (self.a, self.b)

    def other(self, host):
        return self.b if host is self.a else self.a

    def _wire(self):
        _run("ip link set lo up")
        for host in self.hosts():
            host.run("ip link set lo up")
            _run(f"ip link add to-{host.name} type veth peer name clients netns {host.path}")
            _run(f"ip address add {host.clients_own_address}/24 dev to-{host.name}")
            _run(f"ip link set to-{host.name} up")
            host.run(f"ip address add {host.client_address}/24 dev clients")
            host.run("ip link set clients up")
        self.a.run(f"ip link add to-peer type veth peer name to-peer netns {self.b.path}")
        for host in self.hosts():
            host.run(f"ip link set to-peer address {host.link_hardware}")
            host.run(f"ip address add {host.link_address}/24 dev to-peer")
            host.run("ip link set to-peer up")
        self.heal()

    # --- what a test does to the link ----------------------------------------------------------

    def cut(self, *senders):
        """What these hosts send to the other one is lost, without a word; both by default."""
        for host in senders or self.hosts():
            self._teach(host, NOBODY)

    def heal(self):
        for host in self.hosts():
            self._teach(host, self.other(host).link_hardware)

    def _teach(self, host, hardware):
        there = self.other(host).link_address
        host.run(f"ip neighbour replace {there} lladdr {hardware} dev to-peer nud permanent")

    def black_hole(self, host):
        """As `cut`, by a route: here the sender's own kernel refuses, which TCP takes as loss."""
        host.run(f"ip route add blackhole {self.other(host).link_address}/32")

    def fill_black_hole(self, host):
        host.run(f"ip route del blackhole {self.other(host).link_address}/32")

    def slow_down(self, kilobits):
        """Both directions carry no more than this a second."""
        for host in self.hosts():
            host.run(f"tc qdisc replace dev to-peer root tbf rate {kilobits}kbit burst 16kb "
                     "limit 200kb")

    def speed_up(self):
        for host in self.hosts():
            host.run("tc qdisc del dev to-peer root")


_network = None


def the_network():
    """This process's network. Without namespaces: says loudly what is skipped, and ends."""
    global _network
    if _network is None:
        try:
            _network = Network()
        except Unavailable as error:
            script = os.path.basename(sys.argv[0])
            print(f"\n*** SKIPPED: all of {script}: no network namespaces here ({error}).\n"
                  "*** Run the chaos suite as root, or allow unprivileged user namespaces.\n",
                  flush=True)
            os._exit(SKIPPED)
    return _network
