"""The signatures of requests: pure functions that sign and verify (REST API, 1)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import unquote

from batchcompute.errors import ConfigError

__all__ = ["API_VERSION", "Credentials", "sign", "signature", "string_to_sign", "verify"]

API_VERSION = "2015-11-11"
"""Version of the API, sent as ``x-acs-version``."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key pair, and the STS token of a temporary pair."""

    access_key_id: str
    """Access key id."""
    access_key_secret: str = field(repr=False)
    """Access key secret; never shown."""
    security_token: str = field(default="", repr=False)
    """STS token; empty for a permanent pair; never shown."""

    def __post_init__(self) -> None:
        for name in ("access_key_id", "access_key_secret", "security_token"):
            text: object = getattr(self, name)
            if name == "security_token":
                # As in the old SDK, because a long token is often copied with white space around it.
                text = text.strip() if isinstance(text, str) else "" if text is None else text
                object.__setattr__(self, name, text)
            if not isinstance(text, str):
                raise ConfigError(f"{name} must be a text, not {type(text).__name__}")
            problem = header_problem(text)
            if problem:
                # Checked here, because the error of the HTTP library would show the value.
                raise ConfigError(f"{name} {problem}; copy it again from its source")


def header_problem(text: str) -> str:
    """Return the reason why a header cannot hold a text, as a predicate; empty if it can."""
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        return "contains a line break or another control character"
    if text != text.strip():
        return "begins or ends with white space"
    return "contains a lone surrogate" if any("\ud800" <= letter <= "\udfff" for letter in text) else ""


def string_to_sign(method: str, target: str, headers: Mapping[str, str]) -> str:
    """Return the text that is signed (REST API, 1.1).

    Args:
        method: HTTP method.
        target: Path and query as they are sent.
        headers: All headers of the request; names in any case.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    # The Node SDK sends x-acs-date and no Date.
    date = lowered.get("x-acs-date") or lowered.get("date", "")
    lines = [
        method,
        lowered.get("accept", "").strip(),
        lowered.get("content-md5", "").strip(),
        lowered.get("content-type", "").strip(),
        date,
    ]
    special = sorted([name for name in lowered if name.startswith("x-acs-")])
    lines += [f"{name.strip()}:{lowered[name]}" for name in special]
    lines.append(target)
    return "\n".join(lines)


def signature(secret: str, text: str) -> str:
    """Return the base64 HMAC-SHA1 of a text."""
    digest = hmac.digest(secret.encode("utf-8"), text.encode("utf-8"), "sha1")
    return base64.b64encode(digest).decode("ascii")


@lru_cache(maxsize=2)
def _http_date(seconds: int) -> str:
    # Cached, because formatting takes 5 % of the time of a signature.
    return format_datetime(datetime.fromtimestamp(seconds, UTC), usegmt=True)


def sign(
    method: str,
    target: str,
    body: bytes,
    *,
    credentials: Credentials,
    region: str,
    now: datetime,
    nonce: str,
    user_agent: str,
    version: str = API_VERSION,
    extra: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the headers of a request, including the signature.

    Args:
        method: HTTP method.
        target: Path and query exactly as they will be sent.
        body: The body; empty if there is none.
        credentials: Credentials for the signature.
        region: Value of ``x-acs-region-id``.
        now: Time of this attempt; the service rejects a time that differs by more than 15 minutes.
        nonce: A text that no other request has.
        user_agent: Value of ``User-Agent``.
        version: Version of the API.
        extra: Headers of the caller, which override all headers but ``Authorization``.
    """
    headers = {
        "Date": _http_date(int(now.timestamp())),
        "x-acs-region-id": region,
        "x-acs-access-key-id": credentials.access_key_id,
        "x-acs-signature-method": "HMAC-SHA1",
        "x-acs-signature-version": "1.0",
        "x-acs-version": version,
        "x-acs-signature-nonce": nonce,
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": user_agent,
        "Content-Length": str(len(body)),
    }
    if credentials.security_token:
        headers["x-acs-security-token"] = credentials.security_token
    if body:
        # The old SDK sent this header, which is not part of the signature (REST API, 1.1).
        headers["contentMd5"] = hashlib.md5(body, usedforsecurity=False).hexdigest()
    for name, value in (extra or {}).items():
        if name.lower() == "authorization":
            continue
        for known in [known for known in headers if known.lower() == name.lower()]:
            del headers[known]
        headers[name] = value
    text = string_to_sign(method, target, headers)
    signed = signature(credentials.access_key_secret, text)
    headers["Authorization"] = f"acs {credentials.access_key_id}:{signed}"
    return headers


def _pairs(target: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the decoded path of a target, and the decoded and sorted pairs of its query."""
    path, _, query = target.partition("?")
    pairs = (part.partition("=") for part in query.split("&") if part)
    return unquote(path), sorted((unquote(key), unquote(value.replace("+", " "))) for key, _, value in pairs)


def _decoded(target: str) -> str:
    """Return a target as the Java and Node SDKs sign it: decoded, with a bare key for an empty value."""
    path, mark, query = target.partition("?")
    parts: list[str] = []
    for part in query.split("&") if mark else []:
        key, _, value = part.partition("=")
        parts.append(f"{unquote(key)}={unquote(value)}" if value else unquote(key))
    return unquote(path) + (f"?{'&'.join(sorted(parts))}" if parts else "")


def _targets(target: str) -> Iterable[str]:
    """Yield the forms of a target that the SDKs sign (REST API, 1.1)."""
    yield target
    path, mark, query = target.partition("?")
    if mark:
        bare = [part[:-1] if part.endswith("=") else part for part in query.split("&") if part]
        yield f"{path}?{'&'.join(sorted(bare))}" if bare else path
    decoded = _decoded(target)
    # The decoded form counts only if it is unambiguous. Otherwise a signature of ``?a=b`` would be valid for
    # ``?a%3Db``.
    if _pairs(decoded) == _pairs(target) and decoded.partition("?")[0].count("/") == path.count("/"):
        yield decoded


def verify(method: str, target: str, headers: Mapping[str, str], secret: str, received: str) -> bool:
    """Return whether a signature is valid for any form of the target that a published SDK signs.

    The duration does not depend on the position of the first difference.

    Args:
        method: HTTP method.
        target: Path and query as they were received.
        headers: All headers of the request.
        secret: Secret of the access key.
        received: The received signature.
    """
    valid = False
    for form in _targets(target):
        expected = signature(secret, string_to_sign(method, form, headers))
        valid |= hmac.compare_digest(expected.encode("ascii"), received.encode("utf-8", "replace"))
    return valid
