"""The graph of a drawing: tasks with labels and states, their order, and their layers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

__all__ = ["Graph", "Node", "graph_of"]

STATES: Final = ("Waiting", "Running", "Finished", "Failed", "Stopped")
"""States that have a color."""


@dataclass(frozen=True, slots=True)
class Node:
    """A task."""

    name: str
    """Its name."""
    detail: str = ""
    """A short text beside its name, such as ``3 times`` or ``2 running``."""
    state: str = ""
    """Its state; empty for a task that does not run yet."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Tasks and their order."""

    nodes: tuple[Node, ...]
    """The tasks. A task stands behind those that it waits for."""
    edges: tuple[tuple[int, int], ...]
    """Pairs of positions in `nodes`: the second task starts after the first one."""

    def layers(self) -> list[list[int]]:
        """Return the positions of the tasks in layers; each task is below all tasks that it waits for."""
        depth = [0] * len(self.nodes)
        # The edges are sorted by their first task, and a task stands behind those that it waits for.
        for before, after in self.edges:
            depth[after] = max(depth[after], depth[before] + 1)
        rows: list[list[int]] = [[] for _ in range(max(depth, default=-1) + 1)]
        for index, row in enumerate(depth):
            rows[row].append(index)
        return rows


def graph_of(
    tasks: Iterable[str],
    dependencies: Mapping[str, Sequence[str]],
    *,
    details: Mapping[str, str] | None = None,
    states: Mapping[str, str] | None = None,
) -> Graph:
    """Return the graph of tasks.

    Tasks that the dependencies name and that do not exist are left out, and so are the edges that close a cycle.

    Args:
        tasks: The names of the tasks.
        dependencies: For each task, the tasks that start after it.
        details: A short text for some tasks.
        states: The states of some tasks.
    """
    names = list(dict.fromkeys(str(name) for name in tasks))
    known = set(names)
    followers: dict[str, list[str]] = {}
    for name in names:
        listed: Any = dependencies.get(name) or ()
        unique = dict.fromkeys(str(one) for one in cast("Sequence[object]", listed))
        followers[name] = [one for one in unique if one in known and one != name]
    order = _sorted(names, followers)
    position = {name: index for index, name in enumerate(order)}
    nodes = [Node(name, (details or {}).get(name, ""), (states or {}).get(name, "")) for name in order]
    edges = [(position[name], position[one]) for name in order for one in followers[name]]
    forward = [edge for edge in edges if edge[0] < edge[1]]
    return Graph(tuple(nodes), tuple(sorted(forward)))


def _sorted(names: Sequence[str], followers: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names in an order in which each task is behind those that it waits for.

    A follower comes as soon as it can, so that chains stay together.
    """
    waits = dict.fromkeys(names, 0)
    for name in names:
        for one in followers[name]:
            waits[one] += 1
    ready = deque(name for name in names if not waits[name])
    order: list[str] = []
    while ready:
        name = ready.popleft()
        order.append(name)
        free: list[str] = []
        for one in followers[name]:
            waits[one] -= 1
            if not waits[one]:
                free.append(one)
        ready.extendleft(reversed(free))
    done = set(order)
    # The rest is a cycle, in the order of the description.
    return [*order, *(name for name in names if name not in done)]
