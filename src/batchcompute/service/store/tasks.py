"""Tasks in the database."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

from batchcompute import resources
from batchcompute.service.domain.states import STATES, State, StoredState
from batchcompute.service.store.rows import (
    Progress,
    TaskRow,
    TaskToRun,
    cluster_description,
    task_description,
)

__all__: list[str] = []

_COLUMNS: Final = (
    "job, position, name, state, cluster, timeout, blockers, started, ended, "
    "Waiting + Submitted, Running, Finished, Failed, Stopped"
)
"""The columns of a task, in the order of the fields of `TaskRow`; its counters are in the order of `STATES`."""


class TaskRepository:
    """The tasks of a database; the counters of a task are its instances by state.

    Args:
        db: The connection.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def of_job(self, job: int) -> list[TaskRow]:
        """Return the tasks of a job in the order of its description."""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM tasks WHERE job = ? ORDER BY position", (job,))
        return [_task(row) for row in rows]

    def find(self, job: int, name: str) -> TaskRow | None:
        """Return a task of a job; None if there is none of this name."""
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM tasks WHERE job = ? AND name = ?", (job, name)
        ).fetchone()
        return None if row is None else _task(row)

    def names(self, job: int) -> list[str]:
        """Return the names of the tasks of a job."""
        rows = self._db.execute("SELECT name FROM tasks WHERE job = ? ORDER BY position", (job,))
        return [row["name"] for row in rows]

    def description(self, job: int, position: int) -> resources.TaskDescription:
        """Return the description of a task; it must not be changed."""
        row = self._db.execute(
            "SELECT description FROM task_descriptions WHERE job = ? AND position = ?", (job, position)
        ).fetchone()
        return task_description(row["description"])

    def to_run(self, job: int, position: int) -> TaskToRun | None:
        """Return the data of a task that an attempt needs; None if the job was deleted."""
        row = self._db.execute(
            "SELECT j.id, j.owner, t.name, t.cluster, t.timeout, d.description, c.description AS of_cluster "
            "FROM jobs j JOIN tasks t ON t.job = j.seq "
            "JOIN task_descriptions d ON d.job = t.job AND d.position = t.position "
            "LEFT JOIN clusters c ON c.id = t.cluster WHERE j.seq = ? AND t.position = ?",
            (job, position),
        ).fetchone()
        if row is None:
            return None
        of_cluster = row["of_cluster"]
        return TaskToRun(
            row["owner"],
            row["id"],
            row["name"],
            row["cluster"],
            row["timeout"],
            task_description(row["description"]),
            cluster_description(of_cluster) if of_cluster else None,
        )

    def clusters(self, job: int, unfinished: bool = False) -> set[str]:
        """Return the clusters that tasks of a job run on.

        Args:
            job: Row number of the job.
            unfinished: Whether only tasks that have not finished count.
        """
        rows = self._db.execute(
            "SELECT DISTINCT cluster FROM tasks WHERE job = ? AND cluster != '' AND (NOT ? OR state != 'Finished')",
            (job, unfinished),
        )
        return {row["cluster"] for row in rows}

    def using_cluster(self, cluster_id: str) -> list[tuple[int, int, str]]:
        """Return job, position and name of one task of each job that still needs a cluster."""
        rows = self._db.execute(
            "SELECT t.job, t.position, t.name FROM tasks t JOIN jobs j ON j.seq = t.job WHERE t.cluster = ? "
            "AND t.state IN ('Waiting', 'Running') AND j.state IN ('Waiting', 'Running') GROUP BY t.job",
            (cluster_id,),
        )
        return [(row["job"], row["position"], row["name"]) for row in rows]

    def sizes(self, job: int) -> list[tuple[int, int]]:
        """Return the position and the number of instances of each task of a job."""
        rows = self._db.execute(
            "SELECT position, Waiting + Submitted + Running + Finished + Failed + Stopped AS total FROM tasks WHERE job = ? "
            "ORDER BY position",
            (job,),
        )
        return [(row["position"], row["total"]) for row in rows]

    def count_waiting(self, job: int) -> int:
        """Return how many instances of a job wait, without those that wait in an engine."""
        row = self._db.execute("SELECT SUM(Waiting) FROM tasks WHERE job = ?", (job,)).fetchone()
        return row[0] or 0

    def unsettled(self) -> list[int]:
        """Return jobs that have ended, while rows of their instances still say ``Waiting``."""
        rows = self._db.execute(
            "SELECT DISTINCT t.job FROM tasks t JOIN jobs j ON j.seq = t.job WHERE t.state IN ('Stopped', 'Failed') "
            "AND j.state IN ('Stopped', 'Failed') AND NOT j.hidden AND EXISTS (SELECT 1 FROM instances i "
            "INDEXED BY instances_waiting WHERE i.job = t.job AND i.task = t.position AND i.state = 'Waiting')"
        )
        return [row["job"] for row in rows]

    def move(self, job: int, position: int, source: StoredState, target: StoredState) -> Progress:
        """Count an instance in another state than before, and return the state of the task after that."""
        row = self._db.execute(
            f"UPDATE tasks SET {source} = {source} - 1, {target} = {target} + 1 WHERE job = ? AND position = ? "
            "RETURNING state, Waiting + Submitted AS Waiting, Running, Finished, Failed, Stopped",
            (job, position),
        ).fetchone()
        return Progress(row["state"], _counts(row))

    def mark_submitted(self, job: int, position: int) -> None:
        """Count an instance whose attempt waits in an engine now."""
        self.move(job, position, "Waiting", "Submitted")

    def mark_running(self, job: int, position: int, source: StoredState, now: str) -> int:
        """Record that an instance of a task starts, which had another state before.

        Returns:
            The number of instances of the task that run now.
        """
        row = self._db.execute(
            f"UPDATE tasks SET {source} = {source} - 1, Running = Running + 1, state = 'Running', "
            "started = CASE started WHEN '' THEN ? ELSE started END WHERE job = ? AND position = ? "
            "RETURNING Running",
            (now, job, position),
        ).fetchone()
        return int(row[0])

    def set_state(self, job: int, position: int, state: State) -> None:
        """Record the state of a task that has not ended."""
        self._db.execute("UPDATE tasks SET state = ? WHERE job = ? AND position = ?", (state, job, position))

    def end(self, job: int, position: int, state: State, now: str) -> None:
        """Record the state of a task that has ended."""
        self._db.execute(
            "UPDATE tasks SET state = ?, ended = ? WHERE job = ? AND position = ?",
            (state, now, job, position),
        )

    def release_followers(self, job: int, position: int) -> None:
        """Count a task that has finished as no blocker of the tasks that wait for it."""
        row = self._db.execute(
            "SELECT followers FROM tasks WHERE job = ? AND position = ?", (job, position)
        ).fetchone()
        self._db.executemany(
            "UPDATE tasks SET blockers = blockers - 1 WHERE job = ? AND position = ?",
            [(job, follower) for follower in json.loads(row["followers"])],
        )

    def all_finished(self, job: int) -> bool:
        """Return whether all tasks of a job have finished."""
        row = self._db.execute(
            "SELECT COUNT(*) FROM tasks WHERE job = ? AND state != 'Finished'", (job,)
        ).fetchone()
        return bool(row[0] == 0)

    def stop_all(self, job: int, now: str) -> None:
        """Record that the tasks of a job that have not ended are stopped, with their instances."""
        self._db.execute(
            "UPDATE tasks SET state = CASE WHEN state IN ('Waiting', 'Running') THEN 'Stopped' ELSE state END, "
            "ended = CASE WHEN ended = '' AND started != '' THEN ? ELSE ended END, "
            "Stopped = Stopped + Waiting + Submitted + Running, Waiting = 0, Submitted = 0, Running = 0 WHERE job = ?",
            (now, job),
        )

    def restart(self, job: int) -> None:
        """Let the tasks of a job that have not finished wait again, with their instances."""
        self._db.execute(
            "UPDATE tasks SET state = 'Waiting', started = '', ended = '', Waiting = Waiting + Failed + Stopped, "
            "Failed = 0, Stopped = 0 WHERE job = ? AND state != 'Finished'",
            (job,),
        )


def _counts(row: sqlite3.Row) -> dict[State, int]:
    return {state: row[state] for state in STATES}


def _task(row: sqlite3.Row) -> TaskRow:
    counts = dict(zip(STATES, row[9:], strict=True))
    return TaskRow(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], counts)
