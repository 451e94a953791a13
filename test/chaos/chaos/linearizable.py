"""Whether the history of one key can be put into an order, one operation at a time, in which each
read gives the value last written, and which agrees with time: what ended before another began
comes before it. The search is Wing and Gong's, with Lowe's memory of states that led nowhere."""

ABSENT = None


def is_linearizable(operations):
    """`operations` of one key: set, delete and read. Unanswered writes may have happened at any
    later time or never; unanswered reads say nothing."""
    relevant = [each for each in operations if each.kind != "read" or each.answered]
    relevant.sort(key=lambda each: each.start)
    return _Search(relevant).run()


class _Search:
    def __init__(self, operations):
        self._operations = operations
        self._ends = [each.end if each.answered else float("inf") for each in operations]
        self._must = frozenset(n for n, each in enumerate(operations) if each.answered)
        self._dead_ends = set()

    def run(self):
        # A stack instead of recursion: histories are longer than Python's stack is deep.
        stack = [(frozenset(range(len(self._operations))), ABSENT)]
        while stack:
            remaining, value = stack.pop()
            if not remaining & self._must:
                return True
            if (remaining, value) in self._dead_ends:
                continue
            self._dead_ends.add((remaining, value))
            stack += self._next_states(remaining, value)
        return False

    def _next_states(self, remaining, value):
        """What may come first: what began before all others have ended."""
        first_end = min(self._ends[n] for n in remaining)
        for n in remaining:
            each = self._operations[n]
            if each.start > first_end:
                continue
            if each.kind == "read":
                if each.value == value:
                    yield remaining - {n}, value
            else:
                yield remaining - {n}, each.value if each.kind == "set" else ABSENT


def violations(history):
    return [f"{key.decode()}: {len(operations)} operations have no order that explains them"
            for key, operations in history.by_key().items() if not is_linearizable(operations)]
