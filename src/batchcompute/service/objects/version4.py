"""Signatures of version 4, which the vendor's current libraries make."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from batchcompute.service.requests import Request

__all__: list[str] = []

_NAME = "OSS4-HMAC-SHA256"
_LAST = "aliyun_v4_request"
_UNSIGNED = "UNSIGNED-PAYLOAD"
_SKEW = 15 * 60
_LONGEST = 7 * 24 * 3600
"""Longest validity of a signed URL, in seconds."""


def key_of(request: Request, query: Mapping[str, str]) -> str:
    """Return the id of the access key that a request claims to be signed with; empty for none."""
    header = request.headers.get("authorization", "")
    credential = _fields(header).get("Credential", "") if header else query.get("x-oss-credential", "")
    return credential.partition("/")[0]


def _fields(authorization: str) -> dict[str, str]:
    return dict(re.findall(r"(\w+)=([^,\s]*)", authorization))


def error_of(
    request: Request, path: str, query: Mapping[str, str], secret_of: Callable[[str], str], now: float
) -> str:
    """Return the code of the error in a signature; empty for a valid signature.

    Args:
        request: The request.
        path: Decoded path of the request, which begins with the bucket.
        query: The parsed query.
        secret_of: Returns the secret of an access key; empty for an unknown one.
        now: Seconds since 1970.
    """
    headers = request.headers
    header = headers.get("authorization", "")
    if (header.partition(" ")[0] if header else query.get("x-oss-signature-version", "")) != _NAME:
        return "InvalidArgument"
    if header:
        fields = _fields(header)
        credential, signature = fields.get("Credential", ""), fields.get("Signature", "")
        additional = fields.get("AdditionalHeaders", "")
        date = headers.get("x-oss-date", "")
        expires = -1
    else:
        credential, signature = query.get("x-oss-credential", ""), query.get("x-oss-signature", "")
        additional = query.get("x-oss-additional-headers", "")
        date = query.get("x-oss-date", "")
        text = query.get("x-oss-expires", "")
        expires = int(text) if re.fullmatch("[0-9]{1,7}", text) else 0
    key_id, _, scope = credential.partition("/")
    moment = _parsed_time(date)
    if moment is None or not scope:
        return "AccessDenied"
    age = (datetime.fromtimestamp(now, UTC) - moment) / timedelta(seconds=1)
    if expires < 0 and abs(age) > _SKEW:
        return "RequestTimeTooSkewed"
    if expires >= 0 and not -_SKEW <= age <= min(expires, _LONGEST):
        return "AccessDenied"
    secret = secret_of(key_id)
    if not secret:
        return "InvalidAccessKeyId"
    if headers.get("x-oss-content-sha256", _UNSIGNED) != _UNSIGNED:
        # Signatures of object storage do not cover the body, so a digest of it would not be checked.
        return "InvalidArgument"
    parts = scope.split("/")
    if len(parts) != 4 or parts[2:] != ["oss", _LAST] or parts[0] != date[:8] or not scope.isascii():
        return "SignatureDoesNotMatch"
    canonical = _canonical(request, path, query, {name for name in additional.split(";") if name})
    digest = hashlib.sha256(canonical.encode("utf-8", "replace")).hexdigest()
    key = f"aliyun_v4{secret}".encode()
    for part in parts:
        key = hmac.new(key, part.encode("utf-8", "replace"), hashlib.sha256).digest()
    right = hmac.new(
        key, "\n".join([_NAME, date, scope, digest]).encode("utf-8", "replace"), hashlib.sha256
    ).hexdigest()
    return (
        ""
        if hmac.compare_digest(right.encode(), signature.encode("utf-8", "replace"))
        else "SignatureDoesNotMatch"
    )


def _canonical(request: Request, path: str, query: Mapping[str, str], additional: set[str]) -> str:
    pairs = sorted(
        (quote(key, safe=""), quote(value, safe=""))
        for key, value in query.items()
        if key != "x-oss-signature"
    )
    signed = {
        name: value
        for name, value in request.headers.items()
        if name in ("content-type", "content-md5") or name.startswith("x-oss-") or name in additional
    }
    return "\n".join(
        [
            request.method,
            quote(path, safe="/~-_."),
            "&".join(f"{key}={value}" if value else key for key, value in pairs),
            "".join(f"{name}:{value.strip()}\n" for name, value in sorted(signed.items())),
            ";".join(sorted(additional)),
            request.headers.get("x-oss-content-sha256", _UNSIGNED),
        ]
    )


def _parsed_time(date: str) -> datetime | None:
    try:
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
