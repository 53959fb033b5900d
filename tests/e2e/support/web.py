"""A small HTTP client: one request, one answer, no proxies, no redirects."""

import http.client
import json
import socket
import ssl


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode()


def place(address):
    """(host, port) of HOST:PORT."""
    host, _, port = address.rpartition(':')
    return host.strip('[]'), int(port)


def connect(address, timeout=20):
    """A plain connection."""
    return socket.create_connection(place(address), timeout=timeout)


def request(address, path, method='GET', body=None, headers=None, ca_file=None, timeout=20, source=None):
    """One request on a connection of its own. `address` is HOST:PORT; with `ca_file` over TLS; from the IP address `source`."""
    host, port = place(address)
    source = source and (source, 0)
    if ca_file:
        connection = http.client.HTTPSConnection(
            host, port, timeout=timeout, source_address=source, context=ssl.create_default_context(cafile=ca_file))
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout, source_address=source)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def request_json(address, path, value=None, ca_file=None):
    """GET, or POST of `value` as JSON; the answer must be 200 and JSON."""
    body = None if value is None else json.dumps(value)
    answer = request(address, path, 'GET' if body is None else 'POST', body, ca_file=ca_file)
    if answer.status != 200:
        raise AssertionError(f'{path}: {answer.status} {answer.text}')
    return json.loads(answer.body)


def answers(address, path):
    """Whether it answers with 200; False if nothing listens."""
    try:
        return request(address, path).status == 200
    except OSError:
        return False


def exchange(address, text, timeout=20, half_close=False):
    """Raw bytes there, raw bytes back until the peer closes."""
    received = b''
    with connect(address, timeout) as plain:
        try:
            plain.sendall(text)
            if half_close:
                plain.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the answer may have come before all was sent
        try:
            while block := plain.recv(65536):
                received += block
        except ConnectionResetError:
            pass
    return received


def is_listening(port):
    """Whether a program accepts connections on this port of 127.0.0.1."""
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
        return True
    except OSError:
        return False


def free_port():
    """A port that was free a moment ago, for programs that cannot pick one themselves."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]
