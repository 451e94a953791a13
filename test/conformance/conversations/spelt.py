"""Numbers spelt in every way, as values, deltas, flags, exptimes and CAS uniques: no chance in it, so
both servers must say the same. Lengths and the numbers of gat stand in differences.txt."""
import struct

from conversations.agreement import Comparable, first_difference
from conversations.binary import packet

SPELLINGS = [
    b"10", b"10\n", b"10\r\n", b" 10", b"\t10", b"\r\n10", b"10 ", b"10    ", b"10\t", b"10 apples",
    b"10\nmore", b"10\0", b"10\0x", b"+10", b" +10 ", b"-0", b"0", b"007", b"0" * 18 + b"10",
    b"0" * 19 + b"10", b"0" * 26 + b"10", b"9" * 19, b"18446744073709551615",
    b"018446744073709551615", b"18446744073709551616", b"9" * 20, b"1" + b"0" * 20, b"-1", b"-10",
    b"-18446744073709551615", b"-18446744073709551616", b"10x", b"10.5", b"0x10", b"x10", b"+", b"-",
    b"+-10", b"-+10", b"- 10", b"", b"7" + b" " * 5000, b"7" + b"0" * 5000, b"0" * 5000 + b"7",
]


def _as_value(text):
    stored = b"set n 0 0 %d\r\n%s\r\n" % (len(text), text)
    return [stored + b"incr n 1\r\nmn\r\n", b"get n\r\n", b"decr n 1\r\nmn\r\n", b"get n\r\n",
            stored + b"ma n v\r\nmn\r\n", b"get n\r\n", stored + b"ma n MD D3 v\r\nmn\r\n",
            stored, packet(0x05, b"n", struct.pack(">QQI", 5, 0, 2**32 - 1)), b"get n\r\n"]


def _as_word(text):
    """Not in a storage line, whose value 1.6.18 takes for a command if it refuses the line. Nor with a zero
    byte, where it ends any line."""
    if not text or set(text) & set(b" \n\0") or len(text) > 1000:
        return []
    requests = [b"incr n %s\r\nmn\r\n", b"decr n %s\r\nmn\r\n", b"touch n %s\r\nmn\r\n",
                b"ma n D%s v\r\nmn\r\n", b"ma m N0 J%s v\r\nmn\r\n", b"ms f 1 F%s\r\nx\r\nmn\r\n",
                b"ms f 1 T%s\r\nx\r\nmn\r\n", b"incr n %s noreply\r\nmn\r\n",
                b"touch n %s noreply\r\nmn\r\n"]
    return [b"set n 0 0 2\r\n50\r\n", *(request % text for request in requests),
            b"get f n m\r\n"]


# Too large for an exptime, of which 1.6.18 takes what fits 32 bits.
_DIFFERS = {b"18446744073709551615", b"018446744073709551615", b"9" * 19, b"-18446744073709551615"}


def check_spelt(servers):
    good = True
    for text in SPELLINGS:
        requests = _as_value(text) + ([] if text in _DIFFERS else _as_word(text))
        for server in servers:
            server.talk([b"flush_all\r\n"])
        for request in requests:
            answers = [Comparable(server.talk([request])) for server in servers]
            if not answers[0].agrees_with(answers[1]):
                good = False
                print(f"to {request[:80]!r} they say", first_difference(*(a.answer for a in answers)))
    print(f"{len(SPELLINGS)} spellings")
    return good
