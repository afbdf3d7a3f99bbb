#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Killed at any instant nothing is lost: the next repair completes, or undo restores, byte for byte.

SIGKILL hits the real program at random moments.  A kill counts where the images show that it fell between the first and the
last write to a device: some of the planned places hold their new bytes, others do not yet (or, in an undo, not any more).
In turn the repair is then gone on with, and killed again, or undone, with kills of the undo as well.  Each 512 bytes hold
what was there before or what shall be there, at every instant.  Nothing depends on how long anything takes: kills that came
too early or too late do not count, and are made up for.
"""

import os
import random
import signal
import stat
import subprocess
import time

import fixtures
import harness
import images
import repairs
import stale
import tool

SHAPE = "raid6x4-m-raid6-blake2"
WANTED_KILLS = 300
WANTED_UNDO_KILLS = 40
ATOM = 512


class Watch:
    """The places of a plan: what they held, what they shall hold, what they hold now."""

    def __init__(self, damaged, whole, paths, places):
        self.places = sorted(places)
        self._old = [self._read(damaged, place) for place in self.places]
        self._new = [self._read(whole, place) for place in self.places]
        self._paths = paths

    @staticmethod
    def _read(paths, place):
        with open(paths[place[0]], "rb") as image:
            return os.pread(image.fileno(), 4096, place[1])

    def look(self):
        """(places that hold the old bytes, the new ones, a mixture); AssertionError for anything else."""
        old = new = mixed = 0
        files = {devid: os.open(path, os.O_RDONLY) for devid, path in self._paths.items()}
        try:
            for place, before, after in zip(self.places, self._old, self._new):
                now = os.pread(files[place[0]], 4096, place[1])
                if now == before:
                    old += 1
                elif now == after:
                    new += 1
                else:
                    self._check_atoms(place, now, before, after)
                    mixed += 1
        finally:
            for handle in files.values():
                os.close(handle)
        return old, new, mixed

    @staticmethod
    def _check_atoms(place, now, before, after):
        for at in range(0, 4096, ATOM):
            if now[at:at + ATOM] not in (before[at:at + ATOM], after[at:at + ATOM]):
                raise AssertionError(f"{place}: {at} bytes on lies neither what was there nor what shall be")

    def put_back(self):
        """The damage once more."""
        files = {devid: os.open(path, os.O_WRONLY) for devid, path in self._paths.items()}
        try:
            for place, before in zip(self.places, self._old):
                os.pwrite(files[place[0]], before, place[1])
        finally:
            for handle in files.values():
                os.close(handle)


class Killer(repairs.RepairCase):
    """Runs of the program that are killed at random moments, and runs that are not."""

    def setUp(self):
        super().setUp()
        self.dice = random.Random("kill")
        self.pause = 0.05

    def start(self, command, *options):
        return subprocess.Popen([tool.binary(), command, *options, "--journal", self.journal, *self.paths.values()],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)

    def killed(self, command, *options):
        """Starts a run, waits for its first write to an image, kills it a random moment later; whether it was in time."""
        before = self.stamps()
        process = self.start(command, *options)
        while process.poll() is None and self.stamps() == before:
            time.sleep(0.0005)
        # Most of them in the middle of the first batch, which lasts some milliseconds; the others anywhere.
        time.sleep(self.dice.choice((0, self.dice.random() * 0.004, self.dice.random() * self.pause)))
        process.send_signal(signal.SIGKILL)
        _, messages = process.communicate(timeout=60)
        if process.returncode == -signal.SIGKILL:
            return True
        if process.returncode != 8 or b"finished" not in messages:  # the kill before this one came at the very end
            self.assertIn(process.returncode, (0, 1), messages)
        return False

    def stamps(self):
        return [os.stat(path).st_mtime_ns for path in self.paths.values()]

    def run_to_the_end(self, command, *options):
        status, out, err = tool.plain(command, "--format", "json", *options, "--journal", self.journal,
                                      *self.paths.values())
        return tool.Undo(status, out, err) if command == "undo" else tool.Repair(status, out, err, options)


class Kill(Killer):
    def setUp(self):
        super().setUp()

        def work(plants):
            plants.everything_on(2)
            plants.everything_on(4, share=0.3)
            plants.superblocks()
        plants = self.prepare(SHAPE, work)
        supers = {(devid, offset) for devid, offset, _ in plants.supers}
        self.assertTrue(supers)
        self.watch = Watch(self.damaged, self.originals, self.paths, plants.touched | supers)
        self.kills = self.undo_kills = self.torn_journals = self.mixed = self.early = self.late = 0
        self.shortest, self.longest = 1 << 62, 0  # journals after kills that count
        self.written = set()  # how many places were written at such kills

    # --- what the images show ---

    def between(self, forwards):
        """Whether the images are partly written, one way or the other; the next pauses are chosen after it."""
        old, new, mixed = self.watch.look()
        self.mixed += mixed
        untouched, all_done = (new, old) if not forwards else (old, new)
        if untouched == len(self.watch.places):
            self.early += 1
            return False
        if all_done == len(self.watch.places):
            self.late += 1
            self.pause = max(0.002, self.pause * 0.9)
            return False
        self.pause = min(0.5, self.pause * 1.03)
        self.written.add(new)
        size = os.stat(self.journal).st_size
        self.shortest, self.longest = min(self.shortest, size), max(self.longest, size)
        self.assertEqual(0o600, stat.S_IMODE(os.stat(self.journal).st_mode))
        return True

    # --- the ways on ---

    def complete(self):
        """The next repair completes; images equal those before the damage.  Where it was complete already it is refused."""
        report = self.run_to_the_end("repair", "--write")
        if report.status == 8:
            self.assertIn("finished", report.messages)
        else:
            self.assert_outcome("repaired", 1, report)
        self.assert_images(self.originals, "gone on with")

    def restore(self):
        """undo, killed now and then and run again, brings the damaged images back."""
        for _ in range(self.dice.choice((0, 0, 1, 2))):
            if self.killed("undo") and self.between(forwards=False):
                self.undo_kills += 1
        self.assert_outcome("done", 0, self.run_to_the_end("undo"))
        self.assert_images(self.damaged, "undone")

    def one_round(self, number):
        """A repair killed once or, going on with it, several times; then completed or undone."""
        for _ in range(self.dice.randint(1, 4)):
            if not self.killed("repair", "--write"):
                break
            self.kills += self.between(forwards=True)
        if number % 2:
            self.restore()
        else:
            self.complete()
            self.watch.put_back()
        self.drop_journal()

    def test_kills(self):
        rounds = 0
        while self.kills < WANTED_KILLS or self.undo_kills < WANTED_UNDO_KILLS:
            rounds += 1
            self.assertLess(rounds, 10 * WANTED_KILLS, f"the kills miss: {self.early} early, {self.late} late")
            self.one_round(rounds)
        self.assertGreater(len(self.written), 20, "the kills come at the same few moments")
        print(f"{self.kills} kills of repair and {self.undo_kills} of undo with images partly written, in {rounds} rounds; "
              f"{min(self.written)} to {max(self.written)} of {len(self.watch.places)} places written, "
              f"{len(self.written)} numbers of them, {self.mixed} half written; journals of {self.shortest} to {self.longest} bytes; "
              f"{self.early} kills came before the first write, {self.late} after the last", flush=True)

    def test_kills_while_planning(self):
        """Killed before anything reaches a device: the images are untouched, and the journal is no hindrance."""
        sizes = set()
        for _ in range(40):
            process = self.start("repair", "--write")
            while process.poll() is None and not os.path.exists(self.journal):
                time.sleep(0.0005)
            time.sleep(self.dice.random() * 0.04)
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=60)
            sizes.add(os.stat(self.journal).st_size)
            if not images.differences(self.damaged, self.paths) and self.dice.random() < 0.5:
                self.assert_outcome("done", 0, self.run_to_the_end("undo"))
                self.assert_images(self.damaged, "nothing was written, nothing is undone")
                self.drop_journal()
            else:
                self.complete()
                self.watch.put_back()
                self.drop_journal()
        self.assertGreater(len(sizes), 3, f"all kills found the same journal: {sizes}")


class WholeDevices(Killer):
    """Devices that are brought up to date or made longer: a superblock that comes last, lengths that change."""

    ROUNDS = 16

    def there_and_back(self):
        """What a repair that nobody kills makes is the measure."""
        self.assert_outcome("repaired", 1, self.run_to_the_end("repair", "--write"))
        wanted = self.copy_of(self.paths, "wanted")
        self.assert_outcome("done", 0, self.run_to_the_end("undo"))
        self.assert_images(self.damaged, "undone")
        self.drop_journal()
        kills = 0
        for number in range(2 * self.ROUNDS):
            kills += sum(self.killed("repair", "--write") for _ in range(self.dice.randint(1, 3)))
            if number % 2:
                status = self.run_to_the_end("repair", "--write").status
                self.assertIn(status, (1, 8))  # 8: it was finished
                self.assert_images(wanted, "gone on with")
            if self.dice.random() < 0.5:
                kills += self.killed("undo")
            self.assert_outcome("done", 0, self.run_to_the_end("undo"))
            self.assert_images(self.damaged, "undone")
            self.drop_journal()
        print(f"{kills} kills", flush=True)
        self.assertGreater(kills, self.ROUNDS)

    def test_stale(self):
        self.name, self.where = "stale", os.path.join(self.folder, "stale")
        self.paths, self.volume = stale.stale_set(self.where, 3)
        self.keep()
        self.there_and_back()

    def test_short(self):
        self.take(fixtures.SHAPES[SHAPE].images(), SHAPE)
        held = sorted(self.volume.held(2, 1 << 20))
        os.truncate(self.paths[2], held[len(held) // 3] + 1024)
        self.keep()
        self.there_and_back()


if __name__ == "__main__":
    harness.main()
