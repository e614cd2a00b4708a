"""Functions for the checks of jobs and their tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

__all__: list[str] = []


def job_type_of(description: Any) -> str:
    """Return the type of a job, ``DAG`` or ``App``, from its description in any form.

    The old SDK took a DAG job without Priority for an App job (REST API, 11); here ``Type``
    decides, and where it is missing, what the description holds.

    Args:
        description: A model or a mapping.
    """
    if not hasattr(description, "get"):
        return "DAG"
    kind = description.get("Type", description.get("type"))
    if kind is None and not (description.get("DAG") or description.get("dag")):
        return "App" if "App" in description or "app" in description else "DAG"
    return "App" if kind == "App" else "DAG"


def count_instances(tasks: Iterable[Any]) -> int:
    """Return the total number of instances of tasks."""
    return sum(task.instance_count or 0 for task in tasks)


def find_cycle(edges: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names of a cycle, whose first and last are the same; empty if there is no cycle.

    Args:
        edges: For each task, the tasks that start after it.
    """
    finished: set[str] = set()
    for start in edges:
        # The depth-first search uses no recursion: a chain of tasks can be longer than the stack of Python.
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[tuple[str, Iterator[str]]] = []
        if start not in finished:
            path.append(start)
            on_path.add(start)
            stack.append((start, iter(edges.get(start, ()))))
        while stack:
            node, followers = stack[-1]
            for follower in followers:
                if follower in on_path:
                    return [*path[path.index(follower) :], follower]
                if follower not in finished:
                    path.append(follower)
                    on_path.add(follower)
                    stack.append((follower, iter(edges.get(follower, ()))))
                    break
            else:
                stack.pop()
                path.pop()
                on_path.discard(node)
                finished.add(node)
    return []
