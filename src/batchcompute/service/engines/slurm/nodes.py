"""Nodes that lose one Slurm job after the other are excluded for a while."""

from __future__ import annotations

import logging
from collections.abc import Collection

from batchcompute.service.clock import Clock

__all__ = ["NodeWatch"]

_log = logging.getLogger("batchcompute.service.engine")


class NodeWatch:
    """Counts the jobs that each node has lost in a row.

    A runner that never starts on any node is an error of the options. So no node stays excluded if a second one loses jobs,
    too, and none has worked.

    Args:
        clock: The source of time.
        after: Number of losses in a row after which a node is excluded.
        seconds: Seconds for which it is excluded.
    """

    def __init__(self, clock: Clock, after: int, seconds: float) -> None:
        self._clock = clock
        self._after = after
        self._seconds = seconds
        self._losses: dict[str, int] = {}
        self._until: dict[str, float] = {}
        self._any_works = False

    def note_loss(self, node: str) -> str:
        """Note that a node has lost a job, and return what follows in words; empty for nothing."""
        if not node:
            return ""
        self._losses[node] = self._losses.get(node, 0) + 1
        if not self._any_works and len(self._losses) > 1:
            self._until.clear()
            return "no node has run an attempt yet, so that the options 'python' and 'setup' may be wrong: `batchcompute doctor` checks them"
        if self._losses[node] < self._after:
            return ""
        text = f"node {node} has lost {self._losses[node]} Slurm jobs in a row, and is excluded for {self._seconds:g} seconds"
        if node not in self._until:
            _log.warning("Slurm: %s", text)
        self._until[node] = self._clock.monotonic() + self._seconds
        return text

    def note_success(self, node: str) -> None:
        """Note that a node has brought an attempt to its end, or has a Python with this package."""
        self._any_works = True
        if self._losses.pop(node, None) is not None and self._until.pop(node, None) is not None:
            _log.info("Slurm: node %s works again, and is not excluded any more", node)

    def excluded(self, nodes: Collection[str]) -> tuple[str, ...]:
        """Return which of some nodes are excluded. At least one of them stays.

        Args:
            nodes: The nodes of a partition.
        """
        now = self._clock.monotonic()
        for node, end in list(self._until.items()):
            if end <= now:
                # It gets another chance, and is excluded again after its next loss.
                del self._until[node]
                self._losses[node] = self._after - 1
        excluded = sorted(self._until.keys() & set(nodes), key=lambda node: -self._until[node])
        return tuple(sorted(excluded[: max(0, len(nodes) - 1)]))
