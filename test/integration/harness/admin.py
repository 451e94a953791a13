"""Asks a node's admin endpoint, as twinctl and load balancers do."""
import http.client
import json
import socket


class _Connection(http.client.HTTPConnection):
    """To a (host, port), or to the path of a unix socket; a path that begins with a zero byte is a
    name in the abstract namespace."""

    def __init__(self, address, timeout):
        super().__init__("node", timeout=timeout)
        self._address = address

    def connect(self):
        if isinstance(self._address, tuple):
            self.sock = socket.create_connection(self._address, self.timeout)
            return
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._address)


def local_address(pid):
    """Where a node awaits admins of its own machine."""
    return f"\0twincached/admin/{pid}"


class Admin:
    """One who asks; each question on a connection of its own unless `keep` is true."""

    def __init__(self, address, timeout=5.0):
        self.address = address
        self._timeout = timeout

    @classmethod
    def of(cls, node):
        return cls(local_address(node.process.pid))

    def connection(self):
        return _Connection(self.address, self._timeout)

    def ask(self, path, method="GET", **headers):
        """(status, headers, body as text)."""
        connection = self.connection()
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value
                                                      for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            connection.close()

    def status(self, path):
        return self.ask(path)[0]

    def line(self, path):
        return self.ask(path)[2].rstrip("\n")

    def page(self):
        """/status."""
        return json.loads(self.ask("/status")[2])

    def metrics(self, **headers):
        """{"name{labels}": value} of /metrics."""
        lines = self.ask("/metrics", **headers)[2].splitlines()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in lines if not line.startswith("#")}
