"""The checkers themselves: histories that are wrong must be found out, good ones must pass."""
import time
import unittest

import chaos  # noqa: F401 pylint: disable=unused-import
from chaos.checkers import acknowledged_and_lost, check_monotone, check_rest, values_are_whole
from chaos.history import History, Operation
from chaos.linearizable import is_linearizable
from chaos.load import value_of


class Told:
    """A history told in a row: each operation begins when the one before has ended."""

    def __init__(self):
        self.history = History()
        self.now = 0

    def add(self, kind, value=None, cas=None, node="a", answered=True, key=b"k", overlaps=0):
        start = self.now + 1 - overlaps * 2
        self.now += 2
        end = self.now if answered else float("inf")
        self.history.add(Operation("w", node, 1, kind, key, value, cas, start, end, answered))
        return self


def held(a=None, b=None):
    return {"a": {b"k": a} if a else {}, "b": {b"k": b} if b else {}}


class RestTest(unittest.TestCase):

    def test_the_newest_write_on_both_nodes_is_good(self):
        told = Told().add("set", b"1", 10).add("set", b"2", 20, node="b")
        self.assertEqual(check_rest(told.history, held((b"2", 20), (b"2", 20))), [])

    def test_an_older_write_on_both_nodes_is_found(self):
        told = Told().add("set", b"1", 10).add("set", b"2", 20, node="b")
        self.assertTrue(check_rest(told.history, held((b"1", 10), (b"1", 10)), True))

    def test_nodes_that_hold_different_values_are_found(self):
        told = Told().add("set", b"1", 10).add("set", b"2", 20, answered=False)
        self.assertTrue(check_rest(told.history, held((b"1", 10), (b"2", 20)), True))

    def test_a_deleted_item_that_is_alive_is_found(self):
        told = Told().add("set", b"1", 10).add("delete")
        self.assertTrue(check_rest(told.history, held((b"1", 10), (b"1", 10)), True))

    def test_a_flushed_item_that_is_alive_is_found(self):
        told = Told().add("set", b"1", 10).add("flush", key=b"")
        self.assertTrue(check_rest(told.history, held((b"1", 10), (b"1", 10)), True))

    def test_an_item_that_was_only_read_before_its_delete_is_found(self):
        told = Told().add("set", b"1", 10).add("read", b"1", 10, node="b").add("delete", node="b")
        self.assertTrue(check_rest(told.history, held((b"1", 10), (b"1", 10)), True))

    def test_a_delete_on_the_other_node_may_have_been_older(self):
        told = Told().add("set", b"1", 10).add("delete", node="b")
        self.assertEqual(check_rest(told.history, held((b"1", 10), (b"1", 10))), [])
        self.assertEqual(check_rest(told.history, held()), [])

    def test_a_value_that_nobody_wrote_is_found(self):
        told = Told().add("set", b"1", 10)
        self.assertTrue(check_rest(told.history, held((b"!", 10), (b"!", 10)), True))

    def test_a_value_under_anothers_version_is_found(self):
        told = Told().add("set", b"1", 10)
        self.assertTrue(check_rest(told.history, held((b"1", 11), (b"1", 11)), True))

    def test_a_write_that_is_nowhere_is_found_unless_misses_are_allowed(self):
        told = Told().add("set", b"1", 10)
        self.assertTrue(check_rest(told.history, held()))
        self.assertEqual(check_rest(told.history, held(), misses_allowed=True), [])

    def test_an_item_on_one_node_only_is_found_unless_misses_are_allowed(self):
        told = Told().add("set", b"1", 10)
        self.assertTrue(check_rest(told.history, held((b"1", 10))))
        self.assertEqual(check_rest(told.history, held((b"1", 10)), misses_allowed=True), [])

    def test_what_died_with_its_node_is_excused_and_nothing_else(self):
        told = Told().add("set", b"1", 10).add("set", b"2", 20)
        told.history.excuse("a", since=3.5, until=5)
        self.assertEqual(check_rest(told.history, held((b"1", 10), (b"1", 10))), [])
        told.history.excuses.clear()
        told.history.excuse("b", since=0, until=5)
        self.assertTrue(check_rest(told.history, held((b"1", 10), (b"1", 10))))

    def test_a_lost_write_of_a_key_written_once_is_counted(self):
        told = Told().add("set", b"1", 10).add("set", b"2", 20, key=b"other")
        self.assertEqual(len(acknowledged_and_lost(told.history, held((b"1", 10)))), 1)


class MonotoneTest(unittest.TestCase):

    def test_versions_that_rise_are_good(self):
        told = Told().add("set", b"1", 10).add("read", b"1", 10).add("read").add("read", b"2", 20)
        self.assertEqual(check_monotone(told.history), [])

    def test_a_read_that_goes_back_is_found(self):
        told = Told().add("read", b"2", 20).add("read", b"1", 10)
        self.assertTrue(check_monotone(told.history))

    def test_a_read_older_than_an_own_write_is_found(self):
        told = Told().add("set", b"2", 20).add("read", b"1", 10)
        self.assertTrue(check_monotone(told.history))

    def test_what_overlaps_or_happens_elsewhere_is_not_compared(self):
        told = Told().add("read", b"2", 20).add("read", b"1", 10, overlaps=1)
        told.add("read", b"1", 10, node="b")
        self.assertEqual(check_monotone(told.history), [])

    def test_a_value_of_two_halves_is_found(self):
        one, two = value_of("w", 1, b"k", 300), value_of("w", 2, b"k", 300)
        told = Told().add("set", one, 10).add("set", two, 20).add("read", one[:150] + two[150:], 20)
        self.assertTrue(values_are_whole(told.history))


class LinearizableTest(unittest.TestCase):

    @staticmethod
    def _holds(told):
        return is_linearizable(told.history.operations)

    def test_reads_of_the_last_write_are_good(self):
        self.assertTrue(self._holds(Told().add("read").add("set", b"1").add("read", b"1")
                                    .add("delete").add("read")))

    def test_a_stale_read_is_found(self):
        self.assertFalse(self._holds(Told().add("set", b"1").add("set", b"2").add("read", b"1")))

    def test_a_lost_write_is_found(self):
        self.assertFalse(self._holds(Told().add("set", b"1").add("read")))

    def test_two_reads_that_disagree_about_an_order_are_found(self):
        told = Told().add("set", b"1", answered=False).add("set", b"2", answered=False)
        told.add("read", b"1").add("read", b"2")
        self.assertTrue(self._holds(told))
        self.assertFalse(self._holds(told.add("read", b"1")))

    def test_concurrent_writes_may_take_either_order(self):
        for last in (b"1", b"2"):
            told = Told().add("set", b"1").add("set", b"2", overlaps=1).add("read", last)
            self.assertTrue(self._holds(told))

    def test_an_unanswered_write_may_come_late_or_never(self):
        told = Told().add("set", b"1").add("set", b"2", answered=False).add("read", b"1")
        self.assertTrue(self._holds(told))
        self.assertTrue(self._holds(told.add("read", b"2")))
        self.assertFalse(self._holds(told.add("read", b"1")))

    def test_a_thousand_operations_take_no_time(self):
        told = Told()
        for n in range(500):
            told.add("set", b"%d" % n, overlaps=n % 2).add("read", b"%d" % n)
        began = time.monotonic()
        self.assertTrue(self._holds(told))
        self.assertLess(time.monotonic() - began, 5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
