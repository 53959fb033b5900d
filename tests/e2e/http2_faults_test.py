#!/usr/bin/env python3
"""`api.http_version`: polls over HTTP/2 streams, and what the exporter does when the server breaks or ends them."""

from support.case import EndToEnd, main
from support.http2 import FLOODS, VIOLATIONS
from support.programs import STILL

SESSIONS = 60
FAILURES = 'kallglot_exporter_api_request_failures_total'
RESENT = 'kallglot_exporter_api_requests_resent_total'
OPEN = 'kallglot_exporter_api_open_connections'


class Http2(EndToEnd):
    def start(self, *flags, version='auto', api='', sessions=SESSIONS):
        self.api = self.simulator('--sessions', sessions, *STILL, *flags)
        self.count = sessions
        return self.exporter(self.config(self.api.port, api=f'http_version: {version}\n{api}'))

    def healthy(self, exporter):
        """All sessions are known and active, and polls go on."""
        exporter.until('all active', lambda scrape: scrape.value('kallglot_sessions', status='active') == self.count)
        return exporter.more_polls(2 * self.count)

    def end(self, exporter):
        exporter.stop()
        self.assert_clean_end(exporter)

    def test_auto_agrees_on_http2_over_few_connections(self):
        exporter = self.start()
        scrape = self.healthy(exporter)
        self.assertGreaterEqual(scrape.value(OPEN, protocol='h2'), 1)
        self.assertEqual(scrape.value(OPEN, protocol='http/1.1'), 0)
        self.assertEqual(scrape.total(FAILURES), 0)
        stats = self.api.stats()
        self.assertEqual(stats['http2']['requests'], stats['requests']['session'])
        self.assertLessEqual(stats['connections']['peak'], 4)
        self.end(exporter)

    def test_auto_uses_http1_with_a_server_that_has_no_http2(self):
        exporter = self.start('--http-version=1.1')
        scrape = self.healthy(exporter)
        self.assertEqual(scrape.value(OPEN, protocol='h2'), 0)
        self.assertEqual(scrape.total(FAILURES), 0)
        self.end(exporter)

    def test_http1_is_offered_alone_on_request(self):
        exporter = self.start(version='1.1')
        self.healthy(exporter)
        self.assertEqual(self.api.stats()['http2']['requests'], 0)
        self.end(exporter)

    def test_http2_is_required_on_request(self):
        exporter = self.start('--http-version=1.1', version='2')
        scrape = exporter.until('down', lambda scrape: scrape.value('kallglot_up') == 0)
        self.assertGreater(scrape.total(FAILURES), 0)
        self.assertEqual(self.api.stats()['requests']['session'], 0)
        self.end(exporter)

    def test_goaway_after_each_hundred_requests_is_no_failure(self):
        exporter = self.start()
        self.api.set_faults(close_after=100)
        scrape = exporter.more_polls(600)
        self.assertEqual(scrape.total(FAILURES), 0)
        self.assertEqual(scrape.value('kallglot_up'), 1)
        self.assertGreater(scrape.value('kallglot_exporter_api_goaways_total', code='no_error'), 0)
        self.assertGreater(self.api.stats()['http2']['goaways'], 0)
        self.end(exporter)

    def test_refused_streams_are_sent_again_without_a_failure(self):
        exporter = self.start()
        self.healthy(exporter)
        self.api.set_faults(refused_stream=0.05)
        scrape = exporter.until('resent requests', lambda scrape: scrape.value(RESENT, cause='refused') >= 10)
        self.assertEqual(scrape.value('kallglot_up'), 1)
        self.api.set_faults()
        self.healthy(exporter)
        self.end(exporter)

    def test_streams_refused_without_end_lead_to_http1(self):
        exporter = self.start()
        self.healthy(exporter)
        self.api.set_faults(refused_stream=1)
        exporter.until('failures', lambda scrape: scrape.total(FAILURES) > 0)
        exporter.until('HTTP/1.1', lambda scrape: scrape.value(OPEN, protocol='http/1.1') > 0)
        self.healthy(exporter)
        self.end(exporter)

    def test_http1_required_falls_back(self):
        exporter = self.start()
        self.api.set_faults(http_1_1_required=1)
        scrape = self.healthy(exporter)
        self.assertGreater(scrape.value(RESENT, cause='http_1_1_required'), 0)
        self.assertGreater(scrape.value(OPEN, protocol='http/1.1'), 0)
        self.assertEqual(scrape.total(FAILURES), 0)
        self.end(exporter)

    def test_misdirected_request_is_sent_again_once(self):
        exporter = self.start()
        self.healthy(exporter)
        self.api.set_faults(misdirected=0.02)
        exporter.until('resent requests', lambda scrape: scrape.value(RESENT, cause='misdirected') > 0)
        self.api.set_faults()
        self.healthy(exporter)
        self.end(exporter)

    def test_reset_streams_are_failures_and_never_answers(self):
        exporter = self.start()
        self.healthy(exporter)
        for code in ('NO_ERROR', 'CANCEL', 'INTERNAL_ERROR'):
            with self.subTest(code):
                before = exporter.scrape().value(FAILURES, reason='reset')
                self.api.set_faults(reset_body=0.05, reset_code=code)
                scrape = exporter.until('resets', lambda scrape: scrape.value(FAILURES, reason='reset') > before)
                self.assertEqual(scrape.value('kallglot_sessions', status='active'), self.count)
                self.api.set_faults()
                self.healthy(exporter)
        self.end(exporter)

    def test_goaway_with_any_code_costs_no_session(self):
        exporter = self.start()
        self.healthy(exporter)
        for code in ('NO_ERROR', 'INTERNAL_ERROR', 'ENHANCE_YOUR_CALM'):
            with self.subTest(code):
                self.api.set_faults(goaway=0.05, goaway_code=code)
                exporter.until('GOAWAYs', lambda scrape: scrape.value(
                    'kallglot_exporter_api_goaways_total', code=code.lower()) > 0)
                self.api.set_faults()
                self.healthy(exporter)
        self.end(exporter)

    def test_harmless_variants_of_answers_are_accepted(self):
        exporter = self.start()
        self.api.set_faults(interim=0.3, trailer_field=0.3, chunked=0.3)
        scrape = self.healthy(exporter)
        self.assertEqual(scrape.total(FAILURES), 0)
        self.end(exporter)

    def test_wrong_answers_are_rejected_and_the_rest_is_polled(self):
        exporter = self.start()
        self.healthy(exporter)
        for fault in ('longer_body', 'shorter_body', 'forbidden_field', 'interim_flood', 'trailers', 'bad_status', 'endless', 'huge',
                      'wrong_id', 'truncate', 'close', 'garbage'):
            with self.subTest(fault):
                self.api.set_faults(**{fault: 0.05})
                exporter.expect('the fault', lambda: self.api.stats()['faults'][fault] >= 3)
                self.api.set_faults()
                self.healthy(exporter)
        self.end(exporter)

    def test_stream_limit_may_change_also_to_zero(self):
        exporter = self.start()
        self.healthy(exporter)
        for limit in (1, 0, 100):
            self.api.set_faults(max_streams=limit)
            if limit:
                exporter.more_polls(self.count)
        scrape = self.healthy(exporter)
        self.assertEqual(scrape.value('kallglot_up'), 1)
        self.end(exporter)

    def test_stalled_connection_is_replaced(self):
        exporter = self.start(api='request_timeout: 1s')
        self.healthy(exporter)
        self.api.set_faults(stall=1)
        exporter.expect('a stalled connection', lambda: self.api.stats()['faults']['stall'] >= 1)
        self.api.set_faults()
        exporter.until('timeouts', lambda scrape: scrape.value(FAILURES, reason='timeout') > 0)
        self.healthy(exporter)
        self.end(exporter)

    def test_late_answers_time_out_alone(self):
        exporter = self.start(api='request_timeout: 1s')
        self.healthy(exporter)
        self.api.set_faults(late=0.02, late_by='3s', cancelled_bytes=65536)
        exporter.until('cancelled streams', lambda scrape: scrape.value('kallglot_exporter_api_streams_cancelled_total') > 0)
        self.api.set_faults()
        self.healthy(exporter)
        self.end(exporter)

    def test_hostile_frames_end_the_connection_and_not_the_daemon(self):
        exporter = self.start(api='request_timeout: 2s')
        self.healthy(exporter)
        for fault in (*VIOLATIONS, *FLOODS):
            with self.subTest(fault):
                self.api.set_faults(**{fault: 0.02})
                exporter.expect('the fault', lambda: self.api.stats()['faults'][fault] >= 1)
                self.api.set_faults()
                self.healthy(exporter)
        self.end(exporter)

    def test_server_that_speaks_something_else_gets_no_key(self):
        for faults in ({'speak': 'http/1.1'}, {'speak': 'nothing'}, {'alpn_answer': 'spdy/3'}):
            with self.subTest(faults):
                self.api = self.simulator('--sessions', SESSIONS, *STILL)
                self.api.set_faults(**faults)
                exporter = self.exporter(self.config(self.api.port, api='http_version: 2\nconnect_timeout: 1s'))
                exporter.until('down', lambda scrape: scrape.value('kallglot_up') == 0)
                self.assertEqual(self.api.stats()['requests']['session'], 0)
                self.end(exporter)
                self.api.stop()
                (self.folder / 'address').unlink()

    def test_version_of_the_server_may_change_while_polling(self):
        exporter = self.start()
        self.healthy(exporter)
        for offer in ('http/1.1', 'h2,http/1.1'):
            self.api.set_faults(alpn=offer, close_after=50)
            exporter.more_polls(300)
        self.assertEqual(exporter.scrape().total(FAILURES), 0)
        self.end(exporter)


if __name__ == '__main__':
    main()
