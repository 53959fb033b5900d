#!/usr/bin/env python3
"""Every command of README.md works: the installation is run word for word in a machine of its own, the rest by other tests."""

import re
import unittest

from package_test import UNIT, build_package
from support.booted import Booted, why_not
from support.case import EndToEnd, main
from support.exposition import Exposition
from support.programs import SANITIZED, SOURCE_DIR, STILL
from support.waiting import wait_for

# Run elsewhere: the demo by demo_test, the tests by this run, the package by the fixture.
ELSEWHERE = {'./dev demo', './dev test', './dev package'}
INSTALL = 'apt install ./build/package/kallglot-exporter_*.deb'
KEY = 'install -m 600 /dev/stdin /etc/kallglot_exporter/api_key'
ENABLE = 'systemctl enable --now kallglot_exporter'
SCRAPE = 'curl -s http://127.0.0.1:10455/metrics'


def commands():
    text = (SOURCE_DIR / 'README.md').read_text()
    return [line for block in re.findall(r'^```sh\n(.*?)^```', text, re.MULTILINE | re.DOTALL)
            for line in block.splitlines() if line.strip()]


def links(document):
    return re.findall(r'\]\(([^)#:]+)\)', document.read_text())


class Readme(unittest.TestCase):
    def test_readme_begins_with_demo_and_test(self):
        self.assertEqual(commands()[:2], ['./dev demo', './dev test'])

    def test_every_linked_file_exists(self):
        for link in links(SOURCE_DIR / 'README.md'):
            self.assertTrue((SOURCE_DIR / link).exists(), link)

    def test_readme_links_to_alerts_and_metrics(self):
        for table in ('config/prometheus/runbooks.md', 'config/prometheus/metrics.md'):
            self.assertIn(table, links(SOURCE_DIR / 'README.md'))
            for link in links(SOURCE_DIR / table):
                self.assertTrue((SOURCE_DIR / table).parent.joinpath(link).exists(), link)

    def test_runbooks_list_every_alert(self):
        table = (SOURCE_DIR / 'config/prometheus/runbooks.md').read_text().split('\n## ')[0]
        alerts = set(re.findall(r'- alert: (\w+)', (SOURCE_DIR / 'config/prometheus/alerts.yml').read_text()))
        self.assertIn(f'There are {len(alerts)} alerts,', (SOURCE_DIR / 'README.md').read_text())
        for alert in alerts:
            self.assertRegex(table, rf'\n\| \[{alert}\]\(#{alert.lower()}\) \|')

    def test_metrics_of_readme_are_in_the_table(self):
        table = (SOURCE_DIR / 'config/prometheus/metrics.md').read_text()
        metrics = re.findall(r'^\| `(kallglot_\w+)` \|', (SOURCE_DIR / 'README.md').read_text(), re.MULTILINE)
        self.assertEqual(len(metrics), 10)
        for metric in metrics:
            self.assertIn(f'\n| `{metric}` |', table)


@unittest.skipIf(SANITIZED, 'the package is of a build without sanitizers: the g++ build runs this')
class Installation(EndToEnd):
    def test_readme_commands_install_start_and_scrape(self):
        if reason := why_not():
            self.skipTest(reason)
        machine = Booted(self.folder, build_package(self.folder / 'package'))
        self.addCleanup(machine.end)
        self.keep(machine.background('kallglot_simulator', '--listen-address', '127.0.0.1:18443', '--state-dir', '/run/rehearsal',
                                     '--sessions', '7', *STILL))
        wait_for('the API', lambda: machine.run('test', '-s', '/run/rehearsal/address', check=False).returncode == 0)
        key = machine.run('cat', '/run/rehearsal/api_key').stdout
        machine.run('sh', '-c', 'mkdir -p /srv/build/package /etc/prometheus && '
                    'cp /var/cache/package.deb /srv/build/package/kallglot-exporter_0_amd64.deb')
        ran = []
        for command in commands():
            if command in ELSEWHERE:
                continue
            if 'config --check' in command or '--config.check' in command:
                # The simulator replaces the real API, and its sessions are in the file.
                machine.run('sh', '-c', "sed -i 's|^  #base_url: .*|  base_url: https://localhost:18443/v1|; "
                            "s|^  #ca_file:.*|  ca_file: /etc/kallglot_exporter/ca.pem|' /etc/kallglot_exporter/config.yml && "
                            'cp /run/rehearsal/ca.pem /etc/kallglot_exporter/ && '
                            'cat /run/rehearsal/sessions.txt > /etc/kallglot_exporter/sessions.txt')
            if command.startswith('curl'):
                wait_for('every session tracked', lambda: Exposition(machine.run('sh', '-c', command).stdout).total('kallglot_sessions') == 7)
            done = machine.run('sh', '-c', f'cd /srv && {command}', stdin=key if command == KEY else None)
            ran.append(command)
            if '--config.check' in command:
                self.assertIn('configuration is valid', done.stdout)
        for command in (INSTALL, KEY, ENABLE, SCRAPE):
            self.assertIn(command, ran)
        self.assertEqual(machine.show(UNIT, 'ActiveState'), 'active')
        self.assertEqual(machine.run('systemctl', 'is-enabled', UNIT).stdout.strip(), 'enabled')


if __name__ == '__main__':
    main()
