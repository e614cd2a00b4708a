"""Objects in object storage, as far as a client of the jobs needs them: addresses and signed reads."""

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
"""The one operation of object storage that the client makes by itself."""


@dataclass(frozen=True, slots=True)
class InstanceLogs:
    """What an instance has written, as far as it is stored."""

    stdout: str
    """What it has written to stdout; empty where nothing is stored."""
    stderr: str
    """What it has written to stderr; empty where nothing is stored."""


def parts_of(place: str) -> tuple[str, str]:
    """Return the bucket and the key of ``oss://bucket/key``.

    Raises:
        ValidationError: It is no such address.
    """
    scheme, found, rest = place.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "oss" or not found or not bucket or not key:
        raise ValidationError([Problem("object", repr(place), "must be an address like oss://bucket/key")])
    return bucket, key


def object_base(endpoint: Endpoint, given: str) -> str:
    """Return the URL of the object storage that belongs to an endpoint.

    The regions of the vendor have their own; any other service answers for its objects at the URL of
    its API, where the kind of the signature tells the two apart.

    Args:
        endpoint: Where the API is.
        given: A URL of the caller's, which wins; may be empty.

    Raises:
        ConfigError: The caller's is no URL.
    """
    if given:
        parts = urlsplit(given)
        clean = given.isprintable() and " " not in given
        if (
            not clean
            or parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.query
            or parts.username
        ):
            raise ConfigError("oss_endpoint must be a URL like https://oss-cn-qingdao.aliyuncs.com")
        return given.rstrip("/")
    if endpoint.is_local:
        return "http://local"
    if (urlsplit(endpoint.base_url).hostname or "").endswith(".aliyuncs.com"):
        return f"https://oss-{endpoint.region}.aliyuncs.com"
    return endpoint.base_url


def get_object(base: str, place: str, start: int = 0, tail: int = 0) -> Call[bytes]:
    """Make the call that reads an object.

    Args:
        base: URL of the object storage.
        place: ``oss://bucket/key``.
        start: The first byte that is wanted.
        tail: In its place: how many bytes are wanted from the end.

    Raises:
        ValidationError: It is no such address.
    """
    bucket, key = parts_of(place)
    path = quote(key, safe="/~")
    if (urlsplit(base).hostname or "").endswith(".aliyuncs.com"):
        scheme, _, host = base.partition("://")
        url = f"{scheme}://{quote(bucket, safe='')}.{host}/{path}"
    else:
        url = f"{base}/{quote(bucket, safe='')}/{path}"
    wanted = f"bytes=-{tail}" if tail else f"bytes={start}-"
    headers: dict[str, str] = {}
    if tail or start:
        # Without the second one, a range that begins behind the end is answered with the whole object.
        headers = {"Range": wanted, "x-oss-range-behavior": "standard"}
    return Call(GET_OBJECT, url, _Body(start, tail), resource=f"/{bucket}/{key}", headers=headers)


@dataclass(frozen=True, slots=True)
class _Body:
    start: int
    tail: int

    def __call__(self, raw: HttpResponse) -> bytes:
        if raw.status == 206:
            return raw.body
        # The range was not heeded: all of it came.
        return raw.body[-self.tail :] if self.tail else raw.body[self.start :]


def sign_object(
    call: Call[Any], *, credentials: Credentials, now: datetime, user_agent: str
) -> Mapping[str, str]:
    """Return the headers of a read, signed as object storage wants it (version 1, HMAC-SHA1).

    Args:
        call: The read.
        credentials: Who signs.
        now: Time of this attempt.
        user_agent: What to send as ``User-Agent``.
    """
    date = format_datetime(now, usegmt=True)
    headers = {"Date": date, "User-Agent": user_agent, **call.headers}
    if credentials.security_token:
        headers["x-oss-security-token"] = credentials.security_token
    special = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-oss-"))
    text = f"{call.operation.method}\n\n\n{date}\n{special}{call.resource}"
    secret = credentials.access_key_secret.encode("utf-8")
    made = base64.b64encode(hmac.new(secret, text.encode("utf-8"), hashlib.sha1).digest()).decode("ascii")
    headers["Authorization"] = f"OSS {credentials.access_key_id}:{made}"
    return headers
