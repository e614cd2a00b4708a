"""The class `Call`: the request of one call and the parser of its response, as plain data."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

from batchcompute.api.operations import OPERATIONS, Operation
from batchcompute.api.parsing import parser_of
from batchcompute.api.responses import HttpResponse

__all__ = ["Call"]

R_co = TypeVar("R_co", covariant=True)

_PARSERS: Final = {name: parser_of(operation) for name, operation in OPERATIONS.items()}


@dataclass(frozen=True, slots=True)
class Call(Generic[R_co]):
    """One call of an operation: the request, and the parser of the response."""

    operation: Operation
    """The operation."""
    target: str
    """Path and query as they are sent, percent-encoded."""
    parse: Callable[[HttpResponse], R_co] = field(repr=False)
    """Converts the response to the result of the client's method."""
    body: bytes = field(default=b"", repr=False)
    """The body; empty if there is none."""
    token: str = ""
    """The idempotent token of all attempts; empty for operations other than creates."""
    status_call: Call[Any] | None = None
    """The call that reads the outcome when the response was lost."""
    resource: str = ""
    """For an object of the object storage ``/bucket/key``, and the target is a URL; otherwise empty."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Additional headers of a request to the object storage."""


def make_call(
    name: str,
    path: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Call[Any]:
    """Return a call of an operation of the table.

    A create without a token gets a generated one, so that a retry cannot create a second resource.

    Args:
        name: Name of the operation.
        path: The variable parts of the path.
        query: The query.
        body: The body; empty if there is none.
    """
    operation = OPERATIONS[name]
    token = ""
    if operation.takes_token:
        token = (query or {}).get("IdempotentToken") or uuid.uuid4().hex
        query = {**(query or {}), "IdempotentToken": token}
    status_call = make_call(operation.status_operation, path) if operation.status_operation else None
    target = _target(operation, path or {}, query or {})
    return Call(operation, target, _PARSERS[name], body, token, status_call)


def _target(operation: Operation, path: Mapping[str, str], query: Mapping[str, str]) -> str:
    """Return path and query, with sorted keys, and a bare key for an empty value, as the old SDK sent them."""
    segments = [
        quote(path[segment[1:-1]], safe="") if segment.startswith("{") else segment
        for segment in operation.path.split("/")
    ]
    pairs = [
        f"{quote(key, safe='')}={quote(value, safe='')}" if value else quote(key, safe="")
        for key, value in sorted(query.items())
    ]
    return "/".join(segments) + (f"?{'&'.join(pairs)}" if pairs else "")
