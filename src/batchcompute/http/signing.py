"""Signing requests, and telling whether a signature is right (REST API, 1).

Everything here is pure: the clock and the nonce come in as arguments, so that each attempt of a
request can be signed anew and each test can be exact. Clients sign with `sign`; the service
verifies with `verify`, which accepts every variant that a published SDK sends.
"""

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
"""The version of the API, sent as ``x-acs-version``."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key pair, and the STS token that belongs to it where it is a temporary one."""

    access_key_id: str
    """Access key id."""
    access_key_secret: str = field(repr=False)
    """Access key secret; never shown."""
    security_token: str = field(default="", repr=False)
    """STS token, or empty; never shown."""

    def __post_init__(self) -> None:
        for name in ("access_key_id", "access_key_secret", "security_token"):
            text: object = getattr(self, name)
            if name == "security_token":
                # As the old SDK did it: a token is long, and copied with what stands around it.
                text = text.strip() if isinstance(text, str) else "" if text is None else text
                object.__setattr__(self, name, text)
            if not isinstance(text, str):
                raise ConfigError(f"{name} must be a text, not {type(text).__name__}")
            problem = header_problem(text)
            if problem:
                # The HTTP library would quote what it refuses.
                raise ConfigError(f"{name} {problem}; it was not copied well")


def header_problem(text: str) -> str:
    """Return why a text cannot be sent as it is in a header, to go after its name; empty if it can."""
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        return "holds a line break or another control character"
    if text != text.strip():
        return "begins or ends with blanks"
    return "holds half a character" if any("\ud800" <= letter <= "\udfff" for letter in text) else ""


def string_to_sign(method: str, target: str, headers: Mapping[str, str]) -> str:
    """Build the text that is signed (REST API, 1.1).

    Args:
        method: HTTP method.
        target: Path and query as they are sent.
        headers: Every header of the request; names in any case.
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
    # All requests of a second share it, which spares each of them a twentieth of its signature.
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
    """Return the headers of a request, with its signature.

    Args:
        method: HTTP method.
        target: Path and query exactly as they will be sent.
        body: The body; empty for none.
        credentials: Who signs.
        region: What to send as ``x-acs-region-id``.
        now: Time of this attempt; the service refuses one that is 15 minutes off.
        nonce: A text that no other request has.
        user_agent: What to send as ``User-Agent``.
        version: Version of the API.
        extra: Headers of the caller's; they win over any other one, save ``Authorization``.
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
        # An odd name for an odd value, and not part of the signature; the old SDK sent it so.
        headers["contentMd5"] = hashlib.md5(body, usedforsecurity=False).hexdigest()
    for name, value in (extra or {}).items():
        if name.lower() == "authorization":
            continue
        for known in [known for known in headers if known.lower() == name.lower()]:
            del headers[known]
        headers[name] = value
    text = string_to_sign(method, target, headers)
    made = signature(credentials.access_key_secret, text)
    headers["Authorization"] = f"acs {credentials.access_key_id}:{made}"
    return headers


def _pairs(target: str) -> tuple[str, list[tuple[str, str]]]:
    """Return what a target means: its decoded path, and the decoded pairs of its query in order of names."""
    path, _, query = target.partition("?")
    pairs = (part.partition("=") for part in query.split("&") if part)
    return unquote(path), sorted((unquote(key), unquote(value.replace("+", " "))) for key, _, value in pairs)


def _decoded(target: str) -> str:
    """Return the target as the Java and Node SDKs sign it: decoded, and bare keys for empty values."""
    path, mark, query = target.partition("?")
    parts: list[str] = []
    for part in query.split("&") if mark else []:
        key, _, value = part.partition("=")
        parts.append(f"{unquote(key)}={unquote(value)}" if value else unquote(key))
    return unquote(path) + (f"?{'&'.join(sorted(parts))}" if parts else "")


def _targets(target: str) -> Iterable[str]:
    """Every form of the target that some SDK signs (REST API, 1.1)."""
    yield target
    path, mark, query = target.partition("?")
    if mark:
        bare = [part[:-1] if part.endswith("=") else part for part in query.split("&") if part]
        yield f"{path}?{'&'.join(sorted(bare))}" if bare else path
    decoded = _decoded(target)
    # A text that another target has, too, is the signature of neither: ``?a%3Db`` would pass for ``?a=b``.
    if _pairs(decoded) == _pairs(target) and decoded.partition("?")[0].count("/") == path.count("/"):
        yield decoded


def verify(method: str, target: str, headers: Mapping[str, str], secret: str, given: str) -> bool:
    """Tell whether a signature is right, in time that does not depend on where it is wrong.

    Args:
        method: HTTP method.
        target: Path and query as they came.
        headers: Every header of the request.
        secret: The secret that belongs to the access key.
        given: The signature that came.
    """
    right = False
    for form in _targets(target):
        made = signature(secret, string_to_sign(method, form, headers))
        right |= hmac.compare_digest(made.encode("ascii"), given.encode("utf-8", "replace"))
    return right
