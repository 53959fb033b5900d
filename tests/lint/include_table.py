"""The table of CONTRIBUTING.md: which room may include what, which rooms are pure, and whose private headers are whose."""

import re

from source import code_of, cpp_files, line_of, read

# Libraries by the beginning of their headers' names. What is not named here is the standard library or the system.
LIBRARIES = {
    'asio ip': ('boost/asio/ip/', 'boost/asio/local/', 'boost/asio/ssl', 'boost/asio/generic/'),
    'asio': ('boost/asio',),
    'beast': ('boost/beast',),
    'boost.system': ('boost/system/',),
    'boost.json': ('boost/json',),
    'boost.unordered': ('boost/unordered', 'boost/container_hash'),
    'boost.assert': ('boost/assert',),
    'boost': ('boost/',),
    'openssl': ('openssl/',),
    'prometheus': ('prometheus/',),
    'yaml': ('yaml-cpp/',),
    'spdlog': ('spdlog/', 'fmt/'),
    'cli11': ('CLI/',),
    'sqlite': ('sqlite3',),
    'libpq': ('libpq-fe.h',),
    'zlib': ('zlib.h',),
    'nghttp2': ('nghttp2/',),
    'systemd': ('systemd/',),
    'crypt': ('crypt.h',),
    'gtest': ('gtest/', 'gmock/'),
    'build info': ('kallglot_build_info.hpp',),
    'files': ('filesystem', 'fstream', 'iostream', 'fcntl.h', 'unistd.h', 'sys/stat.h'),
    'addresses': ('arpa/',),
    'sockets': ('sys/socket.h', 'netinet/', 'netdb.h', 'sys/un.h', 'sys/epoll.h'),
    'threads': ('thread', 'mutex', 'shared_mutex', 'condition_variable', 'future', 'pthread.h'),
}

# Free for all, beside what is left of the standard library.
FREE = {'boost.system', 'boost.assert'}

# room -> (rooms or single headers of ours, libraries). "*" is everything. A room within a room (net/client) has a row of its own.
TABLE = {
    'base': ({'base'}, set()),
    'files': ({'files', 'base'}, {'files'}),
    'settings': ({'settings', 'base'}, set()),
    'tracking': ({'tracking', 'settings', 'base'}, {'boost.unordered'}),
    'api': ({'api', 'tracking', 'base'}, {'boost.json'}),
    'cluster': ({'cluster', 'base'}, set()),
    'ports': ({'ports', 'tracking', 'api', 'settings', 'base', 'async/task', 'polling/request_permit', 'polling/poll_schedule',
               'polling/api_health', 'report/census'}, set()),
    'polling': ({'polling', 'ports', 'api', 'tracking', 'settings', 'base'}, set()),
    'report': ({'report', 'ports', 'polling', 'tracking', 'settings', 'base', 'async'}, {'boost.unordered'}),
    'async': ({'async', 'ports/clock', 'base'}, {'asio', 'threads'}),
    'net': ({'net', 'async', 'base'}, {'asio', 'asio ip', 'sockets', 'addresses', 'files'}),
    'net/tls': ({'net/tls', 'files', 'settings', 'base'}, {'openssl', 'files', 'asio ip', 'addresses'}),
    'net/client': ({'net/client', 'net/tls', 'net/sockets', 'ports', 'async', 'api', 'tracking', 'settings', 'base'},
                   {'asio', 'asio ip', 'beast', 'nghttp2', 'openssl', 'sockets', 'addresses'}),
    'net/server': ({'net/server', 'net/tls', 'net/sockets', 'ports', 'async', 'settings', 'base'},
                   {'asio', 'asio ip', 'beast', 'openssl', 'sockets', 'addresses', 'files'}),
    'store': ({'store', 'ports', 'async', 'tracking', 'settings', 'base'}, {'asio', 'boost.unordered'}),
    'store/sqlite': ({'store', 'ports', 'tracking', 'base'}, {'sqlite', 'files'}),
    'store/postgresql': ({'store/postgresql', 'store/packed_facts', 'cluster', 'ports', 'async', 'tracking', 'settings', 'base'},
                         {'libpq', 'asio', 'openssl', 'sockets', 'files'}),
    'metrics': ({'metrics', 'ports', 'report/census', 'polling', 'api', 'tracking', 'settings', 'base'},
                {'prometheus', 'zlib', 'boost.unordered', 'files'}),
    'config': ({'config', 'files', 'settings', 'base'}, {'yaml', 'files', 'addresses'}),
    'log': ({'log', 'ports', 'base'}, {'files', 'sockets'}),
    'intake': ({'intake', 'files', 'report', 'polling', 'ports', 'async', 'tracking', 'settings', 'base'},
               {'asio', 'boost.unordered', 'files'}),
    'web': ({'web', 'net/server', 'metrics', 'ports', 'async', 'api', 'tracking', 'settings', 'base'},
            {'asio', 'beast', 'boost.json', 'crypt', 'openssl'}),
    'app': ({'*'}, {'*'}),
    # The libraries here are for the versions that --version prints.
    # main.cpp is the only user of a private header of another room.
    'main': ({'app/application', 'log', 'config', 'polling/poll_plan', 'base'},
             {'cli11', 'build info', 'files', 'boost', 'nghttp2', 'openssl', 'sqlite', 'zlib'}),
}

# Rooms that only decide: values in, values out. The time, files and the environment come as parameters.
PURE = {'base', 'settings', 'tracking', 'api', 'polling', 'cluster'}
IMPURE_WORDS = re.compile(
    r'::now\(|\bgetenv\b|\bsecure_getenv\b|\bstd::[io]?fstream\b|\bfopen\b|\bstd::c(?:out|err|log)\b')

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:<([^>\n]+)>|"([^"\n]+)")', re.MULTILINE)


def room_of(path):
    """The row of the table that a file belongs to; nothing for files that are not of the daemon."""
    parts = path.parts
    if parts[:2] == ('include', 'kallglot'):
        folders = parts[2:-1]
    elif parts[0] == 'daemon':
        folders = parts[1:-1] or ('main',)
    else:
        return None
    room = '/'.join(folders[:2])
    return room if room in TABLE else folders[0]


def library_of(header):
    for name, beginnings in LIBRARIES.items():
        for beginning in beginnings:
            whole = not beginning.endswith('/') and '/' not in beginning
            if header == beginning or (not whole and header.startswith(beginning)) \
                    or (whole and header.startswith(beginning + '.')):
                return name
    return None


def ours(header):
    """The name of a header of ours within its rooms, such as `net/client/resolver`; nothing for one of a library."""
    inner = header.removeprefix('kallglot/')
    rooms = {room.split('/')[0] for room in TABLE}
    return inner.removesuffix('.hpp') if inner.split('/')[0] in rooms and '/' in inner else None


def allowed(room, header, quoted):
    rooms, libraries = TABLE[room]
    inner = ours(header) if quoted else None
    if inner is None:
        library = library_of(header)
        return library is None or library in FREE | libraries or '*' in libraries
    # A private header lies beside its bodies: only its own room includes it.
    if not header.startswith('kallglot/') and inner.split('/')[0] != room.split('/')[0] and room != 'main':
        return False
    return '*' in rooms or any(inner == entry or inner.startswith(entry + '/') for entry in rooms)


def lint(root):
    findings = []
    for path in cpp_files(root):
        room = room_of(path)
        if room is None:
            continue
        if room not in TABLE:
            findings.append(f'{path}:1: {room} is not a room of the table')
            continue
        text = read(root, path)
        # These two are the build's own: they include everything.
        if path.name in ('boost_impl.cpp', 'precompiled.hpp'):
            continue
        for match in _INCLUDE.finditer(text):
            header = match.group(1) or match.group(2)
            here = f'{path}:{line_of(text, match.start())}'
            if match.group(2) and ours(header) is None:
                findings.append(f'{here}: include "{header}" by its full name')
            elif not allowed(room, header, match.group(2)):
                findings.append(f'{here}: {room} must not include {header}')
        if room in PURE:
            code = code_of(text)
            findings += [f'{path}:{line_of(code, match.start())}: {room} is pure and must not know {match.group(0).strip()}'
                         for match in IMPURE_WORDS.finditer(code)]
    return findings
