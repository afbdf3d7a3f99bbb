# SPDX-License-Identifier: GPL-2.0-or-later
"""Plants damage whose truth is known into copies of images.

Every sector that counts as planted really differs from what was there.  Rows and tree blocks are hit at most once, so
that each plant keeps the severity that was meant.  Blocks of trees that tell the tool what to expect (extents,
checksums, roots ...) are hurt within tolerance only: what their loss entails is another test's matter.
"""

import collections
import struct

import algebra
from truth import DATA, FREE, PROVABLE, SILENT, STRIP, SUPER_SIZE, TREE

# Losing a block of these takes no expectation about data away.  No tree of files is among them, not even the one for
# relocation: what has no checksum and no reference that can be found may then belong to the part that is lost.
SAFE_OWNERS = ("FREE_SPACE_TREE", "UUID_TREE", "DEV_TREE", "QUOTA_TREE")

KINDS = ("random", "zeros", "bit", "torn", "head", "foreign")


class Planter:
    def __init__(self, volume, path_of, dice, sure=False, absent=None):
        """`sure`: hits nothing in rows of raid5/6 but what a repair brings back bit for bit, or reports for certain;
        `absent`: a devid that will not be there when the damage is looked at."""
        self.volume, self.dice, self.path_of, self.sure, self.absent = volume, dice, path_of, sure, absent
        self.size = volume.sectorsize
        self.touched, self.supers = set(), []
        self.planted = collections.Counter()  # by role
        self._used = set()  # (chunk, full stripe, row) or mirrored logical
        self.rows_by_class = self._sort_rows()
        self._files = {devid: open(path, "r+b") for devid, path in path_of.items()}

    def close(self):
        for handle in self._files.values():
            handle.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- what there is ---

    def _sort_rows(self):
        """Rows by what they hold: {class: [(chunk, full stripe, row)]}."""
        rows = collections.defaultdict(list)
        per_strip = STRIP // self.size
        for chunk in self.volume.chunks:
            if not chunk.parity:
                continue
            states = self.volume.states[chunk.logical]
            stride = per_strip * chunk.data_columns
            for full_stripe in range(chunk.rows_of_strips):
                part = states[full_stripe * stride:(full_stripe + 1) * stride]
                if full_stripe in chunk.excluded:
                    free_of_super = range(1, per_strip)  # the copy itself lies in row 0
                    rows["excluded"].extend((chunk, full_stripe, row) for row in free_of_super)
                    continue
                if not any(part):
                    if full_stripe < 40:
                        rows["empty"].extend((chunk, full_stripe, row) for row in range(per_strip))
                    continue
                for row in range(per_strip):
                    held = set(part[row::per_strip])
                    rows[self._class(held)].append((chunk, full_stripe, row))
        return rows

    @staticmethod
    def _class(held):
        if held == {FREE}:
            return "empty"
        if TREE in held:
            return "tree"
        if SILENT in held:
            return "silent"
        if DATA not in held:
            return "prealloc"
        if held == {DATA}:
            return "data"
        return "gaps"

    # --- one sector ---

    def content(self, place, kind, good):
        """Damaged bytes of one sector; always different from the good ones."""
        dice, size = self.dice, len(good)
        for _ in range(10):
            if kind == "random":
                bad = dice.randbytes(size)
            elif kind == "zeros":
                bad = bytes(size)
            elif kind == "bit":
                # Not in a checksum's field: its unused end means nothing in a tree block.
                at = dice.randrange(72, size)
                bad = good[:at] + bytes([good[at] ^ 1 << dice.randrange(8)]) + good[at + 1:]
            elif kind == "torn":
                bad = good[:size // 2] + dice.randbytes(size // 2)
            elif kind == "head":
                bad = dice.randbytes(512) + good[512:]
            else:
                bad = self._foreign(place, size)
            if bad != good:
                return bad
            kind = "random"
        raise AssertionError("cannot make a sector differ")

    def _foreign(self, place, size):
        """What stands a little further on the same device: a misdirected write."""
        handle = self._files[place[0]]
        handle.seek(place[1] + 32 * size)
        return handle.read(size).ljust(size, b"\0")

    def hit(self, place, role, kind=None):
        """Damages one sector."""
        if place in self.touched:
            raise AssertionError(f"planted twice: {place}")
        handle = self._files[place[0]]
        handle.seek(place[1])
        good = handle.read(self.size)
        bad = self.content(place, kind or self.dice.choice(KINDS), good)
        handle.seek(place[1])
        handle.write(bad)
        handle.flush()
        self.touched.add(place)
        self.planted[role] += 1

    # --- rows of raid5/6 ---

    def place(self, chunk, full_stripe, row, column):
        devid, physical = chunk.column(full_stripe, column)
        return devid, physical + row * self.size

    def _role(self, chunk, full_stripe, row, column):
        if column >= chunk.data_columns:
            return "P" if column == chunk.data_columns else "Q"
        logical = chunk.logical + (full_stripe * chunk.data_columns + column) * STRIP + row * self.size
        return ("free", "data", "tree", "silent", "prealloc", "unreferenced")[self.volume.state(logical)]

    def hit_row(self, key, columns, kind=None):
        chunk, full_stripe, row = key
        self._used.add((chunk.logical, full_stripe, row))
        for column in columns:
            self.hit(self.place(*key, column), self._role(*key, column), kind)

    def _fresh(self, key):
        return (key[0].logical, key[1], key[2]) not in self._used

    def rows(self, kind, count, beyond):
        """Hits `count` rows of a class: 1 to tolerance columns each, or, when `beyond`, sometimes more."""
        fresh = [key for key in self.rows_by_class[kind] if self._fresh(key)]
        for key in self.dice.sample(fresh, min(count, len(fresh))):
            chunk = key[0]
            most = chunk.parity + (self.dice.randrange(3) if beyond else 0)
            columns = self._columns(key)
            number = min(self.dice.randint(1, max(1, most)), len(columns))
            self.hit_row(key, self.dice.sample(columns, number))

    def _columns(self, key):
        """Columns of a row that may be hit."""
        chunk = key[0]
        if not self.sure:
            return range(chunk.width)
        states = [self.volume.state(logical) for logical in self.logicals(key)]
        provable = [c for c, state in enumerate(states) if state in PROVABLE]
        parity = list(range(chunk.data_columns, chunk.width)) if provable else []
        if SILENT in states and parity:  # one parity has to speak for the other, and for the silent data
            parity.remove(self.dice.choice(parity))
        return provable + parity

    def logicals(self, key):
        chunk, full_stripe, row = key
        start = chunk.logical + full_stripe * chunk.data_columns * STRIP + row * self.size
        return [start + column * STRIP for column in range(chunk.data_columns)]

    def parity_of_trees(self, count):
        """Hits one parity or all of rows that hold parts of tree blocks."""
        fresh = [key for key in self.rows_by_class["tree"] if self._fresh(key)]
        for key in self.dice.sample(fresh, min(count, len(fresh))):
            parity = [column for column in self._columns(key) if column >= key[0].data_columns]
            self.hit_row(key, self.dice.sample(parity, self.dice.randint(min(1, len(parity)), len(parity))))

    def everything_on(self, devid, share=1.0):
        """Hits every sector of a device, or a share of them, that comes back bit for bit; superblocks left out."""
        for keys in self.rows_by_class.values():
            for key in keys:
                column = key[0].column_at(devid, self._on(key, devid))[1] if self._on(key, devid) is not None else None
                if column in self._columns(key) and self._fresh(key) and self.dice.random() < share:
                    self.hit_row(key, [column], "random")
        for chunk in self.volume.chunks:
            if not chunk.parity and chunk.profile not in ("SINGLE", "RAID0", "DUP"):
                self._hit_mirrored_on(devid, chunk, share)

    @staticmethod
    def _on(key, devid):
        """Where a device's part of a row's strip lies, or None."""
        chunk, full_stripe, _ = key
        return next((offset + full_stripe * STRIP for where, offset in chunk.stripes if where == devid), None)

    def _hit_mirrored_on(self, devid, chunk, share):
        for logical in self.volume.sectors(chunk, PROVABLE):
            for place in chunk.copies(logical):
                if place[0] == devid and place not in self.touched and self.dice.random() < share:
                    self.hit(place, "tree" if self.volume.state(logical) == TREE else "data", "random")

    # --- tree blocks ---

    def block_rows(self, block):
        chunk = self.volume.chunk_of(block)
        keys = []
        for logical in range(block, block + self.volume.nodesize, self.size):
            full_stripe, rest = divmod(logical - chunk.logical, chunk.data_columns * STRIP)
            keys.append(((chunk, full_stripe, rest % STRIP // self.size), rest // STRIP))
        return keys

    def tree_blocks(self, count, lost=0):
        """Hits tree blocks: other columns in each row, within tolerance; then `lost` safe ones beyond it."""
        blocks = sorted(e.logical for e in self.volume.extents if e.kind == TREE)
        self.dice.shuffle(blocks)
        for block in blocks[:]:
            if count <= 0:
                break
            if self.volume.chunk_of(block).parity:
                count -= self._hurt_block_in_rows(block)
            else:
                count -= self._hurt_block_mirrored(block)
        for block in blocks:
            if lost <= 0:
                break
            if self._owner(block) in SAFE_OWNERS:
                lost -= self.lose_block(block)

    def lose_block(self, block):
        """Hurts a tree block beyond what its chunk bears; False where it was hit before."""
        lose = self._lose_block_in_rows if self.volume.chunk_of(block).parity else self._lose_block_mirrored
        return lose(block)

    def _owner(self, block):
        known = self.volume.blocks.get(block)
        return known.owner if known else None

    def _hurt_block_in_rows(self, block):
        keys = self.block_rows(block)
        if not all(self._fresh(key) for key, _ in keys):
            return False
        chosen = self.dice.sample(keys, self.dice.randint(1, min(4, len(keys))))
        for key, column in chosen:
            others = [c for c in self._columns(key) if c != column]
            number = min(self.dice.randint(0, key[0].parity - 1), len(others))
            self.hit_row(key, [column] + self.dice.sample(others, number))
        for key, _ in keys:
            self._used.add((key[0].logical, key[1], key[2]))
        return True

    def hurt_as_the_kernel_cannot(self, block):
        """Row 0 of a tree block on raid6 in its data and in P, row 1 in its data and in Q."""
        for (key, column), parity in zip(self.block_rows(block), (0, 1)):
            self.hit_row(key, [column, key[0].data_columns + parity], "random")

    def swap_blocks(self, count):
        """Puts the bytes of another valid tree block over whole blocks: the checksum is right, the header is not."""
        blocks = sorted(e.logical for e in self.volume.extents if e.kind == TREE)
        self.dice.shuffle(blocks)
        for block in blocks:
            chunk = self.volume.chunk_of(block)
            keys = self.block_rows(block) if chunk.parity else []
            fresh = all(self._fresh(key) for key, _ in keys) and block not in self._used
            if count <= 0 or not fresh or (not chunk.parity and len(chunk.copies(block)) < 2):
                continue
            other = self.dice.choice([b for b in blocks if b != block])
            self._used.add(block)
            self._used.update((key[0].logical, key[1], key[2]) for key, _ in keys)
            self._put_over(block, other)
            count -= 1

    def _put_over(self, block, other):
        good_from = self.volume.chunk_of(other)
        for at in range(0, self.volume.nodesize, self.size):
            source = good_from.copies(other + at)[0]
            target = self.volume.chunk_of(block).copies(block + at)[0]
            handle = self._files[source[0]]
            handle.seek(source[1])
            content = handle.read(self.size)
            handle = self._files[target[0]]
            handle.seek(target[1])
            if handle.read(self.size) == content:
                continue
            handle.seek(target[1])
            handle.write(content)
            handle.flush()
            self.touched.add(target)
            self.planted["tree"] += 1

    def junk(self, block):
        """Changes bytes between a tree block's checksum and byte 32, which mean nothing; one copy."""
        place = self.volume.chunk_of(block).copies(block)[0]
        at = algebra.CSUM_SIZE[self.volume.csum_kind]
        handle = self._files[place[0]]
        handle.seek(place[1] + at)
        good = handle.read(32 - at)
        handle.seek(place[1] + at)
        handle.write(bytes(byte ^ 0xA5 for byte in good))
        handle.flush()
        self.touched.add(place)
        self.planted["junk"] += 1

    def _lose_block_in_rows(self, block):
        keys = self.block_rows(block)
        bearable = [(key, column) for key, column in keys if self._takes_only_safe_blocks(key)]
        if not bearable or not all(self._fresh(key) for key, _ in keys):
            return False
        chosen = self.dice.choice(bearable)
        for key, column in keys:
            chunk = key[0]
            if (key, column) == chosen:
                parities = list(range(chunk.data_columns, chunk.width))
                self.hit_row(key, [column] + parities, "random")
            self._used.add((chunk.logical, key[1], key[2]))
        return True

    def _takes_only_safe_blocks(self, key):
        """Whether a row without parity takes no tree block of the absent device along that the program needs."""
        gone = [logical for column, logical in enumerate(self.logicals(key)) if self.place(*key, column)[0] == self.absent]
        return all(self.volume.state(logical) != TREE or self._owner(self.volume.tree_block_at(logical)) in SAFE_OWNERS
                   for logical in gone)

    def _hurt_block_mirrored(self, block):
        """Some sectors in some copies, such that each sector stays whole in one copy."""
        chunk = self.volume.chunk_of(block)
        copies = len(chunk.copies(block))
        if copies < 2 or block in self._used:
            return False
        self._used.add(block)
        sectors = list(range(block, block + self.volume.nodesize, self.size))
        for logical in self.dice.sample(sectors, self.dice.randint(1, min(4, len(sectors)))):
            hurt = self.dice.sample(range(copies), self.dice.randint(1, copies - 1))
            for m in hurt:
                self.hit(chunk.copies(logical)[m], "tree")
        return True

    def _lose_block_mirrored(self, block):
        if block in self._used:
            return False
        self._used.add(block)
        chunk = self.volume.chunk_of(block)
        for place in chunk.copies(block):
            self.hit(place, "tree", "random")
        return True

    # --- mirrored data ---

    def mirrored_data(self, count, beyond):
        for chunk in self.volume.chunks:
            if chunk.parity or "DATA" not in chunk.kinds:
                continue
            fresh = [logical for logical in self.volume.sectors(chunk, (DATA,)) if logical not in self._used]
            for logical in self.dice.sample(fresh, min(count, len(fresh))):
                places = chunk.copies(logical)
                most = len(places) - (0 if beyond else 1)
                if most == 0:
                    continue
                self._used.add(logical)
                for place in self.dice.sample(places, self.dice.randint(1, most)):
                    self.hit(place, "data")

    # --- superblocks ---

    def superblock(self, devid, offset, kind):
        """Damages one copy; kinds as for sectors, or `stale` (a generation behind) or `header` (lies elsewhere)."""
        handle = self._files[devid]
        handle.seek(offset)
        good = handle.read(SUPER_SIZE)
        cause = "checksum"
        if kind == "stale":
            generation, = struct.unpack_from("<Q", good, 72)
            bad = good[:72] + struct.pack("<Q", generation - 1) + good[80:]
            bad, cause = algebra.seal(self.volume.csum_kind, bad), "stale"
        elif kind == "header":
            bad = good[:48] + struct.pack("<Q", offset + 65536) + good[56:]
            bad, cause = algebra.seal(self.volume.csum_kind, bad), "header"
        else:
            bad = self.content((devid, offset), kind, good)
        handle.seek(offset)
        handle.write(bad)
        handle.flush()
        self.supers.append((devid, offset, cause))
        self.planted["super"] += 1

    def superblocks(self):
        """Copy 1 of one device in any way, copy 0 of another (which keeps its mirror) in ways that leave no doubt."""
        devids = sorted(self.path_of)
        first, second = self.dice.sample(devids, 2)
        places = self.volume.super_places(first)
        if len(places) > 1:
            self.superblock(first, places[1], self.dice.choice(("random", "zeros", "bit", "torn", "stale", "header")))
        if len(self.volume.super_places(second)) > 1:
            self.superblock(second, self.volume.super_places(second)[0], self.dice.choice(("random", "bit", "torn")))

    # --- whole devices ---

    def whole_device(self, devid):
        """Random bytes over every strip of the device where a full stripe or a mirrored extent holds something."""
        for chunk in self.volume.chunks:
            states = self.volume.states[chunk.logical]
            for index, (stripe_devid, offset) in enumerate(chunk.stripes):
                if stripe_devid != devid:
                    continue
                for strip in range(chunk.dev_length // STRIP):
                    physical = offset + strip * STRIP
                    if chunk.parity:
                        if strip in chunk.excluded:
                            continue
                        stride = STRIP // self.size * chunk.data_columns
                        if any(states[strip * stride:(strip + 1) * stride]):
                            self._overwrite(devid, physical)
                    else:
                        logical = chunk.logical_at(devid, physical)
                        at = (logical - chunk.logical) // self.size
                        if any(states[at:at + STRIP // self.size]):
                            self._overwrite(devid, physical)

    def _overwrite(self, devid, physical):
        handle = self._files[devid]
        handle.seek(physical)
        good = handle.read(STRIP)
        bad = self.dice.randbytes(STRIP)
        handle.seek(physical)
        handle.write(bad)
        handle.flush()
        for at in range(0, STRIP, self.size):
            if bad[at:at + self.size] == good[at:at + self.size]:
                raise AssertionError("random bytes repeat what was there")
            self.touched.add((devid, physical + at))
            self.planted["device"] += 1
