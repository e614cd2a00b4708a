"""Images in the database."""

from __future__ import annotations

import sqlite3

from batchcompute import resources
from batchcompute.service.store.rows import ImageRow

__all__: list[str] = []


class ImageRepository:
    """The images of a database.

    Args:
        db: The connection.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def find(self, image_id: str, owner: str) -> ImageRow | None:
        """Return an image of an owner; None if there is none of this id."""
        row = self._db.execute(
            "SELECT * FROM images WHERE id = ? AND owner = ?", (image_id, owner)
        ).fetchone()
        return None if row is None else _image(row)

    def page(self, owner: str, start: int, count: int) -> list[ImageRow]:
        """Return images of an owner in the order of their creation, from a row number on."""
        rows = self._db.execute(
            "SELECT * FROM images WHERE owner = ? AND seq >= ? ORDER BY seq LIMIT ?", (owner, start, count)
        )
        return [_image(row) for row in rows]

    def insert(self, image_id: str, owner: str, description: resources.ImageDescription, now: str) -> None:
        """Write a new image."""
        self._db.execute(
            "INSERT INTO images (id, owner, description, created) VALUES (?, ?, ?, ?)",
            (image_id, owner, description.dump(None), now),
        )

    def delete(self, seq: int) -> None:
        """Delete an image."""
        self._db.execute("DELETE FROM images WHERE seq = ?", (seq,))


def _image(row: sqlite3.Row) -> ImageRow:
    return ImageRow(
        row["seq"], row["id"], row["owner"], resources.ImageDescription(row["description"]), row["created"]
    )
