"""The sink that counts events, for metrics."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Final

from batchcompute.service.events import AttemptEnded, Event, JobCreated, JobEnded, RequestAnswered

__all__ = ["EventCounts", "Histogram"]

_SECONDS: Final = (0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 300.0, 1800.0, 3600.0, 21600.0, 86400.0)
"""Limits of durations of jobs and attempts."""

_REQUEST_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""Limits of durations of requests."""


class Histogram:
    """Numbers of durations below each of several limits.

    Args:
        limits: The limits in seconds, in ascending order.
    """

    def __init__(self, limits: Sequence[float]) -> None:
        self._limits = limits
        self._counts = [0] * (len(limits) + 1)
        self.total: float = 0.0
        """The sum of all durations."""

    def add(self, seconds: float) -> None:
        """Count a duration.

        Args:
            seconds: The duration.
        """
        self._counts[bisect_left(self._limits, seconds)] += 1
        self.total += seconds

    def cumulated(self) -> list[tuple[str, float]]:
        """Return each limit, as text, with the number of durations up to it; the last limit is ``+Inf``."""
        rows: list[tuple[str, float]] = []
        sum_so_far = 0
        for limit, count in zip((*map(str, self._limits), "+Inf"), self._counts, strict=True):
            sum_so_far += count
            rows.append((limit, sum_so_far))
        return rows


class EventCounts:
    """Counts events since the start of the service."""

    def __init__(self) -> None:
        self.lock: threading.Lock = threading.Lock()
        """Held by readers of several values."""
        self.jobs_created: int = 0
        """Number of created jobs."""
        self.jobs_ended: Counter[str] = Counter()
        """Number of ended jobs by state."""
        self.job_seconds: Histogram = Histogram(_SECONDS)
        """Durations of jobs from start to end."""
        self.attempts_ended: Counter[tuple[str, str]] = Counter()
        """Number of ended attempts by state and code of the error."""
        self.attempt_seconds: Histogram = Histogram(_SECONDS)
        """Durations of attempts."""
        self.requests: Counter[tuple[str, int]] = Counter()
        """Number of requests by operation and status."""
        self.request_seconds: Histogram = Histogram(_REQUEST_SECONDS)
        """Durations of requests."""

    def receive(self, event: Event) -> None:
        """Count an event."""
        with self.lock:
            if isinstance(event, RequestAnswered):
                self.requests[event.operation or "none", event.status] += 1
                self.request_seconds.add(event.seconds)
            elif isinstance(event, AttemptEnded):
                self.attempts_ended[event.state, event.code] += 1
                self.attempt_seconds.add(max(0.0, event.end - event.start))
            elif isinstance(event, JobCreated):
                self.jobs_created += 1
            elif isinstance(event, JobEnded):
                self.jobs_ended[event.state] += 1
                if event.seconds is not None:
                    self.job_seconds.add(event.seconds)
