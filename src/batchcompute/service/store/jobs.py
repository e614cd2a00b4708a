"""Jobs in the database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final

from batchcompute.service.events import (
    AttemptEnded,
    Event,
    JobCreated,
    JobDeleted,
    JobEnded,
    JobRestarted,
    JobStarted,
    seconds_between,
    seconds_since_1970,
)
from batchcompute.service.store.instances import Range
from batchcompute.service.store.rows import History, JobRow, NewJob

__all__: list[str] = []

_COLUMNS: Final = "seq, id, owner, name, state, message, notes, waits, created, started, ended, plan != '' AS is_app, description"
"""The columns of a job, in the order of the fields of `JobRow`."""

BEING_WRITTEN: Final = 1
"""``hidden`` of a job that is being written."""

BEING_REMOVED: Final = 2
"""``hidden`` of a job that is being removed."""


class JobRepository:
    """The jobs of a database. Hidden jobs are being written or removed, and do not appear in responses.

    Args:
        db: The connection.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.changes: list[Event] = []
        """The events of the current transaction, which are reported when it is committed."""

    def find(self, job_id: str, owner: str) -> JobRow | None:
        """Return a job of an owner; None if it does not exist."""
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM jobs WHERE id = ? AND owner = ? AND NOT hidden", (job_id, owner)
        ).fetchone()
        return None if row is None else _job(row)

    def page(
        self, owner: str, start: int, count: int, reverse: bool = False, state: str = "", cluster: str = ""
    ) -> list[JobRow]:
        """Return jobs of an owner in the order of their creation.

        Args:
            owner: The owner.
            start: Row number of the first job.
            count: Largest number of returned jobs.
            reverse: Whether the newest job is the first.
            state: State of the jobs; empty for any state.
            cluster: Id of a cluster that at least one task of each job uses; empty for any cluster.
        """
        # Row numbers increase with the ids and with the times of creation, so they give the order of both.
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
        """Insert a job and its tasks, without their instances; it stays hidden until `show`.

        Args:
            job: The job.
            id_prefix: Prefix of the id; the rest is the row number.

        Returns:
            The row number and the id.
        """
        # This state keeps an incomplete job out of the index of active jobs.
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
        for position, task in enumerate(job.tasks):
            self._db.execute(
                "INSERT INTO tasks (job, position, name, state, cluster, max_retries, timeout, blockers, followers, "
                "Waiting) VALUES (?, ?, ?, 'Waiting', ?, ?, ?, ?, ?, ?)",
                (
                    seq,
                    position,
                    task.name,
                    task.cluster,
                    task.max_retries,
                    task.timeout,
                    task.blockers,
                    json.dumps(task.followers),
                    task.size,
                ),
            )
            self._db.execute(
                "INSERT INTO task_descriptions VALUES (?, ?, ?)", (seq, position, _text(task.description))
            )
        return seq, job_id

    def insert_instances(self, seq: int, part: Range) -> None:
        """Insert waiting instances of a job.

        Args:
            seq: Row number of the job.
            part: Position of the task, first number, and the number after the last one.
        """
        self._db.execute(
            "WITH RECURSIVE n(number) AS (SELECT ? UNION ALL SELECT number + 1 FROM n WHERE number + 1 < ?) "
            "INSERT INTO instances (job, task, number) SELECT ?, ?, number FROM n",
            (part[1], part[2], seq, part[0]),
        )

    def show(self, seq: int) -> None:
        """Make a completely written job visible, in the state ``Waiting``."""
        self._db.execute("UPDATE jobs SET hidden = 0, state = 'Waiting' WHERE seq = ?", (seq,))
        row = self._db.execute(
            "SELECT id, owner, name, (SELECT COUNT(*) FROM tasks WHERE job = seq) AS tasks, "
            "(SELECT COALESCE(SUM(Waiting), 0) FROM tasks WHERE job = seq) AS instances FROM jobs WHERE seq = ?",
            (seq,),
        ).fetchone()
        self.changes.append(JobCreated(*row))

    def hide(self, seq: int) -> None:
        """Hide a job, which is then removed step by step."""
        # This state keeps the job out of the index of active jobs.
        rows = self._db.execute(
            "UPDATE jobs SET hidden = ?, state = 'Stopped' WHERE seq = ? AND NOT hidden RETURNING id, owner",
            (BEING_REMOVED, seq),
        )
        self.changes += [JobDeleted(*row) for row in rows.fetchall()]

    def delete(self, seq: int) -> None:
        """Delete a job, with its tasks and instances."""
        rows = self._db.execute("DELETE FROM jobs WHERE seq = ? RETURNING id, owner", (seq,))
        self.changes += [JobDeleted(*row) for row in rows.fetchall()]

    def delete_hidden(self, seq: int) -> None:
        """Delete a job if it is hidden; `hide` has reported the deletion."""
        self._db.execute("DELETE FROM jobs WHERE seq = ? AND hidden", (seq,))

    def set_priority(self, seq: int, priority: int) -> None:
        """Change the priority of a job, in its row and in its description."""
        self._db.execute(
            "UPDATE jobs SET priority = ?1, description = json_set(description, '$.Priority', ?1) WHERE seq = ?2",
            (priority, seq),
        )

    def mark_running(self, seq: int, now: str) -> None:
        """Record that a job runs, when an instance of it starts."""
        # An index contains the state, so the row is written for the first instance only.
        rows = self._db.execute(
            "UPDATE jobs SET state = 'Running', started = CASE started WHEN '' THEN ? ELSE started END "
            "WHERE seq = ? AND state != 'Running' RETURNING id, owner",
            (now, seq),
        )
        self.changes += [JobStarted(*row) for row in rows.fetchall()]

    def mark_finished(self, seq: int, now: str) -> bool:
        """Record that a job has finished, and return whether it must be deleted now (``AutoRelease``)."""
        return any(self._end("state = 'Finished', ended = ?", (now, seq)))

    def mark_failed(self, seq: int, message: str, now: str) -> None:
        """Record that a job has failed, with a message."""
        self._end("state = 'Failed', message = ?, ended = ?", (message, now, seq))

    def mark_stopped(self, seq: int, now: str) -> None:
        """Record that a job was stopped. A job that never ran has no time of its end."""
        self._end("state = 'Stopped', ended = CASE started WHEN '' THEN '' ELSE ? END", (now, seq))

    def _end(self, changes: str, values: tuple[str | int, ...]) -> list[int]:
        """Change the row of a job that ends, and return its ``auto_release``; empty if there is no such job."""
        rows = self._db.execute(
            f"UPDATE jobs SET {changes} WHERE seq = ? "
            "RETURNING auto_release, id, owner, state, message, started, ended",
            values,
        ).fetchall()
        for _, job, owner, state, message, started, ended in rows:
            seconds = seconds_between(started, ended)
            self.changes.append(JobEnded(job, owner, state, message if state == "Failed" else "", seconds))
        return [row[0] for row in rows]

    def report_attempt_end(self, history: History, state: str, exit_code: int, code: str, now: str) -> None:
        """Report the end of the current attempt of an instance, unless it never started.

        Args:
            history: The instance, before the end of the attempt is recorded.
            state: How the attempt ended: ``Finished``, ``Failed``, ``Stopped`` or ``Lost``.
            exit_code: Exit code of the program; 0 if there is none.
            code: Code of the error; empty for a success.
            now: The time.
        """
        if history.started:
            start, end = seconds_since_1970(history.started), seconds_since_1970(now)
            number = history.key[2]
            self.changes.append(
                AttemptEnded(
                    history.job_id, history.task, number, history.attempt, state, exit_code, code, start, end
                )
            )

    def mark_waiting(self, seq: int) -> None:
        """Record that a job starts again."""
        rows = self._db.execute(
            "UPDATE jobs SET state = 'Waiting', message = '', waits = '', started = '', ended = '' WHERE seq = ? "
            "RETURNING id, owner",
            (seq,),
        )
        self.changes += [JobRestarted(*row) for row in rows.fetchall()]

    def set_engine_message(self, seq: int, reason: str) -> None:
        """Set the report of the engine on a job: why its attempts wait, and why the last one was lost; empty for none."""
        self._db.execute("UPDATE jobs SET waits = ? WHERE seq = ? AND waits != ?", (reason, seq, reason))

    def set_message_if_empty(self, seq: int, message: str) -> None:
        """Set the message of a job, unless it has one."""
        self._db.execute("UPDATE jobs SET message = ? WHERE seq = ? AND message = ''", (message, seq))

    def ids(self) -> set[str]:
        """Return the ids of all jobs."""
        return {row["id"] for row in self._db.execute("SELECT id FROM jobs WHERE NOT hidden")}

    def hidden(self) -> list[int]:
        """Return the row numbers of hidden jobs. An earlier service left them incomplete."""
        return [row["seq"] for row in self._db.execute("SELECT seq FROM jobs WHERE hidden")]

    def count_unfinished(self) -> int:
        """Return the number of jobs that have not ended."""
        row = self._db.execute(
            "SELECT COUNT(*) FROM jobs WHERE state IN ('Waiting', 'Running') AND NOT hidden"
        ).fetchone()
        return int(row[0])

    def count_by_state(self) -> dict[str, int]:
        """Return the number of jobs in each state that has any."""
        rows = self._db.execute("SELECT state, COUNT(*) FROM jobs WHERE NOT hidden GROUP BY state")
        return {row[0]: row[1] for row in rows}

    def count_active_instances(self) -> tuple[int, int, int]:
        """Return the numbers of waiting, of submitted and of running instances of the jobs that have not ended."""
        row = self._db.execute(
            "SELECT COALESCE(SUM(t.Waiting), 0), COALESCE(SUM(t.Submitted), 0), COALESCE(SUM(t.Running), 0) "
            "FROM jobs j JOIN tasks t ON t.job = j.seq WHERE j.state IN ('Waiting', 'Running')"
        ).fetchone()
        return int(row[0]), int(row[1]), int(row[2])

    def ended_before(self, time: str, count: int) -> Sequence[tuple[int, str]]:
        """Return row numbers and ids of jobs that ended before a time, in the order of creation.

        A job that never ran counts by the time of its creation.

        Args:
            time: The time.
            count: Largest number of returned jobs.
        """
        rows = self._db.execute(
            "SELECT seq, id FROM jobs WHERE state IN ('Finished', 'Failed', 'Stopped') AND NOT hidden "
            "AND CASE ended WHEN '' THEN created ELSE ended END < ? ORDER BY seq LIMIT ?",
            (time, count),
        )
        return [(row["seq"], row["id"]) for row in rows]


def _text(description: Mapping[str, Any]) -> str:
    return json.dumps(description, ensure_ascii=False, separators=(",", ":"))


def _job(row: sqlite3.Row) -> JobRow:
    return JobRow(*row)
