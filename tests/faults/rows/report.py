#!/usr/bin/env python3
"""Writes the table of faults, tests/faults/README.md, from the tests' own words and from what ctest saw of them.

  report.py [JUnit file of ctest]     without one it only looks whether the list of rows is whole

A row has the tests that carry its number; the first line of a docstring is the fault, the rest the promise. A row that cannot
be produced is in WHY_NOT with its reason. Ends with 1 if a test failed or was not run, or if a row has neither.
"""

import ast
import pathlib
import re
import sys
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
README = HERE.parent / 'README.md'
SECTIONS = {'U': ('The API', 20), 'N': ('Network and TLS', 16), 'R': ('This machine', 15), 'P': ('The process', 11),
            'B': ('Bad input', 16), 'H': ('Hostile clients', 15), 'S': ('Secrets', 8), 'C': ('Configuration', 12),
            'K': ('Clocks', 6)}
# Numbers that were never given.
UNUSED = {'R13', 'P9'}
WHY_NOT = {}

HEAD = """\
# Faults

Each row is a fault, produced for real, and what is promised under it. `./dev faults` runs every row against the build as it is
shipped and writes this table; `./dev test` runs those that take seconds, with sanitizers on. Where a fault meets the daemon at
work, the row checks that it survives: the same process, nothing from a sanitizer, no session lost, no change invented or
reversed, every scrape answered within a second, memory and freshness back afterwards, and the metric that names the fault went
up (`rows/fault_case.py`). Where a decision alone is at stake, the row runs the tests of the other folders that prove it, and
"measured" counts their cases.

`rows/` has the tests, `store/` and `daemon/` the sweeps of kills, failing syncs and power cuts that P1, P2 and R7 run,
`allocations/` the failing memory of R10, `soak/` the long run of P10: `./dev soak --minutes 30` is the same for longer.
"""


def rows():
    """Every number, in the order of the table."""
    return [f'{letter}{number}' for letter, (_, count) in SECTIONS.items() for number in range(1, count + 1)
            if f'{letter}{number}' not in UNUSED]


def tests():
    """{row: [(name of the test, fault, promise)]}, as the files tell."""
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
    """{name: (passed | passed, but told no figure | FAILED | not run: why, figure)}."""
    found = {}
    for case in xml.etree.ElementTree.parse(junit).getroot().iter('testcase'):
        output = (case.findtext('system-out') or '')
        name = case.get('name').partition('fault.')[2]
        figures = '; '.join(re.findall(r'figure: (.*)$', output, re.MULTILINE))
        if case.get('status') == 'run':
            found[name] = ('passed' if figures else 'passed, but told no figure', figures)
        elif skipped := re.search(r"skipped ['\"](.*)['\"]", output):
            found[name] = (f'not run: {skipped.group(1)}', '')
        else:
            found[name] = ('FAILED', figures)
    return found


def missing():
    """What is wrong with the list of tests itself."""
    known, have = set(rows()), tests()
    wrong = [f'{row}: neither a test nor a reason why not' for row in rows() if row not in have and row not in WHY_NOT]
    wrong += [f'{row}: there is no such row' for row in (*have, *WHY_NOT) if row not in known]
    wrong += [f'{row}: a test and a reason why not' for row in WHY_NOT if row in have]
    wrong += [f'{name}: its docstring needs the fault in one line and the promise below'
              for listed in have.values() for name, fault, promise in listed if not fault or not promise]
    return wrong


def table(seen):
    have, lines = tests(), [HEAD]
    done = sum(1 for row in rows() if row in have and all(seen.get(test[0], ('',))[0] == 'passed' for test in have[row]))
    lines.append(f'{len(rows())} rows, {done} produced and passed.\n')
    for letter, (title, _) in SECTIONS.items():
        lines += [f'\n## {title}\n', '| row | fault | promise | result | measured |', '|---|---|---|---|---|']
        for row in rows():
            if row[0] != letter:
                continue
            for name, fault, promise in have.get(row, []):
                result, figure = seen.get(name, ('not run', ''))
                lines.append(f'| {row} | {fault} | {promise} | {result} | {figure} |'.replace('\n', ' '))
            if row in WHY_NOT:
                lines.append(f'| {row} | | | not produced: {WHY_NOT[row]} | |')
    return '\n'.join(lines) + '\n'


def main():
    if len(sys.argv) == 1:
        wrong = missing()
        print('\n'.join(wrong) or f'all {len(rows())} rows are there', file=sys.stderr)
        return 1 if wrong else 0
    seen = results(sys.argv[1])
    README.write_text(table(seen))
    wrong = missing() + [f'{name}: {seen.get(name, ("not run",))[0]}' for listed in tests().values() for name, *_ in listed
                         if seen.get(name, ('',))[0] != 'passed']
    print('\n'.join(wrong) or 'every row passed', file=sys.stderr)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
