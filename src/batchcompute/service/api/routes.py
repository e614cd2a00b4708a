"""From method and path to an operation, by the table that the clients use, too."""

from __future__ import annotations

import re
from collections.abc import Mapping

from batchcompute.api.operations import OPERATIONS, Operation
from batchcompute.service.errors import ApiError
from batchcompute.service.requests import BadTarget, decoded, query_of

__all__: list[str] = []


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


# Operations that a flag in the query tells apart come before the plain one of the same path.
_ROUTES = [
    (_pattern(operation.path), operation)
    for operation in sorted(OPERATIONS.values(), key=lambda row: -len(row.flags))
]


def find(method: str, target: str) -> tuple[Operation, Mapping[str, str], Mapping[str, str]]:
    """Return the operation of a request, the variable parts of its path, and its query.

    Raises:
        ApiError: There is no such path, or not with this method (REST API, 7).
        BadTarget: The path or the query is no text.
    """
    path = target.partition("?")[0]
    query = query_of(target)
    if any("=" in part.partition("=")[2] for part in target.partition("?")[2].split("&")):
        # Some clients sign a query without the ``=`` at its end: for ``a==``, that is the signature of ``a=``.
        raise BadTarget("the query holds a value with a bare equals sign")
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
