#!/usr/bin/env python3
"""What the pages for people cost the real daemon with a full history: CPU of the loop and size of each page.

  pages_bench.py [STUCK]      3000 stuck sessions without a word; KALLGLOT_BINARY_DIR names the build

10,000 stuck episodes are kept, of which as many as asked are still open. Windows with twenty requests a second
and without any take turns; the difference of the CPU time, divided by the requests, is what a page costs.
"""

import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'e2e'))

from support import web  # noqa: E402
from support.case import EndToEnd  # noqa: E402
from support.configuration import every  # noqa: E402
from support.usage import cpu_seconds  # noqa: E402
from support.waiting import pace_until  # noqa: E402

KEPT = 10_000
RATE = 20  # requests a second
ROUNDS = 4
WINDOW = 2.5


class Rig(EndToEnd):
    def runTest(self):
        """unittest wants one."""

    def bench(self, stuck):
        self.setUp()
        api = self.simulator('--sessions', 100, '--arrival-rate', '0', '--created', '100ms-200ms', '--active', '2h-4h')
        config = self.config(api.port, intervals=every('10s'), thresholds='{connecting: [1s]}',
                             more='episodes:\n  thresholds: {connecting: 1s}')
        exporter = self.exporter(config)

        def add(count):
            """The first 10,000 are over; then some that stay open."""
            ids = api.post('/_sessions', {'count': count, 'stuck': True})['ids']
            exporter.until(f'{count} stuck', lambda scrape: scrape.value(
                'kallglot_sessions_over_threshold', status='connecting', threshold_seconds='1') >= count, 180)
            return ids
        add(KEPT)
        api.post('/_free', {})
        exporter.until('the ends', lambda scrape: scrape.total('kallglot_stuck_episodes_total') >= KEPT, 180)
        ids = add(stuck)
        print(f'{stuck:,} stuck sessions, {KEPT:,} episodes kept')
        for path in ('/', '/episodes', f'/sessions/{ids[0]}', f'/sessions?id={ids[0][-6:]}', '/sessions?id=absent', '/runbooks'):
            self.measure(exporter, path)

    def measure(self, exporter, path):
        pid, size, costs = exporter.process.pid, 0, []

        def ask():
            nonlocal size
            size = len(web.request(exporter.address, path).body)
        for _ in range(ROUNDS):
            quiet = self.window(pid, lambda: None)
            costs.append((self.window(pid, ask) - quiet) / (RATE * WINDOW))
        print(f'{path:46} {1000 * statistics.median(costs):6.2f} ms of CPU ({" ".join(f"{1000 * cost:.2f}" for cost in costs)}), '
              f'{size / 1000:.1f} kB', flush=True)

    def window(self, pid, ask):
        """CPU of the loop in a window with `ask` called at a steady rate."""
        before, begun = cpu_seconds(pid, pid), time.monotonic()
        for turn in range(int(RATE * WINDOW)):
            ask()
            pace_until(begun + (turn + 1) / RATE)
        return cpu_seconds(pid, pid) - before


def main():
    rig = Rig()
    try:
        rig.bench(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
    finally:
        rig.doCleanups()


if __name__ == '__main__':
    main()
