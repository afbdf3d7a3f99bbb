#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the man pages say is what the program does: options, exit statuses, every line's fields, their values, samples.

What the program prints is taken from the golden images: their expected reports, and `inspect` run over them.
BTRFS_RAID56 names the program.
"""

import collections
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

import mdoc

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "golden"))

import golden  # noqa: E402

MAN = os.path.join(HERE, "..", "..", "man")
PAGES = ("btrfs-raid56.8", "btrfs-raid56-report.5")
COMMANDS = ("scrub", "inspect", "bench")
# Fields whose values the page lists.
VALUES = {"volume": ("checksum", "chunks.kind", "chunks.profile"), "device": ("state",),
          "damage": ("role", "cause", "proof"), "unknown": ("cause",), "summary": ("command", "verdict"),
          "column": ("role", "holds", "state"), "extent": ("kind",), "yardstick": ("work",), "checksum": ("checksum",),
          "parity": ("work",), "entrance": ("work",)}


def run(*words, where=None):
    return subprocess.run([golden.program(), *words], cwd=where, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=120)


def help_options(*command):
    """{option: its argument as --help prints it, or ''}."""
    text = run(*command, "--help").stdout.decode()
    found = {}
    for line in text.splitlines():
        match = re.match(r"  ((?:-\w,)?--[\w-]+)(?: (\S+))?(?:\s{2,}|$)", line)
        if match:
            argument = match[2] or ""
            for option in match[1].split(","):
                found[option] = argument
    return found


class Options(unittest.TestCase):
    def setUp(self):
        self.sections = mdoc.Page(os.path.join(MAN, "btrfs-raid56.8")).sections("Ss")

    def documented(self, *titles):
        """{option: its argument, as --help writes it} of the option lists of some sections."""
        page, found = mdoc.Page(os.path.join(MAN, "btrfs-raid56.8")), {}
        for title in titles:
            for name, rest, _ in page.items(self.sections[title], "Fl"):
                if rest.startswith(", Fl "):  # a short option and its long name
                    found["-" + name] = found["-" + rest.split()[-1]] = ""
                    continue
                kind, _, argument = rest.partition(" ")
                found["-" + name] = argument.upper() if kind == "Ar" else argument.replace(" | ", "|")
        return found

    def test_options_of_commands(self):
        for command in COMMANDS:
            titles = [t for t in self.sections if re.match(rf"Options of (.*\b{command}\b|every command)", t)]
            with self.subTest(command=command):
                self.assertEqual(help_options(command), self.documented(*titles))

    def test_options_without_command(self):
        self.assertEqual(help_options(), self.documented("Options without a command"))

    def test_commands(self):
        text = run("--help").stdout.decode()
        listed = re.findall(r"^  (\w+) {2,}", text.split("Subcommands:")[1], re.M)
        page = mdoc.Page(os.path.join(MAN, "btrfs-raid56.8"))
        self.assertEqual(listed, [name for name, _, _ in page.items(self.sections["Commands"], "Cm")])
        self.assertEqual(tuple(listed), COMMANDS)

    def test_exit_statuses(self):
        page = mdoc.Page(os.path.join(MAN, "btrfs-raid56.8"))
        lines = page.sections("Sh")["EXIT STATUS"]
        statuses = [int(line.split()[1]) for line in lines if re.match(r"\.It \d+$", line)]
        self.assertEqual([16, 8, 32, 4, 1, 0], statuses)
        self.assertEqual(set(), {golden.Golden(name).exit_status for name in golden.names()} - set(statuses))
        self.assertEqual(16, run("scrub", "--no-such-option", "x").returncode)

    def test_verdicts(self):
        """Words of the text report: every verdict of the report page but that of inspect."""
        page = mdoc.Page(os.path.join(MAN, "btrfs-raid56.8"))
        words = [name.lower() for name, _, _ in page.items(page.sections("Sh")["THE REPORT"], "Li")]
        report = Report()
        self.assertEqual(set(report.values("summary", "verdict")) - {"done"}, set(words))

    def test_device_states(self):
        page = mdoc.Page(os.path.join(MAN, "btrfs-raid56.8"))
        words = [name for name, _, _ in page.items(page.sections("Sh")["DEVICES"], "Cm")]
        self.assertEqual(Report().values("device", "state"), words)


class Report:
    """The documented lines: {type: {field: lines of its item}}."""

    def __init__(self):
        self.page = mdoc.Page(os.path.join(MAN, "btrfs-raid56-report.5"))
        self.fields = {}
        for title, lines in self.page.sections("Ss").items():
            items = self.page.items(lines, "Va")
            if items:
                self.fields[title] = {name: text for name, _, text in items}

    def values(self, kind, field):
        return self.page.values(self.fields[kind][field])


def flat(line):
    """(field, value) of a JSON line; those of objects in arrays as array.field."""
    for name, value in line.items():
        yield name, value
        if isinstance(value, list):
            for entry in value:
                if isinstance(entry, dict):
                    for inner, content in entry.items():
                        yield f"{name}.{inner}", content


def printed():
    """Every line that the program prints over the golden images: the expected ones, some scrubs' as they are, inspect's."""
    for name in golden.names():
        yield from golden.Golden(name).expected
    rows = {"100-demo-damaged": 6, "106-raid6x4-silent": 2, "119-raid6x4-csum-missing": 1, "110-raid6x4-stale": 0}
    for name, asked in rows.items():
        image = golden.Golden(name)
        with image.unpacked() as where:
            devices = image.arguments[1:]
            logicals = [line["logical"] for line in image.expected if line["type"] == "damage" and "logical" in line]
            yield from json_lines(where, "scrub", *devices)
            yield from json_lines(where, "inspect", *devices)
            for logical in logicals[:asked]:
                yield from json_lines(where, "inspect", "--logical", str(logical), *devices)
            paths = ["/large", "/with-holes", "/dir0/file00"]
            for path in paths + (["/prealloc-never"] if name == "100-demo-damaged" else []):
                yield from json_lines(where, "inspect", "--file", path, *devices)
    image = golden.Golden("122-raid5x2-label")
    with image.unpacked() as where:
        yield from json_lines(where, "bench", "--engine", "isal", "--threads", "2", *image.arguments[1:])
    with image.unpacked() as where:
        odd = b"d1-\xe9.img"
        os.rename(os.path.join(os.fsencode(where), b"d1.img"), os.path.join(os.fsencode(where), odd))
        yield from json_lines(where, "inspect", "--file", b"/many/caf\xe9", odd, "d2.img")


def json_lines(where, command, *words):
    done = run(command, "--format", "json", *words, where=where)
    if done.returncode not in (0, 1, 4):
        raise AssertionError(f"{command} {words}: {done.returncode}: {done.stderr.decode('utf-8', 'replace')}")
    return [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]


class Fields(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.report = Report()
        cls.seen = collections.defaultdict(lambda: collections.defaultdict(set))  # type: field: values
        for line in printed():
            for field, value in flat(line):
                cls.seen[line["type"]][field].add(json.dumps(value))

    def test_types(self):
        self.assertEqual(set(self.report.fields), set(self.seen))

    def test_fields_both_ways(self):
        for kind in self.seen:
            with self.subTest(type=kind):
                self.assertEqual(set(self.report.fields[kind]), set(self.seen[kind]) - {"type"})

    def test_values(self):
        """Where the page lists values, the program prints no other."""
        for kind, fields in VALUES.items():
            for field in fields:
                listed = self.report.values(kind, field)
                with self.subTest(type=kind, field=field):
                    self.assertTrue(listed)
                    self.assertEqual(set(), {json.loads(v) for v in self.seen[kind][field]} - set(listed))

    def test_sample_lines(self):
        """The samples are lines of a golden image, broken to fit the page."""
        known = [line for name in golden.names() for line in golden.Golden(name).expected]
        text = "".join(self.report.page.literals())
        text = re.sub(r"\n\s*", "", text)
        decoder, at, count = json.JSONDecoder(), 0, 0
        while at < len(text):
            line, at = decoder.raw_decode(text, at)
            count += 1
            kept = {k: v for k, v in line.items() if k not in golden.VARIABLE_FIELDS}
            self.assertIn(kept, known)
        self.assertGreater(count, 3)


class Lint(unittest.TestCase):
    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_mandoc(self):
        """Nothing to say but that other pages are not installed here."""
        pages = [os.path.join(MAN, page) for page in PAGES]
        done = subprocess.run(["mandoc", "-T", "lint", *pages], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        said = [line for line in done.stdout.splitlines()
                if "referenced manual not found" not in line and "mandoc.db" not in line]
        self.assertEqual([], said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
