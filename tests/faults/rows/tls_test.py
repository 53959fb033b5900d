#!/usr/bin/env python3
"""TLS of the API client and of the listeners: bad certificates, broken and stalled handshakes, floods of records."""

import itertools
import os
import re
import ssl
import subprocess
import time

from fault_case import FAILURES, Row, main, wait_for, whole, within
from scripted_api import active, ended, response, session
from support import web
from support.certificates import make_authority, make_server
from support.programs import STILL
from support.waiting import pace_until

SESSIONS = 100


class TowardsTheApi(Row):
    @whole
    def test_n9_server_with_a_bad_certificate_never_gets_the_key(self):
        """Wrong name or address, expired, not yet valid, self-signed, unknown or flagless authority, for clients only, and more
        Each is rejected with its own reason, and no byte of the key is sent."""
        self.suite('net_test', 'BadServers/TlsVerification.*', 11, '{passed} certificates in the engine')
        self.suite('net_integration_test', 'BadServers/HttpsClientTrust.*', 8, '{passed} servers at the client')
        self.figure(f'{self.elsewhere("tls_test", "TlsRefusal")} servers at the daemon')

    def test_n10_old_protocols_and_weak_suites_are_rejected(self):
        """A peer offers TLS 1.0 or 1.1, or weak suites
        Client and listeners reject them: only TLS 1.2 and 1.3, with forward secrecy and authenticated encryption."""
        self.suite('net_integration_test', 'HttpsClient.RefusesAServerOfTls11:HttpsClient.SpeaksTls12', 2, '')
        self.elsewhere('tls_test', 'TlsRefusal.test_old_protocol_is_rejected')
        self.elsewhere('web_config_test', 'WebConfig.test_sslscan_finds_tls_1_2_and_1_3_and_no_weak_suite')
        self.figure('sslscan sees 1.2 and 1.3, nothing weak')

    def test_n11_cut_connection_ends_no_message(self):
        """A body without a length, whose connection ends without the closing message of TLS
        No state changes: a body without a length is rejected."""
        exporter = self.scripted(20, active)
        turn = itertools.count()

        def cut(peer, name):
            if next(turn) % 2:
                return active(peer, name)
            peer.send(response(ended(name), length=False))
            peer.close()
            return None

        with self.survives(exporter, 20, FAILURES, {'reason': 'body'}):
            self.api.answer = cut
            exporter.until('many', lambda scrape: self.failures(scrape, 'body') > 60)
            self.api.answer = active
        self.suite('net_integration_test', 'HttpsClient.AWholeAnswerCountsWithoutCloseNotify', 1, '60 bodies that only an end would end')

    @whole
    def test_n12_stalled_handshakes_delay_nothing(self):
        """The API's side of a handshake stops at each message; five hundred clients stop in theirs
        Each ends at connect_timeout, or at the time limit of a request. Polls and scrapes continue."""
        self.suite('net_integration_test', 'HttpsClient.StalledHandshakesEndInTime', 1, '')
        make_authority(self.folder, 'web_ca')
        make_server(self.folder, 'web', 'web_ca')
        exporter = self.scripted(50, active, api='connect_timeout: 2s')
        stalled = itertools.count()

        def stall(stream):
            if next(stalled) % 2:
                return False
            stream.recv(65536)
            stream.sendall(b'\x16\x03\x03\x00\x7a\x02\x00')
            # Until the daemon gives up and closes.
            while stream.recv(65536):
                pass
            return True

        with self.survives(exporter, 50, FAILURES, {'reason': 'timeout'}):
            self.api.on_open = stall
            self.api.answer = lambda peer, name: response(session(name, 'active', started_at='2026-01-01T00:00:05Z'), '200 OK',
                                                          'Connection: close')
            clients = [web.connect(exporter.address) for _ in range(500)]
            for client in clients:
                client.sendall(b'GET /metr')
            exporter.until('told', lambda scrape: self.failures(scrape, 'timeout') > 5)
            ends = 0
            with within('the end of all clients', 15) as took:
                for client in clients:
                    try:
                        while client.recv(4096):
                            pass
                    except ConnectionResetError:
                        pass
                    ends += 1
                    client.close()
            self.api.on_open, self.api.answer = None, active
        self.figure(f'{next(stalled) // 2} handshakes stalled, {ends} clients ended after {took[0]:.0f} s')

    def test_n15_new_authority_is_used_after_the_reload(self):
        """The file of trusted authorities changes
        After the reload, new connections use it and old ones close. No TLS session from before is resumed."""
        exporter = self.world(SESSIONS)
        resumed = 'kallglot_exporter_api_tls_resumptions_total'
        with self.survives(exporter, SESSIONS, FAILURES, {'reason': 'tls'}):
            right = (self.folder / 'ca.pem').read_text()
            make_authority(self.folder, 'another')
            (self.folder / 'ca.pem').write_text((self.folder / 'another.pem').read_text())
            exporter.send(1)
            exporter.expect('the reload', lambda: 'msg=reloaded' in exporter.log())
            # Until then a new connection rightly resumes.
            reloaded = exporter.scrape()
            exporter.until('untrusted servers', lambda scrape: self.failures(scrape, 'tls') >= 5)
            self.assertEqual(exporter.scrape().total(resumed), reloaded.total(resumed))
            (self.folder / 'ca.pem').write_text(right)
            exporter.send(1)
            exporter.until('trusted again', lambda scrape: scrape.value('kallglot_exporter_api_state', state='ok') == 1, 70)
        self.suite('net_integration_test', 'HttpsClient.AChangeOfTrustEndsTheOldConnectionsAfterTheirExchange', 1,
                   'refused after the reload, trusted after the next')

    def test_n16_reconnects_resume_the_tls_session(self):
        """The API closes each connection after five responses
        At least 95 % of the reconnects resume the TLS session."""
        exporter = self.world(SESSIONS, max_connections=16)
        names = ('kallglot_exporter_api_tls_handshakes_total', 'kallglot_exporter_api_tls_resumptions_total')
        with self.survives(exporter, SESSIONS, names[1]) as before:
            self.api.set_faults(close_after=5)
            after = exporter.until('reconnects', lambda scrape: scrape.total(names[0]) > before.total(names[0]) + 500)
            self.api.set_faults()
        done, resumed = (after.total(name) - before.total(name) for name in names)
        self.assertGreaterEqual(resumed, 0.95 * done)
        self.figure(f'{100 * resumed / done:.1f} % of {done:g} reconnects')


class OurListener(Row):
    def secured(self):
        make_authority(self.folder, 'web_ca')
        make_server(self.folder, 'web', 'web_ca')
        self.api = self.simulator('--sessions', 20, *STILL)
        self.write('web.yml', 'tls_server_config: {cert_file: web.pem, key_file: web.key}\n')
        exporter = self.exporter(self.config(self.api.port), '--web.config.file', self.folder / 'web.yml')
        context = ssl.create_default_context(cafile=self.folder / 'web_ca.pem')
        context.check_hostname = False
        port = web.place(exporter.address)[1]

        def ask(path):
            with context.wrap_socket(web.connect(exporter.address)) as stream:
                stream.sendall(f'GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'.encode())
                received = b''
                while block := stream.recv(65536):
                    received += block
                return received
        exporter.expect('ready', lambda: b' 200 ' in ask('/-/ready')[:20])
        return exporter, port, ask

    def client(self, port, text, until, *options):
        """The output of `openssl s_client` for the input `text`, up to `until` and until its input ends."""
        said = self.folder / 's_client'
        with open(said, 'w') as out:
            client = subprocess.Popen(['openssl', 's_client', '-connect', f'127.0.0.1:{port}', '-CAfile', self.folder / 'web_ca.pem',
                                       *options], stdin=subprocess.PIPE, stdout=out, stderr=out, text=True)
        try:
            client.stdin.write(text)
            client.stdin.flush()
            wait_for(until, lambda: re.search(until, said.read_text(errors='replace')) or client.poll() is not None)
        finally:
            client.communicate(timeout=60)
        self.assertRegex(said.read_text(errors='replace'), until)
        return said.read_text(errors='replace')

    def flood(self, port, times):
        """Key updates of one client that asks for ours in return, as many as it could send."""
        client = subprocess.Popen(['openssl', 's_client', '-connect', f'127.0.0.1:{port}', '-tls1_3'], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            # A command is one only at the beginning of what is read at once.
            for _ in range(times):
                os.write(client.stdin.fileno(), b'K\n')
                pace_until(time.monotonic() + 0.0005)
        except BrokenPipeError:
            pass
        said = client.communicate(timeout=60)[0]
        return len(re.findall(rb'KEYUPDATE', said))

    @whole
    def test_n13_renegotiation_and_early_data_are_rejected(self):
        """A client renegotiates, sends early data, or changes keys thousands of times
        Renegotiation and early data are rejected. A flood of key updates ends at most that connection."""
        exporter, port, ask = self.secured()
        before = exporter.process.pid
        said = self.client(port, 'R\n', 'no renegotiation', '-tls1_2')
        self.assertNotRegex(said.partition('RENEGOTIATING')[2], r'verify return:1')
        self.client(port, '', 'Post-Handshake New Session Ticket', '-tls1_3', '-sess_out', self.folder / 'ticket')
        (self.folder / 'early').write_text('GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n')
        said = self.client(port, '', 'Early data was', '-tls1_3', '-sess_in', self.folder / 'ticket', '-early_data', self.folder / 'early')
        self.assertIn('Reused, TLSv1.3', said)
        self.assertRegex(said, 'Early data was (not sent|rejected)')
        sent = self.flood(port, 10_000)
        self.assertGreater(sent, 1000)
        self.assertIn(b' 200 ', ask('/-/healthy')[:20])
        self.assertEqual(exporter.process.pid, before)
        exporter.stop()
        self.assert_clean_end(exporter)
        self.suite('net_integration_test', 'HttpsClient.SurvivesKeyUpdatesBetweenAnswers', 1, f'{sent:,} key updates by one client')

    @whole
    def test_n14_certificate_rotation_fails_no_scrape(self):
        """The listener's certificate and key are replaced a hundred times, sometimes by a pair that does not match
        No scrape fails. A pair that does not match is rejected and logged, and the old one stays in use."""
        self.elsewhere('web_config_test', 'WebConfig.test_hundred_rotations_fail_no_scrape_and_no_poll')
        self.elsewhere('webhook_tls_test', 'WebhookTls.test_changed_webhook_certificate_loses_no_event')
        self.figure('100 rotations, 0 failed scrapes and polls')


if __name__ == '__main__':
    main()
