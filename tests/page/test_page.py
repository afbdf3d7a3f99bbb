#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of --html: what it counts is what the JSON lines of the same run have, also as a browser understands it; names
are text, whatever they hold; nothing is run and nothing is fetched; it shows in light and in dark.

BTRFS_RAID56 names the program.
"""

import os
import re
import sys
import tempfile
import unittest

import chromium

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", name) for name in ("golden", "system")]

import golden  # noqa: E402
import supers  # noqa: E402

# Clean, repairable, lost, undecided, missing, stale, unreadable, ranges of which nothing is known.
IMAGES = ("001-demo-clean", "100-demo-damaged", "103-raid6x6-unmountable", "105-raid6x4-beyond-tolerance",
          "106-raid6x4-silent", "108-raid6x4-missing", "109-raid5x3-two-missing", "110-raid6x4-stale",
          "111-raid5x4-truncated", "116-raid6x4-log-lost", "117-raid5x3-mixed-damaged", "123-raid6x6-undecided-root")
TAGS = set("html head meta title style body main section article div span p h1 h2 h3 ul li table thead tbody tr th td bdi a br "
           "i svg rect".split())
FIGURES = ("data_bytes_verified no_checksum_bytes tree_bytes_verified rows_checked p_mismatches q_mismatches "
           "corrupt_data_sectors corrupt_tree_blocks unreadable_sectors super_errors repairable_sectors "
           "unrepairable_sectors ambiguous_rows unproven_sectors").split()
EVIL = "\"'><script>document.title=1</script><img src=x onerror=alert(1)>\x1b[2J\u202e&lt;</title>"
LABEL = 299  # offset in a superblock: FACTS of the format, btrfs_super_block.label, 256 bytes
LISTED = 1000
STATES = {False: "lost", None: "undecided", True: "repairable"}


def total(root, name):
    found = list(root.all("section", id=name))
    return int(found[0].attributes["data-total"]) if found else 0


class PageCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="btrfs-raid56-page-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def scrub(self, image, where, *options, name="page"):
        """(JSON lines, path of the page) of one run; without the option its lines are the same."""
        page = os.path.join(self.folder, f"{name}.html")
        status, out, _ = image.run(where, "--format", "json", *options, "--html", page)
        plain_status, plain_out, _ = image.run(where, "--format", "json", *options)
        self.assertEqual((plain_status, golden.lines_of(plain_out)), (status, golden.lines_of(out)))
        return golden.lines_of(out), page

    def check(self, lines, root):
        summary = lines[-1]
        self.assertEqual(summary["verdict"], root.one("section", id="verdict").attributes["data-verdict"])
        for figure in FIGURES:
            self.assertEqual(str(summary[figure]), root.one("td", id=figure).attributes["data-value"], figure)
        damage = [line for line in lines if line["type"] == "damage"]
        unknown = [line for line in lines if line["type"] == "unknown"]
        lost = len(unknown) + sum(event["repairable"] is not True for event in damage)
        wanted = {"lost": lost, "repairable": len(damage) + len(unknown) - lost}
        for name, count in wanted.items():
            self.assertEqual(count, total(root, name), name)
            if count:
                rows = list(root.one("section", id=name).one("tbody").all("tr"))
                self.assertEqual(min(count, LISTED), len(rows), name)
        self.check_devices(lines, damage, root)
        self.check_files(damage, root)

    def check_devices(self, lines, damage, root):
        devices = [line["devid"] for line in lines if line["type"] == "device"]
        drawn = list(root.all("article", class_="device"))
        self.assertEqual([str(devid) for devid in devices], [article.attributes["data-devid"] for article in drawn])
        for article in drawn:
            own = [event for event in damage if str(event["devid"]) == article.attributes["data-devid"]]
            self.assertEqual(str(len(own)), article.attributes["data-findings"])
            for repairable, state in STATES.items():
                length = sum(event["length"] for event in own if event["repairable"] is repairable)
                self.assertEqual(str(length), article.attributes[f"data-{state}"])
                self.assertEqual(length > 0, any(mark.has("class_", state) for mark in article.all("rect", class_="mark")))
            for mark in article.all("rect", class_="mark"):
                x, width = int(mark.attributes["x"]), int(mark.attributes["width"])
                self.assertTrue(x >= 0 and width >= 2 and x + width <= 960, mark.attributes)
        chunks = {event["chunk"] for event in damage if "chunk" in event}
        self.assertEqual({f"chunk-{chunk}" for chunk in chunks},
                         {article.attributes["id"] for article in root.all("article", class_="alone")})

    def check_files(self, damage, root):
        for name, repairable in (("files-lost", (False, None)), ("files-repairable", (True,))):
            paths = {entry["path"] for event in damage if event["repairable"] in repairable
                     for entry in event.get("files", ()) if entry["kind"] == "file"}
            shown = set()
            for section in root.all("section", id=name):
                shown = {cell.one("bdi").text() for cell in section.all("td", class_="path")}
            self.assertEqual(set(), paths - shown)


class Page(PageCase):
    def test_counts(self):
        """As it is written: every tag closed, every count that of the JSON lines."""
        for name in IMAGES:
            image = golden.Golden(name)
            with self.subTest(image=name), image.unpacked() as where:
                lines, page = self.scrub(image, where, "--files", name=name)
                with open(page, encoding="utf-8") as text:
                    content = text.read()
                self.check(lines, chromium.parse(content))
                self.assertIsNone(re.search(r"://|url\(|@import|<script", content))
                self.assertEqual(0o600, os.stat(page).st_mode & 0o777)

    def test_a_file_that_is_there(self):
        image = golden.Golden("122-raid5x2-label")
        with image.unpacked() as where:
            kept = os.path.join(self.folder, "kept")
            with open(kept, "w", encoding="utf-8") as file:
                file.write("mine")
            link = os.path.join(self.folder, "link")
            os.symlink(os.path.join(where, "d1.img"), link)
            before = golden.digests(where)
            for path in (kept, link):
                status, out, err = image.run(where, "--format", "json", "--html", path)
                self.assertEqual((8, "failed"), (status, golden.lines_of(out)[-1]["verdict"]))
                self.assertIn(f"btrfs-raid56: {path}: cannot create: File exists\n", err.decode())
            self.assertEqual(before, golden.digests(where))
            with open(kept, encoding="utf-8") as file:
                self.assertEqual("mine", file.read())

    def test_no_place(self):
        image = golden.Golden("122-raid5x2-label")
        with image.unpacked() as where:
            for path in (os.path.join(self.folder, "none", "page"), "/dev/full"):
                self.assertEqual(8, image.run(where, "--html", path)[0])


@unittest.skipUnless(chromium.path(), "no chromium (Debian package chromium)")
class Browser(PageCase):
    def test_counts(self):
        for name in IMAGES:
            image = golden.Golden(name)
            with self.subTest(image=name), image.unpacked() as where:
                lines, page = self.scrub(image, where, "--files", name=name)
                self.check(lines, chromium.dom(page))

    def test_names_are_text(self):
        """A label and a path of a device that would be markup, were they let through."""
        image = golden.Golden("100-demo-damaged")
        with image.unpacked() as where:
            for name in os.listdir(where):
                os.chmod(os.path.join(where, name), 0o644)

            def relabel(block):
                block[LABEL:LABEL + 256] = EVIL.encode().ljust(256, b"\0")
            for name in image.arguments[1:]:
                supers.edit(os.path.join(where, name), relabel)
            odd = EVIL.replace("/", "\u2044") + ".img"
            os.rename(os.path.join(where, "d1.img"), os.path.join(where, odd))
            image.arguments[1] = odd
            lines, page = self.scrub(image, where, "--files")
            self.assertEqual(EVIL, lines[0]["label"])
            root = chromium.dom(page)
            self.check(lines, root)
            self.assertEqual(set(), {element.tag for element in root.all()} - TAGS)
            self.assertEqual([], [name for element in root.all() for name in element.attributes if name.startswith("on")])
            shown = EVIL.replace("\x1b", r"\x1b").replace("\u202e", r"\xe2\x80\xae")
            self.assertEqual(shown, root.one("td", id="label").text())
            self.assertEqual(f"btrfs-raid56 scrub of {shown}", root.one("head").one("title").text())

    def test_it_shows(self):
        """Not blank, and another look in the dark."""
        image = golden.Golden("105-raid6x4-beyond-tolerance")
        with image.unpacked() as where:
            _, page = self.scrub(image, where, "--files")
            pictures = []
            for scheme in (chromium.LIGHT, chromium.DARK):
                picture = os.path.join(self.folder, f"{scheme}.png")
                chromium.screenshot(page, picture, scheme)
                with open(picture, "rb") as file:
                    pictures.append(file.read())
            for picture in pictures:
                self.assertEqual(b"\x89PNG", picture[:4])
                self.assertGreater(len(picture), 30000)
            self.assertNotEqual(*pictures)


if __name__ == "__main__":
    unittest.main(verbosity=2)
