#!/usr/bin/env python3
"""The script `dev` on a machine that others use too."""

import os
import re
import subprocess

from fault_case import SOURCE_DIR, Row, main

PRECIOUS = 'the operator\'s own file\n'


class Dev(Row):
    def configure(self, cmake):
        """Runs the function configure() of `dev` with a stand-in for cmake and links in place of its temporary file."""
        function = re.search(r'^configure\(\) \{\n.*?^\}\n', (SOURCE_DIR / 'dev').read_text(), re.MULTILINE | re.DOTALL).group()
        (self.folder / 'build/gcc').mkdir(parents=True, exist_ok=True)
        self.write('CMakePresets.json', '{}')
        self.write('cmake', f'#!/bin/sh\n{cmake}\n', 0o755)
        victim = self.write('victim', PRECIOUS)
        script = ('say() { :; }\n' + function + 'link=/tmp/kallglot_configure.$$\nln -sf "$1" $link\ntrap "rm -f $link" EXIT\n'
                  'set -eu\nconfigure gcc\n')
        done = subprocess.run(['bash', '-c', script, 'dev', victim], cwd=self.folder, capture_output=True, text=True, check=False,
                              env={**os.environ, 'PATH': f'{self.folder}:{os.environ["PATH"]}'}, timeout=60)
        self.assertEqual(victim.read_text(), PRECIOUS)
        return done

    def test_x16_dev_writes_no_temporary_file_of_predictable_name(self):
        """Another user plants a link in /tmp under the name that `dev` will use for its temporary file
        dev writes no such file. The output of a configuration that fails is still shown."""
        done = self.configure('echo the output of cmake')
        self.assertEqual((done.returncode, done.stdout), (0, ''), done.stderr)
        failed = self.configure('echo the output of cmake; exit 1')
        self.assertEqual((failed.returncode, failed.stdout), (1, 'the output of cmake\n'), failed.stderr)
        self.figure('2 runs, 0 files overwritten')


if __name__ == '__main__':
    main()
