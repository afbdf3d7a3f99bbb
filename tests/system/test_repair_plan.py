#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A plan that is saved and applied later does what the repair would have done at once; what has changed since is refused."""

import os

import fixtures
import harness
import kernel
import repairs
import supers
import tool
import truth

SHAPE = "raid6x5-everything"
OTHER = "raid6x4-m-raid6-blake2"


def work(plants):
    for kind in ("data", "gaps", "silent"):
        plants.rows(kind, 200, beyond=False)
    plants.tree_blocks(40)
    plants.superblocks()


class Plan(repairs.RepairCase):
    def setUp(self):
        super().setUp()
        self.prepare(SHAPE, work)
        self.plan = os.path.join(self.where, "plan")

    def save(self, *options):
        report = tool.repair(list(self.paths.values()), "--save-plan", self.plan, *options)
        self.assertEqual(0o600, os.stat(self.plan).st_mode & 0o777)
        self.assert_images(self.damaged, "a dry run")
        return report

    def apply(self, *options):
        return tool.repair(list(self.paths.values()), "--plan", self.plan, "--write", "--journal", self.journal, *options,
                           sectorsize=self.volume.sectorsize)

    def refused(self, *words):
        """Refused by name, with and without --write, and no journal is left behind."""
        for options in ((), ("--write", "--journal", self.journal)):
            self.assert_refused_and_unchanged(["repair", "--plan", self.plan, *options, *self.paths.values()], 8, *words)
        self.assertFalse(os.path.exists(self.journal))

    # --- applied ---

    def test_applied_later(self):
        """The saved list, the list of a dry run of the plan, what is written: the same; and so are the images."""
        saved = self.save()
        self.assert_outcome("repairable", 1, saved)
        dry = tool.repair(list(self.paths.values()), "--plan", self.plan)
        self.assert_outcome("repairable", 1, dry)
        report = self.apply()
        self.assert_outcome("repaired", 1, report)
        self.assertEqual(saved.plan(), dry.plan())
        self.assertEqual(saved.plan(), report.plan())
        self.assert_images(self.originals, "applied")
        self.assert_clean(tool.scrub(list(self.paths.values())))
        self.assert_undone()

    def test_applied_elsewhere(self):
        """On copies of the images in another place, named in another order."""
        saved = self.save()
        elsewhere = self.copy_of(self.damaged, "elsewhere")
        report = tool.repair(list(elsewhere.values())[::-1], "--plan", self.plan, "--write", "--journal", self.journal)
        self.assertEqual(saved.plan(), report.plan())
        self.paths = elsewhere
        self.assert_images(self.originals, "applied elsewhere")

    def test_same_as_at_once(self):
        """A repair without a plan leaves the same images."""
        self.save()
        elsewhere = self.copy_of(self.damaged, "elsewhere")
        tool.repair(list(elsewhere.values()), "--write", "--journal", self.journal + "-at-once")
        self.apply()
        self.assert_images(elsewhere, "at once")

    def test_beyond_tolerance(self):
        """What is lost stays so in the plan's exit status."""
        def lose(plants):
            plants.rows("data", 100, beyond=True)
        self.prepare(OTHER, lose, sure=False)
        self.plan = os.path.join(self.where, "plan")
        saved = self.save()
        self.assert_outcome("unrepairable", 4, saved)
        report = self.apply()
        self.assert_outcome("unrepairable", 4, report)
        self.assertEqual(saved.plan(), report.plan())
        self.assert_undone()

    def test_brakes(self):
        """--only and --max-writes, of the plan as well as of its application."""
        saved = self.save("--only", "data", "--only", "parity", "--max-writes", "60")
        self.assertEqual(60, len(saved.actions))
        self.assertEqual(set(), set(saved.places().values()) - {"data", "P", "Q"})
        report = self.apply("--max-writes", "20")
        self.assertEqual(saved.plan()[:20], report.plan())
        self.assert_outcome("repairable", 1, report)
        self.assert_undone()

    def test_only(self):
        """Each kind alone: exactly those roles, and together all of it."""
        whole = tool.repair(list(self.paths.values()))
        roles = {"data": {"data", "free"}, "tree": {"tree"}, "parity": {"P", "Q"}, "super": {"super"}}
        for kind, wanted in roles.items():
            with self.subTest(only=kind):
                report = tool.repair(list(self.paths.values()), "--only", kind)
                self.assertEqual([a for a in whole.plan() if a["role"] in wanted], report.plan())

    # --- refused ---

    def test_plan_exists(self):
        with open(self.plan, "wb") as file:
            file.write(b"mine")
        self.assert_refused_and_unchanged(["repair", "--save-plan", self.plan, *self.paths.values()], 8, self.plan)
        self.assertEqual(b"mine", truth.read_at(self.plan, 0, 10))

    def test_a_byte_changed(self):
        """In a place that the plan would write: named, and nothing is done."""
        saved = self.save()
        devid, physical, length = [(a["devid"], a["physical"], a["length"]) for a in saved.actions if a["role"] == "data"][7]
        with open(self.paths[devid], "r+b") as image:
            image.seek(physical + length - 1)
            byte = image.read(1)[0]
            image.seek(physical + length - 1)
            image.write(bytes([byte ^ 1]))
        self.damaged = self.copy_of(self.paths, "changed")
        self.refused(self.paths[devid], str(physical))

    def test_another_generation(self):
        """Somebody mounted it since."""
        self.save()
        for path in self.paths.values():
            supers.edit(path, supers.put(supers.GENERATION, self.volume.generation + 1))
        self.damaged = self.copy_of(self.paths, "changed")
        self.refused("generation")

    def test_mounted_since(self):
        """The kernel wrote to it: a real newer generation."""
        self.prepare("raid5x4-m-raid10-xxhash", lambda plants: plants.rows("data", 30, beyond=False))
        self.plan = os.path.join(self.where, "plan")
        self.save()
        with kernel.attached(list(self.paths.values())) as loops, kernel.mounted(loops) as where:
            with open(os.path.join(where, "new"), "wb") as file:
                file.write(b"new" * 10000)
            kernel.sync(where)
        self.damaged = self.copy_of(self.paths, "changed")
        self.refused("generation")

    def test_another_file_system(self):
        self.save()
        plan = self.plan
        self.prepare(OTHER, lambda plants: plants.rows("data", 30, beyond=False))
        self.plan = plan
        self.refused("another file system")

    def test_another_length(self):
        self.save()
        os.truncate(self.paths[2], os.path.getsize(self.paths[2]) + 4096)
        self.damaged = self.copy_of(self.paths, "changed")
        self.refused("devid 2")

    def test_no_plan(self):
        """A torn plan, a damaged one, noise, a journal."""
        self.save()
        whole = truth.read_at(self.plan, 0, 1 << 30)
        middle = len(whole) // 2
        for name, content in (("torn", whole[:middle]), ("empty", b""), ("noise", bytes(range(256)) * 64),
                              ("damaged", whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:])):
            with self.subTest(plan=name):
                with open(self.plan, "wb") as file:
                    file.write(content)
                self.refused(self.plan)
        self.assert_refused_and_unchanged(["repair", "--plan", self.plan + "-none", *self.paths.values()], 8, "-none")


class Usage(harness.Case):
    def test_wrong_usage(self):
        """--write wants a journal; words and numbers that mean nothing."""
        images = fixtures.SHAPES[OTHER].images()
        for arguments in (["repair", "--write"], ["repair", "--only", "everything"], ["repair", "--max-writes", "-1"],
                          ["repair", "--max-writes", "some"], ["repair", "--no-checksum", "guess"], ["undo"],
                          ["repair", "--write", "--journal"]):
            with self.subTest(arguments=arguments):
                self.assert_refused([*arguments, *images] if arguments[-1] != "--journal" else arguments, 16)


if __name__ == "__main__":
    harness.main()
