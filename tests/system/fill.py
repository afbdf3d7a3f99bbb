# SPDX-License-Identifier: GPL-2.0-or-later
"""Contents for test file systems: each function writes one kind of thing into a mounted folder.

All bytes come from a seeded generator, so a recipe always writes the same contents.  Each step ends with a commit by
its caller.  Names of these functions are what a recipe lists.
"""

import errno
import os
import random
import shutil

import kernel

MIB = 1 << 20


def _write(path, data):
    with open(path, "wb") as out:
        out.write(data)


def _dice(folder, name):
    return random.Random(f"fill {name}")


def files(folder, megabytes=6):
    """Directories, small and inline files, middle-sized ones, a sparse one, hard links."""
    dice = _dice(folder, "files")
    for d in range(8):
        os.makedirs(f"{folder}/dir{d}")
        for f in range(25):
            _write(f"{folder}/dir{d}/small{f}", dice.randbytes(dice.choice((40, 900, 3000, 9000, 30000))))
    for f in range(4):
        _write(f"{folder}/middle{f}", dice.randbytes(megabytes * MIB // 8 + dice.randrange(5000)))
    _write(f"{folder}/large", dice.randbytes(megabytes * MIB // 2))
    with open(f"{folder}/sparse", "wb") as out:
        for _ in range(12):
            out.seek(dice.randrange(64 * MIB))
            out.write(dice.randbytes(dice.randrange(1, 20000)))
    for f in range(5):
        os.link(f"{folder}/large", f"{folder}/dir{f}/link-to-large")
        os.link(f"{folder}/dir0/small0", f"{folder}/dir{f}/link-to-small")
    os.symlink("large", f"{folder}/symlink")


def many_files(folder):
    """Enough names to give the trees several levels and leaves."""
    dice = _dice(folder, "many")
    for d in range(20):
        os.makedirs(f"{folder}/many{d}")
        for f in range(60):
            _write(f"{folder}/many{d}/a-file-with-a-rather-long-name-{f:04}", dice.randbytes(dice.choice((10, 700, 5000))))


def churn(folder):
    """Holes and leftovers: deleted files, extents that are referenced in part only."""
    dice = _dice(folder, "churn")
    for d in range(8):
        for f in range(0, 25, 2):
            os.unlink(f"{folder}/dir{d}/small{f}")
    for f in range(4):
        with open(f"{folder}/middle{f}", "r+b") as out:
            size = out.seek(0, 2)
            for _ in range(10):
                out.seek(dice.randrange(size // 4096) * 4096)
                out.write(dice.randbytes(dice.choice((4096, 8192, 100))))
    os.truncate(f"{folder}/middle0", 300000)


def nodatacow(folder):
    """Files without checksums, some rewritten in place."""
    dice = _dice(folder, "nodatacow")
    os.mkdir(f"{folder}/nocow")
    kernel.run("chattr", "+C", f"{folder}/nocow")
    _write(f"{folder}/nocow/large", dice.randbytes(3 * MIB))
    for f in range(20):
        _write(f"{folder}/nocow/small{f}", dice.randbytes(dice.randrange(2100, 60000)))
    kernel.sync(folder)
    with open(f"{folder}/nocow/large", "r+b") as out:
        for _ in range(12):
            out.seek(dice.randrange(3 * MIB // 4096) * 4096)
            out.write(dice.randbytes(4096))


def interleaved(folder):
    """Rows that hold checksummed and nodatacow sectors side by side: small files of both kinds in turn, one commit."""
    dice = _dice(folder, "interleaved")
    os.mkdir(f"{folder}/mix")
    for f in range(120):
        path = f"{folder}/mix/f{f}"
        _write(path, b"")
        if f % 3 == 0:
            kernel.run("chattr", "+C", path)
        with open(path, "r+b") as out:
            out.write(dice.randbytes(dice.choice((8192, 20480, 40960, 65536))))


def prealloc(folder):
    """Preallocated files: never written, partly written, written and then truncated, and one cut before any write."""
    dice = _dice(folder, "prealloc")
    for name, size in (("never", 3 * MIB), ("partly", 2 * MIB), ("then-cut", 2 * MIB), ("cut", 2 * MIB)):
        handle = os.open(f"{folder}/prealloc-{name}", os.O_RDWR | os.O_CREAT, 0o644)
        os.posix_fallocate(handle, 0, size)
        os.close(handle)
    kernel.sync(folder)
    for name in ("partly", "then-cut"):
        with open(f"{folder}/prealloc-{name}", "r+b") as out:
            for _ in range(20):
                out.seek(dice.randrange(2 * MIB // 4096) * 4096)
                out.write(dice.randbytes(dice.choice((100, 4096, 12288))))
    kernel.sync(folder)
    os.truncate(f"{folder}/prealloc-then-cut", 700000)
    os.truncate(f"{folder}/prealloc-cut", 500000)


def snapshots(folder):
    """Subvolumes, snapshots that share extents, a deleted subvolume."""
    dice = _dice(folder, "snapshots")
    kernel.run("btrfs", "subvolume", "create", f"{folder}/sub")
    for f in range(30):
        _write(f"{folder}/sub/file{f}", dice.randbytes(dice.randrange(1, 90000)))
    kernel.run("btrfs", "subvolume", "snapshot", f"{folder}/sub", f"{folder}/snap1")
    kernel.run("btrfs", "subvolume", "snapshot", "-r", f"{folder}/sub", f"{folder}/snap2")
    for f in range(10):
        with open(f"{folder}/snap1/file{f}", "ab") as out:
            out.write(dice.randbytes(20000))
    kernel.run("btrfs", "subvolume", "create", f"{folder}/gone")
    _write(f"{folder}/gone/file", dice.randbytes(600000))
    kernel.sync(folder)
    kernel.run("btrfs", "subvolume", "delete", f"{folder}/gone")
    kernel.run("btrfs", "subvolume", "sync", folder)


def snapshot_left(folder):
    """A subvolume deleted just before unmount: its root may still be there with no reference."""
    dice = _dice(folder, "left")
    kernel.run("btrfs", "subvolume", "create", f"{folder}/late")
    for f in range(200):
        _write(f"{folder}/late/file{f}", dice.randbytes(dice.randrange(1, 9000)))
    kernel.sync(folder)
    kernel.run("btrfs", "subvolume", "delete", f"{folder}/late")


def reflinks(folder):
    """Whole and shifted clones of one file."""
    dice = _dice(folder, "reflinks")
    _write(f"{folder}/original", dice.randbytes(900000))
    kernel.sync(folder)
    for c in range(4):
        kernel.run("cp", "--reflink=always", f"{folder}/original", f"{folder}/clone{c}")
    with open(f"{folder}/clone1", "r+b") as out:
        out.seek(200704)
        out.write(dice.randbytes(50000))
    os.unlink(f"{folder}/original")


def compressed(folder):
    """zstd, lzo and zlib extents, and one file that would not compress."""
    dice = _dice(folder, "compressed")
    for kind in ("zstd", "lzo", "zlib"):
        path = f"{folder}/{kind}"
        _write(path, b"")
        kernel.run("btrfs", "property", "set", path, "compression", kind)
        words = [dice.randbytes(6) for _ in range(300)]
        _write_in_place(path, b"".join(dice.choice(words) + b"    " for _ in range(120000)))
    _write_in_place(f"{folder}/zstd", dice.randbytes(100000), 300000)


def _write_in_place(path, data, at=0):
    with open(path, "r+b") as out:
        out.seek(at)
        out.write(data)


def enospc(folder):
    """One large file after another until there is no room, so that every chunk fills to its end."""
    dice = _dice(folder, "enospc")
    block = dice.randbytes(4 * MIB)
    try:
        for f in range(1000):
            _write(f"{folder}/full{f}", block)
            if f % 8 == 7:
                kernel.sync(folder)
    except OSError as full:
        if full.errno != errno.ENOSPC:
            raise
    try:
        for f in range(4000):
            _write(f"{folder}/last{f}", block[:12000])
            if f % 100 == 99:
                kernel.sync(folder)
    except OSError as full:
        if full.errno != errno.ENOSPC:
            raise


def fsynced(folder):
    """Files that are fsynced and not committed: new ones, a rewritten one, into preallocations."""
    dice = _dice(folder, "fsynced")
    os.mkdir(f"{folder}/fresh")
    _write(f"{folder}/fresh/filler", dice.randbytes(4 * MIB))
    kernel.sync(folder)  # an fsync that meets a new directory or a new block group commits everything instead

    def write(path, data, at=0):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        os.pwrite(handle, data, at)
        os.fsync(handle)
        os.close(handle)

    for f in range(40):
        write(f"{folder}/fresh/f{f}", dice.randbytes(dice.choice((300, 5000, 30000, 200000))))
    write(f"{folder}/large", dice.randbytes(300000), 65536)
    write(f"{folder}/prealloc-never", dice.randbytes(90000), 1 << 20)
    write(f"{folder}/prealloc-partly", dice.randbytes(8192), 40960)


def to_be_renamed(folder):
    """Files and folders whose names fsynced_names() changes."""
    dice = _dice(folder, "names")
    for place in ("names", "names/folder", "names/removed", "elsewhere"):
        os.mkdir(f"{folder}/{place}")
        for f in range(12):
            _write(f"{folder}/{place}/f{f}", dice.randbytes(20000))
    os.mkdir(f"{folder}/names/many")
    first = _link(folder, 0)
    _write(first, dice.randbytes(20000))
    for n in range(1, 160):
        os.link(first, _link(folder, n))


def _link(folder, n):
    return f"{folder}/names/many/{n}-{'n' * 200}"


def fsynced_names(folder):
    """Names that are changed, fsynced and not committed."""
    def changed(path, work, *names):
        work(*(f"{folder}/{name}" for name in names))
        handle = os.open(f"{folder}/{path}", os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)

    changed("names/renamed", os.rename, "names/f0", "names/renamed")
    changed("names/f3", os.rename, "names/f2", "names/f3")  # that one is gone
    changed("names/linked", os.link, "names/f6", "names/linked")
    changed("elsewhere/linked", os.link, "names/f7", "elsewhere/linked")
    os.rename(f"{folder}/names/f4", f"{folder}/names/third")
    changed("names/f4", os.rename, "names/f5", "names/f4")
    changed("names/f5", os.rename, "names/third", "names/f5")  # two have changed places
    changed("names", os.unlink, "names/f8")
    changed("names", os.rename, "names/folder", "names/new folder")
    # Of its names the log has those that share a leaf with something that changed.
    changed(os.path.relpath(_link(folder, 0), folder), lambda path: os.setxattr(path, "user.new", b"1"),
            os.path.relpath(_link(folder, 0), folder))
    changed("names", shutil.rmtree, "names/removed")


def quota(folder):
    """A quota tree."""
    kernel.run("btrfs", "quota", "enable", folder)


def fifty_thousand(folder):
    """50,000 files and 1 GiB of large ones."""
    dice = _dice(folder, "fifty thousand")
    block = dice.randbytes(1 << 16)
    for d in range(100):
        os.mkdir(f"{folder}/d{d}")
        for f in range(500):
            at = dice.randrange(40000)
            _write(f"{folder}/d{d}/file-{f}", block[at:at + dice.choice((500, 4096, 9000, 20000))])
    big = dice.randbytes(4 * MIB)
    for f in range(256):
        _write(f"{folder}/big{f}", big)


def bulk(folder):
    """300 MiB in large files."""
    dice = _dice(folder, "bulk")
    block = dice.randbytes(4 * MIB)
    for f in range(75):
        _write(f"{folder}/bulk{f}", block)
