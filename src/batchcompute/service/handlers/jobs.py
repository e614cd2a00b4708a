"""Jobs, tasks and instances (reference, 2.1 and 2.2)."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from batchcompute._values import format_time
from batchcompute.resources import JobDescription
from batchcompute.service import idempotency, lifecycle
from batchcompute.service.defaults import job_description
from batchcompute.service.faults import Refusal, invalid, missing, not_found, state_conflict
from batchcompute.service.runtime.prepare import log_place
from batchcompute.service.states import ALLOWED, STATES, owner_number
from batchcompute.service.store import Store, load, save
from batchcompute.service.wire import Params

__all__: list[str] = []

_NO_START = 2**62


class Jobs:
    """The operations on jobs.

    Args:
        store: The database.
        wake: Tells the scheduler that there may be something to do.
        admit: Tells it of a new job, by its number.
        cancel: Ends the attempts that a transaction gave up.
    """

    def __init__(
        self,
        store: Store,
        wake: Callable[[], None],
        admit: Callable[[int], None],
        cancel: Callable[[lifecycle.Effects], None],
    ) -> None:
        self._store = store
        self._wake = wake
        self._admit = admit
        self._cancel = cancel
        # The recorded ids hold the start of a service process and its number (reference, 3.0).
        self._prefix = f"job-{0:08X}{int(time.time()):08X}{os.getpid() & 0xFFFFFFFF:08X}"

    def create_job(self, params: Params) -> dict[str, Any]:
        """Answer CreateJob for a DAG job."""
        body = params.json()
        if body.get("Type") == "App" or ("App" in body and "DAG" not in body):
            text = "App jobs are not served by this version of the local service."
            raise Refusal(501, "NotImplemented", text)
        description = job_description(body)
        tasks = _tasks(description)
        now = format_time(datetime.now(UTC))
        with self._store.write() as db:
            same = idempotency.known(db, params, body)
            if same:
                return {"Id": same}
            for cluster in {str(task["cluster"]) for task in tasks if task["cluster"]}:
                _check_cluster(db, cluster, params.owner)
            seq = db.execute(
                "INSERT INTO jobs (id, owner, name, state, priority, fail_fast, auto_release, description, created) "
                "VALUES ('', ?, ?, 'Waiting', ?, ?, ?, ?, ?)",
                (
                    params.owner,
                    description.name,
                    description.priority,
                    bool(description.job_fail_on_instance_fail),
                    bool(description.auto_release),
                    description.dump(None),
                    now,
                ),
            ).lastrowid
            job_id = f"{self._prefix}{seq:08X}"
            db.execute("UPDATE jobs SET id = ? WHERE seq = ?", (job_id, seq))
            lifecycle.insert_tasks(db, seq or 0, tasks)
            self._admit(seq or 0)
            idempotency.remember(db, params, body, job_id)
        self._wake()
        return {"Id": job_id}

    def list_jobs(self, params: Params) -> dict[str, Any]:
        """Answer ListJobs, the oldest first unless the query says otherwise."""
        count = params.count()
        state = params.state(STATES)
        order = params.query.get("OrderBy", "")
        if order not in ("", "Id", "CreationTime"):
            raise invalid("OrderBy", "It must be Id or CreationTime.")
        reverse = params.query.get("IsReverse", "").lower() == "true"
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
            where = f"owner = ? AND {bound}"
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
            items = [_job_status(db, row) for row in rows[:count]]
        return {"Items": items, "NextMarker": rows[count]["id"] if len(rows) > count else ""}

    def get_job(self, params: Params) -> dict[str, Any]:
        """Answer GetJob."""
        with self._store.read() as db:
            return _job_status(db, _job(db, params))

    def get_job_description(self, params: Params) -> dict[str, Any]:
        """Answer GetJobDescription."""
        with self._store.read() as db:
            row = _job(db, params)
        return {"Id": row["id"], **load(row["description"])}

    def stop_job(self, params: Params) -> None:
        """Answer StopJob."""
        with self._store.write() as db:
            row = _allowed(db, params, "stop")
            effects = lifecycle.stop_job(db, row["seq"], format_time(datetime.now(UTC)))
        self._cancel(effects)
        self._wake()

    def start_job(self, params: Params) -> None:
        """Answer StartJob."""
        with self._store.write() as db:
            lifecycle.start_job(db, _allowed(db, params, "start")["seq"])
        self._wake()

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
            db.execute("DELETE FROM jobs WHERE seq = ?", (_allowed(db, params, "delete")["seq"],))

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
        # The old SDK's easy_list begins with 0 (reference, 2.2).
        number = params.number(marker)
        start = (0 if not marker else _NO_START) if number is None else number
        with self._store.read() as db:
            job, task = _task(db, params)
            rows = db.execute(
                "SELECT * FROM instances WHERE job = ? AND task = ? AND number >= ? AND (? = '' OR state = ?) "
                "ORDER BY number LIMIT ?",
                (job["seq"], task["position"], start, state, state, count + 1),
            ).fetchall()
        parameters = _parameters(job, task)
        items = [_instance_status(job, task, parameters, row) for row in rows[:count]]
        return {"Items": items, "NextMarker": str(rows[count]["number"]) if len(rows) > count else ""}

    def get_instance(self, params: Params) -> dict[str, Any]:
        """Answer GetInstance."""
        number = params.number(params.path["InstanceId"])
        with self._store.read() as db:
            job, task = _task(db, params)
            row = db.execute(
                "SELECT * FROM instances WHERE job = ? AND task = ? AND number = ?",
                (job["seq"], task["position"], -1 if number is None else number),
            ).fetchone()
        if row is None:
            raise not_found()
        return _instance_status(job, task, _parameters(job, task), row)


def _tasks(description: JobDescription) -> list[dict[str, object]]:
    """Return the rows of a job's tasks."""
    names = list(description.dag.tasks)
    followers: dict[str, set[str]] = {name: set() for name in names}
    for name, targets in description.dag.dependencies.items():
        followers[name].update(targets)
    return [
        {
            "position": position,
            "name": name,
            "cluster": task.cluster_id or "",
            "max_retries": task.max_retry_count,
            "timeout": task.timeout,
            "count": task.instance_count,
            "blockers": sum(name in targets for targets in followers.values()),
            "followers": save(sorted(names.index(target) for target in followers[name])),
        }
        for position, (name, task) in enumerate(description.dag.tasks.items())
    ]


def _check_cluster(db: sqlite3.Connection, cluster: str, owner: str) -> None:
    found = db.execute("SELECT 1 FROM clusters WHERE id = ? AND owner = ?", (cluster, owner)).fetchone()
    if found is None:
        raise invalid("ClusterId", f"There is no cluster {cluster!r}.")


def _job(db: sqlite3.Connection, params: Params) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM jobs WHERE id = ? AND owner = ?", (params.path["JobId"], params.owner)
    ).fetchone()
    if row is None:
        raise not_found()
    return row


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
        raise not_found()
    return job, row


def _parameters(job: sqlite3.Row, task: sqlite3.Row) -> dict[str, Any]:
    parameters: dict[str, Any] = load(job["description"])["DAG"]["Tasks"][task["name"]]["Parameters"]
    return parameters


def _job_status(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    tasks = db.execute("SELECT * FROM tasks WHERE job = ?", (row["seq"],)).fetchall()
    by_state = {f"{state}Count": sum(task["state"] == state for task in tasks) for state in STATES}
    return {
        "Id": row["id"],
        "Name": row["name"],
        "OwnerId": owner_number(row["owner"]),
        "State": row["state"],
        "Message": row["message"],
        "CreationTime": row["created"],
        "StartTime": row["started"],
        "EndTime": row["ended"],
        "TaskMetrics": by_state,
        "InstanceMetrics": lifecycle.counts(tasks),
    }


def _task_status(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "TaskName": row["name"],
        "State": row["state"],
        "StartTime": row["started"],
        "EndTime": row["ended"],
        "InstanceMetrics": lifecycle.counts([row]),
    }


def _instance_status(
    job: sqlite3.Row, task: sqlite3.Row, parameters: dict[str, Any], row: sqlite3.Row
) -> dict[str, Any]:
    where = (job["id"], task["name"], row["number"])
    return {
        "InstanceId": row["number"],
        "State": row["state"],
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
        "Error": {"Code": "", "Message": ""},
        "Outputs": {},
    }
