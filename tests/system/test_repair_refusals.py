#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What repair and undo refuse: exit 8 (16 for wrong usage), a sentence that says why, and not one byte of any image changed."""

import contextlib
import os
import random
import shutil
import struct

import fixtures
import harness
import kernel
import planter
import repairs
import supers
import trees
import truth

SHAPE = "raid6x4-m-raid6-blake2"
OTHER = "raid5x3-m-dup"
DEV_REPLACE_KEY, REPLACE_STATE, STARTED, SUSPENDED, FINISHED = (0, 250, 0), 32, 1, 4, 2


def hurt(plants):
    plants.rows("data", 150, beyond=False)
    plants.superblocks()


class Refusals(repairs.RepairCase):
    def setUp(self):
        super().setUp()
        self.prepare(SHAPE, hurt)

    def write(self, *devices, journal=None):
        return ["repair", "--write", "--journal", journal or self.journal, *(devices or self.paths.values())]

    def refused(self, *words, devices=(), journal=None):
        self.assert_refused_and_unchanged(self.write(*devices, journal=journal), 8, *words)

    def assert_no_journal(self):
        """What was refused before it began leaves no journal behind."""
        self.assertFalse(os.path.exists(self.journal))

    # --- in use ---

    def test_mounted(self):
        """Mounted loops, and the image files behind them; repair and undo."""
        self.assert_outcome("repaired", 1, self.repair())
        done = self.journal + "-done"
        os.rename(self.journal, done)
        with kernel.attached(list(self.paths.values()), read_only=True) as loops, kernel.mounted(loops, ["ro"]):
            self.damaged = self.copy_of(self.paths, "as-mounted")
            for devices in (loops, self.paths.values()):
                self.refused("mounted", devices=devices)
                self.assert_refused_and_unchanged(["undo", "--journal", done, *devices], 8)
        self.assert_no_journal()

    def test_mounted_for_writing(self):
        """The kernel writes to the images itself then; still no journal appears."""
        self.prepare(SHAPE, lambda plants: plants.rows("data", 20, beyond=False))
        with kernel.attached(list(self.paths.values())) as loops, kernel.mounted(loops):
            for devices in (loops, self.paths.values()):
                self.assert_refused(self.write(*devices), 8, "mounted")
        self.assert_no_journal()

    def test_loop_over_the_image(self):
        """A loop device over one of the images, which somebody holds."""
        with kernel.attached([self.paths[2]]) as loops, self.exclusively(loops[0]):
            self.refused(self.paths[2])
        self.assert_no_journal()

    @staticmethod
    @contextlib.contextmanager
    def exclusively(device):
        handle = os.open(device, os.O_RDWR | os.O_EXCL)
        try:
            yield
        finally:
            os.close(handle)

    def test_block_device_held(self):
        """Opened exclusively by somebody else."""
        with kernel.attached(list(self.paths.values())) as loops, self.exclusively(loops[1]):
            self.refused(loops[1], devices=loops)
        self.assert_no_journal()

    # --- what must not be written ---

    def test_read_only_image(self):
        """One that not even root may write to; and a read-only loop device."""
        kernel.run("chattr", "+i", self.paths[3])
        try:
            self.refused(self.paths[3])
        finally:
            kernel.run("chattr", "-i", self.paths[3])
        with kernel.attached([self.paths[3]], read_only=True) as loops:
            devices = [loops[0] if devid == 3 else path for devid, path in self.paths.items()]
            self.refused(loops[0], devices=devices)
        self.assert_no_journal()

    def with_replace(self, state):
        """A device replace in this state, put into the tree of devices."""
        self.take(fixtures.STALE_BASE.images(), f"replace-{state}")
        copies = harness.by_devid(self.paths.values())
        editor = trees.Editor(list(copies.values()), self.volume)
        leaf = editor.leaves("DEV_TREE")[0]
        item = bytearray(72)
        struct.pack_into("<Q", item, 0, 2)
        struct.pack_into("<Q", item, REPLACE_STATE, state)
        kept = [old for old in editor.items(leaf) if old.key != DEV_REPLACE_KEY]
        editor.store(leaf, kept + [trees.Item(DEV_REPLACE_KEY, bytes(item))])
        with planter.Planter(self.volume, self.paths, random.Random("replace"), sure=True) as plants:
            plants.rows("data", 30, beyond=False)
        self.keep()

    def test_replace_under_way(self):
        """Started or suspended; one that is over is no hindrance."""
        for state in (STARTED, SUSPENDED):
            with self.subTest(state=state):
                self.with_replace(state)
                self.refused("replace")
                self.assert_no_journal()
        self.with_replace(FINISHED)
        self.assert_outcome("repaired", 1, self.repair())
        self.assert_undone()

    def test_damaged_seed(self):
        """Damage on a seed device alone, on the sprout's own devices alone."""
        new, seeds = fixtures.sprout(self.folder)
        self.take([*new, *seeds], "sprout")
        of_seeds = {devid for devid, path in self.originals.items() if path in seeds}
        for devids, is_refused in ((of_seeds, True), (set(self.originals) - of_seeds, False)):
            with self.subTest(devids=devids):
                self.take([*new, *seeds], "sprout")
                with planter.Planter(self.volume, self.paths, random.Random("seed"), sure=True) as plants:
                    for devid in list(devids)[:1]:
                        plants.everything_on(devid)
                self.assertTrue(plants.touched)
                self.keep()
                if is_refused:
                    self.refused("seed")
                    self.assert_no_journal()
                else:
                    self.assert_outcome("repaired", 1, self.repair())
                    self.assert_images(self.originals, "the sprout")
                    self.assert_undone()

    # --- journals ---

    def test_finished_journal(self):
        """Of this repair, once finished and once undone: never used again."""
        self.assert_outcome("repaired", 1, self.repair())
        done = truth.read_at(self.journal, 0, 1 << 30)
        self.damaged, kept = self.copy_of(self.paths, "repaired"), self.damaged
        self.refused("finished")
        self.damaged = kept
        self.assert_undone()
        self.refused("undone")
        self.assertNotEqual(done, truth.read_at(self.journal, 0, 1 << 30))

    def test_journal_of_another_file_system(self):
        """Finished or not: repair and undo; the journal stays what it was."""
        self.assert_outcome("repaired", 1, self.repair())
        journal = self.journal
        unfinished = os.path.join(self.folder, "unfinished")
        with open(unfinished, "wb") as file:  # without its last records
            file.write(truth.read_at(journal, 0, os.path.getsize(journal) - 60))
        self.prepare(OTHER, hurt)
        for path in (journal, unfinished):
            content = truth.read_at(path, 0, 1 << 30)
            self.refused(journal=path)
            self.assert_refused_and_unchanged(["undo", "--journal", path, *self.paths.values()], 8)
            self.assertEqual(content, truth.read_at(path, 0, 1 << 30))

    def test_no_journal_at_all(self):
        """A file that is something else is left alone."""
        for name, content in (("text", b"mine\n" * 1000), ("noise", random.Random(1).randbytes(100000))):
            path = os.path.join(self.folder, name)
            with open(path, "wb") as file:
                file.write(content)
            self.refused(path, journal=path)
            self.assert_refused_and_unchanged(["undo", "--journal", path, *self.paths.values()], 8, path)
            self.assertEqual(content, truth.read_at(path, 0, 1 << 20))
        self.assert_refused_and_unchanged(["undo", "--journal", self.journal, *self.paths.values()], 8, self.journal)

    def test_changed_since(self):
        """A byte of what the repair wrote is another now: undo names the place and does nothing; so with a newer generation."""
        report = self.repair()
        place = next(a for a in report.actions if a["role"] == "data")
        path = self.paths[place["devid"]]
        good = truth.read_at(path, place["physical"] + 5, 1)
        self.poke(path, place["physical"] + 5, bytes([good[0] ^ 1]))
        self.damaged = self.copy_of(self.paths, "changed")
        self.assert_refused_and_unchanged(["undo", "--journal", self.journal, *self.paths.values()], 8, path,
                                          str(place["physical"]))
        self.poke(path, place["physical"] + 5, good)
        for image in self.paths.values():
            supers.edit(image, supers.put(supers.GENERATION, self.volume.generation + 1))
        self.damaged = self.copy_of(self.paths, "mounted-since")
        self.assert_refused_and_unchanged(["undo", "--journal", self.journal, *self.paths.values()], 8)

    @staticmethod
    def poke(path, at, content):
        with open(path, "r+b") as image:
            image.seek(at)
            image.write(content)

    def test_device_missing_from_an_undo(self):
        self.repair()
        self.damaged = self.copy_of(self.paths, "repaired")
        left = list(self.paths.values())[1:]
        self.assert_refused_and_unchanged(["undo", "--journal", self.journal, *left], 8, "devid 1")

    def test_full_disk(self):
        """No room for the journal: nothing is written, whatever the size that was left."""
        for size in ("64k", "300k"):
            with self.subTest(size=size), kernel.small_disk(self.folder, size) as folder:
                self.refused("journal", journal=os.path.join(folder, "journal"))
        self.assert_outcome("repaired", 1, self.repair())

    def test_journal_is_a_link(self):
        """To a file that is there, to none, to one of the images."""
        other = os.path.join(self.folder, "other")
        with open(other, "wb") as file:
            file.write(b"mine")
        for target in (other, os.path.join(self.folder, "none"), self.paths[1]):
            with self.subTest(target=target):
                os.symlink(target, self.journal)
                self.refused(self.journal)
                os.unlink(self.journal)
        self.assertEqual(b"mine", truth.read_at(other, 0, 10))
        self.assertFalse(os.path.exists(os.path.join(self.folder, "none")))

    def test_journal_is_an_image(self):
        """One of the devices itself, by its own name and by a second one."""
        self.refused(journal=self.paths[1])
        os.link(self.paths[2], self.journal)
        self.refused(journal=self.journal)

    def test_journal_in_a_folder_that_is_none(self):
        self.refused(journal=os.path.join(self.folder, "none", "journal"))
        self.refused(journal=self.folder)

    def test_write_without_journal(self):
        self.assert_refused_and_unchanged(["repair", "--write", *self.paths.values()], 16, "--journal")

    # --- the set ---

    def test_twins(self):
        """Two devices with one identity, a device of another file system: as scrub refuses them."""
        twin = os.path.join(self.folder, "twin.img")
        shutil.copyfile(self.paths[2], twin)
        self.refused(twin, devices=[*self.paths.values(), twin])
        foreign = fixtures.SHAPES[OTHER].copy(os.path.join(self.folder, "foreign"))[0]
        self.refused(foreign, devices=[*self.paths.values(), foreign])
        self.assert_no_journal()


if __name__ == "__main__":
    harness.main()
