#!/usr/bin/env python3
"""No acknowledged id is lost: session API, webhooks and files, with a killed daemon, a full, a failing and a hung disk."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import unittest

from support.case import main
from support.durable import ALL, SECRET, TOKEN, Acknowledged, Durable, event, pour
from support.programs import SANITIZED, TRACED, Exporter, injected
from support.waiting import wait_for

ROUNDS = 3
WORKERS = 3
KILL_AFTER = 60 if SANITIZED else 300


class Durability(Durable):
    def test_killed_daemon_loses_nothing_acknowledged(self):
        told = Acknowledged()
        exporter = self.launch()
        for number in range(ROUNDS):
            begun = told.count()
            threads = pour(exporter, told, f'round{number}', WORKERS)
            exporter.expect('ids that came in', lambda: told.count() >= begun + KILL_AFTER)
            exporter.kill()
            for thread in threads:
                thread.join()
            exporter = self.launch()
            self.assertEqual(told.ids - self.tracked(exporter), set(), f'lost in round {number}')
        scrape = exporter.scrape()
        self.assertEqual(scrape.value('kallglot_exporter_store_last_corruption_timestamp_seconds'), 0)
        self.assertGreaterEqual(scrape.total('kallglot_sessions'), told.count())
        exporter.stop()
        self.assert_clean_end(exporter)

    def test_ten_thousand_ids_of_one_call_survive_a_kill(self):
        exporter = self.launch()
        ids = [f'sess_bulk_{i:05}' for i in range(10_000)]
        answer = self.ask(exporter, 'POST', ALL, {'ids': ids})
        exporter.kill()
        self.assertEqual((answer.status, json.loads(answer.body)),
                         (200, {'added': 10_000, 'known': 0, 'rejected': []}))
        again = self.launch()
        self.assertEqual(set(ids) - self.tracked(again), set())
        answer = self.ask(again, 'POST', ALL, {'ids': ids})
        self.assertEqual(json.loads(answer.body), {'added': 0, 'known': 10_000, 'rejected': []})

    def test_deleted_ids_and_known_events_survive_a_kill(self):
        exporter = self.launch()
        body = event('once', 'sess_told_by_a_webhook', 'session.started')
        self.assertEqual(self.deliver(exporter, body).status, 200)
        self.assertEqual(self.put(exporter, 'sess_to_be_forgotten'), 201)
        self.assertEqual(self.ask(exporter, 'DELETE', f'{ALL}/sess_to_be_forgotten').status, 204)
        exporter.kill()
        again = self.launch()
        self.assertNotIn('sess_to_be_forgotten', self.tracked(again))
        shown = json.loads(self.ask(again, 'GET', f'{ALL}/sess_told_by_a_webhook').body)
        self.assertEqual(shown['status'], 'active')
        self.assertEqual(self.deliver(again, body).status, 200)
        late = event('late', 'sess_told_by_a_webhook', 'session.created')
        self.assertEqual(self.deliver(again, late).status, 200)
        scrape = again.scrape()
        for result, count in (('accepted', 0), ('duplicate', 1), ('outdated', 1)):
            self.assertEqual(scrape.value('kallglot_exporter_webhook_requests_total', result=result), count, result)

    def test_store_holds_nothing_personal_or_secret(self):
        exporter = self.launch()
        for number in range(20):
            session = f'sess_with_a_number_{number}'
            self.assertEqual(self.deliver(exporter, event(number, session, 'session.started')).status, 200)
        exporter.kill()
        kept = b''.join(file.read_bytes() for file in self.folder.glob('sessions.db*'))
        self.assertIn(b'sess_with_a_number_7', kept)
        for canary in (b'2025550143', SECRET.encode(), TOKEN.encode(), (self.folder / 'api_key').read_bytes().strip()):
            self.assertNotIn(canary, kept)

    def test_second_daemon_on_the_same_store_is_rejected(self):
        exporter = self.launch()
        self.assertEqual(self.put(exporter, 'sess_of_the_first'), 201)
        second = self.keep(Exporter(self.folder, self.folder / 'durable.yml', name='second'))
        self.assertEqual(second.wait(), 1)
        self.assertIn('sessions.db', second.log())
        self.assertEqual(self.put(exporter, 'sess_of_the_first_too'), 201)


@unittest.skipUnless(shutil.which('strace'), 'strace is not there to make a disk hang')
class HungDisk(Durable):
    """One sync takes eight seconds; the watchdog asks for a sign of life every second."""

    SCRAPES = 80

    def wait_for_hang(self, exporter, answered):
        """Waits until no id was acknowledged over 80 answered scrapes, at least 20 ms apart: the loop works and the store hangs."""
        since, scrapes = len(answered), 0

        def hangs(_):
            nonlocal since, scrapes
            scrapes = scrapes + 1 if len(answered) == since else 0
            since = len(answered)
            return answered and scrapes >= self.SCRAPES
        exporter.until('the store to hang', hangs)
        self.assertLess(len(answered), 60)

    def test_watchdog_is_not_fed_while_the_store_hangs(self):
        messages = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(messages.close)
        messages.bind(str(self.folder / 'notify'))
        messages.setblocking(False)
        fed = 0

        def feedings():
            nonlocal fed
            try:
                while True:
                    fed += messages.recv(4096).count(b'WATCHDOG=1')
            except BlockingIOError:
                return fed

        exporter = self.launch(under=injected('fdatasync:delay_enter=8000000:when=30'), environment={
            'NOTIFY_SOCKET': str(self.folder / 'notify'), 'WATCHDOG_USEC': '1000000', **TRACED})
        wait_for('the watchdog to be fed', lambda: feedings() > 0)
        answered = []

        def tell():
            for i in range(60):
                answered.append(self.put(exporter, f'sess_that_waits_{i}'))

        telling = threading.Thread(target=tell)
        telling.start()
        self.wait_for_hang(exporter, answered)
        before, acknowledged = feedings(), len(answered)
        # As many more as the hang was found by: longer than it takes until the watchdog is fed.
        exporter.over_scrapes(self.SCRAPES)
        if len(answered) == acknowledged:
            self.assertEqual(feedings(), before, 'fed while the store hung')
        else:
            self.skipTest('this machine is so slow that the hang was over before it was looked at')
        telling.join()
        wait_for('the watchdog to be fed again', lambda: feedings() > before)
        exporter.stop()
        self.assert_clean_end(exporter)

    def test_second_signal_ends_a_daemon_with_a_hung_disk(self):
        exporter = self.launch(under=injected('fdatasync:delay_enter=600000000:when=30+1'), environment=TRACED)
        acknowledged = []

        def tell():
            for i in range(60):
                try:
                    if self.put(exporter, f'sess_that_waits_{i}') != 201:
                        return
                except OSError:
                    return
                acknowledged.append(i)

        telling = threading.Thread(target=tell)
        telling.start()
        self.wait_for_hang(exporter, acknowledged)
        exporter.send(signal.SIGTERM)
        exporter.expect('the first signal is heard', lambda: 'stopping' in exporter.log())
        exporter.send(signal.SIGTERM)
        # strace keeps the thread in its call even when the process has ended.
        process = pathlib.Path(f'/proc/{exporter.process.pid}')
        wait_for('it to end', lambda: (process / 'stat').read_text().rpartition(')')[2].split()[0] == 'Z')
        tracers = {int(re.search(r'TracerPid:\s*(\d+)', status.read_text())[1]) for status in process.glob('task/*/status')}
        for tracer in tracers - {0}:
            os.kill(tracer, signal.SIGKILL)
        self.assertEqual(exporter.wait(), 0)
        telling.join()
        self.assertIn('store not closed cleanly', exporter.log())
        again = self.launch()
        listed = self.tracked(again)
        for i in range(len(acknowledged)):
            self.assertIn(f'sess_that_waits_{i}', listed)


@unittest.skipIf(SANITIZED, 'a sanitizer needs terabytes of addresses')
class NoMemory(Durable):
    def test_out_of_memory_exits_and_loses_nothing(self):
        exporter = self.launch()
        size = int(re.search(r'VmSize:\s*(\d+)', pathlib.Path(f'/proc/{exporter.process.pid}/status').read_text())[1])
        limit = (size << 10) + (48 << 20)
        subprocess.run(['prlimit', '--pid', str(exporter.process.pid), f'--as={limit}:{limit}'], check=True)
        acknowledged = []
        for number in range(200):
            ids = [f'sess_without_memory_{number}_{i}' for i in range(10_000)]
            try:
                if self.ask(exporter, 'POST', ALL, {'ids': ids}).status != 200:
                    continue
            except (OSError, http.client.HTTPException):
                break
            acknowledged += ids
        self.assertEqual(exporter.wait(), 1, exporter.log()[-2000:])
        self.assertIn('out of memory', exporter.log())
        self.assertGreater(len(acknowledged), 10_000)
        again = self.launch()
        self.assertEqual(set(acknowledged) - self.tracked(again), set())


@unittest.skipUnless(shutil.which('strace'), 'strace is not there to make a disk fail')
class FailingDisk(Durable):
    """From some call on, a few fail as if the disk had become read-only, or had errors; then it is well again."""

    def recovers_from(self, injection):
        exporter = self.launch(under=injected(injection), environment=TRACED)
        told = set()
        answers = []

        def tell():
            session = f'sess_of_a_failing_disk_{len(answers)}'
            answers.append(self.put(exporter, session))
            if answers[-1] == 201:
                told.add(session)
            return answers[-1]

        wait_for('a refusal', lambda: tell() == 503)
        failed = exporter.scrape()
        self.assertGreater(failed.value('kallglot_exporter_store_write_failures_total'), 0)
        self.assertEqual(exporter.get('/-/healthy').status, 200)
        wait_for('the store to be usable by itself', lambda: tell() == 201)
        polled = failed.value('kallglot_exporter_api_requests_total')
        exporter.until('polls go on', lambda later: later.value('kallglot_exporter_api_requests_total') > polled)
        exporter.kill()
        self.assertEqual(told - self.tracked(self.launch()), set())

    def test_read_only_disk_loses_nothing_and_recovers(self):
        self.recovers_from('pwrite64:error=EROFS:when=80..83')

    def test_failing_syncs_lose_nothing_and_recover(self):
        self.recovers_from('fdatasync:error=EIO:when=25..27')


def can_mount():
    return os.geteuid() == 0 and subprocess.run(['unshare', '-m', 'true'], capture_output=True, check=False).returncode == 0


@unittest.skipUnless(can_mount(), 'needs the right to mount a small disk')
class FullDisk(Durable):
    """The store is on a file system of two megabytes."""

    SIZE = 2 * 1024 * 1024

    def setUp(self):
        super().setUp()
        self.disk = self.folder / 'disk'
        self.disk.mkdir()
        subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={self.SIZE}', 'tmpfs', self.disk], check=True)
        self.addCleanup(self._unmount)

    def _unmount(self):
        for program in self.programs:
            program.kill()
        subprocess.run(['umount', '-l', self.disk], check=False)

    def fill(self):
        with open(self.disk / 'filler', 'wb', buffering=0) as filler:
            for block in (65536, 4096, 1):
                try:
                    while True:
                        filler.write(b'x' * block)
                except OSError:
                    pass

    def refused(self, exporter, number):
        """Registers ids until one is rejected; returns the acknowledged ones."""
        told = set()
        def asked():
            session = f'sess_filling_{number}_{len(told)}'
            status = self.put(exporter, session)
            if status == 201:
                told.add(session)
            return status == 503
        exporter.expect('503 as the disk is full', asked)
        return told

    def test_full_disk_rejects_ids_and_recovers(self):
        exporter = self.launch('disk/sessions.db')
        told = {'sess_before'}
        self.assertEqual(self.put(exporter, 'sess_before'), 201)
        self.fill()
        told |= self.refused(exporter, 1)
        answer = self.ask(exporter, 'POST', ALL, {'ids': ['sess_refused']})
        self.assertEqual(answer.status, 503)
        self.assertGreater(int(answer.headers['Retry-After']), 0)
        self.assertEqual(json.loads(answer.body)['error']['code'], 'store_unavailable')
        body = event('refused', 'sess_refused_too')
        answer = self.deliver(exporter, body)
        self.assertEqual(answer.status, 503)
        self.assertGreater(int(answer.headers['Retry-After']), 0)
        # What is known is known, and polled.
        self.assertEqual(self.ask(exporter, 'GET', f'{ALL}/sess_before').status, 200)
        self.assertEqual(self.ask(exporter, 'GET', f'{ALL}/sess_refused').status, 404)
        scrape = exporter.scrape()
        self.assertGreater(scrape.value('kallglot_exporter_store_write_failures_total'), 0)
        polled = scrape.value('kallglot_exporter_api_requests_total')
        exporter.until('polls go on', lambda later: later.value('kallglot_exporter_api_requests_total') > polled)
        self.assertEqual(exporter.get('/-/healthy').status, 200)

        (self.disk / 'filler').unlink()
        wait_for('the store to be usable', lambda: self.put(exporter, 'sess_after') in (200, 201))
        told.add('sess_after')
        self.assertEqual(self.deliver(exporter, body).status, 200)
        told.add('sess_refused_too')
        scrape = exporter.scrape()
        self.assertEqual(scrape.value('kallglot_exporter_webhook_requests_total', result='duplicate'), 0)
        exporter.kill()
        again = self.launch('disk/sessions.db')
        tracked = self.tracked(again)
        self.assertEqual(told - tracked, set())
        self.assertNotIn('sess_refused', tracked)

    def test_kill_with_a_full_disk_loses_nothing(self):
        exporter = self.launch('disk/sessions.db')
        told = set()
        for number in range(3):
            self.fill()
            told |= self.refused(exporter, number)
            exporter.kill()
            (self.disk / 'filler').unlink()
            exporter = self.launch('disk/sessions.db')
            self.assertEqual(told - self.tracked(exporter), set())


if __name__ == '__main__':
    main()
