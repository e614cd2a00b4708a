"""Threads that wait for the end of a job."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__: list[str] = []

_LOOK = 1.0
"""Seconds between two looks of one who waits: whoever ends the service cannot always notify."""


class Waiters:
    """Threads that wait for something that only changes when an instance ends or a job is stopped."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._leaving = False

    def wait_for(self, is_over: Callable[[], bool]) -> bool:
        """Wait until something is so.

        Returns:
            Whether it is; False when the service ends before.
        """
        with self._condition:
            while not self._leaving and not is_over():
                self._condition.wait(_LOOK)
            return not self._leaving

    def notify(self) -> None:
        """Let all of them look."""
        with self._condition:
            self._condition.notify_all()

    def give_up(self) -> None:
        """Let all of them know that the service is about to end; the handler of a signal may call it."""
        # Without the lock, which the thread that is interrupted may hold.
        self._leaving = True
