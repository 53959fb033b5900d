#!/usr/bin/env python3
"""The exporter started by other things than systemd: closed descriptors, ignored and blocked signals, PID 1 of a container."""

import os
import pathlib
import signal
import socket
import subprocess
import unittest

from support import web
from support.case import EndToEnd, main
from support.programs import EXPORTER, Exporter

CLOSED = 'exec "$@" 0<&- 1>&- 2>&-'


class Starts(EndToEnd):
    def setUp(self):
        super().setUp()
        self.api = self.simulator('--sessions', 20, '--arrival-rate', '0')
        self.config_file = self.config(self.api.port, store=self.folder / 'sessions.db')

    def passed_socket(self, script, **options):
        """An exporter on a socket that it inherits, so that its port is known without its log."""
        listener = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(listener.close)
        address = '127.0.0.1:%d' % listener.getsockname()[1]
        under = ('sh', '-c', f'exec 3<&{listener.fileno()}; export LISTEN_FDS=1 LISTEN_PID=$$; {script}', 'sh')
        exporter = self.keep(Exporter(self.folder, self.config_file, under=under, pass_fds=[listener.fileno()], **options))
        exporter.address = address
        return exporter

    def ready(self, exporter):
        def asked():
            try:
                return web.request(exporter.address, '/-/ready').status == 200
            except OSError:
                return False
        exporter.expect('ready', asked)
        exporter.polled(20)
        return exporter

    def test_closed_standard_descriptors_are_never_used_for_files_or_sockets(self):
        exporter = self.ready(self.passed_socket(CLOSED))
        for number in (0, 1, 2):
            self.assertEqual(os.readlink(f'/proc/{exporter.process.pid}/fd/{number}'), '/dev/null')
        self.assertEqual(exporter.stop(), 0)

    def test_check_without_output_still_answers(self):
        done = subprocess.run(['sh', '-c', CLOSED, 'sh', EXPORTER, '--config.file', self.config_file, '--config.check'], check=False)
        self.assertEqual(done.returncode, 0)

    def test_ignored_and_blocked_signals_do_not_keep_it_from_stopping(self):
        def ignore_and_block():
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD):
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
        exporter = self.ready(self.exporter(self.config_file, preexec_fn=ignore_and_block))
        exporter.send(signal.SIGHUP)
        exporter.expect('reloaded', lambda: 'msg=reloaded' in exporter.log())
        self.assertEqual(exporter.stop(), 0)

    def test_umask_of_zero_opens_no_file_to_others(self):
        exporter = self.ready(self.exporter(self.config_file, preexec_fn=lambda: os.umask(0)))
        for path in self.folder.glob('sessions.db*'):
            self.assertEqual(path.stat().st_mode & 0o022, 0, path)
        exporter.stop()

    @unittest.skipUnless(os.geteuid() == 0, 'needs root for namespaces')
    def test_pid_1_of_a_container_stops_when_asked(self):
        # From a terminal of the host: the signal reaches PID 1 although it is in another namespace, if there is a handler.
        exporter = self.ready(self.exporter(self.config_file, under=('unshare', '--pid', '--fork', '--kill-child')))
        children = pathlib.Path(f'/proc/{exporter.process.pid}/task/{exporter.process.pid}/children')
        os.kill(int(children.read_text().split()[0]), signal.SIGTERM)
        self.assertEqual(exporter.wait(), 0)


if __name__ == '__main__':
    main()
