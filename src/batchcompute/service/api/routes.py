"""Routes: finds the operation of a request in the table of operations, and makes the `Params` of its handler."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from batchcompute.api.operations import OPERATIONS, Operation
from batchcompute.runner.grant_header import SCHEME as GRANT_SCHEME
from batchcompute.service.errors import ApiError, invalid
from batchcompute.service.requests import BadTarget, Request, decoded, query_names, query_of

__all__: list[str] = []

_QUERY_SIGNATURES = frozenset({"OSSAccessKeyId", "x-oss-signature", "x-oss-signature-version"})
"""Names in the query that belong to a signature for object storage, of version 1 or 4."""

_FIRST_PARTS = frozenset(operation.path.split("/")[1] for operation in OPERATIONS.values())
"""The first parts of all paths of the API."""


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


# Operations with a flag in the query come before the operation of the same path without one.
_ROUTES = [
    (_pattern(operation.path), operation)
    for operation in sorted(OPERATIONS.values(), key=lambda row: -len(row.flags))
]


def find(method: str, target: str) -> tuple[Operation, Mapping[str, str], Mapping[str, str]]:
    """Return the operation of a request, the variable parts of its path, and its query.

    Raises:
        ApiError: No operation has this path, or none has this path and method (REST API, 7).
        BadTarget: The path or the query is not UTF-8.
    """
    path = target.partition("?")[0]
    query = query_of(target)
    if any("=" in part.partition("=")[2] for part in target.partition("?")[2].split("&")):
        # Some clients drop an ``=`` at the end of a query before they sign it, so ``a==`` and ``a=`` have one signature.
        raise BadTarget("a value in the query holds an equals sign that is not encoded")
    known = False
    for pattern, operation in _ROUTES:
        match = pattern.fullmatch(path)
        if match is None:
            continue
        known = True
        if operation.method == method and all(flag in query for flag in operation.flags):
            return operation, {name: decoded(value) for name, value in match.groupdict().items()}, query
    if known:
        raise ApiError(400, "MethodNotAllowed", "Method unsupported for this resource.")
    raise ApiError(400, "InvalidUrlPattern", "Url contains illegal words.")


def is_for_objects(request: Request) -> bool:
    """Return whether a request is for object storage.

    The kind of its signature decides. A request without a signature is for object storage unless the first part of
    its path is one of the API.
    """
    header = request.headers.get("authorization", "")
    if header:
        return header.startswith(("OSS ", "OSS2 ", "OSS4-", f"{GRANT_SCHEME} "))
    if has_query_signature(request):
        return True
    root = request.target.partition("?")[0].split("/")[1:2]
    return bool(root and root[0]) and root[0] not in _FIRST_PARTS


def has_query_signature(request: Request) -> bool:
    """Return whether the query of a request contains a part of a signature for object storage."""
    return not _QUERY_SIGNATURES.isdisjoint(query_names(request.target))


# -- what a handler receives ----------------------------------------------------------------------

BEHIND_ALL = 2**62
"""A number greater than all row numbers. A list from here on is empty; a reversed list from here on is complete."""


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the JSON object with these names and values.

    Raises:
        ValueError: A name occurs twice: programs differ in which of its values they use.
    """
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a name occurs twice")
    return values


@dataclass(frozen=True, slots=True)
class Params:
    """A request as a handler receives it: its operation, owner, path, query and body."""

    operation: Operation
    """The operation."""
    owner: str
    """The owner of the access key."""
    path: Mapping[str, str]
    """The variable parts of the path, by their names in the table of operations."""
    query: Mapping[str, str]
    """The query; a name without a value has the value ``""``."""
    body: bytes
    """The body."""
    request_id: str = ""
    """The id of the request."""

    def json(self) -> dict[str, Any]:
        """Return the body as an object.

        Raises:
            ApiError: The body is too large, is not JSON, or is not an object.
        """
        # The models load with the first body, not at the start of a server.
        from batchcompute.models.validation import MAX_BODY_BYTES, body_problem

        if len(self.body) > MAX_BODY_BYTES:
            raise ApiError(403, "InvalidHttpBody", f"The body holds more than {MAX_BODY_BYTES} bytes.")
        try:
            # Only UTF-8: given bytes, `json.loads` also accepts UTF-16 and UTF-32.
            text = self.body.decode("utf-8-sig")
            value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_once)
        except (ValueError, RecursionError):
            raise ApiError(400, "InvalidJsonFormat", "Request body is not valid JSON.") from None
        if not isinstance(value, dict):
            text = "Specified http body is not valid. Its type must be object."
            raise ApiError(403, "InvalidHttpBody", text)
        wrong = body_problem(value)
        if wrong is not None:
            text = f"Request body is not valid JSON. {wrong.path or 'It'} {wrong.allowed}."
            raise ApiError(400, "InvalidJsonFormat", text)
        return cast("dict[str, Any]", value)

    def count(self) -> int:
        """Return the largest number of items of a page (REST API, 9)."""
        text = self.query.get("MaxItemCount", "")
        if not text:
            return 50
        if not re.fullmatch("-?[0-9]{1,18}", text):
            raise invalid("MaxItemCount", "Its type must be integer.")
        if not 0 <= int(text) <= 100:
            raise invalid("MaxItemCount", "It must be in [0, 100].")
        return int(text)

    def token(self) -> str:
        """Return the idempotent token (REST API, 2.0); empty if the request has none."""
        token = self.query.get("IdempotentToken", "")
        if token and not re.fullmatch("[A-Za-z0-9_]{1,64}", token):
            raise invalid("IdempotentToken", "It must be 1 to 64 letters, digits and underscores.")
        return token

    def has_flag(self, name: str) -> bool:
        """Return whether the query holds a name, with or without a value."""
        return name in self.query

    @property
    def marker(self) -> str:
        """The marker of the requested page; empty for the first page."""
        return self.query.get("Marker", "")

    def first_number(self) -> int:
        """Return the number at which the page begins: a row number, or that of an instance or attempt.

        An unknown marker gives an empty page.
        """
        if not self.marker:
            return 0
        number = number_of(self.marker)
        return BEHIND_ALL if number is None else number

    def state(self, allowed: tuple[str, ...]) -> str:
        """Return the state by which a list is filtered; empty for all states."""
        state = self.query.get("State", "")
        if state and state not in allowed:
            raise invalid("State", f"It must be one of {', '.join(allowed)}.")
        return state


def number_of(text: str) -> int | None:
    """Return the value of a decimal number; None for any other text."""
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None
