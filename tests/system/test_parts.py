#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices of a file system as parts of one disk or image: FILE@OFFSET+LENGTH in every command, on files and on block devices.

The disk holds two members of four and, between them, a file system of somebody else, which is mounted meanwhile.
"""

import os
import subprocess

import fixtures
import harness
import images
import kernel
import tool

MIB = 1 << 20
SHAPE = "raid6x4-mixed-silent"


class Parts(harness.Case):
    def setUp(self):
        super().setUp()
        self.originals = harness.by_devid(fixtures.SHAPES[SHAPE].images())
        self.disk = os.path.join(self.folder, "disk.img")
        length = {d: os.path.getsize(self.originals[d]) for d in (1, 2)}
        self.between = (2 * MIB + length[1], 300 * MIB)
        self.places = {1: (MIB, length[1]), 2: (sum(self.between) + MIB, length[2])}
        with open(self.disk, "wb") as file:
            file.truncate(sum(self.places[2]) + MIB)
        for devid, (start, _) in self.places.items():
            subprocess.run(["dd", f"if={self.originals[devid]}", f"of={self.disk}", "bs=1M", f"seek={start // MIB}",
                            "conv=notrunc,sparse", "status=none"], check=True)
        self.others = kernel.copy([self.originals[d] for d in (3, 4)], os.path.join(self.folder, "others"))

    def parts(self, whole):
        return [f"{whole}@{start}+{length}" for start, length in self.places.values()]

    def hurt(self):
        """The second superblocks of both members."""
        with open(self.disk, "r+b") as file:
            for start, _ in self.places.values():
                file.seek(start + 64 * MIB)
                file.write(bytes(4096))

    def check(self, whole):
        """Scrubbed, repaired, undone; nothing is changed beside what was hurt."""
        paths = self.parts(whole) + self.others
        self.assert_clean(tool.scrub(paths))
        before = kernel.copy([self.disk], os.path.join(self.folder, "before"))[0]
        self.hurt()
        hurt = kernel.copy([self.disk], os.path.join(self.folder, "hurt"))[0]
        report = tool.scrub(paths)
        self.assertEqual([(1, 64 * MIB), (2, 64 * MIB)], [(e["devid"], e["physical"]) for e in report.damage])
        self.assertEqual(paths[:2], [d["path"] for d in report.devices][:2])
        journal = os.path.join(self.folder, "journal")
        done = tool.repair_for_good(paths, journal)
        self.assertEqual(("repaired", 1), (done.summary["verdict"], done.status))
        self.assertEqual([], list(images.differing(before, self.disk)))
        self.assert_clean(tool.scrub(paths))
        # A journal knows its devices by what they are, not by name.
        self.assertEqual(0, tool.undo(list(reversed(paths)), journal).status)
        self.assertEqual([], list(images.differing(hurt, self.disk)))
        os.unlink(journal)

    def check_rebuild(self, whole):
        """Both are survivors."""
        target = os.path.join(self.folder, "new.img")
        report = tool.rebuild([*self.parts(whole), self.others[0]], {4: target})
        self.assertEqual(0, report.status)
        self.assert_clean(tool.scrub([*self.parts(whole), self.others[0], target]))
        refused = ["rebuild", "--onto", f"4={whole}@{sum(self.places[2])}", *self.parts(whole), self.others[0]]
        self.assert_refused(refused, 8, "is a part of something else")
        self.assert_refused(["rebuild", "--force", "--state", os.path.join(self.folder, "state"), "--onto", f"4={whole}",
                             *self.parts(whole), self.others[0]], 8, whole)

    def test_of_an_image(self):
        self.check_rebuild(self.disk)
        self.check(self.disk)

    def test_of_a_block_device(self):
        with kernel.attached([self.disk]) as loops:
            self.check_rebuild(loops[0])
            self.check(loops[0])

    def test_beside_something_mounted(self):
        """What lies between the members is in use: they are not."""
        start, length = self.between
        command = ["losetup", "-f", "--show", "-o", str(start), "--sizelimit", str(length), self.disk]
        with kernel.exclusive():
            loop = kernel.run(*command).stdout.strip()
            try:
                kernel.make([loop])
                with kernel.mounted([loop]) as where:
                    with open(os.path.join(where, "mine"), "wb") as file:
                        file.write(b"mine" * 100000)
                    paths = self.parts(self.disk) + self.others
                    self.assert_clean(tool.scrub(paths))
                    self.check(self.disk)
                    for overlapping in (self.disk, f"{self.disk}@{start - 4096}+8192", f"{self.disk}@0"):
                        self.assert_refused(["scrub", overlapping, *self.others], 8, "in use", "mounted at")
                    with open(os.path.join(where, "mine"), "rb") as file:
                        self.assertEqual(b"mine" * 100000, file.read())
            finally:
                kernel.detach_one(loop)

    def test_a_name_with_an_at(self):
        """A file of that very name is meant, not a part of another."""
        names = {1: os.path.join(self.folder, "a"), 2: os.path.join(self.folder, "a@1048576")}
        for devid, name in names.items():
            kernel.run("cp", "--sparse=always", self.originals[devid], name)
        self.assert_clean(tool.scrub([*names.values(), *self.others]))


if __name__ == "__main__":
    harness.main()
