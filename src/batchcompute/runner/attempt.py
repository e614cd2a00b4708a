"""One attempt of an instance on this machine, with its process and its files."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from batchcompute.runner.attempt_spec import AttemptSpec
from batchcompute.runner.names import staging_folder_of, workdir_of
from batchcompute.runner.rooted import Root, RootedFile
from batchcompute.runner.spec import Account, Isolation, ProcessSpec
from batchcompute.runner.staging_plan import StagingPlan

if TYPE_CHECKING:
    from batchcompute.runner.file_system_view import FileSystemView

__all__: list[str] = []


@dataclass(slots=True)
class Attempt:
    """One attempt of an instance on this machine."""

    spec: AttemptSpec
    """The attempt as the service describes it."""
    process: ProcessSpec
    """The process of its command."""
    work: Root
    """The directory that holds the files of attempts."""
    plan: StagingPlan
    """The mounts, copies and uploads of the attempt."""
    isolation: Isolation
    """The view that the program has of its mappings."""
    note: str = ""
    """Text about the isolation that is added to the result."""
    problem: str = ""
    """The reason why the attempt cannot start; empty if it can."""
    account: Account | None = None
    """The Unix account that the program runs as; None for that of the runner."""
    abort: threading.Event = field(default_factory=threading.Event)
    """Set when the result is not needed any more: the instance was stopped, or its machine was released."""
    has_directory: bool = False
    """Whether the working directory exists, because an earlier attempt has used it."""
    script: RootedFile | None = None
    """File that the command is read from; None if the command is short enough for an argument."""
    script_content: str = ""
    """Content of this file."""

    @property
    def token(self) -> str:
        """The token that identifies the attempt."""
        return self.spec.token

    @property
    def needs_no_staging(self) -> bool:
        """Whether the attempt starts and ends without staging, so that no thread is needed for it."""
        return (
            not self.spec.package
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
        if self.isolation == "none":
            return (self.process.directory.name,)
        return workdir_of(self.token, self.isolation)

    def view(self, hidden: Collection[Path]) -> FileSystemView:
        """Return the file system that the program sees in a sandbox.

        Args:
            hidden: Directories of the service, which are empty for the program.
        """
        # Loaded here, because only sandboxes need it, and a runner has to start fast.
        from batchcompute.runner.file_system_view import FileSystemView, emptied

        strict = self.spec.separate
        return FileSystemView(self.plan, emptied(hidden, strict), strict, self.process.user)
