"""The layout of a DAG: tasks in columns, and the ways of the arrows between them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from batchcompute.drawing.graph import graph_of

__all__ = ["Arrow", "Box", "Drawing", "lay_out"]

WIDTH: Final = 164
"""Width of a box."""
HEIGHT: Final = 46
"""Height of a box."""
_GAP_X: Final = 46
_GAP_Y: Final = 16
_DUMMY: Final = 8
"""Height of the way of an arrow through a column."""
_MARGIN: Final = 8
_SWEEPS: Final = 8


@dataclass(frozen=True, slots=True)
class Box:
    """A task of the drawing."""

    name: str
    """Name of the task."""
    x: float
    """Left edge."""
    y: float
    """Upper edge."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow from a task to one that starts after it."""

    source: str
    """The task that ends first."""
    target: str
    """The task that starts after it."""
    path: str
    """Its way, as data of an SVG path."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """The layout of a DAG."""

    width: float
    """Width."""
    height: float
    """Height."""
    boxes: Sequence[Box]
    """The tasks."""
    arrows: Sequence[Arrow]
    """The arrows."""


def columns_of(names: Sequence[str], followers: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return the column of each task: the number of tasks of the longest path to it.

    Args:
        names: The tasks.
        followers: For each task, the tasks that start after it, without cycles.
    """
    graph = graph_of(names, followers)
    return {
        graph.nodes[position].name: number
        for number, layer in enumerate(graph.layers())
        for position in layer
    }


def lay_out(names: Sequence[str], followers: Mapping[str, Sequence[str]]) -> Drawing:
    """Return the layout of a DAG.

    Args:
        names: The tasks.
        followers: For each task, the tasks that start after it, without cycles.
    """
    column = columns_of(names, followers)
    layers: list[list[str]] = [[] for _ in range(max(column.values(), default=-1) + 1)]
    for name in names:
        layers[column[name]].append(name)
    edges = [(source, target) for source in names for target in dict.fromkeys(followers.get(source, ()))]
    # An arrow over several columns passes through one point of each column between. NUL is in no name.
    chains: dict[tuple[str, str], list[str]] = {}
    for source, target in edges:
        chain = [source]
        for between in range(column[source] + 1, column[target]):
            point = f"{source}\0{target}\0{between}"
            layers[between].append(point)
            chain.append(point)
        chains[source, target] = [*chain, target]
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for chain in chains.values():
        for one, next_one in itertools.pairwise(chain):
            after.setdefault(one, []).append(next_one)
            before.setdefault(next_one, []).append(one)
    _order(layers, before, after)
    middle = _place(layers, before, after)
    lowest = min((middle[name] - _height(name) / 2 for name in middle), default=0)
    highest = max((middle[name] + _height(name) / 2 for name in middle), default=0)
    middle = {name: value - lowest + _MARGIN for name, value in middle.items()}
    boxes = [Box(name, _left(column[name]), round(middle[name] - HEIGHT / 2, 1)) for name in names]
    arrows = [
        Arrow(source, target, _path(chain, column[source], middle))
        for (source, target), chain in chains.items()
    ]
    width = _left(len(layers) - 1) + WIDTH + _MARGIN if layers else 0
    return Drawing(width, round(highest - lowest + 2 * _MARGIN, 1), boxes, arrows)


def _left(column: int) -> float:
    return _MARGIN + column * (WIDTH + _GAP_X)


def _height(name: str) -> float:
    return _DUMMY if "\0" in name else HEIGHT


def _order(layers: list[list[str]], before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> None:
    """Sort each column by the mean position of the neighbours, so that few arrows cross."""
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        neighbours = before if down else after
        steps = range(1, len(layers)) if down else range(len(layers) - 2, -1, -1)
        for number in steps:
            beside = layers[number - 1 if down else number + 1]
            position = {name: at for at, name in enumerate(beside)}
            own = {name: at for at, name in enumerate(layers[number])}

            def mean(name: str, position: dict[str, int] = position, own: dict[str, int] = own) -> float:
                near = [position[other] for other in neighbours.get(name, ()) if other in position]  # noqa: B023
                return sum(near) / len(near) if near else own[name]

            layers[number].sort(key=mean)


def _place(
    layers: Sequence[Sequence[str]], before: Mapping[str, list[str]], after: Mapping[str, list[str]]
) -> dict[str, float]:
    """Return the vertical middle of each task and point: near its neighbours, without overlaps."""
    middle: dict[str, float] = {}
    for layer in layers:
        y = -sum(_height(name) + _GAP_Y for name in layer) / 2
        for name in layer:
            middle[name] = y + _height(name) / 2
            y += _height(name) + _GAP_Y
    for sweep in range(_SWEEPS):
        neighbours = before if sweep % 2 == 0 else after
        for layer in layers if sweep % 2 == 0 else list(reversed(layers)):
            wanted = [
                _mean([middle[other] for other in neighbours.get(name, ())], middle[name]) for name in layer
            ]
            for name, value in zip(layer, _apart(layer, wanted), strict=True):
                middle[name] = value
    return middle


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _apart(layer: Sequence[str], wanted: Sequence[float]) -> list[float]:
    """Return positions near the wanted ones, in the same order, without overlaps."""
    down: list[float] = []
    for name, value in zip(layer, wanted, strict=True):
        least = down[-1] + _distance(layer[len(down) - 1], name) if down else value
        down.append(max(value, least))
    up: list[float] = []
    for name, value in zip(reversed(layer), reversed(wanted), strict=True):
        most = up[-1] - _distance(layer[len(layer) - len(up)], name) if up else value
        up.append(min(value, most))
    mean = [(low + high) / 2 for low, high in zip(down, reversed(up), strict=True)]
    placed: list[float] = []
    for name, value in zip(layer, mean, strict=True):
        least = placed[-1] + _distance(layer[len(placed) - 1], name) if placed else value
        placed.append(max(value, least))
    return placed


def _distance(upper: str, lower: str) -> float:
    return (_height(upper) + _height(lower)) / 2 + _GAP_Y


def _path(chain: Sequence[str], column: int, middle: Mapping[str, float]) -> str:
    """Return the way of an arrow: curves between columns, straight lines through them."""
    x, y = _left(column) + WIDTH, middle[chain[0]]
    path = f"M{x:.0f} {y:.1f}"
    for step, name in enumerate(chain[1:], start=1):
        is_last = step == len(chain) - 1
        edge, to = _left(column + step) - (5 if is_last else 0), middle[name]
        half = (edge - x) / 2
        path += f"C{x + half:.0f} {y:.1f} {edge - half:.0f} {to:.1f} {edge:.0f} {to:.1f}"
        x, y = edge, to
        if not is_last:
            x += WIDTH
            path += f"H{x:.0f}"
    return path
