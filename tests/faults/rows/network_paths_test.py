#!/usr/bin/env python3
"""The way to the API: addresses that are silent or refuse, packets that get lost, links and names that fail."""

import time

from fault_case import Row, main, wait_for, whole
from own_network import OwnNetwork, run, why_not
from scripted_api import ScriptedApi, response, session
from support import web
from support.programs import Program

SESSIONS = 200
FAILURES = 'kallglot_exporter_api_request_failures_total'
ANSWERS = 'kallglot_exporter_api_responses_total'


def good(_, name):
    return response(session(name))


class InOwnNetwork(Row):
    needs = ()

    def setUp(self):
        super().setUp()
        if reason := why_not(*self.needs):
            self.skipTest(reason)
        self.network = OwnNetwork(self.folder)

    def all_answers(self, exporter):
        return exporter.scrape().value(ANSWERS, code='200')


class Addresses(InOwnNetwork):
    needs = ('nft',)

    def first_answer(self, **config):
        """Seconds from the first moment to the first answer."""
        self.api = self.simulator('--sessions', SESSIONS, '--arrival-rate', '0', '--active', '1000h-2000h')
        begun = time.monotonic()
        exporter = self.exporter(self.config(self.api.port, **config))
        exporter.until('an answer', lambda scrape: scrape.value(ANSWERS, code='200') > 0)
        took = time.monotonic() - begun
        self.polled(exporter, SESSIONS)
        return exporter, took

    def test_n1_a_silent_address_does_not_hold_up_the_others(self):
        """One of two addresses swallows every packet
        The other is tried after a quarter of a second, and every session is polled over it."""
        # The first by the resolver's order; a second connection would begin with the other one.
        self.network.hosts(localhost=['::1', '127.0.0.1'])
        self.network.filter('ip6 daddr ::1 tcp flags syn counter drop')
        exporter, took = self.first_answer(max_connections=1)
        self.assertGreater(self.network.dropped(), 0)
        self.assertGreater(took, 0.25)
        self.assertLess(took, 4)
        with self.survives(exporter, SESSIONS):
            self.for_a_while(3, exporter)
        self.figure(f'first answer {1000 * took:.0f} ms after the start, {self.network.dropped()} packets swallowed')

    def test_n2_a_refusing_address_is_passed_over_at_once(self):
        """One of two addresses refuses connections
        The other is used at once, and no poll fails for it."""
        self.network.hosts(localhost=['127.0.0.2', '127.0.0.1'])
        self.network.filter('ip daddr 127.0.0.2 tcp flags syn counter reject with tcp reset')
        exporter, took = self.first_answer()
        self.assertGreater(self.network.dropped(), 0)
        with self.survives(exporter, SESSIONS):
            self.for_a_while(3, exporter)
        self.assertEqual(exporter.scrape().total(FAILURES), 0)
        self.figure(f'first answer {1000 * took:.0f} ms after the start, 0 failures')

    def test_r3_without_local_ports_the_open_connections_go_on(self):
        """No local port is left for a new connection
        Told like a refused connection; polling goes on over those there are, which hardly ever have to be opened."""
        # Before the first connection: how many there would be already differs with the load.
        run('sysctl', '-w', 'net.ipv4.ip_local_port_range=40000 40063')
        exporter = self.world(SESSIONS, max_connections=150)
        with self.survives(exporter, SESSIONS, FAILURES, {'reason': 'connect'}):
            # From a few connections to all that can be had, in one moment. Another address has ports of its own.
            web.request(self.api.address, '/_faults', 'POST', '{"latency": "500ms"}', ca_file=self.api.ca_file, source='127.0.0.2')
            exporter.until('a lack', lambda scrape: self.failures(scrape, 'connect') > 0)
            before = exporter.until('every port in use', lambda scrape: scrape.total('kallglot_exporter_api_connections') >= 60)
            time.sleep(5)
            after = exporter.scrape()
            run('sysctl', '-w', 'net.ipv4.ip_local_port_range=32768 60999')
            self.api.set_faults()
        opened, polls = (after.total(name) - before.total(name) for name in (
            'kallglot_exporter_api_connections_opened_total', 'kallglot_exporter_polls_total'))
        self.assertLessEqual(opened, 0.01 * polls)
        self.figure(f'64 ports: {polls:g} polls in 5 s over {opened:g} new connections')


class Packets(InOwnNetwork):
    needs = ('nft',)

    def to_api(self, what):
        """Rules for the packets of the API's connections, in both directions."""
        return [f'tcp dport {self.api.port} {what}', f'tcp sport {self.api.port} {what}']

    @whole
    def test_n5_connections_that_died_without_a_word_are_given_up_in_time(self):
        """The peer of a hundred kept connections is gone and nobody says so
        Every poll is over by its deadline; once the peer is back, so is the steady rate, within a probe's step."""
        exporter = self.world(1000, max_connections=100, api='request_timeout: 3s')
        with self.survives(exporter, 1000, FAILURES, {'reason': 'timeout'}):
            self.network.filter(*self.to_api('counter drop'))
            exporter.until('told', lambda scrape: scrape.value('kallglot_exporter_api_state', state='unreachable') == 1)
            self.for_a_while(6, exporter)
            busy = exporter.scrape().value('kallglot_exporter_api_connections', state='busy')
            self.network.filter()
        self.assertLessEqual(busy, 1, 'a request is still under way after twice its deadline')
        after = exporter.scrape()
        self.figure(f'{self.failures(after, "timeout"):g} timeouts of 3 s, none lasted longer')

    @whole
    def test_n6_resets_at_any_moment_are_survived(self):
        """Connections are reset before, in and after answers
        A failure of one session each, or none at all; polling goes on."""
        exporter = self.world(SESSIONS)
        with self.survives(exporter, SESSIONS, FAILURES, {'reason': 'reset'}):
            self.network.filter(f'tcp dport {self.api.port} numgen random mod 100 < 4 counter reject with tcp reset')
            wait_for('a thousand resets', lambda: self.network.dropped() > 1000, 60)
            exporter.until('reset', lambda scrape: self.failures(scrape, 'reset') > 0)
            met = self.network.dropped()
            self.network.filter()
        self.figure(f'{met} resets')

    @whole
    def test_n7_a_poor_line_is_no_outage(self):
        """One packet in ten is lost, and an answer takes 200 ms, 50 more or less
        Polling goes on, hardly a poll fails, and the API is never told to be down."""
        exporter = self.world(100, intervals='{created: 1s, connecting: 1s, active: 1s, ending: 1s, unknown: 1s}')
        with self.survives(exporter, 100) as before:
            self.api.set_faults(latency='200ms', jitter='50ms')
            self.network.filter(*self.to_api('numgen random mod 10 < 1 counter drop'))
            up = self.for_a_while(15, exporter, lambda: exporter.scrape().value('kallglot_up'))
            self.network.filter()
            after = exporter.scrape()
            self.api.set_faults()
        self.assertEqual(set(up), {1})
        answered = after.value(ANSWERS, code='200') - before.value(ANSWERS, code='200')
        failed = after.total(FAILURES) - before.total(FAILURES)
        self.assertGreater(answered, 1000)
        self.assertLessEqual(failed, answered / 100)
        self.figure(f'{answered:g} answers and {failed:g} failures in 15 s of 100 due a second')

    @whole
    def test_n8_a_link_that_was_down_is_used_again(self):
        """The link to the API is down for half a minute
        Polling comes back by itself, and gently."""
        holder = self.keep(Program(self.folder, 'host', ['unshare', '--net', 'sleep', '1d']))
        self.network.second_host(holder)
        ids = [f'sess_of_this_row_{i:06}' for i in range(100)]
        with self.network.over_there():
            self.api = ScriptedApi(self.folder, ids, good, host='198.18.0.2', names='IP:198.18.0.2')
        self.addCleanup(self.api.close)
        exporter = self.exporter(self.config(self.api.port, host='198.18.0.2'))
        self.polled(exporter, 100)
        used = len(self.api.requests)
        self.for_a_while(5, exporter)
        steady = (len(self.api.requests) - used) / 5
        with self.survives(exporter, 100, FAILURES):
            self.network.wire(False)
            exporter.until('told', lambda scrape: scrape.value('kallglot_exporter_api_state', state='unreachable') == 1, 60)
            self.for_a_while(20, exporter)
            used = len(self.api.requests)
            self.network.wire(True)
            wait_for('a request', lambda: len(self.api.requests) > used, 70)
            used = len(self.api.requests)
            self.for_a_while(10, exporter)
            ten = len(self.api.requests) - used
        self.assertLessEqual(ten, 1.2 * 10 * steady)
        self.figure(f'{ten} requests in the ten seconds after, {10 * steady:.0f} in any other ten')


class Names(InOwnNetwork):
    needs = ('dnsmasq',)

    def dns(self, answers):
        """A name server of our own; the one before is gone."""
        if getattr(self, 'server', None):
            self.server.kill()
        self.server = self.keep(Program(self.folder, 'dnsmasq', ['dnsmasq', '--keep-in-foreground', '--no-resolv', '--no-hosts',
                                        '--conf-file=/dev/null', '--user=root', '--pid-file=', '--listen-address=127.0.0.53',
                                        '--bind-interfaces', '--local-ttl=1', answers]))

    def start(self):
        self.network.hosts()
        self.network.resolver('127.0.0.53')
        self.dns('--address=/localhost/127.0.0.1')
        ids = [f'sess_of_this_row_{i:06}' for i in range(50)]
        self.api = ScriptedApi(self.folder, ids, good)
        self.addCleanup(self.api.close)
        exporter = self.exporter(self.config(self.api.port, max_connections=8))
        self.polled(exporter, 50)
        return exporter

    @whole
    def test_n3_a_silent_name_server_stops_nothing(self):
        """The name server says nothing any more
        Connections go on and new ones use the last good address; TERM is obeyed with a lookup under way."""
        exporter = self.start()
        with self.survives(exporter, 50) as before:
            self.server.send(19)
            opened = self.api.connections
            self.api.answer = lambda peer, name: response(session(name), '200 OK', 'Connection: close')
            self.for_a_while(40, exporter)
            self.assertGreater(self.api.connections, opened + 100)
            self.api.answer = good
            after = exporter.scrape()
            self.assertLess(after.value('kallglot_exporter_event_loop_delay_seconds'), 1)
        self.assertEqual(after.total(FAILURES), before.total(FAILURES))
        self.api.answer = lambda peer, name: response(session(name), '200 OK', 'Connection: close')
        self.for_a_while(2, exporter)
        begun = time.monotonic()
        self.assertEqual(exporter.stop(), 0)
        took = time.monotonic() - begun
        self.assertLess(took, 10)
        self.figure(f'{self.api.connections - opened} new connections to the last good address; stopped in {took:.1f} s')

    @whole
    def test_n4_a_name_that_moves_is_followed_and_one_that_is_gone_is_not(self):
        """The name gets another address; the name server denies it
        The new address is used within a minute; a denial leaves the connections there are."""
        exporter = self.start()
        other = ScriptedApi(self.folder, [], good, host='127.0.0.2', port=self.api.port)
        self.addCleanup(other.close)
        (self.folder / 'sessions.txt').write_text(''.join(f'sess_of_this_row_{i:06}\n' for i in range(50)))
        with self.survives(exporter, 50) as before:
            self.dns('--address=/localhost/')
            self.for_a_while(35, exporter)
            self.assertEqual(exporter.scrape().total(FAILURES), before.total(FAILURES))
            begun = time.monotonic()
            self.dns('--address=/localhost/127.0.0.2')
            wait_for('the new address', lambda: len(other.requests) > 100, 65)
            took = time.monotonic() - begun
            seen = len(self.api.requests)
            self.for_a_while(2, exporter)
            self.assertLess(len(self.api.requests) - seen, 100)
        self.figure(f'the new address in use after {took:.0f} s')


if __name__ == '__main__':
    main()
