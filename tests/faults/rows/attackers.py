#!/usr/bin/env python3
"""Hostile clients in a process of their own: connections that send a byte a second, and wrong passwords.

  attackers.py <connections> <logins a second> <listener to log in to> [other listener ...]

The connections are shared among the listeners; one that is ended is opened again. Runs until SIGTERM, then prints as JSON what it
did, and in how many seconds: connections held at the end and ended, logins due and tried, and answers to them by status.
"""

import base64
import collections
import contextlib
import json
import pathlib
import select
import signal
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'e2e'))

from support.waiting import pace_until  # noqa: E402 (the path comes first)

TICK = 0.01
BEGIN = b'GET /metrics HTTP/1.1\r\nX: '
LOGINS_AT_ONCE = 64
OPENED_AT_ONCE = 30


class Attack:
    def __init__(self, connections, logins, listeners):
        self.wanted, self.logins = connections, logins
        self.places = [(host, int(port)) for host, _, port in (listener.rpartition(':') for listener in listeners)]
        self.events = select.epoll()
        self.slow, self.asking, self.free = {}, {}, []
        self.due = collections.deque()  # (when a connection says its next byte, it), the next first
        self.begun = set()              # connections that have begun a header
        self.opened = self.ended = self.tried = 0
        self.answers = {}
        self.going = True

    def connect(self, place):
        client = socket.socket()
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            client.connect(place)
        self.events.register(client, select.EPOLLIN | select.EPOLLHUP)
        return client

    def drop(self, number, client):
        self.events.unregister(number)
        client.close()
        self.ended += 1

    def open_slow(self):
        for _ in range(min(OPENED_AT_ONCE, self.wanted - len(self.slow))):
            client = self.connect(self.places[self.opened % len(self.places)])
            self.opened += 1
            self.slow[client.fileno()] = client
            self.due.append((time.monotonic() + TICK, client))

    def drip(self):
        """A byte a second from each, after the beginning of a header."""
        now = time.monotonic()
        while self.due and self.due[0][0] <= now:
            _, client = self.due.popleft()
            if self.slow.get(client.fileno()) is not client:
                continue
            with contextlib.suppress(OSError):
                client.send(b'x' if client in self.begun else BEGIN)
                self.begun.add(client)
            self.due.append((now + 1, client))

    def log_in(self, count):
        while count > 0:
            if not self.free:
                if len(self.asking) >= LOGINS_AT_ONCE:
                    return
                client = self.connect(self.places[0])
                self.free.append(client)
            client = self.free.pop()
            word = base64.b64encode(f'prometheus:wrong{self.tried}'.encode())
            try:
                client.send(b'GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic ' + word + b'\r\n\r\n')
            except BlockingIOError:
                self.free.insert(0, client)
                return
            except OSError:
                self.drop(client.fileno(), client)
                continue
            self.asking[client.fileno()] = client
            self.tried += 1
            count -= 1

    def look(self):
        for number, _ in self.events.poll(0, 10_000):
            client = self.asking.pop(number, None)
            if client:
                try:
                    answer = client.recv(65536)
                except OSError:
                    answer = b''
                if answer:
                    self.answers[answer[9:12].decode()] = self.answers.get(answer[9:12].decode(), 0) + 1
                    self.free.append(client)
                else:
                    self.drop(number, client)
            elif number in self.slow:
                self.begun.discard(self.slow[number])
                self.drop(number, self.slow.pop(number))
            else:
                for idle in [one for one in self.free if one.fileno() == number]:
                    self.free.remove(idle)
                    self.drop(number, idle)

    def run(self):
        begun = time.monotonic()
        while self.going:
            self.look()
            self.open_slow()
            self.drip()
            self.log_in(int((time.monotonic() - begun) * self.logins) - self.tried)
            # Bytes and logins are due by the clock; this only keeps the attacker from spinning between them.
            pace_until(time.monotonic() + TICK)
        seconds = time.monotonic() - begun
        print(json.dumps({'seconds': seconds, 'held': len(self.begun), 'ended': self.ended, 'due': int(seconds * self.logins),
                          'tried': self.tried, 'answers': self.answers}), flush=True)


def main():
    attack = Attack(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])

    def end(*_):
        attack.going = False
    signal.signal(signal.SIGTERM, end)
    attack.run()


if __name__ == '__main__':
    main()
