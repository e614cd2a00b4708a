"""Answers that take as long as a job does, without holding up an event loop or its pool of threads."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

__all__: list[str] = []

T = TypeVar("T")

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


async def run_in_thread(function: Callable[[], T]) -> T:
    """Call a function in a thread of its own, and return what it returns.

    The pool of the event loop is small, and a few waits would keep everything else from it.

    Args:
        function: What may take long.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            # Nobody waits any more.
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = function()
        except BaseException as raised:  # noqa: BLE001 - it is raised where it is awaited
            error = raised
        with contextlib.suppress(RuntimeError):
            # The loop may have ended meanwhile.
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="batchcompute-wait", daemon=True).start()
    return await future
