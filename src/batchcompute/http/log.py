"""The client's logger ``batchcompute``. Secrets, bodies and values of queries are never logged."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batchcompute.api.call import Call
    from batchcompute.api.responses import HttpResponse

__all__: list[str] = []

log: logging.Logger = logging.getLogger("batchcompute")
# A library must not print by itself. Without a handler, logging prints warnings to stderr.
log.addHandler(logging.NullHandler())

_LOGGED_HEADERS = ("content-length", "content-type", "date", "retry-after", "retry-after-ms")
"""The headers of a response that may be logged (an allow-list, as in azure-core)."""


def log_response(call: Call[Any], raw: HttpResponse, seconds: float) -> None:
    """Log a response at DEBUG.

    Args:
        call: The call.
        raw: Its response.
        seconds: Duration of the attempt.
    """
    shown: Mapping[str, str] = {name: raw.headers[name] for name in _LOGGED_HEADERS if name in raw.headers}
    log.debug(
        "%s %s %s -> %d in %.1f ms, request id %s %s",
        call.operation.name,
        call.operation.method,
        call.target.partition("?")[0],
        raw.status,
        seconds * 1000,
        raw.request_id or "-",
        shown,
    )
