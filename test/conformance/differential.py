#!/usr/bin/python3
"""Seeded random conversations with a living memcached and a living twincached.

Each round flushes both servers, stores some keys, and then sends both the same sequence of valid
and broken commands, cut into random pieces. What may differ is written down in NAMED_DIFFERENCES and in
the generators' comments, and nothing else may. The seed is printed; CONFORMANCE_SEED takes it back.
"""
import argparse
import os
import random
import re
import socket
import struct
import subprocess
import sys
import time

SKIPPED = 77

# (what it is, pattern, what stands in its place in both answers)
NAMED_DIFFERENCES = [
    ("version", re.compile(rb"VERSION [^\r]*\r\n"), b"VERSION\r\n"),
    ("CAS uniques are numbers of each server's own",
     re.compile(rb"^(VALUE \S+ \d+ \d+) \d+\r$", re.M), rb"\1 <cas>\r"),
    ("the same in meta answers", re.compile(rb"^((?:HD|VA \d+|EX|NS|NF)\b.*?) c[1-9]\d*\b", re.M),
        rb"\1 c<cas>"),
    ("1.6.18 answers ERROR where 1.6.45 says what is wrong",
     re.compile(rb"^(?:ERROR|CLIENT_ERROR bad command line format)\r$", re.M), b"<refused>\r"),
    ("a second may pass between the servers", re.compile(rb"^((?:HD|VA \d+)\b.*?) t\d+", re.M),
        rb"\1 t<ttl>"),
    ("the same", re.compile(rb"^((?:HD|VA \d+)\b.*?) l\d+", re.M), rb"\1 l<idle>"),
    ("an item counts as read after incr here, and after it was created by mg there",
     re.compile(rb"^((?:HD|VA \d+)\b.*?) h[01]", re.M), rb"\1 h<read>"),
]

KEYS = [b"a", b"bb", b"key:1", b"key:2", b"n", b"k" * 250, b"'q,%", b"long"]


class Server:
    def __init__(self, command, name):
        self.name = name
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        arguments = command + ["-p", str(self.port), "-U", "0", "-l", "127.0.0.1", "-m", "64"]
        if os.geteuid() == 0:
            arguments += ["-u", "root"]
        self.process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self._wait()

    def _wait(self):
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{self.name} did not open its port")

    def talk(self, pieces):
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.settimeout(10)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                for piece in pieces:
                    connection.sendall(piece)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the server has closed: what it said before is what counts
            answer = b""
            try:
                while chunk := connection.recv(65536):
                    answer += chunk
            except ConnectionResetError:
                pass
            return answer

    def cas_uniques(self):
        answer = self.talk([b"gets " + b" ".join(KEYS) + b"\r\n"])
        return dict(re.findall(rb"^VALUE (\S+) \d+ \d+ (\d+)\r$", answer, re.M))

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def value(dice):
    kind = dice.randrange(6)
    # Up to 2^63 - 1: of a larger stored number memcached looks for a '-' also behind its end.
    if kind == 0:
        return str(dice.choice([0, 1, 9, 10, 99, 2**32, 2**63 - 1])).encode()
    if kind == 1:
        return b""
    if kind == 2:
        # Not a digit first: memcached takes "8", a newline and anything behind it for the number 8.
        return b"r" + bytes(dice.randrange(256) for _ in range(dice.randrange(60)))
    if kind == 3:
        return b"v" * dice.choice([1000, 9000, 20000, 70000, 300000])
    return b"value" * dice.randrange(5)


def number(dice):
    return str(dice.choice([0, 1, 2, 5, 10, 2**32, 2**64 - 1])).encode()


def storage(dice):
    verb = dice.choice([b"set", b"set", b"add", b"replace", b"append", b"prepend"])
    data = value(dice)
    exptime = dice.choice([b"0", b"0", b"0", b"1000", b"-1", b"2592001"])
    reply = dice.choice([b"", b"", b" ", b" noreply"])
    flags = dice.choice([b"0", b"0", b"7", b"4294967295"])
    return b"%s %s %s %s %d%s\r\n%s\r\n" % (verb, dice.choice(KEYS), flags, exptime, len(data),
        reply, data)


def compare_and_swap(dice):
    data = value(dice)
    key = dice.choice(KEYS)
    unique = dice.choice([b"{cas:%s}" % key, b"{cas:%s}" % key, b"9999999999"])
    return b"cas %s 0 0 %d %s\r\n%s\r\n" % (key, len(data), unique, data)


def retrieval(dice):
    verb = dice.choice([b"get", b"get", b"gets", b"gat 0", b"gats 1000", b"gat -1"])
    # 1.6.18 closes on a gat of more than 2048 bytes; 1.6.45 and we take them as long as a get.
    most = 40 if verb.startswith(b"get") else 5
    keys = [dice.choice(KEYS + [b"missing"]) for _ in range(dice.choice([1, 1, 1, 2, 5, most]))]
    return verb + b" " + dice.choice([b" ", b"  "]).join(keys) + dice.choice([b"",
        b" "]) + dice.choice([b"\r\n", b"\n"])


def change(dice):
    key = dice.choice(KEYS)
    return dice.choice([
        b"incr %s %s\r\n" % (key, number(dice)), b"decr %s %s\r\n" % (key, number(dice)),
        b"incr %s %s noreply\r\n" % (key, number(dice)),
        b"delete %s\r\n" % key, b"delete %s noreply\r\n" % key, b"delete %s 0\r\n" % key,
        b"touch %s 0\r\n" % key, b"touch %s 1000 noreply\r\n" % key, b"touch %s -1\r\n" % key,
    ])


def administration(dice):
    return dice.choice([
        b"version\r\n", b"verbosity 0\r\n", b"verbosity 0 noreply\r\n", b"flush_all\r\n",
        b"flush_all noreply\r\n",
        b"flush_all 0\r\n", b"cache_memlimit 64\r\n", b"cache_memlimit 1\r\n",
        b"cache_memlimit 64 noreply\r\n",
        b"lru mode flat\r\n", b"lru mode segmented\r\n", b"lru tune 10 25 0.1 2.0\r\n",
        b"lru tune 60 25 0.1 2.0\r\n",
        b"lru temp_ttl -1\r\n", b"slabs automove 1\r\n", b"stats detail off\r\n",
        b"stats sizes\r\n",
        b"lru_crawler sleep 100\r\n", b"lru_crawler tocrawl 0\r\n",
    ])


# Broken storage lines are not among them: 1.6.18 does not swallow their values, 1.6.45 does.
# Neither
# are retrievals with a key that is too long: with them 1.6.18 forgets answers of earlier commands;
# nor "gat 10", which is END there. Of the meta commands, ms knows no N there yet.
def broken(dice):
    return dice.choice([
        b"bogus\r\n", b"\r\n", b"\n", b"g\r\n", b"GET a\r\n", b"get\r\n", b"gets \r\n", b"gat\r\n",
        b"gat x a\r\n", b"delete\r\n",
        b"delete " + b"x" * 251 + b"\r\n", b"incr a\r\n", b"incr a x\r\n", b"incr a -1\r\n",
        b"incr a x noreply\r\n",
        b"touch a\r\n", b"touch a x\r\n", b"flush_all x\r\n", b"verbosity x\r\n",
        b"stats bogus\r\n",
        b"lru bogus\r\n", b"slabs\r\n", b"slabs automove x\r\n", b"cache_memlimit x\r\n",
        b"verbosity noreply\r\n",
        b"set a 0 0\r\n", b"set a 0 0 x\r\n", b"set a 0 0 -1\r\n", b"set a 0 0 3\r\nabcd\r\n",
        b"set a 0 0 3\r\nab\r\nversion\r\n", b"set a 0 0 3 noreply\r\nabcd\r\n",
        b"set a 0 0 1048577\r\n" + b"x" * 1048577 + b"\r\n",
        b"set a 0 0 20000\r\n" + b"x" * 20001 + b"\r\n",
        b"cas a 0 0 1\r\n"[:9] + b"\r\n",
    ])


def meta(dice):
    key = dice.choice(KEYS)
    flags = b"".join(b" " + flag for flag in dice.sample(
        [b"k", b"O123", b"q", b"s", b"t", b"v", b"c", b"f", b"h", b"l", b"u"], dice.randrange(5)))
    kind = dice.randrange(6)
    if kind < 2:
        # 1.6.18 shows no TTL for an item that it has just created.
        more = dice.choice([b"", b"", b" T1000", b" T0",
            b" R30"] + [b" N30"] * (b" t" not in flags))
        return b"mg %s%s%s\r\n" % (key, flags, more)
    if kind == 2:
        data = value(dice)
        flags = flags.replace(b" s", b"")  # 1.6.18 does not return a size here
        more = dice.choice([b"", b"", b" T1000", b" F7", b" MA", b" MP", b" ME", b" MR",
            b" C{cas:%s}" % key,
                            b" C9999999999"])
        return b"ms %s %d%s%s\r\n%s\r\n" % (key, len(data), flags, more, data)
    if kind == 3:
        return b"md %s%s%s\r\n" % (key, flags, dice.choice([b"", b"", b" C9999999999", b" I T30"]))
    if kind == 4:
        # 1.6.18 answers a quiet ma that creates; its protocol document does not say so.
        more = dice.choice([b"", b" D5", b" MD", b" T1000", b" M+",
            b" M- D3"] + [b" N0 J7"] * (b"q" not in flags))
        return b"ma %s%s%s\r\n" % (key, flags, more)
    return b"mn\r\n"


def packet(opcode, key=b"", extras=b"", data=b"", cas=0):
    body = extras + key + data
    return struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, 0, len(body), 7,
        cas) + body


# Not among them: unknown opcodes with a body, after which 1.6.18 waits for ever.
def binary(dice):
    key = dice.choice(KEYS)
    cas = dice.choice([0, 0, 0, 0, 9999999999])
    kind = dice.randrange(7)
    if kind < 2:
        return packet(dice.choice([0x00, 0x09, 0x0c, 0x0d]), dice.choice([key, b"missing"]))
    if kind == 2:
        extras = struct.pack(">II", dice.choice([0, 7, 2**32 - 1]), dice.choice([0, 0, 1000,
            2592001]))
        return packet(dice.choice([0x01, 0x02, 0x03, 0x11, 0x12, 0x13]), key, extras, value(dice),
            cas)
    if kind == 3:
        return packet(dice.choice([0x0e, 0x0f, 0x19, 0x1a]), key, b"", value(dice), cas)
    if kind == 4:
        # Never creating: 1.6.18 does not end a number that it creates so, and may not read it back.
        extras = struct.pack(">QQI", dice.choice([0, 1, 10, 2**64 - 1]), 5, 2**32 - 1)
        # Without a CAS unique: of two things that are wrong, each server names another.
        return packet(dice.choice([0x05, 0x06, 0x15, 0x16]), key, extras)
    if kind == 5:
        return packet(dice.choice([0x1c, 0x1d, 0x1e, 0x23, 0x24]), key, struct.pack(">I",
            dice.choice([0, 1000, 2592001])))
    return dice.choice([packet(0x04, key), packet(0x14, key, cas=cas), packet(0x0a), packet(0x10,
        b"sizes"),
                        packet(0x08), packet(0x18, b"", struct.pack(">I", 0)), packet(0x10,
                            b"bogus")])


# A CAS unique is there or not; its number is each server's own.
def normalised_packets(answer):
    result = b""
    while len(answer) >= 24:
        size = 24 + int.from_bytes(answer[8:12], "big")
        cas = b"\1" * 8 if any(answer[16:24]) else bytes(8)
        result += answer[:16] + cas + answer[24:size]
        answer = answer[size:]
    return result + answer


CLASSIC = [(10, storage), (2, compare_and_swap), (10, retrieval), (6, change), (1,
    administration), (2, broken)]
DIALECTS = {"classic": CLASSIC, "meta": CLASSIC + [(12, meta)], "binary": [(1, binary)]}


def sequence(dice, generators):
    weights = [weight for weight, _ in generators]
    chosen = dice.choices([generator for _, generator in generators], weights, k=dice.randrange(1,
        60))
    return [generator(dice) for generator in chosen]


def cut(dice, data):
    if dice.random() < 0.3:
        return [data]
    longest = dice.choice([3, 30, 300, 5000]) if len(data) < 20000 else dice.choice([5000, 50000])
    pieces = []
    while data:
        size = dice.randrange(1, longest + 1)
        pieces.append(data[:size])
        data = data[size:]
    return pieces


def normalised(answer):
    if answer[:1] == b"\x81":
        return normalised_packets(answer)
    for _, pattern, replacement in NAMED_DIFFERENCES:
        answer = pattern.sub(replacement, answer)
    return answer


def resolve(data, uniques):
    return re.sub(rb"\{cas:(\S+?)\}", lambda match: uniques.get(match.group(1), b"1"), data)


def first_difference(left, right):
    at = next((i for i, pair in enumerate(zip(left, right)) if pair[0] != pair[1]), min(len(left),
        len(right)))
    begin = max(0, at - 80)
    return f"at byte {at}:\n  {left[begin:at + 120]!r}\n  {right[begin:at + 120]!r}"


def agrees(servers, dice, generators):
    setup = b"flush_all\r\n" + b"".join(storage(dice) for _ in range(6))
    commands = sequence(dice, generators)
    split_seed = dice.random()
    answers = []
    for server in servers:
        server.talk([setup])
        data = resolve(b"".join(commands), server.cas_uniques())
        answers.append(normalised(server.talk(cut(random.Random(split_seed), data))))
    if answers[0] == answers[1]:
        return True
    print("setup and commands:", setup[:2000], *(command[:200] for command in commands), sep="\n  ")
    print(f"{servers[0].name} and {servers[1].name} differ", first_difference(*answers))
    return False


# The two are asked one after the other, and a second may end between them: times to live differ by
# one then. A difference counts if it shows again.
ATTEMPTS = 3


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", default="/usr/bin/memcached")
    parser.add_argument("--server", required=True)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--dialect", choices=sorted(DIALECTS), default="classic")
    options = parser.parse_args()
    for program in (options.reference, options.server):
        if not os.access(program, os.X_OK):
            print(f"{program} is not there: skipped")
            return SKIPPED
    seed = int(os.environ.get("CONFORMANCE_SEED", random.SystemRandom().randrange(2**32)))
    print(f"CONFORMANCE_SEED={seed}")
    generators = DIALECTS[options.dialect]
    servers = []
    try:
        servers.append(Server([options.reference], "memcached"))
        servers.append(Server([options.server], "twincached"))
        for number_of_round in range(options.rounds):
            if not any(agrees(servers, random.Random(f"{seed}/{number_of_round}"), generators)
                       for _ in range(ATTEMPTS)):
                print(f"round {number_of_round} of seed {seed}")
                return 1
    finally:
        for server in servers:
            server.stop()
    print(f"{options.rounds} rounds agree")
    return 0


if __name__ == "__main__":
    sys.exit(main())
