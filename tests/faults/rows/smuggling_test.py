#!/usr/bin/env python3
"""Requests through the proxies that stand before our webhook port: none may be read differently by the two."""

import shutil
import socket

from fault_case import Row, main, wait_for, whole
from support import web
from support.durable import Durable
from support.programs import Program

HOOK = '/webhooks/kallglot'
# The request that is hidden in a body. Were it read as a request of its own, its answer would be the next client's: no other request of this test
# gets a 405.
HIDDEN = b'DELETE /webhooks/kallglot HTTP/1.1\r\nHost: x\r\n\r\n'


class Smuggling(Durable, Row):
    def nginx(self, port, upstream):
        file = self.write('nginx.conf', f'''
daemon off; pid {self.folder}/nginx.pid; error_log {self.folder}/nginx.log;
events {{}}
http {{
  access_log off; client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxied; fastcgi_temp_path {self.folder}/f;
  uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s;
  upstream hook {{ server {upstream}; keepalive 1; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://hook; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off; }}
  }}
}}
''')
        return ['nginx', '-c', file]

    def haproxy(self, port, upstream):
        file = self.write('haproxy.cfg', f'''
defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
  http-reuse always
frontend front
  bind 127.0.0.1:{port}
  default_backend hook
backend hook
  server hook {upstream}
''')
        return ['haproxy', '-db', '-f', file]

    def caddy(self, port, upstream):
        file = self.write('Caddyfile', f'{{\n  admin off\n  auto_https off\n}}\nhttp://127.0.0.1:{port} {{\n  reverse_proxy {upstream}\n}}\n')
        return ['caddy', 'run', '--adapter', 'caddyfile', '--config', file]

    def messages(self):
        """Framings that two servers might read differently, each with a request hidden behind or in its body."""
        chunked = b'0\r\n\r\n' + HIDDEN
        codings = (b'Transfer-Encoding: chunked', b'Transfer-Encoding : chunked', b'Transfer-Encoding:chunked', b'transfer-encoding: CHUNKED',
                   b'Transfer-Encoding: xchunked', b'Transfer-Encoding: chunked, identity', b'Transfer-Encoding: identity, chunked',
                   b'Transfer-Encoding: gzip, chunked', b'Transfer-Encoding:\tchunked', b'Transfer-Encoding: \x0bchunked',
                   b'Transfer-Encoding: chunked\x00', b'Transfer-Encoding: "chunked"', b'Transfer-Encoding:\r\n chunked',
                   b'Transfer-Encoding: chunked\r\nTransfer-Encoding: x', b'Transfer-Encoding: x\r\nTransfer-Encoding: chunked',
                   b'X: y\nTransfer-Encoding: chunked', b'Transfer_Encoding: chunked', b'Transfer-Encoding: chunked;q=1',
                   b'Transfer-Encoding: ,chunked', b'Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked')
        lengths = (b'', b'Content-Length: 4', b'Content-Length: %d' % len(chunked), b'Content-Length: 0', b'Content-Length: +4',
                   b'Content-Length: 4, 4', b'Content-Length: 4\r\nContent-Length: 0', b'Content-Length: \t4', b'Content_Length: 4')
        for coding in codings:
            for length in lengths:
                for fields in ((coding, length), (length, coding)) if length else ((coding,),):
                    yield b'\r\n'.join(fields), chunked
        # Chunks that end elsewhere for a lenient reader.
        for body in (b'5;a\nhello\r\n0\r\n\r\n', b'5 \r\nhello\r\n0\r\n\r\n', b'0x5\r\nhello\r\n0\r\n\r\n', b'5\r\nhello0\r\n\r\n',
                     b'5\nhello\n0\n\n', b'0\r\nX: y\r\n\r\n', b'0\r\nContent-Length: 40\r\n\r\n', b'0;' + b'e' * 2000 + b'\r\n\r\n',
                     b'-0\r\n\r\n', b'00000000000000000\r\n\r\n', b'0\r\n\n', b'fffffffffffffffff\r\n'):
            yield b'Transfer-Encoding: chunked', body + HIDDEN

    def through(self, name):
        """How many messages the proxy was sent, and how many of them it passed on."""
        port, passed, count = web.free_port(), 0, 0
        program = self.keep(Program(self.folder, name, getattr(self, name)(port, self.exporter_.webhooks)))
        address = f'127.0.0.1:{port}'
        program.expect('listening', lambda: web.answers(address, '/-/healthy'))
        for fields, body in self.messages():
            for version in (b'1.1', b'1.0'):
                message = b'POST %s HTTP/%s\r\nHost: x\r\n%s\r\n\r\n%s' % (HOOK.encode(), version, fields, body)
                count += 1
                with web.connect(address) as client:
                    client.sendall(message)
                    client.shutdown(socket.SHUT_WR)
                    said = client.recv(65536)
                    passed += said[9:12] == b'401'
                # The connection to us may be kept: the next client must get the answer to its own request.
                for path, status in (('/-/healthy', 200), ('/nowhere', 404)):
                    answer = web.request(address, path)
                    self.assertEqual(answer.status, status, f'{name}: {message[:200]}')
        program.stop()
        return count, passed

    @whole
    def test_b1_next_client_gets_its_own_answer_behind_a_proxy(self):
        """Content-Length and Transfer-Encoding in many spellings, through nginx, HAProxy and Caddy with kept connections
        The next client of the proxy always gets the answer to its own request."""
        self.exporter_ = self.launch()
        figures = []
        for name in ('nginx', 'haproxy', 'caddy'):
            if shutil.which(name):
                count, passed = self.through(name)
                figures.append(f'{name}: {count} messages, {passed} passed on')
        if not figures:
            self.skipTest('not installed: nginx, haproxy, caddy')
        wait_for('the daemon', lambda: self.exporter_.get('/-/healthy').status == 200)
        self.figure('; '.join(figures) + '; every next answer right')


if __name__ == '__main__':
    main()
