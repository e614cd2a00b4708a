"""Machines of clusters in the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from batchcompute.service.store.rows import MachineRow

__all__: list[str] = []

_BUSY = "SELECT 1 FROM instances i WHERE i.worker = m.id AND i.state IN ('Submitted', 'Running') AND i.worker != ''"
"""Whether an instance runs on a machine ``m``."""

_OF_GROUP = 'SELECT * FROM machines m WHERE cluster = ? AND "group" = ?'
_SHOWN = "(released = 0 OR released > ?)"


class MachineRepository:
    """The machines of a database.

    Args:
        db: The connection.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def find(self, cluster: int, group: str, machine_id: str, shown_since: float) -> MachineRow | None:
        """Return a machine of a group; None if there is none of this id.

        Args:
            cluster: Row number of the cluster.
            group: Name of the group.
            machine_id: Id of the machine.
            shown_since: Machines that were released after this time are still found.
        """
        row = self._db.execute(
            f"{_OF_GROUP} AND id = ? AND {_SHOWN}", (cluster, group, machine_id, shown_since)
        ).fetchone()
        return None if row is None else _machine(row)

    def page(self, cluster: int, group: str, start: int, count: int, shown_since: float) -> list[MachineRow]:
        """Return machines of a group in the order of their creation.

        Args:
            cluster: Row number of the cluster.
            group: Name of the group.
            start: Row number of the first machine.
            count: Largest number of returned machines.
            shown_since: Machines that were released after this time are still listed.
        """
        rows = self._db.execute(
            f"{_OF_GROUP} AND seq >= ? AND {_SHOWN} ORDER BY seq LIMIT ?",
            (cluster, group, start, shown_since, count),
        )
        return [_machine(row) for row in rows]

    def running(self, cluster: int) -> list[MachineRow]:
        """Return the machines of a cluster that have not been released."""
        rows = self._db.execute("SELECT * FROM machines WHERE cluster = ? AND state = 'Running'", (cluster,))
        return [_machine(row) for row in rows]

    def count_by_group(self, cluster: int) -> dict[str, int]:
        """Return how many machines of a cluster have not been released, by group."""
        rows = self._db.execute(
            'SELECT "group", count(*) AS count FROM machines WHERE cluster = ? AND state = \'Running\' GROUP BY "group"',
            (cluster,),
        )
        return {row["group"]: row["count"] for row in rows}

    def count_busy(self, cluster_id: str) -> tuple[int, int]:
        """Return how many machines a cluster has, and how many of them are busy."""
        row = self._db.execute(
            f"SELECT count(*), count(CASE WHEN EXISTS ({_BUSY}) THEN 1 END) FROM machines m JOIN clusters c "
            "ON c.seq = m.cluster WHERE c.id = ? AND m.state = 'Running'",
            (cluster_id,),
        ).fetchone()
        return row[0], row[1]

    def idle(self, cluster_id: str, count: int) -> list[str]:
        """Return ids of machines of a cluster that nothing runs on, the oldest first."""
        rows = self._db.execute(
            f"SELECT m.id FROM machines m JOIN clusters c ON c.seq = m.cluster WHERE c.id = ? "
            f"AND m.state = 'Running' AND NOT EXISTS ({_BUSY}) ORDER BY m.seq LIMIT ?",
            (cluster_id, count),
        )
        return [row["id"] for row in rows]

    def least_needed(self, cluster: int, group: str, count: int) -> list[MachineRow]:
        """Return the machines of a group that are released first: idle ones, then the youngest."""
        rows = self._db.execute(
            f"{_OF_GROUP} AND state = 'Running' ORDER BY EXISTS ({_BUSY}), seq DESC LIMIT ?",
            (cluster, group, count),
        )
        return [_machine(row) for row in rows]

    def insert(self, cluster: int, group: str, ids: Sequence[str], now: str) -> None:
        """Write new machines of a group."""
        self._db.executemany(
            'INSERT INTO machines (id, cluster, "group", created) VALUES (?, ?, ?, ?)',
            [(machine_id, cluster, group, now) for machine_id in ids],
        )

    def release(self, seq: int, time: float) -> None:
        """Record that a machine is being released. Responses contain it for a while after that."""
        self._db.execute("UPDATE machines SET state = 'Deleting', released = ? WHERE seq = ?", (time, seq))

    def delete_released(self, before: float) -> None:
        """Delete machines that were released before a time."""
        self._db.execute("DELETE FROM machines WHERE released > 0 AND released < ?", (before,))


def _machine(row: sqlite3.Row) -> MachineRow:
    return MachineRow(row["seq"], row["id"], row["state"], row["created"])
