"""Nonces that were used, so that a request which somebody has recorded is refused; restarts included."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import TYPE_CHECKING

from batchcompute.service.errors import ApiError

if TYPE_CHECKING:
    from batchcompute.service.store.database import Store

__all__: list[str] = []

_LONGEST = 300
"""Characters of a nonce, with its access key in front."""


class Nonces:
    """The nonces of a database.

    Args:
        store: The database.
        kept: Seconds for which a request could be accepted once more.
    """

    def __init__(self, store: Store, kept: float) -> None:
        self._store = store
        self._kept = kept

    def use(self, nonce: str, now: datetime) -> None:
        """Record a nonce.

        Args:
            nonce: Access key and nonce.
            now: The time.

        Raises:
            ApiError: It was used before, or is too long.
        """
        if len(nonce) > _LONGEST:
            raise ApiError(400, "InvalidSignatureNonce", f"A nonce has at most {_LONGEST} characters.")
        moment = now.timestamp()
        with self._store.write() as db:
            db.execute("DELETE FROM nonces WHERE seen < ?", (moment - self._kept,))
            try:
                db.execute("INSERT INTO nonces VALUES (?, ?)", (nonce, moment))
            except sqlite3.IntegrityError:
                text = "Specified signature nonce was used already."
                raise ApiError(400, "SignatureNonceUsed", text) from None
