#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each pair of devices lost and made anew, of raid6 with metadata that bears it: as test_rebuild says of single ones."""

import harness
import rebuilds

PAIRS = ("raid6x3-m-raid1c3-sha256", "raid6x4-m-raid6-blake2", "raid6x5-m-raid1c4-n4k", "raid6x6-m-raid6-n32k",
         "raid6x4-mixed-silent", "raid6x6-unequal", "raid6x4-garbage-silent", "raid6x4-resized", "raid6x4-cache-v1")


class Pairs(rebuilds.WholeCase):
    judged_by_the_kernel = {
        "raid6x3-m-raid1c3-sha256": (1, 3), "raid6x4-m-raid6-blake2": (2, 3), "raid6x5-m-raid1c4-n4k": (1, 5),
        "raid6x6-unequal": (5, 6), "raid6x4-mixed-silent": (1, 2), "raid6x4-resized": (2, 3)}

    def test_each_pair(self):
        self.check_all(PAIRS, 2)


if __name__ == "__main__":
    harness.main()
