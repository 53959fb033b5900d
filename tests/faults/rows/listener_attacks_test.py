#!/usr/bin/env python3
"""Attacks on the listeners: clients that never read, handshakes, memory, and client certificates that have ended."""

import itertools
import json
import pathlib
import socket
import ssl
import subprocess
import sys
import time

from control_group import Group
from fault_case import SANITIZED, Row, Stalls, alone, main, memory, wait_for, whole
from own_network import OwnNetwork, why_not
from support import certificates, web
from support.configuration import every, receiving
from support.durable import ALL, SECRET, TOKEN, Durable, event, signed
from support.programs import STILL, Program
from support.waiting import pace_until

HOOK = '/webhooks/kallglot'
FLOOD = pathlib.Path(__file__).resolve().parent / 'flood.py'
WEBHOOKS = 'kallglot_exporter_webhook_requests_total'
HANDSHAKES = 'kallglot_exporter_tls_handshake_failures_total'
PIPELINED = b'GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n' * 990


class Slowly:
    """A client of the listener that needs a while between its connection and its request."""

    def __init__(self, address):
        self.connection = web.connect(address)

    def ask(self, method, path, body=b'', headers=None):
        """The status; 0 if the connection was closed."""
        lines = ''.join(f'{name}: {value}\r\n' for name, value in (headers or {}).items())
        try:
            self.connection.sendall(f'{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{lines}\r\n'.encode() + body)
            said = self.connection.recv(4096)
        except OSError:
            said = b''
        self.connection.close()
        return int(said[9:12]) if said.startswith(b'HTTP/1.1 ') else 0


class Flooded(Durable, Row):
    def flood(self, address, rate, held, first, under=()):
        """A process that floods a listener."""
        file = self.folder / 'first_bytes'
        file.write_bytes(first)
        flood = subprocess.Popen([*map(str, under), sys.executable, str(FLOOD), address, str(rate), str(held), str(file)],
                                 stdout=subprocess.PIPE, text=True)
        self.addCleanup(flood.kill)
        return flood

    def over(self, flood):
        """Ends a flood; what it says about itself."""
        flood.terminate()
        return json.loads(flood.communicate(timeout=20)[0])


class Eviction(Flooded):
    def good_ones(self, exporter, name, between):
        """The statuses of a delivery and a scrape that let `between` happen after their connections; 0: closed."""
        delivery, scrape = Slowly(exporter.webhooks), Slowly(exporter.address)
        between()
        body = event(name, f'sess_{name}')
        return [delivery.ask('POST', HOOK, body, signed(body)), scrape.ask('GET', '/metrics')]

    def test_x2_clients_that_never_read_are_closed_first(self):
        """Clients pipeline requests and never read; as many as the listener may have, and then new ones
        A client that needs a while is answered all the same: a client that takes no byte for a second is closed before it."""
        exporter = self.launch()
        hostile = []
        for address, count in ((exporter.webhooks, 520), (exporter.address, 260)):
            for _ in range(count):
                client = socket.socket()
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.connect(web.place(address))
                client.settimeout(0.2)
                hostile.append(client)
                try:
                    client.sendall(PIPELINED if address == exporter.webhooks else b'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n' * 100)
                except OSError:
                    pass  # the listener has stopped reading, or has closed the connection for another one
        self.addCleanup(lambda: [client.close() for client in hostile])

        def more():
            hostile.extend(web.connect(address) for address in (exporter.webhooks, exporter.address) for _ in range(20))
        # A client is stalled a second after the listener has written to it for the last time: on a busy machine that may be late.
        tries = itertools.count()
        wait_for('all of them are stalled', lambda: self.good_ones(exporter, f'early_{next(tries)}', more) == [200, 200])
        answered = [self.good_ones(exporter, f'slow_{number}', more) for number in range(5)]
        self.assertEqual(answered, [[200, 200]] * 5)
        self.figure('5 of 5 deliveries and scrapes beside 780 clients that do not read, 20 new ones before each request')

    @whole
    @alone
    def test_x2_flood_of_clients_that_never_read_shuts_nobody_out(self):
        """511 clients pipeline and never read, from another host, and 200 new ones come each second
        Signed deliveries and scrapes that take a round trip of 100 ms are all answered."""
        if reason := why_not():
            self.skipTest(reason)
        network = OwnNetwork(self.folder)
        holder = self.keep(Program(self.folder, 'host', ['unshare', '--net', 'sleep', '1d']))
        network.second_host(holder)
        self.api = self.simulator('--sessions', 5, *STILL)
        file = self.config(self.api.port, webhook=receiving().replace('127.0.0.1', '198.18.0.1'))
        exporter = self.exporter(file, listen='198.18.0.1:0')
        exporter.webhooks = exporter.webhook_address()
        floods = [self.flood(address, 200, 2000, first, ['nsenter', '-t', network.far, '-n'])
                  for address, first in ((exporter.webhooks, PIPELINED),
                                         (exporter.address, b'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n' * 255))]
        self.let_time_pass(exporter, 6, 'the listeners are full after three seconds, and clients stalled after a fourth')
        answered = []
        with network.over_there():
            for number in range(20):
                moment = time.monotonic()
                answered += self.good_ones(exporter, f'far_{number}', lambda moment=moment: pace_until(moment + 0.1))
        said = [self.over(flood) for flood in floods]
        self.assertEqual(answered, [200] * 40)
        self.assertGreater(min(one['opened'] / one['seconds'] for one in said), 100)
        self.figure(f'{answered.count(200)} of 40 deliveries and scrapes; ' + ', '.join(
            f'{one["opened"] / one["seconds"]:.0f} new connections a second, {one["closed"]} closed' for one in said))


class Handshakes(Flooded):
    @whole
    @alone
    def test_x5_flood_of_handshakes_delays_nothing_else(self):
        """3,000 ClientHellos a second to a listener whose certificate has an RSA key of 4096 bits
        Handshakes take at most a quarter of the loop's time. Polls continue at their rate, and pages are answered at once."""
        certificates.make_authority(self.folder, 'authority')
        certificates.make_server(self.folder, 'hook', 'authority', key=('RSA', 'rsa_keygen_bits:4096'))
        self.write('secret', SECRET)
        self.api = self.simulator('--sessions', 50, *STILL)
        exporter = self.exporter(self.config(self.api.port, intervals=every('500ms'),
                                             webhook=receiving() + '\ntls: {cert_file: hook.pem, key_file: hook.key}'))
        self.polled(exporter, 50)
        exporter.webhooks = exporter.webhook_address()

        def healthy(count):
            """The time of each of so many requests, in order."""
            took = []
            for _ in range(count):
                begun = time.monotonic()
                self.assertEqual(exporter.get('/-/healthy').status, 200)
                took.append(time.monotonic() - begun)
                pace_until(begun + 0.02)
            return sorted(took)
        usual, usual_pages = self.rate(exporter, 500), healthy(100)
        hello, context = ssl.MemoryBIO(), ssl.create_default_context()
        wrapped = context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname='localhost')
        with self.assertRaises(ssl.SSLWantReadError):
            wrapped.do_handshake()
        flood = self.flood(exporter.webhooks, 3000, 3000, hello.read())
        self.let_time_pass(exporter, 2, 'the flood has its rate')
        stalls = Stalls()
        stalls.start()
        attacked, pages = self.rate(exporter, 500, 100), healthy(100)
        stalls.stop()
        said = self.over(flood)
        self.assertGreater(attacked, 0.8 * usual)
        self.assertLess(pages[98], 0.2 + stalls.worst)
        self.figure(f'{said["opened"] / said["seconds"]:.0f} ClientHellos a second: {attacked:.0f} polls a second of {usual:.0f}, a page in '
                    f'{1000 * pages[49]:.1f} ms, 99 of 100 in {1000 * pages[98]:.1f} ms ({1000 * usual_pages[98]:.1f} before)')


class Memory(Flooded):
    @whole
    @alone
    def test_x6_clients_at_their_limits_fit_into_little_memory(self):
        """512 and 256 clients send headers of 16 KiB and bodies up to the limit, in a control group with 96 MiB
        The daemon lives on. What exceeds the memory for bodies gets 503 and is counted."""
        if SANITIZED:
            self.skipTest('a sanitizer has memory of its own')
        if reason := Group.why_not('memory'):
            self.skipTest(reason)
        group = Group('memory', limit_in_bytes=96 << 20)
        self.addCleanup(group.remove)
        exporter = self.launch(under=group.under)
        self.addCleanup(exporter.kill)
        before = memory(exporter)

        def full(line, length, *fields):
            head = f'{line} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n' + ''.join(f'{field}\r\n' for field in fields)
            count = 97 - len(fields)
            size = (16_300 - len(head)) // count
            return (head + ''.join(f'{"a":<{size - 4}}:\r\n'.replace(' ', 'a') for _ in range(count)) + '\r\n').encode()
        signature = f'Kallglot-Signature: {signed(b"")["Kallglot-Signature"]}'
        token = f'Authorization: Bearer {TOKEN}'
        attacks = [(exporter.webhooks, 512, full(f'POST {HOOK}', 65536, signature) + b'b' * 65535),
                   (exporter.address, 128, full(f'POST {ALL}', 1 << 20, token) + b'b' * ((1 << 20) - 1)),
                   (exporter.address, 128, full('POST /-/reload', 1 << 20) + b'b' * ((1 << 20) - 1))]
        floods = []
        for number, (address, count, first) in enumerate(attacks):
            file = self.folder / f'first_{number}'
            file.write_bytes(first)
            floods.append(subprocess.Popen([sys.executable, str(FLOOD), address, '400', str(count), str(file)], stdout=subprocess.PIPE,
                                           text=True))
            self.addCleanup(floods[-1].kill)
        most = max(self.let_time_pass(exporter, 12, 'the limit of a request is ten seconds', lambda: memory(exporter), 0.05))
        said = [self.over(flood) for flood in floods]
        self.assertEqual(exporter.get('/-/healthy').status, 200)
        body = event('after', 'sess_after')
        self.assertEqual(self.deliver(exporter, body).status, 200)
        refused = exporter.scrape().value(WEBHOOKS, result='overload')
        self.assertGreater(refused, 0)
        self.figure(f'{sum(one["opened"] for one in said):,} clients, {refused:.0f} deliveries refused, {before >> 20} MiB before, at most '
                    f'{most >> 20} MiB of 96')


class Certificates(Row):
    def test_x7_client_certificates_end_when_they_end(self):
        """A client with a certificate of a few seconds resumes its TLS session, or keeps its connection, beyond its end
        There are no sessions to resume, and the connection is closed with the next request."""
        certificates.make_authority(self.folder, 'authority')
        certificates.make_server(self.folder, 'server', 'authority')
        certificates.make_client(self.folder, 'client', 'authority', 'DNS:prometheus', seconds=6)
        web_file = self.write('web.yml', 'tls_server_config: {cert_file: server.pem, key_file: server.key, client_ca_file: authority.pem, '
                              'client_auth_type: RequireAndVerifyClientCert}\n')
        self.api = self.simulator('--sessions', 5, *STILL)
        exporter = self.exporter(self.config(self.api.port), '--web.config.file', web_file)
        sessions = {}

        def ask(version, connection=None):
            """The status of a scrape on a new connection, which resumes a session if it can, or on `connection`; 0: refused."""
            try:
                if connection is None:
                    context = ssl.create_default_context(cafile=self.folder / 'authority.pem')
                    context.load_cert_chain(self.folder / 'client.pem', self.folder / 'client.key')
                    context.minimum_version = context.maximum_version = version
                    if version in sessions:
                        context, session = sessions[version]
                    else:
                        session = None
                    connection = context.wrap_socket(web.connect(exporter.address), server_hostname='localhost', session=session)
                    self.addCleanup(connection.close)
                    self.resumed = connection.session_reused
                connection.sendall(b'GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n')
                said = connection.recv(4096)
                if version not in sessions and connection.session:
                    sessions[version] = connection.context, connection.session
                return int(said[9:12] or 0), connection
            except OSError:
                return 0, None
        versions = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
        kept = {version: ask(version) for version in versions}
        self.assertEqual([status for status, _ in kept.values()], [200, 200])
        # The promise is about later moments: how many, no matter.
        wait_for('the end of the certificate', lambda: ask(versions[0])[0] == 0)
        self.assertEqual([ask(version)[0] for version in versions], [0, 0])
        self.assertEqual([ask(version, connection)[0] for version, (_, connection) in kept.items()], [0, 0])
        self.figure('TLS 1.2 and 1.3: refused on new and on kept connections')


if __name__ == '__main__':
    main()
