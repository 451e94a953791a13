"""What a history must satisfy, and what both nodes may hold when everything is at rest.

Each function returns sentences about what is wrong; none is good. test_checkers.py gives each of
them histories that are wrong, for a checker that cannot fail proves nothing."""
from chaos.history import NEVER

SHOWN = 10


def check_rest(history, held, misses_allowed=False):
    """`held`: {node: {key: (value, cas)}} of both nodes, linked and without anything to say.

    `misses_allowed`: there were evictions, or more changes than a log holds; then either node may
    have forgotten anything (P6, P7). It may never hold what is older (P2)."""
    problems = []
    for key, operations in history.by_key().items():
        surviving = [each for each in operations if each.answered and not history.is_excused(each)]
        present = {node: items[key] for node, items in held.items() if key in items}
        for node, (value, cas) in present.items():
            problems += [f"{node}, {key.decode()}: {problem}"
                         for problem in _stale(operations, surviving, value, cas)]
        if len(set(present.values())) > 1:
            problems.append(f"{key.decode()}: the nodes differ: {_short(present)}")
        if not misses_allowed:
            if present and len(present) < len(held):
                problems.append(f"{key.decode()}: only on {', '.join(present)}")
            if not present and _must_be_there(operations, surviving):
                problems.append(f"{key.decode()}: lost, {_story(operations)}")
    return problems[:SHOWN]


def _short(present):
    return {node: (value[:40], cas) for node, (value, cas) in present.items()}


def _story(operations):
    return "; ".join(f"{each.kind} on {each.node} by {each.worker} at {each.start:.3f}, "
                     f"{'cas %s' % each.cas if each.answered else 'unanswered'}"
                     for each in operations if each.kind != "read")[-400:]


def _stale(operations, surviving, value, cas):
    written = [each for each in operations if each.kind == "set" and each.value == value]
    if not written:
        yield f"a value that nobody wrote: {value[:60]!r}"
        return
    if written[0].cas is not None and written[0].cas != cas:
        yield f"{value[:40]!r} has CAS {cas}, was stored with {written[0].cas}"
    for each in surviving:
        if each.kind == "set" and each.cas > cas:
            yield f"holds {cas}, newer is {each.cas} of {each.worker}"
            return
        if each.kind in ("delete", "flush") and _was_seen_before(operations, each, cas):
            yield f"{cas} is alive, and was deleted by a {each.kind} of {each.worker}"
            return


def _was_seen_before(operations, removal, cas):
    """Whether the node of this removal had this version, or a newer one, when it began."""
    return any(each.cas is not None and each.cas >= cas and each.node == removal.node and
               each.incarnation == removal.incarnation and each.end < removal.start
               for each in operations)


def _must_be_there(operations, surviving):
    """Whether some write survived that no delete can be newer than."""
    removals = [each for each in operations if each.kind in ("delete", "flush")]
    return any(each.kind == "set" and all(_is_older(removal, each) for removal in removals)
               for each in surviving)


def _is_older(removal, write):
    return (removal.node == write.node and removal.incarnation == write.incarnation and
            removal.end < write.start)


def check_monotone(history):
    """On one node, within the life of one process, no client ever sees a key become older."""
    problems = []
    for key, operations in history.by_key().items():
        places = {}
        for each in operations:
            if each.cas is not None and each.answered:
                places.setdefault((each.node, each.incarnation), []).append(each)
        for place, seen in places.items():
            problems += _went_back(key, place, seen)
    return problems[:SHOWN]


def _went_back(key, place, seen):
    """`seen` by start. An operation is held against those that had ended before it began."""
    ends = sorted(seen, key=lambda each: each.end)
    newest, at = None, 0
    for each in seen:
        while at < len(ends) and ends[at].end < each.start:
            if newest is None or ends[at].cas > newest.cas:
                newest = ends[at]
            at += 1
        if newest is not None and each.cas < newest.cas:
            yield (f"{place[0]}, {key.decode()}: {each.kind} of {each.worker} gave {each.cas} "
                   f"after {newest.kind} of {newest.worker} gave {newest.cas}")
            return


def acknowledged_and_lost(history, held):
    """Writes that were answered and are nowhere: neither they nor anything newer.

    Only of keys that are written once, and never deleted."""
    there = set()
    for items in held.values():
        there.update(items)
    return [each for each in history.operations
            if each.kind == "set" and each.answered and each.key not in there]


def values_are_whole(history):
    """Every value that was read is one that somebody wrote, byte for byte."""
    problems = []
    for key, operations in history.by_key().items():
        written = {each.value for each in operations if each.kind == "set"}
        problems += [f"{key.decode()}: {each.value[:60]!r} was read and never written"
                     for each in operations if each.kind == "read" and each.answered and
                     each.value is not None and each.value not in written]
    return problems[:SHOWN]


def check_all(history, held, misses_allowed=False):
    assert all(each.end != NEVER for each in history.operations if each.answered)
    return (check_rest(history, held, misses_allowed) + check_monotone(history) +
            values_are_whole(history))
