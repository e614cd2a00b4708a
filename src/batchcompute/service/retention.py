"""Removes old jobs and tokens from a data directory: once, or regularly in a running service."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, NamedTuple

from batchcompute.errors import ConfigError
from batchcompute.runner.rooted import Root
from batchcompute.service.clock import SYSTEM_CLOCK, Clock, timestamp
from batchcompute.service.store import large_jobs
from batchcompute.service.store.database import Store

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service")

_STEP: Final = 100
"""Jobs that one transaction hides."""

_SHORTEST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 3600.0
"""Seconds between two searches for old jobs."""


class Trimmed(NamedTuple):
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
    store = Store(directory / "batchcompute.db")
    try:
        trimmed = expire(store, directory, age, clock=clock)
        store.compact()
    except sqlite3.OperationalError as error:
        raise ConfigError(f"the database in {directory} cannot be trimmed: {error}") from error
    finally:
        store.close()
    return trimmed


def expire(
    store: Store,
    directory: Path,
    age: float,
    goes_on: Callable[[], bool] = lambda: True,
    clock: Clock = SYSTEM_CLOCK,
) -> Trimmed:
    """Remove jobs that ended, and tokens that were used, more than a given time ago, in steps.

    Args:
        store: The database.
        directory: The data directory.
        age: Seconds that have passed since then, at least.
        goes_on: Returns whether another step may follow.
        clock: The source of time.

    Raises:
        sqlite3.Error: The database cannot be changed at this moment.
        OSError: Kept directories cannot be removed at this moment.
    """
    before = timestamp(clock, -age)
    with store.write() as transaction:
        tokens = transaction.tokens.delete_before(before)
    removed = 0
    while goes_on():
        with store.write() as transaction:
            jobs = transaction.jobs.ended_before(before, _STEP)
            for seq, _ in jobs:
                transaction.jobs.hide(seq)
        if not jobs:
            break
        for seq, _ in jobs:
            # A job that is hidden, and not removed, is removed by the next start.
            large_jobs.remove(store, seq, goes_on)
        _remove_kept(directory / "kept", {job_id for _, job_id in jobs})
        removed += len(jobs)
        store.let_others()
    return Trimmed(removed, tokens)


class Retention:
    """Removes old jobs regularly, in a thread.

    Args:
        store: The database.
        directory: The data directory.
        age: Seconds for which jobs stay after their end.
        clock: The source of time.

    Raises:
        RuntimeError: The thread cannot be started.
    """

    def __init__(self, store: Store, directory: Path, age: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._store = store
        self._directory = directory
        self._age = age
        self._clock = clock
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="batchcompute-retention", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread after its current step."""
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        pause = min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, self._age / 10))
        while True:
            try:
                trimmed = expire(
                    self._store, self._directory, self._age, lambda: not self._end.is_set(), self._clock
                )
                if trimmed.jobs:
                    _log.info("%d jobs have expired and were removed", trimmed.jobs)
            except (sqlite3.Error, OSError, MemoryError) as error:
                _log.warning("old jobs cannot be removed now: %s", error)
            if self._end.wait(pause):
                return


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
