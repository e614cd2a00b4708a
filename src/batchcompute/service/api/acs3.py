"""Verifies ACS3-HMAC-SHA256 signatures, which the vendor's generated clients use."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from batchcompute.service.requests import query_of

__all__: list[str] = []

SCHEME = "ACS3-HMAC-SHA256"


_ALWAYS = frozenset({"host", "x-acs-date", "x-acs-content-sha256"})
"""Headers that have to be signed: without them, a signature would be valid for any time, host and body."""


def fields_of(authorization: str) -> dict[str, str]:
    """Return the fields of an ``Authorization`` header: ``Credential``, ``SignedHeaders`` and ``Signature``."""
    return dict(re.findall(r"(\w+)=([^,\s]*)", authorization))


def date_of(text: str) -> datetime | None:
    """Return the time of an ACS3 date such as ``2026-11-23T08:00:00Z``; None for any other text."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def unsigned(headers: Mapping[str, str], fields: Mapping[str, str]) -> list[str]:
    """Return the headers that have to be signed and are not.

    Args:
        headers: Headers with lower-case names.
        fields: What `fields_of` returned.
    """
    signed = set(fields.get("SignedHeaders", "").split(";"))
    wanted = _ALWAYS | {name for name in headers if name.startswith("x-acs-")}
    return sorted((wanted - signed) | (_ALWAYS - set(headers)))


def covers(headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether the signed digest is the digest of the body."""
    digest = headers.get("x-acs-content-sha256", "")
    return hmac.compare_digest(digest.encode("utf-8", "replace"), hashlib.sha256(body).hexdigest().encode())


def verify(
    method: str, target: str, headers: Mapping[str, str], secret: str, fields: Mapping[str, str]
) -> bool:
    """Return whether a signature is correct. `covers` checks the digest of the body.

    The signature covers the hash of a canonical request: the method, the path, the sorted query, the signed headers,
    and the digest of the body.

    Args:
        method: HTTP method.
        target: Path and query as they were sent.
        headers: Headers with lower-case names.
        secret: Secret of the access key.
        fields: What `fields_of` returned.

    Raises:
        BadTarget: The query is not UTF-8, or names a key twice.
    """
    names = fields.get("SignedHeaders", "").split(";")
    pairs = sorted(query_of(target).items())
    canonical = "\n".join(
        [
            method,
            target.partition("?")[0] or "/",
            "&".join(f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in pairs),
            "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in names),
            ";".join(names),
            headers.get("x-acs-content-sha256", ""),
        ]
    )
    text = f"{SCHEME}\n{hashlib.sha256(canonical.encode('utf-8', 'replace')).hexdigest()}"
    signature = hmac.new(secret.encode("utf-8"), text.encode("utf-8"), hashlib.sha256).hexdigest()
    return hmac.compare_digest(signature.encode(), fields.get("Signature", "").encode("utf-8", "replace"))
