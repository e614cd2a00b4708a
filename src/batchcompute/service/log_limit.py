"""A limit for the log of the server: what repeats itself without end is counted, and not written each time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

__all__: list[str] = []

_MOST = 10
"""Records of one kind that are written in a window."""

_WINDOW = 60.0
"""Seconds of a window."""

_KINDS = 1000
"""Kinds of records that are told apart; beyond them, all are counted anew."""


class LogLimit(logging.Filter):
    """Lets a few records of each kind through in a minute; a kind is a place in the program and a level.

    The first record after a window says how many were left out.

    Args:
        clock: Returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._kinds: dict[tuple[str, int, int], tuple[float, int]] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is written."""
        kind = (record.pathname, record.lineno, record.levelno)
        now = self._clock()
        with self._lock:
            begun, count = self._kinds.get(kind, (now, 0))
            left_out = 0
            if now - begun >= _WINDOW:
                left_out = max(0, count - _MOST)
                begun, count = now, 0
            if len(self._kinds) >= _KINDS and kind not in self._kinds:
                self._kinds.clear()
            self._kinds[kind] = (begun, count + 1)
        if left_out:
            record.msg = f"{record.msg} [{left_out} more like this were left out]"
        return count < _MOST
