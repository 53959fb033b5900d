#!/usr/bin/env python3
"""HTTP/2 to the API: servers that restart in the middle of polls, and connections that die silently."""

import http.client
import os
import shutil
import signal
import time

from fault_case import FAILURES, Row, main, memory, whole

import http2_servers  # fault_case has put its imports within reach
from network_paths_test import InOwnNetwork
from support.configuration import every
from support.http2 import FLOODS, VIOLATIONS
from support.nginx import Nginx
from support.programs import STILL

SESSIONS = 200
FLOOD_SECONDS = float(os.environ.get('KALLGLOT_FLOOD_SECONDS', 7))
OPEN = 'kallglot_exporter_api_open_connections'


def sent_again(scrape):
    """Requests after the first of their poll, because the connection of that one was lost."""
    return scrape.value('kallglot_exporter_api_requests_total') + scrape.total('kallglot_exporter_api_requests_in_flight') \
        + scrape.total('kallglot_exporter_api_requests_waiting') - scrape.total('kallglot_exporter_polls_total')


class Restarts(Row):
    def restarted(self, kind):
        """10,000 polls through a server that is restarted after 3,000 and after 6,000 of them; then every poll is accounted for."""
        front = kind(self, self.api.port, (self.folder / 'sessions.txt').read_text().split())
        file = f'{kind.program}.yml'
        exporter = self.exporter(self.config(front.port, name=file, ca_file='front.pem', intervals=every('100ms')),
                                 name=f'exporter_{kind.program}')
        self.polled(exporter, SESSIONS)
        self.assertGreaterEqual(exporter.scrape().value(OPEN, protocol='h2'), 1)
        with self.survives(exporter, SESSIONS) as before:
            for _ in range(2):
                exporter.more_polls(3000)
                front.restart()
            exporter.more_polls(4000)
        # A reload stops the polls; those in flight end.
        self.config(front.port, name=file, ca_file='front.pem', intervals=every('1d'))
        exporter.send(signal.SIGHUP)
        after = exporter.until('no request in flight', lambda scrape: scrape.total('kallglot_exporter_api_requests_in_flight') == 0
                               and scrape.total('kallglot_exporter_api_requests_waiting') == 0
                               and scrape.total('kallglot_exporter_polls_overdue') == 0)
        polls = after.total('kallglot_exporter_polls_total')
        answers = after.value('kallglot_exporter_api_responses_total', code='200')
        failed = after.total(FAILURES) - before.total(FAILURES)
        self.assertEqual(polls, answers + after.total(FAILURES), f'{kind.program}: a poll has no outcome, or two')
        self.assertLessEqual(failed, polls / 100, f'{kind.program}: {after.by("reason", FAILURES)}')
        self.assertNotIn('unreachable', exporter.log())
        resent = after.total('kallglot_exporter_api_requests_resent_total')
        exporter.stop()
        front.stop()
        reasons = {reason: count for reason, count in after.by('reason', FAILURES).items() if count}
        return (f'{kind.program}: {polls:g} polls, {failed:g} failures {reasons or ""}, {resent:g} sent again after a GOAWAY, '
                f'{sent_again(after):g} after a lost connection')

    def restart_each(self, kinds):
        self.api = self.simulator('--sessions', SESSIONS, *STILL, '--latency', '20ms', '--plaintext')
        there = [kind for kind in kinds if shutil.which(kind.program)]
        told = [self.restarted(kind) for kind in there]
        absent = [f'{kind.program}: not installed' for kind in kinds if kind not in there]
        self.figure('; '.join(told + absent))

    def test_n17_nginx_restarted_costs_no_poll(self):
        """nginx is restarted twice in the middle of 10,000 polls over HTTP/2
        No poll is lost and none is counted twice. At most one in a hundred fails, and the API is never reported unreachable."""
        self.restart_each([http2_servers.Nginx])

    @whole
    def test_n17_servers_restarted_cost_no_poll(self):
        """The same with HAProxy, and with Caddy, Apache, lighttpd, h2o and nghttpd where they are installed
        No poll is lost and none is counted twice. At most one in a hundred fails, and the API is never reported unreachable."""
        self.restart_each([http2_servers.HAProxy, http2_servers.Caddy, http2_servers.Apache, http2_servers.Lighttpd,
                           http2_servers.H2o, http2_servers.Nghttpd])


class Stopped(Row):
    @whole
    def test_n18_stopped_server_holds_no_request(self):
        """The API's process stops, as a server that hangs: TCP is alive, and HTTP/2 is not
        The connection is left after five seconds of silence. Every request is over by its deadline, and polling is back within a
        probe's step."""
        exporter = self.world(SESSIONS, '--latency', '50ms')
        self.assertGreaterEqual(exporter.scrape().value(OPEN, protocol='h2'), 1)
        flight = 'kallglot_exporter_api_requests_in_flight'
        with self.survives(exporter, SESSIONS, FAILURES):
            self.api.send(signal.SIGSTOP)
            exporter.until('the connection is left', lambda scrape: scrape.value(OPEN, protocol='h2') == 0
                           and scrape.total(flight) == 0)
            exporter.until('told', lambda scrape: scrape.value('kallglot_exporter_api_state', state='unreachable') == 1)
            stuck = exporter.over_scrapes(100, lambda scrape: scrape.total(flight))
            self.api.send(signal.SIGCONT)
            begun = time.monotonic()
            exporter.until('up', lambda scrape: scrape.value('kallglot_up') == 1, 70)
            took = time.monotonic() - begun
        self.assertEqual(max(stuck), 0, 'a request is in flight to a stopped server')
        by_deadline = exporter.scrape().value('kallglot_exporter_api_streams_cancelled_total')
        self.assertEqual(by_deadline, 0)
        self.figure(f'polling back {took:.1f} s after the server')


class Flooded(Row):
    def round_trips(self, exporter, seconds):
        """How long an answer that needs only a turn of the loop takes, again and again over one connection, in ms, sorted."""
        host, _, port = exporter.address.rpartition(':')
        client, took = http.client.HTTPConnection(host, int(port), timeout=20), []

        def ask():
            begun = time.monotonic()
            client.request('GET', '/-/healthy')
            answer = client.getresponse()
            self.assertTrue(answer.read() and answer.status == 200)
            took.append(1000 * (time.monotonic() - begun))
            return memory(exporter)
        most = max(self.let_time_pass(exporter, seconds, 'the load lasts', ask, every=0.005))
        client.close()
        return sorted(took), most

    @whole
    def test_n20_frames_without_end_delay_nothing(self):
        """Frames without end on one in fifty requests, of each kind in turn; frames that a server must not send
        The connection ends, and the other polls go on. The loop is hardly delayed, and memory stays flat."""
        # HTTP/1.1 has no such frames.
        exporter = self.world(SESSIONS, api='http_version: 2')
        usual, had = self.round_trips(exporter, 3)
        taken, most, worst = [], 0, 0.0
        for kind in (*FLOODS, *VIOLATIONS):
            with self.survives(exporter, SESSIONS) as before:
                self.api.set_faults(**{kind: 0.02})
                self.api.expect(kind, lambda kind=kind: self.api.stats()['faults'][kind] >= 1)
                took, memory_then = self.round_trips(exporter, FLOOD_SECONDS)
                self.api.set_faults()
                taken, most = sorted(taken + took), max(most, memory_then)
                after = exporter.more_polls(SESSIONS)
                worst = max(worst, after.value('kallglot_exporter_event_loop_delay_seconds'))
            opened = 'kallglot_exporter_api_connections_opened_total'
            self.assertGreater(after.value(opened), before.value(opened), f'{kind} did not end its connection')

        def of(times, share):
            return f'{times[int(share * (len(times) - 1))]:.1f}'
        met = sum(self.api.stats()['faults'][kind] for kind in (*FLOODS, *VIOLATIONS))
        self.figure(f'{met} in {len(FLOODS) + len(VIOLATIONS)} times {FLOOD_SECONDS:g} s: round trip p99 {of(taken, 0.99)} ms, most '
                    f'{of(taken, 1)} (without {of(usual, 0.99)}, {of(usual, 1)}); delay of the loop {1000 * worst:.1f} ms at most; '
                    f'{max(0, most - had) / 2**20:.1f} MiB more')


class Blackholed(InOwnNetwork):
    needs = ('nft', 'nginx')

    @whole
    def test_n19_lost_address_costs_no_poll(self):
        """One of two addresses drops every packet while 200 requests are in flight to both
        The other address carries all of them within request_timeout. No poll fails."""
        sessions = 800
        self.api = self.simulator('--sessions', sessions, *STILL, '--latency', '250ms')
        front = self.keep(Nginx(self.folder, self.api.port, requests=1000000, hosts=('127.0.0.1', '127.0.0.2')))
        self.network.hosts(localhost=['127.0.0.1', '127.0.0.2'])
        exporter = self.exporter(self.config(front.port, ca_file='front.pem', intervals=every('1s')))
        self.polled(exporter, sessions)
        flight = 'kallglot_exporter_api_requests_in_flight'
        seen = exporter.until('many in flight', lambda scrape: scrape.total(flight) >= 180 and scrape.value(OPEN, protocol='h2') >= 2)
        with self.survives(exporter, sessions) as before:
            self.network.filter('ip daddr 127.0.0.2 counter drop')
            exporter.until('the lost connections are left', lambda scrape: sent_again(scrape) > 20)
            exporter.more_polls(2 * sessions)
            dropped = self.network.dropped()
            self.network.filter()
        after = exporter.scrape()
        self.assertGreater(dropped, 0)
        self.assertEqual(after.total(FAILURES) - before.total(FAILURES), 0, after.by('reason', FAILURES))
        self.figure(f'{seen.total(flight):g} in flight: 0 failures, {sent_again(after):g} sent again over the other address')


if __name__ == '__main__':
    main()
