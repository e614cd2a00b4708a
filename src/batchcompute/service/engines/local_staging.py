"""Staging of attempts on this machine, and their outcomes; threads of a pool call it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from batchcompute.runner.attempt import Attempt
from batchcompute.runner.attempt_files import NotStarted
from batchcompute.runner.os_errors import is_transient
from batchcompute.runner.outcome import STOPPED, TIMEOUT, Exited, Outcome, outcome_of, tail
from batchcompute.runner.records import Ended
from batchcompute.runner.shim import NOT_RUN
from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.engines.base import AttemptStatus, Rejected
from batchcompute.service.engines.local_records import LocalRecords
from batchcompute.service.engines.process_table import ProcessState
from batchcompute.service.workspaces.local import LocalWorkspace

__all__ = ["NEVER", "Entry", "LocalStaging", "exited"]

_log = logging.getLogger("batchcompute.service.engine")

NEVER: Final = float("inf")
"""A time limit that is not reached."""

_EXIT_FILE_SIZE = 16
"""Bytes of a file for an exit code."""

_INTERVAL = 0.2
"""Seconds between two attempts to do work for which the machine lacks resources."""

_SECONDS = 600.0
"""Seconds for which the outputs of an attempt are staged out again while the machine lacks resources."""


@dataclass(slots=True, eq=False)
class Entry:
    """An attempt that is not forgotten."""

    attempt: Attempt
    """The attempt."""
    phase: Literal["staging", "running", "ended"] = "staging"
    """``ended``: the program has ended. Its outputs may still be uploaded."""
    since: float | None = None
    """Time of the start, in seconds since 1970."""
    deadline: float = NEVER
    """Time at which the program is killed, on the monotonic clock."""
    timed_out: bool = False
    """Whether it exceeded its time limit."""
    status: AttemptStatus | None = None
    """Its final status."""

    @property
    def needs_pool(self) -> bool:
        """Whether files are uploaded or kept when the program has ended."""
        return not self.attempt.needs_no_staging or bool(self.attempt.spec.keep_as)


def exited(outcome: Outcome, since: float | None = None) -> Exited:
    """Return the end of an attempt, given its outcome in the words of the API."""
    return Exited(
        outcome.exit_code,
        timed_out=outcome.error_code == TIMEOUT.error_code,
        error_code=outcome.error_code,
        message=outcome.error_message,
        detail=outcome.detail,
        started=since,
    )


class LocalStaging:
    """Stages the files of attempts in and out.

    Args:
        workspace: The files of attempts.
        records: The records of attempts.
        is_closing: Returns whether the engine is closing.
        clock: The source of time.
    """

    def __init__(
        self,
        workspace: LocalWorkspace,
        records: LocalRecords,
        is_closing: Callable[[], bool],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._workspace = workspace
        self._records = records
        self._is_closing = is_closing
        self._clock = clock

    def stage_in(self, attempt: Attempt) -> Outcome | Rejected | None:
        """Create the files of an attempt; return None if it can start."""
        try:
            return self._workspace.stage_in(attempt)
        except Exception as error:  # noqa: BLE001 - the attempt is repeated
            _log.warning("instance %s waits: the machine lacks resources: %s", attempt.token, error)
            return Rejected(f"the machine lacks resources: {error}", retryable=True)

    def stage_out(self, entry: Entry, state: ProcessState) -> AttemptStatus | None:
        """Upload the outputs of an attempt whose program has ended.

        Returns:
            Its status; None if the next start of the service uploads the outputs.
        """
        end = self._clock.monotonic() + _SECONDS
        while True:
            try:
                return self._try_stage_out(entry, state)
            except NotStarted:
                return Rejected("the machine lacks resources", retryable=True)
            except Exception as error:
                if not is_transient(error) or self._clock.monotonic() > end:
                    raise
                _log.warning(
                    "the outputs of instance %s cannot be uploaded yet: %s", entry.attempt.token, error
                )
            if self._is_closing():
                return None
            self._clock.sleep(_INTERVAL)

    def _try_stage_out(self, entry: Entry, state: ProcessState) -> AttemptStatus | None:
        attempt = entry.attempt
        outcome = TIMEOUT if entry.timed_out else self.outcome(attempt, state)
        if not attempt.needs_no_staging:
            # The service may end while outputs are uploaded. With a record, the program does not run again for that.
            self._note_end(attempt, outcome)
        stopped = entry.timed_out or attempt.abort.is_set()
        final = self._workspace.stage_out(attempt, outcome, stopped)
        if final is None and self._is_closing():
            return None
        return exited(final or STOPPED, entry.since)

    def outcome(self, attempt: Attempt, state: ProcessState) -> Outcome:
        """Return the outcome of the program of an attempt.

        Raises:
            NotStarted: The program did not run, because no process could be created.
            OSError: The machine is short of resources at this moment.
        """
        code, killed_by, detail = state.exit_code, state.signal, ""
        if code == NOT_RUN or (code is None and not killed_by):
            recorded = self.recorded_end(attempt)
            if recorded is None and code == NOT_RUN:
                raise NotStarted
            if recorded is not None:
                code, killed_by, detail = recorded.code, recorded.signal, recorded.detail
        return outcome_of(code, killed_by, "" if code == 0 else detail or tail(attempt.process.stderr))

    def recorded_end(self, attempt: Attempt) -> Exited | None:
        """Return the recorded end of the program of an attempt; None if there is none.

        Raises:
            OSError: The records cannot be read at this moment.
        """
        recorded = self._records.ended(attempt.token)
        if recorded is not None:
            return recorded
        # Earlier versions of this package had a file for the exit code of each attempt.
        text = tail(attempt.work.file(f"{attempt.token}.exit"))[:_EXIT_FILE_SIZE].strip()
        return Exited(int(text)) if text.isascii() and text.isdecimal() and int(text) < 256 else None

    def _note_end(self, attempt: Attempt, outcome: Outcome) -> None:
        try:
            if self._records.ended(attempt.token) is None:
                self._records.note(Ended(attempt.token, Exited(outcome.exit_code)), attempt.process.user)
        except OSError as error:
            if is_transient(error):
                raise
            _log.warning("the end of instance %s cannot be recorded: %s", attempt.token, error)
