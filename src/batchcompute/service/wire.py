"""Requests and answers as the core sees them: plain data, whatever carries them."""

from __future__ import annotations

import json
import re
import secrets
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

from batchcompute.service.faults import Refusal, invalid
from batchcompute.signing import API_VERSION

if TYPE_CHECKING:
    from batchcompute.operations import Operation

__all__ = ["Request", "Response"]

_LARGEST_BODY = 256 * 1024
"""Bytes in a body (reference, 1.2)."""


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
    """The body."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str]
    """Headers."""
    body: bytes = b""
    """The body."""
    stream: Iterator[bytes] | None = field(default=None, repr=False)
    """The body in pieces, where it is too large to be held at once."""

    def whole(self) -> bytes:
        """Return the body."""
        return self.body if self.stream is None else b"".join(self.stream)


def takes_long(request: Request) -> bool:
    """Tell a request that is answered when a job has ended: a synchronous App job (reference, 2.1)."""
    path, _, query = request.target.partition("?")
    return request.method == "POST" and path == "/jobs" and "sync" in query


def query_of(target: str) -> dict[str, str]:
    """Read the query of a target; a bare key has the value ``""``."""
    query = target.partition("?")[2]
    pairs = (part.partition("=") for part in query.split("&") if part)
    return {unquote(key): unquote(value.replace("+", " ")) for key, _, value in pairs}


def answer(status: int, content: Any, request_id: str) -> Response:
    """Make an answer with the headers that clients read (reference, 1.4)."""
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


def refuse(refusal: Refusal, request_id: str) -> Response:
    """Make the answer of a refusal."""
    content = {"Code": refusal.code, "Message": refusal.message, "RequestId": request_id}
    return answer(refusal.status, content, request_id)


def new_request_id() -> str:
    """Make an id for a request."""
    return str(uuid.uuid4()).upper()


_ID_LETTERS = "0123456789abcdefghijklmnopqrstuv"


def new_id(prefix: str, length: int = 18) -> str:
    """Make an id for a resource, as the recorded ones are (reference, 3.0)."""
    return prefix + "".join(secrets.choice(_ID_LETTERS) for _ in range(length))


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
            Refusal: It is too large, no JSON, or no object.
        """
        if len(self.body) > _LARGEST_BODY:
            raise Refusal(403, "InvalidHttpBody", f"The body holds more than {_LARGEST_BODY} bytes.")
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            raise Refusal(400, "InvalidJsonFormat", "Request body is not valid JSON.") from None
        if not isinstance(value, dict):
            text = "Specified http body is not valid. Its type must be object."
            raise Refusal(403, "InvalidHttpBody", text)
        return cast("dict[str, Any]", value)

    def count(self) -> int:
        """Return the number of items that a page may hold (reference, section 9)."""
        text = self.query.get("MaxItemCount", "")
        if not text:
            return 50
        if not re.fullmatch("-?[0-9]{1,18}", text):
            raise invalid("MaxItemCount", "Its type must be integer.")
        if not 0 <= int(text) <= 100:
            raise invalid("MaxItemCount", "It must be in [0, 100].")
        return int(text)

    def token(self) -> str:
        """Return the idempotent token (reference, 2.0); empty for none."""
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
