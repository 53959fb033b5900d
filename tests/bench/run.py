#!/usr/bin/env python3
"""`./dev bench`: the real daemon beside what one would pick instead. PART names one of the parts; all without a word.

Client on one core, server on the other; a table at the end, and the same as JSON in the folder of results.
"""

import json
import pathlib
import shutil
import sys
import tempfile
import time

from measure import polls

PARTS = {
    'polls-64': polls.polls_64,
    'polls-1000': polls.polls_1000,
    'polls-5000': polls.polls_5000,
    'paced-1000': polls.paced_1000,
    'paced-5000': polls.paced_5000,
}


def main():
    results = pathlib.Path(sys.argv[1])
    results.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or PARTS:
        folder = pathlib.Path(tempfile.mkdtemp(prefix='kallglot_bench_'))
        begun = time.monotonic()
        try:
            figures = PARTS[name](folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        print(f'\n== {name} ({time.monotonic() - begun:.0f} s)')
        print('\n'.join(polls.lines(figures)), flush=True)
        (results / f'{name}.json').write_text(json.dumps(figures, indent=1) + '\n')


if __name__ == '__main__':
    main()
