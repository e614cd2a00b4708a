"""The connections of an asynchronous client; the rules are those of `_http`."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

import httpx

from batchcompute.client._pool import PoolBase, cannot_open, connection_options, inherited
from batchcompute.client._proxies import AsyncProxiedTransport
from batchcompute.http.transport import LIMITS, NO_COOKIES

if TYPE_CHECKING:
    from batchcompute.client._local import LocalTransport

__all__ = ["AsyncHttpClient"]


class AsyncHttpClient(Protocol):
    """The same for `AsyncClient`: an ``httpx.AsyncClient``, or one of ``httpx2``."""

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        ...

    def build_request(self, method: str, url: Any, *, content: Any = ..., timeout: Any = ...) -> Any:
        """Make a request."""
        ...

    async def send(
        self, request: Any, *, stream: bool = ..., auth: Any = ..., follow_redirects: bool = ...
    ) -> Any:
        """Send a request; with ``stream=True`` the body of the response is read afterwards."""
        ...


class AsyncHttp(httpx.AsyncClient):
    """An HTTP client that keeps no cookies."""

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
        """No cookies."""
        return NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: object) -> None:  # noqa: ARG002
        raise AttributeError("this client keeps no cookies")


def open_async_http(verify: Any, trust_env: bool, keep: bool = True) -> httpx.AsyncClient:
    """Make an asynchronous HTTP client of our own.

    Args:
        verify: Its TLS context.
        trust_env: Whether it heeds the environment.
        keep: Whether it keeps connections for further requests.

    Raises:
        ConfigError: The environment names a proxy or certificates that cannot be used.
    """
    try:
        return AsyncHttp(
            **connection_options(verify, trust_env, httpx.AsyncHTTPTransport, AsyncProxiedTransport, keep)
        )
    except (OSError, ValueError, ImportError, httpx.InvalidURL) as error:
        raise cannot_open(error) from None


async def _keep(http: httpx.AsyncClient) -> AsyncGenerator[None, None]:
    """Close an HTTP client when its event loop ends.

    A loop closes the asynchronous generators that were begun on it before it ends itself, which is
    the one moment at which connections can still be closed properly.
    """
    try:
        yield
    finally:
        await http.aclose()


class AsyncPool(PoolBase[Any]):
    """The connections of an asynchronous client: a pool for each event loop.

    A connection is bound to the loop that made it. Used from another one, a request would be sent and
    its answer lost (R6), so the loops are compared before anything is sent.
    """

    def __init__(self, opener: Callable[..., Any], given: Any, warn: bool) -> None:
        super().__init__(opener, given, warn)
        # Both at once, as threads with loops of their own may share the client.
        self._now: tuple[asyncio.AbstractEventLoop | None, Any] = (None, None)
        self._others: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, tuple[Any, AsyncGenerator[None, None], asyncio.Semaphore]
        ] = weakref.WeakKeyDictionary()

    def current(self) -> Any:
        """Return the HTTP client of the running loop, or None if it has yet to be opened."""
        if self.given:
            return self._http
        loop, http = self._now
        # A loop that ends closes its connections, and may still run what makes a last call.
        return http if loop is asyncio.get_running_loop() and not http.is_closed else None

    def gate(self) -> asyncio.Semaphore | None:
        """Return what lets in as many requests of the running loop as there may be connections."""
        found = self._others.get(asyncio.get_running_loop())
        return found[2] if found else None

    async def open(self) -> Any:
        """Return the HTTP client of the running loop, opened if need be.

        Raises:
            ConfigError: The client is closed, or connections cannot be set up.
        """
        loop = asyncio.get_running_loop()
        keeper, last = None, False
        with self._lock:
            self._check()
            if self.given:
                return self._http
            found = self._others.get(loop)
            if found is None or found[0].is_closed:
                for ended in [other for other in self._others if other.is_closed()]:
                    del self._others[ended]
                # Closed already, although the loop still runs: it is about to end, and takes no more
                # generators. What its last calls open, they close.
                last = found is not None and not self.direct
                http = self._opener(keep=False) if last else self._opener()
                keeper = _keep(http)
                gate = asyncio.Semaphore(LIMITS.max_connections or 1)
                found = self._others[loop] = (http, keeper, gate)
            self._now = (loop, found[0])
        if keeper is not None and not last:
            await anext(keeper)
        return found[0]

    async def close(self) -> None:
        """Close the connections; nothing is sent after that."""
        with self._lock:
            self._closed = True
            self._http, self._now = None, (None, None)
            others = list(self._others.items())
            self._others.clear()
        for loop, (_, keeper, _) in others:
            if loop is asyncio.get_running_loop():
                await keeper.aclose()
            else:
                # Not waited for: that loop may end, or be blocked, at this very moment. Its end closes
                # them in any case.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(_close_soon, keeper)

    def _is_open(self) -> bool:
        return not self._closed and any(not loop.is_closed() for loop in self._others)

    def after_fork(self) -> None:
        """Leave the connections to the parent."""
        super().after_fork()
        if not self.given:
            inherited.append(list(self._others.items()))
            self._now = (None, None)
            self._others.clear()


def _close_soon(keeper: AsyncGenerator[None, None]) -> None:
    async def close() -> None:
        await keeper.aclose()

    _closing.add(task := asyncio.ensure_future(close()))
    task.add_done_callback(_closing.discard)


_closing: set[asyncio.Future[None]] = set()
"""Tasks that nothing else would keep alive."""
