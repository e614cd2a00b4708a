"""Which instances start now: higher priority first, then older jobs, where there is a machine for them."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from batchcompute.service.store import machines
from batchcompute.service.store.transitions import Key

__all__: list[str] = []

# The joins are in the order in which the indices give the rows, so nothing is sorted, and no more rows
# are read than are taken: with 100,000 instances waiting, too.
_PICK = """
SELECT i.job, i.task, i.number, t.cluster
FROM jobs j INDEXED BY jobs_active
CROSS JOIN tasks t ON t.job = j.seq
CROSS JOIN instances i INDEXED BY instances_waiting ON i.job = t.job AND i.task = t.position
WHERE j.state IN ('Waiting', 'Running') AND t.blockers = 0 AND t.Waiting > 0 AND i.state = 'Waiting'
{excluded}
ORDER BY j.priority DESC, j.seq, t.position, i.number
LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Pick:
    """An instance that may start, and the machine that it gets."""

    key: Key
    """The instance."""
    worker: str
    """The machine; empty for one of its task's own."""


def pick(db: sqlite3.Connection, free: int, held: Collection[int] = ()) -> list[Pick]:
    """Choose the instances that start now.

    A task with a cluster runs on its machines only, one instance on each; what runs on all of them, and
    on tasks' own machines, is bounded by the slots of this machine.

    Args:
        db: The database, read only.
        free: How many may start.
        held: Jobs that do not start yet; those behind them wait with them, for as long as nobody would
            notice.
    """
    found: list[Pick] = []
    idle: dict[str, list[str]] = {}
    taken: set[Key] = set()
    while free > len(taken):
        full = [cluster for cluster, ids in idle.items() if not ids]
        excluded = f"AND t.cluster NOT IN ({', '.join('?' * len(full))})" if full else ""
        rows = db.execute(_PICK.format(excluded=excluded), (*full, free)).fetchall()
        again = False
        for row in rows:
            key, cluster = (row[0], row[1], row[2]), row[3]
            if key in taken:
                continue
            worker = ""
            if cluster:
                if cluster not in idle:
                    idle[cluster] = machines.idle(db, cluster, free)
                if not idle[cluster]:
                    # Its cluster has no machine left: look past all of its tasks.
                    again = True
                    continue
                worker = idle[cluster].pop(0)
            taken.add(key)
            if key[0] not in held:
                found.append(Pick(key, worker))
            if len(taken) == free:
                break
        if not again:
            break
        # All at once: there may be hundreds of them, and each look takes as long as the last.
        for cluster in machines.full(db):
            idle.setdefault(cluster, [])
        if set(full) == {cluster for cluster, ids in idle.items() if not ids}:
            break
    return found
