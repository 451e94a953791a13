"""Those who read our statistics: promtool, collectd, munin, nagios, memcached-tool, libmemcached's tools, and
a reader with the rules of the Prometheus exporter's parser."""
import json
import os
import re
import shutil
import subprocess

import clients  # noqa: F401  the harness is found through it
from harness import Case, main, until, world
from harness.admin import Admin
from harness.node import Pair
from harness.process import Process
from harness.shipped import CONF, arguments_for_checks, text_of


class Readers(Case):
    needs_replication = True

    def setUp(self):
        super().setUp()
        shift = self.client_port - world.CLIENT_PORT
        self.nodes = Pair(*(self.node(*arguments_for_checks(self.addresses.host(n), shift),
                                      name=name, host=n, peer=self.addresses.host(3 - n))
                            for name, n in (("a", 1), ("b", 2)))).start()
        self.server = self.nodes.a
        self.at = "{}:{}".format(*self.server.address)
        with self.server.client() as client:
            for number in range(50):
                client.set(b"key%d" % number, b"x" * number * 20)
            client.get(b"key1")
            client.get(b"absent")

    def _needs(self, path):
        if not os.path.exists(path):
            if os.environ.get("TWINCACHED_ALL_CLIENTS") == "1":
                self.fail(f"{path} is not there, and all readers are promised")
            self.skipTest(f"{path} is not there")
        return path

    def _said(self, *words, status=0, environment=None):
        ended = subprocess.run(words, capture_output=True, text=True, timeout=world.scaled(30),
                               stdin=subprocess.DEVNULL,
                               env={**os.environ, **(environment or {})})
        self.assertEqual(ended.returncode, status, f"{words}: {ended.stdout}{ended.stderr}")
        return ended.stdout

    def _shipped(self, name):
        """A file of conf/ that speaks of the nodes here."""
        return text_of(name, self.server.address[1] - world.CLIENT_PORT,
                       {f"127.0.0.{10 + n}": self.addresses.host(n) for n in (1, 2)})

    def _nagios_says(self, command, status, host=None):
        line = re.search(rf"check_twincached_{command}\s+command_line +(.*)",
                         self._shipped("nagios.cfg"))[1]
        words = line.replace("$HOSTADDRESS$", host or self.server.host).split()
        self._needs(words[0])
        return self._said(*words, status=status)

    def test_nagios_knows_who_serves_and_who_is_in_step(self):
        for command in ("ready", "in_step"):
            self.assertIn("200", self._nagios_says(command, 0))
        self.nodes.b.kill()
        until(lambda: Admin.of(self.server).status("/synchronised") == 503, 5, "a knows of it")
        self._nagios_says("ready", 0)
        self.assertIn("503", self._nagios_says("in_step", 2))
        self._nagios_says("ready", 2, self.nodes.b.host)

    def test_promtool_takes_the_shipped_rules_and_finds_that_each_fires_when_it_shall(self):
        promtool = self._needs("/usr/bin/promtool")
        folder = os.path.join(CONF, "prometheus")
        self._said(promtool, "check", "config", os.path.join(folder, "prometheus.yml"))
        self._said(promtool, "test", "rules", os.path.join(folder, "alerts.test.yml"))

    def test_every_query_of_the_dashboard_is_one_that_prometheus_understands(self):
        promtool = self._needs("/usr/bin/promtool")
        with open(os.path.join(CONF, "grafana/twincached.json")) as file:
            panels = json.load(file)["panels"]
        panels += [inner for panel in panels for inner in panel.get("panels", [])]
        queries = [target["expr"] for panel in panels for target in panel.get("targets", [])]
        self.assertGreater(len(queries), 100)
        rules = [{"record": f"q{number}",
                  "expr": query.replace("$pair", ".*").replace("$__rate_interval", "1m")}
                 for number, query in enumerate(queries)]
        path = os.path.join(self.directory, "queries.yml")
        with open(path, "w") as file:
            json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
        self._said(promtool, "check", "rules", path)

    def test_promtool_finds_nothing_to_object_to_in_the_metrics(self):
        promtool = self._needs("/usr/bin/promtool")
        _, headers, body = Admin.of(self.server).ask("/metrics")
        self.assertEqual(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        checked = subprocess.run([promtool, "check", "metrics"], input=body, text=True,
                                 capture_output=True)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_collectd_reads_everything_that_it_knows(self):
        program = self._needs("/usr/sbin/collectd")
        path = os.path.join(self.directory, "collectd.conf")
        with open(path, "w") as file:
            file.write(COLLECTD.format(directory=self.directory) + self._shipped("collectd.conf"))
        collectd = Process([program, "-f", "-C", path],
                           os.path.join(self.directory, "collectd.log"))
        self.addCleanup(collectd.stop)
        folder = os.path.join(self.directory, "csv", "here",
                              "memcached-twincached-a")
        wanted = ["memcached_command-get", "memcached_command-set", "memcached_command-flush",
                  "memcached_connections-current", "memcached_items-current", "memcached_octets",
                  "memcached_ops-hits", "memcached_ops-misses", "memcached_ops-evictions",
                  "ps_count", "ps_cputime", "df-cache", "percent-hitratio"]
        until(lambda: not self._lacking(folder, wanted), 20, "collectd has written all it knows",
              0.05)
        self.assertEqual(self._last(folder, "memcached_items-current"), ["50.000000"])
        free_and_used = [float(number) for number in self._last(folder, "df-cache")]
        self.assertEqual(sum(free_and_used), 64 * 1024 * 1024)

    @staticmethod
    def _lacking(folder, wanted):
        written = os.listdir(folder)
        return [name for name in wanted if not any(file.startswith(name) for file in written)]

    @staticmethod
    def _last(folder, name):
        file, = (file for file in os.listdir(folder) if file.startswith(name))
        with open(os.path.join(folder, file)) as lines:
            return lines.read().splitlines()[-1].split(",")[1:]

    def test_munins_plugin_knows_every_value(self):
        plugin = self._needs("/usr/share/munin/plugins/memcached_")
        where = dict(re.findall(r"(?m)^env\.(\w+) (.*)$", self._shipped("munin.conf")))
        self.assertEqual(where["host"], self.server.host)
        for graph, values in (("rates", 6), ("bytes", 2), ("counters", 3)):
            with self.subTest(graph=graph):
                link = os.path.join(self.directory, f"memcached_{graph}")
                os.symlink(plugin, link)
                self.assertIn("graph_title", self._said(link, "config", environment=where))
                said = self._said(link, environment=where)
                self.assertEqual(len(re.findall(r"^\w+\.value \d+$", said, re.M)), values, said)

    def test_nagios_check_is_content_and_keeps_its_history_with_us(self):
        for _ in range(2):
            self.assertTrue(self._nagios_says("hits", 0).startswith("OK"))
        with self.nodes.b.client() as client:
            until(lambda: client.get(b"check_memcached"), 2, "its history is on both nodes")

    def test_memcached_tool_shows_classes_statistics_settings_and_contents(self):
        tool = self._needs("/usr/share/memcached/scripts/memcached-tool")
        self.assertRegex(self._said(tool, self.at, "display"), r"(?m)^ +\d+ +\d+B +")
        self.assertRegex(self._said(tool, self.at, "stats"), r"curr_items +50")
        self.assertRegex(self._said(tool, self.at, "settings"), r"maxbytes +67108864")
        self.assertIn("sizes", self._said(tool, self.at, "sizes"))
        self.assertEqual(self._said(tool, self.at, "keys").count("key="), 50)
        self.assertEqual(self._said(tool, self.at, "dump").count("add key"), 50)

    def test_memcstat_reads_all_families(self):
        tool = self._needs(shutil.which("memcstat") or "memcstat")
        for family in ("", "items", "slabs", "settings"):
            with self.subTest(family=family):
                words = [f"--args={family}"] if family else []
                self.assertIn(":", self._said(tool, f"--servers={self.at}", *words))

    def test_the_prometheus_exporter_would_take_all_four_reports(self):
        # Its rules: it sends these on one connection and gives up at what it cannot read.
        with self.server.client() as client:
            general = self._exporter_reads(client, b"stats", self._check_general_key)
            for name in ("cmd_set", "cas_misses", "cas_hits", "cas_badval"):
                int(general[name])
            for name in ("rusage_user", "rusage_system"):
                self.assertRegex(general[name], r"^\d+\.\d{6}$")
            slabs = self._exporter_reads(client, b"stats slabs", self._check_slab_key)
            classes = {key.split(":")[0] for key in slabs if ":" in key}
            self.assertTrue(classes)
            for number in classes:
                for name in ("cmd_set", "cas_hits", "cas_badval", "chunk_size"):
                    int(slabs[f"{number}:{name}"])
            self._exporter_reads(client, b"stats items", self._check_item_key)
            self._exporter_reads_settings(client)

    def _exporter_reads(self, client, request, check_key):
        found = {}
        for line in self._lines(client, request):
            words = line.split(" ")
            self.assertEqual(len(words), 3, f"{line!r} would be passed over")
            check_key(words[1])
            found[words[1]] = words[2]
        return found

    def _lines(self, client, request):
        client.send(request + b"\r\n")
        lines = []
        while (line := client.line().decode()) != "END":
            self.assertLess(len(line), 4096)
            self.assertTrue(line.startswith("STAT "), line)
            lines.append(line)
        return lines

    def _check_general_key(self, key):
        self.assertNotIn(":", key, "it would be taken for a slab class")

    def _check_slab_key(self, key):
        self.assertRegex(key, r"^(\d+:)?[a-z_]+$")

    def _check_item_key(self, key):
        self.assertRegex(key, r"^items:\d+:[a-z_]+$")

    def _exporter_reads_settings(self, client):
        settings = {}
        for line in self._lines(client, b"stats settings"):
            words = line.split(" ", 2)
            self.assertEqual(len(words), 3, f"{line!r}: the exporter gives up here")
            settings[words[1]] = words[2]
        int(settings["maxconns"])
        if settings["lru_crawler"] == "yes":
            self.assertIn(settings["lru_maintainer_thread"], ("yes", "no"))
            for name in ("lru_crawler_sleep", "lru_crawler_tocrawl", "hot_lru_pct", "warm_lru_pct",
                         "hot_max_factor", "warm_max_factor"):
                float(settings[name])


# What Debian's own file says, and where to write.
COLLECTD = """
Hostname "here"
FQDNLookup false
BaseDir "{directory}"
PIDFile "{directory}/collectd.pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
Interval 1
LoadPlugin logfile
<Plugin logfile>
    File "{directory}/collectd-plugin.log"
</Plugin>
LoadPlugin csv
<Plugin csv>
    DataDir "{directory}/csv"
</Plugin>
"""


if __name__ == "__main__":
    main()
