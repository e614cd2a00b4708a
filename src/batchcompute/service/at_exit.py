"""The end of a process: open services are closed, and unfinished jobs are reported."""

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


left_open: weakref.WeakSet[_Service] = weakref.WeakSet()
"""The services of this process that have not been closed."""


def unfinished_jobs(store: Store) -> int:
    """Return how many jobs have not ended; 0 if the database cannot be read."""
    try:
        with store.read() as transaction:
            return transaction.jobs.count_unfinished()
    except sqlite3.Error:
        return 0


def prospect(count: int, directory: Path, temporary: bool) -> str:
    """Return what happens to unfinished jobs when their service is closed.

    Args:
        count: How many unfinished jobs there are.
        directory: The data directory.
        temporary: Whether the data directory is removed.
    """
    jobs, have, go, are = (
        ("1 job", "has", "goes", "is") if count == 1 else (f"{count} jobs", "have", "go", "are")
    )
    if temporary:
        return f"{jobs} {have} not ended and {are} lost with the temporary data directory {directory}"
    return (
        f"{jobs} {have} not ended and {go} on only when the data directory {directory} is opened again, by a program "
        "or by `batchcompute serve`; what ran has been ended and starts anew then. client.wait(...) waits for the "
        "end of jobs; with `batchcompute serve` running, they go on after a program has ended"
    )


@atexit.register
def _close_all() -> None:
    """Close every service at the end of the process, including after Ctrl-C."""
    services = list(left_open)
    for service in services:
        service.close()
    for service in services:
        if service.unfinished:
            warnings.warn(
                prospect(service.unfinished, service.data_dir, service._temporary), UserWarning, stacklevel=1
            )
