"""What waiting for jobs and reading their output can end with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchcompute.errors._base import BatchComputeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchcompute.resources import Job, Task

__all__: list[str] = []


@dataclass(frozen=True, slots=True)
class FailedInstance:
    """Why an instance failed."""

    task: str
    """Name of its task."""
    number: int
    """Its number in the task, from 0."""
    exit_code: int | None
    """What its program ended with; None where it had none."""
    error_code: str
    """The service's code for the failure, for example ``Timeout``; may be empty."""
    message: str
    """The service's message; may be empty."""
    stderr: str
    """The end of what the program wrote to stderr; empty where it cannot be had."""

    def __str__(self) -> str:
        ended = "" if self.exit_code is None else f" exit code {self.exit_code}"
        said = ": ".join(text for text in (self.error_code, self.message) if text)
        head = f"{self.task}[{self.number}]{ended}{' ' + said if said else ''}"
        last = self.stderr.strip().splitlines()[-3:]
        return "\n".join([head, *(f"  | {line}" for line in last)])


class JobFailedError(BatchComputeError):
    """A job that was waited for has failed or was stopped.

    Args:
        job: The job's last status.
        tasks: The tasks that failed.
        instances: The instances that failed, the first few of each task.
        jobs: The last status of every job that was waited for.
    """

    job: Job
    """The job's last status."""
    tasks: tuple[Task, ...]
    """The tasks that failed."""
    instances: tuple[FailedInstance, ...]
    """The instances that failed: the first few of each task."""
    jobs: tuple[Job, ...]
    """The last status of every job that was waited for, in the caller's order."""

    def __init__(
        self,
        job: Job,
        tasks: Sequence[Task] = (),
        instances: Sequence[FailedInstance] = (),
        jobs: Sequence[Job] = (),
    ) -> None:
        said = f": {job.message}" if job.message else ""
        lines = [f"job {job.id} {str(job.state).lower()}{said}", *(str(instance) for instance in instances)]
        super().__init__("\n".join(lines))
        self.job = job
        self.tasks = tuple(tasks)
        self.instances = tuple(instances)
        self.jobs = tuple(jobs) or (job,)


class WaitTimeout(BatchComputeError, TimeoutError):
    """The time to wait is up; the jobs are not stopped, and the message says where they run.

    Args:
        message: Which jobs, and for how long.
        jobs: The last status of every job that was waited for.
    """

    jobs: tuple[Job, ...]
    """The last status of every job that was waited for, in the caller's order."""

    def __init__(self, message: str, jobs: Sequence[Job] = ()) -> None:
        super().__init__(message)
        self.jobs = tuple(jobs)


class LogsUnavailable(BatchComputeError):
    """The output of an instance cannot be read; the message says why and what would help."""
