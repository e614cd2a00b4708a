"""The connection pool of a client."""

from __future__ import annotations

import os
import socket
import sys
import threading
import warnings
import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar, cast

import httpx

from batchcompute.client._proxies import ProxiedTransport, environment_proxies
from batchcompute.errors import ConfigError
from batchcompute.http.transport import LIMITS, NO_COOKIES

__all__ = ["HttpClient"]

if TYPE_CHECKING:
    from batchcompute.client._local import LocalTransport

H = TypeVar("H")


class HttpClient(Protocol):
    """The interface that ``http_client=`` requires; ``httpx.Client`` and ``httpx2.Client`` have it."""

    @property
    def is_closed(self) -> bool:
        """Whether the client is closed."""
        ...

    def build_request(self, method: str, url: Any, *, content: Any = ..., timeout: Any = ...) -> Any:
        """Return a request."""
        ...

    def send(self, request: Any, *, stream: bool = ..., auth: Any = ..., follow_redirects: bool = ...) -> Any:
        """Send a request; with ``stream=True`` the caller reads the body of the response."""
        ...


class Http(httpx.Client):
    """An HTTP client without cookies."""

    local: LocalTransport | None = None
    """The transport to a local service; None if requests are sent over the network."""

    @classmethod
    def of_local(cls, transport: LocalTransport) -> Self:
        """Return an HTTP client that sends its requests to a local service."""
        http = cls(transport=cast("httpx.BaseTransport", transport), trust_env=False)
        http.local = transport
        return http

    @property
    def cookies(self) -> httpx.Cookies:
        """An empty cookie jar."""
        return NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: object) -> None:  # noqa: ARG002
        raise AttributeError("this HTTP client has no cookies")


def _socket_options() -> list[tuple[int, int, int]]:
    """Return socket options for keep-alive probes, because address translators drop idle connections."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, seconds in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 60), ("TCP_KEEPCNT", 5)):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), seconds))
    return options


def connection_options(
    verify: Any, trust_env: bool, transport: Callable[..., Any], proxied: Callable[..., Any], keep_alive: bool
) -> dict[str, Any]:
    """Return the arguments for the construction of an HTTP client.

    Args:
        verify: The TLS context.
        trust_env: Whether the proxies of the environment are used.
        transport: Class of the transport.
        proxied: Class of the transport that sends a request through a proxy or directly.
        keep_alive: Whether idle connections stay open for further requests.

    Raises:
        OSError: A proxy of the environment cannot be used.
        ValueError: A proxy of the environment cannot be used.
        ImportError: A proxy of the environment requires another package.
        httpx.InvalidURL: The URL of a proxy of the environment is invalid.
    """
    limits = (
        LIMITS
        if keep_alive
        else httpx.Limits(max_connections=LIMITS.max_connections, max_keepalive_connections=0)
    )
    make = partial(transport, verify=verify, limits=limits, trust_env=False, socket_options=_socket_options())
    direct = make()
    options: dict[str, Any] = {"transport": direct, "verify": verify, "trust_env": False, "limits": limits}
    if trust_env:
        proxies = environment_proxies()
        options["mounts"] = {
            f"{scheme}://": proxied(make(proxy=url), direct, url, proxies)
            for scheme, url in proxies.urls.items()
        }
    return options


def open_http(verify: Any, trust_env: bool, keep_alive: bool = True) -> httpx.Client:
    """Return a new HTTP client.

    Args:
        verify: The TLS context.
        trust_env: Whether the proxies of the environment are used.
        keep_alive: Whether idle connections stay open for further requests.

    Raises:
        ConfigError: A proxy or a certificate of the environment cannot be used.
    """
    try:
        return Http(
            **connection_options(verify, trust_env, httpx.HTTPTransport, ProxiedTransport, keep_alive)
        )
    except (OSError, ValueError, ImportError, httpx.InvalidURL) as error:
        raise connection_setup_error(error) from None


def connection_setup_error(error: Exception) -> ConfigError:
    """Return the error for a proxy or a certificate of the environment that cannot be used."""
    # The library's message about an invalid URL is left out, because it may contain a part of a password.
    reason = f": {error}" if isinstance(error, (OSError, ImportError)) else ""
    return ConfigError(
        f"cannot set up connections{reason}; check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY and "
        "SSL_CERT_FILE in the environment, or create the client with trust_env=False"
    )


def check_http_client(http_client: object, asynchronous: bool) -> None:
    """Check the argument ``http_client=``.

    Raises:
        ConfigError: The value is not an HTTP client, or is an asynchronous one for a synchronous client or vice versa.
    """
    required = "httpx.AsyncClient" if asynchronous else "httpx.Client"
    if isinstance(http_client, type) or not all(
        hasattr(http_client, name) for name in ("build_request", "send")
    ):
        raise ConfigError(
            f"http_client must be an {required} or its equivalent of httpx2, not {http_client!r}"
        )
    if hasattr(http_client, "aclose") != asynchronous:
        raise ConfigError(
            f"http_client must be an {required} or its equivalent of httpx2, because the client is "
            f"{'asynchronous' if asynchronous else 'synchronous'}, not a {type(http_client).__name__}"
        )


def error_class_of(http: object) -> type[Exception]:
    """Return the base class of the errors of an HTTP client's library."""
    for cls in type(http).__mro__:
        library = sys.modules.get(cls.__module__.partition(".")[0])
        error_class = getattr(library, "HTTPError", None)
        if isinstance(error_class, type) and issubclass(error_class, Exception):
            return error_class
    return httpx.HTTPError


def peer_of(http: object, endpoint: str) -> str:
    """Return the URL to which an HTTP client sent a request, for messages.

    For ``LOCAL``, that is the URL of the joined server, if there is one.

    Args:
        http: The HTTP client.
        endpoint: Scheme, host and port of the request.
    """
    local: LocalTransport | None = getattr(http, "local", None)
    return endpoint if local is None else local.job_host().url or endpoint


def _is_of_httpx(http: object) -> bool:
    return any(cls.__module__.partition(".")[0] == "httpx" for cls in type(http).__mro__)


class PoolBase(Generic[H]):
    """The common part of the synchronous and the asynchronous pool.

    A pool opens no connection before the first request. Each process and each event loop has separate
    connections. A pool never closes an HTTP client of the caller. The garbage collection of an open pool is
    reported by a `ResourceWarning`.

    Args:
        opener: Returns a new HTTP client.
        custom: The HTTP client of the caller; None if the pool opens its own.
        warn: Whether an open pool warns when it is garbage collected; False for a local service.
    """

    def __init__(self, opener: Callable[..., H], custom: H | None, warn: bool) -> None:
        self._opener = opener
        self._warn = warn and custom is None
        self._lock = threading.Lock()
        self._closed = False
        self.is_custom: bool = custom is not None
        """Whether the HTTP client is the caller's."""
        self.is_local: bool = not warn and custom is None
        """Whether requests are sent to a local service without a network connection."""
        self.leaks_on_cancel: bool = custom is None or _is_of_httpx(custom)
        """Whether the cancellation of a call can lose a connection (httpcore 1.0 does; httpcore2 does not)."""
        self.errors: type[Exception] = error_class_of(custom) if self.is_custom else httpx.HTTPError
        """Base class of the errors of the HTTP client."""
        self.options: dict[str, Any] = {"auth": None, "follow_redirects": False} if self.is_custom else {}
        """Arguments for ``send``."""
        self._http: H | None = custom
        if hasattr(os, "register_at_fork"):
            _pools.add(self)

    def _check(self) -> None:
        if self._closed:
            raise ConfigError("this client is closed; create a new one")

    def _is_open(self) -> bool:
        return self._http is not None and not self._closed and not self.is_custom

    def after_fork(self) -> None:
        """Leave the connections to the parent process; a reference prevents that the child closes them."""
        self._lock = threading.Lock()
        if not self.is_custom:
            inherited.append(self._http)
            self._http = None

    def __del__(self) -> None:
        if sys.is_finalizing() or not getattr(self, "_warn", False) or not self._is_open():
            return
        # Before the warning, because a filter can turn the warning into an exception.
        self._drop()
        warnings.warn(
            "a client was not closed; use a with statement, or call close()",
            ResourceWarning,
            stacklevel=2,
            source=self,
        )

    def _drop(self) -> None:
        """Release the connections of a pool that was not closed."""


_pools: weakref.WeakSet[PoolBase[Any]] = weakref.WeakSet()
inherited: list[object] = []
"""Connections of the parent process, which the garbage collection of this process must not close."""


def _after_fork() -> None:
    for pool in list(_pools):
        pool.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Pool(PoolBase[Any]):
    """The connections of a synchronous client, shared by any number of threads."""

    def current(self) -> Any:
        """Return the HTTP client; None if it is not open."""
        return self._http

    def open(self) -> Any:
        """Open the HTTP client if it is not open, and return it.

        Raises:
            ConfigError: The client is closed, or connections cannot be set up.
        """
        with self._lock:
            self._check()
            if self._http is None:
                self._http = self._opener()
            return self._http

    def close(self) -> None:
        """Close the connections; later calls fail."""
        with self._lock:
            self._closed = True
            http, self._http = self._http, None
        if http is not None and not self.is_custom:
            http.close()

    def _drop(self) -> None:
        self.close()
