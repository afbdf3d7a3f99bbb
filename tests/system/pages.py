# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel gives back of every file, page by page: the oracle of which files damage hurts.

Paths are bytes, from the top-level subvolume, `/` first.  Loops are read-only, because a read-only mount alone still
writes repaired sectors.  Files are read with POSIX_FADV_RANDOM, one page at a time, since read-ahead over lost sectors
may return wrong bytes without an error; and contents are compared, not only errors looked at.
"""

import collections
import errno
import fcntl
import os
import stat
import struct

import kernel

PAGE = 4096
FIEMAP, INO_LOOKUP, CLONE_RANGE = 0xC020660B, 0xD0009412, 0x4020940D
LAST, ENCODED, INLINE, UNWRITTEN = 1, 8, 0x200, 0x800
ROOT_DIRECTORY = 256

# above: inodes of the directories on the way, the subvolume's own among them; pages: {offset: bytes} of all that is no
# hole; extents: [Extent].
File = collections.namedtuple("File", "subvolume inode above size pages extents")
# Where it begins in the file, the logical address on disk (0: none), how long, FIEMAP's flags.
Extent = collections.namedtuple("Extent", "offset logical length flags")


def files_of(images, options=("ro",)):
    """{path: File} of all regular files in every subvolume and snapshot."""
    found = {}
    with kernel.attached(images, read_only=True) as loops, kernel.mounted(loops, options) as where:
        for path, full, subvolume, above in _regular(os.fsencode(where)):
            with _opened(full) as handle:
                about = os.fstat(handle.fileno())
                pages = {at: os.pread(handle.fileno(), PAGE, at) for at in _data(handle.fileno(), about.st_size)}
                found[path] = File(subvolume, about.st_ino, above, about.st_size, pages, extents(handle.fileno()))
    return found


def lost(images, files, options=("ro",)):
    """{(path, offset of a page)} that cannot be read, or is not as it was."""
    found = set()
    with kernel.attached(images, read_only=True) as loops, kernel.mounted(loops, options) as where:
        for path, known in files.items():
            with _opened(os.fsencode(where) + path) as handle:
                os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
                found.update((path, at) for at, content in known.pages.items() if _page(handle, at) != content)
    return found


def with_whole_extents(lost, files):
    """The same, and of a compressed extent that has lost a page all of it: the kernel may hand out what it could
    unpack before it came to the damage."""
    found = set(lost)
    for path in {path for path, _ in lost}:
        file = files[path]
        for extent in file.extents:
            if extent.flags & ENCODED:
                pages = {(path, at) for at in range(extent.offset, min(extent.offset + extent.length, file.size), PAGE)}
                if not pages.isdisjoint(lost):
                    found |= pages
    return found


def _page(handle, at):
    try:
        return os.pread(handle.fileno(), PAGE, at)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return None


def _opened(full):
    return open(full, "rb", buffering=0)


def _regular(top):
    """(path, where it is mounted, number of the subvolume, inodes of directories) of every regular file."""
    subvolume_of, inodes = {}, {}
    for folder, folders, names in os.walk(top):
        folders.sort()
        about = os.lstat(folder)
        inodes[folder] = inodes.get(os.path.dirname(folder), ()) + (about.st_ino,)
        if about.st_ino == ROOT_DIRECTORY:
            subvolume_of[about.st_dev] = _subvolume(folder)
        for name in sorted(names):
            full = os.path.join(folder, name)
            if stat.S_ISREG(os.lstat(full).st_mode):
                yield full[len(top):], full, subvolume_of[about.st_dev], inodes[folder]


def _subvolume(folder):
    answer = bytearray(struct.pack("<QQ", 0, ROOT_DIRECTORY).ljust(4096, b"\0"))
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.ioctl(handle, INO_LOOKUP, answer)
    finally:
        os.close(handle)
    return struct.unpack_from("<Q", answer)[0]


def _data(handle, size):
    """Offsets of the pages that lie in no hole."""
    at = 0
    while at < size:
        try:
            at = os.lseek(handle, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            return
        end = os.lseek(handle, at, os.SEEK_HOLE)
        yield from range(at // PAGE * PAGE, end, PAGE)
        at = -(-end // PAGE) * PAGE


def extents(handle):
    """Where a file lies, as the kernel tells it."""
    found, at, room = [], 0, 64
    while True:
        answer = bytearray(struct.pack("<QQIIII", at, (1 << 64) - 1 - at, 0, 0, room, 0).ljust(32 + 56 * room, b"\0"))
        fcntl.ioctl(handle, FIEMAP, answer)
        count, = struct.unpack_from("<I", answer, 20)
        for i in range(count):
            offset, logical, length = struct.unpack_from("<QQQ", answer, 32 + 56 * i)
            flags, = struct.unpack_from("<I", answer, 32 + 56 * i + 40)
            found.append(Extent(offset, logical, length, flags))
        if not count or found[-1].flags & LAST:
            return found
        at = found[-1].offset + found[-1].length


def clone_range(source, start, length, target, at):
    """Lets a part of one file be shared with another, or with another place of the same."""
    with open(source, "rb") as one, open(target, "r+b") as other:
        fcntl.ioctl(other.fileno(), CLONE_RANGE, struct.pack("<qQQQ", one.fileno(), start, length, at))
