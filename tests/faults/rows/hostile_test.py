#!/usr/bin/env python3
"""Hostile requests of twelve kinds, while files and configuration change without a pause, and a search for secrets in all that shows."""

import json
import os
import pathlib
import random
import re
import signal
import sys

from fault_case import OTHER_USER, SANITIZED, Row, alone, main, memory, whole
from support import web
from support.certificates import make_authority, make_server
from support.durable import Durable, event, signed
from support.passwords import basic, one_user
from support.programs import STILL, Program
from support.waiting import PATIENCE, wait_for

HOSTILE = pathlib.Path(__file__).resolve().parent / 'hostile.py'
# A hundred requests a reload. A million take most of an hour with sanitizers.
REQUESTS = int(os.environ.get('KALLGLOT_HOSTILE_REQUESTS', 20_000))
REQUESTS_A_RELOAD = 100
PASSWORD = 'canary-password-of-hostile-clients'
# Valid as session ids, so that nothing but the daemon's care keeps them out.
TOKENS = ('0123456789abcdef' * 4, 'fedcba9876543210' * 4)
HOOKS = ('canary-hook-one-of-hostile-clients', 'canary-hook-two-of-hostile-clients')
KEY = 'sk_test_canary_k3y_of_hostile_clients_0123456789'
# The simulator has the last three in every answer.
CANARIES = (KEY, *TOKENS, *HOOKS, PASSWORD, basic('prometheus', PASSWORD)['Authorization'].split()[1], 'PRIVATE KEY', 'CANARY', 'kst_live', '+1202555')
FAULTS = dict.fromkeys(('server_error', 'truncate', 'not_json', 'wrong_id', 'unknown_status', 'redirect', 'two_responses', 'chunked', 'close',
                        'hostile_words', 'wrong_types', 'deep', 'huge', 'trailers', 'interim', 'garbage', 'bad_dates'), 0.01)
TLS = 'tls_server_config: {cert_file: web.pem, key_file: web.key}\n'


class Hostile(Durable, Row):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest('needs root to make links of another user')
        self.random, self.searched = random.Random(1), 0
        self.users = one_user(PASSWORD, 4)
        self.drop = self.folder / 'drop'
        self.drop.mkdir()
        for name, text in (('token', TOKENS[0]), ('spare_token', TOKENS[1]), ('hook', HOOKS[0]), ('hook_2', HOOKS[1])):
            self.write(name, text + '\n')
        make_authority(self.folder, 'authority')
        make_server(self.folder, 'web', 'authority')
        self.api = self.simulator('--sessions', 300, *STILL, '--api-key', KEY)
        self.port, self.hook_port = web.free_port(), web.free_port()

    # What changes ----------------------------------------------------------------------------------------------------

    def settings(self):
        """A configuration; one in eight is not valid."""
        pick = self.random.choice
        file = self.config(
            self.api.port, name='hostile.yml', files='sessions.txt, "drop/*.txt"', store='sessions.db', max_connections=pick((1, 16, 64)),
            session_lines=f'api_token_file: token\nmax_tracked: {pick((500, 5000))}',
            api=f'request_timeout: {pick(("1s", "10s"))}\nhttp_version: {pick(("auto", "1.1"))}',
            webhook=f'listen_address: 127.0.0.1:{self.hook_port}\nsecret_files: {pick(("[hook, hook_2]", "[hook_2, hook]"))}\n'
                    f'max_connections: {pick((4, 64, 512))}\ntolerance: {pick(("1m", "1h"))}\nmax_body_size: {pick(("1KiB", "64KiB"))}\n'
                    + pick(('', 'tls: {cert_file: web.pem, key_file: web.key}')),
            more=f'metrics: {{per_session_limit: {pick((0, 200, 1000))}}}')
        file.write_text(file.read_text().replace('max_rate: unlimited', f'max_rate: {pick(("50/1s", "200/1s"))}'))
        if self.random.random() < 0.125:
            file.write_text(file.read_text() + pick(('nonsense: 1\n', '  - [', f'x: {TOKENS[0]}\n', f'"{PASSWORD}"\n', f'{TOKENS[0]}: 1\n', '\x00')))
        return file

    def web_file(self):
        pick = self.random.choice
        text = pick(('', TLS, self.users, TLS + self.users)) + pick(('', 'rate_limit: {interval: 1ms, burst: 50}\n'))
        if self.random.random() < 0.125:
            text = pick((text[:len(text) // 2], f'basic_auth_users: {{x: {PASSWORD}}}\n', f'{PASSWORD}: x\n', 'x: y\n', TLS.replace('web.key', 'authority.key')))
        self.write('web.yml', text)

    def session_file(self):
        """Puts something among the session files, most of it a way to a secret."""
        secret = self.folder / self.random.choice(('token', 'hook', 'hook_2', 'api_key', 'web.yml'))
        place = self.drop / f'{self.random.randrange(20)}.txt'
        place.unlink(missing_ok=True)
        kind = self.random.randrange(7)
        if kind == 0:
            # A link of another user, also to what is no secret of the configuration.
            place.symlink_to(self.random.choice((secret, self.folder / 'web.key', self.folder / 'spare_token')))
            os.lchown(place, OTHER_USER, OTHER_USER)
        elif kind == 1:
            os.link(secret, place)
        elif kind == 2:
            # Renamed into the folder, and perhaps shortened there; a copy takes its place.
            text = secret.read_text()
            secret.rename(place)
            self.write(secret.name, text)
            if self.random.random() < 0.5:
                os.truncate(place, len(text) // 2)
        elif kind == 3:
            os.mkfifo(place)
        elif kind == 4:
            place.symlink_to(self.drop / f'{self.random.randrange(20)}.txt')
        elif kind == 5:
            place.write_bytes(self.random.randbytes(3000))
        else:
            place.write_text(''.join(f'sess_of_a_file_{self.random.randrange(10 ** 6)}\n' for _ in range(self.random.randrange(200))))

    def reload(self):
        """Changes some of the files, and waits until the daemon has said what it makes of them."""
        self.settings()
        for change in self.random.choices((self.web_file, self.session_file), k=2):
            change()
        self.exporter_.send(signal.SIGHUP)
        told = self.told

        def said():
            self.read_log()
            return self.told > told
        self.exporter_.expect('the end of the reload', said, 4 * PATIENCE)

    # What shows ------------------------------------------------------------------------------------------------------

    def read_log(self):
        """Searches what is new in the log."""
        text = self.log_rest + self.log_stream.read()
        text, _, self.log_rest = text.rpartition('\n')
        self.told += len(re.findall(r'msg=reloaded|msg="reload rejected', text))
        self.rejected += len(re.findall(r'msg="reload rejected', text))
        for word in ('ERROR: ', 'runtime error', 'internal error', 'request handler failed'):
            self.assertNotIn(word, text)
        self.search('the log', text)

    def search(self, place, text):
        self.searched += len(text)
        for canary in CANARIES:
            self.assertFalse(canary in text, f'{place} shows {canary}')

    def page(self, path):
        """A page of the private listener, which may speak TLS or not and want a password or not at the moment."""
        for ca_file in (None, self.folder / 'authority.pem'):
            try:
                return web.request(f'localhost:{self.port}', path, headers=basic('prometheus', PASSWORD), ca_file=ca_file, timeout=5).text
            except (OSError, ValueError):
                continue
        return ''

    def search_everything(self):
        for path in ('/metrics', '/', '/config', '/-/ready'):
            self.search(path, self.page(path))
        for path in self.folder.glob('sessions.db*'):
            self.search(path.name, path.read_bytes().decode('latin-1'))
        for place in ('cmdline', 'environ'):
            self.search(place, pathlib.Path(f'/proc/{self.exporter_.process.pid}/{place}').read_text(encoding='utf-8'))

    @whole
    @alone
    def test_s1_no_secret_is_shown_under_hostile_requests_and_reloads(self):
        """Hostile requests of twelve kinds; meanwhile hundreds of reloads, and secrets linked, renamed and shortened among the session files
        No canary shows anywhere. Nothing crashes, no handler fails, and afterwards everything works."""
        self.web_file()
        exporter = self.exporter_ = self.exporter(self.settings_that_are_valid(), '--web.config.file', self.write('web.yml', ''),
                                                  '--log.level=debug', listen=f'127.0.0.1:{self.port}')
        exporter.polled(300)
        self.api.set_faults(**FAULTS)
        self.told = self.rejected = 0
        self.log_rest = ''
        file = self.write('secrets.json', json.dumps({'token': TOKENS[:1], 'password': PASSWORD, 'hook': HOOKS, 'canaries': CANARIES}))
        with open(exporter.log_file, encoding='utf-8', errors='replace') as self.log_stream:
            attack = self.keep(Program(self.folder, 'attack', [sys.executable, HOSTILE, f'127.0.0.1:{self.port}', f'127.0.0.1:{self.hook_port}',
                                                               REQUESTS, file]))
            reloads, most = 0, 0
            while attack.running() or reloads < REQUESTS // REQUESTS_A_RELOAD:
                self.reload()
                reloads += 1
                if reloads % 50 == 1:
                    self.search_everything()
                    most = max(most, memory(exporter))
            self.assertEqual(attack.wait(), 0, attack.log())
            self.read_log()
            self.settle(exporter)
            self.search_everything()
        report = json.loads(attack.out_file.read_text().splitlines()[-1])
        self.assertEqual(report['shown'], [])
        self.assertEqual(len(report['requests']), 12)
        self.assertGreater(min(report['requests'].values()), REQUESTS // 50)
        # Whatever they do, it meets the daemon's answers of every kind.
        self.assertLessEqual({'200', '201', '204', '400', '401', '403', '404', '405', '413', '417', '421', '431', '501', '503'}, set(report['answers']))
        exporter.stop()
        self.assert_clean_end(exporter)
        self.figure(f'{sum(report["requests"].values()):,} requests of {len(report["requests"])} kinds, {sum(report["answers"].values()):,} answers, '
                    f'{reloads:,} reloads ({self.rejected:,} lines of refusal), {self.searched >> 20:,} MiB searched for {len(CANARIES)} canaries: 0 shown; '
                    f'at most {most >> 20} MiB of memory{" with sanitizers" if SANITIZED else ""}')

    def settings_that_are_valid(self):
        return self.config(self.api.port, name='hostile.yml', files='sessions.txt, "drop/*.txt"', store='sessions.db',
                           session_lines='api_token_file: token', webhook=f'listen_address: 127.0.0.1:{self.hook_port}\nsecret_files: [hook, hook_2]')

    def settle(self, exporter):
        """A good configuration again: everything works as if nothing had been."""
        self.api.set_faults()
        self.settings_that_are_valid()
        self.write('web.yml', '')
        told = self.told

        def reloaded():
            self.read_log()
            return self.told > told
        exporter.send(signal.SIGHUP)
        exporter.expect('the last reload', reloaded)
        wait_for('a plain page', lambda: exporter.get('/-/healthy').status == 200)
        exporter.more_polls(300, 100)
        self.assertEqual(web.request(f'127.0.0.1:{self.port}', '/api/v1/sessions/sess_afterwards', 'PUT',
                                     headers={'Authorization': f'Bearer {TOKENS[0]}'}).status, 201)
        body = event('afterwards', 'sess_afterwards_2')
        self.assertEqual(web.request(f'127.0.0.1:{self.hook_port}', '/webhooks/kallglot', 'POST', body, signed(body, HOOKS[0])).status, 200)


if __name__ == '__main__':
    main()
