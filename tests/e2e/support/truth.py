"""What the daemon may report, given the lives of all sessions in the simulator."""

import datetime

STATUSES = ('created', 'connecting', 'active', 'ending', 'ended', 'unknown')
_MOMENTS = (('created', 'created_at'), ('connecting', 'connecting_at'), ('active', 'started_at'),
            ('ending', 'ending_at'), ('ended', 'ended_at'))
# The simulator gives times in whole seconds, as the API does.
RESOLUTION = 1.0


def _seconds(text):
    return datetime.datetime.fromisoformat(text).timestamp() if text else None


def stays(life):
    """[(status, from, until)] of one session; the last one lasts."""
    begun = [(status, _seconds(life[field])) for status, field in _MOMENTS if life[field]]
    ends = [start for _, start in begun[1:]] + [float('inf')]
    return [(status, start, end) for (status, start), end in zip(begun, ends)]


def possible(life, scraped, lags):
    """The statuses that the last poll may have seen, if it was at most a lag before the scrape.

    `lags` is the time between two polls in each status. A session that began to exist within the lag of `unknown` may
    not have been asked for yet, or not even be known.
    """
    seen = {status for status, start, left in stays(life)
            if start <= scraped[1] and left + RESOLUTION >= scraped[0] - lags[status]}
    if _seconds(life['created_at']) + RESOLUTION >= scraped[0] - lags['unknown']:
        seen.add('unknown')
    return seen


def bounds(lives, scraped, lags):
    """For each status the fewest and the most sessions that may be counted in it."""
    fewest = dict.fromkeys(STATUSES, 0)
    most = dict.fromkeys(STATUSES, 0)
    for life in lives:
        seen = possible(life, scraped, lags)
        for status in seen:
            most[status] += 1
        if len(seen) == 1:
            fewest[seen.pop()] += 1
    return fewest, most


def disagreement(counted, lives, scraped, lags):
    """Nothing if the counts may be; else what is wrong in words."""
    fewest, most = bounds(lives, scraped, lags)
    return ', '.join(f'{status}: {counted[status]:g} is not in [{fewest[status]}, {most[status]}]'
                     for status in STATUSES if not fewest[status] <= counted[status] <= most[status])


def differences(tracked, lives, scraped, lags):
    """In words, which of the sessions {id: status} are otherwise than they may be."""
    lives = {life['id']: life for life in lives}
    wrong = [f'{name}: tracked, and the API knows no such session' for name in tracked.keys() - lives.keys()]
    for name, life in lives.items():
        seen = possible(life, scraped, lags)
        status = tracked.get(name)
        # Those that ended leave in time.
        if status not in seen and not (status is None and seen & {'ended', 'unknown'}):
            wrong.append(f'{name}: {status}, but it was one of {sorted(seen)}')
    return wrong
