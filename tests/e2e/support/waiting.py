"""Waiting, and the calibration of promises in seconds: the only file of the tests that sleeps (tests/lint/house_rules.py).

`wait_for` waits for something that happens. It is the one to use; the others are for what it cannot do:

* `let_time_pass`: time itself is the fault, as in an outage of 45 seconds. The caller gives the reason.
* `pace_until`: a load generator or an attacker waits for the moment of its next request. A test never decides by it.
* `Stalls`: how long the machine held up this process. A promise in seconds is checked against the seconds plus that.
"""

import contextlib
import threading
import time

# Long enough for a sanitizer build on a busy machine. A test that passes never waits so long.
PATIENCE = 30.0
STEP = 0.02


def wait_for(what, condition, seconds=PATIENCE):
    """Asks `condition` again and again and returns its first true answer; AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f'not within {seconds:g} s: {what}; last seen: {answer!r}')
        time.sleep(STEP)


def let_time_pass(seconds, reason, look=None, every=STEP):
    """Waits where the wall clock is part of the fault or of a measurement; returns what `look`, called `every` so often, answered."""
    assert reason, 'say why no event can be waited for'
    seen, deadline = [], time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if look:
            seen.append(look())
        time.sleep(min(every, left))
    return seen


def pace_until(moment):
    """Waits for `moment` of time.monotonic(), when a load generator sends its next request; returns at once if it has passed."""
    time.sleep(max(0.0, moment - time.monotonic()))


class Stalls(threading.Thread):
    """Measures for how long the machine keeps a thread waiting that wants nothing but to run."""

    def __init__(self):
        super().__init__(daemon=True)
        self.worst, self._over = 0.0, threading.Event()

    def run(self):
        begun = time.monotonic()
        while not self._over.wait(STEP):
            now = time.monotonic()
            self.worst = max(self.worst, now - begun - STEP)
            begun = now

    def stop(self):
        self._over.set()
        self.join()


@contextlib.contextmanager
def within(what, seconds):
    """The block must not take longer than `seconds` and the worst stall of the machine meanwhile. Yields a list; the block's
    duration is appended to it at the end."""
    stalls, took = Stalls(), []
    stalls.start()
    begun = time.monotonic()
    try:
        yield took
        took.append(time.monotonic() - begun)
    finally:
        stalls.stop()
    if took[0] > seconds + stalls.worst:
        raise AssertionError(f'{what} took {took[0]:.2f} s, more than {seconds:g} s and the {stalls.worst:.2f} s for which the '
                             'machine held up this test')
