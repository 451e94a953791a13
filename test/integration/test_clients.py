"""Client programs and libraries as Debian ships them, on one node."""
import subprocess

import memcache
from pymemcache.client.base import Client as PyMemcache

from harness import Case, main, world


class Clients(Case):
    def setUp(self):
        super().setUp()
        self.server = self.node().start()
        self.at = "{}:{}".format(*self.server.address)

    def test_python_memcached_does_all_it_can(self):
        client = memcache.Client([self.at], cache_cas=True)
        self.assertTrue(client.set("text", "värde"))
        self.assertEqual(client.get("text"), "värde")
        self.assertTrue(client.set("object", {"a": [1, 2, 3]}, time=100))
        self.assertEqual(client.get("object"), {"a": [1, 2, 3]})
        self.assertEqual(client.set_multi({"m1": 1, "m2": 2}, key_prefix="p-"), [])
        self.assertEqual(client.get_multi(["m1", "m2", "m3"], key_prefix="p-"), {"m1": 1, "m2": 2})
        self.assertTrue(client.set("count", "9"))
        self.assertEqual(client.incr("count"), 10)
        self.assertEqual(client.decr("count", 3), 7)
        self.assertTrue(client.append("text", "!"))
        self.assertFalse(client.add("text", "other"))
        self.assertTrue(client.replace("text", "other"))
        self.assertEqual(client.gets("text"), "other")
        self.assertTrue(client.cas("text", "third"))
        self.assertTrue(client.touch("text", 100))
        self.assertTrue(client.delete("text"))
        self.assertIsNone(client.get("text"))
        self.assertTrue(client.get_stats()[0][1]["version"].startswith("1."))
        client.flush_all()
        self.assertIsNone(client.get("object"))
        client.disconnect_all()

    def test_pymemcache_does_all_it_can(self):
        client = PyMemcache(self.server.address, timeout=5, default_noreply=False)
        self.assertTrue(client.set("k", b"one", expire=100))
        value, token = client.gets("k")
        self.assertEqual(value, b"one")
        self.assertTrue(client.cas("k", b"two", token))
        self.assertFalse(client.cas("k", b"three", token))
        self.assertEqual(client.set_many({"a": b"1", "b": b"2"}), [])
        self.assertEqual(client.get_many(["a", "b", "c"]), {"a": b"1", "b": b"2"})
        self.assertTrue(client.append("a", b"0"))
        self.assertTrue(client.prepend("a", b"3"))
        self.assertEqual(client.incr("a", 1), 311)
        self.assertEqual(client.decr("a", 1000), 0)
        self.assertTrue(client.touch("b", 10))
        self.assertFalse(client.touch("absent", 10))
        self.assertTrue(client.delete("b"))
        self.assertTrue(client.version().startswith(b"1.6"))
        self.assertIn(b"curr_items", client.stats())
        self.assertTrue(client.flush_all())
        self.assertTrue(client.quit() is None)

    def _tool(self, *words, given=None):
        return subprocess.run(words, input=given, capture_output=True, text=True,
                              timeout=world.scaled(30))

    def test_memccapable_finds_the_text_protocol_complete(self):
        host, port = self.server.address
        ended = self._tool("memccapable", "-h", host, "-p", str(port), "-a", "-t", "10")
        print(ended.stdout.splitlines()[-1] if ended.stdout else ended.stderr, flush=True)
        self.assertNotIn("[FAIL]", ended.stdout)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)

    def test_libmemcacheds_tools_work(self):
        servers = f"--servers={self.at}"
        path = f"{self.directory}/file"
        with open(path, "w") as file:
            file.write("content")
        self.assertEqual(self._tool("memccp", servers, path).returncode, 0)
        self.assertEqual(self._tool("memccat", servers, "file").stdout.strip(), "content")
        self.assertEqual(self._tool("memcexist", servers, "file").returncode, 0)
        self.assertEqual(self._tool("memcping", servers).returncode, 0)
        self.assertIn("curr_items", self._tool("memcstat", servers).stdout)
        self.assertEqual(self._tool("memcrm", servers, "file").returncode, 0)
        self.assertNotEqual(self._tool("memcexist", servers, "file").returncode, 0)
        self.assertEqual(self._tool("memcflush", servers).returncode, 0)


if __name__ == "__main__":
    main()
