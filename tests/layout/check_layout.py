#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds lib/ against the table of lib/README.md: who includes whom, who links whom, who is pure.

check_layout.py LIB prints one line for each thing that is wrong; exit status 1 if there is any.
"""
import os
import re
import sys

ROW = re.compile(r"^\|\s*`(\w+)`\s*\|[^|]*\|\s*(yes|no)\s*\|\s*([\w ]*?)\s*\|\s*$")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
TARGET = re.compile(r"\braid56_(\w+)")

# Interfaces of the kernel, which only one folder may meet.
KERNEL = re.compile(r"^(sys|linux|asm|net|netinet)/|^(unistd|fcntl|dirent|poll|spawn|libaio|aio|termios|pwd|mntent)\.h$")
KERNEL_FOLDER = "device"
# What else a pure folder does not include: clocks, threads, streams, files, processes.
IMPURE = re.compile(
    r"^(chrono|ctime|time\.h"
    r"|thread|mutex|shared_mutex|condition_variable|future|semaphore|latch|barrier|stop_token|pthread\.h|threads\.h"
    r"|iostream|istream|ostream|iosfwd|fstream|sstream|iomanip|streambuf|syncstream|cstdio|stdio\.h"
    r"|filesystem|csignal|signal\.h|csetjmp|setjmp\.h|random|locale|clocale|locale\.h)$")


def read_table(readme):
    """{folder: (pure, set of folders it may include)} in the table's order, and complaints."""
    table, wrong = {}, []
    with open(readme, encoding="utf-8") as lines:
        for line in lines:
            row = ROW.match(line)
            if not row:
                if line.startswith("| `"):
                    wrong.append(f"README.md: not understood: {line.strip()}")
                continue
            name, pure, includes = row.groups()
            allowed = set(table) if includes == "all" else set(includes.split())
            for other in sorted(allowed - set(table)):
                wrong.append(f"README.md: `{name}` includes {other}, which does not stand above it")
            if name in table:
                wrong.append(f"README.md: `{name}` stands there twice")
            table[name] = (pure == "yes", allowed)
    if not table:
        wrong.append("README.md: has no table of folders")
    return table, wrong


def check_source(where, path, folder, pure, allowed):
    wrong = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            quote, header = found.groups()
            at = f"{where}:{number}"
            if quote == '"':
                top = header.split("/")[0]
                if "/" not in header or top in (".", ".."):
                    wrong.append(f'{at}: "{header}" is not written from lib/')
                elif top != folder and top not in allowed:
                    wrong.append(f"{at}: `{folder}` may not include {header}")
            elif KERNEL.match(header) and folder != KERNEL_FOLDER:
                wrong.append(f"{at}: <{header}> is for `{KERNEL_FOLDER}` alone")
            elif pure and IMPURE.match(header):
                wrong.append(f"{at}: `{folder}` is pure, it may not include <{header}>")
    return wrong


def check_links(where, path, folder, allowed):
    with open(path, encoding="utf-8") as text:
        words = re.sub(r"#.*", "", text.read())
    linked = {name for name in TARGET.findall(words) if name not in (folder, "library")}
    wrong = [f"{where}: links raid56_{name}, the table does not" for name in sorted(linked - allowed)]
    return wrong + [f"{where}: does not link raid56_{name}, the table does" for name in sorted(allowed - linked)]


def check(lib):
    """Everything that is wrong in the folder `lib`, one line each."""
    table, wrong = read_table(os.path.join(lib, "README.md"))
    folders = {entry.name for entry in os.scandir(lib) if entry.is_dir()}
    wrong += [f"{name}/: is not in the table of README.md" for name in sorted(folders - set(table))]
    wrong += [f"README.md: there is no folder {name}/" for name in sorted(set(table) - folders)]
    for folder in sorted(folders & set(table)):
        pure, allowed = table[folder]
        if not os.path.exists(os.path.join(lib, folder, "CMakeLists.txt")):
            wrong.append(f"{folder}/: has no CMakeLists.txt")
        for parent, _, files in os.walk(os.path.join(lib, folder)):
            for name in sorted(files):
                path = os.path.join(parent, name)
                where = os.path.relpath(path, lib)
                if name == "CMakeLists.txt":
                    wrong += check_links(where, path, folder, allowed)
                elif name.endswith((".h", ".cc")):
                    wrong += check_source(where, path, folder, pure, allowed)
    return wrong


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: check_layout.py LIB")
    wrong = check(sys.argv[1])
    for line in wrong:
        print(line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
