"""One attempt of an instance on this machine, with its process and its files."""

from __future__ import annotations

import threading
from collections.abc import Collection
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


class Attempt:
    """One attempt of an instance on this machine.

    Args:
        spec: The attempt as the service describes it.
        process: The process of its command.
        work: The directory that holds the files of attempts.
        plan: The mounts, copies and uploads of the attempt.
        isolation: The view that the program has of its mappings.
        note: Text about the isolation that is added to the result.
        problem: The reason why the attempt cannot start; empty if it can.
        account: The Unix account that the program runs as; None for that of the runner.
        script: File that the command is read from; None if the command is short enough for an argument.
        script_content: Content of this file.
    """

    # This module has no dataclass, and the others that a runner loads at its start have none: they would take a third of
    # the time until its first program starts.
    __slots__ = (
        "abort", "account", "has_directory", "isolation", "note", "plan", "problem", "process", "script",
        "script_content", "spec", "work",
    )  # fmt: skip

    def __init__(
        self,
        spec: AttemptSpec,
        process: ProcessSpec,
        work: Root,
        plan: StagingPlan,
        isolation: Isolation,
        note: str = "",
        problem: str = "",
        account: Account | None = None,
        script: RootedFile | None = None,
        script_content: str = "",
    ) -> None:
        self.spec: AttemptSpec = spec
        self.process: ProcessSpec = process
        self.work: Root = work
        self.plan: StagingPlan = plan
        self.isolation: Isolation = isolation
        self.note: str = note
        self.problem: str = problem
        self.account: Account | None = account
        self.script: RootedFile | None = script
        self.script_content: str = script_content
        self.abort: threading.Event = threading.Event()
        """Set when the result is not needed any more: the instance was stopped, or its machine was released."""
        self.has_directory: bool = False
        """Whether the working directory exists, because an earlier attempt has used it."""

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
