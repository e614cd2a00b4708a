"""Pure ASGI middleware: heads, errors and proofs for every request, admission and bodies for signed ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from batchcompute.service.events import RequestAnswered
from batchcompute.service.requests import Request, Response
from batchcompute.service.transports import bodies
from batchcompute.service.transports.exchange import Exchange, begin, exchange_of, with_connection_close
from batchcompute.service.transports.proof import CHALLENGE, PROOF, is_challenge, proof_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from batchcompute.service.errors import HttpError
    from batchcompute.service.local_service import LocalService
    from batchcompute.service.objects.uploads import SpoolWriter
    from batchcompute.service.transports.exchange import Message, Receive, Scope, Send

    App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__: list[str] = []

_LENGTH = re.compile("[0-9]{1,18}")


class ExchangeMiddleware:
    """Reads the head of each request, converts errors to responses and proves the identity of the server.

    Args:
        app: The next application.
        service: The service.
        url: URL of the server, which its proofs cover.
    """

    def __init__(self, app: App, service: LocalService, url: str) -> None:
        self._app = app
        self._service = service
        self._url = url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = begin(scope)
        challenge = exchange.request.headers.get(CHALLENGE, "")
        if challenge and is_challenge(challenge):
            send = self._proving(challenge, send)
        try:
            prefix = scope.get("root_path", "")
            if prefix:
                text = (
                    f"The service is mounted under {prefix}, but signatures cover the whole path and clients address \
a host: mount it at the root, or by the name of the host."
                )
                raise exchange.error(501, "NotImplemented", "NotImplemented", text)
            await self._app(scope, receive, send)
        except bodies.Disconnected:
            return
        except Exception as error:
            if exchange.response_started:
                raise
            response = exchange.response_to(error)
            self._note(exchange, error, response)
            await exchange.respond(response, send)

    def _note(self, exchange: Exchange, error: Exception, response: Response) -> None:
        """Report a request that was refused before an operation was found."""
        name, code = (
            ("objects", "") if exchange.for_objects else ("", getattr(error, "code", "InternalError"))
        )
        owner = exchange.admission.owner if exchange.admission else ""
        event = RequestAnswered(
            name, exchange.request.method, exchange.path, response.status, str(code), owner, "", 0.0
        )
        self._service.events.emit(event)

    def _proving(self, challenge: str, send: Send) -> Send:
        """Return a `send` that adds the proof for a challenge to the headers of the response."""
        proof = proof_of(self._service.identity, challenge, self._url)

        async def proving(message: Message) -> None:
            if message["type"] == "http.response.start":
                header = (PROOF.encode("ascii"), proof.encode("ascii"))
                message = {**message, "headers": [*message["headers"], header]}
            await send(message)

        return proving


class AdmissionMiddleware:
    """Judges requests by their heads. A refused sender cannot make the service hold or write a body.

    Args:
        app: The next application.
        service: The service.
    """

    def __init__(self, app: App, service: LocalService) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or hand it on."""
        exchange = exchange_of(scope)
        if exchange.problem:
            raise exchange.error(400, "InvalidArgument", "InvalidAuthorization", exchange.problem)
        admission = self._service.admit(exchange.request)
        if isinstance(admission, Response):
            await _drain(exchange, receive)
            await exchange.respond(with_connection_close(admission), send)
            return
        exchange.admission = admission
        await self._app(scope, receive, send)


class BodyMiddleware:
    """Reads the body of an admitted request, within a limit.

    Args:
        app: The next application.
        limit: Bytes of a body that is held in memory.
        spool_limit: Bytes of the body of a PUT that may be spooled to a file; 0 if none is.
        new_spool: Opens a file for such a body.
    """

    def __init__(
        self, app: App, limit: int, spool_limit: int = 0, new_spool: Callable[[], SpoolWriter] | None = None
    ) -> None:
        self._app = app
        self._limit = limit
        self._spool_limit = spool_limit
        self._new_spool = new_spool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, and hand the request on."""
        exchange = exchange_of(scope)
        head = exchange.request
        length = head.headers.get("content-length", "0")
        if length == "0" and "transfer-encoding" not in head.headers and scope["http_version"][:1] == "1":
            # HTTP/1 announces each body.
            await self._app(scope, receive, send)
            return
        new_spool = self._new_spool if head.method == "PUT" else None
        limit = self._limit if new_spool is None else self._spool_limit
        body, spool = b"", None
        try:
            if not _LENGTH.fullmatch(length) or int(length) > limit:
                raise bodies.TooLarge
            if new_spool is None:
                body = await bodies.read(receive, limit)
            else:
                body, spool = await bodies.read_large(receive, limit, new_spool)
        except bodies.TooLarge:
            await _drain(exchange, receive)
            raise _too_large(exchange, limit) from None
        exchange.request = Request(head.method, head.target, head.headers, body, spool)
        await self._app(scope, receive, send)


async def _drain(exchange: Exchange, receive: Receive) -> None:
    """Read the rest of a refused body, unless its sender waits for ``100 Continue``."""
    if exchange.request.headers.get("expect", "").lower() != "100-continue":
        await bodies.drain(receive)


def _too_large(exchange: Exchange, limit: int) -> HttpError:
    status = 413 if exchange.for_objects else 403
    text = f"The body holds more than {limit} bytes."
    return exchange.error(status, "EntityTooLarge", "InvalidHttpBody", text)
