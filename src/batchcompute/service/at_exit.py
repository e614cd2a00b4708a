"""The end of a process: services that are still open are closed, and jobs that have not ended are told of."""

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
    """Return how many jobs have not ended; 0 where the database cannot tell."""
    try:
        with store.read() as db:
            row = db.execute(
                "SELECT COUNT(*) FROM jobs WHERE state IN ('Waiting', 'Running') AND NOT hidden"
            ).fetchone()
    except sqlite3.Error:
        return 0
    return int(row[0])


def prospect(count: int, directory: Path, temporary: bool) -> str:
    """Say what becomes of jobs that have not ended, as their service is closed.

    Args:
        count: How many there are.
        directory: The data directory.
        temporary: Whether it is removed.
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
    """Close every service at the end of the process, after Ctrl-C, too."""
    services = list(left_open)
    for service in services:
        service.close()
    for service in services:
        if service.unfinished:
            warnings.warn(
                prospect(service.unfinished, service.data_dir, service._temporary), UserWarning, stacklevel=1
            )
