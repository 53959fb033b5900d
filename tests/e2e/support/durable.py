"""A daemon with every source of ids (session API, webhooks, a file) and a store on disk."""

import hashlib
import hmac
import http.client
import json
import threading
import time

from . import web
from .case import EndToEnd
from .configuration import configuration, receiving
from .programs import STILL

TOKEN = 'a-token-of-the-session-api-for-tests'
SECRET = 'a-secret-for-signing-webhooks-in-tests'
ALL = '/api/v1/sessions'


def event(number, session, kind='session.created'):
    return json.dumps({'id': f'evt_{number}', 'type': kind, 'api_version': 'v1',
                       'data': {'id': session, 'object': 'session', 'phone_number': '+12025550143'}}).encode()


def signed(body, secret=SECRET, at=None):
    moment = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), moment.encode() + b'.' + body, hashlib.sha256).hexdigest()
    return {'Kallglot-Signature': f't={moment},v1={digest}'}


class Acknowledged:
    """The ids and the webhooks that one daemon has acknowledged, from several threads."""

    def __init__(self, ids=(), events=()):
        self._lock = threading.Lock()
        self.ids = set(ids)
        self.events = list(events)  # bodies

    def add(self, ids, events=()):
        with self._lock:
            self.ids.update(ids)
            self.events += events

    def copy(self):
        with self._lock:
            return Acknowledged(self.ids, self.events)

    def count(self):
        with self._lock:
            return len(self.ids)


def pour(exporter, told, name, workers):
    """Registers ids over every source until the daemon is gone, and notes the acknowledged ones."""
    headers = {'Authorization': f'Bearer {TOKEN}'}

    def worker(number):
        private = http.client.HTTPConnection(exporter.address, timeout=20)
        public = http.client.HTTPConnection(exporter.webhooks, timeout=20)
        try:
            for i in range(100_000):
                base, events = f'sess_{name}_{number}_{i}', []
                if i % 3 == 0:
                    ids = [base]
                    private.request('PUT', f'{ALL}/{base}', headers=headers)
                    answer = private.getresponse()
                elif i % 3 == 1:
                    ids = [f'{base}_{part}' for part in range(5)]
                    private.request('POST', ALL, json.dumps({'ids': ids}), headers)
                    answer = private.getresponse()
                else:
                    ids = [base]
                    body = event(base, base)
                    events = [body]
                    public.request('POST', '/webhooks/kallglot', body, signed(body))
                    answer = public.getresponse()
                answer.read()
                if answer.status in (200, 201):
                    told.add(ids, events)
        except (OSError, http.client.HTTPException):
            pass  # it was killed
        finally:
            private.close()
            public.close()

    threads = [threading.Thread(target=worker, args=(number,)) for number in range(workers)]
    for thread in threads:
        thread.start()
    return threads


class Durable(EndToEnd):
    def setUp(self):
        super().setUp()
        self.starts = 0
        self.write('token', TOKEN)
        self.write('secret', SECRET)
        self.write('old_secret', 'a-secret-from-before-the-rotation')
        self.write('ids.txt', '\n'.join(f'sess_from_a_file_{i:04}' for i in range(50)) + '\n')

    def launch(self, store='sessions.db', flags=(), **options):
        """A daemon on that store, ready, with the address of its webhook listener."""
        if not self.starts:
            self.api = self.simulator('--sessions', 5, *STILL)
        self.starts += 1
        file = self.write('durable.yml', configuration(
            f'https://localhost:{self.api.port}/v1', max_rate='200/1s', files='ids.txt', session_lines='api_token_file: token',
            webhook=receiving(secrets='secret_files: [old_secret, secret]'), store=store))
        exporter = self.exporter(file, *flags, name=f'exporter{self.starts}', **options)
        exporter.expect('ready', lambda: exporter.get('/-/ready').status == 200)
        exporter.webhooks = exporter.webhook_address()
        return exporter

    def ask(self, exporter, method, path, value=None):
        return exporter.get(path, method=method, body=None if value is None else json.dumps(value),
                            headers={'Authorization': f'Bearer {TOKEN}'})

    def put(self, exporter, session):
        return self.ask(exporter, 'PUT', f'{ALL}/{session}').status

    def deliver(self, exporter, body):
        return web.request(exporter.webhooks, '/webhooks/kallglot', 'POST', body, signed(body))

    def tracked(self, exporter):
        """Every id that the session API lists."""
        ids = [name for name, _ in exporter.listed(TOKEN)]
        self.assertEqual(len(ids), len(set(ids)), 'a session was listed twice')
        return set(ids)
