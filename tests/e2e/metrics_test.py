#!/usr/bin/env python3
"""The metrics as Prometheus sees them: promtool, the contract of names, and a real server that scrapes."""

import concurrent.futures
import gzip
import subprocess

from support import web
from support.case import EndToEnd, main
from support.configuration import every
from support.contract import contract
from support.exposition import Exposition
from support.monitoring import Prometheus
from support.programs import SANITIZED, STILL

OPENMETRICS = 'application/openmetrics-text; version=1.0.0'
STATUSES = {'created', 'connecting', 'active', 'ending', 'ended', 'unknown'}
SLOW = '0.5 1 2 5 10 15 30 60 120 300 600 1800 3600'
CALLS = '15 30 60 120 300 600 1200 1800 3600 7200 14400'
FAST = '0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 30 60 300'
BUCKETS = {'kallglot_session_status_dwell_seconds': SLOW, 'kallglot_session_setup_seconds': SLOW,
           'kallglot_ended_session_duration_seconds': CALLS, 'kallglot_stuck_episode_duration_seconds': CALLS,
           'kallglot_exporter_api_request_duration_seconds': FAST,
           'kallglot_exporter_poll_lateness_seconds': FAST, 'kallglot_exporter_webhook_delivery_delay_seconds': FAST}
# Series that exist from the first scrape on, at 0: label, values.
FIXED = {
    'kallglot_sessions': {'status': STATUSES},
    'kallglot_sessions_stale': {'status': STATUSES},
    'kallglot_exporter_api_state': {
        'state': {'starting', 'ok', 'throttled', 'unauthorized', 'out_of_credits', 'unreachable'}},
    'kallglot_exporter_api_request_failures_total': {
        'reason': set('dns connect tls timeout reset throttled unauthorized credits server redirect body not_found '
                      'other'.split())},
    'kallglot_exporter_api_connections': {'state': {'idle', 'busy', 'opening'}},
    'kallglot_stuck_episodes_total': {
        'status': {'created', 'connecting', 'ending'}, 'outcome': {'recovered', 'ended', 'lost'}},
    'kallglot_sessions_ended_total': {
        'reason': {'completed', 'customer_hangup', 'agent_hangup', 'error', 'timeout', 'other', 'none'}},
    'kallglot_exporter_polls_total': {'class': {'confirm', 'event', 'routine', 'audit'}},
    'kallglot_exporter_polls_late_total': {'class': {'confirm', 'event', 'routine', 'audit'}},
    'kallglot_exporter_polls_overdue': {'class': {'confirm', 'event', 'routine', 'audit'}},
    'kallglot_exporter_sessions_added_total': {'source': {'file', 'api', 'webhook'}},
    'kallglot_exporter_sessions_rejected_total': {'reason': {'invalid_id', 'limit'}},
    'kallglot_exporter_sessions_forgotten_total': {'reason': {'ended', 'not_found', 'expired', 'operator'}},
    'kallglot_exporter_log_messages_total': {'level': {'debug', 'info', 'warn', 'error'}},
    'kallglot_session_transitions_total': {'source': {'poll', 'webhook'}},
}


def series(family):
    """Its samples by name and labels; OpenMetrics writes the bound 5 as 5.0."""
    return {(name, frozenset((label, float(value) if label == 'le' else value) for label, value in labels))
            for name, labels in family.samples}


class Metrics(EndToEnd):
    def setUp(self):
        super().setUp()
        self.api = self.simulator('--sessions', 300, '--stuck', 5, '--created', '100ms-500ms', '--connecting',
                                  '100ms-500ms', '--active', '2s-9s', '--abandoned-share', '0.1')
        self.config_file = self.config(self.api.port, thresholds='{connecting: [500ms, 15s], active: [1h]}')

    def lived(self):
        """An exporter that has seen sessions in every status and failed requests."""
        exporter = self.exporter(self.config_file)
        self.assert_promtool_reports_nothing(exporter.ready().get('/metrics').text)
        self.api.set_faults(server_error=0.02, not_found=0.02)
        exporter.until('things that happen', lambda scrape:
                       scrape.total('kallglot_sessions_ended_total') >= 30
                       and scrape.value('kallglot_exporter_api_request_failures_total', reason='server') > 0
                       and scrape.total('kallglot_session_setup_seconds_count') > 0
                       and scrape.total('kallglot_session_status_dwell_seconds_count', status='connecting') > 0)
        return exporter

    def assert_promtool_reports_nothing(self, text):
        done = subprocess.run(['promtool', 'check', 'metrics'], input=text, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, '', ''))

    def test_promtool_reports_nothing(self):
        # lived() has asked it about the first scrape.
        self.assert_promtool_reports_nothing(self.lived().get('/metrics').text)

    def test_every_metric_matches_the_contract(self):
        published = contract()
        scrape = self.lived().scrape()
        for family in scrape.families.values():
            with self.subTest(family.name):
                self.assertIn(family.name, published)
                kind, labels = published[family.name]
                self.assertEqual(family.type, kind)
                if family.samples:
                    self.assertEqual(family.label_names(), labels)
                self.assertRegex(family.help or '', r'^[A-Z0-9].*\.$', 'HELP is a sentence')
                if kind == 'histogram':
                    bounds = {dict(labels)['le'] for name, labels in family.samples if name.endswith('_bucket')}
                    self.assertEqual(bounds, {*BUCKETS[family.name].split(), '+Inf'})
        self.assertGreaterEqual(len(scrape.families), 55)

    def test_fixed_label_sets_exist_from_the_first_scrape(self):
        empty = self.config(self.api.port, name='empty.yml', thresholds='{connecting: [500ms, 15s]}')
        empty.write_text(empty.read_text().replace('[sessions.txt]', '[nothing_here.txt]'))
        scrape = self.exporter(empty).scrape()
        for name, sets in FIXED.items():
            for label, values in sets.items():
                with self.subTest(name):
                    self.assertEqual(set(scrape.by(label, name)), values)
        self.assertEqual(scrape.by('threshold_seconds', 'kallglot_sessions_over_threshold', status='connecting'),
                         {'0.5': 0, '15': 0})
        self.assertIsNone(scrape.value('kallglot_up'), 'absent until the first exchange')
        self.assertIsNone(scrape.value('kallglot_api_rate_limit_requests'), 'absent until seen')

    def test_per_session_series_prefer_stuck_sessions(self):
        config = self.config(self.api.port, thresholds='{connecting: [500ms, 15s], active: [1h]}', name='bounded.yml',
                             more='metrics: {per_session_limit: 10}')
        exporter = self.exporter(config)
        stuck = self.api.post('/_sessions', {'count': 4, 'stuck': True})['ids']

        def ages(scrape):
            return scrape.by('session_id', 'kallglot_session_status_age_seconds')
        scrape = exporter.until('the four', lambda scrape: set(stuck) <= set(ages(scrape)))
        self.assertEqual(len(ages(scrape)), 10)
        self.assertGreaterEqual(scrape.by('session_id', 'kallglot_session_status_age_seconds', status='connecting')[stuck[0]], 0.5)
        tracked = scrape.total('kallglot_sessions')
        self.assertEqual(scrape.value('kallglot_exporter_session_series_omitted'), tracked - 10)
        self.assertLessEqual(set(scrape.by('session_id', 'kallglot_session_duration_seconds')), set(ages(scrape)))

    def test_open_metrics_exemplars_name_sessions(self):
        exporter = self.lived()
        text = exporter.get('/metrics', headers={'Accept': OPENMETRICS}).text
        self.assertRegex(text, r'\nkallglot_session_setup_seconds_bucket\{le="[0-9.]+"\} \d+ # '
                               r'\{session_id="sess_[0-9A-Z]+"\} [0-9.e-]+ \d{10}')
        self.assertRegex(text, r'\nkallglot_session_status_dwell_seconds_bucket\{status="connecting",le="[0-9.]+"\} \d+ # ')

    def test_open_metrics_and_gzip_have_the_same_series(self):
        exporter = self.lived()
        text = exporter.get('/metrics')
        self.assertEqual(text.headers['Content-Type'], 'text/plain; version=0.0.4; charset=utf-8')
        packed = exporter.get('/metrics', headers={'Accept-Encoding': 'gzip'})
        self.assertEqual(packed.headers['Content-Encoding'], 'gzip')
        self.assertEqual(set(Exposition(gzip.decompress(packed.body).decode()).families),
                         set(Exposition(text.text).families))
        answer = exporter.get('/metrics', headers={'Accept': OPENMETRICS})
        self.assertTrue(answer.headers['Content-Type'].startswith(OPENMETRICS), answer.headers['Content-Type'])
        self.assertTrue(answer.text.endswith('\n# EOF\n'))
        opened = Exposition(answer.text.removesuffix('# EOF\n'))
        for name, family in Exposition(text.text).families.items():
            stem = name.removesuffix('_total') if family.type == 'counter' else name
            self.assertIn(stem, opened.families)
            self.assertEqual(opened.families[stem].type, family.type)
            # Sessions change between two scrapes. The labels of per-session series change with them, and a status without
            # sessions has no oldest one.
            comes_and_goes = name == 'kallglot_oldest_session_status_since_timestamp_seconds'
            if not comes_and_goes and 'session_id' not in (family.label_names() if family.samples else ()):
                self.assertLessEqual(series(family), series(opened.families[stem]))


class Crowded(EndToEnd):
    SESSIONS = 20_000

    def test_parallel_scrapes_of_many_sessions_are_answered(self):
        """A census of many sessions takes several turns of the loop. Scrapes that arrive meanwhile share it."""
        api = self.simulator('--sessions', self.SESSIONS, *STILL)
        slow = every('1m')
        exporter = self.exporter(self.config(api.port, intervals=slow))
        exporter.until('all there', lambda scrape: scrape.total('kallglot_sessions') == self.SESSIONS)

        def scrape(_):
            return web.request(exporter.address, '/metrics').status
        with concurrent.futures.ThreadPoolExecutor(12) as crowd:
            statuses = list(crowd.map(scrape, range(100 if SANITIZED else 600)))
        self.assertEqual(set(statuses), {200})
        exporter.stop()
        self.assert_clean_end(exporter)


class UnderPrometheus(EndToEnd):
    """Debian's Prometheus scrapes the exporter; questions go through its HTTP API."""

    def setUp(self):
        super().setUp()
        self.api = self.simulator('--sessions', 50, '--stuck', 3, *STILL)
        self.config_file = self.config(self.api.port, thresholds='{connecting: [1s], not_started: [1s]}')
        self.port = web.free_port()

    def start_prometheus(self, target):
        config = self.write('prometheus.yml', 'global: {scrape_interval: 500ms, scrape_timeout: 500ms}\n'
                            'scrape_configs:\n  - job_name: kallglot\n    static_configs: [{targets: ["%s"]}]\n' % target)
        return self.keep(Prometheus(self.folder, config))

    def test_target_follows_changes_and_a_restart(self):
        exporter = self.exporter(self.config_file, listen=f'127.0.0.1:{self.port}')
        server = self.start_prometheus(exporter.address)
        stuck = 'kallglot_sessions_over_threshold{status="connecting",threshold_seconds="1"}'
        server.expect('up', lambda: server.single('up{job="kallglot"}') == 1)
        server.expect('three stuck', lambda: server.single(stuck) == 3)
        server.expect('a healthy target', lambda: server.targets() == [('up', '')])

        self.api.post('/_sessions', {'count': 4, 'stuck': True})
        server.expect('seven stuck', lambda: server.single(stuck) == 7)
        server.expect('all of them', lambda: server.single('sum(kallglot_sessions)') == 54)

        exporter.stop()
        self.assert_clean_end(exporter)
        server.expect('down', lambda: server.single('up{job="kallglot"}') == 0)
        again = self.exporter(self.config_file, listen=f'127.0.0.1:{self.port}', name='again')
        server.expect('up again', lambda: server.single('up{job="kallglot"}') == 1)
        server.expect('all seven again', lambda: server.single(stuck) == 7)
        again.stop()
        self.assert_clean_end(again)
        server.stop()
        self.assertEqual(server.complaints(), [])

    def test_hostile_words_add_no_series_under_prometheus(self):
        self.api.set_faults(hostile_words=0.9)
        config = self.config(self.api.port, thresholds='{connecting: [1s], not_started: [1s]}',
                             intervals=every('20ms'),
                             more='metrics: {per_session_limit: 20}')
        exporter = self.exporter(config)
        # Prometheus asks for OpenMetrics; the plain text is read by promtool below.
        server = self.start_prometheus(exporter.address)
        met = 'hostile_words'
        self.api.expect('some thousand of them', lambda: self.api.stats()['faults'][met] > 3000)
        server.expect('up', lambda: server.single('up{job="kallglot"}') == 1)

        def settled():
            return server.single('count({job="kallglot"})')
        early = settled()
        words = self.api.stats()['faults'][met]
        # Three words an answer: 100,000 that were never seen before.
        more = 1000 if SANITIZED else 33_400
        self.api.expect('many more', lambda: self.api.stats()['faults'][met] > words + more)
        server.expect_scrapes(2)
        self.assertLessEqual(abs(settled() - early), 25, 'no series but those of sessions and of edges seen')
        self.assertEqual(server.targets(), [('up', '')])
        self.assertEqual(set(server.query('count by (status) (kallglot_sessions)')),
                         {(('status', status),) for status in STATUSES})
        text = exporter.get('/metrics').text
        done = subprocess.run(['promtool', 'check', 'metrics'], input=text, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, '', ''))
        for word in ('<script', 'kallglot_up 0', '\u2028'):
            self.assertFalse(word in text, word)
        self.assertEqual(server.complaints(), [])


if __name__ == '__main__':
    main()
