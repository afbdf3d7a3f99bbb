# SPDX-License-Identifier: GPL-2.0-or-later
"""One golden image under work: its file system, the damage that a case plants into copies of it, and notes of that.

Places are chosen by what the truth of the undamaged images says, never by what the tool under test says.
"""

import os
import random

import algebra
import judge
import kernel
import planter
import truth

COLUMN_NAMES = ("P", "Q")


class Plan:
    def __init__(self, name, originals, folder):
        """originals: paths of the undamaged images; folder: where the working copies go."""
        self.folder = folder
        self.originals = {truth.read_super(path).devid: path for path in originals}
        self.volume = truth.Volume(originals)
        kernel.copy(originals, folder)
        self.paths = {devid: os.path.join(folder, os.path.basename(path)) for devid, path in self.originals.items()}
        self.dice = random.Random(name)
        self.plants = planter.Planter(self.volume, self.paths, self.dice)
        self.size = self.volume.sectorsize
        self.damaged = []  # sentences for the README
        self.erased, self.unreadable_supers = set(), []  # what cannot be read

    def close(self):
        self.plants.close()

    def names(self, but=None):
        """{devid: name of its image}, one of them left out."""
        return {devid: os.path.basename(path) for devid, path in self.paths.items() if devid != but}

    def note(self, sentence):
        self.damaged.append(sentence)

    # --- choosing places ---

    def data_chunk(self):
        """The raid5/6 chunk that holds most data."""
        chunks = [c for c in self.volume.chunks if "DATA" in c.kinds]
        return max(chunks, key=lambda c: len(self.volume.sectors(c, (truth.DATA,))))

    def free_row(self, kind, count=1, accept=None):
        """A row of a class of the planter that nothing touched yet, `count` - 1 further ones below it in the same strips."""
        rows = {(c.logical, n, r): (c, n, r) for c, n, r in self.plants.rows_by_class[kind]}
        used = {(place.logical, n) for place, n in self._stripes_used}
        for (start, n, r), key in sorted(rows.items()):
            run = [rows.get((start, n, r + k)) for k in range(count)]
            if None in run or (start, n) in used or (accept and not accept(key)):
                continue
            self._stripes_used.append((key[0], n))
            return run if count > 1 else key
        raise AssertionError(f"no row of kind {kind} is left")

    @property
    def _stripes_used(self):
        if not hasattr(self, "_used"):
            self._used = []
        return self._used

    def state(self, key, column):
        chunk, full_stripe, row = key
        if column >= chunk.data_columns:
            return None
        return self.volume.state(chunk.logical + (full_stripe * chunk.data_columns + column) * truth.STRIP + row * self.size)

    def columns(self, key, *states):
        """Data columns of a row that have one of these states."""
        return [c for c in range(key[0].data_columns) if self.state(key, c) in states]

    def blocks(self, owner, level=None):
        found = [b for b in self.volume.blocks.values() if b.owner == owner and level in (None, b.level)]
        return [b.logical for b in sorted(found)]

    def root(self, owner):
        return max((b for b in self.volume.blocks.values() if b.owner == owner), key=lambda b: b.level).logical

    # --- planting ---

    def column_name(self, chunk, column):
        return f"data column {column}" if column < chunk.data_columns else COLUMN_NAMES[column - chunk.data_columns]

    def hit_row(self, key, columns, kind):
        """Damages sectors of one row of a raid5/6 chunk."""
        chunk, full_stripe, row = key
        for column in columns:
            devid, physical = chunk.column(full_stripe, column)
            physical += row * self.size
            self.plants.hit((devid, physical), self.column_name(chunk, column), kind)
            state = self.state(key, column)
            holds = "" if state is None else f" ({STATE_WORDS[state]})"
            self.note(f"devid {devid} at {physical}: {self.column_name(chunk, column)}{holds} of chunk "
                      f"{chunk.logical}, full stripe {full_stripe}, row {row}: {KIND_WORDS[kind]}")

    def hit_copy(self, logical, copy, kind):
        """Damages one copy of a sector of a mirrored chunk."""
        devid, physical = self.volume.chunk_of(logical).copies(logical)[copy]
        self.plants.hit((devid, physical), "copy", kind)
        self.note(f"devid {devid} at {physical}: copy {copy} of logical {logical}: {KIND_WORDS[kind]}")

    def hurt_block_crosswise(self, block, what):
        """A tree block on raid6: row 0 hurt in the block and P, row 1 in the block and Q."""
        self.note(f"{what}, the tree block at logical {block}, in several rows:")
        rows = self.plants.block_rows(block)
        for (key, column), parity in zip(rows, (0, 1)):
            self.hit_row(key, [column, key[0].data_columns + parity], "torn")

    def hit_super(self, devid, copy, kind):
        offset = truth.SUPER_OFFSETS[copy]
        self.plants.superblock(devid, offset, kind)
        self.note(f"devid {devid} at {offset}: superblock copy {copy}: {KIND_WORDS[kind]}")

    def put_over(self, block, other):
        """The bytes of one tree block over another: the checksum holds, the header is another block's."""
        self.plants._put_over(block, other)
        self.note(f"the tree block at logical {block} holds the bytes of the one at {other}: its checksum holds, it "
                  "belongs elsewhere")

    def write(self, place, content):
        devid, physical = place
        with open(self.paths[devid], "r+b") as image:
            image.seek(physical)
            image.write(content)

    def read_block(self, block):
        devid, physical = self.volume.chunk_of(block).copies(block)[0]
        return truth.read_at(self.originals[devid], physical, self.volume.nodesize)

    def overwrite_block(self, block, content):
        """Other bytes in every copy of a block of a mirrored chunk."""
        for place in self.volume.chunk_of(block).copies(block):
            self.write(place, content)

    def seal(self, block):
        return algebra.seal(self.volume.csum_kind, bytes(block))

    def wanted(self, absent=()):
        """What the rules want of the planted damage, sector by sector."""
        touched = {place for place in self.plants.touched if place[0] not in absent}
        return judge.Judge(self.volume, self.originals, self.paths, touched, erased=self.erased,
                           supers=self.plants.supers + self.unreadable_supers, absent=tuple(absent)).judge()

    # --- cutting a device short ---

    def cut(self, devid, at):
        """Truncates an image; what lay beyond is unreadable."""
        for chunk in self.volume.chunks:
            for index, (stripe_devid, offset) in enumerate(chunk.stripes):
                if stripe_devid != devid:
                    continue
                for physical in range(max(offset, at), offset + chunk.dev_length, self.size):
                    if self._holds(chunk, index, physical):
                        self.erased.add((devid, physical))
        self.unreadable_supers = [(devid, offset, "unreadable") for offset in self.volume.super_places(devid)
                                  if offset + truth.SUPER_SIZE > at]
        self.plants.close()
        os.truncate(self.paths[devid], at)
        self.note(f"devid {devid} ends at {at}, it should have {self.volume.total_bytes[devid]} bytes: "
                  f"{len(self.erased)} sectors in rows or mirrors that hold something, and "
                  f"{len(self.unreadable_supers)} superblock copies, cannot be read")

    def _holds(self, chunk, index, physical):
        offset = chunk.stripes[index][1]
        if not chunk.parity:
            return self.volume.state(chunk.logical_at(chunk.stripes[index][0], physical)) != truth.FREE
        full_stripe, rest = divmod(physical - offset, truth.STRIP)
        if full_stripe in chunk.excluded:
            return False
        key = (chunk, full_stripe, rest // self.size)
        return any(self.state(key, c) for c in range(chunk.data_columns))


STATE_WORDS = {truth.FREE: "free",
                           truth.DATA: "with a checksum",
                                       truth.TREE: "a tree block's", truth.SILENT: "without a checksum",
               truth.PREALLOC: "never written", truth.UNREF: "no longer referred to"}
KIND_WORDS = {"bit": "one bit flipped", "torn": "torn, the second half overwritten", "zeros": "overwritten with zeros",
              "random": "overwritten with random bytes", "head": "its first 512 bytes overwritten",
              "foreign": "overwritten with a sector that belongs 32 sectors further",
              "stale": "a generation behind, its checksum right", "header": "of another place, its checksum right"}
