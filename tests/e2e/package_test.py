#!/usr/bin/env python3
"""The Debian package, installed and run under a real systemd as PID 1, from installation to purge."""

import datetime
import json
import pathlib
import re
import subprocess
import time
import unittest

from support.booted import Booted, why_not
from support.case import EndToEnd, main
from support.exposition import Exposition
from support.programs import BINARY_DIR, EXPORTER, SANITIZED, SOURCE_DIR, STILL
from support.waiting import wait_for, within

UNIT = 'kallglot_exporter.service'
RETRY = 'kallglot_exporter-retry.service'
CONFIG = """\
api: {base_url: "https://localhost:18443/v1", key_file: api_key, ca_file: ca.pem, rate_limit: unlimited}
poll:
  intervals: {created: 250ms, connecting: 250ms, active: 250ms, ending: 250ms, unknown: 250ms}
sessions: {api_token_file: api_token}
"""
DROP_IN = f"""\
[Service]
LoadCredential=api_token:/etc/kallglot_exporter/api_token
WatchdogSec=2s
StandardError=append:/var/log/kallglot_exporter.log
"""
TOKEN = 'token-of-the-package-test-0123456789'


def build_package(folder):
    done = subprocess.run(['cpack', '--config', BINARY_DIR / 'CPackConfig.cmake', '-B', folder], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return next(pathlib.Path(folder).glob('*.deb'))


@unittest.skipIf(SANITIZED, 'the package is of a build without sanitizers: the g++ build runs this')
class Package(EndToEnd):
    def test_package_has_its_files_and_dependencies(self):
        package = build_package(self.folder / 'package')
        listed = subprocess.run(['dpkg-deb', '--contents', package], capture_output=True, text=True, check=True).stdout
        for path in ('/usr/bin/kallglot_exporter', '/usr/bin/kallglot_simulator', '/usr/lib/systemd/system/' + UNIT,
                     '/usr/lib/systemd/system/' + RETRY,
                     '/etc/kallglot_exporter/config.yml', '/usr/share/kallglot-exporter/prometheus/alerts.yml',
                     '/usr/share/kallglot-exporter/grafana/kallglot_sessions.json', '/usr/share/man/man8/kallglot_exporter.8.gz',
                     '/usr/share/doc/kallglot-exporter/copyright', '/usr/share/doc/kallglot-exporter/metrics.md',
                     '/usr/share/doc/kallglot-exporter/runbooks.md'):
            self.assertRegex(listed, rf'(?m) root/root .* \.{re.escape(path)}$')
        facts = subprocess.run(['dpkg-deb', '--field', package], capture_output=True, text=True, check=True).stdout
        for library in ('libssl3', 'libsqlite3-0', 'libyaml-cpp0.', 'libcrypt1'):
            self.assertIn(library, facts)
        judged = subprocess.run(['lintian', '--fail-on', 'error,warning', package], capture_output=True, text=True, check=False)
        self.assertEqual(judged.returncode, 0, judged.stdout + judged.stderr)

    def test_manual_page_documents_every_flag(self):
        usage = subprocess.run([EXPORTER, '--help'], capture_output=True, text=True, check=True).stdout
        manual = (SOURCE_DIR / 'daemon/kallglot_exporter.8').read_text().replace('\\-', '-')
        flags = re.findall(r'^  (--[a-z.-]+)', usage, re.MULTILINE)
        self.assertGreaterEqual(len(flags), 10)
        for flag in flags:
            self.assertIn(flag, manual)
        for named in re.findall(r'(?<=[ R])--[a-z]+\.[a-z.-]+', manual):
            self.assertIn(named, flags)


@unittest.skipIf(SANITIZED, 'the package is of a build without sanitizers: the g++ build runs this')
class UnderSystemd(EndToEnd):
    def setUp(self):
        super().setUp()
        if reason := why_not():
            self.skipTest(reason)
        self.machine = Booted(self.folder, build_package(self.folder / 'package'))
        self.addCleanup(self.machine.end)

    def state(self):
        return self.machine.show(UNIT, 'ActiveState')

    def curl(self, path, *flags):
        return self.machine.run('curl', '-sS', *flags, f'http://127.0.0.1:10455{path}').stdout

    def scrape(self):
        return Exposition(self.curl('/metrics'))

    def configure(self):
        """The rehearsal API, its key, and a configuration."""
        self.keep(self.machine.background('kallglot_simulator', '--listen-address', '127.0.0.1:18443', '--state-dir',
                                          '/run/rehearsal', '--sessions', '50', *STILL))
        wait_for('the API', lambda: self.machine.run('test', '-s', '/run/rehearsal/address', check=False).returncode == 0)
        folder = '/etc/kallglot_exporter'
        self.machine.run('cp', '/run/rehearsal/ca.pem', folder + '/ca.pem')
        self.machine.run('install', '-m', '600', '/run/rehearsal/api_key', folder + '/api_key')
        self.machine.write(folder + '/api_token', TOKEN, '600')
        self.machine.write(folder + '/config.yml', CONFIG)
        self.machine.write(f'/etc/systemd/system/{UNIT}.d/test.conf', DROP_IN)
        self.machine.run('systemctl', 'daemon-reload')

    def tell_ids(self):
        ids = self.machine.run('cat', '/run/rehearsal/sessions.txt').stdout.split()
        ids = [word for word in ids if word.startswith('sess_')]
        answer = json.loads(self.curl('/api/v1/sessions', '-H', f'Authorization: Bearer {TOKEN}', '-d', json.dumps({'ids': ids})))
        self.assertEqual(answer['added'], 50)

    def all_there(self):
        return self.scrape().total('kallglot_sessions') == 50

    def log(self):
        return self.machine.run('sh', '-c', 'cat /var/log/kallglot_exporter.log; true').stdout

    def gaps(self, pattern):
        """Seconds between the lines like this, by the daemon's own clock."""
        moments = [datetime.datetime.fromisoformat(moment) for moment in re.findall(rf'^ts=(\S+) {pattern}', self.log(), re.MULTILINE)]
        return [(later - earlier).total_seconds() for earlier, later in zip(moments, moments[1:])]

    def test_crash_loop_ends_after_ten_starts(self):
        self.configure()
        self.machine.write(f'/etc/systemd/system/{UNIT}.d/crash.conf', '[Service]\nExecStartPost=/bin/kill -SEGV $MAINPID\n')
        self.machine.run('systemctl', 'daemon-reload')
        self.machine.run('systemctl', 'start', '--no-block', UNIT)
        wait_for('given up', lambda: self.state() == 'failed', 90)
        gaps = self.gaps('level=info msg=listening')
        self.assertEqual(len(gaps), 9, self.log())
        self.assertGreaterEqual(min(gaps), 2)
        self.assertNotEqual(self.machine.run('systemctl', 'start', UNIT, check=False).returncode, 0)
        wait_for('no retries either', lambda: self.machine.show(RETRY, 'ActiveState') == 'inactive')
        self.assertEqual(len(self.gaps('level=info msg=listening')), 9)

    def test_failure_that_may_pass_is_retried(self):
        self.configure()
        failing = CONFIG + 'store: {path: /nowhere/sessions.db}\n'
        self.machine.write('/etc/kallglot_exporter/config.yml', failing)
        self.assertNotEqual(self.machine.run('systemctl', 'start', UNIT, check=False).returncode, 0)
        wait_for('four starts', lambda: len(self.gaps('level=error .*/nowhere')) >= 3, 60)
        gaps = self.gaps('level=error .*/nowhere')[:3]
        self.assertEqual(gaps, sorted(gaps), 'at a growing distance')
        self.assertGreater(gaps[2], 1.5 * gaps[0])
        # The operator need not wait for the next try.
        self.machine.write('/etc/kallglot_exporter/config.yml', CONFIG)
        self.machine.run('systemctl', 'start', UNIT)
        self.assertEqual(self.state(), 'active')
        # Stopped by hand it stays stopped, also between two tries.
        self.machine.run('systemctl', 'stop', UNIT)
        self.machine.write('/etc/kallglot_exporter/config.yml', failing)
        self.assertNotEqual(self.machine.run('systemctl', 'start', UNIT, check=False).returncode, 0)
        wait_for('a retry', lambda: self.machine.show(RETRY, 'ActiveState') == 'active')
        self.machine.run('systemctl', 'stop', UNIT)
        wait_for('no retry', lambda: self.machine.show(RETRY, 'ActiveState') == 'inactive')
        # And it recovers by itself.
        self.assertNotEqual(self.machine.run('systemctl', 'start', UNIT, check=False).returncode, 0)
        self.machine.write('/etc/kallglot_exporter/config.yml', CONFIG)
        wait_for('active', lambda: self.state() == 'active')
        print(f'distances {" ".join(f"{gap:.1f}" for gap in gaps)} s')

    def test_package_from_installation_to_purge(self):
        # The installation starts nothing and prints what is missing.
        self.assertEqual(self.state(), 'inactive')
        self.assertIn('put the API key into /etc/kallglot_exporter/api_key', self.machine.console())
        self.assertEqual(self.machine.run('systemctl', 'is-enabled', UNIT, check=False).stdout.strip(), 'disabled')

        self.configure()
        begun = time.monotonic()
        self.machine.run('systemctl', 'start', UNIT)
        print(f'READY {time.monotonic() - begun:.2f} s after systemctl start')
        self.assertEqual(self.curl('/-/ready'), 'ready\n')
        self.tell_ids()
        wait_for('all polled', lambda: self.scrape().value('kallglot_sessions', status='active') == 50)
        wait_for('a status', lambda: 'tracking 50 sessions, API ok' in self.machine.show(UNIT, 'StatusText'))

        # Only the service can read its secrets.
        pid = self.machine.show(UNIT, 'MainPID')
        credential = f'/run/credentials/{UNIT}/api_key'
        stranger = ('setpriv', '--reuid', '65534', '--clear-groups', 'cat')
        for secret in (credential, '/etc/kallglot_exporter/api_key'):
            self.assertNotEqual(self.machine.run(*stranger, secret, check=False).returncode, 0, secret)
        key = self.machine.run('cat', '/etc/kallglot_exporter/api_key').stdout.strip()
        for place in ('environ', 'cmdline'):
            self.assertNotIn(key, self.machine.run('cat', f'/proc/{pid}/{place}').stdout)
        owner = self.machine.run('stat', '-c', '%u %a', credential).stdout.split()
        self.assertNotEqual(self.machine.run('awk', '/^Uid/ { print $2 }', f'/proc/{pid}/status').stdout.strip(), '0')
        self.assertIn(owner[1], ('400', '440'))

        # Reload: good, bad, good.
        successful = 'kallglot_exporter_config_last_reload_successful'
        self.machine.run('systemctl', 'reload', UNIT)
        self.machine.write('/etc/kallglot_exporter/config.yml', CONFIG + 'nonsense: 1\n')
        reload = self.machine.run('systemctl', 'reload', UNIT, check=False)
        self.assertEqual((reload.returncode, 'systemctl status' in reload.stderr), (1, True), reload.stderr)
        self.assertIn('nonsense: unknown key', self.log())
        # The check kept it from the daemon. HUP without the check is refused by the daemon itself.
        self.assertEqual(self.scrape().value(successful), 1)
        self.machine.run('kill', '-HUP', pid)
        wait_for('refused', lambda: self.scrape().value(successful) == 0)
        self.assertEqual((self.state(), self.machine.show(UNIT, 'MainPID')), ('active', pid))
        self.machine.write('/etc/kallglot_exporter/config.yml', CONFIG)
        self.machine.run('systemctl', 'reload', UNIT)
        wait_for('taken', lambda: self.scrape().value(successful) == 1)

        # The watchdog kills a daemon that hangs; after the restart all sessions are tracked again.
        self.machine.run('kill', '-STOP', pid)
        wait_for('killed', lambda: self.machine.show(UNIT, 'MainPID') != pid)
        with within('the restart after the watchdog', 5) as took:
            wait_for('active', lambda: self.state() == 'active' and self.machine.show(UNIT, 'MainPID') not in (pid, '0'))
        print(f'active {took[0]:.2f} s after the watchdog killed it')
        self.assertEqual(self.machine.show(UNIT, 'NRestarts'), '1')
        wait_for('all ids', self.all_there)

        with within('the stop', 10) as took:
            self.machine.run('systemctl', 'stop', UNIT)
        print(f'stopped in {took[0]:.2f} s')
        self.assertEqual(self.machine.show(UNIT, 'Result'), 'success')

        # systemd does not restart a daemon with a bad configuration.
        self.machine.write('/etc/kallglot_exporter/config.yml', 'nonsense: 1\n')
        self.machine.run('systemctl', 'start', UNIT, check=False)
        wait_for('failed', lambda: self.state() == 'failed')
        shown = self.machine.show(UNIT, 'ExecMainStatus', 'Result')
        self.assertEqual(shown, {'ExecMainStatus': '2', 'Result': 'exit-code'})
        # Another unit with the same rule and another exit code is started again meanwhile.
        self.machine.run('systemd-run', '--unit=control', '--property=Restart=on-failure', '--property=RestartSec=2s',
                         '--property=RestartPreventExitStatus=2', 'false')
        wait_for('a restart of the control', lambda: int(self.machine.show('control.service', 'NRestarts')) >= 1)
        self.assertEqual((self.state(), self.machine.show(UNIT, 'NRestarts')), ('failed', '0'), 'not started again')
        self.machine.run('systemctl', 'stop', 'control.service')
        self.machine.run('systemctl', 'reset-failed', UNIT)

        # Removal keeps store, configuration and enablement; a purge deletes them.
        self.machine.write('/etc/kallglot_exporter/config.yml', CONFIG)
        self.machine.run('systemctl', 'enable', UNIT)
        self.machine.run('dpkg', '--remove', 'kallglot-exporter')
        self.assertEqual(self.machine.run('test', '-s', '/var/lib/private/kallglot_exporter/sessions.db', check=False).returncode, 0)
        self.machine.run('dpkg', '--install', '/var/cache/package.deb')
        self.assertEqual(self.machine.run('systemctl', 'is-enabled', UNIT, check=False).stdout.strip(), 'enabled')
        self.machine.run('systemctl', 'start', UNIT)
        wait_for('all ids after an installation', self.all_there)
        self.machine.run('dpkg', '--purge', 'kallglot-exporter')
        for path in ('/var/lib/private/kallglot_exporter', '/var/lib/kallglot_exporter', '/etc/kallglot_exporter/config.yml',
                     '/etc/systemd/system/multi-user.target.wants/' + UNIT):
            self.assertNotEqual(self.machine.run('test', '-e', path, check=False).returncode, 0, path)
        self.assertEqual(self.machine.run('test', '-e', '/etc/kallglot_exporter/api_key').returncode, 0, 'the operator\'s own')


if __name__ == '__main__':
    main()
