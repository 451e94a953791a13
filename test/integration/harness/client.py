"""A raw client of the classic text protocol: it says exactly what it is told and hides nothing."""
import socket

from harness import world


class ClientClosed(ConnectionError):
    """The server closed the connection."""


class Client:
    """One connection. Every wait has a timeout; an end of the stream is ClientClosed."""

    def __init__(self, address, timeout=5.0, source=None):
        self.address = address
        source_address = (source, 0) if source else None
        self._socket = socket.create_connection(address, world.scaled(timeout), source_address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._socket.close()

    @property
    def port(self):
        """This end's."""
        return self._socket.getsockname()[1]

    def set_timeout(self, seconds):
        self._socket.settimeout(seconds)

    # --- bytes -------------------------------------------------------------------------------

    def send(self, data):
        self._socket.sendall(data)

    def half_close(self):
        self._socket.shutdown(socket.SHUT_WR)

    def _fill(self):
        more = self._socket.recv(1 << 18)
        if not more:
            raise ClientClosed(f"{self.address} closed; unread: {self._unread[:200]!r}")
        self._unread += more

    def line(self):
        """The next line without its end."""
        while b"\r\n" not in self._unread:
            self._fill()
        line, self._unread = self._unread.split(b"\r\n", 1)
        return line

    def through(self, marker):
        """Everything up to the marker, which is taken, too."""
        seen = 0
        while (at := self._unread.find(marker, seen)) < 0:
            seen = max(0, len(self._unread) - len(marker))
            self._fill()
        data, self._unread = self._unread[:at], self._unread[at + len(marker):]
        return data

    def exactly(self, count):
        while len(self._unread) < count:
            self._fill()
        data, self._unread = self._unread[:count], self._unread[count:]
        return data

    def some(self, most):
        """What has come, or comes next; nothing of it is kept."""
        if self._unread:
            data, self._unread = self._unread[:most], self._unread[most:]
            return data
        data = self._socket.recv(most)
        if not data:
            raise ClientClosed(f"{self.address} closed")
        return data

    def rest(self):
        """Everything up to the end of the stream."""
        try:
            while True:
                self._fill()
        except ConnectionError:
            data, self._unread = self._unread, b""
            return data

    # --- requests ----------------------------------------------------------------------------

    def ask(self, line, data=None):
        """Sends a request, with its data block if there is one, and returns the answer's line."""
        self.send(line + b"\r\n" + (data + b"\r\n" if data is not None else b""))
        return self.line()

    def store(self, verb, key, value, flags=0, exptime=0, extra=b""):
        head = b"%s %s %d %d %d%s" % (verb, key, flags, exptime, len(value), extra)
        return self.ask(head, value)

    def set(self, key, value, flags=0, exptime=0):
        return self.store(b"set", key, value, flags, exptime)

    def values(self, request):
        """{key: (value, flags, cas or None)} of a get, gets, gat or gats line."""
        self.send(request + b"\r\n")
        found = {}
        while True:
            words = self.line().split(b" ")
            if words == [b"END"]:
                return found
            if words[0] != b"VALUE":
                raise AssertionError(f"answer to {request[:80]!r}: {b' '.join(words)!r}")
            value = self.exactly(int(words[3]))
            assert self.exactly(2) == b"\r\n"
            found[words[1]] = (value, int(words[2]), int(words[4]) if len(words) > 4 else None)

    def get(self, key):
        """The value, or None."""
        found = self.values(b"get " + key)
        return found[key][0] if key in found else None

    def gets(self, key):
        """(value, flags, cas) or None."""
        return self.values(b"gets " + key).get(key)

    def gets_many(self, keys, batch=500):
        found = {}
        for start in range(0, len(keys), batch):
            found.update(self.values(b"gets " + b" ".join(keys[start:start + batch])))
        return found

    def stats(self, which=b""):
        """{name: value} of a stats answer, as text."""
        self.send(b"stats" + (b" " + which if which else b"") + b"\r\n")
        found = {}
        while True:
            line = self.line().decode()
            if line == "END":
                return found
            words = line.split(" ", 2)
            if words[0] != "STAT":
                raise AssertionError(f"answer to stats {which!r}: {line!r}")
            found[words[1]] = words[2] if len(words) > 2 else ""
