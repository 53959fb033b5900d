"""Rule C1: one co_await, one plain statement.

g++ 12.2 destroys aggregate temporaries and capturing lambdas of a co_await expression twice. All of them are
written with a brace, so the rule is: no brace between co_await and the end of its statement, none beside it in the
same parentheses, and no co_await inside a braced list.
"""

import re

from source import code_of, cpp_files, line_of, read

_AWAIT = re.compile(r'\bco_await\b')
_CONDITION = re.compile(r'\b(?:if|while|switch|for|if[ \t]+constexpr)\s*$')


def _enclosing(code, position):
    """(position of the innermost open parenthesis or -1, whether a brace stands between it and here)"""
    depth = 0
    braced = False
    for at in range(position - 1, -1, -1):
        char = code[at]
        if char in ')]':
            depth += 1
        elif char in '([':
            if depth == 0:
                return at, braced
            depth -= 1
        elif char == '}':
            braced = True
            depth += 1
        elif char == '{':
            if depth == 0:
                return -1, False
            depth -= 1
        elif char == ';' and depth == 0:
            return -1, False
    return -1, False


def _fault(code, position):
    opening, braced = _enclosing(code, position)
    condition = opening >= 0 and _CONDITION.search(code, 0, opening) is not None
    if opening >= 0 and not condition and braced:
        return 'a brace in the same parentheses as co_await'
    depth = 0
    for at in range(position, len(code)):
        char = code[at]
        if char == '{':
            return 'a brace between co_await and the end of its statement'
        if char == '}':
            return 'co_await inside a braced list'
        if char == '(':
            depth += 1
        elif char == ')':
            depth -= 1
            if depth < 0 and condition:
                return None
        elif char == ';':
            return None
    return None


def faults(text):
    """(line, what is wrong) for each co_await that breaks the rule."""
    code = code_of(text)
    # Only what stands before the parenthesis matters to _CONDITION, so the search may look at the whole text.
    for match in _AWAIT.finditer(code):
        fault = _fault(code, match.start())
        if fault:
            yield line_of(code, match.start()), fault


def lint(root):
    findings = []
    for path in cpp_files(root):
        # The probe of the compiler is there to break the rule.
        if path.parts[:3] == ('tests', 'unit', 'toolchain'):
            continue
        findings += [f'{path}:{line}: {fault} (rule C1)' for line, fault in faults(read(root, path))]
    return findings
