"""What stands in conf/, run as it is: only addresses, and ports that are taken, are others."""
import os
import re

from harness import world
from harness.process import Process
from harness.proxy import HAProxy

CONF = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 3, "conf"))
ADMIN_PORT, AGENT_PORT = 11280, 11281
DRAIN_PAUSE = "500ms"
FRONTS = {"memcached": 11211, "memcached-prefers-a": 11213, "memcached-both": 11214,
          "memcached-primary": 11215, "memcached-drained": 11216}


def text_of(name, shift=0, addresses=()):
    """A file of conf/; each port 112xx is so much higher, each address is replaced by another."""
    with open(os.path.join(CONF, name)) as file:
        text = re.sub(r"\b112\d\d\b", lambda port: str(int(port[0]) + shift), file.read())
    for shipped, ours in dict(addresses).items():
        text = re.sub(re.escape(shipped) + r"\b", ours, text)
    return text


def arguments_for_checks(host, shift):
    """What makes a node answer where the shipped file asks, and move before it closes anything."""
    return ("--admin-listen", f"local,{host}:{ADMIN_PORT + shift}",
            "--agent-listen", f"{host}:{AGENT_PORT + shift}", "--drain-pause", DRAIN_PAUSE)


class ShippedHAProxy(HAProxy):
    """conf/haproxy.cfg in front of two nodes; a second file adds the socket that tests ask."""

    def __init__(self, directory, front, nodes):  # pylint: disable=super-init-not-called
        self._directory = directory
        self._shift = nodes.a.address[1] - world.CLIENT_PORT
        self._host = front
        self._nodes = nodes
        self.runs = ["-db"]  # in the foreground
        self.process = None
        self._write("haproxy.cfg", text_of("haproxy.cfg", self._shift))
        self._write("asked.cfg", "global\n    stats socket {directory}/haproxy.sock mode 600 level "
                                 "admin\n")

    def _write(self, name, text):
        with open(os.path.join(self._directory, name), "w") as file:
            file.write(text.replace("{directory}", self._directory))

    def launch(self):
        files = [word for name in ("haproxy.cfg", "asked.cfg")
                 for word in ("-f", os.path.join(self._directory, name))]
        self.process = Process([self.PROGRAM, *self.runs, *files],
                               os.path.join(self._directory, "haproxy.log"),
                               environment={"PAIR": self._host, "NODE_A": self._nodes.a.host,
                                            "NODE_B": self._nodes.b.host,
                                            "RELOAD": f"{self._host}:{11218 + self._shift}"})
        self.wait_until_asked()
        return self

    def address_of(self, front):
        return (self._host, FRONTS[front] + self._shift)

    def states(self):
        """{(listen, server): "UP", "DOWN", "DRAIN" ...}"""
        return {(row["pxname"], row["svname"]): row["status"] for row in self.rows()}

    def is_up(self, front, server):
        return self.states()[(front, server)].startswith("UP")

    def all_up(self):
        """Both, but for the listen in which only the primary is."""
        return all(state == "UP" for (front, _), state in self.states().items()
                   if front != "memcached-primary")
