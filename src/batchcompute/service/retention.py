"""Removes old jobs and tokens from a data directory."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from batchcompute.errors import ConfigError
from batchcompute.models.field_types import format_time
from batchcompute.runner.rooted import Root
from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.store import large_jobs
from batchcompute.service.store.database import Store

__all__: list[str] = []


@dataclass(frozen=True, slots=True)
class Trimmed:
    """The numbers of removed jobs and tokens."""

    jobs: int
    """The number of removed jobs."""
    tokens: int
    """The number of removed idempotent tokens."""


def trim(directory: Path, age: float, clock: Clock = SYSTEM_CLOCK) -> Trimmed:
    """Remove jobs that ended, and tokens that were used, more than a given time ago. A server may be running.

    Args:
        directory: The data directory.
        age: Seconds that have passed since then, at least.
        clock: The source of time.

    Raises:
        ConfigError: The database is busy, or cannot be used.
    """
    before = format_time(datetime.fromtimestamp(clock.time() - age, UTC))
    store = Store(directory / "batchcompute.db")
    try:
        with store.write() as transaction:
            jobs = transaction.jobs.ended_before(before)
            for seq, _ in jobs:
                transaction.jobs.hide(seq)
            tokens = transaction.tokens.delete_before(before)
        for seq, _ in jobs:
            large_jobs.remove(store, seq)
        _remove_kept(directory / "kept", {job_id for _, job_id in jobs})
        store.compact()
    except sqlite3.OperationalError as error:
        raise ConfigError(f"the database in {directory} cannot be trimmed: {error}") from error
    finally:
        store.close()
    return Trimmed(len(jobs), tokens)


def _remove_kept(kept: Path, jobs: Collection[str]) -> None:
    """Remove the kept working directories of jobs."""
    if not kept.is_dir():
        return
    root = Root(kept)
    try:
        for name in root.names():
            if name.partition(".")[0] in jobs:
                root.remove((name,))
    finally:
        root.close()
