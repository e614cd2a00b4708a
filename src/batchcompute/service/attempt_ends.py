"""How attempts end: what the engine and the files say of it, and what is still to be uploaded."""

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

_LOOK = 0.2
"""Seconds between two tries of what the machine has no room for."""

_TRANSIENT_WAIT = 600.0
"""Seconds for which work is tried again while the machine has no room for it."""

_log = logging.getLogger("batchcompute.service.dispatcher")


@dataclass(slots=True)
class Running:
    """An attempt that has begun, from the record of its start to that of its end."""

    attempt: Attempt
    deadline: float = NEVER
    """When its time is up, on the monotonic clock."""
    started: bool = False
    """Whether the engine has it."""
    timed_out: bool = False
    ended: bool = False
    """Whether its program has ended; its outputs may still be uploaded."""
    state: EngineState | None = None
    """What the engine said of its end."""
    ordered: float = NEVER
    """When it is to be ordered to end once more, on the monotonic clock."""

    @property
    def stopped(self) -> Outcome | None:
        """How it ended if that was the service's doing."""
        return TIMEOUT if self.timed_out else None


def next_deadline(attempts: Iterable[Running]) -> float:
    """Return when the next attempt is to be ended, on the monotonic clock."""
    return min(
        (min(NEVER if running.timed_out else running.deadline, running.ordered) for running in attempts),
        default=NEVER,
    )


def overdue(attempts: Iterable[Running], now: float, repeat: float) -> tuple[list[Running], list[str]]:
    """Find attempts whose time is up, and those that are to be ordered to end.

    An order is repeated until the attempt has ended: one that failed must not be the last.

    Args:
        attempts: The attempts.
        now: The time, on the monotonic clock.
        repeat: Seconds until an order is repeated.

    Returns:
        The attempts whose time is up as of now, and the tokens of those that are to end.
    """
    late: list[Running] = []
    ordered: list[str] = []
    for running in attempts:
        if running.deadline <= now and not running.timed_out and not running.ended:
            running.timed_out = True
            running.ordered = now
            late.append(running)
        if running.ordered <= now:
            runs = running.started and not running.ended
            running.ordered = now + repeat if runs else NEVER
            if runs:
                ordered.append(running.attempt.token)
    return late, ordered


class Ends:
    """Finds out how attempts ended.

    Args:
        store: The database.
        workspace: Uploads what attempts leave.
        is_closing: Returns whether the service is about to end.
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

    def made(self, attempt: Attempt) -> Outcome | NotStarted | None:
        """Make an attempt ready; return how it ended if it cannot start, or that it waits for room."""
        try:
            return self._workspace.stage_in(attempt)
        except Exception as error:  # noqa: BLE001 - the machine has no room for it
            _log.warning("instance %s waits for the machine: %s", attempt.token, error)
            return NotStarted()

    def finish(self, running: Running) -> Outcome | None:
        """Upload what an attempt has left; it is called in a thread.

        Returns:
            How the attempt ended; None if the next service finds that out.

        Raises:
            NotStarted: Its program did not run, for want of room.
        """
        attempt, state = running.attempt, running.state or EngineState("exited")
        return self._with_patience(attempt, lambda: self._finished(attempt, state, running.stopped))

    def _finished(self, attempt: Attempt, state: EngineState, stopped: Outcome | None) -> Outcome | None:
        """Return how an attempt ended, and what of it was lost. It is called in a thread."""
        code = TIMEOUT.exit_code if stopped else state.exit_code
        if state.signal:
            code = 128 + state.signal
        if code is not None and code != NOT_RUN:
            try:
                self._workspace.note_end(attempt, code)
            except OSError as error:
                if is_transient(error):
                    raise
                _log.warning("how instance %s ended cannot be recorded beside it: %s", attempt.token, error)
        with self._store.read() as transaction:
            current = transaction.instances.is_current(attempt.key, attempt.token)
        final = self._workspace.stage_out(
            attempt, state.exit_code, state.signal, stopped if current else STOPPED
        )
        if final is not None and current and attempt.keep_at and self._is_final(attempt, final):
            # Outside of any transaction: it may take long, and may fail.
            return replace(final, detail=f"{final.detail}\n{self._workspace.kept.keep(attempt)}".lstrip())
        return final

    def _is_final(self, attempt: Attempt, outcome: Outcome) -> bool:
        """Return whether an instance has failed for good."""
        with self._store.read() as transaction:
            return outcome.failed and transitions.is_last(transaction, attempt.key)

    def _with_patience(self, attempt: Attempt, action: Callable[[], Outcome | None]) -> Outcome | None:
        """Do something for as long as the machine has no room for it; an error of the machine is no answer."""
        end = self._clock.monotonic() + _TRANSIENT_WAIT
        while True:
            try:
                return action()
            except Exception as error:
                transient = is_transient(error) or isinstance(error, sqlite3.OperationalError)
                if not transient or self._clock.monotonic() > end:
                    raise
                _log.warning("the end of instance %s waits for the machine: %s", attempt.token, error)
            if self._is_closing():
                # The next service does it.
                return None
            self._clock.sleep(_LOOK)

    def known(self, running: Running, state: EngineState | None) -> Outcome | None:
        """Return how an attempt ended that leaves nothing to upload; None if it did not end by itself."""
        if running.timed_out:
            return None if running.attempt.keep_at else TIMEOUT
        if state is None or state.phase != "exited" or state.signal:
            return None
        try:
            if state.exit_code is None and not self._workspace.has_ended(running.attempt):
                # It was ended together with the service.
                return None
            found = self._workspace.outcome_of(running.attempt, state.exit_code, 0)
            # What is to be kept is so by the next service.
            return None if found.error_code and running.attempt.keep_at else found
        except (NotStarted, OSError):
            return None

    def has_record(self, running: Running, state: EngineState | None) -> bool:
        """Return whether the next service will know how an attempt ended."""
        if running.ended or (state is not None and state.exit_code is not None):
            return True
        try:
            return self._workspace.has_ended(running.attempt)
        except OSError:
            # It cannot be told now; the next service looks again.
            return True
