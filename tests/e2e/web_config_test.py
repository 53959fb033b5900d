#!/usr/bin/env python3
"""`--web.config.file`: TLS and basic authentication of the private listener, as in the exporters of the Prometheus project."""

import http.client
import re
import ssl
import statistics
import subprocess
import threading
import time

from support import web
from support.case import EndToEnd, main
from support.certificates import make_authority, make_client, make_server
from support.monitoring import Prometheus
from support.passwords import basic, hash_of, one_user
from support.programs import SANITIZED, STILL, run_exporter

TLS = 'tls_server_config: {cert_file: web.pem, key_file: web.key%s}\n'
EXPIRY = 'kallglot_exporter_web_certificate_not_after_timestamp_seconds'


class WebConfig(EndToEnd):
    def setUp(self):
        super().setUp()
        make_authority(self.folder, 'trusted')
        make_server(self.folder, 'web', 'trusted')
        self.api = self.simulator('--sessions', 20, *STILL)
        self.config_file = self.config(self.api.port)

    def launch(self, text, *flags):
        self.web_file = self.write('web.yml', text)
        self.exporter_ = self.exporter(self.config_file, '--web.config.file', self.web_file, *flags)
        self.address = f'localhost:{web.place(self.exporter_.address)[1]}'
        self.exporter_.expect('ready', lambda: self.get('/-/ready').status == 200)
        return self.exporter_

    def get(self, path, headers=None, **options):
        ca_file = self.folder / 'trusted.pem' if 'tls_server_config' in self.web_file.read_text() else None
        return web.request(self.address, path, headers=headers, ca_file=ca_file, **options)

    def test_private_listener_with_tls_rejects_plaintext(self):
        self.launch(TLS % '')
        self.assertEqual(self.get('/metrics').status, 200)
        self.assertIn(EXPIRY + '{listener="private"}', self.get('/metrics').text)
        answer = web.request(self.address, '/metrics')
        self.assertEqual((answer.status, answer.text), (400, 'this port speaks HTTPS\n'))
        self.assertIn('kallglot_exporter_tls_handshake_failures_total{listener="private"} 1\n', self.get('/metrics').text)
        self.assertIn('last_reason="plain HTTP to a TLS port"', self.exporter_.log())
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl.create_default_context(cafile=self.folder / 'trusted.pem')
            context.minimum_version = context.maximum_version = version
            connection = http.client.HTTPSConnection(self.address, timeout=20, context=context)
            connection.request('GET', '/-/ready')
            self.assertEqual(connection.getresponse().status, 200)
            connection.close()
        self.exporter_.stop()
        self.assert_clean_end(self.exporter_)

    def test_sslscan_finds_tls_1_2_and_1_3_and_no_weak_suite(self):
        self.launch(TLS % '')
        done = subprocess.run(['sslscan', '--no-colour', '--xml=-', self.address], capture_output=True, text=True, check=True,
                              timeout=60)
        enabled = set(re.findall(r'<protocol type="(\w+)" version="([\d.]+)" enabled="1"', done.stdout))
        self.assertEqual(enabled, {('tls', '1.2'), ('tls', '1.3')})
        suites = re.findall(r'<cipher .*cipher="([\w-]+)".* strength="(\w+)"', done.stdout)
        self.assertGreaterEqual(len(suites), 5, done.stdout)
        for name, strength in suites:
            self.assertIn(strength, ('strong', 'acceptable'), name)
            self.assertRegex(name, r'^(TLS_|ECDHE-).*(GCM|CHACHA20)')
        self.assertIn('<renegotiation supported="0"', done.stdout)
        self.assertNotIn('<compression supported="1"', done.stdout)

    def test_every_path_except_health_needs_the_password(self):
        password = 'right: with a colon'
        self.launch(f"basic_auth_users:\n  prometheus: {hash_of(password)}\n  other: {hash_of('theirs', 4)}\n")
        good = basic('prometheus', password)
        for path in ('/metrics', '/', '/config', '/nowhere', '/api/v1/sessions', '/-/reload'):
            answer = self.get(path)
            self.assertEqual((answer.status, answer.headers['WWW-Authenticate']), (401, 'Basic'), path)
            self.assertEqual(self.get(path, basic('prometheus', 'wrong')).status, 401)
            self.assertEqual(self.get(path, basic('stranger', password)).status, 401)
            self.assertEqual(self.get(path, basic('other', password)).status, 401)
        for path in ('/-/healthy', '/-/ready'):
            self.assertEqual(self.get(path).status, 200)
        self.assertEqual(self.get('/metrics', good).status, 200)
        self.assertEqual(self.get('/metrics', basic('other', 'theirs')).status, 200)
        self.assertEqual(self.get('/nowhere', good).status, 404)
        for odd in ('Basic', 'Basic ', 'Basic !!!', 'Basic ' + 'A' * 3000, 'Bearer x', 'basic ' + good['Authorization'][6:]):
            self.assertIn(self.get('/metrics', {'Authorization': odd}).status, (200,) if odd.startswith('basic') else (401,), odd[:20])
        self.assertNotIn(password, self.exporter_.log())

    def test_session_api_token_opens_only_the_session_api(self):
        self.write('token', 'token-0123456789-abcdef')
        self.config_file.write_text(self.config_file.read_text().replace(
            'files: [sessions.txt]', 'files: [sessions.txt]\n  api_token_file: token'))
        self.launch(one_user('right'))
        bearer = {'Authorization': 'Bearer token-0123456789-abcdef'}
        self.assertEqual(self.get('/api/v1/sessions/sess_one', bearer, method='PUT', body='').status, 201)
        self.assertEqual(self.get('/api/v1/sessions/sess_one', {'Authorization': 'Bearer wrong'}).status, 401)
        self.assertEqual(self.get('/api/v1/sessions/sess_one', basic('prometheus', 'right')).status, 401)
        self.assertEqual(self.get('/metrics', bearer).status, 401)

    def test_right_password_does_not_wait_for_wrong_ones(self):
        self.launch(one_user('right', 12))
        good = basic('prometheus', 'right')
        self.assertEqual(self.get('/metrics', good).status, 200)

        def seconds(headers, status):
            begun = time.monotonic()
            self.assertEqual(self.get('/metrics', headers).status, status)
            return time.monotonic() - begun
        one_hash = statistics.median(seconds(basic('stranger', f'alone{turn}'), 401) for turn in range(3))
        statuses = []

        def attack(number):
            for turn in range(3):
                statuses.append(self.get('/metrics', basic(f'user{number}', f'guess{turn}')).status)
        threads = [threading.Thread(target=attack, args=[number]) for number in range(40)]
        for thread in threads:
            thread.start()
        waits = []
        while any(thread.is_alive() for thread in threads):
            waits.append(seconds(good, 200))
        for thread in threads:
            thread.join()
        # A dozen hashes are queued meanwhile: a request that waited for them would take as long as a dozen.
        self.assertLess(statistics.median(waits), one_hash, waits)
        self.assertLessEqual(set(statuses), {401, 503})
        self.assertIn(503, statuses, 'no more than sixteen wait')

    def test_changed_certificates_and_users_are_reloaded(self):
        self.launch(TLS % '' + one_user('old'))
        self.assertEqual(self.get('/metrics', basic('prometheus', 'old')).status, 200)
        self.web_file.write_text(TLS % '' + one_user('new'))
        self.exporter_.expect('the new one', lambda: self.get('/metrics', basic('prometheus', 'new')).status == 200)
        self.assertEqual(self.get('/metrics', basic('prometheus', 'old')).status, 401)
        # A bad one changes nothing.
        self.web_file.write_text('tls_server_config: {cert_file: gone.pem, key_file: web.key}\n')
        self.exporter_.expect('told', lambda: 'changed files of the private listener not used' in self.exporter_.log())
        self.assertEqual(self.get('/metrics', basic('prometheus', 'new')).status, 200)

    def test_hundred_rotations_fail_no_scrape_and_no_poll(self):
        exporter = self.launch(TLS % '', '--web.enable-lifecycle')
        make_server(self.folder, 'spare', 'trusted')
        pairs = [tuple((self.folder / f'{name}.{kind}').read_bytes() for kind in ('pem', 'key')) for name in ('web', 'spare')]
        done, failed, scrapes = threading.Event(), [], []

        def scraping():
            while not done.is_set():
                try:
                    scrapes.append(self.get('/metrics').status)
                except (OSError, http.client.HTTPException) as error:
                    failed.append(error)
        thread = threading.Thread(target=scraping)
        thread.start()
        rounds = 20 if SANITIZED else 100
        shown = set()
        for turn in range(rounds):
            for kind, text in zip(('pem', 'key'), pairs[(turn + 1) % 2]):
                (self.folder / f'web.{kind}').write_bytes(text)
            self.assertEqual(self.get('/-/reload', method='POST', body='').status, 200)
            shown.add(ssl.get_server_certificate(web.place(self.address)))
        done.set()
        thread.join()
        self.assertEqual((failed, set(scrapes)), ([], {200}))
        self.assertEqual(len(shown), 2, 'each was in use')
        self.assertIn('\nkallglot_exporter_api_request_failures_total{reason="tls"} 0\n', self.get('/metrics').text)
        print(f'{rounds} rotations, {len(scrapes)} scrapes')
        exporter.stop()
        self.assert_clean_end(exporter)

    def test_prometheus_scrapes_with_ca_and_password(self):
        self.launch(TLS % '' + one_user('right'))
        self.write('password', 'right')
        server = self.keep(Prometheus(self.folder, self.write('prometheus.yml', (
            'global: {scrape_interval: 500ms, scrape_timeout: 500ms}\nscrape_configs:\n  - job_name: kallglot\n'
            '    scheme: https\n    tls_config: {ca_file: trusted.pem}\n'
            '    basic_auth: {username: prometheus, password_file: password}\n'
            '    static_configs: [{targets: ["%s"]}]\n') % self.address)))
        server.expect('up', lambda: server.single('up') == 1)

    def test_required_client_certificate_is_verified(self):
        make_client(self.folder, 'stranger', 'trusted', 'DNS:prometheus.example')
        make_authority(self.folder, 'client_ca')
        make_client(self.folder, 'good_client', 'client_ca', 'DNS:prometheus.example')
        make_client(self.folder, 'other_client', 'client_ca', 'DNS:stranger.example')
        self.web_file = self.write('web.yml', TLS % (
            ', client_ca_file: client_ca.pem, client_auth_type: RequireAndVerifyClientCert, '
            'client_allowed_sans: [prometheus.example]'))
        exporter = self.exporter(self.config_file, '--web.config.file', self.web_file)
        address = f'localhost:{web.place(exporter.address)[1]}'

        def ask(name):
            context = ssl.create_default_context(cafile=self.folder / 'trusted.pem')
            if name:
                context.load_cert_chain(self.folder / f'{name}.pem', self.folder / f'{name}.key')
            connection = http.client.HTTPSConnection(address, timeout=20, context=context)
            try:
                connection.request('GET', '/-/ready')
                return connection.getresponse().status
            except (OSError, http.client.HTTPException):
                return None
            finally:
                connection.close()
        exporter.expect('ready', lambda: ask('good_client') == 200)
        self.assertIsNone(ask(None))
        self.assertIsNone(ask('other_client'), 'another name')
        self.assertIsNone(ask('stranger'), 'another authority')

    def test_headers_and_rate_limit_of_the_file_apply(self):
        self.launch('http_server_config:\n  http2: true\n  headers: {X-Frame-Options: deny, Content-Security-Policy: "x"}\n'
                    'rate_limit: {interval: 1h, burst: 3}\n')
        first = self.get('/metrics')
        self.assertEqual((first.status, first.headers['X-Frame-Options'], first.headers['Content-Security-Policy']),
                         (200, 'deny', 'x'))
        self.assertIn("default-src 'none'", self.get('/').headers['Content-Security-Policy'], 'the page has its own')
        self.assertEqual([self.get('/metrics').status for _ in range(2)], [200, 429])
        self.assertEqual(self.get('/-/healthy').status, 200)

    def test_bad_web_file_is_rejected_with_line_and_key(self):
        for text, words, code in (
                ('tls_server_config: {cert_file: web.pem}\n', 'missing one of key or key_file', 2),
                ('tls_server_config: {cert_file: gone.pem, key_file: web.key}\n', 'gone.pem', 1),
                ('basic_auth_users:\n  a: plain\n', 'web.yml:2: basic_auth_users: password is not a bcrypt hash: make one with htpasswd -nBC 10 USER', 2),
                ('tls_server_confi: {}\n', 'web.yml:1: tls_server_confi: unknown key', 2)):
            with self.subTest(text):
                answer, _, log = run_exporter('--config.file', self.config_file, '--web.config.file', self.write('web.yml', text))
                self.assertEqual(answer, code, log)
                self.assertIn(words, log)
                answer, _, _ = run_exporter('--config.file', self.config_file, '--web.config.file', self.folder / 'web.yml',
                                       '--config.check')
                self.assertEqual(answer, 2)


if __name__ == '__main__':
    main()
