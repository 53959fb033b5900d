#!/usr/bin/env python3
"""Signals stop the exporter cleanly; an API that disappears, returns, throttles or rejects the key loses no session."""

import http.client
import shutil
import signal
import time

from support.case import EndToEnd, main
from support.programs import STILL, TRACED, injected
from support.waiting import within

UP = 'kallglot_up'
LOAD = 300


def answered(scrape):
    return scrape.value('kallglot_exporter_api_responses_total', code='200')


class Signals(EndToEnd):
    def start(self, latency, *flags, more='', name='exporter', jitter='0s'):
        """An exporter with many requests in flight; each takes `latency`, and up to `jitter` more."""
        self.api = self.simulator('--sessions', LOAD, *STILL, '--latency', latency, '--jitter', jitter)
        exporter = self.exporter(self.config(self.api.port, more=more, max_connections=400), *flags, name=name)
        exporter.expect('requests in flight', lambda: self.in_flight() >= LOAD // 3)
        return exporter

    def in_flight(self):
        return self.api.stats()['requests']['in_flight']

    def test_term_under_load_finishes_requests_and_scrapes(self):
        # Answers in one burst would leave no time for a scrape between them and the end.
        exporter = self.start('1s', jitter='5s')
        before = exporter.scrape()
        under_way = self.in_flight()
        self.assertGreater(under_way, 0)
        exporter.send(signal.SIGTERM)
        exporter.expect('not ready', lambda: exporter.get('/-/ready').status == 503)
        self.assertIn('stopping', exporter.get('/-/ready').text)
        self.assertEqual(exporter.get('/-/healthy').status, 200)
        last = exporter.scrape()
        self.assertEqual(last.total('kallglot_sessions'), LOAD)
        # The listener is the last to go; what it said last is nearly everything.
        while exporter.running():
            try:
                last = exporter.scrape()
            except (OSError, http.client.HTTPException):
                break
        exporter.wait()
        self.assert_clean_end(exporter)
        self.assertIn('cut_off=false', exporter.log())
        self.assertGreaterEqual(answered(last) - answered(before), under_way // 2)
        self.assertEqual(last.total('kallglot_exporter_api_request_failures_total'), 0)
        self.assertEqual(self.in_flight(), 0)

    def test_requests_longer_than_the_grace_are_cut_off(self):
        exporter = self.start('60s', more='shutdown_grace: 1s')
        with within('the stop', 15):
            exporter.stop()
        self.assert_clean_end(exporter)
        self.assertIn('cut_off=true', exporter.log())

    def test_second_term_stops_at_once(self):
        exporter = self.start('60s', more='shutdown_grace: 10m')
        exporter.send(signal.SIGTERM)
        exporter.expect('not ready', lambda: exporter.get('/-/ready').status == 503)
        exporter.stop()
        self.assert_clean_end(exporter)
        self.assertIn('cut_off=true', exporter.log())

    def test_hup_during_a_stop_cuts_nothing_off(self):
        exporter = self.start('3s', more='shutdown_grace: 10m')
        exporter.send(signal.SIGTERM)
        exporter.expect('not ready', lambda: exporter.get('/-/ready').status == 503)
        exporter.send(signal.SIGHUP)
        exporter.process.wait(60)
        self.assert_clean_end(exporter)
        self.assertIn('cut_off=false', exporter.log())

    def test_int_stops_the_daemon(self):
        exporter = self.start('100ms')
        exporter.stop(signal.SIGINT)
        self.assert_clean_end(exporter)
        self.assertIn('signal=INT', exporter.log())

    def test_hup_does_not_stop_the_daemon(self):
        exporter = self.start('100ms')
        exporter.send(signal.SIGHUP)
        exporter.expect('an answer in the log', lambda: 'load' in exporter.log())
        before = answered(exporter.scrape())
        exporter.until('polls after that', lambda scrape: answered(scrape) > before + LOAD)
        exporter.stop()
        self.assert_clean_end(exporter)

    def test_hup_during_the_start_reloads_after_it(self):
        if not shutil.which('strace'):
            self.skipTest('no strace')
        self.api = self.simulator('--sessions', 10, *STILL)
        # The first wait of the loop is that for the store.
        exporter = self.exporter(self.config(self.api.port), under=injected('epoll_wait:signal=SIGHUP:when=1'), environment=TRACED)
        exporter.expect('the reload', lambda: 'msg=reloaded' in exporter.log())
        self.assertEqual(exporter.get('/-/ready').status, 200)
        exporter.stop()
        self.assert_clean_end(exporter)

    def test_sigpipe_does_not_stop_the_daemon(self):
        exporter = self.start('100ms')
        exporter.send(signal.SIGPIPE)
        before = answered(exporter.scrape())
        exporter.until('polls after that', lambda scrape: answered(scrape) > before)


class ApiTrouble(EndToEnd):
    SESSIONS = 100

    def start(self, *flags, **options):
        self.api = self.simulator('--sessions', self.SESSIONS, *STILL, *flags)
        exporter = self.exporter(self.config(self.api.port, **options))
        exporter.polled(self.SESSIONS)
        self.assertEqual(exporter.scrape().value(UP), 1)
        return exporter

    def test_api_back_after_an_outage_loses_no_session(self):
        exporter = self.start('--plaintext', plaintext=True)
        before = exporter.scrape()
        self.api.kill()
        away = exporter.until('down', lambda scrape: scrape.value(UP) == 0)
        self.assertEqual(away.value('kallglot_exporter_api_state', state='unreachable'), 1)
        self.assertGreater(away.value('kallglot_exporter_api_request_failures_total', reason='connect')
                           + away.value('kallglot_exporter_api_request_failures_total', reason='reset'), 0)
        self.assertEqual(away.total('kallglot_sessions'), self.SESSIONS)

        # The same sessions by the same seed, as if the service had been restarted. Without TLS, since the simulator
        # makes a new authority at each start, which is rightly not trusted.
        again = self.simulator('--sessions', self.SESSIONS, *STILL, '--plaintext', port=self.api.port, name='again')
        exporter.until('up again', lambda scrape: scrape.value(UP) == 1, seconds=100)
        exporter.expect('polls of all', lambda: again.stats()['asked']['standing']['never_asked'] == 0)
        later = exporter.scrape()
        self.assertGreater(answered(later), answered(before))
        self.assertEqual(later.total('kallglot_sessions'), self.SESSIONS)
        self.assertEqual(later.total('kallglot_exporter_sessions_forgotten_total'), 0)
        self.assertEqual(later.value('kallglot_exporter_api_state', state='ok'), 1)

    def test_pause_of_a_429_is_obeyed(self):
        exporter = self.start()
        self.api.set_faults(rate_limited=1.0, retry_after='3')
        exporter.until('throttled', lambda scrape: scrape.value(
            'kallglot_exporter_api_state', state='throttled') == 1)
        scrape = exporter.scrape()
        self.assertEqual(scrape.value(UP), 1)
        self.assertGreater(scrape.value('kallglot_exporter_api_paused_until_timestamp_seconds'), time.time())
        self.api.set_faults()
        before = answered(scrape)
        exporter.until('polls again', lambda scrape: answered(scrape) > before)
        pauses = self.api.stats()['pauses']
        self.assertGreaterEqual(pauses['asked_for'], 1)
        self.assertEqual(pauses['early_requests'], 0)

    def test_rejected_key_stops_polling_except_probes(self):
        exporter = self.start()
        self.api.post('/_stats', {})
        exporter.over_scrapes(200)
        self.assertGreater(self.api.stats()['requests']['session'], 10 * self.SESSIONS)
        self.api.set_faults(unauthorized=1.0)
        scrape = exporter.until('unauthorized', lambda scrape: scrape.value(
            'kallglot_exporter_api_state', state='unauthorized') == 1)
        self.assertEqual(scrape.value(UP), 0)
        exporter.expect('silence', lambda: self.in_flight() == 0)
        self.api.post('/_stats', {})
        # A probe a minute, while as many scrapes as above saw more than a thousand polls.
        tracked = exporter.over_scrapes(200, lambda scrape: scrape.total('kallglot_sessions'))
        self.assertLessEqual(self.api.stats()['requests']['session'], 1)
        self.assertEqual(set(tracked), {self.SESSIONS})

    def in_flight(self):
        return self.api.stats()['requests']['in_flight']

    def test_every_fault_is_counted_under_its_reason(self):
        exporter = self.start()
        self.api.post('/_stats', {})
        for fault, reason in (('not_found', 'not_found'), ('not_json', 'body'), ('redirect', 'redirect'),
                              ('wrong_id', 'body'), ('truncate', 'reset'), ('server_error', 'server')):
            with self.subTest(fault):
                before = exporter.scrape().value('kallglot_exporter_api_request_failures_total', reason=reason)
                self.api.set_faults(**{fault: 0.05})
                exporter.until(f'{fault} as {reason}', lambda scrape: scrape.value(
                    'kallglot_exporter_api_request_failures_total', reason=reason) > before)
        self.api.set_faults()
        self.assertEqual(exporter.scrape().total('kallglot_sessions'), self.SESSIONS)
        exporter.until('usable', lambda scrape: scrape.value(UP) == 1)
        exporter.stop()
        self.assert_clean_end(exporter)


if __name__ == '__main__':
    main()
