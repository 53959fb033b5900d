#!/usr/bin/env python3
"""Every link of every page clicked in a browser, behind nginx with a path prefix; the box; nothing refused by the policy of the pages."""

import unittest
import urllib.parse

from support import web
from support.case import EndToEnd, main
from support.chromium import CHROMIUM, Chromium
from support.nginx import PrefixProxy

PREFIX = '/kallglot'


@unittest.skipUnless(CHROMIUM, 'needs Chromium')
class Browser(EndToEnd):
    def setUp(self):
        super().setUp()
        port = web.free_port()
        self.base = f'http://127.0.0.1:{port}{PREFIX}/'
        self.api = self.simulator('--sessions', 5, '--active', '5m-20m', '--arrival-rate', '0', '--created', '200ms-1s')
        self.exporter_ = self.exporter(self.config(self.api.port, thresholds='{connecting: [2s, 30s], not_started: [1h]}',
                                                   more='episodes:\n  thresholds: {connecting: 2s}'),
                                       '--web.external-url', self.base)
        self.keep(PrefixProxy(self.folder, port, self.exporter_.address, PREFIX, removes=True))
        self.ids = self.api.post('/_sessions', {'count': 3, 'stuck': True})['ids']
        self.exporter_.until('all stuck', lambda scrape: scrape.value(
            'kallglot_sessions_over_threshold', status='connecting', threshold_seconds='2') == 3)
        self.browser = Chromium(self.folder)
        self.addCleanup(self.browser.close)

    def test_every_link_of_every_page_is_clicked_behind_a_prefix(self):
        todo, clicked = [self.base], {}
        while todo:
            page = todo.pop()
            self.assertEqual(self.browser.visit(page), 200)
            for link in self.browser.links():
                if (urllib.parse.urldefrag(page).url, link) in clicked:
                    continue
                self.assertTrue(link.startswith(self.base), f'{link} on {page}')
                self.browser.visit(page)
                place, status = self.browser.click(link)
                clicked[urllib.parse.urldefrag(page).url, link] = place
                self.assertEqual(status, 200, f'{link} on {page}')
                place = urllib.parse.urldefrag(place).url
                if all(place != urllib.parse.urldefrag(seen).url for seen in [page, *todo]) and all(place != of for of, _ in clicked):
                    todo.append(place)
        targets = {urllib.parse.urldefrag(place).url.removeprefix(self.base) for place in clicked.values()}
        self.assertLessEqual({'', 'episodes', 'runbooks', 'metrics', *(f'sessions/{name}' for name in self.ids)}, targets)
        print(f'{len(clicked)} links of {len({of for of, _ in clicked})} pages clicked')

    def test_box_finds_a_session_by_the_end_of_its_id_behind_a_prefix(self):
        for page in ('', f'sessions/{self.ids[1]}', 'episodes'):
            self.browser.visit(self.base + page)
            self.browser.answers.clear()
            self.browser.evaluate(f'document.getElementById("id").value = " {self.ids[0][-6:]} "')
            self.browser.evaluate('document.querySelector("form button").click()')
            self.assertEqual(self.browser.arrived(), (f'{self.base}sessions/{self.ids[0]}', 200))

    def test_style_is_applied_and_no_script_runs(self):
        for page in ('', f'sessions/{self.ids[0]}', 'episodes', 'runbooks', 'sessions?id=absent'):
            self.browser.visit(self.base + page)
            # A style sheet that the policy refused would have no rules in effect.
            self.assertEqual(self.browser.evaluate('getComputedStyle(document.querySelector("nav")).display'), 'flex', page)
            self.assertEqual(self.browser.evaluate('document.scripts.length'), 0)
            self.assertEqual(self.browser.evaluate('(document.body.append(Object.assign(document.createElement("script"), '
                                                   '{textContent: "window.ran = 1"})), window.ran === undefined)'), True)


if __name__ == '__main__':
    main()
