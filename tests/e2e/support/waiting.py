"""Waiting for something that happens, with a limit and with words for what did not."""

import time

# Long enough for a sanitizer build on a busy machine; a test that works never waits so long.
PATIENCE = 30.0
STEP = 0.02


def wait_for(what, condition, seconds=PATIENCE):
    """The first true answer of `condition`, which is asked again and again; AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f'not within {seconds:g} s: {what}; last seen: {answer!r}')
        time.sleep(STEP)
