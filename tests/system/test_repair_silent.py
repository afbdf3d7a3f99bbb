#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Data without checksums: nothing is written by default; the user's word puts data back from parity, or makes parity anew.

One silent column a row is hurt, nothing else.  On raid6 both parities single it out, on raid5 nothing can.
"""

import expected
import harness
import repairs
import tool
from truth import SILENT

RAID6 = ("raid6x3-m-raid1c3-sha256", "raid6x5-m-raid1c4-n4k", "raid6x4-mixed-silent", "raid6x4-garbage-silent",
         "raid6x10-m-raid5", "raid6x5-everything")
RAID5 = ("raid5x3-m-raid1", "raid5x3-cache-v1", "raid5x3-nodatasum")
ROWS = 250


class Silent(repairs.RepairCase):
    def hurt(self, shape):
        """One silent column of each of many rows; {place: (chunk, full stripe, row)}."""
        self.rows = {}

        def work(plants):
            keys = plants.rows_by_class["silent"]
            for key in plants.dice.sample(keys, min(ROWS, len(keys))):
                silent = [c for c, logical in enumerate(plants.logicals(key)) if plants.volume.state(logical) == SILENT]
                column = plants.dice.choice(silent)
                plants.hit_row(key, [column])
                self.rows[plants.place(*key, column)] = key
        self.prepare(shape, work)
        self.assertGreater(len(self.rows), 20, shape)

    def assert_untouched(self, *options):
        report = self.repair(*options)
        self.assert_outcome("undecided", 4, report)
        self.assertEqual([], report.actions)
        self.assertEqual(len(self.rows), report.summary["ambiguous_rows"])
        self.assert_images(self.damaged, f"nothing may be written with {options}")
        return report

    def assert_parity_made(self):
        """--no-checksum trust-data: P and Q follow the data as it stands; a scrub finds no doubt any more."""
        wanted = self.copy_of(self.damaged, "wanted")
        with expected.Wanted(self.volume, self.originals, wanted) as edit:
            for key in self.rows.values():
                edit.make_parities(key)
            self.assertTrue(edit.places)
        report = self.repair("--no-checksum", "trust-data")
        self.assert_outcome("repaired", 1, report)
        self.assertEqual(edit.places, set(report.places(done=True)))
        self.assertEqual({"P", "Q"} if self.parities() == 2 else {"P"}, set(report.places().values()))
        self.assert_images(wanted, "parity from the data")
        self.assert_unproven(report)
        self.assert_clean(tool.scrub(list(self.paths.values())))
        self.assert_undone()

    def parities(self):
        return max(key[0].parity for key in self.rows.values())

    def assert_unproven(self, report):
        """The report says how much of what was written nothing proves."""
        self.assertEqual(len(report.places()), report.summary["unproven_sectors"])
        self.assertEqual({"none"}, {e["proof"] for e in report.damage if e["repairable"]})

    def test_raid6_by_default(self):
        """Untouched, the suspect named with the bytes that differ."""
        for shape in RAID6:
            with self.subTest(shape=shape):
                self.hurt(shape)
                for options in ((), ("--no-checksum", "report")):
                    report = self.assert_untouched(*options)
                    suspects = {(e["chunk"], e["full_stripe"], e["row"] + k): e["suspect_devid"]
                                for e in report.damage for k in range(e["length"] // self.volume.sectorsize)}
                    self.assertEqual({(key[0].logical, *key[1:]): place[0] for place, key in self.rows.items()}, suspects)
                    self.assertTrue(all(e["differing_bytes"] > 0 for e in report.damage))
                    self.remove_journal()
                self.drop()

    def remove_journal(self):
        """That of a repair which wrote nothing, to be undone all the same."""
        self.assert_outcome("done", 0, tool.undo(list(self.paths.values()), self.journal))
        self.assert_images(self.damaged, "undo of nothing")
        self.drop_journal()

    def test_raid6_trusts_parity(self):
        """The column singled out is put back, bit for bit."""
        for shape in RAID6:
            with self.subTest(shape=shape):
                self.hurt(shape)
                report = self.repair("--no-checksum", "trust-parity")
                self.assert_outcome("repaired", 1, report)
                self.assertEqual({place: "data" for place in self.rows}, report.places(done=True))
                self.assert_images(self.originals, "put back from parity")
                self.assert_unproven(report)
                self.assert_clean(tool.scrub(list(self.paths.values())))
                self.assert_undone()
                self.drop()

    def test_raid6_trusts_data(self):
        for shape in RAID6:
            with self.subTest(shape=shape):
                self.hurt(shape)
                self.assert_parity_made()
                self.drop()

    def test_raid5_cannot_tell(self):
        """Ambiguous, and untouched whether parity is trusted or not."""
        for shape in RAID5:
            with self.subTest(shape=shape):
                self.hurt(shape)
                for options in ((), ("--no-checksum", "report"), ("--no-checksum", "trust-parity")):
                    self.assert_untouched(*options)
                    self.remove_journal()
                self.drop()

    def test_raid5_trusts_data(self):
        for shape in RAID5:
            with self.subTest(shape=shape):
                self.hurt(shape)
                self.assert_parity_made()
                self.drop()

    def test_two_silent_columns(self):
        """Both data columns of a raid6 row: nothing is singled out, so nothing is written by trusting parity."""
        def work(plants):
            for key in plants.rows_by_class["silent"]:
                if all(plants.volume.state(logical) == SILENT for logical in plants.logicals(key)):
                    plants.hit_row(key, range(key[0].data_columns), "random")
        plants = self.prepare("raid6x4-mixed-silent", work)
        self.rows = {key[1:] + (key[0].logical,): key for key in plants.rows_by_class["silent"]
                     if plants.place(*key, 0) in plants.touched}
        self.assertGreater(len(self.rows), 20)
        self.assert_untouched("--no-checksum", "trust-parity")


if __name__ == "__main__":
    harness.main()
