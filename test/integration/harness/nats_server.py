"""Debian's nats-server as a test needs it: one, three as a cluster, two sites joined by a leaf node.
And the nodes of a cluster that meet there."""
import json
import os
import shutil
import signal
import socket
import time

from harness import world
from harness.node import Node
from harness.process import Process
from harness.waiting import until

PROGRAM = shutil.which("nats-server")
PORT = 4222


class NatsServer:
    """One server, with JetStream, on an address of its own. `more`: lines of its configuration."""

    def __init__(self, directory, host, name="nats", more=""):
        if PROGRAM is None:
            raise AssertionError("nats-server is missing: scripts/install-dependencies.sh test")
        self.name = name
        self.address = (host, PORT)
        self.more = more
        self.folder = os.path.join(directory, name)
        self.process = None
        self.domain = ""
        self._log_path = os.path.join(directory, f"{name}.log")
        os.makedirs(self.folder, exist_ok=True)

    @property
    def url(self):
        return f"nats://{self.address[0]}:{self.address[1]}"

    def _config(self):
        domain = f'domain: "{self.domain}", ' if self.domain else ""
        return (f'server_name: "{self.name}"\nlisten: "{self.address[0]}:{self.address[1]}"\n'
                f'jetstream {{ {domain}store_dir: "{self.folder}/store" }}\n{self.more}\n')

    def _write_config(self):
        path = os.path.join(self.folder, "nats.conf")
        with open(path, "w") as file:
            file.write(self._config())
        return path

    def launch(self):
        self.process = Process([PROGRAM, "-c", self._write_config()], self._log_path)
        return self

    def reload(self):
        """What has changed in `more` comes into force."""
        self._write_config()
        self.process.signal(signal.SIGHUP)

    def start(self):
        self.launch()
        until(self._accepts, 10, f"{self.name} listens")
        return self

    def _accepts(self):
        assert self.process.is_running(), self.process.log()[-2000:]
        socket.create_connection(self.address, 1).close()
        return True

    def kill(self):
        self.process.kill()

    def stop(self):
        if self.process and self.process.is_running():
            self.process.signal(signal.SIGCONT)
            self.process.kill()

    def pause(self):
        self.process.signal(signal.SIGSTOP)

    def resume(self):
        self.process.signal(signal.SIGCONT)

    def forget_everything(self):
        """REQUIRES: it does not run."""
        shutil.rmtree(os.path.join(self.folder, "store"), ignore_errors=True)

    def ask(self, subject, payload="", user=None, seconds=5):
        """The answer to one request, as an object; None if nobody listens there."""
        login = {"verbose": False, "headers": True, "no_responders": True, **(user or {})}
        with socket.create_connection(self.address, world.scaled(seconds)) as connection:
            stream = connection.makefile("rb")
            stream.readline()
            connection.sendall(f"CONNECT {json.dumps(login)}\r\nSUB in.box 1\r\nPUB {subject} "
                               f"in.box {len(payload)}\r\n{payload}\r\n".encode())
            while True:
                words = stream.readline().decode().split()
                if not words or words[0] == "-ERR":
                    raise ConnectionError(" ".join(words) or "closed")
                if words[0] == "HMSG":
                    return None
                if words[0] == "PING":
                    connection.sendall(b"PONG\r\n")
                if words[0] == "MSG":
                    return json.loads(stream.read(int(words[-1])))

    def leader_of(self, stream):
        """The name of the server that leads a stream of several; None while there is none."""
        try:
            answer = self.ask(f"$JS.API.STREAM.INFO.{stream}", seconds=1)
        except (OSError, ValueError):
            return None
        return ((answer or {}).get("cluster") or {}).get("leader") or None


def three_servers(case, first_host=12):
    """Three of them as a cluster; not started yet. Its meta leader takes seconds to be elected."""
    hosts = [case.addresses.host(first_host + n) for n in range(3)]
    routes = ", ".join(f'"nats://{host}:6222"' for host in hosts)
    servers = []
    for number, host in enumerate(hosts):
        more = f'cluster {{ name: test, listen: "{host}:6222", routes: [{routes}] }}'
        server = NatsServer(case.directory, host, f"nats{number}", more)
        case.addCleanup(server.stop)
        servers.append(server)
    return servers


def two_sites(case, through=None, hosts=(12, 13)):
    """(paris, rome): rome is paris's leaf node, over the address `through` if it is given."""
    paris_host, rome_host = (case.addresses.host(host) for host in hosts)
    way = through or (paris_host, 7422)
    paris = NatsServer(case.directory, paris_host, "paris",
                       f'leafnodes {{ listen: "{paris_host}:7422", '
                       f'advertise: "{way[0]}:{way[1]}" }}')
    rome = NatsServer(case.directory, rome_host, "rome",
                      f'leafnodes {{ reconnect: 1, remotes: [ {{ url: "nats://{way[0]}:{way[1]}" '
                      '} ] }')
    for server in (paris, rome):
        server.domain = server.name
        case.addCleanup(server.stop)
    return paris, rome


class Cluster:
    """Nodes that meet at NATS servers; not started yet."""

    def __init__(self, case, servers, count, *arguments, first=0):
        self.case = case
        self.servers = servers
        self.arguments = arguments
        self.nodes = [self.node(number) for number in range(first, first + count)]

    def node(self, number, *arguments, servers=None, host=None):
        urls = ",".join(server.url for server in servers or self.servers)
        return self.case.node("--replication-driver", "nats", "--nats-servers", urls,
                              "--node", str(number), "--boot-grace", "500ms", *self.arguments,
                              *arguments,
                              name=f"node{number}", host=host or number + 1)

    def __iter__(self):
        return iter(self.nodes)

    def __getitem__(self, number):
        return self.nodes[number]

    def start(self, seconds=20):
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait_until_open(seconds)
        self.wait_until_in_step(seconds)
        return self

    def add(self, number, *arguments):
        node = self.node(number, *arguments)
        self.nodes.append(node)
        return node

    def wait_until_in_step(self, seconds=10):
        until(lambda: all(node.is_linked() for node in self.nodes), seconds,
              "all nodes say that they are in step", interval=0.02)

    def contents(self, keys):
        found = []
        for node in self.nodes:
            with node.client(20) as client:
                found.append(client.gets_many(keys))
        return found

    def wait_until_equal(self, keys, seconds=10):
        """Waits for all to hold the same of these keys, versions included; returns what that is."""
        deadline = time.monotonic() + world.scaled(seconds)
        while True:
            first, *others = self.contents(keys)
            if all(other == first for other in others):
                return first
            if time.monotonic() > deadline:
                for number, other in enumerate(others, 1):
                    differing = [key for key in keys if first.get(key) != other.get(key)]
                    if differing:
                        some = {key: (first.get(key), other.get(key)) for key in differing[:3]}
                        raise AssertionError(f"nodes 0 and {number}: {len(differing)} of "
                                             f"{len(keys)} keys differ: {str(some)[:600]}")
            time.sleep(0.02)
