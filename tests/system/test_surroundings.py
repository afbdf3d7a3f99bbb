#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is around the devices fails: the report's reader is gone or its disk full, no room for a plan, a target or a state
file, a disk that dies under a repair or a rebuild.  It is told once, the work goes on where it can, the exit status says it.
"""

import contextlib
import os
import random
import shutil
import subprocess

import harness
import images
import kernel
import rebuilds
import repairs
import tool

SHAPE = "raid6x4-m-raid6-blake2"
MIB = 1 << 20


@contextlib.contextmanager
def gone():
    """A pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


@contextlib.contextmanager
def full():
    with open("/dev/full", "wb") as file:
        yield file


class Output(repairs.RepairCase):
    """A report that nobody gets is no clean bill, and no reason to stop half-way."""

    def setUp(self):
        super().setUp()
        self.prepare(SHAPE, lambda plants: plants.rows("data", 60, beyond=False))

    def run_into(self, where, *arguments):
        """Exit status and messages of a run whose report goes to `where`."""
        with where() as out:
            done = subprocess.run([tool.binary(), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=out,
                                  stderr=subprocess.PIPE, timeout=300, check=False)
        return done.returncode, done.stderr.decode()

    def assert_told_once(self, where, *arguments):
        for form in ("json", "text"):
            with self.subTest(command=arguments[0], form=form, out=where.__name__):
                status, messages = self.run_into(where, arguments[0], "--format", form, *arguments[1:])
                self.assertEqual(8, status, messages)
                self.assertEqual(1, messages.count("the report could not be written"), messages)

    def test_what_only_reads(self):
        devices = list(self.paths.values())
        for where in (gone, full):
            for command in (["scrub"], ["repair"], ["inspect"], ["inspect", "--logical", self.volume.chunks[0].logical],
                            ["scrub", "--files"]):
                self.assert_told_once(where, *command, *devices)
        self.assert_same(images.differences(self.damaged, self.paths), "written to")

    def test_repair_and_undo(self):
        """They do all the work, and the journal is whole."""
        for number, where in enumerate((gone, full)):
            journal = os.path.join(self.where, f"journal{number}")
            status, messages = self.run_into(where, "repair", "--write", "--journal", journal, *self.paths.values())
            self.assertEqual(8, status, messages)
            self.assert_same(images.differences(self.originals, self.paths), messages)
            status, messages = self.run_into(where, "undo", "--journal", journal, *self.paths.values())
            self.assertEqual(8, status, messages)
            self.assert_same(images.differences(self.damaged, self.paths), messages)

    def test_rebuild(self):
        for number, where in enumerate((gone, full)):
            target = os.path.join(self.where, f"target{number}")
            left = [path for devid, path in self.originals.items() if devid != 2]
            status, messages = self.run_into(where, "rebuild", "--onto", f"2={target}", *left)
            self.assertEqual(8, status, messages)
            self.assert_clean(tool.scrub([*left, target]))

    def test_no_stderr_either(self):
        """Messages that nobody gets are no reason to stop."""
        done = subprocess.run(["sh", "-c", 'exec "$@" 2>&-', "sh", tool.binary(), "scrub", "--format", "json",
                               *self.paths.values()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=300, check=False)
        self.assertEqual(1, done.returncode)
        self.assertEqual("repairable", tool.Report(done.returncode, done.stdout, b"").summary["verdict"])


class NoRoom(repairs.RepairCase):
    """Full disks for all that a run writes."""

    def refused(self, arguments, name):
        status, out, err = tool.plain(*arguments)
        self.assertEqual(8, status, err)
        told = [line for line in err.decode().splitlines() if name in line]
        self.assertEqual(1, len(told), err)
        self.assertIn("No space left on device", told[0])

    def test_plan(self):
        self.prepare(SHAPE, lambda plants: plants.rows("data", 60, beyond=False))
        with kernel.small_disk(self.folder, "64k") as folder:
            plan = os.path.join(folder, "plan")
            self.refused(["repair", "--save-plan", plan, *self.paths.values()], plan)
        self.assert_same(images.differences(self.damaged, self.paths), "written to")

    def test_target_and_state_file(self):
        """The same command goes on once there is room."""
        self.prepare(SHAPE, lambda plants: None)
        left = [path for devid, path in self.originals.items() if devid != 2]
        with kernel.small_disk(self.folder, "4m") as folder:
            target = os.path.join(folder, "target")
            self.refused(["rebuild", "--onto", f"2={target}", *left], target)
            kernel.run("mount", "-o", "remount,size=1g", folder)
            status, _, err = tool.plain("rebuild", "--onto", f"2={target}", *left)
            self.assertEqual(0, status, err)
            self.assert_clean(tool.scrub([*left, target]))
        with kernel.small_disk(self.folder, "4k") as folder:
            state, target = os.path.join(folder, "state"), os.path.join(self.where, "target")
            with open(os.path.join(folder, "filler"), "wb") as filler:
                filler.write(bytes(4096))
            self.refused(["rebuild", "--state", state, "--onto", f"2={target}", *left], state)


class DyingDisk(repairs.RepairCase):
    """A loop device whose file is cut: neither reads nor writes behind the cut work any more."""

    CUTS = 6

    def cuts(self, devid):
        """Places all over what the device holds behind the first superblock copies."""
        held = sorted(at for _, at in ((devid, at) for at in self.volume.held(devid, 2 * MIB)))
        return [held[i * (len(held) - 1) // self.CUTS] for i in range(self.CUTS)]

    def test_repair(self):
        """What can be written is; when the disk is whole again (its lost part is zeros then), a second repair does the rest."""
        for shape in (SHAPE, "raid5x3-fat-metadata"):
            self.prepare(shape, lambda plants: plants.rows("data", 40, beyond=False))
            for cut in self.cuts(1):
                with self.subTest(shape=shape, cut=cut):
                    self.check_repair(cut)

    def check_repair(self, cut):
        work = self.copy_of(self.damaged, "dying")
        size = os.path.getsize(work[1])
        others = {devid: path for devid, path in work.items() if devid != 1}
        with kernel.attached([work[1]]) as loops:
            os.truncate(work[1], cut)
            before = tool.scrub([*others.values(), loops[0]])
            journal = os.path.join(self.where, f"journal-{cut}")
            status, _, err = tool.plain("repair", "--format", "json", "--write", "--journal", journal, loops[0], *others.values())
        self.assertEqual(8, status, err)
        self.assertTrue(err)
        # What was repairable on the others is repaired.
        repairable = {place for place, finding in before.sectors().items() if finding.repairable is True}
        for devid, path in others.items():
            left = {(devid, at) for at in images.differing(self.originals[devid], path)}
            self.assertEqual(set(), left & repairable)
        os.truncate(work[1], size)
        again = tool.repair(list(work.values()), "--write", "--journal", journal + "-2")
        self.assertIn(again.status, (1, 4), again.messages)
        self.assertEqual(0 if again.status == 1 else 4, tool.scrub(list(work.values())).status)
        shutil.rmtree(os.path.dirname(next(iter(work.values()))))


class DyingSurvivor(rebuilds.RebuildCase):
    """The same disk under a rebuild of another."""

    def test_rebuild(self):
        for shape, lost in ((SHAPE, 2), ("raid6x5-m-raid1c4-n4k", 3)):
            self.take(shape)
            held = sorted(self.volume.held(1, 2 * MIB))
            dice = random.Random(shape)
            for cut in sorted(dice.sample(held, 6)):
                with self.subTest(shape=shape, cut=cut):
                    self.check(lost, cut)

    def check(self, lost, cut):
        """raid6 bears it: the target is what the lost device was."""
        survivors = kernel.copy(self.survivors((1, lost)), os.path.join(self.folder, "others"))
        dying = kernel.copy([self.originals[1]], os.path.join(self.folder, "dying"))[0]
        targets = self.targets((lost,))
        with kernel.attached([dying], read_only=True) as loops:
            os.truncate(dying, cut)
            report = tool.rebuild([*survivors, loops[0]], targets, volume=self.volume)
        self.assert_outcome("repairable", 1, report)
        unreadable = {place for place, finding in report.sectors().items() if finding.cause == "unreadable"}
        self.assertLessEqual({(1, at) for at in self.volume.held(1, cut)}, unreadable)
        self.assert_made_anew(targets)
        self.drop(targets)


if __name__ == "__main__":
    harness.main()
