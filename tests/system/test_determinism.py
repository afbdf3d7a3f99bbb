#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The same devices and options give the same lines, whatever the threads and the engine."""

import random

import fixtures
import harness
import planter
import tool
import truth

SHAPES = ("raid6x5-m-raid1c4-n4k", "raid5x3-mixed", "raid6x6-m-raid6-n32k")


class Determinism(harness.Case):
    def test_threads_and_engines(self):
        for shape in SHAPES:
            damaged = harness.by_devid(self.copy(shape, shape))
            volume = truth.Volume(fixtures.SHAPES[shape].images())
            with planter.Planter(volume, damaged, random.Random(shape)) as plants:
                for kind in ("data", "gaps", "silent"):
                    plants.rows(kind, 60, beyond=True)
                plants.tree_blocks(10)
                plants.superblocks()
            paths = list(damaged.values())
            first = tool.scrub(paths).comparable()
            for options in (("--threads", "1"), ("--threads", "2"), ("--engine", "scalar"), ("--engine", "isal"),
                            ("--threads", "1", "--engine", "scalar"), ("--threads", "2", "--engine", "isal"),
                            ("--progress", "always")):
                with self.subTest(shape=shape, options=options):
                    self.assertEqual(first, tool.scrub(paths, *options).comparable())


if __name__ == "__main__":
    harness.main()
