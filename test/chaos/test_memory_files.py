"""Nodes that come back with a memory: their own, an old one, another's (REPLICATION.md, section 17).

A virtual machine that is set back to a snapshot cannot be acted out by a process; a node that
starts from an old copy of its memory file can, and it is the same thing: a state that was true
once, with all that the node then knew of its peer."""
import os
import shutil

import chaos  # noqa: F401 pylint: disable=unused-import
from chaos.case import ChaosCase
from harness import main

FORGOTTEN = "forgotten"


class MemoryFiles(ChaosCase):

    def setUp(self):
        super().setUp()
        nodes = self.machines()
        for node in nodes:
            node.arguments = ["-e", self._file(node)]
        nodes.start()

    def _file(self, node):
        return os.path.join(self.directory, f"{node.name}.memory")

    def _end(self, node):
        """An orderly stop, which saves."""
        self.assertEqual(node.stop(), 0)

    def _copy(self, node):
        """What the node's file holds now, for later. REQUIRES: it has ended in order."""
        copy = self._file(node) + ".old"
        shutil.copy(self._file(node), copy)
        return copy

    def _set_back(self, node, copy):
        """The node dies, and starts with what it had when the copy was taken."""
        if node.process.is_running():
            self.kill(node)
        shutil.copy(copy, self._file(node))
        node.launch()

    def _last_log(self, node):
        return self.log_of(node).rsplit("$ ", 1)[1]

    def test_a_node_that_comes_back_with_its_memory_is_told_what_it_missed(self):
        """Row: clean restart. Nothing is compared, deletes that it slept through are exact."""
        nodes = self.nodes
        resyncs = [node.number("resyncs") for node in nodes]
        with self.load(deletes=0.3):
            for node in (nodes.b, nodes.a, nodes.b):
                self.wait_until_written(node, 100)
                self._end(node)
                self.wait_until_written(nodes.other(node), 150)
                node.start()
                self.assertNotIn(FORGOTTEN, self._last_log(node))
                nodes.wait_until_linked()
        self.check()
        for node, before in zip(nodes, resyncs):
            self.assertLessEqual(node.number("resyncs"), before)
            self.assertEqual(node.number("dropped_in_doubt"), 0)

    def test_a_node_set_back_to_an_old_memory_forgets_it_and_lies_to_nobody(self):
        """Row: VM snapshot rollback. Its peer has moved on, deletes are long acknowledged."""
        nodes = self.nodes
        with self.load(deletes=0.3):
            self.wait_until_written(nodes.b, 150)
            self._end(nodes.b)
            copy = self._copy(nodes.b)
            nodes.b.start()
            self.wait_until_written(nodes.b, 150)
            for _ in range(2):  # the second time it is set back past its being set back
                self._set_back(nodes.b, copy)
                nodes.b.wait_until_open()
                self.assertIn(FORGOTTEN, self._last_log(nodes.b))
                self.wait_until_linked(5, "set back")
                self.wait_until_written(nodes.b, 100)
        self.check()

    def test_a_node_set_back_to_when_it_was_alone_forgets_it(self):
        """Row: VM snapshot rollback, to a state in which nobody was there to confirm anything."""
        nodes = self.nodes
        with self.load(deletes=0.3):
            self.wait_until_written(nodes.b, 100)
            self._end(nodes.a)
            self.wait_until_written(nodes.b, 100)
            self._end(nodes.b)
            copy = self._copy(nodes.b)
            nodes.b.start()
            self.assertNotIn(FORGOTTEN, self._last_log(nodes.b))
            nodes.a.start()
            nodes.wait_until_linked()
            self.wait_until_written(nodes.a, 150)
            self._set_back(nodes.b, copy)
            nodes.b.wait_until_open()
            self.assertIn(FORGOTTEN, self._last_log(nodes.b))
            self.wait_until_written(nodes.b, 100)
        self.check()

    def test_a_node_set_back_behind_a_cut_serves_none_of_it(self):
        """Row: VM snapshot rollback and partition: nobody can confirm, so nothing is believed."""
        nodes = self.nodes
        with self.load(deletes=0.3):
            self.wait_until_written(nodes.b, 100)
            self._end(nodes.b)
            copy = self._copy(nodes.b)
            nodes.b.start()
            self.wait_until_written(nodes.b, 150)
            self.cut()
            self._set_back(nodes.b, copy)
            nodes.b.wait_until_open()
            self.assertIn(FORGOTTEN, self._last_log(nodes.b))
            for node in nodes:
                self.wait_until_written(node, 100)
            self.heal()
            self.wait_until_linked(5, "healed")
        self.check()

    def test_a_copy_of_the_other_nodes_memory_is_refused(self):
        """Row: VM clone: two nodes of one memory."""
        nodes = self.nodes
        with self.load():
            self.wait_until_written(nodes.a, 100)
            self._end(nodes.a)
            copy = self._copy(nodes.a)
            nodes.a.start()
            self.wait_until_written(nodes.a, 100)
            self._set_back(nodes.b, copy)
            nodes.b.wait_until_open()
            self.assertIn("another kind of node", self._last_log(nodes.b))
            self.wait_until_written(nodes.b, 100)
        self.check()


if __name__ == "__main__":
    main()
