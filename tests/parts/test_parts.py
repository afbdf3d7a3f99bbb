#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Scrubs of a part: the shards of a scrub, merged, are the report of one run, line for line; what --chunk, --logical,
--devid and the kinds select is told as a scrub of everything tells it, and nothing else is.

BTRFS_RAID56 names the program.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "golden"))
sys.path.insert(0, os.path.join(HERE, "..", "schema"))

import golden  # noqa: E402
import report_schema  # noqa: E402

COUNTS = ("data_bytes_verified", "no_checksum_bytes", "tree_bytes_verified", "rows_checked", "p_mismatches",
          "q_mismatches", "corrupt_data_sectors", "corrupt_tree_blocks", "unreadable_sectors", "repairable_sectors",
          "unrepairable_sectors", "ambiguous_rows", "unproven_sectors")


def merge(*reports, form="json"):
    done = subprocess.run([golden.program(), "merge", "--format", form, *reports], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr.decode()


def scrubs():
    """The golden images that a scrub can look at."""
    images = [golden.Golden(name) for name in golden.names()]
    return [image for image in images if image.arguments[0] == "scrub" and image.exit_status in (0, 1, 4)]


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="btrfs-raid56-parts-")
        self.addCleanup(shutil.rmtree, self.folder)

    def scrub(self, image, where, *options):
        """(exit status, lines, stderr)"""
        status, out, err = image.run(where, "--format", "json", *options)
        lines = golden.lines_of(out)
        report_schema.check([json.loads(line) for line in out.decode().splitlines()])
        return status, lines, err.decode()

    def shards(self, image, where, of, *options):
        """The paths of the reports."""
        paths = []
        for number in range(1, of + 1):
            status, out, err = image.run(where, "--format", "json", "--shard", f"{number}/{of}", *options)
            self.assertIn(status, (0, 1, 4), err)
            report_schema.check([json.loads(line) for line in out.decode().splitlines()])
            paths.append(os.path.join(self.folder, f"shard{number}"))
            with open(paths[-1], "wb") as report:
                report.write(out)
        return paths


class Merged(Case):
    def test_every_golden_image(self):
        """One to eleven shards, given in any order: the lines, the verdict and the exit status of one run."""
        for index, image in enumerate(scrubs()):
            of = (4, 2, 3, 7, 1, 5, 11)[index % 7]
            with self.subTest(image=image.name, of=of), image.unpacked() as where:
                paths = self.shards(image, where, of)
                status, out, err = merge(*reversed(paths))
                self.assertEqual((image.exit_status, ""), (status, err))
                self.assertEqual(image.expected, golden.lines_of(out))

    def test_with_files(self):
        """Names, too; and the text for people is that of one run."""
        for name in ("100-demo-damaged", "102-raid5x4-beyond-tolerance", "112-raid6x4-lost-extent-leaf"):
            image = golden.Golden(name)
            with self.subTest(image=name), image.unpacked() as where:
                _, whole, _ = self.scrub(image, where, "--files")
                self.assertTrue(any(line.get("paths") for line in whole))
                paths = self.shards(image, where, 4, "--files")
                _, out, _ = merge(*paths)
                self.assertEqual(whole, golden.lines_of(out))
                text = image.run(where, "--files", "--format", "text")[1].decode()
                own = merge(*paths, form="text")[1].decode()
                plain = [[line for line in t.splitlines() if not line.startswith("  read ")] for t in (text, own)]
                self.assertEqual(plain[0], plain[1])

    def test_of_a_part(self):
        """Shards of what other options have left."""
        image = golden.Golden("100-demo-damaged")
        with image.unpacked() as where:
            status, whole, _ = self.scrub(image, where, "--data")
            got, out, _ = merge(*self.shards(image, where, 3, "--data"))
            self.assertEqual((status, whole), (got, golden.lines_of(out)))

    def test_refused(self):
        """Shards that are no set."""
        image, other = golden.Golden("100-demo-damaged"), golden.Golden("010-raid6x6-clean")
        with image.unpacked() as where, other.unpacked() as elsewhere:
            one, two, three = self.shards(image, where, 3)
            again = os.path.join(self.folder, "again")
            shutil.copy(two, again)

            def changed(name, change):
                path = os.path.join(self.folder, name)
                with open(two, encoding="utf-8") as report, open(path, "w", encoding="utf-8") as out:
                    out.write(change(report.read()))
                return path

            def of(image, where, *options):
                path = os.path.join(self.folder, "of-" + "".join(c for c in "".join(options) if c.isalnum()))
                with open(path, "wb") as report:
                    report.write(image.run(where, "--format", "json", *options)[1])
                return path

            torn = changed("torn", lambda text: text[:-20])
            no_summary = changed("no-summary", lambda text: "\n".join(text.splitlines()[:-1]) + "\n")
            twice = changed("twice", lambda text: text + text)
            cut = changed("cut", lambda text: text.replace('"verdict":"repairable"', '"verdict":"interrupted"'))
            odd = changed("odd", lambda text: text.replace('"cause":"', '"cause":"no-such-'))
            def stuffed(name, text):
                """A damage line with a member more."""
                return changed(name, lambda report: report.replace('"proof":', f'"more":{text},"proof":', 1))

            deep = stuffed("deep", "[" * 100000 + "]" * 100000)
            wide = stuffed("wide", "{" + ",".join(f'"k{i}":0' for i in range(40000)) + "}")
            escape = changed("escape", lambda text: text.replace('"engine":"', '"engine":"\\u001b[31m'))
            rowless = changed("rowless", lambda text: text.replace('"row":', '"no_row":'))
            better = changed("better", lambda text: text.replace('"verdict":"repairable"', '"verdict":"done"'))
            headless = changed("headless", lambda text: "\n".join(text.splitlines()[1:]) + "\n")
            device = image.arguments[1]
            rescue_map = os.path.join(where, "map")
            with open(rescue_map, "w", encoding="ascii") as out:
                size = os.path.getsize(os.path.join(where, device))
                out.write(f"0 +\n0 {size - 4096:#x} +\n{size - 4096:#x} 0x1000 -\n")
            mapped = of(image, where, "--map", f"{device}=map", "--shard", "2/3")
            plain, lone = of(image, where), of(image, where, "--data", "--shard", "2/3")
            foreign = of(other, elsewhere, "--shard", "2/3")
            for reports, why in (((one, three), "the report of shard 2 of 3 is missing"),
                                 ((two, three), "the report of shard 1 of 3 is missing"),
                                 ((one, two), "the report of shard 3 of 3 is missing"),
                                 ((one, two, again, three), "shard 2 is there twice"),
                                 ((one, torn, three), "is no whole report"),
                                 ((one, no_summary, three), "is no whole report"),
                                 ((one, twice, three), "is no whole report"),
                                 ((one, cut, three), "did not come to its end"),
                                 ((one, odd, three), "has a line that is none"),
                                 ((one, deep, three), "has a line that is none"),
                                 ((one, wide, three), "has a line that is none"),
                                 ((one, rowless, three), "has a line that is none"),
                                 ((one, escape, three), "is no whole report"),
                                 ((one, better, three), "did not come to its end"),
                                 ((one, headless, three), "did not come to its end"),
                                 ((one, plain, three), "is not of a scrub with --shard"),
                                 ((one, lone, three), "is of another set of shards"),
                                 ((one, mapped, three), "is of another set of shards"),
                                 ((one, foreign, three), "another file system or other devices"),
                                 ((one, os.path.join(self.folder, "none"), three), "none")):
                status, out, err = merge(*reports)
                self.assertEqual(8, status, reports)
                self.assertIn(why, err)
                summary = json.loads(out.splitlines()[-1])
                report_schema.check([summary])
                self.assertEqual(("merge", "failed"), (summary["command"], summary["verdict"]))


    def test_no_better_than_its_findings(self):
        """A report that calls itself clean beside damage."""
        image = golden.Golden("105-raid6x4-beyond-tolerance")
        with image.unpacked() as where:
            path, = self.shards(image, where, 1)
            with open(path, encoding="utf-8") as report:
                text = report.read()
            with open(path, "w", encoding="utf-8") as report:
                report.write(text.replace('"verdict":"unrepairable"', '"verdict":"clean"'))
            status, out, _ = merge(path)
            self.assertEqual((4, "unrepairable"), (status, json.loads(out.splitlines()[-1])["verdict"]))


class Parts(Case):
    def damage(self, lines):
        return [line for line in lines if line["type"] in ("damage", "unknown")]

    def chunks(self, image, where):
        done = subprocess.run([golden.program(), "inspect", "--format", "json", *image.arguments[1:]], cwd=where,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        return [c for c in map(json.loads, done.stdout.splitlines()) if c["type"] == "chunk"]

    def clean_shards(self, image, where):
        """Two reports without damage, as lists of lines."""
        reports = []
        for path in self.shards(image, where, 2):
            with open(path, encoding="utf-8") as report:
                lines = [json.loads(line) for line in report]
            lines = [line for line in lines if line["type"] not in ("damage", "unknown")]
            for name in COUNTS + ("super_errors",):
                lines[-1][name] = 0
            lines[-1].update(verdict="clean", exit_status=0)
            reports.append(lines)
        return reports

    def merged(self, reports):
        paths = []
        for number, lines in enumerate(reports):
            paths.append(os.path.join(self.folder, f"changed{number}"))
            with open(paths[-1], "w", encoding="utf-8") as report:
                report.writelines(json.dumps(line) + "\n" for line in lines)
        return merge(*paths)

    def test_counts_whose_sum_is_nothing(self):
        """Numbers of 64 bits come round to zero."""
        image = scrubs()[0]
        with image.unpacked() as where:
            reports = self.clean_shards(image, where)
            self.assertEqual(0, self.merged(reports)[0])
            for one, other in ((2 ** 63, 2 ** 63), (7, 2 ** 64 - 7)):
                reports[0][-1]["unrepairable_sectors"] = one
                reports[1][-1]["unrepairable_sectors"] = other
                status, out, _ = self.merged(reports)
                self.assertEqual(4, status)
                self.assertEqual("unrepairable", json.loads(out.splitlines()[-1])["verdict"])

    def test_maps_that_are_none(self):
        image = scrubs()[0]
        one = {"devid": 1, "sum": 5}
        with image.unpacked() as where:
            reports = self.clean_shards(image, where)
            for maps in (None, {}, [], "devid", {"a": one}, [1], [one, one], [one, {"devid": 1, "sum": 6}]):
                for lines in reports:
                    lines[-1]["maps"] = maps
                self.assertEqual(8, self.merged(reports)[0], maps)
            for lines in reports:
                lines[-1]["maps"] = [one]
            self.assertEqual(0, self.merged(reports)[0])

    def test_chunk_by_chunk(self):
        """Each chunk alone, and by its addresses: its damage as the whole report has it; the counts add up."""
        for name in ("100-demo-damaged", "105-raid6x4-beyond-tolerance", "108-raid6x4-missing", "110-raid6x4-stale"):
            image = golden.Golden(name)
            with self.subTest(image=name), image.unpacked() as where:
                sums, told = dict.fromkeys(COUNTS, 0), []
                for chunk in self.chunks(image, where):
                    start, end = chunk["logical"], chunk["logical"] + chunk["length"]
                    _, lines, _ = self.scrub(image, where, "--chunk", str(start))
                    _, same, _ = self.scrub(image, where, "--logical", f"{start}-{end}")
                    self.assertEqual(lines[:-1], same[:-1])
                    self.assertEqual(f"--chunk {start}", lines[-1]["part"])
                    self.assertEqual(f"--logical {start}-{end}", same[-1]["part"])
                    found = self.damage(lines)
                    self.assertEqual([line for line in self.damage(image.expected) if line.get("chunk") == start],
                                     found)
                    told += found
                    for count in COUNTS:
                        sums[count] += lines[-1][count]
                whole = image.expected[-1]
                supers = [line for line in self.damage(image.expected) if line["role"] == "super"]
                sums["repairable_sectors"] += len(supers)
                self.assertEqual({count: whole[count] for count in COUNTS}, sums)
                self.assertEqual(self.damage(image.expected), supers + told)

    def test_one_full_stripe(self):
        """A byte's range is its full stripe, and all of that."""
        image = golden.Golden("100-demo-damaged")
        with image.unpacked() as where:
            one = next(line for line in self.damage(image.expected) if line["role"] == "data")
            _, lines, _ = self.scrub(image, where, "--logical", f"{one['logical']}-{one['logical'] + 1}")
            self.assertEqual([line for line in self.damage(image.expected) if
                              (line.get("chunk"), line.get("full_stripe")) == (one["chunk"], one["full_stripe"])],
                             self.damage(lines))
            self.assertIn(one, self.damage(lines))

    def test_unknown_in_a_full_stripe(self):
        """A range within a full stripe tells what is unknown elsewhere in it."""
        image = golden.Golden("112-raid6x4-lost-extent-leaf")
        with image.unpacked() as where:
            unknown = [line for line in image.expected if line["type"] == "unknown"][-1]
            behind = unknown["logical"] + unknown["length"]
            status, lines, _ = self.scrub(image, where, "--logical", f"{behind}-{behind + 1}")
            self.assertEqual([unknown], [line for line in lines if line["type"] == "unknown"])
            self.assertEqual((4, "unrepairable"), (status, lines[-1]["verdict"]))

    def test_kinds(self):
        """What holds data, trees, parity: each proves all of its kind, and together they tell everything."""
        for name in ("100-demo-damaged", "117-raid5x3-mixed-damaged", "120-raid1c3-silent-mirror"):
            image = golden.Golden(name)
            with self.subTest(image=name), image.unpacked() as where:
                whole = image.expected[-1]
                data, tree, parity = (self.scrub(image, where, kind)[1] for kind in ("--data", "--tree", "--parity"))
                self.assertEqual(whole["data_bytes_verified"], data[-1]["data_bytes_verified"])
                self.assertEqual(whole["no_checksum_bytes"], data[-1]["no_checksum_bytes"])
                self.assertEqual(whole["tree_bytes_verified"], tree[-1]["tree_bytes_verified"])
                self.assertEqual(whole["rows_checked"], parity[-1]["rows_checked"])
                every = [line for line in self.damage(image.expected) if line["role"] != "super"]
                for lines in (data, tree, parity):
                    self.assertEqual([line for line in every if line in lines], self.damage(lines))
                _, all_three, _ = self.scrub(image, where, "--data", "--tree", "--parity")
                self.assertEqual(every, self.damage(all_three))

    def test_devid(self):
        """Chunks with a part on a device, and its superblock copies."""
        image = golden.Golden("100-demo-damaged")
        with image.unpacked() as where:
            for devid in (1, 2, 3, 4):
                _, lines, _ = self.scrub(image, where, "--devid", str(devid))
                self.assertEqual([line for line in self.damage(image.expected) if
                                  line["role"] != "super" or line["devid"] == devid], self.damage(lines))

    def test_no_such_part(self):
        image = golden.Golden("001-demo-clean")
        with image.unpacked() as where:
            for words, why in ((("--chunk", "1"), "no chunk starts at logical 1"),
                               (("--devid", "9"), "has no devid 9"), (("--logical", "0-10"), "no chunk maps")):
                status, out, err = image.run(where, "--format", "json", *words)
                self.assertEqual(8, status)
                self.assertIn(why, err.decode())
                self.assertEqual("failed", json.loads(out.splitlines()[-1])["verdict"])
            for words in (("--shard", "0/2"), ("--shard", "3/2"), ("--shard", "1"), ("--shard", "1/2/3"),
                          ("--shard", "1/1000001"), ("--logical", "5"), ("--logical", "9-9"), ("--logical", "9-8"),
                          ("--logical", "-9"), ("--chunk", "x"),
                          ("--write-map", f"{image.arguments[1]}=/nonexistent/m", "--shard", "1/2")):
                self.assertEqual(16, image.run(where, *words)[0], words)


if __name__ == "__main__":
    unittest.main(verbosity=2)
