"""Proxies that the environment names, and the hosts that ``NO_PROXY`` excepts from them.

The HTTP library reads the same variables, but an entry of ``NO_PROXY`` that it does not understand keeps it
from making a client at all, and it knows no networks. So the choice is made here, request by request.
"""

from __future__ import annotations

import ipaddress
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.request import getproxies

import httpx

from batchcompute.http.log import log

__all__: list[str] = []

_PORTS = {"http": 80, "https": 443}

_BRACKETED = re.compile(r"\[(?P<address>[^][]+)](?P<length>/[0-9]+)?(:(?P<port>[0-9]+))?")
_WITH_PORT = re.compile(r"(?P<host>[^:]+):(?P<port>[0-9]+)")

# The last label is no number, so that no name is taken for the end of an address.
_NAME = re.compile(r"[.]?([a-z0-9_-]+[.])*(?![0-9]+$)[a-z0-9_-]+")
_PATTERN = re.compile(r"[a-z0-9_.*-]*[*][a-z0-9_.*-]*")

_UNREACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)

_SHOWN = 60
"""Characters of an entry that are shown."""


@dataclass(frozen=True, slots=True)
class Excepted:
    """What an entry of ``NO_PROXY`` excepts."""

    scheme: str
    """The scheme that it is about; empty for all."""
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None
    """Addresses; None for names."""
    names: re.Pattern[str] | None
    """Names; None for addresses."""
    port: int | None
    """The port that it is about; None for all."""

    def covers(self, url: httpx.URL) -> bool:
        """Return whether requests for a URL are sent past the proxies."""
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


@dataclass(frozen=True, slots=True)
class Proxies:
    """What the environment says about proxies."""

    urls: Mapping[str, str]
    """From a scheme, or ``all``, to the URL of its proxy."""
    excepted: tuple[Excepted, ...] = ()
    """What is reached without a proxy."""

    def cover(self, url: httpx.URL) -> bool:
        """Return whether requests for a URL are sent to the proxy of its scheme."""
        return not any(entry.covers(url) for entry in self.excepted)


def environment_proxies() -> Proxies:
    """Read ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``, or what the system has in their place.

    An entry of ``NO_PROXY`` that cannot be understood is warned of and ignored.
    """
    found = getproxies()
    urls = {
        scheme: found[scheme] if "://" in found[scheme] else f"http://{found[scheme]}"
        for scheme in ("http", "https", "all")
        if found.get(scheme)
    }
    if not urls:
        return Proxies({})
    excepted: list[Excepted] = []
    unknown: list[str] = []
    for entry in re.split(r"[,\s]+", found.get("no", "")):
        if entry == "*":
            return Proxies({})
        made = _excepted(entry) if entry else None
        if made is not None:
            excepted.append(made)
        elif entry:
            unknown.append(_named(entry))
    if unknown:
        _warn_of(unknown)
    return Proxies(urls, tuple(excepted))


def _warn_of(entries: Iterable[str]) -> None:
    """Warn of entries of ``NO_PROXY`` that cannot be understood."""
    text = (
        f"NO_PROXY: {', '.join(entries)} ignored; an entry is a host name, an address or a network, such as "
        "example.com, 10.0.0.1, [::1]:8080 or 10.0.0.0/8"
    )
    try:
        warnings.warn(text, UserWarning, stacklevel=2)
    except UserWarning:
        # Where warnings are errors, it stops no client either: the program cannot mend its environment.
        log.warning("%s", text)


def _named(entry: str) -> str:
    """Return an entry as it may be shown: a user name may come with a password."""
    head, at, tail = entry.rpartition("@")
    shown = f"***@{tail}" if at else head + tail
    return repr(shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…")


def _excepted(entry: str) -> Excepted | None:
    """Return what an entry of ``NO_PROXY`` excepts; None if it cannot be understood."""
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
        return Excepted(scheme, ipaddress.ip_network(text, strict=False), None, port)
    except ValueError:
        names = None if bracketed else _names(text)
    return names and Excepted(scheme, None, names, port)


def _names(text: str) -> re.Pattern[str] | None:
    """Return what matches the names that an entry excepts; None if it names none.

    A name stands for itself and what is below it, one that begins with a dot for the latter only, and a star
    for any letters.
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
    below = text.startswith(".")
    return re.compile(rf"(.+[.]){'' if below else '?'}{re.escape(text.lstrip('.'))}")


class _Choice:
    """Whether a request goes to a proxy, and what an error of the proxy is called.

    Args:
        through: Sends requests to the proxy; it is closed with this one.
        past: Sends requests to where they go.
        url: URL of the proxy.
        proxies: Says which requests the proxy gets.
    """

    def __init__(self, through: Any, past: Any, url: str, proxies: Proxies) -> None:
        self._through = through
        self._past = past
        self._url = httpx.URL(url)
        self._proxies = proxies

    def _named(self, error: httpx.TransportError) -> httpx.TransportError:
        """Return an error that names the proxy, without the user name and password of its URL."""
        proxy = self._url.copy_with(userinfo=b"", raw_path=b"/")
        return type(error)(
            f"{str(error) or type(error).__name__} (through the proxy {str(proxy).rstrip('/')})"
        )


class ProxiedTransport(_Choice, httpx.BaseTransport):
    """Sends each request to a proxy, or past it."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        if not self._proxies.cover(request.url):
            return cast("httpx.Response", self._past.handle_request(request))
        try:
            return cast("httpx.Response", self._through.handle_request(request))
        except _UNREACHED as error:
            raise self._named(error) from error

    def close(self) -> None:
        """Close the connections to the proxy."""
        self._through.close()


class AsyncProxiedTransport(_Choice, httpx.AsyncBaseTransport):
    """Sends each request to a proxy, or past it."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        if not self._proxies.cover(request.url):
            return cast("httpx.Response", await self._past.handle_async_request(request))
        try:
            return cast("httpx.Response", await self._through.handle_async_request(request))
        except _UNREACHED as error:
            raise self._named(error) from error

    async def aclose(self) -> None:
        """Close the connections to the proxy."""
        await self._through.aclose()
