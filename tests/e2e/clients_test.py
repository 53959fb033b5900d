#!/usr/bin/env python3
"""Other programs register ids and send webhooks as their documentation says: with the length of a body and without it, over TLS,
with `Expect: 100-continue`, and through proxies that speak HTTP/2 to the sender."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

from support import web
from support.case import main
from support.certificates import make_authority, make_server
from support.durable import ALL, TOKEN, Durable, event, signed
from support.nginx import NginxProgram
from support.programs import Program

CLIENTS = pathlib.Path(__file__).resolve().parent / 'clients'
HOOK = '/webhooks/kallglot'
REQUESTS = 'kallglot_exporter_webhook_requests_total'
NGINX = '''
daemon off; user root; pid {folder}/nginx.pid; error_log stderr warn;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxied; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_certificate {folder}/front.pem; ssl_certificate_key {folder}/front.key;
    location / {{ proxy_pass http://{upstream}; {more} }}
  }}
}}
'''
HAPROXY = '''
defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
listen front
  bind 127.0.0.1:{port} ssl crt {folder}/both.pem alpn h2,http/1.1
  server hook {upstream}
'''
CADDY = '''
{{
  admin off
  auto_https off
}}
https://localhost:{port} {{
  tls {folder}/front.pem {folder}/front.key
  reverse_proxy {upstream}
}}
'''


class Senders(Durable):
    def setUp(self):
        super().setUp()
        self.scheme = 'http'
        make_authority(self.folder, 'authority')
        make_server(self.folder, 'server', 'authority')
        self.trust = {name: str(self.folder / 'authority.pem') for name in ('NODE_EXTRA_CA_CERTS', 'REQUESTS_CA_BUNDLE', 'SSL_CERT_FILE')}

    def need(self, *programs):
        if missing := [program for program in programs if shutil.which(program) is None]:
            self.skipTest(f'not installed: {" ".join(missing)}')

    def run_program(self, *words, text=None):
        done = subprocess.run([str(word) for word in words], input=text, capture_output=True, text=True, check=False, timeout=100,
                              cwd=self.folder, env={**os.environ, **self.trust, 'HOME': str(self.folder), 'GOFLAGS': '-mod=mod'})
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        return done.stdout

    def exporter(self, *words, **options):
        one = super().exporter(*words, **options)
        if self.scheme == 'https':
            one.get = lambda path, **more: web.request(one.address, path, ca_file=self.folder / 'authority.pem', **more)
        return one


class Clients(Senders):
    def every_way(self, least, *command, tls=True):
        """Each way of the program at the session API in clear and over TLS, and at the webhook listener; `least` so many ways."""
        ids = json.dumps({'ids': ['sess_SCHEME_WAY', *(f'sess_SCHEME_WAY_{number:04}' for number in range(1000))]})
        token = f'Authorization: Bearer {TOKEN}'
        hook = event('of_a_client', 'sess_of_a_webhook')
        web_file = self.write('web.yml', 'tls_server_config: {cert_file: server.pem, key_file: server.key}\n')
        for scheme in ('http', 'https') if tls else ('http',):
            self.scheme = scheme
            daemon = self.launch(store=f'{scheme}.db', flags=('--web.config.file', str(web_file)) if scheme == 'https' else ())
            base = f'{scheme}://localhost:{web.place(daemon.address)[1]}{ALL}'
            ways = self.statuses(*command, base, f'{base}/sess_{scheme}_WAY', ids.replace('SCHEME', scheme), token)
            self.assertGreaterEqual(len(ways), least)
            self.assertEqual({way: status for way, status in ways.items() if status not in ('200', '201')}, {})
            tracked = self.tracked(daemon)
            for way in ways:
                self.assertIn(f'sess_{scheme}_{way}', tracked)
                self.assertEqual(way.startswith('put'), f'sess_{scheme}_{way}_0999' not in tracked)
            if scheme == 'http':
                fields = [f'{name}: {value}' for name, value in signed(hook).items()]
                ways = self.statuses(*command, f'http://{daemon.webhooks}{HOOK}', '-', hook.decode(), *fields)
                self.assertEqual(set(ways.values()), {'200'}, ways)
                scrape = daemon.scrape()
                self.assertEqual(scrape.value(REQUESTS, result='accepted'), 1)
                self.assertEqual(scrape.value(REQUESTS, result='duplicate'), len(ways) - 1)
            self.assertEqual(daemon.stop(), 0)

    def statuses(self, *words):
        """{way: status} as a program printed it."""
        return dict(line.split() for line in self.run_program(*words).splitlines())

    def test_node(self):
        self.need('node')
        self.every_way(5, 'node', CLIENTS / 'client.mjs')

    def test_java(self):
        self.need('java', 'keytool')
        store = self.folder / 'trust.p12'
        self.run_program('keytool', '-importcert', '-noprompt', '-alias', 'ours', '-file', 'authority.pem', '-keystore', store,
                         '-storepass', 'changeit')
        self.every_way(7, 'java', f'-Djavax.net.ssl.trustStore={store}', '-Djavax.net.ssl.trustStorePassword=changeit',
                       CLIENTS / 'Client.java')

    def test_go(self):
        self.need('go')
        self.run_program('go', 'build', '-o', self.folder / 'client', CLIENTS / 'client.go')
        self.every_way(4, self.folder / 'client')

    def test_python(self):
        self.every_way(5, sys.executable, CLIENTS / 'client.py')

    def test_dotnet(self):
        self.need('mcs', 'mono')
        # Mono has a trust store of its own.
        self.run_program('mcs', '-r:System.Net.Http.dll', f'-out:{self.folder}/client.exe', CLIENTS / 'client.cs')
        self.every_way(7, 'mono', self.folder / 'client.exe', tls=False)

    def test_curl(self):
        self.need('curl')
        self.every_way(6, 'sh', CLIENTS / 'client.sh')

    def test_body_over_the_limit_gets_413(self):
        daemon = self.launch()
        chunk = b'8000\r\n' + b'b' * 0x8000 + b'\r\n'
        answer = web.exchange(daemon.webhooks, b'POST /webhooks/kallglot HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n'
                              + f'Kallglot-Signature: {signed(b"")["Kallglot-Signature"]}\r\n\r\n'.encode() + chunk * 3)
        self.assertEqual(answer[9:12], b'413')


class Proxies(Senders):
    """curl sends webhooks to a proxy over HTTP/2 and HTTP/1.1, which passes them on to the daemon."""

    def through(self, name, port, command):
        proxy = self.keep((NginxProgram if command[0] == 'nginx' else Program)(self.folder, name, command))

        def listens():
            try:
                return web.request(f'localhost:{port}', '/-/healthy', ca_file=self.folder / 'authority.pem').status == 200
            except OSError:
                return False
        proxy.expect('listening', listens)
        for version in ('--http2', '--http1.1'):
            for length, words in (('with', ('--data-binary', '@-')), ('without', ('-T', '-', '-X', 'POST'))):
                body = event(f'{name}{version}_{length}_length', f'sess_{name}{version}_{length}_length').decode()
                fields = [word for pair in signed(body.encode()).items() for word in ('-H', ': '.join(pair))]
                said = self.run_program('curl', '-sS', '-o', '/dev/null', '-w', '%{http_version} %{http_code}', '--cacert',
                                        'authority.pem', version, *words, *fields, f'https://localhost:{port}{HOOK}', text=body)
                self.assertEqual(said, f'{version.removeprefix("--http")} 200', f'{name}, {length} length')
                self.sent += 1
        proxy.kill()

    def proxies(self):
        """(name, port, command) of each that is installed."""
        (self.folder / 'both.pem').write_text((self.folder / 'front.pem').read_text() + (self.folder / 'front.key').read_text())
        texts = {'nginx': (NGINX, ''), 'nginx_unbuffered': (NGINX, 'proxy_http_version 1.1; proxy_request_buffering off;'),
                 'haproxy': (HAPROXY, ''), 'caddy': (CADDY, '')}
        for name, (text, more) in texts.items():
            program = name.partition('_')[0]
            if shutil.which(program):
                port = web.free_port()
                file = self.write(f'{name}.conf', text.format(folder=self.folder, port=port, upstream=self.daemon.webhooks, more=more))
                yield name, port, {'nginx': ['nginx', '-e', 'stderr', '-c', file], 'haproxy': ['haproxy', '-db', '-f', file],
                                   'caddy': ['caddy', 'run', '--adapter', 'caddyfile', '--config', file]}[program]

    def test_webhooks_through_proxies(self):
        self.need('curl')
        make_server(self.folder, 'front', 'authority')
        self.daemon, self.sent = self.launch(), 0
        for name, port, command in self.proxies():
            with self.subTest(name):
                self.through(name, port, command)
        if not self.sent:
            self.skipTest('not installed: nginx haproxy caddy')
        scrape = self.daemon.scrape()
        self.assertEqual(scrape.value(REQUESTS, result='accepted'), self.sent)
        self.assertEqual(scrape.total(REQUESTS), self.sent)


if __name__ == '__main__':
    main()
