"""Idempotent tokens: a repeated create makes only one resource (REST API, 2.0)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from batchcompute.service.api.routes import Params
from batchcompute.service.clock import Clock, timestamp
from batchcompute.service.errors import ApiError
from batchcompute.service.store.database import Transaction
from batchcompute.service.store.rows import TokenRow

__all__: list[str] = []


def _digest(body: Mapping[str, Any]) -> str:
    # Bodies with equal JSON values are the same request, even if their texts differ.
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode("utf-8")).hexdigest()


def known(transaction: Transaction, params: Params, body: Mapping[str, Any]) -> str:
    """Return the id that an earlier request with the same token returned; empty for a new request.

    Raises:
        ApiError: The token belongs to another request.
    """
    token = params.token()
    used = transaction.tokens.find(params.owner, params.operation.name, token) if token else None
    if used is None:
        return ""
    if used.request != _digest(body):
        raise ApiError(400, "IdempotentTokenMismatch", "Specified idempotent token mismatch.")
    return used.id


def remember(
    transaction: Transaction, params: Params, body: Mapping[str, Any], resource_id: str, clock: Clock
) -> None:
    """Record the resource that a create with a token makes, in the transaction of the create."""
    token = params.token()
    if token:
        used = TokenRow(_digest(body), resource_id)
        transaction.tokens.insert(params.owner, params.operation.name, token, used, timestamp(clock))
