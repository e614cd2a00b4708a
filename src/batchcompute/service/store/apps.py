"""Apps and their revisions in the database."""

from __future__ import annotations

import sqlite3

from batchcompute import resources
from batchcompute.service.store.rows import AppRow, RevisionRow

__all__: list[str] = []


class AppRepository:
    """The apps of a database. An app is its revisions; the newest is what jobs run.

    Args:
        db: The connection.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def find(self, owner: str, name: str) -> AppRow | None:
        """Return an app of an owner; None if there is none of this name."""
        row = self._db.execute("SELECT * FROM apps WHERE owner = ? AND name = ?", (owner, name)).fetchone()
        return None if row is None else _app(row)

    def page(self, owner: str, start: int, count: int) -> list[AppRow]:
        """Return apps of an owner in the order of their creation, from a row number on."""
        rows = self._db.execute(
            "SELECT * FROM apps WHERE owner = ? AND seq >= ? ORDER BY seq LIMIT ?", (owner, start, count)
        )
        return [_app(row) for row in rows]

    def insert(self, owner: str, description: resources.AppDescription, now: str) -> None:
        """Write a new app with its first revision, number 0."""
        seq = self._db.execute(
            "INSERT INTO apps (name, owner, next, created) VALUES (?, ?, 0, ?)",
            (description.name, owner, now),
        ).lastrowid
        self.add_revision(seq or 0, description, now)

    def add_revision(self, app: int, description: resources.AppDescription, now: str) -> None:
        """Write a further revision of an app."""
        self._db.execute(
            "INSERT INTO revisions SELECT seq, next, ?, ? FROM apps WHERE seq = ?",
            (description.dump(None), now, app),
        )
        self._db.execute("UPDATE apps SET next = next + 1 WHERE seq = ?", (app,))

    def newest(self, app: int) -> RevisionRow:
        """Return the newest revision of an app."""
        row = self._db.execute(
            "SELECT * FROM revisions WHERE app = ? ORDER BY number DESC LIMIT 1", (app,)
        ).fetchone()
        return _revision(row)

    def revision(self, app: int, number: int) -> RevisionRow | None:
        """Return a revision of an app; None if there is none of this number."""
        row = self._db.execute(
            "SELECT * FROM revisions WHERE app = ? AND number = ?", (app, number)
        ).fetchone()
        return None if row is None else _revision(row)

    def revisions(self, app: int) -> list[tuple[int, str]]:
        """Return number and time of each revision of an app, the oldest first."""
        rows = self._db.execute("SELECT number, updated FROM revisions WHERE app = ? ORDER BY number", (app,))
        return [(row["number"], row["updated"]) for row in rows]

    def delete(self, app: int) -> None:
        """Delete an app with all its revisions."""
        self._db.execute("DELETE FROM apps WHERE seq = ?", (app,))

    def delete_revision(self, app: int, number: int) -> None:
        """Delete a revision of an app; with the last one, the app is gone."""
        self._db.execute("DELETE FROM revisions WHERE app = ? AND number = ?", (app, number))
        self._db.execute(
            "DELETE FROM apps WHERE seq = ? AND NOT EXISTS (SELECT 1 FROM revisions WHERE app = seq)", (app,)
        )


def _app(row: sqlite3.Row) -> AppRow:
    return AppRow(row["seq"], row["name"], row["created"])


def _revision(row: sqlite3.Row) -> RevisionRow:
    return RevisionRow(row["number"], row["updated"], resources.AppDescription(row["description"]))
