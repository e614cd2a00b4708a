"""Which instances start now: higher priority first, then older jobs, where there is a machine for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from batchcompute.service.domain.states import Key

__all__: list[str] = []


class Candidates(Protocol):
    """What the choice is made from."""

    def runnable(self, count: int, full_clusters: Collection[str]) -> Sequence[tuple[Key, str]]:
        """Return the first instances that could start, with the clusters of their tasks, without those of full clusters."""
        ...

    def idle(self, cluster_id: str, count: int) -> Sequence[str]:
        """Return ids of idle machines of a cluster."""
        ...

    def full(self) -> Iterable[str]:
        """Return the ids of clusters that have no idle machine."""
        ...


@dataclass(frozen=True, slots=True)
class Selected:
    """An instance that starts now, and the machine that it gets."""

    key: Key
    """The instance."""
    worker: str
    """Id of the machine; empty for one of its task's own."""


def select_runnable(candidates: Candidates, free: int, held: Collection[int] = ()) -> list[Selected]:
    """Choose the instances that start now.

    A task with a cluster runs on machines of that cluster only, one instance on each. The slots of this machine bound
    the number of all instances, on clusters and on tasks' own machines.

    Args:
        candidates: The instances that could start, and the machines.
        free: How many may start.
        held: Row numbers of jobs that do not start yet. Instances behind them wait, too; that is a matter of
            milliseconds.
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
        # All full clusters at once: there may be hundreds, and each query takes as long as the last one.
        for cluster in candidates.full():
            idle.setdefault(cluster, [])
        if full == {cluster for cluster, machines in idle.items() if not machines}:
            break
    return selected
