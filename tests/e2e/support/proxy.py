"""A CONNECT proxy under the control of a test: it tunnels, refuses, answers nonsense, hangs or closes."""

import socket
import threading


class Proxy:
    """`answer` is what it says to CONNECT; b'' closes, None hangs. A 200 opens the tunnel to `target`, whatever was asked."""

    def __init__(self, target, answer=b'HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n', piecewise=False):
        self.target, self.answer, self.piecewise = target, answer, piecewise
        self.asked = []
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()
        for one in self.open:
            one.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(client)
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client):
        try:
            head = b''
            while b'\r\n\r\n' not in head:
                data = client.recv(4096)
                if not data:
                    return
                head += data
            self.asked.append(head.decode())
            if self.answer is None:
                return
            for piece in [self.answer[i:i + 1] for i in range(len(self.answer))] if self.piecewise else [self.answer]:
                client.sendall(piece)
            if not self.answer.startswith(b'HTTP/1.1 200'):
                client.close()
                return
            server = socket.create_connection(('127.0.0.1', self.target))
            self.open.append(server)
            threading.Thread(target=self._copy, args=[server, client], daemon=True).start()
            self._copy(client, server)
        except OSError:
            pass

    @staticmethod
    def _copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
