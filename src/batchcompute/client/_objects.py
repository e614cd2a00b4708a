"""Reads of object storage in pieces, so that no answer is larger than a client's limit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchcompute.api.call import Call
from batchcompute.http.oss import get_object

if TYPE_CHECKING:
    from batchcompute.api.responses import HttpResponse

__all__: list[str] = []

_PIECE = 8 * 1024**2
"""Bytes of an object that are asked for at a time, where the limit allows as many."""

_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/(?:([0-9]{1,18})|\*)")


def piece_size(limit: int | None) -> int:
    """Return how many bytes of an object to ask for at a time.

    Args:
        limit: The client's ``max_response_bytes``.
    """
    return _PIECE if limit is None else min(limit, _PIECE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an object."""

    data: bytes
    """Its bytes; none where the object does not exist, or ends before."""
    start: int
    """Where it begins in the object."""
    more: bool = False
    """Whether the object may have bytes after it."""

    @property
    def end(self) -> int:
        """Where the next piece begins in the object."""
        return self.start + len(self.data)


def get_piece(base: str, place: str, start: int, size: int) -> Call[Piece]:
    """Make the call that reads a piece of an object.

    Args:
        base: URL of the object storage.
        place: ``oss://bucket/key``.
        start: The first byte that is wanted.
        size: How many bytes are wanted at most.

    Raises:
        ValidationError: It is no such address.
    """
    call = get_object(base, place, start)

    def parse(raw: HttpResponse) -> Piece:
        data = call.parse(raw)
        if raw.status != 206:
            # The range was not heeded: all of the object came.
            return Piece(data, start)
        first, total = _range_of(raw)
        if first not in (None, start):
            raise raw.error(f"byte {start} of the object was asked for, and byte {first} came")
        # Without a total, a piece that is as long as was asked for need not be the last one.
        more = len(data) >= size if total is None else start + len(data) < total
        return Piece(data, start, bool(data) and more)

    # Without the second one, a range that begins behind the end is answered with the whole object.
    headers = {"Range": f"bytes={start}-{start + size - 1}", "x-oss-range-behavior": "standard"}
    return Call(call.operation, call.target, parse, resource=call.resource, headers=headers)


def get_tail(base: str, place: str, tail: int, size: int) -> Call[Piece]:
    """Make the call that reads the last bytes of an object.

    Args:
        base: URL of the object storage.
        place: ``oss://bucket/key``.
        tail: How many bytes from its end are wanted in all.
        size: How many of them this call may read; the last ones.

    Raises:
        ValidationError: It is no such address.
    """
    call = get_object(base, place, tail=min(tail, size))

    def parse(raw: HttpResponse) -> Piece:
        data = call.parse(raw)
        start = len(raw.body) - len(data) if raw.status != 206 else _range_of(raw)[0]
        if start is None and tail > size:
            raise raw.error("it does not say which bytes of the object it has")
        return Piece(data, start or 0)

    return Call(call.operation, call.target, parse, resource=call.resource, headers=call.headers)


def _range_of(raw: HttpResponse) -> tuple[int | None, int | None]:
    """Return where the bytes of an answer begin, and the size of the object; None for what it does not say."""
    found = _RANGE.fullmatch(raw.headers.get("content-range", ""))
    if found is None:
        return None, None
    first, total = found.groups()
    return int(first), None if total is None else int(total)
