#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Hostile metadata with right checksums: no crash, no hang, no memory by a number from disk, one sentence or a report.

Fields of superblocks and bytes of tree blocks are set to awkward values and sealed again, so that the checksum vouches
for nonsense.  Seeds are fixed.  Whatever the nonsense: the exit status is one of the contract, and a report is whole.
"""

import os
import random
import resource
import struct

import algebra
import fixtures
import harness
import supers
import tool
import truth

SHAPES = ("raid5x3-m-raid1", "raid6x4-m-raid6-blake2", "raid5x3-mixed")
ROUNDS = 60
PEAK_KIB = 400 << 10
AWKWARD = (0, 1, 3, 4095, 65536, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, (1 << 48) - 1, 1 << 63, (1 << 64) - 4096, (1 << 64) - 1)
SUPER_FIELDS = {  # name: (offset, format)
    "bytenr": (48, "<Q"), "flags": (56, "<Q"), "generation": (72, "<Q"), "root": (80, "<Q"), "chunk_root": (88, "<Q"),
    "log_root": (96, "<Q"), "total_bytes": (112, "<Q"), "bytes_used": (120, "<Q"), "num_devices": (136, "<Q"),
    "sectorsize": (144, "<I"), "nodesize": (148, "<I"), "leafsize": (152, "<I"), "stripesize": (156, "<I"),
    "sys_array_size": (160, "<I"), "chunk_root_generation": (164, "<Q"), "compat_ro": (180, "<Q"), "incompat": (188, "<Q"),
    "csum_type": (196, "<H"), "root_level": (198, "<B"), "chunk_root_level": (199, "<B"), "log_root_level": (200, "<B"),
    "devid": (201, "<Q"), "dev total_bytes": (209, "<Q"), "dev bytes_used": (217, "<Q"),
    "array key type": (811 + 8, "<B"), "array key offset": (811 + 9, "<Q"), "array length": (811 + 17, "<Q"),
    "array stripe_len": (811 + 33, "<Q"), "array type": (811 + 41, "<Q"), "array num_stripes": (811 + 61, "<H"),
    "array sub_stripes": (811 + 63, "<H"), "array stripe devid": (811 + 65, "<Q"), "array stripe offset": (811 + 73, "<Q"),
}


class Hostile(harness.Case):
    def run_tool(self, paths, what):
        """One scrub and what must hold of it, whatever the input."""
        status, out, err = tool.plain("scrub", "--format", "json", *paths, timeout=120)
        self.assertIn(status, (0, 1, 4, 8), f"{what}: exit {status}: {err[-500:]!r}")
        self.assertEqual([], tool.control_characters(out), what)
        self.assertEqual([], tool.control_characters(err), what)
        if status == 8:
            self.assertTrue(err.strip(), f"{what}: refused without a sentence")
        else:
            tool.Report(status, out, err)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.assertLess(peak, PEAK_KIB, f"{what}: {peak} KiB")

    def test_superblock_fields(self):
        """Each field in turn, in every copy of every device."""
        paths = self.copy("raid5x3-m-raid1")
        kept = [(path, at, truth.read_at(path, at, truth.SUPER_SIZE)) for path in paths for at in truth.SUPER_OFFSETS[:2]]
        for name, (offset, form) in SUPER_FIELDS.items():
            size = struct.calcsize(form)
            for value in sorted({v & ((1 << 8 * size) - 1) for v in AWKWARD}):
                for path in paths:
                    supers.edit(path, lambda block, o=offset, f=form, v=value: struct.pack_into(f, block, o, v))
                self.run_tool(paths, f"{name} = {value:#x}")
                for path, at, raw in kept:
                    with open(path, "r+b") as image:
                        image.seek(at)
                        image.write(raw)

    def test_tree_blocks(self):
        """Random fields of random tree blocks, sealed again in every copy."""
        for shape in SHAPES:
            paths = harness.by_devid(self.copy(shape, shape))
            volume = truth.Volume(fixtures.SHAPES[shape].images())
            dice = random.Random(shape)
            by_owner = {}
            for block in volume.blocks.values():
                by_owner.setdefault(block.owner, []).append(block.logical)
            for number in range(ROUNDS):
                owner = dice.choice(sorted(by_owner))
                block = dice.choice(sorted(by_owner[owner]))
                places = volume.chunk_of(block).copies(block)
                good = truth.read_at(paths[places[0][0]], places[0][1], volume.nodesize)
                bad, what = self.mutate(dice, good)
                sealed = algebra.seal(volume.csum_kind, bytes(bad))
                self.overwrite(paths, places, sealed)
                self.run_tool(list(paths.values()), f"{shape} {number}: block {block} of {owner}: {what}")
                self.overwrite(paths, places, good)

    @staticmethod
    def overwrite(paths, places, content):
        for devid, physical in places:
            with open(paths[devid], "r+b") as image:
                image.seek(physical)
                image.write(content)

    @staticmethod
    def mutate(dice, good):
        """(changed block, what was changed): header fields, item headers, or bytes of items."""
        bad = bytearray(good)
        kind = dice.choice(("nritems", "level", "generation", "owner", "key", "item", "payload", "payload", "noise"))
        count = min(struct.unpack_from("<I", bad, 96)[0], 100)
        value = dice.choice(AWKWARD)
        if kind == "nritems":
            struct.pack_into("<I", bad, 96, value & 0xFFFFFFFF)
        elif kind == "level":
            bad[100] = value & 0xFF
        elif kind == "generation":
            struct.pack_into("<Q", bad, 80, value)
        elif kind == "owner":
            struct.pack_into("<Q", bad, 88, value)
        elif kind in ("key", "item") and count:
            at = 101 + dice.randrange(count) * (25 if bad[100] == 0 else 33)
            if kind == "key":
                struct.pack_into("<Q", bad, at + dice.choice((0, 9)), value)
            else:
                struct.pack_into("<I", bad, at + dice.choice((17, 21)), value & 0xFFFFFFFF)
        elif kind == "payload" and count:
            item = 101 + dice.randrange(count) * (25 if bad[100] == 0 else 33)
            if bad[100] == 0:
                offset, size = struct.unpack_from("<II", bad, item + 17)
                at = min(101 + offset + dice.randrange(max(1, min(size, 200))), len(bad) - 8)
            else:
                at = item + dice.choice((17, 25))
            struct.pack_into("<Q", bad, at, value)
            kind = f"payload at {at}"
        else:
            for _ in range(20):
                bad[dice.randrange(101, len(bad))] = dice.randrange(256)
        return bad, f"{kind}, {value:#x}"

    def test_random_files(self):
        """Noise, and noise behind a right superblock."""
        dice = random.Random("noise")
        source = fixtures.SHAPES["raid5x2-m-raid5"].images()
        for number in range(6):
            paths = []
            for i, image in enumerate(source):
                path = os.path.join(self.folder, f"noise{number}-{i}.img")
                with open(path, "wb") as out:
                    out.write(dice.randbytes(8 << 20))
                    out.truncate(160 << 20)
                    if number % 2:
                        out.seek(truth.SUPER_OFFSETS[0])
                        out.write(truth.read_at(image, truth.SUPER_OFFSETS[0], truth.SUPER_SIZE))
                paths.append(path)
            self.run_tool(paths, f"noise {number}")


if __name__ == "__main__":
    harness.main()
