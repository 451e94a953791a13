"""docs/LOG.md: each line of the log that warns, or tells of an error, is explained in a manual, and what
is explained there is said by the program. Both are found in the sources, whose words are literals."""
import os
import re
import unittest

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), os.pardir, os.pardir))
ROOMS = ("app", "lib", "protocol", "replication", "storage")
# How a line of these levels is written, up to the first literal.
CALL = re.compile(r"(?:\blog_?\.|\.log\.|\blog->)(?:warning|error)\(|LogLevel::(?:warning|error),")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
# What is shorter names nothing by itself: " bytes", "; ".
WORDS = 12
SENTENCE = 20


def read(path):
    with open(os.path.join(SOURCE, path)) as file:
        return file.read()


def sources():
    """Without comments, and with literals that stand beside each other made one."""
    for room in ROOMS:
        for folder, _, names in os.walk(os.path.join(SOURCE, room)):
            for name in sorted(names):
                if name.endswith((".cpp", ".hpp")):
                    text = re.sub(r"(?m)(?<!:)//.*$", "", read(os.path.join(folder, name)))
                    yield os.path.relpath(os.path.join(folder, name), SOURCE), \
                        re.sub(r'"\s*\n\s*"', "", text)


def lines_logged():
    """(file, the parts of a line that are always the same)"""
    for path, text in sources():
        for call in CALL.finditer(text):
            said = LITERAL.findall(text[call.end():text.index(";\n", call.end())])
            parts = [part.strip(" :;(") for literal in said for part in re.split(r"\{[^}]*\}", literal)]
            parts = [part for part in parts if len(part) >= WORDS]
            if parts:
                yield path, parts


def manuals():
    return " ".join(" ".join(read(f"docs/{name}").split()) for name in
                    sorted(os.listdir(os.path.join(SOURCE, "docs"))) if name.endswith(".md"))


class LogLines(unittest.TestCase):
    def test_each_warning_and_each_error_is_explained(self):
        explained = manuals()
        seen = 0
        for path, parts in lines_logged():
            seen += 1
            with self.subTest(file=path, line=" ... ".join(parts)):
                self.assertTrue(parts[0] in explained, "no manual has it")
        self.assertGreater(seen, 40)

    def test_what_is_explained_is_said(self):
        said = "\n".join(text for _, text in sources())
        seen = 0
        for row in re.findall(r"(?m)^\| (`.*?`) \| (?:warning|error)\b", read("docs/LOG.md")):
            for line in re.findall(r"`([^`]+)`", row):
                for part in re.split(r"\.\.\.|: |; |, ", line):
                    if len(part) < SENTENCE:
                        continue
                    seen += 1
                    with self.subTest(line=line, part=part):
                        self.assertTrue(part.strip() in said, "the program does not say it")
        self.assertGreater(seen, 40)


if __name__ == "__main__":
    unittest.main()
