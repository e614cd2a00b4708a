"""Reading the bodies of requests: small ones into memory, large ones into a file, none longer than it may be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batchcompute.service.api.requests import Spool
    from batchcompute.service.objects.uploads import SpoolWriter

__all__: list[str] = []

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

_IN_MEMORY = 1024**2
"""Bytes of a body that are held in memory."""

_DRAINED = 8 * 1024**2
"""Bytes of a body that are read and dropped, so that its sender reads the refusal."""

_DRAIN_TIME = 5.0
"""Seconds for that."""


class Gone(Exception):
    """The client has gone away."""


class TooLarge(Exception):
    """The body is longer than it may be."""


async def pieces(receive: Receive) -> AsyncGenerator[bytes]:
    """Yield the pieces of a body.

    Raises:
        Gone: The client went away before all of it had come.
    """
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        if piece := message.get("body", b""):
            yield piece
        if not message.get("more_body"):
            return


async def drain(receive: Receive) -> None:
    """Read and drop what is left of a body, as far as that is little."""
    size = 0
    try:
        async with asyncio.timeout(_DRAIN_TIME):
            async for piece in pieces(receive):
                size += len(piece)
                if size > _DRAINED:
                    return
    except (TimeoutError, Gone):
        return


async def read(receive: Receive, limit: int) -> bytes:
    """Return a body that fits into memory.

    Raises:
        Gone: The client went away.
        TooLarge: It is longer than the limit.
    """
    found: list[bytes] = []
    size = 0
    async for piece in pieces(receive):
        size += len(piece)
        if size > limit:
            raise TooLarge
        found.append(piece)
    return b"".join(found)


async def read_large(
    receive: Receive, limit: int, new_spool: Callable[[], SpoolWriter]
) -> tuple[bytes, Spool | None]:
    """Return a body that may be large: as bytes, or as a file from some size on.

    Args:
        receive: Gives its pieces.
        limit: Bytes that it may have.
        new_spool: Opens a file.

    Raises:
        Gone: The client went away.
        TooLarge: It is longer than the limit.
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
