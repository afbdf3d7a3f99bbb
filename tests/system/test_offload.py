#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""With an accelerator, a processor behind OpenCL at least: the same reports and the same bytes as without one.

Damage within tolerance and beyond it, in every role, on shapes of every kind of checksum, sector and node size; scrubbed,
repaired, and with a device lost made anew.
"""

import os
import random
import shutil
import unittest

import fixtures
import harness
import kernel
import planter
import repairs
import tool
import truth

REBUILT = ("raid5x3-m-raid1", "raid6x4-m-raid6-blake2", "raid5x4-m-raid10-xxhash")
REPAIRED = ("raid5x2-m-raid5", "raid5x4-m-raid10-xxhash", "raid6x3-m-raid1c3-sha256", "raid6x5-m-raid1c4-n4k",
            "raid5x3-mixed", "raid6x10-m-raid5")


class Offload(harness.Case):
    def setUp(self):
        super().setUp()
        status, _, err = tool.plain("inspect", "--engine", "opencl", *fixtures.SHAPES[REBUILT[0]].images())
        if status != 0:
            self.assertIn(b"OpenCL", err)
            raise unittest.SkipTest(err.decode())

    def damaged(self, shape, beyond):
        """Paths of hurt copies."""
        copies = harness.by_devid(self.copy(shape, shape))
        volume = truth.Volume(fixtures.SHAPES[shape].images())
        with planter.Planter(volume, copies, random.Random(shape)) as plants:
            for kind in ("data", "gaps", "silent"):
                plants.rows(kind, 40, beyond=beyond)
            plants.tree_blocks(8)
        return list(copies.values())

    def without_trouble(self, report):
        self.assertEqual("opencl", report.summary["engine"])
        self.assertNotIn("opencl", report.messages)
        return report

    def test_every_shape(self):
        for shape in fixtures.SHAPES:
            with self.subTest(shape=shape):
                paths = self.damaged(shape, True)
                want = tool.scrub(paths, "--engine", "isal")
                have = self.without_trouble(tool.scrub(paths, "--engine", "opencl", "--threads", "2"))
                self.assertEqual(want.comparable(), have.comparable())
                one = self.without_trouble(tool.scrub(paths, "--engine", "opencl", "--threads", "1"))
                self.assertEqual(want.comparable(), one.comparable())
                for path in paths:
                    os.unlink(path)

    def test_repair(self):
        for shape in REPAIRED:
            with self.subTest(shape=shape):
                paths = self.damaged(shape, False)
                results = []
                for engine in ("isal", "opencl"):
                    folder = os.path.join(self.folder, f"{shape}-{engine}")
                    os.mkdir(folder)
                    copies = kernel.copy(paths, folder)
                    report = tool.repair_for_good(copies, os.path.join(folder, "journal"), "--engine", engine)
                    self.assertGreater(report.summary["sectors_written"], 50)
                    results.append((report.plan(), [repairs.content_of(path) for path in copies]))
                    shutil.rmtree(folder)
                self.assertEqual(*results)

    def test_rebuild(self):
        for shape in REBUILT:
            with self.subTest(shape=shape):
                copies = harness.by_devid(self.copy(shape, shape))
                lost = max(copies)
                size = os.path.getsize(copies[lost])
                left = [path for devid, path in copies.items() if devid != lost]
                results = []
                for engine in ("isal", "opencl"):
                    target = os.path.join(self.folder, f"{shape}-{engine}.img")
                    with open(target, "wb") as image:
                        image.truncate(size)
                    report = tool.rebuild(left, {lost: target}, "--engine", engine)
                    self.assertEqual("done", report.summary["verdict"])
                    results.append(repairs.content_of(target))
                self.assertTrue(results[0] == results[1], "the devices made anew differ")


if __name__ == "__main__":
    harness.main()
