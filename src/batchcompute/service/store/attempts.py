"""Attempts of instances in the database."""

from __future__ import annotations

import sqlite3
from typing import Final

from batchcompute.service.domain.states import Key
from batchcompute.service.store.rows import AttemptRow

__all__: list[str] = []

_COLUMNS: Final = "attempt, state, token, node, worker, started, ended, exit_code, error_code, error_message"
"""The columns of an attempt, in the order of the fields of `AttemptRow`."""

_SHOWN: Final = " CASE state WHEN 'Submitted' THEN 'Waiting' ELSE state END AS state,"
"""The state of the last attempt, as the API shows it."""

_LAST: Final = (
    f"SELECT {_COLUMNS.replace(' state,', _SHOWN)} FROM instances i WHERE job = ? AND task = ? AND number = ? AND attempt > 0 AND NOT EXISTS (SELECT 1 FROM attempts a "
    "WHERE a.job = i.job AND a.task = i.task AND a.number = i.number AND a.attempt = i.attempt)"
)
"""The last attempt of an instance, unless it is archived already."""


class AttemptRepository:
    """The attempts of a database: those before the last one of each instance, and the last one in its row.

    Args:
        db: The connection.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def page(self, key: Key, start: int, count: int) -> list[AttemptRow]:
        """Return attempts of an instance, the oldest first, from a number on."""
        rows = self._db.execute(
            f"SELECT * FROM (SELECT {_COLUMNS} FROM attempts WHERE job = ? AND task = ? AND number = ? "
            f"UNION ALL {_LAST}) WHERE attempt >= ? ORDER BY attempt LIMIT ?",
            (*key, *key, start, count),
        )
        return [AttemptRow(*row) for row in rows]

    def archive(self, key: Key, state: str, now: str, code: str = "", message: str = "") -> None:
        """Keep the last attempt of an instance that is about to wait for another one.

        Args:
            key: The instance.
            state: How the attempt ended: ``Failed`` or ``Lost``.
            now: When it ended.
            code: Code of the reason; empty to keep the one of the instance.
            message: The reason in words.
        """
        self._db.execute(
            "INSERT OR REPLACE INTO attempts (job, task, number, attempt, state, token, node, worker, started, ended, "
            "exit_code, error_code, error_message) SELECT job, task, number, attempt, ?, token, node, worker, started, "
            "?, exit_code, CASE ? WHEN '' THEN error_code ELSE ? END, CASE ? WHEN '' THEN error_message ELSE ? END "
            "FROM instances WHERE job = ? AND task = ? AND number = ? AND attempt > 0",
            (state, now, code, code, message, message, *key),
        )

    def archive_ended(self, job: int, task: int, start: int, end: int) -> None:
        """Keep the last attempts of instances that have failed or were stopped: their job is about to start again."""
        self._db.execute(
            f"INSERT OR IGNORE INTO attempts (job, task, number, {_COLUMNS}) "
            f"SELECT job, task, number, {_COLUMNS} FROM instances WHERE job = ? AND task = ? AND number >= ? "
            "AND number < ? AND attempt > 0 AND state IN ('Failed', 'Stopped')",
            (job, task, start, end),
        )

    def delete(self, job: int, task: int, start: int, end: int) -> None:
        """Delete the attempts of instances."""
        self._db.execute(
            "DELETE FROM attempts WHERE job = ? AND task = ? AND number >= ? AND number < ?",
            (job, task, start, end),
        )
