# SPDX-License-Identifier: GPL-2.0-or-later
"""Real file systems, made and judged by the running kernel.

Loop devices, mkfs.btrfs, mounts and the kernel's scrub as an oracle.  Whatever is attached or mounted here is
taken down again: at the end of each `with`, at exit, on SIGINT and on SIGTERM.

Rules that every caller relies on:
  - a mount names every device, and only those loops are ever scanned or forgotten;
  - where the kernel only looks, the loops are read-only: a read-only mount on a writable loop still writes;
  - one process at a time has anything attached (a lock file), because copies of one file system carry one fsid.
"""

import atexit
import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile

_loops = []
_mounts = []
_kept = set()  # folders
_lock_depth = 0
_lock_file = None


class KernelError(RuntimeError):
    """A command of the kernel's tools failed; the message carries its output."""


def run(*command, check=True, timeout=300):
    """Runs a command with plain messages; returns the CompletedProcess, stdout and stderr as text."""
    environment = dict(os.environ, LC_ALL="C")
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors="surrogateescape", env=environment, timeout=timeout, stdin=subprocess.DEVNULL)
    if check and done.returncode != 0:
        raise KernelError(f"{' '.join(map(str, command))}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return done


def why_not():
    """None when this machine can make file systems; else one sentence that says what is missing."""
    if os.geteuid() != 0:
        return "not root: loop devices and mounts need it"
    for tool in ("mkfs.btrfs", "btrfs", "losetup", "mount", "umount", "cp", "chattr", "fallocate", "filefrag"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    with open("/proc/filesystems", encoding="ascii") as known:
        has_btrfs = any(line.split()[-1] == "btrfs" for line in known)
    if not has_btrfs and run("modprobe", "btrfs", check=False).returncode != 0:
        return "this kernel has no btrfs"
    if run("losetup", "-f", check=False).returncode != 0:
        return "this machine has no free loop device"
    return None


def lock_path():
    """Where the lock of all kernel work lies: one for the machine, since fsids are known machine-wide."""
    folder = "/run/lock" if os.access("/run/lock", os.W_OK) else tempfile.gettempdir()
    return os.path.join(folder, "btrfs-raid56-tests.lock")


@contextlib.contextmanager
def exclusive():
    """Holds the machine-wide lock; may be nested within one process."""
    global _lock_depth, _lock_file
    if _lock_depth == 0:
        _lock_file = open(lock_path(), "w", encoding="ascii")
        fcntl.flock(_lock_file, fcntl.LOCK_EX)
    _lock_depth += 1
    try:
        yield
    finally:
        _lock_depth -= 1
        if _lock_depth == 0:
            _lock_file.close()


def attach_one(path, read_only=False):
    command = ["losetup", "-f", "--show"] + (["-r"] if read_only else []) + [path]
    loop = run(*command).stdout.strip()
    _loops.append(loop)
    return loop


def detach_one(loop):
    run("btrfs", "device", "scan", "--forget", loop, check=False)
    run("losetup", "-d", loop, check=False)
    if loop in _loops:
        _loops.remove(loop)


@contextlib.contextmanager
def attached(paths, read_only=False):
    """The loop devices of some image files, in order; forgotten by btrfs and detached at the end.

    Of images that are kept for all tests these are loops of copies: another test may be reading them just now, and the
    tool refuses what is attached."""
    with exclusive(), _copies_of_kept(paths) as own:
        loops = []
        try:
            for path in own:
                loops.append(attach_one(path, read_only))
            yield loops
        finally:
            for loop in loops:
                detach_one(loop)


def keep(folder):
    """Images in that folder belong to all tests."""
    _kept.add(folder)


@contextlib.contextmanager
def _copies_of_kept(paths):
    kept = {path for path in paths if os.path.dirname(path) in _kept}
    with contextlib.ExitStack() as stack:
        copies = {}
        for path in kept:
            above = os.path.dirname(os.path.dirname(path))
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="work-", dir=above))
            copies[path], = copy([path], folder)
        yield [copies.get(path, path) for path in paths]


def make(loops, *options):
    """mkfs.btrfs over some loops, with its options."""
    run("mkfs.btrfs", "-q", "-f", *options, *loops)


def mount(loops, options=()):
    """Mounts, naming every device; returns the folder.  KernelError when the kernel refuses."""
    for loop in loops:
        run("btrfs", "device", "scan", loop, check=False)
    folder = tempfile.mkdtemp(prefix="btrfs-raid56-mount-")
    wanted = list(options) + [f"device={loop}" for loop in loops]
    try:
        run("mount", "-t", "btrfs", "-o", ",".join(wanted), loops[0], folder)
    except KernelError:
        os.rmdir(folder)
        raise
    _mounts.append(folder)
    return folder


def umount(folder):
    run("umount", folder)
    _mounts.remove(folder)
    os.rmdir(folder)


@contextlib.contextmanager
def small_disk(folder, size):
    """A file system in memory, within a folder, that has room for so much; unmounted at the end."""
    inside = os.path.join(folder, f"disk-{size}")
    os.mkdir(inside)
    run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", inside)
    try:
        yield inside
    finally:
        run("umount", inside)


@contextlib.contextmanager
def mounted(loops, options=()):
    """A mounted file system; unmounted at the end, also on failure."""
    folder = mount(loops, options)
    try:
        yield folder
    finally:
        umount(folder)


def sync(folder):
    """One transaction commit."""
    run("btrfs", "filesystem", "sync", folder)


def copy(sources, folder):
    """Sparse copies of image files into a folder; returns their paths, in order."""
    os.makedirs(folder, exist_ok=True)
    targets = []
    for source in sources:
        target = os.path.join(folder, os.path.basename(source))
        run("cp", "--sparse=always", "--reflink=auto", "--no-preserve=all", source, target)
        targets.append(target)
    return targets


def scrub_counts(paths):
    """What the kernel's scrub counts on a clean file system: ({counter: sum over the devices}, changed).

    The paths must be COPIES: the kernel rewrites parity it dislikes, even here.  The mount is read-only and so is
    the scrub: without a transaction no block group is made and no tree block moves while it counts, so the numbers
    are exact and come out the same each time.

    Where a block group cannot be set read-only without making another one (ENOSPC: mixed groups, full disks) the scrub
    needs a writable mount, which allocates and commits.  A first scrub makes it allocate what it wants; the second
    counts.  `changed` is then true: the counts describe the copies as they are AFTERWARDS.
    """
    changed = False
    with attached(paths) as loops:
        with mounted(loops, ["ro"]) as folder:
            done = run("btrfs", "scrub", "start", "-B", "-R", "-r", folder, check=False)
        if done.returncode != 0:
            changed = True
            with mounted(loops) as folder:
                for _ in range(3):
                    done = run("btrfs", "scrub", "start", "-B", "-R", folder)
    counts = {}
    for line in done.stdout.splitlines():
        name, colon, value = line.strip().partition(":")
        if colon and value.strip().isdigit() and " " not in name:
            counts[name] = counts.get(name, 0) + int(value)
    if "data_bytes_scrubbed" not in counts:
        raise KernelError(f"no counters in: {done.stdout}{done.stderr}")
    return counts, changed


def scrub_seconds(paths, monotonic):
    """Wall time of one kernel scrub of writable copies, mount and unmount left out."""
    with attached(paths) as loops, mounted(loops) as folder:
        begin = monotonic()
        run("btrfs", "scrub", "start", "-B", folder, timeout=3600)
        return monotonic() - begin


def mounts_read_only(paths, options=("ro",)):
    """Whether the kernel mounts these images, looked at through read-only loops: (True, "") or (False, why)."""
    with attached(paths, read_only=True) as loops:
        try:
            with mounted(loops, list(options)):
                return True, ""
        except KernelError as refusal:
            return False, str(refusal)


def _take_down():
    for folder in list(reversed(_mounts)):
        if run("umount", folder, check=False).returncode != 0:
            run("umount", "-l", folder, check=False)
        with contextlib.suppress(OSError):
            os.rmdir(folder)
        _mounts.remove(folder)
    for loop in list(_loops):
        detach_one(loop)


def _on_signal(number, _frame):
    sys.exit(128 + number)


atexit.register(_take_down)
signal.signal(signal.SIGINT, _on_signal)
signal.signal(signal.SIGTERM, _on_signal)
