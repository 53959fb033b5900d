#!/usr/bin/env python3
"""Files of the operator that hang, leak or flood."""

import contextlib
import os
import shutil
import signal
import subprocess
import time

from fault_case import OTHER_USER, Row, Scraping, Stalls, main, wait_for, whole, within
from support import web
from support.certificates import make_authority, make_server
from support.programs import STILL, Exporter, run_exporter

TOKEN = '0123456789abcdef' * 4  # as `openssl rand -hex 32` makes it: also a valid session id


class Pipes(Row):
    def pipe_in_place_of(self, name):
        """A named pipe takes the place of a file, as `mv` and `mkfifo` make it."""
        os.rename(self.folder / name, self.folder / f'{name}.old')
        os.mkfifo(self.folder / name)

    def web_file(self):
        make_authority(self.folder, 'authority')
        make_server(self.folder, 'web', 'authority')
        return self.write('web.yml', 'tls_server_config: {cert_file: web.pem, key_file: web.key}\n')

    def test_x10_a_pipe_as_a_certificate_holds_up_nothing(self):
        """A named pipe takes the place of a certificate, a key, the API key, the web file, or a session file
        The old content stays in force with a warning. Polls, scrapes and TERM go on, and `--config.check` ends."""
        api = self.simulator('--sessions', 50, *STILL)
        web_file = self.web_file()
        config = self.config(api.port)
        exporter = self.exporter(config, '--web.config.file', web_file)
        exporter.get = lambda path, **options: web.request(exporter.address, path, ca_file=self.folder / 'authority.pem', **options)
        exporter.polled(50)
        names = ['web.pem', 'web.key', 'api_key', 'sessions.txt', 'web.yml']
        for name in names:
            self.pipe_in_place_of(name)
            exporter.expect(f'a warning that names {name}', lambda name=name: any(
                f'/{name}' in line and 'not a regular file' in line for line in exporter.log().splitlines()))
            exporter.more_polls(100)
            os.rename(self.folder / f'{name}.old', self.folder / name)
        checked = 0
        for name in names:
            self.pipe_in_place_of(name)
            code, _, said = run_exporter('--config.file', config, '--web.config.file', web_file, '--config.check')
            self.assertEqual(code, 0 if name == 'sessions.txt' else 2, said)
            checked += 1
            os.rename(self.folder / f'{name}.old', self.folder / name)
        with within('the stop', 10):
            self.assertEqual(exporter.stop(), 0)
        self.figure(f'{len(names)} pipes under the running daemon, {checked} checks, no wait')


class Leaks(Row):
    SECRETS = {'api_key': 'sk_test_canary_of_the_links_0123456789', 'token': TOKEN, 'hook': 'hook-secret-of-the-links-0123456789'}

    def secrets(self):
        """A folder of credentials as systemd makes it, and a folder that another user writes."""
        self.credentials = self.folder / 'credentials'
        self.drop = self.folder / 'drop'
        self.credentials.mkdir()
        self.drop.mkdir()
        for name, text in self.SECRETS.items():
            (self.credentials / name).write_text(text + '\n')
            (self.credentials / name).chmod(0o400)

    def link(self, target, name):
        (self.drop / name).symlink_to(target)
        if os.geteuid() == 0:
            os.lchown(self.drop / name, OTHER_USER, OTHER_USER)

    def shown(self, exporter):
        """Everything that the daemon shows or stores, and what it sent to the API."""
        pages = [exporter.get(path).text for path in ('/metrics', '/', '/config')]
        sessions = exporter.get('/api/v1/sessions', headers={'Authorization': f'Bearer {TOKEN}'}).text
        store = b''.join(path.read_bytes() for path in self.folder.glob('sessions.db*')).decode(errors='replace')
        return [*pages, sessions, store, exporter.log(), str(self.api.stats())]

    def test_x1_a_link_among_session_files_publishes_no_secret(self):
        """A program that may write session files links to the API key, the token, a webhook secret or a private key
        No secret becomes a session id. The warning names the file and the reason, never the content."""
        self.api = self.simulator('--sessions', 20)
        self.secrets()
        make_authority(self.folder, 'authority')
        make_server(self.folder, 'web', 'authority')
        config = self.config(self.api.port, files='sessions.txt, "drop/*.txt"', session_lines='api_token_file: token',
                             webhook='listen_address: 127.0.0.1:0\nsecret_files: [hook]', store='sessions.db')
        (self.folder / 'api_key').rename(self.credentials / 'api_key')
        for name in self.SECRETS:
            self.link(self.credentials / name, f'link_{name}.txt')
            os.link(self.credentials / name, self.drop / f'hard_{name}.txt')
        # A link in the middle of the path, a link to a link, and a file that only the daemon may read.
        self.link(self.credentials, 'way')
        self.link(self.drop / 'way' / 'token', 'through.txt')
        self.link(self.drop / 'through.txt', 'twice.txt')
        private = self.write('private', f'{TOKEN[::-1]}\n', 0o400)
        self.link(private, 'private.txt')
        (self.drop / 'line.txt').write_text('sk_live_copied_into_a_session_file\nwhsec_copied_into_a_session_file\n')
        exporter = self.exporter(config, environment={'CREDENTIALS_DIRECTORY': str(self.credentials)})
        exporter.until('the sessions', lambda scrape: scrape.total('kallglot_sessions') >= 20)
        refused = 2 * len(self.SECRETS) + 2 + (1 if os.geteuid() == 0 else 0)
        exporter.expect('a warning for each', lambda: exporter.log().count('session file not readable') >= refused
                        or TOKEN in exporter.get('/metrics').text)
        canaries = [*self.SECRETS.values(), (self.credentials / 'api_key').read_text().strip(), 'copied_into_a_session_file']
        canaries += [TOKEN[::-1]] if os.geteuid() == 0 else []
        for text in self.shown(exporter):
            for canary in canaries:
                self.assertFalse(canary in text, canary)
        # A secret that is renamed or shortened stays one.
        (self.credentials / 'token').rename(self.drop / 'renamed.txt')
        (self.credentials / 'token').write_text(TOKEN + '\n')
        exporter.expect('the renamed one', lambda: 'renamed.txt' in exporter.log())
        with open(self.drop / 'renamed.txt', 'r+') as short:
            short.truncate(20)
        exporter.more_polls(60)
        for text in self.shown(exporter):
            self.assertFalse(TOKEN[:20] in text)
        scrape = exporter.scrape()
        self.assertEqual(scrape.value('kallglot_exporter_sessions_rejected_total', reason='invalid_id'), 2)
        self.figure(f'{refused + 3} ways to {len(canaries)} secrets, 0 shown')


class Mounts(Row):
    @contextlib.contextmanager
    def mounted(self, source, name):
        """A FUSE mount of a folder; yields the process that serves it."""
        if not shutil.which('bindfs') or not os.path.exists('/dev/fuse'):
            self.skipTest('needs bindfs and /dev/fuse')
        mount = self.folder / name
        mount.mkdir()
        server = subprocess.Popen(['bindfs', '-f', source, mount], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            wait_for('the mount', lambda: os.path.ismount(mount) or server.poll() is not None)
            if server.poll() is not None:
                self.skipTest(f'no FUSE here: {server.stderr.read().decode().strip()}')
            yield server
        finally:
            # Whatever waits for the mount gets an error as soon as its server has ended.
            server.kill()
            server.wait()
            server.stderr.close()
            subprocess.run(['umount', '-l', mount], check=False, capture_output=True)

    def start_without_half(self, server, config, warning):
        """A start while the server of the mount is stopped: ready with the 25 other ids. The 25 on the mount follow."""
        second = self.keep(Exporter(self.folder, config, name='second')).listening()
        second.polled(25)
        second.expect('a warning', lambda: warning in second.log())
        self.assertEqual(second.get('/-/ready').status, 200)
        server.send_signal(signal.SIGCONT)
        second.polled(50)
        self.assertEqual(second.stop(), 0)

    def test_f1_a_mount_that_hangs_holds_up_only_its_files(self):
        """A session file is on a mount whose server is stopped, as a hard NFS mount hangs: while the daemon runs, and at a start
        Its ids are kept and one warning names it. Polls, scrapes, other files, reloads and TERM go on, and a start is ready."""
        api = self.simulator('--sessions', 50)
        listed = (self.folder / 'sessions.txt').read_text().split()
        source, drop = self.folder / 'source', self.folder / 'drop'
        source.mkdir()
        drop.mkdir()
        (source / 'far.txt').write_text('\n'.join(listed[:25]) + '\n')
        (self.folder / 'near.txt').write_text('\n'.join(listed[25:48]) + '\n')
        with self.mounted(source, 'mount') as server:
            (drop / 'a_link.txt').symlink_to(self.folder / 'mount' / 'far.txt')
            config = self.config(api.port, files='mount/far.txt, near.txt, "drop/*.txt"')
            exporter = self.exporter(config)
            exporter.polled(48)
            scraping = Scraping(exporter)
            scraping.start()
            server.send_signal(signal.SIGSTOP)
            (self.folder / 'near.txt').write_text('\n'.join(listed[25:49]) + '\n')
            exporter.expect('a warning', lambda: 'does not answer' in exporter.log())
            (drop / 'b_new.txt').write_text(listed[49] + '\n')
            exporter.polled(50)
            exporter.send(signal.SIGHUP)
            exporter.expect('the reload', lambda: 'msg=reloaded' in exporter.log())
            exporter.more_polls(200)
            scraping.over.set()
            scraping.join()
            self.assertEqual(scraping.failures, [])
            self.assertLess(scraping.slowest, scraping.longest_allowed())
            for name in ('mount/far.txt', 'drop/a_link.txt'):
                self.assertEqual(exporter.log().count(f'{name} error="its file system does not answer"'), 1)
            with within('a stop beside a hanging file', 12):
                self.assertEqual(exporter.stop(), 0)
            self.start_without_half(server, config, 'does not answer')
        self.figure(f'{scraping.answered} scrapes during the hang, 50 ids kept, 1 warning; a start during the hang is ready with 25 of 50')

    def test_f1_a_key_on_a_mount_that_hangs_is_named(self):
        """The API key is on a mount whose server is stopped: while the daemon runs, at a reload, and at a start
        Polls go on with the key in force. Warnings name the file. The start waits for it, and TERM ends the waiting."""
        api = self.simulator('--sessions', 20)
        source = self.folder / 'source'
        source.mkdir()
        (self.folder / 'api_key').rename(source / 'api_key')
        with self.mounted(source, 'mount') as server:
            config = self.config(api.port)
            config.write_text(config.read_text().replace('key_file: api_key', 'key_file: mount/api_key'))
            exporter = self.exporter(config)
            exporter.polled(20)
            server.send_signal(signal.SIGSTOP)
            exporter.send(signal.SIGHUP)
            exporter.expect('warnings', lambda: 'watched file does not answer' in exporter.log()
                            and 'reload waits for a file that does not answer' in exporter.log())
            self.assertEqual(exporter.log().count('mount/api_key'), 2)
            exporter.more_polls(60)
            with within('a stop beside a hanging key', 12):
                self.assertEqual(exporter.stop(), 0)
            waiting = self.keep(Exporter(self.folder, config, name='waiting'))
            waiting.expect('a warning', lambda: 'start waits for a file that does not answer' in waiting.log())
            self.assertIn('mount/api_key', waiting.log())
            self.assertEqual(waiting.stop(), -signal.SIGTERM)
            third = self.keep(Exporter(self.folder, config, name='third'))
            third.expect('a warning', lambda: 'start waits' in third.log())
            server.send_signal(signal.SIGCONT)
            third.listening().polled(20)
        self.figure('2 warnings while polls went on; the start waited, said for what, and went on')

    def hang(self, server, exporter, warning, look, then=lambda: None):
        """The server stops beside a daemon that runs, and `look` makes it look at its files: scrapes and polls go on, one warning names
        the file, TERM is obeyed. `then` runs behind the warning. The figure."""
        scraping = Scraping(exporter)
        scraping.start()
        server.send_signal(signal.SIGSTOP)
        look()
        exporter.expect('a warning', lambda: warning in exporter.log())
        then()
        exporter.more_polls(100)
        scraping.over.set()
        scraping.join()
        self.assertEqual(scraping.failures, [])
        self.assertLess(scraping.slowest, scraping.longest_allowed())
        self.assertEqual(exporter.log().count(warning), 1)
        with within('a stop beside a hanging file', 12):
            self.assertEqual(exporter.stop(), 0)
        return f'{scraping.answered} scrapes during the hang, the slowest in {1000 * scraping.slowest:.0f} ms'

    def start_waits(self, server, name, *words):
        """The server is stopped before a start, which says what it waits for, obeys TERM, and goes on when the file answers."""
        waiting = self.keep(Exporter(self.folder, *words, name='waiting'))
        waiting.expect('a warning', lambda: 'start waits for a file that does not answer' in waiting.log())
        self.assertIn(name, waiting.log())
        with within('a stop of the start', 12):
            self.assertEqual(waiting.stop(), -signal.SIGTERM)
        third = self.keep(Exporter(self.folder, *words, name='third'))
        third.expect('a warning', lambda: 'start waits' in third.log())
        server.send_signal(signal.SIGCONT)
        return third.listening()

    def test_f1_a_folder_of_session_files_on_a_mount_that_hangs_holds_up_only_its_files(self):
        """A glob names a folder on a mount whose server is stopped: while the daemon runs, and at a start
        Its ids are kept and one warning names it. Polls, scrapes and other files go on, and a start is ready without its ids."""
        api = self.simulator('--sessions', 50, *STILL)
        listed = (self.folder / 'sessions.txt').read_text().split()
        source = self.folder / 'source'
        source.mkdir()
        (source / 'far.txt').write_text('\n'.join(listed[:25]) + '\n')
        (self.folder / 'near.txt').write_text('\n'.join(listed[25:]) + '\n')
        config = self.config(api.port, files='near.txt, "mount/*.txt"')
        with self.mounted(source, 'mount') as server:
            exporter = self.exporter(config)
            exporter.polled(50)
            said = self.hang(server, exporter, 'mount/far.txt error="its file system does not answer"',
                             lambda: (self.folder / 'near.txt').touch())
            self.start_without_half(server, config, 'mount/*.txt does not answer')
        self.figure(f'{said}; a start during the hang is ready with 25 of 50')

    def test_f1_a_web_file_on_a_mount_that_hangs_is_named(self):
        """The web file, and the certificate that it names, are on a mount whose server is stopped: while the daemon runs, and at a start
        What is in force stays, over TLS. One warning names the file. The start waits for it, and TERM ends the waiting."""
        api = self.simulator('--sessions', 20, *STILL)
        source = self.folder / 'source'
        source.mkdir()
        make_authority(source, 'authority')
        make_server(source, 'web', 'authority')
        shutil.copy(source / 'authority.pem', self.folder)
        (source / 'web.yml').write_text('tls_server_config: {cert_file: web.pem, key_file: web.key}\n')
        (source / 'web.yml').chmod(0o600)

        def over_tls(exporter):
            exporter.get = lambda path, **options: web.request(exporter.address, path, ca_file=self.folder / 'authority.pem', **options)
            exporter.polled(20)
            return exporter
        with self.mounted(source, 'mount') as server:
            words = [self.config(api.port), '--web.config.file', self.folder / 'mount' / 'web.yml']
            said = self.hang(server, over_tls(self.exporter(*words)), 'watched file does not answer: using its last content', lambda: None)
            third = over_tls(self.start_waits(server, 'mount/web', *words))
            self.assertEqual(third.stop(), 0)
        self.figure(f'{said}; the start waited, said for what, and went on')

    def test_f1_authorities_on_a_mount_that_hangs_are_named(self):
        """The CA file of the API is on a mount whose server is stopped: at a reload, and at a start
        Polls go on with the authorities in force. One warning names the file. The start waits for it, and TERM ends the waiting."""
        api = self.simulator('--sessions', 20, *STILL)
        source = self.folder / 'source'
        source.mkdir()
        (self.folder / 'ca.pem').rename(source / 'ca.pem')
        config = self.config(api.port, ca_file='mount/ca.pem')
        with self.mounted(source, 'mount') as server:
            exporter = self.exporter(config)
            exporter.polled(20)
            said = self.hang(server, exporter, 'mount/ca.pem', lambda: exporter.send(signal.SIGHUP))
            third = self.start_waits(server, 'mount/ca.pem', config)
            third.polled(20)
            self.assertEqual(third.stop(), 0)
        self.figure(f'{said}; the start waited, said for what, and went on')

    def test_f1_a_store_on_a_mount_that_hangs_refuses_new_ids(self):
        """The store is on a mount whose server is stopped: while the daemon runs, and at a start
        A client that registers an id gets 503 within seconds. One line says why. Polls, scrapes and TERM go on; a start says what it waits for."""
        api = self.simulator('--sessions', 20, *STILL)
        source = self.folder / 'source'
        source.mkdir()
        self.write('token', TOKEN)
        config = self.config(api.port, store='mount/sessions.db', session_lines='api_token_file: token')
        statuses = []

        def register(name):
            answer = web.request(exporter.address, f'/api/v1/sessions/{name}', 'PUT', headers={'Authorization': f'Bearer {TOKEN}'}, timeout=60)
            statuses.append(answer.status)
        with self.mounted(source, 'mount') as server:
            exporter = self.exporter(config)
            exporter.polled(20)
            said = self.hang(server, exporter, 'the file system of the store does not answer', lambda: register('sess_of_a_hang'),
                             lambda: register('sess_after_it'))
            self.assertEqual(statuses, [503, 503])
            self.assertIn('store not closed cleanly', exporter.log())
            second = self.keep(Exporter(self.folder, config, name='second')).listening()
            second.expect('a warning', lambda: 'start waits for the store' in second.log())
            self.assertEqual(second.get('/-/ready').status, 503)
            server.send_signal(signal.SIGCONT)
            second.polled(20)
            self.assertEqual(second.stop(), 0)
        self.figure(f'{said}; 2 of 2 new ids refused; the start waited, said for what, and went on')


class Floods(Row):
    def flood(self, count):
        """A folder with so many files that no glob names, beside the one that it does."""
        folder = self.folder / 'drop'
        folder.mkdir()
        for number in range(count):
            os.close(os.open(folder / f'{number}.part', os.O_CREAT | os.O_WRONLY, 0o600))
        return folder

    @whole
    def test_x19_many_files_in_a_folder_hold_up_no_poll(self):
        """A program fills the folder of the session files with 300,000 files
        The loop does not wait for the folder to be listed. The number of entries is bounded, with a warning."""
        api = self.simulator('--sessions', 50)
        folder = self.flood(300_000)
        exporter = self.exporter(self.config(api.port, files='sessions.txt, "drop/*.txt"'))
        exporter.polled(50)
        exporter.expect('a warning', lambda: 'too many files' in exporter.log())
        begun = time.monotonic()
        entries = sum(1 for _ in os.scandir(folder))
        listing = time.monotonic() - begun
        stalls = Stalls()
        stalls.start()
        for number in range(30):
            (folder / f'event_{number}').touch()
            exporter.more_polls(50)
        stalls.stop()
        delay = exporter.scrape().value('kallglot_exporter_event_loop_delay_seconds')
        self.assertLess(delay, listing / 2 + stalls.worst)
        self.figure(f'{entries} entries take {listing * 1000:.0f} ms to list; the loop was at most {delay * 1000:.0f} ms late')

    def test_x19_entries_and_files_are_bounded(self):
        """More files match than the daemon follows
        It follows 10,000, looks at 100,000 entries, and logs a warning."""
        self.suite('session_files_test', 'GlobExpansion.*Bounded', 2)


class Emptied(Row):
    def test_f3_an_emptied_file_keeps_its_ids(self):
        """A session file is emptied or removed, and written again minutes later
        Its ids stay for ten minutes. One line of the log says what was lost, and one what was forgotten."""
        self.suite('session_files_test', 'FileWatch.AnEmptied*:FileWatch.AFileThatVanished*:DepartedIds.AllIdsOfAFile*', 3)

    @whole
    def test_f3_a_file_written_again_after_45_seconds_changes_nothing(self):
        """A session file of 500 ids is emptied, and written again after 45 seconds
        No session is forgotten, and no state is counted again."""
        api = self.simulator('--sessions', 500, '--arrival-rate', '0', '--active', '1000h-2000h')
        exporter = self.exporter(self.config(api.port))
        exporter.polled(500)
        text = (self.folder / 'sessions.txt').read_text()
        with self.survives(exporter, 500):
            (self.folder / 'sessions.txt').write_text('')
            exporter.expect('a line', lambda: 'session file has no ids any more' in exporter.log())
            self.let_time_pass(exporter, 45, 'the grace period of single lines is 30 s')
            (self.folder / 'sessions.txt').write_text(text)
            exporter.more_polls(1000)
        self.figure('500 of 500 kept')


if __name__ == '__main__':
    main()
