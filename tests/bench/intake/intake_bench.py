#!/usr/bin/env python3
"""How fast ids become durable in the real daemon while it polls 5,000 sessions, and how fast a million come back.

  intake_bench.py [bulk] [webhooks] [restore]      all three without a word; KALLGLOT_BINARY_DIR names the build

bulk      20 calls a second, each of 500 ids, over four connections for ten seconds
webhooks  1,000 signed events a second over 16 connections for ten seconds; latency counts from the moment an event was due
restore   a million ids, kill -9, and the time from the start of the process to /-/ready
"""

import json
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'e2e'))

from support import web  # noqa: E402
from support.configuration import receiving  # noqa: E402
from support.durable import ALL, TOKEN, Durable, event, signed  # noqa: E402
from support.waiting import pace_until, wait_for  # noqa: E402

POLLED = 5000
SECONDS = 10
INTERVALS = '{created: 60s, connecting: 5s, active: 5s, ending: 5s, unknown: 30m}'


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Connection:
    """One keep-alive connection: whole requests out, the status back."""

    def __init__(self, address):
        self.socket = web.connect(address, 60)
        self.rest = b''

    def exchange(self, request):
        self.socket.sendall(request)
        while b'\r\n\r\n' not in self.rest:
            self._receive()
        head, _, self.rest = self.rest.partition(b'\r\n\r\n')
        length = next(int(line[15:]) for line in head.split(b'\r\n') if line.lower().startswith(b'content-length:'))
        while len(self.rest) < length:
            self._receive()
        self.rest = self.rest[length:]
        return int(head[9:12])

    def _receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError('closed')
        self.rest += data


def post(path, body, headers):
    lines = [f'POST {path} HTTP/1.1', 'Host: localhost', f'Content-Length: {len(body)}']
    lines += [f'{name}: {value}' for name, value in headers.items()]
    return '\r\n'.join(lines).encode() + b'\r\n\r\n' + body


def bulk(base, count):
    ids = json.dumps({'ids': [f'sess_{base}_{i:07}' for i in range(count)]}).encode()
    return post(ALL, ids, {'Authorization': f'Bearer {TOKEN}'})


def side_by_side(workers):
    threads = [threading.Thread(target=worker) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Rig(Durable):
    def runTest(self):
        """unittest wants one."""

    def begin(self, store, polled=POLLED):
        self.setUp()
        self.api = self.simulator('--sessions', polled, '--arrival-rate', '0', '--active', '1h-2h')
        return self.restart(store, 'sessions.txt' if polled > 1 else '')

    def restart(self, store, files):
        config = self.config(self.api.port, name='bench.yml', max_connections=None, intervals=INTERVALS, thresholds=None, files=files,
                             session_lines='api_token_file: token\nmax_tracked: 1200000', webhook=receiving(), store=store)
        self.starts += 1
        exporter = self.exporter(config, name=f'exporter{self.starts}')
        exporter.expect('ready', lambda: exporter.get('/-/ready').status == 200)
        return exporter

    def delays(self, exporter, done):
        """The worst delays of the loop, a scrape each quarter second until done."""
        seen = []
        while not done.wait(0.25):
            seen.append(exporter.scrape().value('kallglot_exporter_event_loop_delay_seconds'))
        return seen

    def measured(self, exporter, workers):
        """Runs the workers; the delays of the loop meanwhile, and the polls a second."""
        done, seen = threading.Event(), []
        watch = threading.Thread(target=lambda: seen.extend(self.delays(exporter, done)))
        before, begun = exporter.scrape(), time.monotonic()
        watch.start()
        side_by_side(workers)
        done.set()
        watch.join()
        name = 'kallglot_exporter_api_responses_total'
        rate = (exporter.scrape().total(name) - before.total(name)) / (time.monotonic() - begun)
        return seen, rate


def told(what, count, latencies, seconds, seen, rate, bad):
    print(f'{what}: {count / seconds:,.0f} ids/s durable, p50 {1000 * quantile(latencies, 0.5):.1f} ms, '
          f'p99 {1000 * quantile(latencies, 0.99):.1f} ms, max {1000 * max(latencies):.1f} ms; '
          f'loop delay p99 {1000 * quantile(seen, 0.99):.1f} ms (the worst of each quarter second); '
          f'{rate:,.0f} polls/s; {bad} refused')


def bench_bulk(rig):
    exporter = rig.begin('bulk.db')
    exporter.polled(POLLED, seconds=120)
    latencies, bad = [], []
    requests = [bulk(f'bulk_{call:03}', 500) for call in range(20 * SECONDS)]
    start = time.monotonic() + 0.5

    def worker(number):
        connection = Connection(exporter.address)
        for i in range(number, len(requests), 4):
            due = start + i / 20
            pace_until(due)
            status = connection.exchange(requests[i])
            (latencies if status == 200 else bad).append(time.monotonic() - due)
    seen, rate = rig.measured(exporter, [lambda n=n: worker(n) for n in range(4)])
    told('bulk, 500 a call', 500 * len(latencies), latencies, time.monotonic() - start, seen, rate, len(bad))


def bench_webhooks(rig, rate=1000, connections=16):
    exporter = rig.begin('webhooks.db')
    exporter.polled(POLLED, seconds=120)
    address = exporter.webhook_address()
    requests = []
    for i in range(rate * SECONDS):
        body = event(i, f'sess_by_webhook_{i:07}')
        requests.append(post('/webhooks/kallglot', body, signed(body)))
    latencies, bad = [], []
    start = time.monotonic() + 0.5

    def worker(number):
        connection = Connection(address)
        for i in range(number, len(requests), connections):
            due = start + i / rate
            pace_until(due)
            status = connection.exchange(requests[i])
            (latencies if status == 200 else bad).append(time.monotonic() - due)
    seen, polls = rig.measured(exporter, [lambda n=n: worker(n) for n in range(connections)])
    told('webhooks, one by one', len(latencies), latencies, time.monotonic() - start, seen, polls, len(bad))


def bench_restore(rig, count=1_000_000):
    exporter = rig.begin('million.db', polled=1)
    connection = Connection(exporter.address)
    begun = time.monotonic()
    for first in range(0, count, 10_000):
        assert connection.exchange(bulk(f'of_a_million_{first // 10_000:03}', 10_000)) == 200
    print(f'a million ids in {time.monotonic() - begun:.1f} s, 10,000 a call')
    exporter.kill()
    config = rig.folder / 'bench.yml'
    begun = time.monotonic()
    again = rig.exporter(config, name='again')
    wait_for('ready', lambda: web.request(again.address, '/-/ready').status == 200)
    ready = time.monotonic() - begun
    total = again.scrape().total('kallglot_sessions')
    print(f'restore: {total:,.0f} sessions, ready {ready:.2f} s after the start of the process')


def main():
    parts = {'bulk': bench_bulk, 'webhooks': bench_webhooks, 'restore': bench_restore}
    for name in sys.argv[1:] or parts:
        rig = Rig()
        try:
            parts[name](rig)
        finally:
            rig.doCleanups()


if __name__ == '__main__':
    main()
