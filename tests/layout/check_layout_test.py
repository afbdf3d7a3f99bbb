#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The layout check itself: a tiny good tree passes, and each way of being bad is found."""
import os
import subprocess
import sys
import tempfile
import unittest

import check_layout

GOOD = {
    "README.md": "# lib\n\n| folder | what it is | pure | includes |\n| --- | --- | --- | --- |\n"
                 "| `base` | ground | yes | |\n| `parity` | sums | yes | base |\n"
                 "| `device` | kernel | no | base |\n| `session` | all of it | no | all |\n",
    "CMakeLists.txt": "add_subdirectory(base)\n",
    "base/CMakeLists.txt": "add_library(raid56_base INTERFACE)\n",
    "base/a.h": "#pragma once\n#include <vector>\n",
    "parity/CMakeLists.txt": "raid56_library(raid56_parity raid56_base) # not raid56_device\n",
    "parity/p.cc": '#include "parity/p.h"\n#include <isa-l/raid.h>\n#include "base/a.h"\n',
    "device/CMakeLists.txt": "raid56_library(raid56_device raid56_base AIO::aio)\n",
    "device/d.cc": '#include <unistd.h>\n#include <mutex>\n#include "base/a.h"\n',
    "session/CMakeLists.txt": "raid56_library(raid56_session raid56_base raid56_parity raid56_device)\n",
    "session/s.cc": '#include "device/d.h"\n#include "parity/p.h"\n#include <chrono>\n',
}


class LayoutTest(unittest.TestCase):
    def check(self, files):
        """What the check says about the good tree with changed, added or (None) removed files."""
        tree = {**GOOD, **files}
        with tempfile.TemporaryDirectory() as lib:
            for name, text in tree.items():
                if text is None:
                    continue
                path = os.path.join(lib, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as out:
                    out.write(text)
            wrong = check_layout.check(lib)
            # The program says the same, and its status tells.
            run = subprocess.run([sys.executable, check_layout.__file__, lib], capture_output=True, text=True,
                                 check=False)
            self.assertEqual(run.stdout.splitlines(), wrong)
            self.assertEqual(run.returncode, 1 if wrong else 0)
            return wrong

    def expect(self, files, *wrong):
        self.assertEqual(self.check(files), list(wrong))

    def test_a_good_tree_passes(self):
        self.expect({})

    def test_an_include_that_the_table_does_not_allow(self):
        self.expect({"parity/p.cc": '\n#include "device/d.h"\n'}, "parity/p.cc:2: `parity` may not include device/d.h")

    def test_an_include_upwards(self):
        self.expect({"base/a.h": '  #  include "session/s.h"\n'}, "base/a.h:1: `base` may not include session/s.h")

    def test_includes_are_written_from_lib(self):
        self.expect({"parity/p.cc": '#include "p.h"\n#include "../base/a.h"\n'},
                    'parity/p.cc:1: "p.h" is not written from lib/',
                    'parity/p.cc:2: "../base/a.h" is not written from lib/')

    def test_a_deeper_folder_is_looked_at(self):
        self.expect({"parity/x/y.h": '#include "device/d.h"\n'}, "parity/x/y.h:1: `parity` may not include device/d.h")

    def test_the_kernel_is_for_device(self):
        for header in ("unistd.h", "sys/stat.h", "linux/fs.h", "fcntl.h", "libaio.h"):
            self.expect({"session/s.cc": f"#include <{header}>\n"},
                        f"session/s.cc:1: <{header}> is for `device` alone")

    def test_a_pure_folder_stays_pure(self):
        for header in ("chrono", "thread", "mutex", "fstream", "iostream", "cstdio", "filesystem", "time.h"):
            self.expect({"parity/p.cc": f"#include <{header}>\n"},
                        f"parity/p.cc:1: `parity` is pure, it may not include <{header}>")

    def test_a_link_too_many(self):
        self.expect({"parity/CMakeLists.txt": "raid56_library(raid56_parity raid56_base raid56_device)\n"},
                    "parity/CMakeLists.txt: links raid56_device, the table does not")

    def test_a_link_that_is_missing(self):
        self.expect({"session/CMakeLists.txt": "raid56_library(raid56_session raid56_base raid56_parity)\n"},
                    "session/CMakeLists.txt: does not link raid56_device, the table does")

    def test_a_folder_that_is_not_in_the_table(self):
        self.expect({"extra/x.cc": ""}, "extra/: is not in the table of README.md")

    def test_a_row_without_a_folder(self):
        self.expect({"device/CMakeLists.txt": None, "device/d.cc": None}, "README.md: there is no folder device/")

    def test_a_folder_that_is_not_built(self):
        self.expect({"device/CMakeLists.txt": None}, "device/: has no CMakeLists.txt")

    def test_a_table_that_is_not_one(self):
        readme = GOOD["README.md"]
        self.assertIn("README.md: has no table of folders", self.check({"README.md": "# lib\n"}))
        self.expect({"README.md": readme.replace("| no | base |", "| no | session |")},
                    "README.md: `device` includes session, which does not stand above it",
                    "device/CMakeLists.txt: links raid56_base, the table does not",
                    "device/CMakeLists.txt: does not link raid56_session, the table does",
                    "device/d.cc:3: `device` may not include base/a.h")
        self.assertIn("README.md: not understood: | `base` | ground | perhaps | |",
                      self.check({"README.md": readme.replace("ground | yes", "ground | perhaps")}))
        self.assertIn("README.md: `base` stands there twice",
                      self.check({"README.md": readme + "| `base` | again | yes | |\n"}))


if __name__ == "__main__":
    unittest.main()
