"""Reading objects over the object storage's own HTTP API (version 1 of its signatures)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote
from xml.sax.saxutils import escape

from batchcompute.errors import ValidationError
from batchcompute.service.wire import Request, Response, new_request_id

if TYPE_CHECKING:
    from batchcompute.service.objects.directory import DirectoryStore

__all__: list[str] = []

_RANGE = re.compile("bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))")


def is_for_objects(request: Request) -> bool:
    """Tell whether a request is one to object storage: its signature is of that kind."""
    return request.headers.get("authorization", "").startswith("OSS ")


class ObjectApi:
    """Answers requests to object storage.

    Args:
        store: The objects.
        secret_of: Returns the secret of an access key; empty for an unknown one.
    """

    def __init__(self, store: DirectoryStore, secret_of: Callable[[str], str]) -> None:
        self._store = store
        self._secret_of = secret_of

    def answer(self, request: Request) -> Response:
        """Answer a request."""
        path = unquote(request.target.partition("?")[0])
        if not self._is_signed(request, path):
            text = "The request signature we calculated does not match the signature you provided."
            return _refuse(403, "SignatureDoesNotMatch", text)
        if request.method not in ("GET", "HEAD"):
            return _refuse(501, "NotImplemented", "Objects can be read here, and not yet be written.")
        try:
            file = self._store.path(f"oss:/{path}")
            size = file.stat().st_size
        except (OSError, ValidationError):
            return _refuse(404, "NoSuchKey", "The specified key does not exist.")
        if not file.is_file():
            return _refuse(404, "NoSuchKey", "The specified key does not exist.")
        start, end, partial = 0, size, False
        wanted = _RANGE.fullmatch(request.headers.get("range", ""))
        if wanted:
            first, last, suffix = wanted.groups()
            start = max(0, size - int(suffix)) if suffix else int(first)
            end = min(size, int(last) + 1) if last else size
            partial = True
            if start >= size:
                return _refuse(416, "InvalidRange", "The requested range cannot be satisfied.")
        body = b""
        if request.method == "GET":
            with file.open("rb") as stream:
                stream.seek(start)
                body = stream.read(max(0, end - start))
        headers = _headers("application/octet-stream", max(0, end - start))
        if partial:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        return Response(206 if partial else 200, headers, body)

    def _is_signed(self, request: Request, path: str) -> bool:
        key_id, _, given = request.headers.get("authorization", "")[4:].partition(":")
        secret = self._secret_of(key_id)
        headers = request.headers
        special = "".join(
            f"{name}:{value}\n" for name, value in sorted(headers.items()) if name.startswith("x-oss-")
        )
        lines = [request.method] + [headers.get(name, "") for name in ("content-md5", "content-type", "date")]
        text = "\n".join([*lines, special + path])
        made = base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest())
        return bool(secret) and hmac.compare_digest(made, given.encode("utf-8", "replace"))


def _headers(kind: str, length: int) -> dict[str, str]:
    return {
        "Content-Type": kind,
        "Content-Length": str(length),
        "Date": format_datetime(datetime.now(UTC), usegmt=True),
        "x-oss-request-id": new_request_id(),
        "Accept-Ranges": "bytes",
    }


def _refuse(status: int, code: str, message: str) -> Response:
    headers = _headers("application/xml", 0)
    request_id = headers["x-oss-request-id"]
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code>'
        f"<Message>{escape(message)}</Message><RequestId>{request_id}</RequestId></Error>"
    ).encode()
    headers["Content-Length"] = str(len(body))
    return Response(status, headers, body)
