#!/usr/bin/env python3
"""An API that throttles, fails, is slow, or answers with an earlier state."""

import collections
import itertools
import statistics
import time

from fault_case import FAILURES, Row, alone, main, memory, wait_for, whole
from own_network import OwnNetwork, why_not
from scripted_api import ScriptedApi, response, session
from support.configuration import every

SESSIONS = 200
SECOND = every('1s', unknown='250ms')


class Trouble(Row):
    def asked(self):
        return self.api.stats()['requests']['session']

    def steady(self, exporter, seconds=5):
        """Requests a second when nothing is wrong."""
        exporter.until('full rate', lambda scrape: self.api.stats()['requests']['last_second'] >= SESSIONS * 3 // 4, seconds=100)
        before, begun = self.asked(), time.monotonic()
        self.let_time_pass(exporter, seconds, 'the steady rate, for comparison')
        return (self.asked() - before) / (time.monotonic() - begun)

    @whole
    def test_u1_no_request_is_sent_during_a_pause(self):
        """429 with Retry-After in seconds, as a date, past, negative, huge, as a list, as garbage, or absent
        No new request is sent before the pause is over, in a hundred storms in a row, in twenty forms."""
        exporter = self.world(SESSIONS)
        for after in ('2', 'date+2'):
            with self.survives(exporter, SESSIONS, FAILURES, {'reason': 'throttled'}):
                self.api.post('/_stats', {})
                self.api.set_faults(rate_limited=1.0, retry_after=after)
                exporter.until('throttled', lambda scrape: scrape.value('kallglot_exporter_api_state', state='throttled') == 1)
                # The first request after silence is the one after the pause.
                exporter.expect('silence', lambda: self.api.stats()['requests']['in_flight'] == 0)
                asked = self.asked()
                exporter.expect('the request after the pause', lambda: self.asked() > asked)
                pauses = self.api.stats()['pauses']
                self.assertGreater(pauses['asked_for'], 0)
                self.assertEqual(pauses['early_requests'], 0)
                self.api.set_faults()
        self.suite('polling_integration_test', 'Throttling.*', 1, 'a hundred storms, 0 early requests')

    def test_u2_backoff_is_random_over_the_whole_step(self):
        """503 or 429 without Retry-After
        The wait is random between zero and the step, which doubles up to a minute. Clients do not retry in step."""
        self.suite('polling_test', 'ApiHealth.JitterIsFull:ApiHealth.AnOutageIsProbedOnceAStepOfUpToAMinute', 2,
                   'mean of 1,000 draws is half the step')

    @whole
    def test_u3_outage_costs_few_extra_requests(self):
        """500 to everything for more than a minute
        At most a tenth more requests than first attempts. Altogether one probe a step is sent."""
        exporter = self.world(SESSIONS, intervals=SECOND)
        steady = self.steady(exporter, 3)
        with self.survives(exporter, SESSIONS, FAILURES, {'reason': 'server'}) as before:
            asked = self.asked()
            self.api.set_faults(server_error=1.0)
            self.let_time_pass(exporter, 65, 'the length of the outage: more than the longest step')
            polls = exporter.scrape().total('kallglot_exporter_polls_total') - before.total('kallglot_exporter_polls_total')
            asked = self.asked() - asked
            self.api.set_faults()
        self.assertLessEqual(asked, 1.1 * polls)
        self.assertLess(asked, 65 * steady / 4)
        self.figure(f'{polls:g} first attempts and {max(0, asked - polls):g} more in 65 s, {65 * steady:.0f} were due')

    @whole
    def test_u4_polling_after_an_outage_ramps_up(self):
        """The API is gone for 45 seconds and comes back
        At most 1.2 times the steady rate in the next ten seconds. Afterwards no session is stale."""
        exporter = self.world(SESSIONS, intervals=SECOND)
        steady = self.steady(exporter)
        with self.survives(exporter, SESSIONS, FAILURES):
            self.api.set_faults(close=1.0)
            self.let_time_pass(exporter, 45, 'the length of the outage')
            self.api.set_faults()
            exporter.until('back', lambda scrape: scrape.value('kallglot_exporter_api_state', state='ok') == 1, seconds=100)
            before = self.asked()
            self.let_time_pass(exporter, 10, 'the requests of ten seconds are compared with the steady rate')
            ten = self.asked() - before
        self.assertLessEqual(ten, 1.2 * 10 * steady)
        self.figure(f'{ten} requests in the ten seconds after 45 s of outage, {10 * steady:.0f} in any other ten')

    @whole
    def test_u5_failure_of_one_session_is_no_outage(self):
        """Five failures in a row and no success for five seconds; one session that always fails; 404
        Only the first stops polling and leads to one probe a step. Successes restore the full rate by a ramp."""
        self.suite('polling_test', 'ApiHealth.*:RequestGate.OnlyAProbesRate*', 15)
        exporter = self.scripted(10, lambda peer, name: response(session(name)))
        with self.survives(exporter, 10, FAILURES, {'reason': 'server'}):
            bad = self.ids[0]
            self.api.answer = lambda peer, name: response(b'', '500 Internal Server Error') if name == bad else response(session(name))
            seen = self.let_time_pass(exporter, 7, 'five seconds without a success would be an outage', exporter.scrape)
            self.api.answer = lambda peer, name: response(session(name))
        self.assertEqual({scrape.value('kallglot_exporter_api_state', state='ok') for scrape in seen}, {1})

    @whole
    def test_u6_slow_api_gets_no_more_requests_in_flight(self):
        """Responses take 0.2 s, then 20 s
        Never more requests in flight than max_connections. Memory does not grow. The stretch metric shows the shortage."""
        exporter = self.world(SESSIONS, max_connections=50, api='request_timeout: 30s', intervals=SECOND)
        with self.survives(exporter, SESSIONS, grown=50 << 16):
            for latency in ('200ms', '20s'):
                self.api.set_faults(latency=latency)
                seen = self.let_time_pass(exporter, 12 if latency == '20s' else 5, 'a queue would grow with time', lambda: (
                    self.api.stats()['requests']['in_flight'], memory(exporter)))
                self.assertLessEqual(max(flight for flight, _ in seen), 50)
                sizes = [size for _, size in seen]
                self.assertLess(max(sizes) - statistics.median(sizes), 16 << 20)
            self.assertEqual(max(flight for flight, _ in seen), 50)
            overdue = exporter.scrape().total('kallglot_exporter_polls_overdue')
            self.assertGreater(overdue, 0)
            self.api.set_faults()
        self.figure(f'50 of 50 in flight at 20 s, {overdue:g} polls shown as overdue')

    def test_u19_old_responses_reverse_no_status(self):
        """Responses arrive out of order, and the API reports created again
        ended is final. A single response reverses no status. Every order of responses leads to the same state."""
        self.suite('tracking_test', 'SessionTrackerProperty.*', 2)
        asked, old = collections.Counter(), itertools.count()

        def true(peer, name):
            return response(session(name, 'active', started_at='2026-01-01T00:00:05Z'))

        def sometimes_old(peer, name):
            asked[name] += 1
            if asked[name] % 3:
                return true(peer, name)
            next(old)
            return response(session(name, ('created', 'connecting')[asked[name] % 2]))

        exporter = self.scripted(20, true)
        with self.survives(exporter, 20):
            self.api.answer = sometimes_old
            exporter.expect('old responses for all', lambda: len(asked) == 20 and min(asked.values()) > 12)
            self.api.answer = true
        self.figure(f'{next(old)} answers of an earlier state, none believed')


class TwoAddresses(Row):
    @alone
    @whole
    def test_u20_failing_address_is_avoided(self):
        """One of two addresses answers 500 to everything, or does not answer
        Within half a minute its share of requests falls from a half to at most one in twenty. The client never avoids both."""
        if reason := why_not():
            self.skipTest(reason)
        network = OwnNetwork(self.folder)
        network.hosts(localhost=['127.0.0.1', '127.0.0.2'])
        fine = {'good': 0, 'bad': 0}

        def good(peer, name):
            fine['good'] += 1
            return response(session(name))

        def bad(peer, name):
            fine['bad'] += 1
            return response(b'', '500 Internal Server Error')

        ids = [f'sess_of_this_row_{i:06}' for i in range(100)]
        self.api = ScriptedApi(self.folder, ids, good)
        self.addCleanup(self.api.close)
        other = ScriptedApi(self.folder, ids, good, host='127.0.0.2', port=self.api.port)
        self.addCleanup(other.close)
        exporter = self.exporter(self.config(self.api.port, max_connections=20))
        self.polled(exporter, 100)
        exporter.expect('both are used', lambda: other.connections > 0 and self.api.connections > 0)
        with self.survives(exporter, 100, FAILURES, {'reason': 'server'}):
            other.answer = bad
            self.let_time_pass(exporter, 25, 'the promise is about the share after half a minute')
            fine.update(good=0, bad=0)
            wait_for('a thousand good answers', lambda: fine['good'] > 1000)
            share = fine['bad'] / (fine['bad'] + fine['good'])
            self.assertLessEqual(share, 0.05)
            other.answer = good
        self.figure(f'{100 * share:.1f} % of requests fail after 25 s')


if __name__ == '__main__':
    main()
