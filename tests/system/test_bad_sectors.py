#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A real block device that cannot read one sector, one sector after the other: what scrub, repair and rebuild make of it.

Some of all the sectors that hold something, evenly chosen; all of them where RAID56_EVERY_READ is set.
"""

import os

import bad_disk
import fixtures
import harness
import images
import judge
import kernel
import rebuilds
import tool

SCRUBBED, REPAIRED, REBUILT = 24, 6, 4
SHAPES = (("raid6x4-m-raid6-blake2", 2), ("raid5x3-fat-metadata", 1))


def chosen(places, count):
    if "RAID56_EVERY_READ" in os.environ or len(places) <= count:
        return places
    return [places[i * (len(places) - 1) // (count - 1)] for i in range(count)]


class BadSectors(rebuilds.RebuildCase):
    def places(self, devid):
        """Superblock copies, and every sector whose row or mirror holds something; zeros are holes and have no block."""
        held = self.volume.held(devid, 0) | set(self.volume.super_places(devid))
        with open(self.originals[devid], "rb") as image:
            return [at for at in sorted(held) if any(os.pread(image.fileno(), self.volume.sectorsize, at))]

    def expected(self, devid, at):
        if at in self.volume.super_places(devid):
            found = judge.Judge(self.volume, self.originals, self.originals, (), supers=[(devid, at, "unreadable")])
        else:
            found = judge.Judge(self.volume, self.originals, self.originals, (), erased={(devid, at)})
        return found.judge()

    def devices(self, devid, disk, loops):
        """Loops of all devices, that of the bad disk among them."""
        others = [d for d in self.originals if d != devid]
        return {devid: disk.loop, **dict(zip(others, loops))}

    def others(self, devid):
        return [path for d, path in self.originals.items() if d != devid]

    def test_scrub(self):
        """Exactly that sector is unreadable, and can be had back; nothing else is told."""
        for shape, devid in SHAPES:
            self.take(shape)
            with bad_disk.BadDisk(self.originals[devid], self.folder) as disk, \
                    kernel.attached(self.others(devid), read_only=True) as loops:
                devices = self.devices(devid, disk, loops)
                self.assert_clean(tool.scrub(devices.values()), shape)
                for at in chosen(self.places(devid), SCRUBBED):
                    with self.subTest(shape=shape, at=at), disk.bad(at):
                        expected = self.expected(devid, at)
                        report = tool.scrub(devices.values())
                        self.assert_same(judge.compare_places(expected, report), f"{shape} at {at}")
                        self.assertEqual(("repairable", 1), (report.summary["verdict"], report.status))
                self.assert_clean(tool.scrub(devices.values()), shape)

    def test_repair(self):
        """It is written, and can be read from then on: that device is what it was, and no other was written to."""
        for shape, devid in SHAPES:
            self.take(shape)
            copies = harness.by_devid(kernel.copy(self.others(devid), os.path.join(self.folder, shape)))
            with bad_disk.BadDisk(self.originals[devid], self.folder) as disk, \
                    kernel.attached(list(copies.values())) as loops:
                devices = self.devices(devid, disk, loops)
                for number, at in enumerate(chosen(self.places(devid), REPAIRED)):
                    with self.subTest(shape=shape, at=at), disk.bad(at):
                        journal = os.path.join(self.folder, f"{shape}-{number}.journal")
                        report = tool.repair_for_good(list(devices.values()), journal)
                        self.assertEqual(("repaired", 1), (report.summary["verdict"], report.status), report.messages)
                        self.assertEqual([(devid, at)], list(report.places(done=True)))
                        self.assertTrue(disk.reads(at))
                        self.assert_clean(tool.scrub(devices.values()), shape)
                found = set(images.differing(self.originals[devid], disk.path))
                self.assertEqual(set(), found & self.volume.held(devid, 0))
            for other, path in copies.items():
                self.assertEqual([], images.differing(self.originals[other], path), shape)

    def test_rebuild(self):
        """Of another device, from this one and the rest: the target is what the lost one was; the sector is told."""
        shape, devid = SHAPES[0]
        self.take(shape)
        lost = next(d for d in self.originals if d != devid)
        left = [path for d, path in self.originals.items() if d not in (devid, lost)]
        with bad_disk.BadDisk(self.originals[devid], self.folder) as disk, \
                kernel.attached(left, read_only=True) as loops:
            for at in chosen(self.places(devid), REBUILT):
                with self.subTest(at=at), disk.bad(at):
                    targets = self.targets([lost])
                    report = tool.rebuild([disk.loop, *loops], targets, volume=self.volume)
                    self.assert_outcome("repairable", 1, report, f"at {at}")
                    self.assertIn((devid, at), report.sectors())
                    self.assert_made_anew(targets)
                    self.drop(targets)


if __name__ == "__main__":
    harness.main()
