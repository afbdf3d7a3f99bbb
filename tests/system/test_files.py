#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""--files: the files named are exactly those that the kernel cannot give back right, with exactly these bytes.

Damage beyond tolerance is planted in the data of shapes with snapshots, clones, hard links, compressed extents, moved
and deleted subvolumes.  The kernel then reads every page of every path; what fails or differs from before must be what
damage with `repairable` false names, page for page: none missing, none too many.  The same holds for chunks on lost
devices and for what a rebuild could not make.
"""

import os
import random
import re
import shutil
import unittest

import fixtures
import harness
import kernel
import pages
import planter
import tool
import truth

KINDS = ("file", "deleted", "unnamed", "space-cache", "relocation")
ADDED = ("paths", "paths_escaped", "files", "trees", "objects", "files_named", "files_incomplete")  # fields of --files
ENTRY = {"kind", "path", "subvolume", "inode", "offset", "length"}
TOP = 5  # number of the top-level subvolume
SHAPES = ("raid5x4-m-raid10-xxhash", "raid6x4-m-raid6-blake2", "raid6x6-m-raid6-n32k",
          "raid5x3-mixed", "raid5x3-fat-metadata", "raid6x5-everything", "raid5x4-converted",
          "raid1c3-no-parity", "raid6x4-late-delete")


def to_bytes(text, escaped):
    """A path as it was, by the rule of btrfs-raid56-report(5)."""
    raw = text.encode()
    if not escaped:
        return raw
    return re.sub(rb"\\(?:x([0-9a-f]{2})|\\)", lambda m: bytes([int(m[1], 16)]) if m[1] else b"\\", raw)


def without_files(lines):
    return [{k: v for k, v in line.items() if k not in ADDED} for line in lines]


class FilesCase(harness.Case):
    known = {}  # {images: (truth.Volume, {path: File})} of shapes that several tests take

    def prepare(self, shape, work, seed=0, name="work"):
        """Copies of a shape, or of some images, hurt by `work(planter)`, and what the kernel reads of the originals."""
        images = fixtures.SHAPES[shape].images() if isinstance(shape, str) else shape
        self.originals = harness.by_devid(images)
        self.look(shape if isinstance(shape, str) else None)
        copies = kernel.copy(list(self.originals.values()), os.path.join(self.folder, name))
        self.damaged = dict(zip(self.originals, copies))
        with planter.Planter(self.volume, self.damaged, random.Random(f"files {seed}")) as plants:
            work(plants)
        return plants

    def look(self, shape):
        """The truth about the originals, and what the kernel reads of them; once for each shape."""
        paths = list(self.originals.values())
        known = self.known.get(shape) or (truth.Volume(paths), pages.files_of(paths))
        if shape is not None:
            self.known.clear()  # one at a time: contents of all files are a lot
            self.known[shape] = known
        self.volume, self.files = known

    @staticmethod
    def rows(plants, kind, count):
        """Hurts rows within what they bear and beyond, all bytes of each sector: what a file has there is lost then,
        also where it uses a few bytes of it only."""
        rows = plants.rows_by_class[kind]
        for key in plants.dice.sample(rows, min(count, len(rows))):
            number = min(plants.dice.randint(1, key[0].parity + 2), key[0].width)
            plants.hit_row(key, plants.dice.sample(range(key[0].width), number), "random")

    def scrub(self, paths=None, *options):
        """`scrub --files`, its fields checked; and that without the option only these are left out."""
        paths = paths or list(self.damaged.values())
        report = tool.scrub(paths, "--files", *options)
        plain = tool.scrub(paths, *options)
        self.assertEqual([], [line for line in plain.lines if set(line) & set(ADDED)])
        self.assertEqual(plain.comparable(), without_files(report.comparable()))
        self.check_fields(report)
        return report

    def check_fields(self, report):
        for event in report.damage:
            whole = event in report.device_events()
            told = event["role"] == "data" and not (whole and event["repairable"])
            if event["role"] in "PQ" and event["repairable"] is None:  # see InDoubt
                told = "files" in event
            lost_tree = event["role"] == "tree" and event["repairable"] is not True  # see test_lost_objects.py
            self.assertEqual(told or lost_tree, "paths" in event, event)
            self.assertEqual(told, "files" in event, event)
            self.assertEqual(lost_tree, "trees" in event and "objects" in event, event)
            if told:
                self.check_entries(event)
            elif not lost_tree:
                self.assertNotIn("paths_escaped", event)

    def check_entries(self, event):
        self.assertIs(True, event.get("paths_escaped", True))
        escaped, told = "paths_escaped" in event, []
        for entry in event["files"]:
            self.assertEqual(ENTRY, set(entry) - {"compressed"}, entry)
            self.assertIs(True, entry.get("compressed", True))
            self.assertIn(entry["kind"], KINDS)
            self.assertEqual(0, (entry["offset"] | entry["length"]) % self.volume.sectorsize, entry)
            self.assertGreater(entry["length"], 0)
            self.assertEqual(entry["kind"] == "file", entry["path"] is not None, entry)
            if entry["path"] is not None:
                told.append(entry["path"])
        self.assertEqual(list(dict.fromkeys(told)), event["paths"])
        self.check_told_once(event["files"])
        raw = [to_bytes(path, escaped) for path in event["paths"]]
        self.assertEqual([], [path for path in raw if not path.startswith(b"/")])
        try:
            plain = [path.decode("utf-8") for path in raw]
        except UnicodeDecodeError:
            plain = None
        self.assertEqual(plain is None, escaped, event["paths"])

    def check_told_once(self, entries):
        """No byte of a path is named twice by one damage."""
        parts = sorted((e["path"] or "", e["subvolume"], e["inode"], e["offset"], e["length"]) for e in entries)
        for one, other in zip(parts, parts[1:]):
            if one[:3] == other[:3]:
                self.assertLessEqual(one[3] + one[4], other[3], f"{one} and {other}")

    def entries(self, report, repairable=(False,)):
        """(event, entry, path as bytes or None) of all files named."""
        for event in report.damage:
            if event["repairable"] in repairable:
                for entry in event.get("files", ()):
                    path = entry["path"]
                    yield event, entry, path if path is None else to_bytes(path, "paths_escaped" in event)

    def named(self, report):
        """{(path, page)} that the report calls lost; inode, subvolume and compression are those that the kernel has."""
        found, problems = set(), []
        for _, entry, path in self.entries(report):
            if path is None:
                continue
            file = self.files.get(path)
            if file is None:
                problems.append(f"{path!r} does not exist")
                continue
            if (file.subvolume, file.inode) != (entry["subvolume"], entry["inode"]):
                problems.append(f"{path!r} is {file.subvolume} {file.inode}, not {entry}")
            start, end = entry["offset"], entry["offset"] + entry["length"]
            there = [e for e in file.extents if e.offset < end and start < e.offset + e.length]
            packed = {bool(e.flags & pages.ENCODED) for e in there}
            if packed != {"compressed" in entry}:
                problems.append(f"{path!r} compressed {packed}: {entry}")
            found.update((path, at) for at in range(start, min(end, file.size), pages.PAGE))
        self.assert_same(problems, "entries")
        return found

    def lost(self, paths, options=("ro",)):
        """{(path, page)} that the kernel does not give back right."""
        return pages.with_whole_extents(pages.lost(list(paths), self.files, options), self.files)

    def assert_as_the_kernel(self, named, lost, what=""):
        problems = [f"not named: {path!r} at {at}" for path, at in sorted(lost - named)]
        problems += [f"named, but whole: {path!r} at {at}" for path, at in sorted(named - lost)]
        self.assert_same(problems, f"{what}: {len(lost)} pages lost, {len(named)} named")

    def assert_referred(self, report):
        """A damage that no file extent refers to any more names nothing, any other something."""
        referred, empty = set(), 0
        for start, end in self.volume._regular:
            referred.update(range(start, end, self.volume.sectorsize))
        for event in report.damage:
            if event["role"] != "data" or event in report.device_events():
                continue
            sectors = range(event["logical"], event["logical"] + event["length"], self.volume.sectorsize)
            self.assertEqual(not referred.isdisjoint(sectors), bool(event["files"]), event)
            empty += not event["files"]
        return empty

    def assert_places(self, report):
        """Repairable or not, each damage names the parts of files that lie there, as the kernel's FIEMAP has them;
        compressed files apart, of which it does not tell where on disk they end."""
        packed = {path for path, file in self.files.items() if any(e.flags & pages.ENCODED for e in file.extents)}
        places = {}
        for path in set(self.files) - packed:
            for extent in self.files[path].extents:
                if not extent.flags & (pages.INLINE | pages.UNWRITTEN):
                    for k in range(0, extent.length, pages.PAGE):
                        places.setdefault(extent.logical + k, set()).add((path, extent.offset + k))
        for event in report.damage:
            if "files" not in event or event in report.device_events():
                continue
            wanted, found = set(), set()
            for k in range(0, event["length"], self.volume.sectorsize):
                wanted |= places.get(event["logical"] + k, set())
            for entry in event["files"]:
                if entry["path"] is not None:
                    path = to_bytes(entry["path"], "paths_escaped" in event)
                    if path not in packed:
                        end = entry["offset"] + entry["length"]
                        found.update((path, at) for at in range(entry["offset"], end, pages.PAGE))
            self.assertEqual(wanted, found, event)

    def assert_text(self, paths=None):
        """For people: the same exit, and nothing that drives a terminal."""
        status, out, _ = tool.plain("scrub", "--files", *(paths or self.damaged.values()))
        self.assertEqual([], tool.control_characters(out))
        return status, out.decode("utf-8")


class Shapes(FilesCase):
    def test_shapes(self):
        """Rows of data and of data beside free sectors, some more hurt than they bear; mirrors in all copies."""
        empty = 0
        for seed, shape in enumerate(SHAPES):
            with self.subTest(shape=shape):
                def work(plants):
                    self.rows(plants, "data", 250)
                    self.rows(plants, "gaps", 120)
                    plants.mirrored_data(150, beyond=True)
                self.prepare(shape, work, seed, shape)
                report = self.scrub()
                lost = self.lost(self.damaged.values())
                self.assertGreater(len(lost), 50)
                self.assert_as_the_kernel(self.named(report), lost, shape)
                self.assert_places(report)
                if shape != "raid6x4-late-delete":  # a tree that is being deleted refers to data, no file does
                    empty += self.assert_referred(report)
                self.assertNotIn("files_incomplete", report.summary)
                self.assert_repair_alike(report)
                status, _ = self.assert_text()
                self.assertEqual(report.status, status)
                shutil.rmtree(os.path.join(self.folder, shape))
                print(f"{shape}: {len(lost)} pages of {len({path for path, _ in lost})} paths", flush=True)
        self.assertGreater(empty, 0, "no damage in a part of an extent that nothing refers to")

    def assert_repair_alike(self, scrub):
        """A dry run names the same files."""
        report = tool.repair(list(self.damaged.values()), "--files")
        self.assertEqual(scrub.damage, report.damage)
        plain = tool.repair(list(self.damaged.values()))
        self.assertEqual(plain.comparable(), without_files(report.comparable()))


class Odd(FilesCase):
    """A file system of its own, with all that makes finding files hard."""

    NAMES = (b"new\nline", b"esc\x1b[31mred", b"caf\xe9", b"back\\slash", b"bad\xff\\x41", "ünï".encode(),
             "over\u202eride".encode(), b"half\xed\xa0\x80", b"tab\there", b" spaces ", b"\\xe9", b"\"quote\"")

    def setUp(self):
        super().setUp()
        self.dice = random.Random("odd")
        images = [os.path.join(self.folder, f"d{i}.img") for i in range(1, 5)]
        for path in images:
            with open(path, "wb") as image:
                image.truncate(160 * fixtures.MIB)
        with kernel.attached(images) as loops:
            kernel.make(loops, "-d", "raid6", "-m", "raid1c3")
            with kernel.mounted(loops, ("commit=300",)) as where:
                self.fill(where)
                with open(f"{where}/orphan", "r+b") as orphan:
                    self.orphan = os.fstat(orphan.fileno()).st_ino, pages.extents(orphan.fileno())
                    os.unlink(f"{where}/orphan")
                    kernel.sync(where)
                    self.images = kernel.copy(images, os.path.join(self.folder, "crash"))
        for path in images:
            os.unlink(path)

    def write(self, path, size, at=0):
        """Random bytes; a file that is not there is made."""
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            os.pwrite(handle, self.dice.randbytes(size), at)
        finally:
            os.close(handle)

    def fill(self, where):
        self.write(f"{where}/orphan", 200000)
        self.fill_links(where)
        self.fill_clones(where)
        self.fill_compressed(where)
        self.fill_names(where)
        self.fill_subvolumes(where)
        kernel.sync(where)

    def fill_links(self, where):
        """Hard links in one directory, over several, and more than one item holds."""
        os.makedirs(f"{where}/a/b/c")
        self.write(f"{where}/a/linked", 150000)
        for path in ("a/again", "a/b/linked", "a/b/c/other", "top"):
            os.link(f"{where}/a/linked", f"{where}/{path}")
        os.mkdir(f"{where}/crowd")
        self.write(f"{where}/crowd/first", 50000)
        for i in range(120):
            os.link(f"{where}/crowd/first", f"{where}/crowd/{i:0200}")
        deep = f"{where}/" + "/".join(f"deep{i}" for i in range(30))
        os.makedirs(deep)
        self.write(f"{deep}/down", 40000)
        self.write(f"{where}/inline", 300)

    def fill_clones(self, where):
        """Bookends, shifted clones, one extent twice in a file, a truncated extent."""
        for name in ("bookend", "clone-source", "twice", "cut"):
            self.write(f"{where}/{name}", 400000)
        kernel.sync(where)
        self.write(f"{where}/bookend", 120000, 81920)
        os.truncate(f"{where}/cut", 100001)
        self.write(f"{where}/clone", 4096)
        pages.clone_range(f"{where}/clone-source", 65536, 131072, f"{where}/clone", 8192)
        pages.clone_range(f"{where}/twice", 16384, 32768, f"{where}/twice", 409600)
        kernel.run("cp", "--reflink=always", f"{where}/cut", f"{where}/a/cut-clone")
        self.write(f"{where}/tail", 70001)

    def fill_compressed(self, where):
        """Compressed extents: overwritten in the middle, and a part of one cloned."""
        words = [self.dice.randbytes(5) for _ in range(200)]
        text = b"".join(self.dice.choice(words) + b"      " for _ in range(60000))
        for name in ("packed", "packed-part"):
            with open(f"{where}/{name}", "wb") as out:
                kernel.run("btrfs", "property", "set", out.name, "compression", "zstd")
                if name == "packed":
                    out.write(text)
        kernel.sync(where)
        self.write(f"{where}/packed", 20000, 40960)
        pages.clone_range(f"{where}/packed", 147456, 65536, f"{where}/packed-part", 0)

    def fill_names(self, where):
        folder = os.fsencode(where) + b"/names-\xfe\\"
        os.mkdir(folder)
        for name in self.NAMES:
            self.write(folder + b"/" + name, 30000)
            self.write(os.fsencode(where) + b"/a/" + name, 20000)

    def fill_subvolumes(self, where):
        """A subvolume in a subvolume, snapshots, the directory above moved, a subvolume renamed, one deleted."""
        os.mkdir(f"{where}/shelf")
        kernel.run("btrfs", "subvolume", "create", f"{where}/shelf/sub")
        os.mkdir(f"{where}/shelf/sub/folder")
        self.write(f"{where}/shelf/sub/folder/file", 100000)
        self.write(f"{where}/shelf/sub/changed", 100000)
        os.link(f"{where}/shelf/sub/changed", f"{where}/shelf/sub/folder/changed-link")
        kernel.run("btrfs", "subvolume", "create", f"{where}/shelf/sub/folder/inner")
        self.write(f"{where}/shelf/sub/folder/inner/file", 60000)
        kernel.run("btrfs", "subvolume", "snapshot", f"{where}/shelf/sub", f"{where}/shelf/snapshot")
        kernel.run("btrfs", "subvolume", "snapshot", "-r", f"{where}/shelf/sub", f"{where}/shelf/sub/own-snapshot")
        self.write(f"{where}/shelf/sub/changed", 30000, 40960)
        os.rename(f"{where}/shelf/snapshot/folder/file", f"{where}/shelf/snapshot/renamed")
        os.unlink(f"{where}/shelf/snapshot/changed")
        kernel.sync(where)
        os.rename(f"{where}/shelf", f"{where}/a/moved")
        os.rename(f"{where}/a/moved/sub/folder/inner", f"{where}/inner-elsewhere")
        kernel.run("btrfs", "subvolume", "create", f"{where}/gone")
        self.write(f"{where}/gone/file", 50000)
        kernel.run("cp", "--reflink=always", f"{where}/gone/file", f"{where}/outlives")
        kernel.sync(where)
        kernel.run("btrfs", "subvolume", "delete", "--commit-after", f"{where}/gone")
        kernel.run("btrfs", "subvolume", "sync", where)

    SPECIAL = (b"/a/linked", b"/a/again", b"/a/b/linked", b"/a/b/c/other", b"/top", b"/crowd/first", b"/bookend",
               b"/clone-source", b"/clone", b"/twice", b"/cut", b"/a/cut-clone", b"/tail", b"/packed", b"/packed-part",
               b"/a/moved/sub/folder/file", b"/a/moved/sub/changed", b"/a/moved/sub/folder/changed-link",
               b"/a/moved/sub/own-snapshot/changed", b"/a/moved/sub/own-snapshot/folder/file",
               b"/a/moved/snapshot/renamed", b"/a/moved/snapshot/folder/changed-link", b"/inner-elsewhere/file",
               b"/outlives")

    def hurt_most(self, plants):
        for kind in ("data", "gaps"):
            for key in plants.rows_by_class[kind]:
                chance = self.dice.random()
                if chance < 0.5:
                    plants.hit_row(key, self.dice.sample(range(key[0].width), 3), "random")
                elif chance < 0.6:
                    plants.hit_row(key, [0], "random")

    def test_odd(self):
        """Half of all rows lost: every path is hurt, and named for what it has lost."""
        self.prepare(self.images, self.hurt_most)
        report = self.scrub()
        lost = self.lost(self.damaged.values())
        self.assert_as_the_kernel(self.named(report), lost)
        self.assert_places(report)
        self.assertNotIn("files_incomplete", report.summary)
        paths = {path for path, _ in lost}
        odd = {b"/names-\xfe\\/" + name for name in self.NAMES} | {b"/a/" + name for name in self.NAMES}
        crowd = {path for path in self.files if path.startswith(b"/crowd/")}
        self.assertEqual(121, len(crowd))
        self.assertEqual(set(), (set(self.SPECIAL) | odd | crowd) - paths, "not hurt: this proves less than it should")
        self.assertGreater(self.assert_referred(report), 0)
        self.check_orphan(report)
        self.check_text(report)
        alone = tool.scrub(list(self.damaged.values()), "--files", "--threads", "1")
        self.assertEqual(report.comparable(), alone.comparable())

    def check_orphan(self, report):
        """Deleted while open: no path, but its inode and bytes; what else has no path does not occur."""
        inode, extents = self.orphan
        bad = {}
        for event in report.damage:
            if event["role"] == "data" and event["repairable"] is False:
                for k in range(0, event["length"], pages.PAGE):
                    bad[event["logical"] + k] = True
        wanted = {e.offset + k for e in extents for k in range(0, e.length, pages.PAGE) if e.logical + k in bad}
        self.assertTrue(wanted)
        found = set()
        for _, entry, path in self.entries(report):
            if path is None:
                self.assertEqual(("deleted", TOP, inode), (entry["kind"], entry["subvolume"], entry["inode"]))
                found.update(range(entry["offset"], entry["offset"] + entry["length"], pages.PAGE))
        self.assertEqual(wanted, found)

    def check_text(self, report):
        status, text = self.assert_text()
        self.assertEqual(report.status, status)
        for words in ("/names-\\xfe", "new\\x0aline", "caf\\xe9", "esc\\x1b[31mred", "ünï", "(compressed)",
                      "a deleted file (inode ", "no file has data there any more"):
            self.assertIn(words, text)

    def test_lost_devices(self):
        """All devices but one that has all of the metadata: whatever lies on disk and is read from there is lost."""
        self.prepare(self.images, lambda plants: None)
        holders = [{devid for devid, _ in c.stripes} for c in self.volume.chunks if "DATA" not in c.kinds]
        kept = min(set.intersection(*holders))
        report = self.scrub([self.damaged[kept]])
        lost = self.lost([self.damaged[kept]], ("ro", "degraded"))
        self.assertGreater(len(lost), 500)
        self.assert_as_the_kernel(self.named(report), lost, "lost devices")
        self.assertNotIn("files_incomplete", report.summary)
        self.assertEqual(4, self.assert_text([self.damaged[kept]])[0])

    def test_rebuilt(self):
        """A device lost and two more columns of some rows: what the kernel cannot read of the rebuilt set is named."""
        gone = 3

        def work(plants):
            for kind in ("data", "gaps"):
                for key in plants.rows_by_class[kind]:
                    columns = [c for c in range(key[0].width) if key[0].column(key[1], c)[0] != gone]
                    chance = self.dice.random()
                    if chance < 0.4:
                        plants.hit_row(key, self.dice.sample(columns, 2), "random")
                    elif chance < 0.5:
                        plants.hit_row(key, columns[:1], "random")
        self.prepare(self.images, work)
        survivors = [path for devid, path in self.damaged.items() if devid != gone]
        onto = os.path.join(self.folder, "new.img")
        status, out, err = tool.plain("rebuild", "--format", "json", "--files", "--onto", f"{gone}={onto}", *survivors)
        report = Rebuild(status, out, err)
        self.assertEqual(4, status, report.messages)
        self.check_fields(report)
        lost = self.lost(survivors + [onto])
        self.assertGreater(len(lost), 100)
        self.assert_as_the_kernel(self.named(report), lost, "rebuilt")
        other = os.path.join(self.folder, "other.img")
        plain = Rebuild(*tool.plain("rebuild", "--format", "json", "--onto", f"{gone}={other}", *survivors))
        self.assertEqual(plain.comparable(), without_files(report.comparable()))
        self.assertEqual([], [line for line in plain.lines if set(line) & set(ADDED)])


class Rebuild(tool.Report):
    """What one `rebuild` said."""

    command = "rebuild"

    def _write_problems(self):
        return []


class Small(FilesCase):
    """File systems of one file each."""

    def test_compressed_over_strips(self):
        """Compressed extents with parts in several strips of a lost device: each byte of the file is named once."""
        images = [os.path.join(self.folder, f"d{i}.img") for i in (1, 2)]
        for path in images:
            with open(path, "wb") as made:
                made.truncate(160 * fixtures.MIB)
        dice = random.Random("packed")
        with kernel.attached(images) as loops:
            kernel.make(loops, "-d", "raid0", "-m", "raid1")
            with kernel.mounted(loops, ("compress-force=zstd",)) as where, open(f"{where}/packed", "wb") as out:
                out.write(b"".join(dice.randbytes(3800).ljust(4096, b"\0") for _ in range(1024)))
        self.prepare(images, lambda plants: None)
        report = self.scrub([self.damaged[1]])
        lost = self.lost([self.damaged[1]], ("ro", "degraded"))
        self.assertGreater(len(lost), 500)
        self.assert_as_the_kernel(self.named(report), lost)

    def test_c1_in_json(self):
        """A control character of two bytes, which some terminals obey: JSON lines have it as an escape of JSON's."""
        image, name = os.path.join(self.folder, "d1.img"), b"csi\xc2\x9b31m-del\x7f"
        with open(image, "wb") as made:
            made.truncate(128 * fixtures.MIB)
        with kernel.attached([image]) as loops:
            kernel.make(loops, "-d", "single", "-m", "single")
            with kernel.mounted(loops) as where, open(os.path.join(os.fsencode(where), name), "wb") as out:
                out.write(random.Random("csi").randbytes(20000))

        def work(plants):
            plants.mirrored_data(3, beyond=True)
        self.prepare([image], work)
        report = self.scrub()
        self.assertEqual({b"/" + name}, {path for path, _ in self.named(report)})


class Unreadable(FilesCase):
    def test_truncated(self):
        """The end of an image cut off within what the free-space cache of version 1 holds: all is to be had back,
        files are named all the same, and the cache as such."""
        self.prepare("raid6x4-cache-v1", lambda plants: None)
        cache = self.cache_places()
        devid = max(cache)[1]
        cut = min(physical for physical, where in cache if where == devid)
        os.truncate(self.damaged[devid], cut)
        report = self.scrub()
        self.assertEqual(1, report.status)
        self.assert_places(report)
        kinds = {(e["kind"], e["subvolume"] == 1, path is None) for _, e, path in self.entries(report, (True,))}
        self.assertEqual({("file", False, False), ("space-cache", True, True)}, kinds)
        named = {event["physical"] + k for event, entry, _ in self.entries(report, (True,))
                 if entry["kind"] == "space-cache" and event["devid"] == devid for k in range(0, event["length"], 4096)}
        self.assertEqual(set(), {physical for physical, where in cache if where == devid and physical >= cut} - named)
        self.assertIn("the free-space cache", self.assert_text()[1])

    def cache_places(self):
        """{(physical, devid)} of sectors that files of the tree of roots hold."""
        places, owner = set(), None
        for line in truth.dump_tree(list(self.originals.values())):
            if line.startswith(("leaf ", "node ")):
                owner = line.rsplit("owner ", 1)[-1] if " owner " in line else owner
            found = re.match(r"\s+extent data disk byte (\d+) nr (\d+)", line)
            if found and owner == "ROOT_TREE":
                start, length = int(found[1]), int(found[2])
                for logical in range(start, start + length, self.volume.sectorsize):
                    (devid, physical), = self.volume.chunk_of(logical).copies(logical)
                    places.add((physical, devid))
        return places


class LostDevices(FilesCase):
    """Chunks that lost more devices than they bear: named is what has data on these, in every path."""

    def check(self, shape, gone):
        self.prepare(shape, lambda plants: None, name=shape)
        left = [path for devid, path in self.damaged.items() if devid not in gone]
        report = self.scrub(left)
        self.assertEqual(4, report.status)
        lost = self.lost(left, ("ro", "degraded"))
        self.assertGreater(len(lost), 100)
        self.assert_as_the_kernel(self.named(report), lost, f"{shape} without {gone}")
        self.assertNotIn("files_incomplete", report.summary)
        self.assert_text(left)

    def test_raid0(self):
        for gone in (1, 2, 3):
            with self.subTest(gone=gone):
                shape = fixtures.SHAPES["raid0-data"]
                chunks = truth.Volume(shape.images()).chunks
                if all(chunk.bears({gone}) for chunk in chunks if "DATA" not in chunk.kinds):
                    self.check("raid0-data", {gone})
                    shutil.rmtree(os.path.join(self.folder, "raid0-data"))

    def test_raid5_without_two(self):
        """Metadata that is single lies on one device, which stays."""
        chunks = truth.Volume(fixtures.SHAPES["raid5x4-m-single"].images()).chunks
        kept = {devid for chunk in chunks if "DATA" not in chunk.kinds for devid, _ in chunk.stripes}
        gone = sorted({1, 2, 3, 4} - kept)[:2]
        self.assertEqual(2, len(gone), "metadata lies on too many devices")
        self.check("raid5x4-m-single", set(gone))

    def test_raid6_without_three(self):
        """With snapshots, data without checksums, and preallocated space, which is read as zeros all the same."""
        self.check("raid6x5-m-raid1c4-n4k", {2, 3, 5})

    def test_all_can_be_had(self):
        """One device of a raid5 lost: no file is hurt, and none is named."""
        self.prepare("raid5x3-m-raid1", lambda plants: None)
        report = self.scrub([path for devid, path in self.damaged.items() if devid != 2])
        self.assertEqual([], list(self.entries(report, (True, False, None))))
        self.assertEqual(1, report.status)


class LostTrees(FilesCase):
    """Parts of the trees that tell of files cannot be had: said, and the rest is named."""

    SHAPE = "raid6x5-m-raid1c4-n4k"

    def hurt(self, name, blocks):
        def work(plants):
            self.rows(plants, "data", 300)
            for block in blocks(self.volume):
                self.assertTrue(plants.lose_block(block))
        self.prepare(self.SHAPE, work, name=name)
        return self.scrub()

    def keys(self, leaf):
        """Least and greatest inode of a leaf."""
        devid, physical = self.volume.chunk_of(leaf).copies(leaf)[0]
        raw = truth.read_at(self.originals[devid], physical, self.volume.nodesize)
        count = int.from_bytes(raw[96:100], "little")
        return tuple(int.from_bytes(raw[101 + 25 * i:109 + 25 * i], "little") for i in (0, count - 1))

    @staticmethod
    def leaves(volume, owner, level=0):
        return sorted(b.logical for b in volume.blocks.values() if b.owner == owner and b.level == level)

    def test_leaf(self):
        """A leaf of the top-level subvolume: files of other leaves are named as before, none wrongly."""
        whole = self.named(self.hurt("whole", lambda _: ()))
        for pick in (3, 17, 29):
            with self.subTest(leaf=pick):
                report = self.hurt(f"leaf{pick}", lambda volume: [self.leaves(volume, "FS_TREE")[pick]])
                self.assertIs(True, report.summary.get("files_incomplete"))
                found = self.named(report)
                self.assertEqual(set(), found - whole)
                least, most = self.keys(self.leaves(self.volume, "FS_TREE")[pick])
                unnamed = {entry["inode"] for _, entry, path in self.entries(report) if entry["kind"] == "unnamed"}
                for path, _ in whole - found:
                    file = self.files[path]
                    self.assertEqual(TOP, file.subvolume)
                    gone = [inode for inode in (file.inode, *file.above) if least <= inode <= most]
                    self.assertTrue(gone or file.inode in unnamed, (path, least, most))
                self.assertNotIn("deleted", {entry["kind"] for _, entry, _ in self.entries(report)})
                self.assertIn("Parts of the trees cannot be had", self.assert_text()[1])

    def test_roots(self):
        """The root of a subvolume, of the top-level one, and leaves of the tree of roots."""
        def root(owner):
            return lambda volume: volume.roots(owner)
        subvolume = next(b.owner for b in truth.Volume(fixtures.SHAPES[self.SHAPE].images()).blocks.values()
                         if b.owner.isdigit())
        cases = {"subvolume": root(subvolume), "top": root("FS_TREE"), "roots": root("ROOT_TREE"),
                 "roots-leaf": lambda volume: self.leaves(volume, "ROOT_TREE")[-1:]}
        for name, blocks in cases.items():
            with self.subTest(lost=name):
                report = self.hurt(name, blocks)
                self.assertEqual(4, report.status)
                if any(e["role"] == "data" for e in report.damage):
                    self.assertIs(True, report.summary.get("files_incomplete"))
                self.named(report)
                self.assert_text()


    def test_not_known_is_not_nothing(self):
        """Where the tree of a subvolume is lost nobody can say that no file refers to a place."""
        report = self.hurt("not-known", lambda volume: volume.roots("FS_TREE"))
        self.assertIs(True, report.summary.get("files_incomplete"))
        self.assertTrue([e for e in report.damage if e["role"] == "data" and e["files"] == []])
        self.assertNotIn("no file has data there any more", self.assert_text()[1])


class InDoubt(FilesCase):
    """Rows whose parity contradicts data without checksums: the files that have such data in them, or on the device
    that the syndromes single out."""

    def test_ambiguous_rows(self):
        for shape, suspects in (("raid5x3-m-raid1", False), ("raid6x5-m-raid1c4-n4k", True)):
            with self.subTest(shape=shape):
                self.check_shape(shape, suspects)

    def check_shape(self, shape, suspects):
        def work(plants):
            rows = plants.rows_by_class["silent"]
            for key in plants.dice.sample(rows, min(40, len(rows))):
                silent = [c for c, at in enumerate(plants.logicals(key)) if self.volume.state(at) == truth.SILENT]
                plants.hit_row(key, [plants.dice.choice([*silent, key[0].data_columns])], "random")

        plants = self.prepare(shape, work, seed=shape)
        places = {}
        for path, file in self.files.items():
            for extent in file.extents:
                if not extent.flags & (pages.INLINE | pages.UNWRITTEN):
                    for k in range(0, extent.length, pages.PAGE):
                        places.setdefault(extent.logical + k, set()).add((path, extent.offset + k))
        report = self.scrub()
        chunks = {chunk.logical: chunk for chunk in self.volume.chunks}
        told = with_suspect = 0
        for event in report.damage:
            if event["role"] not in "PQ" or event["repairable"] is not None:
                continue
            chunk, expected = chunks[event["chunk"]], set()
            suspect = event.get("suspect_devid")
            with_suspect += suspect is not None
            for row in range(event["row"], event["row"] + event["length"] // self.volume.sectorsize):
                for at in plants.logicals((chunk, event["full_stripe"], row)):
                    (devid, _), = chunk.copies(at)
                    if suspect in (None, devid) and self.volume.state(at) == truth.SILENT:
                        expected |= places.get(at, set())
            named = {(to_bytes(entry["path"], "paths_escaped" in event), entry["offset"] + k)
                     for entry in event.get("files", ()) for k in range(0, entry["length"], pages.PAGE)}
            self.assertEqual(expected, named, event)
            told += len(named)
        self.assertGreater(told, 10)
        self.assertEqual(suspects, with_suspect > 0)
        self.check_undecided_text(report)

    def check_undecided_text(self, report):
        _, text, _ = tool.plain("scrub", "--files", *self.damaged.values())
        paths = {entry["path"] for event in report.damage if event["role"] in "PQ" for entry in event.get("files", ())}
        self.assertTrue(paths)
        for path in paths:
            self.assertIn(f"    {path}, bytes ".encode(), text)


class Log(FilesCase):
    """Files that were fsynced and not committed: the log names them."""

    def replayed(self, recipe):
        """{logical: {(path, page)}} as the kernel tells it once it has replayed the log of a copy."""
        copies = recipe.copy(os.path.join(self.folder, "replayed"))
        with kernel.attached(copies) as loops, kernel.mounted(loops):
            pass
        places = {}
        self.files = pages.files_of(copies)
        for path, file in self.files.items():
            for extent in file.extents:
                if not extent.flags & pages.INLINE:
                    for k in range(0, extent.length, pages.PAGE):
                        places.setdefault(extent.logical + k, set()).add((path, extent.offset + k))
        return places

    def test_fsynced(self):
        for name, recipe in fixtures.LOG_TREES.items():
            with self.subTest(shape=name):
                places = self.replayed(recipe)
                self.volume = truth.Volume(recipe.images())
                self.damaged = harness.by_devid(recipe.copy(os.path.join(self.folder, name)))
                logged = [logical + k for logical, length in sorted(self.volume.log_extents.items())
                          for k in range(0, length, self.volume.sectorsize)
                          if self.volume.state(logical + k) == truth.DATA and logical + k in places]
                hurt = set()
                with planter.Planter(self.volume, self.damaged, random.Random(name)) as plants:
                    for key in plants.rows_by_class["data"] + plants.rows_by_class["gaps"]:
                        chosen = set(plants.logicals(key)) & set(logged)
                        if chosen and plants.dice.random() < 0.3:
                            column = plants.logicals(key).index(min(chosen))
                            width = key[0].width
                            plants.hit_row(key, [column, *range(key[0].data_columns, width)], "random")
                            hurt.add(min(chosen))
                self.assertGreater(len(hurt), 20)
                report = self.scrub()
                lost = set().union(*(places[logical] for logical in hurt))
                named = {(path, entry["offset"] + k) for _, entry, path in self.entries(report)
                         for k in range(0, entry["length"], pages.PAGE)}
                self.assertEqual(lost, named)
                self.assertGreater(len({path for path, _ in lost if path.startswith(b"/fresh/")}), 5)
                shutil.rmtree(os.path.join(self.folder, "replayed"))

    def test_names_are_those_after_the_replay(self):
        recipe = fixtures.LOGGED_NAMES
        before = set(pages.files_of(recipe.images(), ("ro", "rescue=nologreplay")))
        places = self.replayed(recipe)
        changed = before ^ set(self.files)
        self.assertGreater(len(changed), 20, "the log changes no names: the test proves nothing")
        self.volume = truth.Volume(recipe.images())
        self.assertNotEqual(0, self.volume.log_root)
        self.damaged = harness.by_devid(recipe.copy(os.path.join(self.folder, "names")))
        hurt = set()
        with planter.Planter(self.volume, self.damaged, random.Random("names")) as plants:
            for key in plants.rows_by_class["data"] + plants.rows_by_class["gaps"]:
                logicals = plants.logicals(key)
                if any(at not in places or path.startswith((b"/names/", b"/elsewhere/"))
                       for at in logicals for path, _ in places.get(at, ((b"", 0),))):
                    plants.hit_row(key, range(key[0].width), "random")
                    hurt.update(at for at in logicals if at in places)
        report = self.scrub()
        lost = set().union(*(places[logical] for logical in hurt))
        named = {(path, entry["offset"] + k) for _, entry, path in self.entries(report) if path is not None
                 for k in range(0, entry["length"], pages.PAGE)}
        self.assertEqual(lost, named)
        self.assertLess(changed & set(self.files), {path for path, _ in lost})
        self.assertEqual(160, len({path for path, _ in lost if path.startswith(b"/names/many/")}))
        # What the replay removes with its folder.
        nameless = [entry for _, entry, path in self.entries(report) if path is None]
        self.assertGreaterEqual(len({entry["inode"] for entry in nameless}), 12)
        self.assertEqual({"deleted"}, {entry["kind"] for entry in nameless})
        self.assertNotIn("files_incomplete", report.summary)


if __name__ == "__main__":
    harness.main()
