# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares image files byte for byte, as fast as their holes allow."""

import os

PIECE = 1 << 20


def _next_data(handle, at, end):
    """The first byte from `at` on that is not in a hole, or `end`."""
    try:
        return min(end, os.lseek(handle, at, os.SEEK_DATA))
    except OSError:  # a hole up to the end of the file
        return end


def differing(one, other, size=4096):
    """Offsets of the blocks of `size` bytes that differ; what lies beyond the end of one file counts as zeros."""
    found = []
    with open(one, "rb") as a, open(other, "rb") as b:
        end, at = max(os.path.getsize(one), os.path.getsize(other)), 0
        while at < end:
            at = min(_next_data(a.fileno(), at, end), _next_data(b.fileno(), at, end)) // PIECE * PIECE
            length = min(PIECE, end - at)
            left = os.pread(a.fileno(), length, at).ljust(length, b"\0")
            right = os.pread(b.fileno(), length, at).ljust(length, b"\0")
            if left != right:
                found.extend(at + k for k in range(0, length, size) if left[k:k + size] != right[k:k + size])
            at += PIECE
    return found


def differences(before, after, size=4096):
    """Sentences about where two sets of images ({devid: path}) differ, lengths included."""
    problems = []
    for devid, path in sorted(before.items()):
        lengths = os.path.getsize(path), os.path.getsize(after[devid])
        if lengths[0] != lengths[1]:
            problems.append(f"devid {devid} has {lengths[1]} bytes, not {lengths[0]}")
        problems.extend(f"devid {devid} differs at {at}" for at in differing(path, after[devid], size))
    return problems


def places(before, after, size=4096):
    """{(devid, physical)} of the blocks that differ between two sets of images."""
    return {(devid, at) for devid, path in before.items() for at in differing(path, after[devid], size)}
