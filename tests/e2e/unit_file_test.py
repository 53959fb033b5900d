#!/usr/bin/env python3
"""The service file, and the notifications of the daemon to systemd."""

import configparser
import re
import shutil
import signal
import socket
import subprocess
import unittest

from support.case import EndToEnd, main
from support.programs import EXPORTER, SOURCE_DIR, Exporter, run_exporter
from support.waiting import wait_for

UNIT = SOURCE_DIR / 'systemd/kallglot_exporter.service'
RETRY = UNIT.with_name('kallglot_exporter-retry.service')
# Tenths: 1.2 of 10, where 0 is out of reach of everything.
EXPOSURE_AT_MOST = 12


@unittest.skipUnless(shutil.which('systemd-analyze'), 'there is no systemd here')
class UnitFile(EndToEnd):
    def copy(self, change=lambda text: text):
        """The unit, started from where this build has put the program."""
        text, changes = re.subn(r'^(Exec\w+)=/usr/bin/kallglot_exporter', rf'\1={EXPORTER}', UNIT.read_text(), flags=re.MULTILINE)
        self.assertEqual(changes, 2)
        # verify looks for the unit of OnFailure= beside this one.
        self.write(RETRY.name, RETRY.read_text(), 0o644)
        return self.write(UNIT.name, change(text), 0o644)

    def analyze(self, *words):
        done = subprocess.run(['systemd-analyze', *words], capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, (done.stdout + done.stderr).strip()

    def verify(self, file):
        return self.analyze('verify', '--man=no', '--recursive-errors=no', str(file))

    def test_systemd_verify_reports_nothing(self):
        file = self.copy()
        self.assertEqual(self.verify(file), (0, ''))
        self.assertEqual(self.verify(file.with_name(RETRY.name)), (0, ''))

    def test_systemd_verify_reports_a_bad_value(self):
        answer, said = self.verify(self.copy(lambda text: text.replace('Restart=on-failure', 'Restart=perhaps')))
        self.assertIn('perhaps', said, answer)

    def security(self, file):
        return self.analyze('security', '--offline=yes', f'--threshold={EXPOSURE_AT_MOST}', str(file))

    def test_unit_is_confined(self):
        answer, said = self.security(self.copy())
        self.assertEqual(answer, 0, said)

    def test_unit_without_confinement_exceeds_the_threshold(self):
        answer, _ = self.security(self.copy(lambda text: re.sub(r'^(System|Restrict|Protect|Capab).*\n', '', text,
                                                                flags=re.MULTILINE)))
        self.assertNotEqual(answer, 0)

    def test_unit_matches_the_program(self):
        unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=['='])
        unit.optionxform = str
        unit.read_string(UNIT.read_text())
        service = unit['Service']
        self.assertEqual(service['Type'], 'notify')
        self.assertEqual(service['RestartPreventExitStatus'], '1 2')
        self.assertEqual(unit['Unit']['OnFailure'], RETRY.name)
        # The check of a reload sees the same flags as the daemon, but no credentials; then the daemon is asked.
        check, ask = re.findall(r'^ExecReload=(.*)$', UNIT.read_text(), re.MULTILINE)
        self.assertEqual(check.replace(' --config.check=syntax', ''), service['ExecStart'])
        self.assertEqual(ask, '/bin/kill -HUP $MAINPID')
        self.assertEqual(service['StateDirectory'], 'kallglot_exporter')
        self.assertIn('--config.file=/etc/kallglot_exporter/config.yml', service['ExecStart'])
        self.assertTrue(service['LoadCredential'].startswith('api_key:'))
        # The grace of a stop must end before systemd kills.
        self.assertGreater(int(service['TimeoutStopSec'].rstrip('s')), 10)


class Notifications(EndToEnd):
    def setUp(self):
        super().setUp()
        self.messages = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.path = str(self.folder / 'notify')
        self.socket.bind(self.path)
        self.socket.setblocking(False)

    def told(self):
        """Every message so far, one a line."""
        while True:
            try:
                self.messages += self.socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return self.messages

    def without_status(self):
        return [message for message in self.told() if not message.startswith('STATUS=')]

    def until_told(self, message, times=1):
        wait_for(f'{message} {times} times', lambda: self.told().count(message) >= times)

    def until_told_like(self, pattern):
        wait_for(pattern, lambda: any(re.fullmatch(pattern, message) for message in self.told()))

    def start(self, **variables):
        api = self.simulator('--sessions', 50)
        return self.exporter(self.config(api.port), environment={'NOTIFY_SOCKET': self.path, **variables})

    def test_systemd_is_notified_when_ready(self):
        exporter = self.start()
        self.until_told('READY=1')
        self.assertEqual(exporter.get('/-/ready').status, 200)
        self.assertEqual(self.told()[0], 'READY=1')
        self.assertNotIn('WATCHDOG=1', self.told(), 'WATCHDOG_USEC was not set')
        exporter.stop()
        self.until_told('STOPPING=1')
        self.assertEqual(self.without_status(), ['READY=1', 'STOPPING=1'])
        self.assert_clean_end(exporter)

    def test_systemd_is_notified_when_the_stop_begins(self):
        api = self.simulator('--sessions', 50, '--latency', '60s')
        exporter = self.exporter(self.config(api.port, more='shutdown_grace: 10m'),
                                 environment={'NOTIFY_SOCKET': self.path})
        exporter.expect('requests in flight', lambda: api.stats()['requests']['in_flight'] > 0)
        exporter.send(signal.SIGTERM)
        self.until_told('STOPPING=1')
        self.assertTrue(exporter.running())
        exporter.stop()
        self.assert_clean_end(exporter)

    def test_systemd_status_line_counts_sessions(self):
        exporter = self.start()
        self.until_told('STATUS=tracking 0 sessions, API starting')
        self.until_told_like(r'STATUS=tracking 5\d sessions, API ok')
        exporter.stop()
        self.until_told('STATUS=stopping')

    def test_systemd_is_notified_of_a_reload(self):
        exporter = self.start()
        self.until_told('READY=1')
        exporter.send(signal.SIGHUP)
        self.until_told('READY=1', times=2)
        told = self.without_status()
        self.assertEqual((told[0], told[1], told[3]), ('READY=1', 'RELOADING=1', 'READY=1'))
        self.assertRegex(told[2], r'MONOTONIC_USEC=\d+')
        exporter.stop()
        self.assert_clean_end(exporter)

    def test_socket_passed_by_systemd_is_used(self):
        api = self.simulator('--sessions', 5)
        with socket.create_server(('127.0.0.1', 0)) as listener:
            script = f'exec 3<&{listener.fileno()}; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@"'
            exporter = self.exporter(self.config(api.port), under=('sh', '-c', script, 'sh'), pass_fds=[listener.fileno()])
            self.assertEqual(exporter.address, '127.0.0.1:%d' % listener.getsockname()[1])
        exporter.expect('ready', lambda: exporter.get('/-/ready').status == 200)
        exporter.stop()
        self.assert_clean_end(exporter)

    def test_passed_socket_that_does_not_listen_is_rejected(self):
        api = self.simulator('--sessions', 5)
        for family, kind in ((socket.AF_INET, socket.SOCK_DGRAM), (socket.AF_INET, socket.SOCK_STREAM),
                             (socket.AF_UNIX, socket.SOCK_STREAM), (socket.AF_UNIX, socket.SOCK_DGRAM)):
            with self.subTest(family=family, kind=kind), socket.socket(family, kind) as other:
                if (family, kind) == (socket.AF_UNIX, socket.SOCK_STREAM):
                    other.bind(str(self.folder / 'unix'))
                    other.listen()
                script = f'exec 3<&{other.fileno()}; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@"'
                program = self.keep(Exporter(self.folder, self.config(api.port), under=('sh', '-c', script, 'sh'),
                                             pass_fds=[other.fileno()]))
                self.assertEqual(program.wait(), 2)
                self.assertIn('socket passed by systemd is not usable: it must be a TCP stream socket that listens', program.log())

    def test_watchdog_is_fed_repeatedly(self):
        exporter = self.start(WATCHDOG_USEC='600000')
        self.until_told('WATCHDOG=1', times=4)
        self.assertEqual(self.told()[0], 'READY=1')
        exporter.stop()
        self.assert_clean_end(exporter)

    def test_watchdog_of_another_process_is_not_fed(self):
        exporter = self.start(WATCHDOG_USEC='100000', WATCHDOG_PID='1')
        self.until_told('READY=1')
        exporter.stop()
        self.assertEqual(self.without_status(), ['READY=1', 'STOPPING=1'])

    def test_failed_start_does_not_notify_systemd(self):
        api = self.simulator('--sessions', 5)
        taken = f'127.0.0.1:{api.port}'
        answer, _, _ = run_exporter('--config.file', self.config(api.port), '--web.listen-address', taken,
                                    environment={'NOTIFY_SOCKET': self.path})
        self.assertEqual(answer, 1)
        self.assertEqual(self.told(), [])


if __name__ == '__main__':
    main()
