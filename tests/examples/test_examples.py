#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The examples of the manual pages and of share/doc do what they say: jq over real reports, mail from cron, the unit and
the timer of systemd.

BTRFS_RAID56 names the program.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
EXAMPLES = os.path.join(ROOT, "share", "doc", "btrfs-raid56", "examples")
sys.path.insert(0, os.path.join(HERE, "..", "man"))

import mdoc  # noqa: E402
import test_man  # noqa: E402

golden = test_man.golden


def section(page):
    return mdoc.Page(os.path.join(ROOT, "man", page)).sections("Sh")["EXAMPLES"]


def shell_lines(page):
    """What a page's examples tell to type: a line of `.Dl $`, or a literal display that opens with `$`."""
    found, inside = [], None
    for line in section(page):
        if line.startswith(".Dl "):
            found.append(mdoc.unescape(line[4:]))
        elif line.startswith(".Bd -literal -offset"):
            inside = []
        elif line == ".Ed" and inside is not None:
            found.append("\n".join(inside))
            inside = None
        elif inside is not None:
            inside.append(mdoc.unescape(line))
    return [text[2:] for text in found if text.startswith("$ ")]


class Reports(unittest.TestCase):
    """Every command over a report, against the same asked in Python."""

    def of(self, text):
        return [json.loads(line) for line in text.splitlines()]

    def kind(self, lines, kind):
        return [line for line in lines if line["type"] == kind]

    def verdict(self, lines, said):
        self.assertEqual(lines[-1]["verdict"] + "\n", said)

    def lost(self, lines, said):
        self.assertEqual([line for line in lines if line.get("repairable") is False], self.of(said))

    def lost_files(self, lines, said):
        paths = {path for line in lines if line.get("repairable") is False for path in line.get("paths", [])}
        self.assertEqual(paths, set(said.splitlines()))
        self.assertEqual(len(paths), len(said.splitlines()))

    def table(self, lines, said):
        words = {True: "true", False: "false", None: ""}
        rows = [[str(line[name]) for name in ("devid", "physical", "length", "role", "cause")] +
                [words[line["repairable"]]] for line in self.kind(lines, "damage")]
        self.assertEqual(rows, [row.split("\t") for row in said.splitlines()])

    def bytes_of_devices(self, lines, said):
        sums = {}
        for line in self.kind(lines, "damage"):
            sums[line["devid"]] = sums.get(line["devid"], 0) + line["length"]
        self.assertEqual([f"devid {devid}: {sums[devid]}" for devid in sorted(sums)], said.splitlines())

    def devices(self, lines, said):
        self.assertEqual([f"devid {line['devid']}: {line['state']}" for line in self.kind(lines, "device")
                          if line["state"] != "present"], said.splitlines())

    def chunks(self, lines, said):
        self.assertEqual([[line[name] for name in ("logical", "length", "kind", "profile")]
                          for line in self.kind(lines, "chunk") if line["further_losses"] == 0], self.of(said))

    def not_done(self, lines, said):
        self.assertEqual([line for line in lines if line["type"] == "action" and not line["done"]], self.of(said))

    def nothing(self, _, said):
        self.assertEqual("", said)

    @unittest.skipUnless(shutil.which("jq"), "jq is not installed")
    def test_every_command_of_the_page(self):
        lost, beyond = "109-raid5x3-two-missing", "105-raid6x4-beyond-tolerance"
        wanted = [  # in the order of the page: what to ask of which image, and how to judge what is said
            (("scrub",), "100-demo-damaged", self.verdict),
            (("scrub",), beyond, self.lost),
            (("scrub", "--files"), lost, self.lost_files),
            (("scrub",), beyond, self.table),
            (("scrub",), "100-demo-damaged", self.bytes_of_devices),
            (("scrub",), lost, self.devices),
            (("inspect",), lost, self.chunks),
            (("repair",), "100-demo-damaged", self.not_done),
            (("scrub",), "100-demo-damaged", self.nothing),
        ]
        commands = shell_lines("btrfs-raid56-report.5")
        self.assertEqual(len(wanted), len(commands))
        for command, (asked, name, judge) in zip(commands, wanted):
            image = golden.Golden(name)
            with self.subTest(command=command), image.unpacked() as where:
                devices = [word for word in image.arguments[1:] if not word.startswith("--")]
                lines = test_man.json_lines(where, *asked, *devices)
                with open(os.path.join(where, "report.jsonl"), "w", encoding="utf-8") as report:
                    report.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
                said = self.typed(command, where)
                judge(lines, said.stdout)
                if judge != self.nothing:
                    self.assertNotEqual("", said.stdout)

    def typed(self, command, where, status=0):
        """A command as the page has it, but for where the schema is installed, and which Python it is."""
        command = command.replace("/usr/share/", os.path.join(os.path.realpath(ROOT), "share", ""))
        command = re.sub(r"^python3 ", f"'{sys.executable}' ", command)
        done = subprocess.run(["sh", "-c", command], cwd=where, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual((status, ""), (done.returncode, done.stderr if status == 0 else ""))
        return done

    def test_the_schema_refuses(self):
        command = shell_lines("btrfs-raid56-report.5")[-1]
        self.assertIn("Draft202012Validator", command)
        with tempfile.TemporaryDirectory() as where:
            with open(os.path.join(where, "report.jsonl"), "w", encoding="utf-8") as report:
                report.write('{"type":"unknown","logical":0,"length":4096,"cause":"other"}\n')
            self.typed(command, where, status=1)


class Cron(unittest.TestCase):
    """The line for cron, with the script it names and a mail(1) that keeps what it is given."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="btrfs-raid56-cron-")
        self.addCleanup(scratch.cleanup)
        self.bin = scratch.name
        for name, body in (("mail", 'printf "%s\\n" "$@" > "$KEPT/arguments"; cat > "$KEPT/letter"'),
                           ("btrfs-raid56", f"exec '{golden.program()}' \"$@\"")):
            path = os.path.join(self.bin, name)
            with open(path, "w", encoding="utf-8") as script:
                script.write(f"#!/bin/sh\n{body}\n")
            os.chmod(path, 0o755)

    def script(self, where, *words):
        """(exit status, [subject, address] and letter of the mail, or None)."""
        temporary = os.path.join(self.bin, "tmp")
        os.makedirs(temporary, exist_ok=True)
        environment = {"PATH": f"{self.bin}:/usr/bin:/bin", "KEPT": self.bin, "TMPDIR": temporary}
        done = subprocess.run([os.path.join(EXAMPLES, "scrub-and-mail"), *words], cwd=where, env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        self.assertEqual([], os.listdir(temporary), "something is left behind")
        letter = os.path.join(self.bin, "letter")
        if not os.path.exists(letter):
            return done.returncode, None, done.stdout
        with open(os.path.join(self.bin, "arguments"), encoding="utf-8") as arguments:
            option, subject, address = arguments.read().splitlines()
        self.assertEqual("-s", option)
        with open(letter, encoding="utf-8") as text:
            found = text.read()
        os.remove(letter)
        self.assertEqual("", done.stdout, "cron would mail this too")
        return done.returncode, (subject, address), found

    def test_the_line_of_the_page(self):
        line = next(line[4:] for line in section("btrfs-raid56.8") if "scrub-and-mail" in line and line.startswith(".Dl"))
        times, user, script, address, _ = re.fullmatch(r"((?:\S+ ){5})(\S+) (\S+) (\S+) (.*)", line).groups()
        self.assertEqual(("30 3 * * 0 ", "root", "root"), (times, user, address))
        self.assertTrue(os.access(os.path.join(EXAMPLES, os.path.basename(script)), os.X_OK))
        with open(os.path.join(EXAMPLES, os.path.basename(script)), encoding="utf-8") as text:
            self.assertIn(f"{times}{user} {script} {address} ", text.read())

    def test_clean(self):
        with golden.Golden("001-demo-clean").unpacked() as where:
            self.assertEqual((0, None, ""), self.script(where, "root", *golden.Golden("001-demo-clean").arguments[1:]))

    def test_damage(self):
        for name, what in (("100-demo-damaged", "damage, all of it repairable"),
                           ("105-raid6x4-beyond-tolerance", "something is lost or undecided")):
            image = golden.Golden(name)
            with self.subTest(image=name), image.unpacked() as where:
                status, (subject, address), letter = self.script(where, "admin@example.org", *image.arguments[1:])
                self.assertEqual(image.exit_status, status)
                self.assertEqual("admin@example.org", address)
                self.assertEqual(f"btrfs-raid56 on {os.uname().nodename}: {what}: {image.arguments[1]}", subject)
                self.assertTrue(letter.startswith("File system "), letter[:80])
                self.assertIn(f"\n{image.expected[-1]['verdict'].upper()}: ", letter)

    def test_not_there(self):
        status, (subject, _), letter = self.script(self.bin, "root", "no-such.img")
        self.assertEqual(8, status)
        self.assertIn("could not be scrubbed: no-such.img", subject)
        self.assertIn("no-such.img: ", letter)

    def test_usage(self):
        for words in ((), ("root",)):
            status, mail, said = self.script(self.bin, *words)
            self.assertEqual((16, None), (status, mail))
            self.assertIn("usage: ", said)


class Systemd(unittest.TestCase):
    def lines(self, name):
        with open(os.path.join(EXAMPLES, name), encoding="utf-8") as text:
            return text.read()

    def command(self):
        return re.search(r"^ExecStart=(.*)$", self.lines("btrfs-raid56-scrub@.service"), re.M)[1]

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    def test_verify(self):
        """It has nothing to say of them, once the program is where they expect it."""
        with tempfile.TemporaryDirectory(prefix="btrfs-raid56-units-") as where:
            for name in ("btrfs-raid56-scrub@.service", "btrfs-raid56-scrub@.timer"):
                with open(os.path.join(where, name.replace("@.", "@vm1.")), "w", encoding="utf-8") as unit:
                    unit.write(self.lines(name).replace("/usr/sbin/btrfs-raid56", os.path.realpath(golden.program())))
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", *sorted(os.listdir(where))], cwd=where,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            self.assertEqual((0, []), (done.returncode, [line for line in done.stdout.splitlines() if "vm1" in line]))

    def test_command(self):
        """What the unit runs, over images: it fails where anything is wrong."""
        program, *words = self.command().split()
        self.assertEqual("/usr/sbin/btrfs-raid56", program)
        self.assertEqual("$DEVICES", words.pop())
        for name in ("001-demo-clean", "100-demo-damaged", "105-raid6x4-beyond-tolerance"):
            image = golden.Golden(name)
            with image.unpacked() as where:
                done = subprocess.run([golden.program(), *words, *image.arguments[1:]], cwd=where, check=False,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual((image.exit_status, b""), (done.returncode, done.stderr))

    def test_page(self):
        """The page's lines fit the files."""
        text = "\n".join(section("btrfs-raid56.8"))
        folder, name = re.search(r"DEVICES=.*' > (/\S+)/(\w+)", text).groups()
        self.assertIn(f"EnvironmentFile={folder}/%i\n", self.lines("btrfs-raid56-scrub@.service"))
        timer = re.search(r"systemctl enable --now (\S+)", text)[1]
        self.assertTrue(os.path.isfile(os.path.join(EXAMPLES, timer.replace(f"@{name}.", "@."))))


if __name__ == "__main__":
    unittest.main(verbosity=2)
