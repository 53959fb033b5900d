#!/usr/bin/env python3
"""Clients in a process of their own that connect, send something and never read.

  flood.py <listener> <connections a second> <connections to hold> <file>

Each connection sends the bytes of the file. When more are open than are to be held, the oldest is closed. Runs until SIGTERM, then
prints as JSON how many connections it opened, how many of them the listener closed, and in how many seconds.
"""

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

TICK = 0.005
RECEIVE_BUFFER = 4096


class Flood:
    def __init__(self, listener, rate, held, first):
        host, _, port = listener.rpartition(':')
        self.place, self.rate, self.held, self.first = (host, int(port)), rate, held, first
        self.events = select.epoll()
        self.order = collections.deque()  # descriptors, the oldest first
        self.open, self.unsent = {}, {}
        self.opened = self.closed = 0
        self.going = True

    def connect(self):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            client.connect(self.place)
        number = client.fileno()
        self.open[number], self.unsent[number] = client, self.first
        self.order.append((number, client))
        self.events.register(number, select.EPOLLOUT | select.EPOLLHUP | select.EPOLLERR)
        self.opened += 1

    def drop(self, number):
        self.events.unregister(number)
        self.open.pop(number).close()
        self.unsent.pop(number, None)

    def look(self):
        """Sends on where there is room, and notes which connections the listener has closed."""
        for number, event in self.events.poll(0, 10_000):
            if event & (select.EPOLLHUP | select.EPOLLERR):
                self.closed += 1
                self.drop(number)
                continue
            try:
                sent = self.open[number].send(self.unsent[number][:65536])
            except OSError:
                continue
            self.unsent[number] = self.unsent[number][sent:]
            if not self.unsent[number]:
                self.events.modify(number, select.EPOLLHUP | select.EPOLLERR)

    def run(self):
        begun = time.monotonic()
        while self.going:
            self.look()
            for _ in range(min(200, int((time.monotonic() - begun) * self.rate) - self.opened)):
                self.connect()
            while len(self.open) > self.held:
                number, client = self.order.popleft()
                if self.open.get(number) is client:
                    self.drop(number)
            # Connections are due by the clock; this only keeps the process from spinning between them.
            pace_until(time.monotonic() + TICK)
        print(json.dumps({'opened': self.opened, 'closed': self.closed, 'seconds': time.monotonic() - begun}), flush=True)


def main():
    flood = Flood(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), pathlib.Path(sys.argv[4]).read_bytes())

    def end(*_):
        flood.going = False
    signal.signal(signal.SIGTERM, end)
    flood.run()


if __name__ == '__main__':
    main()
