"""A request for its answer: so that a deadline is kept, and a call that is cancelled leaves nothing behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from batchcompute.client._exchange import check_open, too_late
from batchcompute.errors import ConnectError
from batchcompute.http.transport import WIRE_LIMIT

if TYPE_CHECKING:
    from batchcompute.api.responses import HttpResponse
    from batchcompute.client._async_pool import AsyncPool
    from batchcompute.client._reading import Reading

__all__: list[str] = []


async def exchange_async(
    pool: AsyncPool, http: Any, request: Any, left: float | None, reading: Reading
) -> HttpResponse:
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
        ConnectError: No connection was free in time.
        ConfigError: The caller's HTTP client is closed.
    """
    check_open(pool, http)
    if pool.direct:
        request.extensions[WIRE_LIMIT] = reading.wire_limit
    if pool.direct or (left is None and not pool.fragile):
        return await _receive(http, request, pool.options, reading)
    where = reading.where
    gate = pool.gate()
    # httpcore loses connections for good when a request that waits for one is cancelled, so those
    # that would have to wait do it here.
    if gate is not None and gate.locked():
        patience = request.extensions.get("timeout", {}).get("pool")
        try:
            async with asyncio.timeout(patience):
                await gate.acquire()
        except TimeoutError:
            raise ConnectError(f"no connection to {where} was free in time; all are in use") from None
    elif gate is not None:
        await gate.acquire()
    receive = _receive_shielded if pool.fragile else _receive
    answer = receive(http, request, pool.options, reading)
    limit = asyncio.timeout(left)
    try:
        if left is None:
            return await answer
        async with limit:
            return await answer
    except TimeoutError:
        if limit.expired():
            raise too_late(where) from None
        raise
    except RuntimeError as error:
        if http.is_closed and "Cannot send" in str(error):
            # Its loop has closed it since it was asked for; the next attempt opens another one.
            raise ConnectError(
                f"the connections to {where} were closed before the request was sent"
            ) from error
        raise
    finally:
        if gate is not None:
            gate.release()


async def _receive(http: Any, request: Any, options: dict[str, Any], reading: Reading) -> HttpResponse:
    response = await http.send(request, stream=True, **options)
    pieces = response.aiter_raw()
    try:
        if response.is_stream_consumed:
            # A transport or a hook has read it already.
            return reading.loaded(response)
        reading.begin(response)
        async for piece in pieces:
            reading.take(piece)
        return reading.end()
    except BaseException:
        # A connection with an answer that was not read to its end is closed by this, and not used again.
        await response.aclose()
        await pieces.aclose()
        raise


async def _receive_shielded(
    http: Any, request: Any, options: dict[str, Any], reading: Reading
) -> HttpResponse:
    """Send and receive in a task of its own, and end that by the scope that the library's clean-up respects.

    asyncio's own way to cancel would interrupt that clean-up, and with it lose the connection.
    """
    import anyio

    scope = anyio.CancelScope()

    async def run() -> HttpResponse | None:
        with scope:
            return await _receive(http, request, options, reading)
        # Only a scope that was cancelled ends like this, and then nobody waits for the answer.
        return None

    task = asyncio.ensure_future(run())
    try:
        answer = await asyncio.shield(task)
    except asyncio.CancelledError:
        scope.cancel()
        await asyncio.wait([task])
        raise
    if answer is None:
        raise AssertionError("only a call that was cancelled has no answer")
    return answer
