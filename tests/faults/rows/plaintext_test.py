#!/usr/bin/env python3
"""Plain HTTP to the API where the name of this host leads elsewhere."""

import socket
import threading

from fault_case import Row, main
from own_network import OwnNetwork, why_not

ELSEWHERE = '10.77.0.1'


class Listener:
    """Takes every connection and keeps what arrives."""

    def __init__(self, address, port=0):
        self.socket = socket.create_server((address, port))
        self.port = self.socket.getsockname()[1]
        self.taken, self.heard = 0, b''
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            self.taken += 1
            with client:
                client.settimeout(5)
                try:
                    self.heard += client.recv(4096)
                except OSError:
                    pass


class Plaintext(Row):
    def test_x15_plain_http_goes_to_loopback_addresses_only(self):
        """api.allow_plaintext with http://localhost, and the name service says that localhost is another host
        The other host gets no connection and no key. The log has the reason. A loopback address beside it is used."""
        if reason := why_not():
            self.skipTest(reason)
        network = OwnNetwork(self.folder)
        network.addresses(ELSEWHERE)
        network.hosts(localhost=[ELSEWHERE])
        other = Listener(ELSEWHERE)
        self.addCleanup(other.socket.close)
        self.write('ca.pem', 'not read for plain HTTP')
        self.write('api_key', 'sk_test_of_this_row_0123456789')
        self.write('sessions.txt', 'sess_of_this_row\n')
        exporter = self.exporter(self.config(other.port, plaintext=True))
        exporter.until('three failures', lambda scrape: self.failures(scrape, 'dns') >= 3 or other.taken)
        self.assertEqual((other.taken, other.heard), (0, b''))
        exporter.expect('the reason', lambda: 'plain HTTP needs a loopback address' in exporter.log())
        self.assertEqual(other.taken, 0)
        # The name gets a second address, at which there is an API of sorts.
        own = Listener('127.0.0.1', other.port)
        self.addCleanup(own.socket.close)
        network.hosts(localhost=[ELSEWHERE, '127.0.0.1'])
        exporter.expect('the loopback address', lambda: own.taken, 60)
        self.assertIn(b'Authorization: Bearer', own.heard)
        self.assertEqual(other.taken, 0)
        self.figure(f'0 connections elsewhere, {own.taken} to this host')


if __name__ == '__main__':
    main()
