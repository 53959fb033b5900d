#!/usr/bin/env python3
"""Searches with every fuzz target for inputs that crash, hang, leak or are believed when they should not be.

  run.py FOLDER [--seconds N | --runs N] [--jobs N] [TARGET ...]    FOLDER has the programs; 60 seconds each without a word

What was found to be interesting stays in FOLDER/corpus for the next time. Ends with 1 if anything was found.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SLOWEST_SECONDS = 1
# Bytes; more only makes each run slower. The store's pages are 4 KiB each; each unknown key is compared with all known ones.
LONGEST = {'store_file': 65536, 'config': 1024}


class Search:
    """One target to its end."""

    def __init__(self, folder, name, seconds, runs):
        self.program, self.name = folder / f'{name}_fuzz', name
        self.own = folder / 'corpus' / name
        self.own.mkdir(parents=True, exist_ok=True)
        self.executions = self.rate = self.slowest = self.new = 0
        self.good, self.said = True, ''
        ends = time.monotonic() + seconds
        while self.round(f'-runs={max(1, runs - self.executions)}' if runs else f'-max_total_time={max(1, round(ends - time.monotonic()))}'):
            pass

    def round(self, bound):
        """True if it is to go on: what was taken for a slow input was a slow machine."""
        prefix = f'{self.own.parent}/found_{self.name}_'
        words = ['nice', self.program, self.own, HERE / 'corpus' / self.name, bound, f'-timeout={SLOWEST_SECONDS}', '-rss_limit_mb=2048',
                 f'-max_len={LONGEST.get(self.name, 4096)}', '-print_final_stats=1', f'-artifact_prefix={prefix}']
        dictionary = HERE / 'dictionaries' / f'{self.name}.dict'
        if dictionary.exists():
            words.append(f'-dict={dictionary}')
        done = run(words)
        self.said = done.stderr
        self.executions += self.figure('number_of_executed_units')
        self.rate = self.figure('average_exec_per_sec')
        self.slowest = max(self.slowest, self.figure('slowest_unit_time_sec'))
        self.new += self.figure('new_units_added')
        slow = re.search(rf'{re.escape(prefix)}timeout-\w+', self.said)
        if slow and cpu_seconds([self.program, slow.group()]) < SLOWEST_SECONDS:
            pathlib.Path(slow.group()).unlink()
            return True
        self.good = done.returncode == 0
        return False

    def figure(self, name):
        found = re.search(rf'stat::{name}:\s+(\d+)', self.said)
        return int(found.group(1)) if found else 0


def run(words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, errors='replace', check=False)


def cpu_seconds(words):
    """Of that one child; another search has children at the same time."""
    child = subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('targets', nargs='*')
    bound = parser.add_mutually_exclusive_group()
    bound.add_argument('--seconds', type=int, default=60)
    bound.add_argument('--runs', type=int)
    parser.add_argument('--jobs', type=int, default=2)
    asked = parser.parse_intermixed_args()
    known = sorted(file.name.removesuffix('_fuzz') for file in asked.folder.glob('*_fuzz') if file.is_file())
    if unknown := [name for name in asked.targets if name not in known]:
        parser.error(f'no such target: {", ".join(unknown)}; there are: {", ".join(known)}')
    print(f'{"target":18} {"executions":>12} {"a second":>9} {"slowest, s":>10} {"new inputs":>10}  result', flush=True)
    bad = False
    with concurrent.futures.ThreadPoolExecutor(asked.jobs) as pool:
        started = [pool.submit(Search, asked.folder, name, asked.seconds, asked.runs) for name in asked.targets or known]
        for future in concurrent.futures.as_completed(started):
            done = future.result()
            bad |= not done.good
            print(f'{done.name:18} {done.executions:12,} {done.rate:9,} {done.slowest:10} {done.new:10,}  '
                  f'{"nothing found" if done.good else "FOUND, see below"}', flush=True)
            if not done.good:
                print(done.said[-3000:], file=sys.stderr)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
