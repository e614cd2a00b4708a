"""Reading the bodies of requests, within limits: small ones into memory, large ones into a file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batchcompute.service.objects.uploads import SpoolWriter
    from batchcompute.service.requests import Spool
    from batchcompute.service.transports.exchange import Receive

__all__: list[str] = []

_IN_MEMORY = 1024**2
"""Bytes of a body that are held in memory."""

_DRAINED = 8 * 1024**2
"""Bytes of a refused body that are read and dropped. Many clients only read the response once they have sent all."""

_DRAIN_TIME = 5.0
"""Seconds in which a refused body is read and dropped."""


class Disconnected(Exception):
    """The client has disconnected."""


class TooLarge(Exception):
    """The body is longer than its limit."""


async def pieces(receive: Receive) -> AsyncGenerator[bytes]:
    """Yield the pieces of a body.

    Raises:
        Disconnected: The client disconnected before the end of the body.
    """
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        if piece := message.get("body", b""):
            yield piece
        if not message.get("more_body"):
            return


async def drain(receive: Receive) -> None:
    """Read and drop the rest of a body, up to a limit of bytes and of time."""
    size = 0
    try:
        async with asyncio.timeout(_DRAIN_TIME):
            async for piece in pieces(receive):
                size += len(piece)
                if size > _DRAINED:
                    return
    except (TimeoutError, Disconnected):
        return


async def read(receive: Receive, limit: int) -> bytes:
    """Return a body that fits into memory.

    Raises:
        Disconnected: The client disconnected.
        TooLarge: The body is longer than the limit.
    """
    body: list[bytes] = []
    size = 0
    async for piece in pieces(receive):
        size += len(piece)
        if size > limit:
            raise TooLarge
        body.append(piece)
    return b"".join(body)


async def read_large(
    receive: Receive, limit: int, new_spool: Callable[[], SpoolWriter]
) -> tuple[bytes, Spool | None]:
    """Return a body that may be large: as bytes, or as a file if it does not fit into memory.

    Args:
        receive: Returns the next message of the server.
        limit: Bytes of the longest body.
        new_spool: Opens a file.

    Raises:
        Disconnected: The client disconnected.
        TooLarge: The body is longer than the limit.
        OSError: The disk is full, for example.
    """
    held: list[bytes] = []
    size = total = 0
    writer: SpoolWriter | None = None
    try:
        async for piece in pieces(receive):
            total += len(piece)
            if total > limit:
                raise TooLarge
            held.append(piece)
            size += len(piece)
            if size > _IN_MEMORY:
                if writer is None:
                    writer = await asyncio.to_thread(new_spool)
                await asyncio.to_thread(writer.write, b"".join(held))
                held, size = [], 0
        if writer is None:
            return b"".join(held), None
        await asyncio.to_thread(writer.write, b"".join(held))
        return b"", writer.finish()
    except BaseException:
        if writer is not None:
            writer.discard()
        raise
