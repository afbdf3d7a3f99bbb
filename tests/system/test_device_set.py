#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The devices as a set: one that is missing, one whose superblocks tell another story, one too short, one without any.

Nothing of it passes for clean, and none of it turns a disk that can be read into a missing one.
"""

import os
import random
import struct

import fixtures
import harness
import kernel
import supers
import tool
import truth

FOUR = fixtures.STALE_BASE  # raid6 data, raid1c4 metadata
BULK = fixtures.BULK_RAID6  # more data than lies in the first 80 MiB of a device
ROOT, LABEL = 80, 299
MIB = 1 << 20


def states(report):
    return {device["devid"]: device["state"] for device in report.devices}


def supers_found(report):
    """{(devid, cause, repairable)} of the superblock events."""
    return {(e["devid"], e["cause"], e["repairable"]) for e in report.damage if e["role"] == "super"}


def other_root(block):
    """Another tree root at the same generation."""
    struct.pack_into("<Q", block, ROOT, struct.unpack_from("<Q", block, ROOT)[0] + 7 * 16384)


def other_label(block):
    block[LABEL:LABEL + 5] = b"other"


def overwrite(path, offset, length, dice):
    with open(path, "r+b") as image:
        image.seek(offset)
        for _ in range(length // 4096):
            image.write(dice.randbytes(4096))


class DeviceSet(harness.Case):
    def four(self):
        return FOUR.copy(os.path.join(self.folder, "work"))

    def assert_verdict(self, verdict, report):
        self.assertEqual((verdict, 1 if verdict == "repairable" else 4), (report.summary["verdict"], report.status))

    # --- missing ---

    def test_missing_device_without_chunks(self):
        """A device that was added and holds nothing yet: the kernel does not mount without it, and it is damage."""
        paths = self.four()
        added = os.path.join(self.folder, "added.img")
        with open(added, "wb") as image:
            image.truncate(160 * MIB)
        with kernel.attached([*paths, added]) as loops, kernel.mounted(loops[:-1]) as where:
            kernel.run("btrfs", "device", "add", "-f", "-K", loops[-1], where)
        volume = truth.Volume([*paths, added])
        self.assertFalse([c for c in volume.chunks if any(devid == 5 for devid, _ in c.stripes)])
        self.assert_clean(tool.scrub([*paths, added]))
        report = tool.scrub(paths)
        self.assertEqual("missing", states(report)[5])
        self.assert_verdict("repairable", report)
        self.assertFalse(kernel.mounts_read_only(paths)[0])

    # --- superblocks of one generation that differ ---

    def test_one_against_three(self):
        """Another root or label on one device: three others speak for the file system, whichever device it is."""
        for devid in (1, 2, 4):
            for change in (other_root, other_label):
                with self.subTest(devid=devid, change=change.__name__):
                    paths = self.four()
                    supers.edit(harness.by_devid(paths)[devid], change)
                    report = tool.scrub(paths)
                    self.assertEqual({(devid, "mirror", True)}, supers_found(report))
                    self.assertEqual([], [e for e in report.damage if e["role"] != "super"] + report.unknown)
                    self.assert_verdict("repairable", report)

    def test_half_against_half(self):
        """Two against two, as after both halves were mounted without the other: nobody can say who is right."""
        paths = self.four()
        for devid in (2, 3):
            supers.edit(harness.by_devid(paths)[devid], other_label)
        report = tool.scrub(paths)
        found = supers_found(report)
        self.assertTrue(found)
        self.assertIn({devid for devid, _, _ in found}, ({2, 3}, {1, 4}))
        self.assertEqual({("mirror", None)}, {(cause, repairable) for _, cause, repairable in found})
        self.assert_verdict("undecided", report)

    def test_one_copy_of_one_device(self):
        """The second copy alone differs: told by the others, those of its own device and of the rest."""
        paths = self.four()
        path = harness.by_devid(paths)[3]
        first = truth.read_at(path, truth.SUPER_OFFSETS[0], truth.SUPER_SIZE)
        supers.edit(path, other_root)
        with open(path, "r+b") as image:
            image.seek(truth.SUPER_OFFSETS[0])
            image.write(first)
        report = tool.scrub(paths)
        self.assertEqual([(3, truth.SUPER_OFFSETS[1], True)],
                         [(e["devid"], e["physical"], e["repairable"]) for e in report.damage])
        self.assert_verdict("repairable", report)

    # --- too short ---

    def test_short_device(self):
        """A device that lacks a tail in which nothing lies: the kernel refuses it, both reports say by how much."""
        paths = self.four()
        os.truncate(paths[1], 159 * MIB)
        volume = truth.Volume(FOUR.images())
        for chunk in volume.chunks:
            for devid, offset in chunk.stripes:
                self.assertFalse(devid == 2 and offset + chunk.dev_length > 159 * MIB, "something lies there")
        report = tool.scrub(paths)
        self.assertEqual({2: MIB}, {d["devid"]: d["short_by"] for d in report.devices if "short_by" in d})
        self.assertEqual([], report.damage)
        status, out, _ = tool.plain("scrub", *paths)
        self.assertEqual(report.status, status)
        told = [line for line in out.decode().splitlines() if " short" in line]
        self.assertEqual(2, len(told), out.decode())
        self.assertRegex(told[0], r"devid 2 .* 1(\.0+)? MiB short")
        self.assertIn("copy it again", told[1], "what to do next")
        self.assertFalse(kernel.mounts_read_only(paths)[0])

    # --- without any superblock ---

    def without_superblocks(self, path):
        for offset in truth.SUPER_OFFSETS[:2]:
            overwrite(path, offset, truth.SUPER_SIZE, random.Random(f"no superblock {offset}"))

    def test_told_by_its_content(self):
        """Both superblock copies are noise: what lies on the disk says which one it is, and nothing of it is lost."""
        for devid in (1, 3):
            with self.subTest(devid=devid):
                paths = self.four()
                path = harness.by_devid(paths)[devid]
                self.without_superblocks(path)
                report = tool.scrub(paths)
                self.assertIn(states(report)[devid], ("present", "stale"))
                self.assertEqual({"present"}, {state for d, state in states(report).items() if d != devid})
                self.assertEqual([path], [d["path"] for d in report.devices if d["devid"] == devid])
                self.assertIn(f"{path}: ", report.messages)
                self.assertIn(f"devid {devid}", report.messages)
                bad = {(e["devid"], e["physical"]) for e in report.damage if e["role"] == "super"}
                self.assertEqual({(devid, offset) for offset in truth.SUPER_OFFSETS[:2]}, bad)
                self.assertEqual({devid}, {e["devid"] for e in report.damage})
                self.assert_verdict("repairable", report)

    def test_told_apart_from_a_missing_one(self):
        """One device is not there and another has no superblock: it takes its own place, not the other's."""
        paths = harness.by_devid(self.four())
        self.without_superblocks(paths[3])
        report = tool.scrub([path for devid, path in paths.items() if devid != 2])
        self.assertEqual("missing", states(report)[2])
        self.assertIn(states(report)[3], ("present", "stale"))
        self.assertEqual({1: paths[1], 2: None, 3: paths[3], 4: paths[4]}, {d["devid"]: d["path"] for d in report.devices})
        self.assert_verdict("repairable", report)

    def test_blank_disk_in_its_place(self):
        """Nothing lies on it that tells: refused, whether it holds zeros, noise, or too little."""
        paths = self.four()
        dice = random.Random("blank")
        for name, size, noise in (("zeros", 160 * MIB, 0), ("noise", 160 * MIB, 160 * MIB), ("small", MIB, MIB)):
            with self.subTest(disk=name):
                blank = os.path.join(self.folder, f"{name}.img")
                with open(blank, "wb") as image:
                    image.truncate(size)
                overwrite(blank, 0, noise, dice)
                self.assert_refused(["scrub", paths[0], blank, *paths[2:]], 8, f"{name}.img", "no valid btrfs superblock")
        self.assert_refused(["scrub", *paths, blank], 8, "small.img")

    def test_first_80_mib_overwritten(self):
        """A disk that something else was begun on: what lies behind still tells, all of it can be had back."""
        paths = BULK.copy(os.path.join(self.folder, "bulk"))
        path = harness.by_devid(paths)[2]
        overwrite(path, 0, 80 * MIB, random.Random("begun"))
        report = tool.scrub(paths)
        self.assertIn(states(report)[2], ("present", "stale"))
        self.assertIn("devid 2", report.messages)
        self.assertEqual({2}, {e["devid"] for e in report.damage})
        self.assertEqual({True}, {e["repairable"] for e in report.damage})
        self.assert_verdict("repairable", report)


if __name__ == "__main__":
    harness.main()
