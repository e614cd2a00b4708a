"""One request over HTTP on its way through the middleware: how its head is read and how it is answered."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import quote

from batchcompute.runner.os_errors import is_transient
from batchcompute.service.api.routes import is_for_objects
from batchcompute.service.errors import ApiError, HttpError, ObjectError
from batchcompute.service.objects import responses
from batchcompute.service.requests import Request, Response, error_response, new_request_id

if TYPE_CHECKING:
    from batchcompute.service.requests import Admission

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service.http")

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

_KEY: Final = "batchcompute.exchange"

_SIGNIFICANT = re.compile(
    "authorization|date|host|content-md5|content-type|contentmd5|range|if-(?:match|none-match|modified-since|unmodified-since)"
    "|x-(?:acs|oss)-.*"
)
"""Headers that the service reads. A repeated one, or one that is not UTF-8, is ambiguous."""


@dataclass(slots=True)
class Exchange:
    """A request and what is known about it so far."""

    request: Request
    """The request; without its body until the body has been read."""
    path: str
    """Path of its target, percent-encoded."""
    for_objects: bool
    """Whether object storage answers it."""
    problem: str = ""
    """The reason why its head is ambiguous; empty if it is not."""
    admission: Admission | None = None
    """The decision of the service about the head of the request."""
    response_started: bool = False
    """Whether a part of the response has been sent."""

    async def respond(self, response: Response, send: Send) -> None:
        """Send a response; a stream is read in a thread, piece by piece, and closed in any case."""
        headers = [
            (name.lower().encode("latin-1"), value.encode("utf-8"))
            for name, value in response.headers.items()
        ]
        stream = response.stream
        self.response_started = True
        try:
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            if stream is not None:
                while piece := await asyncio.to_thread(next, stream, b""):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": response.body})
        finally:
            if stream is not None:
                # Closes the file of the object, even if the client has disconnected.
                stream.close()

    def error(self, status: int, object_code: str, api_code: str, text: str) -> HttpError:
        """Return an error of the API that the request is for.

        Args:
            status: HTTP status.
            object_code: Code of the error for object storage.
            api_code: Code of the error for the API.
            text: The message.
        """
        if self.for_objects:
            return ObjectError(status, object_code, text)
        return ApiError(status, api_code, text)

    def response_to(self, error: Exception) -> Response:
        """Return the response to an error, and log one that is not expected."""
        if isinstance(error, ObjectError):
            return with_connection_close(responses.error_response(error))
        if isinstance(error, HttpError):
            return with_connection_close(error_response(error, new_request_id()))
        if is_transient(error):
            _log.warning("a request failed: %s", error)
            text = "The machine of the service has no room for this at this moment. Try again later."
            return self.response_to(self.error(503, "ServiceUnavailable", "ServiceUnavailable", text))
        _log.error("a request failed: %s %s", self.request.method, self.path, exc_info=error)
        text = "The service failed; its log says why."
        return self.response_to(self.error(500, "InternalError", "InternalError", text))


def begin(scope: Scope) -> Exchange:
    """Read the head of a request and keep the exchange in its scope."""
    query = scope["query_string"].decode("latin-1")
    raw_path = scope.get("raw_path")
    # A server may leave raw_path out. The path is then encoded here; if the client encoded it in another way, the
    # check of the signature fails. Some servers keep the query in raw_path.
    path = quote(scope["path"]) if raw_path is None else raw_path.decode("latin-1").partition("?")[0]
    headers, problem = _read_headers(scope["headers"])
    request = Request(scope["method"], f"{path}?{query}" if query else path, headers)
    exchange = Exchange(request, path, is_for_objects(request), problem)
    scope[_KEY] = exchange
    return exchange


def exchange_of(scope: Scope) -> Exchange:
    """Return the exchange of a scope that `begin` has seen."""
    exchange: Exchange = scope[_KEY]
    return exchange


def with_connection_close(response: Response) -> Response:
    """Return a response after which the connection is closed, because the rest of the body is not read."""
    return Response(response.status, {**response.headers, "Connection": "close"}, response.body)


def _read_headers(raw: list[tuple[bytes, bytes]]) -> tuple[Mapping[str, str], str]:
    """Return headers as texts, and why they are ambiguous; empty if they are not."""
    headers: dict[str, str] = {}
    problem = ""
    for raw_name, value in raw:
        name = raw_name.decode("latin-1")
        repeated = name in headers
        if repeated or not value.isascii():
            text = value.decode("utf-8", "replace")
            if _SIGNIFICANT.fullmatch(name) and (repeated or text.encode("utf-8") != value):
                problem = f"The header {name} was sent more than once, or is no text in UTF-8."
            headers[name] = text
        else:
            headers[name] = value.decode("ascii")
    if "transfer-encoding" in headers and "content-length" in headers:
        # An intermediary may see another end of the body, and another request after it.
        problem = "A body has Content-Length or Transfer-Encoding, and not both."
    return headers, problem
