#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One golden image, or all: the report is the expected one whatever the threads and the engine, and nothing is written.

test_golden.py [NAME of a folder of images/]; BTRFS_RAID56 names the program.
"""

import sys
import unittest

import golden

WAYS = ((), ("--threads", "1"), ("--engine", "scalar"), ("--engine", "isal"), ("--engine", "scalar", "--threads", "1"),
        ("--engine", "opencl"))


class GoldenImage(unittest.TestCase):
    chosen = None
    maxDiff = None

    def compare(self, image, where, options):
        status, out, err = image.run(where, "--format", "json", *options)
        self.assertEqual(image.stderr, err.decode("utf-8"))
        found = golden.lines_of(out)
        for number, (have, want) in enumerate(zip(found, image.expected), 1):
            self.assertEqual(want, have, f"line {number}")
            self.assertEqual("type", next(iter(have)), f"line {number} does not open with its type")
        self.assertEqual(len(image.expected), len(found), "number of lines")
        self.assertEqual(image.exit_status, status)
        self.assertEqual(image.exit_status, found[-1]["exit_status"])

    def test_reports(self):
        for name in [self.chosen] if self.chosen else golden.names():
            image = golden.Golden(name)
            with image.unpacked() as where:
                before = golden.digests(where)
                self.assertTrue(before)
                for options in WAYS:
                    with self.subTest(image=name, options=options):
                        if "opencl" in options and not golden.has_opencl():
                            self.skipTest("there is no OpenCL device")
                        self.compare(image, where, options)
                with self.subTest(image=name, format="text"):
                    self.compare_text(image, where)
                self.assertEqual(before, golden.digests(where), f"{name}: an image was changed")

    def compare_text(self, image, where):
        """For people: the same exit status, the verdict's word in its sentence, no control characters."""
        status, out, err = image.run(where)
        text = out.decode("utf-8")
        self.assertEqual((image.exit_status, image.stderr), (status, err.decode("utf-8")))
        self.assertEqual([], [c for c in text if ord(c) < 32 and c != "\n" or 127 <= ord(c) < 160])
        verdict = text.splitlines()[text.splitlines().index("Nothing was modified.") - 1]
        self.assertIn(image.expected[-1]["verdict"].upper(), verdict)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        GoldenImage.chosen = sys.argv.pop()
    unittest.main(verbosity=2)
