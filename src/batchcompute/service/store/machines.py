"""The machines of clusters (REST API, 2.3 and 4.4): rows that come and go as their groups want."""

from __future__ import annotations

import socket
import sqlite3
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from batchcompute.models.field_types import format_time
from batchcompute.service.api.requests import new_id
from batchcompute.service.store import transitions

if TYPE_CHECKING:
    from batchcompute.resources import ClusterDescription

__all__: list[str] = []

_LINGERS = 5.0
"""Seconds for which a released machine is still shown, as ``Deleting``."""

_BUSY = "SELECT 1 FROM instances i WHERE i.worker = m.id AND i.state = 'Running' AND i.worker != ''"
"""Whether something runs on a machine ``m``."""

_ALL_BUSY = (
    "SELECT id FROM clusters c WHERE state = 'Active' AND NOT EXISTS (SELECT 1 FROM machines m WHERE "
    "m.cluster = c.seq AND m.state = 'Running' AND NOT EXISTS ("
)
_OF_GROUP = "SELECT * FROM machines m WHERE cluster = ? AND \"group\" = ? AND state = 'Running'"
_OF_CLUSTER = (
    "SELECT m.id FROM machines m JOIN clusters c ON c.seq = m.cluster WHERE c.id = ? AND m.state = 'Running'"
)


def adjust(
    db: sqlite3.Connection, cluster: int, description: ClusterDescription, effects: transitions.Effects
) -> None:
    """Make and release machines until each group has as many as it wants; the youngest go first.

    Args:
        db: The database, in a transaction.
        cluster: Number of the cluster.
        description: What it wants.
        effects: Takes the attempts that lose their machine.
    """
    forget(db)
    now = format_time(datetime.now(UTC))
    there = running(db, cluster)
    for name, group in description.groups.items():
        missing = (group.desired_vm_count or 0) - there.get(name, 0)
        if missing > 0:
            db.executemany(
                'INSERT INTO machines (id, cluster, "group", created) VALUES (?, ?, ?, ?)',
                [(new_id("i-", 12), cluster, name, now) for _ in range(missing)],
            )
        elif missing < 0:
            # Those that nothing runs on before the others.
            rows = db.execute(
                f"{_OF_GROUP} ORDER BY EXISTS ({_BUSY}), seq DESC LIMIT ?",
                (cluster, name, -missing),
            ).fetchall()
            for row in rows:
                release(db, row, effects)


def shortage(db: sqlite3.Connection, task: str, cluster_id: str, all_busy: bool) -> str:
    """Say that a task waits because its cluster has no machine for it; empty if it has one.

    Args:
        db: The database.
        task: Name of the task.
        cluster_id: Id of the cluster.
        all_busy: Whether to say so, too, where it has machines and all of them are busy.
    """
    row = db.execute(
        f"SELECT count(*), count(CASE WHEN EXISTS ({_BUSY}) THEN 1 END) FROM machines m JOIN clusters c "  # noqa: S608
        "ON c.seq = m.cluster WHERE c.id = ? AND m.state = 'Running'",
        (cluster_id,),
    ).fetchone()
    if not row[0]:
        return f"Task {task} waits: cluster {cluster_id} has no machines."
    if not all_busy or row[1] < row[0]:
        return ""
    busy = "the only machine" if row[0] == 1 else f"each of the {row[0]} machines"
    return f"Task {task} waits: {busy} of cluster {cluster_id} is busy."


def release(db: sqlite3.Connection, machine: sqlite3.Row, effects: transitions.Effects) -> None:
    """Release a machine: it is shown as ``Deleting`` for a while, and then gone.

    What ran on it runs again elsewhere, and its ``RetryCount`` tells of it.
    """
    db.execute(
        "UPDATE machines SET state = 'Deleting', released = ? WHERE seq = ?", (time.time(), machine["seq"])
    )
    transitions.lose(db, machine["id"], effects)


def release_all(db: sqlite3.Connection, cluster: int, effects: transitions.Effects) -> None:
    """Release every machine of a cluster."""
    rows = db.execute("SELECT * FROM machines WHERE cluster = ? AND state = 'Running'", (cluster,)).fetchall()
    for row in rows:
        release(db, row, effects)


def shown_since() -> float:
    """Return the time since which what was released is still shown."""
    return time.time() - _LINGERS


def forget(db: sqlite3.Connection) -> None:
    """Remove what was released and is not shown any more."""
    db.execute("DELETE FROM clusters WHERE released > 0 AND released < ?", (shown_since(),))
    db.execute("DELETE FROM machines WHERE released > 0 AND released < ?", (shown_since(),))


def full(db: sqlite3.Connection) -> list[str]:
    """Return the clusters that have no machine which nothing runs on."""
    return [row["id"] for row in db.execute(f"{_ALL_BUSY}{_BUSY}))")]


def idle(db: sqlite3.Connection, cluster_id: str, count: int) -> list[str]:
    """Return machines of a cluster that nothing runs on, the oldest first."""
    rows = db.execute(
        f"{_OF_CLUSTER} AND NOT EXISTS ({_BUSY}) ORDER BY m.seq LIMIT ?",
        (cluster_id, count),
    )
    return [row["id"] for row in rows]


def running(db: sqlite3.Connection, cluster: int) -> dict[str, int]:
    """Return how many machines run, by their group."""
    rows = db.execute(
        'SELECT "group", count(*) AS count FROM machines WHERE cluster = ? AND state = \'Running\' GROUP BY "group"',
        (cluster,),
    )
    return {row["group"]: row["count"] for row in rows}


def listed(db: sqlite3.Connection, cluster: int, group: str, start: int, count: int) -> Sequence[sqlite3.Row]:
    """Return machines of a group, from a number on."""
    return db.execute(
        'SELECT * FROM machines WHERE cluster = ? AND "group" = ? AND seq >= ? AND (released = 0 OR released > ?) '
        "ORDER BY seq LIMIT ?",
        (cluster, group, start, shown_since(), count),
    ).fetchall()


def find(db: sqlite3.Connection, cluster: int, group: str, machine_id: str) -> sqlite3.Row | None:
    """Return a machine; None if there is none of this id."""
    row: sqlite3.Row | None = db.execute(
        'SELECT * FROM machines WHERE cluster = ? AND "group" = ? AND id = ? AND (released = 0 OR released > ?)',
        (cluster, group, machine_id, shown_since()),
    ).fetchone()
    return row


def status(row: sqlite3.Row, prefix: str = "") -> dict[str, Any]:
    """Return the status of a machine (REST API, 2.3).

    Args:
        row: The machine.
        prefix: What its group wants its name to begin with.
    """
    return {
        "Id": row["id"],
        "State": row["state"],
        "Hint": "",
        "IpAddress": "127.0.0.1",
        # Programs tell machines by their names, so each has one, though all are this machine.
        "HostName": f"{prefix or socket.gethostname()}-{row['id'].removeprefix('i-')}",
        "EcsInstanceId": row["id"],
        "ErrorCode": 0,
        "ErrorMessage": "",
        "CreationTime": row["created"],
        "InstancePassword": "",
    }
