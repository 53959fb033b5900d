#!/usr/bin/env python3
"""Input that is not valid HTTP, JSON, a session or a label, from the API and from clients."""

import collections
import json
import random
import re
import string
import subprocess
import time

from fault_case import BINARY_DIR, SOURCE_DIR, Row, main, whole
from scripted_api import active, response, session
from support import web
from support.durable import ALL, TOKEN, Durable, signed


def post(path, *fields, body=b'{}', version='1.1', host='Host: x'):
    head = '\r\n'.join([f'POST {path} HTTP/{version}', *([host] if host else []), *fields])
    return head.encode('latin-1') + b'\r\n\r\n' + body


class Messages(Durable, Row):
    """Both listeners get the same bytes."""

    def refused(self, *messages, codes=('400', '411', '431', '501', '413')):
        exporter = self.launch()
        for message in messages:
            for address, path in ((exporter.address, b'/-/reload'), (exporter.webhooks, b'/webhooks/kallglot')):
                received = web.exchange(address, message.replace(b'PATH', path))
                self.assertEqual(received[:9], b'HTTP/1.1 ', message[:80])
                self.assertIn(received[9:12].decode(), codes, message[:120])
                self.assertEqual(received.count(b'HTTP/1.1 '), 1, f'more than one answer to {message[:120]}')
        self.assertEqual(exporter.get('/-/healthy').status, 200)
        self.assertEqual(exporter.scrape().total('kallglot_exporter_webhook_requests_total', result='accepted'), 0)
        exporter.stop()
        self.assert_clean_end(exporter)
        return len(messages)

    def test_b1_ambiguous_framing_is_rejected(self):
        """Transfer-Encoding with Content-Length, gzip or unknown codings, in HTTP/1.0; two lengths or a list
        The listener answers 400, 411 or 501 and closes; it never reads the rest as another request. The API client drops
        the response."""
        smuggled = b'0\r\n\r\nGET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n'
        count = self.refused(*[post('PATH', *fields, body=smuggled, version=version) for fields, version in (
            (('Transfer-Encoding: chunked', 'Content-Length: 4'), '1.1'), (('Content-Length: 4', 'Transfer-Encoding: chunked'), '1.1'),
            (('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'), '1.1'), (('Transfer-Encoding: gzip',), '1.1'), (('Transfer-Encoding: gzip, chunked',), '1.1'),
            (('Transfer-Encoding: chunked, gzip',), '1.1'), (('Transfer-Encoding: xchunked',), '1.1'),
            (('Transfer-Encoding: chunked',), '1.0'), (('Content-Length: 4', 'Content-Length: 5'), '1.1'),
            (('Content-Length: 4', 'Content-Length: 4'), '1.1'), (('Content-Length: 4, 4',), '1.1'), (('Content-Length: +4',), '1.1'),
            (('Content-Length: 0x4',), '1.1'), (('Content-Length: -1',), '1.1'))])
        self.suite('net_test', 'Responses/Refused.*', 90, f'{count} requests at two listeners, {{passed}} answers')

    def test_b2_endless_chunk_extension_is_rejected(self):
        """A chunk extension of one mebibyte
        All extensions of a request have at most one kibibyte. In a response, a line longer than 16 KiB is rejected."""
        self.refused(post('PATH', 'Transfer-Encoding: chunked', body=b'2;' + b'e' * (1 << 20) + b'\r\n{}\r\n0\r\n\r\n'))
        self.suite('net_test', '*HugeChunkExtension*', 1, 'refused on both sides')

    def test_b3_trailers_are_rejected(self):
        """Trailers of 64 KiB, Connection or Content-Length in a trailer
        Trailers are rejected and never change what the header said. An exception of Beast closes one connection only."""
        for trailer in (b'X: ' + b'h' * 65536, b'Connection: close', b'Content-Length: 3'):
            self.refused(post('PATH', 'Transfer-Encoding: chunked', body=b'2\r\n{}\r\n0\r\n' + trailer + b'\r\n\r\n'))
        self.suite('net_test', '*Trailer*', 4, '3 requests and {passed} answers')

    def test_b4_malformed_headers_are_rejected(self):
        """17 KiB of header, 2,000 fields, NUL, a bare line feed, a folded line, a space before the colon, no Host, two Hosts
        Each gets 400 or 431."""
        count = self.refused(
            post('PATH', 'X: ' + 'h' * 17000), post('PATH', *['a:'] * 2000), post('PATH', 'X: a\0b'),
            b'POST PATH HTTP/1.1\nHost: x\n\n', post('PATH', 'X: a', ' folded'), post('PATH', 'X : a'), post('PATH', host=''),
            post('PATH', 'Host: y'))
        self.suite('net_test', 'Requests/RefusedRequest.*', 100, f'{count} at two listeners, {{passed}} in the parser')


class Bodies(Durable, Row):
    def hook(self, exporter, body):
        return web.request(exporter.webhooks, '/webhooks/kallglot', 'POST', body, signed(body)).status

    def test_b5_deep_json_is_rejected(self):
        """Arrays nested 17 and a million deep
        Responses, webhooks and the session API accept 16 levels at most."""
        self.suite('api_test', '*SixteenLevels*', 2, '')
        exporter = self.launch()
        for depth in (17, 30_000):
            body = b'{"id":"evt_1","type":"session.created","data":' + b'[' * depth + b']' * depth + b'}'
            self.assertEqual(self.hook(exporter, body), 400)
        answer = exporter.get(ALL, method='POST', body=b'{"ids":' + b'[' * 100_000 + b']' * 100_000 + b'}',
                              headers={'Authorization': f'Bearer {TOKEN}'})
        self.assertEqual(answer.status, 400)
        self.figure('16 levels')

    def test_b6_wide_json_costs_little(self):
        """A body of one mebibyte of `0,`
        A body over the limit is rejected unread. Below the limit, ignored members allocate no memory."""
        exporter = self.launch()
        self.assertEqual(web.exchange(exporter.webhooks, post('/webhooks/kallglot', f'Content-Length: {1 << 20}',
                                                              body=b'{"a":[' + b'0,' * (1 << 19)))[9:12], b'413')
        wide = b'{"id":"evt_1","type":"session.created","more":[' + b'0,' * 32_000 + b'0]}'
        begun = time.monotonic()
        for _ in range(50):
            self.assertIn(self.hook(exporter, wide), (200, 400))
        self.suite('api_test', 'SessionParserCost.*:WebhookEventHostile.LongTexts*', 2,
                   f'64 KiB in {1000 * (time.monotonic() - begun) / 50:.1f} ms with the round trip')

    def test_b7_invalid_numbers_are_left_out(self):
        """1e999, thirty digits, NaN, a byte order mark, bytes after the end
        No invalid number reaches a metric: the field is left out, or the body is malformed."""
        self.suite('api_test', 'SessionParserHostile.*', 7, '')
        exporter = self.launch()
        for body in (b'{"id":1e999,"type":"x"}', b'{"id":"evt","type":NaN}', b'\xef\xbb\xbf{"id":"evt","type":"x"}', b'{"id":"evt","type":"x"}}'):
            self.assertEqual(self.hook(exporter, body), 400)
        self.assertNotRegex(exporter.get('/metrics').text, r'(?m)^kallglot_session.*(Inf|NaN)$(?<!\+Inf"\} 0)')
        self.figure('4 refused')

    def test_b9_repeated_keys_are_malformed(self):
        """id or status twice in one object
        The body is malformed: neither value is used."""
        self.suite('api_test', 'SessionParserHostile.IdOrStatusTwice*:WebhookEventHostile.RepeatedMembers*', 2)


class Answers(Row):
    def test_b8_invalid_text_reaches_no_label(self):
        """Broken UTF-8, lone surrogates, overlong forms and \\u0000 in every text of a response
        The body is malformed, or the text becomes a known word or `other`. No such byte reaches a metric or the log."""
        bad = [b'\xff', b'\xc0\xaf', b'\xed\xa0\x80', b'\\u0000', b'\\ud800', b'a\\nb', b'\x1b[31m'.replace(b'\x1b', b'\\u001b')]
        exporter = self.scripted(14, active)
        place = {name: index for index, name in enumerate(self.ids)}

        def answer(peer, name):
            word = bad[place[name] // 2]
            field = b'"mode":"voice"' if place[name] % 2 else b'"provider":"twilio"'
            body = session(name, 'active', started_at='2026-01-01T00:00:05Z').replace(b'": "', b'":"')
            return response(body.replace(field, field[:field.index(b':') + 2] + word + b'"'))

        with self.survives(exporter, 14):
            self.api.answer = answer
            seen = len(self.api.requests)
            exporter.expect('polls of all', lambda: len(self.api.requests) > seen + 200)
            text = exporter.get('/metrics').body
            for one in (b'\xff', b'\x00', b'\x1b', b'31m'):
                self.assertNotIn(one, text)
            self.api.answer = active
        self.figure(f'{len(bad)} kinds in two fields')

    @whole
    def test_b10_missing_or_retyped_fields_give_the_right_state(self):
        """Each field of each sample of the API is removed, null, or of another type
        The state is right or the body is rejected. All unknown statuses share one bucket."""
        self.suite('api_test', 'SessionParserMutation.EachField*', 1, '')
        samples = [json.loads(path.read_text()) for path in sorted((SOURCE_DIR / 'tests' / 'samples').glob('session_*.json'))]
        cases = []
        for sample in samples:
            for key in sample:
                cases.append({name: value for name, value in sample.items() if name != key})
                cases += [{**sample, key: value} for value in (None, 7, -1.5, True, 'word', [], {}, [sample], {'id': 'x'}, '')]
        exporter = self.scripted(len(cases), active, poll='ended_retention: 1h')
        case_of = dict(zip(self.ids, cases))
        ours = {sample['id'] for sample in samples}
        asked = collections.Counter()

        def answer(peer, name):
            asked[name] += 1
            if asked[name] % 2 == 0:
                return active(peer, name)
            case = case_of[name]
            own = {'id': name} if isinstance(case.get('id'), str) and case['id'] in ours else {}
            return response(json.dumps({**case, **own}).encode())

        self.api.answer = answer
        exporter.expect('every case', lambda: len(asked) == len(cases))
        scrape = exporter.scrape()
        self.assertEqual(scrape.total('kallglot_sessions'), len(cases))
        self.assertTrue(exporter.running())
        self.assertEqual(set(scrape.by('status', 'kallglot_sessions')),
                         {'created', 'connecting', 'active', 'ending', 'ended', 'unknown'})
        self.figure(f'{len(cases)} cases')

    @whole
    def test_b15_hostile_words_add_no_series(self):
        """A hundred thousand unknown statuses, modes, providers and event types
        Neither the number of series nor the size of a scrape grows."""
        exporter = self.world(200, more='metrics: {per_session_limit: 20}')

        def size():
            return len(exporter.get('/metrics').text.splitlines())
        early = size()
        self.api.set_faults(hostile_words=0.9)
        self.api.expect('words', lambda: self.api.stats()['faults']['hostile_words'] > 5000)
        self.assertLessEqual(abs(size() - early), 60)
        self.assertLess(len(exporter.get('/metrics').body), 1 << 20)
        self.elsewhere('metrics_test', 'UnderPrometheus.test_hostile_words_add_no_series_under_prometheus')
        self.figure(f'{early} lines before, {size()} after 15,000 words; 100,000 under Prometheus')


class Labels(Row):
    def test_b12_label_values_are_read_back_exactly(self):
        """Quotes, backslashes and line ends in label values
        Prometheus' own parser reads back exactly what was written, a hundred thousand times."""
        self.suite('metrics_test', 'LabelValues.*:Values/SanitiseLabelValue.*', 13, '')
        self.suite('promtool_test', 'Promtool.AcceptsAHundredThousandHostileLabelValues', 1, '100,000 values')

    def test_b13_invalid_utf8_loses_no_scrape(self):
        """A byte that is not UTF-8 in a label value, for which Prometheus drops the whole scrape
        One function sanitises all label values and replaces the byte. Without it, promtool rejects the text."""
        self.suite('promtool_test', 'Promtool.RefusesOneBadByte:Promtool.Accepts*', 2, '')
        self.elsewhere('metrics_test', 'UnderPrometheus.test_target_follows_changes_and_a_restart')
        self.figure('0 scrapes lost under Prometheus')

    def test_b14_names_and_help_are_constants(self):
        """A line end in HELP, an invalid name of a label or a metric
        Names and HELP come from one table in the source; no input can change them. promtool reports nothing."""
        self.suite('metrics_test', 'MetricTable.*', 4, '')
        self.elsewhere('metrics_test', 'Metrics.test_promtool_reports_nothing', 'Metrics.test_every_metric_matches_the_contract')
        self.figure('every name as published')


class Ids(Durable, Row):
    def test_b11_id_never_becomes_another_path(self):
        """Ids with /, .., %2f, CR LF, ten kilobytes, and a hundred thousand random ones
        Every id is checked before it is registered. The client never requests a path other than /v1/sessions/<id>."""
        self.suite('tracking_test', 'SessionId.*', 6, '')
        exporter = self.launch()
        chance = random.Random(11)
        table = ['../admin', 'a/b', 'a%2fb', 'a\r\nX: y', 'x' * 10_000, 'é', 'a b', '', '.', '..', 'a?b', 'a#b', 'a\0b', 'A' * 65]
        characters = string.printable + 'é€/\\%'
        refused = 0
        for turn in range(10):
            ids = [*table, *(''.join(chance.choices(characters, k=chance.randrange(1, 70))) for _ in range(9900))]
            answer = self.ask(exporter, 'POST', ALL, {'ids': ids})
            self.assertEqual(answer.status, 200, answer.text[:200])
            rejected = len(json.loads(answer.body)['rejected'])
            self.assertEqual(rejected, sum(re.fullmatch('[A-Za-z0-9_-]{1,64}', one) is None for one in ids))
            refused += rejected
        for one in ('..%2fadmin', 'a%2fb', 'a%0d%0ab', 'a;b', 'a%00'):
            self.assertIn(self.ask(exporter, 'PUT', f'{ALL}/{one}').status, (400, 404))
        (self.folder / 'ids.txt').write_text('\n'.join(one for one in table if '\n' not in one) + '\n')
        polls = exporter.scrape().total('kallglot_exporter_polls_total')
        exporter.until('polls', lambda scrape: scrape.total('kallglot_exporter_polls_total') > polls + 300)
        stats = self.api.stats()['requests']
        self.assertEqual((stats['other'], stats['malformed']), (0, 0))
        self.assertGreater(stats['session'], 300)
        self.figure(f'{refused:,} of 99,140 refused, 0 requests elsewhere')


class Fuzzed(Row):
    def test_b16_every_parser_has_a_fuzzer_and_a_corpus(self):
        """All inputs of the fuzzers so far, and what they found, are replayed
        No crash and no hang, and no invalid input is accepted. ./dev fuzz runs the search itself."""
        folder = SOURCE_DIR / 'tests' / 'fuzz'
        targets = sorted(file.name.removesuffix('_fuzz.cpp') for file in folder.glob('*_fuzz.cpp'))
        self.assertGreaterEqual(len(targets), 10)
        inputs = 0
        for name in targets:
            program = BINARY_DIR / 'fuzz' / f'{name}_fuzz'
            if not program.exists():
                self.skipTest('the fuzzers are built with clang only')
            seeds = list((folder / 'corpus' / name).iterdir())
            self.assertGreaterEqual(len(seeds), 2, name)
            inputs += len(seeds)
            done = subprocess.run([program, '-runs=0', '-timeout=5', folder / 'corpus' / name], capture_output=True, text=True,
                                  errors='replace', check=False, timeout=100)
            self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        self.figure(f'{len(targets)} targets, {inputs} inputs')


if __name__ == '__main__':
    main()
