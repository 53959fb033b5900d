#!/usr/bin/env python3
"""The rows of tests/faults: checks that the list is complete, writes README.md, and reports the results of a run.

  report.py                          checks that every row has a test and that README.md is what the tests say
  report.py --fix                    writes the tables of README.md from the docstrings of the tests
  report.py <JUnit file> <report>    prints what ctest measured, row by row, and writes it to the report
  report.py <JUnit file> <report> --ran
                                     the same for the rows that were run, where only some were meant to

The number in the name of a test is its row. The first line of its docstring is the fault, the rest the promise. A row that cannot
be produced is in WHY_NOT with its reason. Exits with 1 if something is missing, failed or was not run.
"""

import ast
import pathlib
import re
import sys
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
README = HERE.parent / 'README.md'
SECTIONS = {'U': ('The API', 20), 'N': ('Network and TLS', 20), 'R': ('This machine', 15), 'P': ('The process', 11),
            'B': ('Bad input', 16), 'H': ('Hostile clients', 15), 'S': ('Secrets', 8), 'C': ('Configuration', 12),
            'K': ('Clocks', 6), 'X': ('Attackers', 20), 'F': ('From the field', 6)}
# Numbers that were never given.
UNUSED = {'R13', 'P9'}
WHY_NOT = {
}
# The part of README.md from this line on is written by hand.
BY_HAND = '\n## What else was tried\n'

HEAD = """\
# Faults

Each test in this folder produces one fault for real (a full disk, for example) and checks what the daemon promises under it.
Start with `rows/fault_case.py`, the base of every row; then read the rows of one file, `rows/upstream_answers_test.py` for example.

`./dev faults` runs every row against the release build, prints what each one measured, and writes it to
`build/release/faults/results.md`. `./dev test` runs the rows that take seconds, with sanitizers on. `rows/report.py --fix` writes
the tables below from the docstrings of the tests; a test fails if they differ.

The simulator speaks both versions of HTTP, and the daemon agrees with it on HTTP/2; a scripted API speaks HTTP/1.1.
`KALLGLOT_HTTP_VERSION=1.1 ./dev faults -R 'fault\\.(u|n)'` runs the rows of the API over HTTP/1.1 alone.

Under most faults a row also checks that the daemon survives (`Row.survives`):

* It is the same process, and no sanitizer complains.
* No session is lost, and no change of status is invented or reversed.
* Every scrape is answered within a second.
* Memory and freshness are back to normal afterwards.
* The metric that names the fault has gone up.

Some promises are about one decision. Their rows run the tests of other folders that prove it, and report how many there were.

| folder | contents |
|---|---|
| `rows/` | the tests of the rows |
| `store/`, `daemon/` | the sweeps of kills, failing syncs and power cuts that P1, P2, P3 and R7 run |
| `allocations/` | the failing memory of R10 |
| `soak/` | the long run of P10; `./dev soak --minutes 30` makes it longer |

Some rows can be made longer than `./dev faults` allows for, here against the build with sanitizers:

```sh
export KALLGLOT_BINARY_DIR=build/asan KALLGLOT_SANITIZED=1
KALLGLOT_HOSTILE_REQUESTS=1000000 python3 tests/faults/rows/hostile_test.py    # S1: a reload for each hundred requests
KALLGLOT_CACHES_SECONDS=600 python3 tests/faults/rows/caches_test.py -k varnish # F2
KALLGLOT_CREDITED_POLLS=10000000 python3 tests/faults/rows/upstream_connections_test.py -k u11
KALLGLOT_FLOOD_SECONDS=60 python3 tests/faults/rows/http2_test.py -k n20
```
"""


def rows():
    """Every number, in the order of the table."""
    return [f'{letter}{number}' for letter, (_, count) in SECTIONS.items() for number in range(1, count + 1)
            if f'{letter}{number}' not in UNUSED]


def tests():
    """{row: [(name of the test, fault, promise)]}, from the test files."""
    found = {}
    for file in sorted(HERE.glob('*_test.py')):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and (match := re.match(r'test_([a-z]\d+)_', node.name)):
                text = ast.get_docstring(node) or ''
                fault, _, promise = text.partition('\n')
                found.setdefault(match.group(1).upper(), []).append(
                    (node.name.removeprefix('test_'), fault.strip(), ' '.join(promise.split())))
    return found


def results(junit):
    """{name: (passed | passed, without a figure | FAILED | not run: why, figure)}."""
    found = {}
    for case in xml.etree.ElementTree.parse(junit).getroot().iter('testcase'):
        output = (case.findtext('system-out') or '')
        name = case.get('name').partition('fault.')[2]
        figures = '; '.join(re.findall(r'figure: (.*)$', output, re.MULTILINE))
        if case.get('status') == 'run':
            found[name] = ('passed' if figures else 'passed, without a figure', figures)
        elif skipped := re.search(r"skipped ['\"](.*)['\"]", output):
            found[name] = (f'not run: {skipped.group(1)}', '')
        else:
            found[name] = ('FAILED', figures)
    return found


def missing():
    """What is wrong with the list of tests and with README.md."""
    known, have = set(rows()), tests()
    wrong = [f'{row}: neither a test nor a reason why not' for row in rows() if row not in have and row not in WHY_NOT]
    wrong += [f'{row}: there is no such row' for row in (*have, *WHY_NOT) if row not in known]
    wrong += [f'{row}: a test and a reason why not' for row in WHY_NOT if row in have]
    wrong += [f'{name}: its docstring needs the fault in one line and the promise below'
              for listed in have.values() for name, fault, promise in listed if not fault or not promise]
    if README.read_text() != promises():
        wrong.append(f'{README}: not what the tests say; run tests/faults/rows/report.py --fix')
    return wrong


def line(*cells):
    return ('| ' + ' | '.join(cells) + ' |').replace('\n', ' ')


def table(columns, cells):
    """All rows in their sections; `cells` is called with row, name of the test, fault and promise, and returns None to leave it out."""
    have, lines = tests(), []
    for letter, (title, _) in SECTIONS.items():
        section = []
        for row in rows():
            if row[0] == letter:
                section += [line(*found) for test in have.get(row, []) if (found := cells(row, *test))]
                if row in WHY_NOT:
                    section.append(line(row, '', f'not produced: {WHY_NOT[row]}', *[''] * (len(columns) - 3)))
        if section:
            lines += [f'\n## {title}\n', line(*columns), '|' + '---|' * len(columns), *section]
    return '\n'.join(lines) + '\n'


def promises():
    """README.md as it should be."""
    _, _, by_hand = README.read_text().partition(BY_HAND)
    return HEAD + table(('row', 'fault', 'promise'), lambda row, name, fault, promise: (row, fault, promise)) + BY_HAND + by_hand


def measured(seen, ran):
    """The results of a run, as a document; with `ran` only of the tests that were run."""
    def cells(row, name, fault, promise):
        return None if ran and name not in seen else (row, fault, *seen.get(name, ('not run', '')))
    have = {row: [name for name, *_ in listed if not ran or name in seen] for row, listed in tests().items()}
    have = {row: names for row, names in have.items() if names}
    done = sum(all(seen.get(name, ('',))[0] == 'passed' for name in names) for names in have.values())
    return f'# Faults: results\n\n{done} of {len(have)} rows passed.\n' + table(('row', 'fault', 'result', 'measured'), cells)


def main():
    if sys.argv[1:] == ['--fix']:
        README.write_text(promises())
        return 0
    if len(sys.argv) == 1:
        wrong = missing()
        print('\n'.join(wrong) or f'all {len(rows())} rows have a test', file=sys.stderr)
        return 1 if wrong else 0
    seen, report, ran = results(sys.argv[1]), pathlib.Path(sys.argv[2]), '--ran' in sys.argv[3:]
    text = measured(seen, ran)
    report.write_text(text)
    print(text)
    wrong = missing() + [f'{name}: {seen.get(name, ("not run",))[0]}' for listed in tests().values() for name, *_ in listed
                         if seen.get(name, ('',))[0] != 'passed' and (name in seen or not ran)]
    print('\n'.join(wrong) or 'every row passed', file=sys.stderr)
    print(f'results: {report}', file=sys.stderr)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
