#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Lost devices made anew, each of many shapes (pairs: test_rebuild_pairs): the very bytes of the lost ones.

Whatever shape the file system has, the target holds what the lost device held, byte for byte, but where nobody can know
that (rebuilds.py says where, and works it out sector by sector); its superblocks are the lost ones'.  The survivors are
not touched.  The kernel mounts the result as if nothing had happened, finds every file as it was, and its scrub, `btrfs
check` and a scrub of the program find nothing.
"""

import itertools
import os

import fixtures
import harness
import kernel
import rebuilds

# Each device alone: raid5, or metadata that bears one loss.
ONE = ("raid5x2-m-raid5", "raid5x3-m-raid1", "raid5x4-m-raid10-xxhash", "raid5x3-mixed", "raid5x3-fat-metadata",
       "raid5x4-converted", "raid5x3-garbage-silent", "raid5x3-garbage-full", "raid5x3-new-fsid", "raid5x7-m-raid6",
       "raid6x4-m-raid5-n64k", "raid10-data", "raid1c3-no-parity", "raid6x4-m-raid6-blake2", "raid6x4-garbage-silent")
# With what is lost; a list of files of two file systems, and a scrub, take the kernel a while.
JUDGED_BY_THE_KERNEL = {
    "raid5x2-m-raid5": (1,), "raid5x3-mixed": (2,), "raid5x4-converted": (4,), "raid5x3-garbage-silent": (3,),
    "raid5x4-m-raid10-xxhash": (1,), "raid6x4-m-raid5-n64k": (4,), "raid6x4-log": (1, 4), "raid5x3-log": (2,), "003-raid5x3-bgt-clean": (1,), "004-raid6x5-bgt-clean": (2, 5)}

IMAGES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../images")


class Whole(rebuilds.WholeCase):
    judged_by_the_kernel = JUDGED_BY_THE_KERNEL

    def test_each_device(self):
        self.check_all(ONE, 1)

    def test_large_sectors(self):
        self.check_all([fixtures.UNMOUNTABLE["raid5x3-sectors-64k"]], 1)
        self.check_all([fixtures.UNMOUNTABLE[name] for name in ("raid6x4-sectors-16k", "raid6x5-sectors-8k")], 2)

    def test_after_a_crash(self):
        """With a log tree: what was fsynced is made anew too, and the kernel replays the log."""
        for name, count in (("raid5x3-log", 1), ("raid6x4-log", 2)):
            self.take(fixtures.LOG_TREES[name])
            self.assertTrue(self.volume.log_root, "no log tree: the test proves nothing")
            self.check_all([fixtures.LOG_TREES[name]], count)

    def test_block_group_tree(self):
        """Images that a newer mkfs.btrfs made, raid6 and raid5 (tests/golden)."""
        for name, count in (("003-raid5x3-bgt-clean", 1), ("004-raid6x5-bgt-clean", 2)):
            folder = os.path.join(self.folder, name)
            os.mkdir(folder)
            kernel.run("tar", "-C", folder, "--zstd", "-xf", os.path.join(IMAGES, name, "images.tar.zst"))
            self.take_images([os.path.join(folder, image) for image in sorted(os.listdir(folder))], name)
            self.assertTrue(self.volume.has_block_group_tree, "the test proves nothing")
            for lost in itertools.combinations(sorted(self.originals), count):
                with self.subTest(shape=name, lost=lost):
                    self.check(lost)

    def test_a_stripe_on_no_chunk(self):
        """A device that was added and holds nothing yet: its superblocks alone, and the kernel mounts the result."""
        paths = fixtures.STALE_BASE.copy(os.path.join(self.folder, "work"))
        added = os.path.join(self.folder, "added.img")
        with open(added, "wb") as image:
            image.truncate(160 << 20)
        with kernel.attached([*paths, added]) as loops, kernel.mounted(loops[:-1]) as where:
            kernel.run("btrfs", "device", "add", "-f", "-K", loops[-1], where)
        self.take_images([*paths, added], "added")
        self.check((5,))
        self.check((2, 5))


if __name__ == "__main__":
    harness.main()
