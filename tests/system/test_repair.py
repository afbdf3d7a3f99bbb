#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Damage within tolerance is put right bit for bit, in every role, on many shapes; and undo takes it all back.

Hurt are sectors that something proves, parity of rows that hold such a sector, and superblock copies.  After
`repair --write` every image equals the one before the damage; the kernel mounts it, every file holds what it held, and the
kernel's scrub finds nothing.  A second repair writes nothing.  After `undo` the images are as they were hurt.
"""

import collections
import os

import fixtures
import harness
import kernel
import repairs
import tool
import truth

# All four checksums, all metadata profiles with redundancy, all node sizes, silent data, mixed groups, full disks.
SHAPES = ("raid5x2-m-raid5", "raid5x3-m-raid1", "raid5x4-m-raid10-xxhash", "raid6x3-m-raid1c3-sha256",
          "raid6x4-m-raid6-blake2", "raid6x5-m-raid1c4-n4k", "raid6x6-m-raid6-n32k", "raid6x4-m-raid5-n64k",
          "raid5x3-m-dup", "raid5x3-mixed", "raid6x4-mixed-silent", "raid5x3-fat-metadata", "raid6x4-garbage-silent",
          "raid6x6-unequal", "raid5x4-converted", "raid6x4-cache-v1", "raid6x4-resized",
          "raid5x3-new-fsid", "raid6x10-m-raid5", "raid5x7-m-raid6", "raid1c3-no-parity", "raid10-data",
          "dup-one-device", "raid6x5-everything")
JUDGED_BY_THE_KERNEL = ("raid5x2-m-raid5", "raid5x4-m-raid10-xxhash", "raid6x3-m-raid1c3-sha256",
                        "raid6x4-m-raid6-blake2", "raid5x3-mixed", "raid6x5-everything")
WANTED_ROWS = 50000
WANTED_ROLES = ("data", "tree", "P", "Q", "super")
EVERYTHING = 1 << 30

hurt_total = collections.Counter()
hurt_shapes, hurt_kinds = set(), set()
hurt_rows = 0  # of raid5 and raid6, each once however many of its columns are hurt


def hurt_all(plants):
    """Every row that holds something in one column or as many as it bears; every copy of everything mirrored but one."""
    for kind in ("data", "gaps", "silent"):
        plants.rows(kind, EVERYTHING, beyond=False)
    plants.swap_blocks(4)
    plants.tree_blocks(120)
    plants.parity_of_trees(EVERYTHING)
    plants.mirrored_data(EVERYTHING, beyond=False)
    if len(plants.path_of) > 1:
        plants.superblocks()


def rows_of(report):
    """{(chunk, full stripe, row)} of all damage."""
    return {(event["chunk"], event["full_stripe"], event["row"] + i) for event in report.damage if "row" in event
            for i in range(event["length"] // report.volume["sectorsize"])}


class Within(repairs.RepairCase):
    def count(self, plants):
        hurt_total.update(plants.planted)
        hurt_shapes.add(self.name)
        hurt_kinds.add(self.volume.csum_kind)

    def check(self, shape, work, seed=0):
        """There and back."""
        plants = self.prepare(shape, work, seed)
        self.count(plants)
        report = self.repair()
        self.assert_outcome("repaired", 1, report)
        global hurt_rows
        hurt_rows += len(rows_of(report))
        wanted = plants.touched | {(devid, offset) for devid, offset, _ in plants.supers}
        self.assertEqual(wanted, set(report.places(done=True)))
        self.assert_images(self.originals, "after repair")
        self.assert_clean(tool.scrub(list(self.paths.values())), shape)
        self.assert_outcome("clean", 0, self.assert_writes_nothing())
        if shape in JUDGED_BY_THE_KERNEL:
            self.ask_the_kernel()
        self.assert_undone()
        self.drop()
        print(f"{self.name}: {dict(plants.planted)}", flush=True)

    def ask_the_kernel(self):
        """On copies: it mounts them, every file holds what it held, its scrub finds nothing."""
        self.assertEqual(repairs.contents(list(self.originals.values())), repairs.contents(list(self.paths.values())))
        counts, _ = kernel.scrub_counts(kernel.copy(list(self.paths.values()), os.path.join(self.where, "scrubbed")))
        for fault in ("csum_errors", "verify_errors", "super_errors", "uncorrectable_errors", "corrected_errors"):
            self.assertEqual(0, counts[fault], fault)

    def test_shapes(self):
        for shape in SHAPES:
            with self.subTest(shape=shape):
                self.check(shape, hurt_all)

    def test_whole_devices(self):
        """Everything on one device, and on raid6 on two, superblocks left out."""
        for shape, devids in (("raid5x3-m-raid1", (2,)), ("raid6x4-m-raid6-blake2", (1, 3)),
                              ("raid6x6-m-raid6-n32k", (5,)), ("raid6x5-m-raid1c4-n4k", (2, 4))):
            with self.subTest(shape=shape):
                self.check(shape, lambda plants, devids=devids: [plants.everything_on(devid) for devid in devids], 1)

    def test_large_sectors(self):
        """Tree blocks with sectors of 8, 16 and 64 KiB."""
        for shape, recipe in fixtures.UNMOUNTABLE.items():
            with self.subTest(shape=shape):
                self.check(recipe, lambda plants: (plants.swap_blocks(1), plants.tree_blocks(4)), 2)

    def test_all_superblocks(self):
        """Copy 0 of every device; then every mirror; then both copies of one device."""
        def choose(plants, copies, devids):
            for devid in devids:
                for copy in copies:
                    plants.superblock(devid, plants.volume.super_places(devid)[copy], "random")
        for copies, devids in (((0,), (1, 2, 3, 4)), ((1,), (1, 2, 3, 4)), ((0, 1), (3,))):
            with self.subTest(copies=copies):
                self.check(fixtures.STALE_BASE, lambda p, which=(copies, devids): choose(p, *which), len(copies))

    def test_crash_copies(self):
        """With a log tree: its blocks and extents too; copy 0 keeps its log root, mirrors have none."""
        for shape, recipe in fixtures.LOG_TREES.items():
            with self.subTest(shape=shape):
                self.assertTrue(truth.Volume(recipe.images()).log_root)
                self.check(recipe, hurt_all, 3)

    @classmethod
    def tearDownClass(cls):
        total = sum(hurt_total.values())
        print(f"hurt and put right in all: {hurt_rows} rows, {total} sectors {dict(hurt_total)} on {len(hurt_shapes)} shapes")
        missing = [role for role in WANTED_ROLES if not hurt_total[role]]
        if hurt_rows < WANTED_ROWS or missing or len(hurt_shapes) < 12 or hurt_kinds != set(truth.CSUM_KINDS):
            raise AssertionError(f"too little hurt: {hurt_rows} rows, no {missing}, {hurt_shapes}, {hurt_kinds}")


if __name__ == "__main__":
    harness.main()
