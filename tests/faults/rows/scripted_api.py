"""An API that answers with the bytes of a test, with or without TLS, in a thread for each connection."""

import json
import re
import socket
import ssl
import threading

from support import certificates

KEY = 'sk_test_of_the_scripted_api'
_ASKED = re.compile(rb'GET /v1/sessions/([^ ]+) HTTP/1.1\r\n')


def session(identifier, status='connecting', **more):
    """A body as the API writes it."""
    return json.dumps({'id': identifier, 'object': 'session', 'status': status, 'provider': 'twilio', 'mode': 'voice',
                       'created_at': '2026-01-01T00:00:00Z', **more}).encode()


def response(body, status='200 OK', *fields, length=True):
    """A whole response; `fields` are lines."""
    lines = [f'HTTP/1.1 {status}', 'Content-Type: application/json', *fields]
    if length:
        lines.append(f'Content-Length: {len(body)}')
    return '\r\n'.join(lines).encode() + b'\r\n\r\n' + body


def active(_, identifier):
    """An answer of ScriptedApi: the session is in a call."""
    return response(session(identifier, 'active', started_at='2026-01-01T00:00:05Z'))


def ended(identifier, **more):
    """A body that would end the session if it were believed."""
    return session(identifier, 'ended', started_at='2026-01-01T00:00:05Z', ended_at='2026-01-01T00:10:00Z', **more)


class Peer:
    """One connection: `send` bytes, `close` it, `cut` it with a reset."""

    def __init__(self, stream, number):
        self.stream, self.number, self.asked = stream, number, 0
        self.closed = False

    def send(self, data):
        self.stream.sendall(data)

    def close(self):
        self.closed = True
        self.stream.close()

    def cut(self):
        self.closed = True
        raw = self.stream
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        raw.close()


class ScriptedApi:
    """`answer(peer, identifier)` is called for each request, in the connection's thread, and does as it likes: it may
    return bytes, which are sent, or use the peer itself and return None. It may be changed at any time."""

    def __init__(self, folder, ids, answer, tls=True, host='127.0.0.1', port=0, names=certificates.LOCALHOST, on_open=None):
        """`on_open(raw socket)` may spoil a connection before its handshake: True if it has taken it over."""
        self.answer, self.connections, self.requests, self.errors = answer, 0, [], []
        self.on_open = on_open
        self.context = None
        if tls:
            if not (folder / 'ca.pem').exists():
                certificates.make_authority(folder, 'ca')
                certificates.make_server(folder, 'server', 'ca', names)
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(folder / 'server.pem', folder / 'server.key')
        (folder / 'api_key').write_text(KEY)
        (folder / 'api_key').chmod(0o600)
        (folder / 'sessions.txt').write_text(''.join(f'{one}\n' for one in ids))
        self._listener = socket.create_server((host, port), backlog=4096)
        self.port = self._listener.getsockname()[1]
        self._open = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()
        for peer in list(self._open):
            peer.close()

    def _accept(self):
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(stream,), daemon=True).start()

    def _serve(self, stream):
        try:
            stream.settimeout(60)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.on_open and self.on_open(stream):
                return
            if self.context:
                stream = self.context.wrap_socket(stream, server_side=True)
            self.connections += 1
            peer = Peer(stream, self.connections)
            self._open.add(peer)
            buffered = b''
            while not peer.closed:
                while b'\r\n\r\n' not in buffered:
                    data = stream.recv(65536)
                    if not data:
                        return
                    buffered += data
                head, _, buffered = buffered.partition(b'\r\n\r\n')
                asked = _ASKED.match(head)
                identifier = asked.group(1).decode() if asked else None
                peer.asked += 1
                peer.head = head
                self.requests.append(identifier)
                answer = self.answer(peer, identifier)
                if answer is not None:
                    peer.send(answer)
        except (OSError, ssl.SSLError):
            pass
        except Exception as error:  # a mistake in a test: it must not be taken for a fault of the network
            self.errors.append(repr(error))
            raise
        finally:
            stream.close()
