"""The daemon in real time where requests are scarce, beside the truth of the simulator: three accounts at once.

The policy simulation runs the same policy for days of virtual time, and has a model of the API. Here the clocks, the network and the
headers are real.
"""

import datetime
import time
from concurrent.futures import ThreadPoolExecutor

from .process import CLIENT_CORE, OnCore, on_core
from support import programs  # process has put it within reach
from support.configuration import configuration
from support.waiting import let_time_pass

# The limit of the account, what others use of it, and what is left for the daemon.
LIMIT, FOREIGN, SPENDABLE = '1200/1m', '5/1s', 600
MINUTES = 8
# The daemon knows its supply of requests after some minutes.
JUDGED_FROM = 180
AGE = 30
IN_TIME = 10
OUTAGE = 180
LOOKS = 0.25


class Simulator(OnCore, programs.Simulator):
    """Ended with the block."""


class Exporter(OnCore, programs.Exporter):
    """Ended with the block."""


def _moment(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def _counted(exporter):
    return exporter.scrape().total('kallglot_sessions_not_started_over_threshold', threshold_seconds=AGE)


def _crossings(api):
    """The moments at which stuck sessions became older than the age, in order."""
    _, lives = api.lives()
    return sorted(_moment(one['created_at']) + AGE for one in lives if one['kind'] in ('stuck', 'never_started'))


def _watch(folder, each, outage):
    """Runs an account with `each` requests a session. Returns the count of each look, the crossings, and when the outage began."""
    folder.mkdir(parents=True)
    flags = ['--rate-limit', LIMIT, '--foreign-rate', FOREIGN, '--sessions', 0, '--arrival-rate', f'{SPENDABLE / each / 60:.4f}/1s',
             '--stuck-share', 0.014, '--never-started-share', 0.006, '--active', '1m-9m', '--latency', '80ms']
    looks, began, stuck = [], None, 0
    with Simulator(folder, *flags) as api:
        config = folder / 'config.yml'
        config.write_text(configuration(f'https://{api.address}/v1', rate_limit='auto', max_rate='200/1s'))
        with Exporter(folder, config, '--log.level', 'info', under=on_core(CLIENT_CORE, [])) as exporter:
            exporter.listening().ready()
            end = time.time() + MINUTES * 60
            while time.time() < end:
                # A tenth more sessions, all of them stuck, in the last minutes.
                if outage and time.time() > end - OUTAGE:
                    began = began or time.time()
                    more = int((time.time() - began) * SPENDABLE / each / 60 / 10) + 1 - stuck
                    if more > 0:
                        stuck += api.post('/_sessions', {'count': more, 'stuck': True})['added']
                looks.append((time.time(), _counted(exporter)))
                let_time_pass(LOOKS, 'the time between two looks')
        return looks, _crossings(api), began


def _reached(looks, count):
    """When so many were counted; infinity if that never happened."""
    return next((at for at, counted in looks if counted >= count), float('inf'))


def _delays(looks, crossings):
    """Of the sessions that are judged: seconds from the crossing of the n-th to the look that counted n."""
    begin, end = looks[0][0] + JUDGED_FROM, looks[-1][0] - IN_TIME
    return sorted(_reached(looks, number + 1) - crossing for number, crossing in enumerate(crossings) if begin <= crossing <= end)


def _decided(looks, crossings, begin, end):
    """The sessions counted between two moments, as a share of those that crossed ten seconds before."""
    crossed = sum(begin - IN_TIME <= crossing <= end - IN_TIME for crossing in crossings)
    first, last = (next(counted for at, counted in looks if at >= moment) for moment in (begin, end))
    return (last - first) / max(crossed, 1)


def scarce(folder):
    """1.5 requests a session, 1.0, and 1.0 with the sessions of one provider stuck from a moment on."""
    with ThreadPoolExecutor() as threads:
        enough, one, outage = threads.map(lambda account: _watch(folder / account[0], *account[1:]),
                                          [('enough', 1.5, False), ('one', 1.0, False), ('outage', 1.0, True)])
    delays = _delays(*enough[:2])
    looks, crossings, began = outage
    hit = began + AGE
    before = next(counted for at, counted in looks if at >= hit - 1)
    figures = {'1.5 a session: stuck': len(delays), '1.5 a session: delay p50, s': round(delays[len(delays) // 2], 1),
               '1.5 a session: delay max, s': round(delays[-1], 1)}
    for name, (looks, crossings, _) in (('1.0 a session', one), ('1.0, provider out', outage)):
        judged = looks[0][0] + JUDGED_FROM, looks[-1][0]
        figures[f'{name}: decided'] = round(_decided(looks, crossings, *judged), 3)
    # Chance counts one other session at a time.
    figures['1.0, provider out: second session after, s'] = round(_reached(outage[0], before + 2) - began, 1)
    return figures
