"""Large jobs, in steps: nothing holds the database for longer than a few milliseconds at a time.

A job may have a million instances, each a row. They are written before the job is seen, and removed after it is
no longer seen; the rows of instances that were stopped before they ran are brought in line with their task in the
background, and are shown as stopped from the beginning (`STATE`). A crash in between leaves what the next start
goes on with (`leftovers`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Final

from batchcompute.service.store.database import Store

__all__: list[str] = []

STEP: Final = 2_000
"""Rows that are written or removed at a time."""

_REMOVED = 1_000
"""Rows that are removed at a time: each is looked for in three indices."""

MADE: Final = 1
"""``hidden`` of a job that is being written."""

GONE: Final = 2
"""``hidden`` of a job that is being removed."""

STATE: Final = (
    "CASE WHEN i.state = 'Waiting' AND t.state IN ('Stopped', 'Failed') THEN 'Stopped' ELSE i.state END"
)
"""State of an instance ``i`` of a task ``t``: what did not start before its task ended was stopped with it."""

Range = tuple[int, int, int]
"""Position of a task, and the numbers of its instances from the first one to the one behind the last one."""


def ranges(counts: Sequence[tuple[int, int]], step: int = STEP) -> list[Range]:
    """Return the steps in which instances are written.

    Args:
        counts: Position and number of instances of each task.
        step: How many instances a step has.
    """
    return [
        (position, start, min(start + step, count))
        for position, count in counts
        for start in range(0, count, step)
    ]


def insert(db: sqlite3.Connection, job: int, part: Range) -> None:
    """Write the instances of one step."""
    db.execute(
        "WITH RECURSIVE n(number) AS (SELECT ? UNION ALL SELECT number + 1 FROM n WHERE number + 1 < ?) "
        "INSERT INTO instances (job, task, number) SELECT ?, ?, number FROM n",
        (part[1], part[2], job, part[0]),
    )


def hide(db: sqlite3.Connection, job: int) -> None:
    """Let a job disappear; `remove` removes it."""
    # Its state keeps it out of the index of jobs that run.
    db.execute("UPDATE jobs SET hidden = ?, state = 'Stopped' WHERE seq = ?", (GONE, job))


def remove(store: Store, job: int, goes_on: Callable[[], bool] = lambda: True) -> None:
    """Remove a job that is hidden, with its instances.

    Args:
        store: The database.
        job: Its number.
        goes_on: Returns whether to go on after a step.
    """
    for part in _parts(store, job, _REMOVED):
        if not goes_on():
            return
        with store.write() as db:
            db.execute(
                "DELETE FROM instances WHERE job = ? AND task = ? AND number >= ? AND number < ?",
                (job, *part),
            )
        store.let_others()
    with store.write() as db:
        db.execute("DELETE FROM jobs WHERE seq = ? AND hidden", (job,))


def settle(store: Store, job: int, goes_on: Callable[[], bool] = lambda: True) -> None:
    """Write down that instances which did not start before their task ended are stopped."""
    while True:
        with store.write() as db:
            # With the database in hand: a job that is about to start again is left alone from its first step on.
            if not goes_on():
                return
            done = db.execute(
                "UPDATE instances SET state = 'Stopped' WHERE (job, task, number) IN (SELECT i.job, i.task, i.number "
                "FROM tasks t JOIN instances i INDEXED BY instances_waiting ON i.job = t.job AND i.task = t.position "
                "WHERE t.job = ? AND t.state IN ('Stopped', 'Failed') AND i.state = 'Waiting' LIMIT ?)",
                (job, STEP),
            )
        if done.rowcount < STEP:
            return
        store.let_others()


def reset(store: Store, job: int) -> None:
    """Let instances of a job that is about to start again wait, step by step; the job itself does not start yet."""
    for part in _parts(store, job):
        with store.write() as db:
            db.execute(
                "UPDATE instances SET state = 'Waiting', retries = 0, losses = 0, started = '', ended = '', "
                "exit_code = 0, error_code = '', error_message = '', detail = '' WHERE job = ? AND task = ? "
                "AND number >= ? AND number < ? AND state IN ('Failed', 'Stopped') "
                "AND EXISTS (SELECT 1 FROM tasks WHERE job = ? AND position = ? AND state IN ('Stopped', 'Failed'))",
                (job, *part, job, part[0]),
            )
        store.let_others()


def _parts(store: Store, job: int, step: int = STEP) -> list[Range]:
    """Return the steps in which all instances of a job are looked at."""
    with store.read() as db:
        rows = db.execute(
            "SELECT position, Waiting + Running + Finished + Failed + Stopped AS total FROM tasks WHERE job = ? "
            "ORDER BY position",
            (job,),
        ).fetchall()
    return ranges([(row["position"], row["total"]) for row in rows], step)


def leftovers(db: sqlite3.Connection) -> tuple[list[int], list[int]]:
    """Return the jobs that are to be removed, and those whose instances are to be settled, after a restart."""
    gone = [row["seq"] for row in db.execute("SELECT seq FROM jobs WHERE hidden")]
    unsettled = [
        row["job"]
        for row in db.execute(
            "SELECT DISTINCT t.job FROM tasks t JOIN jobs j ON j.seq = t.job WHERE t.state IN ('Stopped', 'Failed') "
            "AND j.state IN ('Stopped', 'Failed') AND NOT j.hidden AND EXISTS (SELECT 1 FROM instances i "
            "INDEXED BY instances_waiting WHERE i.job = t.job AND i.task = t.position AND i.state = 'Waiting')"
        )
    ]
    return gone, unsettled
