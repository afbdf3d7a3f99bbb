#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""inspect: the chunk map, what chunks bear of lost devices, a row column by column, and where a file lies, each against
the truth."""

import itertools
import json
import os
import random
import re

import fixtures
import harness
import kernel
import planter
import tool
import truth

SHAPES = ("raid5x2-m-raid5", "raid6x6-unequal", "raid5x4-converted", "raid10-data", "raid6x3-m-raid1c3-sha256")
# Devices that are left out: none, each, each pair, and more than anything bears.
BEARING = {"raid5x3-m-raid1": (1, 2, 3), "raid6x4-m-raid6-blake2": (1, 2, 3, 4), "raid6x3-m-raid1c3-sha256": (1, 2, 3),
           "raid10-data": (1, 2, 3, 4), "raid5x4-converted": (2, 5), "dup-one-device": ()}


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

    def check_bearing(self, chunks, paths, absent):
        """The fields of each chunk's line, the summary's, and the same as a table, against `chunks` of the truth."""
        left = [path for devid, path in paths.items() if devid not in absent]
        lines, status, err = inspect(left)
        self.assertEqual(0, status, err)
        found = {line["logical"]: line for line in lines if line["type"] == "chunk"}
        rows = []
        for chunk in chunks:
            devids = {devid for devid, _ in chunk.stripes}
            missing, further = sorted(devids & set(absent)), chunk.bears_further(absent)
            line = found.pop(chunk.logical)
            self.assertEqual((len(devids), missing, chunk.bears(absent), further),
                             (line["devices"], line["missing_devids"], line["survives"], line["further_losses"]), line)
            rows.append([str(chunk.logical), line["kind"], line["profile"], str(len(devids)),
                         " ".join(map(str, missing)) or "-", "yes" if chunk.bears(absent) else "LOST", str(further)])
        self.assertEqual({}, found)
        least = min(chunk.bears_further(absent) for chunk in chunks)
        self.assertEqual(least, lines[-1]["further_losses"])
        status, out, _ = tool.plain("inspect", *left)
        self.assertEqual(0, status)
        self.check_table(out.decode(), rows, least, sum(not chunk.bears(absent) for chunk in chunks))
        return least

    def check_table(self, text, rows, least, lost):
        """Every row has a line, in the order of the chunks, whose cells stand below their headings; then the sentence."""
        heading, *lines = text.split("\nChunks and lost devices\n")[1].splitlines()[:len(rows) + 2]
        sentence = lines.pop()
        # Of each column where it begins or, of numbers, ends: they are aligned there.
        edges = [re.search(rf"\b{name}\b", heading) for name in ("kind", "profile", "missing", "whole")]
        for line, row in zip(lines, rows, strict=True):
            logical, length, unit, kind, profile, devices, *missing, whole, further = line.split()
            self.assertEqual(row, [logical, kind, profile, devices, " ".join(missing), whole, further])
            self.assertRegex(f"{length} {unit}", r"^\d+(\.\d\d)? [KMGT]?i?B$")
            for edge, cell in zip(edges, (kind, profile, " ".join(missing), whole)):
                self.assertEqual(cell, line[edge.start():edge.start() + len(cell)], line)
            self.assertEqual(len(heading), len(line))
        bears = f"bears {least or 'no'} more lost device{'s' if least > 1 else ''}"
        why = f": {lost} chunk{' is' if lost == 1 else 's are'} LOST" if lost else ""
        self.assertEqual(f"  The file system as a whole {bears}{why}.", sentence)

    def test_what_chunks_bear(self):
        """With every choice of up to two devices missing, where the trees that tell the chunks can be had."""
        leasts = set()
        for shape, devids in BEARING.items():
            paths = harness.by_devid(fixtures.SHAPES[shape].images())
            chunks = truth.Volume(list(paths.values())).chunks
            for count in (0, 1, 2):
                for absent in itertools.combinations(devids, count):
                    if all(chunk.bears(absent) for chunk in chunks if "SYSTEM" in chunk.kinds):
                        with self.subTest(shape=shape, missing=absent):
                            leasts.add(self.check_bearing(chunks, paths, absent))
        self.assertEqual({0, 1, 2}, leasts)

    def test_history_of_degraded_mounts(self):
        """Chunks made while a device was away are narrower, have no part on it, and bear more once it is missing."""
        absent = 2
        paths = harness.by_devid(fixtures.SHAPES["raid6x5-m-raid1c4-n4k"].copy(self.folder))
        left = [path for devid, path in sorted(paths.items()) if devid != absent]
        with kernel.attached(left) as loops, kernel.mounted(loops, ["degraded"]) as where:
            kernel.run("btrfs", "balance", "start", "-dlimit=1", where)
            kernel.sync(where)
        chunks = truth.Volume(left).chunks
        data = [chunk for chunk in chunks if chunk.kinds == ["DATA"]]
        self.assertEqual({(4, 2), (5, 1)}, {(chunk.width, chunk.bears_further((absent,))) for chunk in data})
        self.check_bearing(chunks, paths, (absent,))
        self.check_bearing(chunks, paths, (1, absent))

    def test_not_all_chunks_known(self):
        """Without the chunk tree nothing is claimed of the file system as a whole."""
        paths = harness.by_devid(fixtures.SHAPES["raid5x4-converted"].copy(self.folder))
        volume = truth.Volume(list(paths.values()))
        root, = volume.roots("CHUNK_TREE")
        for devid, physical in volume.chunk_of(root).copies(root):
            with open(paths[devid], "r+b") as image:
                image.seek(physical)
                image.write(bytes(volume.nodesize))
        lines, status, err = inspect(list(paths.values()))
        self.assertEqual(0, status, err)
        self.assertIn("chunk-tree", [line["cause"] for line in lines if line["type"] == "unknown"])
        self.assertNotIn("further_losses", lines[-1])
        _, out, _ = tool.plain("inspect", *paths.values())
        self.assertIn(b"\n  How many more lost devices the file system as a whole bears is not known", out)

    def test_chunks_of_the_chunk_tree_lost(self):
        """Where the one chunk that is known is lost already no other can bear less."""
        paths = harness.by_devid(fixtures.SHAPES["raid6x4-m-raid6-blake2"].images())
        volume = truth.Volume(list(paths.values()))
        root, = volume.roots("CHUNK_TREE")
        (holds_the_root, _), = volume.chunk_of(root).copies(root)
        left = next(path for devid, path in paths.items() if devid != holds_the_root)
        lines, status, err = inspect([left])
        self.assertEqual(0, status, err)
        self.assertIn("chunk-tree", [line["cause"] for line in lines if line["type"] == "unknown"])
        self.assertEqual([False], [line["survives"] for line in lines if line["type"] == "chunk"])
        self.assertEqual(0, lines[-1]["further_losses"])
        _, out, _ = tool.plain("inspect", left)
        self.assertIn(b"\n  The file system as a whole bears no more lost device: 1 chunk is LOST.\n", out)

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
