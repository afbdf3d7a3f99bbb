#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Damage within raid6 tolerance that the kernel cannot mount: other columns hurt in other rows of one tree block.

Row 0 of the block is hurt in its data and in P, row 1 in its data and in Q.  The kernel tries one choice of columns
for all rows and fails; row by row the block comes back, proven by its checksum.
"""

import random

import fixtures
import harness
import judge
import kernel
import planter
import tool
import truth

SHAPE = "raid6x6-m-raid6-n32k"


class Unmountable(harness.Case):
    def setUp(self):
        super().setUp()
        self.originals = harness.by_devid(fixtures.SHAPES[SHAPE].images())
        self.volume = truth.Volume(list(self.originals.values()))
        self.damaged = harness.by_devid(self.copy(SHAPE))

    def scrub_after(self, blocks):
        with planter.Planter(self.volume, self.damaged, random.Random("unmountable")) as plants:
            for block in blocks:
                plants.hurt_as_the_kernel_cannot(block)
        mountable, why = kernel.mounts_read_only(list(self.damaged.values()))
        self.assertFalse(mountable, "the kernel mounts it: the test proves nothing")
        expected = judge.Judge(self.volume, self.originals, self.damaged, plants.touched).judge()
        self.assertEqual(("repairable", 1), expected.verdict())
        self.assert_same(judge.compare(expected, tool.scrub(list(self.damaged.values()))))

    def test_untouched_copy_mounts(self):
        """The control: it is the damage that keeps the kernel away."""
        mountable, why = kernel.mounts_read_only(list(self.damaged.values()))
        self.assertTrue(mountable, why)

    def test_root_tree(self):
        self.scrub_after(self.volume.roots("ROOT_TREE"))

    def test_chunk_tree(self):
        self.scrub_after(self.volume.roots("CHUNK_TREE"))

    def test_all_roots_at_once(self):
        """Chunk, root, extent, checksum and file trees, each hurt this way."""
        # Two of them side by side in the same rows would go beyond tolerance.
        wanted = self.volume.roots_in_rows_of_their_own("CHUNK_TREE", "ROOT_TREE", "EXTENT_TREE", "CSUM_TREE", "FS_TREE",
                                                        "DEV_TREE")
        self.assertGreaterEqual(len(wanted), 3)
        self.scrub_after(wanted)


if __name__ == "__main__":
    harness.main()
