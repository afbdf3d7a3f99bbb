# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds a report against the truth of the undamaged images: every line of it, and the counts of the summary.

Each function returns sentences that say what is wrong; none when all agrees.
"""

import collections
import uuid

import algebra
import truth
from truth import DATA, FREE, PREALLOC, SILENT, TREE, UNREF

CHECKSUM_NAMES = {"blake2": "blake2b"}
SILENT_STATES = (SILENT, PREALLOC, UNREF)


def copies_of(chunk):
    return 1 if chunk.parity else truth.COPIES[chunk.profile]


def volume_line(volume, report):
    """Identity, sizes and the chunk map."""
    want = {"fsid": str(uuid.UUID(bytes=volume.fsid)), "checksum": CHECKSUM_NAMES.get(volume.csum_kind, volume.csum_kind),
            "sectorsize": volume.sectorsize, "nodesize": volume.nodesize, "generation": volume.generation}
    wrong = [f"volume {k} is {report.volume[k]}, not {v}" for k, v in want.items() if report.volume[k] != v]
    sums = collections.Counter()
    for chunk in volume.chunks:
        kind = "+".join(k.lower() for k in chunk.kinds)
        sums[kind, chunk.profile.lower(), chunk.width, "count"] += 1
        sums[kind, chunk.profile.lower(), chunk.width, "length"] += chunk.length
    found = collections.Counter()
    for line in report.volume["chunks"]:
        for what in ("count", "length"):
            found[line["kind"], line["profile"], line["devices"], what] += line[what]
    if found != sums:
        wrong.append(f"chunks {dict(found)}, not {dict(sums)}")
    return wrong


def device_lines(volume, report, states, paths):
    """states: {devid: state} of those that are not `present`; paths: {devid: as named on the command line}."""
    wrong = []
    if [d["devid"] for d in report.devices] != sorted(volume.total_bytes):
        wrong.append(f"devices {[d['devid'] for d in report.devices]}")
    for line in report.devices:
        devid = line["devid"]
        known = volume.super_of.get(devid)
        want = {"state": states.get(devid, "present"), "path": paths.get(devid),
            "total_bytes": volume.total_bytes[devid], "seed": False}
        if known and devid in paths:
            want["uuid"] = str(uuid.UUID(bytes=known.uuid))
            want["generation"] = known.generation
            want["behind"] = volume.generation - known.generation or None
        wrong += [f"device {devid}: {k} is {line.get(k)!r}, not {v!r}" for k, v in want.items()
                  if line.get(k) != v]
    return wrong


def rows_that_hold(volume):
    """[(chunk, full stripe, row, states of its data columns)] of raid5/6 rows that hold something and have parity."""
    per_strip = truth.STRIP // volume.sectorsize
    for chunk in volume.chunks:
        if not chunk.parity:
            continue
        table, stride = volume.states[chunk.logical], per_strip * chunk.data_columns
        for full_stripe in range(chunk.rows_of_strips):
            part = table[full_stripe * stride:(full_stripe + 1) * stride]
            if full_stripe in chunk.excluded or not any(part):
                continue
            for row in range(per_strip):
                states = part[row::per_strip]
                if any(states):
                    yield chunk, full_stripe, row, states


def byte_counts(volume, findings, absent=()):
    """What the summary counts as verified, silent and checked, given what is damaged (findings) or not there (absent)."""
    size, counts = volume.sectorsize, collections.Counter()
    bad_blocks = set()
    for (devid, physical), finding in findings.items():
        if finding.logical is None or finding.role not in ("data", "tree") or devid in absent:
            continue
        state = volume.state(finding.logical)
        if state == TREE:
            block = volume.tree_block_at(finding.logical)
            places = volume.chunk_of(block).copies(finding.logical)
            bad_blocks.add((block, places.index((devid, physical))))
        elif state == DATA:
            counts["data_bytes_verified"] -= size
        elif finding.cause == "unreadable":
            counts["no_checksum_bytes"] -= size
    for chunk in volume.chunks:
        for i, state in enumerate(volume.states[chunk.logical]):
            if state == FREE:
                continue
            logical = chunk.logical + i * size
            there = sum(devid not in absent for devid, _ in chunk.copies(logical)[:copies_of(chunk)])
            if state == DATA:
                counts["data_bytes_verified"] += size * there
            elif state == TREE:
                counts["tree_bytes_verified"] += size * there
            else:
                counts["no_checksum_bytes"] += size * there
    counts["tree_bytes_verified"] -= len(bad_blocks) * volume.nodesize
    counts["rows_checked"] = sum(any(s in (DATA, TREE, SILENT) for s in states) for *_, states in rows_that_hold(volume))
    return counts


def summary_counts(report, counts, names=("data_bytes_verified",
    "tree_bytes_verified", "no_checksum_bytes", "rows_checked")):
    return summary_is(report, {name: counts[name] for name in names})


def summary_is(report, want):
    """Fields of the summary that are not what they should be."""
    return [f"summary {name} is {report.summary[name]}, not {value}" for name, value in want.items()
            if report.summary[name] != value]


def chunk_events(volume, report, absent, cause):
    """One event for each chunk of each absent or doubted device, repairable where the profile bears it, and then, of a
    missing one, with how many more losses the chunk bears."""
    wanted = {}
    for chunk in volume.chunks:
        for devid, offset in chunk.stripes:
            if devid in absent:
                role = "data" if "DATA" in chunk.kinds else "tree"
                further = chunk.bears_further(absent) if cause == "missing" and chunk.bears(absent) else None
                wanted[devid, offset] = (chunk.dev_length, chunk.bears(absent), role, chunk.logical, further)
    events = report.device_events((cause,))
    found = {(e["devid"], e["physical"]): (e["length"], e["repairable"], e["role"], e["chunk"], e.get("further_losses"))
             for e in events}
    wrong = [f"chunk event {place} is {found.get(place)}, not {want}" for place, want in wanted.items()
             if found.get(place) != want]
    return wrong + [f"invented chunk event {place}" for place in found if place not in wanted]


def doubted_device(volume, paths, devid):
    """What a repair would write to a device that is present but not believed, all others being right.

    Every sector of it in a row or mirror that holds something is made anew from the others; those that differ count.
    Returns counts: repairable_sectors, unproven_sectors (silent and free ones), p_mismatches, q_mismatches, and the bytes that are
    proven there as they stand.
    """
    counts, size = collections.Counter(), volume.sectorsize
    bad_blocks = set()

    def sector(place):
        return truth.read_at(paths[place[0]], place[1], size)

    def junk_free(logical, content):
        """The unused end of a tree block's checksum field proves nothing and is proven by nothing."""
        if volume.tree_block_at(logical) != logical:
            return content
        used = algebra.CSUM_SIZE[volume.csum_kind]
        return content[:used] + bytes(32 - used) + content[32:]

    for chunk, full_stripe, row, states in rows_that_hold(volume):
        written = any(s in (DATA, TREE, SILENT) for s in states)
        places = [chunk.column(full_stripe, c) for c in range(chunk.width)]
        places = [(d, p + row * size) for d, p in places]
        if devid not in [d for d, _ in places]:
            continue
        column = [d for d, _ in places].index(devid)
        found = [sector(place) for place in places]
        data = found[:chunk.data_columns]
        if column < chunk.data_columns:
            right = algebra.solve_p(data, column, found[chunk.data_columns])
            logical = chunk.logical + (full_stripe * chunk.data_columns + column) * truth.STRIP + row * size
            differs = right != found[column]
            if states[column] == TREE:
                differs = junk_free(logical, right) != junk_free(logical, found[column])
                if differs:
                    bad_blocks.add((volume.tree_block_at(logical), 0))
            elif states[column] == DATA:
                counts["data_bytes_verified"] -= size * differs
                counts["corrupt_data_sectors"] += differs
            else:
                if not written:
                    continue  # parity was never computed here
                counts["unproven_sectors"] += differs
            counts["repairable_sectors"] += differs
        elif written:
            made = algebra.p_of(data) if column == chunk.data_columns else algebra.q_of(data)
            differs = made != found[column]
            counts["repairable_sectors"] += differs
            counts["p_mismatches" if column == chunk.data_columns else "q_mismatches"] += differs
    for chunk in volume.chunks:
        if chunk.parity:
            continue
        for logical in volume.sectors(chunk, (DATA, TREE, SILENT)):
            places = chunk.copies(logical)[:copies_of(chunk)]
            mine = [(m, p) for m, p in enumerate(places) if p[0] == devid]
            other = next(p for p in places if p[0] != devid)
            for m, place in mine:
                a, b = sector(place), sector(other)
                tree = volume.state(logical) == TREE
                if (junk_free(logical, a) != junk_free(logical, b)) if tree else a != b:
                    counts["repairable_sectors"] += 1
                    if tree:
                        bad_blocks.add((volume.tree_block_at(logical), m))
                    elif volume.state(logical) == DATA:
                        counts["data_bytes_verified"] -= size
                        counts["corrupt_data_sectors"] += 1
                    else:
                        counts["unproven_sectors"] += 1
    counts["corrupt_tree_blocks"] = len(bad_blocks)
    counts["tree_bytes_verified"] -= len(bad_blocks) * volume.nodesize
    return counts
