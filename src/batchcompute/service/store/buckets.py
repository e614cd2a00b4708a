"""Whose buckets are: a bucket belongs to its first writer, who can grant access to others."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from batchcompute.errors import ConfigError
from batchcompute.models.field_types import format_time
from batchcompute.service.store.keys import FIRST_OWNER

if TYPE_CHECKING:
    from batchcompute.service.store.database import Store

__all__: list[str] = []

EVERYBODY: Final = "*"
"""What a grant to all owners names."""

Access = Literal["read", "write"]

_REMEMBERED = 10_000


class Buckets:
    """The owners of buckets, and what they have granted.

    A bucket that is there and has no owner on record is older than this record, or was made by hand: it belongs to
    the first owner of the data directory.

    Args:
        store: The database.
        exists: Returns whether there is a bucket of a name.
    """

    def __init__(self, store: Store, exists: Callable[[str], bool]) -> None:
        self._store = store
        self._exists = exists
        self._known: dict[tuple[str, str, bool], bool] = {}
        self._version = -1
        self._lock = threading.Lock()

    def may(self, owner: str, bucket: str, write: bool) -> bool:
        """Return whether an owner may read or write a bucket; one that nobody owns yet is open to all.

        Args:
            owner: The owner.
            bucket: Name of the bucket.
            write: Whether it is about writing.
        """
        with self._store.read() as db:
            # It also changes when another process, the command line, changes the database.
            version = int(db.execute("PRAGMA data_version").fetchone()[0])
            with self._lock:
                if version != self._version or len(self._known) > _REMEMBERED:
                    self._known.clear()
                    self._version = version
                known = self._known.get((owner, bucket, write))
            if known is not None:
                return known
            found = self._owner(db, bucket)
            allowed = found in ("", owner) or self._granted(db, owner, bucket, write)
        if found:
            with self._lock:
                self._known[owner, bucket, write] = allowed
        return allowed

    def may_read(self, owner: str, bucket: str) -> bool:
        """Return whether an owner may read a bucket."""
        return self.may(owner, bucket, False)

    def _owner(self, db: sqlite3.Connection, bucket: str) -> str:
        row = db.execute("SELECT owner FROM buckets WHERE name = ?", (bucket,)).fetchone()
        if row is not None:
            return str(row["owner"])
        return FIRST_OWNER if self._exists(bucket) else ""

    @staticmethod
    def _granted(db: sqlite3.Connection, owner: str, bucket: str, write: bool) -> bool:
        row = db.execute(
            "SELECT 1 FROM grants WHERE bucket = ? AND grantee IN (?, ?) AND (access = 'write' OR access = ?)",
            (bucket, owner, EVERYBODY, "write" if write else "read"),
        ).fetchone()
        return row is not None

    def claim(self, owner: str, bucket: str) -> bool:
        """Make an owner that of a bucket that nobody owns; return whether the owner may write to it."""
        with self._store.read() as db:
            found = self._owner(db, bucket)
            if found:
                return found == owner or self._granted(db, owner, bucket, True)
        with self._store.write() as db:
            db.execute(
                "INSERT OR IGNORE INTO buckets (name, owner, created) VALUES (?, ?, ?)",
                (bucket, owner, format_time(datetime.now(UTC))),
            )
            return self._owner(db, bucket) == owner

    def forget(self, bucket: str) -> None:
        """Forget the owner of a bucket that is gone, with what was granted."""
        with self._store.write() as db:
            db.execute("DELETE FROM buckets WHERE name = ?", (bucket,))
            db.execute("DELETE FROM grants WHERE bucket = ?", (bucket,))
        with self._lock:
            self._known.clear()

    # -- for the command line -----------------------------------------------------------------

    def grant(self, bucket: str, grantee: str, access: Access) -> None:
        """Let an owner, or all of them, read or also write a bucket.

        Raises:
            ConfigError: There is no such bucket.
        """
        with self._store.write() as db:
            if not self._owner(db, bucket):
                raise ConfigError(f"there is no bucket {bucket!r} in this data directory")
            db.execute(
                "INSERT INTO grants VALUES (?, ?, ?) ON CONFLICT (bucket, grantee) DO UPDATE SET access = excluded.access",
                (bucket, grantee, access),
            )
        with self._lock:
            self._known.clear()

    def revoke(self, bucket: str, grantee: str) -> None:
        """Take back what was granted.

        Raises:
            ConfigError: Nothing was.
        """
        with self._store.write() as db:
            done = db.execute("DELETE FROM grants WHERE bucket = ? AND grantee = ?", (bucket, grantee))
            if not done.rowcount:
                raise ConfigError(f"nothing of bucket {bucket!r} was granted to {grantee!r}")
        with self._lock:
            self._known.clear()

    def listed(self, there: Iterable[str]) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """Return name, owner, and grants of all buckets.

        Args:
            there: The names of those that hold something.
        """
        with self._store.read() as db:
            names = {row["name"] for row in db.execute("SELECT name FROM buckets")} | set(there)
            return [
                (
                    name,
                    self._owner(db, name),
                    [
                        (row["grantee"], row["access"])
                        for row in db.execute(
                            "SELECT grantee, access FROM grants WHERE bucket = ? ORDER BY grantee", (name,)
                        )
                    ],
                )
                for name in sorted(names)
            ]
