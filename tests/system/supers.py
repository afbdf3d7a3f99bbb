# SPDX-License-Identifier: GPL-2.0-or-later
"""Edits superblocks of working copies, making their checksums right again: states that the kernel will not make."""

import struct

import algebra
import truth

FLAGS, MAGIC, GENERATION, INCOMPAT, DEVID = 56, 64, 72, 188, 201

SUPER_FLAGS = {"METADUMP": 1 << 33, "METADUMP_V2": 1 << 34, "CHANGING_FSID": 1 << 35, "CHANGING_FSID_V2": 1 << 36,
               "CHANGING_BG_TREE": 1 << 38, "CHANGING_DATA_CSUM": 1 << 39, "CHANGING_META_CSUM": 1 << 40}
INCOMPAT_BITS = {"zoned": 0x1000, "extent-tree-v2": 0x2000, "raid-stripe-tree": 0x4000, "remap-tree": 0x20000}


def edit(path, change):
    """Applies `change` (bytearray in place) to every superblock copy that the image holds, and seals each."""
    for offset in truth.SUPER_OFFSETS:
        raw = truth.read_at(path, offset, truth.SUPER_SIZE)
        if len(raw) < truth.SUPER_SIZE or raw[64:72] != truth.MAGIC:
            continue
        kind = truth.CSUM_KINDS[struct.unpack_from("<H", raw, 196)[0]]
        block = bytearray(raw)
        change(block)
        with open(path, "r+b") as image:
            image.seek(offset)
            image.write(algebra.seal(kind, bytes(block)))


def set_bits(offset, bits):
    """A change that sets bits in the u64 at `offset`."""
    def change(block):
        value, = struct.unpack_from("<Q", block, offset)
        struct.pack_into("<Q", block, offset, value | bits)
    return change


def put(offset, value):
    """A change that stores a u64."""
    return lambda block: struct.pack_into("<Q", block, offset, value)
