#!/usr/bin/env python3
"""A long run: the daemon polls at full speed under a mix of all faults of the simulated API, for minutes or days.

  soak.py [--minutes N]

One response in a hundred meets each fault of a single response. Faults that stop all polling come one after the other, every
three minutes; in a short run more often, so that each comes once. Sessions come and go, by file and by webhooks that are lost,
late, repeated and out of order. Once a minute a line reports polls, memory and descriptors. At the end the faults stop, and each
session must be as the API knows it. Exits with 1 if the daemon died, if memory or descriptors grew after the first third, or if
anything differs from the truth.
"""

import argparse
import pathlib
import shutil
import signal
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'e2e'))

from support import web  # noqa: E402 (the path comes first)
from support.configuration import configuration, every, receiving  # noqa: E402
from support.durable import SECRET, TOKEN  # noqa: E402
from support.programs import Exporter, Simulator  # noqa: E402
from support.truth import STATUSES, differences, stays  # noqa: E402
from support.usage import resident_bytes  # noqa: E402
from support.waiting import pace_until, wait_for  # noqa: E402

SESSIONS = 2000
INTERVALS = every('50ms', audit='50ms')
# One answer in a hundred each: a quarter of all answers is bad.
OF_ONE_ANSWER = dict.fromkeys((
    'not_found', 'gone', 'server_error', 'bad_gateway', 'unavailable', 'close', 'truncate', 'hang', 'not_json', 'empty_body',
    'wrong_id', 'unknown_status', 'hostile_words', 'redirect', 'chunked', 'connection_close', 'interim', 'two_responses', 'drip',
    'endless', 'huge', 'deep', 'garbage', 'trailers', 'wrong_types', 'bad_dates'), 0.01)
# Two in a row are believed, by design; so seldom none come in a row.
OF_ONE_ANSWER['backwards'] = 0.00001
OF_WEBHOOKS = {'webhook_lost': 0.01, 'webhook_late': 0.01, 'webhook_twice': 0.01, 'webhook_shuffled': 0.01, 'webhook_delay': '5s'}
# Faults that stop all polling for up to a minute; each lasts for EPISODE_SECONDS.
EPISODES = ({'rate_limited': 0.01}, {'close': 1.0}, {'unauthorized': 0.01}, {'payment_required': 0.01}, {'forbidden': 0.01})
EPISODE_SECONDS = 5
BETWEEN_EPISODES = 180
LEAST_BETWEEN = 30
SAMPLE_SECONDS = 5
MORE_MEMORY = 1 << 20
# Seconds that a poll may be behind the truth; the intervals are shorter.
LAG = 3.0


class Run:
    """The two programs, and what was seen of the daemon."""

    def __init__(self, folder):
        for name, text in (('token', TOKEN), ('secret', SECRET)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)
        hook = web.free_port()
        self.api = Simulator(folder, '--sessions', SESSIONS, '--arrival-rate', '1/4s', '--active', '4000s-12000s', '--webhook-url',
                             f'http://127.0.0.1:{hook}/webhooks/kallglot', '--webhook-secret-file', folder / 'secret',
                             '--webhook-first-retry', '200ms')
        config = folder / 'config.yml'
        config.write_text(configuration(
            f'https://localhost:{self.api.port}/v1', max_connections=512, api='request_timeout: 3s', intervals=INTERVALS,
            poll='ended_retention: 30s', session_lines='api_token_file: token', webhook=receiving(hook), store='sessions.db'))
        config.chmod(0o600)
        self.exporter = Exporter(folder, config).listening()
        self.exporter.expect('ready', lambda: self.exporter.get('/-/ready').status == 200)
        self.process = pathlib.Path(f'/proc/{self.exporter.process.pid}')
        self.samples = []

    def end(self):
        self.exporter.kill()
        self.api.kill()

    def sample(self):
        """Scrapes; notes (seconds, polls, resident bytes, descriptors)."""
        scrape = self.exporter.scrape()
        self.samples.append((time.monotonic(), scrape.total('kallglot_exporter_polls_total'), resident_bytes(self.exporter.process.pid),
                             len(list((self.process / 'fd').iterdir()))))
        return scrape

    def tell(self, minutes):
        _, polls, resident, descriptors = self.samples[-1]
        print(f'{minutes:4.0f} min: {polls:12,.0f} polls  {resident / 1024:8,.0f} KiB  {descriptors:5} descriptors', flush=True)

    def go_on(self, minutes):
        """The faults, for that long."""
        begun = told = time.monotonic()
        # Within four fifths of the run, the first after half of the time between two.
        between = max(LEAST_BETWEEN, min(BETWEEN_EPISODES, 0.8 * 60 * minutes / (len(EPISODES) - 0.5)))
        episode, next_episode, over = 0, begun + between / 2, None
        while (now := time.monotonic()) < begun + 60 * minutes:
            if over is None and now >= next_episode:
                self.api.set_faults(**OF_WEBHOOKS, **EPISODES[episode % len(EPISODES)])
                episode, next_episode, over = episode + 1, now + between, now + EPISODE_SECONDS
            elif over is None and not self.samples or over and now >= over:
                self.api.set_faults(**OF_WEBHOOKS, **OF_ONE_ANSWER)
                over = None
            self.sample()
            if now >= told + 60:
                told += 60
                self.tell((now - begun) / 60)
            pace_until(now + SAMPLE_SECONDS)  # the run's length is its point; the samples are spread over it

    def growth(self):
        """What was used at the end more than after the first third: (bytes, descriptors), by medians over a tenth of the samples
        with all connections open; an outage closes most of them. What is remembered of ended sessions for 72 hours is part of it,
        half a KiB each."""
        usual = statistics.median(descriptors for *_, descriptors in self.samples)
        steady = [sample for sample in self.samples[len(self.samples) // 3:] if sample[3] > 0.9 * usual]
        part = max(3, len(steady) // 10)
        return tuple(statistics.median(sample[i] for sample in steady[-part:])
                     - statistics.median(sample[i] for sample in steady[:part]) for i in (2, 3))

    def differences(self):
        """In words, what the daemon has otherwise than the API."""
        begun = time.time()
        tracked = dict(self.exporter.listed(TOKEN))
        ended = self.exporter.scrape().total('kallglot_sessions_ended_total')
        scraped = (begun, time.time())
        _, lives = self.api.lives()
        wrong = differences(tracked, lives, scraped, dict.fromkeys(STATUSES, LAG))
        all_ended = [stays(life)[-1] for life in lives]
        fewest, most = (sum(status == 'ended' and start <= moment for status, start, _ in all_ended)
                        for moment in (scraped[0] - LAG - 1, scraped[1]))
        if not fewest <= ended <= most:
            wrong.append(f'{ended:g} were seen to end, between {fewest} and {most} did')
        return wrong, len(lives)

    def settle(self):
        """Stops the faults and waits until each session is as the API knows it. Returns the differences and the number of sessions."""
        self.api.set_faults()
        last = []

        def agrees():
            last[:] = self.differences()
            return not last[0]
        try:
            wait_for('agreement with the truth', agrees, 100)
        except AssertionError:
            for line in last[0][:20]:
                print(line, file=sys.stderr)
        return last


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--minutes', type=float, default=30)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = pathlib.Path(tempfile.mkdtemp(prefix='kallglot_soak_'))
    run = None
    try:
        run = Run(folder)
        run.go_on(asked.minutes)
        met = {name: count for name, count in run.api.stats()['faults'].items() if count}
        wrong, lives = run.settle()
        scrape = run.sample()
        memory, descriptors = run.growth()
        regressions = scrape.total('kallglot_session_regressions_total')
        print(f'{scrape.total("kallglot_exporter_polls_total"):,.0f} polls, {sum(met.values()):,} of {len(met)} kinds of faults; memory '
              f'{memory / 1024:+,.0f} KiB and descriptors {descriptors:+g} since the first third; {lives:,} sessions, '
              f'{len(wrong)} differences from the truth, {regressions:g} went backwards', flush=True)
        return int(bool(wrong or regressions or memory >= MORE_MEMORY or descriptors > 16))
    except AssertionError as error:
        print(f'{error}\n{run.exporter.log()[-4000:] if run else ""}', file=sys.stderr)
        return 1
    finally:
        if run:
            run.end()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    sys.exit(main())
