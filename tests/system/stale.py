# SPDX-License-Identifier: GPL-2.0-or-later
"""Sets of which one device missed writes, made by the kernel's own degraded mounts."""

import os
import random

import algebra
import fixtures
import harness
import kernel
import truth

ATTEMPTS = 20


def stale_set(folder, absent):
    """A set whose device `absent` missed some writes: ({devid: path}, truth about the others).

    A loaded machine shows a fault of the kernel's own (seen in 6.18): now and then a degraded write to raid6 loses
    one of two columns written at once, parity included.  Such a set is really damaged; it is made again.
    """
    for attempt in range(ATTEMPTS):
        paths = harness.by_devid(fixtures.STALE_BASE.copy(os.path.join(folder, f"stale{absent}-{attempt}")))
        behind = truth.read_super(paths[absent]).generation
        _write_degraded(paths, absent)
        fresh = [path for devid, path in paths.items() if devid != absent]
        if truth.read_super(fresh[0]).generation <= behind:
            raise AssertionError("the degraded mount wrote nothing")
        volume = truth.Volume(fresh)
        if is_sound(volume, absent):
            return paths, volume
        print("the kernel lost data in a degraded write; once more", flush=True)
    raise AssertionError("the kernel lost data in every degraded mount")


def _write_degraded(paths, absent):
    """Mounts without one device and writes."""
    left = [path for devid, path in sorted(paths.items()) if devid != absent]
    with kernel.attached(left) as loops, kernel.mounted(loops, ["degraded"]) as where:
        _write_some(where)
        kernel.sync(where)


def _write_some(where):
    dice = random.Random("degraded")
    for f in range(30):
        with open(os.path.join(where, f"while-degraded{f}"), "wb") as out:
            out.write(dice.randbytes(dice.randrange(1, 200000)))
    with open(os.path.join(where, "nocow", "large"), "r+b") as out:
        for _ in range(40):
            out.seek(dice.randrange(3 << 8) * 4096)
            out.write(dice.randbytes(4096))


def is_sound(volume, absent=None):
    return not unsound(volume, absent)


def unsound(volume, absent=None):
    """Sentences about rows that hold something and are not whole: checksums that fail, parities that disagree."""
    csums = dict(truth.stored_csums(list(volume.path_of.values())))
    files = {devid: open(path, "rb") for devid, path in volume.path_of.items()}
    problems = []
    try:
        for chunk in volume.chunks:
            for full_stripe in range(chunk.rows_of_strips if chunk.parity else 0):
                problems.extend(_faults(volume, chunk, full_stripe, csums, absent, files))
    finally:
        for handle in files.values():
            handle.close()
    return problems


def _faults(volume, chunk, full_stripe, csums, absent, files):
    states, per_strip = volume.states[chunk.logical], truth.STRIP // volume.sectorsize
    first = full_stripe * chunk.data_columns
    held = states[first * per_strip:(first + chunk.data_columns) * per_strip]
    if not any(held):
        return []

    def strip(column):
        devid, physical = chunk.column(full_stripe, column)
        if devid == absent:
            return None
        files[devid].seek(physical)
        return files[devid].read(truth.STRIP)

    columns = [strip(column) for column in range(chunk.width)]
    data, p, q = columns[:-2], columns[-2], columns[-1]
    if None in data:
        data[data.index(None)] = algebra.solve_p(columns[:-2], data.index(None), p)
    where = f"chunk {chunk.logical}, full stripe {full_stripe}, which holds {sorted(set(held))}: "
    problems = []
    for name, found, wanted in (("P", p, algebra.p_of(data)), ("Q", q, algebra.q_of(data))):
        if found not in (None, wanted):
            rows = {at // volume.sectorsize for at in range(truth.STRIP) if found[at] != wanted[at]}
            rows = sorted(row for row in rows if any(held[row::per_strip]))
            problems.extend(where + f"{name} differs in row {row}" for row in rows)
    for c, content in enumerate(data):
        logical = chunk.logical + (first + c) * truth.STRIP
        for at in range(0, truth.STRIP, volume.sectorsize):
            wanted = csums[logical + at] if volume.state(logical + at) == truth.DATA else None
            if wanted not in (None, algebra.csum(volume.csum_kind, content[at:at + volume.sectorsize])):
                problems.append(where + f"data at {logical + at} has another checksum")
    return problems
