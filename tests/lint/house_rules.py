"""Small rules of CONTRIBUTING.md that a text search can keep."""

import ast
import re

from source import all_files, code_of, cpp_files, line_of, read

TOP_LEVEL = {'CMakeLists.txt', 'daemon', 'include', 'config', 'tests', 'systemd', 'README.md', 'CMakePresets.json',
             'CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'dev'}
LONGEST_FILE = 600

# (what is looked for in the code, paths it does not apply to, what is wrong)
CODE_RULES = [
    (r'\bdetached\b', r'^$', 'C11: no detached, spawn in a task_group'),
    (r'\bco_spawn\s*\(', r'(async/|^tests/)', 'C11: co_spawn only in async, spawn in a task_group'),
    (r'\b(?:io|ioc|ctx|context|io_context|loop)_?(?:\(\))?(?:\.|->)stop\(\)', r'^$', 'never stop an io_context'),
    (r'\buse_awaitable\b', r'(async/|^tests/)', 'C4: the tokens are the two constants of async/deadline.hpp'),
    (r'\bshared_from_this\b', r'^$', 'C8: no shared_from_this'),
    (r'\bstd::(?:recursive_|shared_|timed_)?mutex\b|\bstd::condition_variable\b', r'(async/worker_thread|^tests/)',
     'C15: a mutex only in async/worker_thread'),
    (r'\bsteady_clock::now\b', r'(async/|^tests/)', 'decisions get the time from ports/clock.hpp, deadlines of I/O from timer_now()'),
    (r'\b(?:sleep_for|sleep_until|usleep|nanosleep)\b', r'^tests/(?:simulator|bench)/', 'wait for something, never sleep'),
    (r'\bbeast::iequals\b', r'^$', 'Boost 1.81 reads behind the end of the texts: ascii_iequals'),
    (r'\b(?:secure_)?getenv\b', r'(^tests/|^daemon/config/environment.cpp$)',
     'the environment is read in config/environment alone'),
    (r'\busing\s+namespace\s+std\s*;', r'^$', 'no using namespace std'),
]

# The one place where Python tests may sleep: waiting, passing time with a reason, pacing a load, measuring the machine.
WAITING = 'tests/e2e/support/waiting.py'
CLOCKS = {'monotonic', 'monotonic_ns', 'perf_counter'}

# Anything in a text that only one machine has.
OUTSIDE = re.compile(r'(?<![\w./:-])/(?:work|home/\w|root|Users)/|\.\./(?:\.\./)*shared/')

_NOLINT = re.compile(r'NOLINT(?:NEXTLINE|BEGIN)?(?!END)\b(?!\([\w.-]+(?:,\s*[\w.-]+)*\):? \S)')


def top_level(root):
    return [f'{name}:1: not one of the entries at the top'
            for name in sorted({path.parts[0] for path in all_files(root)})
            if name not in TOP_LEVEL and not name.startswith('.')]


def guard_of(path):
    parts = path.parts[2:] if path.parts[0] == 'include' else path.parts[1:]
    return 'KALLGLOT_' + guard_word('_'.join(parts))


def guard_word(name):
    return re.sub(r'\W', '_', name).upper()


def include_guards(root):
    findings = []
    for path in cpp_files(root):
        if path.suffix != '.hpp':
            continue
        guard = guard_of(path)
        found = re.search(r'^#ifndef (\w+)\n#define (\w+)\n', read(root, path), re.MULTILINE)
        name = found.group(1) if found and found.group(1) == found.group(2) else ''
        # A test's header is free in the middle: KALLGLOT_..._<FILE>_HPP.
        in_tests = path.parts[0] == 'tests' and name.startswith('KALLGLOT_') and name.endswith('_' + guard_word(path.name))
        if name != guard and not in_tests:
            findings.append(f'{path}:1: the include guard is {guard}')
    return findings


def code_rules(root):
    findings = []
    for path in cpp_files(root):
        code = code_of(read(root, path))
        for pattern, exempt, message in CODE_RULES:
            if re.search(exempt, str(path)):
                continue
            findings += [f'{path}:{line_of(code, match.start())}: {message}' for match in re.finditer(pattern, code)]
    return findings


def text_rules(root):
    findings = []
    for path in all_files(root):
        if path.parts[:2] == ('tests', 'lint') or path.suffix in ('.png', '.svg', '.db'):
            continue
        text = read(root, path)
        findings += [f'{path}:{line_of(text, match.start())}: a path outside the repository'
                     for match in OUTSIDE.finditer(text)]
        if path.suffix in ('.cpp', '.hpp'):
            findings += [f'{path}:{line_of(text, match.start())}: NOLINT names the check and gives the reason'
                         for match in _NOLINT.finditer(text)]
        if path.suffix in ('.cpp', '.hpp', '.py', '.sh', '.awk', '.cmake') or path.name in ('dev', 'CMakeLists.txt'):
            lines = text.count('\n')
            if lines > LONGEST_FILE:
                findings.append(f'{path}:{LONGEST_FILE}: {lines} lines, more than {LONGEST_FILE}')
    return findings


def called(node):
    """The last word of what a call calls, 'sleep' for time.sleep(1)."""
    function = node.func if isinstance(node, ast.Call) else None
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, 'id', None)


def reads_a_clock(node):
    return any(called(inner) in CLOCKS for inner in ast.walk(node))


def waits_in_tests(root):
    """No Python test sleeps, and none decides by a duration that it measured itself."""
    findings = []
    for path in all_files(root):
        if path.suffix != '.py' or path.parts[0] != 'tests' or str(path) == WAITING:
            continue
        for node in ast.walk(ast.parse(read(root, path))):
            name = called(node) or ''
            if name == 'sleep':
                findings.append(f'{path}:{node.lineno}: wait_for an event; let_time_pass or pace_until of {WAITING} need a reason')
            elif name.startswith('assert') and reads_a_clock(node):
                findings.append(f'{path}:{node.lineno}: a promise in seconds is checked by within or Stalls of {WAITING}')
            elif isinstance(node, ast.Lambda) and reads_a_clock(node):
                findings.append(f'{path}:{node.lineno}: a condition that waits for the clock: let_time_pass of {WAITING}, with a reason')
    return findings


def lint(root):
    return top_level(root) + include_guards(root) + code_rules(root) + text_rules(root) + waits_in_tests(root)
