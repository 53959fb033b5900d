#!/usr/bin/env python3
"""The webhook listener with a certificate of its own that changes while events arrive."""

import http.client
import signal
import ssl

from support import web
from support.certificates import make_authority, make_server
from support.durable import SECRET, event, signed
from support.case import EndToEnd, main
from support.configuration import SECRETS, receiving
from support.programs import run_exporter

EXPIRY = 'kallglot_exporter_web_certificate_not_after_timestamp_seconds'


class WebhookTls(EndToEnd):
    def setUp(self):
        super().setUp()
        make_authority(self.folder, 'trusted')
        make_server(self.folder, 'hook', 'trusted')
        self.write('secret', SECRET)
        self.api = self.simulator('--sessions', 5, '--arrival-rate', '0')
        self.config_file = self.config(self.api.port, name='hook.yml', files='', webhook=receiving(
            secrets=SECRETS + '\ntls: {cert_file: hook.pem, key_file: hook.key}'))
        self.sent = 0

    def launch(self):
        exporter = self.exporter(self.config_file)
        self.hook = exporter.webhook_address().replace('127.0.0.1', 'localhost')
        exporter.expect('ready', lambda: exporter.get('/-/ready').status == 200)
        return exporter

    def deliver(self):
        self.sent += 1
        body = event(self.sent, f'sess_over_tls_{self.sent}')
        return web.request(self.hook, '/webhooks/kallglot', 'POST', body, signed(body),
                           ca_file=self.folder / 'trusted.pem').status

    def shown(self):
        """The certificate that a new connection is shown."""
        return ssl.get_server_certificate(web.place(self.hook))

    def test_webhook_listener_with_tls_rejects_plaintext(self):
        exporter = self.launch()
        self.assertEqual(self.deliver(), 200)
        self.assertEqual(exporter.scrape().value('kallglot_exporter_webhook_requests_total', result='accepted'), 1)
        self.assertGreater(exporter.scrape().value(EXPIRY, listener='webhook'), 1.7e9)
        answer = web.request(self.hook, '/webhooks/kallglot', 'POST', b'{}')
        self.assertEqual((answer.status, answer.text), (400, 'this port speaks HTTPS\n'))
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers('ALL:@SECLEVEL=0')
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises(OSError):
            http.client.HTTPSConnection(self.hook, timeout=20, context=old).connect()
        self.assertEqual(self.deliver(), 200)
        exporter.stop()
        self.assert_clean_end(exporter)

    def test_removed_webhook_listener_stays_until_a_restart(self):
        exporter = self.launch()
        self.assertEqual(self.deliver(), 200)
        text = self.config_file.read_text()
        for without in (text.replace('  listen_address: 127.0.0.1:0\n', ''), text[:text.index('webhook:')] + text[text.index('store:'):]):
            self.config_file.write_text(without)
            exporter.send(signal.SIGHUP)
            exporter.expect('named', lambda: 'webhook.listen_address: 127.0.0.1:0 -> (none) (requires a restart)' in exporter.log())
            self.assertEqual(self.deliver(), 200)
        exporter.expect('both', lambda: exporter.log().count('msg=reloaded') == 2)
        self.assertEqual(self.deliver(), 200)
        self.assertIn('webhook.secret_files: ', exporter.log())
        exporter.stop()
        self.assert_clean_end(exporter)

    def test_changed_webhook_certificate_loses_no_event(self):
        exporter = self.launch()
        for rotation in range(3):
            before = self.shown()
            make_server(self.folder, f'next{rotation}', 'trusted')
            for kind in ('key', 'pem'):
                (self.folder / f'next{rotation}.{kind}').replace(self.folder / f'hook.{kind}')
            def rotated(before=before):
                self.assertEqual(self.deliver(), 200)
                return self.shown() != before
            exporter.expect('the other certificate', rotated)
        # One that is no certificate changes nothing but the log.
        before = self.shown()
        self.write('hook.pem', 'this is no certificate')
        exporter.expect('a line in the log', lambda: 'changed files of the webhook listener not used' in exporter.log())
        self.assertEqual(self.shown(), before)
        self.assertEqual(self.deliver(), 200)

    def test_bad_webhook_certificate_is_rejected_at_the_start(self):
        self.write('hook.pem', 'this is no certificate')
        for flags in ([], ['--config.check']):
            answer, out, log = run_exporter('--config.file', self.config_file, *flags, '--web.listen-address', '127.0.0.1:0')
            self.assertEqual(answer, 2, log)
            self.assertIn('hook.pem', out + log)


if __name__ == '__main__':
    main()
