"""Instances in the database, with their last attempts."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from typing import Final, TypeAlias

from batchcompute.runner.outcome import Outcome
from batchcompute.runner.spec import STORED_ISOLATION, Isolation, load_isolation
from batchcompute.service.domain.states import Key, State
from batchcompute.service.store.rows import InstanceRow, RunningRow

__all__: list[str] = []

_STATE: Final = (
    "CASE WHEN i.state = 'Waiting' AND t.state IN ('Stopped', 'Failed') THEN 'Stopped' ELSE i.state END"
)
# What did not start before its task ended was stopped with it; its row says so later, step by step.

_OF_TASK = (
    f"SELECT i.*, {_STATE} AS shown FROM instances i JOIN tasks t ON t.job = i.job AND t.position = i.task "
    "WHERE i.job = ? AND i.task = ?"
)

# The joins are in the order in which the indices give the rows, so nothing is sorted, and no more rows
# are read than are taken: with 100,000 instances waiting, too.
_RUNNABLE = """
SELECT i.job, i.task, i.number, t.cluster
FROM jobs j INDEXED BY jobs_active
CROSS JOIN tasks t ON t.job = j.seq
CROSS JOIN instances i INDEXED BY instances_waiting ON i.job = t.job AND i.task = t.position
WHERE j.state IN ('Waiting', 'Running') AND t.blockers = 0 AND t.Waiting > 0 AND i.state = 'Waiting'
{excluded}
ORDER BY j.priority DESC, j.seq, t.position, i.number
LIMIT ?
"""

Range: TypeAlias = tuple[int, int, int]
"""Position of a task, and the numbers of its instances from the first one to the one behind the last one."""


class InstanceRepository:
    """The instances of a database.

    Args:
        db: The connection.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def find(self, job: int, task: int, number: int) -> InstanceRow | None:
        """Return an instance; None if there is none of this number."""
        row = self._db.execute(f"{_OF_TASK} AND i.number = ?", (job, task, number)).fetchone()
        return None if row is None else _instance(row)

    def page(
        self, job: int, task: int, start: int, end: int, count: int, state: str = ""
    ) -> list[InstanceRow]:
        """Return instances of a task, in the order of their numbers.

        Args:
            job: Row number of the job.
            task: Position of the task.
            start: Number of the first instance that is looked at.
            end: Number behind the last one.
            count: How many instances are returned at most.
            state: The state that they have; empty for any.
        """
        rows = self._db.execute(
            f"{_OF_TASK} AND i.number >= ? AND i.number < ? AND (? = '' OR shown = ?) ORDER BY i.number LIMIT ?",
            (job, task, start, end, state, state, count),
        )
        return [_instance(row) for row in rows]

    def runnable(self, count: int, full_clusters: Collection[str] = ()) -> list[tuple[Key, str]]:
        """Return instances that could start, and the clusters of their tasks: higher priorities, then older jobs, first.

        Args:
            count: How many instances are returned at most.
            full_clusters: Clusters whose tasks are left out.
        """
        excluded = f"AND t.cluster NOT IN ({', '.join('?' * len(full_clusters))})" if full_clusters else ""
        rows = self._db.execute(_RUNNABLE.format(excluded=excluded), (*full_clusters, count))
        return [((row[0], row[1], row[2]), row[3]) for row in rows]

    def running(self) -> list[RunningRow]:
        """Return all instances with an attempt that has not ended, as far as the database knows."""
        rows = self._db.execute("SELECT * FROM instances WHERE state = 'Running'")
        return [
            RunningRow(
                (row["job"], row["task"], row["number"]),
                row["token"],
                row["worker"],
                load_isolation(row["way"]),
                row["work"],
                row["started"],
                bool(row["late"]),
            )
            for row in rows
        ]

    def count_running(self) -> int:
        """Return how many instances run."""
        row = self._db.execute("SELECT COUNT(*) FROM instances WHERE state = 'Running'").fetchone()
        return int(row[0])

    def tokens_of_job(self, job: int) -> list[tuple[Key, str]]:
        """Return the instances of a job that run, with the tokens of their attempts."""
        # By the index of what runs: the job may have a million instances that wait.
        rows = self._db.execute(
            "SELECT task, number, token FROM instances INDEXED BY instances_running "
            "WHERE state = 'Running' AND job = ?",
            (job,),
        )
        return [((job, row["task"], row["number"]), row["token"]) for row in rows]

    def tokens_of_machine(self, machine_id: str) -> list[tuple[Key, str]]:
        """Return the instances that run on a machine of a cluster, with the tokens of their attempts."""
        rows = self._db.execute(
            "SELECT job, task, number, token FROM instances WHERE worker = ? AND state = 'Running' AND worker != ''",
            (machine_id,),
        )
        return [((row["job"], row["task"], row["number"]), row["token"]) for row in rows]

    def is_current(self, key: Key, token: str) -> bool:
        """Return whether an attempt is the one that its instance is running."""
        row = self._db.execute(
            "SELECT 1 FROM instances WHERE job = ? AND task = ? AND number = ? AND state = 'Running' AND token = ?",
            (*key, token),
        ).fetchone()
        return row is not None

    def retries(self, key: Key) -> tuple[int, int, str, bool] | None:
        """Return what decides on the end of an instance that fails; None if it is gone.

        Returns:
            How often it was repeated, how often it may be, the name of its task, and whether its failure fails
            the job.
        """
        row = self._db.execute(
            "SELECT i.retries, t.max_retries, t.name, j.fail_fast FROM instances i "
            "JOIN tasks t ON t.job = i.job AND t.position = i.task JOIN jobs j ON j.seq = i.job "
            "WHERE i.job = ? AND i.task = ? AND i.number = ?",
            key,
        ).fetchone()
        return None if row is None else (row[0], row[1], row[2], bool(row[3]))

    def first_error(self, job: int) -> tuple[str, str] | None:
        """Return code and message of an instance of a job that went wrong; None if none did."""
        row = self._db.execute(
            "SELECT error_code, error_message FROM instances WHERE job = ? AND error_code != '' LIMIT 1",
            (job,),
        ).fetchone()
        return None if row is None else (row[0], row[1])

    def begin(
        self,
        key: Key,
        token: str,
        worker: str,
        node: str,
        now: str,
        isolation: Isolation | None = None,
        work: str = "",
    ) -> None:
        """Record that an attempt starts.

        Args:
            key: The instance.
            token: Name of the attempt.
            worker: Id of the machine of its cluster; empty for one of its task's own.
            node: Address of that machine.
            now: The time.
            isolation: How mappings get to their paths.
            work: The directory that it works below.
        """
        self._db.execute(
            "UPDATE instances SET state = 'Running', attempt = attempt + 1, token = ?, worker = ?, way = ?, node = ?, "
            "work = ?, late = 0, started = ?, ended = '', exit_code = 0, error_code = '', error_message = '', detail = '' "
            "WHERE job = ? AND task = ? AND number = ?",
            (token, worker, STORED_ISOLATION[isolation] if isolation else "", node, work, now, *key),
        )

    def end(self, key: Key, state: State, outcome: Outcome, now: str) -> None:
        """Record how an attempt ended.

        Args:
            key: The instance.
            state: The state that it has now; ``Waiting`` for another attempt.
            outcome: How the attempt ended.
            now: The time.
        """
        self._db.execute(
            "UPDATE instances SET state = ?, retries = retries + ?, ended = ?, exit_code = ?, error_code = ?, "
            "error_message = ?, detail = ? WHERE job = ? AND task = ? AND number = ?",
            (
                state,
                int(state == "Waiting"),
                now,
                outcome.exit_code,
                outcome.error_code,
                storable(outcome.error_message),
                storable(outcome.detail),
                *key,
            ),
        )

    def requeue(self, key: Key, ran: bool) -> None:
        """Let an instance wait again whose attempt was lost; it counts as a loss if it may have run."""
        self._db.execute(
            "UPDATE instances SET state = 'Waiting', losses = losses + ?1, attempt = attempt - 1 + ?1, started = '' "
            "WHERE job = ?2 AND task = ?3 AND number = ?4",
            (int(ran), *key),
        )

    def mark_late(self, key: Key, token: str) -> None:
        """Record that the time of an attempt was up."""
        self._db.execute(
            "UPDATE instances SET late = 1 WHERE job = ? AND task = ? AND number = ? AND token = ?",
            (*key, token),
        )

    def stop(self, keys: Iterable[Key], now: str) -> None:
        """Record that instances that ran were stopped."""
        self._db.executemany(
            "UPDATE instances SET state = 'Stopped', ended = ? WHERE job = ? AND task = ? AND number = ?",
            [(now, *key) for key in keys],
        )

    def stop_waiting(self, job: int) -> None:
        """Record that all instances of a job that wait were stopped."""
        self._db.execute("UPDATE instances SET state = 'Stopped' WHERE job = ? AND state = 'Waiting'", (job,))

    # -- steps of large jobs ------------------------------------------------------------------

    def insert(self, job: int, part: Range) -> None:
        """Write instances that wait."""
        self._db.execute(
            "WITH RECURSIVE n(number) AS (SELECT ? UNION ALL SELECT number + 1 FROM n WHERE number + 1 < ?) "
            "INSERT INTO instances (job, task, number) SELECT ?, ?, number FROM n",
            (part[1], part[2], job, part[0]),
        )

    def delete(self, job: int, part: Range) -> None:
        """Delete instances."""
        self._db.execute(
            "DELETE FROM instances WHERE job = ? AND task = ? AND number >= ? AND number < ?", (job, *part)
        )

    def settle(self, job: int, count: int) -> int:
        """Record that instances which did not start before their task ended are stopped.

        Args:
            job: Row number of the job.
            count: How many instances are written at most.

        Returns:
            How many were.
        """
        return self._db.execute(
            "UPDATE instances SET state = 'Stopped' WHERE (job, task, number) IN (SELECT i.job, i.task, i.number "
            "FROM tasks t JOIN instances i INDEXED BY instances_waiting ON i.job = t.job AND i.task = t.position "
            "WHERE t.job = ? AND t.state IN ('Stopped', 'Failed') AND i.state = 'Waiting' LIMIT ?)",
            (job, count),
        ).rowcount

    def reset(self, job: int, part: Range) -> None:
        """Let instances of a task wait that has not finished: its job is about to start again."""
        self._db.execute(
            "UPDATE instances SET state = 'Waiting', retries = 0, losses = 0, started = '', ended = '', "
            "exit_code = 0, error_code = '', error_message = '', detail = '' WHERE job = ? AND task = ? "
            "AND number >= ? AND number < ? AND state IN ('Failed', 'Stopped') "
            "AND EXISTS (SELECT 1 FROM tasks WHERE job = ? AND position = ? AND state IN ('Stopped', 'Failed'))",
            (job, *part, job, part[0]),
        )


def storable(text: str) -> str:
    """Return a text as the database can keep it: names of files may hold bytes that are no text."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _instance(row: sqlite3.Row) -> InstanceRow:
    return InstanceRow(
        row["number"],
        row["shown"],
        row["started"],
        row["ended"],
        row["retries"] + row["losses"],
        row["node"],
        row["exit_code"],
        row["error_code"],
        row["error_message"],
        row["detail"],
    )
