#!/usr/bin/env python3
"""The key, stream tokens, phone numbers and metadata never appear in the log (at level debug), in an answer or in a file,
whatever fails."""

import pathlib
import re
import unittest

from support import web
from support.case import EndToEnd, main
from support.passwords import basic, one_user
from support.programs import SANITIZED, STILL
from support.waiting import let_time_pass, wait_for

KEY = 'sk_test_canary_k3y_0123456789abcdefghijklmnopqrstuvwxyz'
# The simulator puts these into every body.
CANARIES = [KEY, 'canary_k3y', 'CANARY', 'kst_live', '+1202555']
PAGES = ['/metrics', '/', '/-/ready', '/-/healthy', '/config', '/api/v1/sessions', '/api/v1/episodes', '/episodes', '/runbooks', '/nowhere']
FAULTS = ['server_error', 'bad_gateway', 'truncate', 'not_json', 'wrong_id', 'unknown_status', 'redirect',
          'two_responses', 'chunked', 'close', 'rate_limited']
# After these the exporter is silent for a minute, so each gets one of its own.
SILENCING = ['unauthorized', 'forbidden', 'payment_required']


def memory_of(pid):
    """What the process may write to: heap, stacks, data."""
    with open(f'/proc/{pid}/maps', encoding='utf-8') as maps, open(f'/proc/{pid}/mem', 'rb', 0) as memory:
        for line in maps:
            first, last = (int(text, 16) for text in line.split()[0].split('-'))
            if line.split()[1].startswith('rw'):
                memory.seek(first)
                yield memory.read(last - first)


class Secrets(EndToEnd):
    def shown(self, exporter):
        """Everything that can be seen of the exporter from outside."""
        yield 'the log', exporter.log()
        for page in PAGES + [f'/sessions/{name}' for name in self.watched]:
            for kind in ('text/plain', 'application/openmetrics-text'):
                answer = exporter.get(page, headers={'Accept': kind, 'Authorization': 'Bearer stranger'})
                yield page, answer.text + str(answer.headers)
        yield 'the command line', pathlib.Path(f'/proc/{exporter.process.pid}/cmdline').read_text(encoding='utf-8')

    def assert_nothing_shown(self, exporter):
        for place, text in self.shown(exporter):
            for canary in CANARIES:
                self.assertNotIn(canary, text, place)

    def start(self, *flags):
        self.api = self.simulator('--sessions', 60, '--stuck', 10, '--api-key', KEY, '--created', '100ms-1s',
                                  '--connecting', '100ms-1s', '--active', '1s-3s')
        # Some of them are stuck, and have pages with episodes.
        self.watched = [life['id'] for life in self.api.lives()[1] if life['kind'] == 'stuck'][:3]
        return self.exporter(self.config(self.api.port, thresholds='{connecting: [500ms], not_started: [500ms]}',
                                         more='episodes:\n  thresholds: {connecting: 500ms}'),
                             '--log.level=debug', *flags)

    def test_canaries_are_in_the_responses_of_the_api(self):
        # Or the search would find nothing for the wrong reason.
        self.start()
        life = self.api.lives()[1][0]
        answer = web.request(self.api.address, '/v1/sessions/' + life['id'], ca_file=self.folder / 'ca.pem',
                             headers={'Authorization': f'Bearer {KEY}'})
        self.assertEqual(answer.status, 200)
        for canary in CANARIES[2:]:
            self.assertIn(canary, answer.text)

    def test_no_secret_is_shown_without_faults(self):
        exporter = self.start()
        exporter.until('whole lives', lambda scrape: scrape.total('kallglot_sessions_ended_total') >= 20)
        self.assert_nothing_shown(exporter)
        exporter.stop()
        for canary in CANARIES:
            self.assertNotIn(canary, exporter.log())

    def test_no_secret_is_shown_under_every_fault(self):
        exporter = self.start('--log.format=json')
        for fault in FAULTS:
            self.meet(fault, exporter)
        self.assertIn('"level":"debug"', exporter.log(), 'nothing was logged that could have shown anything')
        exporter.stop()
        self.assert_clean_end(exporter)
        for fault in SILENCING:
            self.meet(fault, self.exporter(self.folder / 'config.yml', '--log.level=debug', name=fault))

    def test_no_secret_of_the_daemon_is_shown_on_misuse(self):
        own = {'token': 'canary-token-0123456789', 'hook_secret': 'whsec_canary_0123456789', 'password': 'canary-password'}
        self.api = self.simulator('--sessions', 30, '--stuck', 3, '--api-key', KEY, '--created', '100ms-1s',
                                  '--connecting', '100ms-1s', '--active', '1s-3s')
        for name, text in own.items():
            self.write(name, text)
        web_file = self.write('web.yml', one_user(own['password'], 4))
        config = self.config(self.api.port, more='webhook: {listen_address: "127.0.0.1:0", secret_files: [hook_secret]}')
        config.write_text(config.read_text().replace('":memory:"', 'sessions.db').replace(
            'files: [sessions.txt]', 'files: [sessions.txt]\n  api_token_file: token'))
        exporter = self.exporter(config, '--log.level=debug', '--web.enable-lifecycle', '--web.config.file', web_file)
        login = basic('prometheus', own['password'])
        bearer = {'Authorization': 'Bearer ' + own['token']}
        exporter.expect('whole lives', lambda: re.search(r'_ended_total\{reason="completed"\} [1-9]',
                                                         exporter.get('/metrics', headers=login).text))
        hook = exporter.webhook_address()
        seen = []
        for text in (None, 'nonsense: 1\n', None):
            good = config.read_text()
            config.write_text(text or good)
            for method, path, headers in (('POST', '/-/reload', login), ('PUT', '/api/v1/sessions/sess_x', bearer),
                                          ('GET', '/api/v1/sessions', bearer), ('PUT', '/api/v1/sessions/sess_x', login)):
                answer = exporter.get(path, method=method, headers=headers, body=None if method == 'GET' else '')
                seen.append(answer.text + str(answer.headers))
            config.write_text(good)
            seen.append(web.request(hook, '/webhooks/kallglot', 'POST', '{}', {'Kallglot-Signature': 't=1,v1=00'}).text)
        for page in PAGES:
            seen.append(exporter.get(page, headers=login).text)
        for place in ('cmdline', 'environ'):
            seen.append(pathlib.Path(f'/proc/{exporter.process.pid}/{place}').read_text(encoding='utf-8'))
        exporter.stop()
        self.assert_clean_end(exporter)
        seen.append(exporter.log())
        files = [path.read_bytes() for path in self.folder.glob('sessions.db*')]
        self.assertGreater(len(files), 0)
        for canary in [*CANARIES, *own.values(), login['Authorization'].split()[1]]:
            for text in seen:
                self.assertNotIn(canary, text)
            for data in files:
                self.assertNotIn(canary.encode(), data)

    def meet(self, fault, exporter):
        with self.subTest(fault):
            before = self.api.stats()['faults'][fault]
            self.api.set_faults(**{fault: 0.2}, retry_after='1')
            exporter.expect(f'{fault} met', lambda: self.api.stats()['faults'][fault] > before)
            self.api.set_faults()
            self.assert_nothing_shown(exporter)

    @unittest.skipIf(SANITIZED, 'AddressSanitizer keeps freed memory on purpose')
    def test_memory_holds_no_secret_a_second_after_polling(self):
        api = self.simulator('--sessions', 300, *STILL)
        rarely = '{created: 2s, connecting: 1h, active: 1h, ending: 1h, unknown: 1h}'
        exporter = self.exporter(self.config(api.port, intervals=rarely))
        exporter.until('all polled, and for long', lambda scrape: scrape.total('kallglot_sessions') == 300
                       and not any(scrape.value('kallglot_sessions', status=status) for status in ('unknown', 'created')))
        wait_for('silence', lambda: api.stats()['requests']['in_flight'] == 0)
        let_time_pass(1, 'the promise is about the memory a second after the last answer')
        memory = b''.join(memory_of(exporter.process.pid))
        self.assertIn(api.lives()[1][0]['id'].encode(), memory, 'this looks at the wrong memory')
        for pattern in (rb'kst_live_\w{8}', rb'\+1202555', rb'CANARY said', rb'cust_CANARY'):
            self.assertEqual(re.findall(pattern, memory)[:3], [], pattern)


if __name__ == '__main__':
    main()
