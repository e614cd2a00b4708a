"""Requests and responses as plain data, independent of the transport."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_to_bytes

from batchcompute.http.signing import API_VERSION
from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.errors import HttpError

if TYPE_CHECKING:
    from batchcompute.runner.rooted import RootedFile

__all__ = ["Request", "Response"]

# None of these characters can be stored in all of XML, file names and the database.
_NOT_STORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_BARE_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


class BadTarget(ValueError):
    """A path or query that is malformed or ambiguous."""


class Spool(NamedTuple):
    """A request body in a file, because it is too large for memory."""

    file: RootedFile
    """The file; the code that reads it may move it."""
    size: int
    """Its size in bytes."""
    md5: bytes
    """Its MD5 digest."""


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request."""

    method: str
    """HTTP method."""
    target: str
    """Path and query, percent-encoded."""
    headers: Mapping[str, str] = field(repr=False)
    """Headers with lower-case names."""
    body: bytes = field(default=b"", repr=False)
    """The body, if it is in memory."""
    spool: Spool | None = None
    """The body, if it is in a file."""


@dataclass(frozen=True, slots=True)
class Admission:
    """The result of authenticating the head of a request: its owner, and the object that it names."""

    owner: str
    """The owner of its access key."""
    bucket: str = ""
    """The bucket, for a request to object storage."""
    key: str = ""
    """The key."""
    subresource: str = ""
    """The sub-resource, for example ``acl``."""
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    """The query."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str]
    """Headers."""
    body: bytes = b""
    """The body."""
    stream: Generator[bytes] | None = field(default=None, repr=False)
    """The body in pieces, if it is too large for memory."""

    def whole(self) -> bytes:
        """Return the body."""
        return self.body if self.stream is None else b"".join(self.stream)


def query_names(target: str) -> frozenset[str]:
    """Return the names in the query of a target, without those that are malformed."""
    names: set[str] = set()
    query = target.partition("?")[2]
    for part in query.split("&") if query else ():
        with suppress(BadTarget):
            names.add(decoded(part.partition("=")[0]))
    return frozenset(names)


def waits_for_job(request: Request) -> bool:
    """Return whether the response is sent when a job has ended: a synchronous App job (REST API, 2.1)."""
    path = request.target.partition("?")[0]
    return request.method == "POST" and path == "/jobs" and "sync" in query_names(request.target)


def decoded(text: str) -> str:
    """Return a text without percent-encoding.

    Raises:
        BadTarget: A percent sign encodes nothing, or the result is not UTF-8, or has control characters.
    """
    if "%" not in text and text.isascii() and text.isprintable():
        return text
    if _BARE_PERCENT.search(text):
        # If it were accepted, ``%zz`` would mean the same as ``%25zz``.
        raise BadTarget("the path or the query holds a percent sign that encodes nothing")
    try:
        result = unquote_to_bytes(text.encode("utf-8")).decode("utf-8")
    except UnicodeError:
        raise BadTarget("the path or the query is not UTF-8") from None
    if _NOT_STORABLE.search(result):
        raise BadTarget("the path or the query holds a control character")
    return result


def query_of(target: str) -> dict[str, str]:
    """Return the query of a target; a name without a value has the value ``""``.

    Raises:
        BadTarget: The query is not UTF-8, a value has no name, or a name occurs twice: programs differ in which of
            its values they use.
    """
    query = target.partition("?")[2]
    values: dict[str, str] = {}
    for part in query.split("&") if query else ():
        if not part:
            continue
        key, _, value = part.partition("=")
        name = decoded(key)
        if not name:
            raise BadTarget("the query holds a value without a name")
        if name in values:
            raise BadTarget(f"the query names {name[:60]!r} twice")
        values[name] = decoded(value.replace("+", " "))
    return values


def path_of_target(target: str) -> str:
    """Return the decoded path of a target.

    Raises:
        BadTarget: The path is not UTF-8, or does not begin with a slash.
    """
    path = decoded(target.partition("?")[0])
    if not path.startswith("/"):
        # ``b/k`` would name the same object as ``/b/k``, with another signature.
        raise BadTarget("the path does not begin with a slash")
    return path


def date_of(text: str) -> datetime | None:
    """Return the time of a date header, in UTC; None for a text that is not a date."""
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        # The parser raises any of these for a text that is not a date.
        return None


def json_response(status: int, content: Any, request_id: str, clock: Clock = SYSTEM_CLOCK) -> Response:
    """Return a response with the headers that clients read (REST API, 1.4).

    Args:
        status: HTTP status.
        content: The body, as JSON values; None for an empty body.
        request_id: The id of the request.
        clock: The source of time.
    """
    body = b"" if content is None else json.dumps(content, ensure_ascii=False).encode("utf-8")
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Date": format_datetime(datetime.fromtimestamp(clock.time(), UTC), usegmt=True),
        "x-acs-request-id": request_id,
        "request-id": request_id,
        "x-acs-version": API_VERSION,
    }
    return Response(status, headers, body)


def error_response(error: HttpError, request_id: str) -> Response:
    """Return the response that reports an error."""
    content = {"Code": error.code, "Message": error.message, "RequestId": request_id}
    return json_response(error.status, content, request_id)


def new_request_id() -> str:
    """Return a new request id."""
    return str(uuid.uuid4()).upper()
