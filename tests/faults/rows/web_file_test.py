#!/usr/bin/env python3
"""Files that the daemon reads again by itself, while another program writes them: the web file above all."""

import http.client

from fault_case import Row, main
from support import web
from support.certificates import make_authority, make_client, make_server
from support.passwords import basic, one_user

KEPT = 'changed files of the private listener not used'
USED = 'web configuration reloaded'
TLS = ('tls_server_config: {cert_file: web.pem, key_file: web.key, client_ca_file: clients.pem, '
       'client_auth_type: VerifyClientCertIfGiven}\n')
TLS_ALONE = 'tls_server_config: {cert_file: web.pem, key_file: web.key}\n'


class WebFile(Row):
    def setUp(self):
        super().setUp()
        for authority in ('trusted', 'clients'):
            make_authority(self.folder, authority)
        make_server(self.folder, 'web', 'trusted')
        make_client(self.folder, 'stranger', 'trusted', 'DNS:prometheus.example')
        self.users = {word: one_user(word) for word in ('right', 'renewed')}
        self.web_file = self.write('web.yml', TLS + self.users['right'])
        api = self.simulator('--sessions', 5, '--arrival-rate', '0')
        self.daemon = self.exporter(self.config(api.port), '--web.config.file', self.web_file, '--web.enable-lifecycle')
        self.address = f'localhost:{web.place(self.daemon.address)[1]}'
        self.daemon.expect('ready', lambda: self.status('/-/ready') == 200)

    def status(self, path='/metrics', password=None, tls=True, **options):
        """The status of the answer; None without one."""
        try:
            return web.request(self.address, path, headers=basic('prometheus', password) if password else None,
                               ca_file=self.folder / 'trusted.pem' if tls else None, **options).status
        except (OSError, http.client.HTTPException):
            return None

    def assert_protected(self, password='right'):
        self.assertIn(self.status(tls=False), (None, 400), 'plain HTTP')
        self.assertEqual(self.status(), 401, 'without a password')
        self.assertEqual(self.status(password=password), 200, 'with the password')

    def warnings(self):
        return self.daemon.log().count(KEPT)

    def kept(self, text, *words):
        """Writes this, as an editor does that empties the file first, and waits for the warnings."""
        before = self.warnings()
        self.web_file.write_text(text)
        self.daemon.expect(words, lambda: self.warnings() >= before + len(words))
        told = self.daemon.log().split(KEPT)[before + 1:]
        for word in words:
            self.assertTrue(any(word in line for line in told), told)
        self.assert_protected()

    def restore(self):
        known = self.daemon.log().count(USED)
        self.web_file.write_text(TLS + self.users['right'])
        self.daemon.expect('the good file', lambda: self.daemon.log().count(USED) > known)

    def test_x3_followed_web_file_never_takes_protection_away(self):
        """The web file is emptied, half written or lacks a section, as a full disk or an editor leaves it
        What is in force stays, with a warning, until the operator reloads. Renewed users and certificates are used."""
        # No two neighbours have the same warnings, which would be logged once.
        contents = [('', 'TLS', 'the last user'),
                    (TLS, 'the last user'),
                    (self.users['right'], 'TLS'),
                    (TLS + 'basic_auth_users:\n', 'the last user'),
                    (TLS_ALONE + self.users['right'], 'the verification of client certificates'),
                    (TLS[:40], 'web.yml'),
                    ('# only a comment\n', 'TLS', 'the last user'),
                    (TLS + 'basic_auth_users:\n  prometheus: $2b$10$ab\n', 'bcrypt')]
        for text, *words in contents:
            with self.subTest(text):
                self.kept(text, *words)
        # The other files of the listener: emptied, they are no certificates.
        self.restore()
        for name in ('web.pem', 'web.key', 'clients.pem'):
            with self.subTest(name):
                whole = (self.folder / name).read_bytes()
                before = self.warnings()
                (self.folder / name).write_bytes(b'')
                self.daemon.expect('a warning', lambda before=before: self.warnings() > before)
                self.assert_protected()
                (self.folder / name).write_bytes(whole)
        self.web_file.write_text(TLS + self.users['renewed'])
        self.daemon.expect('the renewed password', lambda: self.status(password='renewed') == 200)
        self.assert_protected('renewed')
        # The operator asks for it.
        before = self.warnings()
        self.web_file.write_text('')
        self.daemon.expect('two warnings', lambda: self.warnings() >= before + 2)
        self.assert_protected('renewed')
        self.assertEqual(self.status('/-/reload', password='renewed', method='POST', body=''), 200)
        self.daemon.expect('plain HTTP without a password', lambda: self.status(tls=False) == 200)
        self.assertIn('private listener is less protected than before', self.daemon.log())
        self.figure(f'{len(contents) + 3} contents, protection kept each time')


if __name__ == '__main__':
    main()
