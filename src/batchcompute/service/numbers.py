"""The numbers of a running service, and whether it is ready."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from batchcompute.service.store.database import Store
    from batchcompute.service.watchdog import Health

__all__ = ["Readiness", "ServiceNumbers"]

_LEAST_FREE: Final = 16 * 1024**2
"""Free bytes of the data directory's disk below which jobs can fail."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a service can do its work at this moment."""

    problems: Mapping[str, str] = field(default_factory=dict[str, str])
    """Obstacles to its work, by part: ``loop``, ``database``, ``disk`` or ``end``."""

    @property
    def ok(self) -> bool:
        """Whether the service is ready."""
        return not self.problems

    def content(self) -> dict[str, str]:
        """Return the readiness as the content of a response."""
        return {"status": "ready" if self.ok else "not ready", **self.problems}


class ServiceNumbers(NamedTuple):
    """The numbers of a service at one moment."""

    jobs: Mapping[str, int]
    """Jobs by state."""
    waiting: int
    """Waiting instances of the jobs that have not ended."""
    submitted: int
    """Instances that wait in the queue of an engine."""
    running: int
    """Running instances."""
    slots: int
    """Instances that run at once."""
    database_bytes: int
    """Size of the database with its log."""
    free_bytes: int
    """Free space on the disk of the data directory."""
    total_bytes: int
    """Size of that disk."""
    is_healthy: bool
    """Whether the loop that runs the jobs makes progress."""
    stalls: int
    """Rounds of the loop that took too long."""


def check_readiness(store: Store, directory: Path, health: Health, is_ending: bool) -> Readiness:
    """Return whether a service can do its work at this moment.

    Args:
        store: Its database.
        directory: Its data directory.
        health: The health of its loop.
        is_ending: Whether it is about to end.
    """
    problems: dict[str, str] = {}
    if is_ending:
        # The database may be closed.
        return Readiness({"end": "the service is about to end"})
    if not health.ok:
        problems["loop"] = "the loop that runs the jobs makes no progress"
    try:
        with store.read() as transaction:
            transaction.jobs.count_unfinished()
    except sqlite3.Error:
        problems["database"] = "the database cannot be read"
    try:
        if shutil.disk_usage(directory).free < _LEAST_FREE:
            problems["disk"] = "the disk of the data directory is full"
    except OSError:
        problems["disk"] = "the data directory cannot be read"
    return Readiness(problems)


def read_numbers(store: Store, directory: Path, slots: int, health: Health) -> ServiceNumbers:
    """Return the numbers of a service at this moment.

    Args:
        store: Its database.
        directory: Its data directory.
        slots: Instances that run at once.
        health: The health of its loop.

    Raises:
        sqlite3.Error: The database cannot be read.
        OSError: The data directory cannot be read.
    """
    with store.read() as transaction:
        jobs = transaction.jobs.count_by_state()
        waiting, submitted, running = transaction.jobs.count_active_instances()
    disk = shutil.disk_usage(directory)
    database = directory / "batchcompute.db"
    size = sum(
        path.stat().st_size
        for path in (database, database.with_name(f"{database.name}-wal"))
        if path.exists()
    )
    return ServiceNumbers(
        jobs, waiting, submitted, running, slots, size, disk.free, disk.total, health.ok, health.stalls
    )
