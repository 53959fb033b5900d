#!/usr/bin/env python3
"""The files for Prometheus, Alertmanager and Grafana pass the checks of their own tools, and every metric in them exists."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

from support.contract import contract
from support.programs import SOURCE_DIR

CONFIG = SOURCE_DIR / 'config'
RULES = CONFIG / 'prometheus'
METRIC = re.compile(r'\b((?:kallglot|process)_[a-z_]+)\b')
RECORDED = re.compile(r'\b(kallglot:[a-z0-9_:]+)')


def metrics_of_the_contract():
    """The names of series, those of histograms with their suffixes."""
    return {name + suffix for name, (kind, _) in contract().items()
            for suffix in (('_bucket', '_sum', '_count') if kind == 'histogram' else ('',))}


def names_in(text):
    """Metrics that an expression asks for: not its strings, not the labels of its selectors and groupings."""
    text = re.sub(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'', '""', text)
    return set(METRIC.findall(text))


def rules_text():
    return '\n'.join((RULES / name).read_text() for name in ('recording_rules.yml', 'alerts.yml'))


def expressions_of_the_dashboard():
    found = []

    def walk(value):
        if isinstance(value, dict):
            found.extend(text for key, text in value.items() if key == 'expr')
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
    walk(json.loads((CONFIG / 'grafana/kallglot_sessions.json').read_text()))
    return found


class AlertRules(unittest.TestCase):
    def clean(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_promtool_and_amtool_report_nothing(self):
        self.clean('promtool', 'check', 'rules', RULES / 'recording_rules.yml', RULES / 'alerts.yml')
        self.clean('promtool', 'check', 'config', RULES / 'prometheus.yml')
        self.clean('amtool', 'check-config', CONFIG / 'alertmanager.yml')

    def test_each_alert_is_tested_with_and_without_cause(self):
        self.clean('promtool', 'test', 'rules', RULES / 'alerts_test.yml')
        tests = (RULES / 'alerts_test.yml').read_text()
        for alert in set(re.findall(r'- alert: (\w+)', rules_text())):
            with self.subTest(alert):
                self.assertRegex(tests, rf'alertname: {alert}\n\s+exp_alerts:\n\s+- exp_labels', 'a case where it fires')
                self.assertIn(f'alertname: {alert}, exp_alerts: []', tests, 'a case where it does not')

    def test_each_alert_has_a_runbook_and_the_reverse(self):
        alerts = re.findall(r'- alert: (\w+)', rules_text())
        anchors = re.findall(r'runbook_url: .+#(\w+)', rules_text())
        self.assertEqual([alert.lower() for alert in alerts], anchors)
        self.assertEqual(len(set(re.findall(r'runbook_url: (.+)#', rules_text()))), 1, 'the same form of link in each alert')
        pages = re.split(r'^## ', (RULES / 'runbooks.md').read_text(), flags=re.M)[1:]
        self.assertEqual({page.split()[0] for page in pages}, set(alerts))
        for page in pages:
            for part in ('**Meaning.**', '**Impact.**', '**Look at.**', '**Do.**'):
                self.assertIn(part, page)

    def test_each_annotation_fits_what_receivers_show(self):
        """PagerDuty cuts a summary at 1,024 characters, a push message shows some 130; Slack reads <, > and & as markup, Teams and
        Slack pairs of * and ~; a mail has line ends where the text has them."""
        found = re.findall(r'^          (summary|description): (?:>-\n +)?(.+(?:\n            .+)*)$', rules_text(), flags=re.M)
        self.assertEqual(len(found), 2 * len(re.findall(r'- alert: ', rules_text())))
        longest = {'session_id': 64, 'status': 10, 'provider': 10, 'instance': 60, 'value': 12}
        for annotation, text in found:
            with self.subTest(text[:60]):
                listed = re.sub(r'{{ range query .*?topk\((\d+),.*?}}(.*?){{ end }}',
                                lambda found: found.group(2) * int(found.group(1)), text, flags=re.S)
                listed = re.sub(r'{{ if .*?}}(.*?){{ end }}', r'\1', listed)  # the longer of both forms
                shown = re.sub(r'{{ (?:\$labels\.|\.Labels\.|\$|\.)(\w+).*?}}', lambda found: 'x' * longest[found.group(1).lower()],
                               re.sub(r'\s+', ' ', listed)).strip('"')
                self.assertNotRegex(shown, r'[{}<>&*~|]')
                self.assertLessEqual(len(shown), 130 if annotation == 'summary' else 1024)

    def test_each_rule_documents_its_delay(self):
        text = (RULES / 'alerts.yml').read_text()
        for part in re.split(r'- alert: ', text)[:-1]:
            comment = part.rstrip().splitlines()[-1]
            if 'runbook_url' not in comment:  # the rule before it is another of the same kind
                self.assertRegex(part[-400:], r'# Delay: ')

    def test_every_metric_in_rules_and_dashboard_exists(self):
        known = metrics_of_the_contract()
        recorded = set(re.findall(r'- record: (\S+)', rules_text()))
        expressions = expressions_of_the_dashboard()
        self.assertGreater(len(expressions), 50)
        for text in [re.sub(r'^\s*#.*$', '', rules_text(), flags=re.M), *expressions]:
            text = re.sub(r'name: \w+', '', text)
            with self.subTest(text[:80]):
                self.assertEqual({name for name in names_in(text) if not name.endswith('_')
                                  and name not in ('kallglot_exporter',)} - known, set())
                self.assertEqual(set(RECORDED.findall(text)) - recorded, set())

    def test_every_dashboard_expression_parses(self):
        lines = ['groups:', '  - name: dashboard', '    rules:']
        for place, expression in enumerate(expressions_of_the_dashboard()):
            expression = expression.replace('$__rate_interval', '1m').replace('$job', 'j').replace('$instance', '.*')
            lines += [f'      - record: panel_{place}', f'        expr: {json.dumps(expression)}']
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, 'dashboard.yml')
            path.write_text('\n'.join(lines) + '\n')
            self.clean('promtool', 'check', 'rules', path)

    def test_dashboard_panels_are_unique_and_do_not_overlap(self):
        board = json.loads((CONFIG / 'grafana/kallglot_sessions.json').read_text())
        ids = [panel['id'] for panel in board['panels']]
        self.assertEqual(len(ids), len(set(ids)))
        taken = set()
        for panel in board['panels']:
            place = panel['gridPos']
            cells = {(x, y) for x in range(place['x'], place['x'] + place['w'])
                     for y in range(place['y'], place['y'] + place['h'])}
            self.assertLessEqual(place['x'] + place['w'], 24, panel['title'])
            self.assertFalse(cells & taken, panel['title'])
            taken |= cells


if __name__ == '__main__':
    unittest.main(verbosity=2)
