"""Whether the service gets on: a look at its loop, which a thread of its own takes every second."""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batchcompute.service.dispatcher import Dispatcher

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service.dispatcher")

_LIMIT = 5.0
"""Seconds that a round of the loop may take."""

_LOOK = 1.0
"""Seconds between two looks."""

_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Health:
    """How the loop that runs the jobs gets on."""

    ok: bool
    """Whether it does."""
    step_seconds: float
    """Seconds that its round has taken so far; 0 between rounds."""
    failing_seconds: float
    """Seconds for which every round has failed; 0 if the last one has not."""
    stalls: int
    """Rounds that have taken too long since the service began."""
    last_stall: str
    """What the last of them was doing: function, file and line; empty for none."""

    def content(self) -> dict[str, Any]:
        """Return it as the content of an answer."""
        return {
            "status": "ok" if self.ok else "stalled",
            "step_seconds": round(self.step_seconds, 3),
            "failing_seconds": round(self.failing_seconds, 3),
            "stalls": self.stalls,
            "last_stall": self.last_stall,
        }


class Watchdog:
    """Looks whether the loop is stuck, and logs where.

    Args:
        dispatcher: The loop.
        hourly: Is called once an hour, to remove what is old.
        limit: Seconds that a round may take.
        look: Seconds between two looks.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        hourly: Callable[[], object] = lambda: None,
        limit: float = _LIMIT,
        look: float = _LOOK,
    ) -> None:
        self._dispatcher = dispatcher
        self._hourly = hourly
        self._next_hour = time.monotonic() + _HOUR
        self._limit = limit
        self._look = look
        self._stalls = 0
        self._last = ""
        self._told: float | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="batchcompute-watchdog", daemon=True)
        self._thread.start()

    def health(self) -> Health:
        """Return how the loop gets on."""
        started = self._dispatcher.step_started
        seconds = 0.0 if started is None else time.monotonic() - started
        failing = self._dispatcher.failing_since
        failed = 0.0 if failing is None else time.monotonic() - failing
        ok = max(seconds, failed) <= self._limit and self._dispatcher.thread.is_alive()
        return Health(ok, seconds, failed, self._stalls, self._last)

    def close(self) -> None:
        """End the thread."""
        self._end.set()
        self._thread.join()

    def _keep_house(self) -> None:
        try:
            self._hourly()
        except Exception:  # noqa: BLE001 - the watch goes on
            _log.exception("what is old cannot be removed now; the next try is in an hour")

    def _run(self) -> None:
        while not self._end.wait(self._look):
            if time.monotonic() >= self._next_hour:
                self._next_hour += _HOUR
                self._keep_house()
            started = self._dispatcher.step_started
            if started is None or started == self._told or time.monotonic() - started <= self._limit:
                continue
            self._told = started
            self._stalls += 1
            frame = sys._current_frames().get(self._dispatcher.thread.ident or 0)
            stack = traceback.extract_stack(frame) if frame is not None else traceback.StackSummary()
            where = stack[-1] if stack else None
            self._last = f"{where.name} ({where.filename}:{where.lineno})" if where else "unknown"
            _log.error(
                "a round of the dispatcher has taken more than %g seconds; it stands here:\n%s",
                self._limit,
                "".join(stack.format()),
            )
