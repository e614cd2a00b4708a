"""Graphs as SVG, for light and dark pages."""

from __future__ import annotations

import re
import unicodedata
from html import escape
from itertools import pairwise
from typing import Final

from batchcompute.drawing.graph import STATES, Graph

__all__ = ["theme_rules", "to_svg"]

_CHARACTER: Final = 7.7
"""Width of a character in pixels, in the font of the drawing."""
_PADDING: Final = 12
_HEIGHT: Final = 34
_GAP_X: Final = 24
_GAP_Y: Final = 40
_MARGIN: Final = 8
_LANE: Final = 8.0
"""Width of an edge between the tasks of a layer."""
_MOST_POINTS: Final = 2000
"""Points of edges above which edges go straight."""
_SWEEPS: Final = 4
"""Passes that reorder the layers, so that fewer edges cross."""

_SHAPE: Final = """\
.bc-dag { font: 13px ui-monospace, SFMono-Regular, Menlo, monospace; }
.bc-dag rect { stroke-width: 1; rx: 6px; }
.bc-dag text { text-anchor: middle; dominant-baseline: central; }
.bc-dag path { fill: none; stroke-width: 1.4; }
"""

_LIGHT: Final = """\
.bc-dag rect { fill: #f3f4f6; stroke: #6b7280; }
.bc-dag text { fill: #111827; }
.bc-dag path { stroke: #6b7280; }
.bc-dag polygon { fill: #6b7280; }
.bc-dag .Running rect { fill: #bfdbfe; stroke: #2563eb; }
.bc-dag .Finished rect { fill: #bbf7d0; stroke: #16a34a; }
.bc-dag .Failed rect { fill: #fecaca; stroke: #dc2626; }
.bc-dag .Stopped rect { fill: #fde68a; stroke: #d97706; }
"""

_DARK: Final = """\
.bc-dag rect { fill: #1f2937; stroke: #9ca3af; }
.bc-dag text { fill: #f9fafb; }
.bc-dag path { stroke: #9ca3af; }
.bc-dag polygon { fill: #9ca3af; }
.bc-dag .Running rect { fill: #1e3a8a; stroke: #60a5fa; }
.bc-dag .Finished rect { fill: #14532d; stroke: #4ade80; }
.bc-dag .Failed rect { fill: #7f1d1d; stroke: #f87171; }
.bc-dag .Stopped rect { fill: #78350f; stroke: #fbbf24; }
"""

_STYLE: Final = f"{_SHAPE}{_LIGHT}@media (prefers-color-scheme: dark) {{\n{_DARK}}}\n"

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold, even escaped, and control characters that a terminal obeys."""


def to_svg(graph: Graph) -> str:
    """Return the text of an SVG image.

    Args:
        graph: The graph.
    """
    labels = [_NOT_XML.sub("�", f"{node.name} {node.detail}".strip()) for node in graph.nodes]
    widths = [max(60.0, _columns(label) * _CHARACTER + 2 * _PADDING) for label in labels]
    rows, lines = _routed(graph)
    widths += [_LANE] * (sum(map(len, rows)) - len(widths))
    rows = _ordered(rows, lines)
    spans = [sum(widths[index] for index in row) + _GAP_X * (len(row) - 1) for row in rows]
    width = max(spans, default=0.0) + 2 * _MARGIN
    height = max(len(rows) * (_HEIGHT + _GAP_Y) - _GAP_Y, 0) + 2 * _MARGIN
    center: list[tuple[float, float]] = [(0.0, 0.0)] * len(widths)
    for number, row in enumerate(rows):
        start = (width - spans[number]) / 2
        for index in row:
            center[index] = (start + widths[index] / 2, _MARGIN + number * (_HEIGHT + _GAP_Y) + _HEIGHT / 2)
            start += widths[index] + _GAP_X
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="bc-dag" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
        f"<style>{_STYLE}</style>",
    ]
    parts += [_path([center[index] for index in line]) for line in lines]
    for index, node in enumerate(graph.nodes):
        x, y = center[index]
        state = node.state if node.state in STATES else ""
        title = escape(f"{labels[index]}{f': {node.state}' if state else ''}")
        parts.append(
            f'<g class="{state}"><title>{title}</title><rect x="{x - widths[index] / 2:.1f}" '
            f'y="{y - _HEIGHT / 2:.1f}" width="{widths[index]:.1f}" height="{_HEIGHT}"/>'
            f'<text x="{x:.1f}" y="{y:.1f}">{escape(labels[index])}</text></g>'
        )
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def theme_rules(light: str, dark: str) -> str:
    """Return rules for pages that have a theme of their own, whatever the system prefers.

    Args:
        light: Selector of the ancestor in the light theme.
        dark: Selector of the ancestor in the dark theme.
    """
    return "".join(
        f"{theme} {rule}\n"
        for theme, rules in ((light, _LIGHT), (dark, _DARK))
        for rule in rules.splitlines()
    )


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _path(points: list[tuple[float, float]]) -> str:
    """Return the drawing of an edge through points in layers that follow each other."""
    x, y = points[0]
    pieces = [f"M{x:.1f},{y + _HEIGHT / 2:.1f}"]
    for number, (x2, y2) in enumerate(points[1:], 2):
        is_last = number == len(points)
        top, bottom = y + _HEIGHT / 2, y2 - _HEIGHT / 2 - (6 if is_last else 0)
        middle = (top + bottom) / 2
        pieces.append(f"C{x:.1f},{middle:.1f} {x2:.1f},{middle:.1f} {x2:.1f},{bottom:.1f}")
        if not is_last:
            pieces.append(f"V{y2 + _HEIGHT / 2:.1f}")
        x, y = x2, y2
    end = y - _HEIGHT / 2 - 6
    arrow = f"{x - 4:.1f},{end:.1f} {x + 4:.1f},{end:.1f} {x:.1f},{end + 6:.1f}"
    return f'<path d="{" ".join(pieces)}"/><polygon points="{arrow}"/>'


def _routed(graph: Graph) -> tuple[list[list[int]], list[list[int]]]:
    """Return the layers, and the points of each edge. An edge has a point of its own in each layer that it crosses."""
    rows = graph.layers()
    layer = {index: number for number, row in enumerate(rows) for index in row}
    crossed = sum(layer[after] - layer[before] - 1 for before, after in graph.edges)
    if crossed > _MOST_POINTS:
        return rows, [list(edge) for edge in graph.edges]
    count = len(graph.nodes)
    lines: list[list[int]] = []
    for before, after in graph.edges:
        line = [before]
        for number in range(layer[before] + 1, layer[after]):
            rows[number].append(count)
            line.append(count)
            count += 1
        lines.append([*line, after])
    return rows, lines


def _ordered(rows: list[list[int]], lines: list[list[int]]) -> list[list[int]]:
    """Return the layers, each ordered by the mean position of its neighbors."""
    count = sum(map(len, rows))
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for line in lines:
        for before, after in pairwise(line):
            above[after].append(before)
            below[before].append(after)
    place = [0.0] * count

    def renumber(row: list[int]) -> None:
        for number, index in enumerate(row):
            place[index] = (number + 0.5) / len(row)

    for row in rows:
        renumber(row)
    for sweep in range(_SWEEPS):
        neighbors = below if sweep % 2 else above
        for row in reversed(rows) if sweep % 2 else rows:
            means = {
                index: sum(place[one] for one in neighbors[index]) / len(neighbors[index])
                if neighbors[index]
                else place[index]
                for index in row
            }
            row.sort(key=means.__getitem__)
            renumber(row)
    return rows
