#!/usr/bin/env python3
"""`./dev bench [part]`: the real daemon beside what one would pick instead, and its parts alone.

  run.py FOLDER [--list] [PART ...]    all parts without a word; KALLGLOT_BINARY_DIR names the build

Client on one core, server on the other. A table of everything that was run at the end; FOLDER has each part as JSON, and the
curves of `growth` as a picture.
"""

import json
import pathlib
import shutil
import sys
import tempfile
import time

from measure import growth, handshakes, http2, memory, micro, pace, plot, polls, scarce
from measure.process import told

PARTS = {
    'polls-64': polls.polls_64,
    'polls-1000': polls.polls_1000,
    'polls-5000': polls.polls_5000,
    'paced-1000': polls.paced_1000,
    'paced-5000': polls.paced_5000,
    'http2-64': http2.http2_64,
    'http2-1000': http2.http2_1000,
    'http2-5000': http2.http2_5000,
    'http2-paced-1000': http2.http2_paced_1000,
    'http2-paced-5000': http2.http2_paced_5000,
    'lateness': pace.lateness,
    'slow-api': pace.slow_api,
    'handshakes': handshakes.handshakes,
    'connections': memory.connections,
    'connections-resumed': memory.connections_resumed,
    'http2-in-flight': memory.in_flight_http2,
    'sessions': memory.sessions,
    'million': growth.million,
    'scrape-1000': growth.scrape,
    'by-sessions': growth.by_sessions,
    'scrapes': growth.scrapes,
    'scrape-million': growth.scrape_million,
    'by-connections': growth.by_connections,
    'schedule': micro.schedule,
    'parser': micro.parser,
    'registry': micro.registry,
    'series': micro.series,
    'restore': micro.store,
    'scarce': scarce.scarce,
}


def measured(name):
    folder = pathlib.Path(tempfile.mkdtemp(prefix='kallglot_bench_'))
    begun = time.monotonic()
    try:
        figures = PARTS[name](folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f'{name}: {time.monotonic() - begun:.0f} s', file=sys.stderr, flush=True)
    return figures


def main():
    results, wanted = pathlib.Path(sys.argv[1]), sys.argv[2:] or list(PARTS)
    if '--list' in wanted:
        print('\n'.join(PARTS))
        return 0
    if unknown := [name for name in wanted if name not in PARTS]:
        print(f'no such part: {", ".join(unknown)}; there are: {", ".join(PARTS)}', file=sys.stderr)
        return 2
    results.mkdir(parents=True, exist_ok=True)
    table = []
    for name in wanted:
        figures = measured(name)
        (results / f'{name}.json').write_text(json.dumps(figures, indent=1) + '\n')
        table += [f'{name:20} {what:44} {told(value) if isinstance(value, dict) else value}' for what, value in figures.items()]
    print('\n'.join(['', 'median (least to most)', *table]))
    curves = [results / f'{name}.json' for name in ('by-sessions', 'scrapes', 'scrape-million', 'by-connections')]
    if all(curve.exists() for curve in curves):
        picture = plot.growth_picture({key: value for curve in curves for key, value in json.loads(curve.read_text()).items()})
        (results / 'growth.svg').write_text(picture)
        print(f'\n{results / "growth.svg"}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
