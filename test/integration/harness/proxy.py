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
    option tcp-check
    tcp-check connect
    tcp-check send version\\r\\n
    tcp-check expect rstring ^VERSION
    tcp-check send quit\\r\\n
    default-server inter 100ms fall 2 rise 2 on-marked-down shutdown-sessions
{servers}
"""


class HAProxy:
    PROGRAM = "/usr/sbin/haproxy"
    SERVER = "    server {} {}:{} check"
    LATER_SERVER = SERVER

    def __init__(self, directory, front, nodes):
        self.address = front
        self._directory = directory
        lines = [self.SERVER] + [self.LATER_SERVER] * (len(nodes) - 1)
        servers = "\n".join(line.format(node.name, *node.address)
                            for line, node in zip(lines, nodes))
        self._path = os.path.join(directory, "haproxy.cfg")
        with open(self._path, "w") as file:
            file.write(CONFIGURATION.format(directory=directory, front="{}:{}".format(*front),
                                            servers=servers))
        self.process = None

    def start(self):
        self.process = Process([self.PROGRAM, "-db", "-f", self._path],
                               os.path.join(self._directory, "haproxy.log"))
        until(self.all_up, 10, "HAProxy has found both nodes")
        return self

    def server_states(self):
        """{server name: "UP", "DOWN" ...}"""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(os.path.join(self._directory, "haproxy.sock"))
            control.sendall(b"show stat\n")
            table = b""
            while more := control.recv(65536):
                table += more
        lines = [line.split(",") for line in table.decode().splitlines() if line]
        names = lines[0]
        name, status = names.index("svname"), names.index("status")
        return {row[name]: row[status] for row in lines[1:]
                if len(row) > status and row[name] not in ("FRONTEND", "BACKEND")}

    def all_up(self):
        """Whether every server has passed its checks, not merely not failed one yet."""
        states = self.server_states()
        return bool(states) and all(state == "UP" for state in states.values())

    def stop(self):
        if self.process:
            self.process.stop()
