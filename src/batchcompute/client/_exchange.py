"""A request for its answer, so that a deadline is kept."""

from __future__ import annotations

import contextvars
import queue
import threading
from typing import TYPE_CHECKING, Any

from batchcompute.errors import ConfigError, TransportTimeout

if TYPE_CHECKING:
    from batchcompute.client._async_http import AsyncPool
    from batchcompute.client._http import Pool

__all__: list[str] = []


def too_late(where: str) -> TransportTimeout:
    return TransportTimeout(f"no whole answer from {where} before the deadline")


def check_open(pool: Pool | AsyncPool, http: Any) -> None:
    if pool.given and http.is_closed:
        raise ConfigError("the HTTP client that was given as http_client has been closed")


def exchange(pool: Pool, http: Any, request: Any, left: float | None, where: str) -> Any:
    """Send a request; return the whole response.

    Args:
        pool: Whose connections these are.
        http: The HTTP client.
        request: The request.
        left: Seconds until the deadline; None for none.
        where: Where it goes, for errors.

    Raises:
        TransportTimeout: The deadline came first.
        ConfigError: The caller's HTTP client is closed.
    """
    check_open(pool, http)
    if left is None or pool.direct:
        return http.send(request, **pool.options)
    # Time limits of a socket begin anew with each byte, so a slow enough answer outlives them all. A
    # thread waits in the caller's place, and is left to its own end when the deadline comes first.
    done: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((http.send(request, **pool.options), None))
        except BaseException as error:  # noqa: BLE001
            done.put((None, error))

    context = contextvars.copy_context()
    threading.Thread(target=lambda: context.run(run), name="batchcompute-call", daemon=True).start()
    try:
        response, error = done.get(timeout=left)
    except queue.Empty:
        raise too_late(where) from None
    if error is not None:
        raise error
    return response
