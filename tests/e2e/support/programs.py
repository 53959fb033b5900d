"""The programs under test, and others, as processes that are always ended."""

import collections
import json
import os
import pathlib
import re
import signal
import subprocess

from . import web
from .exposition import Exposition
from .waiting import PATIENCE, wait_for

SOURCE_DIR = pathlib.Path(__file__).resolve().parents[3]
BINARY_DIR = pathlib.Path(os.environ.get('KALLGLOT_BINARY_DIR', SOURCE_DIR / 'build/release'))
SANITIZED = bool(os.environ.get('KALLGLOT_SANITIZED'))
EXPORTER = BINARY_DIR / 'kallglot_exporter'
SIMULATOR = BINARY_DIR / 'kallglot_simulator'


class Program:
    """A process with its two streams in files of `folder`."""

    def __init__(self, folder, name, command, environment=None, **options):
        self.name = name
        self.log_file = folder / f'{name}.stderr'
        self.out_file = folder / f'{name}.stdout'
        with open(self.log_file, 'wb') as log, open(self.out_file, 'wb') as out:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=log, env={**os.environ, **(environment or {})}, **options)

    def log(self):
        return self.log_file.read_text(errors='replace')

    def running(self):
        return self.process.poll() is None

    def send(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=PATIENCE):
        """Waits for the exit code. A process that still runs after `seconds` is killed, and the test fails."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f'{self.name} still runs after {seconds:g} s; its log ends with:\n{self.log()[-2000:]}')

    def stop(self, number=signal.SIGTERM):
        self.send(number)
        return self.wait()

    def kill(self):
        if self.running():
            self.process.kill()
        self.process.wait()

    def expect(self, what, condition, seconds=PATIENCE):
        """wait_for that fails as soon as the process ends."""
        def asked():
            answer = condition()
            if not answer and not self.running():
                raise AssertionError(f'{self.name} ended with {self.process.returncode}:\n{self.log()[-2000:]}')
            return answer
        return wait_for(f'{self.name}: {what}', asked, seconds)


# Flags of a simulator in which nothing changes by itself: no session comes, and every one is in a call that lasts for weeks.
STILL = ('--arrival-rate', '0', '--active', '1000h-2000h')


class Simulator(Program):
    """kallglot_simulator; its folder holds ca.pem, api_key and sessions.txt."""

    def __init__(self, folder, *flags, port=0, name='simulator'):
        self.folder = folder
        self.ca_file = None if '--plaintext' in flags else folder / 'ca.pem'
        super().__init__(folder, name, [SIMULATOR, '--listen-address', f'127.0.0.1:{port}',
                                        '--state-dir', folder, *flags])
        address = folder / 'address'
        ours = folder / f'{name}.stdout'
        self.expect('address', lambda: address.exists() and ': http' in ours.read_text() + self.log())
        self.address = address.read_text().strip()
        self.port = web.place(self.address)[1]

    def get(self, path):
        return web.request_json(self.address, path, ca_file=self.ca_file)

    def post(self, path, value):
        return web.request_json(self.address, path, value, ca_file=self.ca_file)

    def set_faults(self, **faults):
        return self.post('/_faults', {'reset': True, **faults})

    def stats(self):
        """What the simulator counted. It leaves out faults that did not happen yet: they read as 0."""
        stats = self.get('/_stats')
        stats['faults'] = collections.Counter(stats['faults'])
        return stats

    def lives(self):
        """All sessions: the time of the last page, and the list."""
        found, total = [], 1
        while len(found) < total:
            page = self.get(f'/_truth?offset={len(found)}&limit=10000')
            total = page['total']
            found += page['sessions']
        return page['now'], found


class Exporter(Program):
    """kallglot_exporter on a port of its own choice."""

    def __init__(self, folder, config_file, *flags, name='exporter', environment=None, listen='127.0.0.1:0', under=(),
                 **options):
        super().__init__(folder, name, [*under, EXPORTER, '--config.file', config_file, '--web.listen-address', listen,
                                        *flags], environment, **options)
        self.address = None
        self.ready_once = False

    def listening(self, seconds=PATIENCE):
        """Waits until it listens; returns itself."""
        pattern = re.compile(r'msg="?listening"?.* address="?([^\s"]+)|"msg":"listening".*"address":"([^"]+)"')
        found = self.expect('listening', lambda: pattern.search(self.log()), seconds)
        self.address = found.group(1) or found.group(2)
        return self

    def webhook_address(self):
        """Waits until it listens for webhooks (later than for scrapes) and returns the address."""
        return self.expect('webhooks', lambda: re.search(r'listener=webhook address=(\S+)', self.log())).group(1)

    def get(self, path, **options):
        return web.request(self.address, path, **options)

    def ready(self):
        """Waits for the end of the restore, until which /metrics answers 503; returns itself."""
        self.expect('the end of the restore', lambda: self.get('/-/ready').status == 200)
        self.ready_once = True
        return self

    def scrape(self):
        """One scrape; the first one waits for the end of the restore. A 503 after that is a failure."""
        if not self.ready_once:
            self.ready()
        answer = self.get('/metrics')
        assert answer.status == 200, f'/metrics answers {answer.status}'
        return Exposition(answer.text)

    def listed(self, token):
        """Yields (id, status) of all sessions of the session API. A session that changes meanwhile is listed again."""
        after = ''
        while after is not None:
            answer = self.get(f'/api/v1/sessions?limit=1000{after and "&after=" + after}', headers={'Authorization': f'Bearer {token}'})
            assert answer.status == 200, f'the session API answers {answer.status}'
            page = json.loads(answer.body)
            yield from ((one['id'], one['status']) for one in page['sessions'])
            after = page['next']

    def until(self, what, condition, seconds=PATIENCE):
        """Scrapes until the condition holds; returns that scrape. Waits first for the end of the restore, until which /metrics
        answers 503; a 503 after that is a failure."""
        def asked():
            assert self.running(), f'{self.name} ended with {self.process.returncode}:\n{self.log()[-2000:]}'
            if not self.ready_once and self.get('/-/ready').status == 503:
                return None
            scrape = self.scrape()
            return scrape if condition(scrape) else None
        return wait_for(what, asked, seconds)

    def over_scrapes(self, count, look=lambda scrape: None):
        """Scrapes `count` more times; returns what `look` said of each. For promises that something does not happen."""
        seen = []

        def enough(scrape):
            seen.append(look(scrape))
            return len(seen) >= count
        self.until(f'{count} scrapes', enough, seconds=PATIENCE + count)
        return seen

    def polled(self, sessions, seconds=PATIENCE):
        """Waits until at least that many sessions are known and each has been polled; returns that scrape."""
        return self.until(f'polls of {sessions} sessions', lambda scrape: scrape.total('kallglot_sessions') >= sessions
                          and scrape.value('kallglot_sessions', status='unknown') == 0, seconds)

    def poll_count(self):
        return self.scrape().total('kallglot_exporter_polls_total')

    def more_polls(self, count, seconds=PATIENCE):
        """Waits until the exporter has polled `count` more times; returns the last scrape."""
        before = self.poll_count()
        return self.until(f'{count} more polls', lambda scrape: scrape.total('kallglot_exporter_polls_total') >= before + count,
                          seconds)


def faster(injections):
    """Flags that make strace stop only at traced calls, in half the time. strace 6.1 injects no signals with them."""
    return [] if any('signal=' in injection for injection in injections) else ['--seccomp-bpf']


def injected(*injections, path=None):
    """A command that runs a program whose system calls fail, hang or kill it; the started process is the program. With
    `path` only calls that are about that file."""
    calls = ','.join(injection.partition(':')[0] for injection in injections)
    words = ['strace', '-D', '-f', *faster(injections), '-qq', '-o', '/dev/null', '-e', f'trace={calls}']
    words += ['-P', str(path)] if path else []
    for injection in injections:
        words += ['-e', f'inject={injection}']
    return words


# LeakSanitizer does not work in a traced program.
TRACED = {'ASAN_OPTIONS': 'detect_leaks=0'}


def run_exporter(*arguments, program=EXPORTER, seconds=PATIENCE, environment=None, **options):
    """Runs it to its end: exit code, stdout, stderr."""
    done = subprocess.run([str(program), *[str(word) for word in arguments]], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=seconds, check=False,
                          env={**os.environ, **(environment or {})}, **options)
    return done.returncode, done.stdout, done.stderr
