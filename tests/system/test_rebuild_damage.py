#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices made anew from survivors that are damaged themselves, or that never had all of it.

Within what the redundancy still bears, the target is as good as ever, the damage on the survivors is told sector by sector
and left alone, and `repair` of all devices then makes the whole what it was.  Beyond it, what is listed as lost is what an
oracle says, no sector more or less, and all the rest is right.  Chunks without redundancy that went with the device are
listed one by one, zeros stand in their place, the rest is made anew.  A stale device that is left out comes back as a repair
would have made it.
"""

import collections
import os
import random
import shutil

import fixtures
import harness
import images
import judge
import kernel
import planter
import rebuilds
import repairs
import stale
import tool
import truth

# Devices that are lost in turn.
WITHIN = {"raid6x4-m-raid6-blake2": (1, 3), "raid6x5-m-raid1c4-n4k": (5,), "raid6x4-mixed-silent": (2,),
          "raid6x6-m-raid6-n32k": (4,), "raid6x4-garbage-silent": (2, 4)}
BEYOND = {"raid6x4-m-raid6-blake2": (2, 4), "raid6x6-m-raid6-n32k": (1,), "raid6x4-mixed-silent": (3,)}
RAID5 = {"raid5x3-m-raid1": (1,), "raid5x4-m-raid10-xxhash": (4,), "raid5x3-mixed": (2,), "raid5x2-m-raid5": (1,)}
ROWS = 300  # of each kind


class Damaged(rebuilds.RebuildCase):
    """Per test: `paths`, the damaged survivors, and `damaged`, what they were when the damage was done."""

    def hurt(self, shape, lost, work):
        """Copies of the survivors, hurt by `work(planter)`; nothing is planted on the lost device."""
        self.take(shape)
        self.lost = lost
        self.where = os.path.join(self.folder, f"{shape}-{lost}")
        work_on = harness.by_devid(kernel.copy(self.originals.values(), os.path.join(self.where, "work")))
        with planter.Planter(self.volume, work_on, random.Random(f"{shape} {lost}"), sure=True, absent=lost) as plants:
            work(plants)
        os.unlink(work_on.pop(lost))
        self.paths = work_on
        self.damaged = dict(zip(work_on, kernel.copy(work_on.values(), os.path.join(self.where, "damaged"))))
        plants.touched = {place for place in plants.touched if place[0] != lost}
        plants.supers = [copy for copy in plants.supers if copy[0] != lost]
        self.assertGreater(len(plants.touched), 20)
        return plants

    def judged(self, plants):
        """What must be told: of the survivors all, of the lost device what does not come back."""
        before, after = dict(self.originals), dict(self.paths)
        after[self.lost] = self.originals[self.lost]  # never read
        expected = judge.Judge(self.volume, before, after, plants.touched, supers=plants.supers, absent=(self.lost,)).judge()
        self.in_doubt = {place for place, f in expected.findings.items() if place[0] == self.lost and f.repairable is not True}
        for place, finding in list(expected.findings.items()):
            if place[0] == self.lost:
                if place in self.in_doubt:
                    expected.findings[place] = finding._replace(cause="missing")
                else:
                    del expected.findings[place]
        return expected

    def rebuild(self, expected):
        targets = self.targets([self.lost])
        report = tool.rebuild(self.paths.values(), targets, volume=self.volume)
        self.assert_outcome(*expected.verdict(), report, self.name)
        self.assert_same(images.differences(self.damaged, self.paths), "survivors that were written to")
        self.assert_made_anew(targets, exempt=self.in_doubt)
        self.assert_nothing_beside(targets)
        return targets, report

    def one_column(self, plants, kind, count=ROWS):
        """Hits one surviving column in each of some rows, such that all of the row can still be had without a doubt."""
        keys = plants.rows_by_class[kind]
        rows_of_block = collections.Counter()
        for key in plants.dice.sample(keys, min(count, len(keys))):
            chunk, full_stripe, row = key
            states = [self.volume.state(logical) for logical in plants.logicals(key)]
            devids = [plants.place(*key, column)[0] for column in range(chunk.width)]
            gone = devids.index(self.lost) if self.lost in devids else chunk.width
            columns = [c for c, state in enumerate(states) if state in truth.PROVABLE and c != gone]
            # Parity has to give back what nothing proves, and to speak for what is silent.
            if truth.SILENT not in states and not (gone < chunk.data_columns and states[gone] not in truth.PROVABLE):
                if set(states) & set(truth.PROVABLE):
                    columns += [c for c in range(chunk.data_columns, chunk.width) if c != gone]
            # A block that has to be pieced together from many rows, each hurt in its own way, is a search without end.
            blocks = {self.volume.tree_block_at(logical) for logical, state in zip(plants.logicals(key), states)
                      if state == truth.TREE}
            if columns and all(rows_of_block[block] < 3 for block in blocks):
                rows_of_block.update(blocks)
                plants.hit_row(key, [plants.dice.choice(columns)])

    def one_copy(self, plants, count=60):
        """Hits sectors of mirrored tree blocks in one surviving copy."""
        for chunk in self.volume.chunks:
            blocks = [] if chunk.parity else self.volume.sectors(chunk, (truth.TREE,))
            for logical in plants.dice.sample(blocks, min(count, len(blocks))):
                place = plants.dice.choice([place for place in chunk.copies(logical) if place[0] != self.lost])
                plants.hit(place, "tree", "random")

    def drop_all(self):
        shutil.rmtree(self.where)


class Within(Damaged):
    def test_damaged_survivors(self):
        total = 0
        for shape, lost_ones in WITHIN.items():
            for lost in lost_ones:
                with self.subTest(shape=shape, lost=lost):
                    total += self.check(shape, lost)
        print(f"{total} damaged sectors on survivors")
        self.assertGreater(total, 3000)

    def check(self, shape, lost):
        def work(plants):
            self.lost = lost
            for kind in ("data", "gaps", "silent", "tree"):
                self.one_column(plants, kind)
            self.one_copy(plants)
            one, other = [devid for devid in sorted(self.originals) if devid != lost][:2]
            plants.superblock(one, self.volume.super_places(one)[1], "random")
            plants.superblock(other, self.volume.super_places(other)[0], "bit")
        plants = self.hurt(shape, lost, work)
        expected = self.judged(plants)
        self.assertEqual(set(), self.in_doubt)
        self.assertEqual(("repairable", 1), expected.verdict())
        targets, report = self.rebuild(expected)
        self.assert_same(judge.compare_places(expected, report), shape)
        self.repair_all(targets)
        self.drop(targets)
        self.drop_all()
        return len(plants.touched)

    def repair_all(self, targets):
        """The survivors are repaired with the new device beside them, and are what they were."""
        new = targets[self.lost]
        before = os.path.join(self.where, "new.img")
        kernel.run("cp", "--sparse=always", new, before)
        report = tool.repair([*self.paths.values(), new], "--write", "--journal", os.path.join(self.where, "journal"))
        self.assert_outcome("repaired", 1, report)
        self.assert_same(images.differences(self.survivors_of_originals(), self.paths), "after repair")
        self.assertEqual([], images.differing(before, new))
        self.assert_clean(tool.scrub([*self.paths.values(), new]), self.name)

    def survivors_of_originals(self):
        return {devid: path for devid, path in self.originals.items() if devid != self.lost}


class Beyond(Damaged):
    def check(self, shape, lost, work):
        plants = self.hurt(shape, lost, work)
        expected = self.judged(plants)
        self.assertEqual(("unrepairable", 4), expected.verdict())
        self.assertTrue(self.in_doubt, "nothing of the lost device is lost: the test proves nothing")
        targets, report = self.rebuild(expected)
        # Of parity and free sectors in a row that stays bad nobody has to say anything.
        optional = {place for place in self.in_doubt if expected.findings[place].repairable == judge.ANY
                    or expected.findings[place].role == "free"}
        told = report.sectors()
        for place in optional - set(told):
            del expected.findings[place]
        self.assert_same(judge.compare_places(expected, report), shape)
        lost_sectors = sum(finding.repairable is False for finding in expected.findings.values())
        print(f"{shape} without {lost}: {lost_sectors} sectors lost, {len(self.in_doubt - optional)} of them on the device made anew")
        self.drop(targets)
        self.drop_all()

    def test_raid6(self):
        """One lost and up to four columns hurt: some rows bear it, some do not, each sector alone."""
        def work(plants):
            plants.rows("data", ROWS, beyond=True)
            plants.tree_blocks(0, lost=3)
        for shape, lost_ones in BEYOND.items():
            for lost in lost_ones:
                with self.subTest(shape=shape, lost=lost):
                    self.check(shape, lost, work)

    def test_silent(self):
        """Silent data of the lost device, where P and Q of the row disagree: put back as best known, and listed undecided."""
        shape, lost = "raid6x4-mixed-silent", 2

        def work(plants):
            for key in plants.rows_by_class["silent"]:
                chunk, full_stripe, row = key
                states = [self.volume.state(logical) for logical in plants.logicals(key)]
                devids = [plants.place(*key, column)[0] for column in range(chunk.width)]
                gone = devids.index(lost)
                if gone < chunk.data_columns and states[gone] == truth.SILENT and len(plants.touched) < 60:
                    plants.hit_row(key, [plants.dice.choice((chunk.data_columns, chunk.data_columns + 1))])
        plants = self.hurt(shape, lost, work)
        rows = {(chunk.logical, full_stripe, row) for devid, at in plants.touched for chunk in self.volume.chunks
                if chunk.column_at(devid, at) for full_stripe, _, rest in [chunk.column_at(devid, at)]
                for row in [rest // self.volume.sectorsize]}
        self.in_doubt = set()
        for start, full_stripe, row in rows:
            chunk = self.volume.chunk_of(start)
            self.in_doubt |= {(devid, at + row * self.volume.sectorsize) for devid, at in
                              (chunk.column(full_stripe, column) for column in range(chunk.width)) if devid == lost}
        targets = self.targets([lost])
        report = tool.rebuild(self.paths.values(), targets, volume=self.volume)
        self.assert_outcome("undecided", 4, report)
        told = {(e["chunk"], e["full_stripe"], e["row"] + i) for e in report.damage
                for i in range(e["length"] // self.volume.sectorsize)}
        self.assertEqual(rows, told)
        self.assertEqual({None}, {e["repairable"] for e in report.damage})
        self.assert_same(images.differences(self.damaged, self.paths), "survivors that were written to")
        self.assert_made_anew(targets, exempt=self.in_doubt)

    def test_raid5(self):
        """One lost, and bad sectors on the others: the sectors of these rows are lost, or were never needed."""
        for shape, lost_ones in RAID5.items():
            for lost in lost_ones:
                with self.subTest(shape=shape, lost=lost):
                    self.check(shape, lost, lambda plants: plants.rows("data", ROWS, beyond=False))


class Stale(rebuilds.RebuildCase):
    """A device that missed writes, some of them to a nodatacow file in place."""

    def test_left_out(self):
        """Made anew without it, or repaired with it: the same, and the kernel reads from the new one what was written."""
        absent = 3
        paths, self.volume = stale.stale_set(self.folder, absent)
        self.name = "stale"
        fresh = self.survivors((absent,), paths)
        targets = self.targets((absent,))
        self.assert_outcome("done", 0, tool.rebuild(fresh, targets, volume=self.volume))
        copies = harness.by_devid(kernel.copy(paths.values(), os.path.join(self.folder, "repaired")))
        report = tool.repair(list(copies.values()), "--write", "--journal", os.path.join(self.folder, "journal"))
        self.assert_outcome("repaired", 1, report)
        wanted = self.volume.held(absent, 0) | set(self.volume.super_places(absent))
        self.assertEqual(set(), set(images.differing(targets[absent], copies[absent])) & wanted)
        self.assertGreater(len(set(images.differing(targets[absent], paths[absent])) & wanted), 100, "nothing was missed")
        self.assert_clean(tool.scrub([*fresh, targets[absent]]))
        self.assertEqual([], stale.unsound(truth.Volume([*fresh, targets[absent]])))
        written = self.contents(fresh)
        self.assertIn("nocow/large", written)
        for without in (1, None):
            left = [path for devid, path in paths.items() if devid not in (without, absent)] + [targets[absent]]
            self.assertEqual(written, self.contents(left))

    @staticmethod
    def contents(paths):
        with kernel.attached(paths, read_only=True) as loops, kernel.mounted(loops, ["ro", "degraded"]) as where:
            return repairs.contents_of_folder(where)


class WithoutRedundancy(rebuilds.RebuildCase):
    """Chunks that do not survive the loss, beside others that do."""

    def check(self, recipe, lost):
        self.take(recipe)
        targets = self.targets(lost)
        report = tool.rebuild(self.survivors(lost), targets, volume=self.volume)
        self.assert_outcome("unrepairable", 4, report, recipe.name)
        gone = [chunk for chunk in self.volume.chunks if not chunk.bears(lost)]
        self.assertTrue(gone, "every chunk survives: the test proves nothing")
        self.assertLess(len(gone), len(self.volume.chunks))
        wanted = sorted((devid, offset, chunk.dev_length) for chunk in gone for devid, offset in chunk.stripes if devid in lost)
        self.assertEqual(wanted, sorted((e["devid"], e["physical"], e["length"]) for e in report.damage))
        self.assertEqual({("missing", False, "data")}, {(e["cause"], e["repairable"], e["role"]) for e in report.damage})
        sectors = {(devid, at) for chunk in gone for logical in self.volume.sectors(chunk, rebuilds.WRITTEN)
                   for devid, at in chunk.copies(logical) if devid in lost}
        self.assertTrue(sectors)
        self.assertEqual(len(sectors), report.summary["unrepairable_sectors"])
        counts = self.assert_made_anew(targets)
        self.assertGreaterEqual(counts["lost"], len(sectors) // 2, "what is lost is still there")
        self.assert_nothing_beside(targets)
        # The new device is a member like any other; what is lost shows as bad checksums there.
        scrub = tool.scrub([*self.survivors(lost), *targets.values()])
        self.assertEqual(("unrepairable", 4), (scrub.summary["verdict"], scrub.status))
        self.assertEqual(sectors, set(scrub.sectors()))
        self.drop(targets)

    def test_raid0_data(self):
        for lost in (1, 3):
            with self.subTest(lost=lost):
                self.check(fixtures.SHAPES["raid0-data"], (lost,))

    def test_converted_in_part(self):
        """Data in raid5, and some that a balance made single or dup."""
        for recipe in (fixtures.PARTLY_SINGLE, fixtures.PARTLY_DUP):
            volume = truth.Volume(recipe.images())
            bare = {devid for chunk in volume.chunks if chunk.profile in ("SINGLE", "DUP") for devid, _ in chunk.stripes}
            self.assertTrue(bare, "no chunk without redundancy: the test proves nothing")
            for lost in sorted(bare):
                with self.subTest(shape=recipe.name, lost=lost):
                    self.check(recipe, (lost,))

    def test_metadata_elsewhere(self):
        """dup or single metadata on another device than the lost one: everything comes back; on the lost one itself, refused."""
        for shape in ("raid5x3-m-dup", "raid5x4-m-single"):
            self.take(shape)
            for lost in self.originals:
                with self.subTest(shape=shape, lost=lost):
                    targets = self.targets([lost])
                    report = tool.rebuild(self.survivors([lost]), targets, volume=self.volume)
                    if all(chunk.bears((lost,)) for chunk in self.volume.chunks):
                        self.assert_outcome("done", 0, report)
                        self.assert_made_anew(targets)
                    else:
                        self.assert_outcome("failed", 8, report)
                        self.assertIn(f"--onto {lost}", report.messages)
                        self.assertEqual([], os.listdir(os.path.dirname(targets[lost])))
                    self.drop(targets)


if __name__ == "__main__":
    harness.main()
