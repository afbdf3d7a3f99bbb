# SPDX-License-Identifier: GPL-2.0-or-later
"""What a device made anew must hold: the lost one's bytes, but where nobody can know them, sector by sector.

The exceptions, from the truth about the volume and from the whole images, with no word of the program's:

  outside every dev extent          zeros: nothing is written there
  full stripes under a superblock   zeros: the allocator keeps off, there is no parity
  rows that were never written      raid5/6, nothing but free and never-written sectors, and P and Q of the whole images
                                    do not fit these: whatever parity gives
  mirrored sectors never written    what some surviving copy holds
  chunks that do not bear the loss  zeros

Superblock copies are never an exception.
"""

import bisect
import collections
import hashlib
import itertools
import os
import shutil
import tempfile

import algebra
import fixtures
import harness
import images
import kernel
import repairs
import tool
import truth

WRITTEN = (truth.DATA, truth.TREE, truth.SILENT)
COUNTERS = ("csum_errors", "verify_errors", "super_errors", "read_errors", "uncorrectable_errors", "corrected_errors")


class Comparison:
    """Devices made anew beside the lost ones: sentences about what must not differ, counts of what may."""

    def __init__(self, volume, originals, lost):
        self.volume, self.size, self.lost = volume, volume.sectorsize, set(lost)
        self.originals = originals
        self.exceptions = collections.Counter()
        self.exempt = set()  # places (devid, physical) that another oracle speaks about
        self._fits = {}
        self._files = {devid: open(path, "rb") for devid, path in originals.items()}
        self._extents = {}
        for chunk in volume.chunks:
            for devid, offset in chunk.stripes:
                self._extents.setdefault(devid, []).append((offset, offset + chunk.dev_length, chunk))
        for extents in self._extents.values():
            extents.sort(key=lambda extent: extent[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for handle in self._files.values():
            handle.close()

    def problems(self, devid, target):
        """Where the target is not what the lost device was, or what it may be instead."""
        found = []
        if os.path.getsize(target) != self.volume.total_bytes[devid]:
            found.append(f"devid {devid} has {os.path.getsize(target)} bytes, not {self.volume.total_bytes[devid]}")
        with open(target, "rb") as made:
            for at in images.differing(self.originals[devid], target, self.size):
                if (devid, at) in self.exempt:
                    continue
                content = os.pread(made.fileno(), self.size, at)
                problem = self._why_not(devid, at, content)
                if problem:
                    found.append(f"devid {devid} at {at}: {problem}")
        return found

    def _why_not(self, devid, at, content):
        if any(at < place + truth.SUPER_SIZE and place < at + self.size for place in self.volume.super_places(devid)):
            return "a superblock copy"
        chunk = self.chunk_at(devid, at)
        if chunk is None:
            return self._except("outside", None if not any(content) else "written to, outside every dev extent")
        if not chunk.bears(self.lost):
            return self._except("lost", None if not any(content) else "made up, in a chunk that is lost")
        if not chunk.parity:
            return self._mirrored(chunk, devid, at, content)
        full_stripe, column, rest = chunk.column_at(devid, at)
        if full_stripe in chunk.excluded:
            return self._except("excluded", None if not any(content) else "written to, without parity under a superblock")
        row = rest // self.size
        held = {self.volume.state(logical) for logical in self._logicals(chunk, full_stripe, row)}
        where = f"column {column} of row {row} of full stripe {full_stripe} of chunk {chunk.logical}, which holds {sorted(held)}"
        if held & set(WRITTEN):
            return where
        return self._except("never written", where + ", and whose parity fits" if self.fits(chunk, full_stripe, row) else None)

    def _except(self, kind, problem):
        self.exceptions[kind] += problem is None
        return problem

    def _mirrored(self, chunk, devid, at, content):
        logical = chunk.logical_at(devid, at)
        state = self.volume.state(logical)
        if state in WRITTEN:
            return f"a copy of logical {logical}, which holds {state}"
        others = [self._read(place) for place in chunk.copies(logical) if place[0] not in self.lost]
        return self._except("mirrored", None if content in others else f"a copy of logical {logical} that no survivor has")

    def chunk_at(self, devid, at):
        extents = self._extents.get(devid, [])
        i = bisect.bisect_right([extent[0] for extent in extents], at) - 1
        return extents[i][2] if i >= 0 and at < extents[i][1] else None

    def _logicals(self, chunk, full_stripe, row):
        start = chunk.logical + full_stripe * chunk.data_columns * truth.STRIP + row * self.size
        return [start + column * truth.STRIP for column in range(chunk.data_columns)]

    def fits(self, chunk, full_stripe, row):
        """Whether P and Q of the whole images are those of the row's data."""
        key = chunk.logical, full_stripe, row
        if key not in self._fits:
            places = [chunk.column(full_stripe, column) for column in range(chunk.width)]
            found = [self._read((devid, physical + row * self.size)) for devid, physical in places]
            data, parity = found[:chunk.data_columns], found[chunk.data_columns:]
            self._fits[key] = parity == [algebra.p_of(data), algebra.q_of(data)][:chunk.parity]
        return self._fits[key]

    def _read(self, place):
        return os.pread(self._files[place[0]].fileno(), self.size, place[1])


class RebuildCase(harness.Case):
    """Per test: `originals` (cached, whole), and what was made of them without some device."""

    exceptions = collections.Counter()  # of all tests of a file

    def take(self, shape):
        recipe = shape if isinstance(shape, fixtures.Recipe) else fixtures.SHAPES[shape]
        self.take_images(recipe.images(), recipe.name)

    def take_images(self, paths, name):
        self.name = name
        self.originals = harness.by_devid(paths)
        self.volume = truth.Volume(list(self.originals.values()))

    def survivors(self, lost, paths=None):
        return [path for devid, path in (paths or self.originals).items() if devid not in lost]

    def targets(self, lost):
        """{devid: path} of images that are not there yet, in a folder of their own."""
        folder = tempfile.mkdtemp(prefix=f"{self.name}-", dir=self.folder)
        return {devid: os.path.join(folder, f"new{devid}.img") for devid in lost}

    def drop(self, targets):
        shutil.rmtree(os.path.dirname(next(iter(targets.values()))))

    def assert_outcome(self, verdict, status, report, what=""):
        self.assertEqual((verdict, status), (report.summary["verdict"], report.status), f"{what}: {report.messages}")

    def assert_made_anew(self, targets, exempt=(), lost=None):
        """Every target is what its device was; returns the counts of sectors that could not be known."""
        with Comparison(self.volume, self.originals, lost or targets) as comparison:
            comparison.exempt = set(exempt)
            for devid, path in targets.items():
                self.assert_same(comparison.problems(devid, path), f"{self.name} without {sorted(targets)}")
        RebuildCase.exceptions.update(comparison.exceptions)
        return comparison.exceptions

    def assert_nothing_beside(self, targets):
        """The targets, and no state file."""
        folder = os.path.dirname(next(iter(targets.values())))
        self.assertEqual(sorted(os.path.basename(path) for path in targets.values()), sorted(os.listdir(folder)))

    def ask_the_kernel(self, paths, wanted):
        """On copies: btrfs check finds nothing, all devices mount read-write without `degraded`, every file holds what is
        wanted, scrub finds nothing, neither the kernel's nor the program's.

        (`btrfs check --check-data-csum` of btrfs-progs 6.2 calls whole raid5 wrong, and stops unsaid on raid6.)
        """
        folder = tempfile.mkdtemp(prefix="kernel-", dir=self.folder)
        copies = kernel.copy(paths, folder)
        with kernel.attached(copies, read_only=True) as loops:
            for loop in loops:
                kernel.run("btrfs", "device", "scan", loop)
            done = kernel.run("btrfs", "check", "--readonly", loops[0])
            self.assertIn("no error found", done.stdout + done.stderr)
        with kernel.attached(copies) as loops, kernel.mounted(loops) as where:
            self.assertEqual(wanted, repairs.contents_of_folder(where))
        counts, _ = kernel.scrub_counts(copies)
        self.assertEqual({}, {name: counts[name] for name in COUNTERS if counts.get(name)})
        self.assert_clean(tool.scrub(copies), self.name)
        shutil.rmtree(folder)

    def original_contents(self):
        """{name: digest} of everything, as the kernel shows it of the whole images: of copies, for it replays logs."""
        folder = tempfile.mkdtemp(prefix="whole-", dir=self.folder)
        copies = kernel.copy(list(self.originals.values()), folder)
        with kernel.attached(copies) as loops, kernel.mounted(loops) as where:
            found = repairs.contents_of_folder(where)
        shutil.rmtree(folder)
        return found


class WholeCase(RebuildCase):
    """Undamaged file systems without some devices, which are made anew."""

    judged_by_the_kernel = {}  # which of a shape's devices are lost then: it takes the kernel a while

    @classmethod
    def setUpClass(cls):
        cls.done, cls.csum_kinds, cls.kernel_done = collections.Counter(), set(), []

    def check(self, lost):
        """One set of devices lost and made anew."""
        targets = self.targets(lost)
        survivors = self.survivors(lost)
        before = {path: digest(path) for path in survivors} if not self.done[self.name] else {}
        report = tool.rebuild(survivors, targets, volume=self.volume)
        self.assert_outcome("done", 0, report)
        states = {device["devid"]: device["state"] for device in report.devices}
        self.assertEqual({devid: "missing" if devid in lost else "present" for devid in self.originals}, states)
        self.assertEqual(([], []), (report.damage, report.unknown))
        self.assertEqual(before, {path: digest(path) for path in before})
        self.assert_made_anew(targets)
        self.assert_nothing_beside(targets)
        whole = [*survivors, *targets.values()]
        if not self.done[self.name]:
            self.assert_clean(tool.scrub(whole), self.name)
        if self.judged_by_the_kernel.get(self.name) == lost:
            self.ask_the_kernel(whole, self.original_contents())
            self.kernel_done.append(self.name)
        self.drop(targets)
        self.done[self.name] += 1
        self.csum_kinds.add(self.volume.csum_kind)

    def check_all(self, shapes, count):
        for shape in shapes:
            self.take(shape)
            for lost in itertools.combinations(sorted(self.originals), count):
                with self.subTest(shape=self.name, lost=lost):
                    self.check(lost)

    @classmethod
    def tearDownClass(cls):
        print(f"{sum(cls.done.values())} sets of {len(cls.done)} shapes, {len(cls.kernel_done)} judged by the kernel; sectors that "
              f"could not be known: {dict(cls.exceptions)}")
        if set(cls.kernel_done) != set(cls.judged_by_the_kernel) or cls.csum_kinds != set(truth.CSUM_KINDS):
            raise AssertionError(f"too little shown: {cls.done}, {cls.csum_kinds}, {cls.kernel_done}")


def digest(path):
    with open(path, "rb") as image:
        return hashlib.file_digest(image, "sha256").hexdigest()
