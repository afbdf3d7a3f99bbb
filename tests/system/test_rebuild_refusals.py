#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a rebuild refuses: one sentence, exit 8 (16 for wrong usage), nothing written, no file left behind.

Wrong devids, targets that are survivors under whatever name, too small, in use, write-protected, or that hold something; and
with --force what they held is gone, old superblock mirrors too.  A device replace that is under way is refused, and made
anew all the same with --abandon-replace; what the kernel then wants is shown.
"""

import contextlib
import fcntl
import os
import shutil
import struct

import fixtures
import harness
import kernel
import rebuilds
import tool
import trees
import truth

MIB = 1 << 20
DEV_REPLACE_KEY, REPLACE_STATE, UNDER_WAY = (0, 250, 0), 32, (1, 4)  # started, suspended
SHAPE, LOST = "raid5x3-m-raid1", 2
FAR = (256 << 30) + 64 * MIB  # long enough for a third superblock copy


def blank(path, size):
    with open(path, "wb") as file:
        file.truncate(size)
    return path


class Watched(rebuilds.RebuildCase):
    def setUp(self):
        super().setUp()
        self.work = os.path.join(self.folder, "work")
        self.prepare(fixtures.SHAPES[SHAPE])

    def prepare(self, recipe):
        self.take(recipe)
        self.paths = harness.by_devid(recipe.copy(self.work))
        self.size = self.volume.total_bytes[LOST]

    def new(self, name="new.img"):
        return os.path.join(self.work, name)

    # --- what was there, and still is ---

    def seen(self):
        """Every file of the test by what changes when somebody writes to it, or makes it."""
        found = {}
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(folder, name)
                st = os.lstat(path)
                found[path] = st.st_ino, st.st_size, st.st_mtime_ns, st.st_blocks
        return found

    def refused(self, onto, *words, lost=(LOST,), paths=None, options=(), status=8):
        """onto: {devid: path}, or words of the command line."""
        os.sync()
        before = self.seen()
        targets = list(onto)
        if isinstance(onto, dict):
            targets = [word for devid, path in onto.items() for word in ("--onto", f"{devid}={path}")]
        survivors = self.survivors(lost, self.paths) if paths is None else paths
        text = self.assert_refused(["rebuild", *options, *targets, *survivors], status, *words)
        self.assertEqual(1, len(text.splitlines()), f"more than one sentence: {text!r}")
        os.sync()
        after = self.seen()
        changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
        self.assertEqual([], changed, text)

    def assert_done(self, target, *options, devid=LOST):
        """--force: nothing of what was there is left, and what is there is right."""
        state = ["--state", self.new("state")]
        report = tool.rebuild(self.survivors((devid,), self.paths), {devid: target}, "--force", *state, *options,
                              volume=self.volume)
        self.assert_outcome("done", 0, report)
        self.assert_clean(tool.scrub([*self.survivors((devid,), self.paths), target]))
        signatures = kernel.run("wipefs", "-n", "-i", "--output", "TYPE", target).stdout.split()
        self.assertEqual(["btrfs"], signatures)
        self.assertFalse(os.path.exists(self.new("state")))


class Refusals(Watched):
    # --- devids ---

    def test_wrong_devids(self):
        self.refused({9: self.new()}, "no such device", "missing: 2")
        self.refused({0: self.new()}, "no such device")
        self.refused({1: self.new()}, "is there", self.paths[1])
        self.refused({1: self.new()}, "is there", lost=())
        self.refused({7: self.new()}, "none is missing", lost=())

    def test_twice(self):
        self.prepare(fixtures.STALE_BASE)
        both = (1, 2)
        self.refused(["--onto", f"1={self.new('a')}", "--onto", f"1={self.new('b')}"], "twice", lost=both)
        self.refused({1: self.new(), 2: self.new()}, "two devices", lost=both)
        other_name = os.path.join(self.work, "..", os.path.basename(self.work), "new.img")
        self.refused({1: self.new(), 2: other_name}, lost=both)
        blank(self.new("there"), self.size)
        os.symlink(self.new("there"), self.new("link"))
        os.link(self.new("there"), self.new("hard"))
        for name in ("link", "hard"):
            self.refused({1: self.new("there"), 2: self.new(name)}, lost=both)
        with kernel.attached([self.new("there")]) as loops:
            self.refused({1: loops[0], 2: self.new("there")}, lost=both, options=("--state", self.new("state")))

    def test_seed(self):
        """A lost seed device has a superblock that nobody else knows."""
        self.paths = {}
        new, seeds = fixtures.sprout(self.folder)
        devid = truth.read_super(seeds[0]).devid
        self.refused({devid: self.new()}, "seed", paths=[*new, *seeds[1:]])

    def test_beyond(self):
        """More is gone than the redundancy bears."""
        self.refused({2: self.new()}, lost=(2, 3))
        self.refused({2: self.new(), 3: self.new("b")}, lost=(2, 3))
        self.prepare(fixtures.SHAPES["raid6x5-m-raid1c4-n4k"])
        self.refused({2: self.new(), 3: self.new("b"), 5: self.new("c")}, "more than it bears", lost=(2, 3, 5))
        self.prepare(fixtures.SHAPES["raid6x4-m-raid5-n64k"])
        self.refused({1: self.new(), 2: self.new("b")}, lost=(1, 2))

    # --- targets ---

    def test_too_small(self):
        for size in (10 * MIB, self.size - 512, self.size - 4096, 1):
            target = blank(self.new("small"), size)
            for options in ((), ("--force",)):
                self.refused({LOST: target}, target, "bytes", options=options)
        with kernel.attached([blank(self.new("disk"), self.size - MIB)]) as loops:
            self.refused({LOST: loops[0]}, loops[0], "bytes", options=("--state", self.new("state")))

    def test_a_survivor(self):
        """By its own name, through links, through loop devices one way and the other; --force changes nothing."""
        path = self.paths[3]
        os.symlink(path, self.new("link"))
        os.link(path, self.new("hard"))
        state = ("--state", self.new("state"))
        for target in (path, self.new("link"), self.new("hard")):
            for options in ((), ("--force",)):
                self.refused({LOST: target}, target, options=options)
        with kernel.attached([path]) as loops:
            for options in (state, (*state, "--force")):
                self.refused({LOST: loops[0]}, options=options)
                self.refused({LOST: path}, paths=[self.paths[1], loops[0]], options=options)
        with kernel.attached([path] * 2) as loops:
            self.refused({LOST: loops[0]}, paths=[self.paths[1], loops[1]], options=(*state, "--force"))

    def test_the_lost_one_itself(self):
        """The lost device is not lost: it is there, and whole."""
        self.refused({LOST: self.paths[LOST]}, "already", "--force")

    def test_no_place(self):
        self.refused({LOST: self.work}, "directory")
        self.refused({LOST: "/dev/null"}, "/dev/null")
        self.refused({LOST: os.path.join(self.work, "none", "new.img")}, "none")
        self.refused({LOST: self.work + "/"})
        os.mkfifo(self.new("fifo"))
        self.refused({LOST: self.new("fifo")}, "fifo")
        os.symlink(self.new("nowhere"), self.new("link"))
        self.refused({LOST: self.new("link")}, "link")

    def test_busy(self):
        """Opened exclusively, locked by another program, write-protected."""
        disk = blank(self.new("disk"), self.size)
        state = ("--state", self.new("state"))
        with kernel.attached([disk]) as loops, self.held(loops[0], os.O_EXCL):
            for target in (loops[0], disk):
                self.refused({LOST: target}, target, options=state)
        with self.held(disk, 0) as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self.refused({LOST: disk}, disk)
        with kernel.attached([disk], read_only=True) as loops:
            self.refused({LOST: loops[0]}, loops[0], options=state)
        kernel.run("chattr", "+i", disk)
        try:
            self.refused({LOST: disk}, disk)
        finally:
            kernel.run("chattr", "-i", disk)

    @staticmethod
    @contextlib.contextmanager
    def held(path, how):
        handle = os.open(path, os.O_RDWR | how)
        try:
            yield handle
        finally:
            os.close(handle)

    def test_mounted_target(self):
        """The block device, and the file behind it; --force changes nothing."""
        disk = blank(self.new("disk"), self.size)
        kernel.run("mkfs.ext4", "-q", "-F", disk)
        where = os.path.join(self.folder, "mounted")
        os.mkdir(where)
        with kernel.attached([disk]) as loops:
            kernel.run("mount", "-o", "ro", loops[0], where)
            try:
                for target in (loops[0], disk):
                    for options in ((), ("--force",)):
                        self.refused({LOST: target}, "use" if target == disk else target,
                                     options=("--state", self.new("state"), *options))
            finally:
                kernel.run("umount", where)
        other = harness.by_devid(fixtures.SHAPES["raid5x2-m-raid5"].copy(self.new("other")))
        with kernel.attached(list(other.values())) as loops, kernel.mounted(loops, ["ro"]):
            for target in (loops[1], other[2]):
                self.refused({LOST: target}, target if target == loops[1] else "mounted", options=("--state", self.new("state"), "--force"))

    def test_mounted_survivor(self):
        with kernel.attached(list(self.paths.values()), read_only=True) as loops, kernel.mounted(loops, ["ro"]):
            self.refused({LOST: self.new()}, "mounted")
            self.refused({LOST: self.new()}, "mounted", paths=[loops[0], loops[2]])

    def test_survivor_that_is_written(self):
        """Somebody else holds it: what would be read may change."""
        with self.held(self.paths[1], 0) as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self.refused({LOST: self.new()}, self.paths[1])

    # --- what lies on the target ---

    def fill_ext4(self, path):
        kernel.run("mkfs.ext4", "-q", "-F", path)

    def fill_swap(self, path):
        kernel.run("mkswap", path)

    def fill_gpt(self, path):
        kernel.run("bash", "-c", 'printf "label: gpt\\n,8M\\n" | sfdisk -q "$0"', path)

    def fill_btrfs(self, path):
        kernel.run("mkfs.btrfs", "-q", "-f", path)

    def fill_btrfs_mirror(self, path):
        self.fill_btrfs(path)
        with open(path, "r+b") as file:
            file.seek(truth.SUPER_OFFSETS[0])
            file.write(bytes(truth.SUPER_SIZE))

    FILLS = {"ext4": "ext4", "swap": "swap", "gpt": "gpt", "btrfs": "btrfs", "btrfs_mirror": "btrfs"}

    def test_holds_something(self):
        """Refused, and named; with --force it is gone, and all is right: image files and loop devices."""
        for fill, word in self.FILLS.items():
            for as_loop in (False, True):
                with self.subTest(fill=fill, loop=as_loop), contextlib.ExitStack() as stack:
                    target = blank(self.new("held"), self.size + 3 * MIB)
                    getattr(self, f"fill_{fill}")(target)
                    if as_loop:
                        target = stack.enter_context(kernel.attached([target]))[0]
                    state = ("--state", self.new("state"))
                    self.refused({LOST: target}, target, word, "--force", options=state)
                    self.assert_done(target)
                    if not as_loop:
                        self.assertEqual([], self.wrong(target))

    def wrong(self, target):
        with rebuilds.Comparison(self.volume, self.originals, (LOST,)) as comparison:
            return [p for p in comparison.problems(LOST, target) if "bytes, not" not in p]

    def test_old_mirrors(self):
        """Small devices made anew on a disk of 256 GiB and more that held a btrfs: its second and third superblock copies,
        beyond what the new device uses, are gone."""
        devid, size = 5, 60 * MIB
        paths = fixtures.STALE_BASE.copy(self.work)
        with kernel.attached([*paths, blank(self.new("small.img"), size)]) as loops, kernel.mounted(loops[:-1]) as where:
            kernel.run("btrfs", "device", "add", "-f", "-K", loops[-1], where)
        self.take_images([*paths, self.new("small.img")], "small")
        self.paths = dict(self.originals)
        disk = blank(self.new("disk"), FAR)
        kernel.run("mkfs.btrfs", "-q", "-f", "-K", disk)
        for place in truth.SUPER_OFFSETS:
            self.assertEqual(truth.MAGIC, truth.read_at(disk, place + 64, 8))
        for wiped in (0, 1):  # whichever copy is left
            with open(disk, "r+b") as file:
                file.seek(truth.SUPER_OFFSETS[wiped])
                file.write(bytes(truth.SUPER_SIZE))
            with kernel.attached([disk]) as loops:
                self.refused({devid: loops[0]}, "btrfs", "--force", lost=(devid,), options=("--state", self.new("state")))
        with kernel.attached([disk]) as loops:
            self.assert_done(loops[0], devid=devid)
        for place in truth.SUPER_OFFSETS[1:]:
            self.assertFalse(any(truth.read_at(disk, place, truth.SUPER_SIZE)))
        own = [truth.read_at(path, truth.SUPER_OFFSETS[0], truth.SUPER_SIZE) for path in (self.originals[devid], disk)]
        self.assertEqual(own[0], own[1])

    # --- the state file ---

    def test_state_file(self):
        blank(self.new("survivor-link"), 0)
        for state in (self.paths[1], os.path.join(self.work, "none", "state"), self.work, self.new()):
            with self.subTest(state=state):
                self.refused({LOST: self.new()}, options=("--state", state))
        os.symlink(self.new("survivor-link"), self.new("link"))
        self.refused({LOST: self.new()}, self.new("link"), options=("--state", self.new("link")))
        with kernel.attached([blank(self.new("disk"), self.size)]) as loops:
            self.refused({LOST: loops[0]}, "--state")
            self.refused({LOST: loops[0]}, "--state", options=("--force", "--restart"))
            self.refused({LOST: self.new()}, options=("--state", loops[0]))

    # --- usage ---

    def test_wrong_usage(self):
        new = self.new()
        for words in ((), ("--onto",), ("--onto", new), ("--onto", "2"), ("--onto", "2="), ("--onto", f"={new}"),
                      ("--onto", f"two={new}"), ("--onto", f"-2={new}"), ("--onto", f"2={new}", "--no-such-option"),
                      ("--onto", f"2={new}", "--threads", "many"), ("--onto", f"2={new}", "--journal", "j")):
            with self.subTest(words=words):
                self.refused(words, status=16)
        self.refused(["--onto", f"2={new}"], status=16, paths=[])


class Replace(Watched):
    """A device replace that the kernel had begun when the system stopped; its source is the lost device."""

    SOURCE = 2

    def begin(self):
        """Images as the stop left them: survivors, the source, the half-written target."""
        self.take(fixtures.BULK_RAID6)
        for attempt in range(20):
            copies = self.stopped_while_it_ran(os.path.join(self.folder, f"attempt{attempt}"))
            self.paths = harness.by_devid(copies[:-1])
            self.volume = truth.Volume(list(self.paths.values()))
            if self.state_on_disk() in UNDER_WAY:
                break
            print("the replace was over before the images were copied; once more", flush=True)
            shutil.rmtree(os.path.dirname(copies[0]))
        else:
            self.fail("every replace was over too soon")
        self.originals = dict(self.paths)

    def stopped_while_it_ran(self, where):
        whole = fixtures.BULK_RAID6.copy(os.path.join(self.folder, "whole"))
        target = blank(os.path.join(self.folder, "whole", "target.img"), 320 * MIB)
        with kernel.attached([*whole, target]) as loops, kernel.mounted(loops[:-1]) as mounted:
            kernel.run("btrfs", "replace", "start", "-f", str(self.SOURCE), loops[-1], mounted)
            kernel.run("fsfreeze", "-f", mounted)  # nothing is committed any more
            try:
                copies = kernel.copy([*whole, target], where)
            finally:
                kernel.run("fsfreeze", "-u", mounted)
        shutil.rmtree(os.path.join(self.folder, "whole"))
        return copies

    def state_on_disk(self):
        """The state of the replace in the tree of devices, or None."""
        editor = trees.Editor(list(self.paths.values()), self.volume)
        states = [struct.unpack_from("<Q", item.data, REPLACE_STATE)[0] for leaf in editor.leaves("DEV_TREE")
                  for item in editor.items(leaf) if item.key == DEV_REPLACE_KEY]
        return states[0] if states else None

    def test_under_way(self):
        self.begin()
        new = self.new()
        lost = (self.SOURCE,)
        self.refused_with_a_message({self.SOURCE: new}, lost)
        report = tool.rebuild(self.survivors(lost), {self.SOURCE: new}, "--abandon-replace", volume=self.volume)
        self.assert_outcome("done", 0, report)
        self.assert_made_anew({self.SOURCE: new})
        whole = [*self.survivors(lost), new]
        self.assert_clean(tool.scrub(whole))
        self.ask(whole)

    def refused_with_a_message(self, onto, lost):
        """The message about the replace comes first, then the sentence; nothing is written."""
        before = self.seen()
        text = self.assert_refused(tool.rebuild_arguments(self.survivors(lost), onto), 8, "replace", "--abandon-replace")
        self.assertEqual(2, len(text.splitlines()), text)
        self.assertEqual(before, self.seen())

    def ask(self, whole):
        """The kernel mounts it with `degraded` alone, and as any other once the replace was cancelled."""
        copies = kernel.copy(whole, os.path.join(self.folder, "mounted"))
        with kernel.attached(copies) as loops:
            with self.assertRaises(kernel.KernelError):
                kernel.umount(kernel.mount(loops))
            with kernel.mounted(loops, ["degraded"]) as where:
                self.assertIn("suspended", kernel.run("btrfs", "replace", "status", "-1", where).stdout)
                kernel.run("btrfs", "replace", "cancel", where)
            with kernel.mounted(loops) as where:
                self.assertIn("canceled", kernel.run("btrfs", "replace", "status", "-1", where).stdout)
                for name in sorted(os.listdir(where))[:10]:
                    if os.path.isfile(os.path.join(where, name)):
                        with open(os.path.join(where, name), "rb") as file:
                            file.read()
        self.assert_clean(tool.scrub(copies))


if __name__ == "__main__":
    harness.main()
