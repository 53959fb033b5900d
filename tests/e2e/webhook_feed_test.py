#!/usr/bin/env python3
"""A daemon that gets its sessions only by webhooks of the simulator: in order, repeated, unordered, or lost."""

from support import web
from support.case import EndToEnd, main
from support.configuration import every, receiving
from support.durable import SECRET

COUNT = 100
INTERVALS = every('1s', audit='5s')


class WebhookFeed(EndToEnd):
    def setUp(self):
        super().setUp()
        hook = web.free_port()
        self.write('secret', SECRET)
        self.api = self.simulator('--sessions', 0, '--arrival-rate', '0', '--created', '200ms-600ms', '--connecting',
                                  '200ms-600ms', '--active', '500ms-1500ms', '--ending', '0s-200ms',
                                  '--webhook-url', f'http://127.0.0.1:{hook}/webhooks/kallglot',
                                  '--webhook-secret-file', self.folder / 'secret', '--webhook-first-retry', '200ms')
        self.daemon = self.exporter(self.config(self.api.port, name='feed.yml', intervals=INTERVALS, thresholds=None,
                                                files='', webhook=receiving(hook)))
        self.daemon.expect('ready', lambda: self.daemon.get('/-/ready').status == 200)

    def webhooks(self):
        return self.api.stats()['webhooks']

    def live_through(self, total):
        """New sessions, until all of the `total` have lived; the last scrape."""
        self.api.post('/_sessions', {'count': COUNT})
        return self.daemon.until('all have ended', lambda scrape: scrape.value('kallglot_sessions', status='ended') == total)

    def test_webhooks_register_every_session_and_replace_polls(self):
        scrape = self.live_through(COUNT)
        self.daemon.expect('every event delivered', lambda: self.webhooks()['delivered'] == 3 * COUNT)
        self.assertEqual(self.webhooks()['made'], 3 * COUNT)
        self.assertEqual(scrape.total('kallglot_sessions'), COUNT)
        self.daemon.expect('webhooks reliable', lambda: 'webhooks reliable' in self.daemon.log())
        # Each session costs its last poll now, and hardly more; every second without webhooks.
        before = self.api.stats()['requests']['session']
        scrape = self.live_through(2 * COUNT)
        self.daemon.until('the last polls', lambda later: later.total('kallglot_sessions_ended_total') == 2 * COUNT)
        spent = (self.api.stats()['requests']['session'] - before) / COUNT
        print(f'{spent:.2f} requests a session while webhooks are reliable')
        self.assertLessEqual(spent, 1.5)
        self.assertEqual(scrape.value('kallglot_session_regressions_total'), 0)
        self.assertEqual(scrape.value('kallglot_exporter_webhook_missed_transitions_total'), 0)

    def test_repeated_and_unordered_webhooks_change_nothing(self):
        self.api.set_faults(webhook_twice=0.5, webhook_shuffled=0.5)
        scrape = self.live_through(COUNT)
        self.daemon.expect('all delivered', lambda: self.webhooks()['waiting'] == 0
                           and self.webhooks()['delivered'] > 3 * COUNT)
        scrape = self.daemon.scrape()
        self.assertGreater(scrape.value('kallglot_exporter_webhook_requests_total', result='duplicate'), 0)
        self.assertEqual(scrape.value('kallglot_session_regressions_total'), 0)
        self.assertEqual(scrape.value('kallglot_sessions', status='ended'), COUNT)
        self.daemon.until('each ended once', lambda later: later.total('kallglot_sessions_ended_total') == COUNT)

    def test_polls_replace_lost_webhooks(self):
        self.api.set_faults(webhook_lost=0.3)
        self.api.post('/_sessions', {'count': COUNT})
        self.daemon.expect('all sent or lost', lambda: self.webhooks()['made'] == 3 * COUNT and self.webhooks()['waiting'] == 0)
        lost = self.webhooks()['lost']
        self.assertGreater(lost, COUNT // 2)
        # A session is tracked to its end if any of its events arrives.
        scrape = self.daemon.until('known are ended', lambda scrape: scrape.total('kallglot_sessions') > COUNT // 2
                                   and scrape.value('kallglot_sessions', status='ended') == scrape.total('kallglot_sessions'))
        self.assertGreaterEqual(scrape.total('kallglot_sessions'), COUNT * 9 // 10)
        self.assertEqual(scrape.value('kallglot_session_regressions_total'), 0)

    def test_undelivered_webhook_is_retried(self):
        self.daemon.stop()
        self.api.post('/_sessions', {'count': 1})
        self.api.expect('failed attempts', lambda: self.webhooks()['failed_attempts'] >= 3)
        again = self.exporter(self.folder / 'feed.yml', name='again')
        again.until('it came', lambda scrape: scrape.total('kallglot_sessions') == 1)


if __name__ == '__main__':
    main()
