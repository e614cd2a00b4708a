"""The conversion of calls to requests of the HTTP library, and of its responses and errors to ours."""

from __future__ import annotations

import platform
import re
import secrets
import ssl
import sys
from collections.abc import Hashable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpx

from batchcompute._version import __version__
from batchcompute.errors import (
    ConfigError,
    ConnectError,
    ResponseError,
    TransportError,
    TransportTimeout,
    client_error,
    network,
)
from batchcompute.http.oss import sign_object
from batchcompute.http.retry import HTML_CODE, NO_CODE, PLAIN_HTTP, chain, retry_after
from batchcompute.http.signing import Credentials, sign
from batchcompute.regions import shutdown_hint

if TYPE_CHECKING:
    from batchcompute.api.call import Call
    from batchcompute.api.responses import HttpResponse
    from batchcompute.regions import Endpoint

__all__: list[str] = []

R = TypeVar("R")
E = TypeVar("E", bound=BaseException)

USER_AGENT = (
    f"batchcompute-python/{__version__} (Python {platform.python_version()}; httpx {httpx.__version__})"
)
"""Value of the header ``User-Agent``."""

LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)
"""Limits of the connections of one client."""

MAX_RESPONSE_BYTES = 64 * 1024**2
"""Default of a client's ``max_response_bytes``. The largest responses of the API are far smaller."""

WIRE_LIMIT = "batchcompute.wire_limit"
"""Extension of a request to a local transport: the client reads no more bytes of the response than this."""

_XML = re.compile("<(Code|Message|RequestId)>([^<]*)</")


class NoCookies(httpx.Cookies):
    """A cookie jar that stays empty. The API has no cookies, and extracting them takes 10 % of a request."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Do nothing."""


NO_COOKIES = NoCookies()


@cache
def tls_context() -> ssl.SSLContext:
    """Return the TLS context of clients with default settings. It is cached, because its construction takes 20 ms."""
    return httpx.create_ssl_context()


def tls_context_for(
    urls: Iterable[str], verify: bool | str | ssl.SSLContext, trust_env: bool
) -> ssl.SSLContext:
    """Return the TLS context of a client.

    A client that uses only plain HTTP gets a context without certificate authorities. Its construction is fast,
    and an unexpected TLS connection fails.

    Args:
        urls: URLs of the endpoints and proxies.
        verify: A context; True for the default authorities; False to accept any certificate; or the path of
            a file or directory with certificates of authorities.
        trust_env: Whether ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` are used.

    Raises:
        ConfigError: The certificates of the authorities cannot be read.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    if verify is True and not any(url.startswith("https:") for url in urls):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if isinstance(verify, str):
            # The given authorities replace the default ones.
            if Path(verify).is_dir():
                return ssl.create_default_context(capath=verify)
            return ssl.create_default_context(cafile=verify)
        if verify and trust_env:
            return tls_context()
        return httpx.create_ssl_context(verify=verify, trust_env=trust_env)
    except OSError as error:
        message = f"verify: cannot read the certificate authorities of {verify!r}"
        if verify is True:
            # With True, only a variable of the environment names a path.
            message = "cannot read the certificate authorities that SSL_CERT_FILE or SSL_CERT_DIR names"
        raise ConfigError(f"{message}: {error}") from error


def url_of(endpoint: Endpoint, target: str) -> str:
    """Return the URL of a target, which may be a URL already. For the embedded service, the host is a placeholder."""
    if "://" in target[:8]:
        return target
    return ("http://local" if endpoint.is_local else endpoint.base_url) + target


def origin_of(endpoint: Endpoint, target: str) -> str:
    """Return scheme, host and port of the URL of a target, for messages."""
    if endpoint.is_local or "://" not in target[:8]:
        return endpoint.base_url
    return "/".join(target.split("/", 3)[:3])


def build_request(
    call: Call[Any],
    endpoint: Endpoint,
    credentials: Credentials,
    version: str,
    extra: Mapping[str, str],
) -> httpx.Request:
    """Return the signed request of one attempt, with a new nonce and date."""
    url = httpx.URL(url_of(endpoint, call.target))
    # The target as httpx sends it, because httpx may normalize the URL.
    target = url.raw_path.decode("ascii")
    headers = _headers(call, target, endpoint, credentials, version, extra, USER_AGENT)
    return httpx.Request(call.operation.method, url, headers=headers, content=call.body or None)


def build_custom_request(
    http: Any,
    call: Call[Any],
    endpoint: Endpoint,
    credentials: Credentials,
    version: str,
    extra: Mapping[str, str],
) -> Any:
    """Return the signed request of one attempt for an HTTP client of the caller.

    The signature includes the parameters and headers that the HTTP client adds.
    """
    url = url_of(endpoint, call.target)
    library = _library_of(cast("Hashable", type(http)))
    if library is not None and _adds_nothing(http):
        # Like `build_request`, in half the time of the general way below.
        agent = _user_agent(
            next((value for name, value in http.headers.raw if name.lower() == b"user-agent"), b"")
        )
        parsed = library.URL(url)
        target = parsed.raw_path.decode("ascii")
        headers = _headers(call, target, endpoint, credentials, version, extra, agent)
        request = library.Request(call.operation.method, parsed, headers=headers, content=call.body or None)
        request.extensions["timeout"] = http.timeout.as_dict()
        return request
    request = http.build_request(call.operation.method, url, content=call.body or None)
    _sign_built(request, call, endpoint, credentials, version, extra)
    return request


@cache
def _library_of(cls: Hashable) -> Any:
    """Return the module of an HTTP client's library; None if it is neither httpx nor httpx2."""
    for base in cast("type", cls).__mro__:
        library = base.__module__.partition(".")[0]
        if library in ("httpx", "httpx2"):
            return sys.modules[library]
    return None


def _adds_nothing(http: Any) -> bool:
    return (
        not http.params
        and not http.cookies
        and all(name.lower() in _STANDARD_HEADERS for name, _ in http.headers.raw)
    )


@lru_cache(maxsize=16)
def _user_agent(of_library: bytes) -> str:
    return f"batchcompute-python/{__version__} {of_library.decode('latin-1')}".rstrip()


def _sign_built(
    request: Any,
    call: Call[Any],
    endpoint: Endpoint,
    credentials: Credentials,
    version: str,
    extra: Mapping[str, str],
) -> None:
    standard: dict[bytes, bytes] = {}
    added: dict[str, str] = {}
    for name, value in request.headers.raw:
        lower = name.lower()
        if lower in _STANDARD_HEADERS:
            standard[lower] = value
        else:
            added[lower.decode("latin-1")] = value.decode("utf-8", "replace")
    agent = _user_agent(standard.get(b"user-agent", b""))
    target = request.url.raw_path.decode("ascii")
    headers = _headers(call, target, endpoint, credentials, version, {**added, **extra}, agent)
    request.headers = type(request.headers)([(b"Host", standard.get(b"host", b"")), *headers])


_STANDARD_HEADERS = frozenset(
    b"accept accept-encoding connection content-length content-type host transfer-encoding user-agent".split()
)
"""Headers that HTTP clients set by themselves, in contrast to headers that their owner configured."""


def _headers(
    call: Call[Any],
    target: str,
    endpoint: Endpoint,
    credentials: Credentials,
    version: str,
    extra: Mapping[str, str],
    user_agent: str,
) -> list[tuple[bytes, bytes]]:
    headers: Mapping[str, str]
    now = datetime.now(UTC)
    # Compression would change the bytes to which a range refers.
    encoding = "identity" if call.resource else "gzip, deflate"
    if call.resource:
        headers = sign_object(call, credentials=credentials, now=now, user_agent=user_agent)
    else:
        headers = sign(
            call.operation.method,
            target,
            call.body,
            credentials=credentials,
            region=endpoint.region,
            now=now,
            nonce=secrets.token_hex(16),
            user_agent=user_agent,
            version=version,
            extra=extra,
        )
    # As bytes, because the library rejects texts that are not ASCII.
    return [
        (name.encode("utf-8"), value.encode("utf-8"))
        for name, value in (("Accept-Encoding", encoding), *headers.items())
    ]


def headers_of(response: Any) -> dict[str, str]:
    """Return the headers of a response of httpx or httpx2, with lower-case names."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers.raw}


def parse_response(call: Call[R], raw: HttpResponse) -> R:
    """Convert a response to the result of the call.

    Raises:
        ClientError: The status is outside 2xx.
        ResponseError: The response cannot be parsed.
    """
    if 200 <= raw.status < 300:
        return call.parse(raw)
    error = client_error(raw.status, *_error_of(raw))
    error.retry_after = retry_after(raw.headers, datetime.now(UTC))
    raise error


def _error_of(raw: HttpResponse) -> tuple[str, str, str]:
    """Return code, request id and message of an error response (REST API, 7)."""
    try:
        content = raw.json()
    except ResponseError:
        content = None
    if isinstance(content, dict):
        body = cast("dict[str, Any]", content)
        code = body.get("Code") or body.get("ErrorCode") or NO_CODE
        request_id = raw.request_id or body.get("RequestId") or ""
        return str(code), str(request_id), str(body.get("Message") or "")
    shown = raw.body[:1000].decode("utf-8", "replace")
    if shown.startswith("<?xml"):
        # Errors of the object storage are XML.
        fields = dict(_XML.findall(shown))
        if "Code" in fields:
            return fields["Code"], fields.get("RequestId", raw.request_id), fields.get("Message", "")
    return HTML_CODE, raw.request_id, f"response_body: {shown}"


def is_rejected_locally(error: Exception) -> bool:
    """Return whether the HTTP library rejected a request and sent nothing.

    The message of such an error quotes the rejected value, which may be a secret.
    """
    kinds = {cls.__name__ for cls in type(error).__mro__}
    return bool(kinds & {"LocalProtocolError", "UnsupportedProtocol"})


def hide_secrets(error: Exception) -> None:
    """Remove the signature and the token from the request that an error of the library holds."""
    request = getattr(error, "_request", None)
    for name in ("authorization", "x-acs-security-token", "x-oss-security-token"):
        if request is not None and name in request.headers:
            del request.headers[name]


def transport_error(error: Exception, origin: str) -> TransportError:
    """Return the `TransportError` for an error of the HTTP library.

    The library's classes are recognized by name, because httpx and httpx2 have the same names.

    Args:
        error: The error of the library.
        origin: Scheme, host and port of the request.
    """
    kinds = {cls.__name__ for cls in type(error).__mro__}
    if is_rejected_locally(error):
        return ConnectError(f"a request to {origin} could not be sent ({type(error).__name__})")
    if kinds & {"ConnectError", "ConnectTimeout", "ProxyError"}:
        reason = str(error) or "the connection was not made in time"
        tls = _cause(error, ssl.SSLError)
        if tls is not None:
            message = f"no trusted connection to {origin}: {reason}{_tls_hint(tls, reason, origin)}"
            return network.tls_error(message, tls)
        cause = _cause(error, OSError) or (TimeoutError() if "ConnectTimeout" in kinds else None)
        return network.connect_error(f"cannot connect to {origin}: {reason}{shutdown_hint(origin)}", cause)
    if "PoolTimeout" in kinds:
        return ConnectError(
            f"no connection to {origin} became free in time; all connections of the pool are in use"
        )
    if "TimeoutException" in kinds:
        return TransportTimeout(f"no response from {origin} in time ({type(error).__name__})")
    reason = str(error) or type(error).__name__
    if origin.startswith("http:") and _TLS_ALERT in reason:
        reason += f"; the server seems to use TLS: try https:{origin.removeprefix('http:')}"
    return network.connection_broke(f"the connection to {origin} broke: {reason}", _cause(error, OSError))


_TLS_ALERT = r"\x15\x03"
"""The start of a TLS response to a plain HTTP request, as the library shows it."""


def _tls_hint(error: ssl.SSLError, reason: str, origin: str) -> str:
    """Return the part of a message that names a remedy for a TLS error; may be empty."""
    if error.reason not in PLAIN_HTTP:
        return shutdown_hint(origin)
    if "(through the proxy https:" in reason:
        return "; the proxy seems to use plain HTTP: write its URL with http://"
    plain = f"http:{origin.removeprefix('https:')}"
    return f"; the server seems to use plain HTTP: try {plain} as the region or in BATCHCOMPUTE_ENDPOINT"


def _cause(error: BaseException, cls: type[E]) -> E | None:
    """Return the first error of a class in a chain of causes; None if there is none."""
    return next((cause for cause in chain(error) if isinstance(cause, cls)), None)
