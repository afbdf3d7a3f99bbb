#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory stays flat: a file system of 2 GiB with 50,000 files is scrubbed in less than 256 MiB."""

import os
import tempfile

import fixtures
import harness
import tool

LIMIT_KIB = 256 << 10


class Memory(harness.Case):
    def test_peak(self):
        images = fixtures.FIFTY_THOUSAND.images()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = os.posix_spawn(tool.binary(), [tool.binary(), "scrub", "--format", "json", *images], os.environ,
                                   file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1),
                                                 (os.POSIX_SPAWN_DUP2, err.fileno(), 2)])
            _, status, usage = os.wait4(child, 0)
            out.seek(0)
            err.seek(0)
            report = tool.Report(os.waitstatus_to_exitcode(status), out.read(), err.read())
        print(f"peak resident memory: {usage.ru_maxrss / 1024:.1f} MiB")
        self.assert_clean(report)
        self.assertGreater(report.summary["data_bytes_verified"], 1 << 30)
        self.assertLess(usage.ru_maxrss, LIMIT_KIB)


if __name__ == "__main__":
    harness.main()
