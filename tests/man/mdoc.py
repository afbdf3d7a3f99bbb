# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads the structure of an mdoc page as far as the tests need it: sections, items of their lists, literal displays."""

import re


def unescape(text):
    return text.replace("\\e", "\\").replace("\\-", "-").replace("\\&", "").replace("\\(dq", '"')


class Page:
    def __init__(self, path):
        with open(path, encoding="utf-8") as source:
            self.lines = source.read().split("\n")

    def sections(self, macro):
        """{title: lines} of .Sh or .Ss sections; a .Ss ends with the .Sh that holds it."""
        found, title = {}, None
        for line in self.lines:
            if line.startswith(".Sh ") or line.startswith(f".{macro} "):
                title = line[4:] if line.startswith(f".{macro} ") else None
                if title:
                    found[title] = []
            elif title:
                found[title].append(line)
        return found

    def items(self, lines, macro):
        """First arguments of `.It MACRO`, with the words that follow: [(name, rest, lines of the item)]; nested lists
        belong to the item that holds them."""
        found, depth = [], 0
        for line in lines:
            depth += line.startswith(".Bl ")
            depth -= line == ".El"
            if depth == 1 and line.startswith(f".It {macro} "):
                name, _, rest = line[len(f".It {macro} "):].partition(" ")
                found.append((unescape(name), rest, []))
            elif found:
                found[-1][2].append(line)
        return found

    @staticmethod
    def values(lines):
        """What `.It Li` or `.Li` name in some lines, and nothing else."""
        named = []
        for line in lines:
            match = re.match(r"\.(?:It )?Li (.+?)(?: [,.;:)]+)?$", line)
            if match:
                named.append(unescape(match[1]))
        return named

    def literals(self):
        """The literal displays, each as one text."""
        found, inside = [], False
        for line in self.lines:
            if line == ".Bd -literal":
                inside = True
                found.append([])
            elif line == ".Ed":
                inside = False
            elif inside:
                found[-1].append(unescape(line))
        return ["\n".join(lines) for lines in found]
