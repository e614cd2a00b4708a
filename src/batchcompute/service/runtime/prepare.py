"""Making an attempt ready, ending it, and clearing up after it."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import queue
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from batchcompute.errors import ValidationError
from batchcompute.service import trees
from batchcompute.service.confined import NotRegular, Root, has_no_room, is_transient
from batchcompute.service.objects.base import ObjectStore
from batchcompute.service.runtime import container, sandbox, stage
from batchcompute.service.runtime.attempts import Attempt, Describer
from batchcompute.service.runtime.command import NOT_RUN, Outcome, outcome, read_exit, tail
from batchcompute.service.runtime.package import PackageError, unpack

if TYPE_CHECKING:
    from batchcompute.service.settings import Settings

__all__: list[str] = []

STOPPED = Outcome(137, "Stopped", "The instance was stopped.")
"""How an attempt ended that nobody waits for any more."""

_log = logging.getLogger("batchcompute.service.runtime")

_PAUSE = 0.1
"""Seconds without a start before anything is removed: what starts is not to wait for the disk."""

_TRIES = 100
"""Attempts to remove something while the machine has no room."""

_LIGHT = 65536
"""Bytes of a file that may stay for a while."""

_BACKLOG = 5000
"""Directories that wait to be removed before that happens all the same."""


class Preparer:
    """Makes attempts ready to run, and uploads what they leave.

    Args:
        describer: Tells what attempts are made of.
        objects: Object storage.
        kept: Directory for the working directories that are kept after a failure.
        settings: How the service was set up.
    """

    def __init__(self, describer: Describer, objects: ObjectStore, kept: Root, settings: Settings) -> None:
        self.describer: Describer = describer
        """What it was given."""
        self._objects = objects
        self._kept = kept
        self._settings = settings
        self._rubbish: queue.SimpleQueue[_Rubbish | None] = queue.SimpleQueue()
        self._made = 0.0
        self._cleaner = threading.Thread(target=self._clean, name="batchcompute-cleaner", daemon=True)
        self._cleaner.start()

    def make(self, attempt: Attempt) -> Outcome | None:
        """Make an attempt ready; its `start` is complete afterwards.

        Returns:
            How the attempt ended, if it cannot start.

        Raises:
            OSError: The machine has no room for it at this moment.
        """
        try:
            self._make(attempt)
        except (PackageError, ValidationError) as error:
            return Outcome(1, "PackageError", str(error))
        except stage.Trouble as trouble:
            return Outcome(1, trouble.code, trouble.message)
        except trees.Aborted:
            return STOPPED
        except sandbox.TooManyEntries as error:
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
            raise stage.Trouble("MountError", attempt.problem)
        self._made = time.monotonic()
        start, work = attempt.start, attempt.work
        # What is there was made before the machine had no room for the rest.
        with contextlib.suppress(FileExistsError):
            work.new_folder((attempt.name,))
        if attempt.quick:
            return
        if attempt.package:
            self._unpack(attempt)
        stage.check_inputs(((given.source, given.path) for given in attempt.maps.inputs), self._objects)
        stage.bring_in(attempt.plan, work, self._objects, attempt.abort)
        if attempt.way == "root":
            stage.lay_out(attempt.plan, work, attempt.base / "root", self._objects, attempt.abort)
        else:
            stage.mount_points(attempt.plan, work)
        if attempt.way == "box":
            box = sandbox.box_of(
                attempt.plan,
                start,
                work.file(f"{attempt.token}.exit.box"),
                sandbox.probe(start.user),
                self._settings.hidden,
                attempt.strict,
            )
            attempt.start = replace(start, box=box)
        elif attempt.way == "container":
            attempt.start = replace(start, wrapper=tuple(self._container(attempt)))
        if start.user is not None:
            for parts in ((attempt.name,), work.parts_of(attempt.base)):
                trees.give(work, parts, start.user.uid, start.user.gid)

    def _container(self, attempt: Attempt) -> list[str]:
        runtime = container.probe()
        if not runtime.program:
            text = f"The image {attempt.image} cannot be run: {runtime.reason}."
            raise stage.Trouble("MountError", text)
        start = attempt.start
        values = container.split_environment(start.environment)
        file = attempt.work.file(f"{attempt.token}.env")
        fd = file.new()
        try:
            trees.write_all(fd, values.listed)
        finally:
            os.close(fd)
        # The runtime's own command needs what a program of this machine needs.
        attempt.start = replace(start, environment={**values.inherited, **container.own_environment()})
        return container.arguments_of(
            runtime.program, attempt.image, attempt.token, start.directory, values, file.path, attempt.plan
        )

    def _unpack(self, attempt: Attempt) -> None:
        place, work = attempt.package, attempt.work
        parts = (*work.parts_of(attempt.base), "package", "file")
        work.make_folder(parts[:-1])
        try:
            self._objects.fetch(place, work, parts, attempt.abort)
        except (FileNotFoundError, NotADirectoryError, NotRegular):
            raise PackageError(f"The package {place} does not exist.") from None
        name = place.rpartition("/")[2]
        unpack(work, parts, name, place, (attempt.name,), attempt.abort)
        work.remove(parts)

    def finish(
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
        if attempt.way == "container":
            self.end_container(attempt)
        outcome = stopped or self.outcome_of(attempt, code, killed_by)
        if attempt.way == "box" and outcome.exit_code == 1 and self._never_ran(attempt):
            text = f"The mappings cannot be made: {outcome.detail.strip()[-500:]}"
            return Outcome(1, "MountError", text, outcome.detail)
        notes = [attempt.note] if attempt.note else []
        try:
            if attempt.problem:
                raise stage.Trouble("OutputError", attempt.problem)
            left = stage.bring_away(
                attempt.plan, attempt.work, self._objects, stopped is not None, attempt.abort
            )
            if left:
                names = ", ".join(name[:300] for name in left[:20])
                notes.append(f"Not uploaded to object storage, as they are no plain files: {names}.")
        except trees.Aborted:
            return None
        except Exception as error:
            if is_transient(error):
                raise
            trouble = error if isinstance(error, stage.Trouble) else None
            if trouble is None:
                _log.exception("the outputs of instance %s cannot be uploaded", attempt.token)
            message = trouble.message if trouble else f"The outputs cannot be uploaded: {error}"
            if not outcome.error_code:
                return Outcome(1, "OutputError", message)
            notes.append(message)
        detail = "\n".join([outcome.detail, *notes] if outcome.detail else notes)
        return replace(outcome, detail=detail)

    @staticmethod
    def outcome_of(attempt: Attempt, code: int | None, killed_by: int) -> Outcome:
        """Return how the program of an attempt ended.

        Raises:
            NotStarted: It did not run, for want of room.
            OSError: The machine cannot tell at this moment.
        """
        start = attempt.start
        if code is None and not killed_by:
            code = read_exit(start.exit_file)
        elif code == NOT_RUN and read_exit(start.exit_file) is None:
            raise NotStarted
        detail = "" if code == 0 else tail(start.stderr)
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
        return read_exit(attempt.start.exit_file) is not None

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
        file = attempt.start.exit_file
        if read_exit(file) is None:
            fd = file.new()
            try:
                trees.write_all(fd, f"{code}\n".encode("ascii"))
            finally:
                os.close(fd)

    def time_left(self, attempt: Attempt, started: str) -> float:
        """Return the seconds that an attempt which started then may still take."""
        elapsed = (datetime.now(UTC) - datetime.fromisoformat(started)).total_seconds()
        # A clock that was set back must not give it more than it had.
        return min(attempt.timeout, max(0.0, attempt.timeout - elapsed))

    # -- clearing up --------------------------------------------------------------------------

    def keep(self, attempt: Attempt) -> None:
        """Keep a working directory, as its task's machines were to be kept after a failure.

        It may be called again for the same attempt, when the transaction that it belongs to is tried again.
        """
        target = (Path(attempt.keep_at).name,)
        try:
            attempt.work.lstat((attempt.name,))
        except FileNotFoundError:
            # It was kept already, or the failure was that it could not be made.
            return
        self._kept.remove(target)
        try:
            attempt.work.rename((attempt.name,), self._kept, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            trees.copy(attempt.work, (attempt.name,), self._kept, target)

    def drop_kept(self, job_id: str) -> None:
        """Remove the working directories that were kept of a job."""
        for name in self._kept.names():
            if name.startswith(f"{job_id}."):
                self._rubbish.put(_Rubbish(self._kept, name, ()))

    def clean(self, attempt: Attempt) -> None:
        """Remove what an attempt leaves on the machine, in the background.

        Removing many directories at once slows everything else on the disk by several times
        (local-service 4.2), so one thread does it in its own time.
        """
        start = attempt.start
        leaves = [f"{attempt.token}.exit"]
        leaves += [
            file.parts[0] for file in (start.stdout, start.stderr) if file and file.root is attempt.work
        ]
        if not attempt.quick:
            leaves += [f"{attempt.token}.exit.box", f"{attempt.token}.env", attempt.base.name]
        self._rubbish.put(_Rubbish(attempt.work, attempt.name, tuple(leaves)))

    def clean_all_but(self, tokens: Collection[str]) -> None:
        """Remove what earlier services left behind, save for attempts that still run."""
        work = self.describer.work
        for name in work.names():
            if name.partition(".")[0] not in tokens:
                self._rubbish.put(_Rubbish(work, name, ()))

    def _busy(self) -> bool:
        return time.monotonic() - self._made < _PAUSE

    def _clean(self) -> None:
        later: list[_Rubbish] = []
        while True:
            try:
                found = self._rubbish.get(timeout=_PAUSE if later else None)
            except queue.Empty:
                pass
            else:
                if found is None:
                    break
                # What takes room goes at once; the rest waits until the disk is not needed for starts.
                if found.is_light():
                    later.append(found)
                else:
                    self._remove(found)
            if not self._busy() or len(later) > _BACKLOG:
                for light in later:
                    self._remove(light)
                later.clear()
        for light in later:
            self._remove(light)

    @staticmethod
    def _remove(found: _Rubbish) -> None:
        for _ in range(_TRIES):
            try:
                found.remove()
            except OSError as error:
                if is_transient(error):
                    time.sleep(_PAUSE)
                    continue
                _log.warning("%s cannot be removed: %s", found.name, error)
            return
        _log.warning(
            "%s cannot be removed: the machine has no room for it; the next start removes it", found.name
        )

    def close(self) -> None:
        """Finish cleaning."""
        self._rubbish.put(None)
        self._cleaner.join()


class NotStarted(Exception):
    """The program did not run, because the machine had no room for its process."""


@dataclass(frozen=True, slots=True)
class _Rubbish:
    """A directory that is to be removed, and files beside it."""

    root: Root
    name: str
    leaves: tuple[str, ...]

    def is_light(self) -> bool:
        """Return whether it takes next to no room."""
        try:
            return not self.root.names((self.name,)) and all(
                self.root.lstat((leaf,)).st_size < _LIGHT for leaf in self.leaves
            )
        except OSError:
            return False

    def remove(self) -> None:
        # Most programs leave nothing, which takes one call.
        self.root.remove((self.name,))
        for leaf in self.leaves:
            self.root.remove((leaf,))
