#!/usr/bin/env python3
"""Caches between the daemon and the API that store its answers, though they must not."""

import os
import shutil
import time

from fault_case import Row, main, whole
from scripted_api import response, session
from support import certificates
from support.configuration import every
from support.nginx import NginxProgram
from support.programs import Program
from support.web import answers, free_port

NGINX = shutil.which('nginx')
OVER = 'kallglot_sessions_over_threshold'
FAILURES = 'kallglot_exporter_api_request_failures_total'
CONFIGURATION = """\
daemon off;
user root;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  proxy_cache_path {folder}/cache keys_zone=api:1m inactive=10m;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
    location / {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_cache api; proxy_cache_key $uri; proxy_cache_valid any {stored};
      proxy_ignore_headers Cache-Control Expires Set-Cookie Vary;
    }}
  }}
}}
"""

VARNISH = """\
vcl 4.1;
backend default {{ .host = "127.0.0.1"; .port = "{upstream}"; }}
sub vcl_recv {{ return (hash); }}
sub vcl_backend_response {{ set beresp.ttl = {stored}; unset beresp.http.Vary; unset beresp.http.Set-Cookie; return (deliver); }}
"""
HAPROXY = """\
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
cache api
  total-max-size 16
  max-object-size 20000
  max-age {seconds}
listen front
  bind 127.0.0.1:{port}
  http-request set-var(txn.key) req.hdr(authorization)
  http-request del-header authorization
  http-request del-header cache-control
  http-request cache-use api
  http-request set-header authorization %[var(txn.key)]
  http-response del-header Vary
  http-response set-header Cache-Control "public, max-age={seconds}"
  http-response cache-store api
  server api 127.0.0.1:{upstream}
"""
# How long three caches are watched: the whole point of that row, so it can be made longer.
SECONDS = float(os.environ.get('KALLGLOT_CACHES_SECONDS', 75))


class Caches(Row):
    THRESHOLDS = '{connecting: [2s], not_started: [2s]}'

    def cached(self, stored):
        """nginx in front of the simulator; it stores every answer for so long."""
        if not NGINX:
            self.skipTest('nginx is not installed')
        certificates.make_authority(self.folder, 'front')
        certificates.make_server(self.folder, 'server', 'front')
        port = free_port()
        self.write('nginx.conf', CONFIGURATION.format(folder=self.folder, port=port, upstream=self.api.port, stored=stored))
        nginx = self.keep(NginxProgram(self.folder, 'nginx', [NGINX, '-p', self.folder, '-c', self.folder / 'nginx.conf']))
        nginx.expect('nginx listens', lambda: self.reachable(port))
        return port

    def varnish(self, seconds):
        """Varnish in front of the simulator, which stores for so long and serves for ten seconds more; speaks no TLS."""
        port = free_port()
        file = self.write('front.vcl', VARNISH.format(upstream=self.api.port, stored=f'{seconds}s'), 0o644)
        program = self.keep(Program(self.folder, 'varnish', ['varnishd', '-j', 'none', '-F', '-n', self.folder / 'varnish', '-f', file, '-a',
                                                             f'127.0.0.1:{port}', '-s', 'malloc,16m']))
        program.expect('varnish listens', lambda: self.reachable(port))
        return port

    def haproxy(self, seconds):
        """HAProxy in front of the simulator; it stores the answers, for the key and `no-store` are hidden from it."""
        port = free_port()
        file = self.write('haproxy.cfg', HAPROXY.format(port=port, upstream=self.api.port, seconds=seconds))
        program = self.keep(Program(self.folder, 'haproxy', ['haproxy', '-db', '-f', file]))
        program.expect('haproxy listens', lambda: self.reachable(port))
        return port

    @staticmethod
    def reachable(port):
        try:
            answers(f'127.0.0.1:{port}', '/')  # 400 or 404
        except OSError:
            return False
        return True

    def test_f2_a_cache_that_stores_every_answer_causes_no_false_alert(self):
        """A cache in front of the API stores answers to requests with credentials
        A session that has started long ago is not counted as stuck, and the log names the cache."""
        # Each call waits for some seconds, less than the threshold: none is ever stuck.
        self.api = self.simulator('--plaintext', '--sessions', 1, '--arrival-rate', '0', '--created', '0s-100ms',
                                  '--connecting', '6s-7s', '--active', '1000h-2000h')
        exporter = self.exporter(self.config(self.cached('10m'), ca_file='front.pem', thresholds='{connecting: [9s], not_started: [9s]}'))
        exporter.polled(1)
        ids = self.api.post('/_sessions', {'count': 20})['ids']
        with open(self.folder / 'sessions.txt', 'a', encoding='ascii') as file:
            file.write(''.join(f'{one}\n' for one in ids))
        shown = exporter.polled(len(ids)).value('kallglot_sessions', status='connecting')
        self.assertGreater(shown, len(ids) / 2, 'the cache has nothing old')
        exporter.until('all of them wait too long, as the cache says', lambda scrape: scrape.value(
            'kallglot_sessions_suspected_over_threshold', status='connecting', threshold_seconds='9') == shown)
        before = exporter.poll_count()
        exporter.until('polls after that', lambda scrape: scrape.total('kallglot_exporter_polls_total') > before + 3 * len(ids))
        over = max(exporter.over_scrapes(5, lambda scrape: scrape.value(OVER, status='connecting', threshold_seconds='9')))
        self.assertEqual(over, 0)
        self.assertEqual(exporter.log().count('API responses come from a cache'), 1)
        self.assertGreater(self.failures(exporter.scrape(), 'other'), 0)
        self.figure(f'{shown:.0f} calls that had started, shown as waiting for 10 minutes: {over:.0f} alerts')

    def test_f2_a_stuck_session_behind_a_short_cache_is_found(self):
        """A cache in front of the API stores answers for a second
        A session that is stuck is counted once an answer was made after the threshold."""
        self.api = self.simulator('--plaintext', '--sessions', 0, '--arrival-rate', '0')
        ids = self.api.post('/_sessions', {'count': 5, 'stuck': True})['ids']
        self.write('sessions.txt', ''.join(f'{one}\n' for one in ids))
        exporter = self.exporter(self.config(self.cached('1s'), ca_file='front.pem', thresholds=self.THRESHOLDS))
        exporter.until('all are counted', lambda scrape: scrape.value(OVER, status='connecting', threshold_seconds='2') == len(ids))
        self.figure(f'{len(ids)} of {len(ids)} stuck sessions counted')

    @whole
    def test_f2_varnish_nginx_and_haproxy_cause_no_false_alert(self):
        """Varnish, nginx and HAProxy each store answers to requests with credentials for half a minute; 500 sessions come and go
        Only sessions that are stuck count as stuck, and each log names the field by which the answers were found to be stored."""
        stored, stuck = 30, 5
        self.api = self.simulator('--plaintext', '--sessions', 500, '--stuck', stuck, '--held-age', '0s-1s', '--created', '0s-100ms',
                                  '--connecting', '6s-7s', '--active', '1m-2m', '--ending', '0s-100ms')
        certificates.make_authority(self.folder, 'front')
        fronts = {'nginx': ('X-Request-ID', lambda: self.cached(f'{stored}s')), 'haproxy': ('Age', lambda: self.haproxy(stored)),
                  'varnish': ('Age', lambda: self.varnish(stored))}
        programs = {'varnish': 'varnishd'}
        if missing := [name for name in fronts if not shutil.which(programs.get(name, name))]:
            self.skipTest(f'not installed: {" ".join(missing)}')
        exporters = {}
        for name, (_, start) in fronts.items():
            config = self.config(start(), name=f'{name}.yml', plaintext=name != 'nginx', ca_file='front.pem', intervals=every('2s'),
                                 thresholds='{created: [9s], connecting: [9s], ending: [9s], not_started: [9s]}')
            exporters[name] = self.exporter(config, name=f'behind_{name}')
        suspected, over = dict.fromkeys(fronts, 0), {name: [] for name in fronts}

        def look():
            for name, exporter in exporters.items():
                scrape = exporter.scrape()
                over[name].append(max(scrape.total(OVER), scrape.total('kallglot_sessions_not_started_over_threshold')))
                suspected[name] = max(suspected[name], scrape.total('kallglot_sessions_suspected_over_threshold'))
        for exporter in exporters.values():
            exporter.until('the first polls', lambda scrape: scrape.total('kallglot_sessions') - scrape.value('kallglot_sessions', status='unknown') > 450)
        self.let_time_pass(exporters['nginx'], SECONDS, 'so long the caches are watched', look, 1)
        for name, exporter in exporters.items():
            # What the cache says is not true for long: without the signs of a stored answer these would be alerts.
            self.assertGreater(suspected[name], 2 * stuck, f'{name} has nothing old')
            self.assertLessEqual(max(over[name]), stuck, name)
            exporter.until('the stuck ones', lambda scrape: scrape.value(OVER, status='connecting', threshold_seconds='9') == stuck, 60)
            lines = [line for line in exporter.log().splitlines() if 'API responses come from a cache' in line]
            self.assertEqual(len(lines), 1, name)
            self.assertIn(fronts[name][0], lines[0])
        self.figure('; '.join(f'{name}: {exporter.poll_count():,.0f} polls in {SECONDS:.0f} s, up to {suspected[name]:.0f} shown as stuck, '
                              f'{max(0, max(over[name]) - stuck):.0f} false alerts' for name, exporter in exporters.items()))

    def test_f2_no_sign_of_a_stored_answer_is_overlooked(self):
        """Answers say in many ways that they are not from now
        None of them confirms a threshold; the same answer without the sign does."""
        old = time.strftime('%a, %d %b %Y %H:%M:%S GMT', time.gmtime(time.time() - 300))
        signs = {'Age': 'Age: 600', 'no number as Age': 'Age: old', 'Date': f'Date: {old}', 'Warning': 'Warning: 110 - "stale"',
                 'revalidation failed': 'Warning: 111 proxy "failed"', 'Cache-Status': 'Cache-Status: front; hit; ttl=30',
                 'X-Cache': 'X-Cache: HIT from proxy:3128', 'Akamai': 'X-Cache: TCP_MEM_HIT from a1 (AkamaiGHost)',
                 'CloudFront': 'X-Cache: Hit from cloudfront', 'Fastly': 'X-Cache: MISS, HIT', 'nginx': 'X-Cache-Status: STALE',
                 'Cloudflare': 'CF-Cache-Status: UPDATING', 'a copy': 'X-Request-ID: req_one_for_all'}
        statuses = {'203': '203 Non-Authoritative Information', '206': '206 Partial Content', '226': '226 IM Used'}
        fresh = {'Age: 0': 'Age: 0', 'Via': 'Via: 1.1 proxy', 'a miss': 'X-Cache: MISS', 'confirmed': 'X-Cache: TCP_REFRESH_HIT',
                 'forwarded': 'Cache-Status: front; fwd=stale', 'no hit': 'Cache-Status: front; hit=?0; fwd=miss', 'Vary': 'Vary: *',
                 'Content-Location': 'Content-Location: /v1/sessions/1', 'none': 'X-None: 0'}
        names = {f'sess_of_this_row_{place:06}': name for place, name in enumerate((*signs, *statuses, *fresh))}
        seen = set()

        def answer(_, identifier):
            name = names[identifier]
            body = session(identifier, 'connecting')
            field = signs.get(name) or fresh.get(name) or 'X-None: 0'
            # The first answer of each is good: the session waits.
            first = identifier not in seen
            seen.add(identifier)
            if first and name != 'a copy':
                field = 'X-None: 0'
            now = 'X-None: 1' if field.startswith('Date') else f'Date: {time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())}'
            return response(body, statuses.get(name, '200 OK') if not first else '200 OK', field, now)

        exporter = self.scripted(len(names), answer, thresholds=self.THRESHOLDS)
        exporter.until('the fresh ones are counted', lambda scrape: scrape.value(
            OVER, status='connecting', threshold_seconds='2') >= len(fresh))
        before = exporter.poll_count()
        exporter.until('more polls', lambda scrape: scrape.total('kallglot_exporter_polls_total') > before + 5 * len(names))
        for scrape in exporter.over_scrapes(5, lambda scrape: scrape):
            self.assertEqual(scrape.value(OVER, status='connecting', threshold_seconds='2'), len(fresh))
        self.figure(f'{len(signs) + len(statuses)} signs, 0 thresholds confirmed; {len(fresh)} of {len(fresh)} without one confirmed')


if __name__ == '__main__':
    main()
