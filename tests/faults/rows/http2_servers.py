"""The HTTP/2 servers that may stand before the API, each in front of a simulator on this machine."""

import os
import signal

from scripted_api import session
from support import certificates
from support.nginx import API, FRAME
from support.programs import Program
from support.waiting import wait_for
from support.web import free_port, is_listening

HAPROXY = '''
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend front
    bind 127.0.0.1:{port} ssl crt {folder}/both.pem alpn h2,http/1.1
    default_backend api
backend api
    server api 127.0.0.1:{api_port}
'''

CADDY = '''
{{
    admin off
    auto_https off
    storage file_system {folder}/caddy
}}
https://localhost:{port} {{
    bind 127.0.0.1
    tls {folder}/front_server.pem {folder}/front_server.key
    reverse_proxy 127.0.0.1:{api_port}
}}
'''

APACHE = '''
ServerRoot {folder}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
ErrorLog {folder}/apache.log
DefaultRuntimeDir {folder}
User www-data
Group www-data
{modules}
Protocols h2 http/1.1
SSLEngine on
SSLCertificateFile {folder}/front_server.pem
SSLCertificateKeyFile {folder}/front_server.key
ProxyPass / http://127.0.0.1:{api_port}/
'''
APACHE_MODULES = ('mpm_event', 'authz_core', 'http2', 'ssl', 'proxy', 'proxy_http')

LIGHTTPD = '''
server.modules = ("mod_openssl", "mod_proxy")
server.bind = "127.0.0.1"
server.port = {port}
server.document-root = "{folder}"
server.feature-flags = ("server.h2proto" => "enable")
ssl.engine = "enable"
ssl.pemfile = "{folder}/front_server.pem"
ssl.privkey = "{folder}/front_server.key"
proxy.server = ("" => (("host" => "127.0.0.1", "port" => {api_port})))
'''

H2O = '''
user: root
num-threads: 1
listen:
  host: 127.0.0.1
  port: {port}
  ssl: {{certificate-file: {folder}/front_server.pem, key-file: {folder}/front_server.key}}
hosts:
  default:
    paths:
      "/": {{proxy.reverse.url: "http://127.0.0.1:{api_port}/"}}
'''


class Server:
    """One of them on a port of its own. `front.pem` is the authority of its certificate."""

    program = None
    arguments = ()  # before the name of the configuration
    configuration = ''

    def __init__(self, case, api_port, sessions=()):
        self.case, self.folder, self.port, self.api_port, self.sessions = case, case.folder, free_port(), api_port, sessions
        if not (self.folder / 'front.pem').exists():
            certificates.make_authority(self.folder, 'front')
            certificates.make_server(self.folder, 'front_server', 'front')
            (self.folder / 'both.pem').write_text(''.join((self.folder / f'front_server.{end}').read_text() for end in ('pem', 'key')))
        # Some give up root before they read it.
        self.folder.chmod(0o755)
        self.prepare()
        self.starts = 0
        self.start()

    def prepare(self):
        self.file = self.folder / f'{self.program}.conf'
        self.file.write_text(self.configuration.format(folder=self.folder, port=self.port, api_port=self.api_port, **self.words()))

    def words(self):
        return {}

    def command(self):
        return [self.program, *self.arguments, self.file]

    def start(self):
        self.starts += 1
        # A group of its own: some have children that outlive them.
        self.running = self.case.keep(Grouped(self.folder, f'{self.program}{self.starts}', self.command(), start_new_session=True))
        self.running.expect('listening', lambda: is_listening(self.port))

    def stop(self):
        """Ends it as a service manager does."""
        self.running.send(signal.SIGTERM)
        self.running.wait()

    def restart(self):
        self.stop()
        wait_for('the end of the old one', lambda: not is_listening(self.port))
        self.start()


class Grouped(Program):
    def kill(self):
        if self.running():
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Nginx(Server):
    program = 'nginx'

    def prepare(self):
        self.file = self.folder / 'nginx.conf'
        text = API.replace('proxy_pass https://', 'proxy_pass http://')
        text = text.replace('nginx.pem', 'front_server.pem').replace('nginx.key', 'front_server.key')
        server = text.format(folder=self.folder, listen=f'listen 127.0.0.1:{self.port} ssl http2;', api_port=self.api_port,
                             requests=1000)
        self.file.write_text(FRAME.format(folder=self.folder, server=server))

    def command(self):
        return ['nginx', '-p', self.folder, '-e', 'stderr', '-c', self.file]


class HAProxy(Server):
    program, arguments, configuration = 'haproxy', ('-db', '-f'), HAPROXY


class Caddy(Server):
    program, configuration = 'caddy', CADDY

    def command(self):
        return ['env', f'HOME={self.folder}', 'caddy', 'run', '--config', self.file, '--adapter', 'caddyfile']


class Apache(Server):
    program, arguments, configuration = 'apache2', ('-DFOREGROUND', '-f'), APACHE

    def words(self):
        return {'modules': '\n'.join(f'LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so' for name in APACHE_MODULES)}


class Lighttpd(Server):
    program, arguments, configuration = 'lighttpd', ('-D', '-f'), LIGHTTPD


class H2o(Server):
    program, arguments, configuration = 'h2o', ('-c',), H2O


class Nghttpd(Server):
    """It serves files only: one for each session."""

    program = 'nghttpd'

    def prepare(self):
        folder = self.folder / 'www/v1/sessions'
        folder.mkdir(parents=True)
        for name in self.sessions:
            (folder / name).write_bytes(session(name, 'active', started_at='2026-01-01T00:00:05Z'))

    def command(self):
        return ['nghttpd', '--address=127.0.0.1', '-d', self.folder / 'www', self.port, self.folder / 'front_server.key',
                self.folder / 'front_server.pem']
