"""Routes: finds the operation of a request in the table that the clients use, too."""

from __future__ import annotations

import re
from collections.abc import Mapping

from batchcompute.api.operations import OPERATIONS, Operation
from batchcompute.runner.grant_header import SCHEME as GRANT_SCHEME
from batchcompute.service.errors import ApiError
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
