"""Selects the instances that start now: higher priorities first, then older jobs, limited by machines and slots."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from batchcompute.service.domain.states import Key

__all__: list[str] = []


class Candidates(Protocol):
    """The instances and machines from which `select_runnable` selects."""

    def runnable(self, count: int, full_clusters: Collection[str]) -> Sequence[tuple[Key, str]]:
        """Return the first instances that could start, with the clusters of their tasks, without those of full clusters."""
        ...

    def idle(self, cluster_id: str, count: int) -> Sequence[str]:
        """Return ids of idle machines of a cluster."""
        ...

    def full(self) -> Iterable[str]:
        """Return the ids of clusters that have no idle machine."""
        ...


class Selected(NamedTuple):
    """An instance that starts now, and its machine."""

    key: Key
    """The instance."""
    worker: str
    """Id of the machine; empty for a machine of an automatic cluster."""


def select_runnable(candidates: Candidates, free: int, held: Collection[int] = ()) -> list[Selected]:
    """Return the instances that start now.

    A task with a cluster runs on machines of that cluster only, one instance on each. The slots of this machine limit
    the total number of running instances.

    Args:
        candidates: The instances that could start, and the machines.
        free: The number of free slots.
        held: Row numbers of jobs that do not start yet. They keep their slots, so instances of lower rank wait, too,
            for a few milliseconds.
    """
    selected: list[Selected] = []
    idle: dict[str, list[str]] = {}
    taken: set[Key] = set()
    while free > len(taken):
        full = {cluster for cluster, machines in idle.items() if not machines}
        passed_over = False
        for key, cluster in candidates.runnable(free, full):
            if key in taken:
                continue
            worker = ""
            if cluster:
                if cluster not in idle:
                    idle[cluster] = list(candidates.idle(cluster, free))
                if not idle[cluster]:
                    passed_over = True
                    continue
                worker = idle[cluster].pop(0)
            taken.add(key)
            if key[0] not in held:
                selected.append(Selected(key, worker))
            if len(taken) == free:
                break
        if not passed_over:
            break
        # All full clusters are excluded at once, because there may be hundreds of them and each query is slow.
        for cluster in candidates.full():
            idle.setdefault(cluster, [])
        if full == {cluster for cluster, machines in idle.items() if not machines}:
            break
    return selected
