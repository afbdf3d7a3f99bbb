# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of repair and undo share: a shape hurt, its states kept, the way there and back."""

import hashlib
import os
import random
import shutil
import stat
import tempfile

import fixtures
import harness
import images
import kernel
import planter
import tool
import truth


def contents(paths):
    """{name: digest, or what else it is} of everything in a file system, mounted through read-only loops."""
    with kernel.attached(paths, read_only=True) as loops, kernel.mounted(loops, ["ro"]) as where:
        return contents_of_folder(where)


def contents_of_folder(where):
    found = {}
    for folder, folders, files in os.walk(where):
        for name in folders + files:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, where)] = content_of(path)
    return found


def content_of(path):
    if os.path.islink(path):
        return os.readlink(path)
    if os.path.isdir(path):
        return "folder"
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class RepairCase(harness.Case):
    """Per test: `originals` (cached, whole), `damaged` (kept as they were hurt), `paths` (what is worked on)."""

    def prepare(self, shape, work, seed=0, sure=True):
        """Copies of a shape, hurt by `work(planter)`; returns the planter, by default one that keeps to what comes back."""
        recipe = shape if isinstance(shape, fixtures.Recipe) else fixtures.SHAPES[shape]
        self.take(recipe.images(), recipe.name)
        with planter.Planter(self.volume, self.paths, random.Random(f"{recipe.name} {seed}"), sure) as plants:
            work(plants)
        self.keep()
        return plants

    def take(self, originals, name):
        """Working copies of some images, and the truth about them."""
        self.name = name
        self.where = tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder)
        self.originals = harness.by_devid(originals)
        self.volume = truth.Volume(list(self.originals.values()))
        copies = kernel.copy(list(self.originals.values()), os.path.join(self.where, "work"))
        self.paths = dict(zip(self.originals, copies))

    def drop(self):
        """Removes the copies, before the machine begins to write them out."""
        shutil.rmtree(self.where)

    def drop_journal(self):
        os.unlink(self.journal)

    def keep(self):
        """Remembers the working copies as they are now."""
        self.damaged = self.copy_of(self.paths, "damaged")

    def copy_of(self, paths, name):
        return dict(zip(paths, kernel.copy(list(paths.values()), os.path.join(self.where, name))))

    @property
    def journal(self):
        return os.path.join(self.where, "journal")

    def repair(self, *options):
        """Dry run, then for good; checks that the dry run left everything alone, and the journal's mode."""
        report = tool.repair_for_good(list(self.paths.values()), self.journal, *options)
        if report.status != 8:
            self.assertEqual(0o600, stat.S_IMODE(os.stat(self.journal).st_mode))
        return report

    def assert_images(self, wanted, what):
        self.assert_same(images.differences(wanted, self.paths), f"{self.where}: {what}")

    def assert_outcome(self, verdict, status, report):
        self.assertEqual((verdict, status), (report.summary["verdict"], report.status), f"{self.where}: {report.messages}")

    def assert_writes_nothing(self, *options):
        """One more repair with a journal of its own has nothing to do; returns its report."""
        journal = os.path.join(self.where, "second-journal")
        report = tool.repair(list(self.paths.values()), "--write", "--journal", journal, *options)
        self.assertEqual(([], 0), (report.actions, report.summary["sectors_written"]))
        return report

    def assert_undone(self):
        """undo brings the damaged images back, byte for byte; once more changes nothing."""
        for attempt in ("undo", "undo again"):
            report = tool.undo(list(self.paths.values()), self.journal, sectorsize=self.volume.sectorsize)
            self.assert_outcome("done", 0, report)
            self.assert_images(self.damaged, attempt)
        self.assertEqual([], report.actions)

    def assert_refused_and_unchanged(self, arguments, status, *words):
        """Refused with these words, and every image is what it was."""
        text = self.assert_refused(arguments, status, *words)
        self.assert_images(self.damaged, f"after {text!r}")
        return text
