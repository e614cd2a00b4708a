"""The table of instances, with their last attempts."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from typing import Final, TypeAlias

from batchcompute.runner.outcome import Outcome
from batchcompute.service.domain.states import Key, State
from batchcompute.service.store.rows import ActiveRow, ActiveState, History, InstanceRow

__all__: list[str] = []

# Instances that did not start before their task ended are stopped. Their rows are updated later, step by step.
_STATE: Final = (
    "CASE WHEN i.state = 'Waiting' AND t.state IN ('Stopped', 'Failed') THEN 'Stopped' "
    "WHEN i.state = 'Submitted' THEN 'Waiting' ELSE i.state END"
)
_OF_TASK = (
    f"SELECT i.*, {_STATE} AS shown FROM instances i JOIN tasks t ON t.job = i.job AND t.position = i.task "
    "WHERE i.job = ? AND i.task = ?"
)

# The joins follow the order of the indices. SQLite therefore sorts nothing and reads only the rows that it returns, even
# if 100,000 instances wait.
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

_ACTIVE: Final = "state IN ('Submitted', 'Running')"
"""The instances with an attempt that has no recorded end, in the words of the partial index."""

_HISTORY: Final = (
    "SELECT i.state, i.retries, i.lost, i.attempt, i.started, t.max_retries, t.name, j.id, j.fail_fast "
    "FROM instances i JOIN tasks t ON t.job = i.job AND t.position = i.task JOIN jobs j ON j.seq = i.job "
    "WHERE i.job = ? AND i.task = ? AND i.number = ?"
)
_HISTORY_OF_ATTEMPT: Final = f"{_HISTORY} AND i.{_ACTIVE} AND i.token = ?"

Range: TypeAlias = tuple[int, int, int]
"""Position of a task, number of its first instance, and the number after its last instance."""


class InstanceRepository:
    """The instances of a database.

    Args:
        db: The connection.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def find(self, job: int, task: int, number: int) -> InstanceRow | None:
        """Return an instance; None if it does not exist."""
        row = self._db.execute(f"{_OF_TASK} AND i.number = ?", (job, task, number)).fetchone()
        return None if row is None else _instance(row)

    def page(
        self, job: int, task: int, start: int, end: int, count: int, state: str = ""
    ) -> list[InstanceRow]:
        """Return instances of a task, in the order of their numbers.

        Args:
            job: Row number of the job.
            task: Position of the task.
            start: Smallest number.
            end: Number after the largest one.
            count: Largest number of returned instances.
            state: State of the instances; empty for any state.
        """
        rows = self._db.execute(
            f"{_OF_TASK} AND i.number >= ? AND i.number < ? AND (? = '' OR shown = ?) ORDER BY i.number LIMIT ?",
            (job, task, start, end, state, state, count),
        )
        return [_instance(row) for row in rows]

    def runnable(self, count: int, full_clusters: Collection[str] = ()) -> list[tuple[Key, str]]:
        """Return instances that can start, each with the cluster of its task, by priority and then by age of the job.

        Args:
            count: Largest number of returned instances.
            full_clusters: Clusters whose tasks are skipped.
        """
        excluded = f"AND t.cluster NOT IN ({', '.join('?' * len(full_clusters))})" if full_clusters else ""
        rows = self._db.execute(_RUNNABLE.format(excluded=excluded), (*full_clusters, count))
        return [((row[0], row[1], row[2]), row[3]) for row in rows]

    def active(self) -> list[ActiveRow]:
        """Return all instances whose attempts have no recorded end."""
        rows = self._db.execute(f"SELECT * FROM instances INDEXED BY instances_active WHERE {_ACTIVE}")
        return [
            ActiveRow(
                (row["job"], row["task"], row["number"]),
                row["token"],
                row["worker"],
                row["engine"],
                row["handle"],
                row["state"] == "Running",
                row["started"],
            )
            for row in rows
        ]

    def count_active(self) -> int:
        """Return the number of instances whose attempts have no recorded end."""
        row = self._db.execute(
            f"SELECT COUNT(*) FROM instances INDEXED BY instances_active WHERE {_ACTIVE}"
        ).fetchone()
        return int(row[0])

    def count_active_of_others(self, owner: str) -> int:
        """Return the number of instances of other owners whose attempts have no recorded end."""
        row = self._db.execute(
            f"SELECT COUNT(*) FROM instances INDEXED BY instances_active WHERE {_ACTIVE} "
            "AND (SELECT owner FROM jobs WHERE seq = job) != ?",
            (owner,),
        ).fetchone()
        return int(row[0])

    def tokens_of_job(self, job: int) -> list[tuple[Key, str]]:
        """Return the active instances of a job, with the tokens of their attempts."""
        # The index contains active instances only; the job may have a million that wait.
        rows = self._db.execute(
            f"SELECT task, number, token FROM instances INDEXED BY instances_active WHERE {_ACTIVE} AND job = ?",
            (job,),
        )
        return [((job, row["task"], row["number"]), row["token"]) for row in rows]

    def tokens_of_machine(self, machine_id: str) -> list[tuple[Key, str]]:
        """Return the active instances on a machine of a cluster, with the tokens of their attempts."""
        rows = self._db.execute(
            f"SELECT job, task, number, token FROM instances WHERE worker = ? AND {_ACTIVE} AND worker != ''",
            (machine_id,),
        )
        return [((row["job"], row["task"], row["number"]), row["token"]) for row in rows]

    def state_of(self, key: Key, token: str) -> ActiveState | None:
        """Return the state of an instance if an attempt is its active one; None otherwise."""
        row = self._db.execute(
            f"SELECT state FROM instances WHERE job = ? AND task = ? AND number = ? AND {_ACTIVE} AND token = ?",
            (*key, token),
        ).fetchone()
        return None if row is None else row[0]

    def history(self, key: Key, token: str = "") -> History | None:
        """Return the properties that decide what the end of an attempt means.

        Args:
            key: The instance.
            token: Token of the attempt, which has to be the active one; empty for any attempt.

        Returns:
            The properties; None if the instance does not exist, or the attempt is not the active one.
        """
        row = self._db.execute(
            _HISTORY_OF_ATTEMPT if token else _HISTORY, (*key, token) if token else key
        ).fetchone()
        if row is None:
            return None
        state, retries, lost, attempt, started, max_retries, task, job_id, fail_fast = row
        return History(
            key, state, retries, lost, attempt, started, max_retries, task, job_id, bool(fail_fast)
        )

    def first_error(self, job: int) -> tuple[str, str] | None:
        """Return the error code and message of a failed instance of a job; None if no instance has failed."""
        row = self._db.execute(
            "SELECT error_code, error_message FROM instances WHERE job = ? AND error_code != '' LIMIT 1",
            (job,),
        ).fetchone()
        return None if row is None else (row[0], row[1])

    def begin(
        self, key: Key, token: str, worker: str, engine: str, node: str = "", started: str = ""
    ) -> None:
        """Record that an attempt is submitted, or that it starts at once.

        Args:
            key: The instance.
            token: Name of the attempt.
            worker: Id of the machine of a cluster; empty if the task has no cluster.
            engine: Name of the engine.
            node: Address of the machine; empty for an attempt that waits in the engine.
            started: Time of the start; empty for an attempt that waits in the engine.
        """
        self._db.execute(
            "UPDATE instances SET state = ?, attempt = attempt + 1, token = ?, worker = ?, engine = ?, handle = '', "
            "node = ?, started = ?, ended = '', exit_code = 0, error_code = '', error_message = '', detail = '' "
            "WHERE job = ? AND task = ? AND number = ?",
            ("Running" if started else "Submitted", token, worker, engine, node, started, *key),
        )

    def set_handles(self, handles: Iterable[tuple[Key, str, str]]) -> None:
        """Record the handles that an engine gave to attempts; each comes with its instance and its token."""
        self._db.executemany(
            "UPDATE instances SET handle = ? WHERE job = ? AND task = ? AND number = ? AND token = ?",
            [(handle, *key, token) for key, token, handle in handles],
        )

    def mark_started(self, key: Key, node: str, started: str) -> None:
        """Record that a submitted attempt runs."""
        self._db.execute(
            "UPDATE instances SET state = 'Running', node = ?, started = ? WHERE job = ? AND task = ? AND number = ?",
            (storable(node), started, *key),
        )

    def end(self, key: Key, state: State, outcome: Outcome, now: str) -> None:
        """Record the end of an attempt.

        Args:
            key: The instance.
            state: New state of the instance; ``Waiting`` for another attempt.
            outcome: The outcome of the attempt.
            now: The time.
        """
        self._db.execute(
            "UPDATE instances SET state = ?, retries = retries + ?, lost = 0, ended = ?, exit_code = ?, error_code = ?, "
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

    def requeue(self, key: Key, ran: bool, by_engine: bool) -> None:
        """Set an instance with a lost attempt to ``Waiting``.

        Args:
            key: The instance.
            ran: Whether the attempt may have run, so that it is counted.
            by_engine: Whether the engine lost it, and not the service.
        """
        self._db.execute(
            "UPDATE instances SET state = 'Waiting', losses = losses + ?1, lost = lost + ?2, "
            "attempt = attempt - 1 + ?1, started = '' WHERE job = ?3 AND task = ?4 AND number = ?5",
            (int(ran), int(by_engine), *key),
        )

    def stop(self, keys: Iterable[Key], now: str) -> None:
        """Record that instances with attempts were stopped."""
        self._db.executemany(
            "UPDATE instances SET state = 'Stopped', ended = CASE started WHEN '' THEN '' ELSE ? END "
            "WHERE job = ? AND task = ? AND number = ?",
            [(now, *key) for key in keys],
        )

    def stop_waiting(self, job: int) -> None:
        """Record that all waiting instances of a job were stopped."""
        self._db.execute("UPDATE instances SET state = 'Stopped' WHERE job = ? AND state = 'Waiting'", (job,))

    # -- steps of large jobs ------------------------------------------------------------------

    def delete(self, job: int, part: Range) -> None:
        """Delete instances."""
        self._db.execute(
            "DELETE FROM instances WHERE job = ? AND task = ? AND number >= ? AND number < ?", (job, *part)
        )

    def settle(self, job: int, count: int) -> int:
        """Record that instances were stopped that did not start before their task ended.

        Args:
            job: Row number of the job.
            count: Largest number of updated instances.

        Returns:
            The number of updated instances.
        """
        return self._db.execute(
            "UPDATE instances SET state = 'Stopped' WHERE (job, task, number) IN (SELECT i.job, i.task, i.number "
            "FROM tasks t JOIN instances i INDEXED BY instances_waiting ON i.job = t.job AND i.task = t.position "
            "WHERE t.job = ? AND t.state IN ('Stopped', 'Failed') AND i.state = 'Waiting' LIMIT ?)",
            (job, count),
        ).rowcount

    def reset(self, job: int, part: Range) -> None:
        """Set the instances of an unfinished task to ``Waiting``, before its job starts again."""
        self._db.execute(
            "UPDATE instances SET state = 'Waiting', retries = 0, losses = 0, lost = 0, started = '', ended = '', "
            "exit_code = 0, error_code = '', error_message = '', detail = '' WHERE job = ? AND task = ? "
            "AND number >= ? AND number < ? AND state IN ('Failed', 'Stopped') "
            "AND EXISTS (SELECT 1 FROM tasks WHERE job = ? AND position = ? AND state IN ('Stopped', 'Failed'))",
            (job, *part, job, part[0]),
        )


def storable(text: str) -> str:
    """Return a text that the database can store. Names of files may contain bytes that are not UTF-8."""
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
