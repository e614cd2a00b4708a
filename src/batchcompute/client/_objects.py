"""Reads of large objects in pieces that stay below the client's size limit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from batchcompute.api.call import Call
from batchcompute.http.oss import get_object

if TYPE_CHECKING:
    from batchcompute.api.responses import HttpResponse

__all__: list[str] = []

_PIECE = 8 * 1024**2
"""Size of a piece in bytes, if the client's limit permits it."""

_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/(?:([0-9]{1,18})|\*)")


def piece_size(limit: int | None) -> int:
    """Return the size of a piece in bytes.

    Args:
        limit: The client's ``max_response_bytes``.
    """
    return _PIECE if limit is None else min(limit, _PIECE)


class Piece(NamedTuple):
    """A piece of an object."""

    data: bytes
    """Its bytes; empty if the object does not exist or is shorter."""
    start: int
    """Position of its first byte in the object."""
    more: bool = False
    """Whether the object may have more bytes after this piece."""

    @property
    def end(self) -> int:
        """Position of the first byte after this piece."""
        return self.start + len(self.data)


def get_piece(base: str, object_url: str, start: int, size: int) -> Call[Piece]:
    """Return the call that reads a piece of an object.

    Args:
        base: URL of the object storage.
        object_url: ``oss://bucket/key``.
        start: Position of the first byte.
        size: Maximum number of bytes.

    Raises:
        ValidationError: The URL of the object has another form.
    """
    call = get_object(base, object_url, start)

    def parse(raw: HttpResponse) -> Piece:
        data = call.parse(raw)
        if raw.status != 206:
            # The server ignored the range and sent the whole object.
            return Piece(data, start)
        first, total = _range_of(raw)
        if first not in (None, start):
            raise raw.error(f"expected the object from byte {start}, got it from byte {first}")
        # Without a total, only a piece that is shorter than the requested size is the last one.
        more = len(data) >= size if total is None else start + len(data) < total
        return Piece(data, start, bool(data) and more)

    # Without the second header, the response to a range that starts after the end is the whole object.
    headers = {"Range": f"bytes={start}-{start + size - 1}", "x-oss-range-behavior": "standard"}
    return Call(call.operation, call.target, parse, resource=call.resource, headers=headers)


def get_tail(base: str, object_url: str, tail: int, size: int) -> Call[Piece]:
    """Return the call that reads the last bytes of an object.

    Args:
        base: URL of the object storage.
        object_url: ``oss://bucket/key``.
        tail: Number of wanted bytes from the end.
        size: Maximum number of bytes of this call.

    Raises:
        ValidationError: The URL of the object has another form.
    """
    call = get_object(base, object_url, tail=min(tail, size))

    def parse(raw: HttpResponse) -> Piece:
        data = call.parse(raw)
        start = len(raw.body) - len(data) if raw.status != 206 else _range_of(raw)[0]
        if start is None and tail > size:
            raise raw.error("expected a Content-Range header")
        return Piece(data, start or 0)

    return Call(call.operation, call.target, parse, resource=call.resource, headers=call.headers)


def _range_of(raw: HttpResponse) -> tuple[int | None, int | None]:
    """Return the position of a response's first byte, and the size of the object; None if it does not say."""
    match = _RANGE.fullmatch(raw.headers.get("content-range", ""))
    if match is None:
        return None, None
    first, total = match.groups()
    return int(first), None if total is None else int(total)
