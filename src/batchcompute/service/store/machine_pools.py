"""Creates and releases the machines of clusters (REST API, 2.3 and 4.4)."""

from __future__ import annotations

from batchcompute import resources
from batchcompute.service.clock import Clock, timestamp
from batchcompute.service.domain.ids import new_id
from batchcompute.service.store import transitions
from batchcompute.service.store.database import Transaction
from batchcompute.service.store.rows import MachineRow

__all__: list[str] = []

_SHOWN_SECONDS = 5.0
"""Seconds for which a released cluster or machine is still shown, as ``Deleting``."""


def shown_since(clock: Clock) -> float:
    """Return the time since which released clusters and machines are still shown."""
    return clock.time() - _SHOWN_SECONDS


def delete_released(transaction: Transaction, clock: Clock) -> None:
    """Delete clusters and machines that were released, and are not shown any more."""
    transaction.clusters.delete_released(shown_since(clock))
    transaction.machines.delete_released(shown_since(clock))


def adjust(
    transaction: Transaction, cluster: int, description: resources.ClusterDescription, clock: Clock
) -> None:
    """Create and release machines until each group has its desired number; idle and newer ones are released first.

    Args:
        transaction: The transaction.
        cluster: Row number of the cluster.
        description: The description of the cluster.
        clock: The source of time.
    """
    delete_released(transaction, clock)
    existing = transaction.machines.count_by_group(cluster)
    for name, group in description.groups.items():
        missing = (group.desired_vm_count or 0) - existing.get(name, 0)
        if missing > 0:
            ids = [new_id("i-", 12) for _ in range(missing)]
            transaction.machines.insert(cluster, name, ids, timestamp(clock))
        elif missing < 0:
            for machine in transaction.machines.least_needed(cluster, name, -missing):
                release(transaction, machine, clock)


def release(transaction: Transaction, machine: MachineRow, clock: Clock) -> None:
    """Release a machine. An instance that runs on it runs again on another one; its ``RetryCount`` increases."""
    transaction.machines.release(machine.seq, clock.time())
    transitions.lose_machine(transaction, machine.id, timestamp(clock))


def release_all(transaction: Transaction, cluster: int, clock: Clock) -> None:
    """Release every machine of a cluster."""
    for machine in transaction.machines.running(cluster):
        release(transaction, machine, clock)
