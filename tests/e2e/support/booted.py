"""systemd as PID 1 with the package installed, in namespaces and a control group of its own. Needs root."""

import os
import pathlib
import signal
import subprocess
import tempfile

from .programs import SOURCE_DIR, Program
from .waiting import wait_for

UNIFIED = [pathlib.Path('/sys/fs/cgroup/unified'), pathlib.Path('/sys/fs/cgroup')]
LONGEST = 120


def unified():
    """Where version 2 of the control groups is mounted; None if nowhere."""
    return next((place for place in UNIFIED if (place / 'cgroup.controllers').exists()), None)


def why_not():
    """The reason why this cannot run here; None if it can."""
    if os.geteuid() != 0:
        return 'needs root for namespaces and mounts'
    if unified() is None:
        return 'there is no control group of version 2'
    probe = subprocess.run(['unshare', '--cgroup', '--mount', '--pid', '--fork', '--net', 'true'], capture_output=True, check=False)
    return None if probe.returncode == 0 else 'namespaces cannot be made here'


class Booted:
    def __init__(self, folder, package):
        self.group = unified() / f'kallglot_test_{os.getpid()}'
        self.group.mkdir()
        self.logs = folder
        # Not the test's folder: the copy of this machine would contain itself.
        self.folder = tempfile.mkdtemp(prefix='kallglot_boot_', dir='/var/tmp')
        boot = (f'echo $$ > {self.group}/cgroup.procs; exec timeout --foreground -s KILL {LONGEST} unshare --cgroup --mount --pid '
                f'--fork --uts --ipc --net --mount-proc --kill-child bash {SOURCE_DIR}/tests/e2e/support/boot.sh '
                f'{self.folder} {package}')
        self.machine = Program(folder, 'machine', ['script', '-qefc', f"bash -c '{boot}'", '/dev/null'])
        try:
            wait_for('PID 1', self._booted, 60)
        except AssertionError as error:
            text = self.machine.log() + self.machine.out_file.read_text(errors='replace')
            self.end()
            raise AssertionError(f'{error}\n{text[-3000:]}') from None

    def _booted(self):
        if not self.machine.running():
            raise AssertionError('the machine ended')
        scope = self.group / 'init.scope/cgroup.procs'
        if not scope.exists() or not (pids := scope.read_text().split()):
            return False
        self.pid = int(pids[0])
        return self.run('systemctl', 'is-system-running', check=False).stdout.strip() in ('running', 'degraded')

    def end(self):
        self.machine.kill()
        # With its PID 1 everything of the machine is killed; the groups are empty then.
        def gone():
            for path, _, _ in os.walk(self.group, topdown=False):
                try:
                    os.rmdir(path)
                except OSError:
                    pass
            return not self.group.exists()
        for process in (self.group / 'cgroup.procs').read_text().split() if self.group.exists() else []:
            try:
                os.kill(int(process), signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_for('an empty control group', gone)
        os.rmdir(self.folder)

    def command(self, *words):
        return ['nsenter', '-t', str(self.pid), '-m', '-p', '-C', '-u', '-i', '-n', *[str(word) for word in words]]

    def run(self, *words, check=True, stdin=None):
        done = subprocess.run(self.command(*words), input=stdin, capture_output=True, text=True, check=False, timeout=60)
        if check and done.returncode != 0:
            raise AssertionError(f'{words}: {done.returncode}\n{done.stdout}{done.stderr}')
        return done

    def background(self, *words):
        """Starts a program in the machine; its state folder exists."""
        self.run('mkdir', '-p', '/run/rehearsal')
        return Program(self.logs, words[0], self.command(*words))

    def write(self, path, text, mode='644'):
        self.run('sh', '-c', f'mkdir -p "$(dirname {path})" && cat > {path} && chmod {mode} {path}', stdin=text)

    def show(self, unit, *names):
        """Properties of a unit."""
        text = self.run('systemctl', 'show', unit, *[word for name in names for word in ('-p', name)]).stdout
        values = dict(line.split('=', 1) for line in text.splitlines())
        return values[names[0]] if len(names) == 1 else values

    def console(self):
        return self.machine.out_file.read_text(errors='replace').replace('\r', '')
