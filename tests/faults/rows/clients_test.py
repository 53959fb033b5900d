#!/usr/bin/env python3
"""Clients of our listeners that are slow or many."""

import contextlib
import http.client
import re
import socket
import statistics
import subprocess
import threading
import time

from fault_case import SANITIZED, Row, Scraping, Stalls, alone, main, memory, wait_for, whole
from support import web
from support.durable import Acknowledged, Durable, event, signed
from support.passwords import basic, one_user
from support.programs import STILL, TRACED, injected
from support.waiting import pace_until

RATE = 'kallglot_exporter_polls_total'
SESSIONS = 'kallglot_sessions'
BACKWARDS = 'kallglot_session_regressions_total'
MOST_WEBHOOK_CLIENTS = 512


class Attacked(Durable, Row):
    """A daemon with both listeners; polls continue at their rate, whatever clients do."""

    def place(self, listener):
        return web.place(self.daemon.address if listener == 'private' else self.daemon.webhooks)

    def begin(self, **options):
        self.daemon = self.launch(**options)
        self.daemon.until('polls', lambda scrape: scrape.total(RATE) > 50)
        config = self.folder / 'durable.yml'
        # Well below the budget, so that another session or two make no shortage.
        config.write_text(config.read_text() + 'poll: {intervals: {created: 500ms, connecting: 500ms, active: 500ms}}\n')
        self.daemon.send(1)
        self.daemon.expect('the reload', lambda: 'msg=reloaded' in self.daemon.log())
        return self.rate(self.daemon, 300)

    @contextlib.contextmanager
    def as_usual(self, more_sessions=False, **options):
        """Every scrape is answered within a second, no session is lost, no change reversed; the rate of polls is for the test to
        compare. `more_sessions` may be registered meanwhile."""
        usual = self.begin(**options)
        known, before = self.daemon.scrape(), memory(self.daemon)
        scraping = Scraping(self.daemon)
        scraping.start()
        try:
            yield usual
        finally:
            scraping.over.set()
            scraping.join()
        self.assertTrue(self.daemon.running(), self.daemon.log()[-2000:])
        self.assertEqual(scraping.failures, [])
        self.slowest = scraping.slowest
        self.assertLess(self.slowest, scraping.longest_allowed())
        now = self.daemon.scrape()
        (self.assertGreaterEqual if more_sessions else self.assertEqual)(now.total(SESSIONS), known.total(SESSIONS))
        self.assertEqual(now.total(BACKWARDS), known.total(BACKWARDS))
        self.assert_no_complaint(self.daemon)
        self.more = memory(self.daemon) - before
        # What thousands of connections take while the last of them are still there.
        if not SANITIZED:
            self.assertLess(self.more, 64 << 20)

    def connections(self, *chosen):
        """Those that the daemon has accepted or opened; `chosen` is a filter of ss."""
        said = subprocess.run(['ss', '-Htnp', 'state', 'established', *chosen], capture_output=True, text=True, check=True).stdout
        return re.findall(rf'pid={self.daemon.process.pid},', said)

    def many(self, listener, count, first=b''):
        """That many connections; each has sent the bytes of `first`."""
        clients = []
        for _ in range(count):
            client = socket.create_connection(self.place(listener), timeout=20)
            with contextlib.suppress(OSError):
                client.sendall(first)
            clients.append(client)
        self.addCleanup(lambda: [client.close() for client in clients])
        return clients

    def drip(self, clients, seconds, piece=b'x'):
        """A byte each second to each, for so long; how many were ended by the other side."""
        ended = set()
        for _ in range(seconds):
            begun = time.monotonic()
            for client in clients:
                if client not in ended:
                    try:
                        client.setblocking(False)
                        client.send(piece)
                        if client.recv(4096, socket.MSG_PEEK) is not None:
                            ended.add(client)
                    except BlockingIOError:
                        pass
                    except OSError:
                        ended.add(client)
            pace_until(begun + 1)
        return len(ended)


class Slow(Attacked):
    @whole
    @alone
    def test_h1_slow_headers_do_not_delay_others(self):
        """Thousands of connections send one byte of a header each second
        Each connection is closed after ten seconds, or earlier in favour of a newer one. Polls and scrapes continue as
        usual."""
        with self.as_usual() as usual:
            clients = [*self.many('private', 1000, b'GET /metrics HTTP/1.1\r\nX: '),
                       *self.many('webhook', 1500, b'POST /webhooks/kallglot HTTP/1.1\r\nX: ')]
            rates = []
            thread = threading.Thread(target=lambda: rates.append(self.rate(self.daemon, 800, 100)))
            thread.start()
            ended = self.drip(clients, 13)
            thread.join()
        self.assertGreater(rates[0], 0.8 * usual)
        self.assertEqual(ended, len(clients))
        self.figure(f'{len(clients):,} connections, {rates[0]:.0f} polls a second of {usual:.0f}, slowest scrape {1000 * self.slowest:.0f} ms')

    @whole
    def test_h2_slow_bodies_are_closed_after_ten_seconds(self):
        """Clients send one byte of a body each second
        The listener answers 408 and closes the connection ten seconds after the first byte."""
        with self.as_usual():
            clients = self.many('webhook', 300, b'POST /webhooks/kallglot HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n')
            ended = self.drip(clients, 13)
        self.assertEqual(ended, len(clients))
        told = 0
        for client in clients:
            client.setblocking(True)
            # A byte that crossed with the end makes this side forget the answer.
            with contextlib.suppress(OSError):
                told += client.recv(4096).startswith(b'HTTP/1.1 408 ')
        self.assertGreater(told, ended // 2)
        self.figure(f'{ended} of 300 ended, {told} could read their 408')

    @whole
    @alone
    def test_h3_clients_that_do_not_read_are_closed(self):
        """A hundred clients request /metrics and read nothing
        All of them share one text. Each connection is closed after ten seconds."""
        with self.as_usual():
            clients = []
            for _ in range(100):
                client = socket.socket()
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                client.connect(self.place('private'))
                client.sendall(b'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n' * 200)
                clients.append(client)
            # Those to the API may be many, if polls were held up and came due together.
            readers = 'sport', '=', f':{self.place("private")[1]}'
            wait_for('all are there', lambda: len(self.connections(*readers)) >= 100)
            wait_for('all are cut off', lambda: len(self.connections(*readers)) < 5, 30)
            for client in clients:
                client.close()
        if not SANITIZED:
            self.assertLess(self.more, 40 << 20)
        self.figure(f'100 readers cut off, {max(0, self.more) / 2**20:.1f} MiB more')


class Many(Attacked):
    @whole
    @alone
    def test_h4_connection_flood_does_not_exceed_the_limit(self):
        """Clients open connections to one listener as fast as they can
        The listener never exceeds its limit. The other listener and its scrapes are not affected."""
        with self.as_usual(more_sessions=True) as usual:
            opened, held, served = 0, [], []
            while opened < 100_000:
                held += self.many('webhook', 50)
                opened += 50
                if opened % 5000 == 0:
                    served.append(len(self.connections('sport', '=', f':{self.place("webhook")[1]}')))
                if len(held) > 2000:
                    for client in held[:1000]:
                        client.close()
                    held = held[1000:]
            body = event('in_the_flood', 'sess_in_the_flood')
            self.assertEqual(web.request(self.daemon.webhooks, '/webhooks/kallglot', 'POST', body, signed(body)).status, 200)
            rate = self.rate(self.daemon, 300)
        self.assertGreater(rate, 0.8 * usual)
        self.assertGreater(max(served), MOST_WEBHOOK_CLIENTS // 2)
        # The one for which the oldest is being closed.
        self.assertLessEqual(max(served), MOST_WEBHOOK_CLIENTS + 1)
        self.figure(f'{opened:,} connections, at most {max(served)} held, slowest scrape {1000 * self.slowest:.0f} ms')

    @whole
    @alone
    def test_h9_flood_of_events_loses_no_accepted_event(self):
        """Signed events come faster than a disk with syncs of 50 ms can take them
        Many senders wait for the disk at once. Accepted events are durable; a rejection is 503 with Retry-After. Polling
        continues."""
        told = Acknowledged()
        refused, waits = [0], []
        with self.as_usual(more_sessions=True, under=injected('fdatasync:delay_enter=50000'), environment=TRACED) as usual:
            over = threading.Event()

            def pour(number):
                connection = http.client.HTTPConnection(self.daemon.webhooks, timeout=20)
                turn = 0
                while not over.is_set():
                    name = f'flood_{number}_{turn}'
                    body = event(name, f'sess_{name}')
                    begun = time.monotonic()
                    connection.request('POST', '/webhooks/kallglot', body, signed(body))
                    answer = connection.getresponse()
                    answer.read()
                    waits.append(time.monotonic() - begun)
                    if answer.status == 200:
                        told.add([f'sess_{name}'])
                    else:
                        self.assertEqual(answer.status, 503)
                        self.assertIsNotNone(answer.headers['Retry-After'])
                        refused[0] += 1
                    turn += 1
                connection.close()
            threads = [threading.Thread(target=pour, args=(number,)) for number in range(32)]
            for thread in threads:
                thread.start()
            rate = self.rate(self.daemon, 600, 100)
            over.set()
            for thread in threads:
                thread.join()
        usual_wait = sorted(waits)[len(waits) // 2]
        self.assertGreater(usual_wait, 0.04, 'the disk was not slow')
        self.assertGreater(rate, 0.8 * usual)
        self.daemon.kill()
        self.assertEqual(told.ids - self.tracked(self.launch()), set())
        self.figure(f'{told.count():,} accepted, half of them within {1000 * usual_wait:.0f} ms, 99 of 100 within '
                    f'{1000 * sorted(waits)[len(waits) * 99 // 100]:.0f}, and there after a kill, {refused[0]} refused, {rate:.0f} polls a second of {usual:.0f}')

    @whole
    @alone
    def test_h10_bad_logins_do_not_delay_other_clients(self):
        """Bad logins as fast as possible, with known and unknown names
        A thread of its own computes one hash at a time; a few logins wait, the others get 503. Polls and clients with the
        right password are not delayed. A known and an unknown name take the same time."""
        self.elsewhere('web_config_test', 'WebConfig.test_right_password_does_not_wait_for_wrong_ones')
        web_file = self.write('web.yml', one_user('right', 10))
        self.api = self.simulator('--sessions', 100, *STILL)
        exporter = self.exporter(self.config(self.api.port), '--web.config.file', web_file)

        def ask(name, password):
            return exporter.get('/metrics', headers=basic(name, password))
        wait_for('a scrape', lambda: ask('prometheus', 'right').status == 200)
        polls = lambda: self.api.stats()['requests']['session']  # noqa: E731 (one line says it)

        def rate(count, meanwhile=lambda: None):
            before, begun = polls(), time.monotonic()
            wait_for(f'{count} polls', lambda: (meanwhile(), polls())[1] >= before + count, 100)
            return (polls() - before) / (time.monotonic() - begun)
        usual = rate(1200)
        over, tried = threading.Event(), [0]

        def attack(number):
            turn = 0
            while not over.is_set():
                turn += 1
                tried[0] += 1
                self.assertIn(ask('prometheus' if number % 2 else 'stranger', f'wrong{number}.{turn}').status, (401, 503))
        threads = [threading.Thread(target=attack, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        slowest, stalls = 0.0, Stalls()
        stalls.start()

        def scrape():
            nonlocal slowest
            moment = time.monotonic()
            self.assertEqual(ask('prometheus', 'right').status, 200)
            slowest = max(slowest, time.monotonic() - moment)
            pace_until(moment + 0.2)  # five scrapes a second
        attacked = rate(2400, scrape)
        over.set()
        for thread in threads:
            thread.join()
        stalls.stop()
        self.assertGreater(attacked, 0.8 * usual)
        self.assertLess(slowest, (5 if SANITIZED else 1) + stalls.worst)

        def took(name, turn):
            moment = time.monotonic()
            self.assertEqual(ask(name, f'wrong once more {turn}').status, 401)
            return time.monotonic() - moment
        known, unknown = zip(*((took('prometheus', turn), took('stranger', turn)) for turn in range(15)))
        known, unknown = statistics.median(known), statistics.median(unknown)
        self.assertLess(max(known, unknown), 2 * min(known, unknown))
        self.figure(f'{tried[0]} bad logins, slowest scrape with the right one {1000 * slowest:.0f} ms; a wrong password takes '
                    f'{1000 * known:.0f} ms, an unknown name {1000 * unknown:.0f} ms')

    @whole
    @alone
    def test_h13_storm_of_scrapes_is_answered(self):
        """Several clients scrape as fast as they can
        All scrapes are answered, polling continues, and memory does not grow."""
        with self.as_usual() as usual:
            over, count = threading.Event(), [0]

            def scrape():
                while not over.is_set():
                    self.assertEqual(self.daemon.get('/metrics').status, 200)
                    count[0] += 1
            threads = [threading.Thread(target=scrape) for _ in range(4)]
            for thread in threads:
                thread.start()
            begun = time.monotonic()
            rate = self.rate(self.daemon, 500, 100)
            took = time.monotonic() - begun
            over.set()
            for thread in threads:
                thread.join()
        self.assertGreater(rate, 0.8 * usual)
        self.assertGreater(count[0], 200)
        self.figure(f'{count[0] / took:.0f} scrapes a second, {rate:.0f} polls a second of {usual:.0f}')


if __name__ == '__main__':
    main()
