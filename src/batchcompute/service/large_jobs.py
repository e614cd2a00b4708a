"""The thread that removes large jobs, and brings the instances of stopped ones in line, step by step."""

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

_PAUSE = 1.0
"""Seconds after which what has failed is tried again."""


class Tidier:
    """Does in the background what a transaction has left to be done.

    What it has not done when the service ends is found by the next one.

    Args:
        store: The database.
        starts: Jobs whose instances are left alone.

    Raises:
        RuntimeError: The thread cannot be started.
    """

    def __init__(self, store: Store, starts: Collection[int]) -> None:
        self._store = store
        self._starts = starts
        self._orders: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="batchcompute-tidier", daemon=True)
        self._thread.start()

    def add(self, removed: Iterable[int], unsettled: Iterable[int]) -> None:
        """Take on jobs that are to be removed, and jobs whose instances are to be settled."""
        for job in removed:
            self._orders.put(partial(large_jobs.remove, self._store, job, self._goes_on))
        for job in unsettled:
            self._orders.put(partial(large_jobs.settle, self._store, job, partial(self._may_settle, job)))

    def close(self) -> None:
        """End the thread after the step that it is doing."""
        self._end.set()
        self._orders.put(None)
        self._thread.join()

    def _goes_on(self) -> bool:
        return not self._end.is_set()

    def _may_settle(self, job: int) -> bool:
        return self._goes_on() and job not in self._starts

    def _run(self) -> None:
        while (order := self._orders.get()) is not None:
            while self._goes_on():
                try:
                    order()
                    break
                except (sqlite3.Error, OSError, MemoryError) as error:
                    if not isinstance(error, sqlite3.Error) and not is_transient(error):
                        _log.exception("a large job cannot be tidied up now; the next start tries again")
                        break
                    _log.warning("a large job cannot be tidied up now: %s", error)
                    self._end.wait(_PAUSE)
