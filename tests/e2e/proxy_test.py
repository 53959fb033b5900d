#!/usr/bin/env python3
"""`api.proxy_url`: every connection to the API goes through the proxy, and the failures of a proxy are named."""

import base64
import contextlib
import socket

from support.case import EndToEnd, main
from support.programs import STILL
from support.proxy import Proxy

FAILURES = 'kallglot_exporter_api_request_failures_total'


class ThroughAProxy(EndToEnd):
    def start(self, port, connect_timeout='5s'):
        return self.exporter(self.config(self.api.port, api=f'proxy_url: http://127.0.0.1:{port}\n'
                                         f'connect_timeout: {connect_timeout}'))

    def setUp(self):
        super().setUp()
        self.api = self.simulator('--sessions', 40, *STILL)

    def proxy(self, *arguments, **options):
        made = Proxy(self.api.port, *arguments, **options)
        self.addCleanup(made.close)
        return made

    def test_polls_pass_the_proxy_with_tls_to_the_api(self):
        for piecewise in (False, True):
            with self.subTest(piecewise):
                proxy = self.proxy(piecewise=piecewise)
                exporter = self.start(proxy.port)
                scrape = exporter.until('all polled', lambda scrape: scrape.value('kallglot_sessions', status='active') == 40)
                self.assertEqual(scrape.value('kallglot_up'), 1)
                # A connection counts as open after its handshake, which comes after the request to the proxy.
                exporter.until('every connection open', lambda scrape: len(proxy.asked) == scrape.value(
                    'kallglot_exporter_api_connections_opened_total'))
                self.assertEqual(set(proxy.asked), {f'CONNECT localhost:{self.api.port} HTTP/1.1\r\n'
                                                    f'Host: localhost:{self.api.port}\r\n\r\n'})
                exporter.stop()
                self.assert_clean_end(exporter)

    def test_proxy_that_requires_a_password_gets_it_alone(self):
        proxy = self.proxy()
        password = self.write('proxy_password', 'correct horse: battery\n')
        file = self.config(self.api.port, api=f'proxy_url: http://127.0.0.1:{proxy.port}\nproxy_user: me\n'
                           'proxy_password_file: proxy_password')
        exporter = self.exporter(file, '--log.level=debug', '--web.enable-lifecycle')
        exporter.until('all polled', lambda scrape: scrape.value('kallglot_sessions', status='active') == 40)
        login = base64.b64encode(b'me:correct horse: battery').decode()
        self.assertEqual(set(proxy.asked), {f'CONNECT localhost:{self.api.port} HTTP/1.1\r\nHost: localhost:{self.api.port}\r\n'
                                            f'Proxy-Authorization: Basic {login}\r\n\r\n'})
        # A reload reads the password again; the next connection uses it.
        password.write_text('another password\n')
        self.assertEqual(exporter.get('/-/reload', method='POST', body='').status, 200)
        known = len(proxy.asked)
        for one in list(proxy.open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        exporter.expect('another connection', lambda: len(proxy.asked) > known)
        self.assertIn(base64.b64encode(b'me:another password').decode(), proxy.asked[-1])
        shown = exporter.log() + exporter.get('/config').text + exporter.get('/metrics').text + exporter.get('/').text
        for secret in ('correct horse', 'another password', login):
            self.assertNotIn(secret, shown)
        exporter.stop()
        self.assert_clean_end(exporter)

    def test_bad_answer_of_the_proxy_is_named(self):
        for answer, words in ((b'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n', 'the proxy requires authentication'),
                              (b'HTTP/1.1 403 Forbidden\r\n\r\n', 'the proxy rejected the CONNECT request'),
                              (b'SSH-2.0-OpenSSH_9.2\r\n', 'the response of the proxy is not HTTP/1'),
                              (b'HTTP/1.1 200 OK\r\n\r\nand more', 'the proxy sent data after its response header'),
                              (b'HTTP/1.1 200 OK\r\n' + b'X: ' + b'a' * 9000, "the response header of the proxy exceeds 8 KiB"),
                              (b'', 'the proxy closed the connection')):
            with self.subTest(words):
                exporter = self.start(self.proxy(answer).port)
                exporter.until('failures', lambda scrape: scrape.value(FAILURES, reason='connect') > 0)
                exporter.until('down', lambda scrape: scrape.value('kallglot_up') == 0)
                self.assertIn(words, exporter.log())
                exporter.stop()
                self.assert_clean_end(exporter)

    def test_silent_proxy_is_a_timeout(self):
        exporter = self.start(self.proxy(None).port, '300ms')
        exporter.until('timeouts', lambda scrape: scrape.value(FAILURES, reason='timeout') > 0)
        exporter.stop()
        self.assert_clean_end(exporter)


if __name__ == '__main__':
    main()
