"""Redis as a cache: nothing is written to a disk, what is least used goes first. Alone, or with a
replica that is filled without a file between them, at once."""
import os
import socket
import tempfile

from measuring import AnyServer

REDIS = "/usr/bin/redis-server"
MOST_CONNECTIONS = 10_400
CACHE = ["--save", "", "--appendonly", "no", "--maxmemory-policy", "allkeys-lru", "--maxclients",
         MOST_CONNECTIONS, "--tcp-backlog", 4096, "--protected-mode", "no"]
# Debian's own settings wait five seconds before a replica is filled, for more that may come.
REPLICATION = ["--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", 0,
               "--repl-diskless-load", "on-empty-db"]


class RedisClient:
    """One connection, and no more of the protocol than is asked here."""

    def __init__(self, host, port):
        self._socket = socket.create_connection((host, port), 10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._socket.close()

    def ask(self, *words):
        """The answer: bytes of a string or of a line, None for no value. Errors are OSError."""
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self._socket.sendall(b"*%d\r\n" % len(words)
                             + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        line = self._file.readline().rstrip(b"\r\n")
        if line.startswith(b"-") or not line:
            raise OSError(line.decode() or "closed")
        if not line.startswith(b"$"):
            return line[1:]
        size = int(line[1:])
        return None if size < 0 else self._file.read(size + 2)[:-2]

    def set(self, key, value):
        return self.ask("SET", key, value)

    def get(self, key):
        return self.ask("GET", key)


class Redis(AnyServer):
    speaks = ("--resp",)
    asks = b"PING\r\n"

    def __init__(self, place, primary=None):
        self._directory = tempfile.TemporaryDirectory(prefix="redis-")
        host, port = self.next_host(), 11211
        words = [REDIS, "--bind", host, "--dir", self._directory.name, "--maxmemory",
                 f"{place.memory_mib}mb", *CACHE, *REPLICATION]
        if place.certificate:
            self.speaks = ("--resp", "--tls")
            words += ["--port", 0, "--tls-port", port, "--tls-cert-file", place.certificate.cert,
                      "--tls-key-file", place.certificate.key, "--tls-auth-clients", "no",
                      "--tls-ca-cert-file", place.certificate.cert]
        else:
            words += ["--port", port]
        if primary:
            words += ["--replicaof", primary.host, primary.port]
        super().__init__(words, host, port, place.core)

    def client(self):
        return RedisClient(self.host, self.port)

    def items(self):
        with self.client() as client:
            return int(client.ask("DBSIZE"))

    def is_linked(self):
        """As a replica: it holds what its primary does, and hears of changes."""
        try:
            with self.client() as client:
                return b"master_link_status:up" in client.ask("INFO", "replication")
        except OSError:
            return False  # it loads

    def stop(self):
        super().stop()
        self._directory.cleanup()
