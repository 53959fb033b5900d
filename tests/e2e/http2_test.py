#!/usr/bin/env python3
"""HTTP/2 to the API, behind nginx: connections that the server ends in the middle of polls, and changes of the protocol."""

import shutil
import signal
import unittest

from support.case import EndToEnd, main
from support.configuration import every
from support.nginx import Nginx
from support.programs import STILL

SESSIONS = 200
FAILURES = 'kallglot_exporter_api_request_failures_total'
OPEN = 'kallglot_exporter_api_open_connections'


@unittest.skipUnless(shutil.which('nginx'), 'nginx is not installed')
class Http2(EndToEnd):
    def setUp(self):
        super().setUp()
        self.api = self.simulator('--sessions', SESSIONS, *STILL, '--latency', '20ms')

    def front(self, **options):
        return self.keep(Nginx(self.folder, self.api.port, **options))

    def start(self, port, api='', interval='250ms'):
        return self.exporter(self.config(port, ca_file='front.pem', intervals=every(interval), api=api))

    def polled(self, exporter, count):
        """The scrape after at least that many polls, and at least one of each session: on a busy machine some wait for long."""
        return exporter.until(f'{count} polls', lambda scrape: scrape.value('kallglot_exporter_api_requests_total') >= count
                              and scrape.value('kallglot_sessions', status='unknown') == 0)

    def assert_nothing_lost(self, scrape, allowed=()):
        failures = {reason: count for reason, count in scrape.by('reason', FAILURES).items() if count and reason not in allowed}
        self.assertEqual(failures, {})
        self.assertEqual(scrape.value('kallglot_up'), 1)
        self.assertEqual(scrape.value('kallglot_sessions', status='active'), SESSIONS)

    def end(self, exporter):
        exporter.stop()
        self.assert_clean_end(exporter)

    def test_one_connection_carries_all_polls(self):
        exporter = self.start(self.front(requests=1000000).port)
        scrape = self.polled(exporter, 2000)
        self.assert_nothing_lost(scrape)
        self.assertLessEqual(scrape.value('kallglot_exporter_api_connections_opened_total'), 4)
        self.assertGreaterEqual(scrape.value(OPEN, protocol='h2'), 1)
        self.assertEqual(scrape.value(OPEN, protocol='http/1.1'), 0)
        self.end(exporter)

    def test_server_that_ends_connections_loses_no_poll(self):
        exporter = self.start(self.front(requests=1000).port)
        scrape = self.polled(exporter, 5000)
        self.assert_nothing_lost(scrape)
        self.assertGreaterEqual(scrape.value('kallglot_exporter_api_goaways_total', code='no_error')
                                + scrape.value('kallglot_exporter_api_connections_opened_total'), 4)
        self.end(exporter)

    def test_reload_of_the_server_loses_no_poll(self):
        front = self.front()
        exporter = self.start(front.port)
        for round_ in range(1, 4):
            self.polled(exporter, 600 * round_)
            front.send(signal.SIGHUP)
        scrape = self.polled(exporter, 3000)
        # A worker that ends may reset a connection before its GOAWAY was read. The sessions are asked again.
        self.assert_nothing_lost(scrape, allowed=('reset',))
        self.end(exporter)

    def test_server_may_change_the_protocol(self):
        front = self.front()
        exporter = self.start(front.port)
        for http2, protocol in ((True, 'h2'), (False, 'http/1.1'), (True, 'h2')):
            front.write(http2)
            front.send(signal.SIGHUP)
            other = 'http/1.1' if protocol == 'h2' else 'h2'
            exporter.until(protocol, lambda scrape: scrape.value(OPEN, protocol=protocol) > 0
                           and scrape.value(OPEN, protocol=other) == 0)
        scrape = self.polled(exporter, 1000)
        self.assertEqual(scrape.value('kallglot_up'), 1)
        self.assertEqual(scrape.value('kallglot_sessions', status='active'), SESSIONS)
        self.end(exporter)

    def test_http_1_1_when_configured(self):
        exporter = self.start(self.front().port, api='http_version: 1.1')
        scrape = self.polled(exporter, 1000)
        self.assert_nothing_lost(scrape)
        self.assertEqual(scrape.value(OPEN, protocol='h2'), 0)
        self.end(exporter)

    def test_http_2_demanded_and_missing_is_an_error_that_says_so(self):
        exporter = self.start(self.front(http2=False).port, api='http_version: 2')
        exporter.until('down', lambda scrape: scrape.value('kallglot_up') == 0)
        self.assertIn('does not speak HTTP/2, which api.http_version requires', exporter.log())
        self.end(exporter)


if __name__ == '__main__':
    main()
