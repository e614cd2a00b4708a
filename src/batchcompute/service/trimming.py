"""Removing what is old from a data directory: nothing in it grows for ever."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from batchcompute._values import format_time
from batchcompute.errors import ConfigError
from batchcompute.service import large
from batchcompute.service.store import Store

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
            jobs = [
                row["seq"]
                for row in db.execute(
                    "SELECT seq FROM jobs WHERE state IN ('Finished', 'Failed', 'Stopped') AND NOT hidden "
                    "AND CASE ended WHEN '' THEN created ELSE ended END < ?",
                    (before,),
                )
            ]
            for job in jobs:
                large.hide(db, job)
            tokens = db.execute("DELETE FROM tokens WHERE used < ?", (before,)).rowcount
        for job in jobs:
            large.remove(store, job)
        store.compact()
    except sqlite3.OperationalError as error:
        raise ConfigError(f"the database in {directory} cannot be trimmed: {error}") from error
    finally:
        store.close()
    return Trimmed(len(jobs), tokens)
