#!/usr/bin/env python3
"""Responses of the API that are no session."""

import gzip
import itertools
import threading

from fault_case import FAILURES, SANITIZED, Row, main, memory, wait_for, whole
from scripted_api import KEY, ScriptedApi, active, ended, response

SESSIONS = 200
SCRAPES = 200


class Refusals(Row):
    @whole
    def test_u14_rejected_key_changes_no_session(self):
        """The API answers 401, 402 or 403 to everything
        Every session keeps its last state. Meanwhile the daemon sends one request a minute, not one a session."""
        exporter = self.world(SESSIONS)
        self.api.post('/_stats', {})
        exporter.over_scrapes(SCRAPES)
        usual, asked = self.api.stats()['requests']['session'], []
        self.assertGreater(usual, 5 * SESSIONS)
        faults = {'unauthorized': 'unauthorized', 'forbidden': 'unauthorized', 'payment_required': 'credits'}
        for fault, reason in faults.items():
            with self.survives(exporter, SESSIONS, FAILURES, {'reason': reason}) as before:
                told = self.failures(before, reason)
                self.api.set_faults(**{fault: 1.0})
                exporter.until('the failure to be counted', lambda scrape, reason=reason, told=told: self.failures(scrape, reason) > told)
                wait_for('silence', lambda: self.api.stats()['requests']['last_second'] == 0)
                self.api.post('/_stats', {})
                exporter.over_scrapes(SCRAPES)
                asked.append(self.api.stats()['requests']['session'])
                self.assertLessEqual(asked[-1], 2)
                self.api.set_faults()
        self.figure(f'requests over {SCRAPES} scrapes, {usual} as a rule: {asked[0]} with 401, {asked[1]} with 403, {asked[2]} with 402')

    def test_u13_redirect_is_never_followed(self):
        """301, 302, 307 and 308 to another host, port or scheme
        A redirect is never followed: its target gets no connection. The failure is counted as redirect."""
        exporter = self.scripted(20, active)
        other = ScriptedApi(self.folder, [], active)
        self.addCleanup(other.close)
        plain = ScriptedApi(self.folder, [], active, tls=False)
        self.addCleanup(plain.close)
        (self.folder / 'sessions.txt').write_text(''.join(f'{one}\n' for one in self.ids))
        targets = itertools.cycle([f'https://localhost:{other.port}', f'http://localhost:{plain.port}', '//127.0.0.1'])
        codes = itertools.cycle(['301 Moved Permanently', '302 Found', '307 Temporary Redirect', '308 Permanent Redirect'])
        turn = itertools.count()

        def away(peer, identifier):
            if next(turn) % 2:
                return active(peer, identifier)
            return response(b'', next(codes), f'Location: {next(targets)}/v1/sessions/{identifier}')

        with self.survives(exporter, 20, FAILURES, {'reason': 'redirect'}):
            self.api.answer = away
            exporter.until('many', lambda scrape: self.failures(scrape, 'redirect') > 100)
            self.api.answer = active
        self.assertEqual((other.connections, other.requests, plain.connections), (0, [], 0))
        self.figure(f'{self.failures(exporter.scrape(), "redirect"):g} redirects, no connection elsewhere')

    def test_u15_burst_of_404_loses_no_session(self):
        """404 for every session, for a while, as in a partial outage
        No session is dropped before not_found_after, and none while more than half of all sessions get 404."""
        exporter = self.world(SESSIONS, poll='not_found_after: 2s')
        with self.survives(exporter, SESSIONS, FAILURES, {'reason': 'not_found'}):
            self.api.set_faults(not_found=1.0)
            self.let_time_pass(exporter, 7, 'more than three times not_found_after')
            self.assertGreater(self.api.stats()['faults']['not_found'], 5 * SESSIONS)
            self.api.set_faults()
        self.figure(f'{self.failures(exporter.scrape(), "not_found"):g} answers of 404 with not_found_after 2 s, 0 forgotten')


class Bodies(Row):
    def poisoned(self, sessions, answers):
        """Every second answer is one of these, which would end the session if it were believed."""
        exporter = self.scripted(sessions, active)
        turn, bad, count = itertools.count(), itertools.cycle(answers), itertools.count()

        def answer(peer, identifier):
            if next(turn) % 2:
                return active(peer, identifier)
            next(count)
            return next(bad)(peer, identifier)

        with self.survives(exporter, sessions, FAILURES, {'reason': 'body'}):
            before = self.failures(exporter.scrape(), 'body')
            self.api.answer = answer
            exporter.until('many', lambda scrape: self.failures(scrape, 'body') - before > 150)
            self.api.answer = active
        return exporter

    def test_u16_body_that_is_no_session_changes_nothing(self):
        """200 with HTML, with an empty body, with another object or another id
        No state changes. The failure is counted as body."""
        self.poisoned(20, [
            lambda _, name: b'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>',
            lambda _, name: response(b''),
            lambda _, name: response(ended(name, object='call')),
            lambda _, name: response(ended(name + 'x')),
            lambda _, name: response(b'[' + ended(name) + b']'),
            lambda _, name: response(ended(name) + b'{}'),
            lambda _, name: response(ended(name)).replace(b'application/json', b'text/html'),
        ])
        self.figure('7 kinds of bodies')

    def test_u18_compressed_body_is_rejected_unread(self):
        """A gzip bomb as the response
        The client requests identity and rejects any other Content-Encoding unread. It never unpacks a body."""
        bomb = gzip.compress(b'{"padding":"' + b' ' * (64 << 20), 9)
        exporter = self.poisoned(20, [lambda _, name: response(bomb, '200 OK', 'Content-Encoding: gzip'),
                                      lambda _, name: response(bomb, '200 OK', 'Content-Encoding: br')])
        self.assertTrue(exporter.running())
        heads = []
        self.api.answer = lambda peer, name: (heads.append(peer.head), active(peer, name))[1]
        wait_for('a request', lambda: heads)
        self.assertIn(b'Accept-Encoding: identity', heads[0])
        self.assertIn(KEY.encode(), heads[0])
        self.figure(f'bombs of {len(bomb) >> 10} KiB for 64 MiB')

    def test_u17_endless_bodies_are_cut_off(self):
        """Bodies of one gibibyte and endless chunks
        The client stops reading at max_response_size. Memory grows by at most that for each request in flight."""
        exporter = self.world(SESSIONS, max_connections=32)
        had, most = memory(exporter), [0]
        with self.survives(exporter, SESSIONS, FAILURES, {'reason': 'body'}):
            self.api.set_faults(huge=0.25, endless=0.25)
            watch = threading.Event()

            def look():
                while not watch.wait(0.01):
                    most[0] = max(most[0], memory(exporter))
            looking = threading.Thread(target=look)
            looking.start()
            self.api.expect('many of them', lambda: (met := self.api.stats()['faults'])['huge'] > 100 and met['endless'] > 100)
            watch.set()
            looking.join()
            met = self.api.stats()['faults']
            self.api.set_faults()
        if not SANITIZED:  # it keeps what was freed
            self.assertLess(most[0] - had, 32 * (256 << 10) + (8 << 20))
        self.figure(f'{met["huge"]} of a gibibyte and {met["endless"]} endless over 32 connections: '
                    f'{max(0, most[0] - had) / 2**20:.1f} MiB more at most')


if __name__ == '__main__':
    main()
