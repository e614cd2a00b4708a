"""What the client writes to its logger ``batchcompute``: never a secret, a body or a query's values."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batchcompute.api.call import Call
    from batchcompute.api.responses import HttpResponse

__all__: list[str] = []

log = logging.getLogger("batchcompute")
# A library is silent unless the program asks: without this, warnings would go to stderr.
log.addHandler(logging.NullHandler())

_ANSWER_HEADERS = ("content-length", "content-type", "date", "retry-after", "retry-after-ms")
"""Headers of an answer that may be logged; all others are left out (an allow-list, as azure-core has)."""


def log_answer(call: Call[Any], raw: HttpResponse, seconds: float) -> None:
    """Log an answer, at DEBUG.

    Args:
        call: The call.
        raw: Its answer.
        seconds: How long it took.
    """
    shown: Mapping[str, str] = {name: raw.headers[name] for name in _ANSWER_HEADERS if name in raw.headers}
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
