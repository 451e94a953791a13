"""Everything that changes something, in all three dialects and all quiet forms, arrives at the
peer: value, client flags, CAS unique, time to live, the mark of what is stale.

The tables here are held against the product's own: a verb or opcode that stands in neither of the
two lists of this file fails the test, until somebody has decided whether it changes anything."""
import os
import re
import struct

from harness import Case, main, until

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "protocol")
VERB_TABLES = ["text/classic_verbs.cpp", "meta/meta_verbs.cpp", "reports/administration.cpp"]
OPCODE_TABLES = ["binary/binary_verbs.cpp", "binary/binary_verbs.hpp"]

# What changes nothing that a peer should hear of.
SILENT_VERBS = set("""get gets mn me version stats quit verbosity shutdown cache_memlimit slabs lru
    lru_crawler watch refresh_certs debugtime""".split())
SILENT_OPCODES = {0x00, 0x09, 0x0c, 0x0d, 0x07, 0x17, 0x0a, 0x0b, 0x10, 0x1b, 0x20, 0x21, 0x22}

GONE = None
OLD = b"old"

# verb, what stands there before, the request of key {k} with {q} in the place of its quiet word,
# and what must then stand there: (value, client flags), or GONE. {cas}: the CAS unique from before.
CLASSIC = [
    ("set", None, b"set {k} 5 0 3{q}\r\nnew\r\n", (b"new", 5)),
    ("set", OLD, b"set {k} 6 0 0{q}\r\n\r\n", (b"", 6)),
    ("set", OLD, b"set {k} 4294967295 100 1{q}\r\nf\r\n", (b"f", 4294967295)),
    ("set", OLD, b"set {k} 0 -1 3{q}\r\nnew\r\n", GONE),
    ("set", OLD, b"set {k} 0 0 22{q}\r\n\r\nflush_all\r\ndelete k\r\r\n",
     (b"\r\nflush_all\r\ndelete k\r", 0)),
    ("set", OLD, b"set {k} 0 0 1048577{q}\r\n" + b"x" * 1048577 + b"\r\n", GONE),
    ("add", None, b"add {k} 1 0 3{q}\r\nnew\r\n", (b"new", 1)),
    ("replace", OLD, b"replace {k} 2 0 3{q}\r\nnew\r\n", (b"new", 2)),
    ("append", OLD, b"append {k} 9 0 4{q}\r\n-end\r\n", (b"old-end", 0)),
    ("prepend", OLD, b"prepend {k} 9 0 4{q}\r\npre-\r\n", (b"pre-old", 0)),
    ("cas", OLD, b"cas {k} 3 100 3 {cas}{q}\r\nnew\r\n", (b"new", 3)),
    ("incr", b"99", b"incr {k} 1{q}\r\n", (b"100", 0)),
    ("incr", b"98", b"incr {k} 1{q}\r\n", (b"99", 0)),
    ("decr", b"100", b"decr {k} 1{q}\r\n", (b"99 ", 0)),
    ("delete", OLD, b"delete {k}{q}\r\n", GONE),
    ("touch", OLD, b"touch {k} 100{q}\r\n", (OLD, 0)),
    ("touch", OLD, b"touch {k} -1{q}\r\n", GONE),
]
# Verbs that have no quiet form.
ANSWERED = [
    ("gat", OLD, b"gat 100 {k}\r\n", (OLD, 0)),
    ("gat", OLD, b"gat -1 {k}\r\n", GONE),
    ("gats", OLD, b"gats 100 {k}\r\n", (OLD, 0)),
]
META = [
    ("mg", OLD, b"mg {k} T100{q}\r\n", (OLD, 0)),
    ("mg", OLD, b"mg {k} T-1{q}\r\n", GONE),
    ("ms", None, b"ms {k} 3 F5 T100{q}\r\nnew\r\n", (b"new", 5)),
    ("ms", OLD, b"ms {k} 3 MS{q}\r\nnew\r\n", (b"new", 0)),
    ("ms", None, b"ms {k} 3 ME{q}\r\nnew\r\n", (b"new", 0)),
    ("ms", OLD, b"ms {k} 3 MR{q}\r\nnew\r\n", (b"new", 0)),
    ("ms", OLD, b"ms {k} 4 MA{q}\r\n-end\r\n", (b"old-end", 0)),
    ("ms", OLD, b"ms {k} 4 MP{q}\r\npre-\r\n", (b"pre-old", 0)),
    ("ms", None, b"ms {k} 3 MA N100{q}\r\nnew\r\n", (b"new", 0)),
    ("ms", OLD, b"ms {k} 3 C{cas}{q}\r\nnew\r\n", (b"new", 0)),
    ("ms", OLD, b"ms {k} 3 I C1{q}\r\nnew\r\n", (b"new", 0)),
    ("ms", OLD, b"ms {k} 3 T-1{q}\r\nnew\r\n", GONE),
    ("ms", OLD, b"ms {k} 3 E777{q}\r\nnew\r\n", (b"new", 0)),
    ("ms", OLD, b"ms {k} 4 MA E778{q}\r\n-end\r\n", (b"old-end", 0)),
    ("md", OLD, b"md {k}{q}\r\n", GONE),
    ("md", OLD, b"md {k} C{cas}{q}\r\n", GONE),
    ("md", OLD, b"md {k} I T100{q}\r\n", (OLD, 0)),
    ("md", OLD, b"md {k} x{q}\r\n", (b"", 0)),
    ("md", OLD, b"md {k} I E779{q}\r\n", (OLD, 0)),
    ("md", OLD, b"md {k} x I T100{q}\r\n", (b"", 0)),
    ("ma", b"99", b"ma {k}{q}\r\n", (b"100", 0)),
    ("ma", b"99", b"ma {k} MD D9{q}\r\n", (b"90", 0)),
    ("ma", None, b"ma {k} N100 J7{q}\r\n", (b"7", 0)),
    ("ma", b"10", b"ma {k} T100{q}\r\n", (b"11", 0)),
    ("ma", b"10", b"ma {k} E780{q}\r\n", (b"11", 0)),
]


def storing(flags, exptime):
    return struct.pack(">II", flags, exptime)


def counting(delta, initial=0, exptime=2**32 - 1):
    return struct.pack(">QQI", delta, initial, exptime)


# opcodes (loud, quiet), what stands there before, extras, value, whether the CAS unique from before
# is sent, and what must then stand there.
BINARY = [
    ((0x01, 0x11), None, storing(5, 0), b"new", False, (b"new", 5)),
    ((0x01, 0x11), OLD, storing(6, 100), b"new", True, (b"new", 6)),
    ((0x02, 0x12), None, storing(1, 100), b"new", False, (b"new", 1)),
    ((0x03, 0x13), OLD, storing(2, 0), b"new", False, (b"new", 2)),
    ((0x0e, 0x19), OLD, b"", b"-end", False, (b"old-end", 0)),
    ((0x0f, 0x1a), OLD, b"", b"pre-", False, (b"pre-old", 0)),
    ((0x04, 0x14), OLD, b"", b"", False, GONE),
    ((0x04, 0x14), OLD, b"", b"", True, GONE),
    ((0x05, 0x15), b"99", counting(1), b"", False, (b"100", 0)),
    ((0x05, 0x15), None, counting(1, 7, 100), b"", False, (b"7", 0)),
    ((0x06, 0x16), b"99", counting(9), b"", False, (b"90", 0)),
    ((0x06, 0x16), None, counting(1, 8, 0), b"", False, (b"8", 0)),
    ((0x1c, 0x1c), OLD, struct.pack(">I", 100), b"", False, (OLD, 0)),
    ((0x1d, 0x1e), OLD, struct.pack(">I", 100), b"", False, (OLD, 0)),
    ((0x23, 0x24), OLD, struct.pack(">I", 100), b"", False, (OLD, 0)),
]

FLUSHES = [
    ("flush_all", b"flush_all\r\n"), ("flush_all", b"flush_all 0\r\n"),
    ("flush_all", b"flush_all noreply\r\n"), ("flush_all", b"flush_all 0 noreply\r\n"),
    ("flush_all", b"flush_all -1\r\n"),
]
BINARY_FLUSHES = [(0x08, b""), (0x18, b""), (0x08, bytes(4)), (0x18, bytes(4))]


def packet(opcode, key=b"", extras=b"", value=b"", cas=0):
    body = extras + key + value
    return struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, 0, len(body), 0,
                       cas) + body


class Change:
    """One row, on a key of its own."""

    def __init__(self, number, name, before, after, request):
        self.key = b"key%d" % number
        self.name = name
        self.before = before
        self.after = after
        self.is_binary = callable(request)
        self._request = request

    def request(self, cas):
        if self.is_binary:
            return self._request(self.key, cas)
        return self._request.replace(b"{k}", self.key).replace(b"{cas}", b"%d" % cas)


def _in_text(rows, quiet):
    return [(f"{verb}{quiet.decode()}: {request[:40]!r}", before, after,
             request.replace(b"{q}", quiet)) for verb, before, request, after in rows]


def _in_binary(quiet):
    def request_of(opcode, extras, value, with_cas):
        return lambda key, cas: packet(opcode, key, extras, value, cas if with_cas else 0)
    return [(f"opcode 0x{opcodes[quiet]:02x}", before, after,
             request_of(opcodes[quiet], extras, value, with_cas))
            for opcodes, before, extras, value, with_cas, after in BINARY]


def all_changes():
    rows = (_in_text(CLASSIC, b"") + _in_text(CLASSIC, b" noreply") + _in_text(ANSWERED, b"") +
            _in_text(META, b"") + _in_text(META, b" q") + _in_binary(0) + _in_binary(1))
    return [Change(number, *row) for number, row in enumerate(rows)]


class VerbTable(Case):
    needs_replication = True

    def test_every_verb_and_opcode_of_the_product_stands_in_one_of_the_lists(self):
        verbs = set()
        for table in VERB_TABLES:
            with open(os.path.join(SOURCES, table)) as source:
                verbs |= set(re.findall(r'\{"(\w+)", parse_', source.read()))
        tried = {row[0] for row in (*CLASSIC, *ANSWERED, *META, *FLUSHES)}
        self.assertGreater(len(verbs), 25)
        self.assertEqual(verbs - SILENT_VERBS - tried, set())
        self.assertEqual(tried - verbs, set())
        opcodes = set()
        for table in OPCODE_TABLES:
            with open(os.path.join(SOURCES, table)) as source:
                opcodes |= {int(number, 16) for number in
                            re.findall(r"(?:\(|opcode = )(0x[0-9a-f]{2})\b", source.read())}
        tried = {opcode for row in BINARY for opcode in row[0]}
        tried |= {opcode for opcode, _ in BINARY_FLUSHES}
        self.assertGreater(len(opcodes), 30)
        self.assertEqual(opcodes - SILENT_OPCODES - tried, set())
        self.assertEqual(tried - opcodes, set())

    def test_every_change_arrives_whichever_node_and_form_it_came_by(self):
        nodes = self.pair().start()
        for source in nodes:
            with source.client() as here:
                here.ask(b"flush_all")
                changes = all_changes()
                self._prepare(here, changes)
                nodes.wait_until_at_rest()
                self._carry_out(source, here, changes)
            nodes.wait_until_at_rest()
            self._compare(source, nodes.other(source), changes)
            print(f"{len(changes)} changes on {source.name}", flush=True)

    @staticmethod
    def _prepare(client, changes):
        for change in changes:
            if change.before is not None:
                client.set(change.key, change.before)

    @staticmethod
    def _carry_out(source, client, changes):
        """All of a dialect on one connection, which ends when all is done."""
        uniques = client.gets_many([change.key for change in changes])
        for is_binary, last in ((False, b"mn\r\n"), (True, packet(0x0a))):
            requests = [change.request(uniques[change.key][2] if change.key in uniques else 1)
                        for change in changes if change.is_binary == is_binary]
            with source.client() as speaker:
                for request in requests:
                    speaker.send(request)
                speaker.send(last + (packet(0x07) if is_binary else b"quit\r\n"))
                speaker.rest()

    def _compare(self, here, there, changes):
        with here.client() as on_here, there.client() as on_there:
            for change in changes:
                with self.subTest(change=change.name, on=here.name):
                    found = self._item(on_here, change.key)
                    self.assertEqual(found and found[:2], change.after)
                    try:
                        until(lambda: self._agree(found, self._item(on_there, change.key)), 1, "")
                    except AssertionError:
                        self.assertEqual(self._item(on_there, change.key), found,
                                         "the other node has something else")

    @staticmethod
    def _agree(ours, theirs):
        if ours is None or theirs is None:
            return ours is theirs
        return ours[:-1] == theirs[:-1] and abs(ours[-1] - theirs[-1]) <= 2

    @staticmethod
    def _item(client, key):
        """(value, client flags, CAS unique, whether it is stale, time to live), or None."""
        client.send(b"mg %s s f c t u v\r\n" % key)
        line = client.line()
        if line == b"EN":
            return None
        words = line.decode().split(" ")
        value = client.exactly(int(words[1]))
        client.exactly(2)
        marks = {word[0]: word[1:] for word in words[2:]}
        return value, int(marks["f"]), int(marks["c"]), "X" in marks, int(marks["t"])

    def test_every_form_of_a_flush_empties_both_nodes(self):
        nodes = self.pair().start()
        forms = [(name, request + b"mn\r\nquit\r\n") for name, request in FLUSHES]
        forms += [(f"opcode 0x{opcode:02x}", packet(opcode, b"", extras) + packet(0x07))
                  for opcode, extras in BINARY_FLUSHES]
        for source in nodes:
            for name, request in forms:
                with self.subTest(name=name, request=request, on=source.name):
                    self._flush(nodes, source, request)

    def _flush(self, nodes, source, request):
        keys = [b"before-%d" % number for number in range(5)]
        with source.client() as here, nodes.other(source).client() as there:
            for client, some in ((here, keys[:3]), (there, keys[3:])):
                for key in some:
                    client.set(key, b"v")
            until(lambda: len(there.gets_many(keys)) == len(here.gets_many(keys)) == 5, 2,
                  "both nodes have all")
            with source.client() as speaker:
                speaker.send(request)
                speaker.rest()
            self.assertEqual(here.gets_many(keys), {})
            until(lambda: not there.gets_many(keys), 2, "the other node is empty, too")

    def test_a_placeholder_stays_where_it_was_asked_for_until_the_peer_has_something(self):
        nodes = self.pair().start()
        with nodes.a.client() as on_a, nodes.b.client() as on_b:
            self.assertEqual(on_a.ask(b"mg k s N30"), b"HD s0 W")
            self.assertEqual(on_a.ask(b"mg k s N30"), b"HD s0 Z")
            on_a.set(b"later", b"v")
            nodes.wait_until_at_rest()
            self.assertEqual(on_b.get(b"later"), b"v")
            self.assertEqual(on_b.ask(b"mg k s"), b"EN")
            on_b.set(b"k", b"value")
            nodes.wait_until_at_rest()
            self.assertEqual(on_a.ask(b"mg k s"), b"HD s5")

    def test_what_is_refused_changes_neither_node(self):
        nodes = self.pair().start()
        refused = [
            b"add {k} 0 0 1\r\nx\r\n", b"replace absent 0 0 1\r\nx\r\n",
            b"cas {k} 0 0 1 99\r\nx\r\n", b"append absent 0 0 1\r\nx\r\n",
            b"incr {k} 1\r\n", b"ms {k} 1 ME\r\nx\r\n",
            b"ms {k} 1 C99\r\nx\r\n", b"md {k} C99\r\n", b"ma {k}\r\n", b"touch absent 100\r\n",
            b"set {k} 0 0 1\r\nxyz\r\n", b"set {k} 0 0 -1\r\n", b"append {k} 0 0 1048577\r\n" +
            b"x" * 1048577 + b"\r\n",
        ]
        with nodes.a.client() as on_a, nodes.b.client() as on_b:
            on_a.set(b"kept", OLD)
            nodes.wait_until_at_rest()
            before = on_b.gets(b"kept")
            for request in refused:
                with nodes.a.client() as speaker:
                    speaker.send(request.replace(b"{k}", b"kept") + b"mn\r\nquit\r\n")
                    speaker.rest()
            nodes.wait_until_at_rest()
            for client in (on_a, on_b):
                self.assertEqual(client.gets(b"kept"), before)
                self.assertIsNone(client.get(b"absent"))


if __name__ == "__main__":
    main()
