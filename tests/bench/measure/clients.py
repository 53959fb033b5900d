"""The daemon and what one would pick instead, all doing the same work."""

import os
import shutil
import subprocess

from .process import CLIENT_CORE, PATIENCE, OnCore, Running, on_core
from support import programs  # process has put it within reach
from support.configuration import configuration, every
from support.programs import BINARY_DIR, SOURCE_DIR

__all__ = ['BINARY_DIR', 'Exporter', 'aiohttp', 'curl_http2', 'go', 'h2load', 'h2load_http2', 'wrk']

PEERS = SOURCE_DIR / 'tests/bench/peers'


def identifier(number, length=31):
    return f'sess_{number:0{length - 5}}'


class Exporter(OnCore, programs.Exporter):
    """The real daemon, with tracking, metrics and every check on. `interval` 10ms keeps each connection busy. Over HTTP/2
    `connections` are requests in flight."""

    def __init__(self, folder, server, sessions, connections, interval='10ms', max_rate='unlimited', id_length=31, thresholds='{}',
                 idle_timeout='30s', first=None, store=':memory:', http='1.1'):
        folder.mkdir(parents=True, exist_ok=True)
        key = folder / 'api_key'
        key.write_text(server.key)
        key.chmod(0o600)
        if server.sessions_file is None:
            with open(folder / 'sessions.txt', 'w', encoding='ascii') as out:
                out.writelines(f'{identifier(number, id_length)}\n' for number in range(sessions))
        else:
            shutil.copy(server.sessions_file, folder / 'sessions.txt')
        config = folder / 'config.yml'
        config.write_text(configuration(
            server.url, ca_file=server.ca_file, max_rate=max_rate, max_connections=connections,
            api=f'http_version: {http}\nrequest_timeout: 1m\nidle_timeout: {idle_timeout}', intervals=every(interval, created=first or interval),
            thresholds=thresholds, session_lines=f'max_tracked: {max(sessions, 1000)}', store=store))
        super().__init__(folder, config, '--log.level', 'info', under=on_core(CLIENT_CORE, []))
        self.listening(PATIENCE)
        self.expect('ready', lambda: self.get('/-/ready', timeout=60).status == 200, PATIENCE)

    def value(self, series):
        """The value of one series, written as in the exposition; 0 if it is missing."""
        return self.scrape().series(series)

    def total(self, name):
        return self.scrape().total(name)


def wrk(folder, server, connections):
    return Running('wrk', folder, ['wrk', '-t1', f'-c{connections}', '-d600', '-H', f'Authorization: Bearer {server.key}',
                                   f'{server.url}/sessions/{identifier(0)}'])


def h2load(folder, server, connections):
    return Running('h2load', folder, ['h2load', '--h1', '-t1', f'-c{connections}', '-m1', '-D600', '-H',
                                      f'Authorization: Bearer {server.key}', f'{server.url}/sessions/{identifier(0)}'])


def h2load_http2(folder, server, connections, streams):
    return Running('h2load', folder, ['h2load', '-t1', f'-c{connections}', f'-m{streams}', '-D600', '-H',
                                      f'Authorization: Bearer {server.key}', f'{server.url}/sessions/{identifier(0)}'])


def curl_http2(folder, server, streams):
    """curl's own parallel transfers over one connection; it takes at most 300."""
    return Running('curl', folder, ['curl', '--http2', '--parallel', '--parallel-max', streams, '--silent', '--cacert', server.ca_file,
                                    '--output', '/dev/null', '-H', f'Authorization: Bearer {server.key}',
                                    f'{server.url}/sessions/sess_0000000000000000[1000000000-9999999999]'])


def _go_program(folder):
    program = folder.parent / 'go_client'
    if not program.exists():
        subprocess.run(['go', 'build', '-o', str(program), str(PEERS / 'go_client.go')], check=True,
                       env={**os.environ, 'GOCACHE': str(folder.parent / 'go_cache'), 'GOFLAGS': '-mod=mod', 'GO111MODULE': 'off'})
    return program


def go(folder, server, sessions, connections, interval=None, http='1.1'):
    words = [_go_program(folder), server.url, server.ca_file, server.key, sessions, connections]
    return Running('go', folder, words + ([interval] if interval else []), {'GOMAXPROCS': '1', 'HTTP_VERSION': http})


def aiohttp(folder, server, sessions, connections):
    return Running('aiohttp', folder, ['/usr/bin/python3', PEERS / 'aiohttp_client.py', server.url, server.ca_file,
                                       server.key, sessions, connections])
