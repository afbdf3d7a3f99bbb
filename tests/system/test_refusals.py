#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is refused, and how: one sentence, exit 8 (16 for wrong usage), no control characters, nothing opened for writing."""

import json
import os
import pathlib
import shutil
import subprocess

import fixtures
import harness
import kernel
import supers
import tool
import truth

SHAPE = "raid5x3-m-raid1"
OTHER = "raid5x2-m-raid5"


class Refusals(harness.Case):
    def setUp(self):
        super().setUp()
        self.paths = self.copy(SHAPE)

    def refused(self, paths, *words, status=8):
        """In both formats and by inspect; in JSON the summary comes all the same."""
        code, out, _ = tool.plain("scrub", "--format", "json", *paths)
        last = json.loads(out.splitlines()[-1])
        self.assertEqual(("summary", "failed", status), (last["type"], last["verdict"], last["exit_status"]))
        for options in ((), ("--format", "json")):
            text = self.assert_refused(["scrub", *options, *paths], status, *words)
            self.assertEqual(1, len(text.splitlines()), f"more than one sentence: {text!r}")
        self.assert_refused(["inspect", *paths], status)

    def edit_all(self, change):
        for path in self.paths:
            supers.edit(path, change)

    # --- the device set ---

    def test_two_devices_with_one_identity(self):
        twin = os.path.join(self.folder, "twin.img")
        shutil.copyfile(self.paths[1], twin)
        self.refused([*self.paths, twin], "twin.img")

    def test_foreign_file_system(self):
        foreign = self.copy(OTHER, "foreign")[0]
        self.refused([*self.paths, foreign], foreign)

    def test_replace_target(self):
        """devid 0: the target of a replacement that never finished."""
        target = os.path.join(self.folder, "target.img")
        shutil.copyfile(self.paths[2], target)

        def change(block):
            supers.put(supers.DEVID, 0)(block)
            block[supers.DEVID + 66:supers.DEVID + 82] = bytes(range(16))
        supers.edit(target, change)
        self.refused([*self.paths, target], "target.img")

    def test_a_device_twice(self):
        self.refused([*self.paths, self.paths[0]])
        link = os.path.join(self.folder, "link")
        os.symlink(self.paths[0], link)
        self.refused([*self.paths, link])
        hard = os.path.join(self.folder, "hard")
        os.link(self.paths[0], hard)
        self.refused([*self.paths, hard])

    def test_a_device_twice_through_a_loop(self):
        with kernel.attached([self.paths[0]], read_only=True) as loops:
            self.refused([*self.paths, loops[0]])
        with kernel.attached([self.paths[0]] * 2, read_only=True) as loops:
            self.refused([*loops, *self.paths[1:]])

    def test_mounted(self):
        """Mounted block devices, and the image files behind mounted loops."""
        with kernel.attached(self.paths) as loops, kernel.mounted(loops):
            self.refused(loops, "mounted")
            self.refused(self.paths, "mounted")

    def test_wiped_magic(self):
        """A superblock that lacks only its magic: removed on purpose, unless --distrust names the device."""
        place = truth.SUPER_OFFSETS[0] + supers.MAGIC
        with open(self.paths[2], "r+b") as image:
            image.seek(place)
            image.write(bytes(8))
        self.refused(self.paths, self.paths[2])
        report = tool.scrub(self.paths, "--distrust", "3")
        states = {d["devid"]: d["state"] for d in report.devices}
        self.assertEqual("distrusted", states[3])

    def test_no_file_system(self):
        noise = os.path.join(self.folder, "noise.img")
        with open(noise, "wb") as image:
            image.write(os.urandom(1 << 20))
        for content in (b"", b"x" * 100, b"\x1b[31m" * 100000):
            with open(os.path.join(self.folder, "small.img"), "wb") as image:
                image.write(content)
            self.refused([os.path.join(self.folder, "small.img")], "small.img")
        self.refused([noise], "noise.img")
        self.refused([*self.paths, noise], "noise.img")
        self.refused([os.path.join(self.folder, "absent.img")], "absent.img")
        self.refused([self.folder])

    # --- superblock states ---

    def test_unfinished_mkfs(self):
        self.edit_all(lambda block: block.__setitem__(slice(64, 72), b"!BHRfS_M"))
        self.refused(self.paths)

    def test_flags(self):
        for name, bit in supers.SUPER_FLAGS.items():
            with self.subTest(flag=name):
                self.paths = self.copy(SHAPE, name)
                self.edit_all(supers.set_bits(supers.FLAGS, bit))
                self.refused(self.paths)

    def test_incompatible_features(self):
        """By name."""
        for name, bit in supers.INCOMPAT_BITS.items():
            with self.subTest(feature=name):
                self.paths = self.copy(SHAPE, name)
                self.edit_all(supers.set_bits(supers.INCOMPAT, bit))
                text = self.assert_refused(["scrub", *self.paths], 8).lower()
                squeezed = text.replace("_", "").replace("-", "").replace(" ", "")
                self.assertIn(name.replace("-", ""), squeezed)
                self.refused(self.paths)

    def test_unknown_feature(self):
        """By number."""
        for bit in (1 << 15, 1 << 40, 1 << 63):
            with self.subTest(bit=hex(bit)):
                self.paths = self.copy(SHAPE, hex(bit))
                self.edit_all(supers.set_bits(supers.INCOMPAT, bit))
                self.refused(self.paths, f"{bit:x}")

    # --- text from disk ---

    def test_control_characters_in_a_label(self):
        """A hostile label reaches no terminal raw, and no JSON line breaks by it."""
        def change(block):
            block[299:299 + 12] = b"\x1b[2J\x07\x9b31m\n\xff\""
        self.edit_all(change)
        report = tool.scrub(self.paths)
        self.assertEqual(0, report.status)
        status, out, err = tool.plain("scrub", *self.paths)
        self.assertEqual(0, status)
        self.assertEqual([], tool.control_characters(out))
        self.assertEqual([], tool.control_characters(err))
        status, out, err = tool.plain("inspect", *self.paths)
        self.assertEqual([], tool.control_characters(out))


    def test_control_characters_in_a_path(self):
        """A device's path may be any bytes: the JSON stays JSON, the text stays printable."""
        awkward = os.path.join(os.fsencode(self.folder), b"dev\xff\x1b[31m\n\"\\.img")
        os.rename(self.paths[0], awkward)
        paths = [awkward, *map(os.fsencode, self.paths[1:])]
        for form in ("json", "text"):
            done = subprocess.run([tool.binary(), "scrub", "--format", form, *paths], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=60)
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertEqual([], tool.control_characters(done.stdout))
            if form == "json":
                tool.Report(0, done.stdout, done.stderr)
        with open(awkward, "r+b") as image:
            image.truncate(100)
        done = subprocess.run([tool.binary(), "scrub", *paths], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(8, done.returncode)
        self.assertEqual([], tool.control_characters(done.stderr))

    def test_output_that_cannot_be_written(self):
        """A report that nobody gets is no clean bill."""
        with open("/dev/full", "wb") as full:
            done = subprocess.run([tool.binary(), "scrub", *self.paths], stdout=full, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(8, done.returncode)
        self.assertTrue(done.stderr)


class Usage(harness.Case):
    def test_wrong_usage(self):
        image = fixtures.SHAPES[SHAPE].images()[0]
        for arguments in ([], ["scrub"], ["inspect"], ["no-such-command", image], ["scrub", "--no-such-option", image],
                          ["scrub", "--format", "xml", image], ["scrub", "--threads", "many", image],
                          ["scrub", "--distrust", "x", image], ["scrub", "--threads", "-1", image],
                          ["scrub", "--format"]):
            with self.subTest(arguments=arguments):
                self.assert_refused(arguments, 16)

    def test_control_characters_in_arguments(self):
        """A file name may hold anything; the message must not."""
        self.assert_refused(["scrub", "/nowhere/\x1b[31m\x07evil"], 8)
        self.assert_refused(["\x1b[31mcommand"], 16)

    def test_help_and_version(self):
        for arguments in (["--help"], ["--version"], ["scrub", "--help"], ["inspect", "--help"]):
            status, out, err = tool.plain(*arguments)
            self.assertEqual((0, b""), (status, err), arguments)
            self.assertTrue(out)


class Sprout(harness.Case):
    def test_seed_and_sprout(self):
        """A seed named by the sprout's chunk tree belongs to the set; it is read, and the whole is clean."""
        new, seeds = fixtures.sprout(self.folder)
        self.assertNotEqual(truth.read_super(seeds[0]).fsid, truth.read_super(new[0]).fsid)
        before = [pathlib.Path(path).read_bytes() for path in seeds]
        report = tool.scrub([*new, *seeds])
        self.assert_clean(report)
        self.assertEqual(5, len(report.devices))
        self.assertEqual({"present"}, {d["state"] for d in report.devices})
        volume = truth.Volume([*new, *seeds])
        data, tree = volume.counted()
        self.assertEqual(data, report.summary["data_bytes_verified"] + report.summary["no_checksum_bytes"])
        self.assertEqual(tree, report.summary["tree_bytes_verified"])
        self.assertEqual(before, [pathlib.Path(path).read_bytes() for path in seeds])


if __name__ == "__main__":
    harness.main()
