"""Generates ids of resources in the recorded form (REST API, 3.0)."""

from __future__ import annotations

import secrets

__all__: list[str] = []

_LETTERS = "0123456789abcdefghijklmnopqrstuv"


def new_id(prefix: str, length: int = 18) -> str:
    """Return a new random id.

    Args:
        prefix: Its beginning, for example ``cls-``.
        length: The number of random characters after it.
    """
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(length))
