#!/usr/bin/env python3
"""Kills the daemon at its writes and syncs, lies to it about syncs, stops it, cuts its power, while ids pour in over all ways.

  sweep.py kill --points N    SIGKILL at N of its first 500 write and sync calls
  sweep.py eio --points N     EIO at N of its first 200 syncs
  sweep.py stop --points N    SIGTERM at N of the first 400 waits of its loop: it must end well, whatever it is about
  sweep.py cut --points N     copies of a live loop image, as a power cut would leave it

Ids come from the session API (alone and in bulk), from webhooks, and from a file that grows. Promise: none that was
acknowledged is missing after a restart, none of the file is, and the store is sound. Ends with 77 where the means are
not there (strace; root and loop mounts for `cut`). KALLGLOT_BINARY_DIR names the build.
"""

import argparse
import contextlib
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'e2e'))

from support.durable import Durable, Told, pour  # noqa: E402
from support.programs import TRACED, injected  # noqa: E402
from support.waiting import wait_for  # noqa: E402

SKIPPED = 77
WORKERS = 3
FILE = 'ids.txt'
# How many ids a daemon acknowledges before its end, if no fault ends it before.
ENOUGH = 2000
AFTER_A_FAULT = 150


class Rig(Durable):
    """One folder and one API for the whole sweep; a store and a file for each run."""

    def runTest(self):
        """unittest wants one."""

    def fresh(self, folder):
        """An empty store, and a file of a few ids."""
        for old in self.folder.glob(f'{folder}/*'):
            old.unlink()
        (self.folder / folder).mkdir(exist_ok=True)
        self.in_file = [f'sess_from_a_file_{i:04}' for i in range(50)]
        (self.folder / FILE).write_text('\n'.join(self.in_file) + '\n')
        self.starts, self.api = 1, self.api if self.starts else None

    def grow_file(self):
        more = [f'sess_from_a_file_{len(self.in_file) + i:04}' for i in range(10)]
        with open(self.folder / FILE, 'a', encoding='utf-8') as file:
            file.write('\n'.join(more) + '\n')
        self.in_file += more

    def run(self, *_):
        raise NotImplementedError('not run as a test')

    def begin(self):
        self.setUp()
        self.launch('first.db').kill()  # starts the simulator, too

    def pour_until(self, exporter, told, name, done):
        """Pours ids in until `done` or the daemon's end."""
        threads = pour(exporter, told, name, WORKERS)
        wait_for(f'the end of {name}', lambda: self.grow_file() or not exporter.running() or done(), seconds=60)
        exporter.kill()
        for thread in threads:
            thread.join()

    def lost(self, store, told, where):
        """How many of the ids that must be there are not, after a restart."""
        exporter = self.launch(store)
        missing = told.ids - self.tracked(exporter)
        wait_for('the ids of the file', lambda: set(self.in_file) <= self.tracked(exporter))
        exporter.stop()
        with contextlib.closing(sqlite3.connect(self.folder / store)) as opened:
            sound = opened.execute('PRAGMA integrity_check').fetchone()[0]
        if missing or sound != 'ok':
            print(f'{where}: {len(missing)} lost of {len(told.ids)}, {sound}', sorted(missing)[:10])
        return len(missing) + (sound != 'ok')

    def faulty_run(self, name, injection, done):
        """One life with that fault; acknowledged ids, and how many of them are missing afterwards."""
        self.fresh('run')
        told, self.ended_with, self.said = Told(), None, ''
        try:
            exporter = self.launch('run/sessions.db', under=injected(injection), environment=TRACED)
            self.pour_until(exporter, told, name.replace(' ', '_'), lambda: done(exporter, told))
        except (AssertionError, OSError):
            # Killed before it was up, which is one of the points.
            for program in self.programs[1:]:
                program.kill()
        for program in self.programs[1:]:
            self.ended_with, self.said = program.process.returncode, program.log()
        del self.programs[1:]
        lost = self.lost('run/sessions.db', told, name)
        del self.programs[1:]
        return len(told.ids), lost


def sweep(rig, plans, done, may_pass=frozenset()):
    acknowledged, bad, unmet = 0, 0, []
    for name, injection in plans:
        count, wrong = rig.faulty_run(name, injection, done)
        acknowledged, bad = acknowledged + count, bad + wrong
        unmet += [name] if count >= ENOUGH and name not in may_pass else []
    print(f'{len(plans)} runs, {acknowledged} ids acknowledged, {bad} faults')
    if unmet:
        print(f'these did not meet their fault: {unmet}')
    return bad + len(unmet)


def kill(rig, points):
    # A sync follows about six writes, so the first 500 calls hold some 70; what is beyond costs little more.
    plans = [(f'write {n}', f'pwrite64:signal=SIGKILL:when={n}') for n in range(1, 431)]
    plans += [(f'sync {n}', f'fdatasync:signal=SIGKILL:when={n}') for n in range(1, 71)]
    return sweep(rig, spread(plans, points), lambda _, told: told.count() >= ENOUGH)


def eio(rig, points):
    plans = [(f'sync {n}', f'fdatasync:error=EIO:when={n}') for n in range(1, 201)]
    met = {}

    def done(exporter, told):
        if exporter not in met and exporter.scrape().value('kallglot_exporter_store_write_failures_total'):
            met[exporter] = told.count()
        return told.count() >= met.get(exporter, ENOUGH) + AFTER_A_FAULT
    # Those of the start are tried again or are of a folder, so nobody hears of them; what counts is that nothing is lost.
    return sweep(rig, spread(plans, points), done, may_pass={f'sync {n}' for n in range(1, 8)})


def stop(rig, points):
    plans = [(f'wait {n}', f'epoll_wait:signal=SIGTERM:when={n}') for n in range(1, 401)]
    acknowledged, bad = 0, 0
    for name, injection in spread(plans, points):
        count, wrong = rig.faulty_run(name, injection, lambda _, told: told.count() >= ENOUGH)
        acknowledged, bad = acknowledged + count, bad + wrong
        # Before anything is promised the system may end it.
        good = (0,) if count else (0, -signal.SIGTERM)
        if rig.ended_with not in good or 'ERROR: ' in rig.said or 'runtime error' in rig.said:
            bad += 1
            print(f'{name}: ended with {rig.ended_with}\n{rig.said[-2000:]}')
    print(f'{points} runs, {acknowledged} ids acknowledged, {bad} faults')
    return bad


def spread(plans, points):
    """So many of them, evenly over all."""
    return [plans[i * len(plans) // points] for i in range(min(points, len(plans)))]


def stopped(pid):
    """All threads stand still, those in a system call too."""
    states = [(thread / 'stat').read_text().rsplit(')', 1)[1].split()[0]
              for thread in pathlib.Path(f'/proc/{pid}/task').iterdir()]
    return all(state == 'T' for state in states)


def mount(image, folder):
    return subprocess.run(['mount', '-o', 'loop', image, folder], capture_output=True, check=False).returncode == 0


def cut(rig, points):
    """None if nothing can be mounted here."""
    generator = random.Random(4)
    image, copy, live, dead = (rig.folder / name for name in ('image', 'copy', 'live', 'dead'))
    live.mkdir()
    dead.mkdir()
    acknowledged, bad = 0, 0
    for series in range(0, points, 20):
        subprocess.run(['truncate', '-s', '0', image], check=True)
        subprocess.run(['truncate', '-s', '128M', image], check=True)
        subprocess.run(['mkfs.ext4', '-q', '-F', image], check=True)
        if not mount(image, live):
            return None
        rig.fresh('run')
        told = Told()
        threads = []
        try:
            exporter = rig.launch('live/sessions.db')
            threads = pour(exporter, told, f'series{series}', WORKERS)
            for number in range(series, min(series + 20, points)):
                time.sleep(generator.uniform(0.02, 0.2))
                exporter.send(signal.SIGSTOP)
                wait_for('it to stand still', lambda: stopped(exporter.process.pid))
                at_cut = Told()
                at_cut.add(set(told.ids))
                subprocess.run(['cp', '--sparse=always', image, copy], check=True)
                exporter.send(signal.SIGCONT)
                rig.grow_file()
                assert mount(copy, dead), 'the copy cannot be mounted'
                try:
                    bad += rig.lost('dead/sessions.db', at_cut, f'cut {number}')
                    acknowledged += at_cut.count()
                finally:
                    subprocess.run(['umount', dead], check=True)
        finally:
            for program in rig.programs[1:]:
                program.kill()
            del rig.programs[1:]
            for thread in threads:
                thread.join()
            subprocess.run(['umount', live], check=True)
    print(f'{points} cuts, {acknowledged} times an acknowledged id was looked for, {bad} faults')
    return bad


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('kind', choices=('kill', 'eio', 'stop', 'cut'))
    parser.add_argument('--points', type=int, default=6)
    arguments = parser.parse_args()
    if arguments.kind != 'cut' and not shutil.which('strace'):
        print('skipped: no strace')
        return SKIPPED
    if arguments.kind == 'cut' and (os.geteuid() != 0 or not shutil.which('mkfs.ext4')):
        print('skipped: not root, or no mkfs.ext4')
        return SKIPPED
    rig = Rig()
    try:
        rig.begin()
        bad = {'kill': kill, 'eio': eio, 'stop': stop, 'cut': cut}[arguments.kind](rig, arguments.points)
    finally:
        rig.doCleanups()
    if bad is None:
        print('skipped: no loop mounts here')
        return SKIPPED
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
