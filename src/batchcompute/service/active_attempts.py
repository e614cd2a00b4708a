"""The attempts that an engine has, or is about to get: what their statuses mean for the database."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from batchcompute.runner.outcome import STOPPED, Exited, Outcome
from batchcompute.service.clock import format_time
from batchcompute.service.domain.states import Key
from batchcompute.service.engines.base import (
    AttemptSpec,
    AttemptStatus,
    Handle,
    Lost,
    Pending,
    Rejected,
    Running,
    Submission,
    Submitted,
    Token,
    Unknown,
)
from batchcompute.service.store import transitions

if TYPE_CHECKING:
    from batchcompute.service.store.database import Transaction
    from batchcompute.service.store.rows import History

__all__: list[str] = []

NEVER: Final = float("inf")

Result: TypeAlias = Outcome | Lost | Rejected
"""The end of an attempt."""

_MOST_REASONS = 3
"""The largest number of reasons in the message of a job."""

_LONGEST_REASON = 200
"""Characters of a reason in the message of a job."""

_LONGEST_LOSS = 400
"""Characters of the reason of a loss in the message of a job."""

_MOST_LOSSES = 1000
"""Jobs whose last loss is remembered for their messages."""

_log = logging.getLogger("batchcompute.service.dispatcher")


@dataclass(slots=True, eq=False)
class ActiveAttempt:
    """An attempt whose submission is recorded and whose end is not."""

    key: Key
    """The instance."""
    spec: AttemptSpec
    """The attempt."""
    handle: Handle | None = None
    """The engine's name of the attempt; None until the engine has accepted it."""
    is_running: bool = False
    """Whether its start is recorded."""
    started: Running | None = None
    """Its start, if that is not recorded yet."""
    reason: str = ""
    """The reason why it waits."""
    cancelled: bool = False
    """Whether its result is not needed any more."""
    cancel_at: float = NEVER
    """Time of the next request to the engine to cancel it, on the monotonic clock."""
    submit_at: float = 0.0
    """Time of its next submission, if it has no handle, on the monotonic clock."""
    may_be_known: bool = False
    """Whether the engine may have the attempt, although it gave no handle."""
    result: Result | None = None
    """Its end, if that is not recorded yet."""


class ActiveAttempts:
    """All active attempts. Nothing here has input or output, except for the transaction that a method is given.

    Args:
        engine: Name of the engine.
    """

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._all: dict[Token, ActiveAttempt] = {}
        self._by_handle: dict[Handle, ActiveAttempt] = {}
        self._ended: dict[Token, ActiveAttempt] = {}
        self._started: dict[Token, ActiveAttempt] = {}
        self._new_handles: dict[Token, ActiveAttempt] = {}
        self._waiting: dict[int, Counter[str]] = {}
        """Number of attempts that wait for each reason, by the row number of their job."""
        self._losses: dict[int, str] = {}
        """Reason of the last loss, by the row number of the job, until an attempt of the job ends with a result."""
        self._changed_waits: set[int] = set()

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[ActiveAttempt]:
        return iter(self._all.values())

    @property
    def unfinished(self) -> int:
        """The number of attempts without a result."""
        return len(self._all) - len(self._ended)

    @property
    def handles(self) -> Sequence[Handle]:
        """The handles of the attempts without a result."""
        return [handle for handle, active in self._by_handle.items() if active.result is None]

    @property
    def lacks_resources(self) -> bool:
        """Whether the engine was short of resources for an attempt."""
        return any(
            isinstance(active.result, Rejected) and active.result.retryable for active in self._ended.values()
        )

    @property
    def has_changes(self) -> bool:
        """Whether `record` has something to write."""
        return bool(self._ended or self._started or self._new_handles or self._changed_waits)

    def find(self, token: Token) -> ActiveAttempt | None:
        """Return an attempt; None if it is not active."""
        return self._all.get(token)

    def add(self, active: ActiveAttempt) -> None:
        """Add an attempt whose submission is recorded."""
        self._all[active.spec.token] = active
        if active.handle is not None:
            self._by_handle[active.handle] = active

    # -- what the engine says -----------------------------------------------------------------

    def to_submit(self, now: float) -> list[list[ActiveAttempt]]:
        """Return the attempts that have to be submitted, grouped by task; cancelled ones end instead."""
        batches: dict[tuple[int, int], list[ActiveAttempt]] = {}
        for active in self._all.values():
            if active.handle is None and active.result is None and active.submit_at <= now:
                if active.cancelled and not active.may_be_known:
                    self.end(active, STOPPED)
                else:
                    # A cancelled attempt whose first submission got no answer may run: its handle is needed to end it.
                    batches.setdefault(active.key[:2], []).append(active)
        return list(batches.values())

    def take_submissions(self, batch: Sequence[ActiveAttempt], answers: Sequence[Submission]) -> str:
        """Take over the answers of the engine for a batch.

        Returns:
            The reason why the answers cannot be used, so that the batch has to be submitted again; empty if they can.
        """
        problem = _problem_of(answers, len(batch))
        if problem:
            return f"the engine {self._engine} {problem}"
        for active, answer in zip(batch, answers, strict=True):
            if isinstance(answer, Submitted):
                self._set_handle(active, answer.handle)
            else:
                self.end(active, answer)
        return ""

    def _set_handle(self, active: ActiveAttempt, handle: Handle) -> None:
        active.handle = handle
        self._by_handle[handle] = active
        self.set_reason(active, "")
        if handle != active.spec.token:
            self._new_handles[active.spec.token] = active

    def take_statuses(self, statuses: Mapping[Handle, AttemptStatus]) -> None:
        """Take over the statuses of attempts. A status that is not known changes nothing."""
        for handle, status in statuses.items():
            active = self._by_handle.get(handle)
            if active is not None and active.result is None:
                self._take(active, status)

    def _take(self, active: ActiveAttempt, status: object) -> None:
        # An engine of somebody else can answer anything.
        match status:
            case Running():
                self._start(active, status)
            case Exited():
                self._start(active, Running(status.node, status.started))
                self.end(active, status.outcome)
            case Lost() | Rejected():
                self.end(active, status)
            case Pending(reason):
                if not active.is_running:
                    self.set_reason(active, reason)
            case Unknown(reason):
                if reason and not active.is_running:
                    self.set_reason(active, f"the state is unknown: {reason}")
            case _:
                _log.error("the engine %s gave %r, which is not a status", self._engine, status)

    def _start(self, active: ActiveAttempt, running: Running) -> None:
        if not active.is_running:
            active.is_running = True
            active.started = running
            self._started[active.spec.token] = active
            self.set_reason(active, "")

    def end(self, active: ActiveAttempt, result: Result) -> None:
        """Set the result of an attempt. It stays active until the result is recorded."""
        active.result = result
        self._ended[active.spec.token] = active
        self.set_reason(active, "")

    def set_reason(self, active: ActiveAttempt, reason: str) -> None:
        """Set the reason why an attempt waits; empty for none."""
        reason = reason[:_LONGEST_REASON]
        if reason == active.reason:
            return
        job = active.key[0]
        reasons = self._waiting.setdefault(job, Counter())
        if active.reason:
            reasons[active.reason] -= 1
        if reason:
            reasons[reason] += 1
        active.reason = reason
        self._changed_waits.add(job)

    # -- what the database learns -------------------------------------------------------------

    def record(self, transaction: Transaction, now: str) -> None:
        """Write starts, handles, results and reasons. `recorded` follows when the transaction is committed."""
        for token, active in self._started.items():
            running = active.started or Running("")
            started = _time_of(running.since, now)
            transitions.mark_started(transaction, active.key, token, running.node, started)
        transaction.instances.set_handles(
            (active.key, token, active.handle or "") for token, active in self._new_handles.items()
        )
        for token, active in self._ended.items():
            # There is no history if the job was stopped or deleted, or the machine was released.
            history = transaction.instances.history(active.key, token)
            if history is not None:
                self._record_end(transaction, active.result, history, now)
        for job in self._changed_waits:
            transaction.jobs.set_engine_message(job, self._message(job))

    def _record_end(
        self, transaction: Transaction, result: Result | None, history: History, now: str
    ) -> None:
        match result:
            case Lost(reason):
                text = reason[:1].upper() + reason[1:]
                self._note_loss(history.key[0], reason)
                transitions.lose(transaction, history, f"{text.rstrip('.')}.", now)
            case Rejected(_, retryable=True):
                transitions.requeue(transaction, history, now, "", ran=False)
            case Rejected(reason, error_code=code):
                text = f"The engine {self._engine} does not run the attempt: {reason}."
                transitions.end(transaction, history, Outcome(126, code, text), now)
            case Outcome() as outcome:
                if self._losses.pop(history.key[0], None) is not None:
                    self._changed_waits.add(history.key[0])
                transitions.end(transaction, history, outcome, now)
            case None:
                raise AssertionError("an attempt without a result has not ended")

    def _note_loss(self, job: int, reason: str) -> None:
        """Remember why an attempt was lost: a job that only waits does not tell its user that something is wrong."""
        self._losses.pop(job, None)
        if len(self._losses) >= _MOST_LOSSES:
            # The entry of a deleted job has no other end.
            del self._losses[next(iter(self._losses))]
        self._losses[job] = reason.rstrip(".")[:_LONGEST_LOSS]
        self._changed_waits.add(job)

    def _message(self, job: int) -> str:
        loss = self._losses.get(job, "")
        return " ".join(
            part for part in (self._waits(job), f"An attempt was lost: {loss}." if loss else "") if part
        )

    def _waits(self, job: int) -> str:
        reasons = +self._waiting.get(job, Counter())
        if not reasons:
            self._waiting.pop(job, None)
            return ""
        common = "; ".join(reason for reason, _ in reasons.most_common(_MOST_REASONS))
        return f"Instances wait in the engine {self._engine}: {common}."

    def recorded(self) -> list[ActiveAttempt]:
        """Forget what `record` has written, and return the attempts whose ends it has written."""
        ended = list(self._ended.values())
        for active in ended:
            del self._all[active.spec.token]
            if active.handle is not None:
                self._by_handle.pop(active.handle, None)
        for changes in (self._ended, self._started, self._new_handles):
            changes.clear()
        self._changed_waits.clear()
        return ended


def _time_of(since: float | None, now: str) -> str:
    """Return the time of a start as the API writes it. A time in the future, of a node's clock, becomes now."""
    if since is None or not 0 < since < 1e11:
        return now
    return min(now, format_time(datetime.fromtimestamp(since, UTC)))


def _problem_of(answers: object, count: int) -> str:
    """Return why the answers of an engine for a number of attempts cannot be used; empty if they can."""
    if not isinstance(answers, Sequence):
        return f"answered {type(answers).__name__}, and not a sequence"
    listed = cast("Sequence[object]", answers)
    if len(listed) != count:
        return f"gave {len(listed)} answers for {count} attempts"
    for answer in listed:
        if not isinstance(answer, (Submitted, Rejected)):
            return f"gave the answer {answer!r:.100}, which is neither Submitted nor Rejected"
        if isinstance(answer, Submitted) and not (isinstance(answer.handle, str) and answer.handle):
            return f"gave the handle {answer.handle!r:.100}, which is no text"
    return ""
