#!/usr/bin/env python3
"""Mistakes of an operator lead to a clear message and the right exit code, at once."""

import os
import re
import socket
import time

from support import web
from support.case import EndToEnd, main
from support.certificates import make_authority
from support.programs import EXPORTER, run_exporter
from support.waiting import within

# "At once", in starts of the program that only print the version: far less than any wait of the daemon.
AT_ONCE = 100
KEY = 'sk_test_canary_0123456789abcdef0123456789'
GOOD = 'api:\n  key_file: api_key\n  base_url: https://localhost:9/v1\nstore:\n  path: ":memory:"\n'


class BadInput(EndToEnd):
    def setUp(self):
        super().setUp()
        self.write('api_key', KEY + '\n')

    def at_once(self, *arguments):
        """Runs the exporter to its end, which must come at once; what run_exporter returns."""
        begun = time.monotonic()
        run_exporter('--version')
        calibration = time.monotonic() - begun
        with within('a refusal', AT_ONCE * calibration):
            return run_exporter(*arguments)

    def refuses(self, code, *words, config=GOOD, flags=(), check_answers=2, listen='127.0.0.1:0'):
        """The exporter exits at once with that code and logs the words; with --config.check it exits with 2."""
        file = self.write('config.yml', config) if config is not None else self.folder / 'not_there.yml'
        answer, out, log = self.at_once('--config.file', file, '--web.listen-address', listen, *flags)
        self.assertEqual(answer, code, log)
        for word in words:
            self.assertIn(word, log)
        self.assertNotIn(KEY, log + out)
        if check_answers is not None:
            answer, out, log = run_exporter('--config.check', '--config.file', file, *flags)
            self.assertEqual(answer, check_answers, log)
        return log

    def test_unknown_key_is_named_with_the_nearest_valid_key(self):
        log = self.refuses(2, 'config.yml:3', 'api.base_ur', 'api.base_url', config='api:\n  key_file: api_key\n'
                           '  base_ur: https://localhost:9/v1\n')
        self.assertRegex(log, r'did you mean .{0,2}api\.base_url')

    def test_repeated_key_is_named_with_file_and_line(self):
        self.refuses(2, 'config.yml:4', 'api.key_file', config='api:\n  key_file: api_key\n'
                     '  base_url: https://localhost:9/v1\n  key_file: api_key\n')

    def test_all_errors_are_reported_in_one_run(self):
        self.refuses(2, 'config.yml:3', 'config.yml:4', 'config.yml:6', 'config.yml:7',
                     'api.request_timeout', 'api.max_connections', 'poll.intervals.connecting', 'thresholdz',
                     config='api:\n  key_file: api_key\n  request_timeout: 10\n  max_connections: many\npoll:\n'
                     '  intervals: {connecting: 2 seconds}\nthresholdz: {}\n')

    def test_invalid_yaml_is_reported_with_its_line(self):
        self.refuses(2, 'config.yml:3', config='api:\n  key_file: api_key\n  base_url: "https://localhost\n')

    def test_missing_configuration_exits_with_1(self):
        self.refuses(1, 'not_there.yml', config=None)

    def test_missing_key_file_exits_with_1(self):
        (self.folder / 'api_key').unlink()
        self.refuses(1, 'api_key', 'No such file')

    def test_empty_key_file_exits_with_2(self):
        self.write('api_key', '\n')
        self.refuses(2, 'api_key', 'empty')

    def test_configuration_without_key_file_exits_with_2(self):
        self.refuses(2, 'api.key_file', config='api:\n  base_url: https://localhost:9/v1\n')

    def test_missing_ca_file_exits_with_1(self):
        self.refuses(1, 'no_ca.pem', config=GOOD.replace('store', '  ca_file: no_ca.pem\nstore'))

    def test_folder_as_ca_file_exits_with_1(self):
        (self.folder / 'ca_folder').mkdir()
        self.refuses(1, 'ca_folder', config=GOOD.replace('store', '  ca_file: ca_folder\nstore'))

    def test_unreadable_ca_file_exits_with_1(self):
        if os.geteuid() == 0 and not self.can_become_nobody():
            self.skipTest('root may read everything')
        make_authority(self.folder, 'ca')
        (self.folder / 'ca.pem').chmod(0)
        self.folder.chmod(0o755)
        self.refuses_as_nobody(1, 'ca.pem', 'ermission denied')

    def can_become_nobody(self):
        # Another user must be able to run the binary.
        return all(path.stat().st_mode & 1 for path in [EXPORTER, *EXPORTER.parents])

    def refuses_as_nobody(self, code, *words):
        file = self.write('config.yml', GOOD.replace('store', '  ca_file: ca.pem\nstore'), 0o644)
        self.write('api_key', KEY, 0o644)
        account = {'user': 65534, 'group': 65534, 'extra_groups': []} if os.geteuid() == 0 else {}
        answer, _, log = run_exporter('--config.file', file, '--web.listen-address', '127.0.0.1:0', **account)
        self.assertEqual(answer, code, log)
        for word in words:
            self.assertIn(word, log)

    def test_ca_file_without_certificates_exits_with_2(self):
        self.write('ca.pem', 'this is not a certificate\n')
        self.refuses(2, 'ca.pem', config=GOOD.replace('store', '  ca_file: ca.pem\nstore'))

    def test_taken_port_is_named(self):
        with socket.socket() as holder:
            holder.bind(('127.0.0.1', 0))
            holder.listen()
            address = '127.0.0.1:%d' % holder.getsockname()[1]
            self.refuses(1, address, 'in use', listen=address, check_answers=None)
            web = self.write('web.yml', 'rate_limit: {interval: 1s, burst: 10}\n')
            self.refuses(1, address, 'in use', listen=address, flags=('--web.config.file', web), check_answers=None)

    def test_bad_flags_exit_with_2(self):
        for flags, word in ((['--web.listen-adress=:1'], 'web.listen-adress'), (['--log.level=loud'], 'log.level'),
                            (['--log.format=xml'], 'log.format'), (['--web.telemetry-path=metrics'], 'telemetry-path'),
                            (['--web.telemetry-path=/metrics?x'], 'telemetry-path'), (['--web.telemetry-path=/-/ready'], 'telemetry-path'),
                            (['--web.telemetry-path=/api/v1/sessions'], 'telemetry-path'), (['--web.telemetry-path=/config'], 'telemetry-path'),
                            (['surplus'], 'surplus'), (['--config.file'], 'config.file'),
                            (['--web.config.file'], 'web.config.file'),
                            (['--web.enable-lifecycle=perhaps'], 'web.enable-lifecycle')):
            with self.subTest(flags):
                answer, out, log = self.at_once(*flags)
                self.assertEqual(answer, 2, log)
                self.assertIn(word, out + log)

    def test_bad_listen_addresses_exit_with_2(self):
        for address in ('127.0.0.1', 'localhost:http', '127.0.0.1:70000', '[::1:1', '256.0.0.1:1', ''):
            with self.subTest(address):
                self.refuses(2, 'web.listen-address', flags=[f'--web.listen-address={address}'], check_answers=None)

    def test_plaintext_base_url_is_rejected_beyond_loopback(self):
        plain = GOOD.replace('https://localhost:9', 'http://localhost:9')
        self.refuses(2, 'config.yml:3', 'api.base_url', config=plain)
        self.refuses(2, 'api.base_url', config=plain.replace('localhost', 'api.example.com').replace(
            'store', '  allow_plaintext: true\nstore'))


class SyntaxCheck(EndToEnd):
    def check(self, text, web_text='tls_server_config: {cert_file: gone.pem, key_file: gone.key}\n'):
        return run_exporter('--config.file', self.write('config.yml', text), '--web.config.file', self.write('web.yml', web_text),
                            '--config.check=syntax')

    def test_files_that_are_elsewhere_are_left_out(self):
        code, said, log = self.check('api: {key_file: api_key, ca_file: gone.pem}\nwebhook: {listen_address: ":0", secret_files: '
                                     '[kallglot_webhook_secret], tls: {cert_file: gone.pem, key_file: gone.key}}\n')
        self.assertEqual((code, log), (0, ''))
        self.assertIn('configuration is valid', said)

    def test_faults_of_both_texts_exit_with_2(self):
        code, _, log = self.check('api: {key_fil: api_key}\n', 'tls_server_confi: {}\n')
        self.assertEqual(code, 2)
        self.assertIn('api.key_fil: unknown key', log)
        self.assertIn('tls_server_confi: unknown key', log)

    def test_pem_text_inside_the_file_is_checked(self):
        code, _, log = self.check('api: {key_file: api_key}\n', 'tls_server_config: {cert: "no PEM", key: "no PEM"}\n')
        self.assertEqual(code, 2)
        self.assertIn('contains no certificate', log)

    def test_missing_configuration_exits_with_2(self):
        self.assertEqual(run_exporter('--config.file', self.folder / 'gone.yml', '--config.check=syntax')[0], 2)

    def test_other_word_than_syntax_is_rejected(self):
        self.assertEqual(run_exporter('--config.check=sintax')[0], 2)


class GoodInput(EndToEnd):
    def setUp(self):
        super().setUp()
        self.write('api_key', KEY + '\n')
        self.config_file = self.write('config.yml', GOOD)

    def test_check_of_a_valid_configuration_exits_with_0(self):
        answer, out, log = run_exporter('--config.check', '--config.file', self.config_file)
        self.assertEqual((answer, log), (0, ''))
        self.assertNotEqual(out, '')
        self.assertNotIn(KEY, out)

    def test_key_file_that_others_can_read_logs_a_warning(self):
        (self.folder / 'api_key').chmod(0o644)
        answer, _, log = run_exporter('--config.check', '--config.file', self.config_file)
        self.assertEqual(answer, 0)
        self.assertRegex(log, r'level=warn .*api_key')

    def test_version_and_help_print_to_stdout(self):
        answer, out, log = run_exporter('--version')
        self.assertEqual((answer, log), (0, ''))
        self.assertTrue(re.match(r'kallglot_exporter \d+\.\d+\.\d+\n', out), out)
        for word in ('revision', 'compiler', 'boost', 'openssl'):
            self.assertIn(word, out)
        answer, out, log = run_exporter('--help')
        self.assertEqual((answer, log), (0, ''))
        for flag in ('--config.file', '--config.check', '--web.listen-address', '--web.telemetry-path', '--log.level',
                     '--log.format', '--version', '--help'):
            self.assertIn(flag, out)

    def test_two_addresses_another_path_and_json_logs(self):
        exporter = self.exporter(self.config_file, '--web.listen-address=[::1]:0', '--web.telemetry-path=/numbers',
                                 '--log.format=json')
        exporter.expect('two addresses', lambda: exporter.log().count('"msg":"listening"') == 2)
        other = re.search(r'"address":"\[::1\]:(\d+)"', exporter.log()).group(1)
        exporter.ready()
        self.assertEqual(exporter.get('/numbers').status, 200)
        self.assertEqual(exporter.get('/metrics').status, 404)
        self.assertEqual(web.request(f'::1:{other}', '/-/ready').status, 200)
        exporter.stop()
        self.assert_clean_end(exporter)

    def test_bare_secret_is_read_from_the_credentials_first(self):
        credentials = self.folder / 'credentials'
        credentials.mkdir()
        (credentials / 'api_key').write_text('')
        answer, _, log = run_exporter('--config.check', '--config.file', self.config_file,
                                      environment={'CREDENTIALS_DIRECTORY': str(credentials)})
        self.assertEqual(answer, 2)
        self.assertIn(str(credentials), log)


if __name__ == '__main__':
    main()
