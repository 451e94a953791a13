"""Generators of binary packets: every opcode, quiet forms included, and packets that are wrong."""
import struct

from conversations.server import KEYS, binary_unique
from conversations.text import value

MAGIC = 0x80


def packet(opcode, key=b"", extras=b"", data=b"", cas=bytes(8), **wrong):
    """`wrong` overrides what the header says: magic, key_bytes, extras_bytes, body_bytes."""
    body = extras + key + data
    if isinstance(cas, int):
        cas = cas.to_bytes(8, "big")
    return struct.pack(">BBHBBHII", wrong.get("magic", MAGIC), opcode,
                       wrong.get("key_bytes", len(key)), wrong.get("extras_bytes", len(extras)), 0,
                       0, wrong.get("body_bytes", len(body)), 7) + cas + body


def _unique(dice, key):
    return dice.choice([bytes(8)] * 4 + [(9999999999).to_bytes(8, "big"), binary_unique(key)])


def _exptime(dice):
    return dice.choice([0, 0, 1000, 2592000, 2592001, 2100000000])


def retrieval(dice):
    return packet(dice.choice([0x00, 0x09, 0x0c, 0x0d]), dice.choice(KEYS + [b"missing"]))


def storage(dice):
    key = dice.choice(KEYS)
    extras = struct.pack(">II", dice.choice([0, 7, 2**32 - 1]), _exptime(dice))
    return packet(dice.choice([0x01, 0x02, 0x03, 0x11, 0x12, 0x13]), key, extras, value(dice),
                  _unique(dice, key))


def joining(dice):
    key = dice.choice(KEYS)
    return packet(dice.choice([0x0e, 0x0f, 0x19, 0x1a]), key, b"", value(dice), _unique(dice, key))


def arithmetic(dice):
    # Never creating: 1.6.18 does not end a number that it creates so, and may not read it back.
    opcode = dice.choice([0x05, 0x06, 0x15, 0x16])
    # An incr that wraps could make a long number of a 0.
    deltas = [0, 1, 10] + [2**64 - 1] * (opcode in (0x06, 0x16))
    extras = struct.pack(">QQI", dice.choice(deltas), 5, 2**32 - 1)
    # Without a CAS unique: of two things that are wrong, each server names another.
    return packet(opcode, dice.choice(KEYS), extras)


def touching(dice):
    return packet(dice.choice([0x1c, 0x1d, 0x1e, 0x23, 0x24]), dice.choice(KEYS + [b"missing"]),
                  struct.pack(">I", _exptime(dice)))


def removal(dice):
    key = dice.choice(KEYS)
    return packet(dice.choice([0x04, 0x14]), key, cas=_unique(dice, key))


def administration(dice):
    return dice.choice([
        packet(0x0a), packet(0x0a), packet(0x0b), packet(0x10, b"sizes"), packet(0x10, b"bogus"),
        packet(0x10, b"reset"), packet(0x10, b"detail off"), packet(0x10, b"detail bogus"),
        packet(0x08), packet(0x18),
        packet(0x08, extras=struct.pack(">I", 0)), packet(0x18, extras=struct.pack(">I", 0)),
    ])


def unknown(dice):
    return packet(dice.choice([0x1f, 0x25, 0x30, 0x3c, 0x40, 0x99, 0xff]))


def too_large(dice):
    return packet(dice.choice([0x01, 0x11, 0x02]), b"a", bytes(8), b"x" * 1048577)


CLOSING = [
    packet(0x07), packet(0x17),
    packet(0x00, b"a", key_bytes=5) + bytes(300), packet(0x00, b"a", extras_bytes=200) + bytes(300),
    packet(0x00, b"a", b"1234"), packet(0x00, b"x" * 251), packet(0x00),
    packet(0x00, b"a", data=b"value"), packet(0x01, b"a", b"1234", b"value"),
    packet(0x01, b"", bytes(8), b"value"), packet(0x01, b"a", bytes(8), body_bytes=3),
    packet(0x0e, b"a", bytes(8), b"value"), packet(0x05, b"a"), packet(0x05, b"a", bytes(8)),
    packet(0x04, b"a", bytes(4)), packet(0x04), packet(0x0a, b"a"), packet(0x0a, extras=bytes(4)),
    packet(0x0b, b"a"), packet(0x07, b"a"), packet(0x1c, b"a"), packet(0x1d, b"a"), packet(0x1e),
    packet(0x08, extras=bytes(3)), packet(0x08, b"a"), 
    packet(0x00, b"abc")[:-1], packet(0x00)[:10], b"\x80",
]
# 1.6.18 forgets what it owes for packets before one of these: they are said alone.
HANGING_UP = [
    packet(0x00, b"a", magic=0x81), packet(0x00, b"a", magic=0x00) + bytes(100),
    packet(0x0a) + b"get a\r\n", packet(0x01, b"a", bytes(8), b"12345")[:-2],
]


def closing(dice):
    return dice.choice(CLOSING)


def reads(command):
    """A touch as well: until its answer is sent, memcached holds the item for it as for a get's."""
    return command[1] in (0x00, 0x09, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e, 0x23, 0x24)


def appends(command):
    return command[1] in (0x0e, 0x19)


def shortens(command):
    return command[1] in (0x06, 0x16)


def hanging_up(dice):
    return dice.choice(HANGING_UP)


BINARY = [(6, retrieval), (8, storage), (3, joining), (3, arithmetic), (4, touching), (2, removal),
          (1, administration), (1, unknown), (0.2, too_large)]
