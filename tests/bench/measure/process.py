"""How to start a client on a core of its own, and how long to wait for it."""

import os
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'e2e'))

from support.programs import Program  # noqa: E402 (the path comes first)
from support.waiting import let_time_pass, wait_for  # noqa: E402 (the path comes first)

CORES = sorted(os.sched_getaffinity(0))
CLIENT_CORE, SERVER_CORE = CORES[0], CORES[-1]
PATIENCE = 120.0


def on_core(core, command):
    return ['taskset', '-c', str(core), *[str(word) for word in command]]


def wait_until(what, condition, seconds=PATIENCE):
    return wait_for(what, condition, seconds)


def settle(seconds):
    """Before a measurement: the rush of the start is over then. A measurement that begins too early is noise, not a failure."""
    let_time_pass(seconds, 'the rush of the start')


def window(seconds):
    """The length of a measurement."""
    let_time_pass(seconds, 'a measurement takes its time')


class OnCore:
    """What a Program needs to be a client of a measurement: ended with the block, its process id, and whether it still runs."""

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def alive(self):
        if not self.running():
            raise RuntimeError(f'{self.name} exited with {self.process.returncode}:\n{self.log()[-3000:]}')
        return True


class Running(OnCore, Program):
    """A client program on its core."""

    def __init__(self, name, folder, command, environment=None):
        super().__init__(folder, name, on_core(CLIENT_CORE, command), environment)


def spread(values):
    """Median, least and most."""
    return {'median': statistics.median(values), 'min': min(values), 'max': max(values), 'rounds': len(values)}


def told(figure, unit='', digits=2):
    return f'{figure["median"]:.{digits}f}{unit} ({figure["min"]:.{digits}f} to {figure["max"]:.{digits}f})'
