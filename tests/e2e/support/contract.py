"""The metrics that users may rely on, from contract_metrics.txt."""

import pathlib


def contract():
    """Name of each metric to (type, names of its labels)."""
    rows = {}
    for line in (pathlib.Path(__file__).resolve().parents[1] / 'contract_metrics.txt').read_text().splitlines():
        if line and not line.startswith('#'):
            name, kind, *labels = line.replace(',', ' ').split()
            rows[name] = (kind, set(labels))
    return rows
