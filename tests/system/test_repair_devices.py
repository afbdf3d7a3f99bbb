#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole devices: stale ones brought up to date, short images made long again, and what the kernel would not mount.

A stale device's superblock is written last, and never where anything of that device was left out.  What a truncated image
lost is put back, the image stays sparse, and undo cuts it again.
"""

import os
import random

import fixtures
import harness
import images
import kernel
import planter
import repairs
import stale
import tool
import truth

MIB = 1 << 20


class Stale(repairs.RepairCase):
    """Devid `absent` missed writes of a degraded mount; the others are whole."""

    def make(self, absent):
        self.absent = absent
        self.name, self.where = f"stale{absent}", os.path.join(self.folder, f"stale{absent}")
        self.paths, self.volume = stale.stale_set(self.where, absent)
        self.keep()

    def generation(self):
        return truth.read_super(self.paths[self.absent]).generation

    def written_while_degraded(self):
        """{name: bytes} of the files in question, read by the kernel without the stale device."""
        left = [path for devid, path in sorted(self.damaged.items()) if devid != self.absent]
        return self.read(left, ["ro", "degraded"])

    @staticmethod
    def read(paths, options):
        found = {}
        with kernel.attached(paths, read_only=True) as loops, kernel.mounted(loops, options) as where:
            for folder, _, files in os.walk(where):
                for name in files:
                    with open(os.path.join(folder, name), "rb") as file:
                        found[os.path.relpath(os.path.join(folder, name), where)] = file.read()
        return found

    def test_brought_up_to_date(self):
        """Its content, then its superblock; nothing else is written; clean, mountable, right; and back again."""
        for absent in (1, 3):
            with self.subTest(devid=absent):
                self.make(absent)
                report = self.repair()
                self.assert_outcome("repaired", 1, report)
                self.assertEqual({absent}, {devid for devid, _ in report.places()})
                self.assertEqual("super", report.actions[-1]["role"])
                self.assertEqual(self.volume.generation, self.generation())
                self.assert_clean(tool.scrub(list(self.paths.values())))
                self.assert_outcome("clean", 0, self.assert_writes_nothing())
                self.assert_same(stale.unsound(truth.Volume(list(self.paths.values()))), "rows that hold something")
                # Also when the kernel has to read what was put back: without another device.
                for without in (absent % 4 + 1, None):
                    left = [path for devid, path in sorted(self.paths.items()) if devid != without]
                    self.assertEqual(self.written_while_degraded(), self.read(left, ["ro", "degraded"]))
                self.assert_undone()

    def test_brakes_leave_its_superblock_alone(self):
        """What was only brought up to date in part must not look as if it were: neither plan nor --write has its superblock."""
        for brake in (("--only", "data"), ("--only", "tree"), ("--only", "parity"), ("--only", "super"), ("--max-writes", "1"),
                      ("--max-writes", "5"), ("--only", "data", "--only", "parity")):
            with self.subTest(brake=brake):
                self.make(2)
                behind = self.generation()
                report = self.repair(*brake)
                self.assertNotIn("super", report.places().values())
                self.assertEqual(behind, self.generation())
                self.assert_outcome("repairable", 1, report)
                if "--max-writes" in brake:
                    self.assertEqual(int(brake[-1]), len(report.actions))
                written = set(report.places(done=True))
                self.assertEqual(set(), images.places(self.damaged, self.paths) - written)
                states = {d["devid"]: d["state"] for d in tool.scrub(list(self.paths.values())).devices}
                self.assertEqual("stale", states[2])
                self.assert_undone()
                self.drop()

    def test_brake_then_the_rest(self):
        """A repair of the data alone, and then one without brakes: the whole."""
        self.make(4)
        self.assert_outcome("repairable", 1, self.repair("--only", "data"))
        os.rename(self.journal, self.journal + "-first")
        self.assert_outcome("repaired", 1, self.repair())
        self.assert_clean(tool.scrub(list(self.paths.values())))
        for journal in (self.journal, self.journal + "-first"):
            self.assert_outcome("done", 0, tool.undo(list(self.paths.values()), journal))
        self.assert_images(self.damaged, "both undone, newest first")


class BlockDevices(repairs.RepairCase):
    def test_loops(self):
        """Loop devices instead of image files: the same, there and back."""
        def work(plants):
            plants.rows("data", 200, beyond=False)
            plants.tree_blocks(20)
            plants.superblocks()
        self.prepare("raid6x4-m-raid6-blake2", work)
        with kernel.attached(list(self.paths.values())) as loops:
            self.assert_outcome("repaired", 1, tool.repair_for_good(loops, self.journal))
            self.assert_clean(tool.scrub(loops))
        self.assert_images(self.originals, "repaired")
        with kernel.attached(list(self.paths.values())) as loops:
            self.assert_outcome("done", 0, tool.undo(loops, self.journal))
        self.assert_images(self.damaged, "undone")


class Unmountable(repairs.RepairCase):
    """Each tree block hurt in other columns in each row: within tolerance, and the kernel does not mount it."""

    def check(self, *owners):
        def work(plants):
            for block in plants.volume.roots_in_rows_of_their_own(*owners):
                plants.hurt_as_the_kernel_cannot(block)
        self.prepare("raid6x6-m-raid6-n32k", work)
        mountable, _ = kernel.mounts_read_only(list(self.paths.values()))
        self.assertFalse(mountable, "the kernel mounts it: the test proves nothing")
        self.assert_outcome("repaired", 1, self.repair())
        self.assert_images(self.originals, "repaired")
        mountable, why = kernel.mounts_read_only(list(self.paths.values()))
        self.assertTrue(mountable, why)
        self.assert_undone()

    def test_root_tree(self):
        self.check("ROOT_TREE")

    def test_chunk_tree(self):
        self.check("CHUNK_TREE")

    def test_all_roots_at_once(self):
        self.check("CHUNK_TREE", "ROOT_TREE", "EXTENT_TREE", "CSUM_TREE", "FS_TREE", "DEV_TREE")


class Short(repairs.RepairCase):
    """A device that ends in the middle of what it holds."""

    SHAPES = (("raid6x4-m-raid6-blake2", 2), ("raid5x3-fat-metadata", 1), ("raid5x4-m-raid10-xxhash", 4))

    def cut(self, shape, devid, share):
        """Truncates at this share of what the device holds; its sectors that are lost, all of them."""
        self.take(fixtures.SHAPES[shape].images(), shape)
        held = sorted(self.volume.held(devid, MIB))
        place = held[int(len(held) * share)]
        os.truncate(self.paths[devid], place)
        self.keep()
        lost = {at for at in held if at >= place}
        return place, lost | {at for at in self.volume.super_places(devid) if at >= place}

    def assert_put_back(self, devid, lost):
        """What was lost as it was, and zeros where nothing was lost."""
        different = set(images.differing(self.originals[devid], self.paths[devid]))
        self.assertEqual(set(), different & lost)
        self.assertEqual(set(), set(images.differing(self.damaged[devid], self.paths[devid])) - lost)

    def assert_sparse(self, devid, lost):
        blocks = {which: os.stat(paths[devid]).st_blocks * 512 for which, paths in (("now", self.paths), ("then", self.damaged))}
        self.assertLessEqual(blocks["now"] - blocks["then"], len(lost) * self.volume.sectorsize + 2 * MIB)

    def test_truncated_image(self):
        """Made as long as the file system expects it, sparse; undo cuts it to what it was."""
        for shape, devid in self.SHAPES:
            for share in (0.1, 0.5, 0.95):
                with self.subTest(shape=shape, share=share):
                    place, lost = self.cut(shape, devid, share)
                    report = self.repair()
                    self.assert_outcome("repaired", 1, report)
                    self.assertEqual({(devid, at) for at in lost}, set(report.places(done=True)))
                    self.assertEqual(self.volume.total_bytes[devid], os.path.getsize(self.paths[devid]))
                    self.assert_put_back(devid, lost)
                    self.assert_sparse(devid, lost)
                    self.assert_clean(tool.scrub(list(self.paths.values())))
                    mountable, why = kernel.mounts_read_only(list(self.paths.values()))
                    self.assertTrue(mountable, why)
                    self.assert_outcome("clean", 0, self.assert_writes_nothing())
                    self.assert_undone()
                    self.assertEqual(place, os.path.getsize(self.paths[devid]))
                    self.drop()

    def test_two_truncated_and_damage(self):
        """Two devices of raid6 short, and damage before the cuts."""
        _, lost = self.cut("raid6x4-m-raid6-blake2", 1, 0.6)
        first = min(lost)
        os.truncate(self.paths[3], first)
        lost3 = self.volume.held(3, first) | {at for at in self.volume.super_places(3) if at >= first}
        with planter.Planter(self.volume, self.paths, random.Random("short"), sure=True) as plants:
            for key in plants.rows_by_class["data"][:200]:
                if all(plants.place(*key, column)[1] < first for column in range(key[0].width)):
                    plants.hit_row(key, [plants.dice.randrange(key[0].width)])
        self.assertGreater(len(plants.touched), 50)
        self.keep()
        report = self.repair()
        self.assert_outcome("repaired", 1, report)
        self.assert_put_back(1, lost | {at for devid, at in plants.touched if devid == 1})
        self.assert_put_back(3, lost3 | {at for devid, at in plants.touched if devid == 3})
        self.assert_clean(tool.scrub(list(self.paths.values())))
        self.assert_undone()

    def test_longer_images(self):
        """Bigger than their file system: they stay as long as they are."""
        def work(plants):
            plants.rows("data", 100, beyond=False)
        self.prepare("raid5x3-fat-metadata", work)
        for paths in (self.paths, self.damaged):
            for path in paths.values():
                os.truncate(path, os.path.getsize(path) + 5 * MIB + 512)
        self.assert_outcome("repaired", 1, self.repair())
        for devid, path in self.paths.items():
            self.assertEqual([], images.differing(self.originals[devid], path))
            self.assertEqual(os.path.getsize(self.damaged[devid]), os.path.getsize(path))
        self.assert_undone()

    def test_unreadable_on_a_block_device(self):
        """A loop device that answers EIO at its end: put back, and undo leaves what was unreadable as it was written."""
        shape, devid = "raid5x3-fat-metadata", 1
        self.take(fixtures.SHAPES[shape].images(), shape)
        held = sorted(self.volume.held(devid, 65 * MIB))
        # Within one strip: the first write behind the end makes the backing file long again, and all is readable.
        place = min(at for at in held if at >= held[-1] // truth.STRIP * truth.STRIP)
        with kernel.attached(list(self.paths.values())) as loops:
            os.truncate(self.paths[devid], place)
            self.keep()
            devices = dict(zip(self.paths, loops))
            report = tool.repair_for_good(list(devices.values()), self.journal)
            self.assert_outcome("repaired", 1, report)
            lost = {at for at in held if at >= place}
            self.assertEqual({(devid, at) for at in lost}, set(report.places(done=True)))
            self.assert_clean(tool.scrub(list(devices.values())))
            self.assertEqual(set(), set(images.differing(self.originals[devid], self.paths[devid])) & lost)
            report = tool.undo(list(devices.values()), self.journal)
            self.assert_outcome("done", 0, report)
            self.assertIn("unreadable", report.messages)
        self.assertEqual(set(), set(images.differing(self.originals[devid], self.paths[devid])) & lost)

    def test_unreadable_at_first(self):
        """Sectors that can be read after all when they are to be written: whatever becomes of them, undo can be had."""
        shape, devid = "raid6x4-m-raid6-blake2", 2
        self.take(fixtures.SHAPES[shape].images(), shape)
        held = sorted(self.volume.held(devid, 65 * MIB))
        place = held[len(held) // 2]
        with kernel.attached(list(self.paths.values())) as loops:
            os.truncate(self.paths[devid], place)  # the first write behind the end makes it long again, with zeros
            self.keep()
            report = tool.repair(loops, "--write", "--journal", self.journal)
            self.assertTrue(report.places(done=True))
            self.assert_outcome("done", 0, tool.undo(loops, self.journal))
        changed = images.places(self.damaged, self.paths)
        self.assertEqual(set(), {(where, at) for where, at in changed if where != devid or at < place})


if __name__ == "__main__":
    harness.main()
