#!/usr/bin/env python3
"""A reload applies the whole configuration or nothing of it, and interrupts neither polls nor scrapes."""

import re
import select
import signal
import threading

from support import web
from support.case import EndToEnd, QUICK, main
from support.durable import SECRET
from support.programs import SANITIZED, STILL, TRACED, injected
from support.waiting import wait_for

SUCCESSFUL = 'kallglot_exporter_config_last_reload_successful'
FAILURES = 'kallglot_exporter_api_request_failures_total'
OPENED = 'kallglot_exporter_api_connections_opened_total'


def closed(scrape):
    """How many of the connections to the API have ended."""
    there_are = sum(scrape.value('kallglot_exporter_api_connections', state=state) for state in ('idle', 'busy'))
    return scrape.value(OPENED) - there_are


class Reload(EndToEnd):
    SESSIONS = 100

    def start(self, *flags, **options):
        self.api = self.simulator('--sessions', self.SESSIONS, *STILL, '--latency', '20ms')
        self.config_file = self.config(self.api.port, **options)
        self.exporter_ = self.exporter(self.config_file, '--web.enable-lifecycle', *flags)
        self.exporter_.until('all polled', lambda scrape: scrape.value('kallglot_sessions', status='active') == self.SESSIONS)
        return self.exporter_

    def post(self, method='POST'):
        return self.exporter_.get('/-/reload', method=method, body='' if method == 'POST' else None)

    def rewrite(self, old, new):
        text = self.config_file.read_text()
        self.assertIn(old, text)
        self.config_file.write_text(text.replace(old, new))

    def test_more_api_connections_close_private_clients(self):
        self.api = self.simulator('--sessions', '1', '--arrival-rate', '0')
        self.config_file = self.config(self.api.port, max_connections=10)
        self.exporter_ = self.exporter(self.config_file, '--web.enable-lifecycle', under=['prlimit', '--nofile=256:256'])
        idle = [web.connect(self.exporter_.address) for _ in range(80)]
        for one in idle:
            self.addCleanup(one.close)
            one.setblocking(False)

        def open_ones():
            count = 0
            for one in idle:
                try:
                    count += one.recv(1) != b''
                except BlockingIOError:
                    count += 1
                except ConnectionError:
                    pass
            return count
        self.exporter_.scrape()
        self.assertEqual(open_ones(), 80)
        self.rewrite('max_connections: 10', 'max_connections: 5000')
        self.assertEqual(self.post().status, 200)
        self.exporter_.until('those that are too many are closed', lambda scrape: open_ones() < 60)
        self.assertEqual(self.exporter_.get('/-/ready').status, 200)

    def test_removed_webhook_listener_frees_descriptors(self):
        self.write('secret', SECRET)
        self.api = self.simulator('--sessions', '1', '--arrival-rate', '0')
        webhook = 'webhook:\n  listen_address: 127.0.0.1:0\n  secret_files: [secret]\n'
        self.config_file = self.config(self.api.port, max_connections=10, more=webhook)
        self.exporter_ = self.exporter(self.config_file, '--web.enable-lifecycle', under=['prlimit', '--nofile=256:256'])
        address = self.exporter_.webhook_address()
        idle = [web.connect(address) for _ in range(80)]
        for one in idle:
            self.addCleanup(one.close)
        self.rewrite(webhook, '')
        self.rewrite('max_connections: 10', 'max_connections: 5000')
        self.assertEqual(self.post().status, 200)
        # A listener makes room when the next client connects. One that had kept its share would close a single connection.
        self.addCleanup(web.connect(address).close)

        def closed():
            ended = select.select(idle, [], [], 0)[0]
            return len(ended) > 40
        self.exporter_.until('those that are too many are closed', lambda scrape: closed())

    def test_new_intervals_and_thresholds_apply_at_once(self):
        self.start(thresholds='{connecting: [500ms]}')
        ids = self.api.post('/_sessions', {'count': 2, 'stuck': True})['ids']
        self.exporter_.until('both stuck', lambda scrape: scrape.value(
            'kallglot_sessions_over_threshold', status='connecting', threshold_seconds='0.5') == 2)
        self.exporter_.until('for a second', lambda scrape: min(
            scrape.by('session_id', 'kallglot_session_status_age_seconds', status='connecting').values()) > 1)
        self.rewrite('{connecting: [500ms]}', '{connecting: [700ms, 1h]}')
        self.rewrite(QUICK, '{created: 1h, connecting: 250ms, active: 1h, ending: 1h, unknown: 1h}')
        answer = self.post()
        self.assertEqual((answer.status, answer.text.splitlines()[0]), (200, 'reloaded'))
        self.assertIn('thresholds.connecting: [500ms] -> [700ms, 1h]', answer.text)
        scrape = self.exporter_.scrape()
        self.assertEqual(scrape.by('threshold_seconds', 'kallglot_sessions_over_threshold', status='connecting'),
                         {'0.7': 2, '3600': 0}, 'what was confirmed stays so')
        self.assertEqual(scrape.value(SUCCESSFUL), 1)
        # The two that are stuck keep their interval and are the clock: five polls of each for what was in flight at the
        # reload, then ten more, in which no other session may be polled.
        others = self.asked_of_others(ids, 5)
        self.assertLessEqual(self.asked_of_others(ids, 10) - others, 2, 'every hour now')
        self.assertIn('configuration changed', self.exporter_.log())
        self.assertIn(ids[0], self.exporter_.get('/').text)

    def asked_of_others(self, ids, times):
        """Waits until each of `ids` was polled so many times more; how many polls of all other sessions there were by then."""
        def asked():
            return {life['id']: life['asked'] for life in self.api.lives()[1]}
        before = asked()
        now = wait_for(f'{times} polls of {ids}', lambda: (now := asked()) and all(
            now[one] >= before[one] + times for one in ids) and now)
        return sum(count for one, count in now.items() if one not in ids)

    def test_bad_file_changes_nothing_and_is_reported(self):
        self.start()
        good = self.config_file.read_text()
        self.config_file.write_text(good.replace('key_file: api_key', 'key_fil: api_key\n  max_connections: none'))
        answer = self.post()
        self.assertEqual(answer.status, 500)
        self.assertRegex(answer.text, r'config\.yml:3: api\.key_fil: unknown key, did you mean "api\.key_file"\?')
        self.assertIn('api.max_connections', answer.text)
        before = self.exporter_.scrape()
        self.assertEqual(before.value(SUCCESSFUL), 0)
        self.exporter_.until('polls go on', lambda scrape: scrape.total('kallglot_exporter_polls_total')
                             > before.total('kallglot_exporter_polls_total') + 100)
        # The same by HUP; then a good one.
        self.exporter_.send(signal.SIGHUP)
        self.exporter_.expect('logged twice', lambda: self.exporter_.log().count('reload rejected') >= 4)
        self.config_file.write_text(good)
        self.exporter_.send(signal.SIGHUP)
        self.exporter_.until('good again', lambda scrape: scrape.value(SUCCESSFUL) == 1)
        self.exporter_.stop()
        self.assert_clean_end(self.exporter_)

    def test_bad_certificate_or_secret_changes_nothing(self):
        self.start()
        ca = self.folder / 'ca.pem'
        good = ca.read_text()
        ca.write_text('no certificate')
        answer = self.post()
        self.assertEqual(answer.status, 500)
        self.assertRegex(answer.text, r'config\.yml:4: api\.ca_file: .*ca\.pem: contains no certificate')
        ca.write_text(good)
        (self.folder / 'api_key').rename(self.folder / 'elsewhere')
        self.assertRegex(self.post().text, r'config\.yml:3: api\.key_file: ')
        (self.folder / 'elsewhere').rename(self.folder / 'api_key')
        self.assertEqual(self.post().status, 200)
        self.assertEqual(self.exporter_.scrape().total(FAILURES), 0)

    def test_setting_that_needs_a_restart_is_named(self):
        self.start()
        self.rewrite('path: ":memory:"', 'path: sessions.db')
        answer = self.post()
        self.assertEqual(answer.status, 200)
        self.assertRegex(answer.text, r'store\.path: .* \(requires a restart\)')
        self.assertIn('path: ":memory:"', self.exporter_.get('/config').text)

    def test_session_api_and_its_token_can_be_reloaded(self):
        self.start()
        self.write('token', 'first-token-0123456789')
        path = '/api/v1/sessions/sess_told'

        def put(token):
            return self.exporter_.get(path, method='PUT', body='', headers={'Authorization': f'Bearer {token}'}).status
        self.assertEqual(put('first-token-0123456789'), 404)
        self.rewrite('files: [sessions.txt]', 'files: [sessions.txt]\n  api_token_file: token')
        self.assertEqual(self.post().status, 200)
        self.assertEqual(put('first-token-0123456789'), 201)
        self.write('token', 'second-token-0123456789')
        self.assertEqual(self.post().status, 200)
        self.assertEqual(put('first-token-0123456789'), 401)
        self.assertEqual(put('second-token-0123456789'), 200)
        self.rewrite('\n  api_token_file: token', '')
        self.assertEqual(self.post().status, 200)
        self.assertEqual(put('second-token-0123456789'), 404)

    def test_added_session_file_is_read(self):
        self.start()
        self.write('more.txt', 'sess_of_another_file\n')
        self.rewrite('files: [sessions.txt]', 'files: [sessions.txt, more.txt]')
        self.assertEqual(self.post().status, 200)
        self.exporter_.until('one more', lambda scrape: scrape.total('kallglot_sessions') == self.SESSIONS + 1)

    def test_hundred_reloads_fail_no_scrape_and_no_poll(self):
        exporter = self.start()
        good = self.config_file.read_text()
        settled = exporter.scrape()
        done, scrapes, failed = threading.Event(), [], []

        def scraping():
            while not done.is_set():
                try:
                    scrapes.append(web.request(exporter.address, '/metrics').status)
                except OSError as error:
                    failed.append(error)
        threads = [threading.Thread(target=scraping) for _ in range(2)]
        for thread in threads:
            thread.start()
        rounds = 20 if SANITIZED else 100
        outcomes = []
        for turn in range(rounds):
            kind = turn % 4
            self.config_file.write_text(
                good.replace('idle_timeout', 'idle_timeou') + 'nonsense: 1\n' if kind == 3
                else good.replace(QUICK, QUICK.replace('active: 250ms', f'active: {250 + turn}ms')))
            outcomes.append(self.post().status)
        done.set()
        for thread in threads:
            thread.join()
        self.assertEqual(outcomes, [500 if turn % 4 == 3 else 200 for turn in range(rounds)])
        self.assertEqual((set(scrapes), failed), ({200}, []))
        last = exporter.scrape()
        self.assertEqual(last.total(FAILURES), 0)
        self.assertEqual(last.total('kallglot_sessions'), self.SESSIONS)
        self.assertGreater(last.total('kallglot_exporter_polls_total'), settled.total('kallglot_exporter_polls_total'))
        # Nothing about the API has changed, so its connections stay; a busier moment may add some, but ends none.
        self.assertEqual(closed(last), closed(settled))
        print(f'{rounds} reloads, {len(scrapes)} scrapes')
        exporter.stop()
        self.assert_clean_end(exporter)

    def test_hung_disk_in_a_reload_delays_no_poll_and_no_stop(self):
        self.api = self.simulator('--sessions', self.SESSIONS, *STILL)
        config = self.config(self.api.port, more='shutdown_grace: 2s')
        exporter = self.exporter(config, environment=TRACED,
                                 under=injected('openat:delay_enter=15000000:when=2+', path=config))
        exporter.until('all polled', lambda scrape: scrape.value('kallglot_sessions', status='active') == self.SESSIONS)
        # strace counts for each thread: the second time that the one for reloads opens the file.
        exporter.send(signal.SIGHUP)
        exporter.expect('one', lambda: 'reloaded' in exporter.log())
        exporter.send(signal.SIGHUP)
        before = exporter.scrape().total('kallglot_exporter_polls_total')
        exporter.until('polls go on', lambda scrape: scrape.total('kallglot_exporter_polls_total') > before + 300)
        self.assertEqual(exporter.log().count('reload'), 1, 'it has not read the file a second time')
        # Its last line comes before the file was read; strace lets go of the process only after its delay.
        exporter.send(signal.SIGTERM)
        exporter.expect('the end', lambda: 'msg=stopped' in exporter.log())
        self.assertEqual(exporter.log().count('reload'), 1)

    def test_reload_over_http_without_the_flag_is_forbidden(self):
        self.start()
        for method, status in (('GET', 405), ('DELETE', 405)):
            self.assertEqual(self.exporter_.get('/-/reload', method=method).status, status)
        other = self.exporter(self.config_file, name='other')
        answer = other.get('/-/reload', method='POST', body='')
        self.assertEqual(answer.status, 403)
        self.assertIn('--web.enable-lifecycle', answer.text)

    def test_effective_configuration_is_shown_without_secrets(self):
        self.start()
        answer = self.exporter_.get('/config')
        self.assertEqual(answer.status, 200)
        self.assertRegex(answer.text, r'key_file: \S+api_key # content: <secret>')
        self.assertIn('max_tracked: 1000000', answer.text)
        self.assertNotIn((self.folder / 'api_key').read_text().strip(), answer.text)
        again = self.write('again.yml', re.sub(r'listen_address: .*', 'listen_address:', answer.text))
        checked = self.exporter(again, name='again')
        self.assertEqual(checked.get('/config').text, answer.text, 'it can be loaded again')


if __name__ == '__main__':
    main()
