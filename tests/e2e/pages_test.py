#!/usr/bin/env python3
"""From an alert to the cause: its links answer and show the stuck sessions; every link of every page leads somewhere."""

import html
import json
import re
import urllib.parse

from support import web
from support.case import EndToEnd, main
from support.nginx import PrefixProxy

THRESHOLDS = '{connecting: [2s, 30s], not_started: [1h]}'
TOKEN = 'a-token-of-the-session-api-for-tests'
EPISODES = 'episodes:\n  thresholds: {connecting: 2s}'


class Links:
    """Follows the links and the form of the pages at an address, as a browser does."""

    def __init__(self, address):
        self._address = address
        self.seen = {}

    def follow(self, path):
        """Visits the page and, once each, everything that it links to there."""
        place = urllib.parse.urldefrag(path).url
        if place in self.seen:
            return
        answer = web.request(self._address, place)
        self.seen[place] = answer
        if 'text/html' not in answer.headers['Content-Type']:
            return
        base = re.search(r'<base href="([^"]*)"', answer.text)
        base = urllib.parse.urljoin(place, html.unescape(base.group(1))) if base else place
        for target in re.findall(r'(?:href|action)="([^"]*)"', re.sub(r'<base [^>]*>', '', answer.text)):
            self.follow(urllib.parse.urljoin(base, html.unescape(target)))


class Pages(EndToEnd):
    def call(self, exporter, path, method='GET', **options):
        return exporter.get(path, method=method, headers={'Authorization': f'Bearer {TOKEN}'}, **options)

    def start(self, *flags, stuck=3, **options):
        self.api = self.simulator('--sessions', 5, '--active', '5m-20m', '--arrival-rate', '0', '--created', '200ms-1s')
        exporter = self.exporter(self.config(self.api.port, thresholds=THRESHOLDS, more=EPISODES, **options), *flags)
        self.ids = self.api.post('/_sessions', {'count': stuck, 'stuck': True})['ids']
        exporter.until('all stuck', lambda scrape: scrape.value(
            'kallglot_sessions_over_threshold', status='connecting', threshold_seconds='2') == stuck)
        return exporter

    def assert_all_answer(self, address, root, prefix=''):
        links = Links(address)
        links.follow(root)
        wrong = {path: answer.status for path, answer in links.seen.items() if answer.status not in (200, 404)}
        self.assertEqual(wrong, {})
        # The form without an id is the only page that finds nothing.
        self.assertEqual({path for path, answer in links.seen.items() if answer.status == 404}, {f'{prefix}/sessions'})
        for name in self.ids:
            self.assertEqual(links.seen[f'{prefix}/sessions/{name}'].status, 200)
        self.assertIn(f'{prefix}/runbooks', links.seen)
        for path, answer in links.seen.items():
            self.assertLess(len(answer.body), 200_000, path)
            if 'text/html' in answer.headers['Content-Type']:
                self.assertNotIn('<script', answer.text, path)
                self.assertIn("default-src 'none'", answer.headers['Content-Security-Policy'])

    def test_every_link_of_every_page_answers(self):
        exporter = self.start()
        self.assert_all_answer(exporter.address, '/')

    def test_links_work_behind_a_path_prefix(self):
        exporter = self.start('--web.external-url', 'http://127.0.0.1:1/calls/kallglot')
        self.assert_all_answer(exporter.address, '/calls/kallglot/', '/calls/kallglot')
        self.assertEqual(exporter.scrape().value('kallglot_exporter_web_info',
                                                 external_url='http://127.0.0.1:1/calls/kallglot'), 1)

    def assert_all_answer_behind_nginx(self, removes):
        port = web.free_port()
        exporter = self.start('--web.external-url', f'http://127.0.0.1:{port}/kallglot/')
        nginx = self.keep(PrefixProxy(self.folder, port, exporter.address, '/kallglot', removes=removes))
        address = f'127.0.0.1:{port}'
        self.assert_all_answer(address, '/kallglot/', '/kallglot')
        # nginx has nothing else: no link leaves the prefix.
        self.assertEqual(web.request(address, '/episodes').status, 404)
        found = web.request(address, f'/kallglot/sessions?id={self.ids[0][-6:]}')
        self.assertEqual(urllib.parse.urljoin('/kallglot/sessions', found.headers['Location']), f'/kallglot/sessions/{self.ids[0]}')
        self.assertEqual(nginx.stop(), 0)

    def test_links_work_behind_nginx_that_removes_the_prefix(self):
        self.assert_all_answer_behind_nginx(removes=True)

    def test_links_work_behind_nginx_that_passes_the_prefix_on(self):
        self.assert_all_answer_behind_nginx(removes=False)

    def test_box_finds_a_session_by_the_end_of_its_id(self):
        exporter = self.start()
        for text in (self.ids[0], self.ids[0][-6:]):
            answer = exporter.get(f'/sessions?id={text}')
            self.assertEqual((answer.status, answer.headers['Location']), (303, f'./sessions/{self.ids[0]}'))
        self.assertEqual(exporter.get('/sessions?id=absent').status, 404)

    def test_recovered_sessions_stay_on_the_page_of_episodes(self):
        exporter = self.start()
        for name in self.ids:
            self.assertIn(name, exporter.get('/episodes').text)
        self.assertIn('3 sessions are stuck', exporter.get('/episodes').text)
        self.api.post('/_free', {})
        exporter.expect('the ends', lambda: 'No session is stuck' in exporter.get('/episodes').text)
        page = exporter.get('/episodes').text
        for name in self.ids:
            self.assertIn(name, page)
        self.assertEqual(page.count('recovered'), 3)
        shown = exporter.get(f'/sessions/{self.ids[0]}').text
        self.assertIn('<strong>connecting</strong>', shown)
        self.assertIn('<strong>active</strong>', shown)

    def test_hostile_words_of_the_api_are_not_markup(self):
        self.write('token', TOKEN)
        exporter = self.start(session_lines='api_token_file: token')
        for name in ('%3Cscript%3Ealert(1)%3C%2Fscript%3E', '..%2F..%2Fmetrics', 'a%0Ab', "'onload='alert(1)"):
            self.assertIn(self.call(exporter, f'/api/v1/sessions/{name}', 'PUT').status, (400, 404), name)
        hostile = ['<script>alert(1)</script>', 'a"} 1\nkallglot_up 0\n#', '\x1b[31m']
        answer = self.call(exporter, '/api/v1/sessions', 'POST', body=json.dumps({'ids': hostile}))
        # As JSON, and not to be taken for something else.
        self.assertEqual([one['id'] for one in json.loads(answer.body)['rejected']], hostile)
        self.assertEqual((answer.headers['Content-Type'], answer.headers['X-Content-Type-Options']), ('application/json', 'nosniff'))
        self.api.set_faults(hostile_words=1.0)
        exporter.until('hostile answers', lambda scrape: scrape.total('kallglot_exporter_unknown_status_total') >= 20)
        links = Links(exporter.address)
        links.follow('/')
        links.follow('/episodes')
        # Nothing of the words is shown or logged: an unknown provider is `other`.
        texts = {path: answer.text for path, answer in links.seen.items()}
        texts['log'] = exporter.log()
        texts['sessions'] = self.call(exporter, '/api/v1/sessions?limit=100').text
        texts['episodes'] = self.call(exporter, '/api/v1/episodes').text
        self.assertIn('"provider":"other"', texts['sessions'])
        for place, text in texts.items():
            for part in ('alert(1)', '[31m', '\x1b', 'kallglot_up 0\n#'):
                self.assertFalse(part in text, f'{part!r} in {place}')
        for path, answer in links.seen.items():
            if 'text/html' in answer.headers['Content-Type']:
                # The only markup is ours: every element is one of these.
                elements = set(re.findall(r'<([a-z0-9]+)', re.sub(r'<style>.*?</style>', '', answer.text, flags=re.S)))
                self.assertLessEqual(elements, {
                    'html', 'head', 'meta', 'title', 'base', 'style', 'body', 'header', 'h1', 'h2', 'h3', 'nav', 'a', 'form', 'label',
                    'input', 'button', 'main', 'section', 'div', 'p', 'span', 'strong', 'code', 'ol', 'ul', 'li', 'dl', 'dt', 'dd',
                    'table', 'tr', 'th', 'td', 'svg', 'rect', 'path', 'footer'}, path)


if __name__ == '__main__':
    main()
