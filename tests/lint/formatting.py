#!/usr/bin/env python3
"""clang-format 19 over every C++ file: a difference is a finding; with --fix it is removed."""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

from source import cpp_files

PROGRAM = 'clang-format-19'


def _check(root, paths):
    answer = subprocess.run([PROGRAM, '--dry-run', '-Werror', '--ferror-limit=1', '--style=file', *map(str, paths)],
                            cwd=root, capture_output=True, text=True)
    found = re.findall(r'^(.+?:\d+):\d+: error: code should be clang-formatted', answer.stderr, re.MULTILINE)
    if answer.returncode != 0 and not found:
        return [f'{paths[0]}:1: {PROGRAM}: {answer.stderr.strip()[:500]}']
    return [f'{here}: not as clang-format writes it; run ./dev format' for here in found]


def lint(root):
    paths = cpp_files(root)
    workers = os.cpu_count() or 1
    shares = [paths[start::workers] for start in range(workers) if paths[start::workers]]
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return sorted(finding for share in pool.map(lambda share: _check(root, share), shares) for finding in share)


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    if sys.argv[1:] == ['--fix']:
        subprocess.run([PROGRAM, '-i', '--style=file', *map(str, cpp_files(root))], cwd=root, check=True)
        return 0
    findings = lint(root)
    print('\n'.join(findings))
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
