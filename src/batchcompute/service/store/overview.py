"""Queries for the page: counts, searches and aggregates over many rows, which no operation of the API needs."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from batchcompute.service.domain.states import Key

__all__: list[str] = []

_RETRIED: Final = (
    "FROM attempts a JOIN instances i ON i.job = a.job AND i.task = a.task AND i.number = a.number "
    "WHERE a.job = j.seq AND a.state IN ('Failed', 'Lost') AND i.state IN ('Waiting', 'Submitted', 'Running') "
    "AND i.retries + i.losses > 0"
)
"""Attempts of unfinished instances that failed or were lost; only retried instances have rows in ``attempts``."""

_FAILING: Final = f"j.state IN ('Waiting', 'Running') AND EXISTS (SELECT 1 {_RETRIED})"
"""Whether something of a job has failed and is being retried."""


class Totals(NamedTuple):
    """The jobs of an owner, and the instances of those that have not ended."""

    jobs: Mapping[str, int]
    """The number of jobs in each state; states without jobs are missing."""
    failing: int
    """The number of jobs of which something has failed and is being retried."""
    waiting: int
    """The number of instances that wait."""
    running: int
    """The number of instances that run."""


class AttemptFailure(NamedTuple):
    """The last failed attempt of an instance."""

    key: Key
    """The instance."""
    attempt: int
    """Number of the attempt."""
    instance_state: str
    """State of the instance now."""
    ended: str
    """Time of the end of the attempt."""
    node: str
    """Address of the machine."""
    exit_code: int
    """Exit code of the program."""
    code: str
    """Error code."""
    message: str
    """Error message."""


class Bar(NamedTuple):
    """An instance that has started, for a timeline."""

    task: int
    """Position of its task."""
    number: int
    """Its number."""
    state: str
    """Its state."""
    started: str
    """Time of the start of its last attempt."""
    ended: str
    """Time of its end; empty while it runs."""


@dataclass(frozen=True, slots=True)
class Span:
    """Instances of a task that began and ended in the same intervals of time."""

    first: int
    """Interval in which they began."""
    last: int
    """Interval in which they ended; -1 while they run."""
    count: int
    """The number of instances."""


class OverviewRepository:
    """Queries for the page.

    Args:
        db: The connection.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def totals(self, owner: str) -> Totals:
        """Return the numbers of jobs and instances of an owner."""
        jobs = {
            str(row[0]): int(row[1])
            for row in self._db.execute(
                "SELECT state, COUNT(*) FROM jobs WHERE owner = ? AND NOT hidden GROUP BY state", (owner,)
            )
        }
        failing = self._db.execute(
            f"SELECT COUNT(*) FROM jobs j WHERE owner = ? AND NOT hidden AND {_FAILING}", (owner,)
        ).fetchone()[0]
        waiting, running = self._db.execute(
            "SELECT COALESCE(SUM(t.Waiting + t.Submitted), 0), COALESCE(SUM(t.Running), 0) FROM jobs j JOIN tasks t ON t.job = j.seq "
            "WHERE j.state IN ('Waiting', 'Running') AND j.owner = ? AND NOT j.hidden",
            (owner,),
        ).fetchone()
        return Totals(jobs, int(failing), int(waiting), int(running))

    def queued(self, job: int) -> tuple[int, str]:
        """Return how many instances of a job wait in the queue of the engine, and the reason of the engine."""
        row = self._db.execute(
            "SELECT COALESCE(SUM(t.Submitted), 0), j.waits FROM jobs j JOIN tasks t ON t.job = j.seq WHERE j.seq = ?",
            (job,),
        ).fetchone()
        return int(row[0]), str(row[1] or "")

    def find_jobs(
        self, owner: str, text: str, state: str, failing: bool, before: int, count: int
    ) -> list[tuple[int, str]]:
        """Return row numbers and ids of jobs, the newest first.

        Args:
            owner: The owner.
            text: Part of the name or the id; empty for all jobs.
            state: State of the jobs; empty for any state.
            failing: Whether only jobs are returned of which something is being retried.
            before: Row number after the newest returned job.
            count: Largest number of returned jobs.
        """
        where = "owner = ? AND seq < ?"
        arguments: list[str | int] = [owner, before]
        if state:
            where += " AND state = ?"
            arguments.append(state)
        if text:
            pattern = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            where += " AND (name LIKE ? ESCAPE '\\' OR id LIKE ? ESCAPE '\\')"
            arguments += [f"%{pattern}%"] * 2
        if failing:
            where += f" AND {_FAILING}"
        rows = self._db.execute(
            f"SELECT seq, id FROM jobs j WHERE {where} AND NOT hidden ORDER BY seq DESC LIMIT ?",
            (*arguments, count),
        )
        return [(int(row[0]), str(row[1])) for row in rows]

    def retried(self, jobs: Sequence[int]) -> dict[int, int]:
        """Return the number of instances that are being retried, of those of the given jobs that have some."""
        marks = ", ".join("?" * len(jobs))
        rows = self._db.execute(
            f"SELECT j.seq, (SELECT COUNT(DISTINCT a.task || ' ' || a.number) {_RETRIED}) FROM jobs j "
            f"WHERE j.seq IN ({marks}) AND {_FAILING}",
            tuple(jobs),
        )
        return {int(row[0]): int(row[1]) for row in rows}

    def retried_by_task(self, job: int) -> dict[int, int]:
        """Return the number of instances that are being retried, by the position of their task."""
        rows = self._db.execute(
            f"SELECT a.task, COUNT(DISTINCT a.number) {_RETRIED.replace('j.seq', '?')} GROUP BY a.task",
            (job,),
        )
        return {int(row[0]): int(row[1]) for row in rows}

    def failures(self, job: int, task: int, start: int, end: int, count: int) -> list[AttemptFailure]:
        """Return failed instances of a task, within a range of numbers, by number."""
        rows = self._db.execute(
            "SELECT number, attempt, state, ended, node, exit_code, error_code, error_message FROM instances "
            "WHERE job = ? AND task = ? AND number >= ? AND number < ? AND state = 'Failed' ORDER BY number LIMIT ?",
            (job, task, start, end, count),
        )
        return [AttemptFailure((job, task, row[0]), *row[1:]) for row in rows]

    def retried_failures(self, job: int, count: int) -> list[AttemptFailure]:
        """Return the last failed or lost attempt of each instance that is being retried, the newest first."""
        rows = self._db.execute(
            # SQLite takes the other columns from the row with the largest number.
            "SELECT a.task, a.number, MAX(a.attempt), i.state, a.ended, a.node, a.exit_code, a.error_code, "
            f"a.error_message {_RETRIED.replace('j.seq', '?')} GROUP BY a.task, a.number ORDER BY a.ended DESC LIMIT ?",
            (job, count),
        )
        return [AttemptFailure((job, row[0], row[1]), *row[2:]) for row in rows]

    def started(self, job: int, count: int) -> list[Bar]:
        """Return instances of a job that have started, at most a number of them."""
        rows = self._db.execute(
            "SELECT task, number, state, started, ended FROM instances WHERE job = ? AND started != '' LIMIT ?",
            (job, count),
        )
        return [Bar(*row) for row in rows]

    def spans(self, job: int, task: int, start: int, end: int, origin: float, per_day: float) -> list[Span]:
        """Return when instances of a task ran, in intervals of time.

        Args:
            job: Row number of the job.
            task: Position of the task.
            start: Smallest number of an instance.
            end: Number after the largest one.
            origin: Julian day of the begin of the first interval.
            per_day: The number of intervals of a day.
        """
        rows = self._db.execute(
            "SELECT MAX(0, CAST((julianday(started) - ?1) * ?2 AS INTEGER)) AS first, CASE WHEN ended = '' OR "
            "ended < started THEN -1 ELSE MAX(0, CAST((julianday(ended) - ?1) * ?2 AS INTEGER)) END AS last, "
            "COUNT(*) FROM instances WHERE job = ?3 AND task = ?4 AND number >= ?5 AND number < ?6 "
            "AND started != '' GROUP BY first, last",
            (origin, per_day, job, task, start, end),
        )
        return [Span(row[0], row[1], row[2]) for row in rows]
