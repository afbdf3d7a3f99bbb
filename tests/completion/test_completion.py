#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What bash and zsh complete is what --help has: every command, every option of each, every value that is listed, and
no other. And in a shell on a terminal the Tab key gives it.

BTRFS_RAID56 names the program.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import terminal

HERE = os.path.dirname(os.path.abspath(__file__))
SHARE = os.path.join(HERE, "..", "..", "share")
BASH = os.path.join(SHARE, "bash-completion", "completions", "btrfs-raid56")
ZSH = os.path.join(SHARE, "zsh", "site-functions", "_btrfs-raid56")
LOADER = "/usr/share/bash-completion/bash_completion"
sys.path.insert(0, os.path.join(HERE, "..", "man"))

import test_man  # noqa: E402


def listed(command, option, argument):
    """The values that --help lists for an option; none where it may be anything."""
    if option == "--engine":
        text = " ".join(test_man.run(command, "--help").stdout.decode().split())
        return set(re.search(r"parity engine: (\w+), (\w+), (\w+) or (\w+)", text).groups())
    return set(argument.split("|")) if "|" in argument else set()


class Bash(unittest.TestCase):
    def complete(self, *words, breaks="=:"):
        """What the function gives for the last of some words, cut as bash cuts them."""
        cut = [piece for word in words for piece in (re.split("(=)", word) if "=" in breaks else [word])
               if piece or not word or word.endswith("=")]
        script = f'source "$0"; COMP_WORDBREAKS="{breaks}"; COMP_WORDS=(btrfs-raid56 "$@"); COMP_CWORD=$#\n' \
            '_btrfs_raid56 && printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "--norc", "-c", script, BASH, *cut], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, check=True)
        self.assertEqual("", done.stderr)
        return set(done.stdout.split("\n")) - {""}

    def test_commands(self):
        self.assertEqual(set(test_man.COMMANDS), self.complete(""))
        self.assertEqual({"repair", "rebuild"}, self.complete("re"))
        self.assertEqual(set(), self.complete("scrub", "re"))

    def test_options(self):
        self.assertEqual(set(test_man.help_options()), self.complete("-"))
        for command in test_man.COMMANDS:
            with self.subTest(command=command):
                options = set(test_man.help_options(command))
                self.assertEqual(options, self.complete(command, "-"))
                self.assertEqual(options, self.complete(command, "--format", "json", "d1.img", "-"))
        self.assertEqual({"--save-plan"}, self.complete("repair", "--s"))
        self.assertEqual(set(), self.complete("scrub", "--", "-"))

    def test_values(self):
        for command in test_man.COMMANDS:
            for option, argument in test_man.help_options(command).items():
                if not argument:
                    continue
                values = listed(command, option, argument)
                with self.subTest(command=command, option=option):
                    self.assertEqual(values, self.complete(command, option, ""))
                    self.assertEqual(values, self.complete(command, f"{option}="))
                    self.assertEqual({f"{option}={value}" for value in values},
                                     self.complete(command, f"{option}=", breaks=":"))
                    for value in sorted(values)[:1]:
                        self.assertIn(value, self.complete(command, option, value[:2]))
                        self.assertIn(value, self.complete(command, f"{option}={value[:2]}"))
                        # Behind it there are options again.
                        self.assertIn("--format", self.complete(command, option, value, "--f"))

    def test_flags_take_nothing(self):
        for command in test_man.COMMANDS:
            for option, argument in test_man.help_options(command).items():
                if not argument:
                    self.assertIn("--format", self.complete(command, option, "--f"))


class Zsh(unittest.TestCase):
    def specs(self, command):
        """{option: values} that _arguments is given for a command."""
        script = '_arguments() { return 1 }; source "$0"; _btrfs-raid56-options "$1"; print -rl -- "${reply[@]}"'
        done = subprocess.run(["zsh", "-f", "-c", script, ZSH, command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, check=True)
        self.assertEqual("", done.stderr)
        found = {}
        for spec in done.stdout.splitlines():
            excluded, many, option, rest = re.fullmatch(r"(?:\(([^)]*)\))?(\*?)(-[\w-]+=?)\[[^\]]+\](.*)", spec).groups()
            self.assertEqual(bool(rest), option.endswith("="), spec)
            option = option.rstrip("=")
            self.assertNotIn(option, found)
            values = re.fullmatch(r":[^:]+:\(([^)]*)\)", rest)
            found[option] = (set(values[1].split()) if values else set(), bool(rest), bool(many), excluded)
        return found

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_syntax(self):
        subprocess.run(["zsh", "-n", ZSH], check=True)
        with open(ZSH, encoding="utf-8") as text:
            self.assertEqual("#compdef btrfs-raid56\n", text.readline())

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_options_and_values(self):
        for command in ("", *test_man.COMMANDS):
            wanted = test_man.help_options(*([command] if command else []))
            specs = self.specs(command)
            with self.subTest(command=command):
                self.assertEqual(set(wanted), set(specs))
            text = test_man.run(*([command] if command else []), "--help").stdout.decode()
            for option, argument in wanted.items():
                values, takes, many, excluded = specs[option]
                with self.subTest(command=command, option=option):
                    self.assertEqual(listed(command, option, argument), values)
                    self.assertEqual(bool(argument), takes)
                    own = re.search(rf"  {option} .*?(?=\n  -|\Z|\n\n)", text, re.S)
                    self.assertEqual(bool(own and "may be given again" in " ".join(own[0].split())), many)
                    for other in (excluded or "").replace("- *", "").split():
                        self.assertIn(other, wanted)

    def test_commands(self):
        with open(ZSH, encoding="utf-8") as text:
            commands = re.search(r"commands=\(\n(.*?)\n +\)", text.read(), re.S)[1]
        self.assertEqual(list(test_man.COMMANDS), re.findall(r"'(\w+):", commands))


class Terminal(unittest.TestCase):
    """The Tab key, in shells that have read nothing but the completion."""

    def try_it(self, command, setup):
        with tempfile.TemporaryDirectory(prefix="btrfs-raid56-completion-") as where:
            for name in ("disk one.img", "target.img", "old.map"):
                open(os.path.join(where, name), "wb").close()
            # Printed as one word that the line as it is echoed does not have.
            program = "btrfs-raid56() { printf '<%s>' \"$@\" ''; printf '%s%s\\n' E ND; }"
            shell = terminal.Shell(command, [*setup, program], where)
            self.addCleanup(shell.close)
            for typed, wanted in (
                    ("btrfs-raid56 scr\t", ["scrub"]),
                    ("btrfs-raid56 repair --wri\t", ["repair", "--write"]),
                    ("btrfs-raid56 repair --only par\t", ["repair", "--only", "parity"]),
                    ("btrfs-raid56 scrub --format=j\t", ["scrub", "--format=json"]),
                    ("btrfs-raid56 scrub dis\t", ["scrub", "disk one.img"]),
                    ("btrfs-raid56 scrub --map target.img=ol\t", ["scrub", "--map", "target.img=old.map"]),
                    ("btrfs-raid56 rebuild --onto 3=tar\t", ["rebuild", "--onto", "3=target.img"]),
                    ("btrfs-raid56 undo --journal ol\t dis\t", ["undo", "--journal", "old.map", "disk one.img"]),
                    ("btrfs-raid56 scrub --threads tar\t", ["scrub", "--threads", "tar"])):
                with self.subTest(shell=command[0], typed=typed):
                    self.assertEqual(wanted, shell.arguments(typed))

    def test_bash(self):
        self.try_it(["bash", "--norc", "--noprofile", "-i"],
                    ["bind 'set enable-bracketed-paste off' 'set bell-style none'", f"source '{BASH}'"])

    @unittest.skipUnless(os.path.exists(LOADER), "bash-completion is not installed")
    def test_bash_finds_it(self):
        """The package bash-completion loads it by its name and place, when the Tab key is first pressed."""
        self.try_it(["bash", "--norc", "--noprofile", "-i"],
                    ["bind 'set enable-bracketed-paste off' 'set bell-style none'",
                     f"BASH_COMPLETION_USER_DIR='{os.path.join(SHARE, 'bash-completion')}'; source {LOADER}"])

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh(self):
        self.try_it(["zsh", "-f", "-i"], ["unset zle_bracketed_paste; unsetopt beep", f"fpath=('{os.path.dirname(ZSH)}' $fpath)",
                                          "autoload -Uz compinit && compinit -D -u"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
