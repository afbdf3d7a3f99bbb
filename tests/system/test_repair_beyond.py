#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Beyond tolerance exactly what is provable is written, not one byte else; what is lost stays as it was found.

What the images must hold afterwards is computed from the truth: every sector and tree block that can be proven as it was
before the damage, parity of the rows in which everything came back, nothing in any other row.
"""

import expected
import harness
import planter
import repairs
import truth

SHAPES = ("raid5x2-m-raid5", "raid5x3-m-raid1", "raid5x4-m-raid10-xxhash", "raid6x3-m-raid1c3-sha256",
          "raid6x4-m-raid6-blake2", "raid6x5-m-raid1c4-n4k", "raid6x6-m-raid6-n32k", "raid6x4-m-raid5-n64k",
          "raid5x3-mixed", "raid6x4-mixed-silent", "raid5x3-fat-metadata", "raid6x10-m-raid5", "raid1c3-no-parity")
WITH_LOST_TREES = ("raid5x2-m-raid5", "raid6x4-m-raid6-blake2", "raid6x4-m-raid5-n64k", "raid5x4-m-single",
                   "raid6x4-m-raid0", "raid5x3-m-dup")


class Beyond(repairs.RepairCase):
    def check(self, shape, work, seed=0):
        plants = self.prepare(shape, work, seed, sure=False)
        wanted = self.copy_of(self.damaged, "wanted")
        expectation, places = expected.after_repair(self.volume, self.originals, self.damaged, wanted, plants)
        lost = {place for place, finding in expectation.findings.items() if finding.repairable is not True}
        self.assertTrue(lost)
        self.assertTrue(places)
        report = self.repair()
        self.assertEqual(4, report.status)
        self.assert_outcome(*expectation.verdict(), report)
        self.assertEqual(set(), set(report.places()) & lost)
        self.assertEqual(places, set(report.places(done=True)))
        self.assert_images(wanted, "what is provable and nothing else")
        again = self.assert_writes_nothing()
        self.assertEqual(4, again.status)
        self.assert_undone()
        self.drop()
        print(f"{self.name}: {dict(plants.planted)}: {len(places)} put right, {len(lost)} lost", flush=True)
        return expectation

    def test_rows(self):
        """More columns of some rows hurt than they bear, of all classes of rows, silent and never-written too."""
        def work(plants):
            for kind, count in (("data", 400), ("gaps", 200), ("silent", 150), ("prealloc", 30), ("empty", 30),
                                ("excluded", 10)):
                plants.rows(kind, count, beyond=True)
            plants.tree_blocks(20)
            plants.mirrored_data(200, beyond=True)
            if len(plants.path_of) > 1:
                plants.superblocks()
        for seed, shape in enumerate(SHAPES):
            with self.subTest(shape=shape):
                self.check(shape, work, seed)

    def test_lost_tree_blocks(self):
        """Tree blocks beyond tolerance: none of their sectors is written, nor the parity of their rows."""
        for seed, shape in enumerate(WITH_LOST_TREES, 100):
            with self.subTest(shape=shape):
                self.check(shape, lambda plants: (plants.tree_blocks(0, lost=3), plants.tree_blocks(10),
                                                  plants.rows("data", 50, beyond=False)), seed)

    def test_nothing_is_provable(self):
        """Two data columns of a raid6 row and P: Q alone brings neither back."""
        def work(plants):
            for key in plants.rows_by_class["data"][::7][:60]:
                plants.hit_row(key, [0, 1, 2], "random")
        plants = self.prepare("raid6x4-m-raid6-blake2", work)
        report = self.repair()
        self.assert_outcome("unrepairable", 4, report)
        self.assertEqual([], report.actions)
        self.assert_images(self.damaged, "nothing is provable")
        self.assertEqual(len(plants.touched) * 2 // 3, report.summary["unrepairable_sectors"])

    def test_proven_beside_lost(self):
        """A tree block lost in one row, its neighbour hurt with P in the others: that comes back, P there does not."""
        parity = set()

        def work(plants):
            for block in sorted(b.logical for b in plants.volume.blocks.values() if b.owner in planter.SAFE_OWNERS):
                rows = plants.block_rows(block)
                chunk, column = rows[0][0][0], rows[0][1]
                besides = [(key, 1 - column) for key, _ in rows[1:]]
                if not all(self.neighbour_is_a_tree(plants.volume, *beside) for beside in besides):
                    continue
                plants.hit_row(rows[0][0], [column, 2, 3], "random")
                for key, other in besides:
                    plants.hit_row(key, [other, 2], "random")
                    devid, physical = chunk.column(key[1], 2)
                    parity.add((devid, physical + key[2] * plants.volume.sectorsize))
        expectation = self.check("raid6x4-m-raid6-blake2", work)
        self.assertGreater(len(parity), 2)
        self.assertEqual(set(), parity & set(expectation.findings))

    @staticmethod
    def neighbour_is_a_tree(volume, key, column):
        chunk, full_stripe, row = key
        logical = chunk.logical + (full_stripe * chunk.data_columns + column) * truth.STRIP + row * volume.sectorsize
        if volume.state(logical) != truth.TREE:
            return False
        return volume.blocks[volume.tree_block_at(logical)].owner not in planter.SAFE_OWNERS


if __name__ == "__main__":
    harness.main()
