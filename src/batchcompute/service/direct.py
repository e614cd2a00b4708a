"""httpx transports that call the service in this process: no socket, and no server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from batchcompute.service.datadir import default_directory
from batchcompute.service.embedded import embedded_service
from batchcompute.service.wire import Request

if TYPE_CHECKING:
    from batchcompute.service.local import LocalService

__all__ = ["DirectTransport", "ServiceTransport", "embedded_transport"]


class DirectTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Carries requests to a service, for both kinds of client.

    The answer is there within tens of microseconds, so there is nothing to await.
    """

    def _service(self) -> LocalService:
        raise AssertionError("each transport says which service it carries to")

    def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        response = self._service().dispatch(
            Request(
                request.method,
                request.url.raw_path.decode("ascii"),
                {name.lower(): value for name, value in request.headers.items()},
                body,
            )
        )
        return httpx.Response(response.status, headers=dict(response.headers), content=response.body)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a synchronous client."""
        return self._answer(request, request.read())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an asynchronous client."""
        return self._answer(request, await request.aread())


class ServiceTransport(DirectTransport):
    """Carries requests to one given service.

    Args:
        service: The service.
    """

    def __init__(self, service: LocalService) -> None:
        self._given = service

    def _service(self) -> LocalService:
        return self._given


class _EmbeddedTransport(DirectTransport):
    """Carries requests to the embedded service of this process, which starts with the first one."""

    def __init__(self, access_key_id: str, access_key_secret: str) -> None:
        self._pair = (access_key_id, access_key_secret)
        # Found out once: a program may change its directory or its environment later.
        self._directory = default_directory()

    def _service(self) -> LocalService:
        service = embedded_service(self._directory)
        # The process is its own owner: the first secret that comes with an id is the right one.
        service.add_key(*self._pair)
        return service


def embedded_transport(access_key_id: str, access_key_secret: str) -> DirectTransport:
    """Return a transport to the embedded service of this process.

    Args:
        access_key_id: Access key id of the client.
        access_key_secret: Its secret.
    """
    return _EmbeddedTransport(access_key_id, access_key_secret)
