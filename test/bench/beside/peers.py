"""The servers that are compared: all with the same memory, threads and number of connections."""
import os
import shlex
import subprocess
import tempfile

from harness.certificates import Authority
from measuring import BUILD, MEMCACHED, SERVER_CORE, TWINCACHED, AnyServer, Server, free_port
from beside.redis import REDIS, Redis

YRMCDS = "/usr/sbin/yrmcdsd"
FLOOR_PROGRAM = os.path.join(BUILD, "test", "bench", "floor")
MEMORY_MIB = 1024
MOST_CONNECTIONS = 10_500
TLS = ("--tls",)


class Place:
    """What a server is started with. `certificate`: it then speaks TLS alone."""

    def __init__(self, threads=1, memory_mib=MEMORY_MIB, certificate=None, core=SERVER_CORE):
        self.threads, self.memory_mib, self.core = threads, memory_mib, core
        self.certificate = certificate


class Likely(Server):
    """twincached, or memcached, whose options it takes."""

    def __init__(self, program, place):
        extra = ["-I", "2m", "-c", MOST_CONNECTIONS, "-b", 4096]
        if place.certificate:
            extra += ["-Z", "-o", f"ssl_chain_cert={place.certificate.cert},"
                                  f"ssl_key={place.certificate.key}"]
            self.speaks = TLS
        super().__init__(program, place.memory_mib, place.threads, place.core, extra=extra)


class Yrmcds(AnyServer):
    """It listens on all addresses, so its ports are free ones. Alone, whoever asks is its master."""

    SETTINGS = {"virtual_ip": "127.0.0.1", "max_connections": 0, "log.threshold": "error",
                "max_data_size": "4M", "heap_data_limit": "2M", "buckets": 1_000_000}

    def __init__(self, place):
        self._directory = tempfile.TemporaryDirectory(prefix="yrmcds-")
        port = free_port()
        settings = {**self.SETTINGS, "port": port, "repl_port": free_port(),
                    "temp_dir": f'"{self._directory.name}"', "workers": place.threads,
                    "memory_limit": f"{place.memory_mib}M"}
        path = os.path.join(self._directory.name, "yrmcds.conf")
        with open(path, "w") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())
        super().__init__([YRMCDS, "-f", path], self.next_host(), port, place.core)

    def stop(self):
        super().stop()
        self._directory.cleanup()


class Floor(AnyServer):
    """What no server can go below: see floor/main.cpp. One value is all that it takes."""

    def __init__(self, place):
        host, port = self.next_host(), 11211
        super().__init__([FLOOR_PROGRAM, host, port], host, port, place.core)

    def fill(self, items, value_bytes, may_refuse=False):
        return super().fill(1, value_bytes, may_refuse)


class Other(AnyServer):
    """Started by a command line of the user's."""

    def __init__(self, command, place):
        host, port = self.next_host(), 11211
        words = shlex.split(command.format(host=host, port=port, memory=place.memory_mib,
                                           threads=place.threads,
                                           connections=MOST_CONNECTIONS))
        super().__init__(words, host, port, place.core)


class Peer:
    """`speaks`: what workloads may need of it, as Workload.needs has it. `start(place)` returns a server that is starting."""

    def __init__(self, name, speaks, start):
        self.name, self.start = name, start
        self._speaks = set(speaks.split())

    def takes(self, workload):
        return workload.needs <= self._speaks


TWINS = Peer("twincached", "plain tls classic meta threads store", lambda place: Likely(TWINCACHED, place))
PEERS = [Peer("memcached", "plain tls classic meta threads store", lambda place: Likely(MEMCACHED, place)),
         Peer("yrmcds", "plain classic threads store", Yrmcds),
         # Its threads of input and output turn in place while they wait: on one core, for each other.
         Peer("redis", "plain tls classic store", Redis)]
FLOOR = Peer("floor", "plain classic", Floor)  # is asked for what needs no store


def other(text):
    """Of 'name=command line'."""
    name, command = text.split("=", 1)
    return Peer(name, "plain classic meta threads store", lambda place: Other(command, place))


def versions():
    """What is compared, in its own words, by name."""
    found = {}
    for name, command in (("twincached", [TWINCACHED, "--version"]),
                          ("memcached", [MEMCACHED, "--version"]), ("redis", [REDIS, "--version"]),
                          ("yrmcds", ["dpkg-query", "-W", "-f", "yrmcds ${Version}", "yrmcds"])):
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        line = run.stdout.splitlines()[0] if run.stdout else f"{name} of unknown version"
        found[name] = "redis " + line.split("v=")[1].split()[0] if "v=" in line else line
    return found


def certificate(directory):
    """Of one kind for all: P-256, valid for two days."""
    return Authority(directory).issue("cache")
