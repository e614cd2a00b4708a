"""Shared parts of all groups of benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Row:
    """One line of the table."""

    what: str
    measured: str
    goal: str
    met: bool


def best(function: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def ratio(name: str, ours: float, theirs: float, goal: float, unit: float = 1e6, word: str = "us") -> Row:
    found = ours / theirs
    return Row(
        name,
        f"{found:.2f} x ({ours * unit:.0f} / {theirs * unit:.0f} {word})",
        f"<= {goal:g} x",
        found <= goal,
    )
