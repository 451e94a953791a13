"""The table of requests. Whoever adds a row says what limits it (speed_page/limits.py)."""
KEYS = 1_000_000


class Workload:
    """`load`: options of mcload. `rate`: requests a second, where latency is what is compared.
    `seconds`: of a window, where the usual ones are too short for a turn of all connections.
    `floor`: what has no store may be asked it, too."""

    def __init__(self, name, load, threads=1, value=100, keys=KEYS, rate=0, quick=True, tls=False,
                 seconds=0.0, floor=False):
        self.name, self.load, self.threads, self.value = name, load, threads, value
        self.keys, self.rate, self.quick, self.tls = keys, rate, quick, tls
        self.seconds, self.floor = seconds, floor

    @property
    def needs(self):
        """What a server must speak, and have."""
        return {"tls" if self.tls else "plain", "meta" if "--meta" in self.load else "classic",
                *(["threads"] if self.threads > 1 else []), *([] if self.floor else ["store"])}

    @property
    def figures(self):
        return ("p50", "p99", "p999") if self.rate else ("us", "per_second")

    def options(self, seconds, seed):
        seconds = max(seconds, self.seconds)
        rate = f" --rate {self.rate}" if self.rate else ""
        return (f"{self.load} --keys {self.keys} --value {self.value}{rate} "
                f"--seconds {seconds:g} --warmup {max(0.1, self.seconds / 2):g} --seed {seed}")

    def place(self):
        """What a server must be started and filled with: workloads of one place share it."""
        return self.threads, self.value, self.keys, self.tls


def _rare(*arguments, **settings):
    return Workload(*arguments, quick=False, **settings)


def _values():
    sizes = (("32 B", 32, KEYS, 50), ("1 kB", 1000, 200_000, 50), ("10 kB", 10_000, 20_000, 50),
             ("100 kB", 100_000, 2_000, 10), ("1 MB", 1_000_000, 200, 4))
    for name, value, keys, connections in sizes:
        for verb, ratio in (("get", 1), ("set", 0)):
            yield Workload(f"{verb} of {name}", f"--connections {connections} --get-ratio {ratio}",
                           value=value, keys=keys, quick=name == "100 kB")


def _tls():
    place = {"tls": True, "keys": 100_000}
    yield Workload("get over TLS, one a packet", "--connections 50", **place)
    yield _rare("get over TLS, 16 pipelined", "--connections 50 --depth 16", **place)
    yield _rare("set over TLS, one a packet", "--connections 50 --get-ratio 0", **place)
    yield Workload("handshake and a get", "--connections 16 --reconnect", **place)
    yield _rare("get of 100 kB over TLS", "--connections 10", value=100_000, keys=2_000, tls=True)


WORKLOADS = {
    "requests": [
        Workload("get, one a packet", "--connections 50", floor=True),
        Workload("get, 16 pipelined", "--connections 50 --depth 16", floor=True),
        Workload("meta get, one a packet", "--connections 50 --meta"),
        Workload("meta get, 16 pipelined", "--connections 50 --depth 16 --meta"),
        Workload("multi-get of 100", "--connections 10 --keys-per-get 100"),
        Workload("set, one a packet", "--connections 50 --get-ratio 0"),
        Workload("set, 16 pipelined", "--connections 50 --depth 16 --get-ratio 0"),
        Workload("90 % gets, 10 % sets", "--connections 50 --get-ratio 0.9"),
        _rare("90 % gets, Zipf 1.0", "--connections 50 --get-ratio 0.9 --zipf 1.0"),
        _rare("90 % gets, Zipf 1.0, 16 pipelined",
              "--connections 50 --depth 16 --get-ratio 0.9 --zipf 1.0"),
        _rare("get on a new connection", "--connections 16 --reconnect"),
    ],
    "connections": [
        _rare("get, one a packet, 1 connection", "--connections 1", floor=True),
        Workload("get, one a packet, 1000 connections", "--connections 1000", floor=True),
        _rare("get, one a packet, 10,000 connections", "--connections 10000", seconds=1, floor=True),
    ],
    "latency": [
        Workload("90 % gets at 20,000/s", "--connections 50 --get-ratio 0.9", rate=20_000,
                 seconds=1),
        _rare("90 % gets at 20,000/s, 1000 connections",
              "--connections 1000 --get-ratio 0.9", rate=20_000, seconds=1),
    ],
    "values": list(_values()),
    "threads": [
        _rare("get, one a packet, 2 threads", "--connections 50", threads=2),
        _rare("get, 16 pipelined, 2 threads", "--connections 50 --depth 16", threads=2),
        _rare("90 % gets, 10 % sets, 2 threads", "--connections 50 --get-ratio 0.9", threads=2),
    ],
    "tls": list(_tls()),
}
