# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of ddrescue's maps share: copies with holes, and maps in its format, written and read here anew."""

import os
import re
import shutil

UNREAD = "?*/-"


def tool():
    """GNU ddrescue; None where it is not installed."""
    return shutil.which("ddrescue")


def text(blocks):
    """A map file of (start, end, status) in order."""
    lines = ["# Mapfile. Written by a test", "0x00000000     +               1"]
    lines += [f"0x{start:08X}  0x{end - start:08X}  {status}" for start, end, status in blocks]
    return "\n".join(lines) + "\n"


def blocks_around(holes, size, status="-"):
    """Blocks of a whole device, of which `holes` [(start, end)] were not rescued."""
    blocks, at = [], 0
    for start, end in sorted(holes):
        if at < start:
            blocks.append((at, start, "+"))
        blocks.append((start, end, status))
        at = end
    if at < size:
        blocks.append((at, size, "+"))
    return blocks


def write(path, blocks):
    with open(path, "w", encoding="ascii") as file:
        file.write(text(blocks))
    return path


def read(path):
    """[(start, end, status)]; fails where it is no whole map."""
    with open(path, encoding="ascii") as file:
        lines = [line.split() for line in file if not line.startswith("#")]
    blocks = [(int(start, 0), int(start, 0) + int(size, 0), status) for start, size, status in lines[1:]]
    assert re.fullmatch(r"[?*/FG+-]", lines[0][1]), lines[0]
    assert all(a[1] == b[0] for a, b in zip(blocks, blocks[1:])), f"{path}: gaps"
    return blocks


def sectors(blocks, statuses, size=4096):
    """Every sector that one of these blocks touches."""
    return {at for start, end, status in blocks if status in statuses
            for at in range(start // size * size, end, size)}


def punch(path, holes, byte=b"\0"):
    """As a copy is left: nothing where nothing was had, or what the target held before."""
    with open(path, "r+b") as file:
        for start, end in holes:
            file.seek(start)
            file.write(byte * (end - start))
        file.truncate(os.path.getsize(path))
