"""Generators of classic commands. What is left out of them, because memcached 1.6.18 answers it
otherwise, stands in differences.txt."""
from conversations.server import KEYS, text_unique

# Nothing that makes an incr wrap: 0 would become a long number. observed.txt has such requests.
ADDED = [0, 1, 2, 5, 10, 2**32]


# spelt.py has those that are numbers in spite of what stands around them.
NO_NUMBERS = [b"-1", b"9" * 20, b"1" + b"0" * 20, b"10x", b"1.5", b"0x10", b"+", b"- 1", b"+-1"]


def value(dice):
    kind = dice.randrange(7)
    # Below 2^63, whatever is added to it or put before it: of a larger stored number memcached
    # looks for a '-' also behind its end, where chance decides what lies.
    if kind == 0:
        return str(dice.choice([0, 1, 9, 10, 99, 2**32, 9 * 10**18])).encode()
    if kind == 1:
        return b""
    if kind == 2:
        # Not a digit first: what is added to "8", a newline and more is as long as that, unless an
        # answer with it still waits to be sent (see "a decr that shortens a number").
        return b"r" + bytes(dice.randrange(256) for _ in range(dice.randrange(60)))
    if kind == 3:
        return b"v" * dice.choice([100, 1000, 1000, 1000, 9000, 9000, 20000, 70000] + [300000] *
                                  (dice.random() < 0.3))
    if kind == 4:
        return dice.choice(NO_NUMBERS)
    return dice.choice([b"value", b"set a 0 0 1\r\nx\r\n", b"END\r\n"]) * dice.randrange(5)


def more(dice):
    return str(dice.choice(ADDED)).encode()


def less(dice):
    return str(dice.choice([*ADDED, 2**64 - 1])).encode()


def storage(dice):
    verb = dice.choice([b"set", b"set", b"add", b"replace", b"append", b"prepend"])
    data = value(dice)
    exptime = dice.choice([b"0", b"0", b"0", b"1000", b"-1", b"2592000", b"2592001", b"2100000000"])
    reply = dice.choice([b"", b"", b" ", b" noreply", b"  noreply "])
    flags = dice.choice([b"0", b"0", b"7", b"4294967295"])
    end = dice.choice([b"\r\n", b"\r\n", b"\r\n", b"\n"])
    return b"%s %s %s %s %d%s%s%s\r\n" % (verb, dice.choice(KEYS), flags, exptime, len(data),
                                          reply, end, data)


def compare_and_swap(dice):
    data = value(dice)
    key = dice.choice(KEYS)
    unique = dice.choice([text_unique(key), text_unique(key), b"9999999999", b"0"])
    reply = dice.choice([b"", b"", b" noreply"])
    return b"cas %s 3 0 %d %s%s\r\n%s\r\n" % (key, len(data), unique, reply, data)


def retrieval(dice):
    verb = dice.choice([b"get", b"get", b"gets", b"gat 0", b"gats 1000", b"gat -1",
                        b"gats 2592001"])
    # 1.6.18 closes on a gat of more than 2048 bytes; 1.6.45 and we take them as long as a get.
    keys = [dice.choice(KEYS + [b"missing"]) for _ in range(dice.choice([1, 1, 1, 2, 5]))]
    if verb.startswith(b"get") and dice.random() < 0.1:
        keys += [b"missing%d" % n for n in range(dice.choice([30, 300, 3000]))]
        dice.shuffle(keys)
    blank = dice.choice([b" ", b"  "])
    return (verb + b" " + blank.join(keys) + dice.choice([b"", b" "]) +
            dice.choice([b"\r\n", b"\n"]))


def change(dice):
    key = dice.choice(KEYS)
    reply = dice.choice([b"", b"", b" noreply"])
    return dice.choice([
        b"incr %s %s" % (key, more(dice)), b"decr %s %s" % (key, less(dice)),
        b"delete %s" % key, b"delete %s 0" % key,
        b"touch %s %s" % (key, dice.choice([b"0", b"1000", b"-1", b"2592001"])),
    ]) + reply + b"\r\n"


def administration(dice):
    return dice.choice([
        b"version\r\n", b"verbosity 0\r\n", b"verbosity 0 noreply\r\n", b"flush_all\r\n",
        b"flush_all noreply\r\n", b"flush_all 0\r\n", b"flush_all 0 noreply\r\n",
        b"flush_all -1\r\n", b"flush_all 100000\r\nflush_all\r\n",
        b"cache_memlimit 64\r\n", b"cache_memlimit 1\r\n", b"cache_memlimit 64 noreply\r\n",
        b"lru mode flat\r\n", b"lru mode segmented\r\n", b"lru tune 10 25 0.1 2.0\r\n",
        b"lru tune 60 25 0.1 2.0\r\n", b"lru temp_ttl -1\r\n", b"slabs automove 1\r\n",
        b"stats detail off\r\n", b"stats sizes\r\n", b"stats reset\r\n",
        b"lru_crawler sleep 100\r\n", b"lru_crawler tocrawl 0\r\n",
        b"stats cachedump 60 0\r\n", b"slabs reassign 1 1\r\n",
    ])


LONG_KEY = b"x" * 251

# No time here may be so short that a round outlasts it, else the moment decides.
REFUSED = [
    b"bogus\r\n", b"\r\n", b"\n", b"g\r\n", b"GET a\r\n", b"get\r\n", b"gets \r\n", b"gat\r\n",
    b"gat x a\r\n", b" get a\r\n", b"seta 0 0 1\r\n", b"delete\r\n",
    b"delete " + LONG_KEY + b"\r\n",
    b"incr a\r\n", b"incr a x\r\n", b"incr a -1\r\n", b"incr a x noreply\r\n",
    b"incr a 18446744073709551616\r\n", b"incr " + LONG_KEY + b" 1\r\n", b"decr a 1x\r\n",
    b"delete " + LONG_KEY + b" noreply\r\n", b"incr " + LONG_KEY + b" 1 noreply\r\n",
    b"touch " + LONG_KEY + b" 0 noreply\r\n", b"touch a x noreply\r\n", b"touch a noreply\r\n",
    b"incr a noreply\r\n", b"incr a -1 noreply\r\n", b"incr a 99999999999999999999 noreply\r\n",
    b"incr a +1\r\n", b"decr a 007\r\n", b"incr a 1\t\r\n", b"incr a \t1\r\n", b"incr a -0\r\n",
    b"incr a " + b"0" * 20 + b"1\r\n", b"decr a 1" + b"0" * 20 + b"\r\n", b"touch a +1000\r\n",
    b"set a +7 +1000 1\r\nx\r\n", b"set a 18446744073709551615 0 1\r\nx\r\n",
    b"set a 007 01000\t 01\r\nx\r\n", b"flush_all x noreply\r\n", b"cache_memlimit x noreply\r\n",
    b"verbosity x noreply\r\n", b"set noreply\r\n", b"set a noreply\r\n", b"incr noreply\r\n",
    b"touch noreply\r\n", b"cache_memlimit 1073741824\r\n",
    b"touch a\r\n", b"touch a x\r\n", b"touch " + LONG_KEY + b" 0\r\n", b"touch a 1000 x\r\n",
    b"flush_all x\r\n", b"verbosity x\r\n", b"verbosity\r\n",
    b"verbosity noreply\r\n", b"stats bogus\r\n", b"lru bogus\r\n", b"lru\r\n", b"lru mode\r\n",
    b"lru temp_ttl\r\n", b"lru mode bogus\r\n", b"lru tune 1\r\n", b"slabs\r\n", b"slabs bogus\r\n",
    b"slabs automove x\r\n", b"slabs automove\r\n", b"slabs reassign\r\n", b"lru_crawler\r\n",
    b"lru_crawler bogus\r\n", b"cache_memlimit x\r\n", b"cache_memlimit\r\n",
    b"set a 0 0\r\n", b"set a 0 0 x\r\n", b"set a 0 0 -1\r\n", b"set\r\n", b"set a\r\n",
    b"set a 0 0 3\r\nabcd\r\n", b"set a 0 0 3\r\nab\r\nversion\r\n",
    b"set a 0 0 3 noreply\r\nabcd\r\n", b"set a 0 0 0\r\nx\r\n", b"cas a 0 \r\n",
    b"set a 0 0 20000\r\n" + b"x" * 20001 + b"\r\n",
    b"set a 0 0 1048577\r\n" + b"x" * 1048577 + b"\r\n",
    b"append a 0 0 1048577 noreply\r\n" + b"x" * 1048577 + b"\r\n",
]

# After these the server has closed: nothing can follow.
CLOSING = [
    b"quit\r\n", b"quit noreply\r\n", b"get a b c", b"set a 0 0 10", b"mg a v\r",
]
# 1.6.18 forgets what it owes for commands before one of these: they are said alone.
HANGING_UP = [
    b"set a 0 0 10\r\nabc",
    b"x" * 3000, b"set " + b"x" * 3000, b"gat 0 " + b"x" * 3000, b"mg " + b"x" * 3000,
    b"GET / HTTP/1.0\r\n", b"PUT /a HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"DELETE /a HTTP/1.1\r\n", b"get " + b"x" * 3000,
]


def reads(command):
    return command.startswith((b"get", b"gat"))


def appends(command):
    return command.startswith(b"append ")


def shortens(command):
    return command.startswith(b"decr ")


def broken(dice):
    return dice.choice(REFUSED)


def closing(dice):
    return dice.choice(CLOSING)


def hanging_up(dice):
    return dice.choice(HANGING_UP)


CLASSIC = [(10, storage), (3, compare_and_swap), (10, retrieval), (6, change), (1, administration),
           (3, broken)]
