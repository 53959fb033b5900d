#!/usr/bin/env python3
"""Pictures of each page in its states, for people to look at: on a phone and on a desk, light and dark.

    KALLGLOT_BINARY_DIR=build/release python3 tests/e2e/screenshots.py FOLDER

Needs Chromium. This is no test: browser_test.py and status_page_test.py are; the pictures show how the pages look. With KALLGLOT_AXE, the
path of axe.min.js of axe-core, it also checks the accessibility of each page and ends with 1 if there is a violation.
"""

import json
import os
import pathlib
import sys
import unittest

from support.case import EndToEnd
from support.chromium import Chromium
from support.programs import STILL, injected

SIZES = {'phone': (390, 844), 'desk': (1280, 900)}
AXE = os.environ.get('KALLGLOT_AXE')
FOLDER = pathlib.Path('screenshots')
# Small enough to wait for.
THRESHOLDS = '{connecting: [5s], not_started: [1h]}'
EPISODES = 'episodes:\n  thresholds: {connecting: 5s}'
LONG_ID = 'sip_alice_of_the_branch_office_in_the_north_0123456789abcdef_x64'


class Screenshots(EndToEnd):
    def setUp(self):
        super().setUp()
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.browser = Chromium(self.folder)
        self.addCleanup(self.browser.close)
        self.violations = []

    def start(self, *flags, thresholds=THRESHOLDS, **options):
        self.api = self.simulator('--arrival-rate', '0', '--held-age', '5s-20s', *flags)
        return self.exporter(self.config(self.api.port, thresholds=thresholds, more=EPISODES, **options))

    def picture(self, exporter, name, path='/', status=200):
        for dark in (False, True):
            for place, size in SIZES.items():
                self.browser.look(*size, dark)
                self.assertEqual(self.browser.visit(f'http://{exporter.address}{path}'), status, path)
                file = FOLDER / f'{name}_{place}_{"dark" if dark else "light"}.png'
                self.browser.picture(file)
                print(file)
                # Nothing on a page is wider than the window.
                if self.browser.evaluate('document.documentElement.scrollWidth > innerWidth'):
                    self.violations.append(f'{file.stem}: wider than the window')
                if AXE:
                    self.browser.evaluate(pathlib.Path(AXE).read_text())
                    found = self.browser.evaluate('axe.run().then(result => result.violations.map(one => [one.id, one.nodes[0].html]))')
                    self.violations += [f'{file.stem}: {json.dumps(one)}' for one in found]

    def tearDown(self):
        self.assertFalse(self.violations, '\n'.join(self.violations))

    def stuck(self, exporter, count):
        """Adds sessions that are stuck, and waits until all are."""
        ids = self.api.post('/_sessions', {'count': count, 'stuck': True})['ids']
        exporter.until('all stuck', lambda scrape: scrape.value(
            'kallglot_sessions_over_threshold', status='connecting', threshold_seconds='5') >= count, 60)
        return ids

    def test_from_healthy_to_stuck_and_back(self):
        exporter = self.start('--sessions', 800, '--active', '5m-20m')
        exporter.until('every session polled', lambda scrape: scrape.value('kallglot_sessions', status='active') > 400)
        self.picture(exporter, 'status_healthy')
        self.picture(exporter, 'episodes_empty', '/episodes')
        self.picture(exporter, 'runbooks', '/runbooks')
        ids = self.stuck(exporter, 3)
        self.picture(exporter, 'status_stuck')
        self.picture(exporter, 'session_stuck', f'/sessions/{ids[0]}')
        self.picture(exporter, 'episodes_open', '/episodes')
        self.api.post('/_free', {})
        exporter.until('recovered', lambda scrape: scrape.total('kallglot_stuck_episodes_total') >= 3)
        self.picture(exporter, 'session_recovered', f'/sessions/{ids[0]}')
        self.picture(exporter, 'episodes_over', '/episodes')
        self.picture(exporter, 'session_unknown', '/sessions/sess_of_another_account', 404)
        self.picture(exporter, 'find_nothing', '/sessions?id=absent', 404)
        self.api.kill()
        exporter.until('no API', lambda scrape: scrape.value('kallglot_exporter_api_state', state='unreachable') == 1)
        self.picture(exporter, 'status_api_down')

    def test_many(self):
        exporter = self.start('--sessions', 10)
        with open(self.folder / 'sessions.txt', 'a', encoding='ascii') as file:
            file.write(f'{LONG_ID}\n')
        exporter.until('the long id', lambda scrape: scrape.value('kallglot_exporter_sessions_added_total', source='file') > 10)
        self.picture(exporter, 'session_long_id', f'/sessions/{LONG_ID}')
        self.stuck(exporter, 500)
        self.picture(exporter, 'status_many')
        self.picture(exporter, 'episodes_many_open', '/episodes')
        self.api.post('/_free', {})
        exporter.until('recovered', lambda scrape: scrape.total('kallglot_stuck_episodes_total') >= 500, 60)
        self.picture(exporter, 'episodes_many_over', '/episodes')

    def test_ended(self):
        exporter = self.start('--sessions', 20, '--active', '3s-5s')
        exporter.until('an end', lambda scrape: scrape.value('kallglot_sessions', status='ended') > 0)
        ended = next(life['id'] for life in self.api.lives()[1] if life['status'] == 'ended')
        self.picture(exporter, 'session_ended', f'/sessions/{ended}')

    def test_without_sessions(self):
        self.api = self.simulator(*STILL, '--sessions', 1)
        config = self.config(self.api.port)
        config.write_text(config.read_text().replace('[sessions.txt]', '[]'))
        self.picture(self.exporter(config), 'status_empty')

    def test_restoring(self):
        self.api = self.simulator(*STILL, '--sessions', 5)
        config = self.config(self.api.port, store='sessions.db')
        first = self.exporter(config).polled(5)
        del first
        self.programs[-1].stop()
        # The disk takes its time.
        slow = self.exporter(config, name='slow', under=injected('pread64:delay_enter=60000000', path=self.folder / 'sessions.db'))
        self.picture(slow, 'status_restoring')
        self.picture(slow, 'episodes_restoring', '/episodes', 503)


if __name__ == '__main__':
    FOLDER = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else FOLDER).resolve()
    unittest.main(argv=sys.argv[:1])
