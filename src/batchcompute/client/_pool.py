"""The connections of a client: HTTP clients of its own or of the caller's, and how long each lives.

The rules: nothing is opened before it is needed; an event loop, and a
process, each have connections of their own; those of the caller are never closed here; what was
opened and never closed is warned of.
"""

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
    """What ``http_client=`` needs to have: an ``httpx.Client`` has it, an ``httpx2.Client`` too."""

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        ...

    def build_request(self, method: str, url: Any, *, content: Any = ..., timeout: Any = ...) -> Any:
        """Make a request."""
        ...

    def send(self, request: Any, *, stream: bool = ..., auth: Any = ..., follow_redirects: bool = ...) -> Any:
        """Send a request; with ``stream=True`` the body of the response is read afterwards."""
        ...


class Http(httpx.Client):
    """An HTTP client that keeps no cookies."""

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
        """No cookies."""
        return NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: object) -> None:  # noqa: ARG002
        raise AttributeError("this client keeps no cookies")


def _socket_options() -> list[tuple[int, int, int]]:
    """Keep idle connections alive through address translators that forget them (R10)."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, seconds in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 60), ("TCP_KEEPCNT", 5)):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), seconds))
    return options


def connection_options(
    verify: Any, trust_env: bool, transport: Callable[..., Any], proxied: Callable[..., Any], keep: bool
) -> dict[str, Any]:
    """Return the arguments of an HTTP client of our own.

    Args:
        verify: Its TLS context.
        trust_env: Whether it heeds the proxies that the environment names.
        transport: What sends requests.
        proxied: What sends each of them to a proxy, or past it.
        keep: Whether it keeps connections for further requests.

    Raises:
        OSError: The environment names a proxy that cannot be used.
        ValueError: The same.
        ImportError: The same; it needs a further package.
        httpx.InvalidURL: The same.
    """
    limits = (
        LIMITS if keep else httpx.Limits(max_connections=LIMITS.max_connections, max_keepalive_connections=0)
    )
    make = partial(transport, verify=verify, limits=limits, trust_env=False, socket_options=_socket_options())
    past = make()
    options: dict[str, Any] = {"transport": past, "verify": verify, "trust_env": False, "limits": limits}
    if trust_env:
        found = environment_proxies()
        options["mounts"] = {
            f"{scheme}://": proxied(make(proxy=url), past, url, found) for scheme, url in found.urls.items()
        }
    return options


def open_http(verify: Any, trust_env: bool, keep: bool = True) -> httpx.Client:
    """Make an HTTP client of our own.

    Args:
        verify: Its TLS context.
        trust_env: Whether it heeds the environment.
        keep: Whether it keeps connections for further requests.

    Raises:
        ConfigError: The environment names a proxy or certificates that cannot be used.
    """
    try:
        return Http(**connection_options(verify, trust_env, httpx.HTTPTransport, ProxiedTransport, keep))
    except (OSError, ValueError, ImportError, httpx.InvalidURL) as error:
        raise cannot_open(error) from None


def cannot_open(error: Exception) -> ConfigError:
    reason = f": {error}" if isinstance(error, (OSError, ImportError)) else ""
    # The library's text of a bad URL may hold part of a password.
    return ConfigError(
        f"cannot set up connections{reason}; look at HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY and "
        "SSL_CERT_FILE in the environment, or make the client with trust_env=False"
    )


def check_given(given: object, asynchronous: bool) -> None:
    """Check what was given as ``http_client=``.

    Raises:
        ConfigError: It is no HTTP client, or one of the other kind.
    """
    wanted = "httpx.AsyncClient" if asynchronous else "httpx.Client"
    if isinstance(given, type) or not all(hasattr(given, name) for name in ("build_request", "send")):
        raise ConfigError(f"http_client must be an {wanted} or one of httpx2, not {given!r}")
    if hasattr(given, "aclose") != asynchronous:
        raise ConfigError(
            f"http_client must be an {wanted} or one of httpx2, as this client is "
            f"{'asynchronous' if asynchronous else 'synchronous'}; this one is a {type(given).__name__}"
        )


def errors_of(given: object) -> type[Exception]:
    """Return the base of what an HTTP client raises when a request fails."""
    for cls in type(given).__mro__:
        library = sys.modules.get(cls.__module__.partition(".")[0])
        found = getattr(library, "HTTPError", None)
        if isinstance(found, type) and issubclass(found, Exception):
            return found
    return httpx.HTTPError


def peer_of(http: object, endpoint: str) -> str:
    """Return the URL to which an HTTP client sent a request, for messages.

    For ``LOCAL``, that is the URL of the joined server, if there is one.

    Args:
        http: The HTTP client.
        endpoint: The endpoint of the client.
    """
    local: LocalTransport | None = getattr(http, "local", None)
    return endpoint if local is None else local.job_host().url or endpoint


def _is_of_httpx(given: object) -> bool:
    return any(cls.__module__.partition(".")[0] == "httpx" for cls in type(given).__mro__)


class PoolBase(Generic[H]):
    """What both kinds of pool share.

    Args:
        opener: Makes an HTTP client.
        given: The caller's own HTTP client, if there is one.
        warn: Whether dropping it unclosed is worth a warning.
    """

    def __init__(self, opener: Callable[..., H], given: H | None, warn: bool) -> None:
        self._opener = opener
        self._warn = warn and given is None
        self._lock = threading.Lock()
        self._closed = False
        self.given: bool = given is not None
        self.direct: bool = not warn and given is None
        """Whether requests go to a service of this process, which answers at once."""
        self.fragile: bool = given is None or _is_of_httpx(given)
        """Whether a call that is cancelled could lose it a connection (httpcore 1.0; httpcore2 is mended)."""
        self.errors: type[Exception] = errors_of(given) if self.given else httpx.HTTPError
        self.options: dict[str, Any] = {"auth": None, "follow_redirects": False} if self.given else {}
        self._http: H | None = given
        if hasattr(os, "register_at_fork"):
            _pools.add(self)

    def _check(self) -> None:
        if self._closed:
            raise ConfigError("this client is closed; make a new one")

    def _is_open(self) -> bool:
        return self._http is not None and not self._closed and not self.given

    def after_fork(self) -> None:
        """Leave the connections to the parent; they are kept, so that nothing closes or warns."""
        self._lock = threading.Lock()
        if not self.given:
            inherited.append(self._http)
            self._http = None

    def __del__(self) -> None:
        if sys.is_finalizing() or not getattr(self, "_warn", False) or not self._is_open():
            return
        # First, as a warning may be made an exception.
        self._drop()
        warnings.warn(
            "a client was not closed; use it in a with block, or call close()",
            ResourceWarning,
            stacklevel=2,
            source=self,
        )

    def _drop(self) -> None:
        """Let go of the connections of a client that nobody has closed."""


_pools: weakref.WeakSet[PoolBase[Any]] = weakref.WeakSet()
inherited: list[object] = []


def _after_fork() -> None:
    for pool in list(_pools):
        pool.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Pool(PoolBase[Any]):
    """The connections of a synchronous client, for any number of threads."""

    def current(self) -> Any:
        """Return the HTTP client, or None if it has yet to be opened."""
        return self._http

    def open(self) -> Any:
        """Return the HTTP client, opened if need be.

        Raises:
            ConfigError: The client is closed, or connections cannot be set up.
        """
        with self._lock:
            self._check()
            if self._http is None:
                self._http = self._opener()
            return self._http

    def close(self) -> None:
        """Close the connections; nothing is sent after that."""
        with self._lock:
            self._closed = True
            http, self._http = self._http, None
        if http is not None and not self.given:
            http.close()

    def _drop(self) -> None:
        self.close()
