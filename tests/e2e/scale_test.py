#!/usr/bin/env python3
"""Thousands of sessions over more than a thousand connections at once; each response is credited to its session.

Run directly, `--duration 60` makes it last a full minute and prints figures.
"""

import datetime
import resource
import sys
import time

from support.case import EndToEnd, main
from support.configuration import every
from support.programs import SANITIZED

# A sanitizer build uses fewer sessions, so that the machine keeps up.
SESSIONS = 600 if SANITIZED else 5000
BUSY_AT_ONCE = 100 if SANITIZED else 1000
DURATION = 0.0
LEAST_POLLS = 8
# No session is polled this many times as often as another.
MOST_TIMES = 2.5
EVERY = every('750ms')


def moment(text):
    return datetime.datetime.fromisoformat(text).timestamp()


class Scale(EndToEnd):
    def setUp(self):
        super().setUp()
        # The simulator needs a descriptor for each connection; the exporter raises its own limit.
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)

    def start(self, *flags, version='auto'):
        simulator = self.simulator('--latency', '300ms', '--arrival-rate', '0', *flags)
        config = self.config(simulator.port, intervals=EVERY, max_connections=4000, api=f'http_version: {version}')
        return simulator, self.exporter(config)

    def test_thousand_requests_in_flight_poll_every_session(self):
        simulator, exporter = self.start('--sessions', SESSIONS, '--active', '10m-20m')
        exporter.until('every session seen', lambda scrape: scrape.value('kallglot_sessions', status='unknown') == 0)
        exporter.expect('busy connections', lambda: simulator.stats()['requests']['in_flight'] > BUSY_AT_ONCE)

        simulator.post('/_stats', {})
        before = {life['id']: life['asked'] for life in simulator.lives()[1]}
        self.assertEqual(len(before), SESSIONS)
        first, begun, in_flight = exporter.scrape(), time.monotonic(), []
        def polls():
            return [life['asked'] - before[life['id']] for life in simulator.lives()[1] if life['status'] != 'ended']

        def enough(_):
            in_flight.extend(simulator.stats()['requests']['in_flight'] for _ in range(5))
            return time.monotonic() - begun >= DURATION and min(polls()) >= LEAST_POLLS
        last = exporter.until(f'{LEAST_POLLS} polls of each', enough, DURATION + 60)
        self.report(simulator, first, last, time.monotonic() - begun, in_flight)

        self.assertGreater(len(polls()), SESSIONS * 0.9)
        self.assertLess(max(polls()), MOST_TIMES * min(polls()), 'some sessions are polled far more often than others')
        self.assertGreater(sorted(in_flight)[len(in_flight) // 2], BUSY_AT_ONCE, 'requests in flight, the median')
        self.assertEqual(last.total('kallglot_exporter_api_request_failures_total'), 0)
        self.assertEqual(last.total('kallglot_sessions'), SESSIONS)
        self.assertEqual(last.total('kallglot_sessions_stale'), 0)
        exporter.stop()
        self.assert_clean_end(exporter)

    def report(self, simulator, first, last, seconds, in_flight):
        stats = simulator.stats()
        name = 'kallglot_exporter_api_request_duration_seconds'
        cpu = last.value('process_cpu_seconds_total') - first.value('process_cpu_seconds_total')
        print(f'{seconds:.0f} s, {SESSIONS} sessions: {stats["requests"]["session"] / seconds:.0f} requests/s, '
              f'at once {min(in_flight)} to {max(in_flight)}, connections {stats["connections"]["open"]}, '
              f'mean duration {last.value(name + "_sum") / last.value(name + "_count"):.3f} s, '
              f'exporter {100 * cpu / seconds:.0f} % of a core, '
              f'{last.value("process_resident_memory_bytes") / 2**20:.0f} MiB, '
              f'stretch {last.value("kallglot_exporter_poll_stretch_ratio"):g}, '
              f'worst loop delay {1000 * last.value("kallglot_exporter_event_loop_delay_seconds"):.1f} ms, '
              f'handshakes {stats["handshakes"]["done"]} ({stats["handshakes"]["resumed"]} resumed)', flush=True)

    def credited(self, version):
        # All sessions are created at once and change at different times. The sums of the histograms follow from those times:
        # a response credited to another session would change a sum.
        simulator, exporter = self.start('--sessions', 10, '--stuck', 10, '--created', '1s-4s', '--connecting', '1s-4s',
                                         '--active', '1s-6s', '--ending', '0s-2s', version=version)
        simulator.set_faults(latency='300ms', wrong_id=0.01)
        born = set(simulator.post('/_sessions', {'count': SESSIONS})['ids'])
        self.assertEqual(len(born), SESSIONS)
        scrape = exporter.until('all of them ended', lambda scrape: scrape.value(
            'kallglot_sessions', status='ended') == SESSIONS, seconds=60)
        lives = [life for life in simulator.lives()[1] if life['id'] in born]

        for name, begin, end in (('kallglot_session_setup_seconds', 'created_at', 'started_at'),
                                 ('kallglot_ended_session_duration_seconds', 'started_at', 'ended_at')):
            self.assertEqual(scrape.value(name + '_count'), SESSIONS)
            self.assertAlmostEqual(scrape.value(name + '_sum'), sum(
                moment(life[end]) - moment(life[begin]) for life in lives), places=3)
        self.assertEqual(scrape.total('kallglot_sessions_ended_total'), SESSIONS)
        self.assertEqual(scrape.value('kallglot_sessions_ended_without_start_total'), 0)
        self.assertEqual(scrape.total('kallglot_session_regressions_total'), 0)
        self.assertEqual(scrape.value('kallglot_sessions', status='connecting'), 10)

        refused = simulator.stats()['faults']['wrong_id']
        self.assertGreaterEqual(refused, SESSIONS // 50)
        return simulator, exporter

    def test_every_response_is_credited_to_its_session(self):
        # Over HTTP/2 a response with another session's id ends the connection, and requests in flight with it.
        self.credited('2')

    def test_every_wrong_response_is_refused(self):
        simulator, exporter = self.credited('1.1')
        # Each answer with another session's id was refused, and nothing else was.
        simulator.set_faults(latency='300ms')
        refused = simulator.stats()['faults']['wrong_id']
        scrape = exporter.until('the refused', lambda scrape: scrape.value(
            'kallglot_exporter_api_request_failures_total', reason='body') >= refused)
        self.assertEqual(scrape.total('kallglot_exporter_api_request_failures_total'), refused)


if __name__ == '__main__':
    if '--duration' in sys.argv:
        place = sys.argv.index('--duration')
        DURATION = float(sys.argv[place + 1])
        del sys.argv[place:place + 2]
    main()
