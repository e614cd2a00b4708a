"""Transitions: what happens to an instance, its task and its job, in one transaction each.

Every function here takes the connection of an open transaction. The states themselves are decided
in `states`; this module moves the counters and writes the rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

from batchcompute.runner.shim import Outcome
from batchcompute.service.domain.states import ENDED, STATES, State, next_of_failed, task_state
from batchcompute.service.store import large_jobs
from batchcompute.service.store.database import load

__all__: list[str] = []

Key = tuple[int, int, int]
"""Job, task and number of an instance."""


@dataclass(slots=True)
class Effects:
    """What a transaction asks for outside the database, once it is committed."""

    cancel: list[str] = field(default_factory=list[str])
    """Tokens of attempts to end."""
    removed: list[int] = field(default_factory=list[int])
    """Jobs that are hidden now, and are to be removed."""
    unsettled: list[int] = field(default_factory=list[int])
    """Jobs that have ended, of whose instances some are still recorded as waiting."""


def _move(db: sqlite3.Connection, key: Key, source: State, target: State) -> None:
    db.execute(
        f"UPDATE tasks SET {source} = {source} - 1, {target} = {target} + 1 WHERE job = ? AND position = ?",  # noqa: S608
        key[:2],
    )


def begin(
    db: sqlite3.Connection,
    key: Key,
    token: str,
    worker: str,
    node: str,
    now: str,
    way: str = "",
    work: str = "",
) -> None:
    """Record that an attempt of an instance starts.

    Args:
        db: The connection.
        key: The instance.
        token: Name of the attempt.
        worker: The machine that it gets.
        node: Address of that machine.
        now: The time.
        way: How its mappings get to their paths.
        work: The directory that it works below.
    """
    db.execute(
        "UPDATE instances SET state = 'Running', attempt = attempt + 1, token = ?, worker = ?, way = ?, node = ?, "
        "work = ?, late = 0, started = ?, ended = '', exit_code = 0, error_code = '', error_message = '', detail = '' "
        "WHERE job = ? AND task = ? AND number = ?",
        (token, worker, way, node, work, now, *key),
    )
    db.execute(
        "UPDATE tasks SET Waiting = Waiting - 1, Running = Running + 1, state = 'Running', "
        "started = CASE started WHEN '' THEN ? ELSE started END WHERE job = ? AND position = ?",
        (now, *key[:2]),
    )
    # Its row is in an index by its state, so it is written once, and not for each instance.
    db.execute(
        "UPDATE jobs SET state = 'Running', started = CASE started WHEN '' THEN ? ELSE started END "
        "WHERE seq = ? AND state != 'Running'",
        (now, key[0]),
    )


def is_last(db: sqlite3.Connection, key: Key) -> bool:
    """Return whether an instance that fails now has failed for good."""
    row = db.execute(
        "SELECT i.retries, t.max_retries FROM instances i JOIN tasks t ON t.job = i.job AND t.position = i.task "
        "WHERE i.job = ? AND i.task = ? AND i.number = ?",
        key,
    ).fetchone()
    return row is not None and next_of_failed(row["retries"], row["max_retries"]) == "Failed"


def end(db: sqlite3.Connection, key: Key, outcome: Outcome, now: str, effects: Effects) -> None:
    """Record how an attempt ended, and what follows from it.

    Args:
        db: The connection.
        key: The instance.
        outcome: How its attempt ended.
        now: The time.
        effects: Takes what is to be done once the transaction is committed.
    """
    row = db.execute(
        "SELECT i.retries, t.max_retries, t.name, j.fail_fast FROM instances i "
        "JOIN tasks t ON t.job = i.job AND t.position = i.task JOIN jobs j ON j.seq = i.job "
        "WHERE i.job = ? AND i.task = ? AND i.number = ?",
        key,
    ).fetchone()
    failed = outcome.failed
    state: State = next_of_failed(row["retries"], row["max_retries"]) if failed else "Finished"
    db.execute(
        "UPDATE instances SET state = ?, retries = retries + ?, ended = ?, exit_code = ?, error_code = ?, "
        "error_message = ?, detail = ? WHERE job = ? AND task = ? AND number = ?",
        (
            state,
            int(state == "Waiting"),
            now,
            outcome.exit_code,
            outcome.error_code,
            _writable(outcome.error_message),
            _writable(outcome.detail),
            *key,
        ),
    )
    _move(db, key, "Running", state)
    if outcome.error_code and not failed:
        message = f"Instance {key[2]} of task {row['name']}: {_writable(outcome.error_message)}"
        db.execute("UPDATE jobs SET message = ? WHERE seq = ? AND message = ''", (message, key[0]))
    if state == "Failed" and row["fail_fast"]:
        message = _writable(outcome.error_message)
        reason = f"Instance {key[2]} of task {row['name']} failed: {message}"
        fail_job(db, key[0], key[1], reason, now, effects)
    else:
        settle_task(db, key[0], key[1], now, effects)


def _writable(text: str) -> str:
    """Return a text as the database can keep it: names of files may be anything."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def requeue(db: sqlite3.Connection, key: Key, ran: bool = True) -> None:
    """Record that an attempt was lost with its engine or its service.

    It shows in ``RetryCount``, and does not use up ``MaxRetryCount``: the program did not fail.

    Args:
        db: The connection.
        key: The instance.
        ran: Whether it may have run; what surely did not leaves no trace.
    """
    db.execute(
        "UPDATE instances SET state = 'Waiting', losses = losses + ?, started = '' "
        "WHERE job = ? AND task = ? AND number = ?",
        (int(ran), *key),
    )
    _move(db, key, "Running", "Waiting")


def mark_late(db: sqlite3.Connection, key: Key, token: str) -> None:
    """Record that the time of an attempt was up."""
    db.execute(
        "UPDATE instances SET late = 1 WHERE job = ? AND task = ? AND number = ? AND token = ?", (*key, token)
    )


def lose(db: sqlite3.Connection, worker: str, effects: Effects) -> None:
    """Give up what runs on a machine that goes away; it runs again on another one."""
    rows = db.execute(
        "SELECT job, task, number, token FROM instances WHERE worker = ? AND state = 'Running' AND worker != ''",
        (worker,),
    ).fetchall()
    for row in rows:
        effects.cancel.append(row["token"])
        requeue(db, (row["job"], row["task"], row["number"]))


def is_current(db: sqlite3.Connection, key: Key, token: str) -> bool:
    """Tell whether an attempt is the one that its instance is running."""
    row = db.execute(
        "SELECT 1 FROM instances WHERE job = ? AND task = ? AND number = ? AND state = 'Running' AND token = ?",
        (*key, token),
    ).fetchone()
    return row is not None


def settle_task(db: sqlite3.Connection, job: int, position: int, now: str, effects: Effects) -> None:
    """Bring a task's state in line with its instances, then what depends on it."""
    row = db.execute(
        "SELECT t.*, j.fail_fast FROM tasks t JOIN jobs j ON j.seq = t.job WHERE t.job = ? AND t.position = ?",
        (job, position),
    ).fetchone()
    state = task_state(row, bool(row["fail_fast"]))
    if state not in ENDED:
        if state != row["state"]:
            db.execute("UPDATE tasks SET state = ? WHERE job = ? AND position = ?", (state, job, position))
        return
    db.execute(
        "UPDATE tasks SET state = ?, ended = ? WHERE job = ? AND position = ?", (state, now, job, position)
    )
    if state == "Finished":
        for follower in load(row["followers"]):
            db.execute(
                "UPDATE tasks SET blockers = blockers - 1 WHERE job = ? AND position = ?", (job, follower)
            )
        left = db.execute(
            "SELECT COUNT(*) FROM tasks WHERE job = ? AND state != 'Finished'", (job,)
        ).fetchone()[0]
        if not left:
            _finish_job(db, job, now, effects)


def _finish_job(db: sqlite3.Connection, job: int, now: str, effects: Effects) -> None:
    db.execute("UPDATE jobs SET state = 'Finished', ended = ? WHERE seq = ?", (now, job))
    # AutoRelease deletes a job that has finished, and no other one (REST API, 4.2).
    if db.execute("SELECT 1 FROM jobs WHERE seq = ? AND auto_release", (job,)).fetchone():
        remove_job(db, job, effects)


def fail_job(
    db: sqlite3.Connection, job: int, position: int, reason: str, now: str, effects: Effects
) -> None:
    """Fail a job because a task of it failed; what has not ended is stopped."""
    db.execute(
        "UPDATE tasks SET state = 'Failed', ended = ? WHERE job = ? AND position = ?", (now, job, position)
    )
    _stop_rest(db, job, now, effects)
    db.execute("UPDATE jobs SET state = 'Failed', message = ?, ended = ? WHERE seq = ?", (reason, now, job))


def fail_jobs_of(db: sqlite3.Connection, cluster_id: str, now: str, effects: Effects) -> None:
    """Fail the jobs that still need a cluster which is deleted."""
    rows = db.execute(
        "SELECT t.job, t.position, t.name FROM tasks t JOIN jobs j ON j.seq = t.job WHERE t.cluster = ? "
        "AND t.state IN ('Waiting', 'Running') AND j.state IN ('Waiting', 'Running') GROUP BY t.job",
        (cluster_id,),
    ).fetchall()
    for row in rows:
        reason = f"Cluster {cluster_id}, which task {row['name']} runs on, was deleted."
        fail_job(db, row["job"], row["position"], reason, now, effects)


def stop_job(db: sqlite3.Connection, job: int, now: str) -> Effects:
    """Stop a job: from now on nothing of it waits or runs."""
    effects = Effects()
    _stop_rest(db, job, now, effects)
    db.execute(
        "UPDATE jobs SET state = 'Stopped', ended = CASE started WHEN '' THEN '' ELSE ? END WHERE seq = ?",
        (now, job),
    )
    return effects


def _stop_rest(db: sqlite3.Connection, job: int, now: str, effects: Effects) -> None:
    # By the index of what runs: the job may have a million instances that wait.
    running = db.execute(
        "SELECT task, number, token FROM instances INDEXED BY instances_running WHERE state = 'Running' AND job = ?",
        (job,),
    ).fetchall()
    effects.cancel += [row["token"] for row in running]
    waiting = db.execute("SELECT SUM(Waiting) FROM tasks WHERE job = ?", (job,)).fetchone()[0] or 0
    if waiting > large_jobs.STEP:
        effects.unsettled.append(job)
    elif waiting:
        db.execute("UPDATE instances SET state = 'Stopped' WHERE job = ? AND state = 'Waiting'", (job,))
    db.executemany(
        "UPDATE instances SET state = 'Stopped', ended = ? WHERE job = ? AND task = ? AND number = ?",
        [(now, job, row["task"], row["number"]) for row in running],
    )
    db.execute(
        "UPDATE tasks SET state = CASE WHEN state IN ('Waiting', 'Running') THEN 'Stopped' ELSE state END, "
        "ended = CASE WHEN ended = '' AND started != '' THEN ? ELSE ended END, "
        "Stopped = Stopped + Waiting + Running, Waiting = 0, Running = 0 WHERE job = ?",
        (now, job),
    )


def remove_job(db: sqlite3.Connection, job: int, effects: Effects) -> None:
    """Remove a job: at once if it is small, else nobody sees it any more."""
    count = db.execute(
        "SELECT SUM(Waiting + Running + Finished + Failed + Stopped) FROM tasks WHERE job = ?", (job,)
    ).fetchone()[0]
    if (count or 0) <= large_jobs.STEP:
        db.execute("DELETE FROM jobs WHERE seq = ?", (job,))
    else:
        large_jobs.hide(db, job)
        effects.removed.append(job)


def start_job(db: sqlite3.Connection, job: int) -> None:
    """Start a job again; tasks that have finished stay finished, with their tolerated failures.

    Its instances were made to wait by `large_jobs.reset`.
    """
    db.execute(
        "UPDATE tasks SET state = 'Waiting', started = '', ended = '', Waiting = Waiting + Failed + Stopped, Failed = 0, "
        "Stopped = 0 WHERE job = ? AND state != 'Finished'",
        (job,),
    )
    db.execute(
        "UPDATE jobs SET state = 'Waiting', message = '', started = '', ended = '' WHERE seq = ?", (job,)
    )


def insert_tasks(db: sqlite3.Connection, job: int, tasks: Iterable[dict[str, object]]) -> None:
    """Write the tasks of a new job, without their instances."""
    for task in tasks:
        db.execute(
            "INSERT INTO tasks (job, position, name, state, cluster, max_retries, timeout, blockers, followers, "
            "Waiting) VALUES (:job, :position, :name, 'Waiting', :cluster, :max_retries, :timeout, :blockers, "
            ":followers, :count)",
            {**task, "job": job},
        )


def counts(rows: Iterable[sqlite3.Row]) -> dict[str, int]:
    """Add up the counters of tasks, in the words of the API."""
    total = dict.fromkeys(STATES, 0)
    for row in rows:
        for state in STATES:
            total[state] += row[state]
    return {f"{state}Count": number for state, number in total.items()}
