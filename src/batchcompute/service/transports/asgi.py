"""The service over HTTP: an ASGI application around `LocalService.dispatch`."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from batchcompute.runner.os_errors import is_transient
from batchcompute.service.api.requests import (
    Request,
    Response,
    changes_jobs,
    new_request_id,
    refuse,
    takes_long,
)
from batchcompute.service.errors import ApiError
from batchcompute.service.objects import responses
from batchcompute.service.objects.signatures import is_for_objects
from batchcompute.service.transports import bodies
from batchcompute.service.waiters import run_in_thread

if TYPE_CHECKING:
    from batchcompute.service.local_service import LocalService

__all__ = ["Application"]

_log = logging.getLogger("batchcompute.service.http")

LARGEST_REQUEST = 300 * 1024
"""Bytes of a body of the API that are read; the API itself refuses more than 256 KB (REST API, 1.2)."""

LARGEST_DOCUMENT = 2 * 1024**2
"""Bytes of a document that is posted to object storage: the parts of an upload, or the keys to delete."""

LARGEST_OBJECT = 5 * 1024**3
"""Bytes of an object, or of a part of one, that may be put at once."""

CHALLENGE = "x-batchcompute-challenge"
"""Header of a request with a text, for which the answer proves that it is of the owner of the data directory."""

PROOF = "x-batchcompute-proof"
"""Header of that answer."""

_TEXT = re.compile("[0-9a-f]{32,128}")
_LENGTH = re.compile("[0-9]{1,18}")

_READ = re.compile(
    "authorization|date|host|content-md5|content-type|contentmd5|range|if-(?:match|none-match|modified-since|unmodified-since)"
    "|x-(?:acs|oss)-.*"
)
"""Headers that are read: two of a name, or one that is no text, could be taken for different things."""

Send = Callable[[Mapping[str, Any]], Awaitable[None]]


def proof_of(identity: str, challenge: str, url: str) -> str:
    """Return what only the owner of a data directory can answer to a challenge.

    Args:
        identity: The secret in the data directory.
        challenge: A text that was not used before.
        url: Where the server says that it is, so that nobody can hand the question on to it.
    """
    text = f"{challenge}\n{url}".encode()
    return hmac.new(identity.encode("ascii"), text, hashlib.sha256).hexdigest()


class Application:
    """An ASGI application that answers for one service.

    Args:
        service: The service.
        url: Where it is served.
    """

    def __init__(self, service: LocalService, url: str = "") -> None:
        self._service = service
        self._url = url

    async def __call__(self, scope: dict[str, Any], receive: bodies.Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        query = scope["query_string"].decode("latin-1")
        target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        headers: dict[str, str] = {}
        wrong = ""
        for raw, value in scope["headers"]:
            name, text = raw.decode("latin-1"), value.decode("utf-8", "replace")
            if _READ.fullmatch(name) and (name in headers or text.encode("utf-8") != value):
                wrong = f"The header {name} was sent more than once, or is no text in UTF-8."
            headers[name] = text
        if "transfer-encoding" in headers and "content-length" in headers:
            # Something on the way may see another end of the body, and another request behind it.
            wrong = "A body has Content-Length or Transfer-Encoding, and not both."
        head = Request(scope["method"], target, headers)
        try:
            response = self._own(head) or _refusal_of(head, wrong)
            if response is None:
                response = await self._answer(head, receive)
        except bodies.Gone:
            return
        except Exception as error:  # noqa: BLE001 - every error has an answer
            response = _failed(head, error)
        await self._send(response, headers, send)

    def _own(self, head: Request) -> Response | None:
        """Answer what is no operation of the API and needs no key."""
        if head.method != "GET" or head.target not in ("/openapi.json", "/healthz"):
            return None
        if head.target == "/openapi.json":
            # The description of the API is nobody's secret.
            return _json(200, files("batchcompute.service").joinpath("openapi.json").read_bytes())
        health = self._service.health()
        return _json(200 if health.ok else 503, json.dumps(health.content()).encode("utf-8"))

    async def _answer(self, head: Request, receive: bodies.Receive) -> Response:
        for_objects = is_for_objects(head)
        # Before its body is read: nobody unknown makes the service hold or write anything.
        admission = self._service.admit(head)
        if isinstance(admission, Response):
            await _let_go(head, receive)
            return _closing(admission)
        stores = for_objects and head.method == "PUT"
        limit = LARGEST_OBJECT if stores else LARGEST_DOCUMENT if for_objects else LARGEST_REQUEST
        body, spool = b"", None
        try:
            given = head.headers.get("content-length", "0")
            if not _LENGTH.fullmatch(given) or int(given) > limit:
                raise bodies.TooLarge
            if stores:
                body, spool = await bodies.read_large(receive, limit, self._service.new_spool)
            else:
                body = await bodies.read(receive, limit)
        except bodies.TooLarge:
            await _let_go(head, receive)
            return _closing(_too_large(for_objects, limit))
        request = Request(head.method, head.target, head.headers, body, spool)
        # Objects may be large, and their files slow. The API's other answers take less than a thread costs.
        if takes_long(request):
            return await run_in_thread(lambda: self._service.dispatch(request, admission))
        if for_objects or changes_jobs(request):
            return await asyncio.to_thread(self._service.dispatch, request, admission)
        return self._service.dispatch(request, admission)

    async def _send(self, response: Response, headers: Mapping[str, str], send: Send) -> None:
        raw = [(name.encode("latin-1"), value.encode("utf-8")) for name, value in response.headers.items()]
        challenge = headers.get(CHALLENGE, "")
        if _TEXT.fullmatch(challenge):
            proof = proof_of(self._service.identity, challenge, self._url)
            raw.append((PROOF.encode("ascii"), proof.encode("ascii")))
        stream = response.stream
        try:
            await send({"type": "http.response.start", "status": response.status, "headers": raw})
            if stream is not None:
                while piece := await asyncio.to_thread(next, stream, b""):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": response.body})
        finally:
            if stream is not None:
                # Its file is closed even if the client went away in between.
                stream.close()


async def _let_go(head: Request, receive: bodies.Receive) -> None:
    """Read what is left of a body that nobody wants, unless its sender waits to be asked for it."""
    if head.headers.get("expect", "").lower() != "100-continue":
        await bodies.drain(receive)


def _refusal_of(head: Request, wrong: str) -> Response | None:
    """Refuse a request whose head can be read in two ways; None for any other one."""
    if not wrong:
        return None
    if is_for_objects(head):
        return _closing(responses.refuse(responses.ObjectError(400, "InvalidArgument", wrong)))
    return _closing(refuse(ApiError(400, "InvalidAuthorization", wrong), new_request_id()))


def _failed(head: Request, error: Exception) -> Response:
    if is_transient(error):
        _log.warning("a request failed: %s", error)
        status, text = 503, "The machine of the service has no room for this at this moment. Try again later."
    else:
        _log.error("a request failed: %s %s", head.method, head.target.partition("?")[0], exc_info=error)
        status, text = 500, "The service failed; its log says why."
    code = "ServiceUnavailable" if status == 503 else "InternalError"
    if is_for_objects(head):
        return _closing(responses.refuse(responses.ObjectError(status, code, text)))
    return _closing(refuse(ApiError(status, code, text), new_request_id()))


def _too_large(for_objects: bool, limit: int) -> Response:
    text = f"The body holds more than {limit} bytes."
    if for_objects:
        return responses.refuse(responses.ObjectError(413, "EntityTooLarge", text))
    return refuse(ApiError(403, "InvalidHttpBody", text), new_request_id())


def _closing(response: Response) -> Response:
    """Return an answer after which the connection is closed: what is left of the body is no request."""
    return Response(response.status, {**response.headers, "Connection": "close"}, response.body)


def _json(status: int, body: bytes) -> Response:
    return Response(status, {"Content-Type": "application/json", "Content-Length": str(len(body))}, body)
