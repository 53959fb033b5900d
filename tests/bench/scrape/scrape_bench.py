#!/usr/bin/env python3
"""What a scrape costs the real daemon while it polls: CPU, size, and how long the loop was held.

  scrape_bench.py [SESSIONS ...]      1000, 100000 and 1000000 without a word; KALLGLOT_BINARY_DIR names the build

Windows of five seconds with ten scrapes a second and without any take turns; the difference of the CPU time, divided by the
scrapes, is what one costs: census, text, gzip, and sending it.
"""

import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'e2e'))

from support import web  # noqa: E402
from support.case import EndToEnd  # noqa: E402
from support.usage import cpu_seconds  # noqa: E402
from support.waiting import pace_until  # noqa: E402

SCRAPES = 10
WINDOW = 5.0
ROUNDS = 4
OPENMETRICS = {'Accept': 'application/openmetrics-text; version=1.0.0', 'Accept-Encoding': 'gzip'}
INTERVALS = '{created: 1m, connecting: 5s, active: 2m, ending: 5s, unknown: 2m}'
TICK = os.sysconf('SC_CLK_TCK')


def cpu_of(pid):
    """CPU seconds of the process' first thread: the loop."""
    return cpu_seconds(pid, pid)


class Rig(EndToEnd):
    def runTest(self):
        """unittest wants one."""

    def bench(self, sessions):
        self.setUp()
        api = self.simulator('--sessions', sessions, '--stuck', 300, '--arrival-rate', '0', '--active', '2h-4h')
        config = self.config(api.port, intervals=INTERVALS, thresholds='{connecting: [15s, 30s]}', max_rate='1000/1s',
                             session_lines=f'max_tracked: {max(sessions, 1000)}', more='metrics: {per_session_limit: 200}')
        exporter = self.exporter(config)
        exporter.until('every session tracked', lambda scrape: scrape.total('kallglot_sessions') == sessions
                       and scrape.value('kallglot_sessions_over_threshold', status='connecting', threshold_seconds='15') >= 300
                       if sessions <= 100_000 else scrape.total('kallglot_sessions') == sessions, seconds=180)
        pid = exporter.process.pid
        costs, waits = [], []
        for _ in range(ROUNDS):
            quiet = self.window(pid, lambda: None)
            loud = self.window(pid, lambda: waits.append(self.scrape(exporter.address)))
            costs.append((loud - quiet) / (SCRAPES * WINDOW))
        delay = exporter.scrape().value('kallglot_exporter_event_loop_delay_seconds')
        plain = len(exporter.get('/metrics').body)
        print(f'{sessions:>9,} sessions: {1000 * statistics.median(costs):6.2f} ms CPU a scrape '
              f'({" ".join(f"{1000 * cost:.2f}" for cost in costs)}), answered in {1000 * statistics.median(waits):.1f} ms '
              f'(max {1000 * max(waits):.1f}), {plain / 1000:.0f} kB, worst loop delay of the last minute {1000 * delay:.1f} ms',
              flush=True)

    def scrape(self, address):
        begun = time.monotonic()
        assert web.request(address, '/metrics', headers=OPENMETRICS).status == 200
        return time.monotonic() - begun

    def window(self, pid, ask):
        """CPU of the loop in a window with `ask` called ten times a second."""
        before, begun = cpu_of(pid), time.monotonic()
        for turn in range(int(SCRAPES * WINDOW)):
            ask()
            pace_until(begun + (turn + 1) / SCRAPES)
        return cpu_of(pid) - before


def main():
    for count in [int(word) for word in sys.argv[1:]] or [1000, 100_000, 1_000_000]:
        rig = Rig()
        try:
            rig.bench(count)
        finally:
            rig.doCleanups()


if __name__ == '__main__':
    main()
