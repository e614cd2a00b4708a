"""The methods `wait` and `poll`, which wait for jobs."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Self, overload

from batchcompute.client._async._logs import AsyncLogs
from batchcompute.client._common import ids_of, notify_async
from batchcompute.client._progress import reporter
from batchcompute.client.job_host import JobHost
from batchcompute.client.waiting import FINAL_STATES, Watch
from batchcompute.errors import (
    BatchComputeError,
    ClientError,
    FailedInstance,
    JobFailedError,
    LogsUnavailable,
    NotFoundError,
    StateConflictError,
)
from batchcompute.http.log import log
from batchcompute.http.retry import is_transient
from batchcompute.http.timeouts import seconds_of

if TYPE_CHECKING:
    from batchcompute.api.arguments import IdLike
    from batchcompute.client.waiting import Until
    from batchcompute.resources import Instance, Job, Task

__all__: list[str] = []

_FIRST_INTERVAL = 0.05
"""Seconds before the second poll, because many jobs are short."""

_ACTIVE = frozenset({"Waiting", "Running"})
"""States in which `poll` continues to wait; the old SDK took any other state for an end."""

_MAX_FAILED_POLLS = 10
"""Number of consecutive failed polls, each with its retries, after which a wait fails."""

_MAX_TASKS, _MAX_INSTANCES, _MAX_STDERR_BYTES = 5, 10, 4096
"""Maximum number of tasks, of instances of each task, and of bytes of stderr in a `JobFailedError`."""


class AsyncWaiting(AsyncLogs):
    """The methods `wait` and `poll`."""

    @overload
    async def wait(  # type: ignore[overload-overlap]  # a str is an id, not an iterable of ids
        self,
        job: IdLike,
        *,
        timeout: float | timedelta | None = None,
        until: Until | None = None,
        on_update: Callable[[Job], object] | None = None,
        raise_on_failure: bool = True,
        progress: bool = False,
        interval: float = 10.0,
    ) -> Job: ...
    @overload
    async def wait(
        self,
        job: Iterable[IdLike],
        *,
        timeout: float | timedelta | None = None,
        until: Until | None = None,
        on_update: Callable[[Job], object] | None = None,
        raise_on_failure: bool = True,
        progress: bool = False,
        interval: float = 10.0,
    ) -> list[Job]: ...
    async def wait(
        self,
        job: IdLike | Iterable[IdLike],
        *,
        timeout: float | timedelta | None = None,
        until: Until | None = None,
        on_update: Callable[[Job], object] | None = None,
        raise_on_failure: bool = True,
        progress: bool = False,
        interval: float = 10.0,
    ) -> Job | list[Job]:
        """Wait until one or several jobs have ended.

        The method polls the status of the jobs. The delay between two polls grows while nothing changes. For
        several jobs, a poll reads the list of jobs instead of each job.

        Ctrl-C and ``timeout`` end the wait and stop no job. Jobs of a server continue to run. The programs of
        jobs of an embedded service end with this process, and the jobs start again when its data directory is
        opened again. The exception says what applies.

        Args:
            job: A job or several jobs: ids, or objects with an ``Id``. They can come from another process.
            timeout: Maximum wait in seconds; None for no limit.
            until: A condition that also ends the wait for a job: a state, several states, or a callable that
                gets the job.
            on_update: Callback that gets a job after its first poll, and after each change of its state or of
                its instance counts.
            raise_on_failure: Whether a job that failed or was stopped raises an error at once.
            progress: Whether to display the progress: on stderr, a live bar for each task on a terminal (extra
                ``progress``), otherwise lines; in a notebook, a live picture of the DAG with bars.
            interval: Maximum number of seconds between two polls.

        Returns:
            The last status of the job; for several jobs, a list in the order of the argument.

        Raises:
            JobFailedError: A job failed or was stopped. The error contains the failed instances.
            WaitTimeout: The timeout passed. The jobs are not stopped.
            NotFoundError: A job does not exist, or was deleted during the wait, for example by ``AutoRelease``.
        """
        ids = ids_of(job, "job")
        started = time.monotonic()
        limit = None if timeout is None else max(0.0, _seconds(timeout))
        end = None if limit is None else started + limit
        watch = Watch(ids, until, interval, started, self._endpoint.is_local)
        display = reporter(progress)
        failures = 0
        try:
            while watch.pending():
                try:
                    await self._with_deadline(end)._poll_jobs(watch)
                    failures = 0
                except BatchComputeError as error:
                    failures += 1
                    if not is_transient(error) or failures >= _MAX_FAILED_POLLS:
                        raise
                    log.warning("wait: a poll failed and is repeated (%s: %s)", type(error).__name__, error)
                if display.wants_tasks:
                    await self._read_tasks(watch)
                display.update(watch)
                for status in watch.take_changes():
                    if on_update is not None:
                        await notify_async(on_update, status)
                failed = watch.failed() if raise_on_failure else None
                if failed is not None:
                    raise await self._failure_of(failed, watch)
                if not watch.pending():
                    break
                now = time.monotonic()
                if end is not None and now >= end:
                    raise watch.timeout_error(limit or 0, self._job_host())
                await asyncio.sleep(watch.delay(now, end, random.random()))  # noqa: S311
        except (KeyboardInterrupt, asyncio.CancelledError) as interruption:
            note = watch.interruption_note(self._job_host())
            interruption.add_note(note)
            log.warning("wait was interrupted: %s", note)
            raise
        finally:
            display.close()
        statuses = watch.statuses()
        return statuses[0] if _is_one(job) else statuses

    def _job_host(self) -> JobHost:
        """Return where this client's jobs run."""
        if not self._endpoint.is_local:
            return JobHost()
        http = self._pool.current() if self._pool.is_local else None
        return JobHost("unknown") if http is None else http.local.job_host()

    def _with_deadline(self, end: float | None) -> Self:
        """Return a client whose calls do not take longer than the wait."""
        if end is None:
            return self
        seconds = max(0.05, end - time.monotonic())
        of_policy = self._policy.deadline_seconds
        return self.with_options(deadline=seconds if of_policy is None else min(seconds, of_policy))

    async def _poll_jobs(self, watch: Watch) -> None:
        """Read the status of all pending jobs."""
        missing = set(watch.pending())
        marker = ""
        hit_count = 0
        use_list = watch.should_list()
        while use_list and missing:
            # The newest first, because the jobs of a wait are usually new.
            page = await self.list_jobs(marker, 100, OrderBy="CreationTime", IsReverse="True")
            hits = [job for job in page if job.Id in missing]
            hit_count += len(hits)
            watch.record_list(hit_count)
            missing -= {job.Id for job in hits}
            for job in hits:
                watch.update(job.Id, job, time.monotonic())
            if not hits or not page.NextMarker or page.NextMarker == marker:
                break
            marker = page.NextMarker
        for job_id in watch.select_for_get(missing):
            try:
                status = await self.get_job(job_id)
            except NotFoundError as error:
                if job_id in watch.jobs:
                    error.add_note(
                        f"{job_id} was {watch.jobs[job_id].State}, and was deleted during the wait"
                    )
                raise
            watch.update(job_id, status, time.monotonic())

    async def _read_tasks(self, watch: Watch) -> None:
        """Read the tasks of the jobs that have changed, for the display."""
        for job_id in watch.select_for_tasks():
            try:
                if job_id not in watch.dags:
                    watch.dags[job_id] = (await self.get_job_description(job_id)).DAG
                tasks: list[Task] = []
                async for task in self.iter_tasks(job_id):
                    tasks.append(task)
                watch.tasks[job_id] = tasks
            except BatchComputeError as error:
                # The display does without them; for example, the job is deleted when it finishes.
                log.debug("wait: the tasks of %s cannot be read: %s", job_id, error)

    async def _failure_of(self, job: Job, watch: Watch) -> JobFailedError:
        """Return the error for a failed job, with its failed tasks and instances."""
        tasks: list[Task] = []
        instances: list[FailedInstance] = []
        problem = ""
        try:
            tasks += await self.list_tasks(job, "", _MAX_TASKS, "Failed")
            for task in tasks:
                for instance in await self.list_instances(job, task, "", _MAX_INSTANCES, "Failed"):
                    instances.append(await self._failed_instance(str(task.TaskName), instance))
        except BatchComputeError as error:
            problem = f"the failed tasks and instances could not be read: {type(error).__name__}: {error}"
        failure = JobFailedError(job, tasks, instances, watch.statuses())
        if problem:
            failure.add_note(problem)
        return failure

    async def _failed_instance(self, task: str, instance: Instance) -> FailedInstance:
        result = instance.Result
        stderr = str(result.detail_text or "")
        if instance.StderrRedirectPath and not stderr:
            try:
                stderr = await self._text(instance.StderrRedirectPath, _MAX_STDERR_BYTES)
            except (ClientError, LogsUnavailable):
                # The stderr is optional. The error is complete without it.
                log.debug("stderr of %s[%s] cannot be read", task, instance.InstanceId)
        return FailedInstance(
            task,
            int(instance.InstanceId),
            result.get("ExitCode"),
            str(result.ErrorCode or ""),
            str(result.ErrorMessage or ""),
            stderr,
        )

    async def poll(
        self,
        job_ids: IdLike | Iterable[IdLike],
        timeout: float = 86400,
        interval: float = 3,
    ) -> list[str]:
        """Wait until jobs have ended, and return the failures (method of the old SDK).

        When a job fails or is stopped, or when the timeout passes, the method stops the jobs that have not
        ended. `wait` does not stop them.

        Args:
            job_ids: A job or several jobs: ids, or objects with an ``Id``.
            timeout: Maximum wait in seconds.
            interval: Seconds between two polls; the delays before the first polls are shorter.

        Returns:
            A text for each job that failed, was stopped or was deleted; a single text after a timeout; empty if
            all jobs finished. A job that this method stopped has no text.

        Raises:
            ClientError: The service rejected a request, for example because a job does not exist.
            ValidationError: An id is invalid.
        """
        if not isinstance(job_ids, (str, bytes, Iterable, type(None))) and not hasattr(job_ids, "Id"):
            return [f"Invalid job ids: {job_ids}."]
        ids = ids_of(job_ids, "job_ids")
        end = time.monotonic() + timeout
        delay = min(interval, _FIRST_INTERVAL)
        states: dict[str, str] = dict.fromkeys(ids, "Waiting")
        timed_out = False
        while not timed_out:
            for job_id, state in list(states.items()):
                if state in _ACTIVE:
                    states[job_id] = (await self.get_job(job_id)).State
            if {"Failed", "Stopped"}.intersection(states.values()) or _ACTIVE.isdisjoint(states.values()):
                break
            timed_out = time.monotonic() >= end
            if not timed_out:
                await asyncio.sleep(max(0.0, min(delay, end - time.monotonic())))
                delay = min(interval, delay * 2)
        ended: dict[str, str] = {}
        errors: list[ClientError] = []
        for job_id, state in states.items():
            try:
                ended[job_id] = await self._stop_unless_ended(job_id, state)
            except ClientError as error:
                # Raised after the other jobs are stopped.
                errors.append(error)
        if errors:
            raise errors[0]
        if timed_out and "" in ended.values():
            return [f"Timeout({timeout})."]
        return [
            f"Job {job_id} {state.lower()}."
            for job_id, state in ended.items()
            if state not in ("", "Finished")
        ]

    async def _stop_unless_ended(self, job_id: str, last_state: str) -> str:
        """Return the final state of a job; stop a job that has not ended, and return an empty text."""
        try:
            state = (await self.get_job(job_id)).State
            if state not in FINAL_STATES:
                await self.stop_job(job_id)
                return ""
        except NotFoundError:
            # Deleted after the last poll, for example by AutoRelease.
            state = last_state if last_state in FINAL_STATES else "Deleted"
        except StateConflictError:
            # The job ended between the two requests.
            state = (await self.get_job(job_id)).State
            if state not in FINAL_STATES:
                return ""
        return state


def _is_one(job: object) -> bool:
    return isinstance(job, (str, bytes)) or hasattr(job, "Id") or not isinstance(job, Iterable)


def _seconds(timeout: float | timedelta) -> float:
    return 0.0 if timeout in (0, timedelta(0)) else seconds_of(timeout, "timeout")
