#!/usr/bin/python3
"""The suite's arithmetic, its file and its page, of rows that were made up: nothing is measured."""
import contextlib
import io
import json
import os
import re
import sys
import tempfile
import types
import unittest
from xml.etree import ElementTree

import suite
from beside import peers, turns
from measuring import Failed
from beside.results import Results
from beside.workloads import WORKLOADS
from speed_page import goals, pictures, tables, verdicts
from speed_page.limits import limit_of
import performance_page

NAMES = [each.name for workloads in WORKLOADS.values() for each in workloads]


def row(workload, peer="memcached", group="requests", **ratios):
    """Of two windows of ours each between two of theirs; a ratio for each figure."""
    ratios = ratios or {"us": 0.5}
    taken = {peer: [dict.fromkeys(ratios, 2.0)] * 3,
             "twincached": [{name: 2.0 * ratio for name, ratio in ratios.items()}] * 2}
    found = turns.rows_of(group, workload, taken, ratios)[0]
    return {**found, "user_part": {"ours": 0.2, "peer": 0.3}} if "us" in ratios else found


def run(command="all of it", others=0.0):
    return {"date": "2026-01-01", "commit": "abc", "kernel": "6", "cpu": "some", "cores": 2,
            "memory_gib": 24, "others": others, "command": command, "versions": {"redis": "redis 7"}}


class Turns(unittest.TestCase):
    def test_a_window_is_compared_with_those_before_and_behind_it(self):
        self.assertEqual(turns.ratios([2, 3], [1, 3, 9]), [1.0, 0.5])

    def test_a_machine_that_drifts_does_not_change_the_ratio(self):
        theirs = [1.0 + step for step in range(10)]
        ours = [0.8 * (before + after) / 2 for before, after in zip(theirs, theirs[1:])]
        cell = turns.cell(ours, theirs)
        for name in ("ratio", "low", "high"):
            self.assertAlmostEqual(cell[name], 0.8)

    def test_as_many_windows_of_both_are_compared_one_by_one(self):
        self.assertEqual(turns.cell([3], [6])["ratio"], 0.5)

    def test_the_interval_holds_the_median_and_is_wide_where_windows_differ(self):
        cell = turns.cell([1, 2, 3, 2, 1, 3, 2], [2] * 8)
        self.assertLess(cell["low"], cell["ratio"])
        self.assertGreater(cell["high"], cell["ratio"])

    def test_each_window_of_ours_stands_between_two_of_every_other(self):
        order = []
        taken = turns.by_turns({"a": "A", "b": "B", "ours": "O"}, 2,
                               lambda server, number: order.append(f"{server}{number}") or number)
        self.assertEqual(order, ["A0", "B0", "O0", "A1", "B1", "O1", "A2", "B2"])
        self.assertEqual(taken, {"a": [0, 1, 2], "b": [0, 1, 2], "ours": [0, 1]})

    def test_a_peer_that_fails_is_left_out_and_the_others_go_on(self):
        def window(server, number):
            if server == "B" and number == 1:
                raise Failed("no more")
            return number
        with contextlib.redirect_stderr(io.StringIO()) as said:
            taken = turns.by_turns({"a": "A", "b": "B", "ours": "O"}, 2, window)
        self.assertEqual(taken, {"a": [0, 1, 2], "ours": [0, 1]})
        self.assertEqual(said.getvalue(), "b is left out: no more\n")

    def test_ours_may_not_fail(self):
        def window(server, _):
            raise Failed(server)
        with contextlib.redirect_stderr(io.StringIO()), self.assertRaisesRegex(Failed, "O"):
            turns.by_turns({"a": "A", "ours": "O"}, 2, window)

    def test_less_is_better_but_of_what_there_should_be_more(self):
        self.assertTrue(turns.is_ours_better("us", 0.9))
        self.assertFalse(turns.is_ours_better("us", 1.1))
        self.assertTrue(turns.is_ours_better("items", 1.1))
        self.assertFalse(turns.is_ours_better("per_second", 0.9))


class Choice(unittest.TestCase):
    def chosen(self, held=None, **arguments):
        """{group: names of its workloads}."""
        settings = types.SimpleNamespace(**{"quick": False, "only": None, "missing": False,
                                            **arguments})
        held = held or types.SimpleNamespace(complete=[], workloads=set)
        return {group.name: [each.name for each in group.chosen]
                for group in suite.groups_of(settings, held)}

    def test_all_of_it_is_every_group(self):
        self.assertEqual(list(self.chosen()), [*WORKLOADS, *suite.OTHERS])

    def test_quick_is_less(self):
        quick = self.chosen(quick=True)
        self.assertIn("get, one a packet", quick["requests"])
        self.assertNotIn("replication", quick)
        self.assertLess(sum(map(len, quick.values())), len(NAMES) / 2)

    def test_only_names_groups_or_words_of_workloads(self):
        self.assertEqual(list(self.chosen(only=["tls"])), ["tls"])
        self.assertEqual(list(self.chosen(only=["replication"])), ["replication"])
        self.assertEqual(self.chosen(only=["1 MB"]), {"values": ["get of 1 MB", "set of 1 MB"]})

    def test_what_is_there_is_not_missing(self):
        held = types.SimpleNamespace(complete=["memory"], workloads=lambda: set(NAMES) - {
            "get of 1 MB"})
        missing = self.chosen(held, missing=True)
        self.assertEqual(missing.pop("values"), ["get of 1 MB"])
        self.assertEqual(set(missing), set(suite.OTHERS) - {"memory"})

    def test_a_peer_is_asked_what_it_speaks(self):
        by_name = {each.name: each for workloads in WORKLOADS.values() for each in workloads}
        speakers = {name: [peer.name for peer in peers.PEERS if peer.takes(by_name[name])]
                    for name in ("get, one a packet", "meta get, one a packet",
                                 "handshake and a get", "get, one a packet, 2 threads")}
        self.assertEqual(list(speakers.values()),
                         [["memcached", "yrmcds", "redis"], ["memcached"], ["memcached", "redis"],
                          ["memcached", "yrmcds"]])

    def test_what_has_no_store_is_asked_for_gets_of_one_size_alone(self):
        for each in [each for workloads in WORKLOADS.values() for each in workloads]:
            if peers.FLOOR.takes(each):
                self.assertNotRegex(each.load, "--get-ratio|--keys-per-get|--meta|--reconnect")
                self.assertEqual((each.value, each.tls, each.threads), (100, False, 1))

    def test_names_of_workloads_are_all_different(self):
        self.assertEqual(len(NAMES), len(set(NAMES)))


class File(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "suite.json")

    def held(self):
        with open(self.path) as file:
            return json.load(file)

    def test_a_run_of_a_group_leaves_the_rows_of_others(self):
        Results(self.path, run("first")).add([row("a"), row("b"), row("b", "redis")])
        Results(self.path, run("second")).add([row("b", us=0.9), row("c")])
        held = self.held()
        commands = [held["runs"][each["run"]]["command"] for each in held["rows"]]
        self.assertEqual([(each["workload"], each["peer"]) for each in held["rows"]],
                         [("a", "memcached"), ("b", "memcached"), ("b", "redis"),
                          ("c", "memcached")])
        self.assertEqual(commands, ["first", "second", "first", "second"])
        self.assertAlmostEqual(held["rows"][1]["figures"]["us"]["ratio"], 0.9)

    def test_a_run_that_has_no_rows_left_is_forgotten(self):
        Results(self.path, run("first")).add([row("a")])
        second = Results(self.path, run("second"))
        second.add([row("a")])
        second.add([row("b")])
        held = self.held()
        self.assertEqual([each["command"] for each in held["runs"]], ["second"])
        self.assertEqual([each["run"] for each in held["rows"]], [0, 0])

    def test_a_new_file_forgets_the_old_one(self):
        Results(self.path, run()).add([row("a")])
        Results(self.path, run(), is_new=True).add([row("b")])
        self.assertEqual([each["workload"] for each in self.held()["rows"]], ["b"])

    def test_what_was_measured_before_an_interruption_is_there(self):
        results = Results(self.path, run())
        results.add([row("a")])
        again = Results(self.path, run())
        self.assertEqual((again.workloads(), again.complete), ({"a"}, []))
        results.end("requests")
        self.assertEqual(Results(self.path, run()).complete, ["requests"])


class Page(unittest.TestCase):
    def made(self, rows, others=0.0):
        """(the page, {name of a picture: its text}), as the program makes them."""
        with tempfile.TemporaryDirectory() as directory:
            paths = [os.path.join(directory, name) for name in ("suite.json", "misses.json")]
            with open(paths[0], "w") as file:
                json.dump({"runs": [run(others=others)], "complete": [],
                           "rows": [{**each, "run": 0} for each in rows]}, file)
            with open(paths[1], "w") as file:
                file.write("")
            words, sys.argv = sys.argv, ["page", *paths, "--into", directory]
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    performance_page.main()
            finally:
                sys.argv = words
            with open(os.path.join(directory, "PERFORMANCE.md")) as file:
                page = file.read()
            folder = os.path.join(directory, "pictures")
            shown = {}
            for name in os.listdir(folder):
                with open(os.path.join(folder, name)) as file:
                    shown[name] = file.read()
            return page, shown

    def every_row(self):
        rows = []
        for group, workloads in WORKLOADS.items():
            for each in workloads:
                for peer in (*peers.PEERS, peers.FLOOR):
                    if peer.takes(each):
                        rows.append(row(each.name, peer.name, group,
                                        **dict.fromkeys(each.figures, 0.5)))
        return rows + [row("10,000 idle connections", group="idle", connection_bytes=0.7),
                       row("1 items of 32 B", group="memory", item_bytes=0.4),
                       row("cost of replication, x", "redis", "replication", us_alone=0.5,
                           us_node=0.5, us_other=0.5)]

    def test_every_line_of_a_table_has_as_many_cells_and_every_row_a_limit(self):
        page, shown = self.made(self.every_row())
        for block in re.findall(r"(?m)(?:^\|.*\n)+", page):
            widths = {line.count("|") for line in block.splitlines()}
            self.assertEqual(len(widths), 1, block)
        for name in NAMES:
            self.assertTrue(limit_of(name), name)
            self.assertIn(f"| {name} |", page)
        for name in ("10,000 items of 32 B", "items of 32 B within 64 MiB"):
            self.assertIn("header of an item", limit_of(name))
        self.assertIn("record", limit_of("cost of replication, sets, one a packet"))
        self.assertEqual(sorted(shown), sorted(performance_page.PICTURES))
        for name, text in shown.items():
            ElementTree.fromstring(text)
            self.assertIn(f"](pictures/{name})", page)

    def test_a_peer_that_was_better_is_named(self):
        rows = [row("a", "redis", us=1.2), row("b", us=0.8), row("c", items=0.9)]
        said = verdicts.better({"runs": [run()], "rows": rows})
        self.assertEqual(len(said), 2)
        self.assertIn("**redis**, a, µs of CPU a request", said[0])
        self.assertIn("**memcached**, c, items that stay", said[1])
        self.assertNotIn("chance", said[0])

    def test_a_goal_is_reached_or_missed_by_so_much(self):
        (get, figure), wanted = next(iter(goals.RATIOS.items()))
        rows = [row(get, **{figure: wanted * 1.1}), row(get, "floor", **{figure: 1.25}),
                row("items of 32 B within 64 MiB", items=1.65)]
        lines = goals.lines_for({"rows": rows})
        self.assertIn("missed by 10%", lines[2])
        self.assertIn("`floor`, has 0.70", lines[2])
        self.assertIn("at least 1.65 | 1.65 | reached |", lines[3])
        self.assertEqual(len(lines), 4)
        self.assertEqual(goals.lines_for({"rows": []}), [])

    def test_every_goal_is_of_a_row_that_is_measured(self):
        others = ("items of", "idle connections", "start of an empty server")
        for workload, figure in (*goals.RATIOS, *goals.OWN):
            self.assertIn(figure, turns.FIGURES)
            self.assertTrue(workload in NAMES or any(each in workload for each in others), workload)

    def test_what_no_server_can_go_below_is_no_peer(self):
        rows = [row("a", "floor", us=1.25), row("a", us=1.0)]
        self.assertEqual(verdicts.better({"runs": [run()], "rows": rows}),
                         ["In no row of these was a peer better."])
        self.assertEqual(verdicts.median_ratios(rows), "1.00 to memcached")
        self.assertEqual(tables.peers_of(rows), ["memcached", "floor"])
        self.assertIn("memcached's CPU it needs 0.80 (a).", " ".join(verdicts.floors({"rows": rows})))
        self.assertEqual(verdicts.floors({"rows": rows[1:]}), [])

    def test_what_may_be_chance_says_so(self):
        one = row("a", us=1.1)
        one["figures"]["us"]["low"] = 0.95
        self.assertIn("chance", verdicts.better({"runs": [run()], "rows": [one]})[0])

    def test_of_a_busy_machine_no_throughput_is_told(self):
        rows = [row("get, one a packet", us=0.5, per_second=0.7)]
        self.assertEqual(verdicts.better({"runs": [run(others=3)], "rows": rows}),
                         ["In no row of these was a peer better."])
        self.assertIn("others used it", self.made(rows, others=3)[0])
        self.assertIn("0.70", self.made(rows)[0])

    def test_a_handshake_is_what_is_left_without_its_get(self):
        rows = [row("handshake and a get", us=0.75), row("get over TLS, one a packet", us=0.5)]
        rows[0]["figures"]["us"].update(ours=100, peer=200)
        rows[1]["figures"]["us"].update(ours=10, peer=20)
        self.assertIn("is 90 µs here and 180 with memcached: 0.50.",
                      verdicts.handshake({"rows": rows}))

    def test_replication_is_compared_with_a_set_without_it(self):
        made = row("cost of replication, x", "redis", us_alone=1, us_node=1, us_other=1)
        for name, ours, theirs in (("us_alone", 5, 8), ("us_node", 6, 16), ("us_other", 2, 4)):
            made["figures"][name].update(ours=ours, peer=theirs)
        self.assertEqual(verdicts.cost_of_replication({"rows": [made]}),
                         ["- x: the node that is written to spends 1.20 times what it spends alone, "
                          "redis 2.00 times; both nodes together 8 µs a set, redis's 20."])

    def test_a_bar_beyond_the_paper_ends_at_its_edge(self):
        drawn = pictures.bars([row("a", us=9)], "us", "memcached", "CPU")
        bar = ElementTree.fromstring(drawn).findall("{http://www.w3.org/2000/svg}rect")[1]
        self.assertLessEqual(int(bar.get("x")) + int(bar.get("width")), pictures.WIDTH)
        self.assertIn("9.00", drawn)

    def test_rows_of_several_runs_stand_in_the_tables_order(self):
        rows = [row(NAMES[1]), row("unknown"), row(NAMES[0])]
        self.assertEqual([each["workload"] for each in tables.in_order(rows)],
                         [NAMES[0], NAMES[1], "unknown"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
