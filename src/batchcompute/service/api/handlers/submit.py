"""CreateJob: a DAG of tasks, or the run of an app (REST API, 2.1)."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from typing import Any

from batchcompute import resources
from batchcompute.runner import container
from batchcompute.runner.environment import environment_room
from batchcompute.service.api import idempotency
from batchcompute.service.api.routes import Params
from batchcompute.service.clock import SYSTEM_CLOCK, Clock, timestamp
from batchcompute.service.domain import app_jobs
from batchcompute.service.domain.capacity import KnownTypes, notes_of
from batchcompute.service.domain.defaults import Platform, app_job_description, job_description
from batchcompute.service.domain.task_needs import buckets_of, entries_of, inner, mappings_of
from batchcompute.service.errors import ApiError, denied, invalid, state_conflict
from batchcompute.service.machine import this_machine
from batchcompute.service.objects.ownership import Buckets
from batchcompute.service.resolved_settings import ResolvedSettings
from batchcompute.service.store import large_jobs, transitions
from batchcompute.service.store.database import Effects, Store, Transaction
from batchcompute.service.store.rows import JobRow, NewJob, NewTask

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service")


class Submissions:
    """The operation that creates jobs.

    Args:
        store: The database.
        settings: How the service was set up.
        types: The instance types that the service knows.
        buckets: The owners of buckets.
        wake: Wakes the dispatcher.
        admit: Tells the dispatcher of a new job, by its row number.
        wait_for: Waits until a condition on jobs holds; returns False if the service ends before.
        apply: Does what a transaction asks for outside the database.
        clock: The source of time.
    """

    def __init__(
        self,
        store: Store,
        settings: ResolvedSettings,
        types: KnownTypes,
        buckets: Buckets,
        wake: Callable[[], None],
        admit: Callable[[int], None],
        wait_for: Callable[[Callable[[], bool]], bool],
        apply: Callable[[Effects], None],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._store = store
        self._settings = settings
        self._types = types
        self._buckets = buckets
        self._machine = this_machine(settings.slots)
        self._platform = Platform(environment_room, lambda: container.probe().reason)
        self._wake = wake
        self._admit = admit
        self._wait_for = wait_for
        self._apply = apply
        self._clock = clock
        # The recorded ids hold the start of a service process and its number (REST API, 3.0).
        self._id_prefix = f"job-{0:08X}{int(clock.time()):08X}{os.getpid() & 0xFFFFFFFF:08X}"

    def create_job(self, params: Params) -> dict[str, Any]:
        """Answer CreateJob; with ``sync`` and an App job, when the run has ended."""
        body = params.json()
        is_app = body.get("Type") == "App" or ("App" in body and "DAG" not in body)
        waits = is_app and params.has_flag("sync")
        new = self._app_job(params, body, waits) if is_app else self._dag_job(params, body)
        job_id = self._insert(params, body, new)
        if new.notes:
            _log.info("job %s: %s", job_id, new.notes)
        self._wake()
        if not waits:
            return {"Id": job_id}
        return {
            "RequestId": params.request_id,
            **self._run_of(params.owner, job_id, bool(body.get("AutoRelease"))),
        }

    def _dag_job(self, params: Params, body: dict[str, Any]) -> NewJob:
        job = job_description(body, self._platform)
        stored = job.detail()
        return NewJob(
            params.owner,
            str(job.name),
            job.priority or 0,
            bool(job.job_fail_on_instance_fail),
            bool(job.auto_release),
            stored,
            None,
            self._notes(job),
            timestamp(self._clock),
            self._tasks(params.owner, job, stored["DAG"]["Tasks"]),
        )

    def _app_job(self, params: Params, body: dict[str, Any], waits: bool) -> NewJob:
        job = app_job_description(body)
        plan = app_jobs.as_job(job, app_jobs.plan_of(self._app(params, job.app.app_name or ""), job))
        planned = job_description(plan.detail(), self._platform)
        described = planned.detail()
        return NewJob(
            params.owner,
            str(job.name),
            job.priority or 0,
            job.job_fail_on_instance_fail is not False,
            # A caller that waits for the end of the job reads its result before it is deleted.
            bool(job.auto_release) and not waits,
            job.detail(),
            described,
            self._notes(planned),
            timestamp(self._clock),
            self._tasks(params.owner, planned, described["DAG"]["Tasks"]),
        )

    def _notes(self, job: resources.JobDescription) -> str:
        """Return what the message of a waiting job says about its requirements.

        Raises:
            ApiError: An instance type is misspelt.
        """
        refusal = self._types.refusal(job)
        if refusal:
            raise invalid("InstanceType", refusal)
        notes = (notes_of(job, self._machine, self._settings.types), self._types.notes(job))
        return " ".join(note for note in notes if note)

    def _tasks(
        self, owner: str, job: resources.JobDescription, described: dict[str, dict[str, Any]]
    ) -> tuple[NewTask, ...]:
        self._check_buckets(owner, described.values())
        return tasks_of(job, described)

    def _check_buckets(self, owner: str, tasks: Iterable[dict[str, Any]]) -> None:
        """Refuse a job that needs another owner's bucket; a new bucket that it writes to becomes its owner's.

        Raises:
            ApiError: A bucket belongs to another owner.
        """
        needed: set[tuple[str, bool]] = set()
        for task in tasks:
            mounts = entries_of(inner(task, "AutoCluster", "Configs", "Mounts"))
            needed |= buckets_of(mappings_of(task, mounts), task["Parameters"], self._settings.keep_mounts)
        for bucket, writes in sorted(needed):
            if not (self._buckets.claim if writes else self._buckets.may_read)(owner, bucket):
                raise denied(bucket)

    def _app(self, params: Params, reference: str) -> resources.AppDescription:
        """Return the newest revision of an app that a job names; there are no public apps here."""
        with self._store.read() as transaction:
            app = transaction.apps.find(params.owner, reference.removeprefix("Private:"))
            if app is None:
                raise invalid("AppName", f"There is no app {reference!r}.")
            return transaction.apps.newest(app.seq).description

    # -- writing ------------------------------------------------------------------------------

    def _insert(self, params: Params, body: dict[str, Any], job: NewJob) -> str:
        """Write a job, a large one in steps, and show it when it is complete; return its id."""
        is_large = sum(task.size for task in job.tasks) > large_jobs.STEP
        clusters = {task.cluster for task in job.tasks if task.cluster}
        with self._store.write() as transaction:
            known = idempotency.known(transaction, params, body)
            if known:
                return known
            check_clusters(transaction, clusters, params.owner)
            seq, job_id = transaction.jobs.insert(job, self._id_prefix)
            if not is_large:
                for position, task in enumerate(job.tasks):
                    transaction.jobs.insert_instances(seq, (position, 0, task.size))
                self._show(transaction, params, body, seq, job_id)
                return job_id
        try:
            for part in large_jobs.ranges([(position, task.size) for position, task in enumerate(job.tasks)]):
                with self._store.write() as transaction:
                    transaction.jobs.insert_instances(seq, part)
                self._store.let_others()
            with self._store.write() as transaction:
                # The same create may have arrived again, and been faster.
                known = idempotency.known(transaction, params, body)
                if not known:
                    check_clusters(transaction, clusters, params.owner)
                    self._show(transaction, params, body, seq, job_id)
                    return job_id
        except BaseException:
            self._discard(seq)
            raise
        self._discard(seq)
        return known

    def _show(
        self, transaction: Transaction, params: Params, body: dict[str, Any], seq: int, job_id: str
    ) -> None:
        transaction.jobs.show(seq)
        self._admit(seq)
        idempotency.remember(transaction, params, body, job_id, self._clock)

    def _discard(self, seq: int) -> None:
        """Have a job removed that is not completely written."""
        self._apply(Effects(removed=[seq]))

    # -- synchronous App jobs -----------------------------------------------------------------

    def _run_of(self, owner: str, job_id: str, auto_release: bool) -> dict[str, Any]:
        """Wait for the end of a job, and return its result (REST API, 2.1)."""

        def find() -> JobRow | None:
            with self._store.read() as transaction:
                return transaction.jobs.find(job_id, owner)

        def has_ended() -> bool:
            job = find()
            return job is None or job.state not in ("Waiting", "Running")

        if not self._wait_for(has_ended):
            text = f"The service ends before job {job_id} does; it goes on when the service is back."
            raise ApiError(503, "ServiceUnavailable", text)
        job = find()
        if job is None:
            raise state_conflict("Deleted")
        with self._store.read() as transaction:
            failure = transaction.instances.first_error(job.seq)
        if auto_release and job.state == "Finished":
            with self._store.write() as transaction:
                transitions.remove_job(transaction, job.seq)
            self._apply(transaction.effects)
        code, message = failure or ("", "")
        if job.state == "Stopped":
            code, message = "Stopped", f"Job {job_id} was stopped."
        outputs: dict[str, Any] = job.description.detail()["App"].get("Outputs") or {}
        return {
            "StartTime": job.started,
            "EndTime": job.ended,
            "Outputs": outputs if job.state == "Finished" else {},
            "Error": {"Code": code, "Message": message},
        }


def tasks_of(job: resources.JobDescription, described: dict[str, dict[str, Any]]) -> tuple[NewTask, ...]:
    """Return the tasks of a job as they are written.

    Args:
        job: The description of the job.
        described: The descriptions of its tasks as plain values.
    """
    names = list(job.dag.tasks)
    followers: dict[str, set[str]] = {name: set() for name in names}
    for name, targets in job.dag.dependencies.items():
        followers[name].update(targets)
    positions = {name: position for position, name in enumerate(names)}
    blockers = dict.fromkeys(names, 0)
    for waiting in followers.values():
        for target in waiting:
            blockers[target] += 1
    return tuple(
        NewTask(
            name,
            # An AutoCluster may name an existing cluster for its machines (REST API, 3.2).
            task.cluster_id or ("AutoCluster" in task and task.auto_cluster.cluster_id) or "",
            task.max_retry_count,
            task.timeout,
            task.instance_count,
            blockers[name],
            tuple(sorted(positions[target] for target in followers[name])),
            described[name],
        )
        for name, task in job.dag.tasks.items()
    )


def check_clusters(transaction: Transaction, clusters: Iterable[str], owner: str) -> None:
    """Refuse a job whose cluster does not exist.

    Raises:
        ApiError: A cluster does not exist, or is being deleted.
    """
    for cluster in clusters:
        if not transaction.clusters.is_active(cluster, owner):
            raise invalid("ClusterId", f"There is no cluster {cluster!r}.")
