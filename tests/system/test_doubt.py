#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Doubt is told: data that nothing proves, on a device that may have missed writes, or beside columns that nobody wrote.

Such a row is ambiguous or undecided, never repairable, and nothing is made good from it.
"""

import os
import random

import fixtures
import harness
import kernel
import supers
import tool
import truth

MIB = 1 << 20
# All metadata on devid 1, which is the largest; data without checksums alone, on all three.
SILENT = fixtures.Recipe("raid5x3-m-single-silent", (400, 300, 300), ("-d", "raid5", "-m", "single"), ("nodatacow",))
FOUR = fixtures.STALE_BASE


class Unsure(harness.Case):
    """Devid 2's superblock is one generation behind, and nothing newer lies there that could tell."""

    def setUp(self):
        super().setUp()
        self.paths = harness.by_devid(SILENT.copy(os.path.join(self.folder, "work")))
        self.volume = truth.Volume(SILENT.images())
        self.assertEqual({(1,)}, {tuple(d for d, _ in c.stripes) for c in self.volume.chunks if not c.parity})
        supers.edit(self.paths[2], supers.put(supers.GENERATION, self.volume.generation - 1))

    def scrub(self, *absent):
        report = tool.scrub([path for devid, path in self.paths.items() if devid not in absent])
        self.assertEqual("unsure", {d["devid"]: d["state"] for d in report.devices}[2])
        return report

    def silent_on(self, devid):
        """[(chunk, full stripe, row)] of the silent sectors of one device, in order of their addresses."""
        found, size = [], self.volume.sectorsize
        for chunk in self.volume.chunks:
            for logical in self.volume.sectors(chunk, (truth.SILENT,)) if chunk.parity else ():
                (where, _), = chunk.copies(logical)
                if where == devid:
                    full_stripe, rest = divmod(logical - chunk.logical, truth.STRIP * chunk.data_columns)
                    found.append((chunk, full_stripe, rest % truth.STRIP // size))
        return found

    def test_parity_is_the_witness(self):
        """Parity agrees with what lies there: no doubt is left, the superblock alone is behind."""
        report = self.scrub()
        self.assertEqual({"super"}, {e["role"] for e in report.damage})
        self.assertEqual(0, report.summary["ambiguous_rows"])

    def test_missing_device_takes_the_witness(self):
        """Nothing tells whether devid 2's sectors are out of date, nor what stood on devid 3 beside them."""
        report = self.scrub(3)
        self.assertEqual(("undecided", 4), (report.summary["verdict"], report.status))
        # Each row with silent data of devid 2: devid 3 holds its P, or data that is rebuilt with it.
        self.assertLessEqual(len(self.silent_on(2)), report.summary["ambiguous_rows"])

    def test_parity_in_doubt(self):
        """Nor does the P of devid 2, which may be out of date as well, put silent data of devid 3 back for certain."""
        report = self.scrub(3)
        self.assertTrue([1 for chunk, full_stripe, _ in self.silent_on(3) if chunk.column(full_stripe, 2)[0] == 2])
        self.assertEqual(0, report.summary["unproven_sectors"])

    def test_parity_of_another_unsure_device_is_no_witness(self):
        """Devid 3 is behind as well: both may have missed the same write, and what lies on them agrees all the same."""
        supers.edit(self.paths[3], supers.put(supers.GENERATION, self.volume.generation - 1))
        report = self.scrub()
        self.assertEqual("unsure", {d["devid"]: d["state"] for d in report.devices}[3])
        self.assertEqual(("undecided", 4), (report.summary["verdict"], report.status))
        doubted = {(chunk.logical, full_stripe, row)
                   for devid, other in ((2, 3), (3, 2)) for chunk, full_stripe, row in self.silent_on(devid)
                   if chunk.column(full_stripe, 2)[0] == other}
        self.assertTrue(doubted)
        told = {(e["chunk"], e["full_stripe"], row) for e in report.damage if e["role"] == "P"
                for row in range(e["row"], e["row"] + e["length"] // self.volume.sectorsize)}
        self.assertEqual(doubted, told)

    def test_hurt_parity(self):
        """One row's P is overwritten: with devid 2 unsure the row is ambiguous, and only that row."""
        chunk, full_stripe, row = self.silent_on(2)[5]
        devid, physical = chunk.column(full_stripe, 2)
        with open(self.paths[devid], "r+b") as image:
            image.seek(physical + row * self.volume.sectorsize)
            image.write(random.Random("parity").randbytes(self.volume.sectorsize))
        report = self.scrub()
        rows = [(e["full_stripe"], e["row"], e["repairable"]) for e in report.damage if e["role"] != "super"]
        self.assertEqual([(full_stripe, row, None)], rows)
        self.assertEqual(1, report.summary["ambiguous_rows"])
        self.assertEqual(("undecided", 4), (report.summary["verdict"], report.status))


class NeverWritten(harness.Case):
    """Rows of raid6 that hold written data in one column, with or without checksums, and preallocated in the other."""

    def setUp(self):
        super().setUp()
        paths = FOUR.copy(os.path.join(self.folder, "work"))
        dice = random.Random("never written")
        with kernel.attached(paths) as loops, kernel.mounted(loops) as where:
            os.mkdir(f"{where}/silent")
            kernel.run("chattr", "+C", f"{where}/silent")
            os.mkdir(f"{where}/proven")
            for folder in ("silent", "proven"):
                kernel.run("fallocate", "-l", 4 * MIB, f"{where}/{folder}/half")
                kernel.sync(where)
                with open(f"{where}/{folder}/half", "r+b") as out:
                    for at in range(0, 4 * MIB, 2 * truth.STRIP):
                        out.seek(at)
                        out.write(dice.randbytes(truth.STRIP))
        self.paths, self.volume = harness.by_devid(paths), truth.Volume(paths)
        self.assert_clean(tool.scrub(paths))

    def stripe_of(self, *wanted):
        """(chunk, full stripe, column of each wanted state) where these two states fill the data columns' first row."""
        for chunk in self.volume.chunks:
            if chunk.parity != 2:
                continue
            for full_stripe in range(chunk.rows_of_strips):
                start = chunk.logical + full_stripe * 2 * truth.STRIP
                found = [self.volume.state(start + column * truth.STRIP) for column in range(2)]
                if sorted(found) == sorted(wanted):
                    return chunk, full_stripe, [found.index(state) for state in wanted]
        self.fail("there is no such row: the test proves nothing")

    def hurt(self, chunk, full_stripe, column):
        devid, physical = chunk.column(full_stripe, column)
        with open(self.paths[devid], "r+b") as image:
            image.seek(physical)
            image.write(random.Random("hurt").randbytes(self.volume.sectorsize))
        return tool.scrub(list(self.paths.values()))

    def test_no_proven_sector_in_the_row(self):
        """The never-written column is singled out, and still its content is no more certain than the others'."""
        chunk, full_stripe, columns = self.stripe_of(truth.PREALLOC, truth.SILENT)
        report = self.hurt(chunk, full_stripe, columns[0])
        self.assertEqual([("P", full_stripe, 0, None)],
                         [(e["role"], e["full_stripe"], e["row"], e["repairable"]) for e in report.damage])
        self.assertEqual(1, report.summary["ambiguous_rows"])
        self.assertEqual(("undecided", 4), (report.summary["verdict"], report.status))

    def test_proven_sector_in_the_row(self):
        """Beside data with checksums a never-written sector counts as free: parity is made anew."""
        chunk, full_stripe, columns = self.stripe_of(truth.PREALLOC, truth.DATA)
        report = self.hurt(chunk, full_stripe, columns[0])
        self.assertEqual({("P", full_stripe, True), ("Q", full_stripe, True)},
                         {(e["role"], e["full_stripe"], e["repairable"]) for e in report.damage})
        self.assertEqual(("repairable", 1), (report.summary["verdict"], report.status))


if __name__ == "__main__":
    harness.main()
