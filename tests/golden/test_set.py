#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The golden images as a set: whole folders, small enough, every shape and every checksum, clean and damaged."""

import os
import re
import unittest

import golden

MOST_BYTES = 8 << 20


class Set(unittest.TestCase):
    def setUp(self):
        self.images = [golden.Golden(name) for name in golden.names()]
        self.volumes = [line for image in self.images for line in image.expected if line["type"] == "volume"]

    def test_folders_are_whole(self):
        for image in self.images:
            for name in ("README", "command", "exit_status", "images.tar.zst"):
                self.assertTrue(os.path.getsize(os.path.join(image.folder, name)), f"{image.name}/{name}")

    def test_size(self):
        self.assertLessEqual(sum(os.path.getsize(image.archive()) for image in self.images), MOST_BYTES)

    def test_demo_pair_is_one_file_system(self):
        clean, damaged = (golden.Golden(name).expected[0] for name in ("001-demo-clean", "100-demo-damaged"))
        self.assertEqual(clean, damaged)

    def test_shapes(self):
        found = {(c["profile"], c["devices"]) for v in self.volumes for c in v["chunks"]}
        wanted = {("raid5", n) for n in (2, 3, 4)} | {("raid6", n) for n in (3, 4, 5, 6)}
        self.assertEqual(set(), wanted - found)
        profiles = {profile for profile, _ in found}
        self.assertEqual(set(), {"dup", "raid10", "raid1c3", "raid1c4"} - profiles)
        self.assertIn("data+metadata", {c["kind"] for v in self.volumes for c in v["chunks"]})
        self.assertEqual({"crc32c", "xxhash64", "sha256", "blake2b"}, {v["checksum"] for v in self.volumes})
        self.assertEqual(set(), {4096, 16384} - {v["sectorsize"] for v in self.volumes})
        self.assertIn("block-group-tree", {f for v in self.volumes for f in v["features"]})

    def test_findings(self):
        damage = [line for image in self.images for line in image.expected if line["type"] == "damage"]
        self.assertEqual({"data", "tree", "P", "Q", "free", "super"}, {d["role"] for d in damage})
        self.assertEqual({"none", "checksum", "tree", "parity"}, {d["proof"] for d in damage})
        self.assertEqual({True, False, None}, {d["repairable"] for d in damage})
        causes = {"checksum", "header", "unreadable", "parity", "mirror", "csum-missing", "missing", "stale",
                  "distrusted"}
        self.assertEqual(set(), causes - {d["cause"] for d in damage})
        verdicts = {image.expected[-1]["verdict"] for image in self.images}
        self.assertEqual({"clean", "repairable", "unrepairable", "undecided", "failed"}, verdicts)
        self.assertEqual({0, 1, 4, 8}, {image.exit_status for image in self.images})

    def test_report_in_readme(self):
        """README.md shows what the demo prints, but for what differs from run to run."""
        image = golden.Golden("100-demo-damaged")
        with image.unpacked() as where:
            _, out, _ = image.run(where)
        with open(os.path.join(golden.IMAGES, "..", "README.md"), encoding="utf-8") as text:
            shown = re.search(r"```\n\$ (.*?)\n(.*?)```", text.read(), re.S)
        self.assertEqual("btrfs-raid56 " + " ".join(image.arguments), shown[1])

        def steady(report):
            return re.sub(r"(?m)^  read .*$", "", report)
        self.assertEqual(steady(out.decode()), steady(shown[2]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
