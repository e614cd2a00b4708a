"""Slow work beside a loop: done in threads, taken in by the loop, so that nothing is touched by two."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from functools import partial

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service.scheduler")


class Beside:
    """Threads for work that takes long, one for each piece.

    Args:
        wake: Wakes the loop when something is done.
        failed: Is called by the loop for work that has failed, with its name and the error.
    """

    def __init__(self, wake: Callable[[], None], failed: Callable[[str, Exception], None]) -> None:
        self._wake = wake
        self._failed = failed
        self._done: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._threads: set[threading.Thread] = set()

    def do(self, name: str, work: Callable[[], Callable[[], None]]) -> None:
        """Do something in a thread; what it returns is called by the loop afterwards."""

        def run() -> None:
            done: Callable[[], None]
            try:
                done = work()
            except Exception as error:  # noqa: BLE001
                _log.exception("work on instance %s has failed", name)
                done = partial(self._failed, name, error)
            self._done.put(done)
            self._threads.discard(thread)
            self._wake()

        thread = threading.Thread(target=run, name=f"batchcompute-{name}", daemon=True)
        self._threads.add(thread)
        thread.start()

    def take_in(self) -> None:
        """Call what done work has returned."""
        while not self._done.empty():
            self._done.get()()

    def join(self, patience: float) -> None:
        """Wait for all threads.

        Args:
            patience: Seconds.
        """
        end = time.monotonic() + patience
        for thread in list(self._threads):
            thread.join(max(0.0, end - time.monotonic()))
