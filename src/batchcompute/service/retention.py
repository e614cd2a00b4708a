"""Removing what is old from a data directory: nothing in it grows for ever."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from batchcompute.errors import ConfigError
from batchcompute.models.field_types import format_time
from batchcompute.runner.rooted import Root
from batchcompute.service.store import large_jobs
from batchcompute.service.store.database import Store

__all__: list[str] = []


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What was removed."""

    jobs: int
    """Jobs that had ended."""
    tokens: int
    """Idempotent tokens."""


def trim(directory: Path, age: float) -> Trimmed:
    """Remove jobs that ended, and tokens that were used, some time ago. A server may be running.

    Args:
        directory: The data directory.
        age: That time, in seconds.

    Raises:
        ConfigError: The database is busy, or cannot be used.
    """
    before = format_time(datetime.now(UTC) - timedelta(seconds=age))
    store = Store(directory / "batchcompute.db")
    try:
        with store.write() as db:
            rows = [
                (row["seq"], row["id"])
                for row in db.execute(
                    "SELECT seq, id FROM jobs WHERE state IN ('Finished', 'Failed', 'Stopped') AND NOT hidden "
                    "AND CASE ended WHEN '' THEN created ELSE ended END < ?",
                    (before,),
                )
            ]
            jobs = [job for job, _ in rows]
            for job in jobs:
                large_jobs.hide(db, job)
            tokens = db.execute("DELETE FROM tokens WHERE used < ?", (before,)).rowcount
        for job in jobs:
            large_jobs.remove(store, job)
        _drop_kept(directory / "kept", {job_id for _, job_id in rows})
        store.compact()
    except sqlite3.OperationalError as error:
        raise ConfigError(f"the database in {directory} cannot be trimmed: {error}") from error
    finally:
        store.close()
    return Trimmed(len(jobs), tokens)


def _drop_kept(kept: Path, jobs: Collection[str]) -> None:
    """Remove the working directories that were kept of jobs."""
    if not kept.is_dir():
        return
    root = Root(kept)
    try:
        for name in root.names():
            if name.partition(".")[0] in jobs:
                root.remove((name,))
    finally:
        root.close()
