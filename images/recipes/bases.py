# SPDX-License-Identifier: GPL-2.0-or-later
"""The file systems behind the golden images: small, sparse, and full of text that packs well.

Every 4 KiB of a file's text tells its file, its sector and its place in the sector, so that no two sectors are alike and
a sector put in the wrong place shows; and parity of such text packs well too, because all lines have one length.
"""

import dataclasses
import os
import shutil
import subprocess

import kernel

MIB = 1 << 20
SECTOR = 4096


def text(name, size):
    """`size` bytes of lines of 32 bytes."""
    out = []
    for sector in range(-(-size // SECTOR)):
        for part in range(8):
            out.append(f"{name[-14:]:<14} sector {sector:06}/{part}\n" * 16)
    return "".join(out).encode()[:size]


def write(folder, name, size, at=None):
    """A file of text, or with `at` a part of one that is there."""
    path = os.path.join(folder, name)
    with open(path, "wb" if at is None else "r+b") as out:
        out.seek(at or 0)
        out.write(text(name if at is None else "again-" + name, size))


# --- contents ---

def files(where):
    """Inline, small and larger files, a hard link, a symbolic link, a file with holes, what deleted files leave."""
    for d in range(3):
        os.mkdir(f"{where}/dir{d}")
        for f, size in enumerate((60, 900, 5000, 9000, 20000, 40000)):
            write(f"{where}/dir{d}", f"file{d}{f}", size)
    write(where, "large", 600000)
    os.link(f"{where}/large", f"{where}/dir0/link-to-large")
    os.symlink("large", f"{where}/symlink")
    with open(f"{where}/with-holes", "wb") as out:
        for at in (0, 300000, 900000):
            out.seek(at)
            out.write(text("with-holes", 8192))
    kernel.sync(where)
    os.unlink(f"{where}/dir1/file14")
    os.unlink(f"{where}/dir2/file23")


def nodatacow(where):
    """Files without checksums, one of them rewritten in part."""
    os.mkdir(f"{where}/nocow")
    kernel.run("chattr", "+C", f"{where}/nocow")
    write(f"{where}/nocow", "silent", 500000)
    kernel.sync(where)
    write(f"{where}/nocow", "silent", 20480, at=102400)


def side_by_side(where):
    """Files with and without checksums in turn, written at once: rows that hold both."""
    os.mkdir(f"{where}/mix")
    for f in range(24):
        path = f"{where}/mix/mix{f:02}"
        open(path, "wb").close()
        if f % 3 == 0:
            kernel.run("chattr", "+C", path)
        with open(path, "r+b") as out:
            out.write(text(f"mix{f:02}", (8192, 20480, 40960, 65536)[f % 4]))


def prealloc(where):
    """A preallocated file that was never written, and one written in part."""
    for name in ("never", "partly"):
        handle = os.open(f"{where}/prealloc-{name}", os.O_RDWR | os.O_CREAT, 0o644)
        os.posix_fallocate(handle, 0, 400000)
        os.close(handle)
    kernel.sync(where)
    write(where, "prealloc-partly", 12288, at=65536)


def snapshot(where):
    """A subvolume and a read-only snapshot that shares extents with it."""
    kernel.run("btrfs", "subvolume", "create", f"{where}/sub")
    for f in range(6):
        write(f"{where}/sub", f"sub{f}", 15000)
    kernel.run("btrfs", "subvolume", "snapshot", "-r", f"{where}/sub", f"{where}/snapshot")
    write(f"{where}/sub", "sub0", 4096, at=4096)


def many_names(where):
    """Enough names for trees of several leaves, and one that is not UTF-8."""
    os.mkdir(f"{where}/many")
    for f in range(160):
        write(f"{where}/many", f"a-file-with-a-rather-long-name-{f:04}", 5000)
    with open(os.fsencode(where) + b"/many/caf\xe9", "wb") as out:
        out.write(text("coffee", 5000))


# --- what is done to the mounted file system last ---

def fsync_and_crash(where, folder):
    """Files fsynced and not committed, then copies of the images as they lie there: what a crash leaves."""
    os.mkdir(f"{where}/fresh")
    write(f"{where}/fresh", "filler", 200000)
    kernel.sync(where)  # an fsync that meets a new directory or block group would commit everything instead

    def fsynced(path, name, size, at=0):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        os.pwrite(handle, text(name, size), at)
        os.fsync(handle)
        os.close(handle)

    for f in range(12):
        fsynced(f"{where}/fresh/fresh{f:02}", f"fresh{f:02}", (300, 5000, 30000, 60000)[f % 4])
    fsynced(f"{where}/large", "large-again", 50000, 65536)
    fsynced(f"{where}/prealloc-never", "prealloc-again", 20000, 131072)
    kernel.copy(image_paths(folder), os.path.join(folder, "crash"))


def image_paths(folder):
    """d1.img, d2.img ... of a folder, in order."""
    names = [n for n in os.listdir(folder) if n.startswith("d") and n.endswith(".img")]
    return [os.path.join(folder, n) for n in sorted(names, key=lambda n: int(n[1:-4]))]


@dataclasses.dataclass(frozen=True)
class Base:
    """A file system to be made: devices, their size in MiB, mkfs options, contents."""
    name: str
    devices: int
    mkfs: str
    fills: tuple
    size: int = 192
    mount: tuple = ("commit=1",)
    after: object = None
    seen: str = ""  # for the README: what is special about it

    def made_by(self):
        progs = kernel.run("mkfs.btrfs", "--version").stdout.split()[-1]
        release = os.uname().release.split("-")[0]
        return (f"`mkfs.btrfs {self.mkfs}` (btrfs-progs {progs}) over {self.devices} image files of {self.size} MiB, "
                f"mounted and filled by Linux {release}")

    def contents(self):
        done = [fill.__doc__.strip().rstrip(".") for fill in self.fills]
        return done + ([self.after.__doc__.strip().rstrip(".")] if self.after else [])

    def images(self, cache):
        """Paths of the images, made now if need be; nobody may write to them."""
        folder = os.path.join(cache, self.name)
        if not os.path.isdir(folder):
            unfinished = folder + ".tmp"
            shutil.rmtree(unfinished, ignore_errors=True)
            os.makedirs(unfinished)
            self._make(unfinished)
            os.rename(unfinished, folder)
        return image_paths(folder)

    def _make(self, folder):
        for i in range(self.devices):
            with open(f"{folder}/d{i + 1}.img", "wb") as image:
                image.truncate(self.size * MIB)
        with kernel.attached(image_paths(folder)) as loops:
            kernel.make(loops, *self.mkfs.split())
            with kernel.mounted(loops, self.mount) as where:
                for fill in self.fills:
                    fill(where)
                    kernel.sync(where)
                if self.after:
                    self.after(where, folder)
        crash = os.path.join(folder, "crash")
        if os.path.isdir(crash):
            for path in image_paths(crash):
                os.replace(path, os.path.join(folder, os.path.basename(path)))
            os.rmdir(crash)


@dataclasses.dataclass(frozen=True)
class Shipped:
    """A file system that an older mkfs.btrfs cannot make: taken from the archive of the clean image in this tree."""
    name: str
    folder: str
    made: str
    holds: tuple

    def made_by(self):
        return self.made

    def contents(self):
        return list(self.holds)

    def images(self, cache):
        folder = os.path.join(cache, self.name)
        if not os.path.isdir(folder):
            os.makedirs(folder)
            archive = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", self.folder, "images.tar.zst")
            subprocess.run(["tar", "-C", folder, "--zstd", "-xf", archive], check=True)
        return image_paths(folder)


_MADE_619 = "`mkfs.btrfs` of btrfs-progs 6.19 over {} image files of 256 MiB, mounted and filled by Linux 6.18"
_BGT = ("block-group tree, the default of mkfs.btrfs since 6.19",
    "a subvolume, a read-only snapshot that shares extents with it, a hard link",
        "a nodatacow file", "a preallocated file that was never written")

BASES = {b.name: b for b in (
    Base("demo", 4, "-L demo -d raid6 -m raid6", (files, nodatacow, side_by_side, prealloc, snapshot)),
    Base("raid5x2", 2, "-d raid5 -m raid5 --csum sha256", (files, many_names)),
    Base("raid5x3-dup", 3, "-d raid5 -m dup", (files, nodatacow, side_by_side)),
    Base("raid5x4", 4, "-d raid5 -m raid10 --csum xxhash", (files, many_names, snapshot)),
    Base("raid6x3", 3, "-d raid6 -m raid1c3 --csum blake2", (files, prealloc)),
    Base("raid6x6", 6, "-d raid6 -m raid6 -n 32768", (files, many_names)),
    Base("raid5x3-mixed", 3, "-M -d raid5 -m raid5 -n 4096", (files, many_names, nodatacow)),
    Base("raid6x4-n4k", 4, "-d raid6 -m raid1c4 -n 4096", (files, many_names, nodatacow)),
    Base("raid6x4-log", 4, "-d raid6 -m raid6", (files, prealloc), mount=("commit=300",), after=fsync_and_crash),
    Base("raid1c3", 3, "-d raid1c3 -m raid1c3", (files, nodatacow)),
    Shipped("raid5x3-bgt", "003-raid5x3-bgt-clean", _MADE_619.format(3) + "; data raid5, metadata raid1c3", _BGT),
    Shipped("raid6x5-bgt", "004-raid6x5-bgt-clean", _MADE_619.format(5) + "; data and metadata raid6", _BGT),
    Shipped("sector16k", "006-raid6x4-sector16k-clean",
            "`mkfs.btrfs` of btrfs-progs 6.19 with sectors of 16 KiB over 4 image files of 256 MiB; never mounted, "
            "because a kernel with pages of 4 KiB cannot", ("nothing but the trees that mkfs writes",)),
)}
