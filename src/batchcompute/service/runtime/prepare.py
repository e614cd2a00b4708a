"""Making an attempt ready, ending it, and clearing up after it."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import shutil
import threading
import time
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from batchcompute.errors import ValidationError
from batchcompute.service.objects.base import ObjectStore
from batchcompute.service.runtime import container, sandbox, stage, trees
from batchcompute.service.runtime.attempts import NOWHERE, Attempt, Describer
from batchcompute.service.runtime.command import Outcome, read_exit
from batchcompute.service.runtime.package import PackageError, unpack

__all__: list[str] = []

STOPPED = Outcome(137, "Stopped", "The instance was stopped.")
"""How an attempt ended that nobody waits for any more."""

_log = logging.getLogger("batchcompute.service.runtime")

_PAUSE = 0.1
"""Seconds without a start before anything is removed: what starts is not to wait for the disk."""

_LIGHT = 65536
"""Bytes of a file that may stay for a while."""

_BACKLOG = 5000
"""Directories that wait to be removed before that happens all the same."""


class Preparer:
    """Makes attempts ready to run, and brings away what they leave.

    Args:
        describer: Tells what attempts are made of.
        objects: Object storage.
        work: Directory for working directories and exit files.
        kept: Directory for the working directories that are kept after a failure.
    """

    def __init__(self, describer: Describer, objects: ObjectStore, work: Path, kept: Path) -> None:
        self.describer: Describer = describer
        """What it was given."""
        self._objects = objects
        self._work = work
        self._kept = kept
        self._rubbish: queue.SimpleQueue[tuple[str, list[str]] | None] = queue.SimpleQueue()
        self._made = 0.0
        self._cleaner = threading.Thread(target=self._clean, name="batchcompute-cleaner", daemon=True)
        self._cleaner.start()

    def make(self, attempt: Attempt) -> Outcome | None:
        """Make an attempt ready; its `start` is complete afterwards.

        Returns:
            How the attempt ended, if it cannot start.
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
        except OSError as error:
            return Outcome(1, "OutputError", f"The output cannot be written: {error}")
        except Exception as error:  # noqa: BLE001
            # Whatever it is about this one instance, it must not keep the others from running.
            _log.exception("instance %s cannot be made ready", attempt.token)
            return Outcome(1, "StartFailed", f"The instance cannot be made ready: {error}")
        return None

    def _make(self, attempt: Attempt) -> None:
        if attempt.problem:
            raise stage.Trouble("MountError", attempt.problem)
        self._made = time.monotonic()
        start = attempt.start
        directory = os.fspath(start.directory)
        os.mkdir(directory)  # noqa: PTH102 - once for each instance
        for path in (start.stdout, start.stderr):
            folder = path.parent
            if folder not in (self._work, NOWHERE.parent):
                folder.mkdir(parents=True, exist_ok=True)
        if attempt.quick:
            return
        if attempt.package:
            self._unpack(attempt)
        stage.check_inputs(((given.source, given.path) for given in attempt.maps.inputs), self._objects)
        stage.bring_in(attempt.plan, self._objects, attempt.abort)
        if attempt.way == "root":
            stage.lay_out(attempt.plan, attempt.base / "root", attempt.abort)
            return
        stage.mount_points(attempt.plan)
        wrapper: list[str] = []
        if attempt.way == "box":
            wrapper = sandbox.arguments_of(attempt.plan, start.directory, sandbox.probe())
        elif attempt.way == "container":
            wrapper = self._container(attempt)
        if wrapper:
            attempt.start = replace(start, wrapper=tuple(wrapper), boxed=attempt.way == "box")

    def _container(self, attempt: Attempt) -> list[str]:
        runtime = container.probe()
        if not runtime.program:
            text = f"The image {attempt.image} cannot be run: {runtime.reason}."
            raise stage.Trouble("MountError", text)
        start = attempt.start
        # The runtime's own command needs what a program of this machine needs.
        attempt.start = replace(start, environment={**start.environment, **container.own_environment()})
        return container.arguments_of(
            runtime.program, attempt.image, attempt.token, start.directory, start.environment, attempt.plan
        )

    def _unpack(self, attempt: Attempt) -> None:
        place = attempt.package
        source = self._objects.local(place)
        if source is None:
            source = attempt.base / "package" / place.rpartition("/")[2]
            source.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                # What is missing is told by `unpack`.
                self._objects.fetch(place, source)
        unpack(source, place, attempt.start.directory)

    def finish(self, attempt: Attempt, outcome: Outcome) -> Outcome | None:
        """Bring away what an attempt leaves, now that its program has ended.

        Args:
            attempt: The attempt.
            outcome: How its program ended.

        Returns:
            How the attempt ended; None if nobody waits for that any more, or a later service does it.
        """
        if attempt.way == "container":
            self._end_container(attempt)
        if attempt.way == "box" and outcome.exit_code == 1 and self._never_ran(attempt):
            text = f"The mappings cannot be made: {outcome.detail.strip()[-500:]}"
            return Outcome(1, "MountError", text, outcome.detail)
        notes = [attempt.note] if attempt.note else []
        try:
            if attempt.problem:
                raise stage.Trouble("OutputError", attempt.problem)
            stopped = outcome.error_code in ("Timeout", "Stopped")
            left = stage.bring_away(attempt.plan, self._objects, stopped, attempt.abort)
            if left:
                notes.append(
                    f"Not brought to object storage, as they are no plain files: {', '.join(name[:300] for name in left[:20])}."
                )
        except trees.Aborted:
            return None
        except Exception as error:  # noqa: BLE001 - whatever it is, the instance must end
            trouble = error if isinstance(error, stage.Trouble) else None
            if trouble is None:
                _log.exception("the outputs of instance %s cannot be brought away", attempt.token)
            message = trouble.message if trouble else f"The outputs cannot be brought away: {error}"
            if not outcome.error_code:
                return Outcome(1, "OutputError", message)
            notes.append(message)
        detail = "\n".join([outcome.detail, *notes] if outcome.detail else notes)
        return replace(outcome, detail=detail)

    def _never_ran(self, attempt: Attempt) -> bool:
        report = attempt.start.exit_file.with_name(f"{attempt.start.exit_file.name}.box")
        # With this exit code bubblewrap says that it could not; but so may the program.
        return not sandbox.has_run(report)

    @staticmethod
    def _end_container(attempt: Attempt) -> None:
        runtime = container.probe()
        if runtime.program:
            try:
                container.remove(runtime.program, attempt.token)
            except Exception:  # noqa: BLE001
                _log.exception("the container of instance %s cannot be removed", attempt.token)

    @staticmethod
    def mark_late(attempt: Attempt) -> None:
        """Record that the time of an attempt is up: a later service has to know it, too."""
        attempt.late = True
        with contextlib.suppress(OSError):
            Path(f"{attempt.start.exit_file}.late").touch()

    @staticmethod
    def note_end(attempt: Attempt, ended: Outcome) -> None:
        """Record how a program ended whose shim could not.

        Bringing its outputs away may take longer than this service lives, and it is not to run again for that.
        """
        if read_exit(attempt.start.exit_file) is None:
            with contextlib.suppress(OSError):
                attempt.start.exit_file.write_text(f"{ended.exit_code}\n", "ascii")

    @staticmethod
    def was_late(attempt: Attempt) -> bool:
        """Tell whether the time of an attempt was up before the service ended."""
        attempt.late = Path(f"{attempt.start.exit_file}.late").exists()
        return attempt.late

    def time_left(self, attempt: Attempt, started: str) -> float:
        """Return the seconds that an attempt which started then may still take."""
        elapsed = (datetime.now(UTC) - datetime.fromisoformat(started)).total_seconds()
        # A clock that was set back must not give it more than it had.
        return min(attempt.timeout, max(0.0, attempt.timeout - elapsed))

    # -- clearing up --------------------------------------------------------------------------

    def keep(self, attempt: Attempt) -> None:
        """Keep a working directory, as its task's machines were to be kept after a failure."""
        target = Path(attempt.keep_at)
        target.parent.mkdir(exist_ok=True)
        trees.remove(str(target))
        with contextlib.suppress(FileNotFoundError):
            # The failure may have been that it could not be made.
            shutil.move(attempt.start.directory, target)

    def drop_kept(self, job_id: str) -> None:
        """Remove the working directories that were kept of a job."""
        if self._kept.is_dir():
            for path in self._kept.glob(f"{job_id}.*"):
                self._rubbish.put((str(path), []))

    def clean(self, attempt: Attempt) -> None:
        """Remove what an attempt leaves on the machine, in the background.

        Removing many directories at once slows everything else on the disk by several times
        (local-service 4.2), so one thread does it in its own time.
        """
        start = attempt.start
        leaves = [str(start.exit_file)]
        leaves += [str(path) for path in (start.stdout, start.stderr) if path.parent == self._work]
        if not attempt.quick:
            leaves += [f"{start.exit_file}.box", str(attempt.base)]
        if attempt.late:
            leaves.append(f"{start.exit_file}.late")
        self._rubbish.put((str(start.directory), leaves))

    def clean_all_but(self, tokens: Collection[str]) -> None:
        """Remove what earlier services left behind, save for attempts that still run."""
        for path in self._work.iterdir():
            if path.name.partition(".")[0] not in tokens:
                self._rubbish.put((str(path), []))

    def _busy(self) -> bool:
        return time.monotonic() - self._made < _PAUSE

    def _clean(self) -> None:
        later: list[tuple[str, list[str]]] = []
        while True:
            try:
                found = self._rubbish.get(timeout=_PAUSE if later else None)
            except queue.Empty:
                pass
            else:
                if found is None:
                    break
                # What takes room goes at once; the rest waits until the disk is not needed for starts.
                if _is_light(found):
                    later.append(found)
                else:
                    _remove(found)
            if not self._busy() or len(later) > _BACKLOG:
                for light in later:
                    _remove(light)
                later.clear()
        for light in later:
            _remove(light)

    def close(self) -> None:
        """Finish cleaning."""
        self._rubbish.put(None)
        self._cleaner.join()


def _is_light(found: tuple[str, list[str]]) -> bool:
    """Tell whether what is to be removed takes next to no room."""
    directory, leaves = found
    try:
        with os.scandir(directory) as entries:
            if any(entries):
                return False
        return all(os.stat(path).st_size < _LIGHT for path in leaves)  # noqa: PTH116
    except OSError:
        return False


def _remove(found: tuple[str, list[str]]) -> None:
    directory, leaves = found
    try:
        # Most programs leave nothing; only the others need the slow way.
        os.rmdir(directory)  # noqa: PTH106
    except OSError:
        trees.remove(directory)
    for path in leaves:
        trees.remove(path)
