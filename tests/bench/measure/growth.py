"""What a poll, a scrape and a session cost as sessions and connections grow: nothing may grow faster than its work."""

import http.client
import time

from .clients import Exporter
from .memory import stored
from .polls import ROUNDS, cost, settled
from .process import settle, spread, wait_until
from .server import Server
from support.usage import cpu_seconds, resident_bytes  # process has put it within reach
from support.waiting import pace_until

COUNTS = (1000, 10_000, 100_000, 1_000_000)
CONNECTIONS = (64, 256, 1000, 5000)
SCRAPES = 10


def scrape_cost(client, rounds=ROUNDS):
    """CPU milliseconds of one uncompressed scrape over a keep-alive connection, as Prometheus does it: windows of ten in
    two seconds take turns with quiet ones."""
    costs = []
    connection = http.client.HTTPConnection(client.address)
    for _ in range(rounds):
        used = []
        for loud in (False, True):
            before, begun = cpu_seconds(client.pid), time.monotonic()
            for turn in range(SCRAPES):
                if loud:
                    connection.request('GET', '/metrics')
                    assert connection.getresponse().read()
                pace_until(begun + (turn + 1) * 2.0 / SCRAPES)
            used.append(cpu_seconds(client.pid) - before)
        costs.append(1000 * (used[1] - used[0]) / SCRAPES)
    connection.close()
    return costs


def _tracked(client, count):
    wait_until(f'{count} sessions', lambda: client.alive() and client.total('kallglot_sessions') == count)
    wait_until('every one polled', lambda: client.value('kallglot_sessions{status="unknown"}') == 0)
    stored(client)


def by_sessions(folder, counts=COUNTS):
    """Sessions in the shared table, polled as fast as 256 connections can."""
    figures, resident = {}, {}
    with Server(folder / 'server') as server:
        for count in counts:
            with Exporter(folder / f'{count}', server, count, 256, store='sessions.db') as client:
                _tracked(client, count)
                settle(1)
                figures[f'{count} sessions, poll_us'] = spread([1e6 * cost(client, server)[0] for _ in range(ROUNDS)])
                resident[count] = resident_bytes(client.pid)
    for count in counts[1:]:
        figures[f'{count} sessions, bytes_each'] = (resident[count] - resident[counts[0]]) // (count - counts[0])
    return figures


def scrapes(folder, counts=COUNTS[:-1]):
    """What a scrape costs while nothing is polled; a million is a part of its own for the time that it takes."""
    figures = {}
    with Server(folder / 'server') as server:
        for count in counts:
            with Exporter(folder / f'{count}', server, count, 256, interval='1d', first='10s', store='sessions.db') as client:
                _tracked(client, count)
                settle(1)
                figures[f'{count} sessions, scrape_ms'] = spread(scrape_cost(client))
    return figures


def scrape_million(folder):
    return scrapes(folder, COUNTS[-1:])


def by_connections(folder, counts=CONNECTIONS):
    figures = {}
    with Server(folder / 'server') as server:
        for count in counts:
            with Exporter(folder / 'exporter', server, max(2000, 2 * count), count) as client:
                settled(client, server, count)
                figures[f'{count} connections, poll_us'] = spread([1e6 * cost(client, server)[0] for _ in range(ROUNDS)])
            wait_until('the end of its connections', lambda: server.connections() == 0)
    return figures


def million(folder, rounds=ROUNDS):
    """CPU of a poll at a million sessions beside a thousand, in the same rounds."""
    few, many = [], []
    with Server(folder / 'server') as server:
        for turn in range(rounds):
            for count, seen in ((1000, few), (1_000_000, many)):
                with Exporter(folder / f'{count}', server, count, 256, store='sessions.db') as client:
                    if turn == 0:
                        _tracked(client, count)
                    settle(2)
                    seen.append(1e6 * cost(client, server)[0])
    return {'thousand_us': spread(few), 'million_us': spread(many), 'million / thousand': spread([b / a for a, b in zip(few, many)])}


def scrape(folder):
    """A scrape at 1,000 sessions, default settings, uncompressed."""
    with Server(folder / 'server') as server:
        with Exporter(folder / 'exporter', server, 1000, 16, interval='1m', first='1s') as client:
            _tracked(client, 1000)
            return {'1000 sessions, scrape_ms': spread(scrape_cost(client, 7))}
