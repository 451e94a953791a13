"""A server started for the comparison, and one conversation with it."""
import os
import re
import socket
import subprocess
import time

KEYS = [b"a", b"bb", b"key:1", b"key:2", b"n", b"k" * 250, b"'q,%", b"long"]

# What stands for the CAS unique that a key has when the conversation begins.
_TEXT_UNIQUE = re.compile(rb"\{cas:(\d)\}")
_BINARY_UNIQUE = re.compile(rb"\xfc<cas:(\d)\xfc")


def text_unique(key):
    return b"{cas:%d}" % KEYS.index(key)


def binary_unique(key):
    """Eight bytes, as many as the number that takes their place."""
    return b"\xfc<cas:%d\xfc" % KEYS.index(key)


def resolve(data, uniques):
    """Puts the server's own CAS uniques where the generators wanted them."""
    def number(match):
        return uniques.get(KEYS[int(match.group(1))], 1)
    data = _TEXT_UNIQUE.sub(lambda match: b"%d" % number(match), data)
    return _BINARY_UNIQUE.sub(lambda match: number(match).to_bytes(8, "big"), data)


class Server:
    HOST = "127.0.0.1"

    def __init__(self, program, name):
        self.name = name
        with socket.socket() as probe:
            probe.bind((self.HOST, 0))
            self._port = probe.getsockname()[1]
        arguments = [program, "-p", str(self._port), "-U", "0", "-l", self.HOST, "-m", "64"]
        if os.geteuid() == 0:
            arguments += ["-u", "root"]
        self._process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
        self._wait()

    def _wait(self):
        for _ in range(200):
            try:
                self._connect().close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{self.name} did not open its port")

    def _connect(self):
        connection = socket.create_connection((self.HOST, self._port), 10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def talk(self, pieces):
        """All that it answers until it closes, which it does when we have said all. If it closes
        while some of what we say is on its way, the end of the answer is lost: was_reset."""
        self.was_reset = False
        with self._connect() as connection:
            try:
                for piece in pieces:
                    connection.sendall(piece)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                # The server has closed: what it said before is what counts. A reset takes of that
                # what was not read yet, and is told once: here, or to who reads.
                self.was_reset = True
            answer = b""
            try:
                while chunk := connection.recv(1 << 20):
                    answer += chunk
            except ConnectionResetError:
                self.was_reset = True
            return answer

    def cas_uniques(self):
        answer = self.talk([b"gets " + b" ".join(KEYS) + b"\r\n"])
        found = re.findall(rb"^VALUE (\S+) \d+ \d+ (\d+)\r$", answer, re.M)
        return {key: int(unique) for key, unique in found}

    def stop(self):
        self._process.terminate()
        self._process.wait(20)
