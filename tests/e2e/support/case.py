"""The base of every test case: a folder for each test, and the end of every program that it started."""

import pathlib
import shutil
import tempfile
import unittest

from .configuration import QUICK, USUAL, configuration
from .programs import Exporter, Simulator

__all__ = ['EndToEnd', 'QUICK', 'USUAL', 'main']

class EndToEnd(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='kallglot_e2e_'))
        self.programs = []
        self.addCleanup(self._end)

    def _end(self):
        for program in self.programs:
            program.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def keep(self, program):
        """Returns the program; it is ended with the test."""
        self.programs.append(program)
        return program

    def simulator(self, *flags, **options):
        return self.keep(Simulator(self.folder, *flags, **options))

    def exporter(self, config_file, *flags, **options):
        return self.keep(Exporter(self.folder, config_file, *flags, **options)).listening()

    def write(self, name, text, mode=0o600):
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def config(self, port, *, name='config.yml', intervals=QUICK, thresholds=USUAL, max_connections=256, api='', host='localhost',
               plaintext=False, **options):
        """A configuration beside the simulator's files; the options are those of `configuration`."""
        if plaintext:
            api += '\nallow_plaintext: true'
        return self.write(name, configuration(f'http{"" if plaintext else "s"}://{host}:{port}/v1', intervals=intervals, api=api,
                                              thresholds=thresholds, max_connections=max_connections, **options))

    def assert_clean_end(self, program):
        """The program exited with 0, and no sanitizer reported anything."""
        self.assertEqual(program.process.returncode, 0, program.log()[-4000:])
        self.assertNotIn('ERROR: ', program.log())
        self.assertNotIn('runtime error', program.log())


def main():
    unittest.main(verbosity=2)
