# SPDX-License-Identifier: GPL-2.0-or-later
"""The README of a golden image, from its case and from what was planted."""

import textwrap

WIDTH = 100


def wrap(text, indent=""):
    return textwrap.fill(" ".join(text.split()), WIDTH, initial_indent=indent, subsequent_indent="  " if indent else "",
                         break_long_words=False, break_on_hyphens=False)


def text(case, base, plan, words, status, told):
    parts = [f"# {case.name}", wrap(case.what + "."), "## File system", wrap(base.made_by() + ". It holds:")]
    parts.append("\n".join(wrap(thing[0].lower() + thing[1:], "- ") for thing in base.contents()))
    if plan.damaged:
        parts.append("## Damaged\n\n" + "\n".join(wrap(sentence, "- ") for sentence in plan.damaged))
        parts.append("Numbers are decimal bytes; a row is one sector of every column of a full stripe.")
    elif case.left_out:
        absent = " and ".join(map(str, case.left_out))
        parts.append("## Damaged\n\n" + wrap(f"devids {absent} are not given and not packed", "- "))
    else:
        parts.append("## Damaged\n\nNothing.")
    parts.append("## What must be reported\n\n" + wrap(case.why))
    parts.append(f"    btrfs-raid56 {' '.join(words)}\n\nends with exit status {status}; expected.jsonl has the "
                 "lines of `--format json` without\n`seconds`, `bytes_read` and `engine`.")
    parts.append("## How that was checked\n\n" + wrap(told))
    return "\n\n".join(part for part in parts if part) + "\n"
