# SPDX-License-Identifier: GPL-2.0-or-later
"""The golden images as tests see them: where they lie, what they say, how they are unpacked and told from changed."""

import contextlib
import functools
import hashlib
import json
import os
import shlex
import subprocess
import tempfile

IMAGES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "images")
BLOCK = 65536
VARIABLE_FIELDS = ("seconds", "bytes_read", "engine")  # what may differ between two runs


def names():
    return sorted(n for n in os.listdir(IMAGES) if os.path.exists(os.path.join(IMAGES, n, "expected.jsonl")))


def program():
    return os.environ["BTRFS_RAID56"]


@functools.cache
def has_opencl():
    """Engines are chosen before devices are opened."""
    with tempfile.TemporaryDirectory(prefix="btrfs-raid56-golden-") as where:
        done = subprocess.run([program(), "scrub", "--engine", "opencl", os.path.join(where, "none")],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return b"OpenCL" not in done.stderr


class Golden:
    def __init__(self, name):
        self.name, self.folder = name, os.path.join(IMAGES, name)
        self.arguments = shlex.split(self._read("command"))
        self.exit_status = int(self._read("exit_status"))
        self.expected = [json.loads(line) for line in self._read("expected.jsonl").splitlines()]
        said = os.path.join(self.folder, "expected.stderr")
        self.stderr = self._read("expected.stderr") if os.path.exists(said) else ""

    def _read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as text:
            return text.read()

    def archive(self):
        return os.path.join(self.folder, "images.tar.zst")

    @contextlib.contextmanager
    def unpacked(self):
        """A folder with the images, removed at the end."""
        with tempfile.TemporaryDirectory(prefix="btrfs-raid56-golden-") as where:
            subprocess.run(["tar", "-C", where, "--zstd", "-xf", self.archive()], check=True)
            for image in os.listdir(where):
                os.chmod(os.path.join(where, image), 0o444)
            yield where

    def run(self, where, *options):
        """(exit status, stdout, stderr) of the command with some more options, as bytes."""
        command, *rest = self.arguments
        done = subprocess.run([program(), command, *options, *rest], cwd=where, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=120)
        return done.returncode, done.stdout, done.stderr


def lines_of(out):
    """The JSON lines of a report, without what may differ between two runs."""
    lines = []
    for line in out.decode("utf-8").splitlines():
        lines.append({k: v for k, v in json.loads(line).items() if k not in VARIABLE_FIELDS})
    return lines


def digests(where):
    """{image: sha256 of its length and of every block that is not zero, with where it lies}; holes are not read."""
    found = {}
    for image in sorted(os.listdir(where)):
        with open(os.path.join(where, image), "rb", buffering=0) as file:
            length = os.fstat(file.fileno()).st_size
            digest, at = hashlib.sha256(str(length).encode()), 0
            while at < length:
                try:
                    data = os.lseek(file.fileno(), at, os.SEEK_DATA)
                except OSError:
                    break  # nothing but a hole up to the end
                start, at = max(at, data // BLOCK * BLOCK), os.lseek(file.fileno(), data, os.SEEK_HOLE)
                at += -at % BLOCK
                for offset in range(start, at, BLOCK):
                    block = os.pread(file.fileno(), BLOCK, offset)
                    if block.count(0) != len(block):
                        digest.update(f" {offset} ".encode() + block)
            found[image] = digest.hexdigest()
    return found
