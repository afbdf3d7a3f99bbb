#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A scrub that is killed at random and gone on with from its checkpoint, again and again: the report of one run.  Shards
of the same damage, merged: that report, too.

RAID56_KILLS says how often it is killed; a few times where it is not set.
"""

import os
import random
import subprocess
import tempfile

import fixtures
import harness
import planter
import tool
import truth

KILLS = int(os.environ.get("RAID56_KILLS", "4"))
SECONDS = 25  # that an undisturbed run is made to take: several positions of five seconds each
SHAPES = ("raid6x4-m-raid6-blake2", "raid5x4-m-raid10-xxhash")


class OneReport(harness.Case):
    def hurt(self, shape):
        """Paths of damaged copies, and the report of one run."""
        originals = harness.by_devid(fixtures.SHAPES[shape].images())
        volume = truth.Volume(list(originals.values()))
        damaged = harness.by_devid(self.copy(shape, shape))
        with planter.Planter(volume, damaged, random.Random(shape)) as plants:
            for kind, count in (("data", 200), ("gaps", 60), ("silent", 60)):
                plants.rows(kind, count, beyond=True)
        paths = list(damaged.values())
        whole = tool.scrub(paths)
        self.assertGreater(len(whole.damage), 100)
        return paths, whole

    def test_killed(self):
        shape = SHAPES[0]
        paths, whole = self.hurt(shape)
        dice = random.Random(56)
        rate = max(1, whole.summary["bytes_read"] // SECONDS)
        state = os.path.join(self.folder, "checkpoint")
        arguments = ["scrub", "--format", "json", "--checkpoint", state, "--limit-rate", str(rate), *paths]
        kills = went_on = 0
        while kills < KILLS:
            process = tool.start(*arguments)
            try:
                out, err = process.communicate(timeout=dice.uniform(1, 11))
                self.assertEqual(whole.comparable(), tool.Report(process.returncode, out, err).comparable())
                self.assertFalse(os.path.exists(state))
            except subprocess.TimeoutExpired:
                process.kill()
                _, err = process.communicate()
                kills += 1
            went_on += b"gone on with" in err
        self.assertGreater(went_on, 0, "each was killed before its first position")
        self.assertTrue(os.path.exists(state))
        report = tool.scrub(paths, "--checkpoint", state)
        self.assertIn("gone on with", report.messages)
        self.assertEqual(whole.comparable(), report.comparable())
        self.assertFalse(os.path.exists(state))

    def test_in_shards(self):
        """Each shard has a checkpoint of its own; merged they are one run."""
        for shape in SHAPES:
            with self.subTest(shape=shape), tempfile.TemporaryDirectory(dir=self.folder) as folder:
                paths, whole = self.hurt(shape)
                reports = []
                for number in range(1, 5):
                    reports.append(os.path.join(folder, f"report{number}"))
                    done = tool.plain("scrub", "--format", "json", "--shard", f"{number}/4", "--checkpoint",
                                      os.path.join(folder, f"checkpoint{number}"), *paths)
                    tool.Report(*done)
                    with open(reports[-1], "wb") as report:
                        report.write(done[1])
                dice = random.Random(shape)
                dice.shuffle(reports)
                merged = tool.Report(*tool.plain("merge", "--format", "json", *reports))
                self.assertEqual(whole.comparable(), merged.comparable())


if __name__ == "__main__":
    harness.main()
