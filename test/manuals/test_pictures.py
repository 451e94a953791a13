"""The pictures of the manuals: whole XML that needs nothing from outside, legible by day and by
night, each shown by a manual, and true to the names in the code."""
import os
import re
import unittest
from xml.etree import ElementTree

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), os.pardir, os.pardir))
PICTURES = os.path.join(SOURCE, "docs", "pictures")
SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "title", "desc", "style", "defs", "marker", "path", "rect", "text"}
TEXTS = ("ink", "quiet")
CONTRAST = 4.5           # what WCAG 2.1 asks of small text (1.4.3)
WIDTH_OF_A_LETTER = 0.6  # of the size of the font, and rather too much


def names():
    return sorted(name for name in os.listdir(PICTURES) if name.endswith(".svg"))


def read(*path):
    with open(os.path.join(SOURCE, *path)) as file:
        return file.read()


def manuals():
    return {os.path.join(folder, name): read(folder, name) for folder in (".", "docs")
            for name in os.listdir(os.path.join(SOURCE, folder)) if name.endswith(".md")}


def fills(style):
    """{class: colour} of some rules of a style sheet."""
    return dict(re.findall(r"\.(\w+) \{[^}]*?\bfill: (#[0-9a-f]{6})", style))


def luminance(colour):
    channels = [int(colour[n:n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(c * weight for c, weight in zip(linear, (0.2126, 0.7152, 0.0722)))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


class Pictures(unittest.TestCase):
    def setUp(self):
        self.roots = {name: ElementTree.parse(os.path.join(PICTURES, name)).getroot()
                      for name in names()}
        self.assertGreaterEqual(len(self.roots), 3)

    def test_each_is_made_of_shapes_and_words_alone(self):
        for name, root in self.roots.items():
            with self.subTest(picture=name):
                used = {element.tag.removeprefix(SVG) for element in root.iter()}
                self.assertLessEqual(used, ELEMENTS)
                for element in root.iter():
                    for key, value in element.attrib.items():
                        self.assertFalse(key.startswith("on") or "href" in key, key)
                        self.assertNotIn("//", value)
                    self.assertNotRegex(element.text or "", "@import|//|url")

    def test_each_says_in_words_what_it_shows(self):
        for name, root in self.roots.items():
            with self.subTest(picture=name):
                self.assertEqual(root.get("role"), "img")
                named = root.get("aria-labelledby").split()
                said = {element.get("id"): element.text for element in root
                        if element.tag in (SVG + "title", SVG + "desc")}
                self.assertEqual(sorted(named), sorted(said))
                self.assertGreater(len(said["desc"]), 100)

    def test_every_word_is_legible_by_day_and_by_night(self):
        for name, root in self.roots.items():
            day, night = root.find(SVG + "style").text.split("@media (prefers-color-scheme: dark)")
            self.assertEqual(fills(day).keys(), fills(night).keys(), name)
            for scheme in (fills(day), fills(night)):
                for text in TEXTS:
                    for ground in scheme.keys() - {*TEXTS, "tip"}:
                        with self.subTest(picture=name, text=text, ground=ground):
                            self.assertGreater(contrast(scheme[text], scheme[ground]), CONTRAST)
            sizes = [int(size) for size in re.findall(r"(\d+)px", day)]
            self.assertTrue(sizes and min(sizes) >= 12, sizes)

    def test_every_class_is_defined_and_every_word_has_a_colour(self):
        for name, root in self.roots.items():
            known = set(re.findall(r"\.(\w+) \{", root.find(SVG + "style").text))
            for element in root.iter():
                classes = (element.get("class") or "").split()
                with self.subTest(picture=name, element=element.text or element.tag):
                    self.assertLessEqual(set(classes), known)
                    if element.tag == SVG + "text":
                        self.assertTrue(set(classes) & set(TEXTS))

    def test_everything_is_within_the_paper(self):
        for name, root in self.roots.items():
            left, top, width, height = map(int, root.get("viewBox").split())
            self.assertEqual((left, top), (0, 0))
            self.assertEqual((root.get("width"), root.get("height")), (str(width), str(height)))
            for text in root.iter(SVG + "text"):
                length = len(text.text) * 14 * WIDTH_OF_A_LETTER
                begin = float(text.get("x")) - {"start": 0, "middle": length / 2,
                                                "end": length}[text.get("text-anchor")]
                with self.subTest(picture=name, text=text.text):
                    self.assertGreaterEqual(begin, 0)
                    self.assertLessEqual(begin + length, width)
                    self.assertTrue(14 <= float(text.get("y")) <= height - 4)

    def test_each_is_shown_by_a_manual_with_words_for_who_cannot_see_it(self):
        shown = {}
        for path, text in manuals().items():
            for words, target in re.findall(r"!\[([^\]]*)\]\(([^)]+\.svg)\)", text):
                place = os.path.normpath(os.path.join(SOURCE, os.path.dirname(path), target))
                with self.subTest(manual=path, picture=target):
                    self.assertTrue(os.path.isfile(place))
                    self.assertGreater(len(words), 10)
                shown[os.path.basename(place)] = path
        self.assertEqual(sorted(shown), names())

    def test_the_states_of_the_link_are_those_of_the_machine(self):
        header = read("replication", "pair", "link", "link_machine.hpp")
        states = re.search(r"enum class LinkState[^{]*\{(.*?)\};", header, re.S)[1]
        known = {word.upper() for word in re.findall(r"^ +(\w+),", states, re.M)}
        drawn = {text.text for text in self.roots["link.svg"].iter(SVG + "text")
                 if "name" in text.get("class").split()}
        self.assertEqual(drawn, known)


if __name__ == "__main__":
    unittest.main(verbosity=2)
