#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The oracle itself: known answers of its algebra, and its model against real images, without the tool under test."""

import random
import unittest

import algebra
import fixtures
import harness
import truth


class Algebra(unittest.TestCase):
    def test_known_answers(self):
        zeros, digits = bytes(4096), b"123456789"
        self.assertEqual("8941f998", algebra.csum("crc32c", zeros).hex())
        self.assertEqual(0xE3069283, algebra.crc32c_plain(digits))
        self.assertEqual(0xAC869B6F32D8BBDB, algebra.xxh64_plain(zeros))
        self.assertEqual(0x8CB841DB40E6AE83, algebra.xxh64_plain(digits))
        self.assertEqual("ad7facb2", algebra.csum("sha256", zeros).hex()[:8])
        self.assertEqual("686ede92", algebra.csum("blake2", zeros).hex()[:8])
        self.assertEqual((b"\7", b"\x15"), (algebra.p_of([b"\1", b"\2", b"\4"]), algebra.q_of([b"\1", b"\2", b"\4"])))

    def test_libraries_agree_with_plain_code(self):
        data = random.Random(1).randbytes(5000)
        for size in (0, 1, 31, 32, 33, 100, 4064, 5000):
            self.assertEqual(algebra.crc32c_plain(data[:size]).to_bytes(4, "little"), algebra.csum("crc32c", data[:size]))
            self.assertEqual(algebra.xxh64_plain(data[:size]).to_bytes(8, "little"), algebra.csum("xxhash64", data[:size]))

    def test_every_pair_of_columns_comes_back(self):
        dice = random.Random(2)
        for width in range(1, 8):
            data = [dice.randbytes(64) for _ in range(width)]
            p, q = algebra.p_of(data), algebra.q_of(data)
            for a in range(width):
                self.assertEqual(data[a], algebra.solve_p(data, a, p))
                self.assertEqual(data[a], algebra.solve_q(data, a, q))
                for b in range(width):
                    if a != b:
                        self.assertEqual((data[a], data[b]), algebra.solve_pq(data, a, b, p, q))
                bad = list(data)
                bad[a] = dice.randbytes(64)
                where = algebra.located(algebra.xor(p, algebra.p_of(bad)), algebra.xor(q, algebra.q_of(bad)), width)
                self.assertEqual(a, where)


class Model(harness.Case):
    """dump-tree, geometry, checksums and parity fit together on real images."""

    def test_checksums(self):
        """Every data checksum of one shape per kind, and every tree block."""
        for name in ("raid5x2-m-raid5", "raid5x4-m-raid10-xxhash", "raid6x3-m-raid1c3-sha256", "raid6x4-m-raid6-blake2",
                     "raid5x4-converted", "raid6x5-everything"):
            with self.subTest(shape=name):
                paths = fixtures.SHAPES[name].images()
                volume = truth.Volume(paths)
                files = {devid: open(path, "rb") for devid, path in volume.path_of.items()}
                self.addCleanup(lambda files=files: [f.close() for f in files.values()])

                def read(place, size, files=files):
                    files[place[0]].seek(place[1])
                    return files[place[0]].read(size)

                for block in volume.blocks:
                    for place in volume.chunk_of(block).copies(block):
                        content = read(place, volume.nodesize)
                        self.assertTrue(content.startswith(algebra.csum(volume.csum_kind, content[32:])), place)
                checked = 0
                for logical, wanted in truth.stored_csums(paths):
                    for place in volume.chunk_of(logical).copies(logical):
                        self.assertEqual(wanted, algebra.csum(volume.csum_kind, read(place, volume.sectorsize)), logical)
                        checked += 1
                states = [volume.states[c.logical].count(truth.DATA) for c in volume.chunks if c.parity]
                self.assertGreaterEqual(checked, sum(states))

    def test_parity(self):
        """P and Q of every row that holds something written."""
        for name, recipe in fixtures.SHAPES.items():
            with self.subTest(shape=name):
                volume = truth.Volume(recipe.images())
                rows = sum(self._check_parity(volume, chunk) for chunk in volume.chunks if chunk.parity)
                self.assertTrue(rows or not any(chunk.parity for chunk in volume.chunks))

    def _check_parity(self, volume, chunk):
        size, per_strip = volume.sectorsize, truth.STRIP // volume.sectorsize
        states, stride, rows = volume.states[chunk.logical], per_strip * chunk.data_columns, 0
        files = {devid: open(volume.path_of[devid], "rb") for devid, _ in chunk.stripes}
        try:
            for full_stripe in range(chunk.rows_of_strips):
                part = states[full_stripe * stride:(full_stripe + 1) * stride]
                if not any(part):
                    continue
                self.assertNotIn(full_stripe, chunk.excluded)
                strips = []
                for column in range(chunk.width):
                    devid, physical = chunk.column(full_stripe, column)
                    files[devid].seek(physical)
                    strips.append(files[devid].read(truth.STRIP))
                data = strips[:chunk.data_columns]
                bad = [algebra.xor(algebra.p_of(data), strips[chunk.data_columns])]
                if chunk.parity == 2:
                    bad.append(algebra.xor(algebra.q_of(data), strips[-1]))
                for row in range(per_strip):
                    if set(part[row::per_strip]) & {truth.DATA, truth.TREE, truth.SILENT}:
                        rows += 1
                        for syndrome in bad:
                            self.assertFalse(any(syndrome[row * size:(row + 1) * size]), (chunk.logical, full_stripe, row))
        finally:
            for handle in files.values():
                handle.close()
        return rows


if __name__ == "__main__":
    harness.main()
