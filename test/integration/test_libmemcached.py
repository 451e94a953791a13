"""libmemcached's tools: memccapable, which tries 54 things in both dialects, and those that people
use by hand. Client libraries are tried in test/clients."""
import os
import re
import subprocess

from harness import Case, Relay, main, until, world

CAPABILITIES = 54


class Tools(Case):
    def setUp(self):
        super().setUp()
        self.server = self.node().start()
        self.at = "{}:{}".format(*self.server.address)

    def _tool(self, *words, given=None):
        return subprocess.run(words, input=given, capture_output=True, text=True,
                              timeout=world.scaled(30))

    def _is_capable(self, address):
        host, port = address
        ended = self._tool("memccapable", "-h", host, "-p", str(port), "-t", "10")
        passed = re.findall(r"\[pass\]", ended.stdout)
        self.assertEqual(len(passed), CAPABILITIES, ended.stdout + ended.stderr)
        self.assertNotIn("[FAIL]", ended.stdout)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)

    def test_memccapable_passes_whole_over_tcp(self):
        self._is_capable(self.server.address)

    def test_memccapable_passes_whole_over_a_unix_socket(self):
        # It knows no unix sockets: a relay speaks to ours for it.
        path = os.path.join(self.directory, "socket")
        node = self.node("-s", path, name="unix", host=2)
        node.launch()
        until(lambda: os.path.exists(path), 5, "the socket is there")
        front = (self.addresses.host(3), self.client_port)
        relay = Relay(front, path)
        self.addCleanup(relay.stop)
        self._is_capable(front)

    def test_the_tools_that_people_use_by_hand(self):
        servers = f"--servers={self.at}"
        path = f"{self.directory}/file"
        with open(path, "w") as file:
            file.write("content")
        self.assertEqual(self._tool("memccp", servers, path).returncode, 0)
        self.assertEqual(self._tool("memccat", servers, "file").stdout.strip(), "content")
        self.assertEqual(self._tool("memcexist", servers, "file").returncode, 0)
        self.assertEqual(self._tool("memcping", servers).returncode, 0)
        self.assertEqual(self._tool("memctouch", servers, "--expire=100", "file").returncode, 0)
        self.assertEqual(self._tool("memcdump", servers).stdout.split(), ["file"])
        self.assertIn("curr_items", self._tool("memcstat", servers).stdout)
        self.assertEqual(self._tool("memcrm", servers, "file").returncode, 0)
        self.assertNotEqual(self._tool("memcexist", servers, "file").returncode, 0)
        self.assertEqual(self._tool("memcflush", servers).returncode, 0)
        self.assertEqual(self._tool("memcdump", servers).stdout.split(), [])
        slap = self._tool("memcslap", servers, "--concurrency=4", "--execute-number=500")
        self.assertEqual(slap.returncode, 0, slap.stdout + slap.stderr)


if __name__ == "__main__":
    main()
