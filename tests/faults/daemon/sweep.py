#!/usr/bin/env python3
"""Kills the daemon at its writes and syncs, fails its syncs, stops it, cuts its power, while ids arrive from all sources.

  sweep.py kill --points N    SIGKILL at N of its first 500 write and sync calls
  sweep.py eio --points N     EIO at N of its first 200 syncs
  sweep.py stop --points N    SIGTERM at N of the first 400 waits of its loop: it must end well, whatever it is about
  sweep.py cut --points N     copies of a live loop image, as a power cut would leave it

Ids come from the session API (alone and in bulk), from webhooks, and from a file that grows. Promise: none that was
acknowledged is missing after a restart, none of the file is, a webhook that was acknowledged is known when it comes again,
and the store is sound. Ends with 1 if that is broken, if a daemon ended in any other way than by its fault, or if too few
met theirs; with 77 where the means are not there (strace; root and loop mounts for `cut`). KALLGLOT_BINARY_DIR names the build.
"""

import argparse
import contextlib
import http.client
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[2] / 'e2e'), str(pathlib.Path(__file__).resolve().parents[1])]

from support.durable import Acknowledged, Durable, pour, signed  # noqa: E402
from support.programs import TRACED, injected  # noqa: E402
from support.waiting import wait_for  # noqa: E402
from sweeping import LEAST_MET, SKIPPED, make_disk, mount, spread, stopped  # noqa: E402

WORKERS = 3
FILE = 'ids.txt'
# How many ids a daemon acknowledges before its end, if no fault ends it before.
ENOUGH = 2000
AFTER_A_FAULT = 150
# A cut comes after a random number of further acknowledgements.
MOST_BETWEEN_CUTS = 600


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
        self.delivered_again = 0
        self.launch('first.db').kill()  # starts the simulator, too

    def pour_until(self, exporter, told, name, done):
        """Pours ids in until `done` or the daemon's end; then it is killed."""
        threads = pour(exporter, told, name, WORKERS)
        wait_for(f'the end of {name}', lambda: self.grow_file() or not exporter.running() or done(), seconds=60)
        self.ended_with = exporter.process.poll()
        exporter.kill()
        for thread in threads:
            thread.join()

    def forgotten_events(self, exporter, events):
        """How many of these webhooks are not known as duplicates when they come once more."""
        public = http.client.HTTPConnection(exporter.webhooks, timeout=20)
        for body in events:
            public.request('POST', '/webhooks/kallglot', body, signed(body))
            answer = public.getresponse()
            answer.read()
            assert answer.status == 200, f'a delivery that comes again is answered with {answer.status}'
        public.close()
        self.delivered_again += len(events)
        return len(events) - exporter.scrape().value('kallglot_exporter_webhook_requests_total', result='duplicate')

    def lost(self, store, told, where):
        """How many of the ids and webhooks that must be known are not, after a restart."""
        exporter = self.launch(store)
        missing = told.ids - self.tracked(exporter)
        wait_for('the ids of the file', lambda: set(self.in_file) <= self.tracked(exporter))
        # The last ones, and some from before the store was rewritten.
        forgotten = self.forgotten_events(exporter, told.events[:-20:10] + told.events[-20:])
        exporter.stop()
        with contextlib.closing(sqlite3.connect(self.folder / store)) as opened:
            sound = opened.execute('PRAGMA integrity_check').fetchone()[0]
        if missing or forgotten or sound != 'ok':
            print(f'{where}: {len(missing)} lost of {len(told.ids)}, {forgotten:g} events forgotten, {sound}', sorted(missing)[:10])
        return len(missing) + int(forgotten) + (sound != 'ok')

    def faulty_run(self, name, injection, done):
        """One life with that fault; acknowledged ids, and how much is missing afterwards.

        `ended_with` is None if it went on until it was killed by us, `said` its log."""
        self.fresh('run')
        told, self.ended_with, self.failed_at = Acknowledged(), None, None
        try:
            exporter = self.launch('run/sessions.db', under=injected(injection), environment=TRACED)
            self.pour_until(exporter, told, name.replace(' ', '_'), lambda: done(exporter, told))
        except (AssertionError, OSError, http.client.HTTPException):
            # It exited before it was ready, which is one of the points. One that runs without progress is a fault.
            self.ended_with = self.programs[-1].process.wait(15)
        self.said = self.programs[-1].log()
        del self.programs[1:]
        lost = self.lost('run/sessions.db', told, name)
        del self.programs[1:]
        return len(told.ids), lost


def sweep(rig, plans, done, met):
    """`met` is asked after each run whether its fault came."""
    acknowledged, bad, unmet = 0, 0, []
    for name, injection in plans:
        count, wrong = rig.faulty_run(name, injection, done)
        acknowledged, bad = acknowledged + count, bad + wrong
        if not met(count):
            unmet.append(name)
            if rig.ended_with is not None:
                bad += 1
                print(f'{name}: ended with {rig.ended_with}\n{rig.said[-2000:]}')
    if unmet:
        print(f'these did not meet their fault: {unmet}')
    met_by = len(plans) - len(unmet)
    return conclude(rig, f'{len(plans)} runs, {met_by} met their fault, {acknowledged} ids acknowledged', acknowledged,
                    bad + (met_by < LEAST_MET * len(plans)))


def conclude(rig, what, acknowledged, bad):
    """The last line; how many faults there were in all."""
    bad += not acknowledged or not rig.delivered_again
    print(f'{what}, {rig.delivered_again} events delivered again, {bad} faults')
    return bad


def kill(rig, points):
    # A sync follows about six writes, so the first 500 calls hold some 70; what is beyond costs little more.
    plans = [(f'write {n}', f'pwrite64:signal=SIGKILL:when={n}') for n in range(1, 431)]
    plans += [(f'sync {n}', f'fdatasync:signal=SIGKILL:when={n}') for n in range(1, 71)]
    return sweep(rig, spread(plans, points), lambda _, told: told.count() >= ENOUGH, lambda _: rig.ended_with == -signal.SIGKILL)


def eio(rig, points):
    plans = [(f'sync {n}', f'fdatasync:error=EIO:when={n}') for n in range(1, 201)]

    def done(exporter, told):
        if rig.failed_at is None and exporter.scrape().value('kallglot_exporter_store_write_failures_total'):
            rig.failed_at = told.count()
        return told.count() >= (ENOUGH if rig.failed_at is None else rig.failed_at + AFTER_A_FAULT)

    def met(count):
        if rig.ended_with is None:
            return rig.failed_at is not None
        return rig.ended_with == 1 and not count and 'sessions.db' in rig.said
    # Some syncs of the start are retried or are of a folder, and no caller sees them. What counts is that nothing is lost.
    return sweep(rig, spread(plans, points), done, met)


def stop(rig, points):
    plans = [(f'wait {n}', f'epoll_wait:signal=SIGTERM:when={n}') for n in range(1, 401)]
    plans, acknowledged, bad = spread(plans, points), 0, 0
    for name, injection in plans:
        count, wrong = rig.faulty_run(name, injection, lambda _, told: told.count() >= ENOUGH)
        acknowledged, bad = acknowledged + count, bad + wrong
        # Before anything is promised the system may end it.
        good = (0,) if count else (0, -signal.SIGTERM)
        if rig.ended_with not in good or 'ERROR: ' in rig.said or 'runtime error' in rig.said:
            bad += 1
            print(f'{name}: ended with {rig.ended_with}\n{rig.said[-2000:]}')
    return conclude(rig, f'{len(plans)} runs, {acknowledged} ids acknowledged', acknowledged, bad)


def cut(rig, points):
    """None if nothing can be mounted here."""
    generator = random.Random(4)
    live, dead = (rig.folder / name for name in ('live', 'dead'))
    live.mkdir()
    dead.mkdir()
    acknowledged, bad = 0, 0
    for series in range(0, points, 20):
        # A file of its own each time: another process with a copy of this mount table keeps the loop device of an old one.
        image = rig.folder / f'image{series}'
        make_disk(image)
        if not mount(image, live):
            return None
        rig.fresh('run')
        so_far = Acknowledged()
        threads = []
        try:
            exporter = rig.launch('live/sessions.db')
            threads = pour(exporter, so_far, f'series{series}', WORKERS)
            for number in range(series, min(series + 20, points)):
                more = so_far.count() + generator.randrange(1, MOST_BETWEEN_CUTS)
                wait_for('the moment of the cut', lambda: so_far.count() >= more)
                exporter.send(signal.SIGSTOP)
                wait_for('it to stand still', lambda: stopped(exporter.process.pid))
                at_cut = so_far.copy()
                copy = rig.folder / f'copy{number}'
                subprocess.run(['cp', '--sparse=always', image, copy], check=True)
                exporter.send(signal.SIGCONT)
                rig.grow_file()
                assert mount(copy, dead), 'the copy cannot be mounted'
                try:
                    bad += rig.lost('dead/sessions.db', at_cut, f'cut {number}')
                    acknowledged += at_cut.count()
                finally:
                    subprocess.run(['umount', dead], check=True)
                    copy.unlink()
        finally:
            for program in rig.programs[1:]:
                program.kill()
            del rig.programs[1:]
            for thread in threads:
                thread.join()
            subprocess.run(['umount', live], check=True)
            image.unlink()
    return conclude(rig, f'{points} cuts, {acknowledged} times an acknowledged id was looked for', acknowledged, bad)


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
