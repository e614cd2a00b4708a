"""The synchronous exchange of a request for a response within a deadline."""

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
    from batchcompute.client._reading import ResponseReader

__all__: list[str] = []


def deadline_error(origin: str) -> TransportTimeout:
    """Return the error for a response that was not complete at the deadline."""
    return TransportTimeout(f"no complete response from {origin} before the deadline")


def check_open(pool: Pool | AsyncPool, http: Any) -> None:
    """Check that the caller's HTTP client is open.

    Raises:
        ConfigError: The HTTP client is closed.
    """
    if pool.is_custom and http.is_closed:
        raise ConfigError("the HTTP client of the argument http_client is closed")


def exchange(
    pool: Pool, http: Any, request: Any, seconds: float | None, reader: ResponseReader
) -> HttpResponse:
    """Send a request and return the complete response.

    Args:
        pool: The pool of the HTTP client.
        http: The HTTP client.
        request: The request.
        seconds: Seconds until the deadline; None for no deadline.
        reader: Reader of the body.

    Raises:
        TransportTimeout: The deadline passed.
        ResponseTooLarge: The response exceeds the client's limit.
        ConfigError: The caller's HTTP client is closed.
    """
    check_open(pool, http)
    if pool.is_local:
        request.extensions[WIRE_LIMIT] = reader.wire_limit
    if seconds is None or pool.is_local:
        return _receive(http, request, pool.options, reader)
    # The timeouts of a socket restart with each received byte, so they do not limit the duration of a slow response.
    # Another thread receives the response. If the deadline passes, that thread is abandoned.
    done: queue.SimpleQueue[tuple[HttpResponse | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((_receive(http, request, pool.options, reader), None))
        except BaseException as error:  # noqa: BLE001
            done.put((None, error))

    context = contextvars.copy_context()
    threading.Thread(target=lambda: context.run(run), name="batchcompute-call", daemon=True).start()
    try:
        response, error = done.get(timeout=seconds)
    except queue.Empty:
        raise deadline_error(reader.origin) from None
    if response is None:
        raise error or AssertionError("the thread returned neither a response nor an error")
    return response


def _receive(http: Any, request: Any, options: dict[str, Any], reader: ResponseReader) -> HttpResponse:
    response = http.send(request, stream=True, **options)
    try:
        if response.is_stream_consumed:
            # A transport or an event hook has read the body already.
            return reader.loaded(response)
        reader.begin(response)
        for piece in response.iter_raw():
            reader.feed(piece)
        return reader.end()
    except BaseException:
        # Closes the connection, which cannot be used again after an incomplete read.
        response.close()
        raise
