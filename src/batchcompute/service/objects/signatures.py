"""Signatures of requests to object storage: versions 1 and 4, in a header or in the query."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from batchcompute.service.clock import SYSTEM_CLOCK, Clock
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
"""Names in the query that belong to the signed resource."""

_SKEW = 15 * 60
"""Seconds by which the date of a request may differ from the clock."""


_HOST = re.compile(r"([a-z0-9][a-z0-9-]{1,62})\.oss[a-z0-9-]*\.aliyuncs\.com(?::[0-9]+)?")
"""Hosts of the vendor begin with the bucket. A program that is redirected here still sends such a host."""


def path_of(request: Request) -> str:
    """Return the decoded path of a request, which begins with the bucket.

    Raises:
        BadTarget: The path is not UTF-8.
    """
    path = path_of_target(request.target)
    host = _HOST.fullmatch(request.headers.get("host", "").lower())
    return f"/{host[1]}{path}" if host else path


class SignatureCheck(NamedTuple):
    """The result of checking a signature."""

    code: str = ""
    """Code of the error; empty for a valid signature."""
    key_id: str = ""
    """Id of the access key that signed; empty for an invalid signature."""


def _resource(path: str, query: Mapping[str, str]) -> str | None:
    """Return the resource in the form that version 1 signs; None for an ambiguous one.

    The form is not encoded, so a key with a question mark, or a value with an ampersand, can look like a
    sub-resource.
    """
    pairs = sorted((name, value) for name, value in query.items() if name in SUBRESOURCES)
    ambiguous = path.partition("?")[2].split("&") if "?" in path else []
    ambiguous += [rest for _, value in pairs for rest in value.split("&")[1:]]
    if any(text.partition("=")[0] in SUBRESOURCES for text in ambiguous):
        return None
    parts = [f"{name}={value}" if value else name for name, value in pairs]
    return path + (f"?{'&'.join(parts)}" if parts else "")


def check_signature(
    request: Request, secret_of: Callable[[str], str], clock: Clock = SYSTEM_CLOCK
) -> SignatureCheck:
    """Check the signature of a request to object storage.

    Args:
        request: The request. Signatures of object storage do not cover the body.
        secret_of: Returns the secret of an access key; empty for an unknown one.
        clock: The source of time.

    Raises:
        BadTarget: The path or the query is not UTF-8.
    """
    now = clock.time()
    query = query_of(request.target)
    header = request.headers.get("authorization", "")
    if header.startswith("OSS4-") or "x-oss-signature-version" in query:
        key_id = version4.key_of(request, query)
        return _result(version4.error_of(request, path_of(request), query, secret_of, now), key_id)
    if header and not header.startswith("OSS "):
        return SignatureCheck("InvalidArgument")
    if header:
        key_id, _, signature = header[4:].partition(":")
        date = request.headers.get("x-oss-date") or request.headers.get("date", "")
        if not _is_near(date, now):
            return SignatureCheck("RequestTimeTooSkewed")
    elif "OSSAccessKeyId" not in query:
        return SignatureCheck("AccessDenied")
    else:
        key_id, signature, date = (
            query["OSSAccessKeyId"],
            query.get("Signature", ""),
            query.get("Expires", ""),
        )
        if not re.fullmatch("[0-9]{1,12}", date) or int(date) < now:
            return SignatureCheck("AccessDenied")
    return _result(_version1(request, query, date, signature, secret_of(key_id)), key_id)


def _result(code: str, key_id: str) -> SignatureCheck:
    return SignatureCheck(code, "" if code else key_id)


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
    computed = base64.b64encode(
        hmac.new(secret.encode(), text.encode("utf-8", "replace"), hashlib.sha1).digest()
    )
    return (
        "" if hmac.compare_digest(computed, signature.encode("utf-8", "replace")) else "SignatureDoesNotMatch"
    )


def _is_near(date: str, now: float) -> bool:
    moment = date_of(date)
    return moment is not None and abs(moment.timestamp() - now) <= _SKEW
