"""The base of every row: a daemon under a fault, and what it means that it survives.

The test of a row is named after its number, `test_u1_...`, and produces its fault for real. The first line of its docstring is
the fault, the rest the promise: README.md consists of them. `with self.survives(exporter):` around the fault checks what all rows
promise. `self.figure(...)` prints what a row measured.
"""

import contextlib
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'e2e'))

from support.case import EndToEnd, main  # noqa: E402 (the path comes first)
from support.programs import BINARY_DIR, SANITIZED, SOURCE_DIR, STILL  # noqa: E402
from support.usage import resident_bytes  # noqa: E402
from support.waiting import PATIENCE, STEP, Stalls, let_time_pass, wait_for, within  # noqa: E402

from scripted_api import ScriptedApi  # noqa: E402

__all__ = ['Row', 'Scraping', 'Stalls', 'alone', 'main', 'memory', 'wait_for', 'whole', 'within', 'BINARY_DIR', 'FAILURES', 'HTTP_VERSION',
           'OTHER_USER', 'SANITIZED', 'SOURCE_DIR']

# The version of HTTP to the API in every row that does not choose one itself; auto, which is HTTP/2 with the simulator, if empty.
HTTP_VERSION = os.environ.get('KALLGLOT_HTTP_VERSION', '')

# A user without files and rights: Linux' overflow id.
OTHER_USER = 65534
FAILURES = 'kallglot_exporter_api_request_failures_total'
# Seconds, and on top of them for as long as the machine held up the test itself (Stalls).
LONGEST_SCRAPE = 1.0
# A sanitizer build is some times slower, on a machine that is busy with other tests.
PATIENT_SCRAPE = 5.0
MORE_MEMORY = 1.10
# A tenth of a small daemon is less than the memory for the connections and the responses of a fault.
MEMORY_SLACK = 8 << 20
# An API that is down is probed at least once a minute, and the ramp after that takes half a minute.
FRESH_AGAIN = 100


def whole(test):
    """Too long for each `./dev test`: runs only in `./dev faults`."""
    return test


def alone(test):
    """Uses both cores: no other test runs at the same time."""
    return test


class Scraping(threading.Thread):
    """Scrapes every quarter of a second and remembers the slowest answer and every failure."""

    def __init__(self, exporter):
        super().__init__(daemon=True)
        self.exporter, self.over = exporter, threading.Event()
        self.slowest, self.answered, self.failures = 0.0, 0, []
        self.stalls = Stalls()

    def run(self):
        self.stalls.start()
        while not self.over.wait(0.25):
            begun = time.monotonic()
            try:
                answer = self.exporter.get('/metrics', timeout=20)
                if answer.status == 200:
                    self.answered += 1
                else:
                    self.failures.append(f'{answer.status}')
            except Exception as error:  # whatever it is, no scrape came of it
                self.failures.append(repr(error))
            self.slowest = max(self.slowest, time.monotonic() - begun)
        self.stalls.stop()

    def longest_allowed(self):
        """How long a scrape may take on this machine, as it was during the scrapes."""
        return (PATIENT_SCRAPE if SANITIZED else LONGEST_SCRAPE) + self.stalls.worst


def memory(exporter):
    """Resident bytes."""
    return resident_bytes(exporter.process.pid)


class Row(EndToEnd):
    """A test of one row of the table."""

    def setUp(self):
        super().setUp()
        self.broken_threads, self.survivors = [], []
        self.usual_hook, threading.excepthook = threading.excepthook, self.note_broken_thread

    def note_broken_thread(self, broken):
        self.broken_threads.append(repr(broken.exc_value))
        self.usual_hook(broken)

    def tearDown(self):
        threading.excepthook = self.usual_hook
        self.assertEqual(self.broken_threads, [], 'an assertion of a thread counts as well')
        for exporter in self.survivors if SANITIZED else ():
            # LeakSanitizer reports at the end of the process.
            if exporter.running():
                exporter.stop()
                self.assert_clean_end(exporter)
        super().tearDown()

    def row(self):
        return re.match(r'test_([a-z]+\d+)', self._testMethodName).group(1).upper()

    def figure(self, text):
        """What this row measured, for the table."""
        print(f'figure: {text}', file=sys.stderr, flush=True)

    def suite(self, program, chosen, least, figure='{passed} of {passed} cases', environment=None):
        """A test program of this build, with the tests that `chosen` picks; at least so many of them, all good."""
        path = BINARY_DIR / 'tests' / program
        if not path.exists():
            self.skipTest(f'{program} is not built here')
        done = subprocess.run([path, f'--gtest_filter={chosen}', '--gtest_brief=1'], capture_output=True, text=True, check=False,
                              timeout=600, env={**os.environ, **(environment or {})})
        self.assertEqual(done.returncode, 0, (done.stdout + done.stderr)[-4000:])
        passed = int(re.search(r'\[  PASSED  \] (\d+) test', done.stdout).group(1))
        self.assertGreaterEqual(passed, least, 'fewer tests than there should be')
        if figure:
            self.figure(figure.format(passed=passed))

    def sweep(self, kind, points, store=True):
        """The sweep of the whole daemon, and of the store alone."""
        alone = [['store/sweep.py', kind, '--points', points, '--writer', BINARY_DIR / 'tests' / 'store_writer']]
        for words in (*(alone if store else []), ['daemon/sweep.py', kind, '--points', points]):
            done = subprocess.run([str(word) for word in (sys.executable, SOURCE_DIR / 'tests' / 'faults' / words[0], *words[1:])],
                                  capture_output=True, text=True, check=False, timeout=850)
            if done.returncode == 77:
                self.skipTest(done.stdout.strip().splitlines()[-1])
            self.assertEqual(done.returncode, 0, (done.stdout + done.stderr)[-4000:])
            self.figure(f'{words[0].partition("/")[0]}: {done.stdout.strip().splitlines()[-1]}')

    def elsewhere(self, file, *chosen):
        """Runs tests of the folder e2e that prove this row: `chosen` are classes or Class.test_method."""
        done = subprocess.run([sys.executable, SOURCE_DIR / 'tests' / 'e2e' / f'{file}.py', *chosen], capture_output=True, text=True,
                              check=False, timeout=600)
        self.assertEqual(done.returncode, 0, done.stderr[-4000:])
        if 'skipped=' in done.stderr:
            self.skipTest(re.search(r"skipped ['\"](.*)['\"]", done.stderr).group(1))
        return int(re.search(r'Ran (\d+) test', done.stderr).group(1))

    def config(self, port, *, api='', **options):
        chosen = f'http_version: {HTTP_VERSION}\n' if HTTP_VERSION and 'http_version' not in api else ''
        return super().config(port, api=chosen + api, **options)

    def world(self, sessions, *flags, flags_of_exporter=(), under=(), environment=None, still=True, **config):
        """A simulator and an exporter that has polled every session once."""
        self.api = self.simulator('--sessions', sessions, *(STILL if still else ()), *flags)
        file = self.config(self.api.port, **config)
        exporter = self.exporter(file, *flags_of_exporter, under=under, environment=environment)
        self.polled(exporter, sessions)
        return exporter

    def scripted(self, sessions, answer, tls=True, **config):
        """An API that answers with `answer`, and an exporter that has polled every session once."""
        self.ids = [f'sess_of_this_row_{i:06}' for i in range(sessions)]
        self.api = ScriptedApi(self.folder, self.ids, answer, tls)
        self.addCleanup(self.api.close)
        exporter = self.exporter(self.config(self.api.port, plaintext=not tls, **config))
        self.polled(exporter, sessions)
        return exporter

    def polled(self, exporter, sessions, seconds=60):
        return exporter.polled(sessions, seconds)

    def let_time_pass(self, exporter, seconds, reason, look=None, every=STEP):
        """support.waiting.let_time_pass; the exporter must still run afterwards."""
        seen = let_time_pass(seconds, reason, look, every)
        self.assertTrue(exporter.running(), exporter.log()[-3000:])
        return seen

    def rate(self, exporter, polls, seconds=PATIENCE):
        """Polls a second, over so many further polls: to be compared with the rate at another time of the same test."""
        before, begun = exporter.poll_count(), time.monotonic()
        after = exporter.more_polls(polls, seconds).total('kallglot_exporter_polls_total')
        return (after - before) / (time.monotonic() - begun)

    @contextlib.contextmanager
    def survives(self, exporter, sessions, metric=None, labels=None, fresh=True, still=True, forgotten=0, grown=0):
        """Around the fault, which must be over at the end of the block.

        `metric` must have gone up. `still`: nothing changes in the world meanwhile, so that any change is an invented one.
        `forgotten` sessions may rightly have left; the memory of `grown` bytes may rightly stay in use.
        """
        pid = exporter.process.pid
        before = exporter.scrape()
        had = memory(exporter)
        self.assertEqual(before.total('kallglot_sessions'), sessions)
        scraping = Scraping(exporter)
        scraping.start()
        try:
            yield before
            wait_for('a scrape beside a fault however short', lambda: scraping.answered or scraping.failures)
        finally:
            scraping.over.set()
            scraping.join()
        self.assertTrue(exporter.running(), exporter.log()[-3000:])
        self.assertEqual(exporter.process.pid, pid)
        self.assertEqual(scraping.failures, [])
        self.slowest_scrape = scraping.slowest
        self.longest_allowed = scraping.longest_allowed()
        self.assertLess(scraping.slowest, self.longest_allowed)
        after = exporter.scrape()
        if fresh:
            after = exporter.until('everything fresh', lambda scrape: scrape.total('kallglot_sessions_stale') == 0
                                   and scrape.value('kallglot_up') == 1, seconds=FRESH_AGAIN)
        self.assertEqual(after.total('kallglot_sessions'), sessions - forgotten)
        for name in ['kallglot_session_regressions_total', *(['kallglot_session_transitions_total'] if still else [])]:
            self.assertEqual(after.total(name), before.total(name), name)
        self.assertEqual(after.total('kallglot_exporter_sessions_forgotten_total'),
                         before.total('kallglot_exporter_sessions_forgotten_total') + forgotten)
        if metric:
            self.assertGreater(after.total(metric, **(labels or {})), before.total(metric, **(labels or {})),
                               f'{metric} {labels} did not grow')
        if not SANITIZED:
            wait_for('memory back', lambda: memory(exporter) <= max(had * MORE_MEMORY, had + MEMORY_SLACK) + grown, 60)
        self.assert_no_complaint(exporter)
        if pathlib.Path(f'/proc/{pid}/exe').resolve().name == 'kallglot_exporter':
            self.survivors.append(exporter)

    def assert_no_complaint(self, exporter):
        """Nothing from a sanitizer."""
        for word in ('ERROR: ', 'runtime error', 'Sanitizer'):
            self.assertNotIn(word, exporter.log())

    def failures(self, scrape, reason):
        return scrape.value(FAILURES, reason=reason)
