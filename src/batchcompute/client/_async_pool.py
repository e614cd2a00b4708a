"""The connection pools of an asynchronous client, one for each event loop."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

import httpx

from batchcompute.client._pool import PoolBase, connection_options, connection_setup_error, inherited
from batchcompute.client._proxies import AsyncProxiedTransport
from batchcompute.http.transport import LIMITS, NO_COOKIES

if TYPE_CHECKING:
    from batchcompute.client._local import LocalTransport

__all__ = ["AsyncHttpClient"]


class AsyncHttpClient(Protocol):
    """The interface that ``http_client=`` requires; ``httpx.AsyncClient`` and ``httpx2.AsyncClient`` have it."""

    @property
    def is_closed(self) -> bool:
        """Whether the client is closed."""
        ...

    def build_request(self, method: str, url: Any, *, content: Any = ..., timeout: Any = ...) -> Any:
        """Return a request."""
        ...

    async def send(
        self, request: Any, *, stream: bool = ..., auth: Any = ..., follow_redirects: bool = ...
    ) -> Any:
        """Send a request; with ``stream=True`` the caller reads the body of the response."""
        ...


class AsyncHttp(httpx.AsyncClient):
    """An HTTP client without cookies."""

    local: LocalTransport | None = None
    """The transport to a local service; None if requests are sent over the network."""

    @classmethod
    def of_local(cls, transport: LocalTransport) -> Self:
        """Return an HTTP client that sends its requests to a local service."""
        http = cls(transport=cast("httpx.AsyncBaseTransport", transport), trust_env=False)
        http.local = transport
        return http

    @property
    def cookies(self) -> httpx.Cookies:
        """An empty cookie jar."""
        return NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: object) -> None:  # noqa: ARG002
        raise AttributeError("this HTTP client has no cookies")


def open_async_http(verify: Any, trust_env: bool, keep_alive: bool = True) -> httpx.AsyncClient:
    """Return a new asynchronous HTTP client.

    Args:
        verify: The TLS context.
        trust_env: Whether the proxies of the environment are used.
        keep_alive: Whether idle connections stay open for further requests.

    Raises:
        ConfigError: A proxy or a certificate of the environment cannot be used.
    """
    try:
        return AsyncHttp(
            **connection_options(
                verify, trust_env, httpx.AsyncHTTPTransport, AsyncProxiedTransport, keep_alive
            )
        )
    except (OSError, ValueError, ImportError, httpx.InvalidURL) as error:
        raise connection_setup_error(error) from None


async def _close_with_loop(http: httpx.AsyncClient) -> AsyncGenerator[None, None]:
    """Close an HTTP client when its event loop ends.

    An event loop closes its started asynchronous generators before it ends. That is the last moment at which
    connections can be closed properly.
    """
    try:
        yield
    finally:
        await http.aclose()


class AsyncPool(PoolBase[Any]):
    """The connections of an asynchronous client, with one HTTP client for each event loop.

    A connection is bound to the event loop that made it. A request from another loop would be sent, but its
    response would be lost. The pool therefore selects the HTTP client of the running loop before a request is sent.
    """

    def __init__(self, opener: Callable[..., Any], custom: Any, warn: bool) -> None:
        super().__init__(opener, custom, warn)
        # The last used loop and its HTTP client, in one attribute, because threads with separate loops share the pool.
        self._last_used: tuple[asyncio.AbstractEventLoop | None, Any] = (None, None)
        self._by_loop: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, tuple[Any, AsyncGenerator[None, None], asyncio.Semaphore]
        ] = weakref.WeakKeyDictionary()

    def current(self) -> Any:
        """Return the HTTP client of the running loop; None if it is not open."""
        if self.is_custom:
            return self._http
        loop, http = self._last_used
        # A loop that is ending has closed its HTTP client, but can still run tasks that make calls.
        return http if loop is asyncio.get_running_loop() and not http.is_closed else None

    def slots(self) -> asyncio.Semaphore | None:
        """Return the semaphore that limits the requests of the running loop to the number of connections."""
        entry = self._by_loop.get(asyncio.get_running_loop())
        return entry[2] if entry else None

    async def open(self) -> Any:
        """Open the HTTP client of the running loop if it is not open, and return it.

        Raises:
            ConfigError: The client is closed, or connections cannot be set up.
        """
        loop = asyncio.get_running_loop()
        closer, is_ending = None, False
        with self._lock:
            self._check()
            if self.is_custom:
                return self._http
            entry = self._by_loop.get(loop)
            if entry is None or entry[0].is_closed:
                for ended in [other for other in self._by_loop if other.is_closed()]:
                    del self._by_loop[ended]
                # A closed HTTP client of a running loop means that the loop is ending. It accepts no more
                # generators, so the HTTP client for its last calls keeps no idle connections.
                is_ending = entry is not None and not self.is_local
                http = self._opener(keep_alive=False) if is_ending else self._opener()
                closer = _close_with_loop(http)
                slots = asyncio.Semaphore(LIMITS.max_connections or 1)
                entry = self._by_loop[loop] = (http, closer, slots)
            self._last_used = (loop, entry[0])
        if closer is not None and not is_ending:
            await anext(closer)
        return entry[0]

    async def close(self) -> None:
        """Close the connections; later calls fail."""
        with self._lock:
            self._closed = True
            self._http, self._last_used = None, (None, None)
            entries = list(self._by_loop.items())
            self._by_loop.clear()
        for loop, (_, closer, _) in entries:
            if loop is asyncio.get_running_loop():
                await closer.aclose()
            else:
                # Not awaited, because the other loop may be ending or blocked. Its end closes the connections, too.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(_close_soon, closer)

    def _is_open(self) -> bool:
        return not self._closed and any(not loop.is_closed() for loop in self._by_loop)

    def after_fork(self) -> None:
        """Leave the connections to the parent process."""
        super().after_fork()
        if not self.is_custom:
            inherited.append(list(self._by_loop.items()))
            self._last_used = (None, None)
            self._by_loop.clear()


def _close_soon(closer: AsyncGenerator[None, None]) -> None:
    async def close() -> None:
        await closer.aclose()

    _closing.add(task := asyncio.ensure_future(close()))
    task.add_done_callback(_closing.discard)


_closing: set[asyncio.Future[None]] = set()
"""References that keep the tasks alive."""
