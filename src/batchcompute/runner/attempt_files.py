"""The files of attempts: staged in before the program starts, and staged out when it has ended."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence

from batchcompute.errors import ValidationError
from batchcompute.runner import copying, staging
from batchcompute.runner.aborting import Aborted
from batchcompute.runner.attempt import Attempt
from batchcompute.runner.attempt_spec import AttemptSpec
from batchcompute.runner.layout import MachineOptions
from batchcompute.runner.lazy_log import LazyLogger
from batchcompute.runner.object_storage import ObjectStorage
from batchcompute.runner.object_urls import LONGEST_KEY
from batchcompute.runner.os_errors import has_no_room, is_transient
from batchcompute.runner.outcome import INCOMPLETE, STOPPED, Outcome
from batchcompute.runner.rooted import NotRegular
from batchcompute.runner.spec import SandboxSpec
from batchcompute.runner.staging_plan import names_of_path

__all__ = ["AttemptFiles", "NotStarted"]

# Modules that only some attempts need are imported where they are used: a runner has to start fast.

_MOST_NAMED = 20
"""Largest number of files that a message names."""

_log = LazyLogger("batchcompute.runner")


class NotStarted(Exception):
    """The program did not run, because the machine could not create its process."""


class AttemptFiles:
    """Stages the files of attempts in and out.

    Args:
        storage: Object storage.
        options: Options of the machine.
        permission: Returns why an attempt may not use its buckets; empty if it may.
    """

    def __init__(
        self,
        storage: ObjectStorage,
        options: MachineOptions,
        permission: Callable[[AttemptSpec], str] = lambda _: "",
    ) -> None:
        self._storage = storage
        self._options = options
        self._permission = permission

    # -- before the program starts ------------------------------------------------------------

    def stage_in(self, attempt: Attempt) -> Outcome | None:
        """Create the files of an attempt, and complete its `process`.

        Returns:
            The outcome of the attempt if it cannot start; otherwise None.

        Raises:
            OSError: The machine is short of resources at this moment.
        """
        try:
            self._stage_in(attempt)
        except staging.StagingError as error:
            return Outcome(1, error.code, error.message)
        except Aborted:
            return STOPPED
        except Exception as error:
            from batchcompute.runner.file_system_view import TooManyEntries
            from batchcompute.runner.package import PackageError

            if isinstance(error, (PackageError, ValidationError)):
                return Outcome(1, "PackageError", str(error))
            if isinstance(error, TooManyEntries):
                return Outcome(1, "MountError", f"The mappings cannot be made: {error}.")
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
        work = attempt.work
        if not attempt.has_directory:
            # The directory exists if an earlier call ran short of resources.
            with contextlib.suppress(FileExistsError):
                work.new_folder(attempt.workdir[:1])
        if attempt.script is not None:
            _write_script(attempt)
        if attempt.needs_no_staging:
            return
        inputs = ((entry.source, entry.path) for entry in attempt.spec.mappings.inputs)
        staging.check_inputs(inputs, self._storage)
        if attempt.isolation != "none":
            attempt.plan = staging.stage_in(attempt.plan, work, self._storage, attempt.abort)
            work.make_folder(attempt.workdir)
        if attempt.spec.package:
            self._unpack(attempt)
        if attempt.isolation == "prefix":
            staging.link_kept_mounts(attempt.plan, work)
        elif attempt.isolation == "sandbox":
            attempt.process = attempt.process._replace(sandbox=self._sandbox(attempt))
        elif attempt.isolation == "container":
            staging.make_mount_points((), attempt.plan, work)
            attempt.process = attempt.process._replace(wrapper=tuple(_container(attempt)))
        user = attempt.process.user
        if user is not None:
            copying.chown_tree(work, attempt.workdir[:1], user.uid, user.gid)

    def _sandbox(self, attempt: Attempt) -> SandboxSpec:
        from batchcompute.runner import sandbox

        work, view = attempt.work, attempt.view(self._options.hidden)
        tree = work.parts_of(attempt.plan.tree)
        for folder in view.merged:
            parts = (*tree, *names_of_path(folder))
            work.make_folder(parts)
            work.chmod(parts, view.mode_of(folder))
        staging.make_mount_points(view.mount_points(), attempt.plan, work)
        report = work.file(f"{attempt.token}.exit.box")
        return sandbox.sandbox_of(view, attempt.process, report, sandbox.probe(attempt.process.user))

    def _unpack(self, attempt: Attempt) -> None:
        from batchcompute.runner.package import PackageError, unpack

        url, work = attempt.spec.package, attempt.work
        parts = (attempt.staging_folder, "package", "file")
        work.make_folder(parts[:-1])
        try:
            self._storage.fetch(url, work, parts, attempt.abort)
        except (FileNotFoundError, NotADirectoryError, NotRegular):
            raise PackageError(f"The package {url} does not exist.") from None
        unpack(work, parts, url.rpartition("/")[2], url, attempt.workdir, attempt.abort)
        work.remove(parts)

    # -- when the program has ended -----------------------------------------------------------

    def stage_out(self, attempt: Attempt, outcome: Outcome, stopped: bool) -> Outcome | None:
        """Upload the outputs of an attempt whose program has ended.

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
        if attempt.isolation == "container":
            end_container(attempt.token)
        if attempt.isolation == "sandbox" and outcome.exit_code == 1 and _never_ran(attempt):
            from batchcompute.runner import sandbox

            if any(reason in outcome.detail for reason in sandbox.NO_ROOM):
                raise NotStarted
            text = f"The mappings cannot be made: {outcome.detail.strip()[-500:]}"
            return Outcome(1, "MountError", text, outcome.detail)
        notes = [attempt.note] if attempt.note else []
        try:
            # Access may have been revoked while the program ran.
            problem = attempt.problem or self._permission(attempt.spec)
            if problem:
                raise staging.StagingError("OutputError", problem)
            skipped = staging.stage_out(attempt.plan, attempt.work, self._storage, stopped, attempt.abort)
            if skipped:
                message = _not_uploaded(skipped)
                notes.append(message)
                if not outcome.error_code:
                    # The program has succeeded, but some of its outputs are lost.
                    outcome = outcome._replace(error_code=INCOMPLETE, error_message=message)
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
        return outcome._replace(detail=detail)


def end_container(token: str) -> None:
    """Remove the container of an attempt, which continues after the command that started it has ended."""
    from batchcompute.runner import container

    runtime = container.probe()
    if runtime.program:
        try:
            container.remove(runtime.program, token)
        except Exception:  # noqa: BLE001
            _log.exception("the container of instance %s cannot be removed", token)


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


def _container(attempt: Attempt) -> list[str]:
    from batchcompute.runner import container

    image = attempt.spec.image
    runtime = container.probe()
    if not runtime.program:
        raise staging.StagingError("MountError", f"The image {image} cannot be run: {runtime.reason}.")
    process = attempt.process
    try:
        values = container.split_environment(process.environment)
    except ValueError as error:
        text = f"A container cannot be given its variables: {error}."
        raise staging.StagingError("StartFailed", text) from None
    file = attempt.work.file(f"{attempt.token}.env")
    fd = file.new()
    try:
        copying.write_all(fd, values.listed)
    finally:
        os.close(fd)
    # The command of the runtime runs on this machine, and needs some of its variables.
    attempt.process = process._replace(environment={**values.inherited, **container.own_environment()})
    return container.arguments_of(runtime.program, image, attempt.token, values, file.path, attempt.plan)


def _never_ran(attempt: Attempt) -> bool:
    from batchcompute.runner import sandbox

    # Bubblewrap itself fails with exit code 1, as the program may.
    return not sandbox.has_run(attempt.work.file(f"{attempt.token}.exit.box"))


def _not_uploaded(paths: Sequence[str]) -> str:
    """Return a message that names files which are not uploaded."""
    names = ", ".join(
        "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in name[:300])
        for name in paths[:_MOST_NAMED]
    )
    more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
    reason = f"objects are regular files, and their keys are text without control characters of at most {LONGEST_KEY} bytes"
    return f"Not uploaded to object storage: {names}{more}; {reason}."
