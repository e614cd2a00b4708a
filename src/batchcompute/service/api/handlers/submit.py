"""CreateJob: a DAG of tasks, or the run of an app (REST API, 2.1)."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from batchcompute.models.field_types import format_time
from batchcompute.resources import AppDescription, JobDescription
from batchcompute.service.api import idempotency
from batchcompute.service.api.requests import Params
from batchcompute.service.domain import app_jobs
from batchcompute.service.domain.capacity import Machine, notes_of
from batchcompute.service.domain.defaults import app_job_description, job_description
from batchcompute.service.domain.mappings import entries_of, inner, mappings_of
from batchcompute.service.errors import ApiError, denied, invalid, state_conflict
from batchcompute.service.resolved_settings import ResolvedSettings
from batchcompute.service.store import large_jobs, transitions
from batchcompute.service.store.buckets import Buckets
from batchcompute.service.store.database import Store, load, save
from batchcompute.service.workspaces.planner import buckets_of

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service")


@dataclass(frozen=True, slots=True)
class _NewJob:
    """The rows of a job that is created."""

    columns: dict[str, Any]
    tasks: list[dict[str, object]]
    parts: list[large_jobs.Range]


class Submissions:
    """The operation that makes jobs.

    Args:
        store: The database.
        settings: How the service was set up.
        buckets: Who may do what with which bucket.
        wake: Tells the dispatcher that there may be something to do.
        admit: Tells it of a new job, by its number.
        wait_for: Waits until something about jobs is so; False when the service ends before.
        apply: Does what a transaction asks for outside of the database.
    """

    def __init__(
        self,
        store: Store,
        settings: ResolvedSettings,
        buckets: Buckets,
        wake: Callable[[], None],
        admit: Callable[[int], None],
        wait_for: Callable[[Callable[[], bool]], bool],
        apply: Callable[[transitions.Effects], None],
    ) -> None:
        self._store = store
        self._settings = settings
        self._buckets = buckets
        self._machine = Machine.here(settings.slots)
        self._wake = wake
        self._admit = admit
        self._wait_for = wait_for
        self._apply = apply
        # The recorded ids hold the start of a service process and its number (REST API, 3.0).
        self._prefix = f"job-{0:08X}{int(time.time()):08X}{os.getpid() & 0xFFFFFFFF:08X}"

    def create_job(self, params: Params) -> dict[str, Any]:
        """Answer CreateJob; with ``sync`` and an App job, when the run has ended."""
        body = params.json()
        is_app = body.get("Type") == "App" or ("App" in body and "DAG" not in body)
        waits = is_app and "sync" in params.query
        plan: dict[str, Any] | None = None
        if is_app:
            job = app_job_description(body)
            plan = app_jobs.plan_of(self._app(params, job.app.app_name or ""), job)
            planned = job_description(app_jobs.as_job(job, plan).detail())
            stored, fail_fast = job.detail(), job.job_fail_on_instance_fail is not False
            priority, release, name = job.priority or 0, bool(job.auto_release), job.name
        else:
            planned = job_description(body)
            stored, fail_fast = planned.detail(), bool(planned.job_fail_on_instance_fail)
            priority, release, name = planned.priority or 0, bool(planned.auto_release), planned.name
        self._check_buckets(params.owner, planned)
        tasks = tasks_of(planned)
        notes = notes_of(planned, self._machine, self._settings.types)
        now = format_time(datetime.now(UTC))
        new = _NewJob(
            {
                "owner": params.owner,
                "name": name,
                "priority": priority,
                "fail_fast": fail_fast,
                # A caller that waits for it reads its end first.
                "auto_release": release and not waits,
                "description": save(stored),
                "plan": save(planned.detail()) if plan else "",
                "notes": notes,
                "created": now,
            },
            tasks,
            large_jobs.ranges([(int(str(task["position"])), int(str(task["count"]))) for task in tasks]),
        )
        job_id = self._insert(params, body, new)
        if notes:
            _log.info("job %s: %s", job_id, notes)
        self._wake()
        if not waits:
            return {"Id": job_id}
        return {"RequestId": params.request_id, **self._run_of(job_id, release)}

    def _insert(self, params: Params, body: dict[str, Any], new: _NewJob) -> str:
        """Write a job; a large one is written in steps, and seen when it is complete. Return its id."""
        is_large = len(new.parts) > 1 and sum(end - start for _, start, end in new.parts) > large_jobs.STEP
        with self._store.write() as db:
            known = idempotency.known(db, params, body)
            if known:
                return known
            seq, job_id = self._insert_job(db, params, new)
            if not is_large:
                for part in new.parts:
                    large_jobs.insert(db, seq, part)
                self._show(db, params, body, seq, job_id)
                return job_id
        try:
            for part in new.parts:
                with self._store.write() as db:
                    large_jobs.insert(db, seq, part)
                self._store.let_others()
            with self._store.write() as db:
                # The same create may have come again meanwhile, and been faster.
                known = idempotency.known(db, params, body)
                if not known:
                    self._show(db, params, body, seq, job_id)
                    return job_id
        except BaseException:
            self._discard(seq)
            raise
        self._discard(seq)
        return known

    def _insert_job(self, db: sqlite3.Connection, params: Params, new: _NewJob) -> tuple[int, str]:
        check_clusters(db, {str(task["cluster"]) for task in new.tasks if task["cluster"]}, params.owner)
        # In this state it is in no index of jobs that run, until all of it is there.
        seq = db.execute(
            "INSERT INTO jobs (id, owner, name, state, priority, fail_fast, auto_release, description, plan, notes, "
            "created, hidden) VALUES ('', :owner, :name, 'Stopped', :priority, :fail_fast, :auto_release, "
            ":description, :plan, :notes, :created, :hidden)",
            {**new.columns, "hidden": large_jobs.MADE},
        ).lastrowid
        job_id = f"{self._prefix}{seq:08X}"
        db.execute("UPDATE jobs SET id = ? WHERE seq = ?", (job_id, seq))
        transitions.insert_tasks(db, seq or 0, new.tasks)
        return seq or 0, job_id

    def _show(
        self, db: sqlite3.Connection, params: Params, body: dict[str, Any], seq: int, job_id: str
    ) -> None:
        check_clusters(
            db,
            {
                row["cluster"]
                for row in db.execute(
                    "SELECT DISTINCT cluster FROM tasks WHERE job = ? AND cluster != ''", (seq,)
                )
            },
            params.owner,
        )
        db.execute("UPDATE jobs SET hidden = 0, state = 'Waiting' WHERE seq = ?", (seq,))
        self._admit(seq)
        idempotency.remember(db, params, body, job_id)

    def _discard(self, seq: int) -> None:
        effects = transitions.Effects()
        effects.removed.append(seq)
        self._apply(effects)

    def _check_buckets(self, owner: str, job: JobDescription) -> None:
        """Refuse a job that needs another owner's bucket; make its owner that of new ones that it writes to.

        Raises:
            ApiError: It does.
        """
        needed: set[tuple[str, bool]] = set()
        for task in job.dag.tasks.values():
            described = task.detail()
            mounts = entries_of(inner(described, "AutoCluster", "Configs", "Mounts"))
            needed |= buckets_of(
                mappings_of(described, mounts), described["Parameters"], self._settings.keep_mounts
            )
        for bucket, writes in sorted(needed):
            if not (self._buckets.claim if writes else self._buckets.may_read)(owner, bucket):
                raise denied(bucket)

    def _app(self, params: Params, reference: str) -> AppDescription:
        """Return the newest revision of an app that a job names; there are no public ones here."""
        name = reference.removeprefix("Private:")
        with self._store.read() as db:
            row = db.execute(
                "SELECT r.description FROM apps a JOIN revisions r ON r.app = a.seq "
                "WHERE a.owner = ? AND a.name = ? ORDER BY r.number DESC LIMIT 1",
                (params.owner, name),
            ).fetchone()
        if row is None:
            raise invalid("AppName", f"There is no app {reference!r}.")
        return AppDescription(row["description"])

    def _run_of(self, job_id: str, release: bool) -> dict[str, Any]:
        """Wait for the end of a job, and return its run (REST API, 2.1)."""

        def row() -> sqlite3.Row | None:
            with self._store.read() as db:
                found: sqlite3.Row | None = db.execute(
                    "SELECT * FROM jobs WHERE id = ?", (job_id,)
                ).fetchone()
            return found

        def is_over() -> bool:
            found = row()
            return found is None or found["state"] not in ("Waiting", "Running")

        if not self._wait_for(is_over):
            text = f"The service ends before job {job_id} does; it goes on when the service is back."
            raise ApiError(503, "ServiceUnavailable", text)
        job = row()
        if job is None:
            raise state_conflict("Deleted")
        with self._store.read() as db:
            failed = db.execute(
                "SELECT error_code, error_message FROM instances WHERE job = ? AND error_code != '' LIMIT 1",
                (job["seq"],),
            ).fetchone()
        if release and job["state"] == "Finished":
            effects = transitions.Effects()
            with self._store.write() as db:
                transitions.remove_job(db, job["seq"], effects)
            self._apply(effects)
        error = {"Code": "", "Message": ""}
        if job["state"] == "Stopped":
            error = {"Code": "Stopped", "Message": f"Job {job_id} was stopped."}
        elif failed is not None:
            error = {"Code": failed["error_code"], "Message": failed["error_message"]}
        outputs: dict[str, Any] = load(job["description"])["App"].get("Outputs") or {}
        return {
            "StartTime": job["started"],
            "EndTime": job["ended"],
            "Outputs": outputs if job["state"] == "Finished" else {},
            "Error": error,
        }


def tasks_of(description: JobDescription) -> list[dict[str, object]]:
    """Return the rows of a job's tasks."""
    names = list(description.dag.tasks)
    followers: dict[str, set[str]] = {name: set() for name in names}
    for name, targets in description.dag.dependencies.items():
        followers[name].update(targets)
    return [
        {
            "position": position,
            "name": name,
            # An AutoCluster may put its machines into a cluster that there is (REST API, 3.2).
            "cluster": task.cluster_id or ("AutoCluster" in task and task.auto_cluster.cluster_id) or "",
            "max_retries": task.max_retry_count,
            "timeout": task.timeout,
            "count": task.instance_count,
            "blockers": sum(name in targets for targets in followers.values()),
            "followers": save(sorted(names.index(target) for target in followers[name])),
        }
        for position, (name, task) in enumerate(description.dag.tasks.items())
    ]


def check_clusters(db: sqlite3.Connection, clusters: Iterable[str], owner: str) -> None:
    """Refuse a job whose cluster is not there.

    Raises:
        ApiError: One is not.
    """
    for cluster in clusters:
        found = db.execute(
            "SELECT 1 FROM clusters WHERE id = ? AND owner = ? AND state = 'Active'", (cluster, owner)
        ).fetchone()
        if found is None:
            raise invalid("ClusterId", f"There is no cluster {cluster!r}.")
