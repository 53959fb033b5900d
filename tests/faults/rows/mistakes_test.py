#!/usr/bin/env python3
"""Mistakes of the operator that an attacker waits for: permissions, short secrets, a secret in the wrong place."""

from fault_case import Row, main
from support.certificates import make_authority, make_server
from support.passwords import one_user
from support.programs import run_exporter

TOKEN = '0123456789abcdef0123456789abcdef'
WEB = 'tls_server_config: {cert_file: web.pem, key_file: web.key, client_ca_file: trusted.pem, %s}\n'


class Mistakes(Row):
    def setUp(self):
        super().setUp()
        make_authority(self.folder, 'trusted')
        for name in ('web', 'hook'):
            make_server(self.folder, name, 'trusted')
        self.folder.chmod(0o755)
        for path in self.folder.iterdir():
            path.chmod(0o600)
        self.secrets = self.folder / 'secrets'
        self.secrets.mkdir(mode=0o755)
        for name, text in (('api_key', 'sk_test_of_this_row'), ('token', TOKEN), ('hook', 'whsec_0123456789abcdef')):
            self.write(f'secrets/{name}', text)
        self.configure()

    def configure(self, token='secrets/token'):
        self.file = self.write('config.yml', f'''\
api: {{base_url: "http://127.0.0.1:9/v1", allow_plaintext: true, key_file: secrets/api_key}}
sessions: {{api_token_file: {token}}}
webhook: {{listen_address: "127.0.0.1:0", secret_files: [secrets/hook], tls: {{cert_file: hook.pem, key_file: hook.key}}}}
store: {{path: ":memory:"}}
''')
        return self.file

    def check(self, web_file='client_auth_type: RequireAndVerifyClientCert'):
        """Exit code and log of the check, with a web file that has this more in it."""
        web_file = self.write('web.yml', WEB % web_file + one_user('right'))
        code, _, log = run_exporter('--config.file', self.file, '--web.config.file', web_file, '--config.check')
        return code, log

    def test_x14_secrets_within_reach_of_others_cause_warnings(self):
        """Private keys of TLS that others can read; secrets that others can write, in a folder of others, or of two characters
        Each is used with a warning that names the file and says what to change, in the log and in the check."""
        self.assertEqual(self.check(), (0, ''), 'without a mistake there is no warning')
        warned = 0
        for name, mode, words in (('hook.key', 0o666, 'readable by all users'), ('web.key', 0o644, 'readable by all users'),
                                  ('hook.key', 0o640, 'readable by its group'), ('secrets/hook', 0o622, 'writable by all users'),
                                  ('secrets/token', 0o620, 'writable by its group'), ('config.yml', 0o646, 'writable by all users'),
                                  ('web.pem', 0o664, 'writable by its group'), ('trusted.pem', 0o666, 'writable by all users'),
                                  ('secrets', 0o777, 'in a folder that others can write')):
            with self.subTest(f'{name} {mode:o}'):
                path = self.folder / name
                usual = path.stat().st_mode
                path.chmod(mode)
                code, log = self.check()
                self.assertEqual(code, 0, log)
                self.assertIn(str(path), log)
                self.assertIn(words, log)
                self.assertNotIn('level=error', log)
                path.chmod(usual)
                warned += 1
        for name in ('api_key', 'token', 'hook'):
            with self.subTest(f'short {name}'):
                usual = (self.secrets / name).read_text()
                (self.secrets / name).write_text('a1')
                code, log = self.check()
                self.assertEqual(code, 0, log)
                self.assertIn(f'secrets/{name} has fewer than 16 characters', log)
                (self.secrets / name).write_text(usual)
                warned += 1
        self.figure(f'{warned} of {warned} mistakes warned of, 0 warnings without one')

    def test_x18_secret_in_place_of_its_file_is_not_repeated(self):
        """The API token, the webhook secret or a private key is written where the name of its file belongs
        Log, check and the answer of a reload say that the text looks like the secret itself, and do not repeat it."""
        api = self.simulator('--sessions', 5)
        running = self.config(api.port, name='running.yml')
        exporter = self.exporter(running, '--web.enable-lifecycle')
        exporter.expect('ready', lambda: exporter.get('/-/ready').status == 200)
        answers = []
        for text in (f'sessions: {{files: [sessions.txt], api_token_file: {TOKEN}}}',
                     f'webhook: {{listen_address: "127.0.0.1:0", secret_files: [{TOKEN}]}}',
                     f'webhook: {{tls: {{cert_file: hook.pem, key_file: {TOKEN}}}}}'):
            with self.subTest(text.partition(':')[0]):
                kept = running.read_text()
                bad = self.write('bad.yml', f'api: {{base_url: "https://localhost:{api.port}/v1", key_file: api_key, ca_file: ca.pem}}\n'
                                 f'{text}\n')
                code, said, log = run_exporter('--config.file', bad, '--config.check')
                self.assertEqual(code, 2)
                running.write_text(bad.read_text())
                answer = exporter.get('/-/reload', method='POST', body='')
                self.assertEqual(answer.status, 500)
                running.write_text(kept)
                for shown in (said + log, answer.text):
                    answers.append(shown)
                    self.assertNotIn(TOKEN, shown)
                self.assertIn('looks like the secret itself', log)
                self.assertIn('looks like the secret itself', answer.text)
        self.assertNotIn(TOKEN, exporter.log())
        self.assertEqual(exporter.get('/-/reload', method='POST', body='').status, 200)
        # A long name is fine if there is such a file.
        self.write('name_of_a_file_with_a_token', TOKEN)
        self.assertEqual(run_exporter('--config.file', self.configure('name_of_a_file_with_a_token'), '--config.check')[0], 0)
        self.figure(f'{len(answers)} texts, 0 with the secret')

    def test_x20_names_in_certificates_that_clients_make_cause_a_warning(self):
        """client_allowed_sans with RequireAnyClientCert: every client can make itself a certificate with such a name
        The web file is used, as in other exporters, with a warning that names the setting that verifies."""
        for mode, warned in (('RequireAnyClientCert', True), ('RequireAndVerifyClientCert', False)):
            code, log = self.check(f'client_auth_type: {mode}, client_allowed_sans: [prometheus.example]')
            self.assertEqual(code, 0, log)
            self.assertEqual('client_allowed_sans: proves nothing with RequireAnyClientCert' in log, warned, log)
        self.figure('warned')


if __name__ == '__main__':
    main()
