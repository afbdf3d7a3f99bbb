#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Ctrl-C ends a scrub within a second, with a summary that says so and exit 32.

The images are large and not in the page cache, one thread reads them, and the signal goes out as soon as the process
has them open: the scrub cannot have ended by then.
"""

import os
import signal
import time

import fixtures
import harness
import tool

PATIENCE = 3.0  # the promise is one second; the machine may be busy with other tests


class Interrupt(harness.Case):
    def setUp(self):
        super().setUp()
        self.images = fixtures.FIFTY_THOUSAND.images()

    def forget_pages(self):
        for path in self.images:
            with open(path, "rb") as image:
                os.posix_fadvise(image.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def wait_until_open(self, process):
        """Returns when the process holds every image open."""
        folder = f"/proc/{process.pid}/fd"
        wanted = {os.path.realpath(path) for path in self.images}
        while process.poll() is None:
            held = set()
            try:
                for name in os.listdir(folder):
                    held.add(os.path.realpath(os.path.join(folder, name)))
            except OSError:
                pass
            if wanted <= held:
                return
            time.sleep(0.002)
        raise AssertionError(f"ended by itself: {process.communicate()}")

    def interrupted(self, delay, number=signal.SIGINT):
        self.forget_pages()
        process = tool.start("scrub", "--format", "json", "--threads", "1", *self.images)
        self.wait_until_open(process)
        time.sleep(delay)
        begin = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        seconds = time.monotonic() - begin
        print(f"ended {seconds:.3f} s after the signal")
        report = tool.Report(process.returncode, out, err)
        self.assertEqual((32, "interrupted", True),
                         (report.status, report.summary["verdict"], report.summary["interrupted"]))
        self.assertLess(seconds, PATIENCE)
        return report

    def test_at_once(self):
        self.interrupted(0)

    def test_a_little_later(self):
        self.interrupted(0.1)

    def test_in_the_middle(self):
        self.interrupted(0.3)


if __name__ == "__main__":
    harness.main()
