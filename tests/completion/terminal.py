# SPDX-License-Identifier: GPL-2.0-or-later
"""A shell on a terminal of its own, to press the Tab key in."""

import os
import pty
import re
import select
import signal

TAB, CLEAR = "\t", "\x15"


class Shell:
    def __init__(self, command, setup, where):
        """Starts `command` in the folder `where` and runs the lines `setup`; what they print is thrown away."""
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.chdir(where)
            os.execvpe(command[0], command, {"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": where, "LC_ALL": "C"})
        # Halves, so that the line as it is echoed is not taken for what it prints.
        self.type("\n".join([*setup, "printf '%s%s\\n' RE ADY", ""]))
        self.read("READY")

    def type(self, text):
        os.write(self.terminal, text.encode())

    def read(self, mark, timeout=60):
        """Everything up to a mark."""
        seen = ""
        while mark not in seen:
            ready, _, _ = select.select([self.terminal], [], [], timeout)
            if not ready:
                raise AssertionError(f"no {mark}: {seen!r}")
            seen += os.read(self.terminal, 4096).decode("utf-8", "replace")
        return seen

    def arguments(self, typed):
        """What the program is called with once `typed` was typed (a Tab in it completes) and Return pressed."""
        self.type(typed + "\n")
        return re.findall(r"<([^<>]*)>", self.read("<>END"))[:-1]

    def close(self):
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        os.close(self.terminal)
