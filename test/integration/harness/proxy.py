"""HAProxy, as users put it in front of a pair: an address that any living node answers."""
import os
import socket

from harness.process import Process
from harness.waiting import until

CONFIGURATION = """
global
    maxconn 4000
    stats socket {directory}/haproxy.sock mode 600 level admin
defaults
    mode tcp
    retries 3
    option redispatch 1
    timeout connect 500ms
    timeout client 1h
    timeout server 1h
    timeout check 500ms
listen memcached
    bind {front}
    balance roundrobin
{check}
    default-server inter 100ms fall 2 rise 2 on-marked-down shutdown-sessions
{servers}
"""

BY_CLIENT_PORT = """
    option tcp-check
    tcp-check connect
    tcp-check send version\\r\\n
    tcp-check expect rstring ^VERSION
    tcp-check send quit\\r\\n
"""


def by_admin_endpoint(page):
    """The check of conf/haproxy.cfg's third variant."""
    return f"""
    option httpchk
    http-check send meth GET uri {page}
    http-check expect status 200
"""


class HAProxy:
    PROGRAM = "/usr/sbin/haproxy"
    SERVER = "    server {} {}:{} check"
    LATER_SERVER = SERVER

    def __init__(self, directory, front, nodes, check=BY_CLIENT_PORT, of_server=""):
        """`of_server` stands behind each server: where it is checked."""
        self.address = front
        self._directory = directory
        lines = [self.SERVER] + [self.LATER_SERVER] * (len(nodes) - 1)
        servers = "\n".join(line.format(node.name, *node.address) + of_server
                            for line, node in zip(lines, nodes))
        self._path = os.path.join(directory, "haproxy.cfg")
        with open(self._path, "w") as file:
            file.write(CONFIGURATION.format(directory=directory, front="{}:{}".format(*front),
                                            check=check, servers=servers))
        self.process = None

    def launch(self):
        """Starts it and waits until it can be asked."""
        self.process = Process([self.PROGRAM, "-db", "-f", self._path],
                               os.path.join(self._directory, "haproxy.log"))
        self.wait_until_asked()
        return self

    def wait_until_asked(self):
        until(self.rows, 10, "HAProxy runs")

    def start(self):
        self.launch()
        until(self.all_up, 10, "HAProxy has found both nodes")
        return self

    def tell(self, command):
        """The answer of its socket for administrators."""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(os.path.join(self._directory, "haproxy.sock"))
            control.sendall(command.encode() + b"\n")
            answer = b""
            while more := control.recv(65536):
                answer += more
        return answer.decode()

    def rows(self):
        """`show stat`: {column: value} of each server."""
        lines = [line.split(",") for line in self.tell("show stat").splitlines() if line]
        lines[0][0] = "pxname"
        rows = [dict(zip(lines[0], line)) for line in lines[1:] if len(line) > 10]
        return [row for row in rows if row["svname"] not in ("FRONTEND", "BACKEND")]

    def _table(self):
        """{server name: {column: value}}; REQUIRES: one `listen`."""
        return {row["svname"]: row for row in self.rows()}

    def server_states(self):
        """{server name: "UP", "DOWN" ...}"""
        return {name: row["status"] for name, row in self._table().items()}

    def failed_checks_of(self, server):
        """How many, while it was up."""
        return int(self._table()[server]["chkfail"] or 0)

    def all_up(self):
        """Whether every server has passed its checks, not merely not failed one yet."""
        states = self.server_states()
        return bool(states) and all(state == "UP" for state in states.values())

    def stop(self):
        if self.process:
            self.process.stop()
