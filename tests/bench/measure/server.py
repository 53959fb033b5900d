"""nginx on a core of its own as the API: the asked id in a body of 900 bytes, over TLS 1.3 with keep-alive."""

import json
import pathlib
import re
import subprocess
import urllib.request

from .process import SERVER_CORE, wait_until
from support.web import free_port  # process has put it within reach

_BODY = {
    'id': 'IDENTIFIER', 'object': 'session', 'status': 'STATUS', 'provider': 'twilio', 'mode': 'voice',
    'source_language': 'en-US', 'target_language': 'es-ES', 'phone_number': '+12025550143',
    'stream': {'url': 'wss://stream.example.com/v1/sessions/0123456789abcdef', 'token': 'x' * 256, 'expires_in': 3600},
    'metadata': {'customer': 'a name that is not here', 'ticket': '4711', 'note': 'n' * 180}, 'duration_seconds': 61,
    'created_at': '2026-01-01T10:00:00Z', 'started_at': 'STARTED', 'ended_at': None,
}
_CONF = """\
daemon off; master_process off; pid {folder}/nginx.pid; worker_rlimit_nofile 19000;
error_log {folder}/error.log crit;
events {{ worker_connections 18000; multi_accept on; }}
http {{
    access_log off; keepalive_timeout 3600s; keepalive_requests {requests}; server_tokens off;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4;
    scgi_temp_path {folder}/t5;
    ssl_certificate {folder}/ca.pem; ssl_certificate_key {folder}/server.key; ssl_protocols TLSv1.3;
    ssl_session_cache {cache}; ssl_session_tickets {tickets}; ssl_buffer_size 4k;
    server {{
        listen 127.0.0.1:{port} ssl{http2} backlog=16384;
        location ~ ^/v1/sessions/(?<sid>[A-Za-z0-9_-]+)$ {{ default_type application/json; return 200 '{body}'; }}
    }}
    server {{ listen 127.0.0.1:{status_port}; location = /status {{ stub_status; }} }}
}}
"""


class Server:
    """Ended with the block. `requests_each`: how many a connection serves before it is closed. `http2`: beside HTTP/1.1."""

    key = 'sk_test_of_the_benchmark'
    sessions_file = None  # any id is known

    def __init__(self, folder: pathlib.Path, status='active', requests_each=1_000_000_000, resumption=True, http2=False):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port, self.status_port = folder, free_port(), free_port()
        self.ca_file = folder / 'ca.pem'
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30',
                        '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout',
                        str(folder / 'server.key'), '-out', str(self.ca_file)], check=True, capture_output=True)
        body = json.dumps(_BODY, separators=(',', ':')).replace('IDENTIFIER', '$sid').replace('STATUS', status)
        body = body.replace('"STARTED"', '"2026-01-01T10:00:09Z"' if status == 'active' else 'null')
        conf = folder / 'nginx.conf'
        conf.write_text(_CONF.format(folder=folder, port=self.port, status_port=self.status_port, requests=requests_each, body=body, http2=' http2' if http2 else '',
                                     cache='shared:S:64m' if resumption else 'off', tickets='on' if resumption else 'off'))
        self.url = f'https://localhost:{self.port}/v1'
        self.process = subprocess.Popen(['taskset', '-c', str(SERVER_CORE), 'nginx', '-p', str(folder), '-c', str(conf), '-e',
                                         str(folder / 'error.log')], stdin=subprocess.DEVNULL)

    def __enter__(self):
        wait_until('nginx', self._answers, 20)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f'nginx ended:\n{(self.folder / "error.log").read_text()}')
        try:
            return self._status()
        except OSError:
            return None

    def _status(self):
        with urllib.request.urlopen(f'http://127.0.0.1:{self.status_port}/status', timeout=10) as answer:
            return answer.read().decode()

    def connections(self):
        """Open ones, our look at the status included."""
        return int(re.search(r'Active connections: (\d+)', self._status()).group(1)) - 1

    def requests(self):
        return int(re.search(r'\n\s*\d+\s+\d+\s+(\d+)', self._status()).group(1))
