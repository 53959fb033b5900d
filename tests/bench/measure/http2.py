"""CPU time over HTTP/2, beside HTTP/1.1 and other clients, in the same rounds against the same server."""

from . import clients
from .polls import ROUNDS, cost
from .process import settle, spread, wait_until
from .server import Server

STREAMS = 100


def _ratios(seen, pairs):
    return {f'{one} / {other}': spread([a / b for a, b in zip(seen[one], seen[other])])
            for one, other in pairs if one in seen and other in seen}


def _closed_loop(folder, in_flight, peers, rounds=ROUNDS):
    """Every request that is answered is followed by the next. wrk and one of ours speak HTTP/1.1, the others HTTP/2."""
    sessions = max(2000, 2 * in_flight)
    connections = -(-in_flight // STREAMS)
    streams = -(-in_flight // connections)
    starts = {
        'exporter h2': lambda server: clients.Exporter(folder / 'exporter', server, sessions, in_flight, http='2'),
        'exporter h1': lambda server: clients.Exporter(folder / 'exporter', server, sessions, in_flight, http='1.1'),
        'wrk h1': lambda server: clients.wrk(folder, server, in_flight),
        'h2load h2': lambda server: clients.h2load_http2(folder, server, connections, streams),
        'go h2': lambda server: clients.go(folder, server, sessions, in_flight, http='2'),
        'curl h2': lambda server: clients.curl_http2(folder, server, in_flight),
    }
    seen = {name: [] for name in ('exporter h2', 'exporter h1', *peers)}
    opened = []
    with Server(folder / 'server', http2=True) as server:
        for _ in range(rounds):
            for name in seen:
                before = server.requests()
                with starts[name](server) as client:
                    wait_until(f'{name} at work', lambda: client.alive() and server.requests() > before + 2 * in_flight)
                    if name.endswith('h1'):
                        wait_until('all connections', lambda: client.alive() and server.connections() >= in_flight)
                    settle(1.0 if in_flight < 5000 else 2.0)
                    seen[name].append(1e6 * cost(client, server)[0])
                    if name == 'exporter h2':
                        opened.append(server.connections())
                wait_until('the end of its connections', lambda: server.connections() == 0)
    figures = {'in flight': in_flight, 'connections': spread(opened)}
    figures.update({f'{name}, us': spread(values) for name, values in seen.items()})
    figures.update(_ratios(seen, [('exporter h2', 'wrk h1'), ('exporter h2', 'h2load h2'), ('exporter h2', 'exporter h1'),
                                  ('go h2', 'exporter h2'), ('curl h2', 'exporter h2')]))
    return figures


def http2_64(folder):
    return _closed_loop(folder, 64, ('wrk h1', 'h2load h2', 'go h2', 'curl h2'))


def http2_1000(folder):
    return _closed_loop(folder, 1000, ('wrk h1', 'h2load h2', 'go h2'))


def http2_5000(folder):
    return _closed_loop(folder, 5000, ('wrk h1', 'h2load h2', 'go h2'))


def _paced(folder, rate, rounds=ROUNDS):
    """`rate` sessions, each polled once a second."""
    versions = {'exporter h2': '2', 'exporter h1': '1.1'}
    seen = {name: [] for name in versions}
    with Server(folder / 'server', http2=True) as server:
        for _ in range(rounds):
            for name, http in versions.items():
                before = server.requests()
                with clients.Exporter(folder / 'exporter', server, rate, 64, interval='1s', http=http) as client:
                    wait_until('the pace', lambda: client.alive() and server.requests() > before + rate)
                    settle(2)
                    one, sent = cost(client, server, 3)
                    assert sent > 0.95 * rate, f'{sent:.0f} polls a second instead of {rate}'
                    seen[name].append(1e6 * one)
                wait_until('the end of its connections', lambda: server.connections() == 0)
    return {'polls a second': rate, **{f'{name}, us': spread(values) for name, values in seen.items()},
            **_ratios(seen, [('exporter h2', 'exporter h1')])}


def http2_paced_1000(folder):
    return _paced(folder, 1000)


def http2_paced_5000(folder):
    return _paced(folder, 5000)
