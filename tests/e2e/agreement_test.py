#!/usr/bin/env python3
"""The reported counts agree with what the simulator knows about its sessions."""

import time

from support.case import EndToEnd, main
from support.programs import SANITIZED, SOURCE_DIR
from support.truth import STATUSES, disagreement

SESSIONS, STUCK, THRESHOLD = 2000, 20, 3
# Polls start late on a busy machine; a second more than the interval is still within sight of it.
SLACK = 2.0 if SANITIZED else 1.0
AGREEMENTS = 5
INTERVALS = {'created': 1, 'connecting': 0.5, 'active': 2, 'ending': 0.5, 'unknown': 1}


class Agreement(EndToEnd):
    def start(self, *flags, thresholds='{connecting: [3s, 6s], created: [10s], not_started: [5s]}'):
        simulator = self.simulator('--sessions', SESSIONS, '--created', '200ms-2s', '--connecting', '200ms-1s',
                                   '--active', '10s-60s', '--ending', '0s-1s', *flags)
        config = self.config(simulator.port, max_rate='4000/1s', thresholds=thresholds,
                             intervals='{%s}' % ', '.join(
                                 f'{status}: {round(1000 * seconds)}ms' for status, seconds in INTERVALS.items()))
        return simulator, config

    def test_counts_by_status_agree_with_the_truth(self):
        simulator, config = self.start('--stuck', STUCK, '--abandoned-share', '0.1')
        exporter = self.exporter(config)
        lags = {status: INTERVALS.get(status, 0) + SLACK for status in STATUSES}
        lasting, history = 0, []

        def agrees():
            nonlocal lasting
            begun = time.time()
            counted = exporter.scrape().by('status', 'kallglot_sessions')
            history.append(disagreement(counted, simulator.lives()[1], (begun, time.time()), lags))
            lasting = 0 if history[-1] else lasting + 1
            return lasting >= AGREEMENTS

        try:
            exporter.expect(f'{AGREEMENTS} agreements in a row', agrees)
        except AssertionError as error:
            self.fail(f'{error}; disagreed: {history[-3:]}')
        # Many moved meanwhile, or there was nothing to agree about.
        moved = exporter.until('transitions', lambda scrape: scrape.total('kallglot_session_transitions_total') >= 200)
        self.assertEqual(moved.total('kallglot_session_regressions_total'), 0)
        self.assertEqual(moved.total('kallglot_exporter_api_request_failures_total'), 0)

    def test_only_stuck_sessions_are_over_the_threshold(self):
        _, config = self.start('--stuck', STUCK)
        started = time.monotonic()
        exporter = self.exporter(config)

        def over(scrape, kind='over', seconds=THRESHOLD):
            return scrape.value(f'kallglot_sessions_{kind}_threshold', status='connecting', threshold_seconds=seconds)

        early = []
        while True:
            scrape = exporter.scrape()
            if time.monotonic() - started >= THRESHOLD:
                break
            early.append(over(scrape))
        self.assertGreater(len(early), 0)
        self.assertEqual(set(early), {0}, 'counted as stuck before it could be known')

        exporter.until('all the stuck ones', lambda scrape: over(scrape) == STUCK)
        # Other sessions pass through connecting all the time. None of them is counted as stuck.
        later = exporter.until('the next threshold', lambda scrape: self.assertEqual(over(scrape), STUCK)
                               or over(scrape, seconds=6) == STUCK)
        self.assertEqual(over(later, 'suspected_over'), 0)
        self.assertGreaterEqual(later.value('kallglot_session_transitions_total',
                                            **{'from': 'connecting', 'to': 'active', 'source': 'poll'}), 50)
        self.assertGreaterEqual(later.value('kallglot_sessions', status='connecting'), STUCK)

    def test_sessions_that_never_start_are_counted(self):
        simulator, config = self.start('--stuck', STUCK, '--never-started', '7', '--held-age', '30s-60s')
        exporter = self.exporter(config)

        def not_started(status):
            return lambda scrape: scrape.value('kallglot_sessions_not_started_over_threshold', status=status,
                                               threshold_seconds=5)

        # They are older than that by their created_at, so one look at each is enough.
        exporter.until('stuck ones', lambda scrape: not_started('connecting')(scrape) == STUCK)
        scrape = exporter.until('those that stay in created', lambda scrape: not_started('created')(scrape) == 7)
        self.assertEqual(scrape.value('kallglot_sessions_over_threshold', status='created', threshold_seconds=10), 7)
        added = simulator.post('/_sessions', {'count': 3, 'never_started': True})['ids']
        self.assertEqual(len(added), 3)
        exporter.until('three more', lambda scrape: not_started('created')(scrape) == 10)

    def test_age_of_the_oldest_session_agrees_with_the_truth(self):
        simulator, config = self.start('--never-started', '7', '--held-age', '30s-60s', '--arrival-rate', '0')
        exporter = self.exporter(config)
        exporter.until('all polled', lambda scrape: scrape.value('kallglot_sessions', status='unknown') == 0)
        _, lives = simulator.lives()
        oldest = min(life['status_since'] for life in lives if life['kind'] == 'never_started')

        def since(scrape):
            return scrape.value('kallglot_oldest_session_status_since_timestamp_seconds', status='created')
        # Whole seconds in created_at and in Date, and one more that is taken off so that no age is overstated.
        exporter.until('oldest', lambda scrape: since(scrape) is not None and -0.1 <= since(scrape) - oldest <= 3)


class Demo(EndToEnd):
    def test_demo_configuration_is_valid_and_verifies_tls(self):
        simulator = self.simulator('--sessions', 200, '--stuck', 5)
        text = (SOURCE_DIR / 'config/demo.yml').read_text()
        text = text.replace('localhost:18443', f'localhost:{simulator.port}')
        self.assertIn(str(simulator.port), text)
        exporter = self.exporter(self.write('demo.yml', text))
        exporter.until('all polled', lambda scrape: scrape.total('kallglot_sessions') >= 200
                       and scrape.value('kallglot_sessions', status='unknown') <= 5)
        self.assertEqual(exporter.scrape().value('kallglot_up'), 1)
        exporter.stop()
        self.assert_clean_end(exporter)


if __name__ == '__main__':
    main()
