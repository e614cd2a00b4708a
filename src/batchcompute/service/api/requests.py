"""Requests and answers as the core sees them: plain data, whatever carries them."""

from __future__ import annotations

import json
import re
import secrets
import uuid
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote_to_bytes

from batchcompute.http.signing import API_VERSION
from batchcompute.models.validation import LARGEST_BODY, problem_of
from batchcompute.service.errors import ApiError, HttpError, invalid

if TYPE_CHECKING:
    from batchcompute.api.operations import Operation
    from batchcompute.runner.rooted import RootedFile

__all__ = ["Request", "Response"]

# Neither XML nor a file name nor a column of the database can hold all of these.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_CUT = re.compile("%(?![0-9A-Fa-f]{2})")


class BadTarget(ValueError):
    """A path or query that means nothing, or more than one thing."""


@dataclass(frozen=True, slots=True)
class Spool:
    """A body that was too large to be held in memory, in a file."""

    file: RootedFile
    """The file; whoever takes it in may move it."""
    size: int
    """Its bytes."""
    md5: bytes
    """Its digest."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came."""

    method: str
    """HTTP method."""
    target: str
    """Path and query, percent-encoded."""
    headers: Mapping[str, str] = field(repr=False)
    """Headers with lower-case names."""
    body: bytes = field(default=b"", repr=False)
    """The body, if it is held in memory."""
    spool: Spool | None = None
    """The body, if it is in a file."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What was found out about a request from its head."""

    owner: str
    """Whose request it is."""
    bucket: str = ""
    """Of one to object storage: the bucket."""
    key: str = ""
    """The key."""
    what: str = ""
    """The sub-resource that it names."""
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    """The query."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str]
    """Headers."""
    body: bytes = b""
    """The body."""
    stream: Generator[bytes] | None = field(default=None, repr=False)
    """The body in pieces, where it is too large to be held at once."""

    def whole(self) -> bytes:
        """Return the body."""
        return self.body if self.stream is None else b"".join(self.stream)


def query_names(target: str) -> frozenset[str]:
    """Return the names in the query of a target, without those that mean nothing."""
    names: set[str] = set()
    query = target.partition("?")[2]
    for part in query.split("&") if query else ():
        with suppress(BadTarget):
            names.add(decoded(part.partition("=")[0]))
    return frozenset(names)


def waits_for_job(request: Request) -> bool:
    """Return whether a request is answered only when a job has ended: a synchronous App job (REST API, 2.1)."""
    path = request.target.partition("?")[0]
    return request.method == "POST" and path == "/jobs" and "sync" in query_names(request.target)


def decoded(text: str) -> str:
    """Undo percent-encoding.

    Raises:
        BadTarget: A percent sign stands for nothing, or what comes out is no text in UTF-8, or holds characters
            that no name has.
    """
    if "%" not in text and text.isascii() and text.isprintable():
        return text
    if _CUT.search(text):
        # Left as it is, it would read like its own encoding: ``%zz`` like ``%25zz``.
        raise BadTarget("the path or the query holds a percent sign that encodes nothing")
    try:
        result = unquote_to_bytes(text.encode("utf-8")).decode("utf-8")
    except UnicodeError:
        raise BadTarget("the path or the query is no text in UTF-8") from None
    if _UNSPEAKABLE.search(result):
        raise BadTarget("the path or the query holds a control character")
    return result


def query_of(target: str) -> dict[str, str]:
    """Read the query of a target; a bare key has the value ``""``.

    Raises:
        BadTarget: It is no text, or a value has no name, or a name comes twice, which readers take for different
            things.
    """
    query = target.partition("?")[2]
    found: dict[str, str] = {}
    for part in query.split("&") if query else ():
        if not part:
            continue
        key, _, value = part.partition("=")
        name = decoded(key)
        if not name:
            raise BadTarget("the query holds a value without a name")
        if name in found:
            raise BadTarget(f"the query names {name[:60]!r} twice")
        found[name] = decoded(value.replace("+", " "))
    return found


def path_of_target(target: str) -> str:
    """Return the decoded path of a target.

    Raises:
        BadTarget: It is no text, or no path from the root.
    """
    path = decoded(target.partition("?")[0])
    if not path.startswith("/"):
        # ``b/k`` would name the same object as ``/b/k``, under another signature.
        raise BadTarget("the path does not begin with a slash")
    return path


def date_of(text: str) -> datetime | None:
    """Return the time that a date of HTTP means, in UTC; None for a text that is no date, or none in reach."""
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        # All of these come out of texts that are no dates.
        return None


def answer(status: int, content: Any, request_id: str) -> Response:
    """Make an answer with the headers that clients read (REST API, 1.4)."""
    body = b"" if content is None else json.dumps(content, ensure_ascii=False).encode("utf-8")
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Date": format_datetime(datetime.now(UTC), usegmt=True),
        "x-acs-request-id": request_id,
        "request-id": request_id,
        "x-acs-version": API_VERSION,
    }
    return Response(status, headers, body)


def refuse(refusal: HttpError, request_id: str) -> Response:
    """Make the answer of a refusal."""
    content = {"Code": refusal.code, "Message": refusal.message, "RequestId": request_id}
    return answer(refusal.status, content, request_id)


def new_request_id() -> str:
    """Make an id for a request."""
    return str(uuid.uuid4()).upper()


_ID_LETTERS = "0123456789abcdefghijklmnopqrstuv"


def new_id(prefix: str, length: int = 18) -> str:
    """Make an id for a resource, as the recorded ones are (REST API, 3.0)."""
    return prefix + "".join(secrets.choice(_ID_LETTERS) for _ in range(length))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its names and values.

    Raises:
        ValueError: A name comes twice, and readers differ in which value counts.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


@dataclass(frozen=True, slots=True)
class Params:
    """What a handler gets of a request."""

    operation: Operation
    owner: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    request_id: str = ""

    def json(self) -> dict[str, Any]:
        """Return the body as an object.

        Raises:
            ApiError: It is too large, no JSON, or no object.
        """
        if len(self.body) > LARGEST_BODY:
            raise ApiError(403, "InvalidHttpBody", f"The body holds more than {LARGEST_BODY} bytes.")
        try:
            # Only UTF-8: left to itself, the parser takes UTF-16 and UTF-32, too.
            text = self.body.decode("utf-8-sig")
            value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_once)
        except (ValueError, RecursionError):
            raise ApiError(400, "InvalidJsonFormat", "Request body is not valid JSON.") from None
        if not isinstance(value, dict):
            text = "Specified http body is not valid. Its type must be object."
            raise ApiError(403, "InvalidHttpBody", text)
        wrong = problem_of(value)
        if wrong is not None:
            text = f"Request body is not valid JSON. {wrong.path or 'It'} {wrong.allowed}."
            raise ApiError(400, "InvalidJsonFormat", text)
        return cast("dict[str, Any]", value)

    def count(self) -> int:
        """Return the number of items that a page may hold (REST API, 9)."""
        text = self.query.get("MaxItemCount", "")
        if not text:
            return 50
        if not re.fullmatch("-?[0-9]{1,18}", text):
            raise invalid("MaxItemCount", "Its type must be integer.")
        if not 0 <= int(text) <= 100:
            raise invalid("MaxItemCount", "It must be in [0, 100].")
        return int(text)

    def token(self) -> str:
        """Return the idempotent token (REST API, 2.0); empty for none."""
        token = self.query.get("IdempotentToken", "")
        if token and not re.fullmatch("[A-Za-z0-9_]{1,64}", token):
            raise invalid("IdempotentToken", "It must be 1 to 64 letters, digits and underscores.")
        return token

    def number(self, text: str) -> int | None:
        """Return the number that a text is; None for another text."""
        return int(text) if re.fullmatch("[0-9]{1,9}", text) else None

    def state(self, allowed: tuple[str, ...]) -> str:
        """Return the state that a list is filtered by; empty for none."""
        state = self.query.get("State", "")
        if state and state not in allowed:
            raise invalid("State", f"It must be one of {', '.join(allowed)}.")
        return state
