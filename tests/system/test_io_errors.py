#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""I/O errors are everyday input: exactly the sectors that cannot be read are erasures, and the work goes on.

A loop device whose backing file is truncated after it was attached keeps its size and answers EIO beyond the new end;
a truncated image file simply ends.  Both lose the same sectors, and both reports must name exactly those.
"""

import os
import random

import fixtures
import harness
import judge
import kernel
import planter
import tool
import truth

MIB = 1 << 20


class IoErrors(harness.Case):
    def prepare(self, shape, devid, cut=None):
        """Copies, the place of the cut (the middle of what the device holds beyond 65 MiB), and the lost sectors."""
        self.originals = harness.by_devid(fixtures.SHAPES[shape].images())
        self.volume = truth.Volume(list(self.originals.values()))
        self.damaged = harness.by_devid(self.copy(shape, f"{shape}-{devid}"))
        held = sorted(self.volume.held(devid, 65 * MIB))
        self.assertGreater(len(held), 50, "nothing to lose")
        cut = cut or held[len(held) // 2]
        lost = {(devid, at) for at in self.volume.held(devid, cut)}
        return cut, lost

    def expect(self, lost, supers=()):
        return judge.Judge(self.volume, self.originals, self.damaged, (), erased=lost, supers=supers).judge()

    def lost_supers(self, devid, cut):
        return [(devid, at, "unreadable") for at in self.volume.super_places(devid) if at + truth.SUPER_SIZE > cut]

    def check(self, shape, devid, through_loop):
        cut, lost = self.prepare(shape, devid)
        expected = self.expect(lost, self.lost_supers(devid, cut))
        path = self.damaged[devid]
        others = [p for d, p in self.damaged.items() if d != devid]
        if through_loop:
            with kernel.attached([path], read_only=True) as loops:
                os.truncate(path, cut)
                report = tool.scrub([*others, loops[0]])
        else:
            os.truncate(path, cut)
            report = tool.scrub([*others, path])
        self.assert_same(judge.compare(expected, report), f"{shape} devid {devid} cut at {cut}")
        self.assertEqual(("repairable", 1), (report.summary["verdict"], report.status))
        self.assertEqual({"present"}, {d["state"] for d in report.devices})

    def test_loop_with_a_truncated_file(self):
        for shape, devid in (("raid6x4-m-raid6-blake2", 2), ("raid5x3-fat-metadata", 1), ("raid5x4-m-raid10-xxhash", 4)):
            with self.subTest(shape=shape):
                self.check(shape, devid, through_loop=True)

    def test_truncated_image(self):
        for shape, devid in (("raid6x4-m-raid6-blake2", 2), ("raid5x3-fat-metadata", 1), ("raid5x4-m-raid10-xxhash", 4)):
            with self.subTest(shape=shape):
                self.check(shape, devid, through_loop=False)

    def test_erasures_and_damage(self):
        """A short device, with data without checksums on it, and damage besides in the same rows."""
        for shape in ("raid6x5-m-raid1c4-n4k", "raid5x3-m-raid1", "raid6x4-garbage-silent"):
            with self.subTest(shape=shape):
                cut, lost = self.prepare(shape, 3)
                with planter.Planter(self.volume, self.damaged, random.Random(shape)) as plants:
                    for kind, count in (("data", 150), ("gaps", 60), ("silent", 100)):
                        plants.rows(kind, count, beyond=True)
                touched = plants.touched - lost
                expected = judge.Judge(self.volume, self.originals, self.damaged, touched, erased=lost,
                                       supers=self.lost_supers(3, cut)).judge()
                os.truncate(self.damaged[3], cut)
                report = tool.scrub(list(self.damaged.values()))
                self.assert_same(judge.compare_places(expected, report), f"{shape} cut at {cut}")
                self.assertEqual(expected.verdict(), (report.summary["verdict"], report.status))

    def test_short_device_is_said(self):
        """In words: which device is short."""
        cut, _ = self.prepare("raid5x3-fat-metadata", 1)
        os.truncate(self.damaged[1], cut)
        status, out, err = tool.plain("scrub", *self.damaged.values())
        self.assertEqual(1, status, err)
        self.assertIn(os.path.basename(self.damaged[1]).encode(), out + err)

    def test_two_devices_short_on_raid6(self):
        """Erasures of two columns in the same rows are within raid6 tolerance; on raid5 the overlap is lost."""
        for shape in ("raid6x4-m-raid6-blake2", "raid5x3-fat-metadata"):
            with self.subTest(shape=shape):
                _, first = self.prepare(shape, 1)
                cut = min(at for _, at in first)
                both = {(devid, at) for devid in (1, 2) for at in self.volume.held(devid, cut)}
                expected = self.expect(both, self.lost_supers(1, cut) + self.lost_supers(2, cut))
                for devid in (1, 2):
                    os.truncate(self.damaged[devid], cut)
                report = tool.scrub(list(self.damaged.values()))
                self.assert_same(judge.compare_places(expected, report), shape)
                self.assertEqual(expected.verdict(), (report.summary["verdict"], report.status))


if __name__ == "__main__":
    harness.main()
