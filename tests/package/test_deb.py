#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian packages: what is in them and what they depend on; they install, run and are removed without a trace, in
a root of their own; lintian finds no error."""

import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import built

SKIPPED = 77  # what ctest reads as "skipped"
PACKAGES = ("btrfs-raid56", "libbtrfs-raid56-dev")
NEEDED = ("dpkg-deb", "dpkg", "dpkg-shlibdeps", "cpack", "gzip", "objdump")


class Deb(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="btrfs-raid56-deb-")
        where = os.path.join(cls.scratch.name, "made")
        built.run("cpack", "--config", os.path.join(built.folder(), "CPackConfig.cmake"), "-B", where)
        cls.files = sorted(os.path.join(where, name) for name in os.listdir(where) if name.endswith(".deb"))
        cls.root = os.path.join(cls.scratch.name, "extracted")
        for file in cls.files:
            built.run("dpkg", "-x", file, cls.root)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def field(self, file, name):
        return built.run("dpkg-deb", "--field", file, name).strip()

    def read(self, *words):
        with open(os.path.join(self.root, *words), "rb") as file:
            return file.read()

    def test_two_packages(self):
        self.assertEqual(list(PACKAGES), [self.field(file, "Package") for file in self.files])
        architecture = built.run("dpkg", "--print-architecture").strip()
        for file in self.files:
            self.assertEqual(architecture, self.field(file, "Architecture"))
            self.assertRegex(self.field(file, "Maintainer"), r"^[^<]+ <\S+@\S+>$")

    def test_contents(self):
        with tempfile.TemporaryDirectory() as where:
            built.run("dpkg", "-x", self.files[0], where)
            found = {os.path.relpath(os.path.join(parent, file), where)
                     for parent, _, files in os.walk(where) for file in files}
        self.assertEqual({"usr/sbin/btrfs-raid56", "usr/share/man/man8/btrfs-raid56.8.gz",
                          "usr/share/man/man5/btrfs-raid56-report.5.gz", "usr/share/man/man5/btrfs-raid56-journal.5.gz",
                          "usr/share/btrfs-raid56/report.schema.json",
                          "usr/share/bash-completion/completions/btrfs-raid56",
                          "usr/share/zsh/vendor-completions/_btrfs-raid56", "usr/share/doc/btrfs-raid56/copyright",
                          "usr/share/doc/btrfs-raid56/changelog.gz",
                          "usr/share/doc/btrfs-raid56/changelog.Debian.gz",
                          "usr/share/doc/btrfs-raid56/examples/scrub-and-mail",
                          "usr/share/doc/btrfs-raid56/examples/btrfs-raid56-scrub@.service",
                          "usr/share/doc/btrfs-raid56/examples/btrfs-raid56-scrub@.timer"}, found)

    def test_documents(self):
        """Compressed without a date, whole, and of this version."""
        for page, section in (("btrfs-raid56.8", 8), ("btrfs-raid56-report.5", 5), ("btrfs-raid56-journal.5", 5)):
            packed = self.read("usr", "share", "man", f"man{section}", page + ".gz")
            self.assertEqual(bytes(4), packed[4:8], "a date in " + page)
            with open(os.path.join(built.ROOT, "man", page), "rb") as source:
                self.assertEqual(source.read(), gzip.decompress(packed))
        for file, package in zip(self.files, PACKAGES):
            doc = ("usr", "share", "doc", package)
            newest = gzip.decompress(self.read(*doc, "changelog.Debian.gz")).decode().splitlines()[0]
            self.assertEqual(f"btrfs-raid56 ({self.field(file, 'Version')})", newest.rpartition(")")[0] + ")")
            self.assertIn(b"GPL-2+", self.read(*doc, "copyright"))

    def test_dependencies(self):
        """Every library that the program is linked with is in a package that it depends on."""
        libraries = re.findall(r"NEEDED +(\S+)", built.run("objdump", "-p", os.path.join(self.root, "usr/sbin/btrfs-raid56")))
        self.assertIn("libc.so.6", libraries)
        depends = set(re.findall(r"(?:^|, )([\w.+-]+)", self.field(self.files[0], "Depends")))
        listed = built.run("ldd", os.path.join(self.root, "usr/sbin/btrfs-raid56"))
        for library in libraries:
            path = re.search(rf"{re.escape(library)} => (\S+)", listed)
            # Where /lib is a link to /usr/lib dpkg knows only one of the two names.
            owners = subprocess.run(["dpkg", "-S", path[1], os.path.realpath(path[1]), f"*/{library}"], check=False,
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout if path else "libc6:"
            self.assertTrue(depends & set(re.findall(r"^([\w.+-]+)[:,]", owners, re.M)), f"{library}: {owners}")

    def test_runs(self):
        program = os.path.join(self.root, "usr", "sbin", "btrfs-raid56")
        for name, said in built.over_images(program, "scrub").items():
            self.assertIn(f"\n{built.VERDICTS[name].upper()}: ", said)

    def dpkg(self, root, *words):
        # No scripts of maintainers: nothing is run in that root, and what it depends on need not be there.
        return built.run("dpkg", f"--root={root}", f"--log={root}.log", "--force-depends", "--force-bad-path",
                         "--no-triggers", *words)

    @unittest.skipUnless(os.geteuid() == 0, "not root: dpkg installs for root alone")
    def test_installed_and_removed(self):
        root = os.path.join(self.scratch.name, "root")
        os.makedirs(os.path.join(root, "var/lib/dpkg/info"))
        os.makedirs(os.path.join(root, "var/lib/dpkg/updates"))
        for name in ("status", "available"):
            open(os.path.join(root, "var/lib/dpkg", name), "wb").close()
        self.dpkg(root, "-i", *self.files)
        for package in PACKAGES:
            self.assertIn("Status: install ok installed", self.dpkg(root, "-s", package))
            self.assertEqual("", self.dpkg(root, "--verify", package))
        said = built.over_images(os.path.join(root, "usr/sbin/btrfs-raid56"), "scrub")
        self.assertEqual(set(built.VERDICTS), set(said))
        self.dpkg(root, "--purge", *PACKAGES)
        self.assertEqual({"var"}, set(os.listdir(root)))

    @unittest.skipUnless(shutil.which("lintian"), "lintian is not installed")
    def test_lintian(self):
        if os.environ.get("BUILD_TYPE", "Release") != "Release":
            self.skipTest(f"not what is packaged: a {os.environ['BUILD_TYPE']} build")
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error", *self.files], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertEqual([], [line for line in done.stdout.splitlines() if line.startswith("E:")])


if __name__ == "__main__":
    lacking = [tool for tool in NEEDED if shutil.which(tool) is None]
    if lacking:
        print(f"skipped: {lacking[0]} is not installed")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
