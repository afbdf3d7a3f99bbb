# SPDX-License-Identifier: GPL-2.0-or-later
"""The golden images: what each is, how it is damaged, what must be reported and why.

A case names its base (bases.py), plants its damage and says what the report must be.  Most leave the latter to the judge
of tests/system, which works it out from the undamaged bytes by the rules of truth; the others say it themselves.
"""

import dataclasses
import os
import re
import struct

import bases
import judge
import kernel
import proof
import supers
import truth
from truth import DATA, FREE, PREALLOC, SILENT, TREE, UNREF

CASES = {}


@dataclasses.dataclass
class Case:
    name: str
    base: str
    what: str  # what it is; ends the first paragraph of its README
    why: str  # what must be reported, and by which reasoning
    damage: object = None  # function of a Plan
    check: object = None  # function of (Plan, Report): sentences of what is wrong; None: the judge decides
    options: tuple = ()
    left_out: tuple = ()  # devids not given to the command
    refused: str = ""  # what stderr must say, where the command must refuse with exit status 8


def case(name, base, what, why="", **more):
    """Registers a case; as a decorator its function plants the damage."""
    CASES[name] = Case(name, base, what, why, **more)

    def register(function):
        CASES[name].damage = function
        return function
    return register


CLEAN = ("`clean`, exit status 0, no damage. Data, silent and tree bytes are what the kernel's scrub counts on a "
         "copy, and rows, devices and chunks are what `btrfs inspect-internal dump-tree` tells.")

case("001-demo-clean", "demo", "The clean one of the demo pair: raid6 on four devices, data and metadata", CLEAN)
case("002-raid5x2-sha256-clean", "raid5x2", "raid5 on two devices, where P is a copy of the data; sha256", CLEAN)
case("003-raid5x3-bgt-clean", "raid5x3-bgt",
     "raid5 on three devices with metadata raid1c3 and the block-group tree", CLEAN)
case("004-raid6x5-bgt-clean", "raid6x5-bgt", "raid6 on five devices with the block-group tree", CLEAN)
case("005-raid6x3-blake2b-clean", "raid6x3", "raid6 on three devices, where P and Q are copies of the data; "
                                             "blake2b; metadata raid1c3", CLEAN)
case("006-raid6x4-sector16k-clean", "sector16k", "Sectors of 16 KiB, raid6 on four devices, no files: four rows a "
                                                 "strip, a tree block a row",
     "`clean`, exit status 0, no damage. The kernel of most machines cannot mount it; rows, devices and chunks are "
     "what `btrfs inspect-internal dump-tree` tells.")
case("007-raid5x3-mixed-clean", "raid5x3-mixed", "Mixed groups: data and tree blocks side by side in raid5 chunks "
                                                 "on three devices", CLEAN)
case("008-raid6x4-log-clean", "raid6x4-log", "A log tree, as a crash after fsync leaves it: raid6 on four devices",
     "`clean`, exit status 0, no damage. Superblock copies 1 have no log root and are right so. Blocks, extents and "
     "checksums of the log, which are in no other tree, are counted with the rest.")
case("009-raid5x4-xxhash-clean", "raid5x4", "raid5 on four devices with metadata raid10; xxhash64", CLEAN)
case("010-raid6x6-clean", "raid6x6", "raid6 on six devices, nodes of 32 KiB", CLEAN)


@case("100-demo-damaged", "demo",
      "The damaged one of the demo pair: the file system of 001-demo-clean, with damaged data, parity, a superblock "
      "copy and a tree block. The kernel refuses to mount it",
      "Everything is repairable, exit status 1. The kernel tries one choice of columns for a whole tree block and "
      "fails on the root of the tree of roots; row by row the block comes back, proven by its checksum. The two "
      "zeroed sectors stand in neighbouring rows of one column and are one event.")
def demo(plan):
    plan.hit_row(plan.free_row("data"), [1], "bit")
    plan.hit_row(plan.free_row("data"), [0], "torn")
    for key in plan.free_row("data", 2):
        plan.hit_row(key, [1], "zeros")
    key = plan.free_row("data")
    plan.hit_row(key, [0, 1], "foreign")
    plan.hit_row(plan.free_row("data"), [2], "head")
    plan.hit_row(plan.free_row("gaps"), [3], "torn")
    plan.hit_super(2, 1, "torn")
    plan.hurt_block_crosswise(plan.root("ROOT_TREE"), "root of the tree of roots")


@case("101-raid5x2-damaged", "raid5x2", "raid5 on two devices: data or P of a row hurt, never both",
      "Everything is repairable, exit status 1: each damaged sector has its other copy, and the checksum proves "
      "which is right. P is damaged where the data are proven: stale parity.")
def raid5x2(plan):
    plan.hit_row(plan.free_row("data"), [0], "torn")
    plan.hit_row(plan.free_row("data"), [1], "bit")
    for key in plan.free_row("data", 3):
        plan.hit_row(key, [0], "zeros")
    block = plan.blocks("FS_TREE", 0)[0]
    plan.note(f"a leaf of the file tree, logical {block}, in two of its rows:")
    (first, column), _, (third, _), *_ = plan.plants.block_rows(block)
    plan.hit_row(first, [column], "head")
    plan.hit_row(third, [column], "torn")
    plan.hit_super(1, 0, "bit")


@case("102-raid5x4-beyond-tolerance", "raid5x4", "raid5 on four devices: two columns of some rows hurt, which is "
                                                 "more than raid5 bears; metadata raid10 with damaged copies",
      "Two data sectors hurt in one row: neither can be made from the other, both are lost, and the third sector of "
      "the row stays proven; its parity is not judged. One data sector and P hurt: the sector is lost. Tree blocks "
      "whose copies are hurt in different sectors come back from the whole sectors of both. Lost outweighs all: "
      "`unrepairable`, exit status 4.")
def raid5x4(plan):
    plan.hit_row(plan.free_row("data"), [0, 2], "torn")
    plan.hit_row(plan.free_row("data"), [1, 3], "torn")
    plan.hit_row(plan.free_row("data"), [1], "bit")
    plan.hit_row(plan.free_row("data"), [3], "zeros")
    block = plan.root("FS_TREE")
    plan.note(f"root of the file tree, logical {block}, one sector in each copy:")
    plan.hit_copy(block, 0, "torn")
    plan.hit_copy(block + 8192, 1, "torn")
    block = plan.root("CSUM_TREE")
    plan.note(f"root of the checksum tree, logical {block}, one copy:")
    for at in (0, 4096, 8192, 12288):
        plan.hit_copy(block + at, 1, "zeros")


@case("103-raid6x6-unmountable", "raid6x6", "raid6 on six devices with tree blocks hurt within tolerance in ways "
                                            "that the kernel cannot undo, so that it refuses to mount; a tree block "
                                            "that holds another one's bytes",
      "Everything is repairable, exit status 1. The block with foreign bytes has a right checksum: cause `header`, "
      "and only the sectors that differ are listed.")
def raid6x6(plan):
    plan.hurt_block_crosswise(plan.root("CHUNK_TREE"), "root of the chunk tree")
    plan.hurt_block_crosswise(plan.root("ROOT_TREE"), "root of the tree of roots")
    leaves = plan.blocks("FS_TREE", 0)
    plan.put_over(leaves[0], leaves[1])
    plan.hit_row(plan.free_row("data"), [0, 3], "torn")
    plan.hit_row(plan.free_row("data"), [2, 4], "bit")
    plan.hit_row(plan.free_row("data"), [4, 5], "torn")
    plan.hit_row(plan.free_row("gaps"), [1, 5], "zeros")


@case("104-raid6x3-two-of-three", "raid6x3", "raid6 on three devices: two of the three columns hurt; metadata "
                                             "raid1c3 with two of three copies hurt; superblock copies that are a "
                                             "generation behind, or of another place",
      "Everything is repairable, exit status 1: on three devices P and Q hold the same bytes as the data, so one of "
      "the three columns is enough.")
def raid6x3(plan):
    plan.hit_row(plan.free_row("data"), [0, 1], "torn")
    plan.hit_row(plan.free_row("data"), [0, 2], "zeros")
    plan.hit_row(plan.free_row("data"), [1, 2], "bit")
    plan.hit_row(plan.free_row("data"), [0], "head")
    block = plan.root("EXTENT_TREE")
    plan.note(f"root of the extent tree, logical {block}, two copies:")
    plan.hit_copy(block + 4096, 0, "torn")
    plan.hit_copy(block + 8192, 2, "torn")
    plan.hit_super(2, 1, "stale")
    plan.hit_super(3, 1, "header")


@case("105-raid6x4-beyond-tolerance", "demo", "raid6 on four devices, more columns of some rows hurt than raid6 "
                                              "bears; a tree block that is lost",
      "A data sector with P and Q hurt beside it is lost; where both data sectors and P are hurt both are lost. The "
      "block of the tree of UUIDs is lost as a whole: all its sectors are listed, though one is hurt. Other rows "
      "are as repairable as ever. `unrepairable`, exit status 4.")
def raid6x4(plan):
    plan.hit_row(plan.free_row("data"), [0, 2, 3], "torn")
    plan.hit_row(plan.free_row("data"), [0, 1, 2], "torn")
    plan.hit_row(plan.free_row("data"), [0, 1], "torn")
    plan.hit_row(plan.free_row("data"), [1, 3], "bit")
    block = plan.root("UUID_TREE")
    plan.note(f"the only block of the tree of UUIDs, logical {block}, in one row, with P and Q:")
    key, column = plan.plants.block_rows(block)[1]
    plan.hit_row(key, [column, 2, 3], "torn")


@case("106-raid6x4-silent", "demo", "raid6 on four devices, rows that hold data without checksums: a damaged silent "
                                    "column, a damaged P, a damaged Q, a damaged checksummed neighbour",
      "A damaged silent column looks like a write hole: ambiguous, never written, and the syndromes name its device "
      "as suspect with the number of bytes. Two damaged columns of silent rows name nobody. P alone or Q alone, "
      "singled out by the syndromes, is stale parity: repairable, proof `parity`. A checksummed sector in such a "
      "row is decided by its checksum. `undecided`, exit status 4.")
def raid6_silent(plan):
    both = lambda key: len(plan.columns(key, SILENT)) == 2
    beside = lambda key: plan.columns(key, SILENT) and plan.columns(key, DATA)
    plan.hit_row(plan.free_row("silent", accept=both), [1], "torn")
    plan.hit_row(plan.free_row("silent", accept=both), [0], "head")
    plan.hit_row(plan.free_row("silent", accept=both), [2], "torn")
    plan.hit_row(plan.free_row("silent", accept=both), [3], "bit")
    plan.hit_row(plan.free_row("silent", accept=both), [0, 1], "torn")
    key = plan.free_row("silent", accept=beside)
    plan.hit_row(key, plan.columns(key, DATA)[:1], "zeros")


@case("107-raid5x3-silent", "raid5x3-dup", "raid5 on three devices, rows that hold data without checksums: a "
                                           "damaged silent column, a damaged P; metadata dup with damaged copies",
      "raid5 cannot tell a damaged silent column from a stale P: both rows are ambiguous, one event on P each, "
      "without a suspect. A tree block with one bad copy of two is repairable. `undecided`, exit status 4.")
def raid5_silent(plan):
    both = lambda key: len(plan.columns(key, SILENT)) == 2
    beside = lambda key: plan.columns(key, SILENT) and plan.columns(key, DATA)
    plan.hit_row(plan.free_row("silent", accept=both), [0], "torn")
    plan.hit_row(plan.free_row("silent", accept=both), [2], "torn")
    key = plan.free_row("silent", accept=beside)
    plan.hit_row(key, plan.columns(key, DATA)[:1], "bit")
    block = plan.root("CSUM_TREE")
    plan.note(f"root of the checksum tree, logical {block}, first copy:")
    plan.hit_copy(block, 0, "zeros")
    block = plan.root("CHUNK_TREE")
    plan.note(f"root of the chunk tree, logical {block}, second copy:")
    plan.hit_copy(block + 12288, 1, "torn")


def missing_counts(plan, report, absent, findings):
    """Counts with devices missing: what is there is verified; silent and free sectors that are not come back unproven."""
    counts = proof.byte_counts(plan.volume, findings, absent)
    for chunk, full_stripe, row, states in proof.rows_that_hold(plan.volume):
        if chunk.bears(absent):
            for c in range(chunk.data_columns):
                gone = chunk.column(full_stripe, c)[0] in absent
                counts["unproven_sectors"] += gone and states[c] in (FREE, SILENT, PREALLOC, UNREF)
    for chunk in plan.volume.chunks:
        if not chunk.parity and chunk.bears(absent):
            for logical in plan.volume.sectors(chunk, (SILENT, PREALLOC, UNREF)):
                counts["unproven_sectors"] += sum(devid in absent for devid, _ in chunk.copies(logical))
    names = ("data_bytes_verified", "tree_bytes_verified", "no_checksum_bytes", "rows_checked", "unproven_sectors")
    return proof.summary_counts(report, counts, names)


def check_missing(plan, report):
    expected = plan.wanted((3,))
    wrong = judge.compare_places(expected, report, ignore=(3,))
    wrong += proof.volume_line(plan.volume, report)
    wrong += proof.device_lines(plan.volume, report, {3: "missing"}, plan.names(but=3))
    wrong += proof.chunk_events(plan.volume, report, (3,), "missing")
    wrong += missing_counts(plan, report, (3,), expected.findings)
    want = {"verdict": "repairable", "unreadable_sectors": 0, "unrepairable_sectors": 0, "ambiguous_rows": 0}
    want["repairable_sectors"] = sum(place[0] != 3 for place in expected.findings)
    return wrong + proof.summary_is(report, want)


@case("108-raid6x4-missing", "demo", "raid6 on four devices, the third not given, and damage on the others",
      "The missing device is its `device` line and one event for each of its chunks, which bear one more loss. A row "
      "bears one damaged column besides. Its sectors count neither as unreadable nor as repairable (a rebuild, not a "
      "repair, would write them); silent and free ones come back unproven. `repairable`, exit status 1.",
      left_out=(3,), check=check_missing)
def missing(plan):
    def on_device(key, column, devid):
        return key[0].column(key[1], column)[0] == devid
    for wanted, kind in ((0, "torn"), (1, "bit"), (2, "torn"), (3, "zeros")):
        key = plan.free_row("data", accept=lambda k, w=wanted: not on_device(k, w, 3))
        plan.hit_row(key, [wanted], kind)
    plan.note("devid 3 is not given")


def check_two_missing(plan, report):
    wrong = proof.volume_line(plan.volume, report)
    wrong += proof.device_lines(plan.volume, report, {1: "missing", 3: "missing"}, {2: "d2.img"})
    wrong += proof.chunk_events(plan.volume, report, (1, 3), "missing")
    wrong += [f"named singly: {place}" for place in report.sectors()]
    lost = 0
    for chunk, full_stripe, row, states in proof.rows_that_hold(plan.volume):
        for c in range(chunk.data_columns):
            lost += chunk.column(full_stripe, c)[0] in (1, 3) and states[c] in (DATA, TREE, SILENT)
    want = {"verdict": "unrepairable", "unreadable_sectors": 0, "repairable_sectors": 0, "unrepairable_sectors": lost}
    wrong += proof.summary_counts(report, proof.byte_counts(plan.volume, {}, (1, 3)),
                                  ("tree_bytes_verified", "data_bytes_verified", "no_checksum_bytes"))
    return wrong + proof.summary_is(report, want)


case("109-raid5x3-two-missing", "raid5x3-bgt", "raid5 on three devices, only the second given: two missing are more "
                                               "than raid5 bears, and metadata raid1c3 bears it",
     "Trees are read from the one copy that is left. The data chunk cannot be had back: its events say so, and each "
     "of its written sectors on the missing devices is lost (preallocated ones never written held nothing); chunks of "
     "raid1c3 can, and bear no further loss. What lies on the second device is proven as it stands. `unrepairable`, "
     "exit status 4.",
     left_out=(1, 3), check=check_two_missing)


def check_stale(plan, report):
    """The doubted device against the others, which are right."""
    wrong = proof.volume_line(plan.volume, report)
    wrong += proof.device_lines(plan.volume, report, {3: "stale"}, plan.names())
    wrong += proof.chunk_events(plan.volume, report, (3,), "stale")
    singly = report.sectors()
    places = [(3, offset) for offset in plan.volume.super_places(3)]
    wrong += [f"named singly: {place}" for place in singly if place not in places]
    wrong += [f"superblock {place} is not said to be stale" for place in places
              if place not in singly or singly[place].cause != "stale"]
    counts = proof.doubted_device(plan.volume, plan.paths, 3)
    counts.update(proof.byte_counts(plan.volume, {}))
    counts["repairable_sectors"] += len(places)
    counts["super_errors"] = len(places)
    names = ("data_bytes_verified", "tree_bytes_verified", "no_checksum_bytes",
        "rows_checked", "repairable_sectors", "unproven_sectors",
             "p_mismatches", "q_mismatches", "corrupt_data_sectors",
                 "corrupt_tree_blocks", "super_errors", "unrepairable_sectors",
             "ambiguous_rows", "unreadable_sectors")
    return wrong + proof.summary_counts(report, counts, names)


def degraded_session(plan):
    """Mounts without devid 3, writes, puts it back."""
    plan.close()
    left = [path for devid, path in sorted(plan.paths.items()) if devid != 3]
    with kernel.attached(left) as loops, kernel.mounted(loops, ("degraded", "commit=1")) as where:
        os.mkdir(f"{where}/while-degraded")
        for f in range(12):
            bases.write(f"{where}/while-degraded", f"degraded{f:02}", 15000)
        bases.write(f"{where}/nocow", "silent", 40960, at=204800)
        bases.write(where, "large", 20000, at=100000)
        kernel.sync(where)
    plan.volume = truth.Volume(left)
    plan.volume.super_of[3] = truth.read_super(plan.paths[3])
    plan.note("devid 3 was left out of a degraded mount, in which files were written: new ones, a part of a "
              "checksummed one, a part of a nodatacow one in place")


CASES_STALE = ("Blocks and checksummed sectors newer than its superblock are refuted on devid 3: `stale`, a "
               "generation behind. It is an erasure but for what is proven there: one event for each of its chunks, "
               "and its superblock copies. `repairable_sectors` counts exactly the sectors of devid 3 that differ "
               "from what the others give, in rows that hold something; the silent ones among them, whose old bytes "
               "look as good as any, are `unproven_sectors`. Nothing is said of the other devices. `repairable`, "
               "exit status 1.")
case("110-raid6x4-stale", "raid6x4-n4k", "raid6 on four devices, the third of which missed writes; metadata raid1c4",
                                         CASES_STALE, check=check_stale)(degraded_session)


@case("111-raid5x4-truncated", "raid5x4", "raid5 on four devices, the second image shorter than the device was; "
                                          "metadata raid10",
      "What lies beyond the end is unreadable, sector by sector, in rows and mirrors that hold something: an "
      "erasure that raid5 and raid10 bear. stderr says which device is short. `repairable`, exit status 1.")
def truncated(plan):
    chunk = plan.data_chunk()
    held = [n for c, n, r, _ in proof.rows_that_hold(plan.volume) if c is chunk]
    offset = next(offset for devid, offset in chunk.stripes if devid == 2)
    plan.cut(2, offset + held[len(held) * 3 // 4] * truth.STRIP + 5 * plan.size)


def leaf_keys(plan, leaf):
    raw = plan.read_block(leaf)
    count, = struct.unpack_from("<I", raw, 96)
    return [struct.unpack_from("<QBQ", raw, 101 + 25 * i) for i in range(count)]


def check_lost_leaf(plan, report):
    leaf, key = plan.lost
    keys = leaf_keys(plan, leaf)
    wrong = proof.volume_line(plan.volume, report)
    found = report.sectors()
    places = [(devid, physical + at) for devid, physical in plan.volume.chunk_of(leaf).copies(leaf)
              for at in range(0, plan.volume.nodesize, plan.size)]
    for place in places:
        finding = found.pop(place, None)
        if finding is None or (finding.role, finding.cause, finding.repairable, finding.proof) != (
            "tree", "checksum", False, "none"):
            wrong.append(f"copy of the leaf at {place}: {finding}")
    touched = set(plan.plants.touched)
    for place in touched:
        finding = found.pop(place, None)
        if finding is None or finding.repairable is not True:
            wrong.append(f"planted at {place}: {finding}")
    wrong += [f"invented {place}: {finding}" for place, finding in found.items()]
    # The ranges must begin with the first extent of the leaf and end before the first extent of the next one; free space between
    # the two counts as unknown, since nobody can tell.
    first = keys[0][0]
    later = [e.logical for e in plan.volume.extents if e.logical > max(k[0] for k in keys)]
    unknown = [(u["logical"], u["logical"] + u["length"]) for u in report.unknown]
    if not unknown or min(a for a, _ in unknown) > first or max(b for _, b in unknown) > (min(later) if later else 1 << 64):
        wrong.append(f"unknown {unknown}, the leaf speaks for {first} to {min(later) if later else 'the end'}")
    for extent in plan.volume.extents:
        inside = any(a <= extent.logical < b for a, b in unknown)
        if inside != any(k[0] == extent.logical for k in keys if k[1] in (168, 169)):
            wrong.append(f"extent {extent.logical}: unknown is {inside}")
    if {u["cause"] for u in report.unknown} != {"extent-tree"}:
        wrong.append(f"causes {report.unknown}")
    want = {"verdict": "unrepairable", "corrupt_tree_blocks": 4,
        "unrepairable_sectors": 4 * plan.volume.nodesize // 4096,
            "repairable_sectors": len(touched), "ambiguous_rows": 0, "corrupt_data_sectors": len(touched)}
    return wrong + proof.summary_is(report, want)


@case("112-raid6x4-lost-extent-leaf", "raid6x4-n4k", "raid6 on four devices with nodes of 4 KiB: a leaf of the "
                                                     "extent tree overwritten in all four copies, and a damaged "
                                                     "data sector elsewhere",
      "The leaf is lost: every sector of every copy. Its range, from its first extent to the first extent of the "
      "next leaf, is `unknown`: whatever is in there is neither called damaged nor clean. What other leaves speak "
      "for is judged as ever. `unrepairable`, exit status 4.",
      check=check_lost_leaf)
def lost_extent_leaf(plan):
    leaves = [b for b in plan.blocks("EXTENT_TREE", 0)]
    chunk = plan.data_chunk()

    def data_extents(leaf):
        return [k for k in leaf_keys(plan, leaf) if k[1] == 168 and plan.volume.chunk_of(k[0]) is chunk]
    leaves = sorted((b for b in leaves if len(data_extents(b)) > 3), key=lambda b: leaf_keys(plan, b)[0])
    leaf = leaves[0]
    keys = leaf_keys(plan, leaf)
    low, high = keys[0][0] - 2 * truth.STRIP * 2, keys[-1][0] + 4 * truth.STRIP
    stride = chunk.data_columns * truth.STRIP
    key = plan.free_row("data",
                        accept=lambda k: k[0] is chunk and not low - stride < chunk.logical + k[1] * stride < high)
    plan.hit_row(key, [0], "torn")
    for copy in range(4):
        devid, physical = plan.volume.chunk_of(leaf).copies(leaf)[copy]
        plan.note(f"devid {devid} at {physical}: copy {copy} of a leaf of the extent tree, logical {leaf}: "
                  "overwritten with text")
    plan.overwrite_block(leaf, bases.text("lost leaf", plan.volume.nodesize))
    plan.lost = leaf, key


def wipe_magic(plan):
    plan.write((2, truth.SUPER_OFFSETS[0] + supers.MAGIC), bytes(8))
    plan.note("devid 2 at 65600: the magic of superblock copy 0, 8 bytes, is zero, as `wipefs` or `btrfs device "
              "remove` leave it")


case("113-raid5x2-removed-magic", "raid5x2", "raid5 on two devices; the superblock of the second lacks its magic "
                                             "and is right otherwise",
     "Such a device was removed on purpose: refused with one sentence, exit status 8; the report is its summary "
     "alone, `failed`.",
     refused="d2.img: its superblock lacks only the magic")(wipe_magic)


def check_distrusted(plan, report):
    wrong = proof.volume_line(plan.volume, report)
    wrong += proof.device_lines(plan.volume, report, {2: "distrusted"}, plan.names())
    wrong += proof.chunk_events(plan.volume, report, (2,), "distrusted")
    wrong += [f"invented {place}" for place in report.sectors() if place != (2, truth.SUPER_OFFSETS[0])]
    counts = proof.doubted_device(plan.volume, plan.paths, 2)
    counts.update(proof.byte_counts(plan.volume, {}))
    counts["repairable_sectors"] += 1
    counts["super_errors"] = 1
    names = ("data_bytes_verified", "tree_bytes_verified", "no_checksum_bytes",
        "rows_checked", "repairable_sectors", "unproven_sectors",
             "p_mismatches", "q_mismatches", "corrupt_data_sectors",
                 "corrupt_tree_blocks", "super_errors", "unrepairable_sectors")
    wrong += proof.summary_counts(report, counts, names)
    return wrong if report.summary["verdict"] == "repairable" else wrong + [report.summary["verdict"]]


case("114-raid5x2-removed-magic-distrusted", "raid5x2", "The file system of 113-raid5x2-removed-magic, its second "
                                                        "device named with `--distrust`",
     "The device counts where its bytes are proven, which is everywhere here; only the superblock copy would be "
     "written. One event for each chunk of the device says that it is distrusted. `repairable`, exit status 1.",
     options=("--distrust", "2"), check=check_distrusted)(wipe_magic)


@case("115-raid6x4-log-damaged", "raid6x4-log", "A log tree with damage in fsynced data and in a block of the log",
      "Checksums of fsynced data are in the log tree alone: damage there is found and repairable like any other. "
      "`repairable`, exit status 1.")
def log_damaged(plan):
    plan.volume.log_blocks.sort(key=lambda b: b.logical)
    used = set()
    for logical, length in sorted(plan.volume.log_extents.items()):
        if plan.volume.state(logical) != DATA or len(used) == 3:
            continue
        chunk = plan.volume.chunk_of(logical)
        full_stripe, rest = divmod(logical - chunk.logical, chunk.data_columns * truth.STRIP)
        key = (chunk, full_stripe, rest % truth.STRIP // plan.size)
        if key[1:] not in used:
            used.add(key[1:])
            plan.note(f"fsynced data at logical {logical}:")
            plan.hit_row(key, [rest // truth.STRIP], ("torn", "bit", "zeros")[len(used) - 1])
    block = plan.volume.log_blocks[-1].logical
    plan.note(f"a block of the log, logical {block}:")
    key, column = plan.plants.block_rows(block)[0]
    plan.hit_row(key, [column, 2], "torn")


def check_log_lost(plan, report):
    block = plan.volume.log_blocks[-1].logical
    wrong = proof.volume_line(plan.volume, report)
    found = report.sectors()
    for at in range(0, plan.volume.nodesize, plan.size):
        finding = found.pop(plan.volume.chunk_of(block).copies(block + at)[0], None)
        if finding is None or (finding.role, finding.repairable) != ("tree", False):
            wrong.append(f"log block {block} + {at}: {finding}")
    wrong += [f"invented {place}: {finding}" for place, finding in found.items()]
    if [u["cause"] for u in report.unknown] != ["log-tree"]:
        wrong.append(f"unknown: {report.unknown}")
    if report.summary["verdict"] not in ("unrepairable", "undecided"):
        wrong.append(report.summary["verdict"])
    return wrong


@case("116-raid6x4-log-lost", "raid6x4-log", "A log tree of which a block is lost: hurt in one row together with P "
                                             "and Q",
      "All sectors of the block are lost. What it spoke for lies in space that no other tree calls used: every free "
      "sector may be in use, said once with cause `log-tree`. The block itself is lost, which outweighs undecided: "
      "`unrepairable`, exit status 4.", check=check_log_lost)
def log_lost(plan):
    plan.volume.log_blocks.sort(key=lambda b: b.logical)
    block = plan.volume.log_blocks[-1].logical
    key, column = plan.plants.block_rows(block)[1]
    plan.note(f"a block of the log, logical {block}:")
    plan.hit_row(key, [column, 2, 3], "torn")


@case("117-raid5x3-mixed-damaged", "raid5x3-mixed", "Mixed groups on raid5: data, P and tree blocks hurt in one "
                                                    "chunk, rows that hold tree blocks and data side by side",
      "Tree blocks are told from data by the extent tree, never by their chunk. Everything is repairable, exit "
      "status 1.")
def mixed(plan):
    beside = lambda key: plan.columns(key, DATA) and plan.columns(key, TREE)
    key = plan.free_row("tree", accept=beside)
    plan.hit_row(key, plan.columns(key, DATA)[:1], "torn")
    key = plan.free_row("tree", accept=beside)
    plan.hit_row(key, plan.columns(key, TREE)[:1], "bit")
    key = plan.free_row("tree", accept=beside)
    plan.hit_row(key, [2], "torn")
    plan.hit_row(plan.free_row("data"), [1], "zeros")
    plan.hit_super(3, 1, "zeros")


@case("118-raid6x4-sector16k-damaged", "sector16k", "Sectors of 16 KiB, raid6 on four devices: tree blocks, P and Q "
                                                    "hurt",
      "A sector, thus each event, is 16 KiB long, a strip has four rows, and a tree block is one sector. Everything "
      "is repairable, exit status 1.")
def sector16k(plan):
    plan.note("root of the tree of roots, with P:")
    key, column = plan.plants.block_rows(plan.root("ROOT_TREE"))[0]
    plan.hit_row(key, [column, 2], "bit")
    plan.note("root of the chunk tree, with Q:")
    key, column = plan.plants.block_rows(plan.root("CHUNK_TREE"))[0]
    plan.hit_row(key, [column, 3], "head")
    for owner, columns in (("DEV_TREE", [2, 3]), ("FS_TREE", [3])):
        key, _ = plan.plants.block_rows(plan.root(owner))[0]
        if plan.plants._fresh(key):
            plan.note(f"parity beside the root of {owner.lower().replace('_', ' ')}:")
            plan.hit_row(key, columns, "head")


def check_csum_missing(plan, report):
    wrong = proof.volume_line(plan.volume, report)
    found = report.sectors()
    places = {plan.volume.chunk_of(at).copies(at)[0] for at in plan.silenced}
    wrong += [f"places differ: {sorted(set(found) ^ places)[:5]}"] if set(found) != places else []
    wrong += [f"{f}" for f in found.values() if (f.role, f.cause, f.repairable, f.proof) != (
        "data", "csum-missing", None, "none")]
    counts = proof.byte_counts(plan.volume, {})
    counts["data_bytes_verified"] -= len(plan.silenced) * plan.size
    wrong += proof.summary_counts(report, counts)
    want = {"verdict": "undecided", "repairable_sectors": 0,
        "unrepairable_sectors": 0, "corrupt_data_sectors": 0, "p_mismatches": 0, "q_mismatches": 0}
    return wrong + proof.summary_is(report, want)


@case("119-raid6x4-csum-missing", "raid6x4-n4k", "raid6 on four devices: the last item of a leaf of the checksum "
                                                 "tree is taken out, and the leaf sealed again in all copies",
      "The data that the item spoke for should have checksums and have none: `csum-missing`, undecided, neither "
      "proven nor damaged. Nothing else is said. `undecided`, exit status 4.", check=check_csum_missing)
def csum_missing(plan):
    leaf = plan.blocks("CSUM_TREE", 0)[0]
    raw = bytearray(plan.read_block(leaf))
    count, = struct.unpack_from("<I", raw, 96)
    start = leaf_keys(plan, leaf)[-1][2]
    size, = struct.unpack_from("<I", raw, 101 + 25 * (count - 1) + 21)
    sectors = size // 4
    struct.pack_into("<I", raw, 96, count - 1)
    plan.overwrite_block(leaf, plan.seal(raw))
    plan.silenced = [at for at in range(start, start + sectors * plan.size, plan.size)]
    plan.note(f"checksum leaf at logical {leaf}, all four copies: {count - 1} items instead of {count}; the last had "
              f"spoken for {sectors} sectors from logical {start}")


def check_silent_mirror(plan, report):
    wrong = proof.volume_line(plan.volume, report)
    found = report.sectors()
    want = {}
    for logical, copy, suspect in plan.chosen:
        places = plan.volume.chunk_of(logical).copies(logical)
        want[places[0]] = (suspect and places[copy][0], suspect)
    wrong += [f"places {sorted(found)}, not {sorted(want)}"] if set(found) != set(want) else []
    for place, finding in found.items():
        if (finding.role, finding.cause, finding.repairable, finding.proof) != ("data", "mirror", None, "none"):
            wrong.append(f"{place}: {finding}")
        if (finding.suspect_devid, finding.differing_bytes) != want.get(place):
            wrong.append(f"{place}: suspect {finding.suspect_devid} in {finding.differing_bytes} bytes, not "
                         f"{want.get(place)}")
    wrong += proof.summary_counts(report, proof.byte_counts(plan.volume, {}))
    summary = {"verdict": "undecided", "ambiguous_rows": len(plan.chosen), "repairable_sectors": 0}
    return wrong + proof.summary_is(report, summary)


@case("120-raid1c3-silent-mirror", "raid1c3", "No parity at all, data and metadata raid1c3: copies of data without "
                                              "checksums differ",
      "Nothing proves any of the copies: one event a sector, on its first copy, undecided. Where one copy stands "
      "alone against two, its device is named as suspect with the number of bytes; where all three differ nobody "
      "is. `undecided`, exit status 4.", check=check_silent_mirror)
def silent_mirror(plan):
    chunk = next(c for c in plan.volume.chunks if c.kinds == ["DATA"] and plan.volume.sectors(c, (SILENT,)))
    silent = plan.volume.sectors(chunk, (SILENT,))
    plan.chosen = []
    for logical, copies, kind in ((silent[3], (1,), "torn"), (silent[20], (0,), "bit"), (silent[40], (0, 2), "torn")):
        for copy in copies:
            devid, physical = chunk.copies(logical)[copy]
            before = truth.read_at(plan.paths[devid], physical, plan.size)
            plan.hit_copy(logical, copy, kind)
            after = truth.read_at(plan.paths[devid], physical, plan.size)
        differing = sum(a != b for a, b in zip(before, after))
        plan.chosen.append((logical, copies[0], differing if len(copies) == 1 else None))


def check_gathered(plan, report):
    expected = plan.wanted()
    wrong = judge.compare(expected, report) + proof.volume_line(plan.volume, report)
    wrong += proof.summary_counts(report, proof.byte_counts(plan.volume, expected.findings))
    return wrong if report.summary.get("suggest_distrust") == [3] else wrong + [
        f"suggests {report.summary.get('suggest_distrust')}"]


@case("121-raid6x4-one-bad-device", "demo", "raid6 on four devices, many data sectors hurt on the third, one on "
                                            "another",
      "Each is repairable by itself, exit status 1. Because refuted sectors gather on devid 3 the summary suggests "
      "`--distrust 3`.",
      check=check_gathered)
def gathered(plan):
    def on(devid):
        return lambda key: any(key[0].column(key[1], c)[0] == devid and plan.state(key, c) == DATA for c in range(2))
    for devid, count in ((3, 6), (3, 6), (3, 6), (3, 6), (1, 1)):
        run = plan.free_row("data", count, accept=on(devid))
        for key in run if count > 1 else [run]:
            column = next(c for c in range(2) if key[0].column(key[1], c)[0] == devid)
            plan.hit_row(key, [column], "zeros")


LABEL = b"caf\xe9 \\ \xe2\x82\xac \x1b[2J"


def check_label(plan, report):
    expected = plan.wanted()
    wrong = [f"damage {report.damage}"] if expected.findings or report.damage else []
    wrong += proof.volume_line(plan.volume, report) + proof.summary_counts(report, proof.byte_counts(plan.volume, {}))
    if report.volume.get("label_escaped") is not True:
        return wrong + ["the label is not said to be escaped"]
    raw = report.volume["label"].encode()
    plain = re.sub(rb"\\(x[0-9a-f]{2}|\\)", lambda m: b"\\" if m[1] == b"\\" else bytes([int(m[1][1:], 16)]), raw)
    return wrong if plain == LABEL else wrong + [f"label {raw} stands for {plain}"]


@case("122-raid5x2-label", "raid5x2", "A label that is not UTF-8 and holds a backslash, a euro sign and an escape "
                                      "sequence of terminals",
      "Its stray byte as `\\xe9`, its backslash doubled, `label_escaped`; the escape character as JSON writes it, "
      "and `\\x1b` in the text report. `clean`, exit status 0.", check=check_label)
def label(plan):
    for path in plan.paths.values():
        supers.edit(path, lambda block: block.__setitem__(slice(299, 299 + len(LABEL)), LABEL))
    plan.note("nothing is damaged; every superblock copy has a label of these bytes: " + LABEL.hex(" "))


def hit_beyond_search(plan, block):
    """Each of the eight rows hurt in the block's column and in P or Q, by turns: no choice of columns fits all rows,
    and the combinations of what each row may have been are more than are tried."""
    for at, (key, column) in enumerate(plan.plants.block_rows(block)):
        chunk = key[0]
        plan.hit_row(key, [column, chunk.data_columns + at % 2], "torn")
    plan.undecided = block


def check_undecided(plan, report):
    """Nothing is proven of the block, and nothing of what hangs on it is called lost."""
    copies = plan.volume.chunk_of(plan.undecided).copies(plan.undecided)
    places = {(devid, physical + at) for devid, physical in copies
              for at in range(0, plan.volume.nodesize, plan.size)}
    found = report.sectors()
    wrong = [f"places {sorted(set(found) ^ places)} of the block are not told, or others are"] if set(found) != places else []
    wrong += [f"{place}: {f}" for place, f in found.items()
              if (f.role, f.cause, f.repairable, f.proof) != ("tree", "checksum", None, "none")]
    unknown = [(u["logical"], u["logical"] + u["length"]) for u in report.unknown if u["cause"] != "root-tree"]
    wrong += [f"extent {e.logical} is not among the unknown" for e in plan.volume.extents
              if not any(a <= e.logical and e.logical + e.length <= b for a, b in unknown)]
    return wrong + proof.summary_is(report, {"verdict": "undecided", "exit_status": 4, "unrepairable_sectors": 0,
                                             "repairable_sectors": 0, "corrupt_data_sectors": 0})


@case("123-raid6x6-undecided-root", "raid6x6", "The root of the tree of roots, 32 KiB long, hurt in each of its eight "
                                               "rows in such a way that no search comes to an end",
      "The block is undecided, and so is everything that only it leads to: `unknown`, but not known to be lost. "
      "`undecided`, exit status 4.", check=check_undecided)
def undecided_root(plan):
    hit_beyond_search(plan, plan.root("ROOT_TREE"))


@case("124-raid6x6-undecided-chunks", "raid6x6", "The chunk tree's root, hurt like the root in 123: no chunk but those "
                                                 "of the superblock is known",
      "The chunk tree is undecided; the tree of roots, which no known chunk maps, is neither found nor lost, and so is "
      "everything that it leads to. `undecided`, exit status 4.", check=check_undecided)
def undecided_chunks(plan):
    hit_beyond_search(plan, plan.root("CHUNK_TREE"))
