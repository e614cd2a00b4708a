"""The asynchronous exchange of a request for a response, with a deadline and clean cancellation."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from batchcompute.client._exchange import check_open, deadline_error
from batchcompute.errors import ConnectError
from batchcompute.http.transport import WIRE_LIMIT

if TYPE_CHECKING:
    from batchcompute.api.responses import HttpResponse
    from batchcompute.client._async_pool import AsyncPool
    from batchcompute.client._exchange import ResponseReader

__all__: list[str] = []


async def exchange_async(
    pool: AsyncPool, http: Any, request: Any, seconds: float | None, reader: ResponseReader
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
        ConnectError: No connection became free in time.
        ConfigError: The caller's HTTP client is closed.
    """
    check_open(pool, http)
    if pool.is_local:
        request.extensions[WIRE_LIMIT] = reader.wire_limit
    if pool.is_local or (seconds is None and not pool.leaks_on_cancel):
        return await _receive(http, request, pool.options, reader)
    origin = reader.origin
    slots = pool.slots()
    # httpcore loses a connection if a request is cancelled while it waits in the pool. Requests therefore wait here.
    if slots is not None and slots.locked():
        pool_timeout = request.extensions.get("timeout", {}).get("pool")
        try:
            async with asyncio.timeout(pool_timeout):
                await slots.acquire()
        except TimeoutError:
            raise ConnectError(
                f"no connection to {origin} became free in time; all connections of the pool are in use"
            ) from None
    elif slots is not None:
        await slots.acquire()
    receive = _receive_shielded if pool.leaks_on_cancel else _receive
    response = receive(http, request, pool.options, reader)
    deadline = asyncio.timeout(seconds)
    try:
        if seconds is None:
            return await response
        async with deadline:
            return await response
    except TimeoutError:
        if deadline.expired():
            raise deadline_error(origin) from None
        raise
    except RuntimeError as error:
        if http.is_closed and "Cannot send" in str(error):
            # The event loop closed the HTTP client in the meantime. The next attempt opens a new one.
            raise ConnectError(
                f"the connections to {origin} were closed before the request was sent"
            ) from error
        raise
    finally:
        if slots is not None:
            slots.release()


async def _receive(http: Any, request: Any, options: dict[str, Any], reader: ResponseReader) -> HttpResponse:
    response = await http.send(request, stream=True, **options)
    pieces = response.aiter_raw()
    try:
        if response.is_stream_consumed:
            # A transport or an event hook has read the body already.
            return reader.loaded(response)
        reader.begin(response)
        async for piece in pieces:
            reader.feed(piece)
        return reader.end()
    except BaseException:
        # Closes the connection, which cannot be used again after an incomplete read.
        await response.aclose()
        await pieces.aclose()
        raise


async def _receive_shielded(
    http: Any, request: Any, options: dict[str, Any], reader: ResponseReader
) -> HttpResponse:
    """Send and receive in a separate task, which is cancelled by an anyio scope.

    The HTTP library protects its clean-up from the cancellation of a scope, but not from that of a task. A cancelled
    task would interrupt the clean-up and lose the connection.
    """
    import anyio

    scope = anyio.CancelScope()

    async def run() -> HttpResponse | None:
        with scope:
            return await _receive(http, request, options, reader)
        # Reached only after the cancellation of the scope. The result is not used then.
        return None

    task = asyncio.ensure_future(run())
    try:
        response = await asyncio.shield(task)
    except asyncio.CancelledError:
        scope.cancel()
        await asyncio.wait([task])
        raise
    if response is None:
        raise AssertionError("the scope was cancelled, but not the call")
    return response
