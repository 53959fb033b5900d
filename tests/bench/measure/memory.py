"""Resident memory of an idle connection, of requests in flight over HTTP/2, and of a tracked session."""

import signal

from .clients import Exporter
from .process import spread, wait_until, window
from .rehearsal import Rehearsal
from .server import Server
from support.usage import resident_bytes  # process has put it within reach

MANY, FEW = 5000, 500
SESSIONS = 1_000_000


def _idle(folder, count, resumed):
    """Resident bytes with so many idle connections, opened at once by answers that take nine seconds; or opened, closed,
    and opened again. And how many of the handshakes were resumed."""
    answered = 'kallglot_exporter_api_responses_total{code="200"}'
    idle = 'kallglot_exporter_api_connections{state="idle"}'
    with Rehearsal(folder / f'api{count}', '--sessions', count, '--latency', '9s', *([] if resumed else ['--no-resumption'])) as server:
        with Exporter(folder / f'exporter{count}', server, count, count, interval='1h', first='1s',
                      idle_timeout='5s' if resumed else '5m') as client:
            wait_until('a poll of all', lambda: client.alive() and client.value(answered) >= count)
            if resumed:
                wait_until('no connection', lambda: client.alive() and client.value(idle) == 0)
                config = folder / f'exporter{count}/config.yml'
                config.write_text(config.read_text().replace(': 1h', ': 25s').replace('idle_timeout: 5s', 'idle_timeout: 5m'))
                client.process.send_signal(signal.SIGHUP)
                wait_until('a poll of all again', lambda: client.alive() and client.value(answered) >= 2 * count)
            wait_until('all idle', lambda: client.value(idle) >= 0.98 * count)
            return resident_bytes(client.pid), client.value(idle), client.value('kallglot_exporter_api_tls_resumptions_total')


def _each(folder, resumed):
    (most, opened, resumptions), (least, other, _) = (_idle(folder, count, resumed) for count in (MANY, FEW))
    return {'KiB each': spread([(most - least) / (opened - other) / 1024]), 'connections': int(opened),
            'resumed': int(resumptions)}


def connections(folder):
    return _each(folder, False)


def connections_resumed(folder):
    return _each(folder, True)


def _in_flight(folder, server, count):
    """Resident bytes with so many requests of 5,000 sessions in flight over HTTP/2, and the number of connections."""
    flight = 'kallglot_exporter_api_requests_in_flight'
    with Exporter(folder / f'exporter{count}', server, MANY, count, interval='1h', first='1s', http='2', idle_timeout='5m') as client:
        wait_until('all in flight', lambda: client.alive() and client.total('kallglot_sessions') == MANY
                   and client.value(flight) >= 0.99 * count)
        return resident_bytes(client.pid), client.value('kallglot_exporter_api_open_connections{protocol="h2"}')


def in_flight_http2(folder):
    """What 5,000 requests in flight need, against one."""
    with Rehearsal(folder / 'api', '--sessions', MANY, '--latency', '20s') as server:
        (least, _), (most, opened) = (_in_flight(folder, server, count) for count in (1, MANY))
    return {'in flight': MANY, 'connections': int(opened), 'MiB more': spread([(most - least) / 2**20]),
            'KiB each': spread([(most - least) / (MANY - 1) / 1024])}


def stored(client):
    """Waits until an import is on disk. Polls continue and cause a commit a second."""
    written = [0.0]

    def quiet():
        before, written[0] = written[0], client.value('kallglot_exporter_store_writes_total')
        window(3)
        return written[0] - before < 10
    wait_until('the end of the import', quiet)


def _stored(folder, server, count, length):
    """Resident bytes with so many sessions, once all are on disk and their commits are over."""
    with Exporter(folder / f'{length}-{count}', server, count, 64, interval='1d', id_length=length, store='sessions.db') as client:
        wait_until(f'{count} sessions', lambda: client.alive() and client.total('kallglot_sessions') == count)
        stored(client)
        return resident_bytes(client.pid)


def sessions(folder):
    """What each session costs from half a million to a million: before that the store's cache of pages fills."""
    figures = {}
    with Server(folder / 'server') as server:
        for length in (31, 64):
            few, many = (_stored(folder, server, count, length) for count in (SESSIONS // 2, SESSIONS))
            figures[f'bytes each, ids of {length}'] = spread([(many - few) / (SESSIONS - SESSIONS // 2)])
            figures[f'MiB at a million, ids of {length}'] = spread([many / 2**20])
    return figures
