#!/usr/bin/env python3
"""A failing API gets few requests. Polling ramps up after an outage and resumes at once with a corrected key."""

import os

from support.case import EndToEnd, main
from support.configuration import every
from support.programs import STILL
from support.waiting import let_time_pass

SESSIONS = 200
INTERVAL = every('1s')


def state(scrape):
    return next((name for name, value in scrape.by('state', 'kallglot_exporter_api_state').items() if value), None)


class Recovery(EndToEnd):
    def start(self):
        self.api = self.simulator('--sessions', SESSIONS, *STILL, '--latency', '100ms')
        exporter = self.exporter(self.config(self.api.port, intervals=INTERVAL))
        exporter.polled(SESSIONS)
        return exporter

    def asked(self):
        return self.api.stats()['requests']['session']

    def watch(self, exporter, seconds):
        """How many requests the API gets in so many seconds."""
        before = self.asked()
        let_time_pass(seconds, 'the rates of spans of time are compared with each other')
        self.assertTrue(exporter.running(), exporter.log()[-2000:])
        return self.asked() - before

    def test_outage_costs_few_requests_and_polling_ramps_up(self):
        exporter = self.start()
        exporter.until('full rate', lambda scrape: scrape.value('kallglot_exporter_api_state', state='ok') == 1
                       and self.api.stats()['requests']['last_second'] >= SESSIONS // 2, seconds=100)
        steady = self.watch(exporter, 5) / 5

        polls = exporter.scrape().total('kallglot_exporter_polls_total')
        requests = self.asked()
        self.api.set_faults(close=1.0)
        down = exporter.until('unreachable', lambda scrape: state(scrape) == 'unreachable')
        self.assertEqual(down.value('kallglot_up'), 0)
        self.assertLessEqual(down.value('kallglot_exporter_poll_budget_requests_per_second'), 1)
        self.watch(exporter, 3)
        first_attempts = exporter.scrape().total('kallglot_exporter_polls_total') - polls
        extra = self.asked() - requests - first_attempts
        print(f'while everything failed: {first_attempts:.0f} first attempts, {extra:.0f} extra')
        self.assertLessEqual(extra, first_attempts / 10)

        self.api.set_faults()
        exporter.until('usable', lambda scrape: state(scrape) == 'ok', seconds=100)
        first = self.watch(exporter, 2)
        ten = first + self.watch(exporter, 8)
        print(f'after the outage: {first} requests in 2 s, {ten} in 10 s, at a steady rate of {steady:.0f}/s')
        self.assertLessEqual(ten, 1.2 * 10 * steady)
        # All are overdue: without the ramp they would come at once.
        self.assertLessEqual(first, SESSIONS)
        self.assertEqual(exporter.scrape().total('kallglot_sessions'), SESSIONS)

    def test_corrected_key_file_resumes_polling(self):
        exporter = self.start()
        self.api.post('/_key', {'key': 'sk_test_another_key_for_this_test'})
        refused = exporter.until('unauthorized', lambda scrape: state(scrape) == 'unauthorized')
        self.assertLess(refused.value('kallglot_exporter_poll_budget_requests_per_second'), 0.02)
        exporter.expect('silence', lambda: self.api.stats()['requests']['in_flight'] == 0)
        before = self.asked()
        exporter.over_scrapes(200)
        self.assertLessEqual(self.asked() - before, 1)

        before = exporter.scrape().value('kallglot_exporter_api_responses_total', code='200')
        key = self.write('next_key', 'sk_test_another_key_for_this_test\n')
        os.replace(key, self.folder / 'api_key')
        # The next probe is a minute away: one that waits for it is later than the patience of this test.
        exporter.until('polls', lambda scrape: scrape.value('kallglot_exporter_api_responses_total', code='200') > before)
        exporter.until('usable', lambda scrape: state(scrape) == 'ok')


if __name__ == '__main__':
    main()
