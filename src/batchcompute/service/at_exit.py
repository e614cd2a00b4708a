"""Closes open services when the process ends, and reports unfinished jobs."""

from __future__ import annotations

import atexit
import sqlite3
import warnings
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from batchcompute.service.store.database import Store

__all__: list[str] = []


class _Service(Protocol):
    """A service that may still be open."""

    data_dir: Path
    unfinished: int
    _temporary: bool

    def close(self) -> None: ...


open_services: weakref.WeakSet[_Service] = weakref.WeakSet()
"""The services of this process that are not closed."""


def unfinished_jobs(store: Store) -> int:
    """Return how many jobs have not ended; 0 if the database cannot be read."""
    try:
        with store.read() as transaction:
            return transaction.jobs.count_unfinished()
    except sqlite3.Error:
        return 0


def unfinished_message(count: int, directory: Path, temporary: bool) -> str:
    """Return a message that says what happens to unfinished jobs when their service is closed.

    Args:
        count: The number of unfinished jobs.
        directory: The data directory.
        temporary: Whether the data directory is removed.
    """
    jobs, have, are = ("1 job", "has", "is") if count == 1 else (f"{count} jobs", "have", "are")
    if temporary:
        return f"{jobs} {have} not ended and {are} lost: the temporary data directory {directory} is removed"
    return (
        f"{jobs} {have} not ended. Running programs were stopped; they start again when a program or "
        f"`batchcompute up` opens the data directory {directory}. To wait for jobs, call client.wait(...). To let "
        "jobs continue after a program ends, run `batchcompute up` before it"
    )


def close_services() -> list[_Service]:
    """Close every service of this process; return those with unfinished jobs."""
    services = list(open_services)
    for service in services:
        service.close()
    return [service for service in services if service.unfinished]


@atexit.register
def _close_all() -> None:
    """Close every service at the end of the process, including after Ctrl-C."""
    for service in close_services():
        warnings.warn(
            unfinished_message(service.unfinished, service.data_dir, service._temporary),
            UserWarning,
            stacklevel=1,
        )
