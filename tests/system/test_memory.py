#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory stays flat: a file system of 2 GiB with 50,000 files is scrubbed in less than 256 MiB, and so is one on forty
devices with every data strip damaged.  Where the system gives too few threads, or none, it does with what there is."""

import json
import os
import random
import subprocess
import tempfile

import fixtures
import harness
import kernel
import tool
import truth

LIMIT_KIB = 256 << 10
FORTY = fixtures.Recipe("raid6x40", (140,) * 40, ("-d", "raid6", "-m", "raid1c3"), ())
GIB = 1 << 30


def measured(paths, *options):
    """(report of a scrub, its peak resident memory in KiB)."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.posix_spawn(tool.binary(), [tool.binary(), "scrub", "--format", "json", *options, *paths], os.environ,
                               file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1),
                                             (os.POSIX_SPAWN_DUP2, err.fileno(), 2)])
        _, status, usage = os.wait4(child, 0)
        out.seek(0)
        err.seek(0)
        report = tool.Report(os.waitstatus_to_exitcode(status), out.read(), err.read())
    print(f"peak resident memory: {usage.ru_maxrss / 1024:.1f} MiB")
    return report, usage.ru_maxrss


class Memory(harness.Case):
    def test_peak(self):
        report, peak = measured(fixtures.FIFTY_THOUSAND.images())
        self.assert_clean(report)
        self.assertGreater(report.summary["data_bytes_verified"], 1 << 30)
        self.assertLess(peak, LIMIT_KIB)

    def test_peak_of_wide_damage(self):
        """Nothing of what might be right is kept longer than it takes to decide: with 38 data columns that is much."""
        paths = FORTY.copy(os.path.join(self.folder, "work"))
        dice = random.Random("wide")
        with kernel.attached(paths) as loops, kernel.mounted(loops) as where:
            with open(f"{where}/file", "wb") as out:
                out.write(dice.randbytes(24 << 20))
        volume, path_of = truth.Volume(paths), harness.by_devid(paths)
        hurt = 0
        for chunk in volume.chunks:
            if not chunk.parity:
                continue
            strip = truth.STRIP * chunk.data_columns
            for full_stripe in sorted({(at - chunk.logical) // strip for at in volume.sectors(chunk, (truth.DATA,))}):
                hurt += 1
                for column in range(chunk.data_columns):
                    devid, physical = chunk.column(full_stripe, column)
                    with open(path_of[devid], "r+b") as image:
                        image.seek(physical)
                        image.write(dice.randbytes(truth.STRIP))
        self.assertGreater(hurt, 8)
        report, peak = measured(paths, "--threads", "2")
        self.assertEqual(("unrepairable", 4), (report.summary["verdict"], report.status))
        self.assertEqual(sum(len(volume.sectors(c, (truth.DATA,))) for c in volume.chunks),
                         report.summary["corrupt_data_sectors"])
        self.assertLess(peak, LIMIT_KIB)


class Threads(harness.Case):
    """A thread takes its whole stack of address space at once: with large stacks and little room there are few."""

    def limited(self, stack, room, *options):
        """Runs a scrub with stacks and an address space of so many bytes; (exit status, lines of JSON, stderr)."""
        limits = [f"--stack={stack}", f"--as={room}"]
        done = subprocess.run(["prlimit", *limits, tool.binary(), "scrub", "--format", "json", *options, *self.images],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=300)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def setUp(self):
        super().setUp()
        if harness.sanitized():
            self.skipTest("a sanitizer does not live in a limited address space")
        self.images = fixtures.SHAPES["raid5x3-m-raid1"].images()

    def assert_whole(self, status, lines, err):
        """One summary, and what it says is the exit status."""
        summaries = [line for line in lines if line["type"] == "summary"]
        self.assertEqual([status], [summary["exit_status"] for summary in summaries], err)
        return summaries[0]["verdict"]

    def test_some_threads_refused(self):
        """It goes on with those that it was given."""
        status, lines, err = self.limited(GIB, 3 * GIB, "--threads", "16")
        self.assertEqual("clean", self.assert_whole(status, lines, err))

    def test_all_threads_refused(self):
        """It does without any."""
        status, lines, err = self.limited(4 * GIB, 2 * GIB, "--threads", "2")
        self.assertEqual("clean", self.assert_whole(status, lines, err))

    def test_many_threads_in_little_room(self):
        """Threads, or memory for what they do, run out anywhere: clean or failed, and said."""
        for room in (GIB // 4, GIB, 4 * GIB):
            with self.subTest(room=room):
                status, lines, err = self.limited(8 << 20, room, "--threads", "1024")
                self.assertIn((self.assert_whole(status, lines, err), status), (("clean", 0), ("failed", 8)))


if __name__ == "__main__":
    harness.main()
