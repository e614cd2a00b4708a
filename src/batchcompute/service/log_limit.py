"""A limit for the log of the server: repeated records are counted instead of written."""

from __future__ import annotations

import logging
import threading
from typing import cast

from batchcompute.service.clock import SYSTEM_CLOCK, Clock

__all__: list[str] = []

_MOST = 10
"""Records of one kind that are written in one window of time."""

_WINDOW = 60.0
"""Seconds of a window."""

_KINDS = 1000
"""Kinds of records that are counted. If there are more, all counts start again."""


class LogLimit(logging.Filter):
    """Passes a few records of each kind per minute. A kind is a line of the source and a level.

    An attribute ``limit`` of a record divides its kind; the empty text stands for no limit. The first record after
    a window reports how many records were left out.

    Args:
        clock: The source of time.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__()
        self._clock = clock
        self._kinds: dict[tuple[str, int, int, str], tuple[float, int]] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to write a record."""
        limit = cast("str | None", getattr(record, "limit", None))
        if limit == "":
            return True
        kind = (record.pathname, record.lineno, record.levelno, limit or "")
        now = self._clock.monotonic()
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
