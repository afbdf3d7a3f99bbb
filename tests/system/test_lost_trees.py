#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Trees beyond repair: the tool says exactly what it does not know, judges the rest, and never says clean.

A leaf of the extent tree or of the checksum tree is overwritten in every copy; damage planted elsewhere must still be
reported.  And allocated data whose checksum item is simply not there is `csum-missing`, undecided.
"""

import os
import random
import re
import shutil
import struct
import subprocess
import unittest

import algebra
import fixtures
import harness
import planter
import tool
import truth

SHAPE = "raid6x5-m-raid1c4-n4k"  # 4 KiB nodes: many leaves


class LostTrees(harness.Case):
    def setUp(self):
        super().setUp()
        self.originals = harness.by_devid(fixtures.SHAPES[SHAPE].images())
        self.volume = truth.Volume(list(self.originals.values()))
        self.damaged = harness.by_devid(self.copy(SHAPE))

    def blocks(self, owner, level=0):
        return sorted(b.logical for b in self.volume.blocks.values() if b.owner == owner and b.level == level)

    def root(self, owner):
        return max((b for b in self.volume.blocks.values() if b.owner == owner), key=lambda b: b.level).logical

    def read_block(self, block):
        devid, physical = self.volume.chunk_of(block).copies(block)[0]
        return truth.read_at(self.originals[devid], physical, self.volume.nodesize)

    def overwrite(self, block, content):
        for devid, physical in self.volume.chunk_of(block).copies(block):
            with open(self.damaged[devid], "r+b") as image:
                image.seek(physical)
                image.write(content)

    def lose(self, block):
        self.overwrite(block, random.Random(block).randbytes(self.volume.nodesize))

    def places(self, block):
        return {(devid, physical + at) for devid, physical in self.volume.chunk_of(block).copies(block)
                for at in range(0, self.volume.nodesize, self.volume.sectorsize)}

    def scrub(self):
        return tool.scrub(list(self.damaged.values()))

    def keys(self, block):
        """[(objectid, type, offset)] of a leaf."""
        raw = self.read_block(block)
        count, = struct.unpack_from("<I", raw, 96)
        return [struct.unpack_from("<QBQ", raw, 101 + 25 * i) for i in range(count)]

    def check_lost(self, report, block):
        self.assertEqual(4, report.status)
        self.assertNotIn(report.summary["verdict"], ("clean", "repairable"))
        found = {p: f for p, f in report.sectors().items() if f.role == "tree"}
        self.assertEqual(set(), self.places(block) - set(found))
        for place in self.places(block):
            self.assertIs(False, found[place].repairable)

    @unittest.skipUnless(shutil.which("strace"), "strace is not installed")
    def test_searched_once(self):
        """A block lost on raid5 is looked for once, however often it is asked for: its row's P is read one time."""
        shape = "raid5x2-m-raid5"
        volume, paths = truth.Volume(fixtures.SHAPES[shape].images()), harness.by_devid(self.copy(shape, "once"))
        leaf = min(b.logical for b in volume.blocks.values() if b.owner == "EXTENT_TREE" and b.level == 0)
        chunk = volume.chunk_of(leaf)
        (devid, physical), = chunk.copies(leaf)
        full_stripe, _, rest = chunk.column_at(devid, physical)
        p_devid, p_physical = chunk.column(full_stripe, chunk.data_columns)
        for place in ((devid, physical), (p_devid, p_physical + rest)):
            with open(paths[place[0]], "r+b") as image:
                image.seek(place[1])
                image.write(random.Random(place[0]).randbytes(volume.nodesize))
        trace = os.path.join(self.folder, "trace")
        done = subprocess.run([*tool.STRACE, "-f", "-e", "trace=pread64", "-s", "0", "-o", trace, tool.binary(), "scrub",
                               *paths.values()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300)
        self.assertEqual(4, done.returncode)
        with open(trace, encoding="utf-8", errors="replace") as lines:
            reads = re.findall(rf", {volume.nodesize}, {p_physical + rest}\) *=", lines.read())
        self.assertEqual(1, len(reads))

    def test_extent_leaf(self):
        """Its extents are unknown; those of the other leaves are judged, planted damage and all."""
        leaves = self.blocks("EXTENT_TREE")
        self.assertGreater(len(leaves), 3)
        leaf = next(b for b in sorted(leaves, key=lambda b: self.keys(b)[0]) if self.covers_data(b))
        self.assertNotIn(leaf, [objectid for objectid, _, _ in self.keys(leaf)])
        gone = [(objectid, objectid + (self.volume.nodesize if kind == 169 else offset))
                for objectid, kind, offset in self.keys(leaf) if kind in (168, 169)]
        with planter.Planter(self.volume, self.damaged, random.Random("extent leaf")) as plants:
            low, high = gone[0][0], gone[-1][1]
            rows = [key for key in plants.rows_by_class["data"] if not self.row_meets(key, low, high)]
            for key in plants.dice.sample(rows, 40):
                plants.hit_row(key, [0], "random")
        self.lose(leaf)
        report = self.scrub()
        self.check_lost(report, leaf)
        unknown = [(u["logical"], u["logical"] + u["length"]) for u in report.unknown]
        for start, end in gone:
            self.assertTrue(any(a <= start and end <= b for a, b in unknown), f"{start} is not said to be unknown")
        for extent in self.volume.extents:
            if not any(start <= extent.logical < end for start, end in gone):
                self.assertFalse(any(a <= extent.logical < b for a, b in unknown),
                                 f"extent {extent.logical} of another leaf is said to be unknown")
        found = {p: f for p, f in report.sectors().items() if f.role in ("data", "P", "Q", "free")}
        self.assertEqual(plants.touched, set(found))
        self.assertEqual({True}, {f.repairable for f in found.values()})

    def covers_data(self, leaf):
        keys = [key for key in self.keys(leaf) if key[1] in (168, 169)]
        first, last = (self.volume.chunk_of(key[0]) for key in (keys[0], keys[-1]))
        return len(keys) > 3 and first is last and first.kinds == ["DATA"]

    def test_extent_leaf_that_describes_itself(self):
        """The walk knows it from its parent: its sectors are named although no extent item is left to name them."""
        leaf = next(b for b in self.blocks("EXTENT_TREE") if b in [key[0] for key in self.keys(b)])
        self.lose(leaf)
        self.check_lost(self.scrub(), leaf)

    def row_meets(self, key, low, high):
        chunk, full_stripe, _ = key
        start = chunk.logical + full_stripe * chunk.data_columns * truth.STRIP
        return start < high + truth.STRIP and start + chunk.data_columns * truth.STRIP > low

    def test_checksum_leaf(self):
        """Nothing is known about the data that it spoke for: undecided, and none of it is called repairable."""
        leaf = self.blocks("CSUM_TREE")[1]
        self.lose(leaf)
        report = self.scrub()
        self.check_lost(report, leaf)
        self.assertTrue(report.unknown or any(e["cause"] == "csum-missing" for e in report.damage))
        self.assertEqual([], [f for f in report.sectors().values() if f.role in ("data", "P", "Q")
                              and f.cause != "csum-missing"])

    def test_roots(self):
        """The root of every tree that matters, lost in all copies: said, exit 4, no crash."""
        for owner in ("ROOT_TREE", "CHUNK_TREE", "EXTENT_TREE", "CSUM_TREE"):
            with self.subTest(tree=owner):
                self.damaged = harness.by_devid(self.copy(SHAPE, owner))
                block = self.root(owner)
                self.lose(block)
                report = self.scrub()
                self.assertEqual(4, report.status)
                self.assertNotIn(report.summary["verdict"], ("clean", "repairable"))
                self.assertTrue(report.unknown or report.damage)

    def test_missing_checksum_item(self):
        """The last item of a checksum leaf taken out, the leaf sealed again: what files refer to of it, and only that,
        is csum-missing."""
        leaf = self.blocks("CSUM_TREE")[0]
        raw = bytearray(self.read_block(leaf))
        count, = struct.unpack_from("<I", raw, 96)
        objectid, kind, logical = self.keys(leaf)[-1]
        self.assertEqual(128, kind)
        size, = struct.unpack_from("<I", raw, 101 + 25 * (count - 1) + 21)
        sectors = size // algebra.CSUM_SIZE[self.volume.csum_kind]
        struct.pack_into("<I", raw, 96, count - 1)
        self.overwrite(leaf, algebra.seal(self.volume.csum_kind, bytes(raw)))
        report = self.scrub()
        wanted = set()
        for at in range(logical, logical + sectors * self.volume.sectorsize, self.volume.sectorsize):
            if self.volume.is_referred(at):
                wanted.update(self.volume.chunk_of(at).copies(at))
        self.assertTrue(wanted)
        found = report.sectors()
        self.assertEqual(wanted, set(found))
        self.assertEqual({("data", "csum-missing", None)}, {(f.role, f.cause, f.repairable) for f in found.values()})
        self.assertEqual(("undecided", 4), (report.summary["verdict"], report.status))


class SilentMirrors(harness.Case):
    def test_copies_that_differ(self):
        """raid1 data without checksums: written copies that differ are ambiguous, never-written ones are no damage."""
        shape = fixtures.SHAPES["raid1c3-no-parity"]
        volume = truth.Volume(shape.images())
        damaged = harness.by_devid(shape.copy(self.folder))
        chosen = []
        with planter.Planter(volume, damaged, random.Random("mirrors")) as plants:
            for chunk in volume.chunks:
                silent = volume.sectors(chunk, (truth.SILENT,))
                for logical in plants.dice.sample(silent, min(10, len(silent))):
                    chosen.append(chunk.copies(logical))
                    plants.hit(plants.dice.choice(chosen[-1]), "silent", "random")
        self.assertTrue(chosen)
        report = tool.scrub(list(damaged.values()))
        found = report.sectors()
        self.assertEqual({("data", "mirror", None)}, {(f.role, f.cause, f.repairable) for f in found.values()})
        for copies in chosen:
            self.assertTrue(set(copies) & set(found), copies)
        self.assertEqual(set(), set(found) - {place for copies in chosen for place in copies})
        self.assertEqual(("undecided", 4), (report.summary["verdict"], report.status))


if __name__ == "__main__":
    harness.main()
