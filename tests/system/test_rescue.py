#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Copies with holes and the map files of ddrescue: what was not copied is an erasure, whatever lies there.

Against the judge of all other tests, with the map, and against the original bytes after a repair.  Silent data (without
checksums) are what only a map can save.  With GNU ddrescue, where it is installed: a disk that goes bad, copied, and
copied further as the new map asks for it.
"""

import os
import random
import shutil
import subprocess
import types
import unittest

import fixtures
import harness
import images
import judge
import kernel
import repairs
import rescue
import tool
import truth

MIB = 1 << 20
KEPT = (truth.DATA, truth.TREE, truth.SILENT)
VOID = (truth.PREALLOC, truth.UNREF)
SHAPES = ("raid6x4-mixed-silent", "raid5x3-nodatasum", "raid5x3-fat-metadata", "raid6x5-m-raid1c4-n4k",
          "raid5x3-cache-v1")


class Maps(repairs.RepairCase):
    def setUp(self):
        super().setUp()
        self.maps = []  # options

    def open(self, shape):
        self.take(fixtures.SHAPES[shape].images(), shape)
        self.lost = set()

    def holes_on(self, devid, dice, share=0.6, first=MIB):
        """Runs of held sectors of a device, some cut at 512 bytes; what they touch is lost."""
        held = sorted(self.volume.held(devid, first))
        holes, at = [], 0
        while at < len(held):
            length = dice.randint(1, 40)
            run = held[at:at + length]
            at += length
            if dice.random() > share:
                continue
            start, end = run[0], run[0]
            while end in set(run):
                end += self.volume.sectorsize
            if dice.random() < 0.3:  # one unit of the disk is enough
                start, end = start + 512, max(start + 1024, end - 1024)
            holes.append((start, end))
        return holes

    def erase(self, devid, holes, byte=b"\0"):
        """Makes the copy and its map; what is lost by it."""
        rescue.punch(self.paths[devid], holes, byte)
        size = os.path.getsize(self.paths[devid])
        self.name_map(devid, rescue.write(os.path.join(self.where, f"{devid}.map"), rescue.blocks_around(holes, size)))
        held = self.volume.held(devid, 0)
        sector = self.volume.sectorsize
        self.lost |= {(devid, at) for at in held if any(at < end and start < at + sector for start, end in holes)}

    def name_map(self, devid, path):
        self.maps += ["--map", f"{self.paths[devid]}={path}"]

    def expect(self):
        return judge.Judge(self.volume, self.originals, self.paths, (), erased=self.lost).judge()

    def scrub(self, *options):
        return tool.scrub(list(self.paths.values()), *self.maps, *options)

    def test_one_copy_with_holes(self):
        """Every hole is repairable, named as unreadable; the repair brings the original bytes back."""
        for shape in SHAPES:
            for byte in (b"\0", b"\xa5"):
                with self.subTest(shape=shape, byte=byte):
                    dice = random.Random(shape)
                    self.maps = []
                    self.open(shape)
                    self.erase(2, self.holes_on(2, dice), byte)
                    self.assertGreater(len(self.lost), 50)
                    self.keep()
                    report = self.scrub()
                    self.assert_same(judge.compare_places(self.expect(), report), shape)
                    self.assert_outcome("repairable", 1, report)
                    self.assertEqual({"unreadable"}, {e["cause"] for e in report.damage})
                    self.assert_images(self.damaged, "a scrub writes nothing")
                    done = self.repair(*self.maps)
                    self.assert_outcome("repaired", 1, done)
                    self.assert_held_as_before()
                    self.assert_clean(tool.scrub(list(self.paths.values())), "without the map, which is of no use now")
                    self.assert_kernel_agrees()
                    self.drop()

    def chunk_at(self, devid, at):
        return next(c for c in self.volume.chunks for d, start in c.stripes
                    if d == devid and start <= at < start + c.dev_length)

    def states(self, devid, at):
        """What the sector holds itself (None: parity), and what its row or copies hold."""
        chunk = self.chunk_at(devid, at)
        if not chunk.parity:
            state = self.volume.state(chunk.logical_at(devid, at))
            return state, [state]
        full_stripe, own, rest = chunk.column_at(devid, at)
        first = chunk.logical + full_stripe * chunk.data_columns * truth.STRIP + rest
        row = [self.volume.state(first + column * truth.STRIP) for column in range(chunk.data_columns)]
        return row[own] if own < len(row) else None, row

    def written(self, devid):
        """Sectors of a device in whose row, or which as a copy, something lies that was written and is referred to: of
        the others nobody has anything, and their parity may never have been computed."""
        return {at for at in self.volume.held(devid, 0) if any(s in KEPT for s in self.states(devid, at)[1])}

    def compare_kept(self, expected, report):
        """The judge's word on every place but those of rows in which nobody has anything, and sectors that were never
        written or are referred to no more, which cannot be lost."""
        kept = {(devid, at) for devid in self.paths for at in self.written(devid)
                if self.states(devid, at)[0] not in VOID}
        expected.findings = {place: finding for place, finding in expected.findings.items() if place in kept}
        found = {place: finding for place, finding in report.sectors().items() if place in kept}
        return judge.compare_places(expected, types.SimpleNamespace(sectors=lambda: found))

    def assert_held_as_before(self):
        """Whatever is kept on the devices is what was kept there."""
        for devid, path in self.paths.items():
            differing = set(images.differing(self.originals[devid], path, self.volume.sectorsize))
            self.assertEqual(set(), differing & self.written(devid), f"devid {devid}")

    def assert_kernel_agrees(self):
        self.assertEqual(repairs.contents(list(self.originals.values())), repairs.contents(list(self.paths.values())))

    def test_without_the_map(self):
        """Zeros in the place of data without checksums contradict their parity, and nobody can tell which is right."""
        for shape in ("raid6x4-mixed-silent", "raid5x3-nodatasum"):
            with self.subTest(shape=shape):
                self.maps = []
                self.open(shape)
                self.erase(2, self.holes_on(2, random.Random(shape)))
                believed = tool.scrub(list(self.paths.values()))
                self.assertEqual(4, believed.status)
                self.assertGreater(believed.summary["ambiguous_rows"], 0)
                mapped = self.scrub()
                self.assertEqual((1, 0), (mapped.status, mapped.summary["ambiguous_rows"]))
                self.drop()

    def test_beyond_tolerance(self):
        """Holes in one row more than it bears are lost, and named with --files; the others are not."""
        for shape, devids in (("raid5x3-nodatasum", (1, 2)), ("raid6x4-garbage-silent", (1, 2, 3)),
                              ("raid5x3-fat-metadata", (1, 3))):
            with self.subTest(shape=shape):
                dice = random.Random(shape)
                self.maps = []
                self.open(shape)
                for devid in devids:
                    self.erase(devid, self.holes_on(devid, dice, first=70 * MIB))
                self.keep()
                new = {d: os.path.join(self.where, f"{d}.new") for d in devids}
                asked = [word for d in devids for word in ("--write-map", f"{self.paths[d]}={new[d]}")]
                report = self.scrub("--files", *asked)
                expected = self.expect()
                self.assert_same(self.compare_kept(expected, report), shape)
                self.assertEqual(("unrepairable", 4), (report.summary["verdict"], report.status))
                named = [e for e in report.damage if e["role"] == "data" and e["repairable"] is False]
                self.assertTrue(named)
                self.assertTrue(any(e["files"] for e in named))
                for devid in devids:
                    self.assert_new_map(devid, new[devid], report)
                # The holes that are not needed are filled all the same; lost ones stay as they are.
                done = self.repair(*self.maps)
                self.assertEqual(4, done.status)
                self.drop()

    def assert_new_map(self, devid, path, report):
        needed, other = set(), set()
        for event in report.damage:
            if event["devid"] != devid or event["cause"] not in ("unreadable", "checksum", "header"):
                continue
            unproven = event["role"] == "data" and event["proof"] == "none"
            sectors = range(event["physical"], event["physical"] + event["length"], self.volume.sectorsize)
            (other if event["repairable"] and not unproven else needed).update(sectors)
        blocks = rescue.read(path)
        size = os.path.getsize(self.paths[devid])
        self.assertEqual((0, size), (blocks[0][0], blocks[-1][1]))
        self.assertTrue(needed)
        self.assertEqual(needed, rescue.sectors(blocks, "?"))
        given = rescue.sectors(rescue.read(os.path.join(self.where, f"{devid}.map")), rescue.UNREAD)
        bad = rescue.sectors(blocks, "-")
        self.assertTrue(other <= bad | needed)
        self.assertTrue(bad <= given | other)
        self.assertTrue(given <= bad | needed)

    @unittest.skipUnless(shutil.which("sfdisk"), "no sfdisk (Debian package fdisk)")
    def test_a_part_of_a_disk(self):
        """Two devices as partitions of one disk: the map's positions are the disk's."""
        shape = "raid6x4-mixed-silent"
        self.open(shape)
        holes = self.holes_on(2, random.Random(1))
        self.erase(2, holes)
        self.maps = []
        start = {1: 3 * MIB}
        length = {d: os.path.getsize(self.paths[d]) for d in (1, 2)}
        start[2] = start[1] + length[1] + MIB
        disk = os.path.join(self.where, "disk.img")
        with open(disk, "wb") as file:
            file.truncate(start[2] + length[2] + MIB)
        for devid in (1, 2):
            subprocess.run(["dd", f"if={self.paths[devid]}", f"of={disk}", "bs=1M", f"seek={start[devid] // MIB}",
                            "conv=notrunc,sparse", "status=none"], check=True)
        table = "label: gpt\n" + "".join(f"start={start[d] // 512},size={length[d] // 512}\n" for d in (1, 2))
        subprocess.run(["sfdisk", "-q", disk], input=table, text=True, check=True)
        others = [self.paths[3], self.paths[4]]
        names = [f"{disk}@{start[d]}+{length[d]}" for d in (1, 2)]
        # Named whole it is refused, with the names to use.
        self.assert_refused(["scrub", disk, *others], 8, "partition table (gpt)", *names)
        self.assert_refused(["scrub", names[0], f"{disk}@{start[2] - MIB - 1}", *others], 8, "in common")
        self.assert_refused(["scrub", f"{disk}@{os.path.getsize(disk)}", *others], 8, "begins behind the end")

        moved = [(start[2] + a, start[2] + b) for a, b in holes]
        path = rescue.write(os.path.join(self.where, "disk.map"), rescue.blocks_around(moved, os.path.getsize(disk)))
        reports = [tool.scrub([*names, *others], "--map", f"{device}={path}") for device in (disk, names[1])]
        alone = tool.scrub(list(self.paths.values()), "--map", f"{self.paths[2]}={os.path.join(self.where, '2.map')}")
        self.assertEqual(alone.damage, reports[0].damage, "offsets are the partition's")
        self.assertEqual(alone.damage, reports[1].damage)
        self.assertEqual(names, [d["path"] for d in reports[0].devices][:2])

        before = repairs.content_of(disk)
        new = os.path.join(self.where, "new.map")
        tool.scrub([*names, *others], "--map", f"{disk}={path}", "--write-map", f"{disk}={new}")
        given = rescue.sectors(rescue.read(path), rescue.UNREAD, 512)
        self.assertEqual(given, rescue.sectors(rescue.read(new), rescue.UNREAD, 512) & given)
        self.assertEqual(before, repairs.content_of(disk))
        with open(disk, "rb") as file:
            around = [file.read(start[1]), file.seek(start[1] + length[1]) and file.read(MIB),
                      file.seek(start[2] + length[2]) and file.read()]
        # Hurt the other part, too: both are written.
        with open(disk, "r+b") as file:
            file.seek(start[1] + 64 * MIB)
            file.write(bytes(4096))
        journal = os.path.join(self.where, "part.journal")
        done = tool.repair([*names, *others], "--write", "--journal", journal, "--map", f"{disk}={path}")
        self.assertEqual(("repaired", 1), (done.summary["verdict"], done.status))
        self.assertEqual({1, 2}, {a["devid"] for a in done.actions})
        self.assert_clean(tool.scrub([*names, *others]))
        with open(disk, "rb") as file:
            self.assertEqual(around, [file.read(start[1]), file.seek(start[1] + length[1]) and file.read(MIB),
                                      file.seek(start[2] + length[2]) and file.read()], "nothing beside the parts")
            for devid in (1, 2):
                for at in self.volume.held(devid, 0):
                    file.seek(start[devid] + at)
                    self.assertEqual(truth.read_at(self.originals[devid], at, 4096), file.read(4096), (devid, at))
        undone = tool.undo([*names, *others], journal)
        self.assertEqual(("done", 0), (undone.summary["verdict"], undone.status))
        with open(disk, "rb") as file:
            file.seek(start[1] + 64 * MIB)
            self.assertEqual(bytes(4096), file.read(4096), "the superblock that was zeros is zeros")

    def test_a_rebuild_from_copies(self):
        """One disk is gone, another is a copy with holes."""
        shape = "raid6x4-mixed-silent"
        self.open(shape)
        self.erase(2, self.holes_on(2, random.Random(2)))
        left = [self.paths[d] for d in (2, 3, 4)]
        target = os.path.join(self.where, "new.img")
        report = tool.rebuild(left, {1: target}, *self.maps)
        self.assertEqual(1, report.status)
        self.assertEqual(0, report.summary["unrepairable_sectors"])
        differing = set(images.differing(self.originals[1], target, self.volume.sectorsize))
        self.assertEqual(set(), differing & self.written(1))

    @unittest.skipUnless(rescue.tool(), "no ddrescue (Debian package gddrescue)")
    def test_ddrescue_itself(self):
        """A disk whose end answers with errors is copied; then it gives more, and ddrescue fetches what is needed."""
        for shape in ("raid6x4-garbage-silent", "raid5x3-nodatasum"):
            with self.subTest(shape=shape):
                self.rescue_a_disk(shape)

    def rescue_a_disk(self, shape):
        self.maps = []
        self.open(shape)
        held = sorted(self.volume.held(2, 65 * MIB))
        cut = held[len(held) // 2]
        copy, used = os.path.join(self.where, "copy.img"), os.path.join(self.where, "copy.map")
        disk = self.paths[2]
        with kernel.attached([disk], read_only=True) as loops:
            os.truncate(disk, cut)
            done = subprocess.run(["ddrescue", "-q", "-d", loops[0], copy, used], check=False, timeout=300)
            self.assertEqual(0, done.returncode)
        os.truncate(copy, os.path.getsize(self.originals[2]))
        unread = rescue.sectors(rescue.read(used), rescue.UNREAD)
        self.assertEqual({at for at in held if at >= cut}, set(held) & unread)
        self.paths[2] = copy
        self.lost = {(2, at) for at in self.volume.held(2, 0) if at in unread}
        self.name_map(2, used)
        new = os.path.join(self.where, "new.map")
        report = self.scrub("--write-map", f"{copy}={new}")
        expected = judge.Judge(self.volume, self.originals, self.paths, (), erased=self.lost,
                               supers=[(2, at, "unreadable") for at in self.volume.super_places(2) if at + 4096 > cut])
        self.assert_same(judge.compare_places(expected.judge(), report), shape)
        self.assertEqual(("repairable", 1), (report.summary["verdict"], report.status))

        # The disk has got better: with the new map ddrescue reads what is needed, and leaves the rest alone.
        needed = rescue.sectors(rescue.read(new), "?")
        self.assertTrue(needed)
        before = kernel.copy([copy], os.path.join(self.where, "before"))[0]
        subprocess.run(["ddrescue", "-q", self.originals[2], copy, new], check=True, timeout=300)
        blocks = rescue.read(new)
        self.assertEqual(set(), rescue.sectors(blocks, "?*/"))
        self.assertLessEqual(set(images.differing(before, copy)), needed)
        for at in needed:
            self.assertEqual(truth.read_at(self.originals[2], at, 4096), truth.read_at(copy, at, 4096))
        self.maps = ["--map", f"{copy}={new}"]
        last = self.scrub()
        self.assertEqual([], [e for e in last.damage if e["role"] == "data" and e["proof"] == "none"])
        done = self.repair(*self.maps)
        self.assert_outcome("repaired", 1, done)
        self.assert_held_as_before()
        self.assert_clean(tool.scrub(list(self.paths.values())))
        self.drop()


if __name__ == "__main__":
    harness.main()
