"""Signatures of requests to object storage: versions 1 and 4, in a header or in the query."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from batchcompute.service.objects import version4
from batchcompute.service.requests import Request, date_of, path_of_target, query_of

__all__: list[str] = []

SUBRESOURCES = frozenset(
    [
        "acl",
        "append",
        "bucketInfo",
        "comp",
        "continuation-token",
        "cors",
        "delete",
        "encryption",
        "endTime",
        "img",
        "inventory",
        "lifecycle",
        "live",
        "location",
        "logging",
        "objectMeta",
        "partNumber",
        "policy",
        "position",
        "qos",
        "referer",
        "replication",
        "requestPayment",
        "restore",
        "security-token",
        "startTime",
        "stat",
        "status",
        "style",
        "styleName",
        "symlink",
        "tagging",
        "uploadId",
        "uploads",
        "versionId",
        "versioning",
        "versions",
        "vod",
        "website",
        "x-oss-process",
        "response-cache-control",
        "response-content-disposition",
        "response-content-encoding",
        "response-content-language",
        "response-content-type",
        "response-expires",
    ]
)
"""Names of the query that are part of the resource."""

_SKEW = 15 * 60
"""Seconds that a request's date may be off."""


_HOST = re.compile(r"([a-z0-9][a-z0-9-]{1,62})\.oss[a-z0-9-]*\.aliyuncs\.com(?::[0-9]+)?")
"""The vendor's own hosts have the bucket in front; a program that is redirected here still says so."""


def path_of(request: Request) -> str:
    """Return the decoded path of a request, which begins with the bucket.

    Raises:
        BadTarget: It is no text.
    """
    path = path_of_target(request.target)
    host = _HOST.fullmatch(request.headers.get("host", "").lower())
    return f"/{host[1]}{path}" if host else path


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a signature is worth."""

    code: str = ""
    """Code of what is wrong with it; empty for a right one."""
    key_id: str = ""
    """The access key that signed, if it is right."""


def _resource(path: str, query: Mapping[str, str]) -> str | None:
    """Return the resource as version 1 signs it; None for one that reads like another one.

    Nothing is encoded in it, so a key with a question mark, or a value with an ampersand, can look as if it
    named a sub-resource.
    """
    pairs = sorted((name, value) for name, value in query.items() if name in SUBRESOURCES)
    imitated = path.partition("?")[2].split("&") if "?" in path else []
    imitated += [rest for _, value in pairs for rest in value.split("&")[1:]]
    if any(text.partition("=")[0] in SUBRESOURCES for text in imitated):
        return None
    parts = [f"{name}={value}" if value else name for name, value in pairs]
    return path + (f"?{'&'.join(parts)}" if parts else "")


def verdict(request: Request, secret_of: Callable[[str], str], now: float | None = None) -> Verdict:
    """Judge the signature of a request to object storage.

    Args:
        request: The request; its body is not looked at.
        secret_of: Returns the secret of an access key; empty for an unknown one.
        now: Seconds since 1970.

    Raises:
        BadTarget: The path or the query is no text.
    """
    now = time.time() if now is None else now
    query = query_of(request.target)
    given = request.headers.get("authorization", "")
    if given.startswith("OSS4-") or "x-oss-signature-version" in query:
        key_id = version4.key_of(request, query)
        return _verdict(version4.why_not(request, path_of(request), query, secret_of, now), key_id)
    if given and not given.startswith("OSS "):
        return Verdict("InvalidArgument")
    if given:
        key_id, _, signature = given[4:].partition(":")
        date = request.headers.get("x-oss-date") or request.headers.get("date", "")
        if not _is_near(date, now):
            return Verdict("RequestTimeTooSkewed")
    elif "OSSAccessKeyId" not in query:
        return Verdict("AccessDenied")
    else:
        key_id, signature, date = (
            query["OSSAccessKeyId"],
            query.get("Signature", ""),
            query.get("Expires", ""),
        )
        if not re.fullmatch("[0-9]{1,12}", date) or int(date) < now:
            return Verdict("AccessDenied")
    return _verdict(_version1(request, query, date, signature, secret_of(key_id)), key_id)


def _verdict(code: str, key_id: str) -> Verdict:
    return Verdict(code, "" if code else key_id)


def _version1(request: Request, query: Mapping[str, str], date: str, signature: str, secret: str) -> str:
    if not secret:
        return "InvalidAccessKeyId"
    headers = request.headers
    special = "".join(
        f"{name}:{value}\n" for name, value in sorted(headers.items()) if name.startswith("x-oss-")
    )
    resource = _resource(path_of(request), query)
    if resource is None:
        return "InvalidArgument"
    lines = [request.method, headers.get("content-md5", ""), headers.get("content-type", ""), date]
    text = "\n".join([*lines, special + resource])
    made = base64.b64encode(hmac.new(secret.encode(), text.encode("utf-8", "replace"), hashlib.sha1).digest())
    return "" if hmac.compare_digest(made, signature.encode("utf-8", "replace")) else "SignatureDoesNotMatch"


def _is_near(date: str, now: float) -> bool:
    found = date_of(date)
    return found is not None and abs(found.timestamp() - now) <= _SKEW
