#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices that missed writes: stale, unsure, or merely a superblock behind; and devices that the user distrusts."""

import os
import random

import fixtures
import harness
import judge
import kernel
import planter
import stale
import supers
import tool
import truth


def states(report):
    return {device["devid"]: device["state"] for device in report.devices}


def behind(report):
    """{devid: by how many generations} of the devices that say so."""
    return {device["devid"]: device["behind"] for device in report.devices if "behind" in device}


class Stale(harness.Case):
    def stale_set(self, absent):
        return stale.stale_set(self.folder, absent)

    def assert_words(self, paths, devid, count):
        """The text report says on that device's line alone that it is behind, and how far."""
        _, out, _ = tool.plain("scrub", *paths.values())
        said = [line for line in out.decode().splitlines() if line.startswith("  devid ") and line.endswith(" behind")]
        self.assertEqual(1, len(said), said)
        self.assertIn(f"  devid {devid}  ", said[0])
        self.assertTrue(said[0].endswith(f", {count} generation{'s' if count > 1 else ''} behind"), said[0])

    def test_disk_returns(self):
        """Left out while others were written, nodatacow files too: an erasure, chunk by chunk, all of it repairable."""
        for absent in (1, 3):
            with self.subTest(devid=absent):
                paths, volume = self.stale_set(absent)
                report = tool.scrub(list(paths.values()))
                self.assertEqual({d: "stale" if d == absent else "present" for d in paths}, states(report))
                own = truth.read_super(paths[absent]).generation
                self.assertEqual({absent: volume.generation - own}, behind(report))
                self.assert_words(paths, absent, volume.generation - own)
                self.assert_chunk_events(volume, report, (absent,), "stale")
                others = {p: f for p, f in report.sectors().items() if f.role != "super" or p[0] != absent}
                self.assertEqual({}, others)
                self.assertEqual(("repairable", 1), (report.summary["verdict"], report.status))

    def test_stale_is_no_worse_than_missing(self):
        """Leaving the stale disk out altogether gives the same verdict."""
        paths, volume = self.stale_set(2)
        report = tool.scrub([path for devid, path in paths.items() if devid != 2])
        self.assertEqual({}, behind(report))
        self.assert_chunk_events(volume, report, (2,), "missing")
        self.assertEqual(("repairable", 1), (report.summary["verdict"], report.status))

    def test_equal_generations(self):
        """Once mounted with all devices the generations agree and prove nothing: the report suggests --distrust."""
        paths, _ = self.stale_set(3)
        with kernel.attached(list(paths.values())) as loops, kernel.mounted(loops) as where:
            with open(os.path.join(where, "after"), "wb") as out:
                out.write(b"x" * 5000)
            kernel.sync(where)
        generations = {truth.read_super(path).generation for path in paths.values()}
        self.assertEqual(1, len(generations))
        report = tool.scrub(list(paths.values()))
        self.assertEqual({}, behind(report))
        self.assertIn(report.status, (1, 4))
        refuted = [p for p, f in report.sectors().items() if f.role == "data" and f.cause == "checksum"]
        self.assertTrue(refuted)
        self.assertEqual({3}, {devid for devid, _ in refuted})
        status, out, err = tool.plain("scrub", *paths.values())
        self.assertIn(b"--distrust 3", out + err)
        report = tool.scrub(list(paths.values()), "--distrust", "3")
        self.assertEqual("distrusted", states(report)[3])
        self.assertEqual(("repairable", 1), (report.summary["verdict"], report.status))

    def test_distrust(self):
        """--distrust makes a good device an erasure, chunk by chunk."""
        paths = harness.by_devid(fixtures.STALE_BASE.images())
        volume = truth.Volume(list(paths.values()))
        report = tool.scrub(list(paths.values()), "--distrust", "2")
        self.assertEqual({d: "distrusted" if d == 2 else "present" for d in paths}, states(report))
        self.assert_chunk_events(volume, report, (2,), "distrusted")
        self.assertEqual({}, report.sectors())
        self.assertEqual(("repairable", 1), (report.summary["verdict"], report.status))

    def test_doubted_and_damaged(self):
        """Damage beside a distrusted device: what is proven there still counts, everything else on it does not."""
        originals = harness.by_devid(fixtures.STALE_BASE.images())
        volume = truth.Volume(list(originals.values()))
        for doubted in (1, 4):
            with self.subTest(distrust=doubted):
                damaged = harness.by_devid(fixtures.STALE_BASE.copy(os.path.join(self.folder, f"doubted{doubted}")))
                with planter.Planter(volume, damaged, random.Random(f"doubted {doubted}")) as plants:
                    for kind, count in (("data", 150), ("gaps", 60), ("silent", 60)):
                        plants.rows(kind, count, beyond=False)
                expected = judge.Judge(volume, originals, damaged, plants.touched, doubted=(doubted,)).judge()
                report = tool.scrub(list(damaged.values()), "--distrust", str(doubted))
                self.assert_same(judge.compare_places(expected, report, ignore=(doubted,)), f"distrust {doubted}")
                self.assert_chunk_events(volume, report, (doubted,), "distrusted")
                self.assertEqual(4, report.status)

    def test_distrust_of_no_member(self):
        status, _, err = tool.plain("scrub", "--distrust", "77", *fixtures.STALE_BASE.images())
        self.assertIn(status, (8, 16))
        self.assertTrue(err)

    def behind_by_one(self, paths, devid):
        """Every superblock copy of one device says one generation less, as after a crash between two writes."""
        generation = truth.read_super(paths[devid]).generation
        supers.edit(paths[devid], supers.put(supers.GENERATION, generation - 1))

    def test_superblock_behind_with_current_contents(self):
        """Blocks newer than its superblock are all proven there: present."""
        paths = harness.by_devid(fixtures.STALE_BASE.copy(os.path.join(self.folder, "behind")))
        self.behind_by_one(paths, 3)
        report = tool.scrub(list(paths.values()))
        self.assertEqual({3: 1}, behind(report))
        self.assertEqual({d: "present" for d in paths}, states(report))
        self.assertEqual([], report.device_events())
        self.assertEqual([], [f for f in report.sectors().values() if f.role != "super"])
        self.assertIn(report.status, (0, 1))

    @staticmethod
    def holding_the_newest(volume):
        """Devids that hold a data column or a copy of something written in the last generation."""
        found = set()
        for extent in volume.extents:
            if extent.generation >= volume.generation:
                chunk = volume.chunk_of(extent.logical)
                for at in range(extent.logical, extent.logical + extent.length, volume.sectorsize):
                    found.update(devid for devid, _ in chunk.copies(at))
        return found

    def test_behind_by_many(self):
        """The difference of the generations is told, however large."""
        paths = harness.by_devid(fixtures.STALE_BASE.copy(os.path.join(self.folder, "many")))
        newest = truth.read_super(paths[1]).generation
        self.assertGreater(newest, 5)
        supers.edit(paths[4], supers.put(supers.GENERATION, newest - 5))
        self.assertEqual({4: 5}, behind(tool.scrub(list(paths.values()))))
        self.assert_words(paths, 4, 5)

    def test_stale_and_missing(self):
        """What a chunk bears besides a missing device does not count on one that is stale: raid6 bears no more."""
        paths, volume = self.stale_set(2)
        report = tool.scrub([path for devid, path in paths.items() if devid != 1])
        self.assertEqual(("missing", "stale"), (states(report)[1], states(report)[2]))
        told = {e["chunk"]: e["further_losses"] for e in report.device_events(("missing",))}
        wanted = {c.logical: c.bears_further((1, 2)) for c in volume.chunks if 1 in dict(c.stripes)}
        self.assertEqual(wanted, told)
        self.assertEqual({0, 1}, set(told.values()))

    def test_nothing_newer_to_judge_by(self):
        """No block or checksummed sector newer than its superblock lies there: unsure."""
        for shape in ("raid6x4-late-delete", "raid5x4-m-single", "raid6x6-unequal"):
            paths = harness.by_devid(fixtures.SHAPES[shape].images())
            without = sorted(set(paths) - self.holding_the_newest(truth.Volume(list(paths.values()))))
            if without:
                break
        self.assertTrue(without, "every device holds something of the last generation: the test proves nothing")
        paths = harness.by_devid(fixtures.SHAPES[shape].copy(os.path.join(self.folder, "unsure")))
        self.behind_by_one(paths, without[0])
        report = tool.scrub(list(paths.values()))
        self.assertEqual("unsure", states(report)[without[0]])
        self.assertEqual({without[0]: 1}, behind(report))
        self.assertIn(report.status, (1, 4))


if __name__ == "__main__":
    harness.main()
