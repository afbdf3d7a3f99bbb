#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""scrub and inspect open no image for writing, ever, and leave every image bit-identical."""

import hashlib
import os
import random
import re
import subprocess
import sys

import fixtures
import harness
import kernel
import planter
import tool
import truth

SHAPE = "raid6x5-m-raid1c4-n4k"
OPENERS = "open,openat,openat2,creat"


def digests(paths):
    found = []
    for path in paths:
        with open(path, "rb") as image:
            found.append(hashlib.file_digest(image, "sha256").hexdigest())
    return found


def opened_for_writing(trace):
    """Lines of an strace that open anything with a right to write."""
    wanted = re.compile(r"\bO_(WRONLY|RDWR|CREAT|TRUNC|APPEND)\b|\bcreat\(")
    return [line for line in trace.splitlines() if wanted.search(line)]


class ReadOnly(harness.Case):
    def traced(self, *arguments):
        """Runs the tool under strace; returns (exit status, trace)."""
        trace = os.path.join(self.folder, "trace")
        done = subprocess.run([*tool.STRACE, "-f", "-e", f"trace={OPENERS},mmap,write,pwrite64,ftruncate,fallocate", "-y",
                               "-o", trace, tool.binary(), *arguments], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=300)
        with open(trace, encoding="utf-8", errors="replace") as lines:
            return done.returncode, lines.read()

    def check(self, paths, status):
        before = digests(paths)
        opens = 0
        for command in ("scrub", "inspect"):
            for form in ("text", "json"):
                code, trace = self.traced(command, "--format", form, *paths)
                if command == "scrub":
                    self.assertEqual(status, code)
                for path in paths:
                    touching = [line for line in trace.splitlines() if os.path.basename(path) in line]
                    opens += len(touching)
                    self.assertTrue(any("O_RDONLY" in line for line in touching), f"{path} was not opened read-only")
                    for line in touching:
                        self.assertEqual([], opened_for_writing(line))
                        self.assertNotRegex(line, r"\b(write|pwrite64|ftruncate|fallocate|creat)\(")
                        self.assertNotRegex(line, r"mmap\(.*PROT_WRITE.*MAP_SHARED")
        self.assertGreater(opens, 0)
        self.assertEqual(before, digests(paths))

    def test_clean_images(self):
        self.check(self.copy(SHAPE), 0)

    def test_damaged_images(self):
        damaged = harness.by_devid(self.copy(SHAPE))
        volume = truth.Volume(fixtures.SHAPES[SHAPE].images())
        with planter.Planter(volume, damaged, random.Random("read-only")) as plants:
            plants.rows("data", 40, beyond=False)
            plants.tree_blocks(5)
            plants.superblocks()
        self.check(list(damaged.values()), 1)

    def test_images_without_write_permission(self):
        """Files that cannot be written, behind read-only loops: the same result."""
        paths = self.copy(SHAPE)
        with kernel.attached(paths, read_only=True) as loops:
            self.assert_clean(tool.scrub(loops))
        for path in paths:
            os.chmod(path, 0o444)
        self.assert_clean(tool.scrub(paths))


if __name__ == "__main__":
    if not os.access("/usr/bin/strace", os.X_OK):
        print("skipped: strace is not installed")
        sys.exit(harness.SKIPPED)
    harness.main()
