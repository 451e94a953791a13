"""The lines of failures that only a process can meet: what happened, to whom, since when and what
follows. Those of the link alone are in told_failures_test.cpp."""
import os
import re
import socket

from harness import Case, main, until
from harness.certificates import Authority


class Told(Case):
    def assert_told(self, node, line):
        pattern = re.compile(r"(?m)^\S+ " + line + "$")
        until(lambda: pattern.search(node.process.log()), 5, f"the log says: {line}")

    def test_clients_beyond_the_limit_are_told_of_once(self):
        node = self.node("-c", "20").start()
        crowd = [socket.create_connection(node.address) for _ in range(30)]
        for one in crowd:
            self.addCleanup(one.close)
        line = r"warning all 20 places for clients \(connections, -c\) are taken: 1 turned away"
        self.assert_told(node, line)
        self.assertEqual(len(re.findall(line, node.process.log())), 1)

    def test_a_memory_file_that_is_none_is_refused_and_said(self):
        path = os.path.join(self.directory, "items")
        with open(path, "wb") as file:
            file.write(b"no items" * 4096)
        node = self.node("-e", path).start()
        self.assert_told(node, rf"warning memory file {path}: .* it is {path}\.unknown now, "
                               "starting empty")

    def test_tls_on_one_node_alone_is_told_by_both(self):
        own = Authority(self.directory).issue("a")
        tls = ["--link-tls", "--link-tls-certificate", own.cert, "--link-tls-key", own.key,
               "--link-tls-peer-fingerprint", own.fingerprint()]
        a = self.node("--node=a", "--boot-grace=300ms", *tls, name="a", host=1,
                      peer=self.addresses.host(2)).start()
        b = self.node("--node=b", "--boot-grace=300ms", name="b", host=2,
                      peer=self.addresses.host(1)).start()
        apart = r"no data is exchanged until that is put right"
        self.assert_told(a, r"error link: \w+ -> REFUSED: .* node b \(\S+\) speaks none, .*")
        self.assert_told(a, rf"error link: \w+ -> REFUSED: .*\(tls of \[replication\]\); {apart}")
        self.assert_told(b, rf"error link: \w+ -> REFUSED: .*\(tls of \[replication\]\); {apart}")
        # Who was there first serves since before it knew of the other.
        self.assert_told(b, r"error serving alone as primary: .*\(tls of \[replication\]\)")


if __name__ == "__main__":
    main()
