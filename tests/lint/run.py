#!/usr/bin/env python3
"""Runs the lints over the repository: all of them, or the ones named. Ends with 1 if anything is found."""

import importlib
import pathlib
import sys

LINTS = ['formatting', 'include_table', 'coroutine_rule', 'house_rules', 'plain_words', 'metric_table']


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    names = sys.argv[1:] or LINTS
    total = 0
    for name in names:
        findings = importlib.import_module(name).lint(root)
        for finding in findings:
            print(finding)
        total += len(findings)
        print(f'{name}: {len(findings)} findings' if findings else f'{name}: clean')
    return 1 if total else 0


if __name__ == '__main__':
    sys.exit(main())
