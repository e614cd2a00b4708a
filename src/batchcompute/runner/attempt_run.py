"""One attempt from its specification to the record of its end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar, cast

from batchcompute.runner.attempt import Attempt
from batchcompute.runner.attempt_files import AttemptFiles, NotStarted
from batchcompute.runner.attempt_spec import AttemptSpec
from batchcompute.runner.layout import Layout, MachineOptions
from batchcompute.runner.object_storage import ObjectStorage
from batchcompute.runner.os_errors import has_no_room
from batchcompute.runner.outcome import TIMEOUT, Exited, Outcome, outcome_of, tail
from batchcompute.runner.program import End, Programs
from batchcompute.runner.records import Ended, Record, Started
from batchcompute.runner.rooted import Root
from batchcompute.runner.scratch import Scratch, ScratchPool
from batchcompute.runner.spawning import OutputBlocked
from batchcompute.runner.spec_json import Assignment

if TYPE_CHECKING:
    from batchcompute.runner.http_objects import HttpObjects
    from batchcompute.runner.http_session import Endpoint

__all__ = ["AttemptRunner", "Machine", "Records", "Unrecorded", "failed"]

T = TypeVar("T")

_STREAMS = ("stdout", "stderr")

_SHORTAGES = 6
"""Attempts to stage files while the machine is short of resources."""


class Unrecorded(Exception):
    """An attempt has no result: the service decides whether it is lost."""


class Machine(NamedTuple):
    """The machine that attempts run on."""

    work: Root
    """Directory for the files of attempts."""
    options: MachineOptions
    """Its options."""
    node: str
    """Its name in records."""
    patience: float
    """Seconds in which requests that fail are tried again."""
    only_failures: bool
    """Whether output is only uploaded if the program fails."""
    variables: Mapping[str, str]
    """Further variables of this machine that programs get."""
    scratches: ScratchPool
    """Directories that one short attempt uses after another."""
    inherited: Mapping[str, str]
    """The variables that all programs get. Reading them takes longer than most of the other work for an attempt."""
    endpoint: Endpoint | None
    """The object API; None if no attempt needs it."""

    def __repr__(self) -> str:
        # Variables can hold secrets.
        return f"Machine(node={self.node!r}, work={self.work!r})"


class Records(Protocol):
    """The records that attempts are written to."""

    def append(self, record: Record) -> None:
        """Append a record.

        Raises:
            RecordsUnwritable: It cannot be written.
        """
        ...


class AttemptRunner:
    """Runs attempts and records their starts and their ends.

    Args:
        machine: The machine.
        records: The records.
        programs: Runs the programs.
        is_new: Returns whether an attempt has no record and no process. It is asked right before its start.
        abort: Set when nothing is uploaded any more.
        is_stopped: Returns whether no program starts any more.
    """

    def __init__(
        self,
        machine: Machine,
        records: Records,
        programs: Programs,
        is_new: Callable[[str], bool],
        abort: threading.Event,
        is_stopped: Callable[[], bool],
    ) -> None:
        self._machine = machine
        self._records = records
        self._programs = programs
        self._is_new = is_new
        self._abort = abort
        self._is_stopped = is_stopped

    def run(self, assignment: Assignment) -> None:
        """Run an attempt.

        Raises:
            Unrecorded: The attempt has no result, because it was stopped, or because object storage does not answer.
            RecordsUnwritable: A record cannot be written.
        """
        spec = assignment.spec
        spec = spec._replace(environment={**self._machine.variables, **spec.environment})
        if self._machine.endpoint is None and _needs_objects(spec):
            self._record(
                spec, failed("StartFailed", "endpoint: must not be left out; the attempt needs objects")
            )
            return
        storage = self._storage(assignment)
        attempt: Attempt | None = None
        scratch: Scratch | None = None
        machine = self._machine
        try:
            attempt = self._patiently(
                lambda: Layout(storage, machine.options, inherited=machine.inherited).attempt(
                    spec, machine.work
                )
            )
            scratch = self._patiently(partial(machine.scratches.lend, attempt))
            attempt.abort = self._abort
            self._run(attempt, AttemptFiles(storage, self._machine.options), storage)
        except OSError as error:
            if getattr(storage, "unreachable", False):
                raise Unrecorded(f"object storage does not answer: {error}") from error
            self._record(
                spec, failed("StartFailed", f"The instance cannot run on {self._machine.node}: {error}")
            )
        finally:
            if scratch is not None:
                self._put_back(scratch)
            elif attempt is not None:
                self._clean(attempt)

    def _storage(self, assignment: Assignment) -> ObjectStorage:
        if self._machine.endpoint is None:
            # The attempt needs no object.
            return cast("ObjectStorage", _NoObjects())
        # Loaded here, because an attempt without objects does not need it.
        from batchcompute.runner.http_objects import HttpObjects

        return HttpObjects(self._machine.endpoint, assignment.grant, self._machine.patience, self._abort)

    def _run(self, attempt: Attempt, files: AttemptFiles, storage: ObjectStorage) -> None:
        spec = attempt.spec
        failure = self._patiently(lambda: files.stage_in(attempt))
        if self._is_stopped():
            raise Unrecorded("the runner was stopped before the start of the program")
        if failure is not None:
            self._check_storage(storage, failure)
            self._record(spec, failed(failure.error_code, failure.error_message))
            return
        if not self._is_new(spec.token):
            raise Unrecorded("it has a record already, or a process on this machine")
        started = time.time()
        self._records.append(
            Started(spec.token, self._machine.node, 0, started, {"runner": str(os.getpid())})
        )
        try:
            end = self._programs.run(attempt.process, spec.time_limit)
        except OutputBlocked as error:
            text = f"The file for the output of the program cannot be written: {error.strerror}."
            self._record(spec, failed("OutputError", text)._replace(started=started))
            return
        except (OSError, ValueError) as error:
            text = f"The process of the program cannot be created: {error}."
            self._record(spec, failed("StartFailed", text)._replace(started=started))
            return
        if end.was_given_up:
            self._record(spec, failed("Stopped", "The attempt was given up.")._replace(started=started))
            return
        if end.was_stopped:
            raise Unrecorded("the program was ended, because the runner was stopped")
        self._record(spec, self._exited(attempt, end, files, storage)._replace(started=started))

    def _exited(self, attempt: Attempt, end: End, files: AttemptFiles, storage: ObjectStorage) -> Exited:
        nothing = failed("StartFailed", "The machine has no process left for the program.")
        if not end.has_run:
            return nothing
        detail = "" if end.code == 0 else self._patiently(lambda: tail(attempt.process.stderr))
        outcome = (
            TIMEOUT._replace(detail=detail) if end.timed_out else outcome_of(end.code, end.signal, detail)
        )
        if self._machine.only_failures and not outcome.failed:
            uploads = tuple(
                upload for upload in attempt.plan.uploads if not _is_stream(upload.is_log, upload.path)
            )
            attempt.plan = attempt.plan._replace(uploads=uploads)
        try:
            final = self._patiently(lambda: files.stage_out(attempt, outcome, end.timed_out))
        except NotStarted:
            return nothing
        if final is None:
            raise Unrecorded("the upload of the outputs was aborted, because the runner was stopped")
        if final.error_code != outcome.error_code:
            self._check_storage(storage, final)
        plain = Exited(end.code, end.signal, end.timed_out, detail=final.detail)
        known = plain.outcome
        if (known.error_code, known.error_message) != (final.error_code, final.error_message):
            plain = plain._replace(error_code=final.error_code, message=final.error_message)
        return plain

    @staticmethod
    def _check_storage(storage: ObjectStorage, failure: Outcome) -> None:
        """Raise `Unrecorded` if a failure is that of object storage, and not of the attempt."""
        if cast("HttpObjects", storage).unreachable:
            raise Unrecorded(f"object storage does not answer: {failure.error_message}")

    def _record(self, spec: AttemptSpec, exited: Exited) -> None:
        exited = exited._replace(node=self._machine.node, ended=time.time())
        self._records.append(Ended(spec.token, exited))

    def _patiently(self, action: Callable[[], T]) -> T:
        """Return the result of an action, which is repeated while the machine is short of resources."""
        for number in range(_SHORTAGES):
            try:
                return action()
            except OSError as error:
                if number == _SHORTAGES - 1 or not has_no_room(error) or self._abort.wait(0.1 * 3**number):
                    raise
        raise AssertionError("unreachable")

    def _put_back(self, scratch: Scratch) -> None:
        if not self._machine.scratches.put_back(scratch):
            for name in (scratch.name, *scratch.files):
                with suppress(OSError):
                    self._machine.work.remove((name,))

    def _clean(self, attempt: Attempt) -> None:
        work, token = attempt.work, attempt.token
        names = {attempt.workdir[0], attempt.staging_folder}
        names |= {f"{token}.{end}" for end in (*_STREAMS, "command", "env", "exit.box")}
        with suppress(OSError):
            # The whole directory is removed when the runner ends.
            names.intersection_update(work.names())
        for name in names:
            with suppress(OSError):
                work.remove((name,))


class _NoObjects:
    """The storage of attempts that need no object."""

    unreachable = False


def _needs_objects(spec: AttemptSpec) -> bool:
    return bool(spec.mappings or spec.package or spec.stdout or spec.stderr)


def _is_stream(is_log: bool, name: str) -> bool:
    return is_log and name in _STREAMS


def failed(code: str, message: str, node: str = "") -> Exited:
    """Return the end of an attempt whose program did not run.

    Args:
        code: ``ErrorCode`` of the result.
        message: ``ErrorMessage`` of the result.
        node: Name of this machine.
    """
    return Exited(1, error_code=code, message=message, node=node, ended=time.time())
