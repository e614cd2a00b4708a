"""The machines of clusters (reference, 2.3 and 4.4): rows that come and go as their groups want."""

from __future__ import annotations

import secrets
import socket
import sqlite3
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from batchcompute._values import format_time

if TYPE_CHECKING:
    from batchcompute.resources import ClusterDescription

__all__: list[str] = []

_LINGERS = 5.0
"""Seconds for which a released machine is still shown, as ``Deleting``."""

_ALPHABET = "0123456789abcdefghijklmnopqrstuv"


def adjust(db: sqlite3.Connection, cluster: int, description: ClusterDescription) -> None:
    """Make and release machines until each group has as many as it wants; the youngest go first.

    Args:
        db: The database, in a transaction.
        cluster: Number of the cluster.
        description: What it wants.
    """
    db.execute("DELETE FROM machines WHERE released > 0 AND released < ?", (time.time() - _LINGERS,))
    now = format_time(datetime.now(UTC))
    there = running(db, cluster)
    for name, group in description.groups.items():
        missing = (group.desired_vm_count or 0) - there.get(name, 0)
        if missing > 0:
            db.executemany(
                'INSERT INTO machines (id, cluster, "group", created) VALUES (?, ?, ?, ?)',
                [(_new_id(), cluster, name, now) for _ in range(missing)],
            )
        elif missing < 0:
            db.execute(
                "UPDATE machines SET state = 'Deleting', released = ? WHERE seq IN (SELECT seq FROM machines "
                "WHERE cluster = ? AND \"group\" = ? AND state = 'Running' ORDER BY seq DESC LIMIT ?)",
                (time.time(), cluster, name, -missing),
            )


def release(db: sqlite3.Connection, machine: sqlite3.Row) -> None:
    """Release a machine: it is shown as ``Deleting`` for a while, and then gone."""
    db.execute(
        "UPDATE machines SET state = 'Deleting', released = ? WHERE seq = ?", (time.time(), machine["seq"])
    )


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
        (cluster, group, start, time.time() - _LINGERS, count),
    ).fetchall()


def find(db: sqlite3.Connection, cluster: int, group: str, machine_id: str) -> sqlite3.Row | None:
    """Return a machine; None if there is none of this id."""
    row: sqlite3.Row | None = db.execute(
        'SELECT * FROM machines WHERE cluster = ? AND "group" = ? AND id = ? AND (released = 0 OR released > ?)',
        (cluster, group, machine_id, time.time() - _LINGERS),
    ).fetchone()
    return row


def status(row: sqlite3.Row) -> dict[str, Any]:
    """Return the status of a machine (reference, 2.3)."""
    return {
        "Id": row["id"],
        "State": row["state"],
        "Hint": "",
        "IpAddress": "127.0.0.1",
        "HostName": socket.gethostname(),
        "EcsInstanceId": row["id"],
        "ErrorCode": 0,
        "ErrorMessage": "",
        "CreationTime": row["created"],
        "InstancePassword": "",
    }


def _new_id() -> str:
    return "i-" + "".join(secrets.choice(_ALPHABET) for _ in range(12))
