"""The loop that makes jobs run: collect what has ended, end what is overdue, start what may start.

The loop sleeps until a job arrives, an attempt ends, or a time limit is reached. A pool of threads does what takes long
(unpacking, uploading), and everything that opens a file that a program could have replaced.

The parts of a round are independent: if one of them fails, the others still run, and the failed one is repeated.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from batchcompute.models.field_types import format_time
from batchcompute.runner.shim import Outcome
from batchcompute.service import attempt_starts
from batchcompute.service.attempt_ends import NEVER, Ends, Running, next_deadline, overdue
from batchcompute.service.domain.selection import pick
from batchcompute.service.engines.base import Engine, EngineState
from batchcompute.service.large_jobs import Tidier
from batchcompute.service.recovery import TIMEOUT, recover
from batchcompute.service.store import large_jobs, transitions
from batchcompute.service.waiters import Waiters
from batchcompute.service.workers import WorkerPool
from batchcompute.service.workspaces.local import STOPPED, NotStarted

if TYPE_CHECKING:
    from batchcompute.service.store.database import Store
    from batchcompute.service.workspaces.local import LocalWorkspace

__all__: list[str] = []

_SEEN_WAITING = 0.03
"""Seconds for which a new job is not started, so that who asks right after the create sees it wait."""

_PAUSE = 0.5
"""Seconds without starts after the machine had no room for one."""

_LONGEST_WAIT = 86400.0
"""Seconds; a deadline may be further away than a condition can wait."""

_PATIENCE = 10.0
"""Seconds for which the end of the service waits for what its threads are doing."""

_REPEAT = 1.0
"""Seconds after which an order to end an attempt is given once more, if it still runs."""

_LOOK = 0.2
"""Seconds between two looks at what could not be told."""
_MOST_THREADS = 32

_log = logging.getLogger("batchcompute.service.dispatcher")


class Dispatcher:
    """Runs the instances of a store on an engine.

    Args:
        store: The database.
        engine: What runs them.
        workspace: Makes each attempt ready to run, and uploads what it leaves.
        slots: How many run at once.

    Raises:
        OSError: The machine cannot tell what became of the attempts of an earlier service.
        RuntimeError: No thread can be started.
    """

    def __init__(self, store: Store, engine: Engine, workspace: LocalWorkspace, slots: int) -> None:
        self._store = store
        self._engine = engine
        self._workspace = workspace
        self._slots = slots
        self._running: dict[str, Running] = {}
        self._results: dict[str, Outcome | None] = {}
        """How attempts ended, until that is recorded; None for one that is to be made again."""
        self._resume = 0.0
        self._held: dict[int, float] = {}
        """When instances may be started again, on the monotonic clock."""
        self._condition = threading.Condition()
        self.waiters: Waiters = Waiters()
        """Requests that wait for the end of a job."""
        self._woken = False
        self._closing = False
        self._look_at = NEVER
        """When something that could not be told is looked at again, on the monotonic clock."""
        self.failing_since: float | None = None
        """Since when every round has failed, on the monotonic clock; None if the last one has not."""
        self.step_started: float | None = None
        """When the round that is being done began, on the monotonic clock; None between rounds."""
        self._ends = Ends(store, workspace, lambda: self._closing)
        self._pool = WorkerPool(self.wake, self._failed_work, min(_MOST_THREADS, slots + 4))
        self.starts: set[int] = set()
        """Jobs that are about to start again; nobody else writes to their instances."""
        self.thread: threading.Thread = threading.Thread(
            target=self._run, name="batchcompute-dispatcher", daemon=True
        )
        """The thread of the loop."""
        with ExitStack() as stack:
            stack.callback(self._pool.join, 0.0)
            self._tidier = Tidier(store, self.starts)
            stack.callback(self._tidier.close)
            engine.bind(self.wake)
            self._adopt()
            with store.read() as db:
                self._tidier.add(*large_jobs.leftovers(db))
            self.thread.start()
            # From here on, `close` ends them.
            stack.pop_all()

    def wake(self) -> None:
        """Say that there may be something to do."""
        with self._condition:
            self._woken = True
            self._condition.notify_all()

    def admit(self, job: int) -> None:
        """Let a new job, given by its number, be seen waiting before it runs (REST API, 4.1)."""
        with self._condition:
            self._held[job] = time.monotonic() + _SEEN_WAITING

    def apply(self, effects: transitions.Effects) -> None:
        """Do what a committed transaction asks for: end attempts that were given up, and tidy large jobs up."""
        self._tidier.add(effects.removed, effects.unsettled)
        if effects.cancel:
            for token in effects.cancel:
                running = self._running.get(token)
                if running is not None:
                    # Nobody wants what is being staged any more. The order is repeated until the attempt is gone.
                    running.attempt.abort.set()
                    running.ordered = time.monotonic() + _REPEAT
            self._engine.cancel(effects.cancel)
            self.wake()
        self.waiters.notify()

    def close(self, leave: bool = False) -> None:
        """Stop the loop and everything that runs; instances that ran wait for the next start.

        Args:
            leave: Whether what runs is left alone, to be adopted by the next start.
        """
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        self.waiters.give_up()
        self.waiters.notify()
        self.thread.join()
        self._tidier.close()
        for running in list(self._running.values()):
            # What is not yet uploaded is so by the next start, as after a kill.
            running.attempt.abort.set()
        self._pool.join(_PATIENCE)
        self._pool.drain()
        self._engine.close(leave)
        if leave:
            # What has ended since is found by the next start, too, by its exit file.
            return
        # By now all have ended; those that did so by themselves have their exit code on file.
        self._settle_at_end()

    # -- the loop -----------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            try:
                with self._condition:
                    # It ends by a notice; a loop here would only repeat what the next round does.
                    if not self._woken and not self._closing:
                        self._condition.wait(self._until_next_deadline())
                    self._woken = False
                    if self._closing:
                        return
                self.step()
                self.failing_since = None
            except Exception:  # noqa: BLE001
                self.failing_since = self.failing_since or time.monotonic()
                # A defect, or a full disk: the loop must outlive it, or no job ever runs again.
                _log.exception("a round of the dispatcher failed; the next one comes in a second")
                with self._condition:
                    self._condition.wait_for(lambda: self._closing, timeout=1)
                    self._woken = True

    def _until_next_deadline(self) -> float | None:
        now = time.monotonic()
        nearest = min(self._look_at, next_deadline(self._running.values()))
        if self._free > 0:
            # With all slots taken nothing starts, and the end of an attempt wakes the loop.
            nearest = min(nearest, self._resume or min(self._held.values(), default=NEVER))
        return None if nearest == NEVER else min(_LONGEST_WAIT, max(0.0, nearest - now))

    def step(self) -> None:
        """Do one round.

        Raises:
            Exception: What the first part that failed has raised; the others were done all the same.
        """
        self.step_started = time.monotonic()
        self._look_at = NEVER
        failed: Exception | None = None
        for part in (self._pool.drain, self._collect, self._end_overdue, self._advance):
            try:
                part()
            except Exception as error:  # noqa: BLE001 - it is raised below
                failed = failed or error
        self.step_started = None
        if failed is not None:
            raise failed

    # -- ends ---------------------------------------------------------------------------------

    def _collect(self) -> None:
        tokens = [token for token, running in self._running.items() if running.started and not running.ended]
        over: list[str] = []
        for token, state in self._engine.poll(tokens).items():
            if state.phase == "ending":
                self._look_at = time.monotonic() + _LOOK
            elif state.phase in ("exited", "lost"):
                self._end(token, state)
                over.append(token)
        if over:
            self._engine.forget(over)

    def _end(self, token: str, state: EngineState) -> None:
        running = self._running[token]
        running.state = state
        running.ended = True
        if state.retryable:
            # The machine had no room for it.
            self._try_again(token)
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
            self._finish(running)

    def _try_again(self, token: str) -> None:
        """Let an attempt that did not start wait for the machine to have room."""
        self._resume = time.monotonic() + _PAUSE
        self._results[token] = None

    def _finish(self, running: Running) -> None:
        """Upload what an attempt has left, in a thread; then record its end."""
        attempt = running.attempt

        def work() -> Callable[[], None]:
            try:
                final = self._ends.finish(running)
            except NotStarted:
                return partial(self._try_again, attempt.token)
            if final is None and self._closing:
                # The next service finds it out.
                return lambda: None
            return partial(self._results.__setitem__, attempt.token, final or STOPPED)

        self._pool.submit(attempt.token, work)

    def _failed_work(self, token: str, error: Exception) -> None:
        # A defect; the instance must end all the same, and give its slot back.
        self._results[token] = Outcome(1, "StartFailed", f"The service failed: {error}")

    def _record(self, db: sqlite3.Connection, now: str, effects: transitions.Effects) -> None:
        """Record how attempts ended."""
        for token, result in self._results.items():
            attempt = self._running[token].attempt
            if not transitions.is_current(db, attempt.key, token):
                # It was stopped, or its job is deleted: nobody waits for its result.
                continue
            if result is None:
                transitions.requeue(db, attempt.key, ran=False)
            else:
                transitions.end(db, attempt.key, result, now, effects)

    def _recorded(self, effects: transitions.Effects) -> None:
        """Do what follows from ends that are on disk now."""
        for token in list(self._results):
            self._workspace.clean(self._running[token].attempt)
            del self._running[token], self._results[token]
        self.apply(effects)

    def _settle_at_end(self) -> None:
        lost: list[Running] = []
        tokens = [token for token, running in self._running.items() if running.started]
        states = self._engine.poll(tokens)
        for token, running in self._running.items():
            if token in self._results:
                continue
            state = running.state or states.get(token)
            known = self._ends.known(running, state) if running.attempt.needs_no_staging else None
            if known is not None:
                self._results[token] = known
            elif not (running.started and self._ends.has_record(running, state)):
                lost.append(running)
        effects = transitions.Effects()
        with self._store.write() as db:
            for running in lost:
                if transitions.is_current(db, running.attempt.key, running.attempt.token):
                    transitions.requeue(db, running.attempt.key, ran=running.started)
            self._record(db, format_time(datetime.now(UTC)), effects)
        self._recorded(effects)
        for running in lost:
            if running.started and running.attempt.isolation == "container":
                self._workspace.end_container(running.attempt)
            self._workspace.clean(running.attempt)
        self._running.clear()

    def _end_overdue(self) -> None:
        late, repeated = overdue(self._running.values(), time.monotonic(), _REPEAT)
        if repeated:
            self._engine.cancel(repeated)
        if late:
            # A later service has to know it, too. It is ended whether that can be written or not.
            with self._store.write() as db:
                for running in late:
                    transitions.mark_late(db, running.attempt.key, running.attempt.token)

    # -- starts -------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Record what has ended, and start what may start: one transaction for both.

        What cannot be recorded, on a full disk, is kept and tried again.
        """
        if may_start := time.monotonic() >= self._resume and self._free > 0:
            self._resume = 0.0
        if not self._results and not may_start:
            return
        now = format_time(datetime.now(UTC))
        effects = transitions.Effects()
        with self._store.write() as db:
            self._record(db, now, effects)
            begun = self._begin(db, now, effects) if may_start else []
        for running in begun:
            self._running[running.attempt.token] = running
        self._recorded(effects)
        for running in begun:
            if running.attempt.needs_no_staging:
                self._launch(running, self._ends.made(running.attempt))
            else:
                self._make_ready(running)

    @property
    def _free(self) -> int:
        return self._slots - len(self._running) + len(self._results)

    def _begin(self, db: sqlite3.Connection, now: str, effects: transitions.Effects) -> list[Running]:
        moment = time.monotonic()
        with self._condition:
            self._held = {job: until for job, until in self._held.items() if until > moment}
            held = frozenset(self._held)
        begun = attempt_starts.begin(
            db, self._workspace.planner, picks := pick(db, self._free, held), now, effects
        )
        self._woken |= len(begun) < len(picks)
        return begun

    def _make_ready(self, running: Running) -> None:
        def work() -> Callable[[], None]:
            return partial(self._launch, running, self._ends.made(running.attempt))

        self._pool.submit(running.attempt.token, work)

    def _launch(self, running: Running, failure: Outcome | NotStarted | None) -> None:
        """Hand an attempt that is ready to the engine."""
        token = running.attempt.token
        if isinstance(failure, NotStarted):
            self._try_again(token)
        elif failure is not None:
            running.ended = True
            self._results[token] = failure
        else:
            running.started = True
            running.deadline = time.monotonic() + running.attempt.timeout
            self._engine.start([running.attempt.process])
            return
        self.wake()

    def _adopt(self) -> None:
        for found in recover(self._store, self._engine, self._workspace):
            running = Running(found.attempt, started=True, timed_out=found.late)
            self._running[found.attempt.token] = running
            if found.runs:
                running.deadline = time.monotonic() + found.time_left
                running.ordered = running.deadline if found.late else NEVER
            else:
                running.ended = True
                self._finish(running)
        self._woken = True
