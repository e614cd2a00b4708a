"""The exceptions of waiting, with the classes of the statuses that they hold for type checkers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import batchcompute.errors as _errors

if TYPE_CHECKING:
    from batchcompute.resources import Job, Task

__all__ = ["JobFailedError", "WaitTimeout"]

if TYPE_CHECKING:
    # `batchcompute.errors` knows no resources, so there the statuses are protocols. These are the same exceptions; the
    # declarations only tell type checkers the classes of the statuses.
    class JobFailedError(_errors.JobFailedError):
        """A job that `wait` was waiting for failed or was stopped."""

        job: Job  # pyright: ignore[reportIncompatibleVariableOverride]
        """The last status of the job."""
        tasks: tuple[Task, ...]  # pyright: ignore[reportIncompatibleVariableOverride]
        """The failed tasks."""
        jobs: tuple[Job, ...]  # pyright: ignore[reportIncompatibleVariableOverride]
        """The last status of every job of the wait, in the order of the arguments."""

    class WaitTimeout(_errors.WaitTimeout):
        """The timeout of `wait` passed."""

        jobs: tuple[Job, ...]  # pyright: ignore[reportIncompatibleVariableOverride]
        """The last status of every job of the wait, in the order of the arguments."""

else:
    JobFailedError = _errors.JobFailedError
    WaitTimeout = _errors.WaitTimeout
