"""The daemon and what one would pick instead, all doing the same work."""

import os
import pathlib
import re
import shutil
import subprocess
import urllib.error
import urllib.request

from .process import Running, wait_until
from support.configuration import configuration  # process has put it within reach

SOURCE_DIR = pathlib.Path(__file__).resolve().parents[3]
BINARY_DIR = pathlib.Path(os.environ.get('KALLGLOT_BINARY_DIR', SOURCE_DIR / 'build/release')).resolve()
PEERS = SOURCE_DIR / 'tests/bench/peers'


def identifier(number, length=31):
    return f'sess_{number:0{length - 5}}'


class Exporter(Running):
    """The real daemon, with tracking, metrics and every check on. `interval` 10ms keeps each connection busy."""

    def __init__(self, folder, server, sessions, connections, interval='10ms', max_rate='unlimited', id_length=31, thresholds='{}',
                 idle_timeout='30s', first=None, store=':memory:'):
        folder.mkdir(parents=True, exist_ok=True)
        key = folder / 'api_key'
        key.write_text(server.key)
        key.chmod(0o600)
        if server.sessions_file is None:
            with open(folder / 'sessions.txt', 'w', encoding='ascii') as out:
                out.writelines(f'{identifier(number, id_length)}\n' for number in range(sessions))
        else:
            shutil.copy(server.sessions_file, folder / 'sessions.txt')
        (folder / 'config.yml').write_text(configuration(
            server.url, ca_file=server.ca_file, max_rate=max_rate, max_connections=connections,
            api=f'request_timeout: 1m\nidle_timeout: {idle_timeout}', intervals=f'{{created: {first or interval}, connecting: {interval}, '
            f'active: {interval}, ending: {interval}, unknown: {interval}}}', thresholds=thresholds,
            sessions=f'max_tracked: {max(sessions, 1000)}', store=store))
        super().__init__('kallglot_exporter', folder, [
            BINARY_DIR / 'kallglot_exporter', '--config.file', folder / 'config.yml', '--web.listen-address', '127.0.0.1:0',
            '--log.level', 'info'])
        found = wait_until('listening', lambda: self.alive() and re.search(r'msg=listening.* address="?([^\s"]+)', self.log()))
        self.address = found.group(1)
        wait_until('ready', lambda: self.alive() and self._ready())

    def _ready(self):
        try:
            with urllib.request.urlopen(f'http://{self.address}/-/ready', timeout=60) as answer:
                return answer.status == 200
        except urllib.error.HTTPError:
            return False

    def scrape(self):
        with urllib.request.urlopen(f'http://{self.address}/metrics', timeout=60) as answer:
            return answer.read().decode()

    def value(self, series):
        """The value of one series; 0 if it is missing."""
        found = re.search(rf'^{re.escape(series)} (\S+)', self.scrape(), re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    def total(self, name):
        return sum(float(value) for value in re.findall(rf'^{name}(?:{{[^}}]*}})? (\S+)', self.scrape(), re.MULTILINE))


def wrk(folder, server, connections):
    return Running('wrk', folder, ['wrk', '-t1', f'-c{connections}', '-d600', '-H', f'Authorization: Bearer {server.key}',
                                   f'{server.url}/sessions/{identifier(0)}'])


def h2load(folder, server, connections):
    return Running('h2load', folder, ['h2load', '--h1', '-t1', f'-c{connections}', '-m1', '-D600', '-H',
                                      f'Authorization: Bearer {server.key}', f'{server.url}/sessions/{identifier(0)}'])


def _go_program(folder):
    program = folder.parent / 'go_client'
    if not program.exists():
        subprocess.run(['go', 'build', '-o', str(program), str(PEERS / 'go_client.go')], check=True,
                       env={**os.environ, 'GOCACHE': str(folder.parent / 'go_cache'), 'GOFLAGS': '-mod=mod', 'GO111MODULE': 'off'})
    return program


def go(folder, server, sessions, connections, interval=None):
    words = [_go_program(folder), server.url, server.ca_file, server.key, sessions, connections]
    return Running('go', folder, words + ([interval] if interval else []), {'GOMAXPROCS': '1'})


def aiohttp(folder, server, sessions, connections):
    return Running('aiohttp', folder, ['/usr/bin/python3', PEERS / 'aiohttp_client.py', server.url, server.ca_file,
                                       server.key, sessions, connections])
