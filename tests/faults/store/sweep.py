"""Kills the store's writer at its system calls, lies to it about syncs, cuts its power; then counts what is lost.

  sweep.py kill --writer PROGRAM --points N    SIGKILL at N of its first 500 write, sync and rename calls
  sweep.py eio --writer PROGRAM --points N     EIO at N of its first 200 syncs
  sweep.py cut --writer PROGRAM --points N     copies of a live loop image, as a power cut would leave it

Promise: of the ids that were acknowledged none is missing afterwards, and the file is sound. Ends with 77 where the
means are not there (strace; root and loop mounts for `cut`).
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SKIPPED = 77
ENOUGH = '1000000'


def stored(writer, path):
    """What a store holds now, and whether it was sound."""
    answer = subprocess.run([writer, 'list', path], capture_output=True, text=True, timeout=60)
    if answer.returncode != 0 or 'not opened' in answer.stderr:
        raise AssertionError(f'cannot be opened: {answer.returncode} {answer.stderr}')
    return {int(n) for n in re.findall(r'^id (\d+)$', answer.stdout, re.M)}, 'damaged' not in answer.stdout


def told(output):
    """The ids that must be there, and those that must not."""
    complete = output[:output.rfind('\n') + 1]
    words = {word: {int(n) for n in re.findall(rf'^{word} (\d+)$', complete, re.M)} for word in ('ack', 'going', 'gone')}
    return words['ack'] - words['going'], words['gone']


def compare(writer, path, output, where):
    there, sound = stored(writer, path)
    must, must_not = told(output)
    lost, back = must - there, must_not & there
    if lost or back or not sound:
        print(f'{where}: {len(lost)} lost of {len(must)}, {len(back)} came back, sound: {sound}')
        print(sorted(lost)[:10], sorted(back)[:10])
    return len(must), len(lost) + len(back) + (0 if sound else 1)


def integrity(path):
    if shutil.which('sqlite3'):
        answer = subprocess.run(['sqlite3', path, 'PRAGMA integrity_check'], capture_output=True, text=True).stdout.strip()
        assert answer == 'ok', f'{path}: {answer}'


def run_injected(writer, path, injections, count, limit):
    command = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=pwrite64,fdatasync,fsync,rename,unlink,ftruncate']
    for injection in injections:
        command += ['-e', 'inject=' + injection]
    # Leaks cannot be looked for in a program that is traced.
    environment = {**os.environ, 'ASAN_OPTIONS': 'detect_leaks=0'}
    return subprocess.run(command + [writer, 'run', path, count], capture_output=True, text=True, timeout=limit,
                          env=environment)


def sweep(writer, plans, count, limit, label):
    acknowledged, bad = 0, 0
    for name, injections in plans:
        with tempfile.TemporaryDirectory(prefix='kallglot-sweep-') as folder:
            path = f'{folder}/sessions.db'
            done = run_injected(writer, path, injections, count, limit)
            counted, wrong = compare(writer, path, done.stdout, name)
            integrity(path)
            acknowledged, bad = acknowledged + counted, bad + wrong
    print(f'{label}: {len(plans)} runs, {acknowledged} ids acknowledged, {bad} faults')
    return bad


def spread(plans, points):
    """So many of them, evenly over all."""
    return [plans[i * len(plans) // points] for i in range(min(points, len(plans)))]


def kill(arguments):
    # In shares: writes, syncs, the calls that let files change places, and the writes of a store written anew.
    plans = []
    for i in range(1, 501):
        share, nth = i % 10, (i - 1) // 10
        if share < 5:
            n = nth * 5 + share + 1
            plans.append((f'write {n}', [f'pwrite64:signal=SIGKILL:when={n}']))
        elif share < 8:
            n = nth * 3 + share - 4
            plans.append((f'sync {n}', [f'fdatasync,fsync:signal=SIGKILL:when={n}']))
        elif share == 8:
            n = nth + 1
            call = ('rename', 'unlink')[n % 2]
            plans.append((f'{call} {n}', ['fdatasync:error=EIO:when=6', f'{call}:signal=SIGKILL:when={n % 14 + 1}']))
        else:
            n = nth + 1
            plans.append((f'rewrite {n}', ['fdatasync:error=EIO:when=6', f'pwrite64:signal=SIGKILL:when={40 + n}']))
    return sweep(arguments.writer, spread(plans, arguments.points), '3000', 120, 'kill')


def eio(arguments):
    plans = [(f'EIO at sync {n}', [f'fdatasync,fsync:error=EIO:when={n}']) for n in range(1, 201)]
    return sweep(arguments.writer, spread(plans, arguments.points), '1500', 120, 'EIO')


def stopped(pid):
    """All threads stand still, those in a system call too."""
    states = []
    for thread in Path(f'/proc/{pid}/task').iterdir():
        states.append((thread / 'stat').read_text().rsplit(')', 1)[1].split()[0])
    return all(state == 'T' for state in states)


def mount(image, folder):
    return subprocess.run(['mount', '-o', 'loop', image, folder], capture_output=True).returncode == 0


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
    print(f'cut: {arguments.points} cuts, {acknowledged} times an acknowledged id was looked for, {bad} faults')
    return bad


def cut_series(writer, cuts, generator):
    acknowledged, bad = 0, 0
    with tempfile.TemporaryDirectory(prefix='kallglot-cut-') as folder:
        image, copy, live, dead = (f'{folder}/{name}' for name in ('image', 'copy', 'live', 'dead'))
        os.mkdir(live)
        os.mkdir(dead)
        subprocess.run(['truncate', '-s', '128M', image], check=True)
        subprocess.run(['mkfs.ext4', '-q', '-F', image], check=True)
        if not mount(image, live):
            return None
        try:
            with open(f'{folder}/told', 'w') as output, open(f'{folder}/errors', 'w') as errors:
                running = subprocess.Popen([writer, 'run', f'{live}/sessions.db', ENOUGH], stdout=output, stderr=errors)
            try:
                for number in range(cuts):
                    time.sleep(generator.uniform(0.02, 0.2))
                    assert running.poll() is None, 'the writer ended too early'
                    running.send_signal(signal.SIGSTOP)
                    while not stopped(running.pid):
                        time.sleep(0.001)
                    so_far = Path(f'{folder}/told').read_text()
                    subprocess.run(['cp', '--sparse=always', image, copy], check=True)
                    running.send_signal(signal.SIGCONT)
                    assert mount(copy, dead), 'the copy cannot be mounted'
                    try:
                        if os.path.exists(f'{dead}/sessions.db') or so_far:
                            counted, wrong = compare(writer, f'{dead}/sessions.db', so_far, f'cut {number}')
                            acknowledged, bad = acknowledged + counted, bad + wrong
                    finally:
                        subprocess.run(['umount', dead], check=True)
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
