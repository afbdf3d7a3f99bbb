#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The schema of the report's lines: it has the fields and the values of btrfs-raid56-report(5) and of the sources, no
others; it takes every line that the program prints over the golden images, and none that has been changed.

BTRFS_RAID56 names the program.
"""

import copy
import json
import os
import re
import sys
import unittest

import report_schema

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(HERE, "..", "man"))

import test_man  # noqa: E402

# Values that the page describes elsewhere: (line, field) there.
AS_IN = {("action", "role"): ("damage", "role"), ("action", "cause"): ("damage", "cause"),
         ("action", "proof"): ("damage", "proof"), ("chunk", "kind"): ("volume", "chunks.kind"),
         ("chunk", "profile"): ("volume", "chunks.profile"), ("row", "profile"): ("volume", "chunks.profile"),
         ("entrance", "checksum"): ("checksum", "checksum")}
# Numbers of which there are few.
NUMBERS = {("summary", "exit_status"): {0, 1, 4, 8, 32}, ("super", "physical"): {1 << 16, 1 << 26, 1 << 38},
           ("parity", "parities"): {1, 2}, ("entrance", "parities"): {1, 2}, ("entrance", "lost"): {0, 1, 2}}
# Where the sources name the values: the function (or table) that gives them, and in which file.
IN_SOURCES = {
    ("volume", "checksum"): ("csum_name", "lib/base/csum_kind.h"),
    ("device", "state"): ("state_name", "lib/volume/volume.cc"),
    ("damage", "role"): ("role_name", "lib/scrub/findings.cc"),
    ("damage", "cause"): ("cause_name", "lib/scrub/findings.cc"),
    ("damage", "proof"): ("proof_name", "lib/scrub/findings.cc"),
    ("damage", "files.kind"): ("file_kind_name", "lib/report/model.cc"),
    ("damage", "trees.name"): ("tree_kind_name", "lib/report/model.cc"),
    ("damage", "objects.loses"): ("loss_name", "lib/report/model.cc"),
    ("summary", "verdict"): ("verdict_name", "lib/report/model.cc"),
    ("column", "holds"): ("holds_name", "lib/session/inspect_row.cc"),
    ("extent", "kind"): ("extent_kind", "lib/session/inspect_command.cc"),
    ("parity", "work"): ("work_name", "lib/bench/parity_bench.cc"),
}


def source(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as text:
        return text.read()


def returned(function, path):
    """The words that a function of the sources gives, but for the `?` behind a full switch."""
    body = re.search(rf"\b{function}\([^)]*\) \{{\n(.*?)\n\}}", source(path), re.S)[1]
    body = "\n".join(line for line in body.split("\n") if 'return "?"' not in line)
    return {word for line in body.split("\n") if "return" in line for word in re.findall(r'"([^"]+)"', line)}


def table(name, path):
    """{word: whether its row has `true`} of a table of the sources."""
    rows = re.search(rf"\b{name}\[\] = \{{\n(.*?)\n\}};", source(path), re.S)[1]
    return {word: ", true}" in rest for word, rest in re.findall(r'"([^"]+)"([^{]*\}?)', rows)}


class Schema:
    """The schema, looked up."""

    def __init__(self):
        self.root = report_schema.load()

    def types(self):
        return self.root["properties"]["type"]["enum"]

    def resolve(self, part):
        while "$ref" in part:
            part = self.root["$defs"][part["$ref"].rpartition("/")[2]]
        return part

    def line(self, kind):
        return self.root["$defs"][kind]

    def fields(self, owner, prefix=""):
        """{field: what it must be}, those of objects in arrays as array.field."""
        found = {}
        for name, part in self.resolve(owner)["properties"].items():
            part = self.resolve(part)
            found[prefix + name] = part
            if part.get("type") == "array" and "properties" in self.resolve(part["items"]):
                found.update(self.fields(part["items"], f"{prefix}{name}."))
        return found

    def values(self, part):
        """What a field may be, where that is a closed set; else an empty one."""
        part = self.resolve(part)
        if part.get("type") == "array":
            return self.values(part["items"])
        parts = [self.resolve(one) for one in part.get("anyOf", [part])]
        return {value for one in parts for value in one.get("enum", [one["const"]] if "const" in one else [])}


class Values(unittest.TestCase):
    """Fields and closed sets of values: the same in the schema, on the page and in the sources."""

    def setUp(self):
        self.schema, self.report = Schema(), test_man.Report()

    def closed(self):
        """{(line, field): values} of all closed sets of words or numbers in the schema."""
        found = {}
        for kind in self.schema.types():
            for field, part in self.schema.fields(self.schema.line(kind)).items():
                values = self.schema.values(part)
                if values and field != "type" and part != {"const": True}:
                    found[kind, field] = values
        return found

    def test_types(self):
        self.assertEqual(set(self.report.fields), set(self.schema.types()))
        for kind in self.schema.types():
            self.assertEqual({"const": kind}, self.schema.line(kind)["properties"]["type"])

    def test_fields(self):
        for kind in self.schema.types():
            with self.subTest(type=kind):
                self.assertEqual(set(self.report.fields[kind]), set(self.schema.fields(self.schema.line(kind))) - {"type"})

    def test_every_object_is_closed(self):
        def walk(part):
            if isinstance(part, dict):
                if "required" in part and part.get("type") == "object" and part is not self.schema.root:
                    self.assertIs(False, part["additionalProperties"], part["required"])
                for inner in part.values():
                    walk(inner)
            elif isinstance(part, list):
                for inner in part:
                    walk(inner)
        walk(self.schema.root)

    def test_values_of_the_page(self):
        """Each closed set is the one of the page, and where the page has one the schema has it."""
        elsewhere = set(NUMBERS) | {("volume", "features"), ("summary", "engine"), ("parity", "engine"),
                                    ("entrance", "engine")}
        closed = self.closed()
        listed = {(kind, field) for kind, fields in test_man.VALUES.items() for field in fields}
        self.assertEqual(listed | set(AS_IN) | elsewhere, set(closed))
        for where in listed | set(AS_IN):
            with self.subTest(where=where):
                self.assertEqual(set(self.report.values(*AS_IN.get(where, where))), closed[where])
        for where, numbers in NUMBERS.items():
            self.assertEqual(numbers, closed[where], where)

    def test_values_of_the_sources(self):
        closed = self.closed()
        for where, place in IN_SOURCES.items():
            with self.subTest(where=where):
                self.assertEqual(returned(*place), closed[where])
        self.assertEqual(set(table("kProfiles", "lib/format/chunk.cc")), closed["chunk", "profile"])
        self.assertEqual(set(test_man.COMMANDS), closed["summary", "command"])

    def test_features(self):
        """Those that are accepted: of a file system with another there is no volume line."""
        path = "lib/format/superblock.cc"
        known = {**table("kIncompat", path), **table("kCompatRo", path)}
        self.assertEqual({name for name, accepted in known.items() if accepted}, self.closed()["volume", "features"])

    def test_engines(self):
        files = [f"lib/{folder}/{file}" for folder in ("parity", "offload")
                 for file in sorted(os.listdir(os.path.join(ROOT, "lib", folder))) if file.endswith("_engine.cc")]
        names = {re.search(r'name\(\) const override \{ return "(\w+)"', source(file))[1]
                 for file in files if "name() const override" in source(file)}
        closed = self.closed()
        self.assertEqual(names, closed["parity", "engine"])
        self.assertEqual(names, closed["entrance", "engine"])
        self.assertEqual(names | {"none"}, closed["summary", "engine"])

    def test_exit_statuses(self):
        """Verdict and status belong together as lib/session/conclude.cc says."""
        body = re.search(r"int exit_status\(.*?\n\}", source("lib/session/conclude.cc"), re.S)[0]
        model = re.search(r"inline constexpr int (.*?);", source("lib/report/model.h"), re.S)[1]
        numbers = dict(re.findall(r"(\w+) = (\d+)", model))
        known, waiting = set(), []
        for verdict, status in re.findall(r"case report::Verdict::(\w+):(?: return report::(\w+);)?", body):
            waiting.append(verdict)
            if status:
                known |= {(one, int(numbers[status])) for one in waiting}
                waiting = []
        told = {(verdict, one["properties"]["exit_status"]["const"]) for one in self.schema.line("summary")["oneOf"]
                for verdict in one["properties"]["verdict"]["enum"]}
        self.assertEqual(known, told)


def objects(line, part, schema):
    """All objects of a line, each with what the schema says of it: [(object, its schema)]."""
    found = [(line, schema.resolve(part))]
    for name, inner in found[0][1]["properties"].items():
        inner = schema.resolve(inner)
        if inner.get("type") == "array" and "properties" in schema.resolve(inner["items"]):
            found += [(one, schema.resolve(inner["items"])) for one in line.get(name, [])[:1]]
    return found


def mutations(line, schema):
    """(what was done, the changed line) for everything that no line may be."""
    def changed(index, change):
        other = copy.deepcopy(line)
        change(objects(other, schema.line(line["type"]), schema)[index][0])
        return other

    for index, (one, part) in enumerate(objects(line, schema.line(line["type"]), schema)):
        yield "a field more", changed(index, lambda o: o.update(no_such_field=1))
        for name in part["required"]:
            yield f"without {name}", changed(index, lambda o, n=name: o.pop(n))
        for name, value in one.items():
            field = schema.resolve(part["properties"][name])
            others = [{}]
            if schema.values(field) and field.get("type") != "array":
                others += ["no-such-word", 77, None]
            elif field.get("type") == "integer":
                others += [field["minimum"] - 1, 1.5, str(value), True, None, 2**64]
            elif field.get("type") == "boolean":
                others += [0, "true", None]
            elif field.get("type") == "string":
                others += [0, None]
            elif field.get("type") == "array":
                others += [[{}], None]
                if schema.values(field):
                    others += [["no-such-word"]]
            for other in others:
                yield f"{name}: {other!r}", changed(index, lambda o, n=name, v=other: o.update({n: v}))


class Lines(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.printed = [line for line in test_man.printed()]
        for line in cls.printed:
            if line["type"] == "summary":  # golden images leave out what may differ
                for name, value in (("bytes_read", 4096), ("seconds", 0.25), ("engine", "isal")):
                    line.setdefault(name, value)

    def first(self, **wanted):
        """The first line that has these values."""
        found = next((line for line in self.printed if wanted.items() <= line.items()), None)
        self.assertIsNotNone(found, f"no such line is printed: {wanted}")
        return copy.deepcopy(found)

    def test_taken(self):
        for line in self.printed:
            self.assertIsNone(report_schema.problem(line), line)

    def test_every_line_that_was_changed_is_refused(self):
        schema, known = Schema(), {}
        for line in self.printed:
            known.setdefault((line["type"], *line), line)
        self.assertEqual(set(schema.types()), {line["type"] for line in known.values()})
        count = 0
        for line in known.values():
            for what, wrong in mutations(line, schema):
                count += 1
                self.assertIsNotNone(report_schema.problem(wrong), f"{what}: {json.dumps(wrong)}")
        self.assertGreater(count, 1000)

    def test_contradictions_are_refused(self):
        """Fields that are right alone, and wrong beside each other."""
        table = [
            (dict(type="device", state="present"), dict(path=None)),
            (dict(type="device", state="missing"), dict(path="d1.img")),
            (dict(type="device", state="missing"), dict(behind=1)),
            (dict(type="damage", role="super"), dict(chunk=0)),
            (dict(type="damage", role="super"), dict(logical=0)),
            (dict(type="damage", role="data", repairable=True), dict(logical=None)),
            (dict(type="damage", role="data", repairable=True), dict(row=None)),
            (dict(type="damage", role="data", repairable=True), dict(suspect_devid=1)),
            (dict(type="damage", role="data", repairable=True), dict(differing_bytes=1)),
            (dict(type="damage", role="data", repairable=True), dict(chunk=None)),
            (dict(type="damage", role="data", proof="checksum"), dict(repairable=False)),
            (dict(type="damage", role="data", proof="checksum"), dict(further_losses=1)),
            (dict(type="damage", role="data", repairable=True), dict(paths=["/x"])),
            (dict(type="damage", role="P"), dict(paths=[], files=[])),
            (dict(type="damage", role="tree", repairable=True), dict(paths=[], trees=[], objects=[])),
            (dict(type="damage", role="tree", repairable=False), dict(paths=[], files=[])),
            (dict(type="damage", role="tree", repairable=False), dict(paths=[], trees=[])),
            (dict(type="damage", role="data", repairable=False), dict(paths=[], trees=[], objects=[])),
            (dict(type="damage", role="data", further_losses=1), dict(paths=[], files=[])),
            (dict(type="damage", role="P"), dict(logical=4096)),
            (dict(type="action", role="P"), dict(logical=4096)),
            (dict(type="action", role="data"), dict(logical=None)),
            (dict(type="action", role="P"), dict(proof=None)),
            (dict(type="summary", verdict="clean"), dict(exit_status=1)),
            (dict(type="summary", verdict="unrepairable"), dict(exit_status=1)),
            (dict(type="summary", verdict="clean"), dict(interrupted=True)),
            (dict(type="summary", command="scrub"), dict(further_losses=1)),
            (dict(type="super", state="good"), dict(generation=None)),
            (dict(type="super", state="good"), dict(physical=4096)),
            (dict(type="column", role="P"), dict(state="proven")),
            (dict(type="column", role="data"), dict(state="fits")),
            (dict(type="column", role="P"), dict(holds="data", logical=0)),
            (dict(type="extent", kind="inline"), dict(disk_logical=1, disk_length=1, offset=0)),
            (dict(type="extent", kind="regular"), dict(disk_logical=None)),
            (dict(type="yardstick", work="plain-reading"), dict(length=1)),
            (dict(type="parity", refused=False), dict(refused=True)),
        ]
        for wanted, change in table:
            with self.subTest(wanted=wanted, change=change):
                line = self.first(**wanted)
                self.assertIsNone(report_schema.problem(line))
                for name, value in change.items():
                    if value is None and name != "path":
                        del line[name]
                    else:
                        line[name] = value
                self.assertIsNotNone(report_schema.problem(line), line)

    def test_what_is_no_line(self):
        for value in (None, 1, "damage", [], {}, {"type": "other"}, {"type": None}):
            self.assertIsNotNone(report_schema.problem(value), value)

    def test_lines_alike_are_looked_at_once(self):
        """And those that are not alike are each looked at."""
        line = self.first(type="damage", role="data", repairable=True)
        report_schema.check([line, dict(line, physical=line["physical"] + 4096)])
        for wrong in (dict(line, physical=-4096), dict(line, length=0), dict(line, role="R"), dict(line, more=1),
                      dict(line, repairable=1), dict(line, physical=1.5), dict(line, files=[{}], paths=[])):
            with self.assertRaises(AssertionError):
                report_schema.check([wrong])


if __name__ == "__main__":
    unittest.main(verbosity=2)
