"""Between a call and the HTTP library: what is sent, what an answer means, what an error was.

Pure, save for `tls_context`, which reads the trusted certificates once per process.
"""

from __future__ import annotations

import platform
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpx

from batchcompute._version import __version__
from batchcompute.errors import (
    ConnectError,
    ProtocolError,
    TransportError,
    TransportTimeout,
    client_error,
)
from batchcompute.responses import RawAnswer
from batchcompute.retry import retry_after
from batchcompute.signing import Credentials, sign

if TYPE_CHECKING:
    import ssl

    from batchcompute.operations import Call
    from batchcompute.regions import Endpoint

__all__: list[str] = []

A = TypeVar("A")

USER_AGENT = (
    f"batchcompute-python/{__version__} (Python {platform.python_version()}; httpx {httpx.__version__})"
)
"""What is sent as ``User-Agent``."""

TIMEOUT = httpx.Timeout(60.0, connect=10.0, pool=10.0)
"""Seconds: 10 to connect and to wait for a connection, 60 for each read and write."""

LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)
"""Connections of one client."""

_HTML = "Json Error, a HTML returned from upstream server."
"""The old SDK's code for an error whose body is no JSON; programs compare with it."""

_NO_CODE = "Unkown code"
"""The old SDK's code for an error that names none, in its own spelling."""


class NoCookies(httpx.Cookies):
    """Keeps no cookies: the API has none, and looking for them costs a tenth of a request."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Take nothing from an answer."""


NO_COOKIES = NoCookies()


@cache
def tls_context() -> ssl.SSLContext:
    """Return the TLS context of this process; building one costs 20 ms, so all clients share it."""
    return httpx.create_ssl_context()


def tls_for(endpoint: Endpoint) -> ssl.SSLContext:
    """Return the TLS context that a client of this endpoint needs.

    One that speaks plain HTTP gets a context that trusts nobody, which costs nothing to make and
    refuses whatever should come to be TLS after all.
    """
    import ssl

    if endpoint.base_url.startswith("https:"):
        return tls_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def build_request(
    call: Call[Any],
    endpoint: Endpoint,
    credentials: Credentials,
    version: str,
    extra: Mapping[str, str],
) -> httpx.Request:
    """Sign an attempt of a call, with a nonce and a date of its own."""
    url = httpx.URL(("http://local" if endpoint.is_local else endpoint.base_url) + call.target)
    operation = call.operation
    headers = sign(
        operation.method,
        # What httpx will send, whatever it may have made of the URL.
        url.raw_path.decode("ascii"),
        call.body,
        credentials=credentials,
        region=endpoint.region,
        now=datetime.now(UTC),
        nonce=uuid.uuid4().hex,
        user_agent=USER_AGENT,
        version=version,
        extra=extra,
    )
    return httpx.Request(
        operation.method,
        url,
        # As bytes: the library would refuse texts beyond ASCII.
        headers=[
            (name.encode("utf-8"), value.encode("utf-8"))
            for name, value in (("Accept-Encoding", "gzip, deflate"), *headers.items())
        ],
        content=call.body or None,
    )


def understand(call: Call[A], response: httpx.Response) -> A:
    """Turn an answer into what the caller gets.

    Raises:
        ClientError: The status is outside 2xx.
        ResponseError: The answer makes no sense.
    """
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers.raw
    }
    raw = RawAnswer(response.status_code, headers, response.content)
    if 200 <= raw.status < 300:
        return call.parse(raw)
    error = client_error(raw.status, *_error_of(raw))
    error.retry_after = retry_after(headers, datetime.now(UTC))
    raise error


def _error_of(raw: RawAnswer) -> tuple[str, str, str]:
    """Return code, request id and message of an answer outside 2xx (reference, section 7)."""
    from batchcompute.errors import ResponseError

    try:
        content = raw.json()
    except ResponseError:
        content = None
    if isinstance(content, dict):
        body = cast("dict[str, Any]", content)
        code = body.get("Code") or body.get("ErrorCode") or _NO_CODE
        request_id = raw.request_id or body.get("RequestId") or ""
        return str(code), str(request_id), str(body.get("Message") or "")
    shown = raw.body[:1000].decode("utf-8", "replace")
    return _HTML, raw.request_id, f"response_body: {shown}"


def transport_error(error: httpx.RequestError, endpoint: Endpoint) -> TransportError:
    """Make our own error of the library's; the library's becomes its cause."""
    where = endpoint.base_url
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
        return ConnectError(f"cannot connect to {where}: {error}")
    if isinstance(error, httpx.PoolTimeout):
        return ConnectError(f"no connection to {where} was free in time; all are in use")
    if isinstance(error, httpx.TimeoutException):
        return TransportTimeout(f"no answer from {where} in time ({type(error).__name__})")
    return ProtocolError(f"the connection to {where} broke: {error or type(error).__name__}")
