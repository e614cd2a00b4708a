"""The instances that could start, as `domain.selection` asks for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from batchcompute.service.domain.states import Key
from batchcompute.service.store.database import Transaction

__all__: list[str] = []


class RunnableQueue:
    """The instances that could start, and the machines of clusters, in one transaction.

    Args:
        transaction: The transaction.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def runnable(self, count: int, full_clusters: Collection[str]) -> Sequence[tuple[Key, str]]:
        """Return the first instances that could start, with the clusters of their tasks, without those of full clusters."""
        return self._transaction.instances.runnable(count, full_clusters)

    def idle(self, cluster_id: str, count: int) -> Sequence[str]:
        """Return ids of idle machines of a cluster."""
        return self._transaction.machines.idle(cluster_id, count)

    def full(self) -> Iterable[str]:
        """Return the ids of clusters that have no idle machine."""
        return self._transaction.clusters.full()
