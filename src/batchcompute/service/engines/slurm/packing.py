"""Packing: which attempts run one after the other in an element of a job array, and how elements are cut into arrays."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final, TypeAlias, TypeVar

from batchcompute.runner.attempt_spec import AttemptSpec

__all__ = ["Durations", "TaskKey", "cut", "pack_size", "packed"]

T = TypeVar("T")

TaskKey: TypeAlias = tuple[str, str]
"""A task: its job, and its name."""

PROBES: Final = 32
"""Attempts of a task that run unpacked before anything is known about their durations."""

ENOUGH: Final = 8
"""Measured durations after which the others are packed."""

SPREAD: Final = 16
"""Elements into which a batch is cut at least, so that packing leaves some parallelism."""

_LARGEST_FILE = 32 * 1024**2
"""Bytes of commands and variables in one element. A runner reads files of several times this size."""

_REMEMBERED_TASKS = 1000
_REMEMBERED_DURATIONS = 64


class Durations:
    """The durations of the attempts that have ended a short time ago, by task."""

    def __init__(self) -> None:
        self._seconds: OrderedDict[TaskKey, deque[float]] = OrderedDict()

    def note(self, task: TaskKey, seconds: float) -> None:
        """Note the duration of an attempt."""
        values = self._seconds.setdefault(task, deque(maxlen=_REMEMBERED_DURATIONS))
        values.append(max(0.0, seconds))
        self._seconds.move_to_end(task)
        while len(self._seconds) > _REMEMBERED_TASKS:
            self._seconds.popitem(last=False)

    def count(self, task: TaskKey) -> int:
        """Return the number of durations that are known."""
        return len(self._seconds.get(task, ()))

    def typical(self, task: TaskKey) -> float | None:
        """Return the typical duration of a task's attempts; None if it is unknown."""
        values = self._seconds.get(task)
        return median(values) if values else None


def pack_size(count: int, seconds: float | None, target: float, parallel: int) -> int:
    """Return how many attempts one element runs.

    Args:
        count: Number of attempts that are submitted.
        seconds: Typical duration of one; None if it is unknown.
        target: Seconds that an element should take.
        parallel: Attempts that an element runs at the same time.
    """
    if seconds is None or count <= SPREAD * parallel:
        # A short batch gains nothing: its elements start together.
        return parallel
    by_duration = math.ceil(target / max(seconds, 1e-3)) * parallel
    return max(parallel, min(by_duration, math.ceil(count / SPREAD)))


def packed(specs: Sequence[AttemptSpec], pack: int) -> Iterator[list[AttemptSpec]]:
    """Yield the attempts of each element, as equal in number as possible.

    Args:
        specs: The attempts.
        pack: Largest number of attempts in an element.
    """
    elements = math.ceil(len(specs) / pack)
    for element in cut(specs, math.ceil(len(specs) / elements)) if elements else ():
        part: list[AttemptSpec] = []
        size = 0
        for spec in element:
            bytes_of_spec = _size_of(spec)
            if part and size + bytes_of_spec > _LARGEST_FILE:
                yield part
                part, size = [], 0
            part.append(spec)
            size += bytes_of_spec
        yield part


def cut(items: Sequence[T], length: int) -> Iterator[Sequence[T]]:
    """Yield pieces of a sequence with a number of items at most."""
    for start in range(0, len(items), length):
        yield items[start : start + length]


def _size_of(spec: AttemptSpec) -> int:
    return 1000 + len(spec.command) + sum(len(name) + len(value) for name, value in spec.environment.items())
