#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Log trees after a crash: their blocks, extents and checksums are in no other tree, and are not forgotten."""

import random

import fixtures
import harness
import judge
import kernel
import planter
import tool
import truth


class LogTree(harness.Case):
    def load(self, name):
        recipe = fixtures.LOG_TREES[name]
        self.originals = harness.by_devid(recipe.images())
        self.volume = truth.Volume(list(self.originals.values()))
        self.assertNotEqual(0, self.volume.log_root, "no log tree: the test proves nothing")
        self.assertTrue(self.volume.log_blocks)

    def plant(self, name, work):
        damaged = harness.by_devid(fixtures.LOG_TREES[name].copy(f"{self.folder}/{name}"))
        with planter.Planter(self.volume, damaged, random.Random(name)) as plants:
            work(plants)
        expected = judge.Judge(self.volume, self.originals, damaged, plants.touched).judge()
        return expected, tool.scrub(list(damaged.values()))

    def log_sectors(self):
        """Logical addresses of fsynced, uncommitted data that has checksums."""
        found = []
        for logical, length in sorted(self.volume.log_extents.items()):
            sectors = range(logical, logical + length, self.volume.sectorsize)
            found += [s for s in sectors if self.volume.state(s) == truth.DATA]
        return found

    def test_clean(self):
        """A crash copy is no damaged file system: copies of superblocks without log_root are right as they are."""
        for name in fixtures.LOG_TREES:
            with self.subTest(shape=name):
                self.load(name)
                self.assert_clean(tool.scrub(list(self.originals.values())), name)
                for path in self.originals.values():
                    self.assertEqual(0, truth.read_super(path, truth.SUPER_OFFSETS[1]).log_root)

    def test_replay_agrees(self):
        """The kernel replays this log: what was read there was a real log."""
        for name in fixtures.LOG_TREES:
            self.load(name)
            copies = fixtures.LOG_TREES[name].copy(f"{self.folder}/{name}")
            with kernel.attached(copies) as loops, kernel.mounted(loops):
                pass
            self.assertEqual(0, truth.read_super(copies[0]).log_root)
            self.assert_clean(tool.scrub(copies), name)

    def test_damage_in_fsynced_data(self):
        for name in fixtures.LOG_TREES:
            with self.subTest(shape=name):
                self.load(name)
                sectors = self.log_sectors()
                self.assertGreater(len(sectors), 20)

                def work(plants, sectors=sectors):
                    used = set()
                    for logical in plants.dice.sample(sectors, 20):
                        chunk = self.volume.chunk_of(logical)
                        full_stripe, rest = divmod(logical - chunk.logical, chunk.data_columns * truth.STRIP)
                        row = (full_stripe, rest % truth.STRIP)
                        if row not in used:
                            used.add(row)
                            plants.hit(chunk.copies(logical)[0], "data")
                expected, report = self.plant(name, work)
                self.assert_same(judge.compare(expected, report), name)
                self.assertEqual(1, report.status)

    def test_damage_in_log_blocks(self):
        for name in fixtures.LOG_TREES:
            with self.subTest(shape=name):
                self.load(name)

                def work(plants):
                    for block in self.volume.log_blocks:
                        chunk = self.volume.chunk_of(block.logical)
                        plants.hit(chunk.copies(block.logical)[0], "tree", "random")
                expected, report = self.plant(name, work)
                expected_places = {p for p, f in expected.findings.items() if f.role == "tree"}
                found = {p for p, f in report.sectors().items() if f.role == "tree"}
                self.assertEqual(expected_places, found)
                self.assertEqual(("repairable", 1), (report.summary["verdict"], report.status))

    def test_lost_log_block(self):
        """A log block that cannot be had leaves every free sector in doubt: never clean, never merely repairable."""
        for name in fixtures.LOG_TREES:
            with self.subTest(shape=name):
                self.load(name)

                def work(plants):
                    self.assertTrue(plants.lose_block(self.volume.log_blocks[-1].logical))
                expected, report = self.plant(name, work)
                self.assertEqual(4, report.status)
                missed = {p for p, f in expected.findings.items() if f.role == "tree"} - set(report.sectors())
                self.assertEqual(set(), missed)


if __name__ == "__main__":
    harness.main()
