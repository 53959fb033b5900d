#!/usr/bin/env python3
"""Mistakes in the configuration, the secrets, the certificates and the unit file are rejected and named."""

import os
import pathlib
import shutil
import socket
import subprocess

from fault_case import OTHER_USER, SOURCE_DIR, Row, main, whole
from support.certificates import make_authority, make_server
from support.programs import EXPORTER, run_exporter

GOOD = 'api:\n  key_file: api_key\n  base_url: https://localhost:9/v1\nstore:\n  path: ":memory:"\n'
KEY = 'sk_test_canary_0123456789abcdef0123456789'
HASH = '$2y$05$e0MYzXyjpJS7Pd0RVvHwHe1HXFfG6oGwA6oUqVhNg0YQbGp0Ql1l.'

# One line after GOOD, or a whole file, and what must be said about it.
MISTAKES = [
    ('webhok: {}', 'webhook'), ('sessions: {file: []}', 'sessions.files'), ('poll: {interval: {}}', 'poll.intervals'),
    ('thresholds: {conecting: [1s]}', 'thresholds.connecting'), ('shutdown_grace: 10', 'shutdown_grace'),
    ('shutdown_grace: ten', 'shutdown_grace'), ('poll: {intervals: {active: 0s}}', '10ms'), ('poll: {intervals: {active: 2d}}', '1d'),
    ('poll: {intervals: {active: -5s}}', 'poll.intervals.active'), ('poll: {intervals: [5s]}', 'poll.intervals'),
    ('poll: {ended_retention: 5}', 'ended_retention'), ('poll: {not_found_after: never}', 'not_found_after'),
    ('thresholds: {created: [5m, 1m]}', 'thresholds.created'), ('thresholds: {created: 5m}', 'thresholds.created'),
    ('sessions: {max_tracked: -1}', 'max_tracked'), ('sessions: {max_tracked: 1e9}', 'max_tracked'),
    ('sessions: {max_tracked: many}', 'max_tracked'), ('sessions: {files: one.txt}', 'sessions.files'),
    ('webhook: {listen_address: "127.0.0.1:99999"}', 'webhook.listen_address'), ('webhook: {path: hooks}', 'webhook.path'),
    ('webhook: {tolerance: -1s}', 'webhook.tolerance'), ('webhook: {max_body_size: 64}', 'max_body_size'),
    ('webhook: {max_connections: 0}', 'max_connections'), ('webhook: {listen_address: "127.0.0.1:0"}', 'secret_files'),
    ('metrics: {per_session_limit: -1}', 'per_session_limit'), ('metrics: {per_session_limit: 1e9}', 'per_session_limit'),
    ('store: {path: x}', 'store'), ('- 1', ''), ('api', ''), ('&a x: 1', ''),
]


class Files(Row):
    def setUp(self):
        super().setUp()
        self.write('api_key', KEY + '\n')

    def given_away(self, file):
        """A user without rights can read what a start needs. The result is how `run_exporter` starts it as that user: with a copy
        of the program, since this clone may be in the folder of a user that keeps others out."""
        self.folder.chmod(0o755)
        for path in (file, self.folder / 'api_key'):
            path.chmod(0o644)
        return {'program': shutil.copy(EXPORTER, self.folder), 'user': OTHER_USER, 'group': OTHER_USER, 'extra_groups': []}

    def check(self, text, *flags):
        """Code and words of a check and of a start, which must agree."""
        file = self.write('config.yml', text)
        checked, _, said = run_exporter('--config.file', file, '--config.check', *flags)
        started, _, log = run_exporter('--config.file', file, '--web.listen-address', '127.0.0.1:0', *flags)
        self.assertNotIn(KEY, said + log)
        return checked, said, started, log

    def test_c1_every_mistake_is_named_with_file_line_and_key(self):
        """Unknown keys, typing errors, wrong types
        The start fails with exit code 2 before anything runs. The error names file, line, key and the nearest valid key.
        --config.check reports the same."""
        self.suite('config_test', '*BadFile*:*BadValue*', 100, '{passed} bad files in the parser')
        for line, word in MISTAKES:
            with self.subTest(line):
                checked, said, started, log = self.check(GOOD + line + '\n')
                self.assertEqual((checked, started), (2, 2), log)
                self.assertIn('config.yml:', log)
                for text in (said, log):
                    self.assertIn(word, text)
        self.figure(f'{len(MISTAKES)} in the daemon, check and start agree')

    @whole
    def test_c2_bad_file_on_reload_changes_nothing(self):
        """A reload finds a bad file, a bad certificate or no secret
        The reload changes nothing, its metric is 0, and the error is logged once."""
        count = self.elsewhere('reload_test', 'Reload.test_bad_file_changes_nothing_and_is_reported',
                               'Reload.test_bad_certificate_or_secret_changes_nothing')
        self.figure(f'{count} of 2 cases')

    def test_c3_value_out_of_range_is_rejected_with_the_range(self):
        """0, negative, enormous, without a unit, an interval below the minimum
        Each value is rejected, and the error names the allowed range."""
        self.suite('config_test', 'Values/BadValue.*:Addresses/BadValue.*', 55)
        for line, allowed in (('poll: {intervals: {active: 1ms}}', '10ms to 1d'), ('poll: {intervals: {active: 365d}}', '10ms to 1d'),
                          ('sessions: {max_tracked: 0}', '1 to 10000000')):
            with self.subTest(line):
                _, _, started, log = self.check(GOOD + line + '\n')
                self.assertEqual(started, 2)
                self.assertIn('must be ' + allowed, log)

    def test_c4_bad_secrets_are_rejected_and_good_ones_trimmed(self):
        """A secret that is missing, empty, unreadable, a placeholder, or ends with CR LF
        Empty secrets and placeholders are rejected. Line ends are trimmed. An empty webhook secret never accepts an event."""
        self.suite('config_test', 'Secrets.*:Placeholders.*:Secret.*', 9)
        for content, code in (('', 2), ('\n', 2), ('  \r\n', 2), ('changeme', 2), ('<your key>', 2), ('two\nlines\n', 2)):
            with self.subTest(content):
                self.write('api_key', content)
                checked, said, _, _ = self.check(GOOD)
                self.assertEqual(checked, code, said)
                self.assertIn('api_key', said)
        self.write('api_key', KEY + '\r\n')
        self.assertEqual(run_exporter('--config.file', self.folder / 'config.yml', '--config.check')[0], 0)
        for content in ('', '\r\n'):
            self.write('hook', content)
            file = self.write('config.yml', GOOD + 'webhook: {listen_address: "127.0.0.1:0", secret_files: [hook]}\n')
            self.assertEqual(run_exporter('--config.file', file, '--config.check')[0], 2)

    def test_c8_unusable_listen_address_is_named(self):
        """The port is taken, the address is not local, or the port is privileged
        The start fails at once with exit code 1. The error names the address and the reason."""
        taken = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(taken.close)
        port = taken.getsockname()[1]
        cases = [(f'127.0.0.1:{port}', 'in use', {}), ('198.51.100.7:0', 'assign', {})]
        file = self.write('config.yml', GOOD)
        if os.geteuid() == 0 and int(pathlib.Path('/proc/sys/net/ipv4/ip_unprivileged_port_start').read_text()) > 80:
            cases.append(('127.0.0.1:80', 'denied', self.given_away(file)))
        for address, words, who in cases:
            with self.subTest(address):
                code, _, log = run_exporter('--config.file', file, '--web.listen-address', address, **who)
                self.assertEqual(code, 1, log)
                self.assertIn(address, log)
                self.assertIn(words, log)
        self.elsewhere('bad_input_test', 'BadInput.test_taken_port_is_named')
        self.figure(f'{len(cases)} named')

    def test_c9_unreachable_store_is_named(self):
        """The folder of the store is missing or belongs to another user
        The start fails with exit code 1. The error names the path and the reason."""
        self.suite('store_test', 'SqliteStore.AMissingFolderIsNamed', 1, '')
        for place, words in ((self.folder / 'gone' / 'sessions.db', 'gone'), ('/proc/sessions.db', '/proc')):
            file = self.write('config.yml', GOOD.replace('":memory:"', str(place)))
            code, _, log = run_exporter('--config.file', file, '--web.listen-address', '127.0.0.1:0')
            self.assertEqual(code, 1, log)
            self.assertIn(words, log)
        if os.geteuid() == 0:
            file = self.write('config.yml', GOOD.replace('":memory:"', 'sessions.db'))
            code, _, log = run_exporter('--config.file', file, '--web.listen-address', '127.0.0.1:0', **self.given_away(file))
            self.assertEqual(code, 1, log)
            self.assertIn('sessions.db', log)
        self.figure('missing, not ours, and no place for files')


class Tls(Row):
    def refused(self, text, *words, code=2):
        answer, _, log = run_exporter('--config.file', self.file, '--web.config.file', self.write('web.yml', text),
                                      '--web.listen-address', '127.0.0.1:0')
        self.assertEqual(answer, code, log)
        for word in words:
            self.assertIn(word, log)

    def setUp(self):
        super().setUp()
        self.write('api_key', KEY + '\n')
        self.file = self.write('config.yml', GOOD)
        make_authority(self.folder, 'ca')
        make_server(self.folder, 'web', 'ca')

    def test_c5_bad_web_configurations_are_rejected(self):
        """A certificate without a key, unknown suites or curves, TLS 1.0, a plain password, an unknown header, a bad key file
        Each is rejected at the start with line and key. Valid settings are accepted, or reported as not supported."""
        self.suite('config_test', 'Files/BadWebConfig.*:WebConfig.*', 36)
        pair = 'cert_file: web.pem, key_file: web.key'
        for text, word in ((f'tls_server_config: {{{pair}, min_version: TLS10}}\n', 'min_version'),
                           (f'tls_server_config: {{{pair}, cipher_suites: [TLS_NO_SUCH]}}\n', 'cipher_suites'),
                           (f'tls_server_config: {{{pair}, curve_preferences: [P1]}}\n', 'curve_preferences'),
                           ('http_server_config: {headers: {X-Other: 1}}\n', 'X-Other'),
                           ('basic_auth_users: {a: secret}\n', 'not a bcrypt hash')):
            with self.subTest(text):
                self.refused(text, word)
        self.write('web.key', 'this is no key\n')
        self.refused(f'tls_server_config: {{{pair}}}\n', 'web.key')

    def test_c6_expensive_password_hash_is_rejected(self):
        """A bcrypt hash of cost 31 in the web configuration
        A cost outside 4 to 14 is rejected at the start: one check of cost 31 takes days."""
        for cost in ('31', '15', '03'):
            self.refused(f"basic_auth_users: {{a: '{HASH.replace('$05$', f'${cost}$')}'}}\n", 'cost')
        self.figure('31, 15 and 3 refused')

    def test_c7_unusable_certificates_are_rejected_or_logged(self):
        """Certificate and key do not match, the certificate has expired, the chain is in the wrong order
        A pair that does not match is rejected at the start. An expired certificate is logged, because clients may not check
        it. A metric reports when a certificate expires."""
        make_server(self.folder, 'other', 'ca')
        self.refused('tls_server_config: {cert_file: web.pem, key_file: other.key}\n', 'other.key')
        chain = (self.folder / 'ca.pem').read_text() + (self.folder / 'web.pem').read_text()
        self.write('reversed.pem', chain)
        self.refused('tls_server_config: {cert_file: reversed.pem, key_file: web.key}\n', 'web.key')
        make_server(self.folder, 'old', 'ca', expired=True)
        exporter = self.exporter(self.file, '--web.config.file', self.write(
            'web.yml', 'tls_server_config: {cert_file: old.pem, key_file: old.key}\n'))
        self.assertRegex(exporter.log(), r'level=warn msg="listener certificate expired.*listener=private')
        self.elsewhere('web_config_test', 'WebConfig.test_private_listener_with_tls_rejects_plaintext')
        self.figure('mismatch and wrong order rejected, expired logged')


class UnitFile(Row):
    def test_c11_mistake_in_the_unit_file_is_found(self):
        """A misspelled key in the unit file, for which systemd only warns
        The test of the unit file fails for it, and passes for the shipped file."""
        self.elsewhere('unit_file_test', 'UnitFile.test_systemd_verify_reports_nothing', 'UnitFile.test_systemd_verify_reports_a_bad_value')
        self.figure('verify is silent, and would not be')

    def test_c12_unit_is_confined(self):
        """A unit with too many rights
        systemd-analyze reports an exposure of at most 1.2, and a higher one as soon as a line is missing."""
        self.elsewhere('unit_file_test', 'UnitFile.test_unit_is_confined', 'UnitFile.test_unit_without_confinement_exceeds_the_threshold')
        said = subprocess.run(['systemd-analyze', 'security', '--offline=yes', SOURCE_DIR / 'systemd' / 'kallglot_exporter.service'],
                              capture_output=True, text=True, check=False)
        self.figure(said.stdout.strip().splitlines()[-1].strip('→ ') if said.stdout else 'at most 1.2')


if __name__ == '__main__':
    main()
