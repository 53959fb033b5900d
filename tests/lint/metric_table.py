#!/usr/bin/env python3
"""The table in config/prometheus/metrics.md has the metrics of the code, row by row; --fix writes the table."""

import pathlib
import re
import sys

TABLE = 'include/kallglot/ports/metric_table.hpp'
DOCUMENT = 'config/prometheus/metrics.md'
BEGIN = '| metric | type | labels | meaning |\n|---|---|---|---|\n'
ROW = re.compile(r'\{metric::\w+,\s*"(?P<name>[a-z_]+)",\s*metric_type::(?P<type>counter|gauge|histogram),\s*\{(?P<labels>[^}]*)\},\s*'
                 r'(?P<help>(?:"(?:[^"\\]|\\.)*"\s*)+)\}')


def rows_of_the_code(text):
    rows = []
    for match in ROW.finditer(text):
        labels = ', '.join(re.findall(r'"([a-z_]+)"', match['labels']))
        meaning = ''.join(re.findall(r'"((?:[^"\\]|\\.)*)"', match['help']))
        rows.append(f'| `{match["name"]}` | {match["type"]} | {labels} | {meaning} |')
    return rows


def rows_of_the_document(text):
    """The rows and the line of the first; nothing if there is no such table."""
    start = text.find(BEGIN)
    if start < 0:
        return None, 1
    start += len(BEGIN)
    rows = []
    for line in text[start:].splitlines():
        if not line.startswith('|'):
            break
        rows.append(line)
    return rows, text[:start].count('\n') + 1


def lint(root):
    wanted = rows_of_the_code((root / TABLE).read_text(encoding='utf-8'))
    found, first = rows_of_the_document((root / DOCUMENT).read_text(encoding='utf-8'))
    if found is None:
        return [f'{DOCUMENT}:1: the table of metrics is missing']
    if not wanted:
        return [f'{TABLE}:1: no row of a metric found']
    findings = []
    for place in range(max(len(wanted), len(found))):
        here = found[place] if place < len(found) else 'nothing'
        there = wanted[place] if place < len(wanted) else 'nothing'
        if here != there:
            findings.append(f'{DOCUMENT}:{first + place}: the code has {there}; run tests/lint/metric_table.py --fix')
    return findings


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    if sys.argv[1:] == ['--fix']:
        path = root / DOCUMENT
        text = path.read_text(encoding='utf-8')
        found, _ = rows_of_the_document(text)
        wanted = rows_of_the_code((root / TABLE).read_text(encoding='utf-8'))
        old = BEGIN + ''.join(row + '\n' for row in found)
        path.write_text(text.replace(old, BEGIN + ''.join(row + '\n' for row in wanted)), encoding='utf-8')
        return 0
    findings = lint(root)
    print('\n'.join(findings))
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
