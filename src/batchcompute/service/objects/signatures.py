"""Signatures of requests to object storage: versions 1 and 4, in a header or in the query."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from batchcompute.operations import OPERATIONS
from batchcompute.service.objects import version4
from batchcompute.service.wire import Request, query_of

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

_API = frozenset(row.path.split("/")[1] for row in OPERATIONS.values())

_SKEW = 15 * 60
"""Seconds that a request's date may be off."""


_HOST = re.compile(r"([a-z0-9][a-z0-9-]{1,62})\.oss[a-z0-9-]*\.aliyuncs\.com(?::[0-9]+)?")
"""The vendor's own hosts have the bucket in front; a program that is redirected here still says so."""


def path_of(request: Request) -> str:
    """Return the decoded path of a request, which begins with the bucket."""
    path = unquote(request.target.partition("?")[0])
    host = _HOST.fullmatch(request.headers.get("host", "").lower())
    return f"/{host[1]}{path}" if host else path


def is_for_objects(request: Request) -> bool:
    """Tell whether a request is one to object storage: its signature is of that kind.

    One that is not signed at all can be none of the API, whose paths are few.
    """
    given = request.headers.get("authorization", "")
    if given:
        return given.startswith(("OSS ", "OSS2 ", "OSS4-"))
    if "OSSAccessKeyId=" in request.target or "x-oss-signature" in request.target:
        return True
    root = request.target.partition("?")[0].split("/")[1:2]
    return bool(root and root[0]) and root[0] not in _API


def _resource(path: str, query: Mapping[str, str]) -> str:
    parts = [
        f"{name}={value}" if value else name for name, value in sorted(query.items()) if name in SUBRESOURCES
    ]
    return path + (f"?{'&'.join(parts)}" if parts else "")


def why_not(request: Request, secret_of: Callable[[str], str], now: float | None = None) -> str:
    """Return the code of what is wrong with a request's signature; empty for a right one.

    Args:
        request: The request.
        secret_of: Returns the secret of an access key; empty for an unknown one.
        now: Seconds since 1970.
    """
    now = time.time() if now is None else now
    query = query_of(request.target)
    headers = request.headers
    given = headers.get("authorization", "")
    if given.startswith("OSS4-") or "x-oss-signature-version" in query:
        return version4.why_not(request, path_of(request), query, secret_of, now)
    if given and not given.startswith("OSS "):
        return "InvalidArgument"
    if given:
        key_id, _, signature = given[4:].partition(":")
        date = headers.get("x-oss-date") or headers.get("date", "")
        if not _is_near(date, now):
            return "RequestTimeTooSkewed"
    elif "OSSAccessKeyId" not in query:
        return "AccessDenied"
    else:
        key_id, signature, date = (
            query["OSSAccessKeyId"],
            query.get("Signature", ""),
            query.get("Expires", ""),
        )
        if not date.isascii() or not date.isdigit() or int(date) < now:
            return "AccessDenied"
    secret = secret_of(key_id)
    if not secret:
        return "InvalidAccessKeyId"
    special = "".join(
        f"{name}:{value}\n" for name, value in sorted(headers.items()) if name.startswith("x-oss-")
    )
    lines = [request.method, headers.get("content-md5", ""), headers.get("content-type", ""), date]
    text = "\n".join([*lines, special + _resource(path_of(request), query)])
    made = base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest())
    return "" if hmac.compare_digest(made, signature.encode("utf-8", "replace")) else "SignatureDoesNotMatch"


def _is_near(date: str, now: float) -> bool:
    from email.utils import parsedate_to_datetime

    try:
        return abs(parsedate_to_datetime(date).timestamp() - now) <= _SKEW
    except (ValueError, TypeError, OverflowError):
        return False
