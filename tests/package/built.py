# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of installing and packaging share: the build that they are of, and programs run over golden images.

BTRFS_RAID56_BUILD names the build folder, CMAKE and CXX the programs that it was made with.
"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(HERE, "..", "golden"))

import golden  # noqa: E402

# One image of each verdict that a scrub of the demo has.
VERDICTS = {"001-demo-clean": "clean", "100-demo-damaged": "repairable"}


def folder():
    return os.environ["BTRFS_RAID56_BUILD"]


def cmake():
    return os.environ.get("CMAKE", "cmake")


def run(*command, status=0, where=None, **environment):
    """What a command prints, both channels; fails with that where it ends otherwise than expected."""
    done = subprocess.run(command, cwd=where, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, **environment}, text=True, check=False)
    if done.returncode != status:
        raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


def over_images(*command):
    """{image: what the command, with the devices behind it, prints} of the images of VERDICTS; their exit status."""
    said = {}
    for name in VERDICTS:
        image = golden.Golden(name)
        with image.unpacked() as where:
            said[name] = run(*command, *image.arguments[1:], status=image.exit_status, where=where)
    return said
