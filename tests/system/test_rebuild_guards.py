#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Rebuilds that must not be taken for harmless: targets that lead to what is read or mounted by another way, damage
far from the target, superblocks that are all wiped, half-built devices, targets that changed between two runs."""

import contextlib
import os
import random
import shutil
import time

import fixtures
import harness
import kernel
import rebuilds
import tool
import truth

MIB = 1 << 20
SHAPE, LOST = "raid5x3-m-raid1", 1


@contextlib.contextmanager
def loop(path, *options):
    with kernel.exclusive():
        name = kernel.run("losetup", "-f", "--show", *options, path).stdout.strip()
        try:
            yield name
        finally:
            kernel.detach_one(name)


class Guards(rebuilds.RebuildCase):
    def setUp(self):
        super().setUp()
        self.work = os.path.join(self.folder, "work")
        self.prepare(SHAPE)

    def prepare(self, shape):
        recipe = fixtures.SHAPES[shape]
        self.take(recipe)
        shutil.rmtree(self.work, ignore_errors=True)
        self.paths = harness.by_devid(recipe.copy(self.work))

    def new(self, name="new.img"):
        return os.path.join(self.work, name)

    def arguments(self, target, *options, lost=LOST):
        return ["rebuild", *options, "--onto", f"{lost}={target}", *self.survivors((lost,), self.paths)]

    # --- targets that are something else, seen another way

    def test_a_loop_into_a_survivor(self):
        """It begins behind all that the file system uses, so that nothing is seen to lie there."""
        survivor = self.paths[3]
        with open(survivor, "r+b") as image:
            image.truncate(2 * self.volume.total_bytes[3] + 64 * MIB)
        before = rebuilds.digest(survivor)
        for offset in (MIB, self.volume.total_bytes[3] + MIB):
            with loop(survivor, "-o", str(offset)) as target:
                self.assert_refused(self.arguments(target, "--force", "--state", self.new("state")), 8, "shares storage",
                                    survivor)
        after = rebuilds.digest(survivor)
        self.assertEqual(before, after)
        self.assertFalse(os.path.exists(self.new("state")))

    def test_a_second_loop_over_what_is_mounted(self):
        disk = self.new("disk")
        with open(disk, "wb") as image:
            image.truncate(self.volume.total_bytes[LOST] + 160 * MIB)
        with loop(disk) as first, loop(disk) as second, loop(disk, "-o", str(80 * MIB)) as inside:
            kernel.run("mkfs.btrfs", "-q", "-f", first)
            with kernel.mounted([first]) as where:
                with open(os.path.join(where, "kept"), "wb") as file:
                    file.write(b"x" * MIB)
                kernel.sync(where)
                for target in (second, inside):
                    self.assert_refused(self.arguments(target, "--force", "--state", self.new("state")), 8, "in use")
            self.assertEqual(0, kernel.run("btrfs", "check", "--readonly", first, check=False).returncode)

    # --- damage that has nothing to do with the target

    def test_damage_in_chunks_without_a_part_on_the_target(self):
        """The exit status says that nothing else is wrong: so everything is looked at."""
        self.prepare("raid6x6-unequal")
        far = [chunk for chunk in self.volume.chunks if LOST not in [devid for devid, _ in chunk.stripes]]
        self.assertTrue(far)
        chunk = max(far, key=lambda c: sum(self.volume.state(c.logical + at) == truth.DATA
                                           for at in range(0, c.length, self.volume.sectorsize)))
        devid, offset = chunk.stripes[0]
        with open(self.paths[devid], "r+b") as image:
            image.seek(offset)
            image.write(random.Random(1).randbytes(chunk.dev_length))
        report = tool.rebuild(self.survivors((LOST,), self.paths), {LOST: self.new()}, volume=self.volume)
        self.assertGreater(report.summary["repairable_sectors"], 0)
        self.assert_outcome("repairable", 1, report)
        whole = tool.scrub([*self.survivors((LOST,), self.paths), self.new()])
        self.assertEqual(whole.summary["repairable_sectors"], report.summary["repairable_sectors"])

    # --- superblocks

    def test_survivors_that_were_all_wiped(self):
        """What is made of superblocks that lack their magic has it."""
        for devid in (2, 3):
            with open(self.paths[devid], "r+b") as image:
                for place in (0x10000, 0x4000000):
                    image.seek(place + 64)
                    image.write(bytes(8))
        report = tool.rebuild(self.survivors((LOST,), self.paths), {LOST: self.new()}, "--distrust", "2", "--distrust", "3",
                              volume=self.volume)
        self.assertIn(report.status, (1, 4))
        with open(self.paths[LOST], "rb") as lost, open(self.new(), "rb") as made:
            for place in (0x10000, 0x4000000):
                lost.seek(place)
                made.seek(place)
                self.assertEqual(lost.read(4096), made.read(4096))

    # --- half-built

    def interrupted(self, target, seconds=0.0):
        """A run that was killed after it had marked its target, and before it was done."""
        for _ in range(200):
            process = tool.start(*self.arguments(target))
            state = target + ".rebuild"
            while process.poll() is None:
                with contextlib.suppress(OSError):
                    with open(state, "rb") as file:
                        if b'"begun"' in file.read():
                            time.sleep(seconds)
                            break
            process.kill()
            process.communicate()
            with contextlib.suppress(OSError):
                with open(state, "rb") as kept, open(target, "rb") as file:
                    file.seek(0x10000)
                    if b'"begun"' in kept.read() and file.read(12) == b"btrfs-raid56":
                        return
            for path in (state, target):
                with contextlib.suppress(OSError):
                    os.unlink(path)
        self.fail("every rebuild was over too soon")

    def test_half_built_is_no_member(self):
        self.interrupted(self.new())
        everything = [*self.survivors((LOST,), self.paths), self.new()]
        for command in (["scrub"], ["repair"], ["inspect"]):
            self.assert_refused([*command, *everything], 8, "has begun and not completed")

    def test_whatever_the_order(self):
        """The state file is found again, and a target whose state file is gone is not begun anew unasked."""
        self.interrupted(self.new())
        os.rename(self.new() + ".rebuild", self.new("elsewhere"))
        self.assert_refused(self.arguments(self.new()), 8, "--restart")
        report = tool.rebuild(self.survivors((LOST,), self.paths), {LOST: self.new()}, "--restart", volume=self.volume)
        self.assert_outcome("done", 0, report)


if __name__ == "__main__":
    harness.main()
