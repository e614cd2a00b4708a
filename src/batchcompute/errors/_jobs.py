"""Exceptions of waiting for jobs and of reading their output."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from batchcompute.errors._base import BatchComputeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchcompute.errors._statuses import JobStatus, TaskStatus

__all__: list[str] = []


class FailedInstance(NamedTuple):
    """A failed instance and the reason of its failure."""

    task: str
    """Name of its task."""
    number: int
    """Its number in the task, from 0."""
    exit_code: int | None
    """Exit code of its program; None if it has none."""
    error_code: str
    """The service's code for the failure, for example ``Timeout``; may be empty."""
    message: str
    """The service's message; may be empty."""
    stderr: str
    """The end of the program's stderr; empty if it cannot be read."""

    def __str__(self) -> str:
        exit_code = "" if self.exit_code is None else f" exit code {self.exit_code}"
        reason = ": ".join(text for text in (self.error_code, self.message) if text)
        head = f"{self.task}[{self.number}]{exit_code}{' ' + reason if reason else ''}"
        last_lines = self.stderr.strip().splitlines()[-3:]
        return "\n".join([head, *(f"  | {line}" for line in last_lines)])


class JobFailedError(BatchComputeError):
    """A job that `wait` was waiting for failed or was stopped.

    Args:
        job: The last status of the job.
        tasks: The failed tasks.
        instances: The failed instances, at most the first ten of each task.
        jobs: The last status of every job of the wait.
    """

    job: JobStatus
    """The last status of the job, a `batchcompute.resources.Job`."""
    tasks: tuple[TaskStatus, ...]
    """The failed tasks, each a `batchcompute.resources.Task`."""
    instances: tuple[FailedInstance, ...]
    """The failed instances, at most the first ten of each task."""
    jobs: tuple[JobStatus, ...]
    """The last status of every job of the wait, in the order of the arguments."""

    def __init__(
        self,
        job: JobStatus,
        tasks: Sequence[TaskStatus] = (),
        instances: Sequence[FailedInstance] = (),
        jobs: Sequence[JobStatus] = (),
    ) -> None:
        message = f": {job.message}" if job.message else ""
        lines = [
            f"job {job.id} {str(job.state).lower()}{message}",
            *(str(instance) for instance in instances),
        ]
        super().__init__("\n".join(lines))
        self.job = job
        self.tasks = tuple(tasks)
        self.instances = tuple(instances)
        self.jobs = tuple(jobs) or (job,)


class WaitTimeout(BatchComputeError, TimeoutError):
    """The timeout of `wait` passed. No job is stopped, and the message says where the jobs continue.

    Args:
        message: The jobs that have not ended, and the timeout.
        jobs: The last status of every job of the wait.
    """

    jobs: tuple[JobStatus, ...]
    """The last status of every job of the wait, in the order of the arguments."""

    def __init__(self, message: str, jobs: Sequence[JobStatus] = ()) -> None:
        super().__init__(message)
        self.jobs = tuple(jobs)


class LogsUnavailable(BatchComputeError):
    """The output of an instance cannot be read. The message names the reason and the remedy."""
