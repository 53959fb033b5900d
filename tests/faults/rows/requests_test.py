#!/usr/bin/env python3
"""Requests to the listeners that are too large, forged, repeated, pipelined, hostile, or for another path."""

import json
import time

from fault_case import Row, main, whole
from support import web
from support.durable import ALL, TOKEN, Durable, event, signed


class Requests(Durable, Row):
    def test_h5_large_bodies_are_rejected_unread(self):
        """A body of ten gibibytes; Expect: 100-continue
        The listener answers 413 at once, and no 100 for a body over the limit."""
        exporter = self.launch()
        for address, path in ((exporter.webhooks, '/webhooks/kallglot'), (exporter.address, ALL)):
            for expect in ('', 'Expect: 100-continue\r\n'):
                said = web.exchange(address, f'POST {path} HTTP/1.1\r\nHost: localhost\r\n{expect}Content-Length: {10 << 30}\r\n\r\n'.encode())
                self.assertEqual(said[:12], b'HTTP/1.1 413', said[:60])
                self.assertNotIn(b' 100 ', said)
        self.suite('http_server_test', 'HttpServer.AsksForABodyThatTheClientHoldsBack', 1, '413 at both listeners')

    def test_h6_forged_signatures_get_the_same_answer(self):
        """Signatures that are forged, missing, cut, too long, upper-case, several, or of another body
        None of a million is accepted. The answer does not say which part was wrong."""
        self.suite('web_intake_test', 'WebhookSignature.*:WebhookRoute.RejectionDoesNot*', 13, 'a million forgeries, 0 accepted')
        self.elsewhere('webhook_test', 'Webhooks.test_rejections_look_alike_and_are_counted_apart')

    def test_h7_replays_have_no_effect(self):
        """An event comes again at once, after a restart, and after the tolerance
        A replay gets 2xx without effect, also after a restart. Outside the tolerance it gets 401."""
        exporter = self.launch()
        body = event('again', 'sess_again', 'session.started')
        for _ in range(3):
            self.assertEqual(self.deliver(exporter, body).status, 200)
        late = web.request(exporter.webhooks, '/webhooks/kallglot', 'POST', body, signed(body, at=time.time() - 400))
        self.assertEqual(late.status, 401)
        exporter.kill()
        again = self.launch()
        self.assertEqual(self.deliver(again, body).status, 200)
        results = again.scrape().by('result', 'kallglot_exporter_webhook_requests_total')
        self.assertEqual((results['accepted'], results['duplicate']), (0, 1))
        self.suite('intake_test', 'IntakeEvents.EventsAreDistinguishedFor72Hours', 1, 'once, over a restart')

    @whole
    def test_h8_order_of_events_does_not_matter(self):
        """Events arrive twice, out of order, late, or not at all
        Each event counts once. Every order of polls and events leads to the same state."""
        self.suite('intake_test', 'IntakeOrder.*', 1, '')
        count = self.elsewhere('webhook_feed_test', 'WebhookFeed.test_repeated_and_unordered_webhooks_change_nothing',
                               'WebhookFeed.test_polls_replace_lost_webhooks')
        self.figure(f'all orders in the intake, {count} feeds at the daemon')

    def test_h11_pipelined_requests_are_limited(self):
        """Ten thousand requests are sent ahead on one connection
        They are answered one at a time, a thousand a connection; then the connection closes."""
        exporter = self.launch()
        one = b'GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n'
        # What was sent beyond the last answer is read and dropped before the end, so that no answer is lost: 256 KiB of it.
        answers = web.exchange(exporter.address, one * 5_000).count(b'HTTP/1.1 200')
        self.assertEqual(answers, 1000)
        self.assertLessEqual(web.exchange(exporter.address, one * 10_000).count(b'HTTP/1.1 200'), 1000)
        self.assertEqual(exporter.get('/-/healthy').status, 200)
        self.figure(f'{answers} answers, then the end')

    def test_h12_unknown_paths_and_methods_get_404_and_405(self):
        """Unknown paths and methods, HEAD, OPTIONS, absolute form, ..
        The answer is 404, or 405 or 204 with Allow. HEAD is like GET without a body. No part of the request comes back."""
        exporter = self.launch()
        for method, path, code in (('GET', '/nowhere<script>', 404), ('POST', '/metrics', 405), ('OPTIONS', '/metrics', 204),
                                   ('GET', '/-/reload', 405), ('GET', '/../etc/passwd', 404), ('GET', '/metrics/..', 404),
                                   ('BREW', '/metrics', 405), ('HEAD', '/metrics', 200)):
            with self.subTest(f'{method} {path}'):
                answer = exporter.get(path, method=method)
                self.assertEqual(answer.status, code)
                self.assertEqual(answer.headers['Allow'] is not None, code in (204, 405))
                self.assertNotIn(b'script', answer.body)
                self.assertEqual(method in ('HEAD', 'OPTIONS'), answer.body == b'')
        said = web.exchange(exporter.address, b'GET http://x/-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
        self.assertEqual(said[:12], b'HTTP/1.1 200')
        self.figure('8 forms')

    def test_h14_input_cannot_forge_log_lines(self):
        """CR LF, terminal codes and a long text in every field that is logged
        Each event is one escaped line, with at most 256 bytes of a field from outside."""
        self.suite('log_test', 'LogLine.*', 8, '')
        exporter = self.launch(flags=('--log.level', 'debug'))
        evil = '\r\nts=now level=error msg=forged \x1b[31m' + 'x' * 20_000
        self.api.set_faults(hostile_words=0.5, server_error=0.3)
        # New sessions are polled at once: those that the API knows answer with hostile words, and a third of all fails.
        known = (self.folder / 'sessions.txt').read_text()
        (self.folder / 'ids.txt').write_text(known + '\n'.join(f'sess_good_{i}' for i in range(60)) + f'\nan id{evil}\n')
        exporter.expect('what is wrong with the file', lambda: 'session file has invalid lines' in exporter.log())
        for event_id, kind, session in ((evil, 'session.started', 'sess_x'), ('evt_1', evil, 'sess_x'), ('evt_2', 'session.started', evil)):
            body = json.dumps({'id': event_id, 'type': kind, 'data': {'id': session}}).encode()
            web.request(exporter.webhooks, '/webhooks/kallglot', 'POST', body, signed(body))
        self.assertEqual(self.ask(exporter, 'PUT', f'{ALL}/a%0d%0ats=now').status, 400)
        self.assertEqual(self.ask(exporter, 'POST', ALL, {'ids': [evil]}).status, 200)
        exporter.get('/x%0d%0ats=now', headers={'Authorization': 'Bearer ' + TOKEN[:5], 'User-Agent': 'ts=now \x1b[31m'})
        self.api.expect('hostile words', lambda: self.api.stats()['faults']['hostile_words'] > 0)
        exporter.expect('logged polls', lambda: exporter.log().count('msg="poll failed"') > 5)
        lines = exporter.log().splitlines()
        for line in lines:
            self.assertTrue(line.startswith('ts=2'), line[:100])
            self.assertNotIn('\x1b', line)
            self.assertLess(len(line), 2000)
        self.assertEqual([line for line in lines if 'level=error' in line], [])
        self.figure(f'{len(lines)} lines at level debug, each begins with its time')

    def test_h15_each_listener_has_its_own_paths(self):
        """Metrics, status and session API are requested at the public port, and webhooks at the private one
        Each request gets 404; the public port says at /-/healthy that it works, and nothing else. The private listener is on
        loopback unless configured otherwise."""
        exporter = self.launch()
        for path in ('/', '/metrics', '/config', '/-/ready', '/-/reload', ALL):
            self.assertEqual(web.request(exporter.webhooks, path).status, 404, path)
        self.assertEqual(web.request(exporter.webhooks, '/-/healthy').text, 'healthy\n')
        self.assertEqual(exporter.get('/webhooks/kallglot', method='POST', body=b'{}').status, 404)
        self.elsewhere('webhook_test', 'Webhooks.test_webhook_listener_serves_only_the_webhook_path')
        self.figure('6 paths and the hook')


if __name__ == '__main__':
    main()
