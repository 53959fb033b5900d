#!/usr/bin/env python3
"""Clients of our listeners that are slow, many, dishonest or lost."""

import base64
import contextlib
import re
import socket
import subprocess
import threading
import time

from fault_case import SANITIZED, Row, alone, main, memory, wait_for, whole
from support import web
from support.durable import ALL, TOKEN, Durable, Told, event, signed

RATE = 'kallglot_exporter_polls_total'


class Attacked(Durable, Row):
    """A daemon with both listeners; polls go on at their rate, whatever clients do."""

    def place(self, listener):
        host, _, port = (self.daemon.address if listener == 'private' else self.daemon.webhooks).rpartition(':')
        return host, int(port)

    def rate(self, seconds=3):
        before, begun = self.daemon.scrape().total(RATE), time.monotonic()
        self.for_a_while(seconds, self.daemon)
        return (self.daemon.scrape().total(RATE) - before) / (time.monotonic() - begun)

    def begin(self):
        self.daemon = self.launch()
        self.daemon.until('polls', lambda scrape: scrape.total(RATE) > 50)
        config = self.folder / 'durable.yml'
        # Well below the budget, so that another session or two make no shortage.
        config.write_text(config.read_text() + 'poll: {intervals: {created: 500ms, connecting: 500ms, active: 500ms}}\n')
        self.daemon.send(1)
        self.daemon.expect('the reload', lambda: 'msg=reloaded' in self.daemon.log())
        return self.rate()

    @contextlib.contextmanager
    def as_usual(self):
        """Polls keep four fifths of their rate, every scrape is answered within a second."""
        usual, slowest, over, failed = self.begin(), [0.0], threading.Event(), []

        def scrape():
            while not over.wait(0.2):
                begun = time.monotonic()
                try:
                    self.daemon.scrape()
                except (OSError, AssertionError) as error:
                    failed.append(repr(error))
                slowest[0] = max(slowest[0], time.monotonic() - begun)
        before = memory(self.daemon)
        thread = threading.Thread(target=scrape)
        thread.start()
        try:
            yield usual
        finally:
            over.set()
            thread.join()
        self.assertTrue(self.daemon.running(), self.daemon.log()[-2000:])
        self.assertEqual(failed, [])
        self.assertLess(slowest[0], 5 if SANITIZED else 1)
        self.slowest = slowest[0]
        self.more = memory(self.daemon) - before
        if not SANITIZED:
            self.assertLess(self.more, 64 << 20)

    def many(self, listener, count, first=b''):
        """That many connections, each of which has said so much."""
        clients = []
        for _ in range(count):
            client = socket.create_connection(self.place(listener), timeout=20)
            with contextlib.suppress(OSError):
                client.sendall(first)
            clients.append(client)
        self.addCleanup(lambda: [client.close() for client in clients])
        return clients

    def drip(self, clients, seconds, piece=b'x'):
        """A byte each second to each, for so long; how many were ended by the other side."""
        ended = set()
        for _ in range(seconds):
            begun = time.monotonic()
            for client in clients:
                if client not in ended:
                    try:
                        client.setblocking(False)
                        client.send(piece)
                        if client.recv(4096, socket.MSG_PEEK) is not None:
                            ended.add(client)
                    except BlockingIOError:
                        pass
                    except OSError:
                        ended.add(client)
            time.sleep(max(0.0, begun + 1 - time.monotonic()))
        return len(ended)


class Slow(Attacked):
    @whole
    @alone
    def test_h1_slow_headers_hold_up_nobody(self):
        """Thousands of connections that send a byte of a header each second
        Each is ended within ten seconds or for a newer one; polls and scrapes go on as ever."""
        with self.as_usual() as usual:
            clients = [*self.many('private', 1000, b'GET /metrics HTTP/1.1\r\nX: '),
                       *self.many('webhook', 1500, b'POST /webhooks/kallglot HTTP/1.1\r\nX: ')]
            rates = []
            thread = threading.Thread(target=lambda: rates.append(self.rate(8)))
            thread.start()
            ended = self.drip(clients, 13)
            thread.join()
        self.assertGreater(rates[0], 0.8 * usual)
        self.assertEqual(ended, len(clients))
        self.figure(f'{len(clients):,} connections, {rates[0]:.0f} polls a second of {usual:.0f}, slowest scrape {1000 * self.slowest:.0f} ms')

    @whole
    def test_h2_slow_bodies_end_with_their_time(self):
        """Bodies of which a byte comes each second
        408 and the end after ten seconds from the first byte."""
        with self.as_usual():
            clients = self.many('webhook', 300, b'POST /webhooks/kallglot HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n')
            ended = self.drip(clients, 13)
        self.assertEqual(ended, len(clients))
        said = clients[0]
        said.setblocking(True)
        with contextlib.suppress(OSError):
            self.assertIn(b' 408 ', said.recv(4096)[:20])
        self.figure(f'{ended} of 300 ended')

    @whole
    def test_h3_readers_that_do_not_read_cost_little(self):
        """A hundred clients ask for /metrics and read nothing
        One text is shared by all, and each is cut off after ten seconds."""
        with self.as_usual():
            clients = []
            for _ in range(100):
                client = socket.socket()
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                client.connect(self.place('private'))
                client.sendall(b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n' * 200)
                clients.append(client)
            wait_for('all are there', lambda: len(self.connections()) >= 100)
            wait_for('all are cut off', lambda: len(self.connections()) < 10, 30)
            for client in clients:
                client.close()
        self.assertLess(self.more, 40 << 20)
        self.figure(f'100 readers cut off, {max(0, self.more) / 2**20:.1f} MiB more')

    def connections(self):
        said = subprocess.run(['ss', '-Htnp', 'state', 'established'], capture_output=True, text=True, check=True).stdout
        return re.findall(rf'pid={self.daemon.process.pid},', said)


class Many(Attacked):
    @whole
    @alone
    def test_h4_a_flood_of_connections_stays_at_the_cap(self):
        """Connections are opened as fast as they can be, to one listener
        It holds its cap, the other listener and the scrapes of whoever asks are not touched."""
        with self.as_usual() as usual:
            begun, opened, held = time.monotonic(), 0, []
            while time.monotonic() - begun < 6:
                held += self.many('webhook', 50)
                opened += 50
                if len(held) > 2000:
                    for client in held[:1000]:
                        client.close()
                    held = held[1000:]
            body = event('in_the_flood', 'sess_in_the_flood')
            self.assertEqual(web.request(self.daemon.webhooks, '/webhooks/kallglot', 'POST', body, signed(body)).status, 200)
            rate = self.rate()
        self.assertGreater(rate, 0.8 * usual)
        self.figure(f'{opened:,} connections in 6 s, slowest scrape {1000 * self.slowest:.0f} ms')

    @whole
    @alone
    def test_h9_a_flood_of_events_loses_none_that_was_accepted(self):
        """Signed events come faster than the disk can take them
        Accepted ones are durable, the others get 503 with Retry-After; polls go on."""
        told = Told()
        refused = [0]
        with self.as_usual() as usual:
            over = threading.Event()

            def pour(number):
                connection = __import__('http.client').client.HTTPConnection(self.daemon.webhooks, timeout=20)
                turn = 0
                while not over.is_set():
                    name = f'flood_{number}_{turn}'
                    body = event(name, f'sess_{name}')
                    connection.request('POST', '/webhooks/kallglot', body, signed(body))
                    answer = connection.getresponse()
                    answer.read()
                    if answer.status == 200:
                        told.add([f'sess_{name}'])
                    else:
                        self.assertEqual(answer.status, 503)
                        self.assertIsNotNone(answer.headers['Retry-After'])
                        refused[0] += 1
                    turn += 1
                connection.close()
            threads = [threading.Thread(target=pour, args=(number,)) for number in range(32)]
            for thread in threads:
                thread.start()
            rate = self.rate(6)
            over.set()
            for thread in threads:
                thread.join()
        self.daemon.kill()
        self.assertEqual(told.ids - self.tracked(self.launch()), set())
        self.figure(f'{told.count():,} accepted in 6 s and there after a kill, {refused[0]} refused, {rate:.0f} polls a second of {usual:.0f}')

    @whole
    @alone
    def test_h10_bad_logins_cost_nobody_else_anything(self):
        """Bad logins as fast as they can be made, with known and unknown names
        One hash at a time on a thread of its own, a few wait, the rest is 503; polls and who is known go on; both take as long."""
        self.elsewhere('web_config_test', 'WebConfig.test_a_right_password_is_hashed_once_and_waits_for_no_wrong_ones')
        hashed = subprocess.run(['htpasswd', '-nbBC', '10', '', 'right'], capture_output=True, text=True, check=True).stdout.strip()
        web_file = self.write('web.yml', f"basic_auth_users: {{prometheus: '{hashed.lstrip(':')}'}}\n")
        self.api = self.simulator('--sessions', 100, '--arrival-rate', '0', '--active', '1000h-2000h')
        exporter = self.exporter(self.config(self.api.port), '--web.config.file', web_file)

        def ask(name, password):
            word = base64.b64encode(f'{name}:{password}'.encode()).decode()
            return exporter.get('/metrics', headers={'Authorization': f'Basic {word}'})
        wait_for('a scrape', lambda: ask('prometheus', 'right').status == 200)
        polls = lambda: self.api.stats()['requests']['session']  # noqa: E731 (one line says it)
        before = polls()
        time.sleep(3)
        usual = polls() - before
        over, tried = threading.Event(), [0]

        def attack(number):
            turn = 0
            while not over.is_set():
                turn += 1
                tried[0] += 1
                self.assertIn(ask('prometheus' if number % 2 else 'nobody', f'wrong{number}.{turn}').status, (401, 503))
        threads = [threading.Thread(target=attack, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        before, slowest = polls(), 0.0
        begun = time.monotonic()
        while time.monotonic() - begun < 6:
            moment = time.monotonic()
            self.assertEqual(ask('prometheus', 'right').status, 200)
            slowest = max(slowest, time.monotonic() - moment)
            time.sleep(0.2)
        attacked = (polls() - before) / 2
        over.set()
        for thread in threads:
            thread.join()
        self.assertGreater(attacked, 0.8 * usual)
        self.assertLess(slowest, 5 if SANITIZED else 1)
        self.figure(f'{tried[0]} bad logins in 6 s, slowest scrape with the right one {1000 * slowest:.0f} ms')

    @whole
    @alone
    def test_h13_a_storm_of_scrapes_is_one_census_a_second(self):
        """Scrapes as fast as they come, from many
        All are answered, polls go on, memory stays."""
        with self.as_usual() as usual:
            over, count = threading.Event(), [0]

            def scrape():
                while not over.is_set():
                    self.assertEqual(self.daemon.get('/metrics').status, 200)
                    count[0] += 1
            threads = [threading.Thread(target=scrape) for _ in range(4)]
            for thread in threads:
                thread.start()
            rate = self.rate(5)
            over.set()
            for thread in threads:
                thread.join()
        self.assertGreater(rate, 0.8 * usual)
        self.assertGreater(count[0], 200)
        self.figure(f'{count[0] / 5:.0f} scrapes a second, {rate:.0f} polls a second of {usual:.0f}')


class Dishonest(Durable, Row):
    def test_h5_large_bodies_are_refused_before_they_are_read(self):
        """A body of ten gibibytes; Expect: 100-continue
        413 at once, and no 100 for what is over the limit."""
        exporter = self.launch()
        for address, path in ((exporter.webhooks, '/webhooks/kallglot'), (exporter.address, ALL)):
            for expect in ('', 'Expect: 100-continue\r\n'):
                said = web.exchange(address, f'POST {path} HTTP/1.1\r\nHost: x\r\n{expect}Content-Length: {10 << 30}\r\n\r\n'.encode())
                self.assertEqual(said[:12], b'HTTP/1.1 413', said[:60])
                self.assertNotIn(b' 100 ', said)
        self.suite('http_server_test', 'HttpServer.AsksForABodyThatTheClientHoldsBack', 1, '413 at both listeners')

    def test_h6_forged_signatures_are_refused_alike(self):
        """Signatures that are forged, missing, cut, too long, upper-case, several, or of another body
        None is accepted of a million; the answer does not say which part was wrong."""
        self.suite('web_intake_test', 'WebhookSignature.*:WebhookRoute.ARefusal*', 13, 'a million forgeries, 0 accepted')
        self.elsewhere('webhook_test', 'Webhooks.test_refusals_look_alike_and_are_counted_apart')

    def test_h7_replays_have_no_effect(self):
        """An event comes again at once, after a restart, and after the tolerance
        2xx without effect, also after a restart; 401 outside the tolerance."""
        exporter = self.launch()
        body = event('again', 'sess_again', 'session.started')
        for _ in range(3):
            self.assertEqual(self.deliver(exporter, body).status, 200)
        late = web.request(exporter.webhooks, '/webhooks/kallglot', 'POST', body, signed(body, at=time.time() - 400))
        self.assertEqual(late.status, 401)
        exporter.kill()
        again = self.launch()
        self.assertEqual(self.deliver(again, body).status, 200)
        results = again.scrape().by('result', 'kallglot_exporter_webhook_requests_total')
        self.assertEqual((results['accepted'], results['duplicate']), (0, 1))
        self.suite('intake_test', 'IntakeEvents.EventsAreToldApartFor72Hours', 1, 'once, over a restart')

    @whole
    def test_h8_the_order_of_events_does_not_matter(self):
        """Events twice, out of order, late and lost
        Each counts once, and every order of polls and events comes to the same end."""
        self.suite('intake_test', 'IntakeOrder.*', 1, '')
        count = self.elsewhere('webhook_feed_test', 'WebhookFeed.test_twice_and_out_of_order_changes_nothing',
                               'WebhookFeed.test_lost_ones_are_made_good_by_polls')
        self.figure(f'all orders in the intake, {count} feeds at the daemon')

    def test_h11_requests_sent_ahead_are_answered_in_turn_and_not_for_ever(self):
        """Ten thousand requests on one connection, sent ahead
        One at a time, a thousand a connection, then it closes."""
        exporter = self.launch()
        one = b'GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n'
        # What was sent beyond the last answer is read and dropped before the end, so that no answer is lost: 256 KiB of it.
        answers = web.exchange(exporter.address, one * 5_000).count(b'HTTP/1.1 200')
        self.assertEqual(answers, 1000)
        self.assertLessEqual(web.exchange(exporter.address, one * 10_000).count(b'HTTP/1.1 200'), 1000)
        self.assertEqual(exporter.get('/-/healthy').status, 200)
        self.figure(f'{answers} answers, then the end')

    def test_h12_unknown_paths_and_methods_are_told_apart(self):
        """Unknown paths and methods, HEAD, OPTIONS, absolute form, ..
        404, or 405 with Allow; HEAD like GET without a body; nothing of the request comes back."""
        exporter = self.launch()
        for method, path, code in (('GET', '/nowhere<script>', 404), ('POST', '/metrics', 405), ('OPTIONS', '/metrics', 405),
                                   ('GET', '/-/reload', 405), ('GET', '/../etc/passwd', 404), ('GET', '/metrics/..', 404),
                                   ('BREW', '/metrics', 405), ('HEAD', '/metrics', 200)):
            with self.subTest(f'{method} {path}'):
                answer = exporter.get(path, method=method)
                self.assertEqual(answer.status, code)
                self.assertEqual(answer.headers['Allow'] is not None, code == 405)
                self.assertNotIn(b'script', answer.body)
                self.assertEqual(method == 'HEAD', answer.body == b'')
        said = web.exchange(exporter.address, b'GET http://x/-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
        self.assertEqual(said[:12], b'HTTP/1.1 200')
        self.figure('8 forms')

    def test_h14_nobody_writes_lines_into_the_log(self):
        """CR LF, terminal codes and a long text in every field that could be logged
        One line an event, escaped, at most 256 bytes of a field from outside."""
        self.suite('runtime_test', 'LogLine.*', 8, '')
        exporter = self.launch()
        evil = '\\r\\nts=now level=error msg=forged \\u001b[31m' + 'x' * 20_000
        body = f'{{"id":"evt_1","type":"{evil}","data":{{"id":"sess_x"}}}}'.encode()
        web.request(exporter.webhooks, '/webhooks/kallglot', 'POST', body, signed(body))
        self.ask(exporter, 'PUT', f'{ALL}/a%0d%0ats=now')
        exporter.get('/x', headers={'Authorization': 'Bearer ' + TOKEN[:5], 'User-Agent': 'ts=now \x1b[31m'})
        for line in exporter.log().splitlines():
            self.assertTrue(line.startswith('ts=2'), line[:100])
            self.assertNotIn('\x1b', line)
            self.assertLess(len(line), 2000)
        self.figure('every line begins with its time')

    def test_h15_each_listener_has_its_own_paths(self):
        """Metrics, status and the session API are asked for at the public port, and webhooks at the private one
        404 for each; the private one is on loopback unless told otherwise."""
        exporter = self.launch()
        for path in ('/', '/metrics', '/config', '/-/healthy', '/-/ready', '/-/reload', ALL):
            self.assertEqual(web.request(exporter.webhooks, path).status, 404, path)
        self.assertEqual(exporter.get('/webhooks/kallglot', method='POST', body=b'{}').status, 404)
        self.elsewhere('webhook_test', 'Webhooks.test_nothing_but_the_hook_is_on_that_listener')
        self.figure('7 paths and the hook')


if __name__ == '__main__':
    main()
