# SPDX-License-Identifier: GPL-2.0-or-later
"""What a file system holds and where, by another road than the tool under test.

`btrfs inspect-internal dump-tree` tells devices, chunks, extents, checksummed ranges and file extents; the geometry
is written here once more.  Every sector of every chunk gets a state:

  FREE     nothing allocated
  DATA     allocated data that has a checksum
  TREE     part of a tree block
  SILENT   allocated, written, no checksum (a file extent refers to it)
  PREALLOC allocated, never written (only preallocated file extents refer to it)
  UNREF    allocated, no checksum, no reference any more: nobody can say whether it was ever written
"""

import bisect
import collections
import itertools
import re
import struct
import subprocess

FREE, DATA, TREE, SILENT, PREALLOC, UNREF = range(6)
PROVABLE = (DATA, TREE)

STRIP = 65536
SUPER_OFFSETS = (65536, 64 << 20, 256 << 30)
SUPER_SIZE = 4096
MAGIC = b"_BHRfS_M"
BLOCK_GROUP_TREE = 1 << 3  # of compat_ro_flags
CSUM_KINDS = ("crc32c", "xxhash64", "sha256", "blake2")

COPIES = {"SINGLE": 1, "DUP": 2, "RAID1": 2, "RAID1C3": 3, "RAID1C4": 4, "RAID0": 1, "RAID10": 2}

Super = collections.namedtuple(
    "Super", "path offset fsid generation log_root devid total_bytes uuid sectorsize nodesize csum_kind csum_ok magic_ok "
    "compat_ro")
Block = collections.namedtuple("Block", "logical generation level owner")
Extent = collections.namedtuple("Extent", "logical length kind generation level")


def read_at(path, offset, length):
    with open(path, "rb") as image:
        image.seek(offset)
        return image.read(length)


def read_super(path, offset=SUPER_OFFSETS[0]):
    """One superblock copy decoded, or None where the file ends before it."""
    from algebra import csum
    raw = read_at(path, offset, SUPER_SIZE)
    if len(raw) < SUPER_SIZE:
        return None
    kind_number = struct.unpack_from("<H", raw, 196)[0]
    kind = CSUM_KINDS[kind_number] if kind_number < 4 else None
    ok = kind is not None and raw.startswith(csum(kind, raw[32:]))
    generation, = struct.unpack_from("<Q", raw, 72)
    log_root, = struct.unpack_from("<Q", raw, 96)
    sectorsize, nodesize = struct.unpack_from("<II", raw, 144)
    devid, total = struct.unpack_from("<QQ", raw, 201)
    return Super(path, offset, raw[32:48], generation, log_root, devid, total, raw[201 + 66:201 + 82], sectorsize,
                 nodesize, kind, ok, raw[64:72] == MAGIC, struct.unpack_from("<Q", raw, 180)[0])


class Chunk:
    """One chunk and its geometry."""

    def __init__(self, logical, length, flags, stripes):
        self.logical, self.length, self.stripes = logical, length, stripes
        names = flags.split("|")
        profiles = [n for n in names if n.startswith("RAID") or n in ("DUP", "SINGLE", "single")]
        self.profile = profiles[0].upper() if profiles else "SINGLE"
        self.kinds = [n for n in names if n in ("DATA", "METADATA", "SYSTEM")]
        self.width = len(stripes)
        self.parity = {"RAID5": 1, "RAID6": 2}.get(self.profile, 0)
        self.data_columns = self.width - self.parity if self.parity else 0
        if self.parity:
            self.rows_of_strips = length // (self.data_columns * STRIP)
            self.dev_length = length // self.data_columns
        elif self.profile == "RAID0":
            self.dev_length = length // self.width
        elif self.profile == "RAID10":
            self.dev_length = length // (self.width // 2)
        else:
            self.dev_length = length
        self.excluded = set()
        if self.parity:
            for _, offset in stripes:
                for mirror in SUPER_OFFSETS:
                    if offset <= mirror < offset + self.dev_length:
                        self.excluded.add((mirror - offset) // STRIP)

    def bears(self, absent):
        """Whether everything in the chunk can be had without these devids."""
        gone = [devid in absent for devid, _ in self.stripes]
        if self.parity:
            return sum(gone) <= self.parity
        if self.profile == "RAID10":
            return not any(gone[i] and gone[i + 1] for i in range(0, self.width, 2))
        if self.profile.startswith("RAID1") or self.profile == "DUP":
            return not all(gone)
        return not any(gone)

    def bears_further(self, absent):
        """How many devices may be lost besides these devids, whichever they are: every set of them is tried."""
        if not self.bears(absent):
            return 0
        left = sorted({devid for devid, _ in self.stripes} - set(absent))
        for count in range(1, len(left) + 1):
            if not all(self.bears({*absent, *more}) for more in itertools.combinations(left, count)):
                return count - 1
        raise AssertionError(f"chunk {self.logical} bears everything")

    def column(self, full_stripe, column):
        """(devid, physical) of the strip of one column; data columns first, then P, then Q."""
        devid, offset = self.stripes[(full_stripe + column) % self.width]
        return devid, offset + full_stripe * STRIP

    def copies(self, logical):
        """Every place of one logical byte: [(devid, physical)]; on raid5/6 the data column alone."""
        inside = logical - self.logical
        strip, rest = divmod(inside, STRIP)
        if self.parity:
            full_stripe, column = divmod(strip, self.data_columns)
            devid, physical = self.column(full_stripe, column)
            return [(devid, physical + rest)]
        if self.profile == "RAID0":
            places, row = [strip % self.width], strip // self.width
        elif self.profile == "RAID10":
            half = self.width // 2
            places, row = [strip % half * 2, strip % half * 2 + 1], strip // half
        else:
            places, row = list(range(COPIES[self.profile])), strip
        return [(self.stripes[i][0], self.stripes[i][1] + row * STRIP + rest) for i in places]

    def column_at(self, devid, physical):
        """(full stripe, column, offset in the strip) of a physical byte of a raid5/6 chunk, or None."""
        for index, (stripe_devid, offset) in enumerate(self.stripes):
            if stripe_devid == devid and offset <= physical < offset + self.dev_length:
                full_stripe, rest = divmod(physical - offset, STRIP)
                return full_stripe, (index - full_stripe) % self.width, rest
        return None

    def logical_at(self, devid, physical):
        """Logical addresses that a physical byte of a chunk without parity holds (DUP: one of two places)."""
        for index, (stripe_devid, offset) in enumerate(self.stripes):
            if stripe_devid == devid and offset <= physical < offset + self.dev_length:
                row, rest = divmod(physical - offset, STRIP)
                if self.profile == "RAID0":
                    strip = row * self.width + index
                elif self.profile == "RAID10":
                    strip = row * (self.width // 2) + index // 2
                else:
                    strip = row
                return self.logical + strip * STRIP + rest
        return None


class Volume:
    """The truth about one set of image files, read while they are whole."""

    def __init__(self, paths):
        supers = [read_super(path) for path in paths]
        newest = max(supers, key=lambda s: s.generation)
        self.path_of = {s.devid: s.path for s in supers}
        self.super_of = {s.devid: s for s in supers}
        self.sectorsize, self.nodesize = newest.sectorsize, newest.nodesize
        self.csum_kind, self.generation, self.fsid = newest.csum_kind, newest.generation, newest.fsid
        self.log_root = newest.log_root
        self.has_block_group_tree = bool(newest.compat_ro & BLOCK_GROUP_TREE)
        self.total_bytes = {}
        self.chunks, self.blocks, self.extents = [], {}, []
        self._csums, self._regular, self._prealloc, self.log_extents = [], [], [], {}
        self._parse(dump_tree(paths))
        self.chunks.sort(key=lambda c: c.logical)
        self._starts = [c.logical for c in self.chunks]
        self._add_log()
        self.extents.sort()
        self._mark()

    # --- reading the dump ---

    def _parse(self, lines):
        header = re.compile(r"(?:leaf|node) (\d+) (?:level (\d+) )?items \d+ free space \d+ generation (\d+) owner (\S+)")
        item = re.compile(r"\titem \d+ key \((\S+) (\S+) (\S+)\)")
        chunk = None
        owner, kind, key = None, None, None
        for line in lines:
            if line.startswith(("leaf ", "node ")):
                found = header.match(line)
                if found:
                    logical, level, generation, owner = found.groups()
                    level = int(level) if level else 0
                    self.blocks[int(logical)] = Block(int(logical), int(generation), level, owner)
                continue
            if line.startswith("\titem "):
                found = item.match(line)
                kind, key = found.group(2), (found.group(1), found.group(3))
                if kind == "CHUNK_ITEM":
                    chunk = [int(key[1]), 0, "", []]
                continue
            text = line.strip()
            if kind in ("EXTENT_ITEM", "METADATA_ITEM"):
                found = re.match(r"refs \d+ gen (\d+) flags (\S+)", text)
                if found:
                    self._add_extent(kind, key, int(found.group(1)), found.group(2))
                found = re.match(r"tree block key \(.*\) level (\d+)", text)
                if found and kind == "EXTENT_ITEM":
                    self.extents[-1] = self.extents[-1]._replace(level=int(found.group(1)))
            elif kind == "EXTENT_CSUM":
                found = re.match(r"range start (\d+) end (\d+)", text)
                if found:
                    self._csums.append((int(found.group(1)), int(found.group(2))))
            elif kind == "EXTENT_DATA":
                self._file_extent(text, owner)
            elif kind == "CHUNK_ITEM":
                found = re.match(r"length (\d+) owner \d+ stripe_len \d+ type (\S+)", text)
                if found:
                    chunk[1], chunk[2] = int(found.group(1)), found.group(2)
                found = re.match(r"num_stripes (\d+)", text)
                if found:
                    chunk.append(int(found.group(1)))
                found = re.match(r"stripe \d+ devid (\d+) offset (\d+)", text)
                if found:
                    chunk[3].append((int(found.group(1)), int(found.group(2))))
                    if len(chunk[3]) == chunk[4]:
                        self.chunks.append(Chunk(*chunk[:4]))
            elif kind == "DEV_ITEM":
                found = re.match(r"devid (\d+) total_bytes (\d+)", text)
                if found:
                    self.total_bytes[int(found.group(1))] = int(found.group(2))

    def _add_extent(self, kind, key, generation, flags):
        logical = int(key[0])
        if kind == "METADATA_ITEM":
            self.extents.append(Extent(logical, self.nodesize, TREE, generation, int(key[1])))
        elif "TREE_BLOCK" in flags:
            self.extents.append(Extent(logical, self.nodesize, TREE, generation, 0))
        else:
            self.extents.append(Extent(logical, int(key[1]), DATA, generation, 0))

    def _file_extent(self, text, owner):
        found = re.match(r"(extent|prealloc) data disk byte (\d+) nr (\d+)", text)
        if found:
            self._pending = (found.group(1), int(found.group(2)), int(found.group(3)))
            if owner == "TREE_LOG" and self._pending[1]:
                self.log_extents[self._pending[1]] = self._pending[2]
            return
        found = re.match(r"(?:extent|prealloc) data offset (\d+) nr (\d+)(?: ram (\d+))?", text)
        if found:
            what, disk, disk_length = self._pending
            part = (disk + int(found.group(1)), disk + int(found.group(1)) + int(found.group(2)))
            if what == "prealloc":
                self._prealloc.append(part)
            elif disk:
                self._last = (len(self._regular), disk, disk_length)
                self._regular.append(part)
            else:
                self._last = None
            return
        found = re.match(r"extent compression (\d+)", text)
        if found and int(found.group(1)) and getattr(self, "_last", None):
            index, disk, disk_length = self._last
            self._regular[index] = (disk, disk + disk_length)

    def _add_log(self):
        """Blocks and extents of the log trees are in no extent tree."""
        known = {e.logical for e in self.extents}
        self.log_blocks = []
        if not self.log_root:
            return
        for block in self.blocks.values():
            if block.owner == "TREE_LOG" and block.logical not in known:
                self.extents.append(Extent(block.logical, self.nodesize, TREE, block.generation, block.level))
                self.log_blocks.append(block)
        for logical, length in self.log_extents.items():
            if logical not in known:
                self.extents.append(Extent(logical, length, DATA, self.generation + 1, 0))

    # --- states ---

    def _mark(self):
        size = self.sectorsize
        self.states = {c.logical: bytearray(c.length // size) for c in self.chunks}
        for extent in self.extents:
            self._paint(extent.logical, extent.logical + extent.length, TREE if extent.kind == TREE else UNREF, None)
        for start, end in self._prealloc:
            self._paint(start, end, PREALLOC, (UNREF,))
        for start, end in self._regular:
            self._paint(start, end, SILENT, (UNREF, PREALLOC))
        for start, end in self._csums:
            self._paint(start, end, DATA, (UNREF, PREALLOC, SILENT))

    def _paint(self, start, end, state, over):
        while start < end:
            chunk = self.chunk_of(start)
            if chunk is None:
                return
            stop = min(end, chunk.logical + chunk.length)
            states = self.states[chunk.logical]
            low, high = (start - chunk.logical) // self.sectorsize, (stop - chunk.logical) // self.sectorsize
            if over is None:
                states[low:high] = bytes([state]) * (high - low)
            else:
                table = bytes(state if i in over else i for i in range(256))
                states[low:high] = states[low:high].translate(table)
            start = stop

    # --- questions ---

    def chunk_of(self, logical):
        at = bisect.bisect_right(self._starts, logical) - 1
        if at < 0:
            return None
        chunk = self.chunks[at]
        return chunk if logical < chunk.logical + chunk.length else None

    def state(self, logical):
        chunk = self.chunk_of(logical)
        return self.states[chunk.logical][(logical - chunk.logical) // self.sectorsize]

    def is_referred(self, logical):
        """Whether a file extent with written data covers it; parts of an extent may have lost their last reference."""
        return any(start <= logical < end for start, end in self._regular)

    def sectors(self, chunk, states):
        """Logical addresses of the sectors of a chunk that have one of these states."""
        table = self.states[chunk.logical]
        return [chunk.logical + i * self.sectorsize for i, state in enumerate(table) if state in states]

    def tree_block_at(self, logical):
        """Start of the tree block that covers a TREE sector."""
        at = bisect.bisect_right(self.extents, (logical, 1 << 63)) - 1
        return self.extents[at].logical

    def roots(self, *owners):
        """The root block of each of these trees: its highest block."""
        return [max((b for b in self.blocks.values() if b.owner == owner), key=lambda b: b.level).logical
                for owner in owners]

    def roots_in_rows_of_their_own(self, *owners):
        """Those root blocks on raid5/6 that share no row with one before them."""
        wanted, rows = [], set()
        for block in self.roots(*owners):
            chunk = self.chunk_of(block)
            stripe = (block - chunk.logical) // (chunk.data_columns * STRIP)
            place = (chunk.logical, stripe, (block - chunk.logical) % STRIP)
            if place not in rows:
                rows.add(place)
                wanted.append(block)
        return wanted

    def held(self, devid, least):
        """Physical sectors of a device, from `least` on, whose row or mirrored sector holds something."""
        size = self.sectorsize
        found = set()
        for chunk in self.chunks:
            for stripe_devid, offset in chunk.stripes:
                if stripe_devid != devid:
                    continue
                states = self.states[chunk.logical]
                for at in range(max(offset, least), offset + chunk.dev_length, size):
                    if chunk.parity:
                        full_stripe, rest = divmod(at - offset, STRIP)
                        stride = STRIP // size * chunk.data_columns
                        row = states[full_stripe * stride:(full_stripe + 1) * stride][rest // size::STRIP // size]
                        holds = any(row) and full_stripe not in chunk.excluded
                    else:
                        holds = self.state(chunk.logical_at(devid, at))
                    if holds:
                        found.add(at)
        return found

    def counted(self):
        """(data bytes, tree bytes) as the kernel's scrub counts them: raid5/6 once, mirrors once for each copy."""
        data = tree = 0
        for extent in self.extents:
            chunk = self.chunk_of(extent.logical)
            times = 1 if chunk.parity else COPIES[chunk.profile]
            if extent.kind == TREE:
                tree += extent.length * times
            else:
                data += extent.length * times
        return data, tree

    def silent_bytes(self):
        """Bytes of allocated data without a checksum, counted like data."""
        total = 0
        for chunk in self.chunks:
            table = self.states[chunk.logical]
            times = 1 if chunk.parity else COPIES[chunk.profile]
            total += times * self.sectorsize * sum(table.count(state) for state in (SILENT, PREALLOC, UNREF))
        return total

    def super_places(self, devid):
        """Physical offsets of the superblock copies that the kernel keeps on a device."""
        total = self.total_bytes[devid]
        return [offset for offset in SUPER_OFFSETS if offset + SUPER_SIZE < total]


def dump_tree(paths):
    """Lines of `btrfs inspect-internal dump-tree`, given all the images, scanning for no other device."""
    done = subprocess.run(["btrfs", "inspect-internal", "dump-tree", "--noscan", *paths], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=True, stdin=subprocess.DEVNULL)
    return done.stdout.decode("utf-8", "surrogateescape").split("\n")


def stored_csums(paths):
    """(logical, checksum bytes) of every data sector, from dump-tree."""
    done = subprocess.run(["btrfs", "inspect-internal", "dump-tree", "--noscan", "--csum-items", "-t", "csum", *paths],
                          stdout=subprocess.PIPE, check=True, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    for logical, value in re.findall(r"\[(\d+)\] 0x([0-9a-f]+)", done.stdout.decode()):
        yield int(logical), bytes.fromhex(value)
