#!/usr/bin/env python3
"""The process and its store: killed, power cut, full disk, damaged file, opened twice, stopped, hung."""

import contextlib
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys

from fault_case import FAILURES, SANITIZED, SOURCE_DIR, Row, alone, main, wait_for, whole, within
from support.durable import Acknowledged, Durable, pour
from support.programs import Exporter


class Store(Durable, Row):
    @whole
    def test_p1_kill_at_any_write_loses_nothing_acknowledged(self):
        """SIGKILL at each of the first 500 writes and syncs
        No acknowledged session or event id is lost, and the store is sound each time."""
        self.sweep('kill', 500)

    @whole
    def test_p2_power_cut_loses_nothing_acknowledged(self):
        """The power is cut at a hundred moments: unsynced data is gone
        Nothing that was answered with 2xx is lost."""
        self.sweep('cut', 100)

    @whole
    def test_r7_failed_sync_rewrites_the_store(self):
        """EIO at each of the first 200 syncs
        Nothing is acknowledged until the store has been rewritten from memory. Nothing acknowledged is lost."""
        self.sweep('eio', 200)

    @whole
    def test_r4_full_disk_rejects_ids_and_recovers(self):
        """The disk runs full
        New ids get 503, polling continues, and nothing acknowledged is lost. The daemon recovers without a restart."""
        self.elsewhere('durability_test', 'FullDisk')
        self.suite('store_test', 'RealDisk.RunsFull*:StoreFailure.*Disk*', 3)

    def test_r6_read_only_disk_is_treated_like_a_full_one(self):
        """The disk becomes read-only
        The daemon behaves as with a full disk. A disk that is read-only at the start is named in the error."""
        self.elsewhere('durability_test', 'FailingDisk.test_read_only_disk_loses_nothing_and_recovers')
        self.suite('store_test', 'RealDisk.AReadOnlyDiskIsNamedAtStart:StoreFailure.AStoreThatCannot*', 2)

    def test_r5_full_disk_at_the_start_is_named(self):
        """The disk is full when the daemon starts
        The daemon exits at once and names the file, or it runs and logs that it cannot write."""
        if os.geteuid() != 0:
            self.skipTest('needs the right to mount a small disk')
        self.launch().kill()
        disk = self.folder / 'disk'
        disk.mkdir()
        mounted = ['unshare', '-m', 'sh', '-c', f'mount -t tmpfs -o size=64k tmpfs {disk} && '
                   f'dd if=/dev/zero of={disk}/all bs=1k count=64 2>/dev/null; exec "$@"', 'sh']
        config = self.folder / 'durable.yml'
        config.write_text(config.read_text().replace('path: sessions.db', f'path: {disk}/sessions.db'))
        exporter = self.keep(Exporter(self.folder, config, name='full', under=mounted))
        with within('the message', 10) as took:
            wait_for('its words', lambda: f'{disk}/sessions.db' in exporter.log())
        self.assertRegex(exporter.log(), r'(?i)full|space')
        ended = not exporter.running() or None
        self.figure(f'logged after {took[0]:.1f} s' + (', and ended' if ended else ', and it runs'))

    def test_r14_second_daemon_on_one_store_is_rejected(self):
        """A second process opens the same store
        The second process exits and names the reason. The first one continues."""
        self.elsewhere('durability_test', 'Durability.test_second_daemon_on_the_same_store_is_rejected')
        self.figure('ends with 1 and names the file')

    def test_r15_store_has_one_connection_and_no_shared_memory(self):
        """SQLite 3.40.1 can damage a file when two connections write or checkpoint at once
        There is one connection with an exclusive lock, and each start checks the file."""
        exporter = self.launch()
        self.assertEqual(self.put(exporter, 'sess_one'), 201)
        opened = []
        for link in pathlib.Path(f'/proc/{exporter.process.pid}/fd').iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                opened.append(os.path.basename(os.readlink(link)))
        self.assertEqual((opened.count('sessions.db'), opened.count('sessions.db-wal'), opened.count('sessions.db-shm')), (1, 1, 0))
        with self.assertRaisesRegex(sqlite3.OperationalError, 'locked'):
            with sqlite3.connect(self.folder / 'sessions.db', timeout=0.1) as other:
                other.execute('SELECT count(*) FROM sqlite_schema').fetchall()
        self.figure('a second opener is locked out')

    @whole
    def test_p7_damaged_store_is_salvaged_and_reported(self):
        """The store's file is empty, random, has flipped bits or a cut tail, or holds another program's tables; ten thousand files
        Readable rows are salvaged and the file is set aside. Metric and log report it. The daemon never crashes."""
        self.suite('store_test', 'StoreDamage.*', 10, '10,000 damaged files in the store alone',
                   environment={'KALLGLOT_DAMAGED_FILES': '10000'})
        first = self.launch()
        for number in range(200):
            self.assertEqual(self.put(first, f'sess_to_be_damaged_{number:03}'), 201)
        first.stop()
        good = (self.folder / 'sessions.db').read_bytes()
        chance = random.Random(7)
        told = 0
        for turn in range(40):
            for file in self.folder.glob('sessions.db*'):
                file.unlink()
            bad = bytearray(good)
            kind = turn % 4
            if kind == 0:
                bad = bad[:chance.randrange(len(bad))]
            elif kind == 1:
                bad[:] = chance.randbytes(len(bad))
            else:
                for _ in range(1 + 30 * (kind - 2)):
                    bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
            (self.folder / 'sessions.db').write_bytes(bad)
            exporter = self.launch()
            scrape = exporter.scrape()
            kept = list(self.folder.glob('sessions.db.damaged-*'))
            if scrape.value('kallglot_exporter_store_last_corruption_timestamp_seconds') > 0:
                self.assertGreaterEqual(len(kept), 1)
                self.assertIn('sessions.db', exporter.log())
                told += 1
            else:
                # Whatever was hit holds nothing: all are there.
                self.assertEqual(scrape.total('kallglot_sessions'), 250, f'turn {turn}')
            exporter.kill()
        self.assertGreater(told, 15)
        self.figure(f'40 starts with damaged files: {told} reported, the others had lost nothing')

    def test_p8_store_of_another_version_is_rejected(self):
        """A store of a newer version, or of another program
        The start fails, and no byte of the file changes."""
        self.suite('store_test', 'StoreDamage.ANewer*:StoreDamage.ADatabaseOf*', 2, '')
        self.launch().stop()
        with sqlite3.connect(self.folder / 'sessions.db') as store:
            store.execute('PRAGMA user_version = 99')
        store.close()
        before = (self.folder / 'sessions.db').read_bytes()
        newer = self.keep(Exporter(self.folder, self.folder / 'durable.yml', name='newer'))
        self.assertEqual(newer.wait(), 1)
        self.assertIn('sessions.db', newer.log())
        self.assertEqual((self.folder / 'sessions.db').read_bytes(), before)
        self.figure('ends with 1, 0 bytes changed')

    def test_p3_stop_under_load_keeps_every_promise(self):
        """TERM while ids arrive and sessions are polled
        The daemon exits with 0 within the grace period. Everything that got 2xx is there afterwards."""
        told = Acknowledged()
        exporter = self.launch()
        threads = pour(exporter, told, 'stop', 3)
        exporter.expect('ids', lambda: told.count() > 100)
        with within('the stop', 30 if SANITIZED else 10) as took:
            self.assertEqual(exporter.stop(), 0)
        for thread in threads:
            thread.join()
        self.assertIn('cut_off=false', exporter.log())
        self.assertEqual(told.ids - self.tracked(self.launch()), set())
        self.elsewhere('unit_file_test', 'Notifications.test_systemd_is_notified_when_the_stop_begins')
        self.figure(f'{told.count()} acknowledged, stopped in {took[0]:.1f} s, 0 lost')


class Process(Row):
    @whole
    def test_p3_stop_at_any_moment_ends_well(self):
        """TERM at two hundred waits of the loop
        The daemon exits with 0, or by the signal before it has acknowledged anything. Everything that got 2xx is there
        afterwards."""
        self.sweep('stop', 200, store=False)

    def test_p4_hang_stops_the_watchdog_signal(self):
        """The loop or the thread of the store hangs
        The daemon feeds the watchdog only while both work, so that systemd restarts a daemon that hangs."""
        if SANITIZED or not shutil.which('strace'):
            self.skipTest('needs strace and a build without sanitizers')
        self.elsewhere('durability_test', 'HungDisk')
        self.elsewhere('unit_file_test', 'Notifications.test_watchdog_is_fed_repeatedly')
        self.figure('not fed while a sync hung')

    def test_p5_exception_of_a_parser_ends_one_connection(self):
        """Boost.Beast 1.81 throws out of a read on a trailer of 64 KiB
        That connection closes, at the API client and at both listeners. Nothing else is affected."""
        self.suite('net_test', 'Responses/Refused.*', 90, '{passed} refused answers')
        self.suite('net_test', 'Requests/RefusedRequest.*', 100, '{passed} refused requests')
        exporter = self.world(100)
        with self.survives(exporter, 100, FAILURES, {'reason': 'body'}):
            self.api.set_faults(trailers=0.3, garbage=0.1)
            exporter.until('many', lambda scrape: self.failures(scrape, 'body') > 100)
            self.api.set_faults()

    @whole
    def test_p6_crash_loop_ends_after_ten_starts(self):
        """The daemon crashes again and again right after its start
        systemd starts it at most ten times in five minutes, two seconds apart. Then it stays failed."""
        self.elsewhere('package_test', 'UnderSystemd.test_crash_loop_ends_after_ten_starts')
        self.figure('10 starts under systemd, then failed')

    def test_p11_readiness_is_notified_when_ready(self):
        """systemd waits for readiness
        The daemon notifies systemd only with the store restored and the listeners open. A start that fails never notifies
        it."""
        self.elsewhere('unit_file_test', 'Notifications.test_systemd_is_notified_when_ready',
                       'Notifications.test_failed_start_does_not_notify_systemd',
                       'Notifications.test_systemd_status_line_counts_sessions')
        self.figure('READY=1 is the first message')


class LongRun(Row):
    @whole
    @alone
    def test_p10_long_run_at_full_speed_does_not_grow(self):
        """Minutes of polling at full speed, where one response in a hundred meets each of the faults
        Memory and descriptors do not grow after the first third. Every session is as the API knows it."""
        done = subprocess.run([sys.executable, SOURCE_DIR / 'tests' / 'faults' / 'soak' / 'soak.py', '--minutes', '5'],
                              capture_output=True, text=True, check=False, timeout=800)
        self.assertEqual(done.returncode, 0, (done.stdout + done.stderr)[-4000:])
        self.figure(done.stdout.strip().splitlines()[-1])


if __name__ == '__main__':
    main()
