"""httpx transports that call the service in this process: no socket, and no server."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import httpx

from batchcompute.client.job_host import JobHost
from batchcompute.errors import ConfigError, LocalServiceError
from batchcompute.http.transport import WIRE_LIMIT
from batchcompute.service.data_directory import DirectoryInUse, default_directory
from batchcompute.service.embedded import embedded_service
from batchcompute.service.requests import Request, waits_for_job
from batchcompute.service.transports.proxy import ServerProxy, announced

if TYPE_CHECKING:
    from batchcompute.service.local_service import LocalService

__all__ = ["InProcessTransport", "ServiceTransport", "embedded_transport"]


def to_plain(request: httpx.Request, body: bytes) -> Request:
    """Return a request as the service sees it."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Request(request.method, request.url.raw_path.decode("ascii"), headers, body)


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of an answer in pieces, for both kinds of client.

    Args:
        pieces: The pieces; each is forgotten when it has been handed on.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


def _drained(pieces: list[bytes]) -> Iterator[bytes]:
    """Yield pieces, and forget each."""
    pieces.reverse()
    while pieces:
        yield pieces.pop()


class InProcessTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Carries requests to a service, for both kinds of client.

    The answer is there within tens of microseconds, so there is nothing to await; but for that of a
    synchronous App job, which a thread waits for.
    """

    def _service(self) -> LocalService:
        raise AssertionError("each transport says which service it carries to")

    def job_host(self) -> JobHost:
        """Tell who runs the jobs of the service."""
        raise AssertionError("each transport says who runs its jobs")

    def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        response = self._service().dispatch(to_plain(request, body))
        headers = dict(response.headers)
        if response.stream is not None:
            # Not at once: the client may refuse what is larger than its limit.
            return httpx.Response(response.status, headers=headers, stream=_Body(response.stream))
        return httpx.Response(response.status, headers=headers, content=response.body)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a synchronous client."""
        return self._answer(request, request.read())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an asynchronous client."""
        return await self._answer_async(request, await request.aread())

    async def _answer_async(self, request: httpx.Request, body: bytes) -> httpx.Response:
        if waits_for_job(to_plain(request, body)):
            from batchcompute.service.transports.threads import run_in_thread

            return await run_in_thread(lambda: self._answer(request, body))
        return self._answer(request, body)


class ServiceTransport(InProcessTransport):
    """Carries requests to one given service.

    Args:
        service: The service.
    """

    def __init__(self, service: LocalService) -> None:
        self._given = service

    def _service(self) -> LocalService:
        return self._given

    def job_host(self) -> JobHost:
        """Tell who runs the jobs: this process, until the service is closed."""
        directory = str(self._given.data_dir)
        return JobHost("temporary", directory) if self._given._temporary else JobHost("given", directory)


class _EmbeddedTransport(InProcessTransport):
    """Carries requests to the embedded service of this process, which starts with the first one.

    Where a server owns the data directory already, they go to that server.
    """

    def __init__(self, access_key_id: str, access_key_secret: str) -> None:
        self._pair = (access_key_id, access_key_secret)
        # Found out once: a program may change its directory or its environment later.
        self._directory = default_directory()
        self._joined: ServerProxy | None = None
        self._own: LocalService | None = None

    def _service(self) -> LocalService:
        service = embedded_service(self._directory)
        # The process is its own owner: the first secret that comes with an id is the right one.
        service.add_key(*self._pair)
        self._own = service
        return service

    def job_host(self) -> JobHost:
        """Tell who runs the jobs: a server of the directory, or this process, as far as that is settled."""
        if self._joined is not None:
            return JobHost("joined", str(self._directory), self._joined.url)
        if self._own is None or self._own.closed:
            return JobHost("unknown")
        return JobHost("embedded", str(self._directory))

    def _joins(self) -> ServerProxy | None:
        """Return what carries requests to a server; None where this process is its own.

        Raises:
            LocalServiceError: The service cannot be started, and none can be joined.
        """
        if self._joined is None:
            try:
                self._service()
            except DirectoryInUse as used:
                url, certificate = announced(self._directory)
                if not url:
                    raise
                try:
                    self._joined = ServerProxy(self._directory, url, certificate)
                except ConfigError as error:
                    raise LocalServiceError(0, used.code, "", f"{error}; {used}") from error
            except ConfigError as error:
                raise LocalServiceError(0, "LocalServiceUnavailable", "", str(error)) from error
        return self._joined

    def _forward(self, joined: ServerProxy, request: httpx.Request, body: bytes) -> httpx.Response:
        try:
            response = joined.send(to_plain(request, body), request.extensions.get("timeout"))
        except httpx.ConnectError:
            # It has ended; who comes first takes its place.
            joined.close()
            self._joined = None
            if self._joins() is not None:
                raise
            return self._answer(request, body)
        limit = request.extensions.get(WIRE_LIMIT, sys.maxsize)
        pieces: list[bytes] = []
        with contextlib.closing(response):
            size = 0
            for piece in response.iter_raw():
                pieces.append(piece)
                size += len(piece)
                if size > limit:
                    # The client refuses what it gets now; the rest need not be read.
                    break
        return httpx.Response(
            response.status_code, headers=response.headers.raw, stream=_Body(_drained(pieces))
        )

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
            from batchcompute.service.transports.threads import run_in_thread

            return await run_in_thread(lambda: self._forward(joined, request, body))
        return await self._answer_async(request, body)

    def close(self) -> None:
        """Close the connections to the server, if there are any."""
        if self._joined is not None:
            self._joined.close()

    async def aclose(self) -> None:
        """Close the connections to the server, if there are any."""
        self.close()


def embedded_transport(access_key_id: str, access_key_secret: str) -> InProcessTransport:
    """Return a transport to the embedded service of this process.

    Args:
        access_key_id: Access key id of the client.
        access_key_secret: Its secret.
    """
    return _EmbeddedTransport(access_key_id, access_key_secret)
