#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What speaks for the whole file system is in doubt: what is provable is written, what is not stays byte for byte.

Superblocks that contradict each other half against half; a log tree whose root is gone; chunks that claim the same
place on a device.
"""

import os
import random
import struct

import fixtures
import harness
import images
import kernel
import planter
import repairs
import supers
import tool
import trees
import truth
from truth import DATA, FREE, TREE

LABEL, OTHER_LABEL = 299, b"the other half\0"


class HalfAgainstHalf(repairs.RepairCase):
    """Two of four devices say one label, two another; every checksum holds."""

    HALVES = ((1, 2), (3, 4))

    def relabel(self, paths, devids):
        def change(block):
            block[LABEL:LABEL + len(OTHER_LABEL)] = OTHER_LABEL
        for devid in devids:
            supers.edit(paths[devid], change)

    def make(self, hurt=()):
        """Devices 3 and 4 say the other label; some of what lies on the devices `hurt` is damaged."""
        def work(plants):
            for devid in hurt:
                plants.everything_on(devid, 0.05)
            self.relabel(self.paths, self.HALVES[1])
        plants = self.prepare("raid6x4-m-raid6-blake2", work, hurt)
        self.assertEqual(bool(hurt), len(plants.touched) > 50)

    def test_nothing_is_written(self):
        for hurt in ((), (3,)):
            with self.subTest(hurt=hurt):
                self.make(hurt)
                report = self.repair()
                self.assert_outcome("undecided", 4, report)
                self.assertEqual([], report.actions)
                for word in ("contradict", "--distrust"):
                    self.assertIn(word, report.messages)
                self.assert_images(self.damaged, "nobody knows which half is right")
                self.drop_journal()
                self.assert_images(self.damaged, "still")

    def test_the_users_word_decides(self):
        """Either half may be distrusted: all say what the other says, and what was hurt on the distrusted one is back."""
        for believed, distrusted in (self.HALVES, self.HALVES[::-1]):
            with self.subTest(distrusted=distrusted):
                self.make(distrusted)
                wanted = self.copy_of(self.originals, "wanted")
                if believed == self.HALVES[1]:
                    self.relabel(wanted, wanted)
                report = self.repair(*(f"--distrust={devid}" for devid in distrusted))
                self.assert_outcome("repaired", 1, report)
                self.assert_images(wanted, "as the believed half says")
                self.assert_clean(tool.scrub(list(self.paths.values())))
                self.ask_the_kernel()
                self.assert_undone()
                self.drop()

    def ask_the_kernel(self):
        """On copies: it mounts them, and its scrub finds nothing."""
        counts, _ = kernel.scrub_counts(kernel.copy(list(self.paths.values()), os.path.join(self.where, "scrubbed")))
        for fault in ("csum_errors", "verify_errors", "super_errors", "uncorrectable_errors", "corrected_errors"):
            self.assertEqual(0, counts[fault], fault)


class LogLost(repairs.RepairCase):
    """The root of the log is destroyed: what seems free may hold what was fsynced."""

    DISTRUSTED = 2

    def prepare_log(self, recipe, lost):
        """Provable and free sectors of one device hurt, and the log's root on all."""
        self.take(recipe.images(), recipe.name)
        self.assertNotEqual(0, self.volume.log_root)
        self.free, self.of_log = set(), self.places_of_log()
        with planter.Planter(self.volume, self.paths, random.Random(recipe.name), sure=True) as plants:
            if lost:
                self.assertTrue(plants.lose_block(self.volume.log_root))
            self.beyond = set(plants.touched)
            plants.everything_on(self.DISTRUSTED, 0.2)
            for key in [key for rows in plants.rows_by_class.values() for key in rows]:
                self.hurt_free(plants, key)
        self.touched = plants.touched
        self.assertGreater(len(self.free), 30, "no free sectors beside others: the test proves nothing")
        self.keep()

    def hurt_free(self, plants, key):
        """The free sector of a row on the device, where the row holds something."""
        held = [(column, self.volume.state(logical)) for column, logical in enumerate(plants.logicals(key))]
        if key[1] in key[0].excluded or not any(state in (DATA, TREE) for _, state in held):
            return
        for column, state in held:
            place = plants.place(*key, column)
            if state == FREE and place[0] == self.DISTRUSTED and plants._fresh(key):
                plants.hit_row(key, [column], "random")
                self.free.add(place)

    def places_of_log(self):
        """Places of what the log alone tells of, and the parity of such rows."""
        found = set()
        ranges = [(b.logical, self.volume.nodesize) for b in self.volume.log_blocks] + list(self.volume.log_extents.items())
        for start, length in ranges:
            chunk = self.volume.chunk_of(start)
            for logical in range(start, start + length, self.volume.sectorsize):
                found.update(chunk.copies(logical))
                if chunk.parity:
                    full_stripe, rest = divmod(logical - chunk.logical, chunk.data_columns * truth.STRIP)
                    for column in range(chunk.data_columns, chunk.width):
                        devid, physical = chunk.column(full_stripe, column)
                        found.add((devid, physical + rest % truth.STRIP))
        return found

    def sectors_that_differ(self, paths):
        return images.places(self.originals, paths)

    def test_free_sectors_stay(self):
        for recipe in fixtures.LOG_TREES.values():
            with self.subTest(shape=recipe.name):
                self.prepare_log(recipe, lost=True)
                report = self.repair(f"--distrust={self.DISTRUSTED}")
                self.assertEqual(4, report.status)
                self.assertNotEqual("repaired", report.summary["verdict"])
                self.assertEqual(1, [u["cause"] for u in report.unknown].count("log-tree"))
                self.assertNotIn("free", report.places().values())
                written = images.places(self.damaged, self.paths)
                self.assertEqual(set(), written & self.free)
                self.assertEqual(set(), written - self.touched, "what was not hurt is as it was")
                sure = self.touched - self.free - self.beyond - self.of_log
                self.assertGreater(len(sure), 200)
                self.assertEqual(set(), self.sectors_that_differ(self.paths) & sure, "what is provable is back")
                self.assert_undone()
                self.drop()

    def test_with_its_log_they_are_put_back(self):
        """The same with a log that can be had: everything is as it was before."""
        for recipe in fixtures.LOG_TREES.values():
            with self.subTest(shape=recipe.name):
                self.prepare_log(recipe, lost=False)
                self.assert_outcome("repaired", 1, self.repair(f"--distrust={self.DISTRUSTED}"))
                self.assert_images(self.originals, "with its log")
                self.assert_undone()
                self.drop()


CHUNK_LEAD, STRIPE = 48, 32  # bytes of a chunk item before its stripes, of each stripe
SPARE = 1 << 42              # logical: behind all chunks


class SharedPlaces(repairs.RepairCase):
    """Chunk items, sealed, that put two chunks onto the same bytes of a device.  The kernel mounts no such file system."""

    def make(self, change, hurt=None):
        """`change(editor, items, data chunks)`: edits the chunk tree; `hurt(planter)` afterwards."""
        self.take(fixtures.STALE_BASE.images(), "shared")
        editor = trees.Editor(list(self.paths.values()), self.volume)
        leaf, = editor.leaves("CHUNK_TREE")
        items = {item.key[2]: item for item in editor.items(leaf) if item.key[1] == trees.CHUNK_ITEM}
        change(editor, leaf, items, [c for c in self.volume.chunks if c.parity])
        if hurt:
            with planter.Planter(self.volume, self.paths, random.Random("shared"), sure=True) as plants:
                hurt(plants)
        self.keep()

    @staticmethod
    def stripes(item):
        return [item.data[at:at + STRIPE] for at in range(CHUNK_LEAD, len(item.data), STRIPE)]

    def add_single(self, editor, leaf, items, chunks):
        """One more chunk: single, holding nothing, over the first 1 MiB that the data have on devid 2."""
        chunk = max(chunks, key=self.held)
        model = items[chunk.logical]
        stripe = next(s for s in self.stripes(model) if struct.unpack_from("<Q", s)[0] == 2)
        self.shared = {(2, struct.unpack_from("<Q", stripe, 8)[0] + at) for at in range(0, 1 << 20, 4096)}
        data = struct.pack("<QQQQ", 1 << 20, 2, truth.STRIP, 1) + model.data[32:44] + struct.pack("<HH", 1, 0) + stripe
        editor.insert(leaf, trees.Item((trees.FIRST_CHUNK_TREE, trees.CHUNK_ITEM, SPARE), data))
        self.claimed = chunk

    def held(self, chunk):
        return sum(state != FREE for state in self.volume.states[chunk.logical])

    def move_onto(self, editor, leaf, items, chunks):
        """The part of one data chunk on devid 2 lies where that of another does, for all that the tree says."""
        first, second = sorted(sorted(chunks, key=self.held)[-2:], key=lambda chunk: chunk.dev_length)
        stripes = {}
        for chunk in (first, second):
            for stripe in self.stripes(items[chunk.logical]):
                if struct.unpack_from("<Q", stripe)[0] == 2:
                    stripes[chunk.logical] = stripe
        item = items[first.logical]
        moved = item.data.replace(stripes[first.logical], stripes[second.logical])
        self.assertNotEqual(item.data, moved)
        editor.replace(leaf, item.key, item._replace(data=moved))
        at, = struct.unpack_from("<Q", stripes[second.logical], 8)
        self.shared = {(2, at + k) for k in range(0, min(first.dev_length, second.dev_length), 4096)}
        self.claimed = second

    def assert_told(self, report):
        """Said once, with the ranges of both chunks; never clean, never repaired."""
        self.assertEqual(1, report.messages.count("belong to more than one"), report.messages)
        ranges = [(u["logical"], u["logical"] + u["length"]) for u in report.unknown if u["cause"] == "chunk-tree"]
        self.assertTrue(any(start <= self.claimed.logical < end or self.claimed.logical <= start <
                            self.claimed.logical + self.claimed.length for start, end in ranges), ranges)
        self.assertGreaterEqual(len(ranges), 2)
        self.assertEqual(4, report.status)
        self.assertIn(report.summary["verdict"], ("undecided", "unrepairable"))

    def test_the_kernel_refuses(self):
        """What is tested here is no file system that anybody uses."""
        for change in (self.add_single, self.move_onto):
            self.make(change)
            mountable, _ = kernel.mounts_read_only(kernel.copy(list(self.paths.values()), os.path.join(self.where, "m")))
            self.assertFalse(mountable)

    def test_never_clean(self):
        """Every checksum and every parity holds, but somebody else claims the place."""
        self.make(self.add_single)
        report = tool.scrub(list(self.paths.values()))
        self.assert_told(report)
        self.assertEqual([], report.damage)
        self.assertEqual("undecided", report.summary["verdict"])
        report = self.repair()
        self.assert_told(report)
        self.assertEqual([], report.actions)
        self.assert_images(self.damaged, "nothing was wrong")

    def test_the_rest_is_repaired(self):
        """Damage everywhere: what lies in the shared place stays as it is, and parity beside it; all else comes back."""
        for devid in (2, 3):
            with self.subTest(devid=devid):
                self.make(self.add_single, lambda plants, devid=devid: plants.everything_on(devid, 0.3))
                hurt = self.sectors_hurt()
                in_doubt = self.places_of_shared_rows()
                self.assertGreater(len(hurt & in_doubt), 20)
                self.assertGreater(len(hurt - in_doubt), 100)
                report = self.repair()
                self.assert_told(report)
                self.assertEqual(set(), set(report.places()) & self.shared)
                self.assertLessEqual(hurt - set(report.places(done=True)), in_doubt)
                self.assertEqual(set(), images.places(self.damaged, self.paths) & self.shared)
                self.assert_writes_nothing()
                self.assert_undone()
                self.drop()

    def sectors_hurt(self):
        """Places that differ from the originals, chunk tree and superblocks apart."""
        tree = {place for chunk in self.volume.chunks if "SYSTEM" in chunk.kinds
                for logical in range(chunk.logical, chunk.logical + chunk.length, self.volume.sectorsize)
                for place in chunk.copies(logical)}
        return images.places(self.originals, self.damaged) - tree

    def places_of_shared_rows(self):
        """The shared places, and the parity of the rows that they are in."""
        found = set(self.shared)
        for devid, physical in self.shared:
            full_stripe, _, rest = self.claimed.column_at(devid, physical)
            for column in range(self.claimed.data_columns, self.claimed.width):
                where, at = self.claimed.column(full_stripe, column)
                found.add((where, at + rest))
        return found

    def test_two_chunks_that_hold_something(self):
        """One's data is the other's damage: nothing is written over either, and undo works."""
        chunks = [c for c in truth.Volume(fixtures.STALE_BASE.images()).chunks if c.parity]
        if len(chunks) < 2:
            self.skipTest("one data chunk only")
        self.make(self.move_onto)
        self.assert_told(tool.scrub(list(self.paths.values())))
        report = self.repair()
        self.assert_told(report)
        self.assertEqual(set(), set(report.places()) & self.shared)
        self.assertEqual(set(), images.places(self.damaged, self.paths) & self.shared)
        self.assert_undone()


if __name__ == "__main__":
    harness.main()
