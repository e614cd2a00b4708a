"""The watchdog: a thread that detects a stuck dispatcher, and runs hourly maintenance."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from batchcompute.service.clock import SYSTEM_CLOCK, Clock

if TYPE_CHECKING:
    from batchcompute.service.dispatcher import Dispatcher

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service.dispatcher")

_LIMIT = 5.0
"""Seconds that a round of the loop may take."""

_INTERVAL = 1.0
"""Seconds between two checks."""

_HOUR = 3600.0


class Health(NamedTuple):
    """The health of the loop that runs the jobs."""

    ok: bool
    """Whether the loop makes progress."""
    step_seconds: float
    """Seconds that the current round has taken; 0 between rounds."""
    failing_seconds: float
    """Seconds for which every round has failed; 0 if the last one succeeded."""
    stalls: int
    """The number of rounds since the start of the service that took too long."""
    last_stall: str
    """The place where the last such round was stuck: function, file and line; empty if there was no such round."""

    def content(self) -> dict[str, Any]:
        """Return the health as the content of a response."""
        return {
            "status": "ok" if self.ok else "stalled",
            "step_seconds": round(self.step_seconds, 3),
            "failing_seconds": round(self.failing_seconds, 3),
            "stalls": self.stalls,
            "last_stall": self.last_stall,
        }


class Watchdog:
    """Detects that the loop is stuck, and logs where.

    Args:
        dispatcher: The loop.
        hourly: Called once an hour, to remove old files.
        limit: Seconds that a round may take.
        interval: Seconds between two checks.
        clock: The source of time.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        hourly: Callable[[], object] = lambda: None,
        limit: float = _LIMIT,
        interval: float = _INTERVAL,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._clock = clock
        self._dispatcher = dispatcher
        self._hourly = hourly
        self._next_hour = self._clock.monotonic() + _HOUR
        self._limit = limit
        self._interval = interval
        self._stalls = 0
        self._last = ""
        self._reported: float | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="batchcompute-watchdog", daemon=True)
        self._thread.start()

    def health(self) -> Health:
        """Return the health of the loop."""
        started = self._dispatcher.step_started
        seconds = 0.0 if started is None else self._clock.monotonic() - started
        failing = self._dispatcher.failing_since
        failed = 0.0 if failing is None else self._clock.monotonic() - failing
        ok = max(seconds, failed) <= self._limit and self._dispatcher.thread.is_alive()
        return Health(ok, seconds, failed, self._stalls, self._last)

    def close(self) -> None:
        """End the thread."""
        self._end.set()
        self._thread.join()

    def _run_hourly(self) -> None:
        try:
            self._hourly()
        except Exception:  # noqa: BLE001 - the watchdog keeps running
            _log.exception("old files cannot be removed now; the next attempt is in an hour")

    def _run(self) -> None:
        while not self._end.wait(self._interval):
            if self._clock.monotonic() >= self._next_hour:
                self._next_hour += _HOUR
                self._run_hourly()
            started = self._dispatcher.step_started
            if (
                started is None
                or started == self._reported
                or self._clock.monotonic() - started <= self._limit
            ):
                continue
            self._reported = started
            frame = sys._current_frames().get(self._dispatcher.thread.ident or 0)
            stack = traceback.extract_stack(frame) if frame is not None else traceback.StackSummary()
            where = stack[-1] if stack else None
            _log.error(
                "a round of the dispatcher has taken more than %g seconds; its thread is at:\n%s",
                self._limit,
                "".join(stack.format()),
            )
            # Last, so that whoever sees the stall counted also sees where it was.
            self._last = f"{where.name} ({where.filename}:{where.lineno})" if where else "unknown"
            self._stalls += 1
