"""What a process uses."""

import pathlib
import re


def resident_bytes(pid):
    return int(re.search(r'VmRSS:\s*(\d+) kB', pathlib.Path(f'/proc/{pid}/status').read_text()).group(1)) << 10


def cpu_seconds(pid, threads='*'):
    """User and system time of all threads, or of one."""
    total = 0
    for task in pathlib.Path(f'/proc/{pid}/task').glob(str(threads)):
        try:
            total += int((task / 'schedstat').read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass  # the thread has ended
    return total / 1e9
