"""Words that hide the actor, or that only this project ever used: not in comments, texts and documents.

"Who" and "nobody" are people; a component has a name (caller, intake, API, client). A program notifies, reports or
logs; it tells nothing. CONTRIBUTING.md names the words to use instead. Identifiers are not looked at.
"""

import fnmatch
import io
import re
import tokenize

from source import COMMENT_OR_STRING, all_files, line_of, read

# (pattern, what to write instead)
WORDS = [
    # Of people it is the right word: callers who, an operator who.
    (r'(?<!people\s)(?<!caller\s)(?<!callers\s)(?<!operator\s)(?<!operators\s)who|whoever|whom',
     'name the actor: caller, intake, API, client, operator'),
    (r'somebody|nobody|everybody|anybody', 'name the actor: caller, intake, API, client, operator'),
    (r'anew', 'again; reload'),
    (r'at the most', 'at most'),
    (r'wherever', 'where, or name the places'),
    (r'of which nobody|let no', 'a plain sentence: subject, verb, object'),
]
# Only in the daemon, where the subject is always a program.
DAEMON_WORDS = [
    (r'told|tells|telling', 'notify, report, log, return'),
]
DAEMON = ('daemon/', 'include/')

# (path pattern, word, why it is right there)
EXCEPTIONS = [
    ('tests/lint/plain_words.py', '*', 'the list itself'),
    ('tests/lint/test_lints.py', '*', 'bad samples for this lint'),
    ('daemon/store/sqlite/session_table.cpp', 'told', 'a column of the format on disk'),
]


def _compiled(words):
    return [(re.compile(r'\b(?:' + pattern.replace(' ', r'\s+') + r')\b', re.IGNORECASE), advice)
            for pattern, advice in words]


_WORDS = _compiled(WORDS)
_DAEMON_WORDS = _compiled(DAEMON_WORDS)


def _only(text, spans):
    """The text with everything outside the spans replaced, so that lines keep their numbers and no phrase crosses code."""
    hidden = re.sub(r'\S', '|', text)
    parts = []
    end = 0
    for begin, stop in spans:
        parts += [hidden[end:begin], text[begin:stop]]
        end = stop
    return ''.join(parts) + hidden[end:]


def _cpp_prose(text):
    spans = [match.span() for match in COMMENT_OR_STRING.finditer(text) if not match.group(0).startswith("'")]
    # A phrase may go on in the next line of a comment, or in the next literal.
    return re.sub(r'///?<?|\\[nrt]|[*"]', lambda mark: ' ' * len(mark.group(0)), _only(text, spans))


def _python_prose(text):
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    kinds = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, 'FSTRING_MIDDLE', tokenize.STRING)}
    spans = [(starts[token.start[0] - 1] + token.start[1], starts[token.end[0] - 1] + token.end[1])
             for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type in kinds]
    # Names between braces are code: before Python 3.12 they are in the token of their formatted string.
    return re.sub(r'\{[^{}\n]*\}|\\[nrt]|[#"\']', lambda mark: ' ' * len(mark.group(0)), _only(text, spans))


def _markdown_prose(text):
    code = re.compile(r'^```.*?^```|`[^`\n]+`', re.MULTILINE | re.DOTALL)
    return code.sub(lambda match: re.sub(r'\S', '|', match.group(0)), text)


def _hash_comments(text):
    """The comments of build files, units and shell scripts: from a # at the beginning of a line or after white space."""
    return _only(text, [match.span(1) for match in re.finditer(r'(?:^|\s)#([^\n]*)', text)])


_PROSE = {'.cpp': _cpp_prose, '.hpp': _cpp_prose, '.py': _python_prose, '.md': _markdown_prose,
          '.yml': lambda text: text, '.yaml': lambda text: text, '.txt': _hash_comments, '.cmake': _hash_comments,
          '.service': _hash_comments, '': _hash_comments}


def faults(path, text):
    """(line, word, what to write instead) for each forbidden word in the comments and texts of one file."""
    prose = _PROSE[path.suffix](text)
    words = _WORDS + (_DAEMON_WORDS if str(path).startswith(DAEMON) else [])
    found = [(match.start(), match.group(0), advice) for pattern, advice in words for match in pattern.finditer(prose)]
    return [(line_of(prose, at), ' '.join(word.split()), advice) for at, word, advice in sorted(found)]


def _exception_for(path, word):
    for exception in EXCEPTIONS:
        pattern, excepted, _ = exception
        if fnmatch.fnmatch(str(path), pattern) and excepted in ('*', word.lower()):
            return exception
    return None


def lint(root):
    findings = []
    covered = [path for path in all_files(root) if path.suffix in _PROSE]
    used = set()
    for path in covered:
        for line, word, advice in faults(path, read(root, path)):
            exception = _exception_for(path, word)
            if exception:
                used.add(exception)
            else:
                findings.append(f'{path}:{line}: "{word}": {advice}')
    for exception in EXCEPTIONS:
        applies = [path for path in covered if fnmatch.fnmatch(str(path), exception[0])]
        if applies and exception not in used:
            findings.append(f'{applies[0]}:1: the exception for "{exception[1]}" in plain_words.py is no longer used')
    return findings
