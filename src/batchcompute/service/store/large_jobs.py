"""Large jobs are written, reset and removed in steps, so that no step holds the database for long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from batchcompute.service.store.instances import Range

if TYPE_CHECKING:
    from batchcompute.service.store.database import Store, Transaction

__all__: list[str] = []

# A job may have a million instances, each a row. They are written before the job is shown, and deleted after it is
# hidden. A job that is stopped shows its waiting instances as stopped at once; their rows follow in the background.
# A crash in between leaves steps that the next start goes on with (`leftovers`).

STEP: Final = 2_000
"""Rows that are written in one step."""

_DELETED = 1_000
"""Rows that are deleted in one step: each is removed from three indices."""


def ranges(sizes: Sequence[tuple[int, int]], step: int = STEP) -> list[Range]:
    """Return the steps in which the instances of a job are written.

    Args:
        sizes: Position and number of instances of each task.
        step: Largest number of instances of a step.
    """
    return [
        (position, start, min(start + step, size))
        for position, size in sizes
        for start in range(0, size, step)
    ]


def remove(store: Store, job: int, goes_on: Callable[[], bool] = lambda: True) -> None:
    """Delete a hidden job, with its instances.

    Args:
        store: The database.
        job: Row number of the job.
        goes_on: Returns whether another step may follow.
    """
    for part in _steps(store, job, _DELETED):
        if not goes_on():
            return
        with store.write() as transaction:
            transaction.attempts.delete(job, *part)
            transaction.instances.delete(job, part)
        store.let_others()
    with store.write() as transaction:
        transaction.jobs.delete_hidden(job)


def settle(store: Store, job: int, goes_on: Callable[[], bool] = lambda: True) -> None:
    """Record that instances which did not start before their task ended are stopped.

    Args:
        store: The database.
        job: Row number of the job.
        goes_on: Returns whether another step may follow.
    """
    while True:
        with store.write() as transaction:
            # The check is inside the transaction, so no step runs after StartJob has begun to reset the job.
            if not goes_on():
                return
            settled = transaction.instances.settle(job, STEP)
        if settled < STEP:
            return
        store.let_others()


def reset(store: Store, job: int) -> None:
    """Let the instances of a job wait that is about to start again; the job itself does not start yet."""
    for part in _steps(store, job):
        with store.write() as transaction:
            transaction.attempts.archive_ended(job, *part)
            transaction.instances.reset(job, part)
        store.let_others()


def leftovers(transaction: Transaction) -> tuple[list[int], list[int]]:
    """Return the jobs that have to be removed, and those whose instances have to be settled, after a restart."""
    return transaction.jobs.hidden(), transaction.tasks.unsettled()


def _steps(store: Store, job: int, step: int = STEP) -> list[Range]:
    with store.read() as transaction:
        sizes = transaction.tasks.sizes(job)
    return ranges(sizes, step)
