"""Waiting for jobs."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Self, overload

from batchcompute.client._async._logs import AsyncLogs
from batchcompute.client._common import ids_of, tell_async
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
"""Seconds before the first look at a job; short jobs end long before a whole interval."""

_ACTIVE = frozenset({"Waiting", "Running"})
"""States that `poll` waits through; the old SDK took any other for an end."""

_PATIENCE = 10
"""Looks in a row that may fail, each with its retries, before waiting is given up."""

_TASKS, _INSTANCES, _TAIL = 5, 10, 4096
"""Of a failed job, how many tasks, instances of each, and bytes of stderr are told."""


class AsyncWaiting(AsyncLogs):
    """Waiting for jobs."""

    @overload
    async def wait(  # type: ignore[overload-overlap]  # a text is an id, not an iterable of ids
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
        """Wait until a job, or each of several, has ended.

        A plain id will do, so another process can wait for what this one has created. Looks come
        often at first and ever less often while nothing changes; many jobs are looked at by a page of
        the list instead of one by one.

        Ctrl-C and ``timeout`` end the waiting and stop no job. Jobs of a server go on running. Those of an
        embedded service run in this process: their programs end with it, and the jobs start anew when its
        data directory is opened again. The exception says which of the two it is.

        Args:
            job: A job or several: ids, or anything that has one.
            timeout: Seconds to wait at most; None for any time.
            until: Also stop waiting for a job when this holds: a state, several, or a callable that
                is given the job.
            on_update: Called with a job whenever its state or its counts of instances have changed,
                the first time included.
            raise_on_failure: Whether a job that has failed or was stopped raises, at once.
            progress: Whether to show how far the jobs are, on stderr: a live bar on a terminal
                (extra ``progress``), plain lines elsewhere.
            interval: Seconds between two looks at most.

        Returns:
            The last status of the job; for several a list in their order.

        Raises:
            JobFailedError: A job has failed or was stopped; it says which instances, and why.
            WaitTimeout: The time is up; the jobs are not stopped.
            NotFoundError: There is no such job, or it was deleted meanwhile, as ``AutoRelease`` does
                with a job that has finished.
        """
        ids = ids_of(job, "job")
        started = time.monotonic()
        limit = None if timeout is None else max(0.0, _seconds(timeout))
        end = None if limit is None else started + limit
        watch = Watch(ids, until, interval, started)
        show = reporter(progress)
        failures = 0
        try:
            while watch.pending():
                try:
                    await self._looking_until(end)._look_at(watch)
                    failures = 0
                except BatchComputeError as error:
                    failures += 1
                    if not is_transient(error) or failures >= _PATIENCE:
                        raise
                    log.warning(
                        "wait: a look failed (%s: %s); the next one follows", type(error).__name__, error
                    )
                show.update(watch)
                for status in watch.changes():
                    if on_update is not None:
                        await tell_async(on_update, status)
                failed = watch.failed() if raise_on_failure else None
                if failed is not None:
                    raise await self._why(failed, watch)
                if not watch.pending():
                    break
                now = time.monotonic()
                if end is not None and now >= end:
                    raise watch.timed_out(limit or 0, self._job_host())
                await asyncio.sleep(watch.pause(now, end, random.random()))  # noqa: S311
        except (KeyboardInterrupt, asyncio.CancelledError) as stop:
            said = watch.left_alone(self._job_host())
            stop.add_note(said)
            log.warning("wait was interrupted: %s", said)
            raise
        finally:
            show.close()
        statuses = watch.statuses()
        return statuses[0] if _is_one(job) else statuses

    def _job_host(self) -> JobHost:
        """Return where this client's jobs run."""
        if not self._endpoint.is_local:
            return JobHost()
        http = self._pool.current() if self._pool.direct else None
        return JobHost("unknown") if http is None else http.local.job_host()

    def _looking_until(self, end: float | None) -> Self:
        """Return a client whose calls are over when waiting is."""
        if end is None:
            return self
        left = max(0.05, end - time.monotonic())
        own = self._policy.deadline_seconds
        return self.with_options(deadline=left if own is None else min(left, own))

    async def _look_at(self, watch: Watch) -> None:
        """Look at all jobs that are waited for."""
        missing = set(watch.pending())
        marker = ""
        shown = 0
        lists = watch.lists()
        while lists and missing:
            # The newest first: what is waited for was mostly created a short while ago.
            page = await self.list_jobs(marker, 100, OrderBy="CreationTime", IsReverse="True")
            hits = [job for job in page if job.Id in missing]
            shown += len(hits)
            watch.listed(shown)
            missing -= {job.Id for job in hits}
            for job in hits:
                watch.saw(job.Id, job, time.monotonic())
            if not hits or not page.NextMarker or page.NextMarker == marker:
                break
            marker = page.NextMarker
        for job_id in watch.singles(missing):
            try:
                found = await self.get_job(job_id)
            except NotFoundError as error:
                if job_id in watch.jobs:
                    error.add_note(
                        f"{job_id} was {watch.jobs[job_id].State}, and was deleted while it was waited for"
                    )
                raise
            watch.saw(job_id, found, time.monotonic())

    async def _why(self, job: Job, watch: Watch) -> JobFailedError:
        """Find out which instances of a job have failed, and why."""
        tasks: list[Task] = []
        instances: list[FailedInstance] = []
        trouble = ""
        try:
            tasks += await self.list_tasks(job, "", _TASKS, "Failed")
            for task in tasks:
                for instance in await self.list_instances(job, task, "", _INSTANCES, "Failed"):
                    instances.append(await self._failed_instance(str(task.TaskName), instance))
        except BatchComputeError as error:
            trouble = f"what failed in it could not be read: {type(error).__name__}: {error}"
        made = JobFailedError(job, tasks, instances, watch.statuses())
        if trouble:
            made.add_note(trouble)
        return made

    async def _failed_instance(self, task: str, instance: Instance) -> FailedInstance:
        result = instance.Result
        stderr = str(result.detail_text or "")
        if instance.StderrRedirectPath and not stderr:
            try:
                stderr = await self._text(instance.StderrRedirectPath, _TAIL)
            except (ClientError, LogsUnavailable):
                # It was to be had if possible; the rest of the error stands without it.
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
        """Wait until jobs have ended, and say what went wrong.

        As soon as one of them has failed or was stopped, or the time is up, those that are not done
        are stopped; `wait` leaves them alone. All of this is as the old SDK did it.

        Args:
            job_ids: A job or several: ids, or anything that has one.
            timeout: Seconds to wait at most.
            interval: Seconds between two looks; the first looks follow faster.

        Returns:
            A text for each job that failed, was stopped or deleted; one text if the time was up; nothing
            if all finished. Jobs that were only stopped here have no text.

        Raises:
            ClientError: The service refused, for example because a job does not exist.
            ValidationError: An id is none.
        """
        if not isinstance(job_ids, (str, bytes, Iterable, type(None))) and not hasattr(job_ids, "Id"):
            return [f"Invalid job ids: {job_ids}."]
        ids = ids_of(job_ids, "job_ids")
        end = time.monotonic() + timeout
        pause = min(interval, _FIRST_INTERVAL)
        seen: dict[str, str] = dict.fromkeys(ids, "Waiting")
        late = False
        while not late:
            for job_id, state in list(seen.items()):
                if state in _ACTIVE:
                    seen[job_id] = (await self.get_job(job_id)).State
            if {"Failed", "Stopped"}.intersection(seen.values()) or _ACTIVE.isdisjoint(seen.values()):
                break
            late = time.monotonic() >= end
            if not late:
                await asyncio.sleep(max(0.0, min(pause, end - time.monotonic())))
                pause = min(interval, pause * 2)
        ended: dict[str, str] = {}
        refusals: list[ClientError] = []
        for job_id, state in seen.items():
            try:
                ended[job_id] = await self._conclude(job_id, state)
            except ClientError as error:
                # The others are to be stopped all the same.
                refusals.append(error)
        if refusals:
            raise refusals[0]
        if late and "" in ended.values():
            return [f"Timeout({timeout})."]
        return [
            f"Job {job_id} {state.lower()}."
            for job_id, state in ended.items()
            if state not in ("", "Finished")
        ]

    async def _conclude(self, job_id: str, seen: str) -> str:
        """Return the state that a polled job has ended in; stop it, and return nothing, if it has not."""
        try:
            state = (await self.get_job(job_id)).State
            if state not in FINAL_STATES:
                await self.stop_job(job_id)
                return ""
        except NotFoundError:
            # Deleted meanwhile: by AutoRelease once it had finished, or by somebody else.
            state = seen if seen in FINAL_STATES else "Deleted"
        except StateConflictError:
            # It ended by itself between the two requests.
            state = (await self.get_job(job_id)).State
            if state not in FINAL_STATES:
                return ""
        return state


def _is_one(job: object) -> bool:
    return isinstance(job, (str, bytes)) or hasattr(job, "Id") or not isinstance(job, Iterable)


def _seconds(timeout: float | timedelta) -> float:
    return 0.0 if timeout in (0, timedelta(0)) else seconds_of(timeout, "timeout")
