"""The slow comparison of both nodes (scrub-interval) on real nodes: it goes round, also under load,
and never takes a change on its way for a fault."""
import threading

from harness import Case, main, until


class Scrub(Case):
    needs_replication = True

    def rounds_and_faults(self, node):
        stats = node.replication()
        return int(stats["repl_scrub_rounds"]), int(stats["repl_scrub_defects"])

    def test_rounds_go_on_under_load_and_find_no_fault(self):
        nodes = self.pair("--scrub-interval", "1s").start()
        stop = threading.Event()

        def change(node):
            with node.client() as client:
                number = 0
                while not stop.is_set():
                    number += 1
                    key = b"key-%d" % (number % 500)
                    if number % 7 == 0:
                        client.ask(b"delete " + key)
                    elif number % 5 == 0:
                        client.ask(b"touch %s 1000" % key)
                    else:
                        client.set(key, b"value-%d" % number)
        writers = [threading.Thread(target=change, args=(node,)) for node in nodes for _ in "12"]
        for writer in writers:
            writer.start()
        try:
            until(lambda: all(self.rounds_and_faults(node)[0] >= 3 for node in nodes), 30,
                  "three rounds under load")
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        nodes.wait_until_at_rest()
        before = {node.name: self.rounds_and_faults(node)[0] for node in nodes}
        until(lambda: all(self.rounds_and_faults(node)[0] >= before[node.name] + 2
                          for node in nodes), 20, "two rounds at rest")
        for node in nodes:
            stats = node.replication()
            self.assertEqual(stats["repl_scrub_defects"], "0")
            self.assertGreater(int(stats["repl_scrub_compared"]), 65536)

    def test_a_node_that_is_told_not_to_compares_nothing(self):
        nodes = self.pair("--scrub-interval", "0").start()
        compared = nodes.b.replication()["repl_scrub_compared"]
        self.assertEqual(compared, "0")
        self.assertEqual(nodes.a.replication()["repl_scrub_told"], "0")


if __name__ == "__main__":
    main()
