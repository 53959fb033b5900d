#!/usr/bin/env python3
"""`./dev demo` ends by itself and reports how it went; its live line is right."""

import pathlib
import re
import signal
import subprocess
import tempfile
import unittest

from support import web
from support.waiting import wait_for
from support.programs import BINARY_DIR, SOURCE_DIR

LATER = '''kallglot_up 1
kallglot_sessions{status="connecting"} 52
kallglot_sessions{status="active"} 1890
kallglot_sessions_over_threshold{status="connecting",threshold_seconds="30"} 7
kallglot_sessions_over_threshold{status="connecting",threshold_seconds="15"} 20
kallglot_exporter_polls_total{class="routine"} 800
kallglot_exporter_polls_total{class="confirm"} 20
kallglot_exporter_api_request_duration_seconds_bucket{le="0.025"} 410
kallglot_exporter_api_request_duration_seconds_bucket{le="0.05"} 820
kallglot_exporter_api_request_duration_seconds_bucket{le="+Inf"} 820
'''
EARLIER = '''kallglot_exporter_polls_total{class="routine"} 420
kallglot_exporter_api_request_duration_seconds_bucket{le="0.025"} 410
kallglot_exporter_api_request_duration_seconds_bucket{le="0.05"} 420
kallglot_exporter_api_request_duration_seconds_bucket{le="+Inf"} 420
'''


class Demo(unittest.TestCase):
    def demo(self, *flags):
        return subprocess.run([SOURCE_DIR / 'dev', 'demo', '--programs', BINARY_DIR, *flags],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)

    def test_demo_counts_stuck_sessions_and_ends_by_itself(self):
        answer = self.demo('--for', '25s', '--sessions', '300', '--stuck', '7')
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn('/metrics', answer.stderr)
        self.assertRegex(answer.stdout.splitlines()[-1], r'^tracked \d{3}  .*active \d+.* stuck 7 .* polls/s .* p99 \d+ ms')

    def test_demo_with_prometheus_fires_an_alert(self):
        command = [SOURCE_DIR / 'dev', 'demo', '--programs', BINARY_DIR, '--prometheus', '--for', '90s', '--sessions', '200',
                   '--stuck', '5']
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True) as demo:
            try:
                address = None
                while address is None:
                    line = demo.stderr.readline()
                    self.assertNotEqual(line, '', 'the demo ended')
                    found = re.search(r'alertmanager +http://([0-9.:]+)/', line)
                    address = found and found.group(1)
                wait_for('the alert', lambda: any(
                    alert['labels']['alertname'] == 'SessionsStuckConnecting' and 'sess_' in alert['annotations']['description']
                    for alert in web.request_json(address, '/api/v2/alerts')), 80)
            finally:
                demo.send_signal(signal.SIGINT)
                demo.stderr.read()
            self.assertEqual(demo.wait(30), 0)

    def test_demo_rejects_unknown_options(self):
        for flags in [['--for', 'ever'], ['--nonsense']]:
            with self.subTest(flags):
                self.assertNotEqual(self.demo(*flags).returncode, 0)

    def test_live_line_computes_rates_from_the_difference(self):
        with tempfile.TemporaryDirectory() as folder:
            earlier, later = pathlib.Path(folder, 'earlier'), pathlib.Path(folder, 'later')
            earlier.write_text(EARLIER, encoding='utf-8')
            later.write_text(LATER, encoding='utf-8')
            line = subprocess.run(['awk', '-v', 'seconds=2000e-3', '-f', SOURCE_DIR / 'tests/e2e/live_line.awk', earlier, later],
                                  capture_output=True, text=True, check=True).stdout
        # 400 polls in 2 s, all of them between 25 and 50 ms: 99 % of the way is 49.75.
        self.assertEqual(line, 'tracked 1942  connecting 52  active 1890  | stuck 20  | 200 polls/s  | p99 50 ms\n')


if __name__ == '__main__':
    unittest.main()
