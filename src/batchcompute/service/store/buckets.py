"""Owners of buckets, and grants to other owners, in the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final, Literal

__all__: list[str] = []

EVERYBODY: Final = "*"
"""The grantee of a grant to all owners."""

Access = Literal["read", "write"]


class BucketRepository:
    """The buckets of a database.

    Args:
        db: The connection.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def version(self) -> int:
        """Return a number that changes when another process changes the database."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def owner(self, bucket: str) -> str:
        """Return the owner of a bucket; empty if none is on record."""
        row = self._db.execute("SELECT owner FROM buckets WHERE name = ?", (bucket,)).fetchone()
        return "" if row is None else str(row["owner"])

    def names(self) -> set[str]:
        """Return the names of all buckets with an owner on record."""
        return {row["name"] for row in self._db.execute("SELECT name FROM buckets")}

    def insert(self, bucket: str, owner: str, now: str) -> None:
        """Record the owner of a bucket that has none."""
        self._db.execute(
            "INSERT OR IGNORE INTO buckets (name, owner, created) VALUES (?, ?, ?)", (bucket, owner, now)
        )

    def delete(self, bucket: str) -> None:
        """Delete the record of a bucket, with its grants."""
        self._db.execute("DELETE FROM buckets WHERE name = ?", (bucket,))
        self._db.execute("DELETE FROM grants WHERE bucket = ?", (bucket,))

    def is_granted(self, bucket: str, owner: str, access: Access) -> bool:
        """Return whether an owner was granted access to a bucket; ``write`` includes ``read``."""
        row = self._db.execute(
            "SELECT 1 FROM grants WHERE bucket = ? AND grantee IN (?, ?) AND (access = 'write' OR access = ?)",
            (bucket, owner, EVERYBODY, access),
        ).fetchone()
        return row is not None

    def grants(self, bucket: str) -> Sequence[tuple[str, str]]:
        """Return grantee and access of each grant of a bucket."""
        rows = self._db.execute(
            "SELECT grantee, access FROM grants WHERE bucket = ? ORDER BY grantee", (bucket,)
        )
        return [(row["grantee"], row["access"]) for row in rows]

    def grant(self, bucket: str, grantee: str, access: Access) -> None:
        """Record a grant; it replaces an earlier one."""
        self._db.execute(
            "INSERT INTO grants VALUES (?, ?, ?) ON CONFLICT (bucket, grantee) DO UPDATE SET access = excluded.access",
            (bucket, grantee, access),
        )

    def revoke(self, bucket: str, grantee: str) -> bool:
        """Delete a grant; return whether there was one."""
        cursor = self._db.execute("DELETE FROM grants WHERE bucket = ? AND grantee = ?", (bucket, grantee))
        return cursor.rowcount > 0
