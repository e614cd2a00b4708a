"""The header in which a runner sends the grant of an attempt, and the request that renews it."""

from __future__ import annotations

from typing import Final

__all__: list[str] = []

SCHEME: Final = "BatchComputeGrant"
"""Scheme of the ``Authorization`` header. A grant is never in a URL, which programs and servers log."""

RENEWAL: Final = "/?grant"
"""Target of the POST that renews a grant. The response is the new one."""

EXPIRED: Final = "SecurityTokenExpired"
"""Code of the error for a grant that has expired."""
