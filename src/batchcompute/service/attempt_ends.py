"""The end of attempts: outcomes from the engine and the exit files, and the upload of outputs."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from batchcompute.runner.os_errors import is_transient
from batchcompute.runner.outcome import Outcome
from batchcompute.runner.shim import NOT_RUN
from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.engines.base import EngineState
from batchcompute.service.recovery import TIMEOUT
from batchcompute.service.store import transitions
from batchcompute.service.workspaces.local import STOPPED, NotStarted

if TYPE_CHECKING:
    from batchcompute.service.store.database import Store
    from batchcompute.service.workspaces.attempt import Attempt
    from batchcompute.service.workspaces.local import LocalWorkspace

__all__: list[str] = []

NEVER = float("inf")

_RETRY_INTERVAL = 0.2
"""Seconds between two attempts to do work for which the machine lacks resources."""

_RETRY_SECONDS = 600.0
"""Seconds for which work is retried while the machine lacks resources for it."""

_log = logging.getLogger("batchcompute.service.dispatcher")


@dataclass(slots=True)
class Running:
    """An attempt whose start is recorded and whose end is not."""

    attempt: Attempt
    deadline: float = NEVER
    """When its time limit is reached, on the monotonic clock."""
    started: bool = False
    """Whether the engine runs it."""
    timed_out: bool = False
    """Whether it exceeded its time limit."""
    ended: bool = False
    """Whether the program has ended. Its outputs may still be uploaded."""
    state: EngineState | None = None
    """Its final state, as the engine reported it."""
    cancel_at: float = NEVER
    """When the engine is asked again to cancel it, on the monotonic clock."""

    @property
    def stopped(self) -> Outcome | None:
        """Its outcome if the service ended it; None otherwise."""
        return TIMEOUT if self.timed_out else None


def next_deadline(attempts: Iterable[Running]) -> float:
    """Return when the next attempt has to be cancelled, on the monotonic clock."""
    return min(
        (min(NEVER if running.timed_out else running.deadline, running.cancel_at) for running in attempts),
        default=NEVER,
    )


def overdue(attempts: Iterable[Running], now: float, repeat: float) -> tuple[list[Running], list[str]]:
    """Return the attempts that have just reached their time limit, and those that have to be cancelled.

    A cancellation is repeated until the attempt has ended, because a cancellation can fail.

    Args:
        attempts: The attempts.
        now: The time, on the monotonic clock.
        repeat: Seconds until a cancellation is repeated.

    Returns:
        The attempts that have reached their time limit since the last call, and the tokens of those to cancel.
    """
    late: list[Running] = []
    to_cancel: list[str] = []
    for running in attempts:
        if running.deadline <= now and not running.timed_out and not running.ended:
            running.timed_out = True
            running.cancel_at = now
            late.append(running)
        if running.cancel_at <= now:
            is_active = running.started and not running.ended
            running.cancel_at = now + repeat if is_active else NEVER
            if is_active:
                to_cancel.append(running.attempt.token)
    return late, to_cancel


class AttemptFiles:
    """Stages the files of attempts in and out, and determines outcomes from them.

    Args:
        store: The database.
        workspace: Stages the files.
        is_closing: Returns whether the service is closing.
        clock: The source of time.
    """

    def __init__(
        self,
        store: Store,
        workspace: LocalWorkspace,
        is_closing: Callable[[], bool],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._store = store
        self._clock = clock
        self._workspace = workspace
        self._is_closing = is_closing

    def stage_in(self, attempt: Attempt) -> Outcome | NotStarted | None:
        """Stage in an attempt.

        Returns:
            None if the attempt can start, its outcome if it cannot, or `NotStarted` if it has to wait until the
            machine has resources for it.
        """
        try:
            return self._workspace.stage_in(attempt)
        except Exception as error:  # noqa: BLE001 - the attempt is repeated
            _log.warning("instance %s waits: the machine lacks resources: %s", attempt.token, error)
            return NotStarted()

    def stage_out(self, running: Running) -> Outcome | None:
        """Upload the outputs of an attempt. A worker thread calls it.

        Returns:
            The outcome of the attempt; None if the next start of the service has to determine it.

        Raises:
            NotStarted: The program did not run, because the machine lacked resources.
        """
        attempt, state = running.attempt, running.state or EngineState("exited")
        return self._retry(attempt, lambda: self._stage_out(attempt, state, running.stopped))

    def _stage_out(self, attempt: Attempt, state: EngineState, stopped: Outcome | None) -> Outcome | None:
        """Record the exit code in the exit file, upload the outputs, and return the outcome."""
        code = TIMEOUT.exit_code if stopped else state.exit_code
        if state.signal:
            code = 128 + state.signal
        if code is not None and code != NOT_RUN:
            try:
                self._workspace.note_end(attempt, code)
            except OSError as error:
                if is_transient(error):
                    raise
                _log.warning("the exit file of instance %s cannot be written: %s", attempt.token, error)
        with self._store.read() as transaction:
            current = transaction.instances.is_current(attempt.key, attempt.token)
        final = self._workspace.stage_out(
            attempt, state.exit_code, state.signal, stopped if current else STOPPED
        )
        if final is not None and current and attempt.keep_at and self._is_final(attempt, final):
            # Outside of any transaction: copying the directory can take long, and can fail.
            return replace(final, detail=f"{final.detail}\n{self._workspace.kept.keep(attempt)}".lstrip())
        return final

    def _is_final(self, attempt: Attempt, outcome: Outcome) -> bool:
        """Return whether an outcome is a failure after which the instance is not retried."""
        with self._store.read() as transaction:
            return outcome.failed and transitions.is_last(transaction, attempt.key)

    def _retry(self, attempt: Attempt, action: Callable[[], Outcome | None]) -> Outcome | None:
        """Call an action until it succeeds; errors caused by a lack of resources are retried."""
        end = self._clock.monotonic() + _RETRY_SECONDS
        while True:
            try:
                return action()
            except Exception as error:
                transient = is_transient(error) or isinstance(error, sqlite3.OperationalError)
                if not transient or self._clock.monotonic() > end:
                    raise
                _log.warning("the outputs of instance %s cannot be uploaded yet: %s", attempt.token, error)
            if self._is_closing():
                # The next start of the service uploads the outputs.
                return None
            self._clock.sleep(_RETRY_INTERVAL)

    def outcome_without_staging(self, running: Running, state: EngineState | None) -> Outcome | None:
        """Return the outcome of an attempt; None if it needs staging or its program did not end by itself."""
        if not running.attempt.needs_no_staging:
            return None
        if running.timed_out:
            return None if running.attempt.keep_at else TIMEOUT
        if state is None or state.phase != "exited" or state.signal:
            return None
        try:
            if state.exit_code is None and not self._workspace.has_ended(running.attempt):
                # The program was ended together with the service.
                return None
            outcome = self._workspace.outcome_of(running.attempt, state.exit_code, 0)
            # The next start keeps the working directory of a failed attempt that sets ReserveOnFail.
            return None if outcome.error_code and running.attempt.keep_at else outcome
        except (NotStarted, OSError):
            return None

    def has_record(self, running: Running, state: EngineState | None) -> bool:
        """Return whether the next start of the service can determine the outcome of an attempt."""
        if running.ended or (state is not None and state.exit_code is not None):
            return True
        try:
            return self._workspace.has_ended(running.attempt)
        except OSError:
            # The exit file cannot be read now; the next start of the service reads it.
            return True
