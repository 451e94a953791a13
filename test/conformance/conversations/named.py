"""The written list of differences, differences.txt: read, and asked of both servers."""
import codecs
import os
import re

from conversations.agreement import MASKS, META_KEY

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "differences.txt")

_REPEATED = re.compile(rb"\{(.)\*(\d+)\}")
_NEVER_COMPARED = [(re.compile(rb"VERSION [^\r]*\r\n"), b"VERSION\r\n")]


class Named:
    def __init__(self, name):
        self.name = name
        self.is_mask = False
        self.probes = []  # (request, memcached's answer, ours)


def read_list():
    entries = []
    with open(LIST, encoding="ascii") as file:
        lines = [line.rstrip("\n") for line in file if not line.startswith("#")]
    for line in lines:
        mark, text = line[:1], line[2:]
        if mark == "=":
            entries.append(Named(text))
        elif line == "mask":
            entries[-1].is_mask = True
        elif mark == ">":
            entries[-1].probes.append([_bytes(text)])
        elif mark == "<":
            entries[-1].probes[-1].append(_bytes(text))
    return entries


def _bytes(text):
    raw = codecs.decode(text, "unicode_escape").encode("latin-1")
    return _REPEATED.sub(lambda match: match.group(1) * int(match.group(2)), raw)


def check_named(servers):
    """Whether both still answer as the list says, and every mask stands in it."""
    entries = read_list()
    masked = {name for name, *_ in MASKS} | ({"the mark of a key in base64"} if META_KEY else set())
    listed = {entry.name for entry in entries if entry.is_mask}
    good = masked == listed
    if not good:
        print("masks that only one of code and list has:", masked ^ listed)
    probes = 0
    for entry in entries:
        for request, *wanted in entry.probes:
            probes += 1
            good &= all([_answers(server, entry, request, answer)
                         for server, answer in zip(servers, wanted)])
    print(f"{len(entries)} named differences, {probes} requests")
    return good


def _answers(server, entry, request, wanted):
    server.talk([b"flush_all\r\n"])
    found = server.talk([request])
    for pattern, replacement in _NEVER_COMPARED:
        found = pattern.sub(replacement, found)
    if found == wanted:
        return True
    print(f"{entry.name}: to {request[:80]!r}\n  {server.name} says {found!r}\n"
          f"  listed is   {wanted!r}")
    return False
