"""The thread that removes large jobs, and settles the instances of stopped ones, step by step."""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable
from functools import partial

from batchcompute.runner.os_errors import is_transient
from batchcompute.service.store import large_jobs
from batchcompute.service.store.database import Store

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service.dispatcher")

_RETRY_PAUSE = 1.0
"""Seconds after which a failed step is repeated."""


class LargeJobCleaner:
    """Removes and settles large jobs in a background thread.

    The next start of the service resumes the work that is unfinished when this one ends.

    Args:
        store: The database.
        restarting: Row numbers of jobs whose instances are not settled, because StartJob is resetting them.

    Raises:
        RuntimeError: The thread cannot be started.
    """

    def __init__(self, store: Store, restarting: Collection[int]) -> None:
        self._store = store
        self._restarting = restarting
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="batchcompute-large-jobs", daemon=True)
        self._thread.start()

    def add(self, removed: Iterable[int], unsettled: Iterable[int]) -> None:
        """Queue hidden jobs for removal, and stopped jobs whose instances have to be settled."""
        for job in removed:
            self._work.put(partial(large_jobs.remove, self._store, job, self._may_continue))
        for job in unsettled:
            self._work.put(partial(large_jobs.settle, self._store, job, partial(self._may_settle, job)))

    def close(self) -> None:
        """End the thread after its current step."""
        self._end.set()
        self._work.put(None)
        self._thread.join()

    def _may_continue(self) -> bool:
        return not self._end.is_set()

    def _may_settle(self, job: int) -> bool:
        return self._may_continue() and job not in self._restarting

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            while self._may_continue():
                try:
                    work()
                    break
                except (sqlite3.Error, OSError, MemoryError) as error:
                    if not isinstance(error, sqlite3.Error) and not is_transient(error):
                        _log.exception("a large job cannot be cleaned up; the next start tries again")
                        break
                    _log.warning("a large job cannot be cleaned up now: %s", error)
                    self._end.wait(_RETRY_PAUSE)
