"""The files of attempts on this machine: staging, results, and cleaning up."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from batchcompute.errors import ValidationError
from batchcompute.runner import container, copying, sandbox, staging
from batchcompute.runner.aborting import Aborted
from batchcompute.runner.file_system_view import TooManyEntries
from batchcompute.runner.object_urls import LONGEST_KEY
from batchcompute.runner.os_errors import has_no_room, is_transient
from batchcompute.runner.outcome import INCOMPLETE, Outcome, outcome_of, tail
from batchcompute.runner.package import PackageError, unpack
from batchcompute.runner.rooted import NotRegular, Root
from batchcompute.runner.shim import NOT_RUN, read_exit_code
from batchcompute.runner.spec import SandboxSpec
from batchcompute.runner.staging_plan import names_of_path
from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.objects.base import ObjectStore
from batchcompute.service.workspaces.attempt import Attempt
from batchcompute.service.workspaces.cleanup import Cleaner
from batchcompute.service.workspaces.kept import KeptWorkdirs
from batchcompute.service.workspaces.planner import AttemptPlanner

if TYPE_CHECKING:
    from batchcompute.service.resolved_settings import ResolvedSettings

__all__: list[str] = []

STOPPED = Outcome(137, "Stopped", "The instance was stopped.")
"""The outcome of a stopped attempt."""

_MOST_NAMED = 20
"""Largest number of files that a message names."""

_log = logging.getLogger("batchcompute.service.workspaces")


class LocalWorkspace:
    """The directories of attempts on this machine.

    Args:
        planner: The planner of attempts.
        objects: Object storage.
        kept: Directory for working directories that are kept after a failure.
        settings: The settings of the service.
        clock: The source of time.
    """

    def __init__(
        self,
        planner: AttemptPlanner,
        objects: ObjectStore,
        kept: Root,
        settings: ResolvedSettings,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.planner: AttemptPlanner = planner
        """The planner of attempts."""
        self._objects = objects
        self._settings = settings
        self._clock = clock
        self._cleaner = Cleaner(clock)
        self.kept: KeptWorkdirs = KeptWorkdirs(kept, self._cleaner)
        """Working directories that are kept after a failure."""

    def stage_in(self, attempt: Attempt) -> Outcome | None:
        """Create the files of an attempt, and complete its `process`.

        Returns:
            The outcome of the attempt if it cannot start; otherwise None.

        Raises:
            OSError: The machine is short of resources at this moment.
        """
        try:
            self._stage_in(attempt)
        except (PackageError, ValidationError) as error:
            return Outcome(1, "PackageError", str(error))
        except staging.StagingError as error:
            return Outcome(1, error.code, error.message)
        except Aborted:
            return STOPPED
        except TooManyEntries as error:
            return Outcome(1, "MountError", f"The mappings cannot be made: {error}.")
        except Exception as error:
            if has_no_room(error):
                raise
            if isinstance(error, OSError):
                return Outcome(1, "OutputError", f"The output cannot be written: {error}")
            # An unexpected error of one instance must not stop the others.
            _log.exception("instance %s cannot be staged in", attempt.token)
            return Outcome(1, "StartFailed", f"The instance cannot be staged in: {error}")
        return None

    def _stage_in(self, attempt: Attempt) -> None:
        if attempt.problem:
            raise staging.StagingError("MountError", attempt.problem)
        self._cleaner.note_start()
        work = attempt.work
        # The directory exists if an earlier call ran short of resources.
        with contextlib.suppress(FileExistsError):
            work.new_folder(attempt.workdir[:1])
        if attempt.script is not None:
            self._write_script(attempt)
        if attempt.needs_no_staging:
            return
        staging.check_inputs(((entry.source, entry.path) for entry in attempt.mappings.inputs), self._objects)
        if attempt.isolation != "none":
            attempt.plan = staging.stage_in(attempt.plan, work, self._objects, attempt.abort)
            work.make_folder(attempt.workdir)
        if attempt.package:
            self._unpack(attempt)
        if attempt.isolation == "prefix":
            staging.link_kept_mounts(attempt.plan, work)
        elif attempt.isolation == "sandbox":
            attempt.process = replace(attempt.process, sandbox=self._sandbox(attempt))
        elif attempt.isolation == "container":
            staging.make_mount_points((), attempt.plan, work)
            attempt.process = replace(attempt.process, wrapper=tuple(self._container(attempt)))
        user = attempt.process.user
        if user is not None:
            copying.chown_tree(work, attempt.workdir[:1], user.uid, user.gid)

    @staticmethod
    def _write_script(attempt: Attempt) -> None:
        file, user = attempt.script, attempt.process.user
        if file is None:
            return
        fd = file.new()
        try:
            copying.write_all(fd, attempt.script_content.encode("utf-8", "surrogateescape"))
            if user is not None:
                os.fchown(fd, user.uid, user.gid)
        finally:
            os.close(fd)

    def _sandbox(self, attempt: Attempt) -> SandboxSpec:
        work, view = attempt.work, attempt.view(self._settings.hidden)
        tree = work.parts_of(attempt.plan.tree)
        for folder in view.merged:
            parts = (*tree, *names_of_path(folder))
            work.make_folder(parts)
            work.chmod(parts, view.mode_of(folder))
        staging.make_mount_points(view.mount_points(), attempt.plan, work)
        report = work.file(f"{attempt.token}.exit.box")
        return sandbox.sandbox_of(view, attempt.process, report, sandbox.probe(attempt.process.user))

    def _container(self, attempt: Attempt) -> list[str]:
        runtime = container.probe()
        if not runtime.program:
            text = f"The image {attempt.image} cannot be run: {runtime.reason}."
            raise staging.StagingError("MountError", text)
        process = attempt.process
        try:
            values = container.split_environment(process.environment)
        except ValueError as error:
            raise staging.StagingError(
                "StartFailed", f"A container cannot be given its variables: {error}."
            ) from None
        file = attempt.work.file(f"{attempt.token}.env")
        fd = file.new()
        try:
            copying.write_all(fd, values.listed)
        finally:
            os.close(fd)
        # The command of the runtime runs on this machine, and needs some of its variables.
        attempt.process = replace(process, environment={**values.inherited, **container.own_environment()})
        return container.arguments_of(
            runtime.program, attempt.image, attempt.token, values, file.path, attempt.plan
        )

    def _unpack(self, attempt: Attempt) -> None:
        url, work = attempt.package, attempt.work
        parts = (attempt.staging_folder, "package", "file")
        work.make_folder(parts[:-1])
        try:
            self._objects.fetch(url, work, parts, attempt.abort)
        except (FileNotFoundError, NotADirectoryError, NotRegular):
            raise PackageError(f"The package {url} does not exist.") from None
        unpack(work, parts, url.rpartition("/")[2], url, attempt.workdir, attempt.abort)
        work.remove(parts)

    def stage_out(
        self, attempt: Attempt, code: int | None, killed_by: int, stopped: Outcome | None
    ) -> Outcome | None:
        """Upload the outputs of an attempt whose program has ended.

        Args:
            attempt: The attempt.
            code: Exit code of the shim; None if only the exit file has it.
            killed_by: Number of the signal that ended the shim; 0 for none.
            stopped: The outcome if the service ended the program: a stop, or a time-out.

        Returns:
            The outcome of the attempt; None if the upload was aborted.

        Raises:
            NotStarted: The program did not run, because no process could be created.
            OSError: The machine is short of resources at this moment.
        """
        if attempt.isolation == "container":
            self.end_container(attempt)
        outcome = stopped or self.outcome_of(attempt, code, killed_by)
        if attempt.isolation == "sandbox" and outcome.exit_code == 1 and self._never_ran(attempt):
            if any(reason in outcome.detail for reason in sandbox.NO_ROOM):
                raise NotStarted
            text = f"The mappings cannot be made: {outcome.detail.strip()[-500:]}"
            return Outcome(1, "MountError", text, outcome.detail)
        notes = [attempt.note] if attempt.note else []
        try:
            # Access may have been revoked while the program ran.
            problem = attempt.problem or self.planner.denied(attempt.owner, attempt.buckets)
            if problem:
                raise staging.StagingError("OutputError", problem)
            skipped = staging.stage_out(
                attempt.plan, attempt.work, self._objects, stopped is not None, attempt.abort
            )
            if skipped:
                message = _not_uploaded(skipped)
                notes.append(message)
                if not outcome.error_code:
                    # The program has succeeded, but some of its outputs are lost.
                    outcome = replace(outcome, error_code=INCOMPLETE, error_message=message)
        except Aborted:
            return None
        except Exception as error:
            if is_transient(error):
                raise
            if isinstance(error, staging.StagingError):
                message = error.message
            else:
                _log.exception("the outputs of instance %s cannot be uploaded", attempt.token)
                message = f"The outputs cannot be uploaded: {error}"
            if not outcome.error_code:
                return Outcome(1, "OutputError", message)
            notes.append(message)
        if attempt.isolation != "none":
            staging.lock_tree(attempt.plan, attempt.work)
        detail = "\n".join([outcome.detail, *notes] if outcome.detail else notes)
        return replace(outcome, detail=detail)

    @staticmethod
    def outcome_of(attempt: Attempt, code: int | None, killed_by: int) -> Outcome:
        """Return the outcome of the program of an attempt.

        Args:
            attempt: The attempt.
            code: Exit code of the shim; None if only the exit file has it.
            killed_by: Number of the signal that ended the shim; 0 for none.

        Raises:
            NotStarted: The program did not run, because no process could be created.
            OSError: The machine is short of resources at this moment.
        """
        process = attempt.process
        if code is None and not killed_by:
            code = read_exit_code(process.exit_file)
        elif code == NOT_RUN and read_exit_code(process.exit_file) is None:
            raise NotStarted
        detail = "" if code == 0 else tail(process.stderr)
        return outcome_of(code, killed_by, detail)

    @staticmethod
    def _never_ran(attempt: Attempt) -> bool:
        # Bubblewrap itself fails with exit code 1, as the program may.
        return not sandbox.has_run(attempt.work.file(f"{attempt.token}.exit.box"))

    @staticmethod
    def has_ended(attempt: Attempt) -> bool:
        """Return whether the exit file contains the exit code of an attempt.

        Raises:
            OSError: The file cannot be read at this moment.
        """
        return read_exit_code(attempt.process.exit_file) is not None

    @staticmethod
    def end_container(attempt: Attempt) -> None:
        """Remove the container of an attempt, which continues after the command that started it has ended."""
        runtime = container.probe()
        if runtime.program:
            try:
                container.remove(runtime.program, attempt.token)
            except Exception:  # noqa: BLE001
                _log.exception("the container of instance %s cannot be removed", attempt.token)

    @staticmethod
    def note_end(attempt: Attempt, code: int) -> None:
        """Write the exit file of a program whose shim could not write it.

        The service may end while outputs are uploaded. With the exit file, the program does not run again for that.

        Raises:
            OSError: The file cannot be written at this moment.
        """
        file = attempt.process.exit_file
        if read_exit_code(file) is None:
            fd = file.new()
            try:
                copying.write_all(fd, f"{code}\n".encode("ascii"))
            finally:
                os.close(fd)

    def time_left(self, attempt: Attempt, started: str) -> float:
        """Return the seconds that an attempt may still run.

        Args:
            attempt: The attempt.
            started: Time of its start, in the format of the API.
        """
        elapsed = self._clock.time() - datetime.fromisoformat(started).timestamp()
        # If the clock was set back, the attempt must not get more time than its limit.
        return min(attempt.timeout, max(0.0, attempt.timeout - elapsed))

    # -- cleaning up --------------------------------------------------------------------------

    def clean(self, attempt: Attempt) -> None:
        """Remove the files of an attempt in the background."""
        process = attempt.process
        files = [f"{attempt.token}.exit"]
        files += [
            stream.parts[0]
            for stream in (process.stdout, process.stderr)
            if stream and stream.root is attempt.work
        ]
        if attempt.script is not None:
            files.append(attempt.script.parts[0])
        if not attempt.needs_no_staging:
            files += [f"{attempt.token}.exit.box", f"{attempt.token}.env", attempt.staging_folder]
        self._cleaner.put(attempt.work, attempt.workdir[0], tuple(files))

    def clean_all_but(self, tokens: Collection[str]) -> None:
        """Remove the files of attempts of earlier services, except for some attempts.

        Args:
            tokens: Tokens of the attempts whose files stay.
        """
        work = self.planner.work
        for name in work.names():
            if name.partition(".")[0] not in tokens:
                self._cleaner.put(work, name)

    def close(self) -> None:
        """Remove the remaining files, and end the thread."""
        self._cleaner.close()


def _not_uploaded(paths: Sequence[str]) -> str:
    """Return a message that names files which are not uploaded."""
    names = ", ".join(
        "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in name[:300])
        for name in paths[:_MOST_NAMED]
    )
    more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
    reason = f"objects are regular files, and their keys are text without control characters of at most {LONGEST_KEY} bytes"
    return f"Not uploaded to object storage: {names}{more}; {reason}."


class NotStarted(Exception):
    """The program did not run, because the machine could not create its process."""
