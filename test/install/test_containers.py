"""conf/container: what Docker, compose and Kubernetes are told fits together, and the nodes that they
start accept it. No engine is at hand where this runs: each command line is given to the program."""
import os
import re
import shlex
import subprocess
import tempfile
import unittest

import yaml

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), os.pardir, os.pardir))
CONTAINER = os.path.join(SOURCE, "conf", "container")
PROGRAM = os.path.join(os.environ["BUILD"], "twincached")
INSTRUCTIONS = {"ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
                "RUN", "STOPSIGNAL", "USER", "WORKDIR"}


def read(name):
    with open(os.path.join(CONTAINER, name)) as file:
        return file.read()


def dockerfile():
    """[(instruction, the rest)] with continued lines joined."""
    text = re.sub(r"(?m)^#.*\n", "", read("Dockerfile"))
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [tuple(line.split(" ", 1)) for line in lines if line.strip()]


def value_of(instruction):
    return [rest for name, rest in dockerfile() if name == instruction][-1]


def packages():
    """[those of the first stage, those of the second]"""
    return [set(re.search(r"--no-install-recommends (.*?) &&", rest)[1].split())
            for name, rest in dockerfile() if name == "RUN" and "apt-get install" in rest]


class Told(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="twincached-")
        self.addCleanup(folder.cleanup)
        self.secret = os.path.join(folder.name, "link")
        with open(self.secret, "w") as file:
            file.write("secret of the link\n")
        os.chmod(self.secret, 0o600)

    def accepts(self, words):
        """A node's own check: it opens files, and tries addresses at free ports."""
        words = [re.sub(r"=/run/secrets/\S+", f"={self.secret}", word).replace(
            "=/etc/twincached/", f"={CONTAINER}/") for word in words]
        as_whom = ["-u", "root"] if os.geteuid() == 0 else []
        done = subprocess.run([PROGRAM, *words, *as_whom, "--check-config"], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, f"{words}: {done.stdout}{done.stderr}")


class Containers(Told):
    def test_the_dockerfile_is_made_of_instructions_and_copies_what_was_built(self):
        self.assertLessEqual({name for name, _ in dockerfile()}, INSTRUCTIONS)
        stages = [rest for name, rest in dockerfile() if name == "FROM"]
        self.assertEqual(len(stages), 2)
        self.assertTrue(stages[0].endswith(" AS build"))
        self.assertEqual([rest for name, rest in dockerfile() if name == "COPY"],
                         [". .", "--from=build /build/twincached /usr/sbin/",
                          "--from=build /build/twinctl /usr/bin/",
                          "conf/container/twincached.conf /etc/twincached/"])

    def test_the_image_is_built_with_what_a_build_needs(self):
        with open(os.path.join(SOURCE, "scripts/install-dependencies.sh")) as file:
            needed = re.search(r"for_build=\((.*?)\)", file.read(), re.S)[1].split()
        self.assertEqual(packages()[0], set(needed) - {"ccache"})

    def test_the_image_holds_every_library_that_the_program_needs(self):
        linked = subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, check=True).stdout
        paths = [os.path.realpath(path) for path in re.findall(r"=> (/\S+)", linked)]
        needed = {name for path in paths
                  if not os.path.basename(path).startswith(("libasan", "libtsan", "libubsan"))
                  for name in self._packages_of(path)}
        there = self._with_dependencies(packages()[1] | {"libc6"})
        self.assertEqual(needed - there, set())

    def _packages_of(self, path):
        for candidate in (path, path.removeprefix("/usr")):
            done = subprocess.run(["dpkg", "-S", candidate], capture_output=True, text=True,
                                  check=False)
            if done.returncode == 0:
                return [done.stdout.split(":")[0]]
        self.fail(f"{path} is of no package")

    @staticmethod
    def _with_dependencies(names):
        done = subprocess.run(["dpkg-query", "-W", "-f", "${Depends} ", *names],
                              capture_output=True, text=True, check=True)
        return names | set(re.findall(r"(?:^|, | \| |\s)([a-z0-9][a-z0-9.+-]+)", done.stdout))

    def test_a_container_accepts_what_compose_tells_it(self):
        compose = yaml.safe_load(read("compose.yml"))
        entry = yaml.safe_load(value_of("ENTRYPOINT"))
        self.assertEqual(entry[0], "twincached")
        for name, peer in (("a", "b"), ("b", "a")):
            service = compose["services"][name]
            self.assertIn(f"--node={name}", service["command"])
            self.assertIn(f"--peer={peer}", service["command"])
            self.accepts(entry[1:] + service["command"])
            self.assertEqual(service["secrets"], list(compose["secrets"]))

    def test_haproxy_is_told_the_addresses_that_the_nodes_have(self):
        services = yaml.safe_load(read("compose.yml"))["services"]
        given = services["haproxy"]["environment"]
        for variable, name in (("NODE_A", "a"), ("NODE_B", "b")):
            self.assertEqual(given[variable], services[name]["networks"]["cache"]["ipv4_address"])
        with open(os.path.join(SOURCE, "conf/haproxy.cfg")) as file:
            shipped = file.read()
        self.assertEqual(set(given), set(re.findall(r"presetenv (\w+)", shipped)))
        ports = {port.rsplit(":", 1)[1] for port in services["haproxy"]["ports"]}
        self.assertLessEqual(ports, set(re.findall(r'"\$\{PAIR\}:(\d+)"', shipped)))


class Kubernetes(Told):
    def setUp(self):
        super().setUp()
        self.objects = {(made["kind"], made["metadata"]["name"]): made
                        for made in yaml.safe_load_all(read("kubernetes.yml"))}
        self.set = self.objects["StatefulSet", "twincached"]["spec"]
        self.pod = self.set["template"]
        self.container, = self.pod["spec"]["containers"]

    def test_every_selector_finds_the_pods(self):
        labels = self.pod["metadata"]["labels"]
        selectors = [self.objects["Service", name]["spec"]["selector"]
                     for name in ("twincached", "twincached-peers")]
        selectors += [self.set["selector"]["matchLabels"],
                      self.objects["PodDisruptionBudget", "twincached"]["spec"]["selector"]
                      ["matchLabels"],
                      self.objects["NetworkPolicy", "twincached"]["spec"]["podSelector"]
                      ["matchLabels"]]
        for selector in selectors:
            self.assertLessEqual(selector.items(), labels.items())

    def test_every_port_has_a_name_that_the_container_knows(self):
        known = {port["name"]: port["containerPort"] for port in self.container["ports"]}
        for name in ("twincached", "twincached-peers"):
            for port in self.objects["Service", name]["spec"]["ports"]:
                self.assertEqual(known[port["targetPort"]], port["port"])
        for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
            self.assertEqual(self.container[probe]["httpGet"], {"path": path, "port": "admin"})

    def test_the_two_find_each_other_before_they_are_ready(self):
        peers = self.objects["Service", self.set["serviceName"]]["spec"]
        self.assertEqual((peers["clusterIP"], peers["publishNotReadyAddresses"]), ("None", True))
        self.assertEqual((self.set["replicas"], self.set["podManagementPolicy"]), (2, "Parallel"))

    def test_each_of_the_two_accepts_what_it_is_told(self):
        shell, option, script = self.container["command"]
        for number, node, peer in ((0, "a", 1), (1, "b", 0)):
            said = subprocess.run([shell, option, script.replace("exec twincached", "echo")],
                                  env={"HOSTNAME": f"twincached-{number}"}, capture_output=True,
                                  text=True, check=True).stdout
            words = shlex.split(said)
            self.assertIn(f"--node={node}", words)
            self.assertIn(f"--peer=twincached-{peer}.{self.set['serviceName']}:11212", words)
            self.accepts(words)

    def _seconds(self, option):
        with open(os.path.join(SOURCE, "conf", "twincached.conf")) as file:
            shipped = file.read()
        said = re.search(rf"--{option}=(\d+)s", self.container["command"][2]) or \
            re.search(rf"(?m)^#{option} = (\d+)s$", shipped)
        return int(said[1])

    def test_a_pod_has_the_time_that_its_node_takes_to_stop(self):
        stop = sum(self._seconds(option) for option in ("drain-pause", "stop-timeout", "drain-timeout"))
        self.assertLess(stop + 5, self.pod["spec"]["terminationGracePeriodSeconds"])
        # Else the service leads clients to a node that has closed its port already.
        self.assertGreaterEqual(self._seconds("drain-pause"), 5)

    def test_every_port_that_the_pods_offer_can_be_reached(self):
        rules = self.objects["NetworkPolicy", "twincached"]["spec"]["ingress"]
        self.assertEqual({port["port"] for rule in rules for port in rule["ports"]},
                         {port["name"] for port in self.container["ports"]})
        link, = [rule for rule in rules if {"port": "link"} in rule["ports"]]
        self.assertEqual(link["from"], [{"podSelector": {"matchLabels": self.set["selector"]["matchLabels"]}}])

    def test_the_secret_is_where_the_program_looks_for_it(self):
        mount, = self.container["volumeMounts"]
        volume, = self.pod["spec"]["volumes"]
        self.assertEqual(mount["name"], volume["name"])
        self.assertIn(f"--secret-file={mount['mountPath']}/link", self.container["command"][2])


if __name__ == "__main__":
    unittest.main()
