"""What a new connection costs, full and resumed, and how many of them are resumed."""

from .clients import Exporter
from .polls import cost
from .process import spread, wait_until
from .server import Server

ROUNDS = 5


def handshakes(folder):
    """A server that closes after each answer, so that every poll needs a connection; less the poll itself."""
    seen = {'full': [], 'resumed': [], 'kept': []}
    shares = []
    for _ in range(ROUNDS):
        for name, options in (('full', {'requests_each': 1, 'resumption': False}), ('resumed', {'requests_each': 1}), ('kept', {})):
            with Server(folder / 'server', **options) as server:
                with Exporter(folder / 'exporter', server, 2000, 16) as client:
                    wait_until('polls', lambda: client.alive() and server.requests() > 500)
                    seen[name].append(1e6 * cost(client, server)[0])
                    if name == 'resumed':
                        shares.append(100 * client.value('kallglot_exporter_api_tls_resumptions_total')
                                      / (client.value('kallglot_exporter_api_tls_handshakes_total') - 16))
    return {
        'full_us': spread([one - kept for one, kept in zip(seen['full'], seen['kept'])]),
        'resumed_us': spread([one - kept for one, kept in zip(seen['resumed'], seen['kept'])]),
        'resumed / full': spread([(one - kept) / (full - kept)
                                  for one, full, kept in zip(seen['resumed'], seen['full'], seen['kept'])]),
        'reconnects that resume, %': spread(shares),
    }


