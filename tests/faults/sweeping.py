"""What the sweeps of the store and of the whole daemon share."""

import pathlib
import subprocess

SKIPPED = 77
# The number of calls differs from run to run, so that the last planned points may not come.
LEAST_MET = 0.8


def spread(plans, points):
    """That many of the plans, evenly over all."""
    points = min(points, len(plans))
    return [plans[i * len(plans) // points] for i in range(points)]


def stopped(pid):
    """Whether all threads stand still, those in a system call too."""
    states = [(thread / 'stat').read_text().rsplit(')', 1)[1].split()[0] for thread in pathlib.Path(f'/proc/{pid}/task').iterdir()]
    return all(state == 'T' for state in states)


def mount(image, folder):
    return subprocess.run(['mount', '-o', 'loop', image, folder], capture_output=True, check=False).returncode == 0


def make_disk(image):
    """A file with an empty ext4."""
    subprocess.run(['truncate', '-s', '128M', image], check=True)
    subprocess.run(['mkfs.ext4', '-q', '-F', image], check=True)
