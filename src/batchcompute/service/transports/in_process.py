"""httpx transports that call the service in this process, without a socket or a server."""

from __future__ import annotations

import contextlib
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import httpx

from batchcompute.client.job_host import JobHost
from batchcompute.errors import ConfigError, LocalServiceError
from batchcompute.http.transport import WIRE_LIMIT
from batchcompute.service.data_directory import DirectoryInUse, default_directory
from batchcompute.service.requests import Request, waits_for_job
from batchcompute.service.transports.proxy import ServerProxy, announced_server, running_server

if TYPE_CHECKING:
    from batchcompute.service.local_service import LocalService

__all__ = ["InProcessTransport", "ServiceTransport", "embedded_transport"]


def to_service_request(request: httpx.Request, body: bytes) -> Request:
    """Return a request of httpx as a request of the service."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Request(request.method, request.url.raw_path.decode("ascii"), headers, body)


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of a response in pieces, for both kinds of client.

    Args:
        pieces: The pieces. Each piece is released once it has been read.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


def _drained(pieces: list[bytes]) -> Iterator[bytes]:
    """Yield pieces and release each of them."""
    pieces.reverse()
    while pieces:
        yield pieces.pop()


class InProcessTransport(httpx.BaseTransport, httpx.AsyncBaseTransport, ABC):
    """Sends requests to a service in this process, for both kinds of client.

    The service responds within tens of microseconds, so the asynchronous transport calls it directly. Only for a
    synchronous App job it uses a thread.
    """

    @abstractmethod
    def _service(self) -> LocalService:
        """Return the service that answers the requests."""

    @abstractmethod
    def job_host(self) -> JobHost:
        """Return where the jobs of the service run."""

    def _respond(self, request: httpx.Request, body: bytes) -> httpx.Response:
        response = self._service().dispatch(to_service_request(request, body))
        headers = dict(response.headers)
        if response.stream is not None:
            # As a stream, because the client may refuse a body that is larger than its limit.
            return httpx.Response(response.status, headers=headers, stream=_Body(response.stream))
        return httpx.Response(response.status, headers=headers, content=response.body)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Respond to a request of a synchronous client."""
        return self._respond(request, request.read())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Respond to a request of an asynchronous client."""
        return await self._respond_async(request, await request.aread())

    async def _respond_async(self, request: httpx.Request, body: bytes) -> httpx.Response:
        if waits_for_job(to_service_request(request, body)):
            from batchcompute.service.transports.threads import run_in_thread

            return await run_in_thread(lambda: self._respond(request, body))
        return self._respond(request, body)


class ServiceTransport(InProcessTransport):
    """Sends requests to one given service.

    Args:
        service: The service.
    """

    def __init__(self, service: LocalService) -> None:
        self._given = service

    def _service(self) -> LocalService:
        return self._given

    def job_host(self) -> JobHost:
        """Return where the jobs run: in this process, until the service is closed."""
        directory = str(self._given.data_dir)
        return JobHost("temporary", directory) if self._given._temporary else JobHost("given", directory)


class _EmbeddedTransport(InProcessTransport):
    """Sends requests to the embedded service of this process, which starts with the first request.

    If a server owns the data directory already, the requests go to that server.

    Args:
        access_key_id: Access key id of the client.
        access_key_secret: Secret of the access key.
        run_jobs: Whether a service of this process runs jobs.
        take_over: Whether this process opens the directory when the server that it has joined ends.
    """

    def __init__(
        self, access_key_id: str, access_key_secret: str, run_jobs: bool = True, take_over: bool = True
    ) -> None:
        self._pair = (access_key_id, access_key_secret)
        # Determined once, because a program may change its directory or its environment later.
        self._directory = default_directory()
        self._proxy: ServerProxy | None = None
        self._own: LocalService | None = None
        self._run_jobs = run_jobs
        self._take_over = take_over
        self._ended_url = ""
        """URL of the joined server that has ended; empty for none."""

    def _service(self) -> LocalService:
        # Imported late: a client that joins a server does not need the service.
        from batchcompute.service.embedded import embedded_service, reading_service

        if not self._run_jobs and self._own is not None and not self._own.closed:
            return self._own
        service = embedded_service(self._directory) if self._run_jobs else reading_service(self._directory)
        # All keys of this process belong to one owner. The first secret of an id is the valid one.
        service.add_key(*self._pair)
        self._own = service
        return service

    def job_host(self) -> JobHost:
        """Return where the jobs run: in the server of the directory, in this process, or nowhere, once that is known."""
        if self._proxy is not None:
            return JobHost("joined", str(self._directory), self._proxy.url)
        if self._own is None or self._own.closed:
            return JobHost("unknown")
        return JobHost("embedded" if self._own.runs_jobs else "stored", str(self._directory))

    def _server(self) -> ServerProxy | None:
        """Join the server that owns the directory, or start the service in this process.

        Returns:
            The proxy of the server; None if this process owns the directory.

        Raises:
            LocalServiceError: The service cannot be started, and no server of the directory responds.
        """
        announced, problem = ("", ""), None
        if self._proxy is None and self._own is None:
            announced = announced_server(self._directory)
            try:
                self._proxy = running_server(self._directory)
            except ConfigError as error:
                # The announcement can be that of a server that was killed.
                problem = error
        if self._proxy is None:
            if self._ended_url and not self._take_over:
                text = f"the server at {self._ended_url}, which owned {self._directory}, went away"
                raise LocalServiceError(0, "ServerEnded", "", text)
            try:
                self._service()
            except DirectoryInUse as used:
                url, certificate = announced_server(self._directory)
                if not url:
                    raise
                try:
                    if problem is not None and (url, certificate) == announced:
                        raise problem
                    self._proxy = ServerProxy(self._directory, url, certificate)
                except ConfigError as error:
                    raise LocalServiceError(0, used.code, "", f"{error}; {used}") from error
            except ConfigError as error:
                raise LocalServiceError(0, "LocalServiceUnavailable", "", str(error)) from error
        return self._proxy

    def _forward(self, proxy: ServerProxy, request: httpx.Request, body: bytes) -> httpx.Response:
        try:
            response = proxy.send(to_service_request(request, body), request.extensions.get("timeout"))
        except httpx.ConnectError:
            # The server has ended. With `take_over`, this process opens the directory, unless another one has done so.
            proxy.close()
            self._proxy, self._ended_url = None, proxy.url
            if self._server() is not None:
                raise
            return self._respond(request, body)
        limit = request.extensions.get(WIRE_LIMIT, sys.maxsize)
        pieces: list[bytes] = []
        with contextlib.closing(response):
            size = 0
            for piece in response.iter_raw():
                pieces.append(piece)
                size += len(piece)
                if size > limit:
                    # The client refuses a body of this size, so the rest is not read.
                    break
        return httpx.Response(
            response.status_code, headers=response.headers.raw, stream=_Body(_drained(pieces))
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Respond to a request of a synchronous client."""
        body = request.read()
        proxy = self._server()
        return self._forward(proxy, request, body) if proxy else self._respond(request, body)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Respond to a request of an asynchronous client."""
        body = await request.aread()
        proxy = self._server()
        if proxy is not None:
            from batchcompute.service.transports.threads import run_in_thread

            return await run_in_thread(lambda: self._forward(proxy, request, body))
        return await self._respond_async(request, body)

    def close(self) -> None:
        """Close the connections to the server, and the service of this process if it runs no jobs."""
        if self._proxy is not None:
            self._proxy.close()
        if self._own is not None and not self._own.runs_jobs:
            self._own.close()

    async def aclose(self) -> None:
        """Close the connections to the server, and the service of this process if it runs no jobs."""
        self.close()


def embedded_transport(
    access_key_id: str, access_key_secret: str, run_jobs: bool = True, take_over: bool = True
) -> InProcessTransport:
    """Return a transport to the embedded service of this process.

    Args:
        access_key_id: Access key id of the client.
        access_key_secret: Secret of the access key.
        run_jobs: Whether a service of this process runs jobs.
        take_over: Whether this process opens the data directory when the server that it has joined ends.
    """
    return _EmbeddedTransport(access_key_id, access_key_secret, run_jobs, take_over)
