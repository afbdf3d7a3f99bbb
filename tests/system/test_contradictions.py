#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Trees that are sealed and contradict themselves: what is allocated is then unknown, and that is never clean.

Extents that overlap each other, that leave their chunk, or that are longer than any; chunks that end behind their
devices.  None of it costs more memory, time or lines than the file system has bytes.
"""

import os
import resource
import struct
import subprocess

import fixtures
import harness
import tool
import trees
import truth

BASE = fixtures.STALE_BASE  # raid6 data, raid1c4 metadata, nodes of 16 KiB
MANY_LINES = 20000
ADDRESS_SPACE = 2 << 30
PEAK_KIB = 256 << 10
FAR = 1 << 47  # the length of a chunk that no device can hold


class Contradictions(harness.Case):
    def setUp(self):
        super().setUp()
        self.paths = BASE.copy(os.path.join(self.folder, "work"))
        self.volume = truth.Volume(BASE.images())
        self.editor = trees.Editor(self.paths, self.volume)

    def scrub(self):
        """A scrub in little address space, cut off where its report has no end; the checked report."""
        room = resource.RLIM_INFINITY if harness.sanitized() else ADDRESS_SPACE
        command = [tool.binary(), "scrub", "--format", "json", "--threads", "2", *self.paths]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (room, room))) as process:
            out = []
            for line in process.stdout:
                out.append(line)
                if len(out) > MANY_LINES:
                    process.kill()
                    self.fail(f"more than {MANY_LINES} lines: {line}")
            err = process.stderr.read()
        return tool.Report(process.returncode, b"".join(out), err)

    def assert_unknown(self, report, cause, start, what=""):
        """Something about the tree is unknown from `start` on, and the verdict says so."""
        self.assertIn((cause, start), [(u["cause"], u["logical"]) for u in report.unknown], what)
        self.assertEqual(("unrepairable", 4), (report.summary["verdict"], report.status), what)

    def leaf_with_room(self, kind, length):
        """(leaf, item): an extent item of at least this length, not the last of its leaf, and room for one more item.

        Where the leaf is full its last extents are forgotten: what they held counts as free, and that is no damage.
        """
        for leaf in self.editor.leaves("EXTENT_TREE"):
            items = self.editor.items(leaf)
            for item in items[:-10]:
                size = self.volume.nodesize if item.key[1] == trees.METADATA_ITEM else item.key[2]
                if item.key[1] == kind and size >= length:
                    while self.editor.room(leaf) < 100:
                        self.editor.store(leaf, self.editor.items(leaf)[:-1])
                    return leaf, item
        self.fail("no leaf fits: the test proves nothing")

    def test_control(self):
        """The editor alone does no harm: every extent leaf stored anew, the last extents of the first one forgotten."""
        for leaf in self.editor.leaves("EXTENT_TREE"):
            self.editor.store(leaf, self.editor.items(leaf))
        leaf = self.editor.leaves("EXTENT_TREE")[0]
        self.editor.store(leaf, self.editor.items(leaf)[:-3])
        self.assert_clean(self.scrub())

    # --- extents that overlap ---

    def test_block_inside_a_block(self):
        leaf, item = self.leaf_with_room(trees.METADATA_ITEM, 16384)
        inside = item.key[0] + 4096
        self.editor.insert(leaf, trees.block_extent(inside, self.volume.generation))
        self.assert_unknown(self.scrub(), "extent-tree", inside)

    def test_data_inside_a_block(self):
        leaf, item = self.leaf_with_room(trees.METADATA_ITEM, 16384)
        inside = item.key[0] + 4096
        self.editor.insert(leaf, trees.data_extent(inside, 4096, self.volume.generation))
        self.assert_unknown(self.scrub(), "extent-tree", inside)

    def test_block_inside_data(self):
        leaf, item = self.leaf_with_room(trees.EXTENT_ITEM, 32768)
        inside = item.key[0] + 4096
        self.editor.insert(leaf, trees.block_extent(inside, self.volume.generation))
        self.assert_unknown(self.scrub(), "extent-tree", inside)

    def test_data_inside_data(self):
        leaf, item = self.leaf_with_room(trees.EXTENT_ITEM, 32768)
        inside = item.key[0] + 4096
        self.editor.insert(leaf, trees.data_extent(inside, 8192, self.volume.generation))
        self.assert_unknown(self.scrub(), "extent-tree", inside)

    def test_all_extents_reach_the_chunk_end(self):
        """Each is within its chunk, but each overlaps all that follow."""
        first = None
        for leaf in self.editor.leaves("EXTENT_TREE"):
            items = self.editor.items(leaf)
            for i, item in enumerate(items):
                start, kind, _ = item.key
                chunk = self.volume.chunk_of(start)
                if i > 0 and kind == trees.EXTENT_ITEM and chunk.logical + chunk.length > start + 4096:
                    items[i] = item._replace(key=(start, kind, chunk.logical + chunk.length - start))
                    first = start if first is None else first
            self.editor.store(leaf, items)
        self.assertIsNotNone(first)
        report = self.scrub()
        self.assertEqual(("unrepairable", 4), (report.summary["verdict"], report.status))
        self.assertIn("extent-tree", {u["cause"] for u in report.unknown})

    # --- extents and chunks that are too long ---

    def last_data_extent(self):
        for leaf in reversed(self.editor.leaves("EXTENT_TREE")):
            for item in reversed(self.editor.items(leaf)[1:]):  # the first key stands in the parent, too
                if item.key[1] == trees.EXTENT_ITEM:
                    return leaf, item
        self.fail("no data extent")

    def test_extent_past_its_chunk(self):
        leaf, item = self.last_data_extent()
        start, kind, _ = item.key
        chunk = self.volume.chunk_of(start)
        self.editor.replace(leaf, item.key, item._replace(key=(start, kind, chunk.logical + chunk.length + 4096 - start)))
        report = self.scrub()
        self.assertEqual(4, report.status)
        self.assertIn("extent-tree", {u["cause"] for u in report.unknown})

    def lengthen_last_chunk(self):
        """The last chunk becomes 2^47 bytes long; returns where it begins."""
        leaf, = self.editor.leaves("CHUNK_TREE")
        start = self.volume.chunks[-1].logical
        key = (trees.FIRST_CHUNK_TREE, trees.CHUNK_ITEM, start)
        item, = [i for i in self.editor.items(leaf) if i.key == key]
        self.editor.replace(leaf, key, item._replace(data=struct.pack("<Q", FAR) + item.data[8:]))
        return start

    def test_chunk_past_its_devices(self):
        """The kernel does not mount it; nor is it clean."""
        start = self.lengthen_last_chunk()
        report = self.scrub()
        self.assertEqual(4, report.status)
        self.assertIn(("chunk-tree", start), [(u["cause"], u["logical"]) for u in report.unknown])

    def test_root_far_inside_a_chunk_that_is_too_long(self):
        """Memory does not follow the address of a block that is not there."""
        start = self.lengthen_last_chunk()
        for leaf in self.editor.leaves("ROOT_TREE"):
            for item in self.editor.items(leaf):
                if item.key[:2] == (trees.FS_TREE, trees.ROOT_ITEM):
                    far = struct.pack("<Q", start + FAR // 2)
                    self.editor.replace(leaf, item.key, item._replace(data=item.data[:176] + far + item.data[184:]))
        report = self.scrub()
        self.assertEqual(4, report.status)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.assertLess(peak, PEAK_KIB, f"{peak} KiB")

    def test_extent_far_longer_than_any(self):
        """2^40 bytes of data without checksums, in a chunk that says it is that long: no line for each sector."""
        self.lengthen_last_chunk()
        leaf, item = self.last_data_extent()
        self.editor.replace(leaf, item.key, item._replace(key=(*item.key[:2], 1 << 40)))
        report = self.scrub()
        self.assertEqual(4, report.status)


if __name__ == "__main__":
    harness.main()
