#!/usr/bin/env python3
"""The simulator speaks HTTP/2 to other clients, and its faults of HTTP/2 are what they say."""

from support.case import EndToEnd, main
from support.http2 import FLOODS, VIOLATIONS, Curl, h2load, nghttp
from support.programs import STILL


class SimulatorHttp2(EndToEnd):
    def start(self, *flags):
        api = self.simulator('--sessions', 30, *STILL, *flags)
        self.ids = (api.folder / 'sessions.txt').read_text().split()
        return api

    def test_curl_agrees_on_http2_and_on_http1(self):
        api = self.start()
        for version, agreed in (('--http2', '2'), ('--http1.1', '1.1')):
            answer = Curl(api, self.ids[0], version)
            self.assertEqual((answer.code, answer.version, answer.status), (0, agreed, '200'), answer.error)
            self.assertIn(self.ids[0], answer.body)
        self.assertEqual(api.stats()['http2']['requests'], 1)
        self.assertEqual(api.stats()['requests']['session'], 2)

    def test_version_of_the_command_line_is_the_only_one(self):
        self.assertEqual(Curl(self.start('--http-version=1.1'), self.ids[0]).version, '1.1')

    def test_http2_alone_refuses_a_client_of_http1(self):
        api = self.start()
        api.set_faults(alpn='h2')
        self.assertEqual(Curl(api, self.ids[0]).version, '2')
        self.assertNotEqual(Curl(api, self.ids[0], '--http1.1').code, 0)

    def test_thousand_requests_over_one_connection(self):
        api = self.start()
        self.assertEqual(h2load(api, self.ids[0], 1000)['succeeded'], 1000)
        stats = api.stats()['http2']
        self.assertEqual((stats['connections'], stats['requests']), (1, 1000))
        self.assertGreater(stats['streams_peak'], 1)

    def test_goaway_after_a_count_drops_what_is_behind_it(self):
        api = self.start()
        api.set_faults(close_after=10)
        frames = nghttp(api, self.ids)
        self.assertIn('recv GOAWAY', frames)
        self.assertIn('last_stream_id=', frames)
        self.assertEqual(api.stats()['requests']['session'], 10)

    def test_codes_of_goaway_and_rst_stream(self):
        api = self.start()
        api.set_faults(goaway=1, goaway_code='ENHANCE_YOUR_CALM')
        self.assertIn('error_code=ENHANCE_YOUR_CALM', nghttp(api, self.ids[:1]))
        for faults, words in (({'refused_stream': 1}, 'error_code=REFUSED_STREAM'),
                              ({'http_1_1_required': 1}, 'error_code=HTTP_1_1_REQUIRED'),
                              ({'reset_stream': 1}, 'error_code=CANCEL'),
                              ({'reset_body': 1, 'reset_code': 'NO_ERROR'}, 'error_code=NO_ERROR')):
            with self.subTest(faults):
                api.set_faults(**faults)
                self.assertRegex(nghttp(api, self.ids[:1]), rf'recv RST_STREAM[^\n]*\n[^\n]*{words}')

    def test_wrong_lengths_and_forbidden_fields_fail_in_curl(self):
        api = self.start()
        for fault in ('longer_body', 'shorter_body', 'forbidden_field'):
            with self.subTest(fault):
                api.set_faults(**{fault: 1})
                self.assertEqual(Curl(api, self.ids[0]).code, 92)

    def test_harmless_variants_succeed_in_curl(self):
        api = self.start()
        for fault in ('interim', 'interim_flood', 'trailers', 'trailer_field', 'chunked', 'two_responses'):
            with self.subTest(fault):
                api.set_faults(**{fault: 1})
                answer = Curl(api, self.ids[0])
                self.assertEqual((answer.code, answer.status), (0, '200'), answer.error)

    def test_curl_falls_back_when_http1_is_required(self):
        api = self.start()
        api.set_faults(http_1_1_required=1)
        answer = Curl(api, self.ids[0])
        self.assertEqual((answer.code, answer.version, answer.status), (0, '1.1', '200'), answer.error)

    def test_violations_and_floods_end_without_an_answer(self):
        api = self.start()
        for fault in (*VIOLATIONS, *FLOODS):
            # A client sees the whole answer before this flood.
            if fault == 'reset_flood':
                continue
            with self.subTest(fault):
                api.set_faults(**{fault: 1})
                self.assertNotEqual(Curl(api, self.ids[0], seconds=1).code, 0)
                self.assertEqual(api.stats()['faults'][fault], 1)
                api.post('/_stats', {})

    def test_server_speaks_something_else_than_agreed(self):
        api = self.start()
        for faults, version in (({'speak': 'http/1.1'}, '--http2'), ({'alpn_answer': 'h2'}, '--http1.1'),
                                ({'speak': 'nothing'}, '--http2')):
            with self.subTest(faults):
                api.set_faults(**faults)
                self.assertNotEqual(Curl(api, self.ids[0], version, seconds=1).code, 0)


if __name__ == '__main__':
    main()
