#!/usr/bin/env python3
"""What the status page says in each state, read without its markup."""

import html
import re

from support.case import EndToEnd, main

THRESHOLDS = '{connecting: [2s], not_started: [1h]}'


def words(page):
    """The page's text: no style, no markup, one space between words."""
    body = re.sub(r'<style>.*?</style>', '', page, flags=re.S)
    return ' '.join(html.unescape(re.sub(r'<[^>]+>', ' ', body)).split())


class StatusPage(EndToEnd):
    def start(self, *flags, api='', **options):
        self.api = self.simulator('--sessions', 60, '--active', '5m-20m', '--arrival-rate', '0', '--held-age', '1s-3s',
                                  *flags)
        return self.exporter(self.config(self.api.port, thresholds=THRESHOLDS, api=api, **options))

    def until_says(self, exporter, *parts):
        page = ''

        def says():
            nonlocal page
            page = words(exporter.get('/').text)
            return all(part in page for part in parts)
        exporter.expect(f'{parts} on the page', says)
        return page

    def test_healthy_page_says_so_first(self):
        exporter = self.start()
        exporter.until('every session polled', lambda scrape: scrape.value('kallglot_sessions', status='active') == 60)
        page = self.until_says(exporter, 'No session is stuck', 'active 60')
        for part in ('all 60', 'state ok', 'request budget unlimited', 'ids from file 60', 'store in memory only', 'webhooks off'):
            self.assertIn(part, page)
        self.assertNotIn('Stuck sessions', page)

    def test_stuck_sessions_are_listed_with_their_age(self):
        exporter = self.start()
        ids = self.api.post('/_sessions', {'count': 3, 'stuck': True})['ids']
        page = self.until_says(exporter, '3 sessions are stuck', '3 connecting; the longest for', *ids)
        self.assertRegex(page, re.escape(ids[0]) + r' connecting \d+ s polled (now|\d+ s ago)')
        answer = exporter.get('/')
        self.assertIn("default-src 'none'; style-src 'sha256-", answer.headers['Content-Security-Policy'])
        for forbidden in ('<script', 'http://', 'https://', ' style='):
            self.assertNotIn(forbidden, answer.text)

    def test_unreachable_api_comes_before_stuck_sessions(self):
        exporter = self.start('--stuck', 2)
        self.until_says(exporter, '2 sessions are stuck')
        self.api.kill()
        page = self.until_says(exporter, 'The API is unreachable', 'state unreachable')
        self.assertIn('At the last poll, 2 sessions were stuck.', page)

    def test_rejected_key_is_named(self):
        exporter = self.start()
        self.until_says(exporter, 'No session is stuck')
        self.api.set_faults(unauthorized=1.0)
        self.until_says(exporter, 'The API rejects the key', 'state unauthorized')

    def test_page_without_sessions_says_how_to_register_some(self):
        api = self.simulator('--sessions', 1)
        config = self.config(api.port)
        config.write_text(config.read_text().replace('[sessions.txt]', '[]'))
        page = words(self.exporter(config).get('/').text)
        self.assertIn('No sessions are tracked', page)
        self.assertIn('by webhook, by the session API or in a session file', page)


if __name__ == '__main__':
    main()
