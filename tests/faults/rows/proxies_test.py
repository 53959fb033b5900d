#!/usr/bin/env python3
"""The listeners behind a proxy: under a path prefix, and watched by a load balancer."""

import http.server
import re
import shutil
import socket
import threading
import urllib.parse

from fault_case import Row, main, wait_for
from support import web
from support.durable import TOKEN, Durable
from support.programs import Program

PREFIX = '/kallglot'


class PrefixProxy(http.server.ThreadingHTTPServer):
    """Passes on what is below a prefix, with the prefix or without it, and names the host as its client did or by its address."""

    def __init__(self, target, strips, keeps_host):
        proxy = self
        self.target, self.strips, self.keeps_host = target, strips, keeps_host

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                proxy.pass_on(self)

            def log_message(self, *_):
                pass
        super().__init__(('127.0.0.1', 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def pass_on(self, request):
        path = request.path
        if not (path + '/').startswith(PREFIX + '/'):
            request.send_error(404)
            return
        if self.strips:
            path = path.removeprefix(PREFIX) or '/'
        headers = {'Host': request.headers['Host']} if self.keeps_host else {}
        answer = web.request(self.target, path, headers={**headers, 'Authorization': request.headers.get('Authorization', '')})
        request.send_response(answer.status)
        for name in ('Content-Type', 'Content-Security-Policy'):
            if name in answer.headers:
                request.send_header(name, answer.headers[name])
        request.end_headers()
        request.wfile.write(answer.body)


class Proxies(Durable, Row):
    def links(self, page):
        """What a browser makes of the links of a page that it got from an address."""
        address, text = page
        base = re.search(r'<base href="([^"]+)">', text)
        start = urllib.parse.urljoin(address, base.group(1)) if base else address
        return [urllib.parse.urljoin(start, link) for link in re.findall(r'<a href="([^"]+)"', text)]

    def follow(self, address, host='metrics.example.com'):
        """Asks for the page at an address and for all that it links to; how many links there were."""
        def ask(url):
            parts = urllib.parse.urlsplit(url)
            answer = web.request(parts.netloc, parts.path, headers={'Host': host or parts.netloc})
            self.assertEqual(answer.status, 200, url)
            return answer.text
        links = self.links((address, ask(address)))
        self.assertGreaterEqual(len(links), 2)
        for link in links:
            ask(link)
        return len(links)

    def test_f5_the_page_works_behind_a_prefix(self):
        """The status page is behind a proxy at `/kallglot/`, with a slash at the end and without, and the proxy removes the prefix or not
        With --web.external-url every link of the page leads to a page. Without it, at the address with the slash."""
        plain = self.launch()
        proxy = PrefixProxy(plain.address, strips=True, keeps_host=False)
        self.addCleanup(proxy.shutdown)
        followed = self.follow(f'http://127.0.0.1:{proxy.server_port}{PREFIX}/')
        followed += self.follow(f'http://{plain.address}/', host=None)
        plain.stop()

        daemon = self.launch(flags=(f'--web.external-url=https://metrics.example.com{PREFIX}/',))
        for strips in (True, False):
            for keeps_host in (True, False):
                proxy = PrefixProxy(daemon.address, strips, keeps_host)
                self.addCleanup(proxy.shutdown)
                for end in ('', '/'):
                    followed += self.follow(f'http://127.0.0.1:{proxy.server_port}{PREFIX}{end}')
        # The listener itself, as a port forward shows it.
        followed += self.follow(f'http://{daemon.address}/', host=None)
        # The prefix is no way around the token.
        for path in (f'{PREFIX}/api/v1/sessions', f'{PREFIX}/api/v1/nothing'):
            answer = daemon.get(path)
            self.assertIn(answer.status, (401, 404))
            self.assertEqual(answer.headers['Content-Type'], 'application/json')
        answer = daemon.get(f'{PREFIX}/api/v1/sessions', headers={'Authorization': f'Bearer {TOKEN}'})
        self.assertEqual(answer.status, 200)
        self.figure(f'{followed} links of 11 pages lead to a page')

    def test_f6_a_load_balancer_sees_both_listeners_up(self):
        """HAProxy checks both listeners with OPTIONS / (`option httpchk`) and with GET /-/healthy
        HAProxy reports all four as UP."""
        if not shutil.which('haproxy'):
            self.skipTest('haproxy is not installed')
        daemon = self.launch()
        servers = ''.join(
            f'backend {name}_{kind}\n  option httpchk {check}\n'
            f'  server one {address} check inter 200ms fall 1 rise 1\n'
            for name, address in (('private', daemon.address), ('webhook', daemon.webhooks))
            for kind, check in (('options', ''), ('healthy', 'GET /-/healthy')))
        place = self.folder / 'stats'
        config = self.write('haproxy.cfg', f'global\n  stats socket {place}\n'
                            'defaults\n  mode http\n  timeout connect 5s\n  timeout client 5s\n  timeout server 5s\n' + servers)
        self.keep(Program(self.folder, 'haproxy', ['haproxy', '-db', '-f', config]))

        def states():
            with socket.socket(socket.AF_UNIX) as asked:
                try:
                    asked.connect(str(place))
                except OSError:
                    return {}
                asked.sendall(b'show stat\n')
                text = b''.join(iter(lambda: asked.recv(65536), b'')).decode()
            lines = [line.split(',') for line in text.splitlines()]
            return {line[0]: (line[17], line[36]) for line in lines if len(line) > 36 and line[1] == 'one'}
        # The last field says how the last check ended: before the first check every server is taken for UP.
        checked = wait_for('checks by HAProxy', lambda: all(end and not end.startswith('*') for _, end in states().values()) and states())
        self.assertEqual({name: state for name, (state, _) in checked.items()},
                         dict.fromkeys(('private_options', 'private_healthy', 'webhook_options', 'webhook_healthy'), 'UP'), checked)
        self.figure('4 checks of 2 listeners: UP')


if __name__ == '__main__':
    main()
