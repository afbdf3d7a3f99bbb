# SPDX-License-Identifier: GPL-2.0-or-later
"""A page as a browser has it: Chromium without a window, and the elements that it made of the page."""

import html.parser
import os
import shutil
import subprocess
import tempfile

VOID = {"meta", "link", "br", "img", "hr", "input"}
LIGHT, DARK = 1, 0  # preferred colour schemes, as Blink numbers them


def path():
    return shutil.which("chromium")


def run(page, *options):
    """What the browser prints with some options over a file."""
    with tempfile.TemporaryDirectory(prefix="btrfs-raid56-chromium-") as profile:
        words = [path(), "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
                 f"--user-data-dir={profile}", *(["--no-sandbox"] if os.geteuid() == 0 else []), *options, f"file://{page}"]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              timeout=120, env={**os.environ, "HOME": profile})
    if done.returncode != 0:
        raise AssertionError(f"chromium: {done.returncode}: {done.stderr.decode(errors='replace')[-600:]}")
    return done.stdout.decode()


def screenshot(page, image, scheme=LIGHT, width=1200, height=1600):
    run(page, f"--screenshot={image}", f"--window-size={width},{height}", f"--blink-settings=preferredColorScheme={scheme}")


class Element:
    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent = tag, dict(attributes), parent
        self.children, self.words = [], []

    def all(self, tag=None, **wanted):
        """Elements below this one; class_ is one of its classes, data_x an attribute data-x."""
        for child in self.children:
            if (tag is None or child.tag == tag) and all(child.has(name, value) for name, value in wanted.items()):
                yield child
            yield from child.all(tag, **wanted)

    def has(self, name, value):
        if name == "class_":
            return value in self.attributes.get("class", "").split()
        return self.attributes.get(name.replace("_", "-")) == value

    def one(self, tag=None, **wanted):
        found = list(self.all(tag, **wanted))
        if len(found) != 1:
            raise AssertionError(f"{len(found)} of {tag} {wanted}")
        return found[0]

    def text(self):
        return "".join(part if isinstance(part, str) else part.text() for part in self.words)


class Tree(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.root = self.at = Element("", [], None)
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        element = Element(tag, attributes, self.at)
        self.at.children.append(element)
        self.at.words.append(element)
        if tag not in VOID:
            self.at = element

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.at = self.at.parent

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if self.at.tag != tag:
            raise AssertionError(f"</{tag}> closes <{self.at.tag}>")
        self.at = self.at.parent

    def handle_data(self, data):
        self.at.words.append(data)


def parse(text):
    """The elements of a page that is written without omitted tags."""
    return Tree(text).root


def dom(page):
    """The elements that the browser made of a page."""
    return parse(run(page, "--dump-dom"))
