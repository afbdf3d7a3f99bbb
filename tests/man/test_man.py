#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the man pages say is what the program does: options, exit statuses, every line's fields, their values, samples,
the bytes of journals and plans.

What the program prints is taken from the golden images: their expected reports, and the other commands run over them.
BTRFS_RAID56 names the program.
"""

import collections
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import mdoc

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "golden"))

import golden  # noqa: E402

MAN = os.path.join(HERE, "..", "..", "man")
PAGES = ("btrfs-raid56.8", "btrfs-raid56-report.5", "btrfs-raid56-journal.5")
COMMANDS = ("scrub", "inspect", "repair", "undo", "rebuild", "merge", "bench")
# Fields whose values the page lists.
VALUES = {"volume": ("checksum", "chunks.kind", "chunks.profile"), "device": ("state",),
          "damage": ("role", "cause", "proof", "files.kind", "trees.name", "objects.loses"), "unknown": ("cause",), "summary": ("command", "verdict"),
          "column": ("role", "holds", "state"), "extent": ("kind",), "yardstick": ("work",), "checksum": ("checksum",),
          "parity": ("work",), "entrance": ("work",)}

# What no golden image has: the system tests ask for it (tests/system/test_files.py).
ELSEWHERE = {"damage": {"files.compressed"}}


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

    def test_most_threads(self):
        """The page and --help agree on how many threads there are at most when nobody asks for a number."""
        page = mdoc.Page(os.path.join(MAN, "btrfs-raid56.8"))
        items = page.items(self.sections["Options of scrub, inspect, repair, rebuild and bench"], "Fl")
        text = " ".join(next(lines for name, _, lines in items if name == "-threads"))
        for command in COMMANDS:
            told = " ".join(run(command, "--help").stdout.decode().split())
            if "--threads" not in told:
                continue
            self.assertEqual(re.search(r"at most (\d+)", text)[1],
                             re.search(r"--threads.*?one a processor, at most (\d+)", told)[1])

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


def mapped_lines(where, devices):
    """A scrub of which a map file says that a device was copied whole."""
    with open(os.path.join(where, "map"), "w", encoding="ascii") as rescue_map:
        rescue_map.write("0 +\n0 0x100000 +\n")
    yield from json_lines(where, "scrub", "--map", f"{devices[0]}=map", *devices)


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
            yield from json_lines(where, "scrub", "--shard", "1/2", "--data", *devices)
            yield from mapped_lines(where, devices)
            yield from json_lines(where, "inspect", *devices)
            for logical in logicals[:asked]:
                yield from json_lines(where, "inspect", "--logical", str(logical), *devices)
            paths = ["/large", "/with-holes", "/dir0/file00"]
            for path in paths + (["/prealloc-never"] if name == "100-demo-damaged" else []):
                yield from json_lines(where, "inspect", "--file", path, *devices)
    image = golden.Golden("100-demo-damaged")
    with image.unpacked() as where:
        make_writable(where)
        devices = image.arguments[1:]
        yield from json_lines(where, "repair", *devices)
        yield from json_lines(where, "repair", "--write", "--journal", "journal", *devices)
        yield from json_lines(where, "undo", "--journal", "journal", *devices)
    with image.unpacked() as where:
        yield from json_lines(where, "rebuild", "--onto", "4=new.img", *image.arguments[1:-1])
    image = golden.Golden("122-raid5x2-label")
    with image.unpacked() as where:
        yield from json_lines(where, "bench", "--engine", "isal", "--threads", "2", *image.arguments[1:])
    with image.unpacked() as where:
        odd = b"d1-\xe9.img"
        os.rename(os.path.join(os.fsencode(where), b"d1.img"), os.path.join(os.fsencode(where), odd))
        yield from json_lines(where, "inspect", "--file", b"/many/caf\xe9", odd, "d2.img")
    # Named files: of a lost chunk part, by a path that is not UTF-8, and while a log tree is lost.
    image = golden.Golden("109-raid5x3-two-missing")
    with image.unpacked() as where:
        yield from json_lines(where, "scrub", "--files", *image.arguments[1:])
    for name, path in (("122-raid5x2-label", b"/many/caf\xe9"), ("116-raid6x4-log-lost", b"/large")):
        image = golden.Golden(name)
        with image.unpacked() as where:
            make_writable(where)
            hurt_file(where, path, image.arguments[1:])
            yield from json_lines(where, "scrub", "--files", *image.arguments[1:])
    # Leaves of files that are lost, one after the other, until each kind of loss was told.
    image = golden.Golden("122-raid5x2-label")
    with image.unpacked() as where:
        make_writable(where)
        missing = {"all", "entries", "data", "name"}
        for places in file_leaves(where, sorted(os.listdir(where))):
            flip(where, places)
            for line in json_lines(where, "scrub", "--files", *image.arguments[1:]):
                told = {entry["loses"] for entry in line.get("objects", ())}
                if told & missing:
                    yield line
                missing -= told
            flip(where, places)
            if not missing:
                break
    # Rows that hold nothing: some that differ, some that a copy of the device lacks.
    image = golden.Golden("010-raid6x6-clean")
    with image.unpacked() as where:
        make_writable(where)
        with open(os.path.join(where, "d3.img"), "r+b") as device:
            device.seek(90 << 20)
            device.write(b"x" * 5000)
            size = os.fstat(device.fileno()).st_size
        with open(os.path.join(where, "map"), "w", encoding="utf-8") as rescue:
            rescue.write(f"0 ? 1\n0 {80 << 20} +\n{80 << 20} 8192 -\n{(80 << 20) + 8192} {size} +\n")
        yield from json_lines(where, "scrub", "--free", "--map", "d3.img=map", *image.arguments[1:])
    image = golden.Golden("100-demo-damaged")
    with image.unpacked() as where:
        done = run("scrub", "--progress", "json", *image.arguments[1:], where=where)
        yield from (json.loads(line) for line in done.stderr.decode().splitlines() if line.startswith("{"))


def hurt_file(where, path, devices):
    """Changes a byte of a file, where `inspect` says that it lies."""
    lines = json_lines(where, "inspect", "--file", path, *devices)
    place = next(line["places"][0] for line in lines if line.get("places"))
    name = next(line["path"] for line in json_lines(where, "inspect", *devices)
                if line["type"] == "device" and line["devid"] == place["devid"])
    with open(os.path.join(where, name), "r+b") as image:
        image.seek(place["physical"])
        byte, = image.read(1)
        image.seek(place["physical"])
        image.write(bytes([byte ^ 1]))


def file_leaves(where, names):
    """Where the leaves of the top-level subvolume lie: [[(image, offset)]], those of one address and generation together."""
    found = collections.defaultdict(list)
    for name in names:
        with open(os.path.join(where, name), "rb") as image:
            data = image.read()
        fsid = data[65536 + 32:65536 + 48]
        for at in range(0, len(data), 4096):
            if data[at + 32:at + 48] == fsid and data[at + 88:at + 101].startswith((5).to_bytes(8, "little")) \
                    and data[at + 100] == 0:
                found[data[at + 48:at + 56] + data[at + 80:at + 88]].append((name, at))
    return [places for _, places in sorted(found.items())]


def flip(where, places):
    """Changes a byte in the midst of each block, or changes it back."""
    for name, at in places:
        with open(os.path.join(where, name), "r+b") as image:
            image.seek(at + 200)
            byte, = image.read(1)
            image.seek(at + 200)
            image.write(bytes([byte ^ 1]))


def make_writable(where):
    for image in os.listdir(where):
        os.chmod(os.path.join(where, image), 0o644)


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
                documented = set(self.report.fields[kind]) - ELSEWHERE.get(kind, set())
                self.assertEqual(documented, set(self.seen[kind]) - {"type"})

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


class Journal(unittest.TestCase):
    """A journal and a plan, read with nothing but what the page says of them."""

    @classmethod
    def setUpClass(cls):
        cls.page = mdoc.Page(os.path.join(MAN, "btrfs-raid56-journal.5"))
        image = golden.Golden("111-raid5x4-truncated")  # with unreadable sectors, behind the end of an image
        cls.folder = tempfile.TemporaryDirectory(prefix="btrfs-raid56-man-")
        devices = image.arguments[1:]
        with image.unpacked() as where:
            make_writable(where)
            cls.before = golden.digests(where)
            plan, journal = (os.path.join(cls.folder.name, name) for name in ("plan", "journal"))
            json_lines(where, "repair", "--save-plan", plan, "--max-writes", "100000", *devices)
            done = json_lines(where, "repair", "--write", "--journal", journal, *devices)
            cls.finished = cls.raw("journal")
            cls.written = {}  # on d2.img: {physical: bytes}
            with open(os.path.join(where, "d2.img"), "rb") as file:
                for line in done:
                    if line["type"] == "action":
                        file.seek(line["physical"])
                        cls.written[line["physical"]] = file.read(line["length"])
            cls.undone = json_lines(where, "undo", "--journal", journal, *devices)
            cls.after = golden.digests(where)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def raw(cls, name):
        with open(os.path.join(cls.folder.name, name), "rb") as file:
            return file.read()

    def columns(self, lines):
        """The tables of some lines: [[(offset, size, name)]], numbers where they are numbers."""
        tables = []
        for line in lines:
            if line.startswith(".Bl -column"):
                tables.append([])
            elif line.startswith(".It ") and " Ta " in line and not line.startswith(".It offset"):
                offset, size, name = [word.strip() for word in line[4:].split("Ta")[:3]]
                tables[-1].append((offset, size, name))
        return tables

    def fields(self, title):
        """The tables of a section as {name: (offset, size)}, gapless, and their lengths."""
        found = []
        for table in self.columns(self.page.sections("Ss")[title]):
            end, fields = 0, {}
            for offset, size, name in table:
                if not (offset + size).isdigit():
                    break
                self.assertEqual(end, int(offset), f"{title}: {name}")
                end += int(size)
                fields[name] = (int(offset), int(size))
            found.append((fields, end))
        return found

    @staticmethod
    def take(data, at, fields, name):
        offset, size = fields[name]
        return int.from_bytes(data[at + offset:at + offset + size], "little")

    def types(self):
        titles = [re.match(r"(\d) (\w+)$", t) for t in self.page.sections("Ss")]
        return {int(m[1]): m[2] for m in titles if m}

    def records(self, data):
        """[(name of the type, offset, {field: number}, bytes)], sums and chain checked."""
        (head, head_length), = self.fields("A record")
        found, at, previous, types = [], 0, 0, self.types()
        while at < len(data):
            get = {name: self.take(data, at, head, name) for name in head if name}
            self.assertEqual(b"BR56", data[at:at + 4])
            body = at + head_length
            end = body + get["F"] + get["B"]
            kind = types[get["type"]]
            tables = self.fields(f"{get['type']} {kind}")
            self.assertEqual(tables[0][1] if tables else 0, get["F"], kind)
            self.assertEqual(len(found), get["number"])
            self.assertEqual(previous, get["previous"])
            fixed = {name: self.take(data, body, tables[0][0], name) for name in tables[0][0]} if tables else {}
            found.append((kind, at, fixed, data[body + get["F"]:end], body))
            previous, at = end - at, end
        self.assertEqual(len(data), at)
        return found

    def test_types_and_order(self):
        self.assertEqual(["header", "write", "planned", "committed", "failed", "finished", "undoing", "undone"],
                         [name for _, name in sorted(self.types().items())])
        kinds = [record[0] for record in self.records(self.finished)]
        writes = kinds.count("write")
        self.assertEqual(["header"] + ["write"] * writes + ["planned"], kinds[:writes + 2])
        self.assertEqual(["committed", "committed", "finished"], kinds[writes + 2:])  # data, then P
        kinds = [record[0] for record in self.records(self.raw("journal"))]
        self.assertEqual(["finished", "undoing", "undone"], kinds[-3:])

    def test_header(self):
        _, _, header, entries, _ = self.records(self.finished)[0]
        self.assertEqual((1, 1, 4096, 4), tuple(header[n] for n in ("version", "kind", "sectorsize", "count")))
        _, (entry, length) = self.fields("1 header")
        self.assertEqual(header["count"] * length, len(entries))
        lengths = {self.take(entries, i * length, entry, "devid"): self.take(entries, i * length, entry, "length")
                   for i in range(header["count"])}
        self.assertEqual(67588096, lengths[2])
        self.assertEqual(2, self.records(self.raw("plan"))[0][2]["kind"])

    def test_writes(self):
        """Old and new bytes, flags, masks and digests mean what the page says, in the journal and in the plan."""
        listed = [re.match(r"\.It (\d+)$", line) for line in self.page.sections("Ss")["2 write"]]
        self.assertEqual([1, 2, 4, 8, 16, 32, 64, 128], [int(m[1]) for m in listed if m])
        journal = [r for r in self.records(self.finished) if r[0] == "write"]
        plan = [r for r in self.records(self.raw("plan")) if r[0] == "write"]
        self.assertEqual(len(journal), len(plan))
        for (_, _, write, both, _), (_, _, planned, new, body) in zip(journal, plan):
            length, physical = write["length"], write["physical"]
            self.assertEqual((2, 64 | 128 | 32), (write["devid"], write["flags"] & (16 | 32 | 64 | 128)))
            self.assertEqual(16 | 32 | 128, planned["flags"] & (16 | 32 | 64 | 128))
            self.assertEqual((2 * length, length), (len(both), len(new)))
            self.assertEqual(self.written[physical], new)
            self.assertEqual(both[length:], new)
            at, size = self.fields("2 write")[0][0]["old_sum"]
            self.assertEqual(hashlib.sha256(both[:length]).digest(), self.raw("plan")[body + at:body + at + size])
            beyond = [i for i in range(length // 4096) if physical + 4096 * (i + 1) > 67588096]
            self.assertEqual(sum(1 << i for i in beyond), write["unreadable"])

    def test_planned(self):
        records = self.records(self.raw("plan"))
        _, _, planned, _, _ = records[-1]
        writes = [r[2] for r in records if r[0] == "write"]
        self.assertEqual((len(writes), sum(w["length"] for w in writes) // 4096, 8, 100000),
                         tuple(planned[n] for n in ("writes", "sectors", "flags", "max_writes")))

    def test_committed(self):
        records = self.records(self.finished)
        for _, _, fixed, _, _ in [r for r in records if r[0] == "committed"]:
            last = max(r[1] for r in records if r[0] == "write" and r[2]["phase"] == fixed["phase"])
            self.assertGreater(fixed["before"], last)

    def test_undone(self):
        self.assertEqual(self.before, self.after)
        self.assertEqual("done", self.undone[-1]["verdict"])

    def test_by_hand(self):
        """The scripts and the dd of the page, on a journal of their own."""
        lister, sample, dd, check = self.page.literals()
        image = golden.Golden("100-demo-damaged")
        with image.unpacked() as where:
            make_writable(where)
            before = golden.digests(where)
            json_lines(where, "repair", "--write", "--journal", "journal", *image.arguments[1:])
            done = subprocess.run([sys.executable, "-c", lister, "journal"], cwd=where, stdout=subprocess.PIPE,
                                  text=True, check=True)
            lines = [line.split() for line in done.stdout.splitlines()]
            self.assertEqual([line.split()[1] for line in sample.splitlines()],
                             list(dict.fromkeys(line[1] for line in lines)))
            subprocess.run([sys.executable, "-c", check, "journal"], cwd=where, check=True)
            for words in reversed([line for line in lines if line[1] == "write"]):
                devid, physical, length, old, mask = words[2:]
                self.assertEqual("0x0", mask)
                line = (dd.replace("d1.img", f"d{devid}.img").replace("skip=424", f"skip={old}")
                        .replace("count=4096", f"count={length}").replace("seek=88473600", f"seek={physical}"))
                subprocess.run(["sh", "-c", line], cwd=where, stderr=subprocess.DEVNULL, check=True)
            with open(os.path.join(where, "journal"), "r+b") as file:
                file.seek(1000)
                byte = file.read(1)
                file.seek(1000)
                file.write(bytes([byte[0] ^ 1]))
            done = subprocess.run([sys.executable, "-c", check, "journal"], cwd=where, stderr=subprocess.PIPE,
                                  text=True, check=False)
            self.assertIn("the record at 312 does not hold", done.stderr)
            os.remove(os.path.join(where, "journal"))
            self.assertEqual(before, golden.digests(where))


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
