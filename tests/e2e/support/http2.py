"""HTTP/2 from outside: the clients curl, nghttp and h2load against a simulator, and the sets of its faults."""

import re
import subprocess

# Faults of one stream, after which the connection serves others.
STREAM_FAULTS = ('refused_stream', 'http_1_1_required', 'reset_stream', 'reset_body', 'longer_body', 'shorter_body',
                 'forbidden_field', 'trailers', 'trailer_field', 'interim', 'interim_flood', 'two_responses', 'hang')
# Frames without end.
FLOODS = ('ping_flood', 'settings_flood', 'window_flood', 'priority_flood', 'reset_flood', 'unknown_flood', 'empty_data_flood',
          'continuation_flood', 'window_overrun')
# Frames that a server must not send, once.
VIOLATIONS = ('push_promise', 'window_overflow', 'idle_stream', 'goaway_rising', 'hpack_bomb')


def _run(command, seconds):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=seconds + 30, check=False)


class Curl:
    """One GET of a session with curl: its exit code, the version, the status and the body."""

    def __init__(self, api, session, version='--http2', seconds=20):
        key = (api.folder / 'api_key').read_text().strip()
        done = _run(['curl', '--silent', '--show-error', version, '--max-time', seconds, '--cacert', api.ca_file,
                     '--header', f'Authorization: Bearer {key}', '--write-out', '\n%{http_version} %{http_code}',
                     f'https://{api.address}/v1/sessions/{session}'], seconds)
        self.code = done.returncode
        self.error = done.stderr
        self.body, _, verdict = done.stdout.rpartition('\n')
        self.version, self.status = verdict.split()


def nghttp(api, sessions, seconds=20):
    """The frames that nghttp sees while it asks for all the sessions over one connection, as text."""
    key = (api.folder / 'api_key').read_text().strip()
    urls = [f'https://{api.address}/v1/sessions/{session}' for session in sessions]
    return _run(['nghttp', '--verbose', '--null-out', '--no-dep', f'--timeout={seconds}', '--header',
                 f'authorization: Bearer {key}', *urls], seconds).stdout


def h2load(api, session, requests, streams=100):
    """The numbers of requests that h2load reports: {'total': 1000, 'succeeded': 1000, 'failed': 0, ..}."""
    key = (api.folder / 'api_key').read_text().strip()
    out = _run(['h2load', '--clients=1', f'--requests={requests}', f'--max-concurrent-streams={streams}', '--header',
                f'authorization: Bearer {key}', f'https://{api.address}/v1/sessions/{session}'], 60).stdout
    line = re.search(r'^requests: (.*)$', out, re.MULTILINE)
    return {name: int(number) for number, name in re.findall(r'(\d+) (\w+)', line.group(1))} if line else {}
