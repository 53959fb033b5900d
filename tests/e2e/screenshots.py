#!/usr/bin/env python3
"""Pictures of the status page, for people to look at: healthy, stuck, API down; phone and desk; light and dark.

    KALLGLOT_BINARY_DIR=build/release python3 tests/e2e/screenshots.py FOLDER

Needs Chromium. This is no test: status_page_test.py tests what the page says; the pictures show how it looks.
"""

import pathlib
import shutil
import subprocess
import sys
import unittest

from support.case import EndToEnd

WIDTHS = {'phone': (390, 1500), 'desk': (1280, 900)}
SCHEMES = {'light': 1, 'dark': 0}
FOLDER = pathlib.Path('screenshots')


class Screenshots(EndToEnd):
    def picture(self, exporter, name):
        for scheme, value in SCHEMES.items():
            for width, size in WIDTHS.items():
                path = FOLDER / f'{name}_{width}_{scheme}.png'
                subprocess.run([shutil.which('chromium') or 'chromium', '--headless=old', '--no-sandbox', '--disable-gpu',
                                '--hide-scrollbars', f'--user-data-dir={self.folder / "chromium"}',
                                f'--blink-settings=preferredColorScheme={value}',
                                '--window-size=%d,%d' % size, f'--screenshot={path}', f'http://{exporter.address}/'],
                               check=True, capture_output=True, timeout=60)
                print(path)

    def test_pictures(self):
        FOLDER.mkdir(parents=True, exist_ok=True)
        api = self.simulator('--sessions', 800, '--active', '5m-20m', '--held-age', '5s-20s')
        exporter = self.exporter(self.config(api.port, thresholds='{connecting: [5s], not_started: [30s]}'))
        exporter.until('every session polled', lambda scrape: scrape.value('kallglot_sessions', status='active') > 400)
        self.picture(exporter, 'healthy')

        api.post('/_sessions', {'count': 3, 'stuck': True})
        exporter.until('three stuck', lambda scrape: scrape.value(
            'kallglot_sessions_over_threshold', status='connecting', threshold_seconds='5') == 3)
        self.picture(exporter, 'stuck')

        api.kill()
        exporter.until('no API', lambda scrape: scrape.value('kallglot_exporter_api_state', state='unreachable') == 1)
        self.picture(exporter, 'api_down')


if __name__ == '__main__':
    FOLDER = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else FOLDER).resolve()
    unittest.main(argv=sys.argv[:1])
