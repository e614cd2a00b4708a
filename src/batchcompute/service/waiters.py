"""Lets threads wait until a job has ended."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__: list[str] = []

_CHECK_INTERVAL = 1.0
"""Seconds between two checks of a waiting thread: `Waiters.close` cannot notify from a signal handler."""


class Waiters:
    """Threads that wait for a condition that only the end of an instance or of a job can change."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the service is about to end."""
        return self._closed

    def wait_for(self, is_over: Callable[[], bool]) -> bool:
        """Block until a condition holds.

        Returns:
            True if the condition holds; False if the service ends first.
        """
        with self._condition:
            while not self._closed and not is_over():
                self._condition.wait(_CHECK_INTERVAL)
            return not self._closed

    def notify(self) -> None:
        """Make all waiting threads check their conditions."""
        with self._condition:
            self._condition.notify_all()

    def close(self) -> None:
        """End all waits, because the service is about to end. Signal handlers may call this method."""
        # Without the lock: the interrupted thread may hold it.
        self._closed = True
