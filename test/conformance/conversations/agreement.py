"""What two answers have to have in common, and what only each server can know."""
import os
import re

HEADER_BYTES = 24

# A second may pass between the two servers, or end between them; on a busy machine more.
TIME_TOLERANCE = 2 * float(os.environ.get("TWINCACHED_TIME_FACTOR", 1))

# (name in differences.txt, pattern, what stands in its place in both answers)
MASKS = [
    ("version", re.compile(rb"VERSION [^\r]*\r\n"), b"VERSION\r\n"),
    ("who is told what is missing",
     re.compile(rb"^(?:ERROR|CLIENT_ERROR bad command line format)\r$", re.M), b"<refused>\r"),
    ("what is wrong with a flag",
     re.compile(rb"^CLIENT_ERROR (?:invalid|duplicate|invalid or duplicate) flag\r$", re.M),
     b"<bad flag>\r"),
    ("read before", re.compile(rb"^((?:HD|VA \d+)\b.*?) h[01]", re.M), rb"\1 h<read>"),
]
# CAS uniques: numbers that each server draws by itself. Where the answer names the key, those that
# one server gives twice must be given twice by the other: they are replaced by their order.
NAMED_UNIQUE = re.compile(rb"^(VALUE \S+ )(\d+ \d+ )(\d+)\r$", re.M)
META_UNIQUE = re.compile(rb"^((?:HD|VA \d+|EX|NS|NF)\b[^\r]*? c)[1-9]\d*", re.M)
# A line of meta with a key, which may stand there in base64 and be marked as such.
META_KEY = re.compile(rb"^(?:HD|VA \d+|EX|NS|NF|EN)\b[^\r]* k[^\r]*", re.M)
TIMES = re.compile(rb"^(?:HD|VA \d+)\b[^\r]*? [tl](\d+)\b", re.M)


# Masks may treat an answer's last bytes otherwise if it was cut there.
CUT_BYTES = 100


class Comparable:
    """An answer without what may differ. Of one that was cut, only what came is compared."""

    def __init__(self, answer, is_cut=False):
        self.is_cut = is_cut
        self.times = []
        self._known = {}
        if answer[:1] == b"\x81":
            self.answer = self._packets(answer)
        else:
            self.answer = self._text(answer)

    def agrees_with(self, other):
        if self.is_cut or other.is_cut:
            common = max(0, min(len(self.answer), len(other.answer)) - CUT_BYTES)
            return self.answer[:common] == other.answer[:common]
        return (self.answer == other.answer and len(self.times) == len(other.times) and
                all(abs(ours - theirs) <= TIME_TOLERANCE
                    for ours, theirs in zip(self.times, other.times)))

    def _text(self, answer):
        for _, pattern, replacement in MASKS:
            answer = pattern.sub(replacement, answer)
        answer = NAMED_UNIQUE.sub(self._named_unique, answer)
        answer = META_KEY.sub(self._without_key, answer)
        answer = META_UNIQUE.sub(rb"\1<cas>", answer)
        while match := TIMES.search(answer):
            self.times.append(int(match.group(1)))
            answer = answer[:match.start(1)] + b"<time>" + answer[match.end(1):]
        return answer

    def _named_unique(self, match):
        key, numbers, unique = match.groups()
        ordinal = self._known.setdefault((key, unique), len(self._known) + 1)
        return b"%s%s<cas %d>\r" % (key, numbers, ordinal)

    @staticmethod
    def _without_key(match):
        """See "the mark of a key in base64"."""
        words = (b"k<key>" if word[:1] == b"k" else word for word in match.group().split(b" "))
        return b" ".join(word for word in words if word != b"b")

    def _packets(self, answer):
        result = []
        while len(answer) >= HEADER_BYTES:
            size = HEADER_BYTES + int.from_bytes(answer[8:12], "big")
            head, unique, body = answer[:16], answer[16:HEADER_BYTES], answer[HEADER_BYTES:size]
            if answer[1] == 0x0b:
                head, body = head[:8] + bytes(4) + head[12:], b"<version>"
            result.append(head + (b"<cas>" if any(unique) else b"<no cas>") + body)
            answer = answer[size:]
        return b"\n".join([*result, answer])


def first_difference(left, right):
    pairs = enumerate(zip(left, right))
    at = next((i for i, (one, other) in pairs if one != other), min(len(left), len(right)))
    begin = max(0, at - 80)
    return f"at byte {at}:\n  {left[begin:at + 120]!r}\n  {right[begin:at + 120]!r}"
