"""Making an attempt ready, ending it, and clearing up after it."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from batchcompute.errors import ValidationError
from batchcompute.runner import container, copying, sandbox, staging
from batchcompute.runner.aborting import Aborted
from batchcompute.runner.file_system_view import TooManyEntries
from batchcompute.runner.object_urls import LONGEST_KEY
from batchcompute.runner.os_errors import has_no_room, is_transient
from batchcompute.runner.package import PackageError, unpack
from batchcompute.runner.rooted import NotRegular, Root
from batchcompute.runner.shim import INCOMPLETE, NOT_RUN, Outcome, outcome, read_exit, tail
from batchcompute.runner.spec import SandboxSpec
from batchcompute.runner.staging_plan import names_of_path
from batchcompute.service.objects.base import ObjectStore
from batchcompute.service.workspaces.attempt import Attempt
from batchcompute.service.workspaces.cleanup import Cleaner
from batchcompute.service.workspaces.planner import AttemptPlanner

if TYPE_CHECKING:
    from batchcompute.service.resolved_settings import ResolvedSettings

__all__: list[str] = []

STOPPED = Outcome(137, "Stopped", "The instance was stopped.")
"""How an attempt ended that nobody waits for any more."""

_MOST_NAMED = 20
"""Files that were not uploaded and are named."""

_log = logging.getLogger("batchcompute.service.workspaces")


class LocalWorkspace:
    """Makes attempts ready to run, and uploads what they leave.

    Args:
        planner: Tells what attempts are made of.
        objects: Object storage.
        kept: Directory for the working directories that are kept after a failure.
        settings: How the service was set up.
    """

    def __init__(
        self, planner: AttemptPlanner, objects: ObjectStore, kept: Root, settings: ResolvedSettings
    ) -> None:
        self.planner: AttemptPlanner = planner
        """What it was given."""
        self._objects = objects
        self._kept = kept
        self._settings = settings
        self._cleaner = Cleaner()

    def stage_in(self, attempt: Attempt) -> Outcome | None:
        """Make an attempt ready; its `process` is complete afterwards.

        Returns:
            How the attempt ended, if it cannot start.

        Raises:
            OSError: The machine has no room for it at this moment.
        """
        try:
            self._make(attempt)
        except (PackageError, ValidationError) as error:
            return Outcome(1, "PackageError", str(error))
        except staging.StagingError as trouble:
            return Outcome(1, trouble.code, trouble.message)
        except Aborted:
            return STOPPED
        except TooManyEntries as error:
            return Outcome(1, "MountError", f"The mappings cannot be made: {error}.")
        except Exception as error:
            if has_no_room(error):
                raise
            if isinstance(error, OSError):
                return Outcome(1, "OutputError", f"The output cannot be written: {error}")
            # Whatever it is about this one instance, it must not keep the others from running.
            _log.exception("instance %s cannot be made ready", attempt.token)
            return Outcome(1, "StartFailed", f"The instance cannot be made ready: {error}")
        return None

    def _make(self, attempt: Attempt) -> None:
        if attempt.problem:
            raise staging.StagingError("MountError", attempt.problem)
        self._cleaner.note_start()
        work = attempt.work
        # What is there was made before the machine had no room for the rest.
        with contextlib.suppress(FileExistsError):
            work.new_folder(attempt.workdir[:1])
        if attempt.script is not None:
            self._write_script(attempt)
        if attempt.needs_no_staging:
            return
        staging.check_inputs(((given.source, given.path) for given in attempt.mappings.inputs), self._objects)
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
        # The runtime's own command needs what a program of this machine needs.
        attempt.process = replace(process, environment={**values.inherited, **container.own_environment()})
        return container.arguments_of(
            runtime.program, attempt.image, attempt.token, values, file.path, attempt.plan
        )

    def _unpack(self, attempt: Attempt) -> None:
        place, work = attempt.package, attempt.work
        parts = (attempt.staging_folder, "package", "file")
        work.make_folder(parts[:-1])
        try:
            self._objects.fetch(place, work, parts, attempt.abort)
        except (FileNotFoundError, NotADirectoryError, NotRegular):
            raise PackageError(f"The package {place} does not exist.") from None
        name = place.rpartition("/")[2]
        unpack(work, parts, name, place, attempt.workdir, attempt.abort)
        work.remove(parts)

    def stage_out(
        self, attempt: Attempt, code: int | None, killed_by: int, stopped: Outcome | None
    ) -> Outcome | None:
        """Upload what an attempt leaves, now that its program has ended.

        Args:
            attempt: The attempt.
            code: Exit code of its shim; None where only the exit file can say.
            killed_by: The signal that ended the shim; 0 for none.
            stopped: How it ended if the service ended it: a stop, or a time-out.

        Returns:
            How the attempt ended; None if nobody waits for that any more, or a later service does it.

        Raises:
            NotStarted: The program did not run, for want of room.
            OSError: The machine cannot tell at this moment, or has no room.
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
            # Access may have been taken back while the program ran.
            problem = attempt.problem or self.planner.denied(attempt.owner, attempt.buckets)
            if problem:
                raise staging.StagingError("OutputError", problem)
            left = staging.stage_out(
                attempt.plan, attempt.work, self._objects, stopped is not None, attempt.abort
            )
            if left:
                told = _told_of(left)
                notes.append(told)
                if not outcome.error_code:
                    # It has done its work, and something of that is lost.
                    outcome = replace(outcome, error_code=INCOMPLETE, error_message=told)
        except Aborted:
            return None
        except Exception as error:
            if is_transient(error):
                raise
            trouble = error if isinstance(error, staging.StagingError) else None
            if trouble is None:
                _log.exception("the outputs of instance %s cannot be uploaded", attempt.token)
            message = trouble.message if trouble else f"The outputs cannot be uploaded: {error}"
            if not outcome.error_code:
                return Outcome(1, "OutputError", message)
            notes.append(message)
        if attempt.isolation != "none":
            staging.lock_tree(attempt.plan, attempt.work)
        detail = "\n".join([outcome.detail, *notes] if outcome.detail else notes)
        return replace(outcome, detail=detail)

    @staticmethod
    def outcome_of(attempt: Attempt, code: int | None, killed_by: int) -> Outcome:
        """Return how the program of an attempt ended.

        Raises:
            NotStarted: It did not run, for want of room.
            OSError: The machine cannot tell at this moment.
        """
        process = attempt.process
        if code is None and not killed_by:
            code = read_exit(process.exit_file)
        elif code == NOT_RUN and read_exit(process.exit_file) is None:
            raise NotStarted
        detail = "" if code == 0 else tail(process.stderr)
        return outcome(code, killed_by, detail)

    @staticmethod
    def _never_ran(attempt: Attempt) -> bool:
        # With this exit code bubblewrap says that it could not; but so may the program.
        return not sandbox.has_run(attempt.work.file(f"{attempt.token}.exit.box"))

    @staticmethod
    def has_ended(attempt: Attempt) -> bool:
        """Return whether the exit file says that the program of an attempt has ended.

        Raises:
            OSError: The machine cannot tell at this moment.
        """
        return read_exit(attempt.process.exit_file) is not None

    @staticmethod
    def end_container(attempt: Attempt) -> None:
        """End the container of an attempt, which goes on without the command that started it."""
        runtime = container.probe()
        if runtime.program:
            try:
                container.remove(runtime.program, attempt.token)
            except Exception:  # noqa: BLE001
                _log.exception("the container of instance %s cannot be removed", attempt.token)

    @staticmethod
    def note_end(attempt: Attempt, code: int) -> None:
        """Record how a program ended whose shim could not.

        To upload its outputs may take longer than this service lives, and it is not to run again for that.

        Raises:
            OSError: It cannot be recorded at this moment.
        """
        file = attempt.process.exit_file
        if read_exit(file) is None:
            fd = file.new()
            try:
                copying.write_all(fd, f"{code}\n".encode("ascii"))
            finally:
                os.close(fd)

    def time_left(self, attempt: Attempt, started: str) -> float:
        """Return the seconds that an attempt which started then may still take."""
        elapsed = (datetime.now(UTC) - datetime.fromisoformat(started)).total_seconds()
        # A clock that was set back must not give it more than it had.
        return min(attempt.timeout, max(0.0, attempt.timeout - elapsed))

    # -- clearing up --------------------------------------------------------------------------

    def keep(self, attempt: Attempt) -> str:
        """Keep a working directory, as its task's machines were to be kept after a failure.

        It may be called again for the same attempt, by the next service for example.

        Returns:
            What the result says of it.

        Raises:
            Aborted: Nobody wants it any more.
        """
        try:
            self._keep(attempt)
        except OSError as error:
            if is_transient(error):
                raise
            self._kept.remove((Path(attempt.keep_at).name,))
            return f"The working directory cannot be kept: {error.strerror or error}."
        return f"The working directory is kept as {attempt.keep_at}."

    def _keep(self, attempt: Attempt) -> None:
        target = (Path(attempt.keep_at).name,)
        try:
            attempt.work.lstat(attempt.workdir)
        except FileNotFoundError:
            # It was kept already, or the failure was that it could not be made.
            return
        self._kept.remove(target)
        with contextlib.suppress(OSError):
            # Its program may have locked it, and then it could not be moved.
            attempt.work.chmod(attempt.workdir, 0o700)
        try:
            attempt.work.rename(attempt.workdir, self._kept, target)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EACCES, errno.EPERM):
                raise
            copying.copy_tree(attempt.work, attempt.workdir, self._kept, target, attempt.abort)

    def drop_kept(self, job_id: str) -> None:
        """Remove the working directories that were kept of a job."""
        self._cleaner.put_all(self._kept, f"{job_id}.")

    def clean_kept(self, jobs: Collection[str]) -> None:
        """Remove the working directories that were kept of jobs that are gone."""
        for name in self._kept.names():
            if name.partition(".")[0] not in jobs:
                self._cleaner.put(self._kept, name)

    def clean(self, attempt: Attempt) -> None:
        """Remove what an attempt leaves on the machine, in the background."""
        process = attempt.process
        leaves = [f"{attempt.token}.exit"]
        leaves += [
            file.parts[0] for file in (process.stdout, process.stderr) if file and file.root is attempt.work
        ]
        if attempt.script is not None:
            leaves.append(attempt.script.parts[0])
        if not attempt.needs_no_staging:
            leaves += [f"{attempt.token}.exit.box", f"{attempt.token}.env", attempt.staging_folder]
        self._cleaner.put(attempt.work, attempt.workdir[0], tuple(leaves))

    def clean_all_but(self, tokens: Collection[str]) -> None:
        """Remove what earlier services left behind, save for attempts that still run."""
        work = self.planner.work
        for name in work.names():
            if name.partition(".")[0] not in tokens:
                self._cleaner.put(work, name)

    def close(self) -> None:
        """Finish cleaning."""
        self._cleaner.close()


def _told_of(left: Sequence[str]) -> str:
    """Say what was not uploaded."""
    names = ", ".join(
        "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in name[:300])
        for name in left[:_MOST_NAMED]
    )
    more = f" and {len(left) - _MOST_NAMED} more" if len(left) > _MOST_NAMED else ""
    reason = "object storage keeps plain files only, and no names that are no text, hold control characters, or are longer than"
    return f"Not uploaded to object storage: {names}{more}; {reason} {LONGEST_KEY} bytes."


class NotStarted(Exception):
    """The program did not run, because the machine had no room for its process."""
