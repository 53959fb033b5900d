"""The base of every row: a daemon under a fault, and what it means that it survives.

A row's test is named after its number, `test_u1_...`, and produces its fault for real. `with self.survives(exporter):`
around it checks what is the same for all: the same process, nothing from a sanitizer, no session lost and none invented,
every scrape within a second, memory and freshness back. What a row measured it tells with `self.figure(...)`.
"""

import contextlib
import json
import os
import pathlib
import re
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'e2e'))

from support.case import EndToEnd, main  # noqa: E402 (the path comes first)
from support.programs import SANITIZED  # noqa: E402
from support.waiting import wait_for  # noqa: E402

__all__ = ['Row', 'main', 'SANITIZED', 'wait_for']

LONGEST_SCRAPE = 1.0
# A sanitizer build is some times slower, on a machine that is busy with other tests.
PATIENT_SCRAPE = 5.0
MORE_MEMORY = 1.10
# Below that a tenth is a few pages of the allocator.
MEMORY_SLACK = 8 << 20


class _Scraping(threading.Thread):
    """Scrapes every quarter of a second and remembers the slowest answer and every failure."""

    def __init__(self, exporter):
        super().__init__(daemon=True)
        self.exporter, self.over = exporter, threading.Event()
        self.slowest, self.answered, self.failures = 0.0, 0, []

    def run(self):
        while not self.over.wait(0.25):
            begun = time.monotonic()
            try:
                answer = self.exporter.get('/metrics', timeout=20)
                if answer.status != 200:
                    self.failures.append(f'{answer.status}')
            except OSError as error:
                self.failures.append(repr(error))
            self.answered += 1
            self.slowest = max(self.slowest, time.monotonic() - begun)


def memory(exporter):
    """Resident bytes."""
    status = pathlib.Path(f'/proc/{exporter.process.pid}/status').read_text()
    return int(re.search(r'VmRSS:\s+(\d+) kB', status).group(1)) << 10


class Row(EndToEnd):
    """A test of one row of the table."""

    def row(self):
        return re.match(r'test_([a-z]+\d+)', self._testMethodName).group(1).upper()

    def figure(self, text):
        """What this row measured, for the table."""
        print(f'{self.row()}: {text}', file=sys.stderr)
        folder = os.environ.get('KALLGLOT_FAULT_RESULTS')
        if folder:
            (pathlib.Path(folder) / f'{self._testMethodName}.json').write_text(
                json.dumps({'row': self.row(), 'figure': text}))

    @contextlib.contextmanager
    def survives(self, exporter, sessions, metric=None, labels=None, fresh=True, scrapes=True):
        """Around the fault, which must be over at the end of the block. `metric` must have gone up."""
        pid = exporter.process.pid
        before = exporter.scrape()
        had = memory(exporter)
        self.assertEqual(before.total('kallglot_sessions'), sessions)
        scraping = _Scraping(exporter)
        if scrapes:
            scraping.start()
        try:
            yield before
        finally:
            scraping.over.set()
            if scrapes:
                scraping.join()
        self.assertTrue(exporter.running(), exporter.log()[-3000:])
        self.assertEqual(exporter.process.pid, pid)
        self.assertEqual(scraping.failures, [])
        self.assertLess(scraping.slowest, PATIENT_SCRAPE if SANITIZED else LONGEST_SCRAPE)
        after = exporter.scrape()
        self.assertEqual(after.total('kallglot_sessions'), sessions)
        self.assertEqual(after.value('kallglot_session_regressions_total'),
                         before.value('kallglot_session_regressions_total'))
        self.assertEqual(after.total('kallglot_exporter_sessions_forgotten_total'),
                         before.total('kallglot_exporter_sessions_forgotten_total'))
        if fresh:
            exporter.until('everything fresh', lambda scrape: scrape.total('kallglot_sessions_stale') == 0
                           and scrape.value('kallglot_up') == 1, seconds=100)
        if metric:
            self.assertGreater(after.total(metric, **(labels or {})), before.total(metric, **(labels or {})),
                               f'{metric} {labels} did not tell')
        if not SANITIZED:
            wait_for('memory back', lambda: memory(exporter) <= max(had * MORE_MEMORY, had + MEMORY_SLACK), 60)
        self.assertNotIn('ERROR: ', exporter.log())
        self.assertNotIn('runtime error', exporter.log())
