# SPDX-License-Identifier: BSD-2-Clause
"""Bars for round trip and throughput, as one self-contained SVG."""
from xml.sax.saxutils import escape

COLOURS = {"bare link": "#b8b8b8", "haproxy": "#7f9bb3", "fused": "#2e7d5b",
           "isolated": "#c4622d", "isolated, merged drivers": "#e0a03c"}
WIDTH, BAR, GAP, LEFT = 980, 15, 4, 190


def panel(title, rows, top):
    """`rows`: (label, colour, value, text). One horizontal bar each."""
    longest = max(value for _, _, value, _ in rows) or 1
    out = [f'<text x="20" y="{top + 16}" class="title">{escape(title)}</text>']
    y = top + 28
    for label, colour, value, text in rows:
        length = max(1, value / longest * (WIDTH - LEFT - 110))
        out.append(f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(label)}</text>'
                   f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2" '
                   f'fill="{colour}"/><text x="{LEFT + length + 6:.1f}" y="{y + 12}">'
                   f'{escape(text)}</text>')
        y += BAR + GAP
    return "\n".join(out), y + 14


def draw(results):
    parts, top = [], 12
    for placement, contenders in results.items():
        for n, key, what in (("1", "p50", "round trip p50, 1 connection (µs)"),
                             ("1", "p99", "round trip p99, 1 connection (µs)"),
                             ("64", "per_second", "requests per second, 64 connections")):
            rows = [(name, colour, contenders[name][n][key], f"{contenders[name][n][key]:,.0f}"
                     if key == "per_second" else f"{contenders[name][n][key]:.1f}")
                    for name, colour in COLOURS.items()]
            text, top = panel(f"{placement}: {what}", rows, top)
            parts.append(text)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" '
            f'height="{top}" font-family="sans-serif" font-size="12" fill="#222">\n'
            f'<style>.title{{font-weight:bold;font-size:13px}}</style>\n'
            f'<rect width="{WIDTH}" height="{top}" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n")
