"""CPU time of a poll: the daemon beside wrk, Go and aiohttp, in rounds."""

import time

from . import clients
from .process import settle, spread, wait_until, window
from .server import Server
from support.usage import cpu_seconds  # process has put it within reach

ROUNDS = 5
WINDOW = 1.5


def cost(client, server, seconds=WINDOW):
    """CPU seconds for each request of a window, and requests a second."""
    client.alive()
    cpu, requests, begun = cpu_seconds(client.pid), server.requests(), time.monotonic()
    window(seconds)
    used, answered, took = cpu_seconds(client.pid) - cpu, server.requests() - requests, time.monotonic() - begun
    client.alive()
    return used / max(answered, 1), answered / took


def settled(client, server, connections):
    """Once all connections are open and the rush of handshakes is over."""
    wait_until(f'{connections} connections of {client.name}', lambda: client.alive() and server.connections() >= connections)
    settle(1.0 if connections < 5000 else 2.0)
    return client


def closed_loop(folder, connections, rounds=ROUNDS, peers=('wrk', 'h2load', 'go', 'aiohttp')):
    """Every connection asks again at once. A dictionary of figures."""
    sessions = max(2000, 2 * connections)
    starts = {
        'exporter': lambda server: clients.Exporter(folder / 'exporter', server, sessions, connections),
        'wrk': lambda server: clients.wrk(folder, server, connections),
        'h2load': lambda server: clients.h2load(folder, server, connections),
        'go': lambda server: clients.go(folder, server, sessions, connections),
        'aiohttp': lambda server: clients.aiohttp(folder, server, sessions, connections),
    }
    seen = {name: [] for name in ('exporter', *peers)}
    rates = {name: [] for name in seen}
    with Server(folder / 'server') as server:
        for number in range(rounds):
            for name in seen:
                # aiohttp needs many seconds to begin, and differs by a factor of ten: two looks are enough.
                if name == 'aiohttp' and number >= 2:
                    continue
                with starts[name](server) as client:
                    one, rate = cost(settled(client, server, connections), server)
                seen[name].append(one)
                rates[name].append(rate)
                wait_until('the end of its connections', lambda: server.connections() == 0)
    figures = {'connections': connections}
    for name in seen:
        figures[f'{name}_us'] = spread([1e6 * one for one in seen[name]])
        figures[f'{name}_per_second'] = spread(rates[name])
        if name in ('wrk', 'h2load'):
            figures[f'exporter / {name}'] = spread([ours / theirs for ours, theirs in zip(seen['exporter'], seen[name])])
        elif name != 'exporter':
            figures[f'{name} / exporter'] = spread([theirs / ours for ours, theirs in zip(seen['exporter'], seen[name])])
    return figures


def polls_64(folder):
    return closed_loop(folder, 64)


def polls_1000(folder):
    return closed_loop(folder, 1000)


def polls_5000(folder):
    return closed_loop(folder, 5000, peers=('wrk', 'go'))


def paced_at(folder, rate, rounds=ROUNDS):
    """`rate` sessions, each polled once a second over 64 connections."""
    ours, theirs = [], []
    with Server(folder / 'server') as server:
        for _ in range(rounds):
            with clients.Exporter(folder / 'exporter', server, rate, 64, interval='1s') as client:
                wait_until('the pace', lambda: client.alive() and server.requests() > rate)
                settle(2)
                one, sent = cost(client, server, 3)
                assert sent > 0.95 * rate, f'{sent:.0f} polls a second instead of {rate}'
                ours.append(one)
            with clients.go(folder, server, rate, 64, '1s') as client:
                before = server.requests()
                wait_until('the pace', lambda: client.alive() and server.requests() > before + rate)
                settle(2)
                one, sent = cost(client, server, 3)
                assert sent > 0.95 * rate, f'{sent:.0f} polls a second instead of {rate}'
                theirs.append(one)
    return {'polls a second': rate, 'exporter_us': spread([1e6 * one for one in ours]), 'go_us': spread([1e6 * one for one in theirs]),
            'go / exporter': spread([two / one for one, two in zip(ours, theirs)])}


def paced_1000(folder):
    return paced_at(folder, 1000)


def paced_5000(folder):
    return paced_at(folder, 5000)
