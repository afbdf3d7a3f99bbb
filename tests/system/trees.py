# SPDX-License-Identifier: GPL-2.0-or-later
"""Edits leaves of working copies item by item and seals them in every copy: trees that the kernel would never write.

Only for metadata without parity (the copies are the whole truth there).
"""

import collections
import struct

import algebra
import truth

HEADER, HEAD = 101, 25  # of a tree block, of an item
EXTENT_ITEM, METADATA_ITEM, ROOT_ITEM, CHUNK_ITEM = 168, 169, 132, 228
FS_TREE, FIRST_CHUNK_TREE = 5, 256

Item = collections.namedtuple("Item", "key data")  # key: (objectid, type, offset)


class Editor:
    """The trees of one set of working copies; `volume` is the truth about them before any edit."""

    def __init__(self, paths, volume):
        self.path_of = {truth.read_super(path).devid: path for path in paths}
        self.volume = volume

    def leaves(self, owner):
        """Logical addresses of a tree's leaves, ascending."""
        return sorted(b.logical for b in self.volume.blocks.values() if b.owner == owner and b.level == 0)

    def _read(self, logical):
        devid, physical = self.volume.chunk_of(logical).copies(logical)[0]
        return truth.read_at(self.path_of[devid], physical, self.volume.nodesize)

    def items(self, logical):
        block = self._read(logical)
        found = []
        for i in range(struct.unpack_from("<I", block, 96)[0]):
            *key, offset, size = struct.unpack_from("<QBQII", block, HEADER + HEAD * i)
            found.append(Item(tuple(key), block[HEADER + offset:HEADER + offset + size]))
        return found

    def room(self, logical):
        """Bytes that a leaf has left."""
        return self.volume.nodesize - HEADER - sum(HEAD + len(item.data) for item in self.items(logical))

    def store(self, logical, items):
        """The leaf with these items, sealed, in every copy."""
        block, end = bytearray(self._read(logical)[:HEADER].ljust(self.volume.nodesize, b"\0")), self.volume.nodesize - HEADER
        struct.pack_into("<I", block, 96, len(items))
        for i, item in enumerate(sorted(items)):
            end -= len(item.data)
            assert HEAD * len(items) <= end, "the leaf is full"
            block[HEADER + end:HEADER + end + len(item.data)] = item.data
            struct.pack_into("<QBQII", block, HEADER + HEAD * i, *item.key, end, len(item.data))
        sealed = algebra.seal(self.volume.csum_kind, bytes(block))
        for devid, physical in self.volume.chunk_of(logical).copies(logical):
            with open(self.path_of[devid], "r+b") as image:
                image.seek(physical)
                image.write(sealed)

    def replace(self, logical, key, item):
        """Another item in the place of the one with this key."""
        self.store(logical, [item if old.key == key else old for old in self.items(logical)])

    def insert(self, logical, *items):
        self.store(logical, self.items(logical) + list(items))


def block_extent(logical, generation, level=0, root=4):
    """The extent of a tree block."""
    return Item((logical, METADATA_ITEM, level), struct.pack("<QQQBQ", 1, generation, 2, 176, root))


def data_extent(logical, length, generation):
    """The extent of a file's data."""
    return Item((logical, EXTENT_ITEM, length),
                struct.pack("<QQQB", 1, generation, 1, 178) + struct.pack("<QQQI", FS_TREE, 257, 0, 1))
