"""Google Benchmark programs of single parts."""

import json
import subprocess

from .clients import BINARY_DIR
from .process import CLIENT_CORE, on_core

ROUNDS = 5


def run(program, folder, chosen='.', rounds=ROUNDS):
    """The median time of each benchmark of a program that `chosen` finds, with its spread: CPU time, or what a clock on the
    wall says where the work is another thread's."""
    out = folder / f'{program}.json'
    subprocess.run(on_core(CLIENT_CORE, [BINARY_DIR / 'bench' / program, f'--benchmark_repetitions={rounds}',
                                         '--benchmark_min_time=0.2', f'--benchmark_filter={chosen}', f'--benchmark_out={out}']), check=True, capture_output=True)
    figures = {}
    runs = [one for one in json.loads(out.read_text())['benchmarks'] if one['run_type'] == 'iteration']
    for name in dict.fromkeys(one['run_name'] for one in runs):
        mine = [one for one in runs if one['run_name'] == name]
        times = sorted(one['real_time' if name.endswith('real_time') else 'cpu_time'] for one in mine)
        figures[f'{name}, {mine[0]["time_unit"]}'] = {'median': times[len(times) // 2], 'min': times[0], 'max': times[-1],
                                                     'rounds': len(times)}
        for counter in ('bytes_per_session', 'ns_per_series'):
            if counter in mine[0]:
                figures[f'{name}, {counter}'] = mine[0][counter]
    return figures


def schedule(folder):
    return run('poll_schedule_bench', folder)


def parser(folder):
    return run('session_parser_bench', folder)


def registry(folder):
    return run('session_registry_bench', folder)


def series(folder):
    return run('exposition_writer_bench', folder)


def store(folder):
    # Each round writes a million rows first.
    return run('store_bench', folder, '^restore|^bulk_registration/0', rounds=3)
