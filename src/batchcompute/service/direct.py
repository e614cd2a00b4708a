"""httpx transports that call the service in this process: no socket, and no server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from batchcompute.service.datadir import DirectoryInUse, default_directory
from batchcompute.service.embedded import embedded_service
from batchcompute.service.joined import Joined, announced_url
from batchcompute.service.waits import in_thread
from batchcompute.service.wire import Request, takes_long

if TYPE_CHECKING:
    from batchcompute.service.local import LocalService

__all__ = ["DirectTransport", "ServiceTransport", "embedded_transport"]


def to_plain(request: httpx.Request, body: bytes) -> Request:
    """Return a request as the service sees it."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Request(request.method, request.url.raw_path.decode("ascii"), headers, body)


class DirectTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Carries requests to a service, for both kinds of client.

    The answer is there within tens of microseconds, so there is nothing to await; but for that of a
    synchronous App job, which a thread waits for.
    """

    def _service(self) -> LocalService:
        raise AssertionError("each transport says which service it carries to")

    def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        response = self._service().dispatch(to_plain(request, body))
        return httpx.Response(response.status, headers=dict(response.headers), content=response.whole())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a synchronous client."""
        return self._answer(request, request.read())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an asynchronous client."""
        return await self._answer_async(request, await request.aread())

    async def _answer_async(self, request: httpx.Request, body: bytes) -> httpx.Response:
        if takes_long(to_plain(request, body)):
            return await in_thread(lambda: self._answer(request, body))
        return self._answer(request, body)


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
    """Carries requests to the embedded service of this process, which starts with the first one.

    Where a server owns the data directory already, they go to that server.
    """

    def __init__(self, access_key_id: str, access_key_secret: str) -> None:
        self._pair = (access_key_id, access_key_secret)
        # Found out once: a program may change its directory or its environment later.
        self._directory = default_directory()
        self._joined: Joined | None = None

    def _service(self) -> LocalService:
        service = embedded_service(self._directory)
        # The process is its own owner: the first secret that comes with an id is the right one.
        service.add_key(*self._pair)
        return service

    def _joins(self) -> Joined | None:
        """Return what carries requests to a server; None where this process is its own."""
        if self._joined is None:
            try:
                self._service()
            except DirectoryInUse:
                url = announced_url(self._directory)
                if not url:
                    raise
                self._joined = Joined(self._directory, url)
        return self._joined

    def _forward(self, joined: Joined, request: httpx.Request, body: bytes) -> httpx.Response:
        try:
            response = joined.send(to_plain(request, body), request.extensions.get("timeout"))
        except httpx.ConnectError:
            # It has ended; who comes first takes its place.
            joined.close()
            self._joined = None
            if self._joins() is not None:
                raise
            return self._answer(request, body)
        headers = [
            (name, value) for name, value in response.headers.raw if name.lower() != b"content-encoding"
        ]
        return httpx.Response(response.status_code, headers=headers, content=response.content)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a synchronous client."""
        body = request.read()
        joined = self._joins()
        return self._forward(joined, request, body) if joined else self._answer(request, body)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an asynchronous client."""
        body = await request.aread()
        joined = self._joins()
        if joined is not None:
            return await in_thread(lambda: self._forward(joined, request, body))
        return await self._answer_async(request, body)

    def close(self) -> None:
        """Close the connections to the server, if there are any."""
        if self._joined is not None:
            self._joined.close()

    async def aclose(self) -> None:
        """Close the connections to the server, if there are any."""
        self.close()


def embedded_transport(access_key_id: str, access_key_secret: str) -> DirectTransport:
    """Return a transport to the embedded service of this process.

    Args:
        access_key_id: Access key id of the client.
        access_key_secret: Its secret.
    """
    return _EmbeddedTransport(access_key_id, access_key_secret)
