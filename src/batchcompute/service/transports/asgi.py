"""The HTTP API of a service as a Starlette application."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from batchcompute.errors.installation import install_command

try:
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import BaseRoute, Match, Route
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        f"{__name__} needs {_error.name}, of the extra serve: {install_command('serve')}", name=_error.name
    ) from None

from batchcompute.api.operations import OPERATIONS, Operation
from batchcompute.service.requests import Response, query_names, waits_for_job
from batchcompute.service.transports.exchange import exchange_of
from batchcompute.service.transports.middleware import AdmissionMiddleware, BodyMiddleware, ExchangeMiddleware
from batchcompute.service.transports.operating import MetricsEndpoint, health, json_page, readiness
from batchcompute.service.transports.threads import run_in_thread
from batchcompute.service.web.route import PageRoute

if TYPE_CHECKING:
    from collections.abc import Callable

    from batchcompute.service.local_service import LocalService
    from batchcompute.service.transports.exchange import Exchange, Receive, Scope, Send

__all__ = ["create_app"]

LARGEST_REQUEST: Final = 300 * 1024
"""Bytes of a body of the API that are read. The API itself refuses more than 256 KB (REST API, 1.2)."""

LARGEST_DOCUMENT: Final = 2 * 1024**2
"""Bytes of a document that is posted to object storage: the parts of an upload, or the keys to delete."""

_HOST: Final = re.compile(r"([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
"""A host with a port, in the header of a request."""

LARGEST_OBJECT: Final = 5 * 1024**3
"""Bytes of an object, or of a part of one, in one request."""


def create_app(service: LocalService, *, url: str = "", metrics_token: str = "") -> Starlette:
    """Return the HTTP API of a service, for a server of your own or to be mounted in another application.

    It answers at the root only, because signatures cover the whole path: mount it with the path ``""`` behind
    other routes, or with ``Host``. Below another prefix each request is refused with 501. The application does
    not close the service, and does not limit connections or slow bodies, as ``batchcompute serve`` does.

    Args:
        service: The service. It has to be open as long as requests come.
        url: Where ``LOCAL`` clients find the server, if it is announced in the data directory.
        metrics_token: With this token, other machines may read ``/metrics``; without one, only this machine.
    """
    admission = Middleware(AdmissionMiddleware, service)
    signed = [admission, Middleware(BodyMiddleware, LARGEST_REQUEST)]
    stored = [admission, Middleware(BodyMiddleware, LARGEST_DOCUMENT, LARGEST_OBJECT, service.new_spool)]
    return Starlette(
        routes=[
            PublicRoute("/healthz", PublicEndpoint(lambda _: health(service))),
            PublicRoute("/readyz", PublicEndpoint(lambda _: readiness(service))),
            PublicRoute("/metrics", MetricsEndpoint(service, metrics_token)),
            PublicRoute("/openapi.json", PublicEndpoint(_description(url))),
            PageRoute(service),
            OtherRoute(Endpoint(service, in_thread=True), stored, for_objects=True),
            *operation_routes(service, signed),
            # The service itself refuses a path that no operation has, once it knows the sender.
            OtherRoute(Endpoint(service), signed),
        ],
        middleware=[Middleware(ExchangeMiddleware, service, url)],
    )


def operation_routes(service: LocalService, middleware: list[Middleware]) -> list[BaseRoute]:
    """Return one route an operation, named after it.

    Args:
        service: The service that answers.
        middleware: What each request passes before it is answered.
    """
    # Operations that a flag in the query selects come before the plain one of the same path.
    rows = sorted(OPERATIONS.values(), key=lambda row: -len(row.flags))
    return [OperationRoute(row, Endpoint(service, _changes_jobs(row)), middleware) for row in rows]


def _changes_jobs(operation: Operation) -> bool:
    """Return whether an operation writes about a job, which may have a million instances."""
    return operation.method in ("POST", "DELETE") and operation.path.startswith("/jobs")


class PublicRoute(Route):
    """A path that is answered without a key: for GET, and without a query.

    Args:
        path: The path.
        endpoint: Answers the requests.
    """

    def __init__(self, path: str, endpoint: PublicEndpoint | MetricsEndpoint) -> None:
        super().__init__(path, endpoint, methods=["GET"], name=path.strip("/"))

    def matches(self, scope: Scope) -> tuple[Match, dict[str, Any]]:
        """Return whether a request is for this path."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return Match.NONE, {}
        if exchange_of(scope).request.target != self.path:
            return Match.NONE, {}
        return Match.FULL, {"endpoint": self.endpoint}


class OperationRoute(Route):
    """The path of an operation.

    It is compared with the path as it was sent: a ``%2F`` in a name does not separate parts.

    Args:
        operation: The operation.
        endpoint: Answers its requests.
        middleware: What each request passes before.
    """

    def __init__(self, operation: Operation, endpoint: Endpoint, middleware: list[Middleware]) -> None:
        super().__init__(
            operation.path, endpoint, methods=[operation.method], name=operation.name, middleware=middleware
        )
        self._method = operation.method
        self._flags = operation.flags

    def matches(self, scope: Scope) -> tuple[Match, dict[str, Any]]:
        """Return whether a request is for this operation."""
        if scope["type"] != "http" or scope["method"] != self._method:
            return Match.NONE, {}
        exchange = exchange_of(scope)
        match = self.path_regex.fullmatch(exchange.path)
        if match is None or (
            self._flags and not query_names(exchange.request.target).issuperset(self._flags)
        ):
            return Match.NONE, {}
        return Match.FULL, {"endpoint": self.endpoint, "path_params": match.groupdict()}


class OtherRoute(BaseRoute):
    """Requests to object storage, whatever their path is; or all that are left.

    Args:
        endpoint: Answers them.
        middleware: What each request passes before.
        for_objects: Whether only requests to object storage match.
    """

    def __init__(
        self, endpoint: Endpoint, middleware: Iterable[Middleware], for_objects: bool = False
    ) -> None:
        self._endpoint = endpoint
        self._for_objects = for_objects
        self._app: Any = endpoint
        for cls, args, kwargs in reversed(list(middleware)):
            self._app = cls(self._app, *args, **kwargs)

    def matches(self, scope: Scope) -> tuple[Match, dict[str, Any]]:
        """Return whether a request is one of these."""
        if scope["type"] != "http" or (self._for_objects and not exchange_of(scope).for_objects):
            return Match.NONE, {}
        return Match.FULL, {"endpoint": self._endpoint, "path_params": {}}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self._app(scope, receive, send)


class PublicEndpoint:
    """Answers requests that need no key.

    Args:
        response: Returns the response.
    """

    def __init__(self, response: Callable[[Scope], Response]) -> None:
        self._response = response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer a request."""
        await exchange_of(scope).respond(self._response(scope), send)


class Endpoint:
    """Hands requests to the service.

    Args:
        service: The service.
        in_thread: Whether its answer may take long. Any other one takes less time than a thread costs.
    """

    def __init__(self, service: LocalService, in_thread: bool = False) -> None:
        self._service = service
        self._in_thread = in_thread

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer a request."""
        exchange = exchange_of(scope)
        await exchange.respond(await self._dispatch(exchange), send)

    async def _dispatch(self, exchange: Exchange) -> Response:
        request, admission = exchange.request, exchange.admission
        if not self._in_thread:
            return self._service.dispatch(request, admission)
        if waits_for_job(request):
            return await run_in_thread(lambda: self._service.dispatch(request, admission))
        return await asyncio.to_thread(self._service.dispatch, request, admission)


def _description(url: str) -> Callable[[Scope], Response]:
    """Return what answers requests for the OpenAPI document: its servers are the address of the request.

    Args:
        url: URL of the server, for requests that do not name a host; empty for that of the document.
    """
    document = json.loads(files("batchcompute.service").joinpath("openapi.json").read_bytes())
    own = url or document["servers"][0]["url"]

    def respond(scope: Scope) -> Response:
        host = exchange_of(scope).request.headers.get("host", "")
        here = f"{scope.get('scheme', 'http')}://{host}" if _HOST.fullmatch(host) else own
        return json_page(200, json.dumps({**document, "servers": [{"url": here}]}).encode("utf-8"))

    return respond
