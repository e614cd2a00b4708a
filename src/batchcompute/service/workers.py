"""A bounded pool of worker threads, for work that takes long."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from functools import partial

from batchcompute.service.clock import SYSTEM_CLOCK, Clock

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service.dispatcher")

_IDLE = 10.0
"""Seconds after which a thread without work ends."""

Done = Callable[[], None]
Work = Callable[[], Done]


class WorkerPool:
    """A bounded number of threads that execute pieces of work.

    The loop that submits work also calls `drain`, so no state is shared between threads. Submitting work never
    fails: if the machine cannot start another thread, the work waits for one of the existing threads.

    Args:
        wake: Wakes the loop when a piece of work is done.
        failed: Called by the loop for work that has failed, with its name and the error.
        max_threads: The largest number of threads.
        clock: The source of time.

    Raises:
        RuntimeError: Not even one thread can be started.
    """

    def __init__(
        self,
        wake: Callable[[], None],
        failed: Callable[[str, Exception], None],
        max_threads: int,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._clock = clock
        self._wake = wake
        self._failed = failed
        self._max_threads = max(1, max_threads)
        self._waiting: deque[tuple[str, Work]] = deque()
        self._done: deque[Done] = deque()
        self._condition = threading.Condition()
        self._threads: set[threading.Thread] = set()
        self._idle = 0
        self._busy = 0
        self._closing = False
        self._start_thread()

    def submit(self, name: str, work: Work) -> None:
        """Execute a piece of work in a thread; `drain` then calls the function that the work returns."""
        with self._condition:
            self._waiting.append((name, work))
            if self._idle >= len(self._waiting) or len(self._threads) >= self._max_threads:
                self._condition.notify()
                return
        try:
            self._start_thread()
        except (RuntimeError, MemoryError):
            # One of the existing threads takes the work later.
            with self._condition:
                self._condition.notify()

    def drain(self) -> None:
        """Call the functions that finished work has returned.

        The next `drain` repeats a call that raises.
        """
        for _ in range(len(self._done)):
            self._done[0]()
            self._done.popleft()

    def join(self, timeout: float) -> None:
        """Wait until all work is done, and end the threads.

        Args:
            timeout: Seconds to wait at most.
        """
        end = self._clock.monotonic() + timeout
        with self._condition:
            self._closing = True
            self._condition.notify_all()
            while (self._waiting or self._busy) and (remaining := end - self._clock.monotonic()) > 0:
                self._condition.wait(remaining)

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._run, name="batchcompute-worker", daemon=True)
        with self._condition:
            self._threads.add(thread)
        try:
            thread.start()
        except (RuntimeError, MemoryError):
            with self._condition:
                self._threads.discard(thread)
            raise

    def _run(self) -> None:
        while True:
            with self._condition:
                self._idle += 1
                ready = self._condition.wait_for(lambda: self._waiting or self._closing, timeout=_IDLE)
                self._idle -= 1
                if not self._waiting:
                    if self._closing or (not ready and len(self._threads) > 1):
                        self._threads.discard(threading.current_thread())
                        self._condition.notify_all()
                        return
                    continue
                name, work = self._waiting.popleft()
                self._busy += 1
            try:
                done = work()
            except Exception as error:  # noqa: BLE001 - the loop reports it
                _log.exception("work on instance %s has failed", name)
                done = partial(self._failed, name, error)
            with self._condition:
                self._done.append(done)
                self._busy -= 1
                self._condition.notify_all()
            self._wake()
