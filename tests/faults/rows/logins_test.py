#!/usr/bin/env python3
"""Wrong logins at the private listener, and requests that foreign web pages send to it."""

import collections
import http.client
import re
import statistics
import threading
import time

from fault_case import Row, main, wait_for, whole
from support import web
from support.durable import ALL, TOKEN, Durable
from support.passwords import basic, hash_of, one_user
from support.programs import STILL
from support.waiting import pace_until

PAGES = ('/', '/metrics', '/config', '/-/reload', f'{ALL}', f'{ALL}/sess_x')
METHODS = ('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'CONNECT', 'PROPFIND', 'get')
# Logins of one address that may wait for their answers.
AT_ONCE = 8
REFUSED = 'kallglot_exporter_refused_logins_total'


def spellings(page):
    """Ways to write a path that some server, proxy or file system takes for that path, and ways around the open pages."""
    name = page[1:]
    around = [f'/-/{word}{end}' for word in ('healthy', 'ready')
              for end in ('', '/', f'/..{page}', f'/../..{page}', f';{page}', f'%2f..{page}', f'%2f..%2f..{page}', f'?{page}', f'#{page}', f'%00{page}',
                          f'\\..{page}', f'//{name}', f'/.{page}')]
    return [page, page.upper(), page.title(), f'/{page}', f'//{page}', f'/.{page}', f'/./{name}', f'/x/..{page}', f'/x/../..{page}', f'/%2e{page}',
            f'/%2e%2e{page}', f'/%2F{name}', f'/%2f{name}', page.replace('e', '%65'), page.replace('e', '%2565'), f'{page}/', f'{page}//', f'{page}/.',
            f'{page}/..', f'{page};x', f'{page};/-/healthy', f'{page}?', f'{page}?/-/healthy', f'{page}#/-/healthy', f'{page}%00', f'{page}%20',
            f'{page}%0d%0a', f'{page}\\', f'\\{name}', f'/\\{name}', f'{page}.', f'{page}.html', f'http://localhost{page}', f'HTTP://localhost{page}',
            f'https://x{page}', f'http://localhost/-/healthy/..{page}', f'http://-/healthy{page}', f'{name or "*"}', f'/-/healthy{page}', f'{page}/-/healthy',
            f'{page}\xa0', f'/\xc0\xae\xc0\xae{page}', *around]


class Guessers:
    """Clients from many addresses of this machine that send wrong passwords, so many a second together."""

    def __init__(self, address, addresses, a_second):
        self.address, self.over = address, threading.Event()
        self.answers = collections.Counter()
        self.threads = [threading.Thread(target=self.guess, args=(f'127.0.0.{2 + number}', addresses / a_second), daemon=True)
                        for number in range(addresses)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def guess(self, source, pause):
        turn, free = 0, threading.Semaphore(AT_ONCE)
        while not self.over.is_set():
            turn, begun = turn + 1, time.monotonic()
            # An answer that waits must not hold back the next login; but on a busy machine threads must not pile up.
            if free.acquire(blocking=False):
                threading.Thread(target=self.log_in, args=(source, f'wrong{turn}', free), daemon=True).start()
            pace_until(begun + pause)

    def log_in(self, source, password, free):
        try:
            status = web.request(self.address(), '/metrics', headers=basic('prometheus', password), source=source).status
        except (OSError, http.client.HTTPException):
            status = 'none'  # while the daemon restarts
        self.answers[status] += 1
        free.release()


class Logins(Durable, Row):
    def test_x8_wrong_logins_do_not_lock_out_a_new_client(self):
        """200 wrong logins a second from 20 addresses, before and after restarts
        A client with the right password that the daemon has not seen before gets its page within two tries. The others
        get 401 or 503."""
        web_file = self.write('web.yml', one_user('right', 10))
        self.api = self.simulator('--sessions', 20, *STILL)
        config = self.config(self.api.port)
        port = web.free_port()
        tries = []

        def start(number):
            return self.exporter(config, '--web.config.file', web_file, name=f'exporter{number}', listen=f'127.0.0.1:{port}')
        exporter = start(0)
        with Guessers(lambda: f'127.0.0.1:{port}', 20, 200) as guessers:
            for number in range(1, 5):
                wait_for('wrong logins', lambda: guessers.answers[503] > 20 * number)
                wait_for('ready', lambda: exporter.get('/-/ready').status == 200)
                headers, count = basic('prometheus', 'right'), 1
                while exporter.get('/metrics', headers=headers).status != 200:
                    count += 1
                    self.assertLessEqual(count, 2, 'locked out')
                    pace_until(time.monotonic() + 1)  # as Retry-After says
                tries.append(count)
                exporter.stop()
                exporter = start(number)
        self.assertLessEqual(set(guessers.answers), {401, 503, 'none'})
        self.figure(f'tries after each restart: {tries}, answers to {sum(guessers.answers.values()):,} wrong logins: '
                    f'{guessers.answers[401]:,} times 401, {guessers.answers[503]:,} times 503')

    def test_x17_refused_logins_are_counted_and_throttled(self):
        """Wrong passwords, and hundreds of wrong tokens on one connection
        Each is counted. After ten wrong tokens an address gets 429, one token a second excepted. The right token works
        meanwhile. The log has a line a minute, without names, passwords and tokens."""
        self.write('web.yml', one_user('right', 5))
        daemon = self.launch(flags=('--web.config.file', self.folder / 'web.yml'))
        right = basic('prometheus', 'right')

        def refused(reason):
            return daemon.get('/metrics', headers=right).text.partition(f'{REFUSED}{{listener="private",reason="{reason}"}} ')[2] \
                .partition('\n')[0]
        for number in range(20):
            self.assertEqual(daemon.get('/metrics', headers=basic(f'name{number}', f'guess{number}')).status, 401)
        self.assertEqual(refused('password'), '20')
        answers = collections.Counter()
        connection = http.client.HTTPConnection(*web.place(daemon.address), timeout=20)
        self.addCleanup(connection.close)
        for number in range(900):
            connection.request('GET', ALL, headers={'Authorization': f'Bearer token{number}'})
            answer = connection.getresponse()
            answer.read()
            answers[answer.status] += 1
            if number == 800:
                self.assertEqual(daemon.get(ALL, headers={'Authorization': f'Bearer {TOKEN}'}).status, 200)
        self.assertEqual(refused('token'), '900')
        self.assertLessEqual(set(answers), {401, 429})
        self.assertGreaterEqual(answers[401], 10)
        self.assertGreater(answers[429], 500)
        lines = [line for line in daemon.log().splitlines() if 'login refused' in line]
        self.assertGreaterEqual(len(lines), 2)
        self.assertLess(len(lines), 10)
        for word in ('name1', 'guess', 'token1', 'token2'):
            self.assertNotIn(word, ''.join(lines))
        self.figure(f'900 wrong tokens: {answers[401]} times 401, {answers[429]} times 429; {len(lines)} log lines')

    def test_x17_the_time_of_a_wrong_login_does_not_reveal_a_user(self):
        """A wrong password for a user with a cheap hash, for one with a costly hash, and for an unknown user
        The three take equally long."""
        users = f"basic_auth_users: {{cheap: '{hash_of('right', 5)}', costly: '{hash_of('right', 11)}'}}\n"
        self.write('web.yml', users)
        daemon = self.launch(flags=('--web.config.file', self.folder / 'web.yml'))

        def middle(name):
            times = []
            for number in range(9):
                begun = time.monotonic()
                self.assertEqual(daemon.get('/config', headers=basic(name, f'wrong{number}')).status, 401)
                times.append(time.monotonic() - begun)
            return statistics.median(times)
        # The cost 11 is 64 times the cost 5.
        costly, unknown, cheap = middle('costly'), middle('stranger'), middle('cheap')
        self.assertGreater(cheap, costly / 4)
        self.assertGreater(unknown, costly / 4)
        self.figure(f'cheap {cheap / costly:.2f} and unknown {unknown / costly:.2f} of the time of costly')

    @whole
    def test_h12_no_spelling_of_a_path_goes_without_a_password(self):
        """Each page in dozens of spellings, eleven methods, HTTP/1.0 and 1.1, without a password
        The daemon answers 2xx to `/-/healthy` and `/-/ready` only."""
        web_file = self.write('web.yml', one_user('right', 5))
        daemon = self.launch(flags=('--web.config.file', web_file, '--web.enable-lifecycle'))
        open_pages, sent, good = ('/-/healthy', '/-/ready'), 0, 0
        for page in PAGES:
            for target in spellings(page):
                for method in METHODS:
                    for version in ('1.0', '1.1'):
                        text = web.exchange(daemon.address, f'{method} {target} HTTP/{version}\r\nHost: localhost\r\n'
                                            'Connection: close\r\n\r\n'.encode('latin-1'), half_close=True)
                        sent += 1
                        if text[9:10] == b'2':
                            path = re.sub('^https?://[^/]*', '', target).partition('?')[0]
                            self.assertIn((method, path), [(way, one) for way in ('GET', 'HEAD', 'OPTIONS') for one in (*open_pages, '*')])
                            good += 1
        self.figure(f'{sent:,} requests, {good} times 2xx, all of them for /-/healthy and /-/ready')

    def test_x12_foreign_web_pages_have_no_access(self):
        """A browser sends what a foreign page wants: another host name for 127.0.0.1, or POST, PUT and DELETE from another site
        The daemon answers 421 to host names that are not its own, and 403 to changes from another site. Nothing changes."""
        daemon = self.launch(flags=('--web.enable-lifecycle', '--web.external-url=https://metrics.example.com/kallglot/'))
        for host in ('rebind.evil.example', f'rebind.evil.example:{web.place(daemon.address)[1]}', '127.0.0.1.evil.example'):
            for path in ('/', '/metrics', '/config', ALL, '/nothing'):
                self.assertEqual(daemon.get(path, headers={'Host': host}).status, 421, (host, path))
        for host in ('localhost', '127.0.0.1', '[::1]', '10.1.2.3:80', 'metrics.example.com', 'METRICS.example.com:443'):
            self.assertEqual(daemon.get('/metrics', headers={'Host': host}).status, 200, host)
        self.assertEqual(daemon.get('/-/healthy', headers={'Host': 'probe.of.an.orchestrator'}).status, 200)
        known = self.tracked(daemon)
        foreign = [{'Origin': 'https://evil.example'}, {'Origin': 'null'}, {'Sec-Fetch-Site': 'cross-site'},
                   {'Origin': 'https://evil.example', 'Sec-Fetch-Site': 'cross-site', 'Content-Type': 'text/plain'},
                   {'Origin': 'http://127.0.0.1:1'}, {'Origin': 'https://metrics.example.com.evil.example'}]
        token = {'Authorization': f'Bearer {TOKEN}'}
        for headers in foreign:
            for method, path in (('POST', '/-/reload'), ('PUT', f'{ALL}/sess_of_a_foreign_page'), ('POST', ALL),
                                 ('DELETE', f'{ALL}/{next(iter(known))}')):
                answer = daemon.get(path, method=method, headers={**token, **headers})
                self.assertEqual(answer.status, 403, (method, path, headers))
                self.assertNotIn('Access-Control-Allow-Origin', answer.headers)
        self.assertEqual(self.tracked(daemon), known)
        self.assertNotIn('msg=reloaded', daemon.log())
        for headers in ({}, {'Origin': f'http://{daemon.address}'}, {'Origin': 'https://metrics.example.com'},
                        {'Sec-Fetch-Site': 'same-origin'}):
            self.assertEqual(daemon.get('/-/reload', method='POST', headers=headers).status, 200, headers)
        self.figure('15 requests with foreign hosts: 421; 24 changes by foreign pages: 403')


if __name__ == '__main__':
    main()
