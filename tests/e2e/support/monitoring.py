"""Debian's Prometheus and Alertmanager, with the project's own rules."""

import http.server
import json
import re
import threading
import urllib.parse

from . import web
from .programs import SOURCE_DIR, Program
from .waiting import PATIENCE, wait_for


class Alertmanager(Program):
    def __init__(self, folder, config_file):
        self.address = f'127.0.0.1:{web.free_port()}'
        super().__init__(folder, 'alertmanager', [
            'prometheus-alertmanager', '--config.file', config_file, '--storage.path', folder / 'alertmanager_data',
            '--web.listen-address', self.address, '--cluster.listen-address=', '--log.level', 'warn'])
        self.expect('ready', lambda: web.answers(self.address, '/-/ready'))

    def alerts(self):
        """The alerts that are active and not inhibited: as Alertmanager gives them."""
        query = urllib.parse.urlencode({'active': 'true', 'silenced': 'false', 'inhibited': 'false'})
        return web.request_json(self.address, '/api/v2/alerts?' + query)

    def names(self):
        return sorted({alert['labels']['alertname'] for alert in self.alerts()})


class Receiver:
    """A webhook receiver for notifications of Alertmanager, which follows each link of an alert as a person would. `close` ends it."""

    LINKS = ('session_url', 'episodes_url', 'runbook_url')

    def __init__(self):
        self.alerts = []  # with the answers of the links as `pages`
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers['Content-Length']))
                for alert in json.loads(body)['alerts']:
                    alert['pages'] = {link: receiver.fetch(alert['annotations'][link]) for link in receiver.LINKS
                                      if alert['annotations'].get(link)}
                    receiver.alerts.append(alert)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.address = '%s:%d' % self._server.server_address
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @staticmethod
    def fetch(link):
        """The answer of an absolute URL of the exporter; None if it is no such link."""
        url = urllib.parse.urlsplit(link)
        return web.request(url.netloc, url.path) if url.scheme == 'http' else None

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Prometheus(Program):
    def __init__(self, folder, config_file):
        self.address = f'127.0.0.1:{web.free_port()}'
        super().__init__(folder, 'prometheus', [
            'prometheus', '--config.file', config_file, '--storage.tsdb.path', folder / 'tsdb',
            '--web.listen-address', self.address, '--log.level', 'warn',
            # Alertmanager gets changed texts of an alert at once, not a minute later.
            '--rules.alert.resend-delay', '1s'])
        self.expect('ready', lambda: web.answers(self.address, '/-/ready'))

    def query(self, expression):
        """The instant vector as {labels: value}."""
        answer = web.request_json(self.address, '/api/v1/query?' + urllib.parse.urlencode({'query': expression}))
        return {tuple(sorted(one['metric'].items())): float(one['value'][1]) for one in answer['data']['result']}

    def single(self, expression):
        values = list(self.query(expression).values())
        return values[0] if len(values) == 1 else None

    def scrapes(self):
        """How often it has scraped its first target."""
        return max(self.query('count_over_time(up[1h])').values(), default=0)

    def expect_scrapes(self, count, look=lambda: None, seconds=PATIENCE):
        """Waits for `count` more scrapes; `look` is called meanwhile, again and again."""
        before = self.scrapes()
        wait_for(f'{count} more scrapes', lambda: (look(), self.scrapes())[1] >= before + count, seconds)

    def targets(self):
        targets = web.request_json(self.address, '/api/v1/targets')['data']['activeTargets']
        return [(one['health'], one['lastError']) for one in targets]

    def complaints(self):
        return [line for line in self.log().splitlines()
                if ('level=error' in line or 'level=warn' in line) and not re.search('Received (SIGTERM|an OS signal)', line)]


def shipped_config(case, target, alertmanager, interval='1s'):
    """The project's prometheus.yml and rules in the test's folder, pointed at the test's programs."""
    source = SOURCE_DIR / 'config/prometheus'
    for name in ('recording_rules.yml', 'alerts.yml'):
        case.write(name, (source / name).read_text())
    text = (source / 'prometheus.yml').read_text()
    text = text.replace('localhost:9093', alertmanager).replace('localhost:10455', target)
    text = re.sub(r'(scrape_interval|scrape_timeout|evaluation_interval): \S+', rf'\1: {interval}', text)
    return case.write('prometheus.yml', text)
