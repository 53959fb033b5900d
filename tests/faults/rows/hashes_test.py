#!/usr/bin/env python3
"""Ids that a client made on purpose, and a store that another program changed."""

import http.client
import random
import sqlite3
import statistics
import time

from colliding_ids import ALPHABET, colliding_ids
from fault_case import Row, main, wait_for, whole
from support.durable import ALL, TOKEN, Durable, event
from support.usage import cpu_seconds

AT_ONCE = 10_000
# Of the CPU for as many random ids. Tables that do not withstand crafted ids need tens to hundreds of times as much.
MOST_CPU = 2.5
LOOK_UPS = 500
FORGOTTEN = 'kallglot_exporter_sessions_forgotten_total'
WEBHOOKS = 'kallglot_exporter_webhook_requests_total'

# Texts with one key in stores of version 1, which a client can compute.
ID, SAME_KEY = 'sess_01HXYZ123456789', 'sess_zEc_fxHNxCDQdrg_K-_F3p'


def random_ids(count):
    rng = random.Random(7)
    return [''.join(rng.choices(ALPHABET, k=64)) for _ in range(count)]


class Ids(Durable, Row):
    def register(self, exporter, ids):
        """The longest that the loop was held up meanwhile, in seconds."""
        held = 0.0
        for at in range(0, len(ids), AT_ONCE):
            self.assertEqual(self.ask(exporter, 'POST', ALL, {'ids': ids[at:at + AT_ONCE]}).status, 200)
            held = max(held, exporter.scrape().value('kallglot_exporter_event_loop_delay_seconds'))
        return held

    def look_up(self, exporter, ids):
        """The median time of a request for one session, in seconds."""
        connection, took = http.client.HTTPConnection(exporter.address), []
        for name in ids[::max(1, len(ids) // LOOK_UPS)]:
            begun = time.monotonic()
            connection.request('GET', f'{ALL}/{name}', headers={'Authorization': f'Bearer {TOKEN}'})
            answer = connection.getresponse()
            answer.read()
            took.append(time.monotonic() - begun)
            self.assertEqual(answer.status, 200)
        connection.close()
        return statistics.median(took)

    def costs(self, kind, ids):
        """CPU seconds to register all of them, to restart with them, and seconds to look one up; and how long the loop was held up."""
        exporter = self.launch(store=f'{kind}.db')
        before = cpu_seconds(exporter.process.pid)
        held = self.register(exporter, ids)
        registering = cpu_seconds(exporter.process.pid) - before
        exporter.stop()
        exporter = self.launch(store=f'{kind}.db')
        restart = cpu_seconds(exporter.process.pid)
        self.assertGreaterEqual(exporter.scrape().total('kallglot_sessions'), len(ids))
        found = self.look_up(exporter, ids)
        exporter.stop()
        return (registering, restart, found), held

    def compare(self, count):
        by_chance, held_by_chance = self.costs('random', random_ids(count))
        crafted, held = self.costs('crafted', colliding_ids(count))
        ratios = [one / other for one, other in zip(crafted, by_chance)]
        self.figure(f'{count:,} crafted ids: {ratios[0]:.2f} of the CPU of random ones, {ratios[1]:.2f} at a restart ({crafted[1]:.1f} s); one is '
                    f'looked up in {crafted[2] * 1e6:.0f} µs ({by_chance[2] * 1e6:.0f} for random ones); the loop was held for at most '
                    f'{held * 1000:.1f} ms ({held_by_chance * 1000:.1f})')
        self.assertLess(max(ratios), MOST_CPU)

    def test_x4_crafted_ids_cost_no_more_than_random_ones(self):
        """A client registers ids that share one value of a well-known hash
        They take as much CPU as random ids, when they are registered and at a restart, and one is found as fast."""
        self.compare(30_000)

    @whole
    def test_x4_a_million_crafted_ids_cost_no_more_than_random_ones(self):
        """A client registers a million ids that share one value of a well-known hash
        They take as much CPU as random ids, when they are registered and at a restart, and one is found as fast."""
        self.compare(990_000)

    def with_quick_end(self):
        """A daemon that forgets an id after a second of 404 answers."""
        # Few, so that their 404 answers do not look like an outage.
        self.write('ids.txt', 'sess_from_a_file\n')
        exporter = self.launch()
        config = self.folder / 'durable.yml'
        config.write_text(config.read_text()
                          + 'poll: {not_found_after: 1s, intervals: {unknown: 200ms, created: 200ms, connecting: 200ms}}\n')
        exporter.send(1)
        exporter.expect('the reload', lambda: 'msg=reloaded' in exporter.log())
        return exporter

    def test_x9_a_crafted_id_hides_no_other(self):
        """A client registers an id with the key that an earlier version would give to another id
        The other id is tracked when a webhook or a file names it."""
        exporter = self.with_quick_end()
        self.assertEqual(self.put(exporter, SAME_KEY), 201)
        wait_for('the crafted id was forgotten', lambda: SAME_KEY not in self.tracked(exporter), 60)
        self.assertEqual(self.deliver(exporter, event('of_the_other', ID)).status, 200)
        self.assertEqual(exporter.scrape().value(WEBHOOKS, result='outdated'), 0)
        self.assertEqual(exporter.scrape().total('kallglot_exporter_sessions_added_total', source='webhook'), 1)

        first, second = colliding_ids(2)
        added = exporter.scrape().total('kallglot_exporter_sessions_added_total', source='file')
        with open(self.folder / 'ids.txt', 'a', encoding='ascii') as file:
            file.write(f'{first}\n')
        exporter.until('the first', lambda scrape: scrape.total('kallglot_exporter_sessions_added_total', source='file') > added)
        with open(self.folder / 'ids.txt', 'a', encoding='ascii') as file:
            file.write(f'{second}\n')
        exporter.until('the second', lambda scrape: scrape.total('kallglot_exporter_sessions_added_total', source='file') > added + 1)
        self.figure('an id of a webhook and one of a file, each with the hash of a crafted one: both tracked')

    def test_x9_a_session_with_the_id_of_an_event_revives_no_event(self):
        """A client registers the id of an event as that of a session
        The event stays a duplicate."""
        exporter = self.launch()
        body = event('01HZZZZZZ0000000001', 'sess_of_the_event')
        self.assertEqual(self.deliver(exporter, body).status, 200)
        for name in ('evt_01HZZZZZZ0000000001', 'sess_vCNQlOyTz60GmvEoN-OCyC'):
            self.assertEqual(self.put(exporter, name), 201)
            self.assertEqual(self.deliver(exporter, body).status, 200)
        scrape = exporter.scrape()
        self.assertEqual(scrape.value(WEBHOOKS, result='accepted'), 1)
        self.assertEqual(scrape.value(WEBHOOKS, result='duplicate'), 2)
        self.figure('1 accepted, 2 of 2 replays are duplicates')


class Store(Durable, Row):
    ENDLESS = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)'

    def changed(self, *statements):
        """The store of a daemon that was stopped, with these statements run in it."""
        exporter = self.launch()
        self.assertEqual(self.put(exporter, 'sess_before_the_change'), 201)
        exporter.stop()
        with sqlite3.connect(self.folder / 'sessions.db') as store:
            for statement in statements:
                store.execute(statement)
        store.close()

    def test_x11_a_store_with_a_trigger_is_set_aside(self):
        """Another program adds a trigger to the store that deletes each new session
        The store counts as damaged: it is kept, its sessions are saved, and acknowledged sessions survive."""
        self.changed('CREATE TRIGGER t AFTER INSERT ON sessions BEGIN DELETE FROM sessions WHERE id = new.id; END')
        exporter = self.launch()
        self.assertIn('store was damaged', exporter.log())
        self.assertTrue((self.folder / 'sessions.db.damaged-1').exists())
        self.assertEqual(self.put(exporter, 'sess_after_the_change'), 201)
        exporter.stop()
        exporter = self.launch()
        self.assertLessEqual({'sess_before_the_change', 'sess_after_the_change'}, self.tracked(exporter))
        self.figure('set aside; both sessions are there after the restart')

    def test_x11_an_endless_view_does_not_delay_the_start(self):
        """Another program replaces a table of the store by a view without an end
        The store counts as damaged, and the daemon starts with the sessions that it can read."""
        self.changed('DROP TABLE remembered',
                     f'CREATE VIEW remembered(high, low, "key", at, kind) AS {self.ENDLESS} SELECT i, i, i, i, i FROM n')
        exporter = self.launch()
        self.assertIn('store was damaged', exporter.log())
        self.assertIn('sess_before_the_change', self.tracked(exporter))
        self.figure('ready, with the session from before')


if __name__ == '__main__':
    main()
