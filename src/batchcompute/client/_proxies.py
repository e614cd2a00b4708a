"""The proxies of the environment, and the exceptions of ``NO_PROXY``."""

from __future__ import annotations

import ipaddress
import re
import warnings
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, cast
from urllib.request import getproxies

import httpx

from batchcompute.http.log import log

__all__: list[str] = []

# The HTTP library reads the same variables. However, it does not support networks in ``NO_PROXY``, and fails to
# create a client if an entry is invalid. This module therefore decides about each request.

_PORTS = {"http": 80, "https": 443}

_BRACKETED = re.compile(r"\[(?P<address>[^][]+)](?P<length>/[0-9]+)?(:(?P<port>[0-9]+))?")
_WITH_PORT = re.compile(r"(?P<host>[^:]+):(?P<port>[0-9]+)")

# The last label must not be a number, so that a part of an IP address does not match.
_NAME = re.compile(r"[.]?([a-z0-9_-]+[.])*(?![0-9]+$)[a-z0-9_-]+")
_PATTERN = re.compile(r"[a-z0-9_.*-]*[*][a-z0-9_.*-]*")

_CONNECT_ERRORS = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)

_MAX_SHOWN = 60
"""Maximum number of characters of an entry in a message."""


class Exclusion(NamedTuple):
    """An entry of ``NO_PROXY``."""

    scheme: str
    """The scheme to which it applies; empty for all."""
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None
    """The excluded addresses; None if the entry excludes names."""
    names: re.Pattern[str] | None
    """The excluded names; None if the entry excludes addresses."""
    port: int | None
    """The port to which it applies; None for all."""

    def matches(self, url: httpx.URL) -> bool:
        """Return whether requests for a URL are sent directly."""
        if self.scheme not in ("", url.scheme):
            return False
        if self.port is not None and self.port != (url.port or _PORTS.get(url.scheme)):
            return False
        host = url.raw_host.decode("ascii").lower().rstrip(".")
        if self.names is not None:
            return self.names.fullmatch(host) is not None
        try:
            return self.network is not None and ipaddress.ip_address(host) in self.network
        except ValueError:
            return False


class Proxies(NamedTuple):
    """The configuration of proxies in the environment."""

    urls: Mapping[str, str]
    """URL of the proxy for each scheme, or for ``all``."""
    exclusions: tuple[Exclusion, ...] = ()
    """The entries of ``NO_PROXY``."""

    def apply_to(self, url: httpx.URL) -> bool:
        """Return whether requests for a URL are sent through a proxy."""
        return not any(entry.matches(url) for entry in self.exclusions)


def environment_proxies() -> Proxies:
    """Read ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``, or the settings of the system.

    An invalid entry of ``NO_PROXY`` is ignored, with a warning.
    """
    settings = getproxies()
    urls = {
        scheme: settings[scheme] if "://" in settings[scheme] else f"http://{settings[scheme]}"
        for scheme in ("http", "https", "all")
        if settings.get(scheme)
    }
    if not urls:
        return Proxies({})
    exclusions: list[Exclusion] = []
    invalid: list[str] = []
    for entry in re.split(r"[,\s]+", settings.get("no", "")):
        if entry == "*":
            return Proxies({})
        exclusion = _parse(entry) if entry else None
        if exclusion is not None:
            exclusions.append(exclusion)
        elif entry:
            invalid.append(_shown(entry))
    if invalid:
        _warn_of(invalid)
    return Proxies(urls, tuple(exclusions))


def _warn_of(entries: Iterable[str]) -> None:
    """Warn of invalid entries of ``NO_PROXY``."""
    text = (
        f"NO_PROXY: {', '.join(entries)} ignored; an entry must be a host name, an address or a network, such "
        "as example.com, 10.0.0.1, [::1]:8080 or 10.0.0.0/8"
    )
    try:
        warnings.warn(text, UserWarning, stacklevel=2)
    except UserWarning:
        # Logged if warnings are errors, because a program cannot correct its environment.
        log.warning("%s", text)


def _shown(entry: str) -> str:
    """Return an entry for a message, without user name and password."""
    head, at, tail = entry.rpartition("@")
    shown = f"***@{tail}" if at else head + tail
    return repr(shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…")


def _parse(entry: str) -> Exclusion | None:
    """Parse an entry of ``NO_PROXY``; return None if it is invalid."""
    scheme, sign, text = entry.lower().rpartition("://")
    if sign and scheme not in ("http", "https", "all"):
        return None
    scheme = "" if scheme == "all" else scheme
    if sign:
        text = text.rstrip("/")
    port: int | None = None
    bracketed = _BRACKETED.fullmatch(text)
    with_port = bracketed or _WITH_PORT.fullmatch(text)
    if with_port is not None and with_port["port"]:
        port = int(with_port["port"]) if len(with_port["port"]) < 6 else 0
        if not 0 < port < 65536:
            return None
    if bracketed is not None:
        text = bracketed["address"] + (bracketed["length"] or "")
    elif with_port is not None:
        text = with_port["host"]
    try:
        return Exclusion(scheme, ipaddress.ip_network(text, strict=False), None, port)
    except ValueError:
        names = None if bracketed else _name_pattern(text)
    return names and Exclusion(scheme, None, names, port)


def _name_pattern(text: str) -> re.Pattern[str] | None:
    """Return the pattern of the names that an entry excludes; None if the entry is not a name.

    A name excludes itself and its subdomains. A name with a leading dot excludes only the subdomains. A star
    stands for any characters.
    """
    if _PATTERN.fullmatch(text):
        return re.compile(".*".join(re.escape(part) for part in re.split("[*]+", text)))
    text = text.rstrip(".")
    try:
        text = text if text.isascii() else httpx.URL(f"http://{text}").raw_host.decode("ascii")
    except httpx.InvalidURL:
        return None
    if not _NAME.fullmatch(text):
        return None
    only_subdomains = text.startswith(".")
    return re.compile(rf"(.+[.]){'' if only_subdomains else '?'}{re.escape(text.lstrip('.'))}")


class _ProxyChoice:
    """The common part of the transports that send a request through a proxy or directly.

    Args:
        proxy: Transport that sends through the proxy; it is closed with this transport.
        direct: Transport that sends directly.
        url: URL of the proxy.
        proxies: The configuration, which selects the transport of a request.
    """

    def __init__(self, proxy: Any, direct: Any, url: str, proxies: Proxies) -> None:
        self._proxy = proxy
        self._direct = direct
        self._url = httpx.URL(url)
        self._proxies = proxies

    def _with_proxy(self, error: httpx.TransportError) -> httpx.TransportError:
        """Return an error whose message contains the URL of the proxy without user name and password."""
        proxy = self._url.copy_with(userinfo=b"", raw_path=b"/")
        return type(error)(
            f"{str(error) or type(error).__name__} (through the proxy {str(proxy).rstrip('/')})"
        )


class ProxiedTransport(_ProxyChoice, httpx.BaseTransport):
    """Sends each request through a proxy or directly."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        if not self._proxies.apply_to(request.url):
            return cast("httpx.Response", self._direct.handle_request(request))
        try:
            return cast("httpx.Response", self._proxy.handle_request(request))
        except _CONNECT_ERRORS as error:
            raise self._with_proxy(error) from error

    def close(self) -> None:
        """Close the connections to the proxy."""
        self._proxy.close()


class AsyncProxiedTransport(_ProxyChoice, httpx.AsyncBaseTransport):
    """Sends each request through a proxy or directly."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        if not self._proxies.apply_to(request.url):
            return cast("httpx.Response", await self._direct.handle_async_request(request))
        try:
            return cast("httpx.Response", await self._proxy.handle_async_request(request))
        except _CONNECT_ERRORS as error:
            raise self._with_proxy(error) from error

    async def aclose(self) -> None:
        """Close the connections to the proxy."""
        await self._proxy.aclose()
