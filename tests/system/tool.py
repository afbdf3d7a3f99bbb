# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs btrfs-raid56 and reads its JSON lines, checking on every run what the contract promises of every run."""

import collections
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "schema"))

import report_schema  # noqa: E402

EXIT_OF_VERDICT = {"clean": {0}, "repairable": {1}, "unrepairable": {4}, "undecided": {4}, "interrupted": {32},
                   "failed": {8}, "repaired": {1}, "done": {0, 1, 4}}
VERDICTS_OF_COMMAND = {"repair": set(EXIT_OF_VERDICT) - {"done"}, "undo": {"done", "failed", "interrupted"},
                       "rebuild": set(EXIT_OF_VERDICT) - {"clean", "repaired"}}
# The order in which sectors of each role reach the devices.
STEP_OF_ROLE = {"data": 0, "tree": 0, "free": 0, "P": 1, "Q": 1, "super": 2}
SUPER_LENGTH = 4096
# The leak checker of a build with sanitizers does not work under strace.
STRACE = ("strace", "-E", "ASAN_OPTIONS=detect_leaks=0")
SUMMARY_FIELDS = (
    "command verdict exit_status data_bytes_verified no_checksum_bytes tree_bytes_verified rows_checked p_mismatches "
    "q_mismatches corrupt_data_sectors corrupt_tree_blocks unreadable_sectors super_errors repairable_sectors "
    "unrepairable_sectors ambiguous_rows unproven_sectors sectors_written bytes_read seconds interrupted").split()
# What may differ between two runs over the same devices with the same options.
VARIABLE_FIELDS = ("seconds", "bytes_read", "engine")

Finding = collections.namedtuple(
    "Finding", "role cause repairable proof logical chunk full_stripe row suspect_devid differing_bytes")


def binary():
    return os.environ["BTRFS_RAID56"]


def start(*arguments, **options):
    """A running process of the tool; the caller waits for it."""
    return subprocess.Popen([binary(), *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            stdin=subprocess.DEVNULL, preexec_fn=_default_sigint, **options)


def _default_sigint():
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def plain(*arguments, timeout=300):
    """(exit status, stdout bytes, stderr bytes) of one run."""
    process = start(*arguments)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise AssertionError(f"hangs: {arguments}") from None
    if "json" in arguments:
        json_lines(out)
    return process.returncode, out, err


def json_lines(out):
    """The lines of a report, each as the schema has it."""
    lines = []
    for number, line in enumerate(out.decode("utf-8").splitlines(), 1):
        try:
            lines.append(json.loads(line))
        except ValueError as error:
            raise AssertionError(f"line {number} is no JSON: {line[:200]!r}") from error
        if not line.startswith('{"type":'):
            raise AssertionError(f"line {number} does not open with its type: {line[:80]}")
    report_schema.check(lines)
    return lines


def control_characters(data):
    """Control characters (newline and, on a terminal, nothing else is welcome) in some output."""
    text = data.decode("utf-8", "replace")
    return [c for c in text if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160]


class Report:
    """What one `scrub --format json` said, checked line by line."""

    command = "scrub"

    def __init__(self, status, out, err):
        self.status, self.out = status, out
        self.messages = err.decode("utf-8", "replace")
        self.lines = json_lines(out)
        self.volume = self._one("volume") if self._all("volume") or self._needs_volume() else None
        self.devices = self._all("device")
        self.damage = self._all("damage")
        self.unknown = self._all("unknown")
        self.summary = self._one("summary")
        self._check()

    def _needs_volume(self):
        """Interrupted before the devices were understood, there is nothing but the summary to say."""
        return self.status != 32

    def _all(self, kind):
        return [line for line in self.lines if line["type"] == kind]

    def _one(self, kind):
        found = self._all(kind)
        if len(found) != 1:
            raise AssertionError(f"{len(found)} {kind} lines; exit {self.status}; stderr: {self.messages[:600]}")
        return found[0]

    def _check(self):
        problems = []
        if (self.volume and self.lines[0]["type"] != "volume") or self.lines[-1]["type"] != "summary":
            problems.append("volume is not first, or summary not last")
        kinds = [line["type"] for line in self.lines]
        if "damage" in kinds and "device" in kinds:
            if kinds.index("damage") < len(kinds) - 1 - kinds[::-1].index("device"):
                problems.append("a device line after a damage line")
        missing = [field for field in SUMMARY_FIELDS if field not in self.summary]
        if missing:
            problems.append(f"summary lacks {missing}")
        elif self.summary["exit_status"] != self.status:
            problems.append(f"exit {self.status}, but the summary says {self.summary['exit_status']}")
        elif self.status not in EXIT_OF_VERDICT.get(self.summary["verdict"], set()):
            problems.append(f"exit {self.status} with verdict {self.summary['verdict']}")
        if self.summary.get("command") != self.command:
            problems.append(f"the summary is of {self.summary.get('command')}")
        problems.extend(self._write_problems())
        if control_characters(self.out):
            problems.append("control characters on stdout")
        for event in self.damage:
            for field in ("devid", "physical", "length", "role", "cause", "repairable", "proof"):
                if field not in event:
                    problems.append(f"damage without {field}: {event}")
        problems.extend(self._order_problems())
        if problems:
            raise AssertionError("; ".join(problems[:5]))

    def _write_problems(self):
        problems = ["a scrub says it wrote sectors"] if self.summary.get("sectors_written") else []
        return problems + (["a scrub tells of writes"] if self._all("action") else [])

    def _order_problems(self):
        """Superblocks first; then ascending chunk, full stripe, row, column."""
        problems, last_super = [], -1
        for i, event in enumerate(self.damage):
            if event["role"] == "super":
                if last_super != i - 1:
                    problems.append(f"a superblock event after others: {event}")
                last_super = i
        keys = [(e["chunk"], e["full_stripe"], e["row"]) for e in self.damage if "row" in e]
        if keys != sorted(keys):
            at = next(i for i in range(1, len(keys)) if keys[i - 1] > keys[i])
            problems.append(f"row events out of order: {keys[at - 1]} before {keys[at]}")
        return problems

    def device_events(self, causes=("missing", "stale", "distrusted")):
        """The per-chunk events of absent or doubted devices: long ones, not of single sectors."""
        return [e for e in self.damage if e["cause"] in causes and e["role"] != "super" and e["length"] >= 1 << 20]

    def sectors(self):
        """{(devid, physical): Finding} of every damaged sector named singly; per-chunk device events left out."""
        size = self.volume["sectorsize"]
        found = {}
        chunky = {id(e) for e in self.device_events()}
        for event in self.damage:
            if id(event) in chunky:
                continue
            if event["role"] == "super":
                step, count = event["length"], 1
            else:
                step, count = size, event["length"] // size
                if event["length"] % size or not event["length"]:
                    raise AssertionError(f"not whole sectors: {event}")
                if "row" in event and event["row"] + count > 65536 // size:
                    raise AssertionError(f"a run crosses a strip: {event}")
            for k in range(count):
                place = (event["devid"], event["physical"] + k * step)
                if place in found:
                    raise AssertionError(f"named twice: {place}: {event}")
                logical = event.get("logical")
                found[place] = Finding(
                    event["role"], event["cause"], event["repairable"], event["proof"],
                    None if logical is None else logical + k * step, event.get("chunk"), event.get("full_stripe"),
                    None if event.get("row") is None else event["row"] + k, event.get("suspect_devid"),
                    event.get("differing_bytes"))
        return found

    def comparable(self):
        """All lines without what may differ between two equal runs."""
        return [{k: v for k, v in line.items() if k not in VARIABLE_FIELDS} for line in self.lines]


def scrub(paths, *options, timeout=300):
    """`scrub --format json` over some devices, as a checked Report."""
    return Report(*plain("scrub", "--format", "json", *options, *paths, timeout=timeout))


class WriteReport(Report):
    """What one `repair` or `undo` said: also that its actions are well formed, and add up."""

    def __init__(self, status, out, err, sectorsize=4096):
        self.sectorsize = sectorsize  # where no volume line tells: an undo, or a repair that is gone on with
        super().__init__(status, out, err)

    def _needs_volume(self):
        return False

    def _write_problems(self):
        if self.volume:
            self.sectorsize = self.volume["sectorsize"]
        self.actions = self._all("action")
        problems = [f"malformed: {action}" for action in self.actions if not self._well_formed(action)]
        if problems:
            return problems
        if self.summary["verdict"] not in VERDICTS_OF_COMMAND[self.command]:
            problems.append(f"a verdict of another command: {self.summary['verdict']}")
        written = sum(self._sectors_of(action) for action in self.actions if action["done"])
        if written != self.summary["sectors_written"]:
            problems.append(f"sectors_written is {self.summary['sectors_written']}, the actions done have {written}")
        if len(self.places()) != sum(self._sectors_of(action) for action in self.actions):
            problems.append("one place is written twice")
        kinds = [line["type"] for line in self.lines]
        if "action" in kinds and set(kinds[kinds.index("action"):-1]) != {"action"}:
            problems.append("something else among the actions")
        return problems + self._step_problems()

    def _well_formed(self, action):
        typed = all(isinstance(action.get(field), int) for field in ("devid", "physical", "length"))
        if not typed or action.get("role") not in STEP_OF_ROLE or not isinstance(action.get("done"), bool):
            return False
        if action["role"] == "super":
            return action["length"] == SUPER_LENGTH
        return action["length"] > 0 and not action["length"] % self.sectorsize and not action["physical"] % self.sectorsize

    def _sectors_of(self, action):
        return 1 if action["role"] == "super" else action["length"] // self.sectorsize

    def _step_problems(self):
        """Data first, then parity, then superblocks; an undo the other way round."""
        steps = [STEP_OF_ROLE[action["role"]] for action in self.actions]
        return [] if steps == sorted(steps, reverse=self.command == "undo") else ["the steps are out of order"]

    def places(self, done=None):
        """{(devid, physical): role} of every sector of the actions, or of those that are (not) done."""
        found = {}
        for action in self.actions:
            if done in (None, action["done"]):
                for k in range(self._sectors_of(action)):
                    found[action["devid"], action["physical"] + k * self.sectorsize] = action["role"]
        return found

    def plan(self):
        """The actions but for what became of them."""
        return [{k: v for k, v in action.items() if k != "done"} for action in self.actions]


class Repair(WriteReport):
    command = "repair"

    def __init__(self, status, out, err, options=(), sectorsize=4096):
        self.options = set(map(str, options))
        super().__init__(status, out, err, sectorsize)

    def _write_problems(self):
        problems = super()._write_problems()
        if "--write" not in self.options:
            if self.summary["sectors_written"] or any(action["done"] for action in self.actions):
                problems.append("a dry run says it wrote sectors")
            if self.summary["verdict"] == "repaired":
                problems.append("a dry run says it repaired something")
        if self.summary["verdict"] == "repaired" and not all(action["done"] for action in self.actions):
            problems.append("repaired, but not everything was done")
        if self.volume and not self.options & {"--only", "--max-writes", "--plan"} and self.status in (0, 1, 4):
            problems.extend(self._plan_problems())
        return problems

    def _plan_problems(self):
        """Without brakes the actions are exactly what is called repairable; none where superblocks contradict each other."""
        problems, places = [], self.places()
        if any(event["role"] == "super" and event["repairable"] is None for event in self.damage):
            return ["a plan, though nobody knows which superblocks to believe"] if places else []
        if self.summary["repairable_sectors"] != len(places):
            problems.append(f"{self.summary['repairable_sectors']} repairable sectors, the actions have {len(places)}")
        if not self.device_events():
            wanted = {place: f.role for place, f in self.sectors().items() if f.repairable}
            if wanted != places:
                problems.append(f"repairable and no action, or the other way round: {sorted(set(wanted) ^ set(places))[:5]}")
        return problems


class Undo(WriteReport):
    command = "undo"

    def _write_problems(self):
        problems = super()._write_problems()
        if self.volume or self.devices or self.damage:
            problems.append("an undo tells more than its actions")
        if self.status == 0 and not all(action["done"] for action in self.actions):
            problems.append("done, but not everything was put back")
        return problems


class Rebuild(Report):
    """What one `rebuild` said: also that its actions are the targets' parts of all chunks and their superblocks, each once."""

    command = "rebuild"

    def __init__(self, status, out, err, onto, volume=None):
        """onto: devids of the targets; volume: the truth about all devices, where it is known."""
        self.onto, self.truth = set(onto), volume
        super().__init__(status, out, err)

    def _needs_volume(self):
        return self.status in (0, 1, 4)

    def _write_problems(self):
        self.actions = self._all("action")
        verdict, problems = self.summary["verdict"], []
        if verdict not in VERDICTS_OF_COMMAND["rebuild"]:
            problems.append(f"a verdict of another command: {verdict}")
        if verdict == "done" and self.status != 0:
            problems.append(f"done, and exit {self.status}")
        if verdict in ("failed", "interrupted"):
            if self.actions or self.summary["sectors_written"]:
                problems.append(f"{verdict}, and tells of {len(self.actions)} actions")
            return problems
        kinds = [line["type"] for line in self.lines]
        if "action" in kinds and set(kinds[kinds.index("action"):-1]) != {"action"}:
            problems.append("something else among the actions")
        return problems + self._action_problems()

    def _action_problems(self):
        problems = [f"not done: {action}" for action in self.actions if action["done"] is not True]
        parts = [(a["devid"], a["physical"], a["length"]) for a in self.actions if a["role"] in ("data", "tree")]
        supers = [(a["devid"], a["physical"], a["length"]) for a in self.actions if a["role"] == "super"]
        if len(parts) + len(supers) != len(self.actions):
            problems.append("an action of another role")
        if len(set(parts + supers)) != len(self.actions):
            problems.append("one place is written twice")
        # A part of a chunk that comes back is no damage; what is LOST with it is said, and zeros are written.
        for event in self.device_events(("missing",)):
            if event["devid"] in self.onto and event["repairable"] is not False:
                problems.append(f"made anew, and still damage: {event}")
            if event["devid"] in self.onto and (event["devid"], event["physical"], event["length"]) not in parts:
                problems.append(f"told of, and not written: {event}")
        if {devid for devid, _, _ in parts + supers} != self.onto:
            problems.append("some target is not written, or something else is")
        if self.truth:
            wanted = [(devid, offset, chunk.dev_length) for chunk in self.truth.chunks
                      for devid, offset in chunk.stripes if devid in self.onto]
            if sorted(parts) != sorted(wanted):
                problems.append(f"{len(parts)} parts of chunks are written, the chunk tree has {len(wanted)}")
            wanted = [(devid, at, SUPER_LENGTH) for devid in self.onto for at in self.truth.super_places(devid)]
            if sorted(supers) != sorted(wanted):
                problems.append(f"superblocks are written at {supers}, wanted at {wanted}")
        size = self.volume["sectorsize"]
        written = sum(1 if action["role"] == "super" else action["length"] // size for action in self.actions)
        if written != self.summary["sectors_written"]:
            problems.append(f"sectors_written is {self.summary['sectors_written']}, the actions have {written}")
        return problems


def rebuild_arguments(paths, onto, *options):
    """What follows the program's name; onto: {devid: path}."""
    targets = [word for devid, path in onto.items() for word in ("--onto", f"{devid}={path}")]
    return ["rebuild", "--format", "json", *options, *targets, *paths]


def rebuild(paths, onto, *options, volume=None, timeout=300):
    """`rebuild --format json` of the devices {devid: path}, from some others, as a checked report."""
    return Rebuild(*plain(*rebuild_arguments(paths, onto, *options), timeout=timeout), onto=onto, volume=volume)


def repair(paths, *options, timeout=300, sectorsize=4096):
    """`repair --format json` over some devices, as a checked report."""
    done = plain("repair", "--format", "json", *options, *paths, timeout=timeout)
    return Repair(*done, options=options, sectorsize=sectorsize)


def undo(paths, journal, timeout=300, sectorsize=4096):
    """`undo --format json` of a journal, as a checked report."""
    return Undo(*plain("undo", "--format", "json", "--journal", journal, *paths, timeout=timeout), sectorsize=sectorsize)


def repair_for_good(paths, journal, *options, timeout=300):
    """The dry run and then `--write --journal`: one list of actions, but for `done`."""
    dry = repair(paths, *options, timeout=timeout)
    wet = repair(paths, "--write", "--journal", journal, *options, timeout=timeout)
    if wet.status != 8 and dry.plan() != wet.plan():
        differing = [pair for pair in zip(dry.plan(), wet.plan()) if pair[0] != pair[1]]
        raise AssertionError(f"the dry run has {len(dry.plan())} actions, --write {len(wet.plan())}: {differing[:2]}")
    return wet
