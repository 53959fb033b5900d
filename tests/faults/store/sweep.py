"""Kills the store's writer at its system calls, fails its syncs, cuts its power; then counts what is lost.

  sweep.py kill --writer PROGRAM --points N    SIGKILL at N of its first 500 write, sync and rename calls
  sweep.py eio --writer PROGRAM --points N     EIO at N of its first 200 syncs
  sweep.py cut --writer PROGRAM --points N     copies of a live loop image, as a power cut would leave it

Promise: of the ids and remembered keys that were acknowledged none is missing afterwards, and the file is sound. Ends with 1
if that is broken, if a writer ended in any other way than by its fault, or if too few met theirs; with 77 where the means are
not there (strace; root and loop mounts for `cut`).
"""

import argparse
import collections
import contextlib
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / 'e2e'), str(Path(__file__).resolve().parents[1])]

from support.programs import faster  # noqa: E402 (the path comes first)
from support.waiting import wait_for  # noqa: E402
from sweeping import LEAST_MET, SKIPPED, make_disk, mount, spread, stopped  # noqa: E402

ENOUGH = '1000000'
# A cut comes after a random number of further bytes that the writer printed: a line for each acknowledgement.
MOST_BETWEEN_CUTS = 40_000


def stored(writer, path):
    """The ids and keys that a store holds now, and whether it was sound."""
    answer = subprocess.run([writer, 'list', path], capture_output=True, text=True, timeout=60)
    if answer.returncode != 0 or 'not opened' in answer.stderr:
        raise AssertionError(f'cannot be opened: {answer.returncode} {answer.stderr}')
    return numbers('id', answer.stdout), numbers('key', answer.stdout), 'damaged' not in answer.stdout and intact(path)


def numbers(word, text):
    return {int(n) for n in re.findall(rf'^{word} (\d+)$', text, re.M)}


def intact(path):
    with contextlib.closing(sqlite3.connect(path)) as opened:
        return opened.execute('PRAGMA integrity_check').fetchone()[0] == 'ok'


def told(output):
    """The ids that must be there, those that must not, and the keys that must be remembered."""
    complete = output[:output.rfind('\n') + 1]
    return numbers('ack', complete) - numbers('going', complete), numbers('gone', complete), numbers('key', complete)


def compare(writer, path, output, where):
    there, known, sound = stored(writer, path)
    must, must_not, remembered = told(output)
    lost, back, forgotten = must - there, must_not & there, remembered - known
    if lost or back or forgotten or not sound:
        print(f'{where}: {len(lost)} lost of {len(must)}, {len(back)} came back, {len(forgotten)} keys forgotten of '
              f'{len(remembered)}, sound: {sound}')
        print(sorted(lost)[:10], sorted(back)[:10])
    return len(must), len(lost) + len(back) + len(forgotten) + (0 if sound else 1)


def run_injected(writer, path, injections, count, limit, calls='/dev/null'):
    command = ['strace', '-f', *faster(injections), '-qq', '-o', calls, '-e', 'trace=pwrite64,fdatasync,fsync,rename,unlink,ftruncate']
    for injection in injections:
        command += ['-e', 'inject=' + injection]
    # LeakSanitizer does not work in a traced program.
    environment = {**os.environ, 'ASAN_OPTIONS': 'detect_leaks=0'}
    return subprocess.run(command + [writer, 'run', path, count], capture_output=True, text=True, timeout=limit,
                          env=environment)


def calls_of(writer, count, limit, *injections):
    """{system call: how often a run makes it that is not killed}."""
    with tempfile.TemporaryDirectory(prefix='kallglot-sweep-') as folder:
        done = run_injected(writer, f'{folder}/sessions.db', injections, count, limit, f'{folder}/calls')
        assert done.returncode == 0, f'cannot be traced: {done.returncode} {done.stderr}'
        return collections.Counter(re.findall(r'^\d+ +(\w+)\(', Path(f'{folder}/calls').read_text(), re.M))


def sweep(writer, plans, count, limit, label, met):
    """`met` is asked after each run whether its fault came."""
    acknowledged, bad, unmet = 0, 0, []
    for name, injections in plans:
        with tempfile.TemporaryDirectory(prefix='kallglot-sweep-') as folder:
            path = f'{folder}/sessions.db'
            done = run_injected(writer, path, injections, count, limit)
            counted, wrong = compare(writer, path, done.stdout, name)
            acknowledged, bad = acknowledged + counted, bad + wrong
        if not met(done):
            unmet.append(name)
            if done.returncode != 0:
                bad += 1
                print(f'{name}: ended with {done.returncode}\n{done.stderr[-2000:]}')
    if unmet:
        print(f'these did not meet their fault: {unmet}')
    bad += (len(plans) - len(unmet) < LEAST_MET * len(plans)) + (not acknowledged)
    print(f'{label}: {len(plans)} runs, {len(plans) - len(unmet)} met their fault, {acknowledged} ids acknowledged, {bad} faults')
    return bad


def kill(arguments):
    # All calls that rename or delete files, all writes of a rewritten store, then syncs and writes.
    broken = 'fdatasync:error=EIO:when=6'
    usual, rewritten = calls_of(arguments.writer, '6000', 120), calls_of(arguments.writer, '6000', 120, broken)
    assert rewritten['rename'] > usual['rename'], 'the store was not rewritten'
    plans = [(f'{call} {n}', [broken, f'{call}:signal=SIGKILL:when={n}'])
             for call in ('rename', 'unlink') for n in range(1, min(rewritten[call], 25) + 1)]
    plans += [(f'rewrite {n}', [broken, f'pwrite64:signal=SIGKILL:when={40 + n}'])
              for n in range(1, min(rewritten['pwrite64'] - 40, 50) + 1)]
    plans += [(f'sync {n}', [f'fdatasync,fsync:signal=SIGKILL:when={n}']) for n in range(1, min(usual['fdatasync'], 150) + 1)]
    plans += [(f'write {n}', [f'pwrite64:signal=SIGKILL:when={n}'])
              for n in range(1, min(usual['pwrite64'], 500 - len(plans)) + 1)]
    return sweep(arguments.writer, spread(plans, arguments.points), '6000', 120, 'kill',
                 lambda done: done.returncode == -signal.SIGKILL)


def eio(arguments):
    syncs = calls_of(arguments.writer, '6000', 120)['fdatasync']
    plans = [(f'EIO at sync {n}', [f'fdatasync,fsync:error=EIO:when={n}']) for n in range(1, min(syncs, 200) + 1)]
    # The writer reports it while it runs, at its start, or at its end.
    return sweep(arguments.writer, spread(plans, arguments.points), '6000', 120, 'EIO', lambda done: done.returncode == 4
                 or done.returncode == 0 and any(word in done.stderr for word in ('unusable: ', 'not opened: ')))


def cut(arguments):
    if os.geteuid() != 0 or not shutil.which('mkfs.ext4'):
        return None
    generator = random.Random(4)
    acknowledged, bad, left = 0, 0, arguments.points
    while left > 0:
        # A store of its own for every twenty cuts, so that young ones are met as well.
        outcome = cut_series(arguments.writer, min(left, 20), generator)
        if outcome is None:
            return None
        acknowledged, bad, left = acknowledged + outcome[0], bad + outcome[1], left - 20
    bad += not acknowledged
    print(f'cut: {arguments.points} cuts, {acknowledged} times an acknowledged id was looked for, {bad} faults')
    return bad


def cut_series(writer, cuts, generator):
    acknowledged, bad = 0, 0
    with tempfile.TemporaryDirectory(prefix='kallglot-cut-') as folder:
        image, live, dead = (f'{folder}/{name}' for name in ('image', 'live', 'dead'))
        os.mkdir(live)
        os.mkdir(dead)
        make_disk(image)
        if not mount(image, live):
            return None
        try:
            with open(f'{folder}/told', 'w') as output, open(f'{folder}/errors', 'w') as errors:
                running = subprocess.Popen([writer, 'run', f'{live}/sessions.db', ENOUGH], stdout=output, stderr=errors)
            try:
                for number in range(cuts):
                    more = os.path.getsize(f'{folder}/told') + generator.randrange(1, MOST_BETWEEN_CUTS)
                    wait_for('the moment of the cut', lambda: running.poll() is not None or os.path.getsize(f'{folder}/told') >= more)
                    assert running.poll() is None, 'the writer ended too early'
                    running.send_signal(signal.SIGSTOP)
                    wait_for('the writer to stand still', lambda: stopped(running.pid))
                    so_far = Path(f'{folder}/told').read_text()
                    # A file of its own each time: another process with a copy of this mount table keeps the loop device of an old one.
                    copy = f'{folder}/copy{number}'
                    subprocess.run(['cp', '--sparse=always', image, copy], check=True)
                    running.send_signal(signal.SIGCONT)
                    assert mount(copy, dead), 'the copy cannot be mounted'
                    try:
                        if os.path.exists(f'{dead}/sessions.db') or so_far:
                            counted, wrong = compare(writer, f'{dead}/sessions.db', so_far, f'cut {number}')
                            acknowledged, bad = acknowledged + counted, bad + wrong
                    finally:
                        subprocess.run(['umount', dead], check=True)
                        os.unlink(copy)
            finally:
                running.kill()
                running.wait()
        finally:
            subprocess.run(['umount', live], check=True)
    return acknowledged, bad


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('kind', choices=('kill', 'eio', 'cut'))
    parser.add_argument('--writer', required=True)
    parser.add_argument('--points', type=int, default=20)
    arguments = parser.parse_args()
    if arguments.kind != 'cut' and not shutil.which('strace'):
        print('skipped: no strace')
        return SKIPPED
    bad = {'kill': kill, 'eio': eio, 'cut': cut}[arguments.kind](arguments)
    if bad is None:
        print('skipped: no loop mounts here')
        return SKIPPED
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
