"""A clock with virtual time, for tests and simulations of the service."""

from __future__ import annotations

import math
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager

__all__ = ["SimulatedClock"]

_START = 1_767_225_600.0
"""2026-01-01T00:00:00Z, in seconds since 1970."""

_SLICE = 0.02
"""Real seconds after which a waiting thread looks at the virtual time, in case nobody could notify it."""

_SETTLE_ROUNDS = 250
"""Number of `_SLICE` that `SimulatedClock.settle` waits at most: five seconds."""


class _Waiter:
    """A thread that waits."""

    __slots__ = ("condition", "deadline", "is_over", "returns", "thread")

    def __init__(self, condition: threading.Condition, deadline: float, returns: bool) -> None:
        self.condition = condition
        self.deadline = deadline
        """Virtual time at which the wait ends; infinity for a wait without a time-out."""
        self.is_over = False
        """Whether the wait ends before its time, so that the thread looks at the state of its world."""
        self.returns = returns
        """Whether the thread is expected to wait again."""
        self.thread = threading.current_thread()


class SimulatedClock:
    """A `Clock` whose time only moves when it is told to, or when somebody waits.

    With ``auto``, a wait with a time-out takes no real time: the earliest of all waiting threads moves the time to the
    end of its wait. So an idle service goes straight to its next event. A wait without a time-out really waits for its
    condition. Without ``auto``, each wait lasts until another thread calls `advance`.

    All methods may be called from any thread.

    Args:
        start: The wall clock at the beginning, in seconds since 1970.
        auto: Whether waits move the time.
    """

    def __init__(self, start: float = _START, *, auto: bool = True) -> None:
        self._start = start
        self._auto = auto
        self._now = 0.0
        self._holds = 0
        self._lock = threading.Condition()
        """Protects the attributes. No thread waits for another condition while it holds this one."""
        self._waiters: set[_Waiter] = set()
        self._busy: set[threading.Thread] = set()
        """The threads that have waited, and do not wait now."""

    def time(self) -> float:
        """Return the wall clock, in seconds since 1970-01-01 UTC."""
        return self._start + self._now

    def monotonic(self) -> float:
        """Return the virtual seconds since the clock was made."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for a number of virtual seconds."""
        condition = threading.Condition()
        end = self._now + seconds
        with condition:
            while self._now < end:
                self._wait(_Waiter(condition, end, returns=False))

    def wait(self, condition: threading.Condition, timeout: float | None) -> None:
        """Wait on a condition that the calling thread holds. As any wait of a condition, it may end early.

        Args:
            condition: The condition.
            timeout: Virtual seconds to wait at most; None to wait for the condition alone.
        """
        deadline = math.inf if timeout is None else self._now + max(0.0, timeout)
        waiter = _Waiter(condition, deadline, returns=True)
        with self._lock:
            self._busy.discard(waiter.thread)
        try:
            self._wait(waiter)
        finally:
            with self._lock:
                self._busy.add(waiter.thread)

    def advance(self, seconds: float) -> None:
        """Move the time forward.

        The time stops at the end of each wait on its way, until the thread that waited waits again. So a service does
        at each moment what it does at that moment, and not everything at the end.

        Args:
            seconds: Virtual seconds, from 0.

        Raises:
            ValueError: The number is negative or not finite.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError(f"seconds: must be a finite number from 0 (got {seconds!r})")
        self.settle()
        target = self._now + seconds
        while True:
            with self._lock:
                nearest = min((waiter.deadline for waiter in self._waiters), default=math.inf)
                self._now = max(self._now, min(nearest, target))
                due = self._due()
                self._waiters.difference_update(due)
                self._busy.update(waiter.thread for waiter in due if waiter.returns)
            if not due:
                return
            _notify(due)
            self._await_others([])

    def settle(self, waiting: int = 0) -> None:
        """Wait, in real time, until other threads have done what they have to do at this moment, and wait again.

        Args:
            waiting: Number of threads that have to wait on the clock. A thread that has just been started is not
                known before its first wait.
        """
        with self._lock:
            for _ in range(_SETTLE_ROUNDS):
                if len(self._waiters) >= waiting:
                    break
                self._lock.wait(_SLICE)
            waiters = [waiter for waiter in self._waiters if waiter.returns]
            for waiter in waiters:
                waiter.is_over = True
        self._await_others(waiters)

    @contextmanager
    def hold(self) -> Generator[None]:
        """Keep waits from moving the time, for example while a thread does real work that takes no virtual time."""
        with self._lock:
            self._holds += 1
        try:
            yield
        finally:
            with self._lock:
                self._holds -= 1
                waiters = list(self._waiters)
            _notify(waiters)

    def _wait(self, waiter: _Waiter) -> None:
        with self._lock:
            self._waiters.add(waiter)
            self._lock.notify_all()
        try:
            if waiter.deadline == math.inf:
                waiter.condition.wait()
                return
            # The first wait gives the condition to a thread that is about to notify it.
            pause = 0.0
            while not waiter.condition.wait(pause) and not waiter.is_over and not self._is_due(waiter):
                pause = _SLICE
        finally:
            with self._lock:
                self._waiters.discard(waiter)
                self._lock.notify_all()

    def _is_due(self, waiter: _Waiter) -> bool:
        """Return whether the wait of a thread is over. It moves the time if it may."""
        with self._lock:
            may_move = self._auto and not self._holds
            if may_move and all(other.deadline >= waiter.deadline for other in self._waiters):
                self._now = max(self._now, waiter.deadline)
            if self._now < waiter.deadline:
                return False
            others = [other for other in self._due() if other is not waiter]
        _notify(others)
        return True

    def _due(self) -> list[_Waiter]:
        return [waiter for waiter in self._waiters if waiter.deadline <= self._now]

    def _await_others(self, waiters: list[_Waiter]) -> None:
        """Wait until some waits have ended, and no thread is busy."""
        own = threading.current_thread()
        for _ in range(_SETTLE_ROUNDS):
            _notify(waiters)
            with self._lock:
                waiters = [waiter for waiter in waiters if waiter in self._waiters]
                # A thread that has ended does not wait again.
                self._busy = {thread for thread in self._busy if thread.is_alive()}
                if not waiters and self._busy <= {own}:
                    return
                self._lock.wait(_SLICE)


def _notify(waiters: Iterable[_Waiter]) -> None:
    for waiter in waiters:
        # A thread must not wait for a condition here: the caller may hold one. A thread that waits with a time-out looks
        # at the time after `_SLICE`, and `_await_others` tries again.
        if waiter.condition.acquire(blocking=False):
            try:
                waiter.condition.notify_all()
            finally:
                waiter.condition.release()
