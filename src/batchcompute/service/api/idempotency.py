"""Idempotent tokens: the same create twice is one resource (REST API, 2.0)."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from batchcompute.models.field_types import format_time
from batchcompute.service.api.requests import Params
from batchcompute.service.errors import ApiError

__all__: list[str] = []


def _digest(body: Mapping[str, Any]) -> str:
    """Two texts of the same JSON are the same request."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode("utf-8")).hexdigest()


def known(db: sqlite3.Connection, params: Params, body: Mapping[str, Any]) -> str:
    """Return the id that this very create was answered with before; empty for a new one.

    Raises:
        ApiError: The token belongs to another request.
    """
    token = params.token()
    if not token:
        return ""
    row = db.execute(
        "SELECT request, id FROM tokens WHERE owner = ? AND operation = ? AND token = ?",
        (params.owner, params.operation.name, token),
    ).fetchone()
    if row is None:
        return ""
    if row["request"] != _digest(body):
        raise ApiError(400, "IdempotentTokenMismatch", "Specified idempotent token mismatch.")
    return str(row["id"])


def remember(db: sqlite3.Connection, params: Params, body: Mapping[str, Any], resource_id: str) -> None:
    """Record what a create with a token was answered with, in the transaction of the create."""
    token = params.token()
    if token:
        db.execute(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?)",
            (
                params.owner,
                params.operation.name,
                token,
                _digest(body),
                resource_id,
                format_time(datetime.now(UTC)),
            ),
        )
