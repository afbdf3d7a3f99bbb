#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows that hold nothing (scrub --free): those that differ are exactly those whose P or Q an own sum of the images says
are wrong, those that cannot be read exactly those that a map takes away; none of it is damage.

BTRFS_RAID56 names the program.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "golden"))
sys.path.insert(0, os.path.join(HERE, "..", "schema"))

import golden  # noqa: E402
import report_schema  # noqa: E402

STRIP = 65536
DOUBLED = bytes((x << 1 ^ (0x11D if x & 0x80 else 0)) & 0xFF for x in range(256))  # times g in GF(2^8)


class Chunk:
    """A chunk of raid5/6 as inspect tells it: full stripe n has data column c on stripe (c + n) modulo all of them, P
    and Q behind the data (FACTS 9)."""

    def __init__(self, line, sectorsize):
        self.start, self.full_stripes, self.parts = line["logical"], line["full_stripes"], line["stripes"]
        self.parities = {"raid5": 1, "raid6": 2}[line["profile"]]
        self.sectorsize = sectorsize

    def physical(self, stripe, row, column):
        """(devid, offset) of a row's sector."""
        part = self.parts[(column + stripe) % len(self.parts)]
        return part["devid"], part["physical"] + stripe * STRIP + row * self.sectorsize

    def differs(self, images, stripe, row):
        """Whether P, and whether Q, are not what the data columns give."""
        columns = []
        for column in range(len(self.parts)):
            devid, offset = self.physical(stripe, row, column)
            images[devid].seek(offset)
            columns.append(images[devid].read(self.sectorsize))
        data, parity = columns[:-self.parities], columns[-self.parities:]
        p, q = bytes(self.sectorsize), bytes(self.sectorsize)
        for column in reversed(data):
            p = xor(p, column)
            q = xor(q.translate(DOUBLED), column)
        return p != parity[0], self.parities > 1 and q != parity[1]


def xor(a, b):
    return (int.from_bytes(a, "little") ^ int.from_bytes(b, "little")).to_bytes(len(a), "little")


class FreeRows(unittest.TestCase):
    def unpack(self, name):
        """The golden image, and where its devices can be written."""
        image = golden.Golden(name)
        where = self.enterContext(image.unpacked())
        for path in os.listdir(where):
            os.chmod(os.path.join(where, path), 0o644)
        return image, where

    def scrub(self, image, where, *options):
        status, out, err = image.run(where, "--format", "json", "--free", *options)
        self.assertIn(status, (0, 1, 4), err)
        report_schema.check([json.loads(line) for line in out.decode().splitlines()])
        return status, golden.lines_of(out)

    def chunks(self, image, where, lines):
        sectorsize = next(line["sectorsize"] for line in lines if line["type"] == "volume")
        done = subprocess.run([golden.program(), "inspect", "--format", "json", *image.arguments[1:]], cwd=where,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        return [Chunk(line, sectorsize) for line in map(json.loads, done.stdout.splitlines())
                if line["type"] == "chunk" and line["profile"] in ("raid5", "raid6")]

    def devices(self, lines, where):
        """{devid: path}"""
        return {line["devid"]: os.path.join(where, line["path"]) for line in lines if line["type"] == "device"}

    @staticmethod
    def rows_of(lines):
        """{(chunk, full stripe, row): line} of lines that tell of rows."""
        return {(line["chunk"], line["full_stripe"], line["row"] + k): line
                for line in lines for k in range(line.get("rows", 1))}

    def test_those_that_differ(self):
        for seed, name in enumerate(("010-raid6x6-clean", "001-demo-clean", "002-raid5x2-sha256-clean",
                                     "006-raid6x4-sector16k-clean")):
            with self.subTest(image=name):
                image, where = self.unpack(name)
                status, clean = self.scrub(image, where)
                self.assertEqual(0, status)
                chunks, paths = self.chunks(image, where, clean), self.devices(clean, where)
                images = {devid: self.enterContext(open(path, "r+b")) for devid, path in paths.items()}
                chance = random.Random(seed)
                before = {row: line for row, line in self.rows_of(
                    line for line in clean if line["type"] == "free").items()}
                touched = set(before)
                for _ in range(60):
                    chunk = chance.choice(chunks)
                    stripe, row = chance.randrange(chunk.full_stripes), chance.randrange(STRIP // chunk.sectorsize)
                    column = chance.randrange(len(chunk.parts))
                    for k in range(chance.choice((1, 1, 2, 5))):  # some beside each other, to be told as one
                        if row + k == STRIP // chunk.sectorsize:
                            break
                        devid, offset = chunk.physical(stripe, row + k, column)
                        images[devid].seek(offset + chance.randrange(chunk.sectorsize))
                        images[devid].write(bytes([chance.randrange(1, 256)]))
                        touched.add((chunk.start, stripe, row + k))
                for file in images.values():
                    file.flush()
                _, lines = self.scrub(image, where)
                found = self.rows_of(line for line in lines if line["type"] == "free")
                damaged = {(line["chunk"], line["full_stripe"]) for line in lines
                           if line["type"] == "damage" and "full_stripe" in line}
                by_start = {chunk.start: chunk for chunk in chunks}
                expected = {}
                for start, stripe, row in touched:
                    differs = by_start[start].differs(images, stripe, row)
                    if any(differs):
                        expected[start, stripe, row] = differs
                # What is not free is damage or, preallocated or below a superblock, of no meaning.
                free = {row: differs for row, differs in expected.items() if row in found}
                self.assertGreater(len(free), 30)
                self.assertEqual(free, {row: (line["p_differs"], line["q_differs"]) for row, line in found.items()})
                supers = sum(not any((row[0], row[1]) == stripe for stripe in damaged)
                             for row in expected if row not in found)
                self.assertLessEqual(supers, 4, "rows that are neither told as free nor in a damaged full stripe")
                self.assertEqual(len(found), lines[-1]["free_rows_differing"])
                self.assertEqual(0, lines[-1]["free_rows_unreadable"])
                for count in ("rows_checked", "free_rows_checked"):
                    self.assertEqual(clean[-1][count], lines[-1][count])
                # Without it the same damage and the same verdict.
                _, out, _ = image.run(where, "--format", "json")
                plain = golden.lines_of(out)
                self.assertEqual([line for line in lines if line["type"] == "damage"],
                                 [line for line in plain if line["type"] == "damage"])
                self.assertEqual(plain[-1]["verdict"], lines[-1]["verdict"])
                self.assertFalse(any(field.startswith("free") for field in plain[-1]))
                self.shards(image, where, lines)

    def shards(self, image, where, whole):
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="btrfs-raid56-free-"))
        paths = []
        for number in (1, 2, 3):
            paths.append(os.path.join(folder, str(number)))
            with open(paths[-1], "wb") as report:
                report.write(image.run(where, "--format", "json", "--free", "--shard", f"{number}/3")[1])
        done = subprocess.run([golden.program(), "merge", "--format", "json", *paths], stdout=subprocess.PIPE, check=False)
        self.assertEqual(whole, golden.lines_of(done.stdout))
        with open(paths[1], "wb") as report:
            report.write(image.run(where, "--format", "json", "--shard", "2/3")[1])
        done = subprocess.run([golden.program(), "merge", "--format", "json", *paths], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, check=False)
        self.assertEqual(8, done.returncode)
        self.assertIn(b"another set of shards", done.stderr)

    def test_those_that_cannot_be_read(self):
        """Every row with a sector in a range that was not rescued, and not one more."""
        image, where = self.unpack("010-raid6x6-clean")
        _, clean = self.scrub(image, where)
        chunk = max(self.chunks(image, where, clean), key=lambda c: c.full_stripes)
        part = chunk.parts[2]
        begin, length = part["physical"] + 700 * STRIP + 5 * 4096, 2 * STRIP  # of nothing but free rows
        with open(os.path.join(where, "map"), "w", encoding="utf-8") as rescue:
            rescue.write(f"0x0 ? 1\n0x0 {begin:#x} +\n{begin:#x} {length:#x} -\n"
                         f"{begin + length:#x} {os.path.getsize(self.devices(clean, where)[part['devid']]):#x} +\n")
        path = next(line["path"] for line in clean if line["type"] == "device" and line["devid"] == part["devid"])
        status, lines = self.scrub(image, where, "--map", f"{path}=map")
        self.assertEqual(0, status, "no damage")
        found = [line for line in lines if line["type"] == "free"]
        self.assertEqual([(700, 5, 11), (701, 0, 16), (702, 0, 5)],
                         [(line["full_stripe"], line["row"], line["rows"]) for line in found])
        at = begin
        for line in found:
            self.assertEqual([{"devid": part["devid"], "physical": at, "length": line["rows"] * 4096}],
                             line["unreadable"])
            self.assertFalse(line["p_differs"] or line["q_differs"])
            at += line["rows"] * 4096
        self.assertEqual(32, lines[-1]["free_rows_unreadable"])
        self.assertEqual(clean[-1]["free_rows_checked"] - 32, lines[-1]["free_rows_checked"])

    def test_not_beside_a_device_that_is_missing(self):
        """Nothing can be said of rows that are not all here."""
        image = golden.Golden("108-raid6x4-missing")
        with image.unpacked() as where:
            _, lines = self.scrub(image, where)
            self.assertEqual(0, lines[-1]["free_rows_checked"])
            self.assertEqual([line for line in image.expected if line["type"] == "damage"],
                             [line for line in lines if line["type"] == "damage"])

    def test_for_people(self):
        """Counts, and a sentence where there is anything to say."""
        image, where = self.unpack("010-raid6x6-clean")
        text = image.run(where, "--free")[1].decode()
        self.assertRegex(text, r"free raid5/6 rows +\d+\n")
        self.assertNotIn("Free rows hold nothing", text)
        with open(os.path.join(where, "d3.img"), "r+b") as device:
            device.seek(90 << 20)
            device.write(b"x")
        status, out, _ = image.run(where, "--free")
        self.assertEqual(0, status)
        self.assertRegex(out.decode(), r"free rows whose parity does not fit +1\n")
        self.assertIn("Free rows hold nothing", out.decode())
        self.assertIn("\nCLEAN: ", out.decode())


if __name__ == "__main__":
    unittest.main(verbosity=2)
