#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""--files of tree blocks that cannot be had: what is told to be lost is just what the kernel cannot reach or read.

Blocks of subvolumes are lost, one or several at once.  The kernel, on read-only loops, is then asked for every path that
there was: what it cannot find must be told, itself or by a directory above it; what it cannot read of a file must be
told byte by byte; and what is told must be so.
"""

import os
import random
import stat
import unittest

import fixtures
import harness
import kernel
import pages
import planter
import tool
import truth
from test_files import to_bytes

BELOW = ("all", "entries")  # of a directory: what is below may be out of reach


def tree_files(top, dice):
    """Directories, files of all sizes, names of all lengths, links, extended attributes."""
    for d in range(12):
        folder = f"{top}/d{d}"
        os.makedirs(f"{folder}/inner/most")
        for i in range(20):
            name = f"{folder}/{'inner/' if i % 3 else ''}f{i}" + "x" * dice.randint(0, 100)
            with open(name, "wb") as out:
                out.write(dice.randbytes(dice.choice((0, 200, 5000, 20000))))
            if i % 5 == 0:
                os.setxattr(name, "user.note", dice.randbytes(300))
            if i % 7 == 0:
                os.link(name, f"{folder}/inner/most/link{i}")
        os.symlink("../d0", f"{folder}/symlink")
    os.mkdir(f"{top}/crowd")
    for i in range(150):
        with open(f"{top}/crowd/{i:0120}", "wb") as out:
            out.write(b"x" * 3000)
    with open(f"{top}/scattered", "wb") as out:
        for i in range(200):
            out.seek(8192 * i)
            out.write(dice.randbytes(4096))


class LostObjects(harness.Case):
    images = None

    def setUp(self):
        super().setUp()
        self.dice = random.Random("lost objects")
        self.paths = [os.path.join(self.folder, f"d{i}.img") for i in (1, 2, 3)]
        for path in self.paths:
            with open(path, "wb") as image:
                image.truncate(160 * fixtures.MIB)
        with kernel.attached(self.paths) as loops:
            kernel.make(loops, "-d", "raid5", "-m", "raid1", "-n", "4096")
            with kernel.mounted(loops) as where:
                tree_files(where, self.dice)
                for sub in ("sub", "sub/below"):
                    kernel.run("btrfs", "subvolume", "create", f"{where}/{sub}")
                    tree_files(f"{where}/{sub}", self.dice)
                kernel.sync(where)
                kernel.run("btrfs", "subvolume", "snapshot", f"{where}/sub", f"{where}/d3/inner/snap")
                for i in range(3):
                    with open(f"{where}/sub/d{i}/later", "wb") as out:
                        out.write(b"later" * 1000)
                os.unlink(f"{where}/crowd/{7:0120}")
        self.originals = harness.by_devid(self.paths)
        self.volume = truth.Volume(self.paths)
        self.files = pages.files_of(self.paths)
        self.known = self.all_paths()

    def all_paths(self):
        """{path: (is it a directory, is it a symbolic link)}."""
        known = {b"/": (True, False)}
        with kernel.attached(self.paths, read_only=True) as loops, kernel.mounted(loops, ("ro",)) as where:
            top = os.fsencode(where)
            for folder, folders, names in os.walk(top):
                for name in folders + names:
                    full = os.path.join(folder, name)
                    mode = os.lstat(full).st_mode
                    known[full[len(top):]] = (stat.S_ISDIR(mode), stat.S_ISLNK(mode))
        return known

    def look(self, images):
        """What the kernel makes of it: paths out of reach, {(path, page)} that cannot be read, {directory: names}."""
        if not kernel.mounts_read_only(images)[0]:
            return set(self.known), set(), {}
        gone, unread, listed = set(), set(), {}
        with kernel.attached(images, read_only=True) as loops, kernel.mounted(loops, ("ro",)) as where:
            for path, (is_folder, is_link) in self.known.items():
                full = os.fsencode(where) + path
                try:
                    os.lstat(full)
                except OSError:
                    gone.add(path)
                    continue
                if is_folder:
                    listed[path] = self.names(full)
                elif is_link:
                    try:
                        os.readlink(full)
                    except OSError:
                        unread.add((path, 0))
            reached = {path: file for path, file in self.files.items() if path not in gone}
        return gone, unread | pages.lost(images, reached), listed

    @staticmethod
    def names(folder):
        """Those that come before an error."""
        found = set()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    found.add(entry.name)
        except OSError:
            pass
        return found

    def damage(self, blocks, name):
        copies = kernel.copy(self.paths, os.path.join(self.folder, name))
        with planter.Planter(self.volume, harness.by_devid(copies), random.Random(name)) as plants:
            for block in blocks:
                self.assertTrue(plants.lose_block(block.logical))
        return copies

    def scrub(self, images):
        report = tool.scrub(images, "--files")
        self.assertEqual(4, report.status)
        self.assertIs(True, report.summary.get("files_incomplete"))
        status, out, _ = tool.plain("scrub", "--files", *images)
        self.assertEqual(4, status)
        self.assertEqual([], tool.control_characters(out))
        return report

    @staticmethod
    def objects(report):
        """[(path or None, entry)], each once."""
        found = []
        for event in report.damage:
            for entry in event.get("objects", ()):
                path = entry["path"] and to_bytes(entry["path"], "paths_escaped" in event)
                if (path, entry) not in found:
                    found.append((path, entry))
        return found

    def check_objects(self, report, images):
        gone, unread, listed = self.look(images)
        objects = self.objects(report)
        problems = [f"{path} is no path" for path, _ in objects if path is not None and path not in self.known]
        told = {}
        for path, entry in objects:
            if path in self.known:
                told.setdefault(path, []).append(entry)
        problems += self.not_told(gone, unread, told) + self.told_wrongly(gone, unread, listed, told)
        self.assert_same(problems, f"{len(gone)} gone, {len(unread)} pages unread, {len(objects)} told")
        return len(gone), len(unread), len(told)

    @staticmethod
    def covered(told, path, page):
        return any(e["loses"] == "data" and e["offset"] <= page + 4095 and
                   ("length" not in e or page < e["offset"] + e["length"]) for e in told.get(path, ()))

    def not_told(self, gone, unread, told):
        def below_one_told(path):
            while path != b"/":
                path = os.path.dirname(path)
                if any(e["loses"] in BELOW or e["loses"] == "name" for e in told.get(path, ())):
                    return True
            return False
        problems = [f"out of reach, not told: {path}" for path in sorted(gone)
                    if not any(e["loses"] in ("all", "name") for e in told.get(path, ())) and not below_one_told(path)]
        problems += [f"unread, not told: {path} at {page}" for path, page in sorted(unread)
                     if not self.covered(told, path, page)]
        return problems

    def told_wrongly(self, gone, unread, listed, told):
        problems = []
        for path, entries in told.items():
            is_folder = self.known[path][0]
            for entry in entries:
                if entry.get("directory", False) != is_folder and not (is_folder and entry["loses"] in ("all", "name")):
                    problems.append(f"a directory or not: {path} {entry}")
                loses = entry["loses"]
                if loses in ("all", "name") and path not in gone and path != b"/":
                    problems.append(f"in reach: {path} {entry}")
                if path in gone:
                    continue
                if loses == "data":
                    file = self.files.get(path)
                    held = {0} if file is None else set(file.pages)
                    end = entry["offset"] + entry["length"]
                    problems += [f"read: {path} at {at} {entry}" for at in sorted(held)
                                 if entry["offset"] <= at < end and (path, at) not in unread]
                folder = path if loses == "entries" else os.path.dirname(path)
                children = {os.path.basename(p) for p in self.known if os.path.dirname(p) == folder and p != b"/"}
                reached = {os.path.basename(p) for p in self.known if os.path.dirname(p) == folder and p not in gone}
                if loses == "entries" and listed[path] == children and reached == children:
                    problems.append(f"all its entries are there: {path}")
                if loses == "listing" and os.path.basename(path) in listed.get(folder, ()):
                    problems.append(f"listed: {path}")
        return problems

    def blocks(self, level):
        return sorted((b for b in self.volume.blocks.values()
                       if b.level == level and (b.owner == "FS_TREE" or b.owner.isdigit())), key=lambda b: b.logical)

    def test_one_leaf(self):
        leaves = self.blocks(0)
        self.assertGreater(len(leaves), 100)
        sums = [0, 0, 0]
        for number, leaf in enumerate(self.dice.sample(leaves, 25)):
            with self.subTest(leaf=leaf.logical):
                images = self.damage([leaf], f"leaf{number}")
                report = self.scrub(images)
                sums = [a + b for a, b in zip(sums, self.check_objects(report, images))]
                events = [e for e in report.damage if "trees" in e]
                self.assertEqual(2, len(events), "one for each copy")
                for event in events:
                    self.check_trees(event, leaf, report)
                for image in images:
                    os.unlink(image)
        print("gone, pages unread, told:", sums, flush=True)
        self.assertTrue(all(sums))

    def check_trees(self, event, block, report):
        self.assertGreater(len(event["trees"]), 0)
        for tree in event["trees"]:
            self.assertEqual(("subvolume", block.level), (tree["name"], tree["level"]))
            self.assertIn(to_bytes(tree["path"], "paths_escaped" in event) if "path" in tree else b"/", self.known)
            last = tree.get("last_inode", 1 << 64)
            self.assertLessEqual(tree["first_inode"], last)
            for entry in event["objects"]:
                root = entry["inode"] == pages.ROOT_DIRECTORY  # told where the last leaf is lost
                if entry["subvolume"] == tree["tree"] and entry["loses"] not in ("name", "listing") and not root:
                    self.assertTrue(tree["first_inode"] <= entry["inode"] <= last, entry)

    def test_snapshots_share_a_leaf(self):
        """A leaf that a snapshot shares is told for both, by both paths."""
        shared = 0
        for leaf in [b for b in self.blocks(0) if b.owner.isdigit()][::9]:
            images = self.damage([leaf], f"shared{leaf.logical}")
            report = self.scrub(images)
            trees = {t["tree"]: t for e in report.damage for t in e.get("trees", ())}
            if len(trees) > 1:
                shared += 1
                self.assertEqual({"/sub", "/d3/inner/snap"}, {t["path"] for t in trees.values()})
                self.check_objects(report, images)
            for image in images:
                os.unlink(image)
            if shared == 3:
                break
        self.assertEqual(3, shared)

    def test_several(self):
        """Several leaves and a node above leaves at once."""
        for seed in range(5):
            with self.subTest(seed=seed):
                nodes = [b for b in self.blocks(1) if b.logical not in self.volume.roots(b.owner)]
                chosen = self.dice.sample(self.blocks(0), 6) + self.dice.sample(nodes, seed % 2 + 1 if nodes else 0)
                images = self.damage(chosen, f"several{seed}")
                numbers = self.check_objects(self.scrub(images), images)
                print("several:", numbers, flush=True)
                for image in images:
                    os.unlink(image)

    def test_root_of_a_subvolume(self):
        """All of it is lost: told by its path alone."""
        subvolume = next(b.owner for b in self.blocks(0) if b.owner.isdigit())
        root = self.volume.blocks[self.volume.roots(subvolume)[0]]
        images = self.damage([root], "root")
        report = self.scrub(images)
        told = {(path, entry["loses"]) for path, entry in self.objects(report)}
        self.assertIn((b"/sub", "all"), told)
        self.check_objects(report, images)

    def test_other_trees(self):
        """Trees without files are told by their names; no file is hurt."""
        names = {"CSUM_TREE": ("checksum-tree", 7), "EXTENT_TREE": ("extent-tree", 2), "DEV_TREE": ("device-tree", 4),
                 "UUID_TREE": ("uuid-tree", 9), "FREE_SPACE_TREE": ("free-space-tree", 10)}
        for owner, (name, number) in names.items():
            with self.subTest(tree=owner):
                block = next(b for b in self.volume.blocks.values() if b.owner == owner and b.level == 0)
                images = self.damage([block], owner)
                report = tool.scrub(images, "--files")
                events = [e for e in report.damage if e["role"] == "tree"]
                self.assertEqual(2, len(events))
                for event in events:
                    self.assertEqual([{"name": name, "tree": number, "level": 0}], event["trees"])
                    self.assertEqual([], event["objects"])
                plain = tool.plain("scrub", "--files", *images)[1].decode()
                self.assertIn(f"    of the {name.replace('-', ' ')}".replace("free space", "free-space"), plain)

    def test_of_what_can_be_had_nothing_is_told(self):
        block = self.blocks(0)[5]
        copies = kernel.copy(self.paths, os.path.join(self.folder, "one-copy"))
        devid, physical = self.volume.chunk_of(block.logical).copies(block.logical)[0]
        with open(harness.by_devid(copies)[devid], "r+b") as image:
            image.seek(physical + 100)
            image.write(b"x" * 100)
        report = tool.scrub(copies, "--files")
        self.assertEqual(1, report.status)
        self.assertEqual([], [e for e in report.damage if "trees" in e or "objects" in e])
        self.assertNotIn("files_incomplete", report.summary)


if __name__ == "__main__":
    harness.main()
