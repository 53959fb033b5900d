#!/usr/bin/env python3
"""A stuck session becomes an alert: simulator, exporter, Debian's Prometheus and Alertmanager, the shipped rules."""

from support.case import EndToEnd, main
from support.monitoring import Alertmanager, Prometheus, shipped_config
from support.programs import SOURCE_DIR
from support.waiting import wait_for

# What the shipped rules ask for, with room below for sessions that are quick.
THRESHOLDS = '{created: [1m], connecting: [30s], active: [1h], ending: [1m], not_started: [1m]}'


class Alerting(EndToEnd):
    def start(self, *flags):
        self.api = self.simulator('--active', '5m-20m', '--connecting', '200ms-1s', '--created', '200ms-1s', *flags)
        self.exporter_ = self.exporter(self.config(self.api.port, thresholds=THRESHOLDS,
                                                   more='metrics: {per_session_limit: 50}'))
        self.alertmanager = self.keep(Alertmanager(self.folder, SOURCE_DIR / 'config/alertmanager.yml'))
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
