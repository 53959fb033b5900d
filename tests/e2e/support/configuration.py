"""The configuration of an exporter under test: the one place that writes it."""


def every(interval, **others):
    """Poll intervals: the same in each status, but for the `others`."""
    intervals = {**dict.fromkeys(('created', 'connecting', 'active', 'ending', 'unknown'), interval), **others}
    return '{%s}' % ', '.join(f'{status}: {span}' for status, span in intervals.items())


QUICK = every('250ms')
USUAL = '{created: [1m], connecting: [15s, 30s], active: [1h], ending: [1m], not_started: [30s]}'
SECRETS = 'secret_files: [secret]'


def _section(name, *lines):
    """The lines that are not empty, indented below the name; nothing if there are none."""
    lines = [line for text in lines if text for line in text.splitlines() if line]
    return ''.join([f'{name}:\n', *(f'  {line}\n' for line in lines)]) if lines else ''


def _limits(connections):
    """As many requests at a time as connections, so that HTTP/1.1 uses all of them."""
    return connections and f'max_connections: {connections}\nmax_requests_in_flight: {connections}'


def configuration(base_url, *, ca_file='ca.pem', max_rate='unlimited', rate_limit='unlimited', max_connections=None, api='', intervals=None, poll='',
                  thresholds=None, files='sessions.txt', session_lines='', webhook='', store=':memory:', more=''):
    """A configuration file as text. `api`, `poll`, `session_lines` and `webhook` are further lines of those sections, `more` further
    sections; what is None stays at the daemon's default. The order is fixed: tests replace lines and expect line numbers."""
    return ''.join([
        _section('api', f'base_url: {base_url}', 'key_file: api_key', f'ca_file: {ca_file}', f'rate_limit: {rate_limit}',
                 f'max_rate: {max_rate}', _limits(max_connections), api),
        _section('poll', intervals and f'intervals: {intervals}', poll),
        f'thresholds: {thresholds}\n' if thresholds else '',
        _section('sessions', f'files: [{files}]', session_lines),
        _section('webhook', webhook),
        _section('store', 'path: ' + ('":memory:"' if store == ':memory:' else str(store))),
        f'{more}\n' if more else ''])


def receiving(port=0, secrets=SECRETS):
    """The lines of a webhook section that listens on loopback."""
    return f'listen_address: 127.0.0.1:{port}\n{secrets}'
