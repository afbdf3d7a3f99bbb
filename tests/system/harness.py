# SPDX-License-Identifier: GPL-2.0-or-later
"""Common ends of the system tests: skipping where the machine cannot, a scratch folder, readable failures."""

import os
import sys
import tempfile
import unittest

import fixtures
import kernel
import tool

SKIPPED = 77  # what ctest reads as "skipped"


def main():
    """Runs the tests of the calling file; says why and exits with 77 where they cannot run here."""
    reason = kernel.why_not()
    if reason is None and "BTRFS_RAID56" not in os.environ:
        reason = "BTRFS_RAID56 does not name the program to test"
    if reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)


class Case(unittest.TestCase):
    """A test with a folder of its own and with failures that show the first few differences."""

    maxDiff = None

    def setUp(self):
        scratch = fixtures.scratch()
        self.folder = scratch.__enter__()
        self.addCleanup(scratch.__exit__, None, None, None)

    def copy(self, name, into="work"):
        """Working copies of a shape's images."""
        return fixtures.SHAPES[name].copy(os.path.join(self.folder, into))

    def assert_same(self, problems, what=""):
        if problems:
            shown = "\n  ".join(problems[:12])
            self.fail(f"{what}: {len(problems)} differences\n  {shown}")

    def assert_clean(self, report, what=""):
        self.assertEqual([], report.damage[:3], what)
        self.assertEqual(("clean", 0), (report.summary["verdict"], report.status), what)

    def assert_chunk_events(self, volume, report, absent, cause):
        """One event for each chunk of each absent (or doubted) device: its dev extent, repairable where the profile
        bears it, and then, of a missing one, with how many more losses the chunk bears."""
        wanted, repairable = set(), {}
        for chunk in volume.chunks:
            for devid, offset in chunk.stripes:
                if devid in absent:
                    wanted.add((devid, offset, chunk.dev_length))
                    repairable[devid, offset] = chunk.bears(absent)
        events = report.device_events((cause,))
        self.assertEqual(sorted(wanted), sorted((e["devid"], e["physical"], e["length"]) for e in events))
        for event in events:
            place = event["devid"], event["physical"]
            self.assertIs(repairable[place], event["repairable"], event)
            chunk = next(c for c in volume.chunks if (place[0], place[1]) in c.stripes)
            further = chunk.bears_further(absent) if cause == "missing" and chunk.bears(absent) else None
            self.assertEqual(further, event.get("further_losses"), event)
            if chunk.kinds == ["DATA"]:
                self.assertEqual("data", event["role"], event)
            elif "DATA" not in chunk.kinds:
                self.assertEqual("tree", event["role"], event)

    def assert_refused(self, arguments, status, *words):
        """The tool refuses: this exit status, one sentence on stderr that has these words, nothing unprintable."""
        code, out, err = tool.plain(*arguments)
        text = err.decode("utf-8", "strict").strip()
        self.assertEqual(status, code, f"{arguments}: {text!r} {out[:300]!r}")
        self.assertEqual([], tool.control_characters(err), text)
        self.assertEqual([], tool.control_characters(out))
        self.assertTrue(text, f"{arguments}: no sentence")
        for word in words:
            self.assertIn(word.lower(), text.lower())
        return text


def sanitized():
    """Whether the program is built with a sanitizer, which takes address space and memory as it likes."""
    with open(tool.binary(), "rb") as program:
        image = program.read()
    return b"__asan_init" in image or b"__tsan_init" in image


def by_devid(paths):
    """{devid: path} of image files, from their first superblocks."""
    import truth
    return {truth.read_super(path).devid: path for path in paths}
