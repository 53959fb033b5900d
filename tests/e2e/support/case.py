"""The base of every test case: a folder of its own, and nothing left running."""

import pathlib
import shutil
import tempfile
import unittest

from .programs import Exporter, Simulator

BASE = """\
api:
  base_url: {base_url}
  key_file: api_key
  ca_file: ca.pem
  rate_limit: unlimited
  max_rate: {max_rate}
  max_connections: {max_connections}
{api}
poll:
  intervals: {intervals}
{poll}
thresholds: {thresholds}
sessions:
  files: [sessions.txt]
{sessions}
store:
  path: ":memory:"
{more}
"""

QUICK = '{created: 250ms, connecting: 250ms, active: 250ms, ending: 250ms, unknown: 250ms}'
USUAL = '{created: [1m], connecting: [15s, 30s], active: [1h], ending: [1m], not_started: [30s]}'


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
        """From now on it is ended with the test; returns it."""
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

    def config(self, port, *, name='config.yml', intervals=QUICK, thresholds=USUAL, max_rate='unlimited',
               max_connections=256, api='', poll='', session_lines='', more='', host='localhost', plaintext=False):
        """A configuration beside the simulator's files. `api`, `poll` and `session_lines` are further lines of those sections."""
        def indented(text):
            return '\n'.join('  ' + line for line in text.splitlines())
        api += '\nallow_plaintext: true' if plaintext else ''
        return self.write(name, BASE.format(
            base_url=f'http{"" if plaintext else "s"}://{host}:{port}/v1', max_rate=max_rate, max_connections=max_connections, api=indented(api),
            intervals=intervals, poll=indented(poll), sessions=indented(session_lines), thresholds=thresholds, more=more))

    def assert_clean_end(self, program):
        """It stopped as asked, and no sanitizer complained."""
        self.assertEqual(program.process.returncode, 0, program.log()[-4000:])
        self.assertNotIn('ERROR: ', program.log())
        self.assertNotIn('runtime error', program.log())


def main():
    unittest.main(verbosity=2)
