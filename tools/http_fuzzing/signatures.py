"""Signatures of requests, made without the code of the service."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from urllib.parse import quote, quote_from_bytes, unquote

from batchcompute import Credentials
from batchcompute.http.signing import API_VERSION, sign
from batchcompute.service.objects.signatures import SUBRESOURCES

ID, SECRET, HOST = "id", "s3cret", "127.0.0.1"
"""The key pair of the server, and its address."""


def to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _mac(key: bytes, text: str, kind: str = "sha256") -> bytes:
    return hmac.digest(key, to_bytes(text), kind)


def _pairs(target: str, skip: str = "") -> list[tuple[str, str]]:
    parts = (part.partition("=") for part in target.partition("?")[2].split("&") if part)
    return sorted(
        (unquote(name), unquote(value.replace("+", " "))) for name, _, value in parts if name != skip
    )


def _query(pairs: list[tuple[str, str]], bare: bool) -> str:
    quoted = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in pairs)
    return "&".join(name if bare and not value else f"{name}={value}" for name, value in quoted)


def sign_api(method: str, target: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """Return headers with the API's first signature."""
    credentials, nonce, now = Credentials(ID, SECRET), os.urandom(8).hex(), datetime.now(UTC)
    more = {"credentials": credentials, "region": "local", "now": now, "nonce": nonce, "user_agent": "fuzz"}
    extra = {name: text.encode("utf-8", "replace").decode() for name, text in headers.items()}
    return sign(method, target, body, extra=extra, **more)  # type: ignore[arg-type]


def sign_api3(method: str, target: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """Return headers with ACS3-HMAC-SHA256."""
    digest, scheme = hashlib.sha256(body).hexdigest(), "ACS3-HMAC-SHA256"
    made = {"host": HOST, "x-acs-content-sha256": digest, "x-acs-version": API_VERSION, **headers}
    made["x-acs-date"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    names = ";".join(sorted(made))
    lines = "".join(f"{name}:{made[name].strip()}\n" for name in sorted(made))
    canonical = [method, target.partition("?")[0], _query(_pairs(target), False), lines, names, digest]
    text = f"{scheme}\n{hashlib.sha256(to_bytes(chr(10).join(canonical))).hexdigest()}"
    right = _mac(SECRET.encode(), text).hex()
    return {**made, "authorization": f"{scheme} Credential={ID},SignedHeaders={names},Signature={right}"}


def version1(method: str, target: str, headers: Mapping[str, str], date: str) -> str:
    """Return object storage's first signature."""
    special = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-oss-"))
    named = [f"{name}={value}" if value else name for name, value in _pairs(target) if name in SUBRESOURCES]
    path = unquote(target.partition("?")[0], errors="surrogateescape")
    lines = [method, headers.get("content-md5", ""), headers.get("content-type", ""), date, special + path]
    text = "\n".join(lines) + ("?" if named else "") + "&".join(named)
    return base64.b64encode(_mac(SECRET.encode(), text, "sha1")).decode()


def version4(method: str, target: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers with object storage's fourth signature."""
    moment, unsigned = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"), "UNSIGNED-PAYLOAD"
    made = {**headers, "x-oss-date": moment, "x-oss-content-sha256": unsigned}
    signed = [
        name for name in sorted(made) if name[:6] == "x-oss-" or name in ("content-type", "content-md5")
    ]
    path = quote_from_bytes(
        to_bytes(unquote(target.partition("?")[0], errors="surrogateescape")), safe="/~-_."
    )
    lines = "".join(f"{name}:{made[name].strip()}\n" for name in signed)
    canonical = "\n".join([method, path, _query(_pairs(target), True), lines, "", unsigned])
    key, scope = f"aliyun_v4{SECRET}".encode(), f"{moment[:8]}/cn-hangzhou/oss/aliyun_v4_request"
    for part in scope.split("/"):
        key = _mac(key, part)
    text = f"OSS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(to_bytes(canonical)).hexdigest()}"
    right = _mac(key, text).hex()
    return {**made, "authorization": f"OSS4-HMAC-SHA256 Credential={ID}/{scope},Signature={right}"}


def sign_objects(
    scheme: str, method: str, target: str, headers: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """Return target and headers of a request, signed by version ``1``, by a ``url`` of it, or by version ``4``."""
    if scheme == "4":
        return target, version4(method, target, headers)
    if scheme == "1":
        date = formatdate(usegmt=True)
        right = f"OSS {ID}:{version1(method, target, headers, date)}"
        return target, {**headers, "date": date, "authorization": right}
    expires, mark = str(int(time.time()) + 600), "&" if "?" in target else "?"
    right = quote(version1(method, target, headers, expires), safe="")
    return f"{target}{mark}OSSAccessKeyId={ID}&Expires={expires}&Signature={right}", dict(headers)


def wire(method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """Return a request as bytes."""
    lines = {"host": HOST, "content-length": str(len(body))} | {
        name.lower(): headers[name] for name in headers
    }
    head = "".join(f"{name}: {text}\r\n" for name, text in lines.items())
    return to_bytes(f"{method} {target} HTTP/1.1\r\n{head}\r\n") + body
