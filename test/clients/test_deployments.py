"""conf/container by the rules of those who read it: Kubernetes' types and schema, compose's schema, the
Dockerfile's grammar. And one mistake of each kind, which must be found."""
import os
import re
import subprocess
import tempfile
import unittest

import clients
from harness import main

CONTAINER = os.path.join(clients.FOLDER, os.pardir, os.pardir, "conf/container")
PROGRAM = os.path.join(clients.FOLDER, "programs/node/deployments.mjs")
MODULES = os.path.join(clients.BUILD, "node_modules")
FILES = {"dockerfile": "Dockerfile", "compose": "compose.yml", "kubernetes": "kubernetes.yml"}


class Deployments(unittest.TestCase):
    def setUp(self):
        if not os.path.isdir(os.path.join(MODULES, "kubernetes-models")):
            if os.environ.get("TWINCACHED_ALL_CLIENTS") == "1":
                self.fail(f"{MODULES} has no kubernetes-models")
            self.skipTest("the rules were not fetched: scripts/build-clients.sh")

    @staticmethod
    def _text(kind):
        with open(os.path.join(CONTAINER, FILES[kind])) as file:
            return file.read()

    def _mistakes(self, kind, text):
        with tempfile.NamedTemporaryFile("w", suffix=FILES[kind]) as file:
            file.write(text)
            file.flush()
            ended = subprocess.run(["node", PROGRAM, MODULES, kind, file.name], timeout=120,
                                   capture_output=True, text=True, check=False)
        self.assertEqual(ended.stderr, "")
        self.assertEqual(ended.returncode, 1 if ended.stdout else 0)
        return ended.stdout

    def test_what_is_shipped_is_without_mistake(self):
        for kind in FILES:
            with self.subTest(kind):
                self.assertEqual(self._mistakes(kind, self._text(kind)), "")

    def test_a_mistake_is_found(self):
        for kind, right, wrong in (
                ("dockerfile", "^USER", "USR"),
                ("dockerfile", "--interval=", "--intervall="),
                ("compose", "command:", "comand:"),
                ("compose", "restart: always", "restart: [always]"),
                ("kubernetes", "readinessProbe:", "readinesProbe:"),
                ("kubernetes", "replicas: 2", "replicas: two"),
                ("kubernetes", "matchLabels:", "matchLabel:")):
            with self.subTest(f"{right} -> {wrong}"):
                text, count = re.subn(right, wrong, self._text(kind), flags=re.M)
                self.assertGreater(count, 0, "there is nothing to mistake")
                self.assertNotEqual(self._mistakes(kind, text), "")


if __name__ == "__main__":
    main()
