#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every shape, clean: verdict `clean`, no damage event, exit 0, and bytes equal to what the kernel's scrub counts."""

import os

import fixtures
import harness
import kernel
import tool
import truth


class CleanShapes(harness.Case):
    def check_counts(self, report, counts, what):
        summary = report.summary
        self.assertEqual(counts["data_bytes_scrubbed"], summary["data_bytes_verified"] + summary["no_checksum_bytes"], what)
        self.assertEqual(counts["tree_bytes_scrubbed"], summary["tree_bytes_verified"], what)
        faults = ["csum_errors", "verify_errors", "uncorrectable_errors"]
        if what != "mixed-mirror-at-the-end":  # where the kernel counts a copy that it never writes itself
            faults.append("super_errors")
        for field in faults:
            self.assertEqual(0, counts[field], f"{what}: the kernel itself finds fault: {field}")

    def check_truth(self, report, volume, what):
        data, tree = volume.counted()
        silent = volume.silent_bytes()
        self.assertEqual((data - silent, silent, tree),
                         tuple(report.summary[f] for f in ("data_bytes_verified", "no_checksum_bytes",
                                                           "tree_bytes_verified")), what)

    def test_shapes(self):
        for name, recipe in fixtures.SHAPES.items():
            with self.subTest(shape=name):
                images = recipe.images()
                volume = truth.Volume(images)
                report = tool.scrub(images)
                self.assert_clean(report, name)
                self.check_truth(report, volume, name)
                self.assertEqual(volume.generation, report.volume["generation"])
                self.assertEqual((volume.sectorsize, volume.nodesize),
                                 (report.volume["sectorsize"], report.volume["nodesize"]))
                self.assertEqual(sorted(volume.path_of), sorted(d["devid"] for d in report.devices))
                self.assertEqual({"present"}, {d["state"] for d in report.devices})
                copies = recipe.copy(os.path.join(self.folder, name))
                counts, changed = kernel.scrub_counts(copies)
                if changed:
                    report = tool.scrub(copies)
                    self.assert_clean(report, name)
                self.check_counts(report, counts, name)
                for path in copies:
                    os.unlink(path)

    def test_images_that_the_kernel_looks_at_meanwhile(self):
        """Of those that tests share it gets copies: what is attached is refused."""
        images = fixtures.SHAPES["raid5x3-m-raid1"].images()
        with kernel.attached(images, read_only=True) as loops, kernel.mounted(loops, ["ro"]):
            self.assert_clean(tool.scrub(images))

    def test_sectors_larger_than_a_page(self):
        """Made by mkfs, never mounted here: the tree blocks that there are."""
        for name, recipe in fixtures.UNMOUNTABLE.items():
            with self.subTest(shape=name):
                images = recipe.images()
                volume = truth.Volume(images)
                report = tool.scrub(images)
                self.assert_clean(report, name)
                self.check_truth(report, volume, name)
                self.assertEqual(volume.sectorsize, report.volume["sectorsize"])

    def test_excluded_stripes_are_met(self):
        """The full file systems really fill every row around a superblock mirror, and none of its full stripe."""
        for name in ("raid5x3-garbage-full", "raid6x4-garbage-full"):
            volume = truth.Volume(fixtures.SHAPES[name].images())
            stripes = 0
            for chunk in volume.chunks:
                for full_stripe in chunk.excluded:
                    stride = truth.STRIP // volume.sectorsize * chunk.data_columns
                    states = volume.states[chunk.logical]
                    self.assertFalse(any(states[full_stripe * stride:(full_stripe + 1) * stride]))
                    self.assertTrue(all(states[(full_stripe - 1) * stride:full_stripe * stride]))
                    self.assertTrue(all(states[(full_stripe + 1) * stride:(full_stripe + 2) * stride]))
                    stripes += 1
            self.assertGreater(stripes, 0)

    def test_order_of_devices_is_free(self):
        images = fixtures.SHAPES["raid6x4-m-raid6-blake2"].images()
        self.assertEqual(tool.scrub(images).comparable(), tool.scrub(images[::-1]).comparable())

    def test_text_report(self):
        """People read: one verdict, and that nothing was modified."""
        status, out, err = tool.plain("scrub", *fixtures.SHAPES["raid5x3-m-raid1"].images())
        self.assertEqual(0, status, err)
        self.assertIn(b"Nothing was modified.", out)
        self.assertEqual([], tool.control_characters(out))

    def test_inspect(self):
        """inspect reads every shape and says what scrub says about devices."""
        for name in ("raid5x2-m-raid5", "raid6x6-unequal", "raid5x3-mixed"):
            images = fixtures.SHAPES[name].images()
            for options in ((), ("--format", "json")):
                status, out, err = tool.plain("inspect", *options, *images)
                self.assertEqual(0, status, err)
                self.assertTrue(out)
                self.assertEqual([], tool.control_characters(out))


if __name__ == "__main__":
    harness.main()
