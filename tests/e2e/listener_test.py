#!/usr/bin/env python3
"""The private listener serves well-behaved clients and survives slow, large and invalid requests."""

import http.client
import json
import re
import select
import socket

from support import web
from support.case import EndToEnd, main
from support.exposition import Exposition

HEADER_LIMIT = 16 * 1024
MOST_CONNECTIONS = 256
GET = 'GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'


def status_of(raw):
    match = re.match(rb'HTTP/1\.1 (\d{3}) ', raw)
    return int(match.group(1)) if match else None


class Listener(EndToEnd):
    def setUp(self):
        super().setUp()
        self.api = self.simulator('--sessions', 100, '--stuck', 4)
        self.exporter_ = self.exporter(self.config(self.api.port, thresholds='{connecting: [500ms]}'))
        self.address = self.exporter_.ready().address

    def tearDown(self):
        # After each test the exporter still serves the next client and stops cleanly.
        self.assertEqual(web.request(self.address, '/-/healthy').status, 200)
        self.exporter_.stop()
        self.assert_clean_end(self.exporter_)

    def raw(self, text):
        return web.exchange(self.address, text.encode() if isinstance(text, str) else text)

    def test_known_paths_answer_and_others_get_404(self):
        for path, kind in (('/metrics', 'text/plain'), ('/', 'text/html'), ('/-/healthy', 'text/plain'),
                           ('/-/ready', 'text/plain')):
            answer = self.exporter_.get(path)
            self.assertEqual(answer.status, 200, path)
            self.assertTrue(answer.headers['Content-Type'].startswith(kind), answer.headers['Content-Type'])
        for path in ('/nowhere', '/metricsx', '/metrics/', '/-/', '/../etc/passwd', '/%2e%2e/etc/passwd'):
            self.assertEqual(self.exporter_.get(path).status, 404, path)
        self.assertEqual(self.exporter_.get('/metrics?anything=1').status, 200)

    def test_other_methods_get_405_with_allow(self):
        for method in ('POST', 'PUT', 'DELETE', 'PATCH'):
            answer = self.exporter_.get('/metrics', method=method, body='')
            self.assertEqual(answer.status, 405, method)
            self.assertEqual(answer.headers['Allow'], 'GET, HEAD, OPTIONS', method)

    def test_options_get_204_with_allow(self):
        # What HAProxy's `option httpchk` sends.
        for target, allow in (('/', 'GET, HEAD, OPTIONS'), ('*', 'DELETE, GET, HEAD, OPTIONS, POST, PUT')):
            answer = self.raw(f'OPTIONS {target} HTTP/1.0\r\n\r\n')
            self.assertEqual(status_of(answer), 204)
            self.assertIn(f'\r\nAllow: {allow}'.encode(), answer)

    def test_head_answers_like_get_without_a_body(self):
        for path in ('/metrics', '/', '/-/ready'):
            head, full = self.exporter_.get(path, method='HEAD'), self.exporter_.get(path)
            self.assertEqual((head.status, head.body), (200, b''))
            self.assertEqual(head.headers['Content-Type'], full.headers['Content-Type'])

    def test_status_page_shows_the_counts(self):
        self.exporter_.until('the stuck', lambda scrape: scrape.value(
            'kallglot_sessions_over_threshold', status='connecting', threshold_seconds='0.5') == 4)
        page = self.exporter_.get('/').text
        for word in ('connecting', 'active', '/metrics'):
            self.assertIn(word, page)
        self.assertNotIn('<script', page)

    def test_too_long_header_gets_431(self):
        answer = self.raw('GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Long: ' + 'a' * (HEADER_LIMIT + 1000) + '\r\n\r\n')
        self.assertEqual(status_of(answer), 431)
        almost = self.raw('GET /-/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Long: '
                          + 'a' * (HEADER_LIMIT - 1000) + '\r\n\r\n')
        self.assertEqual(status_of(almost), 200)

    def test_too_long_body_gets_413(self):
        answer = self.raw('POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n')
        self.assertEqual(status_of(answer), 413)

    def test_invalid_http_is_rejected_and_closed(self):
        for text in ('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + 'a' * 100 + '\r\n\r\n', 'GET\r\n\r\n', 'nonsense\r\n\r\n',
                     'GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
                     'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'):
            answer = self.raw(text.encode('latin-1'))
            self.assertIn(status_of(answer), (400, 501, None), answer[:100])
            self.assertNotIn(b'kallglot_sessions', answer)

    def test_requests_in_one_packet_are_answered_in_turn(self):
        one = GET.replace('Connection: close\r\n', '')
        answer = self.raw(one.format('/-/healthy') + one.format('/nowhere') + GET.format('/-/ready'))
        self.assertEqual(re.findall(rb'HTTP/1\.1 (\d{3})', answer), [b'200', b'404', b'200'])

    def test_request_in_single_bytes_is_answered(self):
        with web.connect(self.address) as slow:
            slow.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for letter in GET.format('/-/healthy').encode():
                slow.send(bytes([letter]))
            self.assertEqual(status_of(slow.recv(4096)), 200)

    def test_slow_request_gets_408_and_delays_no_scrape(self):
        with web.connect(self.address, 25) as slow:
            slow.sendall(b'GET /metrics HTTP/1.1\r\nHost:')
            scrapes = 0

            def answered(_):
                nonlocal scrapes
                scrapes += 1
                return select.select([slow], [], [], 0)[0]
            self.exporter_.until('the end of the slow request', answered)
            self.assertEqual(status_of(slow.recv(4096)), 408)
            # Ten seconds of scrapes, at least 20 ms apart.
            self.assertGreater(scrapes, 50)

    def test_scrape_with_every_connection_taken_is_answered(self):
        idle = []
        try:
            for _ in range(MOST_CONNECTIONS + 20):
                one = web.connect(self.address)
                one.sendall(b'GET /metrics HTTP/1.1\r\n')
                idle.append(one)
            scrape = self.exporter_.scrape()
            self.assertGreaterEqual(scrape.total('kallglot_sessions'), 100)
            self.assertLessEqual(scrape.value('process_open_fds'), MOST_CONNECTIONS + 150)
        finally:
            for one in idle:
                one.close()

    def test_client_that_resets_does_not_affect_others(self):
        for _ in range(50):
            with web.connect(self.address) as rude:
                rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
                rude.sendall(GET.format('/metrics').encode())
        self.assertEqual(self.exporter_.get('/metrics').status, 200)

    def test_one_connection_serves_many_scrapes(self):
        connection = http.client.HTTPConnection(self.address, timeout=20)
        self.addCleanup(connection.close)
        connection.connect()
        ours = connection.sock.getsockname()
        for _ in range(50):
            connection.request('GET', '/metrics')
            answer = connection.getresponse()
            self.assertEqual(answer.status, 200)
            Exposition(answer.read().decode())
        self.assertEqual(connection.sock.getsockname(), ours)

    def test_json_logs_are_valid_json(self):
        other = self.exporter(self.folder / 'config.yml', '--log.format=json', '--log.level=debug', name='json')
        other.ready().stop()
        lines = other.log().splitlines()
        self.assertGreaterEqual(len(lines), 3)
        for line in lines:
            event = json.loads(line)
            self.assertLessEqual({'ts', 'level', 'msg'}, set(event), line)


if __name__ == '__main__':
    main()
