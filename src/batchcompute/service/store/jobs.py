"""Jobs in the database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final

from batchcompute.service.store.rows import JobRow, NewJob

__all__: list[str] = []

_COLUMNS: Final = (
    "seq, id, owner, name, state, message, notes, created, started, ended, plan != '' AS is_app, description"
)
"""The columns of a job, in the order of the fields of `JobRow`."""

BEING_WRITTEN: Final = 1
"""``hidden`` of a job that is being written."""

BEING_REMOVED: Final = 2
"""``hidden`` of a job that is being removed."""


class JobRepository:
    """The jobs of a database; hidden ones are being written or removed, and are seen by nobody.

    Args:
        db: The connection.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def find(self, job_id: str, owner: str) -> JobRow | None:
        """Return a job of an owner; None if there is none of this id."""
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM jobs WHERE id = ? AND owner = ? AND NOT hidden", (job_id, owner)
        ).fetchone()
        return None if row is None else _job(row)

    def get(self, seq: int) -> JobRow | None:
        """Return a job by the number of its row; None if it is gone."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM jobs WHERE seq = ?", (seq,)).fetchone()
        return None if row is None else _job(row)

    def page(
        self, owner: str, start: int, count: int, reverse: bool = False, state: str = "", cluster: str = ""
    ) -> list[JobRow]:
        """Return jobs of an owner in the order of their creation.

        Args:
            owner: The owner.
            start: Row number of the first job.
            count: How many jobs are returned at most.
            reverse: Whether the order is the reverse one.
            state: The state that the jobs have; empty for any.
            cluster: Id of a cluster that a task of each job runs on; empty for any.
        """
        # Ids count up with the jobs, and so do their times: one order serves both.
        where = f"owner = ? AND NOT hidden AND seq {'<=' if reverse else '>='} ?"
        arguments: list[str | int] = [owner, start]
        if state:
            where += " AND state = ?"
            arguments.append(state)
        if cluster:
            where += " AND seq IN (SELECT job FROM tasks WHERE cluster = ?)"
            arguments.append(cluster)
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM jobs WHERE {where} ORDER BY seq {'DESC' if reverse else 'ASC'} LIMIT ?",
            (*arguments, count),
        )
        return [_job(row) for row in rows]

    def insert(self, job: NewJob, id_prefix: str) -> tuple[int, str]:
        """Write a job that stays hidden, with its tasks and without their instances.

        Args:
            job: The job.
            id_prefix: The beginning of its id; the number of its row is the end.

        Returns:
            The number of its row, and its id.
        """
        # In this state it is in no index of jobs that run, until all of it is there.
        cursor = self._db.execute(
            "INSERT INTO jobs (id, owner, name, state, priority, fail_fast, auto_release, description, plan, notes, "
            "created, hidden) VALUES ('', ?, ?, 'Stopped', ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                job.owner,
                job.name,
                job.priority,
                job.fail_fast,
                job.auto_release,
                _text(job.description),
                _text(job.plan) if job.plan else "",
                job.notes,
                job.created,
                BEING_WRITTEN,
            ),
        )
        seq = cursor.lastrowid or 0
        job_id = f"{id_prefix}{seq:08X}"
        self._db.execute("UPDATE jobs SET id = ? WHERE seq = ?", (job_id, seq))
        return seq, job_id

    def show(self, seq: int) -> None:
        """Let a job that is completely written be seen, and wait."""
        self._db.execute("UPDATE jobs SET hidden = 0, state = 'Waiting' WHERE seq = ?", (seq,))

    def hide(self, seq: int) -> None:
        """Let a job disappear; it is removed step by step."""
        # Its state keeps it out of the index of jobs that run.
        self._db.execute("UPDATE jobs SET hidden = ?, state = 'Stopped' WHERE seq = ?", (BEING_REMOVED, seq))

    def delete(self, seq: int) -> None:
        """Delete a job, with its tasks and instances."""
        self._db.execute("DELETE FROM jobs WHERE seq = ?", (seq,))

    def delete_hidden(self, seq: int) -> None:
        """Delete a job if it is hidden."""
        self._db.execute("DELETE FROM jobs WHERE seq = ? AND hidden", (seq,))

    def set_priority(self, seq: int, priority: int) -> None:
        """Change the priority of a job, in its row and in its description."""
        self._db.execute(
            "UPDATE jobs SET priority = ?1, description = json_set(description, '$.Priority', ?1) WHERE seq = ?2",
            (priority, seq),
        )

    def mark_running(self, seq: int, now: str) -> None:
        """Record that an instance of a job starts."""
        # Its row is in an index by its state, so it is written once, and not for each instance.
        self._db.execute(
            "UPDATE jobs SET state = 'Running', started = CASE started WHEN '' THEN ? ELSE started END "
            "WHERE seq = ? AND state != 'Running'",
            (now, seq),
        )

    def mark_finished(self, seq: int, now: str) -> bool:
        """Record that a job has finished; return whether it is to be deleted now (``AutoRelease``)."""
        self._db.execute("UPDATE jobs SET state = 'Finished', ended = ? WHERE seq = ?", (now, seq))
        row = self._db.execute("SELECT 1 FROM jobs WHERE seq = ? AND auto_release", (seq,)).fetchone()
        return row is not None

    def mark_failed(self, seq: int, message: str, now: str) -> None:
        """Record that a job has failed, and why."""
        self._db.execute(
            "UPDATE jobs SET state = 'Failed', message = ?, ended = ? WHERE seq = ?", (message, now, seq)
        )

    def mark_stopped(self, seq: int, now: str) -> None:
        """Record that a job was stopped; one that never ran has no end."""
        self._db.execute(
            "UPDATE jobs SET state = 'Stopped', ended = CASE started WHEN '' THEN '' ELSE ? END WHERE seq = ?",
            (now, seq),
        )

    def mark_waiting(self, seq: int) -> None:
        """Record that a job starts again."""
        self._db.execute(
            "UPDATE jobs SET state = 'Waiting', message = '', started = '', ended = '' WHERE seq = ?", (seq,)
        )

    def add_message(self, seq: int, message: str) -> None:
        """Set the message of a job that has none."""
        self._db.execute("UPDATE jobs SET message = ? WHERE seq = ? AND message = ''", (message, seq))

    def ids(self) -> set[str]:
        """Return the ids of all jobs."""
        return {row["id"] for row in self._db.execute("SELECT id FROM jobs WHERE NOT hidden")}

    def hidden(self) -> list[int]:
        """Return the row numbers of jobs that an earlier service has not completely written or removed."""
        return [row["seq"] for row in self._db.execute("SELECT seq FROM jobs WHERE hidden")]

    def count_unfinished(self) -> int:
        """Return how many jobs have not ended."""
        row = self._db.execute(
            "SELECT COUNT(*) FROM jobs WHERE state IN ('Waiting', 'Running') AND NOT hidden"
        ).fetchone()
        return int(row[0])

    def ended_before(self, time: str) -> Sequence[tuple[int, str]]:
        """Return row numbers and ids of the jobs that ended before a time."""
        rows = self._db.execute(
            "SELECT seq, id FROM jobs WHERE state IN ('Finished', 'Failed', 'Stopped') AND NOT hidden "
            "AND CASE ended WHEN '' THEN created ELSE ended END < ?",
            (time,),
        )
        return [(row["seq"], row["id"]) for row in rows]


def _text(description: Mapping[str, Any]) -> str:
    return json.dumps(description, ensure_ascii=False, separators=(",", ":"))


def _job(row: sqlite3.Row) -> JobRow:
    return JobRow(*row)
