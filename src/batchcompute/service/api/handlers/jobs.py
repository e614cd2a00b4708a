"""The operations on jobs, tasks and instances, other than CreateJob (REST API, 2.1 and 2.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final

from batchcompute import resources
from batchcompute.service.api.handlers.submit import check_clusters
from batchcompute.service.api.paging import page
from batchcompute.service.api.routes import BEHIND_ALL, Params, number_of
from batchcompute.service.clock import SYSTEM_CLOCK, Clock, timestamp
from batchcompute.service.domain.capacity import cluster_shortage, slot_shortage
from batchcompute.service.domain.names import log_object
from batchcompute.service.domain.states import ALLOWED, STATES, owner_number
from batchcompute.service.errors import ApiError, invalid, missing, not_found, state_conflict
from batchcompute.service.store import large_jobs, transitions
from batchcompute.service.store.database import Effects, Store, Transaction
from batchcompute.service.store.rows import AttemptRow, InstanceRow, JobRow, TaskRow

__all__: list[str] = []

_STEP = 20_000
"""The number of instances that are searched before other threads get the database."""


_REFUSED: Final = {
    "stop": "be stopped",
    "start": "be started",
    "priority": "get another priority",
    "delete": "be deleted",
}
"""The end of the sentence "A job that is … cannot …", by action."""


class Jobs:
    """The operations on jobs.

    Args:
        store: The database.
        wake: Wakes the dispatcher.
        apply: Does what a transaction asks for outside the database.
        forget: Removes the working directories that were kept of a job, given its id.
        restarting: Row numbers of jobs that StartJob is resetting; nothing else writes to their instances.
        slots: The number of instances that run at the same time.
        clock: The source of time.
    """

    def __init__(
        self,
        store: Store,
        wake: Callable[[], None],
        apply: Callable[[Effects], None],
        forget: Callable[[str], None],
        restarting: set[int],
        slots: int,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._store = store
        self._wake = wake
        self._apply = apply
        self._restarting = restarting
        self._slots = slots
        self._forget = forget
        self._clock = clock

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
        start = BEHIND_ALL if reverse else 0
        if params.marker:
            # An id ends with the row number of the job, so a page begins with the right job even if the job of the
            # marker has been deleted.
            match = re.fullmatch("job-[0-9A-F]{24}([0-9A-F]{8})", params.marker)
            # An unknown marker gives an empty page.
            start = int(match[1], 16) if match else (-1 if reverse else BEHIND_ALL)
        cluster = params.query.get("ClusterId", "")
        with self._store.read() as transaction:
            rows = transaction.jobs.page(params.owner, start, count + 1, reverse, state, cluster)
            return page(
                rows, count, lambda row: _job_status(transaction, row, self._slots), lambda row: row.id
            )

    def get_job(self, params: Params) -> dict[str, Any]:
        """Answer GetJob."""
        with self._store.read() as transaction:
            return _job_status(transaction, _find(transaction, params), self._slots)

    def get_job_description(self, params: Params) -> dict[str, Any]:
        """Answer GetJobDescription."""
        with self._store.read() as transaction:
            job = _find(transaction, params)
        return {"Id": job.id, **job.description.detail()}

    def stop_job(self, params: Params) -> None:
        """Answer StopJob."""
        with self._store.write() as transaction:
            job = _find_allowed(transaction, params, "stop")
            transitions.stop_job(transaction, job.seq, timestamp(self._clock))
        self._apply(transaction.effects)
        self._wake()

    def start_job(self, params: Params) -> None:
        """Answer StartJob."""
        with self._store.read() as transaction:
            seq = self._check_start(transaction, params)
        with self._resetting(seq):
            large_jobs.reset(self._store, seq)
            with self._store.write() as transaction:
                transitions.start_job(transaction, self._check_start(transaction, params))
        self._wake()

    @staticmethod
    def _check_start(transaction: Transaction, params: Params) -> int:
        """Return the row number of a job that may start again."""
        seq = _find_allowed(transaction, params, "start").seq
        check_clusters(transaction, transaction.tasks.clusters(seq, unfinished=True), params.owner)
        return seq

    @contextmanager
    def _resetting(self, seq: int) -> Generator[None]:
        """Keep background work from writing to the instances of a job that is about to start."""
        self._restarting.add(seq)
        try:
            yield
        finally:
            self._restarting.discard(seq)

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
        with self._store.write() as transaction:
            job = _find_allowed(transaction, params, "priority")
            transaction.jobs.set_priority(job.seq, priority)

    def delete_job(self, params: Params) -> None:
        """Answer DeleteJob."""
        with self._store.write() as transaction:
            job = _find_allowed(transaction, params, "delete")
            transitions.remove_job(transaction, job.seq)
        self._apply(transaction.effects)
        self._forget(job.id)

    def list_tasks(self, params: Params) -> dict[str, Any]:
        """Answer ListTasks, in the order of the description."""
        count = params.count()
        state = params.state(STATES)
        cluster = params.query.get("ClusterId", "")
        with self._store.read() as transaction:
            tasks = transaction.tasks.of_job(_find(transaction, params).seq)
        # The marker is the name of a task in the unfiltered list, because its state may have changed meanwhile.
        names = [task.name for task in tasks]
        start = (names.index(params.marker) if params.marker in names else len(tasks)) if params.marker else 0
        chosen = [
            task
            for task in tasks[start:]
            if (not state or task.state == state) and (not cluster or task.cluster == cluster)
        ]
        return page(chosen, count, _task_status, lambda task: task.name)

    def get_task(self, params: Params) -> dict[str, Any]:
        """Answer GetTask."""
        with self._store.read() as transaction:
            return _task_status(_find_task(transaction, params)[1])

    def list_instances(self, params: Params) -> dict[str, Any]:
        """Answer ListInstances, by number."""
        count = params.count()
        state = params.state(STATES)
        # The easy_list of the old SDK begins with the marker 0 (REST API, 2.2).
        start = params.first_number()
        with self._store.read() as transaction:
            job, task = _find_task(transaction, params)
            description = transaction.tasks.description(job.seq, task.position)
        rows = self._instances(job, task, start, state, count + 1)
        return page(
            rows, count, lambda row: _instance_status(job, task, description, row), lambda row: row.number
        )

    def _instances(self, job: JobRow, task: TaskRow, start: int, state: str, count: int) -> list[InstanceRow]:
        """Return instances of a task from a number on. The search is done in steps, because a state can be rare."""
        if state and not task.counts[state]:  # type: ignore[index]
            return []
        instances: list[InstanceRow] = []
        while start < task.size and len(instances) < count:
            end = start + _STEP
            with self._store.read() as transaction:
                missing_count = count - len(instances)
                instances += transaction.instances.page(
                    job.seq, task.position, start, end, missing_count, state
                )
            start = end
            self._store.let_others()
        return instances

    def get_instance(self, params: Params) -> dict[str, Any]:
        """Answer GetInstance."""
        number = number_of(params.path["InstanceId"])
        with self._store.read() as transaction:
            job, task = _find_task(transaction, params)
            row = None if number is None else transaction.instances.find(job.seq, task.position, number)
            if row is not None:
                description = transaction.tasks.description(job.seq, task.position)
                return _instance_status(job, task, description, row)
        raise _no_instance(job, task, params)

    def list_attempts(self, params: Params) -> dict[str, Any]:
        """Answer ListAttempts, the oldest first (REST API, 2.7)."""
        count = params.count()
        number = number_of(params.path["InstanceId"])
        with self._store.read() as transaction:
            job, task = _find_task(transaction, params)
            if number is None or number >= task.size:
                raise _no_instance(job, task, params)
            rows = transaction.attempts.page(
                (job.seq, task.position, number), params.first_number(), count + 1
            )
        return page(rows, count, _attempt_status, lambda row: row.number)


def _no_instance(job: JobRow, task: TaskRow, params: Params) -> ApiError:
    return not_found(
        "instance", params.path["InstanceId"], f"task {task.name} of job {job.id}", count=task.size
    )


def _attempt_status(attempt: AttemptRow) -> dict[str, Any]:
    return {
        "Number": attempt.number,
        "State": attempt.state,
        "Token": attempt.token,
        "NodeIp": attempt.node,
        "WorkerId": attempt.worker,
        "StartTime": attempt.started,
        "EndTime": attempt.ended,
        "ExitCode": attempt.exit_code,
        "ErrorCode": attempt.error_code,
        "ErrorMessage": attempt.error_message,
    }


def _find(transaction: Transaction, params: Params) -> JobRow:
    job = transaction.jobs.find(params.path["JobId"], params.owner)
    if job is None:
        raise not_found("job", params.path["JobId"])
    return job


def _find_allowed(transaction: Transaction, params: Params, action: str) -> JobRow:
    job = _find(transaction, params)
    if job.state not in ALLOWED[action]:
        refused = f"A job that is {job.state} cannot {_REFUSED[action]}."
        raise state_conflict(job.state, refused)
    return job


def _find_task(transaction: Transaction, params: Params) -> tuple[JobRow, TaskRow]:
    job = _find(transaction, params)
    task = transaction.tasks.find(job.seq, params.path["TaskName"])
    if task is None:
        names = transaction.tasks.names(job.seq)
        raise not_found("task", params.path["TaskName"], f"job {job.id}", names)
    return job, task


def _message(transaction: Transaction, job: JobRow, tasks: list[TaskRow], slots: int) -> str:
    """Return the message of a job: that of its end, or else the reasons why it waits; empty if there is none."""
    if job.state not in ("Waiting", "Running"):
        return job.message
    ready = [task for task in tasks if task.counts["Waiting"] and not task.blockers]
    idle = not any(task.counts["Running"] for task in tasks)
    parts = [
        cluster_shortage(task.name, task.cluster, *transaction.machines.count_busy(task.cluster), idle)
        for task in ready
        if task.cluster
    ]
    if ready and idle:
        running = transaction.instances.count_active()
        others = transaction.instances.count_active_of_others(job.owner) if running >= slots else 0
        parts.append(slot_shortage(running, slots, others))
    if idle:
        parts.append(job.waits)
    if job.state == "Waiting":
        # Clients show the message of a job that has started as the reason of a failure.
        parts.append(job.notes)
    return " ".join(part for part in parts if part)


def _metrics(tasks: list[TaskRow]) -> dict[str, int]:
    """Return the number of instances in each state, with the field names of the API."""
    return {f"{state}Count": sum(task.counts[state] for task in tasks) for state in STATES}


def _job_status(transaction: Transaction, job: JobRow, slots: int) -> dict[str, Any]:
    tasks = transaction.tasks.of_job(job.seq)
    return {
        "Id": job.id,
        "Name": job.name,
        "OwnerId": owner_number(job.owner),
        "State": job.state,
        "Message": _message(transaction, job, tasks, slots),
        "CreationTime": job.created,
        "StartTime": job.started,
        "EndTime": job.ended,
        "TaskMetrics": {f"{state}Count": sum(task.state == state for task in tasks) for state in STATES},
        "InstanceMetrics": _metrics(tasks),
    }


def _task_status(task: TaskRow) -> dict[str, Any]:
    return {
        "TaskName": task.name,
        "State": task.state,
        "StartTime": task.started,
        "EndTime": task.ended,
        "InstanceMetrics": _metrics([task]),
    }


def _instance_status(
    job: JobRow, task: TaskRow, description: resources.TaskDescription, instance: InstanceRow
) -> dict[str, Any]:
    parameters = description.parameters
    # Instances of a DAG job report what went wrong in ``Result`` only (REST API, 4.3).
    code, message = (instance.error_code, instance.error_message) if job.is_app else ("", "")
    names = (job.id, task.name, instance.number)
    return {
        "InstanceId": instance.number,
        "State": instance.state,
        "StartTime": instance.started,
        "EndTime": instance.ended,
        "RetryCount": instance.retries,
        "Progress": 0,
        "NodeIp": instance.node,
        "StdoutRedirectPath": log_object(parameters.stdout_redirect_path, "stdout", *names),
        "StderrRedirectPath": log_object(parameters.stderr_redirect_path, "stderr", *names),
        "Result": {
            "ExitCode": instance.exit_code,
            "ErrorCode": instance.error_code,
            "ErrorMessage": instance.error_message,
            "Detail": instance.detail,
        },
        "Error": {"Code": code, "Message": message},
        "Outputs": _outputs(job) if instance.state == "Finished" else {},
    }


def _outputs(job: JobRow) -> dict[str, Any]:
    """Return the outputs of an App job; empty for a DAG job."""
    return dict(job.description.detail()["App"].get("Outputs") or {}) if job.is_app else {}
