"""Clusters in the database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from batchcompute import resources
from batchcompute.service.store.rows import ClusterRow

__all__: list[str] = []

_SHOWN = "(released = 0 OR released > ?)"
"""Whether a cluster exists, or was deleted so recently that it is still shown."""


class ClusterRepository:
    """The clusters of a database.

    Args:
        db: The connection.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def find(self, cluster_id: str, owner: str, shown_since: float) -> ClusterRow | None:
        """Return a cluster of an owner; None if there is none of this id.

        Args:
            cluster_id: The id.
            owner: The owner.
            shown_since: Clusters that were deleted after this time are still found.
        """
        row = self._db.execute(
            f"SELECT * FROM clusters WHERE id = ? AND owner = ? AND {_SHOWN}",
            (cluster_id, owner, shown_since),
        ).fetchone()
        return None if row is None else _cluster(row)

    def is_active(self, cluster_id: str, owner: str) -> bool:
        """Return whether an owner has a cluster of this id that jobs can use."""
        row = self._db.execute(
            "SELECT 1 FROM clusters WHERE id = ? AND owner = ? AND state = 'Active'", (cluster_id, owner)
        ).fetchone()
        return row is not None

    def page(self, owner: str, start: int, count: int, shown_since: float) -> list[ClusterRow]:
        """Return clusters of an owner in the order of their creation.

        Args:
            owner: The owner.
            start: Row number of the first cluster.
            count: Largest number of returned clusters.
            shown_since: Clusters that were deleted after this time are still listed.
        """
        rows = self._db.execute(
            f"SELECT * FROM clusters WHERE owner = ? AND seq >= ? AND {_SHOWN} ORDER BY seq LIMIT ?",
            (owner, start, shown_since, count),
        )
        return [_cluster(row) for row in rows]

    def insert(
        self,
        cluster_id: str,
        owner: str,
        description: resources.ClusterDescription,
        logs: Sequence[str],
        now: str,
    ) -> int:
        """Write a new cluster; return the number of its row."""
        cursor = self._db.execute(
            "INSERT INTO clusters (id, owner, state, description, logs, created) VALUES (?, ?, 'Active', ?, ?, ?)",
            (cluster_id, owner, description.dump(None), _lines(logs), now),
        )
        return cursor.lastrowid or 0

    def set_description(self, seq: int, description: resources.ClusterDescription) -> None:
        """Change the description of a cluster."""
        self._db.execute("UPDATE clusters SET description = ? WHERE seq = ?", (description.dump(None), seq))

    def release(self, seq: int, time: float, logs: Sequence[str]) -> None:
        """Record that a cluster is being deleted. Responses contain it for a while after that."""
        self._db.execute(
            "UPDATE clusters SET state = 'Deleting', released = ?, logs = ? WHERE seq = ?",
            (time, _lines(logs), seq),
        )

    def delete_released(self, before: float) -> None:
        """Delete clusters that were released before a time."""
        self._db.execute("DELETE FROM clusters WHERE released > 0 AND released < ?", (before,))

    def full(self) -> list[str]:
        """Return the ids of clusters that have no idle machine."""
        rows = self._db.execute(
            "SELECT id FROM clusters c WHERE state = 'Active' AND NOT EXISTS (SELECT 1 FROM machines m WHERE "
            "m.cluster = c.seq AND m.state = 'Running' AND NOT EXISTS (SELECT 1 FROM instances i "
            "WHERE i.worker = m.id AND i.state IN ('Submitted', 'Running') AND i.worker != ''))"
        )
        return [row["id"] for row in rows]


def _lines(logs: Sequence[str]) -> str:
    return json.dumps(logs, ensure_ascii=False, separators=(",", ":"))


def _cluster(row: sqlite3.Row) -> ClusterRow:
    return ClusterRow(
        row["seq"],
        row["id"],
        row["owner"],
        row["state"],
        row["description"],
        tuple(json.loads(row["logs"])),
        row["created"],
    )
