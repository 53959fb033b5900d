#!/usr/bin/env python3
"""Connections to the API that drip, break, close too early, or carry more than the response."""

import collections
import itertools
import os
import random
import time

from fault_case import FAILURES, HTTP_VERSION, Row, alone, main, wait_for, whole
from scripted_api import active, ended, response, session
from support.configuration import every
from support.durable import TOKEN
from support.truth import STATUSES, differences

FAST = every('20ms')
POLLS = int(os.environ.get('KALLGLOT_CREDITED_POLLS', 1_000_000))


class Slow(Row):
    # Each response that is over costs a connection. Without TLS, because a busy machine has no time for that many handshakes.
    @alone
    def test_u7_dripping_responses_end_at_the_deadline(self):
        """A thousand responses at once, each of one byte a second
        Each ends at request_timeout. Meanwhile other sessions are polled."""
        # At an interval that a busy machine can keep: otherwise good polls alone would use all connections.
        exporter = self.world(2000, '--plaintext', plaintext=True, max_connections=1500, api='request_timeout: 10s\nhttp_version: 1.1',
                              intervals=every('3s'))
        with self.survives(exporter, 2000, FAILURES, {'reason': 'timeout'}, grown=1500 * (40 << 10)):
            self.api.set_faults(drip=0.3)
            busy = 'kallglot_exporter_api_connections'
            seen = exporter.until('a thousand at once', lambda scrape: scrape.value(busy, state='busy') >= 1000)
            good = seen.value('kallglot_exporter_api_responses_total', code='200')
            begun = time.monotonic()
            after = exporter.until('others are polled', lambda scrape: scrape.value(
                'kallglot_exporter_api_responses_total', code='200') > good + 300)
            rate = (after.value('kallglot_exporter_api_responses_total', code='200') - good) / (time.monotonic() - begun)
            self.api.set_faults()
            exporter.until('the dripping ones are over', lambda scrape: scrape.value(busy, state='busy') < 100, seconds=120)
        self.figure(f'1,000 dripping at once, {rate:.0f} other answers a second meanwhile')


class Cut(Row):
    def test_u8_response_cut_at_any_byte_changes_nothing(self):
        """The connection closes after each byte of a response in turn; wrong lengths; chunks cut in the middle
        An incomplete body changes no state."""
        body = ended('sess_of_this_row_000000')
        whole_one = response(body)
        half = len(body) // 2
        chunked = (response(b'', '200 OK', 'Transfer-Encoding: chunked', length=False)
                   + b'%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n' % (half, body[:half], len(body) - half, body[half:]))
        short = whole_one.replace(b'Content-Length: %d' % len(body), b'Content-Length: %d' % (len(body) - 1))
        longer = whole_one.replace(b'Content-Length: %d' % len(body), b'Content-Length: %d' % (len(body) + 1))
        pieces = [text[:size] for text in (whole_one, chunked) for size in range(len(text))] + [short, longer]
        exporter = self.scripted(20, active, intervals=FAST)
        left, turn = collections.deque(pieces), itertools.count()
        sent = []

        def answer(peer, identifier):
            # Half of the sessions, so that the pieces do not wait for the interval of one.
            if identifier not in self.ids[:10]:
                return active(peer, identifier)
            try:
                piece = left.popleft()
            except IndexError:
                return active(peer, identifier)
            try:
                peer.send(piece.replace(self.ids[0].encode(), identifier.encode()))
            except OSError:
                left.append(piece)  # the client had left already
                raise
            sent.append(len(piece))
            (peer.cut if next(turn) % 4 == 0 else peer.close)()
            return None

        with self.survives(exporter, 20, FAILURES):
            self.api.answer = answer
            exporter.expect('every piece was sent', lambda: len(sent) == len(pieces), seconds=120)
        self.figure(f'{len(pieces)} cuts, at every byte, 0 changes')

    @whole
    def test_u9_connection_closed_on_reuse_fails_no_poll(self):
        """The server closes idle connections at the moment of the next request
        No poll fails: the request is repeated once, on a new connection, if no byte of a response came."""
        exporter = self.scripted(200, active, max_connections=64)
        closed = itertools.count()

        def answer(peer, identifier):
            peer.send(active(peer, identifier))
            # The next request on this connection comes within some milliseconds; so does this end.
            peer.stream.settimeout(random.uniform(0.0005, 0.02))
            next(closed)

        def counted(scrape):
            polls = scrape.total('kallglot_exporter_polls_total')
            return polls, scrape.value('kallglot_exporter_api_requests_total') - polls

        with self.survives(exporter, 200, 'kallglot_exporter_api_requests_total') as before:
            self.api.answer = answer
            polls, _ = counted(before)
            after = exporter.until('ten thousand polls', lambda scrape: counted(scrape)[0] > polls + 10_000, seconds=100)
            self.api.answer = active
        self.assertEqual(after.total(FAILURES), before.total(FAILURES))
        replays = counted(after)[1] - counted(before)[1]
        self.assertGreater(replays, 0)
        opened = 'kallglot_exporter_api_connections_opened_total'
        self.figure(f'10,000 polls over {after.value(opened) - before.value(opened):g} connections: {replays:g} replays, 0 failures')

    def test_u10_servers_keep_alive_limits_are_obeyed(self):
        """Connection: close, and Keep-Alive: timeout= shorter than idle_timeout
        The client always obeys the first. It closes an idle connection a second before the server does."""
        exporter = self.scripted(20, active)
        asked = {}

        def closing(peer, identifier):
            asked[peer.number] = peer.asked
            return response(session(identifier, 'active', started_at='2026-01-01T00:00:05Z'), '200 OK', 'Connection: close')

        with self.survives(exporter, 20, 'kallglot_exporter_api_connections_opened_total'):
            self.api.answer = closing
            wait_for('every old one is gone', lambda: len(asked) > 60)
            fresh = {number: count for number, count in asked.items() if number > max(asked) - 40}
            self.assertEqual(set(fresh.values()), {1}, 'a connection was used after it said close')
            self.api.answer = lambda peer, name: response(
                session(name, 'active', started_at='2026-01-01T00:00:05Z'), '200 OK', 'Connection: keep-alive', 'Keep-Alive: timeout=1')
            used = len(self.api.requests)
            wait_for('some polls', lambda: len(self.api.requests) > used + 100)
            self.api.answer = active
        self.suite('net_integration_test', 'HttpsClient.TheServersKeepAliveLimitCountsToo:HttpsClient.ObeysConnectionClose', 2,
                   f'{len(asked)} connections that said close')


class Desync(Row):
    def test_u12_more_than_ten_interim_responses_are_rejected(self):
        """100, 102 and 103 before the response; eleven of them
        Up to ten are skipped; after that the connection is dropped. No interim response is taken for the response."""
        def after(count):
            return lambda peer, name: b''.join(
                b'HTTP/1.1 %b\r\n\r\n' % kind for kind in itertools.islice(
                    itertools.cycle((b'100 Continue', b'102 Processing', b'103 Early Hints\r\nLink: </>')), count)) + active(peer, name)

        exporter = self.scripted(20, active)
        with self.survives(exporter, 20, 'kallglot_exporter_api_responses_total', {'code': '200'}) as before:
            for few in (1, 3, 10):
                self.api.answer = after(few)
                seen = len(self.api.requests)
                wait_for('polls', lambda seen=seen: len(self.api.requests) > seen + 60)
            self.assertEqual(exporter.scrape().total(FAILURES), before.total(FAILURES))
        turn = itertools.count()
        with self.survives(exporter, 20, FAILURES, {'reason': 'body'}):
            self.api.answer = lambda peer, name: (after(11) if next(turn) % 2 else active)(peer, name)
            exporter.until('refused', lambda scrape: self.failures(scrape, 'body') > 20)
            self.api.answer = active
        self.figure('10 skipped, 11 refused')

    @whole
    @alone
    def test_u11_no_response_is_credited_to_another_session(self):
        """A million polls; one in a hundred gets a second response, another id, an interim or a broken response
        No session gets another's response: afterwards every count and every session is as the API knows it."""
        sessions = 10_000
        poison = {'two_responses': 0.003, 'wrong_id': 0.003, 'interim': 0.001, 'truncate': 0.001, 'garbage': 0.001, 'connection_close': 0.001}
        # Over HTTP/2 these befall one stream among many.
        streams = {'reset_stream': 0.001, 'reset_body': 0.001, 'trailer_field': 0.001, 'late': 0.001} if HTTP_VERSION != '1.1' else {}
        self.write('token', TOKEN)
        exporter = self.world(sessions, '--arrival-rate', '20/1s', '--active', '3s-60s', '--connecting', '1s-4s', still=False,
                              intervals=FAST, max_connections=64, session_lines='api_token_file: token')
        self.api.set_faults(**poison, **streams, late_by='12s')
        exporter.more_polls(POLLS, seconds=60 + POLLS / 500)
        met = self.api.stats()['faults']
        self.api.set_faults()
        poisoned = sum(met[name] for name in (*poison, *streams))
        self.assertGreater(poisoned, 0.008 * POLLS)
        self.assertEqual([name for name in streams if not met[name]], [])
        scrape = exporter.scrape()
        self.assertEqual(scrape.total('kallglot_session_regressions_total'), 0)
        self.assertTrue(exporter.running())
        lags, wrong = dict.fromkeys(STATUSES, 3.0), []

        def agrees():
            begun = time.time()
            tracked = dict(exporter.listed(TOKEN))
            scraped, lives = (begun, time.time()), self.api.lives()[1]
            wrong[:] = differences(tracked, lives, scraped, lags)
            return not wrong and len(lives)

        try:
            lives = wait_for('agreement with the truth', agrees, 60)
        except AssertionError:
            self.assertEqual(wrong, [])
            raise
        self.figure(f'{scrape.total("kallglot_exporter_polls_total"):,.0f} polls, {poisoned:,} poisoned: {lives:,} sessions as the '
                    f'API knows them, {scrape.total("kallglot_session_transitions_total"):,.0f} changes, 0 backwards')


if __name__ == '__main__':
    main()
