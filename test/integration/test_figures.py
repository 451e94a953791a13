"""What a running server tells of itself is what docs/OBSERVING.md says it tells."""
import os
import re
import ssl

from harness import Case, main
from harness.certificates import Authority
from test_tls import TlsClient

_DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                         *[os.pardir] * 2, "docs", "OBSERVING.md")


def documented(*places):
    """The names in these places of the document."""
    with open(_DOCUMENT) as file:
        text = file.read()
    names = set()
    for place in places:
        found = re.search(rf"<!-- figures: {place} -->\n(.*?)<!-- end -->", text, re.DOTALL)
        lines = found.group(1).splitlines()
        for line in lines:
            cell = line.split("|")[1] if line.startswith("|") else line
            names.update(re.findall(r"`(\w+)`", cell))
    return names


class Figures(Case):
    needs_replication = True

    def test_stats_of_a_server_with_all_it_can_have_are_those_of_the_document(self):
        authority = Authority(self.directory)
        own = authority.issue("cache")
        node = self.node("-Z", "-o", f"ssl_chain_cert={own.cert},ssl_key={own.key}",
                         "-o", "ssl_session_cache,idle_timeout=60").start()
        context = ssl.create_default_context(cafile=authority.cert)
        with TlsClient(node.address, context) as client:
            told = {name for name in client.stats() if not name.startswith("repl_")}
        self.assertEqual(told, documented("process", "server", "commands", "store",
                                          "zeroes of stats"))

    def test_stats_without_tls_and_time_outs_lack_only_what_the_document_says_they_lack(self):
        node = self.node().start()
        with node.client() as client:
            told = {name for name in client.stats() if not name.startswith("repl_")}
        self.assertEqual(documented("process", "server", "commands", "store", "zeroes of stats")
                         - told, {"idle_kicks", "ssl_new_sessions", "ssl_handshake_errors",
                                  "ssl_proto_errors", "time_since_server_cert_refresh"})

    def test_stats_items_and_slabs_are_those_of_the_document(self):
        node = self.node().start()
        with node.client() as client:
            client.set(b"key", b"value")
            items = {name.split(":")[-1] for name in client.stats(b"items")}
            slabs = {name.split(":")[-1] for name in client.stats(b"slabs")}
        self.assertEqual(items, documented("items", "zeroes of stats items"))
        self.assertEqual(slabs, documented("slabs"))

    def test_stats_conns_are_those_of_the_document(self):
        node = self.node("-U", str(self.client_port)).start()
        with node.client() as client:
            conns = {name.split(":")[-1] for name in client.stats(b"conns")}
        self.assertEqual(conns, documented("conns"))

    def test_stats_replication_of_a_pair_are_those_of_the_document(self):
        nodes = self.pair().start()
        for node in nodes:
            with node.client() as client:
                self.assertEqual(set(client.stats(b"replication")), documented("replication"))


if __name__ == "__main__":
    main()
