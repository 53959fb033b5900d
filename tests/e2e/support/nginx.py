"""nginx, in front of the simulated API (HTTP/2 to the exporter, as many servers have it) or of the pages of the exporter."""

import signal
import subprocess

from .certificates import make_authority, make_server
from .programs import Program
from .web import free_port, is_listening

# `{server}` is the server block with what stands before it.
FRAME = '''
daemon off;
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{server}
}}
'''

API = '''
    upstream api {{ server 127.0.0.1:{api_port}; keepalive 128; }}
    server {{
        {listen}
        ssl_certificate {folder}/nginx.pem;
        ssl_certificate_key {folder}/nginx.key;
        keepalive_requests {requests};
        location / {{
            proxy_pass https://api;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host localhost:{api_port};
        }}
    }}
'''

# With a path behind the address nginx replaces the prefix by it; without one it passes the prefix on.
PREFIX = '''
    server {{
        listen 127.0.0.1:{port};
        location {prefix}/ {{ proxy_pass http://{address}{path}; }}
    }}
'''


class NginxProgram(Program):
    """An nginx with a configuration of its own."""

    def kill(self):
        """The master ends its workers; they would outlive a master that is killed."""
        if self.running():
            self.send(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                super().kill()


class ListeningNginx(NginxProgram):
    """An nginx with this server block, which listens on `port`."""

    def __init__(self, folder, port, server):
        self.folder, self.port = folder, port
        self.configure(server)
        super().__init__(folder, 'nginx', ['nginx', '-p', folder, '-e', 'stderr', '-c', folder / 'nginx.conf'])
        self.expect('listening', lambda: is_listening(port))

    def configure(self, server):
        (self.folder / 'nginx.conf').write_text(FRAME.format(folder=self.folder, server=server))


class Nginx(ListeningNginx):
    """Ends a connection after `requests`, as its default of 1,000 does. `front.pem` is the authority of its certificate."""

    def __init__(self, folder, api_port, *, requests=1000, http2=True, hosts=('127.0.0.1',)):
        self.options = {'folder': folder, 'api_port': api_port, 'requests': requests}
        self.hosts, self.port = hosts, free_port()
        make_authority(folder, 'front')
        make_server(folder, 'nginx', 'front')
        super().__init__(folder, self.port, self._server(http2))

    def _server(self, http2):
        listen = ' '.join(f'listen {host}:{self.port} ssl{" http2" if http2 else ""};' for host in self.hosts)
        return API.format(**self.options, listen=listen)

    def write(self, http2):
        """The configuration; SIGHUP makes it take effect."""
        self.configure(self._server(http2))


class PrefixProxy(ListeningNginx):
    """In front of the pages of an exporter, below a path prefix such as `/kallglot`, which it removes or passes on."""

    def __init__(self, folder, port, address, prefix, *, removes):
        super().__init__(folder, port, PREFIX.format(port=port, address=address, prefix=prefix, path='/' if removes else ''))
