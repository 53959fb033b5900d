#!/usr/bin/env python3
"""Stuck episodes: their times agree with the simulator's truth, also after the daemon was killed twice."""

import datetime
import json

from support.case import EndToEnd, main
from support.truth import RESOLUTION

TOKEN = 'a-token-of-the-session-api-for-tests'
STUCK = 12
# Ages that a test can wait for. The second list entry shows that an episode needs no threshold of its own in the lists.
THRESHOLDS = '{connecting: [2s, 1m], created: [10s], not_started: [5s]}'
EPISODES = 'episodes:\n  thresholds: {created: 1h, connecting: 3s, ending: 1h}'


def moment(text):
    return datetime.datetime.fromisoformat(text).timestamp()


class Episodes(EndToEnd):
    def setUp(self):
        super().setUp()
        self.write('token', TOKEN)
        self.api = self.simulator('--sessions', 0, '--arrival-rate', '0', '--created', '1s-2s', '--active', '10m-20m')
        self.file = self.config(self.api.port, thresholds=THRESHOLDS, session_lines='api_token_file: token', store='sessions.db',
                                more=EPISODES)
        self.starts = 0

    def launch(self):
        self.starts += 1
        return self.exporter(self.file, name=f'exporter{self.starts}').ready()

    def call(self, exporter, path, method='GET'):
        return exporter.get(path, method=method, headers={'Authorization': f'Bearer {TOKEN}'})

    def episodes(self, exporter, query=''):
        answer = self.call(exporter, f'/api/v1/episodes{query}')
        self.assertEqual(answer.status, 200, answer.text)
        return {one['id']: one for one in json.loads(answer.body)['episodes']}

    def settle(self, exporter, name):
        """Everything before this id is durable when its registration is answered."""
        self.assertEqual(self.call(exporter, f'/api/v1/sessions/{name}', 'PUT').status, 201)

    def assert_contains(self, low, high, truth):
        self.assertLessEqual(moment(low), truth + RESOLUTION)
        self.assertGreaterEqual(moment(high) + RESOLUTION, truth)

    def test_all_are_there_with_their_true_times_after_two_kills(self):
        exporter = self.launch()
        ids = set(self.api.post('/_sessions', {'count': STUCK, 'stuck': True})['ids'])
        exporter.expect('open episodes', lambda: self.episodes(exporter, '?open=true').keys() == ids)
        begun = self.episodes(exporter)
        self.settle(exporter, 'sess_after_the_beginnings')
        exporter.kill()

        exporter = self.launch()
        for name, one in self.episodes(exporter, '?open=true').items():
            for field in ('number', 'status', 'mode', 'provider', 'threshold_seconds'):
                self.assertEqual(one[field], begun[name][field], field)
            # Both are the same moment on clocks of milliseconds.
            self.assertAlmostEqual(moment(one['confirmed']), moment(begun[name]['confirmed']), delta=RESOLUTION)
        self.api.post('/_free', {})
        exporter.expect('the ends', lambda: self.episodes(exporter, '?open=false').keys() == ids)
        scrape = exporter.scrape()
        self.assertEqual(scrape.value('kallglot_stuck_episodes_total', status='connecting', outcome='recovered'), STUCK)
        self.assertEqual(scrape.value('kallglot_stuck_episode_duration_seconds_count', status='connecting'), STUCK)
        self.settle(exporter, 'sess_after_the_ends')
        exporter.kill()

        exporter = self.launch()
        over = self.episodes(exporter)
        self.assertEqual(over.keys(), ids)
        lives = {life['id']: life for life in self.api.lives()[1]}
        for name, one in over.items():
            self.assertEqual((one['outcome'], one['threshold_seconds']), ('recovered', 3), one)
            self.assert_contains(one['from_not_before'], one['from'], moment(lives[name]['connecting_at']))
            self.assert_contains(one['to_not_before'], one['to'], moment(lives[name]['started_at']))
            self.assertGreaterEqual(moment(one['confirmed']), moment(one['from']) + 3 - 0.01)
        # Nothing is counted twice.
        self.assertEqual(exporter.scrape().total('kallglot_stuck_episodes_total'), 0)
        exporter.stop()
        self.assert_clean_end(exporter)

    def test_log_names_each_beginning_and_end(self):
        exporter = self.launch()
        ids = self.api.post('/_sessions', {'count': 2, 'stuck': True})['ids']
        exporter.expect('beginnings', lambda: exporter.log().count('stuck episode began') == 2)
        self.api.post('/_free', {})
        exporter.expect('ends', lambda: exporter.log().count('stuck episode ended') == 2)
        lines = [line for line in exporter.log().splitlines() if 'stuck episode' in line]
        for name in ids:
            self.assertEqual(sum(f'session={name} status=connecting' in line for line in lines), 2)
        for line in lines:
            for field in ('outcome=', 'seconds=', 'mode=', 'provider=', 'left_out=0'):
                self.assertIn(field, line)


if __name__ == '__main__':
    main()
