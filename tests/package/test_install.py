#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An installed tree is whole: the program runs from it, and examples/ is built with nothing but it, once through
find_package() of CMake and once through pkg-config."""

import os
import shutil
import tempfile
import unittest

import built

EXAMPLE = os.path.join(built.ROOT, "examples", "is-clean")


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="btrfs-raid56-install-")
        first = os.path.join(cls.scratch.name, "first")
        built.run(built.cmake(), "--install", built.folder(), "--prefix", first)
        # The tree may be moved.
        cls.prefix = os.path.join(cls.scratch.name, "moved here")
        os.rename(first, cls.prefix)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def path(self, *words):
        return os.path.join(self.prefix, *words)

    def example(self, name):
        """A copy of the example, so that nothing of the source tree is near."""
        where = os.path.join(self.scratch.name, name)
        shutil.copytree(EXAMPLE, where)
        return where

    def assert_says_the_verdict(self, program):
        self.assertEqual({name: verdict + "\n" for name, verdict in built.VERDICTS.items()}, built.over_images(program))

    def test_what_is_there(self):
        for file in ("sbin/btrfs-raid56", "share/man/man8/btrfs-raid56.8", "share/man/man5/btrfs-raid56-report.5",
                     "share/man/man5/btrfs-raid56-journal.5", "share/btrfs-raid56/report.schema.json",
                     "share/bash-completion/completions/btrfs-raid56", "share/zsh/site-functions/_btrfs-raid56",
                     "include/btrfs-raid56/session/scrub_command.h"):
            self.assertTrue(os.path.isfile(self.path(file)), file)

    def test_nothing_of_the_build_folder(self):
        """No file for developers names the folder that it was built or installed in."""
        for parent, _, files in os.walk(self.prefix):
            for file in files:
                if file.endswith((".h", ".cmake", ".pc")):
                    with open(os.path.join(parent, file), encoding="utf-8") as text:
                        content = text.read()
                    for folder in (built.folder(), os.path.realpath(built.ROOT), self.scratch.name):
                        self.assertNotIn(folder, content, file)

    def test_program(self):
        for name, said in built.over_images(self.path("sbin", "btrfs-raid56"), "scrub").items():
            self.assertIn(f"\n{built.VERDICTS[name].upper()}: ", said)

    def test_cmake(self):
        where = self.example("cmake")
        words = [built.cmake(), "-S", where, "-B", os.path.join(where, "build"), f"-DCMAKE_PREFIX_PATH={self.prefix}",
                 "-DCMAKE_CXX_FLAGS=-Werror"]
        built.run(*words)
        built.run(built.cmake(), "--build", os.path.join(where, "build"))
        self.assert_says_the_verdict(os.path.join(where, "build", "is-clean"))

    def test_cmake_refuses(self):
        """Another version; and where a library is missing, with its name and Debian's package."""
        where = self.example("refused")
        words = [built.cmake(), "-S", where, "-B", os.path.join(where, "build"), f"-DCMAKE_PREFIX_PATH={self.prefix}"]
        said = built.run(*words, status=1, PKG_CONFIG_LIBDIR=where)
        self.assertIn("ISA-L (Debian package libisal-dev)", " ".join(said.split()))
        with open(os.path.join(where, "CMakeLists.txt"), "r+", encoding="utf-8") as text:
            content = text.read().replace("btrfs-raid56 0.1 ", "btrfs-raid56 7.1 ")
            text.seek(0)
            text.write(content)
        self.assertIn("version: 0.1.0", built.run(*words, status=1))

    @unittest.skipUnless(shutil.which("make"), "make is not installed")
    def test_pkg_config(self):
        where = self.example("pkg-config")
        built.run("make", "-C", where, CXXFLAGS="-Werror", PKG_CONFIG_PATH=self.path("lib", "pkgconfig"))
        self.assert_says_the_verdict(os.path.join(where, "is-clean"))

    def test_headers_are_whole(self):
        """All at once, with nothing but the installed tree: none includes what is not installed."""
        headers = self.path("include", "btrfs-raid56")
        names = sorted(os.path.relpath(os.path.join(parent, file), headers)
                       for parent, _, files in os.walk(headers) for file in files)
        self.assertGreater(len(names), 50)
        source = self.path("all.cc")
        with open(source, "w", encoding="utf-8") as text:
            text.writelines(f'#include "{name}"\n' for name in names)
        flags = built.run("pkg-config", "--cflags", "btrfs-raid56", PKG_CONFIG_PATH=self.path("lib", "pkgconfig"))
        # pkg-config escapes the space in the path for a shell.
        built.run("sh", "-c", f'exec "$@" {flags.strip()}', "sh", os.environ.get("CXX", "c++"), "-fsyntax-only", source)


if __name__ == "__main__":
    unittest.main(verbosity=2)
