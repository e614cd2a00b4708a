"""The dispatcher loop: it takes over what the engine reports, cancels attempts, and submits new ones."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from batchcompute.runner.os_errors import is_transient
from batchcompute.runner.outcome import Outcome
from batchcompute.service.active_attempts import NEVER, ActiveAttempt, ActiveAttempts
from batchcompute.service.clock import SYSTEM_CLOCK, Clock, timestamp
from batchcompute.service.domain.selection import Selected, select_runnable
from batchcompute.service.engines.base import Engine, Lost, Rejected
from batchcompute.service.large_jobs import LargeJobCleaner
from batchcompute.service.recovery import recover
from batchcompute.service.store import large_jobs, transitions
from batchcompute.service.store.queue import RunnableQueue
from batchcompute.service.waiters import Waiters

if TYPE_CHECKING:
    from batchcompute.service.store.database import Effects, Store, Transaction
    from batchcompute.service.workspaces.planner import AttemptPlanner

__all__: list[str] = []

_MIN_WAITING = 0.03
"""Seconds that a new job stays ``Waiting`` at least, so a client that reads it after the create sees that state."""

_START_PAUSE = 0.5
"""Seconds without starts after the engine lacked resources for one."""

_MOST_PAUSE = 30.0
"""Seconds of the longest pause before attempts are submitted again to an engine that does not answer."""

_MAX_WAIT = 86400.0
"""Seconds of the longest wait of the loop; a condition cannot wait for as long as the longest time limit."""

_CANCEL_REPEAT = 1.0
"""Seconds after which the engine is asked again to cancel an attempt that has not ended."""

_log = logging.getLogger("batchcompute.service.dispatcher")


class Dispatcher:
    """Runs the instances of a database on an engine.

    The loop sleeps until a job arrives, the engine reports a change, or a time is reached. The parts of a round are
    independent: if one of them fails, the others still run, and the failed one is repeated.

    Args:
        store: The database.
        engine: The engine that runs attempts.
        planner: Describes attempts.
        slots: How many attempts the engine has at once, unless the engine says it.
        clock: The source of time.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        planner: AttemptPlanner,
        slots: int,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._store = store
        self._engine = engine
        self._planner = planner
        self._slots = engine.capabilities.slots or slots
        self._clock = clock
        self._active = ActiveAttempts(engine.name)
        self._resume = 0.0
        """Time at which starts go on after a pause, on the monotonic clock."""
        self._failed_submissions = 0
        """Number of submissions in a row to which the engine gave no answer."""
        self._held: dict[int, float] = {}
        """Times at which new jobs may start, by their row numbers, on the monotonic clock."""
        self._condition = threading.Condition()
        self.waiters: Waiters = Waiters()
        """Requests that wait for the end of a job."""
        self._woken = False
        self._is_busy = False
        """Whether the last round has started attempts, or recorded ends."""
        self._closing = False
        self._status_error = ""
        """The last error of the engine when it was asked for statuses."""
        self.failing_since: float | None = None
        """Since when every round has failed, on the monotonic clock; None if the last one succeeded."""
        self.step_started: float | None = None
        """Start of the current round, on the monotonic clock; None between rounds."""
        self.restarting: set[int] = set()
        """Row numbers of jobs that StartJob is resetting; nothing else writes to their instances."""
        self.thread: threading.Thread = threading.Thread(
            target=self._run, name="batchcompute-dispatcher", daemon=True
        )

    # -- the life of the loop -----------------------------------------------------------------

    def start(self) -> None:
        """Take over the attempts of an earlier service, and start the loop.

        Raises:
            OSError: The engine cannot report the state of the attempts of an earlier service.
            RuntimeError: A thread cannot be started.
        """
        with ExitStack() as stack:
            self.prepare()
            stack.callback(self._cleaner.close)
            self.thread.start()
            # From now on, `close` ends the threads.
            stack.pop_all()

    def prepare(self) -> None:
        """Take over the attempts of an earlier service. `step` may be called after that.

        Raises:
            OSError: The engine cannot report the state of the attempts of an earlier service.
            RuntimeError: A thread cannot be started.
        """
        self._engine.bind(self.wake)
        for active in recover(self._store, self._engine, self._planner, self._clock):
            self._active.add(active)
        with self._store.read() as transaction:
            leftovers = large_jobs.leftovers(transaction)
        self._cleaner = LargeJobCleaner(self._store, self.restarting)
        self._cleaner.add(*leftovers)
        self._woken = True

    def wake(self) -> None:
        """Make the loop run a round."""
        with self._condition:
            self._woken = True
            self._condition.notify_all()

    def delay_start(self, job: int) -> None:
        """Keep a new job, given by its row number, in the state ``Waiting`` for a moment (REST API, 4.1)."""
        with self._condition:
            self._held[job] = self._clock.monotonic() + _MIN_WAITING

    def apply(self, effects: Effects) -> None:
        """Carry out the effects of a committed transaction: cancel attempts, and remove or settle large jobs."""
        self._cleaner.add(effects.removed, effects.unsettled)
        if effects.cancel:
            self._cancel(effects.cancel)
            self.wake()
        self.waiters.notify()

    def close(self, leave_running: bool = False) -> None:
        """Stop the loop and all attempts; their instances run again after the next start.

        Args:
            leave_running: Whether attempts run on, so that the next start finds them.
        """
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        self.waiters.close()
        self.waiters.notify()
        if self.thread.ident is not None:
            self.thread.join()
        self._cleaner.close()
        self._engine.close(leave_running)
        if not leave_running:
            self._settle_at_close()

    def _run(self) -> None:
        while True:
            try:
                with self._condition:
                    # A spurious wake-up only causes a round without work.
                    if not self._woken and not self._closing:
                        self._clock.wait(self._condition, self.seconds_until_due())
                    self._woken = False
                    if self._closing:
                        return
                self.step()
                self.failing_since = None
                if self._is_busy:
                    # Short programs may have ended already. A look at them costs less than a wake-up of this thread.
                    self.wake()
            except Exception:  # noqa: BLE001
                self.failing_since = self.failing_since or self._clock.monotonic()
                # A defect or a full disk must not end the loop, or no job would run again.
                _log.exception("a round of the dispatcher failed; the next round starts in one second")
                with self._condition:
                    self._condition.wait_for(lambda: self._closing, timeout=1)
                    self._woken = True

    def seconds_until_due(self) -> float | None:
        """Return after how many seconds a round has something to do; None if only an event can change that."""
        now = self._clock.monotonic()
        nearest = NEVER
        if len(self._active):
            poll = self._engine.next_poll()
            nearest = NEVER if poll is None else now + poll
            nearest = min(nearest, min(active.cancel_at for active in self._active))
            nearest = min(
                nearest, min((each.submit_at for each in self._active if each.handle is None), default=NEVER)
            )
        if self._free > 0:
            # While no slot is free nothing starts, and the end of an attempt wakes the loop.
            nearest = min(nearest, self._resume or min(self._held.values(), default=NEVER))
        return None if nearest == NEVER else min(_MAX_WAIT, max(0.0, nearest - now))

    # -- one round ----------------------------------------------------------------------------

    def step(self) -> None:
        """Run one round.

        Raises:
            Exception: The error of the first part that failed; the other parts were run, too.
        """
        self.step_started = self._clock.monotonic()
        first_error: Exception | None = None
        for part in (self._collect, self._repeat_cancellations, self._advance, self._submit):
            try:
                part()
            except Exception as error:  # noqa: BLE001 - raised below
                first_error = first_error or error
        self.step_started = None
        if first_error is not None:
            raise first_error

    def _collect(self) -> None:
        """Take over the statuses of all attempts."""
        handles = self._active.handles
        if not handles:
            return
        try:
            self._active.take_statuses(self._engine.status(handles))
            error = ""
        except Exception as raised:  # noqa: BLE001 - no answer changes nothing, and the question is repeated
            error = f"{type(raised).__name__}: {raised}"
            if error != self._status_error:
                _log.exception("the engine %s does not tell the statuses of attempts", self._engine.name)
        self._status_error = error

    def _cancel(self, tokens: Iterable[str]) -> None:
        handles: list[str] = []
        for token in tokens:
            active = self._active.find(token)
            if active is not None:
                # The cancellation is repeated until the attempt has ended, because it can fail.
                active.cancelled = True
                active.cancel_at = self._clock.monotonic() + _CANCEL_REPEAT
                if active.handle is not None:
                    handles.append(active.handle)
        if handles:
            self._engine.cancel(handles)

    def _repeat_cancellations(self) -> None:
        now = self._clock.monotonic()
        self._cancel([active.spec.token for active in self._active if active.cancel_at <= now])

    def _advance(self) -> None:
        """Record what has changed and select new attempts, in one transaction.

        Results that cannot be recorded, because the disk is full, are kept for the next round.
        """
        if self._active.lacks_resources:
            self._resume = self._clock.monotonic() + _START_PAUSE
        if may_start := self._clock.monotonic() >= self._resume and self._free > 0:
            self._resume = 0.0
        self._is_busy = False
        if not self._active.has_changes and not may_start:
            return
        now = timestamp(self._clock)
        with self._store.write() as transaction:
            self._active.record(transaction, now)
            begun = self._begin(transaction, now) if may_start else []
        self._is_busy = self._active.has_changes or bool(begun)
        self._after_commit(transaction.effects)
        for active in begun:
            self._active.add(active)

    def _after_commit(self, effects: Effects) -> None:
        """Release attempts whose ends are committed, and carry out the effects."""
        ended = self._active.recorded()
        if ended:
            self._engine.forget([active.handle for active in ended if active.handle is not None])
        self.apply(effects)

    @property
    def _free(self) -> int:
        return self._slots - self._active.unfinished

    def _begin(self, transaction: Transaction, now: str) -> list[ActiveAttempt]:
        """Select instances, and record the submissions of their attempts.

        Raises:
            OSError: An attempt cannot be planned at this moment.
        """
        moment = self._clock.monotonic()
        with self._condition:
            self._held = {job: until for job, until in self._held.items() if until > moment}
            held = frozenset(self._held)
        begun: list[ActiveAttempt] = []
        for selected in select_runnable(RunnableQueue(transaction), self._free, held):
            active = self._plan(transaction, selected, now)
            if active is None:
                self._woken = True
            else:
                begun.append(active)
        return begun

    def _plan(self, transaction: Transaction, selected: Selected, now: str) -> ActiveAttempt | None:
        """Plan an attempt; an instance that cannot be planned because of a defect ends with ``StartFailed``."""
        key, worker, name = selected.key, selected.worker, self._engine.name
        token = self._planner.new_token(key)
        try:
            spec = self._planner.plan(key, token, worker)
            at_once = self._engine.starts_at_once(spec)
        except Exception as error:
            if isinstance(error, (sqlite3.Error, OSError)) or is_transient(error):
                raise
            _log.exception("the attempt of instance %s cannot be planned", key)
            transitions.submit(transaction, key, token, worker, name)
            failure = Outcome(1, "StartFailed", f"The attempt cannot be planned: {error!r}")
            transitions.end(transaction, transitions.history_of(transaction, key), failure, now)
            return None
        if at_once:
            transitions.begin(transaction, key, token, worker, name, self._engine.capabilities.node, now)
        else:
            transitions.submit(transaction, key, token, worker, name)
        return ActiveAttempt(key, spec, is_running=at_once)

    def _submit(self) -> None:
        """Submit attempts whose submission is recorded, and those that got no answer before."""
        for batch in self._active.to_submit(self._clock.monotonic()):
            try:
                answers = self._engine.submit([active.spec for active in batch])
                problem = self._active.take_submissions(batch, answers)
            except Exception as error:  # noqa: BLE001 - the batch is submitted again; tokens make that safe
                problem = (
                    f"the engine {self._engine.name} accepts no attempts: {error or type(error).__name__}"
                )
            if problem:
                self._submit_later(batch, problem)
                continue
            self._failed_submissions = 0
            self._cancel([active.spec.token for active in batch if active.cancelled])
        if self._active.has_changes:
            # Refused attempts, and handles, are recorded in the next round.
            self.wake()

    def _submit_later(self, batch: list[ActiveAttempt], problem: str) -> None:
        pause = min(_MOST_PAUSE, _START_PAUSE * 2**self._failed_submissions)
        self._failed_submissions = min(self._failed_submissions + 1, 10)
        _log.warning("%s; %d attempts are submitted again in %g seconds", problem, len(batch), pause)
        for active in batch:
            active.may_be_known = True
            active.submit_at = self._clock.monotonic() + pause
            self._active.set_reason(active, problem)

    # -- the end of the service ---------------------------------------------------------------

    def _settle_at_close(self) -> None:
        """Record the results that the closed engine knows; instances of killed attempts run again."""
        self._collect()
        now = timestamp(self._clock)
        with self._store.write() as transaction:
            for active in self._active:
                if active.handle is None and active.result is None:
                    self._active.end(active, Rejected("the service was closed", retryable=True))
                elif isinstance(active.result, Lost) and (
                    history := transaction.instances.history(active.key, active.spec.token)
                ):
                    # The loss is one of the service, and does not count against the engine.
                    transitions.requeue(transaction, history, now, "The service was closed.")
            self._active.record(transaction, now)
        self._after_commit(transaction.effects)
