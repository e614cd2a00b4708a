"""One attempt of an instance, with its process and its files."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from batchcompute.runner.file_system_view import FileSystemView, emptied
from batchcompute.runner.mappings import Mappings
from batchcompute.runner.rooted import Root, RootedFile
from batchcompute.runner.spec import Isolation, ProcessSpec
from batchcompute.runner.staging_plan import StagingPlan
from batchcompute.service.domain.states import Key
from batchcompute.service.workspaces.names import staging_folder_of, workdir_of

if TYPE_CHECKING:
    from batchcompute.service.isolation import Account

__all__: list[str] = []


@dataclass(slots=True)
class Attempt:
    """One attempt of an instance."""

    key: Key
    """The instance."""
    process: ProcessSpec
    """The process that the engine starts."""
    work: Root
    """The directory that holds the files of attempts."""
    timeout: float
    """Seconds that the program may run."""
    mappings: Mappings
    """The mappings of the task."""
    plan: StagingPlan
    """The mounts, copies and uploads of the attempt."""
    package: str
    """Object URL of the package; empty for none."""
    isolation: Isolation
    """How the program sees its mappings."""
    image: str = ""
    """Image of the container; empty for none."""
    note: str = ""
    """Text about the isolation that is added to the result."""
    problem: str = ""
    """The reason why the attempt cannot start; empty if it can."""
    account: Account | None = None
    """The Unix account that the program runs as; None for that of the service."""
    strict: bool = False
    """Whether the sandbox separates the program from those of other owners."""
    owner: str = ""
    """The owner of the job."""
    buckets: frozenset[tuple[str, bool]] = frozenset()
    """The buckets that the task needs, each with a flag that is true if the task writes to it."""
    abort: threading.Event = field(default_factory=threading.Event)
    """Set when the result is not needed any more: the instance was stopped, or its machine was released."""
    keep_at: str = ""
    """Path to which the working directory is moved if the instance fails for good; empty to remove it."""
    script: RootedFile | None = None
    """File that the command is read from; None if the command is short enough for an argument."""
    script_content: str = ""
    """Content of this file."""

    @property
    def token(self) -> str:
        """The token that identifies the attempt."""
        return self.process.token

    @property
    def needs_no_staging(self) -> bool:
        """Whether the attempt starts and ends without staging, so that no thread is needed for it."""
        return (
            not self.package
            and self.isolation == "none"
            and not self.plan.uploads
            and not self.problem
            and self.account is None
        )

    @property
    def staging_folder(self) -> str:
        """Name of the directory for all files outside of the working directory."""
        return staging_folder_of(self.token)

    @property
    def workdir(self) -> tuple[str, ...]:
        """Names of the path to the working directory."""
        return workdir_of(self.token, self.isolation)

    def view(self, hidden: Collection[Path]) -> FileSystemView:
        """Return the file system that the program sees in a sandbox.

        Args:
            hidden: Directories of the service, which are empty for the program.
        """
        return FileSystemView(self.plan, emptied(hidden, self.strict), self.strict, self.process.user)
