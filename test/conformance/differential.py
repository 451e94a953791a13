#!/usr/bin/python3
"""Seeded random conversations with a living memcached and a living twincached.

Each round flushes both servers, stores some keys, and says the same to both in one to three
conversations, each of valid and broken commands in one dialect, cut into random pieces. What may
differ is written down in differences.txt, and nothing else may. No answer depends on the moment but
times to live, which are compared with a tolerance. A round that differs is made as short as it can.
    CONFORMANCE_SEED      the seed, which is printed
    CONFORMANCE_COMMANDS  how many commands to say in all
    TWINCACHED_TIME_FACTOR  how many times longer than on a quiet machine things may take
"""
import argparse
import os
import random
import sys

from conversations import binary, meta, text
from conversations.agreement import Comparable, first_difference
from conversations.named import check_named
from conversations.server import KEYS, Server, resolve
from conversations.spelt import check_spelt

SKIPPED = 77

DIALECTS = {
    "classic": [text],
    "meta": [text, meta],
    "binary": [binary],
    "mixed": [text, meta, binary],
}
TABLES = {"named": check_named, "spelt": check_spelt}
GENERATORS = {
    text: text.CLASSIC,
    meta: text.CLASSIC + [(4 * weight, generator) for weight, generator in meta.META],
    binary: binary.BINARY,
}
SPOKEN = {text: [text], meta: [text, meta], binary: [binary]}
ENDINGS = {text: text, meta: text, binary: binary}
READ_ALL = b"gets " + b" ".join(KEYS) + b"\r\n"
LONGEST = 60        # commands of a conversation
MAY_CLOSE = 0.3     # how many of the conversations end with something that closes,
HANGS_UP = 0.05     # and how many are nothing but that


# A number that a decr shortens is padded. In 1.6.18 it is not if an answer with it still waits to
# be sent, and if something is appended, it takes what stands before the padding for the number. So
# a round has decrs, or what does not agree with them; each ends with a read of all keys.
LEFT_OUT = [["reads", "appends"], ["shortens"]]


def draw(dice, dialect, left_out):
    """One conversation: a list of commands."""
    if dice.random() < HANGS_UP:
        return [ENDINGS[dialect].hanging_up(dice)]
    weights, generators = zip(*GENERATORS[dialect])
    chosen = dice.choices(generators, weights, k=dice.randrange(1, LONGEST))
    commands = [generator(dice) for generator in chosen]
    commands = [command for command in commands
                if not any(getattr(module, kind)(command) for module in SPOKEN[dialect]
                           for kind in left_out)]
    if dice.random() < MAY_CLOSE:
        commands.append(ENDINGS[dialect].closing(dice))
    return commands


def cut(dice, data):
    if dice.random() < 0.3:
        return [data]
    longest = dice.choice([3, 30, 300, 5000])
    longest = max(longest, len(data) // 200)  # a piece is a system call for each server
    pieces = []
    while data:
        size = dice.randrange(1, longest + 1)
        pieces.append(data[:size])
        data = data[size:]
    return pieces


class Round:
    def __init__(self, seed, dialects):
        dice = random.Random(seed)
        self._split_seed = f"{seed}/split"
        self._setup = [text.storage(dice) for _ in range(6)]
        left_out = dice.choice(LEFT_OUT)
        self._conversations = [draw(dice, dice.choice(dialects), left_out)
                               for _ in range(dice.randrange(1, 4))]

    def commands(self):
        return sum(len(commands) for commands in self._conversations)

    def differs(self, servers):
        """None, or the two answers that do not agree."""
        answers = [self._answers(server) for server in servers]
        for left, right in zip(*answers):
            if not left.agrees_with(right):
                return left, right
        return None

    def _answers(self, server):
        server.talk([b"flush_all\r\n" + b"".join(self._setup)])
        uniques = server.cas_uniques()
        found = []
        for number, commands in enumerate(self._conversations):
            dice = random.Random(f"{self._split_seed}/{number}")
            pieces = cut(dice, resolve(b"".join(commands), uniques))
            answer = server.talk(pieces)
            found.append(Comparable(answer, server.was_reset))
        found.append(Comparable(server.talk([READ_ALL])))
        return found

    def shorten(self, servers):
        """Leaves out what the difference does not need."""
        for commands in (self._setup, *self._conversations):
            at = len(commands) - 1
            while at >= 0:
                left_out = commands.pop(at)
                if self.differs(servers) is None:
                    commands.insert(at, left_out)
                at -= 1

    def show(self):
        for name, commands in (("stored before", self._setup),
                               *(("said", commands) for commands in self._conversations)):
            for command in commands:
                print(f"  {name}: {command[:300]!r}{'...' if len(command) > 300 else ''}")


def converse(servers, seed, dialects, wanted):
    said = number = 0
    while said < wanted:
        this = Round(f"{seed}/{number}", dialects)
        difference = this.differs(servers)
        if difference is not None:
            print(f"round {number} of seed {seed}: {servers[0].name} and {servers[1].name} differ",
                  first_difference(*(answer.answer for answer in difference)))
            print("times:", *(answer.times for answer in difference))
            if this.differs(servers) is None:
                print("and not again: what has been left to chance?")
                return False
            this.shorten(servers)
            this.show()
            if again := this.differs(servers):
                print(first_difference(*(answer.answer for answer in again)))
            return False
        said += this.commands()
        number += 1
    print(f"{said} commands of {number} rounds agree")
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", default="/usr/bin/memcached")
    parser.add_argument("--server", required=True)
    parser.add_argument("--commands", type=int,
                        default=int(os.environ.get("CONFORMANCE_COMMANDS", 5000)))
    parser.add_argument("--dialect", choices=[*sorted(DIALECTS), *TABLES], default="mixed")
    options = parser.parse_args()
    for program in (options.reference, options.server):
        if not os.access(program, os.X_OK):
            print(f"{program} is not there: skipped")
            return SKIPPED
    seed = int(os.environ.get("CONFORMANCE_SEED", random.SystemRandom().randrange(2**32)))
    servers = []
    try:
        servers.append(Server(options.reference, "memcached"))
        servers.append(Server(options.server, "twincached"))
        if options.dialect in TABLES:
            return 0 if TABLES[options.dialect](servers) else 1
        print(f"CONFORMANCE_SEED={seed}", flush=True)
        agree = converse(servers, seed, DIALECTS[options.dialect], options.commands)
    finally:
        for server in servers:
            server.stop()
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
