"""The dispatcher loop: it collects ended attempts, cancels overdue ones, and starts new ones."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from batchcompute.runner.outcome import Outcome
from batchcompute.service import attempt_starts
from batchcompute.service.attempt_ends import NEVER, AttemptFiles, Running, next_deadline, overdue
from batchcompute.service.clock import SYSTEM_CLOCK, Clock, timestamp
from batchcompute.service.domain.selection import Selected, select_runnable
from batchcompute.service.engines.base import Engine, EngineState
from batchcompute.service.large_jobs import LargeJobCleaner
from batchcompute.service.recovery import TIMEOUT, recover
from batchcompute.service.store import large_jobs, transitions
from batchcompute.service.store.queue import RunnableQueue
from batchcompute.service.waiters import Waiters
from batchcompute.service.workers import WorkerPool
from batchcompute.service.workspaces.local import STOPPED, NotStarted

if TYPE_CHECKING:
    from batchcompute.service.store.database import Effects, Store, Transaction
    from batchcompute.service.workspaces.local import LocalWorkspace

__all__: list[str] = []

_MIN_WAITING = 0.03
"""Seconds that a new job stays ``Waiting`` at least, so a client that reads it after the create sees that state."""

_START_PAUSE = 0.5
"""Seconds without starts after the machine lacked resources for one."""

_MAX_WAIT = 86400.0
"""Seconds of the longest wait of the loop; a condition cannot wait for as long as the longest time limit."""

_JOIN_TIMEOUT = 10.0
"""Seconds for which `Dispatcher.close` waits for the worker threads."""

_CANCEL_REPEAT = 1.0
"""Seconds after which the engine is asked again to cancel an attempt that still runs."""

_POLL_INTERVAL = 0.2
"""Seconds between two polls while the engine reports attempts that are ending."""

_MAX_THREADS = 32
"""The largest number of threads that stage files."""

_log = logging.getLogger("batchcompute.service.dispatcher")


class Dispatcher:
    """Runs the instances of a database on an engine.

    The loop sleeps until a job arrives, an attempt ends, or a time limit is reached. A pool of threads stages files and
    opens files that a program could have replaced. The parts of a round are independent: if one of them fails, the
    others still run, and the failed one is repeated.

    Args:
        store: The database.
        engine: The engine that runs attempts.
        workspace: The files of attempts.
        slots: How many attempts run at once.
        clock: The source of time.
    """

    def __init__(
        self, store: Store, engine: Engine, workspace: LocalWorkspace, slots: int, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._store = store
        self._engine = engine
        self._workspace = workspace
        self._slots = slots
        self._clock = clock
        self._running: dict[str, Running] = {}
        self._results: dict[str, Outcome | None] = {}
        """Outcomes that are not recorded yet; None for an attempt that is repeated."""
        self._resume = 0.0
        """When starts go on after a pause, on the monotonic clock."""
        self._held: dict[int, float] = {}
        """When new jobs may start, by their row numbers, on the monotonic clock."""
        self._condition = threading.Condition()
        self.waiters: Waiters = Waiters()
        """Requests that wait for the end of a job."""
        self._woken = False
        self._closing = False
        self._poll_at = NEVER
        """When attempts that are ending are polled again, on the monotonic clock."""
        self.failing_since: float | None = None
        """Since when every round has failed, on the monotonic clock; None if the last one succeeded."""
        self.step_started: float | None = None
        """When the current round began, on the monotonic clock; None between rounds."""
        self._files = AttemptFiles(store, workspace, lambda: self._closing, clock)
        self.restarting: set[int] = set()
        """Row numbers of jobs that StartJob is resetting; nothing else writes to their instances."""
        self.thread: threading.Thread = threading.Thread(
            target=self._run, name="batchcompute-dispatcher", daemon=True
        )

    def start(self) -> None:
        """Adopt the attempts of an earlier service, and start the loop.

        Raises:
            OSError: The machine cannot report the state of the attempts of an earlier service.
            RuntimeError: A thread cannot be started.
        """
        with ExitStack() as stack:
            self._pool = WorkerPool(
                self.wake, self._fail_staging, min(_MAX_THREADS, self._slots + 4), self._clock
            )
            stack.callback(self._pool.join, 0.0)
            self._cleaner = LargeJobCleaner(self._store, self.restarting)
            stack.callback(self._cleaner.close)
            self._engine.bind(self.wake)
            self._adopt()
            with self._store.read() as transaction:
                self._cleaner.add(*large_jobs.leftovers(transaction))
            self.thread.start()
            # From now on, `close` ends the threads.
            stack.pop_all()

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
            for token in effects.cancel:
                running = self._running.get(token)
                if running is not None:
                    # Abort staging. The cancellation is repeated until the attempt has ended.
                    running.attempt.abort.set()
                    running.cancel_at = self._clock.monotonic() + _CANCEL_REPEAT
            self._engine.cancel(effects.cancel)
            self.wake()
        self.waiters.notify()

    def close(self, leave: bool = False) -> None:
        """Stop the loop and all attempts; their instances run again after the next start.

        Args:
            leave: Whether running attempts are left alone, so that the next start adopts them.
        """
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        self.waiters.close()
        self.waiters.notify()
        self.thread.join()
        self._cleaner.close()
        for running in list(self._running.values()):
            # The next start uploads the missing outputs, as after a kill.
            running.attempt.abort.set()
        self._pool.join(_JOIN_TIMEOUT)
        self._pool.drain()
        self._engine.close(leave)
        if leave:
            return
        # All attempts have ended by now. Those whose program ended by itself have an exit file.
        self._settle_at_close()

    def _run(self) -> None:
        while True:
            try:
                with self._condition:
                    # A spurious wake-up only causes a round without work.
                    if not self._woken and not self._closing:
                        self._condition.wait(self._until_next_deadline())
                    self._woken = False
                    if self._closing:
                        return
                self.step()
                self.failing_since = None
            except Exception:  # noqa: BLE001
                self.failing_since = self.failing_since or self._clock.monotonic()
                # A defect or a full disk must not end the loop, or no job would run again.
                _log.exception("a round of the dispatcher failed; the next round starts in one second")
                with self._condition:
                    self._condition.wait_for(lambda: self._closing, timeout=1)
                    self._woken = True

    def _until_next_deadline(self) -> float | None:
        now = self._clock.monotonic()
        nearest = min(self._poll_at, next_deadline(self._running.values()))
        if self._free > 0:
            # While no slot is free nothing starts, and the end of an attempt wakes the loop.
            nearest = min(nearest, self._resume or min(self._held.values(), default=NEVER))
        return None if nearest == NEVER else min(_MAX_WAIT, max(0.0, nearest - now))

    def step(self) -> None:
        """Run one round.

        Raises:
            Exception: The error of the first part that failed; the other parts were run, too.
        """
        self.step_started = self._clock.monotonic()
        self._poll_at = NEVER
        first_error: Exception | None = None
        for part in (self._pool.drain, self._collect, self._cancel_overdue, self._advance):
            try:
                part()
            except Exception as error:  # noqa: BLE001 - raised below
                first_error = first_error or error
        self.step_started = None
        if first_error is not None:
            raise first_error

    def _collect(self) -> None:
        tokens = [token for token, running in self._running.items() if running.started and not running.ended]
        ended: list[str] = []
        for token, state in self._engine.poll(tokens).items():
            if state.phase == "ending":
                self._poll_at = self._clock.monotonic() + _POLL_INTERVAL
            elif state.phase in ("exited", "lost"):
                self._end(token, state)
                ended.append(token)
        if ended:
            self._engine.forget(ended)

    def _end(self, token: str, state: EngineState) -> None:
        running = self._running[token]
        running.state = state
        running.ended = True
        if state.retryable:
            self._retry_later(token)
        elif state.phase == "lost":
            lost = Outcome(126, "StartFailed", f"The program did not run: {state.reason}.")
            if state.blocked:
                lost = Outcome(1, "OutputError", f"The output cannot be written: {state.reason}.")
            self._results[token] = running.stopped or lost
        elif running.attempt.needs_no_staging and running.timed_out and not running.attempt.keep_at:
            self._results[token] = TIMEOUT
        elif running.attempt.needs_no_staging and state.exit_code == 0:
            self._results[token] = Outcome(0)
        else:
            self._stage_out(running)

    def _retry_later(self, token: str) -> None:
        """Repeat an attempt that did not start, after a pause."""
        self._resume = self._clock.monotonic() + _START_PAUSE
        self._results[token] = None

    def _stage_out(self, running: Running) -> None:
        """Stage out an attempt in a worker thread."""
        attempt = running.attempt

        def work() -> Callable[[], None]:
            try:
                final = self._files.stage_out(running)
            except NotStarted:
                return partial(self._retry_later, attempt.token)
            if final is None and self._closing:
                # The next start determines the outcome.
                return lambda: None
            return partial(self._results.__setitem__, attempt.token, final or STOPPED)

        self._pool.submit(attempt.token, work)

    def _fail_staging(self, token: str, error: Exception) -> None:
        self._results[token] = Outcome(1, "StartFailed", f"The service failed: {error}")

    def _record(self, transaction: Transaction, now: str) -> None:
        """Record the outcomes of attempts."""
        for token, result in self._results.items():
            attempt = self._running[token].attempt
            if not transaction.instances.is_current(attempt.key, token):
                # The job was stopped or deleted, or the machine was released.
                continue
            if result is None:
                transitions.requeue(transaction, attempt.key, now, "", ran=False)
            else:
                transitions.end(transaction, attempt.key, result, now)

    def _after_commit(self, effects: Effects) -> None:
        """Remove the files of attempts whose outcomes are committed, and carry out the effects."""
        for token in list(self._results):
            self._workspace.clean(self._running[token].attempt)
            del self._running[token], self._results[token]
        self.apply(effects)

    def _settle_at_close(self) -> None:
        lost: list[Running] = []
        tokens = [token for token, running in self._running.items() if running.started]
        states = self._engine.poll(tokens)
        for token, running in self._running.items():
            if token in self._results:
                continue
            state = running.state or states.get(token)
            if (outcome := self._files.outcome_without_staging(running, state)) is not None:
                self._results[token] = outcome
            elif not (running.started and self._files.has_record(running, state)):
                lost.append(running)
        now = timestamp(self._clock)
        with self._store.write() as transaction:
            for running in lost:
                key = running.attempt.key
                if transaction.instances.is_current(key, running.attempt.token):
                    transitions.requeue(transaction, key, now, "The service was closed.", ran=running.started)
            self._record(transaction, now)
        self._after_commit(transaction.effects)
        for running in lost:
            if running.started and running.attempt.isolation == "container":
                self._workspace.end_container(running.attempt)
            self._workspace.clean(running.attempt)
        self._running.clear()

    def _cancel_overdue(self) -> None:
        late, to_cancel = overdue(self._running.values(), self._clock.monotonic(), _CANCEL_REPEAT)
        if to_cancel:
            self._engine.cancel(to_cancel)
        if late:
            # Recorded for the next start. The cancellation comes first: the write can fail.
            with self._store.write() as transaction:
                for running in late:
                    transaction.instances.mark_late(running.attempt.key, running.attempt.token)

    def _advance(self) -> None:
        """Record ended attempts and start new ones, in one transaction.

        Outcomes that cannot be recorded, because the disk is full, are kept for the next round.
        """
        if may_start := self._clock.monotonic() >= self._resume and self._free > 0:
            self._resume = 0.0
        if not self._results and not may_start:
            return
        now = timestamp(self._clock)
        with self._store.write() as transaction:
            self._record(transaction, now)
            begun = self._begin(transaction, now) if may_start else []
        for running in begun:
            self._running[running.attempt.token] = running
        self._after_commit(transaction.effects)
        for running in begun:
            if running.attempt.needs_no_staging:
                self._launch(running, self._files.stage_in(running.attempt))
            else:
                self._stage_in(running)

    @property
    def _free(self) -> int:
        return self._slots - len(self._running) + len(self._results)

    def _begin(self, transaction: Transaction, now: str) -> list[Running]:
        moment = self._clock.monotonic()
        with self._condition:
            self._held = {job: until for job, until in self._held.items() if until > moment}
            held = frozenset(self._held)
        selection: list[Selected] = select_runnable(RunnableQueue(transaction), self._free, held)
        begun = attempt_starts.begin(transaction, self._workspace.planner, selection, now)
        self._woken |= len(begun) < len(selection)
        return begun

    def _stage_in(self, running: Running) -> None:
        """Stage in an attempt in a worker thread; then launch it."""

        def work() -> Callable[[], None]:
            return partial(self._launch, running, self._files.stage_in(running.attempt))

        self._pool.submit(running.attempt.token, work)

    def _launch(self, running: Running, failure: Outcome | NotStarted | None) -> None:
        """Submit a staged attempt to the engine, or keep the outcome of one that cannot start."""
        token = running.attempt.token
        if isinstance(failure, NotStarted):
            self._retry_later(token)
        elif failure is not None:
            running.ended = True
            self._results[token] = failure
        else:
            running.started = True
            running.deadline = self._clock.monotonic() + running.attempt.timeout
            self._engine.start([running.attempt.process])
            return
        self.wake()

    def _adopt(self) -> None:
        for recovered in recover(self._store, self._engine, self._workspace, self._clock):
            running = Running(recovered.attempt, started=True, timed_out=recovered.timed_out)
            self._running[recovered.attempt.token] = running
            if recovered.is_running:
                running.deadline = self._clock.monotonic() + recovered.time_left
                running.cancel_at = running.deadline if recovered.timed_out else NEVER
            else:
                running.ended = True
                self._stage_out(running)
        self._woken = True
