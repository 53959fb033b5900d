"""What all lints need: the files of the repository, and C++ text without comments and strings.

A lint is a function that takes the root of a tree and returns findings, each "path:line: what is wrong". So the
self-test (test_lints.py) can hand it a small bad tree and see that it finds what it is there to find.
"""

import os
import pathlib
import re
import subprocess

COMMENT_OR_STRING = re.compile(
    r'//[^\n]*'
    r'|/\*.*?\*/'
    r'|R"(?P<fence>[^()\\\s]{0,16})\(.*?\)(?P=fence)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)


def code_of(text):
    """The text with comments, strings and characters blanked; every line keeps its number."""
    def blank(match):
        found = match.group(0)
        if found.startswith('"') or found.startswith('R"'):
            return '""' + '\n' * found.count('\n')
        return ' ' + '\n' * found.count('\n')
    return COMMENT_OR_STRING.sub(blank, text)


def line_of(text, position):
    return text.count('\n', 0, position) + 1


def all_files(root):
    """Every file that belongs to the repository, as sorted paths relative to it."""
    root = pathlib.Path(root)
    if (root / '.git').exists():
        try:
            answer = subprocess.run(
                ['git', '-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                cwd=root, capture_output=True, check=True)
            names = answer.stdout.decode().split('\0')
            return sorted({pathlib.PurePosixPath(name) for name in names if name and (root / name).is_file()})
        except (OSError, subprocess.CalledProcessError):
            pass
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in ('build', '.git', '__pycache__', '.cache')]
        found += [pathlib.PurePosixPath(pathlib.Path(folder, name).relative_to(root)) for name in names]
    return sorted(found)


def cpp_files(root):
    return [path for path in all_files(root) if path.suffix in ('.cpp', '.hpp')]


def read(root, path):
    return (pathlib.Path(root) / path).read_text(encoding='utf-8', errors='replace')
