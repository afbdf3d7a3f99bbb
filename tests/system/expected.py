# SPDX-License-Identifier: GPL-2.0-or-later
"""What images must hold after a repair, byte for byte: what is proven as it was, parity as it follows, nothing else."""

import algebra
import judge
from truth import SUPER_SIZE


class Wanted:
    """Writes into copies of the damaged images what a repair has to write; remembers the places."""

    def __init__(self, volume, before, target):
        """volume: the truth; before: {devid: path} of the whole images; target: of copies of the damaged ones."""
        self.volume, self.size = volume, volume.sectorsize
        self._before = {devid: open(path, "rb") for devid, path in before.items()}
        self._target = {devid: open(path, "r+b") for devid, path in target.items()}
        self.places = set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for handle in [*self._before.values(), *self._target.values()]:
            handle.close()

    def repaired(self, expectation):
        """All that a judge's Expectation calls repairable: data, trees and superblocks first, parity from them."""
        parity = []
        for place, finding in expectation.findings.items():
            if finding.repairable is not True:
                continue
            if finding.role in ("P", "Q"):
                parity.append((place, finding))
            else:
                self.restore(place, SUPER_SIZE if finding.role == "super" else self.size)
        for place, finding in parity:
            self.make_parity(place, finding.role, (self.volume.chunk_of(finding.chunk), finding.full_stripe, finding.row))

    def restore(self, place, length=None):
        """The bytes from before the damage."""
        self._write(place, self._read(self._before, place, length or self.size))

    def make_parity(self, place, role, key):
        """P or Q of a row as its data columns stand now."""
        chunk, full_stripe, row = key
        data = []
        for column in range(chunk.data_columns):
            devid, physical = chunk.column(full_stripe, column)
            data.append(self._read(self._target, (devid, physical + row * self.size), self.size))
        self._write(place, algebra.p_of(data) if role == "P" else algebra.q_of(data))

    def make_parities(self, key):
        """Those parities of a row that differ from what its data columns want."""
        chunk, full_stripe, row = key
        for column in range(chunk.data_columns, chunk.width):
            devid, physical = chunk.column(full_stripe, column)
            self.make_parity((devid, physical + row * self.size), "PQ"[column - chunk.data_columns], key)

    def _read(self, handles, place, length):
        handles[place[0]].seek(place[1])
        return handles[place[0]].read(length)

    def _write(self, place, content):
        if self._read(self._target, place, len(content)) == content:
            return
        handle = self._target[place[0]]
        handle.seek(place[1])
        handle.write(content)
        handle.flush()
        self.places.add(place)


def after_repair(volume, before, damaged, target, plants):
    """Makes `target`, copies of the damaged images, what a repair must leave: (the judge's Expectation, places written)."""
    expectation = judge.Judge(volume, before, damaged, plants.touched, supers=plants.supers).judge()
    with Wanted(volume, before, target) as wanted:
        wanted.repaired(expectation)
    return expectation, wanted.places
