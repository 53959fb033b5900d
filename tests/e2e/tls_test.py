#!/usr/bin/env python3
"""A server that cannot prove that it is the API never gets the key."""

import ssl
import warnings

from support.case import EndToEnd, main
from support.certificates import make_authority, make_server
from support.tls_server import TlsServer

KEY = 'sk_test_canary_0123456789abcdef0123456789'
IDS = [f'sess_tls_refused_{number:032d}' for number in range(5)]
ATTEMPTS = 3


class TlsRefusal(EndToEnd):
    def setUp(self):
        super().setUp()
        make_authority(self.folder, 'ca')
        self.write('api_key', KEY + '\n')
        self.write('sessions.txt', '\n'.join(IDS) + '\n')

    def meet(self, name, host='localhost', **options):
        server = TlsServer(self.folder, name, **options)
        self.addCleanup(server.close)
        return server, self.exporter(self.config(server.port, host=host), '--log.level=debug')

    def refuses(self, *meeting, **options):
        server, exporter = self.meet(*meeting, **options)
        scrape = exporter.until('refusals and the verdict', lambda scrape: scrape.value(
            'kallglot_exporter_api_request_failures_total', reason='tls') >= ATTEMPTS and scrape.value('kallglot_up') == 0)
        exporter.expect('refusals at the server', lambda: server.refusals + server.handshakes >= ATTEMPTS)
        self.assertEqual(scrape.value('kallglot_exporter_api_state', state='unreachable'), 1)
        self.assertEqual(scrape.total('kallglot_exporter_api_responses_total'), 0)
        self.assertEqual(scrape.value('kallglot_exporter_api_requests_total'), 0)
        self.assertEqual(scrape.value('kallglot_sessions', status='unknown'), len(IDS))
        exporter.stop()
        self.assert_clean_end(exporter)
        self.assertEqual(server.received, b'', 'something was sent to a server that is not the API')
        self.assertNotIn(KEY, exporter.log())

    def test_server_with_another_name_is_rejected(self):
        make_server(self.folder, 'server', 'ca', names='DNS:api.example.com')
        self.refuses('server')

    def test_server_with_another_address_is_rejected(self):
        make_server(self.folder, 'server', 'ca', names='IP:127.0.0.2, DNS:localhost')
        self.refuses('server', host='127.0.0.1')

    def test_expired_certificate_is_rejected(self):
        make_server(self.folder, 'server', 'ca', expired=True)
        self.refuses('server')

    def test_self_signed_certificate_is_rejected(self):
        make_server(self.folder, 'server')
        self.refuses('server')

    def test_unknown_authority_is_rejected(self):
        make_authority(self.folder, 'other')
        make_server(self.folder, 'server', 'other')
        self.refuses('server')

    def test_old_protocol_is_rejected(self):
        make_server(self.folder, 'server', 'ca')
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            self.refuses('server', highest=ssl.TLSVersion.TLSv1_1)

    def test_right_server_gets_the_key(self):
        # Or the tests above would prove nothing.
        make_server(self.folder, 'server', 'ca')
        answer = b'HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
        server, exporter = self.meet('server', answer=answer)
        exporter.until('refused key', lambda scrape: scrape.value(
            'kallglot_exporter_api_request_failures_total', reason='unauthorized') >= 1)
        self.assertIn(b'Authorization: Bearer ' + KEY.encode(), server.received)
        self.assertIn(b'GET /v1/sessions/sess_tls_refused_', server.received)
        self.assertEqual(exporter.scrape().value('kallglot_exporter_api_request_failures_total', reason='tls'), 0)


if __name__ == '__main__':
    main()
