"""Calls that wait for a job, in threads that do not hold up an event loop or its thread pool."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections.abc import Callable
from typing import Final, TypeVar

__all__: list[str] = []

T = TypeVar("T")

MOST_THREADS: Final = 500
"""Threads of one event loop. It is the number of connections of a server, so none of its requests has to queue."""

_limits: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = weakref.WeakKeyDictionary()


async def run_in_thread(function: Callable[[], T]) -> T:
    """Call a function in a daemon thread and return its result; wait for a thread if too many are in use.

    A call that is cancelled leaves its thread running, and counted, until the function returns.

    Args:
        function: The function. It may take as long as a job does.
    """
    # Neither anyio.to_thread nor an executor fits: their threads are no daemons, so a process that is interrupted
    # would not exit before the job has ended.
    loop = asyncio.get_running_loop()
    limit = _limits.setdefault(loop, asyncio.Semaphore(MOST_THREADS))
    await limit.acquire()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        limit.release()
        if future.done():
            # The caller was cancelled.
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
        except BaseException as raised:  # noqa: BLE001 - raised where the result is awaited
            error = raised
        with contextlib.suppress(RuntimeError):
            # The loop may have been closed meanwhile.
            loop.call_soon_threadsafe(settle, result, error)

    try:
        threading.Thread(target=run, name="batchcompute-wait", daemon=True).start()
    except BaseException:
        limit.release()
        raise
    return await future
