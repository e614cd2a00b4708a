"""The tables of used idempotent tokens and nonces."""

from __future__ import annotations

import sqlite3

from batchcompute.service.store.rows import TokenRow

__all__: list[str] = []


class TokenRepository:
    """The used idempotent tokens of creates, and the used nonces of requests.

    Args:
        db: The connection.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def find(self, owner: str, operation: str, token: str) -> TokenRow | None:
        """Return the request and the resource of a used token; None for a new token."""
        row = self._db.execute(
            "SELECT request, id FROM tokens WHERE owner = ? AND operation = ? AND token = ?",
            (owner, operation, token),
        ).fetchone()
        return None if row is None else TokenRow(row["request"], row["id"])

    def insert(self, owner: str, operation: str, token: str, used: TokenRow, now: str) -> None:
        """Record the request and the resource of a token."""
        self._db.execute(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?)",
            (owner, operation, token, used.request, used.id, now),
        )

    def delete_before(self, time: str) -> int:
        """Delete tokens that were used before a time, and return their number."""
        return self._db.execute("DELETE FROM tokens WHERE used < ?", (time,)).rowcount

    def use_nonce(self, nonce: str, now: float, kept: float) -> bool:
        """Record a nonce; return False if it was used before.

        Args:
            nonce: The nonce.
            now: The time, in seconds since 1970.
            kept: Seconds for which a nonce is stored.
        """
        self._db.execute("DELETE FROM nonces WHERE seen < ?", (now - kept,))
        cursor = self._db.execute("INSERT OR IGNORE INTO nonces VALUES (?, ?)", (nonce, now))
        return cursor.rowcount == 1
