"""What a process has used so far, and how to start one on a core of its own."""

import os
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'e2e'))

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


class Running:
    """A client program on its core, ended with the block."""

    def __init__(self, name, folder, command, environment=None):
        self.name, self.log_file = name, folder / f'{name}.log'
        with open(self.log_file, 'wb') as log:
            self.process = subprocess.Popen(on_core(CLIENT_CORE, command), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **(environment or {})})
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def alive(self):
        if self.process.poll() is not None:
            raise RuntimeError(f'{self.name} ended with {self.process.returncode}:\n{self.log()[-3000:]}')
        return True

    def log(self):
        return self.log_file.read_text(errors='replace')


def spread(values):
    """Median, least and most."""
    return {'median': statistics.median(values), 'min': min(values), 'max': max(values), 'rounds': len(values)}


def told(figure, unit='', digits=2):
    return f'{figure["median"]:.{digits}f}{unit} ({figure["min"]:.{digits}f} to {figure["max"]:.{digits}f})'
