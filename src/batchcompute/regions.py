"""Regions and their endpoints (REST API, 6)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from batchcompute.errors import ConfigError

__all__ = [
    "AP_SOUTHEAST_1",
    "AP_SOUTHEAST_2",
    "CN_BEIJING",
    "CN_CHENGDU",
    "CN_HANGZHOU",
    "CN_HONGKONG",
    "CN_HUHEHAOTE",
    "CN_QINGDAO",
    "CN_SHANGHAI",
    "CN_SHENZHEN",
    "CN_ZHANGJIAKOU",
    "EU_CENTRAL_1",
    "LOCAL",
    "US_EAST_1",
    "US_WEST_1",
    "Endpoint",
    "get_regions",
    "register_region",
    "resolve",
]

CN_QINGDAO: Final = "batchcompute.cn-qingdao.aliyuncs.com"
"""China North 1 (Qingdao)."""
CN_HANGZHOU: Final = "batchcompute.cn-hangzhou.aliyuncs.com"
"""China East 1 (Hangzhou)."""
CN_SHENZHEN: Final = "batchcompute.cn-shenzhen.aliyuncs.com"
"""China South 1 (Shenzhen)."""
CN_BEIJING: Final = "batchcompute.cn-beijing.aliyuncs.com"
"""China North 2 (Beijing)."""
CN_CHENGDU: Final = "batchcompute.cn-chengdu.aliyuncs.com"
"""China Southwest 1 (Chengdu)."""
CN_ZHANGJIAKOU: Final = "batchcompute.cn-zhangjiakou.aliyuncs.com"
"""China North 3 (Zhangjiakou)."""
CN_HUHEHAOTE: Final = "batchcompute.cn-huhehaote.aliyuncs.com"
"""China North 5 (Hohhot)."""
CN_SHANGHAI: Final = "batchcompute.cn-shanghai.aliyuncs.com"
"""China East 2 (Shanghai)."""
CN_HONGKONG: Final = "batchcompute.cn-hongkong.aliyuncs.com"
"""Hong Kong."""
AP_SOUTHEAST_1: Final = "batchcompute.ap-southeast-1.aliyuncs.com"
"""Singapore."""
AP_SOUTHEAST_2: Final = "batchcompute.ap-southeast-2.aliyuncs.com"
"""Sydney."""
EU_CENTRAL_1: Final = "batchcompute.eu-central-1.aliyuncs.com"
"""Frankfurt."""
US_WEST_1: Final = "batchcompute.us-west-1.aliyuncs.com"
"""Silicon Valley."""
US_EAST_1: Final = "batchcompute.us-east-1.aliyuncs.com"
"""Virginia."""

LOCAL: Final = "local://"
"""The embedded service, which runs jobs on this machine."""

_BUILT_IN: Final = (
    CN_QINGDAO,
    CN_HANGZHOU,
    CN_SHENZHEN,
    CN_BEIJING,
    CN_CHENGDU,
    CN_ZHANGJIAKOU,
    CN_HUHEHAOTE,
    CN_SHANGHAI,
    CN_HONGKONG,
    AP_SOUTHEAST_1,
    AP_SOUTHEAST_2,
    EU_CENTRAL_1,
    US_WEST_1,
    US_EAST_1,
)

_VENDOR = re.compile(r"https?://batchcompute(-[a-z]+)?[.][a-z0-9-]+[.]aliyuncs[.]com(:[0-9]+)?")
"""Pattern of the URLs of the vendor's endpoints."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?\.?")

_regions: dict[str, str] = {host.split(".")[1]: host for host in _BUILT_IN}
_ports: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The destination of requests."""

    base_url: str
    """Scheme, host and port without a trailing slash; ``local://`` for the embedded service."""
    region: str
    """Value of the header ``x-acs-region-id``."""

    is_local: bool = field(init=False)
    """Whether this is the embedded service."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_local", self.base_url == LOCAL)


def get_regions() -> dict[str, str]:
    """Return the registered regions, as a live mapping from id to host."""
    return _regions


def register_region(region_name: str, url: str, port: int = 80) -> None:
    """Add a region, or change the endpoint of a known one.

    Args:
        region_name: Id of the region, sent as ``x-acs-region-id``.
        url: Host name or IP address.
        port: Port. Port 443 selects TLS, any other port plain HTTP.

    Raises:
        ConfigError: The name, the host or the port is invalid.
    """
    if not region_name or not isinstance(region_name, str):
        raise ConfigError(f"region name must be a non-empty text, not {region_name!r}")
    if not region_name.isprintable() or region_name != region_name.strip():
        # The name is sent in a header.
        raise ConfigError(
            f"region name {region_name!r} contains a control character, or begins or ends with white space"
        )
    if not isinstance(url, str) or not _is_host(url):
        raise ConfigError(
            f"region {region_name!r}: the host must be a host name or an IP address, not {url!r}"
        )
    text = str(port)
    # A text of digits is accepted, because command lines and configuration files contain texts.
    number = int(text) if not isinstance(port, bool) and text.isascii() and text.isdigit() else 0
    if not 0 < number < 65536:
        raise ConfigError(f"region {region_name!r}: port must be an integer in [1, 65535], not {port!r}")
    _regions[region_name] = url
    _ports[region_name] = number


def _is_host(host: str) -> bool:
    """Return whether a text is a host name or an IP address; an IPv6 address may be in brackets."""
    try:
        ipaddress.ip_address(host[1:-1] if host[:1] == "[" and host[-1:] == "]" else host)
    except ValueError:
        try:
            name = host.encode("idna").decode("ascii")
        except UnicodeError:
            return False
        return bool(_HOST.fullmatch(name))
    return True


def _authority(host: str, port: int, tls: bool) -> str:
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return host if port == (443 if tls else 80) else f"{host}:{port}"


def _from_url(url: str, name: str) -> str:
    """Return scheme, host and port of a URL; ``name`` is that of the option or variable, for errors."""
    if not url.isprintable() or url != url.strip():
        # The URL parser removes these characters, which would change the URL. The message does not show the URL,
        # because it may contain a password.
        raise ConfigError(f"{name} contains a control character, or begins or ends with white space")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"{name} {url!r} is not a URL: {error}") from None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or port == 0
        or not _is_host(parts.hostname)
    ):
        raise ConfigError(f"{name} {url!r} is not a URL like http://127.0.0.1:8790")
    if parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
        # The message does not show the URL, because it may contain a password.
        raise ConfigError(f"{name} for host {parts.hostname!r} must contain only scheme, host and port")
    tls = parts.scheme == "https"
    return f"{parts.scheme}://{_authority(parts.hostname, port or (443 if tls else 80), tls)}"


def _region_of(region: str) -> tuple[str, str]:
    """Return id and host of a region, given one of them."""
    if region in _regions:
        return region, _regions[region]
    # In reverse order, so that a registration of the caller has priority over a built-in region.
    for name in reversed(_regions):
        if _regions[name] == region:
            return name, region
    if region in _BUILT_IN:
        # The region of this host was registered again with another host.
        name = region.split(".")[1]
        return name, _regions[name]
    if re.search("[.:]", region) and _is_host(re.sub(":[0-9]+$", "", region)):
        raise ConfigError(
            f"unknown region {region!r}: to use it as a host, write the URL http://{region} (plain HTTP) or "
            f"https://{region} (TLS), or register it with Client.register_region(name, host, port)"
        )
    raise ConfigError(
        f"unknown region {region!r}: must be a region id ({', '.join(sorted(_regions))}), the host of a "
        "region, a URL like http://127.0.0.1:8790, or LOCAL; Client.register_region(name, host, port) adds a region"
    )


def resolve(
    region: str, security_conn: bool | None = None, override: str | None = None, setting: str = "region"
) -> Endpoint:
    """Return the endpoint of a region.

    The endpoint uses plain HTTP only on request: ``security_conn=False``, an ``http://`` URL, or a region that
    was registered with a port other than 443.

    Args:
        region: A region id, a host, a registered name, a URL with scheme, or ``LOCAL``.
        security_conn: True for TLS, False for plain HTTP, None for the default.
        override: A URL that overrides the endpoint (``BATCHCOMPUTE_ENDPOINT``), or ``local`` for the
            embedded service; None or empty for no override.
        setting: Name of the option or the variable that has the region, for errors.

    Raises:
        ConfigError: The region is unknown, or a URL is malformed.
    """
    if not isinstance(region, str) or not region:
        raise ConfigError(f"region must be a non-empty text, not {region!r}")
    if region == LOCAL or (region == "local" and region not in _regions):
        endpoint = Endpoint(LOCAL, "local")
    elif "://" in region:
        base_url = _from_url(region, setting)
        if security_conn and base_url.startswith("http:"):
            raise ConfigError(f"security_conn=True requires TLS, but the region is {base_url!r}")
        endpoint = Endpoint(base_url, urlsplit(base_url).hostname or "")
    else:
        name, host = _region_of(region)
        port = _ports.get(name)
        tls = security_conn if security_conn is not None else port in (None, 443)
        port = port or (443 if tls else 80)
        endpoint = Endpoint(f"http{'s' if tls else ''}://{_authority(host, port, tls)}", name)
    if not override:
        return endpoint
    if override in (LOCAL, "local"):
        return Endpoint(LOCAL, endpoint.region)
    return Endpoint(endpoint_url(override, security_conn), endpoint.region)


def endpoint_url(text: str, security_conn: bool | None = None) -> str:
    """Return the URL of a value of ``BATCHCOMPUTE_ENDPOINT``.

    A value without a scheme selects plain HTTP for an address of this machine, and TLS for any other host.

    Args:
        text: A URL, a host with or without a port, or ``local`` for the embedded service.
        security_conn: True for TLS, False for plain HTTP, None for the default.

    Raises:
        ConfigError: The value is malformed.
    """
    if text in (LOCAL, "local"):
        return LOCAL
    if "://" not in text:
        tls = not _is_loopback(text) if security_conn is None else security_conn
        text = f"http{'s' if tls else ''}://{text}"
    return _from_url(text, "BATCHCOMPUTE_ENDPOINT")


def _is_loopback(authority: str) -> bool:
    host = urlsplit(f"//{authority}").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def shutdown_hint(url: str) -> str:
    """Return the part of a message about an unreachable endpoint that names the vendor's shutdown.

    Args:
        url: Scheme, host and port of the endpoint.

    Returns:
        The hint; empty for an endpoint that is not the vendor's.
    """
    if not _VENDOR.fullmatch(url):
        return ""
    return (
        ". Alibaba Cloud shut BatchCompute down on 2026-05-15: set BATCHCOMPUTE_ENDPOINT=local in the environment "
        "to run this program on this machine, or BATCHCOMPUTE_ENDPOINT=http://host:port for the server that "
        "`batchcompute serve` runs there"
    )
