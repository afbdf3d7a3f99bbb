#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""inspect: the chunk map, a row column by column, and where a file lies, each against the truth."""

import json
import os
import random

import fixtures
import harness
import kernel
import planter
import tool
import truth

SHAPES = ("raid5x2-m-raid5", "raid6x6-unequal", "raid5x4-converted", "raid10-data", "raid6x3-m-raid1c3-sha256")


def inspect(paths, *options):
    """Lines of `inspect --format json`, and the exit status."""
    status, out, err = tool.plain("inspect", "--format", "json", *options, *paths)
    return [json.loads(line) for line in out.splitlines()], status, err


class Inspect(harness.Case):
    def test_chunk_map(self):
        for shape in SHAPES:
            with self.subTest(shape=shape):
                images = fixtures.SHAPES[shape].images()
                volume = truth.Volume(images)
                lines, status, _ = inspect(images)
                self.assertEqual(0, status)
                found = {line["logical"]: line for line in lines if line["type"] == "chunk"}
                self.assertEqual([c.logical for c in volume.chunks], sorted(found))
                for chunk in volume.chunks:
                    line = found[chunk.logical]
                    self.assertEqual((chunk.length, chunk.profile.lower()), (line["length"], line["profile"]))
                    self.assertEqual([(devid, offset, chunk.dev_length) for devid, offset in chunk.stripes],
                                     [(s["devid"], s["physical"], s["length"]) for s in line["stripes"]])
                    if chunk.parity:
                        self.assertEqual(sorted(chunk.excluded), sorted(line["without_parity"]))

    def test_rows(self):
        """Places of the columns of random rows, and what proves or refutes each, before and after damage."""
        shape = fixtures.SHAPES["raid6x5-m-raid1c4-n4k"]
        volume = truth.Volume(shape.images())
        damaged = harness.by_devid(shape.copy(self.folder))
        with planter.Planter(volume, damaged, random.Random("inspect")) as plants:
            rows = plants.dice.sample(plants.rows_by_class["data"], 6)
            for chunk, full_stripe, row in rows:
                logical = chunk.logical + full_stripe * chunk.data_columns * truth.STRIP + row * volume.sectorsize
                for hurt in (False, True):
                    if hurt:
                        plants.hit_row((chunk, full_stripe, row), [0], "random")
                    lines, status, err = inspect(list(damaged.values()), "--logical", str(logical))
                    self.assertEqual(0, status, err)
                    columns = [line for line in lines if line["type"] == "column"]
                    places = [chunk.column(full_stripe, c) for c in range(chunk.width)]
                    self.assertEqual([(devid, at + row * volume.sectorsize) for devid, at in places],
                                     [(c["devid"], c["physical"]) for c in columns])
                    self.assertEqual(["data"] * chunk.data_columns + ["P", "Q"], [c["role"] for c in columns])
                    self.assertEqual("refuted" if hurt else "proven", columns[0]["state"])
                    self.assertEqual({"proven"}, {c["state"] for c in columns[1:chunk.data_columns]})

    def test_files(self):
        """The bytes at the places that --file names are the file's bytes, as the kernel reads them."""
        for name in ("raid5x4-m-raid10-xxhash", "raid6x6-m-raid6-n32k"):
            images = fixtures.SHAPES[name].images()
            path_of = harness.by_devid(images)
            for path in ("large", "middle1", "dir3/link-to-large", "sparse"):
                with self.subTest(shape=name, path=path):
                    with kernel.attached(images, read_only=True) as loops, kernel.mounted(loops, ["ro"]) as where:
                        with open(os.path.join(where, path), "rb") as file:
                            content = file.read()
                    lines, status, err = inspect(images, "--file", "/" + path)
                    self.assertEqual(0, status, err)
                    read = bytearray(len(content))
                    for extent in (line for line in lines if line["type"] == "extent"):
                        begin, got = extent["disk_logical"] + extent["offset"], 0
                        for place in extent["places"]:
                            at = extent["file_offset"] + place["logical"] - begin
                            piece = truth.read_at(path_of[place["devid"]], place["physical"], place["length"])
                            read[at:at + len(piece)] = piece[:max(0, len(content) - at)]
                            got += place["length"]
                        self.assertEqual(extent["length"], got)
                    self.assertEqual(content, bytes(read))

    def test_nothing_there(self):
        images = fixtures.SHAPES["raid5x2-m-raid5"].images()
        self.assert_refused(["inspect", "--file", "/no/such/file", *images], 8, "no such file")
        self.assert_refused(["inspect", "--logical", "999999999999999", *images], 8)
        self.assert_refused(["inspect", "--logical", "abc", *images], 16)


if __name__ == "__main__":
    harness.main()
