# SPDX-License-Identifier: GPL-2.0-or-later
"""What the benchmarks share: file systems to read, plain readers, runs of the program, medians.

They print and never fail for being slow.  Everything that is compared is measured in turn, round by round.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
sys.dont_write_bytecode = True

import fixtures  # noqa: E402
import kernel  # noqa: E402

MIB = 1 << 20


def arguments(text, **more):
    """Options of every benchmark, and more: name=(default, help)."""
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument("--binary", default=os.environ.get(
        "BTRFS_RAID56", os.path.join(HERE, "..", "..", "build", "release", "cmd", "btrfs-raid56")))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", help="folder for the images, kept and used again")
    for name, (default, what) in more.items():
        parser.add_argument(f"--{name}", type=type(default), default=default, help=f"{what} (default {default})")
    wanted = parser.parse_args()
    reason = kernel.why_not()
    if reason:
        print(f"cannot measure here: {reason}")
        sys.exit(0)
    return wanted


@contextlib.contextmanager
def folder(wanted):
    """Where images go: what --keep names, or a scratch folder."""
    with fixtures.scratch() as scratch:
        where = wanted.keep or scratch
        os.makedirs(where, exist_ok=True)
        yield where


def make(where, name, devices, megabytes, csum="crc32c", small_files=0, dense=False):
    """raid6 images with random data in files of 8 MiB, and small files of 6 KB; made once.  Returns their paths.

    dense: no holes, and no bigger than what is to be written needs, so that reading all of a device is reading data.
    """
    each = megabytes // (devices - 2) + (160 if dense else 1536)  # the kernel's scrub wants room for chunks of its own
    each += small_files * 24 // (devices - 2) // 1024
    paths = [os.path.join(where, f"{name}-{i + 1}.img") for i in range(devices)]
    if all(os.path.exists(path) for path in paths):
        return paths
    for path in paths:
        with open(path + ".new", "wb") as image:
            for _ in range(each if dense else 0):
                image.write(bytes(MIB))
            image.truncate(each * MIB)
        os.replace(path + ".new", path)
    with kernel.attached(paths) as loops:
        kernel.make(loops, "-K", "-d", "raid6", "-m", "raid6", "--csum", csum)
        with kernel.mounted(loops, ("nodiscard",)) as mount:
            for i in range(max(1, megabytes // 8)):
                with open(os.path.join(mount, f"big{i}"), "wb") as out:
                    out.write(os.urandom(8 * MIB))
            for i in range(small_files):
                if i % 1000 == 0:
                    os.mkdir(os.path.join(mount, f"folder{i // 1000}"))
                with open(os.path.join(mount, f"folder{i // 1000}", f"small{i}"), "wb") as out:
                    out.write(os.urandom(6000))
    return paths


def data_ranges(path):
    """Where a sparse file holds something: (offset, end)."""
    with open(path, "rb") as image:
        end, at = os.fstat(image.fileno()).st_size, 0
        while at < end:
            try:
                at = os.lseek(image.fileno(), at, os.SEEK_DATA)
            except OSError:
                return
            stop = os.lseek(image.fileno(), at, os.SEEK_HOLE)
            yield at, stop
            at = stop


def read_files(paths):
    """Reads what the files hold, a MiB a call, into the same memory each time."""
    buffer = bytearray(MIB)
    view = memoryview(buffer)
    for path in paths:
        ranges = list(data_ranges(path))
        with open(path, "rb", buffering=0) as image:
            for at, end in ranges:
                while at < end:
                    at += os.preadv(image.fileno(), [view[:min(MIB, end - at)]], at)


def allocated(paths):
    return sum(end - at for path in paths for at, end in data_ranges(path))


def read_plainly(paths, readers=2):
    """Seconds that so many processes need to read the files, each its share."""
    begin = time.monotonic()
    children = []
    for i in range(readers):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                read_files(paths[i::readers])
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    for child in children:
        if os.waitpid(child, 0)[1] != 0:
            raise RuntimeError("a plain reader failed")
    return time.monotonic() - begin


def evict(paths):
    """Files that are on the disk leave the page cache."""
    for path in paths:
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def drop_caches():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as out:
        out.write("3")


class Run:
    """One run of the program: its own seconds, the wall clock's, processor seconds, peak KiB, summary."""

    def __init__(self, binary, paths, *options, expected=0):
        begin = time.monotonic()
        process = subprocess.Popen([binary, "scrub", "--format", "json", "--progress", "never", *options, *paths],
                                   stdout=subprocess.PIPE)
        lines = process.stdout.read().decode().splitlines()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        self.wall = time.monotonic() - begin
        self.peak_kib = usage.ru_maxrss
        self.processor = usage.ru_utime + usage.ru_stime
        self.summary = json.loads(lines[-1])
        if process.returncode != expected:
            print(f"exit {process.returncode}: {lines[-1]}")


def medians(times):
    return {name: statistics.median(taken) for name, taken in times.items()}


def spoken(times, unit="s"):
    return "  ".join(f"{name} {value:.3f} {unit}" for name, value in times.items())
