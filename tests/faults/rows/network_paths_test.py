#!/usr/bin/env python3
"""The network between daemon and API: silent and refusing addresses, lost packets, failing links and names."""

import time

from fault_case import FAILURES, Row, main, wait_for, whole, within
from own_network import OwnNetwork, run, why_not
from scripted_api import ScriptedApi, response, session
from support import web
from support.configuration import every
from support.programs import STILL, Program

SESSIONS = 200
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

    def first_answer(self, name='exporter', **config):
        """Seconds from the start of an exporter to its first answer."""
        begun = time.monotonic()
        exporter = self.exporter(self.config(self.api.port, **config), name=name)
        exporter.until('an answer', lambda scrape: scrape.value(ANSWERS, code='200') > 0)
        took = time.monotonic() - begun
        self.polled(exporter, SESSIONS)
        return exporter, took

    def beside_a_good_address(self, bad, rule, **config):
        """With a rule for the first of two addresses: the exporter, and its seconds to the first answer without and with the rule."""
        self.api = self.simulator('--sessions', SESSIONS, *STILL)
        self.network.hosts(localhost=['127.0.0.1'])
        control, usual = self.first_answer('control', **config)
        control.stop()
        self.network.hosts(localhost=[bad, '127.0.0.1'])
        self.network.filter(rule)
        exporter, took = self.first_answer(**config)
        self.assertGreater(self.network.dropped(), 0)
        return exporter, usual, took

    def test_n1_silent_address_does_not_delay_the_others(self):
        """One of two addresses drops every packet
        The client tries the other address after 250 ms and polls every session over it."""
        # The first by the resolver's order; a second connection would begin with the other one.
        exporter, usual, took = self.beside_a_good_address('::1', 'ip6 daddr ::1 tcp flags syn counter drop', max_connections=1)
        self.assertGreater(took, 0.25)
        # One that waits for the silent address needs the five seconds of connect_timeout more.
        self.assertLess(took - usual, 3)
        with self.survives(exporter, SESSIONS):
            exporter.more_polls(10 * SESSIONS)
        self.figure(f'first answer {1000 * took:.0f} ms after the start ({1000 * usual:.0f} with one address), {self.network.dropped()} '
                    'packets swallowed')

    def test_n2_refusing_address_is_skipped_at_once(self):
        """One of two addresses refuses connections
        The client uses the other address at once, and no poll fails."""
        # Over HTTP/2 one connection carries all, and it may begin with the good address.
        exporter, _, took = self.beside_a_good_address(
            '127.0.0.2', 'ip daddr 127.0.0.2 tcp flags syn counter reject with tcp reset', api='http_version: 1.1')
        with self.survives(exporter, SESSIONS):
            exporter.more_polls(10 * SESSIONS)
        self.assertEqual(exporter.scrape().total(FAILURES), 0)
        self.figure(f'first answer {1000 * took:.0f} ms after the start, 0 failures')

    def test_r3_polling_without_free_local_ports_continues(self):
        """No local port is free for a new connection
        The failure is reported like a refused connection. Polling continues over the open connections and hardly opens a
        new one."""
        # Before the first connection: how many there would be already differs with the load.
        run('sysctl', '-w', 'net.ipv4.ip_local_port_range=40000 40063')
        exporter = self.world(SESSIONS, max_connections=150, api='http_version: 1.1')
        with self.survives(exporter, SESSIONS, FAILURES, {'reason': 'connect'}):
            # From a few connections to all that can be had, in one moment. Another address has ports of its own.
            web.request(self.api.address, '/_faults', 'POST', '{"latency": "500ms"}', ca_file=self.api.ca_file, source='127.0.0.2')
            exporter.until('a lack', lambda scrape: self.failures(scrape, 'connect') > 0)
            before = exporter.until('every port in use', lambda scrape: scrape.total('kallglot_exporter_api_connections') >= 60)
            after = exporter.more_polls(600)
            run('sysctl', '-w', 'net.ipv4.ip_local_port_range=32768 60999')
            self.api.set_faults()
        opened, polls = (after.total(name) - before.total(name) for name in (
            'kallglot_exporter_api_connections_opened_total', 'kallglot_exporter_polls_total'))
        self.assertLessEqual(opened, 0.01 * polls)
        self.figure(f'64 ports: {polls:g} polls over {opened:g} new connections')


class Packets(InOwnNetwork):
    needs = ('nft',)

    def to_api(self, what):
        """Rules for the packets of the API's connections, in both directions."""
        return [f'tcp dport {self.api.port} {what}', f'tcp sport {self.api.port} {what}']

    @whole
    def test_n5_dead_connections_end_at_the_deadline(self):
        """The peer of a hundred open connections disappears without closing them
        Every poll ends at its deadline. Once the peer is back, the steady rate returns within one step between probes."""
        exporter = self.world(1000, max_connections=100, api='request_timeout: 3s')
        with self.survives(exporter, 1000, FAILURES, {'reason': 'timeout'}):
            self.network.filter(*self.to_api('counter drop'))
            exporter.until('told', lambda scrape: scrape.value('kallglot_exporter_api_state', state='unreachable') == 1)
            self.let_time_pass(exporter, 6, 'twice the deadline of a request')
            busy = exporter.scrape().value('kallglot_exporter_api_connections', state='busy')
            self.network.filter()
        self.assertLessEqual(busy, 1, 'a request is still in flight after twice its deadline')
        after = exporter.scrape()
        self.figure(f'{self.failures(after, "timeout"):g} timeouts of 3 s, none lasted longer')

    @whole
    def test_n6_resets_at_any_moment_are_survived(self):
        """Connections are reset before, in and after responses
        A reset fails the poll of one session, or none. Polling continues."""
        exporter = self.world(SESSIONS)
        with self.survives(exporter, SESSIONS, FAILURES, {'reason': 'reset'}):
            self.network.filter(f'tcp dport {self.api.port} numgen random mod 100 < 4 counter reject with tcp reset')
            wait_for('a thousand resets', lambda: self.network.dropped() > 1000, 60)
            exporter.until('reset', lambda scrape: self.failures(scrape, 'reset') > 0)
            met = self.network.dropped()
            self.network.filter()
        self.figure(f'{met} resets')

    @whole
    def test_n7_poor_line_is_no_outage(self):
        """One packet in ten is lost, and a response takes 200 ms, plus or minus 50
        Polling continues, at most one poll in a hundred fails, and the API is never reported down."""
        exporter = self.world(100, intervals=every('1s'))
        usual = self.rate(exporter, 500)
        with self.survives(exporter, 100) as before:
            self.api.set_faults(latency='200ms', jitter='50ms')
            self.network.filter(*self.to_api('numgen random mod 10 < 1 counter drop'))
            good, begun, up = self.all_answers(exporter), time.monotonic(), set()

            def enough(scrape):
                up.add(scrape.value('kallglot_up'))
                return scrape.value(ANSWERS, code='200') > good + 1000
            after = exporter.until('a thousand answers', enough, 60)
            rate = 1000 / (time.monotonic() - begun)
            self.network.filter()
            self.api.set_faults()
        self.assertEqual(up, {1})
        self.assertGreater(rate, usual * 2 / 3)
        answered = after.value(ANSWERS, code='200') - before.value(ANSWERS, code='200')
        failed = after.total(FAILURES) - before.total(FAILURES)
        self.assertLessEqual(failed, answered / 100)
        self.figure(f'{answered:g} answers and {failed:g} failures, {rate:.0f} answers a second of {usual:.0f}')

    @whole
    def test_n8_link_back_after_an_outage_is_used_again(self):
        """The link to the API is down for half a minute
        Polling resumes by itself, at no more than 1.2 times the steady rate."""
        holder = self.keep(Program(self.folder, 'host', ['unshare', '--net', 'sleep', '1d']))
        self.network.second_host(holder)
        ids = [f'sess_of_this_row_{i:06}' for i in range(100)]
        with self.network.over_there():
            self.api = ScriptedApi(self.folder, ids, good, host='198.18.0.2', names='IP:198.18.0.2')
        self.addCleanup(self.api.close)
        exporter = self.exporter(self.config(self.api.port, host='198.18.0.2'))
        self.polled(exporter, 100)
        used = len(self.api.requests)
        self.let_time_pass(exporter, 5, 'the steady rate, for comparison')
        steady = (len(self.api.requests) - used) / 5
        with self.survives(exporter, 100, FAILURES):
            self.network.wire(False)
            exporter.until('told', lambda scrape: scrape.value('kallglot_exporter_api_state', state='unreachable') == 1, 60)
            self.let_time_pass(exporter, 20, 'the length of the outage')
            used = len(self.api.requests)
            self.network.wire(True)
            wait_for('a request', lambda: len(self.api.requests) > used, 70)
            used = len(self.api.requests)
            self.let_time_pass(exporter, 10, 'the requests of ten seconds are compared with the steady rate')
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
    def test_n3_silent_name_server_stops_nothing(self):
        """The name server stops answering
        Open connections stay, and new ones use the last good address. TERM is obeyed while a lookup is in flight."""
        exporter = self.start()
        with self.survives(exporter, 50) as before:
            self.server.send(19)
            opened = self.api.connections
            self.api.answer = lambda peer, name: response(session(name), '200 OK', 'Connection: close')
            self.let_time_pass(exporter, 40, 'an address is looked up again after half a minute')
            self.assertGreater(self.api.connections, opened + 100)
            self.api.answer = good
            after = exporter.scrape()
        self.assertLess(after.value('kallglot_exporter_event_loop_delay_seconds'), self.longest_allowed)
        self.assertEqual(after.total(FAILURES), before.total(FAILURES))
        self.api.answer = lambda peer, name: response(session(name), '200 OK', 'Connection: close')
        exporter.more_polls(100)
        with within('the stop', 10) as took:
            self.assertEqual(exporter.stop(), 0)
        self.figure(f'{self.api.connections - opened} new connections to the last good address; stopped in {took[0]:.1f} s')

    @whole
    def test_n4_new_address_of_the_name_is_used(self):
        """The name gets another address; the name server denies the name
        The client uses the new address within a minute. After a denial it keeps the open connections."""
        exporter = self.start()
        other = ScriptedApi(self.folder, [], good, host='127.0.0.2', port=self.api.port)
        self.addCleanup(other.close)
        (self.folder / 'sessions.txt').write_text(''.join(f'sess_of_this_row_{i:06}\n' for i in range(50)))
        with self.survives(exporter, 50) as before:
            self.dns('--address=/localhost/')
            self.let_time_pass(exporter, 35, 'an address is looked up again after half a minute')
            self.assertEqual(exporter.scrape().total(FAILURES), before.total(FAILURES))
            with within('the move', 65) as took:
                self.dns('--address=/localhost/127.0.0.2')
                wait_for('the new address', lambda: len(other.requests) > 100, 100)
            seen = len(self.api.requests)
            exporter.more_polls(400)
            self.assertLess(len(self.api.requests) - seen, 100)
        self.figure(f'the new address in use after {took[0]:.0f} s')


if __name__ == '__main__':
    main()
