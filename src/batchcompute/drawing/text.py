"""Graphs as text, for terminals: one line a task, with lines for the order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from batchcompute.drawing.graph import Graph, Node

__all__ = ["to_text"]

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8

_LINES: Final = {
    0: " ", _UP: "╵", _DOWN: "╷", _UP | _DOWN: "│", _LEFT | _RIGHT: "─", _LEFT: "╴", _RIGHT: "╶",
    _UP | _RIGHT: "└", _UP | _LEFT: "┘", _DOWN | _RIGHT: "┌", _DOWN | _LEFT: "┐", _UP | _DOWN | _RIGHT: "├",
    _UP | _DOWN | _LEFT: "┤", _LEFT | _RIGHT | _DOWN: "┬", _LEFT | _RIGHT | _UP: "┴", 15: "┼",
}  # fmt: skip
"""The character for the sides of a cell that a line leaves through."""

_MARKS: Final = {"Waiting": "○", "Running": "◐", "Finished": "●", "Failed": "✗", "Stopped": "◌", "": "○"}
_ASCII_MARKS: Final = {
    "Waiting": "o",
    "Running": ">",
    "Finished": "*",
    "Failed": "x",
    "Stopped": "s",
    "": "o",
}

_MOST_LANES: Final = 30
"""Lines beside each other above which a list is easier to read."""


def to_text(graph: Graph, ascii_only: bool = False, style: Callable[[Node, str], str] | None = None) -> str:
    """Return a drawing for a terminal.

    Each task is a line. A line that comes out of a task leads down to the tasks that wait for it. Lines that cross do
    not touch. The names are written as they are, so the caller has to replace control characters.

    Args:
        graph: The graph.
        ascii_only: Whether only ASCII characters may be used.
        style: Returns the text of a task as it is to be written, for example with colors.
    """
    lanes: list[int | None] = []
    after: list[list[int]] = [[] for _ in graph.nodes]
    for before, follower in graph.edges:
        after[before].append(follower)
    lines: list[str] = []
    for index, node in enumerate(graph.nodes):
        if index in lanes:
            column = lanes.index(index)
            lanes[column] = None
        else:
            column = _free(lanes, 0)
        marks = _ASCII_MARKS if ascii_only else _MARKS
        cells = [_UP | _DOWN if lane is not None else 0 for lane in lanes]
        drawn = [_LINES[cell] for cell in cells]
        drawn[column] = marks.get(node.state, marks[""])
        text = f"{node.name} {node.detail}".strip()
        label = style(node, text) if style else text
        lines.append(" ".join(drawn).rstrip() + f"  {label}")
        lines += _branch(lanes, column, after[index])
        if len(lanes) > _MOST_LANES:
            return _listed(graph, style)
        while lanes and lanes[-1] is None:
            lanes.pop()
    drawing = "\n".join(lines) + "\n" if lines else ""
    return _in_ascii(drawing) if ascii_only else drawing


def _free(lanes: list[int | None], start: int) -> int:
    """Return a lane without a line; add one if there is none."""
    for column in range(start, len(lanes)):
        if lanes[column] is None:
            return column
    lanes.append(None)
    return len(lanes) - 1


def _branch(lanes: list[int | None], column: int, followers: list[int]) -> list[str]:
    """Reserve lanes for the followers of a task; return the line that leads to them."""
    before = list(lanes)
    targets: list[int] = []
    for follower in followers:
        if follower in lanes:
            targets.append(lanes.index(follower))
        else:
            free = column if lanes[column] is None else _free(lanes, column + 1)
            lanes[free] = follower
            targets.append(free)
    if not targets:
        return []
    before += [None] * (len(lanes) - len(before))
    first, last = min(*targets, column), max(*targets, column)
    pieces: list[str] = []
    for at in range(len(lanes)):
        joins = at in targets or at == column
        cell = _UP if before[at] is not None or at == column else 0
        cell |= _DOWN if lanes[at] is not None else 0
        if joins:
            cell |= (_LEFT if at > first else 0) | (_RIGHT if at < last else 0)
        elif first < at < last and not cell:
            cell = _LEFT | _RIGHT
        # A line that is crossed goes through, and the crossing one has a gap there.
        pieces.append(_LINES[cell])
        pieces.append("─" if first <= at < last else " ")
    return ["".join(pieces).rstrip()]


def _listed(graph: Graph, style: Callable[[Node, str], str] | None) -> str:
    """Return a list of the tasks, each with those that it waits for."""
    before: list[list[str]] = [[] for _ in graph.nodes]
    for first, second in graph.edges:
        before[second].append(graph.nodes[first].name)
    lines: list[str] = []
    for index, node in enumerate(graph.nodes):
        text = f"{node.name} {node.detail}".strip()
        shown = ", ".join(before[index][:5]) + (
            f" and {len(before[index]) - 5} more" if len(before[index]) > 5 else ""
        )
        label = style(node, text) if style else text
        lines.append(f"{label}{f'  after {shown}' if shown else ''}")
    return "\n".join(lines) + "\n"


def _in_ascii(text: str) -> str:
    table: dict[str, str | int | None] = {"│": "|", "─": "-", **dict.fromkeys("╵╷└┘┌┐├┤┬┴┼╴╶", "+")}
    return text.translate(str.maketrans(table))
