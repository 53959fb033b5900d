#!/usr/bin/env python3
"""Secrets and personal data: they leak nowhere, and they can be changed."""

import os
import pathlib
import re
import signal
import subprocess
import threading

from fault_case import OTHER_USER, SANITIZED, SOURCE_DIR, Row, main, wait_for, whole
from own_network import why_not
from scripted_api import active
from support import web
from support.durable import SECRET, Durable, event, signed
from support.programs import EXPORTER
from support.tls_server import TlsServer



class Leaks(Row):
    @whole
    def test_s1_no_secret_is_shown_anywhere(self):
        """Every secret is a canary; everything is used, misused and fails, at log level debug
        No canary is in the log, an answer, the command line, the environment or the store, or in memory a second later."""
        self.figure(f'{self.elsewhere("secrets_test", "Secrets")} searches, 0 found')

    def test_s2_readable_secret_file_is_used_with_a_warning(self):
        """Other users can read the key file; systemd passes credentials
        The file is used with a warning. $CREDENTIALS_DIRECTORY comes first."""
        self.elsewhere('bad_input_test', 'GoodInput.test_key_file_that_others_can_read_logs_a_warning',
                       'GoodInput.test_bare_secret_is_read_from_the_credentials_first')
        self.figure('warned')

    def test_s3_tokens_in_responses_are_skipped(self):
        """stream.token, phone numbers and metadata in every response and event
        The parser skips them: they are never in its memory, a log, a metric or the store."""
        self.suite('api_test', 'SessionParserSecrets.*', 2, '')
        self.elsewhere('secrets_test', 'Secrets.test_canaries_are_in_the_responses_of_the_api', 'Secrets.test_no_secret_is_shown_without_faults')
        self.figure('0 found, and they are there to be found')

    def test_s7_store_holds_nothing_personal(self):
        """Events and responses carry phone numbers and metadata, and another program reads the store
        The store holds ids, states and times, and nothing else."""
        self.elsewhere('durability_test', 'Durability.test_store_holds_nothing_personal_or_secret')
        self.figure('0 phone numbers, 0 secrets')

    def aborted(self, process):
        """Whether a core was written of it."""
        os.kill(process.pid, signal.SIGABRT)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -signal.SIGABRT
        self.assertTrue(os.WIFSIGNALED(status))
        return os.WCOREDUMP(status)

    def test_s4_process_leaves_no_core_and_hides_its_memory(self):
        """The process aborts where cores are allowed; another process of its user attaches
        No core is written, and only root can read the memory."""
        if SANITIZED:
            self.skipTest('a sanitizer build can be looked into on purpose')
        if reason := why_not():
            self.skipTest(reason)
        api = self.simulator('--sessions', 5)
        self.folder.chmod(0o777)  # the core would be written there
        for path in (self.folder / 'api_key', self.folder / 'ca.pem', self.folder / 'sessions.txt'):
            path.chmod(0o755)
        under = ['setpriv', f'--reuid={OTHER_USER}', f'--regid={OTHER_USER}', '--clear-groups', 'sh', '-c', 'ulimit -c unlimited; exec "$@"', 'sh']
        if not all(path.stat().st_mode & 1 for path in [EXPORTER, *EXPORTER.parents]):
            self.skipTest('the build is not within reach of another user')
        config = self.config(api.port)
        config.chmod(0o644)
        exporter = self.exporter(config, under=under, cwd=self.folder)
        pid = exporter.process.pid
        look = [*under[:4], 'cat']
        # Any other process of the same user can be looked into, and leaves a core.
        sleeper = subprocess.Popen([*under, 'sleep', '60'], cwd=self.folder)
        self.addCleanup(lambda: (sleeper.kill(), sleeper.wait()))
        wait_for('the other process', lambda: pathlib.Path(f'/proc/{sleeper.pid}/comm').read_text() == 'sleep\n')
        self.assertEqual(subprocess.run([*look, f'/proc/{sleeper.pid}/environ'], capture_output=True, check=False).returncode, 0)
        self.assertNotEqual(subprocess.run([*look, f'/proc/{pid}/environ'], capture_output=True, check=False).returncode, 0)
        if not self.aborted(sleeper):
            self.skipTest('no process leaves a core on this machine')
        self.assertFalse(self.aborted(exporter.process))
        self.figure('no core after an abort, memory closed to its own user')


class Rotations(Durable, Row):
    @whole
    def test_s5_secret_rotation_rejects_no_event(self):
        """The webhook secret changes a hundred times, under load
        Events signed with the old or the new secret are accepted."""
        exporter = self.launch()
        lost, sent, over = [], [0], threading.Event()
        now = [SECRET]

        def deliver():
            while not over.wait(0.005):
                body = event(f'rotation_{sent[0]}', f'sess_rotation_{sent[0]}')
                status = web.request(exporter.webhooks, '/webhooks/kallglot', 'POST', body, signed(body, now[0])).status
                sent[0] += 1
                if status != 200:
                    lost.append(status)

        thread = threading.Thread(target=deliver)
        thread.start()
        try:
            for turn in range(100):
                fresh = f'a-secret-number-{turn:03}-of-the-rotation'
                reloads = exporter.log().count('msg=reloaded')
                self.write('old_secret', now[0])
                self.write('secret', fresh)
                exporter.send(signal.SIGHUP)
                exporter.expect('the reload', lambda reloads=reloads: exporter.log().count('msg=reloaded') > reloads)
                now[0] = fresh
        finally:
            over.set()
            thread.join()
        self.assertEqual(lost, [])
        self.assertGreater(sent[0], 200)
        self.figure(f'100 rotations, {sent[0]} events, 0 refused')


class Keys(Row):
    def test_s5_new_key_is_used_after_the_reload(self):
        """The API key changes twenty times while sessions are polled
        Every request after the reload carries the new key, and no connection closes for it."""
        heads = []

        def watched(peer, name):
            heads.append(peer.head)
            return active(peer, name)

        exporter = self.scripted(50, watched)
        opened = self.api.connections
        for turn in range(20):
            key = f'sk_test_number_{turn:02}_of_the_rotation'
            self.write('api_key', key)
            exporter.send(signal.SIGHUP)
            # What was on its way may still come with the old one.
            wait_for('the new key', lambda key=key: len(heads) > 50 and all(key.encode() in head for head in heads[-50:]))
            heads.clear()
            wait_for('requests', lambda: len(heads) > 20)
            self.assertEqual({key.encode() in head for head in heads}, {True})
        self.assertLessEqual(self.api.connections, opened + 5)
        self.figure(f'20 rotations, {self.api.connections - opened} new connections')

    def test_s6_key_is_sent_to_the_api_only(self):
        """The base URL is http://; the environment names proxies and a key log
        http:// is rejected except for loopback, when it is allowed. The environment changes nothing."""
        self.elsewhere('bad_input_test', 'BadInput.test_plaintext_base_url_is_rejected_beyond_loopback')
        from support.certificates import make_authority, make_server
        place = self.folder / 'proxy'
        place.mkdir()
        make_authority(place, 'ca')
        make_server(place, 'proxy', 'ca')
        proxy = TlsServer(place, 'proxy')
        self.addCleanup(proxy.close)
        url = f'http://127.0.0.1:{proxy.port}'
        exporter = self.world(20, environment={'SSLKEYLOGFILE': str(self.folder / 'keys.log'), **{
            name: url for name in ('http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'all_proxy')}})
        with self.survives(exporter, 20):
            exporter.more_polls(80)
        self.assertEqual((proxy.handshakes, proxy.refusals), (0, 0))
        self.assertFalse((self.folder / 'keys.log').exists())
        self.assertNotIn((self.folder / 'api_key').read_text().strip(), exporter.log())
        self.figure('no proxy asked, no key log')

    def test_s8_secrets_are_compared_in_constant_time(self):
        """An attacker measures how long a wrong password, token or signature takes
        Each comparison is CRYPTO_memcmp over digests of one length. Other comparisons of a secret do not compile."""
        sources = {path: path.read_text() for path in (SOURCE_DIR / 'daemon').rglob('*.cpp')}
        places = sorted(path.name for path, text in sources.items() if 'CRYPTO_memcmp' in text)
        # That of key_watch is between two of our own.
        self.assertEqual(places, ['basic_auth.cpp', 'key_watch.cpp', 'session_api.cpp', 'webhook_signature.cpp'])
        for path, text in sources.items():
            self.assertIsNone(re.search(r'reveal\(\)\s*[!=]=|[!=]=\s*\w+\.reveal\(\)', text), path)
        self.suite('config_test', 'Secret.*', 1, f'{len(places)} places in the sources')


if __name__ == '__main__':
    main()
