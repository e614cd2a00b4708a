"""A request for its answer: so that a deadline is kept, and a call that is cancelled leaves nothing behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from batchcompute.client._exchange import check_open, too_late
from batchcompute.errors import ConnectError

if TYPE_CHECKING:
    from batchcompute.client._async_http import AsyncPool

__all__: list[str] = []


async def exchange_async(pool: AsyncPool, http: Any, request: Any, left: float | None, where: str) -> Any:
    """Send a request; return the whole response.

    Raises:
        TransportTimeout: The deadline came first.
        ConnectError: No connection was free in time.
        ConfigError: The caller's HTTP client is closed.
    """
    check_open(pool, http)
    if pool.direct or (left is None and not pool.fragile):
        return await http.send(request, **pool.options)
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
    send = _send_whole(http, request, pool.options) if pool.fragile else http.send(request, **pool.options)
    limit = asyncio.timeout(left)
    try:
        if left is None:
            return await send
        async with limit:
            return await send
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


async def _send_whole(http: Any, request: Any, options: dict[str, Any]) -> Any:
    """Send in a task of its own, and end that by the scope that the library's clean-up respects.

    asyncio's own way to cancel would interrupt that clean-up, and with it lose the connection.
    """
    import anyio

    scope = anyio.CancelScope()

    async def run() -> Any:
        with scope:
            return await http.send(request, **options)

    task = asyncio.ensure_future(run())
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        scope.cancel()
        await asyncio.wait([task])
        raise
