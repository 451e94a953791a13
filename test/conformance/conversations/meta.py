"""Generators of meta commands. What is left out of them stands in differences.txt."""
import base64

from conversations.server import KEYS, text_unique
from conversations.text import value


def _key_and_flags(dice, letters, most=4):
    """A key, now and then in base64, and flags in any order."""
    key = dice.choice(KEYS)
    flags = dice.sample(letters, dice.randrange(min(most, len(letters)) + 1))
    if dice.random() < 0.15 and len(key) < 180:
        key = base64.b64encode(key)
        flags.insert(dice.randrange(len(flags) + 1), b"b")
    return key, b"".join(b" " + flag for flag in flags)


def meta_get(dice):
    key, flags = _key_and_flags(dice, [b"k", b"O123", b"q", b"s", b"t", b"v", b"c", b"f", b"h",
                                       b"l", b"u"])
    # R is far from every time to live, so that no second that passes decides who wins. 1.6.18 shows
    # no time to live for an item that it has just created.
    more = dice.choice([b"", b"", b" T1000", b" T0", b" R300"] + [b" N30"] * (b" t" not in flags))
    return b"mg %s%s%s\r\n" % (key, flags, more)


def meta_set(dice):
    data = value(dice)
    key, flags = _key_and_flags(dice, [b"k", b"O123", b"q", b"c"])
    plain = dice.choice(KEYS)
    more = dice.choice([b"", b"", b" T1000", b" T-1", b" F7", b" MA", b" MP", b" ME", b" MR",
                        b" MS", b" C9999999999", b" I C9999999999", b" F4294967295 T0"])
    if dice.random() < 0.2:
        key, flags, more = plain, flags.replace(b" b", b""), b" C" + text_unique(plain)
    return b"ms %s %d%s%s\r\n%s\r\n" % (key, len(data), flags, more, data)


def meta_delete(dice):
    key, flags = _key_and_flags(dice, [b"k", b"O123", b"q"])
    return b"md %s%s%s\r\n" % (key, flags, dice.choice([b"", b"", b" C9999999999"]))


def recache(dice):
    """A key that is made stale, won and lost again, and does not stay so: a mark that an incr may
    or may not keep."""
    key = dice.choice(KEYS)
    stale = dice.choice([b"md %s I" % key, b"md %s I T1000" % key, b"md %s q I T30" % key,
                         b"ms %s 3 I C1\r\nabc" % key])
    asked = [b"mg %s s v" % key, b"mg %s k f" % key, b"mg %s R300" % key, b"mg %s q u" % key,
             b"gets %s" % key, b"touch %s 0" % key, b"me missing"]
    end = dice.choice([b"md %s" % key, b"set %s 0 0 1\r\n1" % key, b"ms %s 1\r\n2" % key])
    chosen = dice.choices(asked, k=dice.randrange(4))
    return b"".join(line + b"\r\n" for line in (stale, *chosen, end))


def meta_arithmetic(dice):
    key, flags = _key_and_flags(dice, [b"k", b"O123", b"q", b"t", b"v", b"c"])
    # 1.6.18 answers a quiet ma that creates; its protocol document does not say so.
    more = dice.choice([b"", b" D5", b" MD", b" MI", b" Mi", b" T1000 D0", b" M+", b" M- D3"]
                       + [b" N0 J7", b" N1000 J9 D2"] * (b" q" not in flags and b" t" not in flags))
    return b"ma %s%s%s\r\n" % (key, flags, more)


def meta_no_op(dice):
    return dice.choice([b"mn\r\n", b"mn\n"])


REFUSED = [
    b"mg\r\n", b"mg a v v\r\n", b"mg a Tx\r\n", b"mg " + b"x" * 251 + b" v\r\n",
    b"mg not-base64 b v\r\n", b"mg a O" + b"1" * 40 + b"\r\n", b"mg a Nx\r\n",
    b"ms a x\r\nversion\r\n", b"ms\r\n", b"ms a 2 c\r\nabc\r\n",
    b"ms a 2 MX\r\nab\r\n", b"md\r\n", b"md a q q\r\n", b"ma\r\n", b"ma a Dx\r\n", b"ma a D-1\r\n",
    b"ma a MX\r\n", b"ma a Jx N0\r\n", b"me\r\n", b"me missing\r\n", b"mx a\r\n", b"m\r\n",
]


def reads(command):
    return b"mg " in command


def appends(command):
    return command.startswith(b"ms ") and b" MA" in command.split(b"\r\n")[0]


def shortens(command):
    """Or gives a number a new time to live: 1.6.18 loses that, too, where an answer holds it."""
    return command.startswith(b"ma ") and any(word in command for word in (b" MD", b" M-", b" T"))


def broken(dice):
    return dice.choice(REFUSED)


META = [(5, meta_get), (3, meta_set), (2, meta_delete), (2, recache), (3, meta_arithmetic),
        (1, meta_no_op), (1, broken)]
