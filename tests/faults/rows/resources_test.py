#!/usr/bin/env python3
"""Descriptors, memory, CPU time, disk and pipes that run out."""

import os
import pathlib
import re
import subprocess
import time

from control_group import Group
from fault_case import BINARY_DIR, SANITIZED, Row, main, memory, wait_for, whole, within
from support import web
from support.configuration import every
from support.durable import ALL, Durable
from support.programs import STILL, TRACED, Exporter, injected
from support.usage import cpu_seconds
from support.waiting import pace_until


class Descriptors(Row):
    def test_r1_listener_without_descriptors_does_not_spin(self):
        """No descriptor is left when clients connect
        The daemon uses hardly any CPU meanwhile. It serves clients as soon as descriptors are free."""
        exporter = self.world(20, intervals=every('5s', unknown='250ms'))
        pid = exporter.process.pid

        def share_of_a_core():
            before, begun = cpu_seconds(pid), time.monotonic()
            self.let_time_pass(exporter, 3, 'CPU time is a share of a span of time')
            return (cpu_seconds(pid) - before) / (time.monotonic() - begun)
        usual = share_of_a_core()
        used = len(os.listdir(f'/proc/{pid}/fd'))
        subprocess.run(['prlimit', '--pid', str(pid), f'--nofile={used + 2}:'], check=True)
        clients = [web.connect(exporter.address) for _ in range(20)]
        wait_for('the last descriptors to be used', lambda: len(os.listdir(f'/proc/{pid}/fd')) >= used + 1)
        share = share_of_a_core()
        self.assertLess(share - usual, 0.2 if SANITIZED else 0.05)
        self.assertGreaterEqual(len(os.listdir(f'/proc/{pid}/fd')), used + 1, 'the descriptors were not used up')
        subprocess.run(['prlimit', '--pid', str(pid), '--nofile=4096:'], check=True)
        with within('the first answer', 5 if SANITIZED else 1) as took:
            self.assertEqual(exporter.get('/-/healthy').status, 200)
        for client in clients:
            client.close()
        self.assertEqual(exporter.scrape().total('kallglot_sessions'), 20)
        self.figure(f'{100 * share:.1f} % CPU while 20 clients waited ({100 * usual:.1f} % before), served after {1000 * took[0]:.0f} ms')

    @whole
    def test_r2_any_descriptor_limit_works_or_is_rejected(self):
        """The process may open 20 to 200 descriptors
        It starts with fewer connections and polls, or exits at the start and names what it needs. It never crashes or fails
        later."""
        self.api = self.simulator('--sessions', 50, *STILL)
        config = self.config(self.api.port)
        refused = works = 0
        for limit in range(20, 201, 12):
            exporter = self.keep(Exporter(self.folder, config, name=f'with_{limit}', under=['prlimit', f'--nofile={limit}:{limit}']))
            wait_for('a start or its refusal', lambda exporter=exporter: not exporter.running() or 'msg=listening' in exporter.log())
            if exporter.running():
                self.polled(exporter.listening(), 50)
                self.assertEqual(exporter.stop(), 0)
                works += 1
            else:
                self.assertEqual(exporter.process.returncode, 1, exporter.log())
                self.assertRegex(exporter.log(), r'may open only [0-9]+ files')
                refused += 1
        self.assertGreater(works, 5)
        self.assertGreater(refused, 1)
        self.figure(f'{refused} limits refused, {works} work')

    @whole
    def test_c10_limits_above_the_systems_are_lowered(self):
        """More connections are configured than the process may open descriptors
        The start lowers the limit and logs a warning. --config.check reports it too."""
        self.api = self.simulator('--sessions', 50, *STILL)
        config = self.config(self.api.port, max_connections=5000)
        limited = ['prlimit', '--nofile=512:512']
        exporter = self.exporter(config, under=limited)
        self.polled(exporter, 50)
        self.assertRegex(exporter.log(), r'level=warn .*max_connections: lowered from 5000')
        done = subprocess.run([*limited, BINARY_DIR / 'kallglot_exporter', '--config.file', config, '--config.check'], text=True,
                              capture_output=True, check=False, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout + done.stderr, r'lowered from 5000')
        self.figure('5,000 connections fitted into 512 descriptors')


class Memory(Durable, Row):
    @whole
    def test_r9_new_ids_near_the_memory_limit_are_rejected(self):
        """The control group has little memory, and ids pour in
        Above nine tenths of the limit, new ids get 503 and polling continues. After a kill and a restart no id is lost."""
        if SANITIZED:
            self.skipTest('a sanitizer has memory of its own')
        if reason := Group.why_not('memory'):
            self.skipTest(reason)
        group = Group('memory', limit_in_bytes=64 << 20)
        self.addCleanup(group.remove)
        exporter = self.launch(under=group.under)
        self.addCleanup(exporter.kill)
        told, refused = 0, None
        for number in range(60):
            ids = [f'sess_that_needs_memory_{number:03}_{i:04}' for i in range(5000)]
            answer = self.ask(exporter, 'POST', ALL, {'ids': ids})
            if answer.status == 503:
                refused = answer
                break
            self.assertEqual(answer.status, 200)
            told += len(ids)
            # The pace of the load: the daemon looks at its memory now and then, and ids come no faster than it can look.
            pace_until(time.monotonic() + 0.2)
        self.assertIsNotNone(refused, f'{told} ids were taken without a refusal, {memory(exporter) >> 20} MiB')
        self.assertIn('memory', refused.text)
        used = memory(exporter)
        scrape = exporter.scrape()
        polls = scrape.total('kallglot_exporter_polls_total')
        exporter.until('polls go on', lambda later: later.total('kallglot_exporter_polls_total') > polls + 50)
        exporter.kill()
        again = self.launch(under=group.under)
        self.addCleanup(again.kill)
        known = again.scrape().total('kallglot_sessions')
        self.assertGreaterEqual(known, told)
        again.kill()
        self.figure(f'{told:,} ids taken into 64 MiB, then 503; {known:,.0f} known after a kill')


class Cpu(Row):
    @whole
    def test_r11_polls_on_a_tenth_of_a_core_thin_out_evenly(self):
        """The process may use a tenth of a core
        No session is stale, and all are polled about equally often."""
        if reason := Group.why_not('cpu'):
            self.skipTest(reason)
        group = Group('cpu', cfs_period_us=100_000, cfs_quota_us=10_000)
        self.addCleanup(group.remove)
        sessions = 9900
        exporter = self.world(sessions, under=group.under, intervals=every('1s'))
        self.addCleanup(exporter.kill)
        exporter.more_polls(sessions, 60)

        def asked():
            moment, lives = self.api.lives()
            return moment, {life['id']: life['asked'] for life in lives}
        begun, before = asked()
        stale = self.let_time_pass(exporter, 15, 'what is polled in a span of time is compared with what is due in it',
                                   lambda: exporter.scrape().total('kallglot_sessions_stale'), every=1)
        ended, after = asked()
        polls = [after[name] - before[name] for name in before]
        self.assertLess(sum(polls), 0.9 * sessions * (ended - begun), 'a tenth of a core was enough')
        self.assertGreater(min(polls), 0)
        self.assertLessEqual(max(polls), 2 * min(polls) + 2)
        self.assertEqual(max(stale), 0)
        self.figure(f'{sum(polls) / (ended - begun):.0f} polls a second of {sessions} due, {min(polls)} to {max(polls)} a session in '
                    f'{ended - begun:.0f} s')


class Pipes(Row):
    def test_r12_full_log_pipe_blocks_nothing(self):
        """The pipe of the log is full and has no reader
        Polls and scrapes continue. The next line that can be written says how many lines were dropped."""
        self.suite('log_test', 'Logging/FullChannel.*', 2, '')
        fifo = self.folder / 'log'
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDWR)
        self.addCleanup(os.close, reader)
        # Full but for a page.
        os.set_blocking(reader, False)
        with open(fifo, 'wb', buffering=0, opener=lambda path, flags: os.open(path, os.O_WRONLY | os.O_NONBLOCK)) as writer:
            while writer.write(b'x' * 4096):
                pass
        os.read(reader, 4096)
        port = web.free_port()
        self.api = self.simulator('--sessions', 100, *STILL)
        exporter = self.keep(Exporter(self.folder, self.config(self.api.port), '--log.level=debug', listen=f'127.0.0.1:{port}',
                                      under=['sh', '-c', f'exec "$@" 2>{fifo}', 'sh']))
        exporter.address = f'127.0.0.1:{port}'
        exporter.expect('listening', lambda: web.answers(exporter.address, '/-/ready'))
        self.polled(exporter, 100)
        self.api.set_faults(not_json=0.5)
        exporter.until('many log lines', lambda scrape: scrape.total('kallglot_exporter_log_messages_total') > 300)
        self.api.set_faults()
        polls = exporter.scrape().total('kallglot_exporter_polls_total')
        exporter.until('polls go on', lambda scrape: scrape.total('kallglot_exporter_polls_total') > polls + 500)
        told = exporter.scrape().total('kallglot_exporter_log_messages_total')
        said = b''
        def seen():
            nonlocal said
            try:
                while block := os.read(reader, 1 << 20):
                    said += block
            except BlockingIOError:
                pass
            return b'log lines dropped' in said
        seen()
        exporter.send(1)
        exporter.expect('the number of dropped lines', seen)
        self.figure(f'{told:g} lines for a pipe with room for a page')


class SlowDisk(Durable, Row):
    def test_r8_slow_sync_delays_only_its_callers(self):
        """A sync of the disk takes five seconds
        The loop continues. A caller that registers an id waits for the sync, or gets 503 in time."""
        exporter = self.launch(under=injected('fdatasync:delay_enter=5000000:when=20+40'), environment=TRACED)
        slowest = 0.0
        for number in range(60):
            with within('an answer, beside a sync of five seconds and another before it', 12) as took:
                self.assertIn(self.put(exporter, f'sess_on_a_slow_disk_{number}'), (201, 503))
            slowest = max(slowest, *took)
            if slowest > 2:
                break
        self.assertGreater(slowest, 2, 'no sync was slow')
        delay = exporter.scrape().value('kallglot_exporter_event_loop_delay_seconds')
        self.assertLess(delay, slowest / (2.5 if SANITIZED else 10), 'the loop waited for the disk')
        self.figure(f'slowest answer {slowest:.1f} s, worst delay of the loop {1000 * delay:.0f} ms')


class Allocations(Row):
    def fail_each(self, step):
        done = subprocess.run([BINARY_DIR / 'tests' / 'allocation_faults', self.folder, str(step)], capture_output=True, text=True,
                              check=False, timeout=800)
        self.assertEqual(done.returncode, 0, (done.stdout + done.stderr)[-4000:])
        counts = [int(count) for count in re.findall(r': (\d+) allocations', done.stdout)]
        self.assertGreaterEqual(len(counts), 8)
        return sum(counts)

    def test_r10_failing_allocations_lose_nothing(self):
        """One in fifty allocations of parsing, verifying and storing fails, alone and together with all later ones
        The result is an error or an abort. Nothing leaks, nothing invalid is accepted, and no stored row is lost."""
        step = 200 if SANITIZED else 50
        self.figure(f'{self.fail_each(step) // step:,} allocations, each failed twice')

    @whole
    def test_r10_any_failing_allocation_loses_nothing(self):
        """Each allocation of parsing, verifying and storing fails, alone and together with all later ones
        The result is an error or an abort. Nothing leaks, nothing invalid is accepted, and no stored row is lost."""
        self.figure(f'{self.fail_each(1):,} allocations, each failed twice')


if __name__ == '__main__':
    main()
