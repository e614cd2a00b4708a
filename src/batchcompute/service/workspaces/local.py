"""The files of attempts on this machine: directories, staging, and cleaning up."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final

from batchcompute.runner.attempt import Attempt
from batchcompute.runner.attempt_files import AttemptFiles
from batchcompute.runner.attempt_spec import AttemptSpec, Token
from batchcompute.runner.layout import Layout, MachineOptions
from batchcompute.runner.object_storage import ObjectStorage
from batchcompute.runner.outcome import Outcome
from batchcompute.runner.rooted import Root
from batchcompute.runner.scratch import Scratch, ScratchPool
from batchcompute.runner.spec import Isolation
from batchcompute.service.workspaces.cleanup import Cleaner
from batchcompute.service.workspaces.kept import KeptWorkdirs

__all__: list[str] = []

_OLD_ISOLATIONS: Final[Mapping[str, Isolation]] = {
    "direct": "none",
    "box": "sandbox",
    "root": "prefix",
    "container": "container",
}
"""The isolation of attempts of earlier versions, by the values that those stored."""


class LocalWorkspace:
    """The directories of attempts on this machine.

    Args:
        storage: Object storage.
        work: The directory that holds the files of attempts.
        kept: Working directories that are kept after a failure.
        cleaner: Removes files in the background.
        options: Options of the machine.
        permission: Returns why an attempt may not use its buckets; empty if it may.
    """

    def __init__(
        self,
        storage: ObjectStorage,
        work: Root,
        kept: KeptWorkdirs,
        cleaner: Cleaner,
        options: MachineOptions,
        permission: Callable[[AttemptSpec], str] = lambda _: "",
    ) -> None:
        self._work = work
        self._layout = Layout(storage, options, permission)
        self._files = AttemptFiles(storage, options, permission)
        self._cleaner = cleaner
        self._kept = kept
        self._scratches = ScratchPool(work)
        self._lent: dict[Token, Scratch] = {}
        """The scratch directories that are lent to active attempts, by token."""
        self._earlier: dict[str, Root] = {}
        """Directories of attempts of earlier services."""

    def attempt(self, spec: AttemptSpec) -> Attempt:
        """Return a new attempt. One that needs no staging gets a scratch directory now; `stage_in` makes all other files.

        Raises:
            OSError: The machine is short of resources.
        """
        attempt = self._layout.attempt(spec, self._work)
        scratch = self._scratches.lend(attempt)
        if scratch is not None:
            self._lent[spec.token] = scratch
        return attempt

    @staticmethod
    def notes(attempt: Attempt) -> dict[str, str]:
        """Return the facts by which `restored` finds the files of an attempt again."""
        notes = {"isolation": attempt.isolation, "work": str(attempt.work.path)}
        if attempt.isolation == "none":
            notes["folder"] = attempt.process.directory.name
        return notes

    def restored(self, spec: AttemptSpec, notes: Mapping[str, str]) -> Attempt:
        """Return an attempt of an earlier service.

        Args:
            spec: The attempt.
            notes: Its `notes`.

        Raises:
            OSError: The directory of the attempt does not exist any more, or the machine is short of resources.
        """
        root = self._root_of(notes.get("work", ""))
        attempt = self._layout.attempt(spec, root, _isolation(notes))
        folder = notes.get("folder", spec.token)
        if attempt.isolation == "none" and folder != spec.token:
            process = attempt.process
            stderr = root.file(f"{folder}.stderr") if process.stderr and process.stderr.root is root else None
            attempt.process = process._replace(
                directory=root.where((folder,)), stderr=stderr or process.stderr
            )
        return attempt

    @staticmethod
    def notes_of_handle(handle: str) -> dict[str, str]:
        """Return the notes in the handle of an attempt that an earlier version of this package started."""
        try:
            content = json.loads(handle)
            isolation = _OLD_ISOLATIONS.get(content["way"], "none")
            notes = {"isolation": isolation, "work": str(content["work"])}
            return notes | ({"timed_out": "1"} if content["late"] else {})
        except (ValueError, TypeError, KeyError):
            return {}

    def _root_of(self, work: str) -> Root:
        # An earlier service may have had another directory.
        if not work or work == str(self._work.path):
            return self._work
        if work not in self._earlier:
            self._earlier[work] = Root(Path(work))
        return self._earlier[work]

    def stage_in(self, attempt: Attempt) -> Outcome | None:
        """Create the files of an attempt; return its outcome if it cannot start, otherwise None.

        Raises:
            OSError: The machine is short of resources at this moment.
        """
        self._cleaner.note_start()
        return self._files.stage_in(attempt)

    def stage_out(self, attempt: Attempt, outcome: Outcome, stopped: bool) -> Outcome | None:
        """Upload the outputs of an attempt, and keep the working directory of a failed one that asks for it.

        Args:
            attempt: The attempt.
            outcome: The outcome of its program.
            stopped: Whether the program was ended, by a stop or by its time limit. Only its logs are uploaded.

        Returns:
            The outcome of the attempt; None if the upload was aborted.

        Raises:
            NotStarted: The program did not run, because the machine was short of resources.
            OSError: The machine is short of resources at this moment.
        """
        final = self._files.stage_out(attempt, outcome, stopped)
        if final is not None and final.failed and attempt.spec.keep_as and not attempt.abort.is_set():
            return final._replace(detail=f"{final.detail}\n{self._kept.keep(attempt)}".lstrip())
        return final

    def clean(self, attempt: Attempt) -> None:
        """Remove the files of an attempt in the background, or keep its empty directory for the next one."""
        scratch = self._lent.pop(attempt.token, None)
        if scratch is not None:
            if not self._scratches.put_back(scratch):
                self._cleaner.put(self._work, scratch.name, scratch.files)
            return
        process = attempt.process
        files = [
            stream.parts[0]
            for stream in (process.stdout, process.stderr)
            if stream and stream.root is attempt.work
        ]
        if attempt.script is not None:
            files.append(attempt.script.parts[0])
        if not attempt.needs_no_staging:
            files += [f"{attempt.token}.exit.box", f"{attempt.token}.env", attempt.staging_folder]
        # Earlier versions of this package had a file for the exit code.
        self._cleaner.put(attempt.work, attempt.workdir[0], (*files, f"{attempt.token}.exit"))

    def clean_all_but(self, attempts: Collection[Attempt]) -> None:
        """Remove the files of earlier services, except those of some attempts.

        Raises:
            OSError: The directory cannot be read at this moment.
        """
        needed = {attempt.token for attempt in attempts} | {attempt.workdir[0] for attempt in attempts}
        for name in self._work.names():
            if name.partition(".")[0] not in needed:
                self._cleaner.put(self._work, name)

    def close(self) -> None:
        """Remove the directories that wait for their next attempt, and close those of earlier services."""
        for scratch in self._scratches.close():
            self._cleaner.put(self._work, scratch.name, scratch.files)
        for root in self._earlier.values():
            root.close()


def _isolation(notes: Mapping[str, str]) -> Isolation | None:
    # The values are all isolations of this version.
    return next((each for each in _OLD_ISOLATIONS.values() if each == notes.get("isolation")), None)
