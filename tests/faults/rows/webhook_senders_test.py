#!/usr/bin/env python3
"""Webhooks that come again, and requests to the webhook listener that are no webhooks."""

import time

from fault_case import Row, main
from support import web
from support.durable import Durable, event, signed

PATH = '/webhooks/kallglot'
REQUESTS = 'kallglot_exporter_webhook_requests_total'
EVENTS = 'kallglot_exporter_webhook_events_total'
DELAY = 'kallglot_exporter_webhook_delivery_delay_seconds'


class WebhookSenders(Durable, Row):
    def test_x13_a_repeated_event_is_a_duplicate_whatever_its_type(self):
        """One captured webhook comes five times, of a session or not; the unsigned time of the event is 1970
        The first is accepted, the others are duplicates and move no metric but that. Delays over 72 hours are left out."""
        daemon = self.launch()
        kinds = ('transcript.segment', 'recording.ready', 'billing.paid', 'session.created', 'session.teleported')
        for number, kind in enumerate(kinds):
            body = event(f'captured_{number}', 'sess_of_a_capture', kind)
            headers = {**signed(body), 'Kallglot-Original-Timestamp': '0'}
            for _ in range(5):
                self.assertEqual(web.request(daemon.webhooks, PATH, 'POST', body, headers).status, 200)
        scrape = daemon.scrape()
        self.assertEqual(scrape.value(REQUESTS, result='accepted'), len(kinds))
        self.assertEqual(scrape.value(REQUESTS, result='duplicate'), 4 * len(kinds))
        self.assertEqual(scrape.total(EVENTS), len(kinds))
        self.assertEqual(scrape.value(EVENTS, event='transcript.segment'), 1)
        self.assertEqual(scrape.value(f'{DELAY}_count'), 0)
        body = event('in_time', 'sess_of_a_capture', 'transcript.ready')
        web.request(daemon.webhooks, PATH, 'POST', body,
                    {**signed(body), 'Kallglot-Original-Timestamp': str(int(time.time()) - 3600)})
        self.assertEqual(daemon.scrape().value(f'{DELAY}_count'), 1)
        self.figure(f'{5 * len(kinds)} deliveries: {len(kinds)} accepted, {4 * len(kinds)} duplicates')


if __name__ == '__main__':
    main()
