#!/usr/bin/env python3
"""The webhook listener rejects invalid webhooks, counts them by reason, and does not tell the sender the reason."""

import time

from support import web
from support.case import main
from support.durable import SECRET, Durable, event, signed

PATH = '/webhooks/kallglot'
REQUESTS = 'kallglot_exporter_webhook_requests_total'


class Webhooks(Durable):
    def setUp(self):
        super().setUp()
        self.exporter = self.launch()

    def post(self, body, headers, path=PATH):
        return web.request(self.exporter.webhooks, path, 'POST', body, headers)

    def counted(self, result):
        return self.exporter.scrape().value(REQUESTS, result=result)

    def test_both_secrets_of_a_rotation_are_accepted(self):
        for number, secret in enumerate((SECRET, 'a-secret-from-before-the-rotation')):
            body = event(number, f'sess_signed_{number}', 'session.started')
            self.assertEqual(self.post(body, signed(body, secret)).status, 200)
        for number, secret in enumerate(('', 'another-secret', 'a-secret-for-signing-webhooks-in-test')):
            body = event(f'forged_{number}', 'sess_forged')
            self.assertEqual(self.post(body, signed(body, secret)).status, 401)
        self.assertNotIn('sess_forged', self.tracked(self.exporter))
        self.assertEqual((self.counted('accepted'), self.counted('signature')), (2, 3))

    def test_rejections_look_alike_and_are_counted_apart(self):
        body = event(1, 'sess_refused')
        answers = [self.post(body, headers) for headers in (
            {}, {'Kallglot-Signature': 't=1,v1=0'}, signed(body + b' '), signed(body, at=time.time() - 400),
            signed(body, at=time.time() + 400))]
        self.assertEqual({answer.status for answer in answers}, {401})
        self.assertEqual(len({answer.text for answer in answers}), 1)
        self.assertEqual((self.counted('signature'), self.counted('timestamp')), (3, 2))
        self.assertEqual(self.post(b'{"id":', signed(b'{"id":')).status, 400)
        self.assertEqual(self.counted('malformed'), 1)

    def test_too_large_body_is_rejected_and_counted(self):
        largest = event(1, 'sess_large') + b' ' * 65536
        body = largest[:65536]
        self.assertEqual(self.post(body, signed(body)).status, 200)
        body = largest[:65537]
        self.assertEqual(self.post(body, signed(body)).status, 413)
        self.assertEqual((self.counted('accepted'), self.counted('too_large')), (1, 1))

    def test_webhook_listener_serves_only_the_webhook_path(self):
        for path in ('/', '/metrics', '/-/ready', '/-/reload', '/config', '/api/v1/sessions', PATH + '/'):
            self.assertEqual(web.request(self.exporter.webhooks, path).status, 404, path)
        answer = web.request(self.exporter.webhooks, PATH)
        self.assertEqual((answer.status, answer.headers['Allow']), (405, 'OPTIONS, POST'))
        self.assertEqual(web.request(self.exporter.webhooks, '/-/healthy').text, 'healthy\n')
        self.assertEqual(self.exporter.get(PATH, method='POST').status, 404)

    def test_requests_that_are_no_webhooks_are_counted_and_logged(self):
        body = event(1, 'sess_of_a_mistake')
        host = b'Host: webhooks.example.com\r\n'
        wrong = {
            b'POST /webhooks/other?phone=%2B12025550143 HTTP/1.1\r\n' + host + b'Content-Length: 0\r\n\r\n': 404,
            b'GET /webhooks/kallglot HTTP/1.1\r\n' + host + b'\r\n': 405,
            b'PUT /webhooks/kallglot HTTP/1.1\r\n' + host + b'Content-Length: 0\r\n\r\n': 405,
            b'POST /webhooks/kallglot HTTP/1.1\r\n' + host + b'Expect: x\r\nContent-Length: 1\r\n\r\n': 417,
            b'PROXY TCP4 192.0.2.1 192.0.2.2 1 443\r\nPOST /webhooks/kallglot HTTP/1.1\r\n\r\n': 400,
            b'POST /webhooks/kallglot HTTP/1.1\r\nContent-Length: 0\r\n\r\n': 400,
        }
        for number, (text, status) in enumerate(wrong.items(), 1):
            answer = web.exchange(self.exporter.webhooks, text, half_close=True)
            self.assertEqual(answer[:12], b'HTTP/1.1 %d' % status, text)
            self.assertEqual(self.counted('refused'), number, text)
        # One line a minute, with what a person needs and nothing of the request.
        lines = [line for line in self.exporter.log().splitlines() if 'webhook requests rejected' in line]
        self.assertEqual(len(lines), 1)
        self.assertIn('level=warn', lines[0])
        self.assertIn('status=404 reason="Not Found" count=1', lines[0])
        for word in ('other', 'phone', '2025550143', 'example.com'):
            self.assertNotIn(word, lines[0])
        self.assertEqual(self.post(body, signed(body)).status, 200)

    def test_signature_header_may_have_blanks_and_a_signature_of_another_form(self):
        for number, change in enumerate((lambda text: text.replace(',', ', '), lambda text: text + ',v1=not-hexadecimal',
                                         lambda text: text.replace(',v1', ',v1=,v1'))):
            body = event(number, f'sess_blank_{number}')
            header = change(signed(body)['Kallglot-Signature'])
            self.assertEqual(self.post(body, {'Kallglot-Signature': header}).status, 200, header)

    def test_events_change_a_session_and_unknown_ones_count(self):
        for number, (kind, outcome) in enumerate((('session.created', 'created'), ('session.started', 'active'),
                                                  ('session.created', 'active'), ('transcript.ready', 'active'),
                                                  ('session.teleported', 'active'), ('session.ended', 'ended'),
                                                  ('session.started', 'ended'))):
            body = event(number, 'sess_that_moves', kind)
            self.assertEqual(self.post(body, signed(body)).status, 200, kind)
            shown = self.ask(self.exporter, 'GET', '/api/v1/sessions/sess_that_moves')
            self.assertIn(f'"status":"{outcome}"', shown.text, kind)
        scrape = self.exporter.scrape()
        self.assertEqual(scrape.value('kallglot_exporter_webhook_events_total', event='other'), 1)
        self.assertEqual(scrape.value('kallglot_exporter_webhook_events_total', event='session.created'), 1, 'accepted ones only')
        self.assertEqual((self.counted('accepted'), self.counted('outdated')), (5, 2))
        self.assertAlmostEqual(scrape.value('kallglot_exporter_webhook_last_event_timestamp_seconds'), time.time(),
                               delta=60)


if __name__ == '__main__':
    main()
