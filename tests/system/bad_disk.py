# SPDX-License-Identifier: GPL-2.0-or-later
"""A block device with bad sectors wherever a test wants them, without device mapper.

The image lies as a file on a btrfs of its own, one device, checksums on.  Bytes that are changed below that file system
make the kernel refuse the block that holds them: a loop device over the file answers EIO there and nowhere else.  What is
written to such a block lies elsewhere from then on and can be read: like a sector that a disk remaps.
"""

import contextlib
import errno
import os
import re

import kernel
import truth

BLOCK = 4096
ROOM = 512 << 20  # beside the image: metadata, and blocks written anew


class BadDisk:
    """Of a copy of `image`; `loop` is the device."""

    def __init__(self, image, folder):
        self.image, self.lower = image, os.path.join(folder, "below.img")

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            with open(self.lower, "wb") as made:
                made.truncate(os.stat(self.image).st_blocks * 512 + ROOM)
            below = stack.enter_context(kernel.attached([self.lower]))
            kernel.make(below, "-m", "single", "-d", "single")
            where = stack.enter_context(kernel.mounted(below))
            self.path = kernel.copy([self.image], os.path.join(where, "image"))[0]
            kernel.sync(where)
            self.volume = truth.Volume([self.lower])
            self.loop = stack.enter_context(kernel.attached([self.path]))[0]
            self.held = stack.enter_context(open(self.path, "rb"))
            self.below = stack.enter_context(open(self.lower, "r+b", buffering=0))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *raised):
        return self._stack.__exit__(*raised)

    def _place(self, offset):
        """Where that block of the image lies below."""
        done = kernel.run("filefrag", "-s", "-v", f"-b{BLOCK}", self.path)
        for line in done.stdout.splitlines():
            found = re.match(r"\s*\d+:\s*(\d+)\.\.\s*(\d+):\s*(\d+)\.\.", line)
            if found:
                first, last, start = map(int, found.groups())
                if first <= offset // BLOCK <= last:
                    logical = (start + offset // BLOCK - first) * BLOCK
                    return self.volume.chunk_of(logical).copies(logical)[0][1]
        raise AssertionError(f"nothing lies at {offset} of {self.path}")

    def _forget(self):
        """What the kernel keeps of the file in memory."""
        os.fsync(self.held.fileno())
        os.posix_fadvise(self.held.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def reads(self, offset):
        """Whether that block can be read."""
        self._forget()
        try:
            return len(os.pread(self.held.fileno(), BLOCK, offset)) == BLOCK
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return False

    @contextlib.contextmanager
    def bad(self, offset):
        """That block cannot be read, until it is written to or the `with` ends."""
        place = self._place(offset)
        before = os.pread(self.below.fileno(), BLOCK, place)
        os.pwrite(self.below.fileno(), bytes(byte ^ 0xff for byte in before), place)
        self._forget()
        try:
            if self.reads(offset):
                raise AssertionError(f"{offset} can be read all the same")
            self._forget()
            yield
        finally:
            os.pwrite(self.below.fileno(), before, place)
            self._forget()
