"""The pages for operators, which need no key of the API: health, readiness and metrics."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from batchcompute.errors import ConfigError
from batchcompute.errors.installation import install_command
from batchcompute.service.requests import Response
from batchcompute.service.transports.exchange import exchange_of

if TYPE_CHECKING:
    from batchcompute.service.local_service import LocalService
    from batchcompute.service.transports.exchange import Receive, Scope, Send

__all__ = ["MetricsEndpoint", "health", "json_page", "read_token", "readiness"]

_FORWARDED: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""Headers of requests that a proxy hands on."""

_TOKEN: Final = re.compile(r"[!-~]{16,1000}")

_FORBIDDEN: Final = "/metrics is for this machine; another one has to send the token of --metrics-auth: Authorization: Bearer TOKEN"


def health(service: LocalService) -> Response:
    """Return whether the loop that runs the jobs makes progress; 503 asks a supervisor to restart the service.

    Args:
        service: The service.
    """
    state = service.health()
    return json_page(200 if state.ok else 503, json.dumps(state.content()).encode("utf-8"))


def readiness(service: LocalService) -> Response:
    """Return whether the service can take work; 503 asks a load balancer to send it elsewhere.

    Args:
        service: The service.
    """
    state = service.readiness()
    return json_page(200 if state.ok else 503, json.dumps(state.content()).encode("utf-8"))


def json_page(status: int, body: bytes) -> Response:
    """Return a response with JSON.

    Args:
        status: HTTP status.
        body: The JSON.
    """
    return _page(status, "application/json", body)


def read_token(path: Path, setting: str) -> str:
    """Return the token of a file.

    Args:
        path: The file.
        setting: Name of the setting that names the file, for messages.

    Raises:
        ConfigError: The file cannot be read, or contains no token.
    """
    try:
        token = path.read_text("ascii").strip()
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not ASCII"
        raise ConfigError(f"{setting} {path} cannot be read: {reason}") from None
    if not _TOKEN.fullmatch(token):
        raise ConfigError(f"{setting} {path} must hold one token: 16 to 1000 visible characters")
    return token


class MetricsEndpoint:
    """Answers requests for metrics: those of this machine, and those with the token.

    Args:
        service: The service.
        token: The token; empty if no other machine may read the metrics.
    """

    def __init__(self, service: LocalService, token: str) -> None:
        self._service = service
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer a request."""
        exchange = exchange_of(scope)
        peer = scope.get("client")
        headers = exchange.request.headers
        if self._has_token(headers) or _is_local(peer[0] if peer else "", headers):
            response = await asyncio.to_thread(self._metrics)
        else:
            response = json_page(
                403, json.dumps({"Code": "Forbidden", "Message": _FORBIDDEN}).encode("utf-8")
            )
        await exchange.respond(response, send)

    def _has_token(self, headers: Mapping[str, str]) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return (
            bool(self._token)
            and scheme.lower() == "bearer"
            and hmac.compare_digest(token.strip().encode("utf-8"), self._token.encode("ascii"))
        )

    def _metrics(self) -> Response:
        try:
            from batchcompute.service.metrics import CONTENT_TYPE, metrics_text
        except ImportError:
            text = f"metrics need prometheus-client, of the extra serve: {install_command('serve')}\n"
            return _page(501, "text/plain; charset=utf-8", text.encode("utf-8"))
        return _page(200, CONTENT_TYPE, metrics_text(self._service.numbers, self._service.counts))


def _is_local(peer: str, headers: Mapping[str, str]) -> bool:
    """Return whether a request comes from this machine.

    A proxy on this machine also connects from it, for others. It usually adds a header, or keeps the name of the host.
    The name of the host also stops pages in a browser of this machine whose names lead here.

    Args:
        peer: Address of the client.
        headers: Headers of the request.
    """
    if any(name in headers for name in _FORWARDED):
        return False
    host = re.sub(r":[0-9]+$", "", headers.get("host", "")).strip("[]")
    return _is_loopback(peer) and (host == "localhost" or _is_loopback(host))


def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


def _page(status: int, content_type: str, body: bytes) -> Response:
    headers = {"Content-Type": content_type, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
    return Response(status, headers, body)
