"""Addresses and signed reads of objects in the object storage."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from batchcompute.api.call import Call
from batchcompute.api.operations import Operation
from batchcompute.errors import ConfigError, Problem, ValidationError

if TYPE_CHECKING:
    from batchcompute.api.responses import HttpResponse
    from batchcompute.http.signing import Credentials
    from batchcompute.regions import Endpoint

__all__ = ["InstanceLogs", "get_object", "object_base", "parts_of", "sign_object"]

GET_OBJECT = Operation(
    "get_object", "GetObject", "GET", "/{Bucket}/{Key}", "bytes", 200, "read", section="5.4"
)
"""The only operation of the object storage that the client uses."""


@dataclass(frozen=True, slots=True)
class InstanceLogs:
    """The stored output of an instance."""

    stdout: str
    """Its stdout; empty if none is stored."""
    stderr: str
    """Its stderr; empty if none is stored."""


def parts_of(object_url: str) -> tuple[str, str]:
    """Return the bucket and the key of ``oss://bucket/key``.

    Raises:
        ValidationError: The URL has another form.
    """
    scheme, separator, rest = object_url.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "oss" or not separator or not bucket or not key:
        raise ValidationError([Problem("object", repr(object_url), "must be a URL like oss://bucket/key")])
    return bucket, key


def object_base(endpoint: Endpoint, override: str) -> str:
    """Return the URL of the object storage of an endpoint.

    Each region of the vendor has a separate host for the object storage. Any other service serves its objects
    at the URL of its API, and distinguishes the two by the kind of the signature.

    Args:
        endpoint: Endpoint of the API.
        override: A URL of the caller, which has priority; may be empty.

    Raises:
        ConfigError: The caller's URL is malformed.
    """
    if override:
        parts = urlsplit(override)
        clean = override.isprintable() and " " not in override
        if (
            not clean
            or parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.query
            or parts.username
        ):
            raise ConfigError("oss_endpoint must be a URL like https://oss-cn-qingdao.aliyuncs.com")
        return override.rstrip("/")
    if endpoint.is_local:
        return "http://local"
    if (urlsplit(endpoint.base_url).hostname or "").endswith(".aliyuncs.com"):
        return f"https://oss-{endpoint.region}.aliyuncs.com"
    return endpoint.base_url


def get_object(base: str, object_url: str, start: int = 0, tail: int = 0) -> Call[bytes]:
    """Return the call that reads an object.

    Args:
        base: URL of the object storage.
        object_url: ``oss://bucket/key``.
        start: Position of the first byte.
        tail: If greater than 0, the number of bytes from the end, instead of ``start``.

    Raises:
        ValidationError: The URL of the object has another form.
    """
    bucket, key = parts_of(object_url)
    path = quote(key, safe="/~")
    if (urlsplit(base).hostname or "").endswith(".aliyuncs.com"):
        scheme, _, host = base.partition("://")
        url = f"{scheme}://{quote(bucket, safe='')}.{host}/{path}"
    else:
        url = f"{base}/{quote(bucket, safe='')}/{path}"
    byte_range = f"bytes=-{tail}" if tail else f"bytes={start}-"
    headers: dict[str, str] = {}
    if tail or start:
        # Without the second header, the response to a range that starts after the end is the whole object.
        headers = {"Range": byte_range, "x-oss-range-behavior": "standard"}
    return Call(GET_OBJECT, url, _RangeParser(start, tail), resource=f"/{bucket}/{key}", headers=headers)


@dataclass(frozen=True, slots=True)
class _RangeParser:
    start: int
    tail: int

    def __call__(self, raw: HttpResponse) -> bytes:
        if raw.status == 206:
            return raw.body
        # The server ignored the range and sent the whole object.
        return raw.body[-self.tail :] if self.tail else raw.body[self.start :]


def sign_object(
    call: Call[Any], *, credentials: Credentials, now: datetime, user_agent: str
) -> Mapping[str, str]:
    """Return the headers of a read, with the signature of the object storage (version 1, HMAC-SHA1).

    Args:
        call: The call that reads an object.
        credentials: Credentials for the signature.
        now: Time of this attempt.
        user_agent: Value of ``User-Agent``.
    """
    date = format_datetime(now, usegmt=True)
    headers = {"Date": date, "User-Agent": user_agent, **call.headers}
    if credentials.security_token:
        headers["x-oss-security-token"] = credentials.security_token
    special = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-oss-"))
    text = f"{call.operation.method}\n\n\n{date}\n{special}{call.resource}"
    secret = credentials.access_key_secret.encode("utf-8")
    signed = base64.b64encode(hmac.new(secret, text.encode("utf-8"), hashlib.sha1).digest()).decode("ascii")
    headers["Authorization"] = f"OSS {credentials.access_key_id}:{signed}"
    return headers
