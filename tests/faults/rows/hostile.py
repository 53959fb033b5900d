#!/usr/bin/env python3
"""Hostile clients of twelve kinds, in a process of their own.

  hostile.py <private listener> <webhook listener> <requests> <file of secrets>

The file is JSON: `token`, `password`, `hook` are what a client with credentials sends; `canaries` are texts that no answer may show.
Each client is a thread that does one hostile thing after the other. Ends after so many requests, or at SIGTERM; then prints as JSON the
requests of each kind, the answers by status, and the canaries that an answer showed.
"""

import base64
import collections
import json
import os
import pathlib
import random
import signal
import socket
import ssl
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'e2e'))

from support.durable import signed  # noqa: E402 (the path comes first)
from support.web import place  # noqa: E402

CLIENTS = 12
HOOK = '/webhooks/kallglot'
PAGES = ('/', '/metrics', '/config', '/-/healthy', '/-/ready', '/-/reload', '/api/v1/sessions', '/api/v1/sessions/sess_x', HOOK, '/nowhere',
         '/?session=sess_x', '/metrics?x=%00')
METHODS = ('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'CONNECT', 'get', 'PRI', 'X' * 40)
SPELLINGS = ('{0}', '/{0}', '{0}/', '{0}/.', '{0}/..', '/x/..{0}', '{0}%00', '{0};x', '{0}#x', '%2f{0}', '{0}\\', 'http://a{0}', '*',
             '{0}?' + 'q' * 3000, '{0}\x7f', '//evil.example{0}')
FRAMINGS = (b'Content-Length: 4', b'Content-Length: +4', b'Content-Length: 4, 4', b'Content-Length: 99999999999999999999', b'Content-Length: -1',
            b'Content-Length: 4\r\nContent-Length: 5', b'Transfer-Encoding: chunked', b'Transfer-Encoding: gzip, chunked',
            b'Transfer-Encoding: chunked\r\nContent-Length: 4', b'Transfer-Encoding: "chunked"', b'Transfer-Encoding : chunked',
            b'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', b'Expect: 100-continue\r\nContent-Length: 4', b'Expect: x',
            b'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk', b'Connection: close, close, keep-alive')
BODIES = (b'0\r\n\r\n', b'5\r\nhello\r\n0\r\n\r\n', b'5;x=' + b'y' * 500 + b'\r\nhello\r\n0\r\n\r\n', b'0\r\nX: y\r\n\r\n', b'fffffffffffffffff\r\n',
          b'5\nhello\n0\n\n', b'-1\r\n', b'abcd', b'{}', b'')
FIELDS = (b'X: ' + b'y' * 16000, b'X' * 9000 + b': y', b'X: \x00', b'X: \xff\xfe', b': y', b' folded', b'X : y', b'Host: a\r\nHost: b', b'X: y\nZ: w',
          b'Cookie: ' + b'a=b; ' * 800, b'Origin: https://evil.example', b'Sec-Fetch-Site: cross-site', b'Host: evil.example', b'X')
PROTOCOLS = (b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + bytes(64), b'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\n\r\n', b'SSH-2.0-x\r\n',
             b'\r\n\r\n\0\r\nQUIT\n\x21\x11' + bytes(12), b'EHLO x\r\n', b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', b'\x80\x2e\x01\x00\x02' + bytes(40),
             b'\x15\x03\x03\x00\x02\x02\x28', b'GET /\r\n\r\n', b'GET / HTTP/0.9\r\n\r\n', b'GET / HTTP/2.0\r\nHost: x\r\n\r\n', b'\r\n' * 50)
TEXTS = ('sess_hostile', '', '../x', '\r\nX: y', '\x00', 'a' * 10_000, 'sess_\ud800', 'sk_live_x', '<script>', '%2f', 1e308, None, True, [], {})


class Client(threading.Thread):
    def __init__(self, attack, seed):
        super().__init__(daemon=True)
        self.attack, self.random = attack, random.Random(seed)
        self.sent, self.answers = collections.Counter(), collections.Counter()
        self.held = collections.deque()

    # Connections and messages ----------------------------------------------------------------------------------------

    def open(self, address=None, plain=False):
        """A connection to one of the listeners from one of 250 addresses; a quarter of them over TLS, whatever the listener speaks."""
        raw = socket.socket()
        raw.settimeout(3)
        raw.bind((f'127.0.0.{self.random.randint(2, 251)}', 0))
        raw.connect(address or self.random.choice(self.attack.places))
        if plain or self.random.random() > 0.25:
            return raw
        try:
            return self.attack.context.wrap_socket(raw, server_hostname='localhost')
        except (OSError, ValueError):
            raw.close()
            raise

    def message(self):
        """A request that may be answered with 2xx, of a client with credentials."""
        secrets, kind = self.attack.secrets, self.random.randrange(5)
        if kind == 0:
            body = self.event()
            return self.request('POST', HOOK, body, signed(body, self.random.choice(secrets['hook'])))
        if kind == 1:
            body = json.dumps({'ids': [f'sess_hostile_{self.random.randrange(10 ** 6)}' for _ in range(self.random.randrange(20))]}).encode()
            return self.request('POST', '/api/v1/sessions', body, self.bearer())
        if kind == 2:
            return self.request(self.random.choice(('PUT', 'DELETE', 'GET')), f'/api/v1/sessions/sess_hostile_{self.random.randrange(10 ** 6)}',
                                b'', self.bearer())
        return self.request('GET', self.random.choice(PAGES), b'', self.basic(secrets['password']))

    def request(self, method, path, body=b'', fields=None, chunked=False):
        lines = [f'{method} {path} HTTP/1.1', 'Host: localhost', *(f'{name}: {value}' for name, value in (fields or {}).items())]
        if chunked:
            lines.append('Transfer-Encoding: chunked')
            body = b'%x\r\n%b\r\n0\r\n\r\n' % (len(body), body) if body else b'0\r\n\r\n'
        else:
            lines.append(f'Content-Length: {len(body)}')
        return '\r\n'.join(lines).encode('latin-1', 'replace') + b'\r\n\r\n' + body

    def bearer(self):
        return {'Authorization': f'Bearer {self.random.choice(self.attack.secrets["token"])}'}

    def basic(self, password):
        return {'Authorization': 'Basic ' + base64.b64encode(f'prometheus:{password}'.encode()).decode()}

    def event(self):
        session = f'sess_hostile_{self.random.randrange(10 ** 6)}'
        return json.dumps({'id': f'evt_{self.random.randrange(10 ** 7)}', 'type': self.random.choice(('session.created', 'session.ended', 'x.y')),
                           'api_version': 'v1', 'data': {'id': session, 'object': 'session', 'status': 'active'}}).encode()

    def ask(self, data, count=1, connection=None, half_close=False):
        """Sends it, and reads what comes back until nothing more does."""
        with connection or self.open() as one:
            self.count(count)
            try:
                one.sendall(data)
                if half_close:
                    one.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the answer may have come before all was sent
            self.read(one, count)

    def read(self, connection, count):
        said = b''
        connection.settimeout(0.5)
        try:
            while block := connection.recv(65536):
                said += block
                # A kept connection is not closed; the last answer is here once there are as many heads as requests.
                if said.count(b'HTTP/1.1 ') >= count and not connection.gettimeout() == 0.02:
                    connection.settimeout(0.02)
        except OSError:
            pass
        self.look(said)

    def look(self, said):
        for part in said.split(b'HTTP/1.1 ')[1:]:
            self.answers[part[:3].decode('latin-1')] += 1
        self.attack.search(said)

    def count(self, requests=1):
        self.sent[self.doing] += requests

    # The kinds -------------------------------------------------------------------------------------------------------

    def cut(self):
        """Closes in the middle of a request."""
        data = self.message()
        with self.open() as one:
            self.count()
            one.sendall(data[:self.random.randrange(len(data))])

    def reset(self):
        """Resets the connection behind a request, before the answer."""
        with self.open(plain=True) as one:
            self.count()
            one.sendall(self.message())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')

    def pipeline(self):
        """Many requests at once, good and bad."""
        count = self.random.randint(2, 12)
        data = [self.message() for _ in range(count)]
        if self.random.random() < 0.5:
            data.insert(self.random.randrange(count), self.random.choice(PROTOCOLS))
        self.ask(b''.join(data), count)

    def half_close(self):
        """Ends its own side at once, in half of the cases too early."""
        data = self.message()
        self.ask(data if self.random.random() < 0.5 else data[:self.random.randrange(len(data))], half_close=True)

    def other_protocol(self):
        """Speaks something else, or random bytes."""
        data = self.random.choice(PROTOCOLS) if self.random.random() < 0.7 else self.random.randbytes(self.random.randrange(1, 2000))
        self.ask(data, half_close=True)

    def framing(self):
        """Says of a body what is not so."""
        head = f'POST {self.random.choice((HOOK, "/api/v1/sessions", "/-/reload"))} HTTP/1.{self.random.randrange(2)}\r\nHost: localhost\r\n'.encode()
        fields = b'\r\n'.join(self.random.sample(FRAMINGS, self.random.randint(1, 3)))
        self.ask(head + fields + b'\r\n\r\n' + self.random.choice(BODIES), half_close=self.random.random() < 0.5)

    def fields(self):
        """Too many header fields, too long ones, and bytes that belong into none."""
        some = [self.random.choice(FIELDS) for _ in range(self.random.randint(1, 3))] + [b'a: b'] * self.random.choice((0, 50, 98, 120, 3000))
        self.random.shuffle(some)
        self.ask(f'GET {self.random.choice(PAGES)} HTTP/1.1\r\n'.encode() + b'\r\n'.join(some) + b'\r\n\r\n', half_close=True)

    def spelling(self):
        """Paths and methods in many spellings."""
        path = self.random.choice(SPELLINGS).format(self.random.choice(PAGES))
        self.ask(self.request(self.random.choice(METHODS), path, b'', self.random.choice(({}, self.bearer(), self.basic('x')))))

    def login(self):
        """Wrong passwords and tokens, some of them close to the right ones."""
        secrets = self.attack.secrets
        password, token = secrets['password'], self.random.choice(secrets['token'])
        wrong = self.random.choice((self.basic(password[:-1]), self.basic(password + 'x'), self.basic(password.upper()), self.basic('\x00'),
                                    {'Authorization': f'Bearer {token[:-1]}'}, {'Authorization': f'Bearer {token}x'},
                                    {'Authorization': f'Bearer {token} {token}'}, {'Authorization': token}, {'Authorization': 'Basic ' + token},
                                    {'Authorization': 'Basic !!!'}, {'authorization': 'Digest x'}, {'Authorization': ''}))
        self.ask(self.request('GET', self.random.choice(PAGES), b'', wrong))

    def webhook(self):
        """Forged signatures, and bodies that are signed and hostile."""
        body = self.event()
        if self.random.random() < 0.5:
            at = self.random.randrange(len(body))
            body = self.random.choice((body[:at], body[:at] + self.random.randbytes(3) + body[at:], b'[' * 5000, b'{"id":' * 300, b'{}', b'null', b'',
                                       body.replace(b'session', b'\\ud800'), json.dumps({'id': self.random.choice(TEXTS[:-6]) or 'x', 'data': [
                                           {'id': text} for text in TEXTS]}).encode(), b'0,' * 20_000))
        header = signed(body, self.random.choice(self.attack.secrets['hook']))['Kallglot-Signature']
        if self.random.random() < 0.5:
            at = self.random.randrange(len(header))
            header = self.random.choice((header[:at], header[:at] + 'f' + header[at + 1:], 't=0,' + header, header + ',v1=zz' * 9, header.upper(), ',' * 100,
                                         header.replace('t=', 't=9')))
        fields = {'Kallglot-Signature': header, 'Kallglot-Original-Timestamp': self.random.choice(('0', '-1', '9' * 30, 'x', '1e9'))}
        self.ask(self.request('POST', HOOK, body, fields, chunked=self.random.random() < 0.5), connection=self.open(self.attack.places[1]))

    def ids(self):
        """Lists of ids that are none, from a client that has the token."""
        listed = [self.random.choice(TEXTS) for _ in range(self.random.choice((1, 3, 100)))]
        body = self.random.choice((json.dumps({'ids': listed}), json.dumps(listed), '{"ids":' + '[' * 3000, json.dumps({'ids': 'sess_x', 'x': TEXTS}),
                                   json.dumps({'ids': [f'sess_{self.random.random()}'[:20].replace('.', '_') for _ in range(1000)]}), '{"ids":[1e999]}',
                                   '\ufeff{}', '{"ids":["a","a"],"ids":["b"]}')).encode('utf-8', 'replace')
        method, path = self.random.choice((('POST', '/api/v1/sessions'), ('PUT', '/api/v1/sessions/' + str(self.random.choice(TEXTS[:9]))),
                                           ('GET', '/api/v1/sessions?limit=' + self.random.choice(('0', '-1', '1000', '9' * 30, 'x', '1&after=..')))))
        path = path.replace('\r\n', '%0d%0a').replace('\x00', '%00')
        self.ask(self.request(method, path, body, self.bearer(), chunked=self.random.random() < 0.5), connection=self.open(self.attack.places[0]))

    def never_read(self):
        """Asks for pages and reads none; holds the connection for a while."""
        one = self.open(plain=True)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        count = self.random.randint(1, 8)
        self.count(count)
        self.held.append(one)
        one.sendall(b''.join(self.request('GET', '/metrics', b'', self.basic(self.attack.secrets['password'])) for _ in range(count)))
        if len(self.held) > 10:
            self.held.popleft().close()

    KINDS = ('cut', 'reset', 'pipeline', 'half_close', 'other_protocol', 'framing', 'fields', 'spelling', 'login', 'webhook', 'ids', 'never_read')

    def run(self):
        while self.attack.goes_on():
            # The kind with the fewest requests so far, so that all come equally often.
            self.doing = min(self.random.sample(self.KINDS, 3), key=lambda kind: self.sent[kind])
            try:
                getattr(self, self.doing)()
            except (OSError, ValueError):
                self.attack.refused += 1  # a TLS client at a plain listener, or a reset: the listener's right


class Attack:
    def __init__(self, private, webhook, requests, secrets):
        self.places, self.requests, self.secrets = (place(private), place(webhook)), requests, secrets
        self.canaries = [canary.encode() for canary in secrets['canaries']]
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        self.going, self.refused, self.shown = True, 0, set()
        self.clients = [Client(self, seed) for seed in range(CLIENTS)]

    def total(self):
        return sum(sum(client.sent.values()) for client in self.clients)

    def goes_on(self):
        return self.going and self.total() < self.requests

    def search(self, said):
        for canary in self.canaries:
            if canary in said:
                self.shown.add(canary.decode())

    def report(self):
        return {'requests': dict(sum((client.sent for client in self.clients), collections.Counter())), 'refused': self.refused,
                'answers': dict(sum((client.answers for client in self.clients), collections.Counter())), 'shown': sorted(self.shown)}

    def run(self):
        for client in self.clients:
            client.start()
        for client in self.clients:
            while client.is_alive():
                client.join(1)
                print(self.total(), flush=True)
        print(json.dumps(self.report()), flush=True)


def main():
    attack = Attack(sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(pathlib.Path(sys.argv[4]).read_text()))

    def end(*_):
        attack.going = False
    signal.signal(signal.SIGTERM, end)
    attack.run()
    # Clients that never read would be waited for.
    os._exit(0)


if __name__ == '__main__':
    main()
