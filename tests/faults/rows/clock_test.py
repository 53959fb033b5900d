#!/usr/bin/env python3
"""Clocks that jump, stop or are wrong. libfaketime changes the clock of the daemon only."""

import json
import os
import pathlib
import signal
import time

from fault_case import FAILURES, SANITIZED, Row, main, whole, within
from scripted_api import response, session
from support import web
from support.configuration import every
from support.durable import Durable, event, signed

LIBRARY = pathlib.Path('/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1')
SESSIONS = 100
# Those of three seconds.
POLLS = 12 * SESSIONS


class Faked(Row):
    def setUp(self):
        super().setUp()
        if SANITIZED:
            self.skipTest('libfaketime and a sanitizer both replace the functions of the clock')
        if not LIBRARY.exists():
            self.skipTest('not installed: faketime')
        self.wall = self.folder / 'clock'
        self.shift(0)

    def shift(self, seconds):
        """The daemon's wall clock is off by so much from now on."""
        fresh = self.folder / 'clock.new'
        fresh.write_text(f'{seconds:+d}')
        os.replace(fresh, self.wall)

    def environment(self):
        return {'LD_PRELOAD': str(LIBRARY), 'FAKETIME_TIMESTAMP_FILE': str(self.wall), 'FAKETIME_NO_CACHE': '1',
                'FAKETIME_DONT_FAKE_MONOTONIC': '1'}


class WallClock(Faked):
    def test_k1_wall_clock_jump_moves_no_poll(self):
        """The wall clock goes back an hour, then ahead a day
        Polls keep their schedule. No age or duration becomes negative or a day long."""
        if time.monotonic() < 3700:
            self.skipTest('libfaketime needs a machine that is up for longer than the jump back')
        exporter = self.world(SESSIONS, environment=self.environment())
        usual = self.rate(exporter, POLLS)
        rates = []
        names = ('kallglot_session_duration_seconds', 'kallglot_session_status_age_seconds',
                 'kallglot_exporter_event_loop_delay_seconds', 'kallglot_exporter_scrape_duration_seconds')
        longest = {name: max(exporter.scrape().families[name].samples.values()) for name in names}
        with self.survives(exporter, SESSIONS):
            for jump in (-3600, 86400, 0):
                self.shift(jump)
                rates.append(self.rate(exporter, POLLS))
                scrape = exporter.scrape()
                now = time.time() + jump
                for name in names:
                    values = list(scrape.families[name].samples.values())
                    self.assertGreaterEqual(min(values), 0, name)
                    self.assertLess(max(values), longest[name] + 60, name)
                self.assertAlmostEqual(scrape.value('kallglot_exporter_clock_offset_seconds'), -jump, delta=3)
                self.assertLess(scrape.value('kallglot_exporter_last_poll_success_timestamp_seconds'), now + 5)
        for rate in rates:
            self.assertGreater(rate, usual / 2)
            self.assertLess(rate, usual * 1.5)
        self.figure(f'{usual:.0f} polls a second before, then {", ".join(f"{rate:.0f}" for rate in rates)}')

    def test_k4_retry_after_date_uses_the_servers_clock(self):
        """Retry-After is a date, and the clock of this machine is wrong by ten minutes, in both directions
        The pause is the date minus the response's Date header: neither zero nor ten minutes."""
        exporter = self.world(SESSIONS, environment=self.environment())
        waits = []
        for wrong in (-600, 600):
            self.shift(wrong)
            with self.survives(exporter, SESSIONS, FAILURES, {'reason': 'throttled'}):
                self.api.post('/_stats', {})
                self.api.set_faults(rate_limited=1.0, retry_after='date+4')
                exporter.until('throttled', lambda scrape: scrape.value('kallglot_exporter_api_state', state='throttled') == 1)
                self.api.set_faults()
                with within('the wait for four seconds', 25) as took:
                    exporter.until('going on', lambda scrape: scrape.value('kallglot_exporter_api_state', state='ok') == 1, 60)
                waits += took
                self.assertEqual(self.api.stats()['pauses']['early_requests'], 0)
        self.figure(f'waited {waits[0]:.1f} and {waits[1]:.1f} s for 4 s')

    def test_k6_certificate_checked_by_a_wrong_clock_is_logged(self):
        """The clock of this machine is wrong by years when it checks a certificate
        The certificate is rejected, and the logged reason names the certificate's dates."""
        # Ahead: libfaketime moves the timers of a process whose clock is far behind.
        self.shift(20 * 365 * 86400)
        self.api = self.simulator('--sessions', SESSIONS)
        exporter = self.exporter(self.config(self.api.port), environment=self.environment())
        exporter.until('refused', lambda scrape: self.failures(scrape, 'tls') > 0)
        exporter.expect('words', lambda: 'expired' in exporter.log())
        self.assertRegex(exporter.log(), r'(?i)clock')
        self.figure('logged as expired, or that the clock is wrong')


class Webhooks(Faked, Durable):
    def test_k3_events_under_a_wrong_clock_are_rejected(self):
        """Signed events arrive while the clock of this machine is wrong by ten minutes
        Events are rejected for their timestamp and counted as such. A metric reports the clock offset. Polling continues."""
        exporter = self.launch(environment=self.environment())
        body = event(1, 'sess_of_a_wrong_clock')
        self.shift(600)
        self.assertEqual(web.request(exporter.webhooks, '/webhooks/kallglot', 'POST', body, signed(body)).status, 401)
        scrape = exporter.until('polled', lambda scrape: (scrape.value('kallglot_exporter_clock_offset_seconds') or 0) < -590)
        self.assertEqual(scrape.value('kallglot_exporter_webhook_requests_total', result='timestamp'), 1)
        self.assertEqual(scrape.value('kallglot_up'), 1)
        self.shift(0)
        self.assertEqual(web.request(exporter.webhooks, '/webhooks/kallglot', 'POST', body, signed(body)).status, 200)
        self.figure('offset -600 s shown; accepted once the clock is right')


class Stopped(Row):
    @whole
    def test_k2_long_stop_causes_no_burst_of_polls(self):
        """The process is stopped for 40 seconds, as in a suspend
        Afterwards each session gets at most one poll to catch up, and the request rate is at most 1.2 times the usual rate."""
        exporter = self.world(SESSIONS, intervals=every('1s'), max_rate='150/1s')
        exporter.more_polls(3 * SESSIONS)
        self.api.post('/_stats', {})
        self.let_time_pass(exporter, 10, 'the usual requests of ten seconds, for comparison')
        usual = self.api.stats()['requests']['session']
        exporter.send(signal.SIGSTOP)
        self.let_time_pass(exporter, 40, 'the stop itself is the fault')
        self.api.post('/_stats', {})
        before = {life['id']: life['asked'] for life in self.api.lives()[1]}
        exporter.send(signal.SIGCONT)
        self.let_time_pass(exporter, 10, 'the requests of ten seconds are compared with the usual ones')
        after = self.api.stats()['requests']['session']
        most = max(life['asked'] - before[life['id']] for life in self.api.lives()[1])
        self.assertLessEqual(most, 1 + 10 + 1, 'one to catch up, one a second, and one of the moment between')
        with self.survives(exporter, SESSIONS):
            exporter.more_polls(SESSIONS)
        self.assertLessEqual(after, 1.2 * usual)
        self.assertGreaterEqual(after, usual / 2)
        self.figure(f'{after} requests in the ten seconds after, {usual} in ten usual ones')


class Timestamps(Row):
    def test_k5_impossible_times_are_left_out(self):
        """Times of 1970, 2038, 9999, +14:00, a leap second, 20 digits of fraction, and text that is not a time
        Possible times are used and impossible ones are left out. No age is negative, and no session ends."""
        odd = ['1970-01-01T00:00:00Z', '2038-01-19T03:14:08Z', '9999-12-31T23:59:59Z', '2026-01-01T00:00:00+14:00',
               '2016-12-31T23:59:60Z', '2026-01-01T00:00:00.12345678901234567890Z', '2026-02-30T00:00:00Z', 'yesterday', '', '0', '-1',
               '292277026596-12-04T15:30:08Z']

        def good(_, name):
            return response(session(name, 'active', started_at='2026-01-01T00:00:05Z'))

        exporter = self.scripted(len(odd) * 2, good)
        place = {name: index for index, name in enumerate(self.ids)}

        def strange(_, name):
            text = odd[place[name] % len(odd)]
            times = {'created_at': text} if place[name] < len(odd) else {'started_at': text}
            return response(json.dumps({**json.loads(session(name, 'active')), **times}).encode())

        with self.survives(exporter, len(odd) * 2):
            self.api.answer = strange
            seen = len(self.api.requests)
            exporter.expect('polls of all', lambda: len(self.api.requests) > seen + 200)
            scrape = exporter.scrape()
            self.assertGreaterEqual(min(scrape.families['kallglot_session_status_age_seconds'].samples.values()), 0)
            self.assertGreaterEqual(min(scrape.families['kallglot_session_duration_seconds'].samples.values()), 0)
            self.api.answer = good
        self.suite('base_test', 'Timestamp.*:HttpDate.*', 6, f'{len(odd)} times, in two fields each')


if __name__ == '__main__':
    main()
