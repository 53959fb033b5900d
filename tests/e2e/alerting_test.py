#!/usr/bin/env python3
"""A stuck session becomes an alert: simulator, exporter, Debian's Prometheus and Alertmanager, the shipped rules."""

import collections
import datetime
import html
import json
import re

from support.case import EndToEnd, main
from support.monitoring import Alertmanager, Prometheus, Receiver, shipped_config
from support.programs import SOURCE_DIR
from support.truth import RESOLUTION
from support.waiting import wait_for

# What the shipped rules ask for, with room below for sessions that are quick.
THRESHOLDS = '{created: [1m], connecting: [30s], active: [1h], ending: [1m], not_started: [1m]}'
# Between two polls of a session, in seconds: that of support/configuration.py.
INTERVAL = 0.25


def status_words(page):
    """The text of the status page without its markup."""
    return ' '.join(html.unescape(re.sub(r'<[^>]+>', ' ', page)).split())


class Alerting(EndToEnd):
    def start(self, *flags, alertmanager=SOURCE_DIR / 'config/alertmanager.yml', **options):
        self.api = self.simulator('--active', '5m-20m', '--connecting', '200ms-1s', '--created', '200ms-1s', *flags)
        self.exporter_ = self.exporter(self.config(self.api.port, thresholds=THRESHOLDS,
                                                   more='metrics: {per_session_limit: 50}', **options))
        self.alertmanager = self.keep(Alertmanager(self.folder, alertmanager))
        self.prometheus = self.keep(Prometheus(self.folder, shipped_config(
            self, self.exporter_.address, self.alertmanager.address)))
        self.prometheus.expect('up', lambda: self.prometheus.single('up{job="kallglot_exporter"}') == 1)

    def stuck_alert(self):
        found = [alert for alert in self.alertmanager.alerts()
                 if alert['labels']['alertname'] == 'SessionsStuckConnecting']
        return found[0] if found else None

    def test_stuck_session_fires_an_alert_until_it_starts(self):
        self.start('--sessions', 40, '--arrival-rate', '2/1s')
        session = self.api.post('/_sessions', {'count': 1, 'stuck': True})['ids'][0]
        over = ('kallglot_sessions_over_threshold', {'status': 'connecting', 'threshold_seconds': '30'})
        # Until it crosses the threshold nothing at all is said: the run is healthy.

        def crossed():
            told = self.alertmanager.names()
            if self.exporter_.scrape().value(over[0], **over[1]) > 0:
                return True
            self.assertEqual(told, [])
            return False
        wait_for('the threshold to be crossed', crossed, 60)
        before = self.prometheus.scrapes()
        self.alertmanager.expect('the alert', self.stuck_alert)
        took = self.prometheus.scrapes() - before
        print(f'the alert was at Alertmanager {took:.0f} scrapes after the poll that confirmed it')
        # A scrape and an evaluation a second; the rule waits for a few and Alertmanager groups for some seconds.
        self.assertLess(took, 15)
        alert = self.stuck_alert()
        self.assertIn(session, alert['annotations']['description'])
        self.assertEqual(alert['labels']['severity'], 'page')
        self.assertEqual(self.alertmanager.names(), ['SessionsStuckConnecting'])

        # It starts; the alert stays for half a minute more, in case that was a restart of ours.
        self.api.post('/_free', {})
        wait_for('nothing at Alertmanager', lambda: self.alertmanager.names() == [], 60)
        self.assertEqual(self.prometheus.complaints(), [])

    def call(self, path, method='GET', exporter=None):
        return (exporter or self.exporter_).get(path, method=method, headers={'Authorization': 'Bearer a-token-of-the-session-api'})

    def keep_eleven_of_one_provider(self):
        """Of many stuck sessions, forgets all but eleven of one provider and one of another; returns provider and ids."""
        ids = self.api.post('/_sessions', {'count': 60, 'stuck': True})['ids']
        by_provider = collections.defaultdict(list)

        def polled():
            by_provider.clear()
            for name in ids:
                answer = self.call(f'/api/v1/sessions/{name}')
                if answer.status != 200 or not json.loads(answer.body)['observed']:
                    return False
                by_provider[json.loads(answer.body)['provider']].append(name)
            return True
        wait_for('polls of all', polled)
        most = max(by_provider, key=lambda provider: len(by_provider[provider]))
        other = next(provider for provider in by_provider if provider != most)
        kept = by_provider[most][:11] + by_provider[other][:1]
        for name in set(ids) - set(kept):
            self.assertEqual(self.call(f'/api/v1/sessions/{name}', 'DELETE').status, 204)
        return most, kept

    def listed_episodes(self, exporter):
        """What the page of episodes says of each that is over: {id: (from, to)}."""
        page = exporter.get('/episodes').text
        self.assertIn('No session is stuck', page)
        rows = re.findall(r'<li><a class="id" href="[^"]+">([^<]+)</a>.*?from (\S+) (\S+) UTC to (\S+) UTC</span></li>', page)
        return {name: [datetime.datetime.fromisoformat(f'{day} {clock}+00:00').timestamp() for clock in (begin, end)]
                for name, day, begin, end in rows}

    def assert_true_times(self, exporter, kept):
        """The page has all episodes with the times of the simulator, within a poll interval."""
        shown = self.listed_episodes(exporter)
        self.assertEqual(shown.keys(), set(kept))
        lives = {life['id']: life for life in self.api.lives()[1]}
        known = {one['id']: one for one in json.loads(self.call('/api/v1/episodes', exporter=exporter).body)['episodes']}
        for name, times in shown.items():
            for at, truth, low in zip(times, ('connecting_at', 'started_at'), ('from_not_before', 'to_not_before')):
                truth, low = (datetime.datetime.fromisoformat(text).timestamp() for text in (lives[name][truth], known[name][low]))
                self.assertGreaterEqual(at + RESOLUTION, truth, name)
                self.assertLessEqual(low, truth + RESOLUTION, name)
                # The uncertainty is the time between two polls, of which none was late.
                self.assertLessEqual(at - low, INTERVAL + self.lateness, name)
        return shown

    def test_alert_names_the_provider_and_its_links_show_the_sessions(self):
        receiver = Receiver()
        self.addCleanup(receiver.close)
        self.write('token', 'a-token-of-the-session-api')
        # It notifies again at once when the text of an alert changes: the first one may be between two of the twelve.
        shipped = (SOURCE_DIR / 'config/alertmanager.yml').read_text().replace('localhost:9095', receiver.address)
        shipped = re.sub(r'(group|repeat)_interval: \S+', r'\1_interval: 1s', shipped)
        self.start('--sessions', 0, '--arrival-rate', '0', session_lines='api_token_file: token', store='sessions.db',
                   alertmanager=self.write('alertmanager.yml', shipped))
        provider, kept = self.keep_eleven_of_one_provider()
        alert = wait_for('a notification of all twelve', lambda: next(
            (one for one in receiver.alerts if '11 of 12' in one['annotations']['description']), None), 90)
        self.assertEqual(alert['labels']['alertname'], 'SessionsStuckConnecting')
        self.assertIn(f'Most frequent provider: {provider}, 11 of 12.', alert['annotations']['description'])
        self.assertEqual({link: page.status for link, page in alert['pages'].items()}, dict.fromkeys(Receiver.LINKS, 200))
        self.assertIn(alert['annotations']['session_url'].rpartition('/')[2], kept)
        self.assertIn('Stuck: a poll confirmed that this has lasted for over 30 s.', alert['pages']['session_url'].text)
        for name in kept:
            self.assertIn(name, alert['pages']['episodes_url'].text)
        self.assertIn('12 sessions are stuck', alert['pages']['episodes_url'].text)
        self.assertIn('id="sessionsstuckconnecting"', alert['pages']['runbook_url'].text)
        page = status_words(self.exporter_.get('/').text)
        self.assertRegex(page, rf'12 connecting for over 30 s, 11 of them {provider}\b')

        self.api.post('/_free', {})
        scrape = self.exporter_.until('the ends', lambda scrape: scrape.value(
            'kallglot_stuck_episodes_total', status='connecting', outcome='recovered') == 12)
        # Late is a poll that is sent more than a second and a tenth of its interval after it was due.
        # Slow is an answer after more than a second.
        took = 'kallglot_exporter_api_request_duration_seconds'
        slow = scrape.total(f'{took}_count') - scrape.value(f'{took}_bucket', le='1')
        late = scrape.total('kallglot_exporter_polls_late_total')
        self.lateness = float('inf') if late or slow else 0.1 * INTERVAL + 2 * RESOLUTION
        shown = self.assert_true_times(self.exporter_, kept)
        # Everything before this id is durable when its registration is answered.
        self.assertEqual(self.call('/api/v1/sessions/sess_after_the_ends', 'PUT').status, 201)
        receiver.close()
        self.exporter_.kill()
        again = self.exporter(self.folder / 'config.yml', name='again').ready()
        self.assertEqual(self.assert_true_times(again, kept).keys(), shown.keys())

    def test_api_down_fires_only_the_api_alert(self):
        self.start('--sessions', 40)
        self.api.post('/_sessions', {'count': 2, 'stuck': True})
        self.exporter_.until('both connecting', lambda scrape: scrape.value('kallglot_sessions', status='connecting') >= 2)
        self.api.kill()
        names = set()

        def unreachable():
            names.update(self.alertmanager.names())
            return 'ApiUnreachable' in names
        wait_for('the alert', unreachable, 90)
        # By now the stuck sessions are past their threshold by the clock, and freshness is long gone.
        self.prometheus.expect_scrapes(20, lambda: names.update(self.alertmanager.names()), 60)
        self.assertEqual(names, {'ApiUnreachable'})

    def test_lost_exporter_fires_an_alert(self):
        self.start('--sessions', 5)
        self.exporter_.stop()
        firing = 'ALERTS{alertname="ExporterDown",alertstate="pending"}'
        self.prometheus.expect('pending', lambda: self.prometheus.query(firing))


if __name__ == '__main__':
    main()
