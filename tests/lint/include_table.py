"""The table of daemon/README.md: which module may include what. Folders are layers; arrows point to core."""

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
    'zlib': ('zlib.h',),
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

# module -> (modules or single headers of ours, libraries). "*" is everything.
TABLE = {
    'core': ({'core'}, {'boost.json', 'boost.unordered'}),
    'ports': ({'ports', 'core', 'async/task.hpp'}, set()),
    'async': ({'async', 'core/error.hpp', 'core/time.hpp'}, {'asio', 'threads'}),
    'net': ({'net', 'core', 'ports', 'async'},
            {'asio', 'asio ip', 'beast', 'openssl', 'sockets', 'addresses', 'files'}),
    'store': ({'store', 'core', 'ports', 'async'}, {'asio', 'boost.unordered', 'sqlite', 'files'}),
    'metrics': ({'metrics', 'core', 'ports'}, {'prometheus', 'zlib', 'boost.unordered', 'files'}),
    'config': ({'config', 'core'}, {'yaml', 'files', 'addresses'}),
    'web': ({'web', 'core', 'ports', 'async', 'metrics', 'net/http_'},
            {'asio', 'beast', 'boost.json', 'crypt', 'openssl'}),
    'runtime': ({'*'}, {'*'}),
    # The libraries here are for the versions that --version prints.
    'main': ({'runtime/application.hpp', 'runtime/logging.hpp', 'config', 'core'},
             {'cli11', 'build info', 'files', 'boost', 'openssl', 'sqlite', 'zlib'}),
}

# Words that core must not know: the time, files and the environment come as parameters.
CORE_WORDS = re.compile(r'::now\(|\bgetenv\b|\bsecure_getenv\b|\bstd::[io]?fstream\b|\bfopen\b|\bstd::c(?:out|err|log)\b')

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:<([^>\n]+)>|"([^"\n]+)")', re.MULTILINE)


def module_of(path):
    parts = path.parts
    if parts[:2] == ('include', 'kallglot') and len(parts) > 3:
        return parts[2]
    if parts[0] == 'daemon':
        return parts[1] if len(parts) > 2 else 'main'
    return None


def library_of(header):
    for name, beginnings in LIBRARIES.items():
        for beginning in beginnings:
            whole = not beginning.endswith('/') and '/' not in beginning
            if header == beginning or (not whole and header.startswith(beginning)) \
                    or (whole and header.startswith(beginning + '.')):
                return name
    return None


def allowed(module, header):
    ours, libraries = TABLE[module]
    if header.startswith('kallglot/'):
        inner = header[len('kallglot/'):]
        return '*' in ours or any(
            inner.startswith(entry if '/' in entry else entry + '/') for entry in ours)
    library = library_of(header)
    return library is None or library in FREE | libraries or '*' in libraries


def lint(root):
    findings = []
    for path in cpp_files(root):
        module = module_of(path)
        if module is None:
            continue
        if module not in TABLE:
            findings.append(f'{path}:1: {module} is not a module of the table')
            continue
        text = read(root, path)
        # These two are the build's own and belong to nobody.
        if path.name in ('boost_impl.cpp', 'precompiled.hpp'):
            continue
        for match in _INCLUDE.finditer(text):
            header = match.group(1) or match.group(2)
            here = f'{path}:{line_of(text, match.start())}'
            if match.group(2) and header.startswith('..'):
                findings.append(f'{here}: include "{header}" by its full name')
            elif not allowed(module, header):
                findings.append(f'{here}: {module} must not include <{header}>')
        if module == 'core':
            code = code_of(text)
            findings += [f'{path}:{line_of(code, match.start())}: core must not know {match.group(0).strip()}'
                         for match in CORE_WORDS.finditer(code)]
    return findings
