"""Working directories that are kept after a failure (``ReserveOnFail``)."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Collection

from batchcompute.runner import copying
from batchcompute.runner.attempt import Attempt
from batchcompute.runner.os_errors import is_transient
from batchcompute.runner.rooted import Root
from batchcompute.service.workspaces.cleanup import Cleaner

__all__: list[str] = []


class KeptWorkdirs:
    """The directory of kept working directories.

    Args:
        root: The directory.
        cleaner: Removes directories in the background.
    """

    def __init__(self, root: Root, cleaner: Cleaner) -> None:
        self._root = root
        self._cleaner = cleaner

    def keep(self, attempt: Attempt) -> str:
        """Keep the working directory of a failed attempt.

        A repeated call for the same attempt, for example by the next service, does nothing.

        Returns:
            The text that is added to the result.

        Raises:
            OSError: The machine is short of resources at this moment.
            Aborted: The work was aborted.
        """
        target = (attempt.spec.keep_as,)
        try:
            self._keep(attempt, target)
        except OSError as error:
            if is_transient(error):
                raise
            self._root.remove(target)
            return f"The working directory cannot be kept: {error.strerror or error}."
        return f"The working directory is kept as {self._root.where(target)}."

    def _keep(self, attempt: Attempt, target: tuple[str]) -> None:
        try:
            attempt.work.lstat(attempt.workdir)
        except FileNotFoundError:
            # The directory is kept already, or was never created.
            return
        self._root.remove(target)
        with contextlib.suppress(OSError):
            # A directory without permissions cannot be moved.
            attempt.work.chmod(attempt.workdir, 0o700)
        try:
            attempt.work.rename(attempt.workdir, self._root, target)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EACCES, errno.EPERM):
                raise
            copying.copy_tree(attempt.work, attempt.workdir, self._root, target, attempt.abort)

    def remove_job(self, job_id: str) -> None:
        """Remove the kept directories of a job."""
        self._cleaner.put_all(self._root, f"{job_id}.")

    def remove_all_but(self, jobs: Collection[str]) -> None:
        """Remove the kept directories of jobs that do not exist any more.

        Args:
            jobs: Ids of all jobs.
        """
        for name in self._root.names():
            if name.partition(".")[0] not in jobs:
                self._cleaner.put(self._root, name)
