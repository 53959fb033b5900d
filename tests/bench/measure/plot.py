"""Curves as a picture (SVG) and as text."""

import math

WIDTH, HEIGHT, MARGIN = 420, 260, 48
COLOURS = ('#1565c0', '#c62828', '#2e7d32')


def _place(value, low, high, size):
    return (math.log10(value) - math.log10(low)) / (math.log10(high) - math.log10(low)) * size


def chart(title, x_name, curves):
    """Logarithmic on both axes. `curves`: name to [(x, y)]."""
    points = [point for curve in curves.values() for point in curve]
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    low = 10 ** math.floor(math.log10(min(y for _, y in points)))
    high = 10 ** math.ceil(math.log10(max(y for _, y in points)) + 1e-9)
    wide, tall = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN

    def at(x, y):
        return MARGIN + _place(x, left, right, wide), HEIGHT - MARGIN - _place(y, low, high, tall)
    parts = [f'<text x="{WIDTH / 2}" y="20" text-anchor="middle" font-weight="bold">{title}</text>',
             f'<text x="{WIDTH / 2}" y="{HEIGHT - 10}" text-anchor="middle">{x_name}</text>']
    level = low
    while level <= high * 1.001:
        _, y = at(left, level)
        parts.append(f'<path d="M{MARGIN} {y:.1f}H{WIDTH - MARGIN}" stroke="#bbb"/>'
                     f'<text x="{MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{level:g}</text>')
        level *= 10
    for x in sorted({x for x, _ in points}):
        parts.append(f'<text x="{at(x, low)[0]:.1f}" y="{HEIGHT - MARGIN + 16}" text-anchor="middle">{x:,}</text>')
    for number, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        line = ' '.join(f'{x:.1f},{y:.1f}' for x, y in (at(*point) for point in sorted(curve)))
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for x, y in (at(*point) for point in curve):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
        parts.append(f'<text x="{WIDTH - MARGIN}" y="{36 + 14 * number}" text-anchor="end" fill="{colour}">{name}</text>')
    return parts


def picture(charts):
    """Charts side by side, one SVG."""
    body = []
    for number, parts in enumerate(charts):
        body.append(f'<g transform="translate({number * WIDTH} 0)">' + ''.join(parts) + '</g>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH * len(charts)} {HEIGHT}" font-family="sans-serif" '
            f'font-size="11"><rect width="100%" height="100%" fill="#fff"/>' + '\n'.join(body) + '</svg>\n')


def _curve(figures, what, unit):
    """[(x, y)] of the figures named `<x> <what>, <unit>`."""
    points = []
    for name, value in figures.items():
        head, _, tail = name.partition(', ')
        words = head.split(' ')
        if tail == unit and words[1] == what:
            points.append((int(words[0]), value['median'] if isinstance(value, dict) else value))
    return [(x, max(y, 1e-3)) for x, y in points]


def growth_picture(figures):
    return picture([
        chart('µs of CPU a poll', 'sessions', {'256 connections': _curve(figures, 'sessions', 'poll_us')}),
        chart('µs of CPU a poll', 'connections', {'2 sessions a connection': _curve(figures, 'connections', 'poll_us')}),
        chart('ms of CPU a scrape', 'sessions', {'uncompressed': _curve(figures, 'sessions', 'scrape_ms')}),
        chart('resident bytes', 'sessions', {'of each session': _curve(figures, 'sessions', 'bytes_each')}),
    ])
