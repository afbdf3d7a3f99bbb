#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A rebuild that is cut short is gone on with by the same command, and ends as if nothing had happened.

Killed at random moments between the first write to the target and the last, by SIGKILL, SIGINT and SIGTERM in turn, often several
times over: the same bytes on the targets and the same lines of JSON as from one run, also those about damage that an
earlier run met.  A half-built target is nobody's member.  What does not fit together any more is refused: another target, another
generation, other survivors, another file system.  Nothing depends on how long anything takes: kills that miss do not count, and
are made up for.
"""

import collections
import os
import random
import signal
import time

import fixtures
import harness
import images
import kernel
import planter
import rebuilds
import tool
import truth

LOST = (1, 4)
WANTED_KILLS = 100
WANTED_LOOP_KILLS = 20
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
BETWEEN_POSITIONS = 5  # seconds after which the program notes how far it is


def content(path):
    with open(path, "rb") as file:
        return file.read()


class Resume(rebuilds.RebuildCase):
    """Survivors with some damage, within tolerance and beyond, and what one undisturbed rebuild makes of them."""

    def setUp(self):
        super().setUp()
        self.dice = random.Random(self.id())
        self.take(fixtures.STALE_BASE)
        copies = harness.by_devid(kernel.copy(self.originals.values(), os.path.join(self.folder, "survivors")))
        with planter.Planter(self.volume, copies, self.dice, sure=True) as plants:
            plants.rows("data", 60, beyond=True)
        for devid in LOST:
            os.unlink(copies.pop(devid))
        self.paths = copies
        self.wanted = self.targets(LOST)
        begin = time.monotonic()
        self.reference = tool.rebuild(copies.values(), self.wanted, volume=self.volume)
        self.whole_run = self.longest = time.monotonic() - begin  # the longest pause before a signal; shorter where it misses
        self.assertEqual("unrepairable", self.reference.summary["verdict"])
        self.assertGreater(len(self.reference.damage), 20)

    # --- runs, and their ends ---

    @staticmethod
    def state_of(targets):
        return next(iter(targets.values())) + ".rebuild"

    def start(self, targets, *options):
        return tool.start(*tool.rebuild_arguments(self.paths.values(), targets, *options))

    def interrupted(self, targets, number, pause, *options):
        """A run that gets this signal a while after its first write; (its exit status, stderr)."""
        state = options[options.index("--state") + 1] if "--state" in options else self.state_of(targets)
        process = self.start(targets, *options)
        while process.poll() is None and not self.is_begun(state):
            time.sleep(0.0005)
        time.sleep(pause)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        return process.returncode, err

    @staticmethod
    def is_begun(state):
        try:
            return b'"begun"' in content(state)
        except FileNotFoundError:
            return False

    def cut_short(self, targets, *options, number=None):
        """Runs until one was cut short between the first write and the last."""
        for attempt in range(200):
            number = number or self.dice.choice(SIGNALS)
            if self.interrupts(targets, number, *options):
                return
            for path in targets.values():
                if os.path.isfile(path):
                    os.unlink(path)
        self.fail("the kills miss")

    def interrupts(self, targets, number, *options):
        """Whether a run that gets this signal at some moment is cut short by it; the next pauses are chosen after it."""
        status, err = self.interrupted(targets, number, self.longest * self.dice.random(), *options)
        if status in (-number, 32) and self.is_unfinished(targets):
            self.longest = min(self.whole_run, self.longest * 1.1)
            return True
        self.assertIn(status, (-number, 32, 4), f"neither interrupted nor done: {err}")
        self.longest *= 0.9
        return False

    @staticmethod
    def is_unfinished(targets):
        """Whether some target has no superblock of its own yet."""
        return any(truth.read_at(path, truth.SUPER_OFFSETS[0], truth.SUPER_SIZE)[64:72] != truth.MAGIC
                   for path in targets.values())

    def finish(self, targets, *options, same=True):
        """The same command once more, to the end: what one run makes, and says."""
        report = tool.rebuild(self.paths.values(), targets, *options, volume=self.volume)
        self.assert_outcome("unrepairable", 4, report)
        if same:
            self.assertEqual(self.reference.comparable(), report.comparable())
        self.assert_as_in_one_run(targets)
        return report

    def assert_as_in_one_run(self, targets):
        for devid, path in targets.items():
            self.assertEqual([], images.differing(self.wanted[devid], path), f"devid {devid}")

    # --- kills ---

    def kill_until(self, wanted, fresh, done, *options):
        """Rounds of kills and a run to the end, until `wanted` kills fell between the first write and the last."""
        kills, rounds, signals, positions = 0, 0, collections.Counter(), set()
        while kills < wanted:
            rounds += 1
            self.assertLess(rounds, 20 * wanted, "the kills miss")
            targets, state = fresh()
            options_now = (*options, "--state", state)
            for _ in range(self.dice.randint(1, 5)):
                number = self.dice.choice(SIGNALS)
                if not self.interrupts(targets, number, *options_now):
                    break  # it was done, or all but done
                kills += 1
                signals[number.name] += 1
                positions.add(content(state)[-200:])
                self.assert_nobodys_member(targets)
            if os.path.exists(state):
                self.finish(targets, *options_now)
            else:  # the last of them came to its end
                self.assert_as_in_one_run(targets)
            self.assertFalse(os.path.exists(state))
            done(targets)
        print(f"{kills} kills in {rounds} rounds, {dict(signals)}, {len(positions)} different last words of the state file")
        self.assertGreater(len(positions), wanted // 5)

    def assert_nobodys_member(self, targets):
        """No superblock copy anywhere on a half-built target; a scrub with it beside the survivors does not believe it."""
        for path in targets.values():
            for place in truth.SUPER_OFFSETS[:2]:
                magic = truth.read_at(path, place + 64, 8)
                if place == truth.SUPER_OFFSETS[0] and self.is_unfinished({0: path}):
                    self.assertNotEqual(truth.MAGIC, magic)
        # Once copy 1 is written all the rest lasts: only copy 0 is missing, and the device is what it says.
        bare = [(d, p) for d, p in targets.items() if truth.MAGIC not in
                [truth.read_at(p, place + 64, 8) for place in truth.SUPER_OFFSETS[:2]]]
        if bare and self.dice.random() < 0.2:
            devid, path = bare[0]
            status, out, err = tool.plain("scrub", "--format", "json", *self.paths.values(), path)
            self.assertEqual(8, status, (devid, out))
            self.assertIn(b"has begun and not completed", err)

    def test_kills(self):
        def fresh():
            targets = self.targets(LOST)
            return targets, self.state_of(targets)
        self.kill_until(WANTED_KILLS, fresh, self.drop)

    def test_kills_with_a_loop_device(self):
        """Onto a block device: blkid and the kernel see no btrfs there before the end, and one at the end."""
        devid = LOST[1]
        self.volume_of_one()
        image = os.path.join(self.folder, "disk.img")
        with open(image, "wb") as file:
            file.truncate(self.volume.total_bytes[devid] + (5 << 20))
        state = os.path.join(self.folder, "state")
        with kernel.attached([image]) as loops:
            def fresh():
                kernel.run("blkdiscard", "-f", loops[0])
                return {devid: loops[0]}, state

            def done(_):
                self.assertEqual("btrfs", kernel.run("blkid", "-p", "-o", "value", "-s", "TYPE", loops[0]).stdout.strip())

            self.assert_nobodys_member = self.assert_no_btrfs
            self.kill_until(WANTED_LOOP_KILLS, fresh, done)

    def volume_of_one(self):
        """From now on one device is lost, the other is a survivor too."""
        self.paths[LOST[0]] = self.originals[LOST[0]]
        self.wanted = self.targets(LOST[1:])
        self.reference = tool.rebuild(self.paths.values(), self.wanted, volume=self.volume)

    def assert_no_btrfs(self, targets):
        loop, = targets.values()
        self.assertEqual("", kernel.run("blkid", "-p", "-o", "value", "-s", "TYPE", loop, check=False).stdout.strip())
        self.assertNotEqual(0, kernel.run("btrfs", "device", "scan", loop, check=False).returncode)

    def test_positions_while_it_runs(self):
        """A run that takes long notes how far it is by itself: stopped for a while, let go, and killed, some of them have."""
        sets = [self.targets(LOST) for _ in range(6)]
        runs = [self.start(targets) for targets in sets]
        for run, targets in zip(runs, sets):
            while run.poll() is None and not self.is_begun(self.state_of(targets)):
                time.sleep(0.0005)
            time.sleep(self.whole_run * self.dice.random() * 0.3)
            run.send_signal(signal.SIGSTOP)
        time.sleep(BETWEEN_POSITIONS + 0.2)
        for run in runs:
            run.send_signal(signal.SIGCONT)
            time.sleep(self.whole_run * self.dice.random() * 0.4)
            run.send_signal(signal.SIGKILL)
            run.communicate(timeout=60)
        noted = sum(os.path.exists(self.state_of(targets)) and b'"reached"' in content(self.state_of(targets)) for targets in sets)
        print(f"{noted} of {len(sets)} had noted a position")
        for targets in sets:
            if os.path.exists(self.state_of(targets)):
                self.finish(targets)
            else:
                self.assert_as_in_one_run(targets)

    # --- what does not fit ---

    def assert_refused_as_it_is(self, targets, *words, paths=None, state=None, options=()):
        """Refused with one sentence; targets, state and survivors stay as they are."""
        state = state or self.state_of(targets)
        options = (*options, "--state", state)
        watched = [path for path in (*targets.values(), state) if os.path.exists(path)]
        before = {path: content(path) for path in watched}
        arguments = tool.rebuild_arguments(list(paths or self.paths.values()), targets, *options)
        self.assertEqual(1, len(self.assert_refused(arguments, 8, *words).splitlines()))
        self.assertEqual(before, {path: content(path) for path in watched})
        folder = os.path.dirname(next(iter(targets.values())))
        self.assertEqual({os.path.basename(path) for path in watched}, set(os.listdir(folder)))

    def begun(self):
        """Targets of a run that was cut short with its position noted."""
        targets = self.targets(LOST)
        self.cut_short(targets, number=signal.SIGINT)
        self.assertTrue(os.path.exists(self.state_of(targets)))
        return targets

    def test_another_target(self):
        """A blank file of the same size in the place of a target, or none: refused by its name; --restart begins anew."""
        for blank in (True, False):
            with self.subTest(blank=blank):
                targets = self.begun()
                path = targets[LOST[1]]
                os.unlink(path)
                if blank:
                    with open(path, "wb") as file:
                        file.truncate(self.volume.total_bytes[LOST[1]])
                self.assert_refused_as_it_is(targets, path, "--restart")
                self.finish(targets, "--restart")

    def test_another_order(self):
        """The targets changed places: each has the mark of its own devid."""
        targets = self.begun()
        self.assert_refused_as_it_is(dict(zip(targets, reversed(targets.values()))), "--restart",
                                     state=self.state_of(targets))
        self.finish(targets)

    def test_restart(self):
        """Begins anew, whatever was done; also where the state file is gone, which is not done unasked."""
        targets = self.begun()
        self.finish(targets, "--restart")
        targets = self.begun()
        os.unlink(self.state_of(targets))
        self.assert_refused(tool.rebuild_arguments(self.paths.values(), targets), 8, "--restart")
        self.finish(targets, "--restart")

    def test_another_generation(self):
        targets = self.begun()
        with kernel.attached(list(self.paths.values())) as loops, kernel.mounted(loops, ["degraded"]) as where:
            with open(os.path.join(where, "news"), "w", encoding="ascii") as file:
                file.write("news")
            kernel.sync(where)
        self.assert_refused_as_it_is(targets, "generation", "--restart")
        targets_anew = tool.rebuild(self.paths.values(), targets, "--restart")
        self.assertIn(targets_anew.status, (0, 1, 4))
        self.assertFalse(os.path.exists(self.state_of(targets)))

    def test_other_survivors(self):
        """One more, or one less, than when it was begun."""
        targets = {LOST[0]: self.targets(LOST[:1])[LOST[0]]}
        self.cut_short(targets, number=signal.SIGINT)
        more = [*self.paths.values(), self.originals[LOST[1]]]
        self.assert_refused_as_it_is(targets, "other devices", "--restart", paths=more)
        both = {**targets, LOST[1]: os.path.join(os.path.dirname(targets[LOST[0]]), "more.img")}
        self.assert_refused_as_it_is(both, "other devices", "--restart")

    def test_another_file_system(self):
        targets = self.begun()
        recipe = fixtures.SHAPES["raid6x4-m-raid6-blake2"]
        other = harness.by_devid(recipe.images())
        new = {2: os.path.join(os.path.dirname(targets[LOST[0]]), "other.img")}
        before = content(self.state_of(targets))
        self.assert_refused(tool.rebuild_arguments([other[d] for d in (1, 3, 4)], new, "--state", self.state_of(targets)), 8,
                            "another file system")
        self.assertEqual(before, content(self.state_of(targets)))
        self.assertFalse(os.path.exists(new[2]))
        self.finish(targets)

    def test_torn_state(self):
        """A state file that ends anywhere, or in noise: gone on with from what is whole; without a whole header begun anew."""
        for trial in range(10):
            targets = self.begun()
            state = self.state_of(targets)
            whole = content(state)
            header = whole.index(b"\n") + 1
            cut = self.dice.randrange(header, len(whole) + 1)
            with open(state, "wb") as file:
                file.write(whole[:cut] + (self.dice.randbytes(self.dice.randrange(300)) if trial % 2 else b""))
            with self.subTest(cut=cut, of=len(whole)):
                self.finish(targets)
            self.drop(targets)
        for length in (0, 9, 100):
            targets = self.begun()
            os.truncate(self.state_of(targets), length)
            self.assert_refused(tool.rebuild_arguments(self.paths.values(), targets), 8, "--restart")
            self.finish(targets, "--restart")
            self.drop(targets)

    def test_changed_header(self):
        """What the state file is about cannot be read: refused."""
        targets = self.begun()
        state = self.state_of(targets)
        whole = content(state)
        for at in (0, 20, whole.index(b"\n") - 3):
            with open(state, "wb") as file:
                file.write(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
            self.assert_refused_as_it_is(targets, state)

    def test_a_changed_line(self):
        """A bit that turned in the state file: what follows it does not count, the result is the same."""
        for _ in range(5):
            targets = self.begun()
            state = self.state_of(targets)
            changed = bytearray(content(state))
            changed[self.dice.randrange(changed.index(b"\n") + 1, len(changed))] ^= 1 << self.dice.randrange(7)
            with open(state, "wb") as file:
                file.write(changed)
            self.finish(targets)
            self.drop(targets)

    def test_no_state_file(self):
        """Some other file is in its place: refused, also with --restart, and left alone."""
        for what in (b"mine\n" * 1000, self.dice.randbytes(5000)):
            targets = self.targets(LOST)
            with open(self.state_of(targets), "wb") as file:
                file.write(what)
            self.assert_refused_as_it_is(targets, self.state_of(targets))
            self.assert_refused_as_it_is(targets, self.state_of(targets), options=("--restart",))

    def test_refused_state_is_left_alone(self):
        """A torn state of another rebuild: refused, and as torn as before."""
        targets = self.begun()
        with open(self.state_of(targets), "ab") as file:
            file.write(b"torn")
        new = {LOST[0]: os.path.join(os.path.dirname(targets[LOST[0]]), "one.img")}
        before = content(self.state_of(targets))
        self.assert_refused(tool.rebuild_arguments([*self.paths.values(), self.originals[LOST[1]]], new, "--state",
                                                   self.state_of(targets)), 8, "other devices", "--restart")
        self.assertEqual(before, content(self.state_of(targets)))
        self.assertFalse(os.path.exists(new[LOST[0]]))

    def test_refused_restart(self):
        """--restart onto something that is refused: the state of the run before is still there."""
        targets = self.begun()
        state = self.state_of(targets)
        before = content(state)
        for bad in (self.folder, self.paths[2], self.originals[3]):
            arguments = tool.rebuild_arguments(self.paths.values(), {**targets, LOST[1]: bad}, "--restart", "--state", state)
            self.assert_refused(arguments, 8, bad)
            self.assertEqual(before, content(state))
        self.finish(targets)

    def test_block_device_without_state(self):
        image = os.path.join(self.folder, "disk.img")
        with open(image, "wb") as file:
            file.truncate(self.volume.total_bytes[LOST[0]])
        with kernel.attached([image]) as loops:
            arguments = tool.rebuild_arguments(self.paths.values(), {LOST[0]: loops[0]})
            self.assert_refused(arguments, 8, "--state")
        self.assertFalse(any(content(image)))
        self.assertFalse(os.path.exists(loops[0] + ".rebuild"))


if __name__ == "__main__":
    harness.main()
