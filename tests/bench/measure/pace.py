"""How late polls are at 5,000 a second, and how many a second 3,000 connections carry when each answer takes 300 ms."""

import time

from .clients import Exporter
from .process import settle, spread, wait_until, window
from .rehearsal import Rehearsal
from .server import Server

RATE = 5000
SLOW_CONNECTIONS = 3000


def _buckets(scrape):
    buckets = scrape.by('le', 'kallglot_exporter_poll_lateness_seconds_bucket')
    return sorted((float(edge), count) for edge, count in buckets.items())


def quantile(before, after, share):
    """The quantile of what came between two looks, straight within a bucket."""
    grown = [(edge, later - sooner) for (edge, later), (_, sooner) in zip(after, before)]
    wanted = share * grown[-1][1]
    low = below = 0.0
    for edge, count in grown:
        if count >= wanted:
            return low + (edge - low) * (wanted - below) / (count - below)
        low, below = edge, count
    return low


def lateness(folder, rounds=5):
    """5,000 sessions in `connecting` that cross a threshold each second, and are confirmed then."""
    thresholds = '{connecting: [' + ', '.join(f'{second}s' for second in range(3, 19)) + ']}'
    p50, p99, sent = [], [], []
    with Server(folder / 'server', status='connecting') as server:
        for _ in range(rounds):
            with Exporter(folder / 'exporter', server, RATE, 64, interval='1h', first='1s',
                          max_rate=f'{2 * RATE}/1s', thresholds=thresholds) as client:
                settle(5)
                before, requests, begun = _buckets(client.scrape()), server.requests(), time.monotonic()
                window(6)
                after = _buckets(client.scrape())
                sent.append((server.requests() - requests) / (time.monotonic() - begun))
                client.alive()
            p50.append(1000 * quantile(before, after, 0.5))
            p99.append(1000 * quantile(before, after, 0.99))
    return {'polls a second': spread(sent), 'lateness p50, ms': spread(p50), 'lateness p99, ms': spread(p99)}


def slow_api(folder, rounds=5):
    rates = []
    with Rehearsal(folder / 'api', '--sessions', 2 * SLOW_CONNECTIONS, '--latency', '300ms') as server:
        for _ in range(rounds):
            with Exporter(folder / 'exporter', server, 2 * SLOW_CONNECTIONS, SLOW_CONNECTIONS) as client:
                answered = 'kallglot_exporter_api_responses_total{code="200"}'
                wait_until('all connections', lambda: client.alive() and client.value(
                    'kallglot_exporter_api_connections{state="busy"}') >= 0.95 * SLOW_CONNECTIONS)
                settle(1)
                count, begun = client.value(answered), time.monotonic()
                window(4)
                rates.append((client.value(answered) - count) / (time.monotonic() - begun))
    return {'connections': SLOW_CONNECTIONS, 'polls a second': spread(rates)}
