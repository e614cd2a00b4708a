"""Responses of the page: HTML, redirects, files, downloads, and the headers of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from batchcompute.service.requests import Response
from batchcompute.service.web.api import OwnerApi, PageError
from batchcompute.service.web.rendering import static_file

__all__: list[str] = []

SECURITY: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Forms of the page itself have to name their origin, which `no-referrer` would prevent.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
"""Headers of each response. Text of a job that became HTML by a defect could still not run a script."""

STREAM: Final = {
    **SECURITY,
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    # A proxy must not hold events back.
    "X-Accel-Buffering": "no",
}
"""Headers of a stream of events."""


def encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers as ASGI has them."""
    return [(name.lower().encode("latin-1"), value.encode("utf-8")) for name, value in headers.items()]


def response(status: int, kind: str, body: bytes, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response that nobody may keep."""
    return Response(
        status,
        {
            **SECURITY,
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            **(headers or {}),
        },
        body,
    )


def html(status: int, html: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a page."""
    return response(status, "text/html; charset=utf-8", html.encode("utf-8", "replace"), headers)


def redirect(target: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a redirect; the browser follows it with GET."""
    return response(303, "text/plain", b"", {"Location": target, **(headers or {})})


def static(name: str) -> Response:
    """Return a file that pages refer to."""
    file = static_file(name)
    if file is None:
        raise PageError(404, "There is no such file.")
    # The address of a file contains a digest of its content.
    return response(200, file[1], file[0], {"Cache-Control": "public, max-age=31536000, immutable"})


def download(api: OwnerApi, object_url: str) -> Response:
    """Return an object as a download. Nothing in it is shown as a part of the page."""
    response = api.object("GET", object_url, {})
    name = object_url.rsplit("/", 1)[-1] or "object"
    headers = {
        **SECURITY,
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Type": "application/octet-stream",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Length": response.headers["Content-Length"],
        "Cache-Control": "no-store",
    }
    return Response(response.status, headers, response.body, response.stream)
