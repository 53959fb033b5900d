#!/usr/bin/env python3
"""Searches with every fuzz target for inputs that crash, hang, leak or are believed when they should not be.

  run.py FOLDER [--seconds N | --runs N] [--jobs N] [TARGET ...]    FOLDER has the programs; 60 seconds each without a word

What was found to be interesting stays in FOLDER/corpus for the next time. Ends with 1 if anything was found.
"""

import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SLOWEST_SECONDS = 1
# Bytes; more only makes each run slower. The store's pages are 4 KiB each.
LONGEST = {'store_file': 65536}


def search(folder, name, bound):
    """One target to its end: what it said, and whether it found nothing."""
    own = folder / 'corpus' / name
    own.mkdir(parents=True, exist_ok=True)
    words = ['nice', folder / f'{name}_fuzz', own, HERE / 'corpus' / name, bound, f'-timeout={SLOWEST_SECONDS}', '-rss_limit_mb=2048',
             f'-max_len={LONGEST.get(name, 4096)}', '-print_final_stats=1', f'-artifact_prefix={own.parent}/found_{name}_']
    dictionary = HERE / 'dictionaries' / f'{name}.dict'
    if dictionary.exists():
        words.append(f'-dict={dictionary}')
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, errors='replace', check=False)
    return done.returncode == 0, done.stderr


def figure(said, name):
    found = re.search(rf'stat::{name}:\s+(\d+)', said)
    return int(found.group(1)) if found else 0


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
    limit = f'-runs={asked.runs}' if asked.runs else f'-max_total_time={asked.seconds}'
    print(f'{"target":18} {"executions":>12} {"a second":>9} {"slowest, s":>10} {"new inputs":>10}  result', flush=True)
    bad = False
    with concurrent.futures.ThreadPoolExecutor(asked.jobs) as pool:
        started = {pool.submit(search, asked.folder, name, limit): name for name in asked.targets or known}
        for future in concurrent.futures.as_completed(started):
            good, said = future.result()
            name = started[future]
            bad |= not good
            print(f'{name:18} {figure(said, "number_of_executed_units"):12,} {figure(said, "average_exec_per_sec"):9,} '
                  f'{figure(said, "slowest_unit_time_sec"):10} {figure(said, "new_units_added"):10,}  '
                  f'{"nothing found" if good else "FOUND, see below"}', flush=True)
            if not good:
                print(said[-3000:], file=sys.stderr)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
