# SPDX-License-Identifier: GPL-2.0-or-later
"""What must be reported: the rules of truth applied to images before and after damage.

The judge knows what every sector held (the images before), so it needs no checksum to tell good from bad: a sector
with a checksum, or a part of a tree block, is refuted exactly when its bytes differ from what was there (but for the
unused end of a tree block's checksum field, which proves nothing and is proven by nothing).  Allocated sectors without
a checksum that no file refers to any more count like never-written ones: nobody can read them.  It reaches the verdicts by computing
every reconstruction that parity allows and looking whether the old bytes are among them.
"""

import collections

import algebra
from tool import Finding
from truth import DATA, FREE, PROVABLE, SILENT, STRIP, TREE

ANY = "any"  # a field that the rules leave open


class Images:
    """Reads sectors of a set of image files; counts a place listed in `erased` as unreadable (None)."""

    def __init__(self, path_of, size, erased=(), absent=()):
        self._files = {devid: open(path, "rb") for devid, path in path_of.items()}
        self._size, self._erased, self._absent = size, erased, absent

    def sector(self, place):
        if place in self._erased or place[0] in self._absent:
            return None
        handle = self._files[place[0]]
        handle.seek(place[1])
        return handle.read(self._size)

    def close(self):
        for handle in self._files.values():
            handle.close()


class Expectation:
    """Findings by place, and the summary that follows from them."""

    def __init__(self, volume):
        self.volume = volume
        self.findings = {}
        self.counts = collections.Counter()
        self.lost_blocks = []  # tree blocks beyond repair: their contents are unknown to the tool

    def verdict(self):
        repairable = {finding.repairable for finding in self.findings.values()}
        if False in repairable:
            return "unrepairable", 4
        if None in repairable:
            return "undecided", 4
        return ("repairable", 1) if repairable else ("clean", 0)


class Judge:
    def __init__(self, volume, before, after, touched, erased=(), supers=(), absent=(), doubted=()):
        """volume: the truth; before, after: {devid: path}; touched: places (devid, physical) that were damaged;
        erased: places that cannot be read; supers: [(devid, offset, cause)] of damaged superblock copies; absent: devids that are not there, whose
        own findings mean nothing (compare_places leaves them out); doubted: devids that are stale or distrusted, of
        which only what is proven counts, and whose findings mean nothing either."""
        self.volume, self.size = volume, volume.sectorsize
        self.before = Images(before, self.size)
        self.after = Images(after, self.size, frozenset(erased), absent)
        self.touched = set(touched) | set(erased)
        self.supers, self.doubted = supers, doubted
        self.rows, self.mirrored = {}, set()
        self.result = Expectation(volume)

    def judge(self):
        """The Expectation: sort places into rows and mirrored sectors, decide tree blocks, then every row."""
        try:
            blocks = self._sort_places()
            self.block_ok = {block: self._tree_block(block) for block in sorted(blocks)}
            self._add_rows_of_lost_blocks()
            for key in sorted(self.rows):
                self._row(key)
            for logical in sorted(self.mirrored):
                self._mirrored_data(logical)
        finally:
            self.before.close()
            self.after.close()
        for devid, offset, cause in self.supers:
            self.result.findings[(devid, offset)] = Finding("super", cause, True, ANY, None, None, None, None, None, None)
            self.result.counts["super_errors"] += 1
        self._count()
        return self.result

    # --- places ---

    def _sort_places(self):
        blocks = set()
        for devid, physical in self.touched:
            for chunk in self.volume.chunks:
                if chunk.parity:
                    found = chunk.column_at(devid, physical)
                    if found:
                        full_stripe, _, rest = found
                        if full_stripe not in chunk.excluded:
                            self.rows[(chunk.logical, full_stripe, rest // self.size)] = chunk
                        break
                else:
                    logical = chunk.logical_at(devid, physical)
                    if logical is not None:
                        state = self.volume.state(logical)
                        if state == TREE:
                            blocks.add(self.volume.tree_block_at(logical))
                        elif state != FREE:
                            self.mirrored.add(logical)
                        break
        for (start, full_stripe, row), chunk in self.rows.items():
            for column in range(chunk.data_columns):
                logical = self._logical(chunk, full_stripe, row, column)
                if self.volume.state(logical) == TREE:
                    blocks.add(self.volume.tree_block_at(logical))
        return blocks

    def _logical(self, chunk, full_stripe, row, column):
        return chunk.logical + (full_stripe * chunk.data_columns + column) * STRIP + row * self.size

    def _add_rows_of_lost_blocks(self):
        for block, (ok, _) in self.block_ok.items():
            chunk = self.volume.chunk_of(block)
            if ok or not chunk.parity:
                continue
            for logical in range(block, block + self.volume.nodesize, self.size):
                full_stripe, rest = divmod(logical - chunk.logical, chunk.data_columns * STRIP)
                self.rows[(chunk.logical, full_stripe, rest % STRIP // self.size)] = chunk

    # --- tree blocks, each decided as a whole ---

    def _tree_block(self, block):
        """(whether it can be had, set of its places that differ)."""
        chunk = self.volume.chunk_of(block)
        return (self._tree_block_in_rows if chunk.parity else self._tree_block_mirrored)(chunk, block)

    def _tree_block_in_rows(self, chunk, block):
        differing, ok = set(), True
        for logical in range(block, block + self.volume.nodesize, self.size):
            place = chunk.copies(logical)[0]
            good, found = self.before.sector(place), self.after.sector(place)
            if found == good or self._only_junk_differs(block, logical, good, found):
                continue
            differing.add(place)
            full_stripe, rest = divmod(logical - chunk.logical, chunk.data_columns * STRIP)
            column = rest // STRIP
            if good not in self._candidates(chunk, full_stripe, rest % STRIP // self.size, column):
                ok = False
        return ok, differing

    def _tree_block_mirrored(self, chunk, block):
        """One copy at a time; copies may be mixed sector by sector."""
        sectors = list(range(block, block + self.volume.nodesize, self.size))
        copies = len(chunk.copies(block))
        bad = {}
        intact_somewhere = [False] * len(sectors)
        for i, logical in enumerate(sectors):
            for m, place in enumerate(chunk.copies(logical)):
                good, found = self.before.sector(place), self.after.sector(place)
                if found == good or self._only_junk_differs(block, logical, good, found):
                    intact_somewhere[i] = True
                else:
                    bad.setdefault(m, set()).add(i)
        ok = all(intact_somewhere)
        for m in range(copies):
            if m not in bad:
                continue
            for i in sorted(bad[m]) if ok else range(len(sectors)):
                place = chunk.copies(sectors[i])[m]
                cause = ANY if self.after.sector(place) is None else self._tree_cause(chunk, block, m)
                self._add(place, Finding("tree", cause, ok, "tree" if ok else "none", sectors[i], ANY, None, None, None, None))
            self.result.counts["corrupt_tree_blocks"] += 1
        if not ok:
            self.result.lost_blocks.append(block)
        return ok, set()

    def _only_junk_differs(self, block, logical, good, found):
        """Bytes between the checksum and byte 32 of a tree block mean nothing."""
        if logical != block or found is None:
            return False
        used = algebra.CSUM_SIZE[self.volume.csum_kind]
        return good[:used] == found[:used] and good[32:] == found[32:]

    def _tree_cause(self, chunk, block, copy=0):
        """`header` where the block as found has a right checksum, else `checksum`."""
        sectors = [self.after.sector(chunk.copies(logical)[copy])
                   for logical in range(block, block + self.volume.nodesize, self.size)]
        if None in sectors:
            return ANY
        found = b"".join(sectors)
        return "header" if found.startswith(algebra.csum(self.volume.csum_kind, found[32:])) else "checksum"

    # --- rows of raid5/6 ---

    def _read_row(self, chunk, full_stripe, row, images, believe_all=False):
        """(places, contents) of a row; on a doubted device only what is proven, unless all is believed."""
        places = []
        for column in range(chunk.width):
            devid, physical = chunk.column(full_stripe, column)
            places.append((devid, physical + row * self.size))
        content = [images.sector(place) for place in places]
        if images is self.after and not believe_all:
            for column, place in enumerate(places):
                if place[0] in self.doubted and not self._proven(chunk, full_stripe, row, column, place, content[column]):
                    content[column] = None
        return places, content

    def _proven(self, chunk, full_stripe, row, column, place, content):
        """Whether a sector as found proves itself."""
        if column >= chunk.data_columns or self.volume.state(self._logical(chunk, full_stripe, row, column)) not in PROVABLE:
            return False
        return content == self.before.sector(place)

    def _candidates(self, chunk, full_stripe, row, column):
        """Every reconstruction of one data column that the columns as found allow.

        Those of doubted devices too: what comes of them must prove itself anyhow.
        """
        _, found = self._read_row(chunk, full_stripe, row, self.after, believe_all=True)
        data, parity = found[:chunk.data_columns], found[chunk.data_columns:]
        lost = [c for c, block in enumerate(data) if block is None and c != column]
        p, q = parity[0], parity[1] if chunk.parity == 2 else None
        results = []
        if not lost and p is not None:
            results.append(algebra.solve_p(data, column, p))
        if not lost and q is not None:
            results.append(algebra.solve_q(data, column, q))
        if p is not None and q is not None and len(lost) <= 1:
            for other in lost or [c for c in range(len(data)) if c != column]:
                results.append(algebra.solve_pq(data, column, other, p, q)[0])
        return results

    def _row(self, key):
        start, full_stripe, row = key
        chunk = self.rows[key]
        where = {"chunk": start, "full_stripe": full_stripe, "row": row}
        logicals = [self._logical(chunk, full_stripe, row, c) for c in range(chunk.data_columns)]
        states = [self.volume.state(logical) for logical in logicals]
        if all(state == FREE for state in states):
            return
        places, found = self._read_row(chunk, full_stripe, row, self.after)
        _, good = self._read_row(chunk, full_stripe, row, self.before)
        data = list(found[:chunk.data_columns])
        undone = False
        for c, state in enumerate(states):
            if state not in PROVABLE:
                continue
            fixed, content = self._provable(chunk, key, c, state, logicals[c], places[c], good[c], found[c], where)
            undone |= not fixed
            data[c] = content
        erased = [c for c, block in enumerate(data) if block is None and states[c] not in PROVABLE]
        if erased:
            undone |= not self._erased_columns(chunk, data, erased, states, logicals, places, found, undone, where)
        rebuilt = bool(erased) and not undone
        if undone:
            for c in range(chunk.data_columns, chunk.width):
                if found[c] is None:
                    self._add(places[c], self._finding("P" if c == chunk.data_columns else "Q", "unreadable", ANY, ANY, None, where))
            return
        self._parity(chunk, data, states, places, found, rebuilt, where)

    def _provable(self, chunk, key, column, state, logical, place, good, found, where):
        """(whether the sector is proven once put right, its bytes then)."""
        cause = "unreadable" if found is None else "checksum"
        if state == DATA:
            if found == good:
                return True, good
            ok = good in self._candidates(chunk, key[1], key[2], column)
            self._add(place, self._finding("data", cause, ok, "checksum" if ok else "none", logical, where))
            if found is not None:
                self.result.counts["corrupt_data_sectors"] += 1
            return ok, good
        block = self.volume.tree_block_at(logical)
        ok, differing = self.block_ok[block]
        if found is not None and differing:
            cause = self._tree_cause(chunk, block)
        if not ok or place in differing:
            self._add(place, self._finding("tree", cause, ok, "tree" if ok else "none", logical, where))
        if (not ok or differing) and block not in self._counted_blocks():
            self._counted_blocks().add(block)
            self.result.counts["corrupt_tree_blocks"] += 1
            if not ok:
                self.result.lost_blocks.append(block)
        junk_only = found is not None and place not in differing
        return ok, found if junk_only else good

    def _counted_blocks(self):
        if not hasattr(self, "_counted"):
            self._counted = set()
        return self._counted

    def _erased_columns(self, chunk, data, erased, states, logicals, places, found, undone, where):
        """Unreadable silent and free sectors: from parity, with nothing to prove them.  True when all come back."""
        p = found[chunk.data_columns]
        q = found[chunk.data_columns + 1] if chunk.parity == 2 else None
        kept = [block if block is not None else b"" for block in data]
        ok = False
        if not undone:
            if len(erased) == 1 and p is not None:
                data[erased[0]] = algebra.solve_p(kept, erased[0], p)
                ok = True
            elif len(erased) == 1 and q is not None:
                data[erased[0]] = algebra.solve_q(kept, erased[0], q)
                ok = True
            elif len(erased) == 2 and p is not None and q is not None:
                data[erased[0]], data[erased[1]] = algebra.solve_pq(kept, *erased, p, q)
                ok = True
        for c in erased:
            free = states[c] == FREE
            self._add(places[c], self._finding("free" if free else "data", "unreadable", ok, "none",
                                               ANY if free else logicals[c], where))
            self.result.counts["unproven_sectors"] += ok
        return ok

    def _parity(self, chunk, data, states, places, found, rebuilt, where):
        """P and Q against the row as it stands once its proven sectors are right."""
        provable = [s for s in states if s in PROVABLE]
        silent = [c for c, s in enumerate(states) if s == SILENT]
        at_p = chunk.data_columns
        if not provable and not silent:
            # Nothing here was ever written, so parity was never computed and is not judged; but unreadable is unreadable.
            for i in range(chunk.parity):
                if found[at_p + i] is None:
                    self._add(places[at_p + i], self._finding("PQ"[i], "unreadable", ANY, ANY, None, where))
            return
        wanted = [algebra.p_of(data)] + ([algebra.q_of(data)] if chunk.parity == 2 else [])
        unreadable = [i for i in range(chunk.parity) if found[at_p + i] is None]
        bad = [i for i in range(chunk.parity) if i not in unreadable and found[at_p + i] != wanted[i]]
        roles = ("P", "Q")
        decided = not bad or not (silent or rebuilt)
        proof = "tree" if provable and all(s == TREE for s in provable) else "checksum"
        for i in unreadable:
            self._add(places[at_p + i], self._finding(roles[i], "unreadable", True if decided else ANY,
                                                      ANY if silent or rebuilt else proof, None, where))
        if not bad:
            return
        if not silent and not rebuilt:
            for i in bad:
                self._add(places[at_p + i], self._finding(roles[i], "parity", True, proof, None, where))
                self.result.counts[roles[i].lower() + "_mismatches"] += 1
            return
        if unreadable or rebuilt:
            on = 1 if 0 in unreadable else 0
            self.result.findings.pop(places[at_p + on], None)
            self._ambiguous(places[at_p + on], roles[on], where, None, None)
            for c in range(at_p):  # what was rebuilt for want of anything better is as doubtful as the row
                if places[c] in self.result.findings and states[c] not in PROVABLE:
                    self.result.findings[places[c]] = self.result.findings[places[c]]._replace(repairable=ANY)
            return
        if chunk.parity == 1:
            self._ambiguous(places[at_p], "P", where, None, None)
            return
        syndromes = [algebra.xor(found[at_p + i], wanted[i]) for i in range(2)]
        if len(bad) == 1:
            singled = [bad[0]]
        else:
            column = algebra.located(*syndromes, chunk.data_columns)
            if column is None or states[column] == SILENT:
                devid = None if column is None else places[column][0]
                self._ambiguous(places[at_p], "P", where, devid,
                                None if column is None else algebra.weight(syndromes[0]))
                return
            singled = [0, 1]
        for i in singled:
            self._add(places[at_p + i], self._finding(roles[i], "parity", True, "parity", None, where))
            self.result.counts[roles[i].lower() + "_mismatches"] += 1

    def _ambiguous(self, place, role, where, suspect, differing):
        self._add(place, Finding(role, "parity", None, ANY, None, where["chunk"], where["full_stripe"], where["row"],
                                 suspect, differing))
        self.result.counts["ambiguous_rows"] += 1

    def _finding(self, role, cause, repairable, proof, logical, where):
        return Finding(role, cause, repairable, proof, logical, where["chunk"], where["full_stripe"], where["row"],
                       None, None)

    # --- mirrors ---

    def _mirrored_data(self, logical):
        """Every copy by itself; one good copy repairs the others."""
        chunk = self.volume.chunk_of(logical)
        places = chunk.copies(logical)
        good = self.before.sector(places[0])
        found = [self.after.sector(place) for place in places]
        if self.volume.state(logical) != DATA:
            raise AssertionError("the planter leaves silent mirrored sectors alone")
        ok = good in found
        for place, content in zip(places, found):
            if content != good:
                cause = "unreadable" if content is None else "checksum"
                self._add(place, Finding("data", cause, ok, "checksum" if ok else "none", logical, ANY, None, None, None, None))
                self.result.counts["corrupt_data_sectors"] += content is not None

    def _add(self, place, finding):
        if place in self.result.findings:
            raise AssertionError(f"judged twice: {place}")
        self.result.findings[place] = finding

    def _count(self):
        for finding in self.result.findings.values():
            self.result.counts["repairable_sectors"] += finding.repairable is True
            self.result.counts["unrepairable_sectors"] += finding.repairable is False
            self.result.counts["unreadable_sectors"] += finding.cause == "unreadable" and finding.role != "super"


def compare_places(expected, report, ignore=()):
    """Differences between expected and reported places: a list of sentences; devids in `ignore` left out."""
    problems = []
    wanted = {place: f for place, f in expected.findings.items() if place[0] not in ignore}
    found = {place: f for place, f in report.sectors().items() if place[0] not in ignore}
    for place in sorted(set(wanted) - set(found)):
        problems.append(f"missed {place}: expected {wanted[place]}")
    for place in sorted(set(found) - set(wanted)):
        problems.append(f"invented {place}: {found[place]}")
    for place in sorted(set(found) & set(wanted)):
        want, have = wanted[place], found[place]
        wrong = [f"{name} is {h!r}, not {w!r}" for name, w, h in zip(Finding._fields, want, have) if w != ANY and w != h]
        if wrong:
            problems.append(f"at {place} ({want.role}): " + ", ".join(wrong))
    return problems


def order_problems(expected, report):
    """Row events must ascend by chunk, full stripe, row and column."""
    keys = []
    for event in report.damage:
        if "row" in event:
            chunk = expected.volume.chunk_of(event["chunk"])
            column = chunk.column_at(event["devid"], event["physical"])[1]
            keys.append((event["chunk"], event["full_stripe"], event["row"], column))
    return [f"out of order: {b} after {a}" for a, b in zip(keys, keys[1:]) if a >= b]


def compare(expected, report):
    """Differences between an Expectation and a Report, places and summary: a list of sentences, empty when all agree."""
    problems = compare_places(expected, report) + order_problems(expected, report)
    verdict, status = expected.verdict()
    if (report.summary["verdict"], report.status) != (verdict, status):
        problems.append(f"verdict {report.summary['verdict']}, exit {report.status}; expected {verdict}, {status}")
    names = ["repairable_sectors", "unrepairable_sectors", "super_errors", "ambiguous_rows", "corrupt_data_sectors",
             "corrupt_tree_blocks", "unreadable_sectors", "unproven_sectors"]
    if not expected.counts["ambiguous_rows"]:
        names += ["p_mismatches", "q_mismatches"]
    for name in names:
        if report.summary[name] != expected.counts[name]:
            problems.append(f"summary {name} is {report.summary[name]}, not {expected.counts[name]}")
    return problems
