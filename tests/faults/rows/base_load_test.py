#!/usr/bin/env python3
"""The usual load of a large installation, held while everything hostile comes at once."""

import json
import pathlib
import subprocess
import sys
import threading
import time
import types

from fault_case import Row, Stalls, alone, main, memory, wait_for, whole
from support import web
from support.configuration import every, receiving
from support.durable import SECRET
from support.exposition import Exposition
from support.passwords import basic, one_user

CONNECTIONS = 5000
HERE = pathlib.Path(__file__).resolve().parent
LATENESS = 'kallglot_exporter_poll_lateness_seconds'


class Load(threading.Thread):
    """Scrapes every five seconds with the right password, and measures how long each takes."""

    def __init__(self, exporter, headers):
        super().__init__(daemon=True)
        self.exporter, self.headers = exporter, headers
        self.over, self.slowest, self.statuses = threading.Event(), 0.0, []
        self.stalls = Stalls()

    def run(self):
        self.stalls.start()
        while not self.over.wait(5):
            begun = time.monotonic()
            try:
                self.statuses.append(self.exporter.get('/metrics', headers=self.headers).status)
            except Exception as error:  # whatever it is, no scrape came of it
                self.statuses.append(repr(error))
            self.slowest = max(self.slowest, time.monotonic() - begun)
        self.stalls.stop()


class BaseLoad(Row):
    def scrape(self):
        answer = self.daemon.get('/metrics', headers=self.headers)
        self.assertEqual(answer.status, 200)
        return Exposition(answer.text)

    def made(self):
        """Webhooks that the API has made so far."""
        return self.api.stats()['webhooks']['made']

    def window(self, seconds):
        """A span of that length, to be compared with what was due in it and with another one."""
        before, begun, made = self.scrape(), time.monotonic(), self.made()
        load = Load(self.daemon, self.headers)
        load.start()
        self.let_time_pass(self.daemon, seconds, 'rates are compared')
        load.over.set()
        load.join()
        after, took, made = self.scrape(), time.monotonic() - begun, self.made() - made

        def more(name, **labels):
            return after.total(name, **labels) - before.total(name, **labels)
        timed = more(f'{LATENESS}_count')
        self.assertEqual(set(load.statuses), {200})
        return types.SimpleNamespace(
            polls=more('kallglot_exporter_polls_total') / took, due=after.value('kallglot_exporter_poll_demand_requests_per_second'),
            timed=timed, late=timed - more(f'{LATENESS}_bucket', le='0.1'), made=made / took,
            webhooks=more('kallglot_exporter_webhook_requests_total', result='accepted') / took,
            slowest=load.slowest, stalled=load.stalls.worst)

    @whole
    @alone
    def test_h1_base_load_under_every_attack_is_held(self):
        """10,000 sessions, 500 polls and 50 webhooks a second; 5,000 slow connections at both listeners, 1,000 bad logins a second
        The attack makes no poll later than 100 ms. Every scrape with the right password is answered within a second."""
        hook = web.free_port()
        self.write('secret', SECRET)
        web_file = self.write('web.yml', one_user('right', 10))
        self.headers = basic('prometheus', 'right')
        self.api = self.simulator('--sessions', 10_000, '--active', '5m-15m', '--webhook-url',
                                  f'http://127.0.0.1:{hook}/webhooks/kallglot', '--webhook-secret-file', self.folder / 'secret')
        file = self.config(self.api.port, intervals=every('20s', audit='20s'),
                           webhook=receiving(hook) + '\nmax_connections: 3000')
        self.daemon = self.exporter(file, '--web.config.file', web_file, under=('taskset', '-c', '0'))
        wait_for('every session polled', lambda: self.scrape().value('kallglot_sessions', status='unknown') < 100, 60)
        usual, had, known = self.window(15), memory(self.daemon), self.scrape()
        attack = subprocess.Popen(['taskset', '-c', '1', sys.executable, HERE / 'attackers.py', str(CONNECTIONS), '1000', self.daemon.address,
                                   f'127.0.0.1:{hook}'], stdout=subprocess.PIPE, text=True)
        self.addCleanup(attack.kill)
        self.let_time_pass(self.daemon, 5, 'the attackers open their connections first')
        attacked = self.window(30)
        attack.terminate()
        said = json.loads(attack.communicate(timeout=20)[0])
        self.assertEqual(attack.returncode, 0)
        # Over its cap a listener ends the oldest, and each end is followed by another connection: how many are held at one
        # moment depends on how fast the attacker is.
        self.assertGreater(said['held'], 1500)
        self.assertGreater(said['ended'], 3.5 * CONNECTIONS)
        self.assertGreater(said['tried'], 0.9 * said['due'])
        self.assertEqual(set(said['answers']), {'401', '503'})
        now = self.scrape()
        self.assertGreaterEqual(now.total('kallglot_sessions'), known.total('kallglot_sessions'))
        self.assertEqual(now.total('kallglot_session_regressions_total'), known.total('kallglot_session_regressions_total'))
        self.assertLess(memory(self.daemon) - had, 128 << 20)
        self.assert_no_complaint(self.daemon)
        self.assertGreater(attacked.polls, 0.9 * attacked.due)
        self.assertGreater(attacked.webhooks, 0.9 * attacked.made)
        self.assertGreater(attacked.timed, 100)
        self.assertLess(attacked.slowest, 1 + attacked.stalled)
        self.assertLess(attacked.late / attacked.timed - usual.late / usual.timed, 0.01)
        self.figure(f'{attacked.polls:.0f} polls and {attacked.webhooks:.0f} webhooks a second ({usual.polls:.0f} and {usual.webhooks:.0f} '
                    f'before); {attacked.late:g} of {attacked.timed:g} timed polls later than 100 ms ({usual.late:g} of {usual.timed:g}); '
                    f'slowest scrape {1000 * attacked.slowest:.0f} ms ({1000 * usual.slowest:.0f}); {said["held"]:,} connections held, '
                    f'{said["ended"] / said["seconds"]:.0f} ended a second; {said["tried"] / said["seconds"]:.0f} logins a second: '
                    + ', '.join(f'{count / said["seconds"]:.0f} {code}' for code, count in sorted(said['answers'].items()))
                    + f'; {(memory(self.daemon) - had) / 2**20:.0f} MiB more')


if __name__ == '__main__':
    main()
