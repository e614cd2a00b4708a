"""Signed requests to object storage and to the API, for the tests of hostile requests."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from batchcompute.service import LocalService
from batchcompute.service.requests import Request, Response

sys.path.append(str(Path(__file__).parents[2] / "tools"))

from http_fuzzing import signatures as signatures


def ask(
    service: LocalService, method: str, target: str, body: bytes = b"", scheme: str = "4", **more: Any
) -> Response:
    """Send a request to object storage; underscores in names of headers stand for hyphens.

    Args:
        service: The service.
        method: HTTP method.
        target: Path and query.
        body: The body.
        scheme: How it is signed: ``1``, ``4``, or ``url`` for version 1 in the query.
        more: Further headers.
    """
    headers = {name.replace("_", "-"): value for name, value in more.items()}
    target, headers = signatures.sign_objects(scheme, method, target, headers)
    return service.dispatch(Request(method, target, headers, body))


def ask_api(service: LocalService, method: str, target: str, body: bytes = b"") -> Response:
    """Send a signed request to the API."""
    headers = signatures.sign_api(method, target, {}, body)
    return service.dispatch(
        Request(method, target, {name.lower(): text for name, text in headers.items()}, body)
    )
