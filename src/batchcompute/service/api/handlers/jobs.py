"""Jobs, tasks and instances (REST API, 2.1 and 2.2)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from batchcompute.models.field_types import format_time
from batchcompute.service.api.handlers.submit import check_clusters
from batchcompute.service.api.requests import Params
from batchcompute.service.domain import capacity
from batchcompute.service.domain.states import ALLOWED, STATES, owner_number
from batchcompute.service.errors import invalid, missing, not_found, state_conflict
from batchcompute.service.store import large_jobs, machines, transitions
from batchcompute.service.store.database import Store, load, save
from batchcompute.service.workspaces.names import log_place

__all__: list[str] = []

_NO_START = 2**62

_LOOK = 20_000
"""Instances that are looked at before others get the database."""


class Jobs:
    """The operations on jobs.

    Args:
        store: The database.
        wake: Tells the dispatcher that there may be something to do.
        apply: Does what a transaction asks for outside of the database.
        forget: Removes what was kept of a job, by its id.
        starts: The jobs that are about to start again; others leave their instances alone.
        slots: How many instances run at once.
    """

    def __init__(
        self,
        store: Store,
        wake: Callable[[], None],
        apply: Callable[[transitions.Effects], None],
        forget: Callable[[str], None],
        starts: set[int],
        slots: int,
    ) -> None:
        self._store = store
        self._wake = wake
        self._apply = apply
        self._starts = starts
        self._slots = slots
        self._forget = forget

    def list_jobs(self, params: Params) -> dict[str, Any]:
        """Answer ListJobs, the oldest first unless the query says otherwise."""
        count = params.count()
        state = params.state(STATES)
        order = params.query.get("OrderBy", "")
        if order not in ("", "Id", "CreationTime"):
            raise invalid("OrderBy", "It must be Id or CreationTime.")
        direction = params.query.get("IsReverse", "").lower()
        if direction not in ("", "true", "false"):
            raise invalid("IsReverse", "Its type must be bool.")
        reverse = direction == "true"
        marker = params.query.get("Marker", "")
        with self._store.read() as db:
            bound = "seq >= 0"
            arguments: list[Any] = [params.owner]
            if marker:
                # The end of an id is the job's number, so a page begins in the right place even if the
                # job that it was to begin with has been deleted.
                found = re.fullmatch("job-[0-9A-F]{24}([0-9A-F]{8})", marker)
                start = int(found[1], 16) if found else (-1 if reverse else _NO_START)
                bound = "seq <= ?" if reverse else "seq >= ?"
                arguments.append(start)
            where = f"owner = ? AND NOT hidden AND {bound}"
            if state:
                where += " AND state = ?"
                arguments.append(state)
            if params.query.get("ClusterId"):
                where += " AND seq IN (SELECT job FROM tasks WHERE cluster = ?)"
                arguments.append(params.query["ClusterId"])
            # Ids count up with the jobs, and so do their times: one order serves both.
            rows = db.execute(
                f"SELECT * FROM jobs WHERE {where} ORDER BY seq {'DESC' if reverse else 'ASC'} LIMIT ?",  # noqa: S608
                (*arguments, count + 1),
            ).fetchall()
            items = [_job_status(db, row, self._slots) for row in rows[:count]]
        return {"Items": items, "NextMarker": rows[count]["id"] if len(rows) > count else ""}

    def get_job(self, params: Params) -> dict[str, Any]:
        """Answer GetJob."""
        with self._store.read() as db:
            return _job_status(db, _job(db, params), self._slots)

    def get_job_description(self, params: Params) -> dict[str, Any]:
        """Answer GetJobDescription."""
        with self._store.read() as db:
            row = _job(db, params)
        return {"Id": row["id"], **load(row["description"])}

    def stop_job(self, params: Params) -> None:
        """Answer StopJob."""
        with self._store.write() as db:
            row = _allowed(db, params, "stop")
            effects = transitions.stop_job(db, row["seq"], format_time(datetime.now(UTC)))
        self._apply(effects)
        self._wake()

    def start_job(self, params: Params) -> None:
        """Answer StartJob."""
        with self._store.read() as db:
            job = int(_allowed(db, params, "start")["seq"])
            check_clusters(db, _clusters_of(db, job), params.owner)
        with self._resetting(job):
            large_jobs.reset(self._store, job)
            with self._store.write() as db:
                row = _allowed(db, params, "start")
                check_clusters(db, _clusters_of(db, job), params.owner)
                transitions.start_job(db, row["seq"])
        self._wake()

    @contextmanager
    def _resetting(self, job: int) -> Generator[None]:
        """Let nothing else write to the instances of a job that is about to start."""
        self._starts.add(job)
        try:
            yield
        finally:
            self._starts.discard(job)

    def change_job_priority(self, params: Params) -> None:
        """Answer ChangeJobPriority."""
        body = params.json()
        if "Priority" not in body:
            raise missing("Priority")
        priority = body["Priority"]
        if isinstance(priority, bool) or not isinstance(priority, int):
            raise invalid("Priority", "Its type must be integer.")
        if not 0 <= priority <= 1000:
            raise invalid("Priority", "It must be in [0, 1000].")
        with self._store.write() as db:
            row = _allowed(db, params, "priority")
            description = {**load(row["description"]), "Priority": priority}
            db.execute(
                "UPDATE jobs SET priority = ?, description = ? WHERE seq = ?",
                (priority, save(description), row["seq"]),
            )

    def delete_job(self, params: Params) -> None:
        """Answer DeleteJob."""
        with self._store.write() as db:
            row = _allowed(db, params, "delete")
            effects = transitions.Effects()
            transitions.remove_job(db, row["seq"], effects)
        self._apply(effects)
        self._forget(row["id"])

    def list_tasks(self, params: Params) -> dict[str, Any]:
        """Answer ListTasks, in the order of the description."""
        count = params.count()
        state = params.state(STATES)
        cluster = params.query.get("ClusterId", "")
        marker = params.query.get("Marker", "")
        with self._store.read() as db:
            rows = db.execute(
                "SELECT * FROM tasks WHERE job = ? ORDER BY position", (_job(db, params)["seq"],)
            ).fetchall()
        # The marker counts in the whole list: a task may have left the filtered one since.
        names = [row["name"] for row in rows]
        start = (names.index(marker) if marker in names else len(rows)) if marker else 0
        found = [
            row
            for row in rows[start:]
            if (not state or row["state"] == state) and (not cluster or row["cluster"] == cluster)
        ]
        more = found[count]["name"] if len(found) > count else ""
        return {"Items": [_task_status(row) for row in found[:count]], "NextMarker": more}

    def get_task(self, params: Params) -> dict[str, Any]:
        """Answer GetTask."""
        with self._store.read() as db:
            return _task_status(_task(db, params)[1])

    def list_instances(self, params: Params) -> dict[str, Any]:
        """Answer ListInstances, by number."""
        count = params.count()
        state = params.state(STATES)
        marker = params.query.get("Marker", "")
        # The old SDK's easy_list begins with 0 (REST API, 2.2).
        number = params.number(marker)
        start = (0 if not marker else _NO_START) if number is None else number
        with self._store.read() as db:
            job, task = _task(db, params)
        rows = self._instances(job, task, start, state, count + 1)
        parameters = _parameters(job, task)
        items = [_instance_status(job, task, parameters, row) for row in rows[:count]]
        return {"Items": items, "NextMarker": str(rows[count]["number"]) if len(rows) > count else ""}

    def _instances(
        self, job: sqlite3.Row, task: sqlite3.Row, start: int, state: str, most: int
    ) -> list[sqlite3.Row]:
        """Return instances of a task from a number on; rare ones are looked for in steps."""
        total = sum(task[name] for name in STATES)
        if state and not task[state]:
            return []
        found: list[sqlite3.Row] = []
        while start < total and len(found) < most:
            with self._store.read() as db:
                found += db.execute(
                    f"SELECT i.*, {large_jobs.STATE} AS shown FROM instances i JOIN tasks t ON t.job = i.job AND "  # noqa: S608
                    "t.position = i.task WHERE i.job = ? AND i.task = ? AND i.number >= ? AND i.number < ? "
                    "AND (? = '' OR shown = ?) ORDER BY i.number LIMIT ?",
                    (job["seq"], task["position"], start, start + _LOOK, state, state, most - len(found)),
                ).fetchall()
            start += _LOOK
            self._store.let_others()
        return found

    def get_instance(self, params: Params) -> dict[str, Any]:
        """Answer GetInstance."""
        number = params.number(params.path["InstanceId"])
        with self._store.read() as db:
            job, task = _task(db, params)
            row = db.execute(
                f"SELECT i.*, {large_jobs.STATE} AS shown FROM instances i JOIN tasks t ON t.job = i.job AND "  # noqa: S608
                "t.position = i.task WHERE i.job = ? AND i.task = ? AND i.number = ?",
                (job["seq"], task["position"], -1 if number is None else number),
            ).fetchone()
        if row is None:
            total = sum(task[name] for name in STATES)
            place = f"task {task['name']} of job {job['id']}"
            raise not_found(
                "instance", params.path["InstanceId"], place, [f"0 to {total - 1}" if total > 1 else "0"]
            )
        return _instance_status(job, task, _parameters(job, task), row)


def _job(db: sqlite3.Connection, params: Params) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM jobs WHERE id = ? AND owner = ? AND NOT hidden", (params.path["JobId"], params.owner)
    ).fetchone()
    if row is None:
        raise not_found("job", params.path["JobId"])
    return row


def _clusters_of(db: sqlite3.Connection, job: int) -> set[str]:
    rows = db.execute(
        "SELECT DISTINCT cluster FROM tasks WHERE job = ? AND cluster != '' AND state != 'Finished'", (job,)
    )
    return {row["cluster"] for row in rows}


def _allowed(db: sqlite3.Connection, params: Params, action: str) -> sqlite3.Row:
    row = _job(db, params)
    if row["state"] not in ALLOWED[action]:
        raise state_conflict(row["state"])
    return row


def _task(db: sqlite3.Connection, params: Params) -> tuple[sqlite3.Row, sqlite3.Row]:
    job = _job(db, params)
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM tasks WHERE job = ? AND name = ?", (job["seq"], params.path["TaskName"])
    ).fetchone()
    if row is None:
        names = db.execute("SELECT name FROM tasks WHERE job = ? ORDER BY position", (job["seq"],))
        raise not_found(
            "task", params.path["TaskName"], f"job {job['id']}", (found["name"] for found in names)
        )
    return job, row


def _parameters(job: sqlite3.Row, task: sqlite3.Row) -> dict[str, Any]:
    parameters: dict[str, Any] = load(job["plan"] or job["description"])["DAG"]["Tasks"][task["name"]][
        "Parameters"
    ]
    return parameters


def _outputs(job: sqlite3.Row) -> dict[str, Any]:
    """Return the outputs of an App job; a DAG job has none."""
    return dict(load(job["description"])["App"].get("Outputs") or {}) if job["plan"] else {}


def _message(db: sqlite3.Connection, job: sqlite3.Row, tasks: list[sqlite3.Row], slots: int) -> str:
    """Say why a job failed, or what it waits for while nothing of it runs; empty when all is well."""
    if job["state"] not in ("Waiting", "Running"):
        return str(job["message"])
    ready = [task for task in tasks if task["Waiting"] and not task["blockers"]]
    rests = not any(task["Running"] for task in tasks)
    parts = [machines.shortage(db, task["name"], task["cluster"], rests) for task in ready if task["cluster"]]
    if ready and rests:
        parts.append(capacity.shortage(db, slots))
    if job["state"] == "Waiting":
        # Once it has run, programs would take it for the reason of a failure.
        parts.append(job["notes"])
    return " ".join(part for part in parts if part)


def _job_status(db: sqlite3.Connection, row: sqlite3.Row, slots: int) -> dict[str, Any]:
    tasks = db.execute("SELECT * FROM tasks WHERE job = ?", (row["seq"],)).fetchall()
    by_state = {f"{state}Count": sum(task["state"] == state for task in tasks) for state in STATES}
    return {
        "Id": row["id"],
        "Name": row["name"],
        "OwnerId": owner_number(row["owner"]),
        "State": row["state"],
        "Message": _message(db, row, tasks, slots),
        "CreationTime": row["created"],
        "StartTime": row["started"],
        "EndTime": row["ended"],
        "TaskMetrics": by_state,
        "InstanceMetrics": transitions.counts(tasks),
    }


def _task_status(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "TaskName": row["name"],
        "State": row["state"],
        "StartTime": row["started"],
        "EndTime": row["ended"],
        "InstanceMetrics": transitions.counts([row]),
    }


def error_of(job: sqlite3.Row, row: sqlite3.Row) -> dict[str, str]:
    """Say what went wrong while an app ran (REST API, 4.3); a DAG job's instances say it in ``Result``."""
    code, message = (row["error_code"], row["error_message"]) if job["plan"] else ("", "")
    return {"Code": code, "Message": message}


def _instance_status(
    job: sqlite3.Row, task: sqlite3.Row, parameters: dict[str, Any], row: sqlite3.Row
) -> dict[str, Any]:
    where = (job["id"], task["name"], row["number"])
    return {
        "InstanceId": row["number"],
        "State": row["shown"],
        "StartTime": row["started"],
        "EndTime": row["ended"],
        "RetryCount": row["retries"] + row["losses"],
        "Progress": 0,
        "NodeIp": row["node"],
        "StdoutRedirectPath": log_place(parameters.get("StdoutRedirectPath") or "", "stdout", *where),
        "StderrRedirectPath": log_place(parameters.get("StderrRedirectPath") or "", "stderr", *where),
        "Result": {
            "ExitCode": row["exit_code"],
            "ErrorCode": row["error_code"],
            "ErrorMessage": row["error_message"],
            "Detail": row["detail"],
        },
        "Error": error_of(job, row),
        "Outputs": _outputs(job) if row["state"] == "Finished" else {},
    }
