"""A TLS server that records every byte it could decrypt."""

import socket
import ssl
import threading


class TlsServer:
    """Listens on port 0 of 127.0.0.1 in threads of its own until closed."""

    def __init__(self, folder, name, answer=b'', highest=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / f'{name}.pem', folder / f'{name}.key')
        if highest:
            self.context.minimum_version = highest
            self.context.maximum_version = highest
        self.answer = answer
        self.received = b''
        self.handshakes = 0
        self.refusals = 0
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        peer.settimeout(20)
        try:
            with self.context.wrap_socket(peer, server_side=True) as secured:
                self.handshakes += 1
                while block := secured.recv(65536):
                    self.received += block
                    if self.answer:
                        secured.sendall(self.answer)
        except (ssl.SSLError, OSError):
            self.refusals += 1
