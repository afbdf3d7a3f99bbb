#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Missing devices, each and each pair: what every chunk bears, how much more it bears, and what it does not."""

import itertools
import random

import fixtures
import harness
import judge
import planter
import tool
import truth

ONE = ("raid5x2-m-raid5", "raid5x3-m-raid1", "raid5x4-m-raid10-xxhash", "raid6x4-m-raid6-blake2", "raid5x4-m-single",
       "raid6x5-m-raid1c4-n4k", "raid5x3-mixed", "raid5x4-converted", "raid10-data", "raid0-data", "raid1c3-no-parity")
PAIRS = ("raid6x4-m-raid6-blake2", "raid6x5-m-raid1c4-n4k", "raid5x3-m-raid1", "raid6x3-m-raid1c3-sha256")


class Missing(harness.Case):
    def check(self, shape, absent):
        paths = harness.by_devid(fixtures.SHAPES[shape].images())
        volume = truth.Volume(list(paths.values()))
        left = [path for devid, path in paths.items() if devid not in absent]
        report = tool.scrub(left)
        states = {d["devid"]: d["state"] for d in report.devices}
        self.assertEqual({devid: "missing" if devid in absent else "present" for devid in paths}, states)
        borne = [chunk.bears(absent) for chunk in volume.chunks]
        trees_borne = all(b for b, c in zip(borne, volume.chunks) if c.kinds != ["DATA"])
        if all(borne):
            self.assert_chunk_events(volume, report, absent, "missing")
            self.assertEqual({}, report.sectors())
            self.assertEqual(("repairable", 1), (report.summary["verdict"], report.status))
        else:
            self.assertEqual(4, report.status)
            if trees_borne:
                self.assert_chunk_events(volume, report, absent, "missing")
                self.assertEqual("unrepairable", report.summary["verdict"])
                self.assertEqual([], [p for p in report.sectors() if p[0] not in absent])
        self.assertEqual(0, report.summary["unreadable_sectors"])

    def test_each_device(self):
        for shape in ONE:
            for devid in harness.by_devid(fixtures.SHAPES[shape].images()):
                with self.subTest(shape=shape, missing=devid):
                    self.check(shape, (devid,))

    def test_each_pair(self):
        for shape in PAIRS:
            devids = sorted(harness.by_devid(fixtures.SHAPES[shape].images()))
            for pair in itertools.combinations(devids, 2):
                with self.subTest(shape=shape, missing=pair):
                    self.check(shape, pair)

    def test_words(self):
        """The text report says the same of each chunk."""
        words = {0: "; bears no further loss", 1: "; bears 1 more loss", 2: "; bears 2 more losses"}
        told = set()
        for shape, absent in (("raid6x4-m-raid6-blake2", (3,)), ("raid6x4-m-raid6-blake2", (1, 4)),
                              ("raid6x5-m-raid1c4-n4k", (2,)), ("raid0-data", (1,))):
            with self.subTest(shape=shape, missing=absent):
                paths = harness.by_devid(fixtures.SHAPES[shape].images())
                volume = truth.Volume(list(paths.values()))
                _, out, _ = tool.plain("scrub", *(path for devid, path in paths.items() if devid not in absent))
                lines = out.decode().splitlines()
                for chunk in volume.chunks:
                    for devid, offset in chunk.stripes:
                        if devid not in absent:
                            continue
                        start = f"  devid {devid} at {offset}, "
                        line, = [line for line in lines if line.startswith(start) and "device is missing" in line]
                        remedy = "LOST"
                        if chunk.bears(absent):
                            further = chunk.bears_further(absent)
                            remedy = "can be made anew from the other devices" + words[further]
                            told.add(further)
                        self.assertEqual(remedy, line.split(" - ")[1])
        self.assertEqual(set(words), told)

    def test_repair(self):
        """A dry run of repair tells the same of a missing device as a scrub."""
        paths = harness.by_devid(fixtures.SHAPES["raid6x4-m-raid6-blake2"].images())
        volume = truth.Volume(list(paths.values()))
        report = tool.repair([path for devid, path in paths.items() if devid != 3])
        self.assert_chunk_events(volume, report, (3,), "missing")

    def test_three_of_raid6(self):
        """Beyond everything: said, exit 4, no crash."""
        for absent in ((1, 2, 3), (2, 3, 4)):
            with self.subTest(missing=absent):
                self.check("raid6x4-m-raid6-blake2", absent)

    def test_missing_and_damaged(self):
        """One device of a raid6 missing, and damage besides: within tolerance and beyond it, row by row."""
        shape = "raid6x6-m-raid6-n32k"
        recipe = fixtures.SHAPES[shape]
        originals = harness.by_devid(recipe.images())
        volume = truth.Volume(list(originals.values()))
        for absent in (1, 4):
            with self.subTest(missing=absent):
                damaged = harness.by_devid(recipe.copy(f"{self.folder}/{absent}"))
                with planter.Planter(volume, damaged, random.Random(absent)) as plants:
                    plants.rows("data", 200, beyond=True)
                touched = {place for place in plants.touched if place[0] != absent}
                expected = judge.Judge(volume, originals, damaged, touched, absent=(absent,)).judge()
                report = tool.scrub([path for devid, path in damaged.items() if devid != absent])
                self.assert_same(judge.compare_places(expected, report, ignore=(absent,)), f"without {absent}")
                self.assertIn(False, {f.repairable for f in expected.findings.values()})
                self.assertEqual(("unrepairable", 4), (report.summary["verdict"], report.status))


if __name__ == "__main__":
    harness.main()
