# SPDX-License-Identifier: GPL-2.0-or-later
"""Recipes of file systems, and a cache of the images made from them.

A recipe says devices, mkfs options, mount options and the fills (functions of fill.py).  Images are made once and kept
under BTRFS_RAID56_FIXTURES, in a folder named after a hash of the recipe and of the code that makes it.  Tests read
them in place or copy them (`Recipe.copy`); nobody may write to a cached image.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import random
import re
import shutil
import tempfile

import fill
import kernel

MIB = 1 << 20
HERE = os.path.dirname(os.path.abspath(__file__))


def cache_root():
    root = os.environ.get("BTRFS_RAID56_FIXTURES") or os.path.join(HERE, "..", "..", "build", "system-fixtures")
    os.makedirs(root, exist_ok=True)
    return os.path.abspath(root)


def _code_hash():
    digest = hashlib.sha256()
    for name in ("fill.py", "kernel.py"):
        with open(os.path.join(HERE, name), "rb") as source:
            digest.update(source.read())
    digest.update(kernel.run("mkfs.btrfs", "--version").stdout.encode() + os.uname().release.encode())
    return digest.digest()


@dataclasses.dataclass(frozen=True)
class Recipe:
    name: str
    sizes: tuple  # MiB of each device
    mkfs: tuple
    fills: tuple
    mount: tuple = ()
    garbage: bool = False  # old random bytes on the disks before mkfs
    after: str = ""  # name of a function below, run on the mounted file system with its loops

    def folder(self):
        key = hashlib.sha256(repr(self).encode() + _code_hash()).hexdigest()[:16]
        return os.path.join(cache_root(), f"{self.name}-{key}")

    def images(self):
        """Paths of the cached images, made now if need be."""
        folder = self.folder()
        with open(os.path.join(cache_root(), f".{self.name}.lock"), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.isdir(folder):
                try:
                    self._build(folder)
                finally:
                    shutil.rmtree(folder + ".tmp", ignore_errors=True)
        kernel.keep(folder)
        return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]

    def copy(self, target):
        """Sparse copies of the images that a test may write to."""
        return kernel.copy(self.images(), target)

    def _build(self, folder):
        unfinished = folder + ".tmp"
        shutil.rmtree(unfinished, ignore_errors=True)
        os.makedirs(unfinished)
        paths = []
        for i, size in enumerate(self.sizes):
            path = os.path.join(unfinished, f"dev{i + 1}.img")
            paths.append(path)
            with open(path, "wb") as image:
                if self.garbage:
                    block = random.Random(f"garbage {self.name} {i}").randbytes(8 * MIB)
                    for _ in range(int(size) // 8):
                        image.write(block)
                image.truncate(int(size * MIB))
        with kernel.attached(paths) as loops:
            given = len(loops) - _extra_devices(self)
            kernel.make(loops[:given], *(("-K",) if self.garbage else ()), *self.mkfs)
            if self.fills:
                self._fill(loops[:given], loops, unfinished)
        crash = os.path.join(unfinished, "crash")
        if os.path.isdir(crash):
            for path in paths:
                os.replace(os.path.join(crash, os.path.basename(path)), path)
            os.rmdir(crash)
        for old in os.listdir(cache_root()):  # what an older recipe or older code made
            if re.fullmatch(re.escape(self.name) + "-[0-9a-f]{16}", old):
                shutil.rmtree(os.path.join(cache_root(), old))
        os.rename(unfinished, folder)

    def _fill(self, given, loops, folder):
        # A short commit interval, because deleted subvolumes are cleaned at commits.
        with kernel.mounted(given, ("commit=1", *self.mount)) as where:
            for step in self.fills:
                getattr(fill, step)(where)
                kernel.sync(where)
            if self.after in WHILE_MOUNTED:
                WHILE_MOUNTED[self.after](where, loops, folder)
        if self.after == "change_fsid":
            for loop in given:
                kernel.run("btrfs", "device", "scan", loop)
            kernel.run("btrfstune", "-f", "-m", given[0])


def _extra_devices(recipe):
    """Devices that mkfs does not see."""
    return {"add_and_convert": 1}.get(recipe.after, 0)


def add_and_convert(where, loops, _):
    """One more device, and a balance that rewrites part of the chunks over all of them."""
    kernel.run("btrfs", "device", "add", "-f", "-K", loops[-1], where)
    fill.nodatacow(where)
    kernel.run("btrfs", "balance", "start", "--force", "-dlimit=1", "-mconvert=raid1c3", "-sconvert=raid1c3", where)
    fill.snapshots(where)
    kernel.sync(where)


def crash_copy(where, _, folder):
    """fsync without a commit, then copies of the image files as they are: what a crash would leave.

    The loop devices hand their writes to the page cache of the image files, and fsync waited for them.  (Flushing the
    loops would be worse than useless: it commits the mounted file system.)
    """
    _crash(where, folder, fill.fsynced)


def crash_copy_of_names(where, _, folder):
    """The same with names alone."""
    _crash(where, folder, fill.fsynced_names)


def _crash(where, folder, work):
    work(where)
    kernel.copy([os.path.join(folder, name) for name in sorted(os.listdir(folder))], os.path.join(folder, "crash"))


def resize(where, *_):
    """One device shrunk and one shrunk and grown again: sizes that differ from the images'."""
    kernel.run("btrfs", "filesystem", "resize", "2:-24M", where)
    kernel.run("btrfs", "filesystem", "resize", "3:-40M", where)
    kernel.sync(where)
    kernel.run("btrfs", "filesystem", "resize", "3:+16M", where)
    fill.nodatacow(where)


def some_single(where, *_):
    """One data chunk without redundancy."""
    kernel.run("btrfs", "balance", "start", "--force", "-dconvert=single,limit=1", where)
    kernel.sync(where)


def some_dup(where, *_):
    """One data chunk twice on one device."""
    kernel.run("btrfs", "balance", "start", "--force", "-dconvert=dup,limit=1", where)
    kernel.sync(where)


def sprout(folder):
    """A seed file system and what sprouted from it: (images of the sprout's own devices, of the seed's)."""
    seeds = SEED_BASE.copy(os.path.join(folder, "seed"))
    with kernel.attached(seeds) as loops:
        for loop in loops:
            kernel.run("btrfs", "device", "scan", loop)
        kernel.run("btrfstune", "-S", "1", loops[0])
    new = [os.path.join(folder, f"new{i}.img") for i in range(3)]
    for path in new:
        with open(path, "wb") as image:
            image.truncate(192 * MIB)
    with kernel.attached(seeds) as loops, kernel.attached(new) as fresh:
        with kernel.mounted(loops) as where:
            kernel.run("btrfs", "device", "add", "-f", "-K", fresh[0], where)
            kernel.run("mount", "-o", "remount,rw", where)
            kernel.run("btrfs", "device", "add", "-f", "-K", *fresh[1:], where)
            with open(os.path.join(where, "sprouted"), "wb") as out:
                out.write(os.urandom(3 * MIB))
            kernel.sync(where)
    return new, seeds


WHILE_MOUNTED = {"add_and_convert": add_and_convert, "crash_copy": crash_copy,
                 "crash_copy_of_names": crash_copy_of_names, "resize": resize,
                 "some_single": some_single, "some_dup": some_dup}


@contextlib.contextmanager
def scratch():
    """A folder for working copies, on the file system of the cache; removed at the end."""
    folder = tempfile.mkdtemp(prefix="work-", dir=cache_root())
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _recipe(name, sizes, mkfs, fills, **more):
    return Recipe(name, tuple(sizes), tuple(mkfs.split()), tuple(fills.split()), **more)


_SILENT = "files interleaved nodatacow prealloc churn"

# Shapes: every width of raid5 and raid6, every metadata profile, every checksum, every node size.
SHAPES = {r.name: r for r in (
    _recipe("raid5x2-m-raid5", [160] * 2, "-d raid5 -m raid5", "files many_files churn"),
    _recipe("raid5x3-m-raid1", [160] * 3, "-d raid5 -m raid1 -n 4096", _SILENT),
    _recipe("raid5x4-m-raid10-xxhash", [160] * 4, "-d raid5 -m raid10 --csum xxhash", "files snapshots churn"),
    _recipe("raid6x3-m-raid1c3-sha256", [160] * 3, "-d raid6 -m raid1c3 --csum sha256", _SILENT),
    _recipe("raid6x4-m-raid6-blake2", [160] * 4, "-d raid6 -m raid6 --csum blake2", "files many_files reflinks churn"),
    _recipe("raid6x5-m-raid1c4-n4k", [160] * 5, "-d raid6 -m raid1c4 -n 4096", _SILENT + " snapshots"),
    _recipe("raid6x6-m-raid6-n32k", [160] * 6, "-d raid6 -m raid6 -n 32768", "files many_files compressed churn"),
    _recipe("raid6x4-m-raid5-n64k", [160] * 4, "-d raid6 -m raid5 -n 65536", "files many_files churn"),
    _recipe("raid5x3-m-dup", [192] * 3, "-d raid5 -m dup", "files compressed churn"),
    _recipe("raid5x4-m-single", [160] * 4, "-d raid5 -m single", "files churn"),
    _recipe("raid6x4-m-raid0", [160] * 4, "-d raid6 -m raid0", "files churn"),
    _recipe("raid5x3-mixed", [160] * 3, "-M -d raid5 -m raid5 -n 4096", "files many_files churn"),
    _recipe("raid6x4-mixed-silent", [160] * 4, "-M -d raid6 -m raid6 -n 4096 --csum xxhash", _SILENT),
    _recipe("raid5x3-fat-metadata", [160] * 3, "-d raid5 -m raid5 -O ^skinny-metadata,^no-holes",
            "files many_files churn"),
    _recipe("raid6x6-unequal", [128, 128, 144, 176, 320, 320], "-d raid6 -m raid1c3", "files interleaved bulk churn"),
    _recipe("raid5x4-converted", [192] * 4, "-d raid5 -m raid1", "files churn", after="add_and_convert"),
    _recipe("raid5x3-cache-v1", [160] * 3, "-d raid5 -m raid5 -R ^free-space-tree", "files churn nodatacow",
            mount=("space_cache=v1",)),
    _recipe("raid6x4-cache-v1", [160] * 4, "-d raid6 -m raid6 -R ^free-space-tree", "files churn",
            mount=("space_cache=v1",)),
    _recipe("raid6x4-garbage-silent", [160] * 4, "-d raid6 -m raid6", _SILENT, garbage=True),
    _recipe("raid5x3-garbage-silent", [160] * 3, "-d raid5 -m raid5", _SILENT, garbage=True),
    _recipe("raid5x3-garbage-full", [144] * 3, "-d raid5 -m raid1", "enospc", garbage=True),
    _recipe("raid6x4-garbage-full", [144] * 4, "-d raid6 -m raid1c3", "enospc", garbage=True),
    _recipe("raid6x5-everything", [192] * 5, "-d raid6 -m raid6", _SILENT + " snapshots reflinks compressed quota"),
    _recipe("raid6x4-late-delete", [160] * 4, "-d raid6 -m raid1c3", "files snapshots snapshot_left"),
    _recipe("raid5x3-nodatasum", [160] * 3, "-d raid5 -m raid1", "files churn", mount=("nodatasum",)),
    _recipe("raid1c3-no-parity", [160] * 3, "-d raid1 -m raid1c3", "files interleaved churn"),
    _recipe("raid6x10-m-raid5", [160] * 10, "-d raid6 -m raid5", "files interleaved churn"),
    _recipe("raid5x7-m-raid6", [160] * 7, "-d raid5 -m raid6 --csum sha256", "files many_files churn"),
    _recipe("raid10-data", [160] * 4, "-d raid10 -m raid10", "files churn"),
    _recipe("raid0-data", [160] * 3, "-d raid0 -m raid1", "files churn"),
    _recipe("dup-one-device", [256], "-d dup -m dup", "files interleaved churn"),
    # The second superblock copy fits exactly, where mkfs writes it and the kernel never does.
    _recipe("mixed-mirror-at-the-end", [64 + 1 / 256], "-M -d single -m single -n 4096", "snapshots"),
    _recipe("raid6x4-resized", [320] * 4, "-d raid6 -m raid6", "files churn", after="resize"),
    _recipe("raid5x3-new-fsid", [160] * 3, "-d raid5 -m raid1", "files", after="change_fsid"),
)}

# Sectors larger than a page: this kernel cannot mount them, so they hold what mkfs makes and nothing else.
UNMOUNTABLE = {r.name: r for r in (
    _recipe("raid6x4-sectors-16k", [160] * 4, "-d raid6 -m raid6 -s 16384 -n 16384", ""),
    _recipe("raid5x3-sectors-64k", [160] * 3, "-d raid5 -m raid5 -s 65536 -n 65536", ""),
    _recipe("raid6x5-sectors-8k", [160] * 5, "-d raid6 -m raid6 -s 8192 -n 32768 --csum xxhash", ""),
)}

# Crash copies with live log trees: the commit interval is long, so that nothing commits between fsync and copy.
LOG_TREES = {r.name: r for r in (
    _recipe("raid6x4-log", [160] * 4, "-d raid6 -m raid6", "files interleaved prealloc", mount=("commit=300",),
            after="crash_copy"),
    _recipe("raid5x3-log", [160] * 3, "-d raid5 -m raid1", "files churn prealloc", mount=("commit=300",),
            after="crash_copy"),
)}

# Names alone are in the log.
LOGGED_NAMES = _recipe("raid5x3-logged-names", [160] * 3, "-d raid5 -m raid1", "files to_be_renamed",
                       mount=("commit=300",), after="crash_copy_of_names")

STALE_BASE = _recipe("raid6x4-m-raid1c4", [160] * 4, "-d raid6 -m raid1c4", "files interleaved nodatacow churn")
SEED_BASE = _recipe("raid5x2-seed", [160] * 2, "-d raid5 -m raid1", "files churn")
BULK_RAID6 = _recipe("raid6x4-bulk", [320] * 4, "-d raid6 -m raid6", "files bulk")
FIFTY_THOUSAND = _recipe("raid6x4-50000", [1152] * 4, "-d raid6 -m raid6", "fifty_thousand")
# Data chunks of two profiles, one of which bears no loss.
PARTLY_SINGLE = _recipe("raid5x3-partly-single", [160] * 3, "-d raid5 -m raid1", "files churn", after="some_single")
PARTLY_DUP = _recipe("raid5x3-partly-dup", [160] * 3, "-d raid5 -m raid1", "files churn", after="some_dup")
