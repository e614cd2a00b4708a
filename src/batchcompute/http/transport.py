"""Between a call and the HTTP library: what is sent, what an answer means, what an error was.

Pure, save for `tls_context`, which reads the trusted certificates once per process.
"""

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
from batchcompute.http.retry import HTML_CODE, NO_CODE, PLAIN_HTTP, retry_after
from batchcompute.http.signing import Credentials, sign
from batchcompute.regions import gone_hint

if TYPE_CHECKING:
    from batchcompute.api.call import Call
    from batchcompute.api.responses import HttpResponse
    from batchcompute.regions import Endpoint

__all__: list[str] = []

A = TypeVar("A")
E = TypeVar("E", bound=BaseException)

USER_AGENT = (
    f"batchcompute-python/{__version__} (Python {platform.python_version()}; httpx {httpx.__version__})"
)
"""What is sent as ``User-Agent``."""

LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)
"""Connections of one client."""

MAX_RESPONSE_BYTES = 64 * 1024**2
"""What ``max_response_bytes`` of a client is by default: bytes that the body of an answer may have.

The largest answers of the API, pages of 100 resources, stay far below this."""

WIRE_LIMIT = "batchcompute.wire_limit"
"""The extension of a request that tells a transport of the service how many bytes of an answer matter."""

_XML = re.compile("<(Code|Message|RequestId)>([^<]*)</")


class NoCookies(httpx.Cookies):
    """Keeps no cookies: the API has none, and looking for them costs a tenth of a request."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Take nothing from an answer."""


NO_COOKIES = NoCookies()


@cache
def tls_context() -> ssl.SSLContext:
    """Return the TLS context of this process; building one costs 20 ms, so all clients share it."""
    return httpx.create_ssl_context()


def tls_for(urls: Iterable[str], verify: bool | str | ssl.SSLContext, trust_env: bool) -> ssl.SSLContext:
    """Return the TLS context that a client needs.

    One that speaks plain HTTP only gets a context that trusts nobody, which costs nothing to make and
    refuses whatever should come to be TLS after all.

    Args:
        urls: Where requests may go, proxies included.
        verify: A context; True for the usual authorities, False for any certificate; or the path of a
            file, or of a directory, of authorities.
        trust_env: Whether ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` count.

    Raises:
        ConfigError: The authorities cannot be read.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    if verify is True and not any(url.startswith("https:") for url in urls):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if isinstance(verify, str):
            # On top of nothing: a file that is named takes the place of the usual authorities.
            if Path(verify).is_dir():
                return ssl.create_default_context(capath=verify)
            return ssl.create_default_context(cafile=verify)
        if verify and trust_env:
            return tls_context()
        return httpx.create_ssl_context(verify=verify, trust_env=trust_env)
    except OSError as error:
        # Without a path given, it is the environment that names one.
        named = f"verify: cannot read the authorities of {verify!r}"
        if verify is True:
            named = "cannot read the authorities that SSL_CERT_FILE or SSL_CERT_DIR of the environment names"
        raise ConfigError(f"{named}: {error}") from error


def url_of(endpoint: Endpoint, target: str) -> str:
    """Return the URL of a target; the embedded service has a host of its own that nobody resolves."""
    if "://" in target[:8]:
        return target
    return ("http://local" if endpoint.is_local else endpoint.base_url) + target


def where_of(endpoint: Endpoint, target: str) -> str:
    """Return where a target is requested, for messages: scheme, host and port."""
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
    """Sign an attempt of a call, with a nonce and a date of its own."""
    url = httpx.URL(url_of(endpoint, call.target))
    # What httpx will send, whatever it may have made of the URL.
    target = url.raw_path.decode("ascii")
    headers = _headers(call, target, endpoint, credentials, version, extra, USER_AGENT)
    return httpx.Request(call.operation.method, url, headers=headers, content=call.body or None)


def given_request(
    http: Any,
    call: Call[Any],
    endpoint: Endpoint,
    credentials: Credentials,
    version: str,
    extra: Mapping[str, str],
) -> Any:
    """Build and sign an attempt as a caller's own HTTP client will send it.

    Whatever that client adds by itself, parameters and headers, is signed, too.
    """
    url = url_of(endpoint, call.target)
    library = _library_of(cast("Hashable", type(http)))
    if library is not None and _adds_nothing(http):
        # As for our own clients, at half the cost of the general way below.
        agent = _agent(
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
    """Return the module of an HTTP client's library; None for an unknown one."""
    for base in cast("type", cls).__mro__:
        library = base.__module__.partition(".")[0]
        if library in ("httpx", "httpx2"):
            return sys.modules[library]
    return None


def _adds_nothing(http: Any) -> bool:
    return (
        not http.params and not http.cookies and all(name.lower() in _BUILT for name, _ in http.headers.raw)
    )


@lru_cache(maxsize=16)
def _agent(theirs: bytes) -> str:
    return f"batchcompute-python/{__version__} {theirs.decode('latin-1')}".rstrip()


def _sign_built(
    request: Any,
    call: Call[Any],
    endpoint: Endpoint,
    credentials: Credentials,
    version: str,
    extra: Mapping[str, str],
) -> None:
    built: dict[bytes, bytes] = {}
    theirs: dict[str, str] = {}
    for name, value in request.headers.raw:
        lower = name.lower()
        if lower in _BUILT:
            built[lower] = value
        else:
            theirs[lower.decode("latin-1")] = value.decode("utf-8", "replace")
    agent = _agent(built.get(b"user-agent", b""))
    target = request.url.raw_path.decode("ascii")
    headers = _headers(call, target, endpoint, credentials, version, {**theirs, **extra}, agent)
    request.headers = type(request.headers)([(b"Host", built.get(b"host", b"")), *headers])


_BUILT = frozenset(
    b"accept accept-encoding connection content-length content-type host transfer-encoding user-agent".split()
)
"""Headers that HTTP clients set by themselves, which say nothing of their owner's wishes."""


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
    # Compressed objects would not be the bytes that a range counts.
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
    # As bytes: the library would refuse texts beyond ASCII.
    return [
        (name.encode("utf-8"), value.encode("utf-8"))
        for name, value in (("Accept-Encoding", encoding), *headers.items())
    ]


def headers_of(response: Any) -> dict[str, str]:
    """Return the headers of a response of httpx or httpx2, with lower-case names."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers.raw}


def understand(call: Call[A], raw: HttpResponse) -> A:
    """Turn an answer into what the caller gets.

    Raises:
        ClientError: The status is outside 2xx.
        ResponseError: The answer makes no sense.
    """
    if 200 <= raw.status < 300:
        return call.parse(raw)
    error = client_error(raw.status, *_error_of(raw))
    error.retry_after = retry_after(raw.headers, datetime.now(UTC))
    raise error


def _error_of(raw: HttpResponse) -> tuple[str, str, str]:
    """Return code, request id and message of an answer outside 2xx (REST API, 7)."""
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
        # Object storage explains itself in XML.
        found = dict(_XML.findall(shown))
        if "Code" in found:
            return found["Code"], found.get("RequestId", raw.request_id), found.get("Message", "")
    return HTML_CODE, raw.request_id, f"response_body: {shown}"


def is_refused_here(error: Exception) -> bool:
    """Tell whether the HTTP library itself refused a request, so that nothing was sent.

    Its texts then quote what they refuse, which may be a secret.
    """
    kinds = {cls.__name__ for cls in type(error).__mro__}
    return bool(kinds & {"LocalProtocolError", "UnsupportedProtocol"})


def hide_secrets(error: Exception) -> None:
    """Take the signature and the token out of the request that a library's error holds."""
    request = getattr(error, "_request", None)
    for name in ("authorization", "x-acs-security-token", "x-oss-security-token"):
        if request is not None and name in request.headers:
            del request.headers[name]


def transport_error(error: Exception, where: str) -> TransportError:
    """Make our own error of the library's; the library's becomes its cause.

    By the names of its classes, which httpx and httpx2 share.
    """
    kinds = {cls.__name__ for cls in type(error).__mro__}
    if is_refused_here(error):
        return ConnectError(f"a request to {where} could not be sent ({type(error).__name__})")
    if kinds & {"ConnectError", "ConnectTimeout", "ProxyError"}:
        reason = str(error) or "no connection in time"
        tls = _cause(error, ssl.SSLError)
        if tls is not None:
            message = f"no trusted connection to {where}: {reason}{_after_tls(tls, reason, where)}"
            return network.tls_error(message, tls)
        cause = _cause(error, OSError) or (TimeoutError() if "ConnectTimeout" in kinds else None)
        return network.connect_error(f"cannot connect to {where}: {reason}{gone_hint(where)}", cause)
    if "PoolTimeout" in kinds:
        return ConnectError(f"no connection to {where} was free in time; all are in use")
    if "TimeoutException" in kinds:
        return TransportTimeout(f"no answer from {where} in time ({type(error).__name__})")
    reason = str(error) or type(error).__name__
    if where.startswith("http:") and _TLS_ALERT in reason:
        reason += f"; it seems to speak TLS, which https:{where.removeprefix('http:')} asks for"
    return network.broken(f"the connection to {where} broke: {reason}", _cause(error, OSError))


_TLS_ALERT = r"\x15\x03"
"""How an answer of TLS to a request of plain HTTP begins, as it is shown."""


def _after_tls(error: ssl.SSLError, reason: str, where: str) -> str:
    """Return what to try after an error of TLS; goes after the reason."""
    if error.reason not in PLAIN_HTTP:
        return gone_hint(where)
    if "(through the proxy https:" in reason:
        return "; the proxy seems to speak plain HTTP: name it with http://"
    plain = f"http:{where.removeprefix('https:')}"
    return f"; it seems to speak plain HTTP, which {plain} asks for, as a region or as BATCHCOMPUTE_ENDPOINT"


def _cause(error: BaseException, cls: type[E]) -> E | None:
    """Return the error of a class that an error was made of; None if there is none."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, cls):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None
