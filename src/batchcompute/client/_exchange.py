"""A request for its answer, so that a deadline is kept."""

from __future__ import annotations

import contextvars
import queue
import threading
from typing import TYPE_CHECKING, Any

from batchcompute.errors import ConfigError, TransportTimeout
from batchcompute.http.transport import WIRE_LIMIT

if TYPE_CHECKING:
    from batchcompute.api.responses import HttpResponse
    from batchcompute.client._async_pool import AsyncPool
    from batchcompute.client._pool import Pool
    from batchcompute.client._reading import Reading

__all__: list[str] = []


def too_late(where: str) -> TransportTimeout:
    return TransportTimeout(f"no whole answer from {where} before the deadline")


def check_open(pool: Pool | AsyncPool, http: Any) -> None:
    if pool.given and http.is_closed:
        raise ConfigError("the HTTP client that was given as http_client has been closed")


def exchange(pool: Pool, http: Any, request: Any, left: float | None, reading: Reading) -> HttpResponse:
    """Send a request; return the whole answer.

    Args:
        pool: Whose connections these are.
        http: The HTTP client.
        request: The request.
        left: Seconds until the deadline; None for none.
        reading: What takes the body in.

    Raises:
        TransportTimeout: The deadline came first.
        ResponseTooLarge: The answer is larger than the client's limit.
        ConfigError: The caller's HTTP client is closed.
    """
    check_open(pool, http)
    if pool.direct:
        request.extensions[WIRE_LIMIT] = reading.wire_limit
    if left is None or pool.direct:
        return _receive(http, request, pool.options, reading)
    # Time limits of a socket begin anew with each byte, so a slow enough answer outlives them all. A
    # thread waits in the caller's place, and is left to its own end when the deadline comes first.
    done: queue.SimpleQueue[tuple[HttpResponse | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((_receive(http, request, pool.options, reading), None))
        except BaseException as error:  # noqa: BLE001
            done.put((None, error))

    context = contextvars.copy_context()
    threading.Thread(target=lambda: context.run(run), name="batchcompute-call", daemon=True).start()
    try:
        answer, error = done.get(timeout=left)
    except queue.Empty:
        raise too_late(reading.where) from None
    if answer is None:
        raise error or AssertionError("a thread ends with an answer or an error")
    return answer


def _receive(http: Any, request: Any, options: dict[str, Any], reading: Reading) -> HttpResponse:
    response = http.send(request, stream=True, **options)
    try:
        if response.is_stream_consumed:
            # A transport or a hook has read it already.
            return reading.loaded(response)
        reading.begin(response)
        for piece in response.iter_raw():
            reading.take(piece)
        return reading.end()
    except BaseException:
        # A connection with an answer that was not read to its end is closed by this, and not used again.
        response.close()
        raise
