"""A control group of version 1 of the test's own: a limit of memory or CPU time for one program."""

import os
import pathlib

from fault_case import wait_for


class Group:
    """A control group of version 1 of our own, and the words that start a program in it."""

    def __init__(self, controller, **values):
        self.folder = pathlib.Path(f'/sys/fs/cgroup/{controller}/kallglot_fault_{os.getpid()}')
        self.folder.mkdir()
        for name, value in values.items():
            (self.folder / f'{controller}.{name}').write_text(str(value))
        self.under = ['sh', '-c', f'echo $$ >{self.folder}/cgroup.procs; exec "$@"', 'sh']

    def remove(self):
        wait_for('the end of the group', lambda: not (self.folder / 'cgroup.procs').read_text())
        self.folder.rmdir()

    @staticmethod
    def why_not(controller):
        writable = os.access(f'/sys/fs/cgroup/{controller}', os.W_OK)
        return None if writable else f'no control groups of version 1 for {controller} here'
