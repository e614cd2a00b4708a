"""The loop that makes jobs run: collect what has ended, end what is overdue, start what may start.

It sleeps until something happens: a job came, an attempt ended, or a time limit is reached. What takes
long, unpacking a package or bringing outputs away, is done by a thread of its own.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from batchcompute._values import format_time
from batchcompute.service import lifecycle
from batchcompute.service.beside import Beside
from batchcompute.service.engines.base import Engine, EngineState
from batchcompute.service.lifecycle import is_current
from batchcompute.service.picking import pick
from batchcompute.service.recovery import TIMEOUT, recover
from batchcompute.service.runtime.command import Outcome, outcome, read_exit
from batchcompute.service.runtime.prepare import STOPPED

if TYPE_CHECKING:
    from batchcompute.service.runtime.attempts import Attempt
    from batchcompute.service.runtime.prepare import Preparer
    from batchcompute.service.store import Store

__all__: list[str] = []

_SEEN_WAITING = 0.03
"""Seconds for which a new job is not started, so that who asks right after the create sees it wait."""

_PAUSE = 0.5
"""Seconds without starts after the machine had no room for one."""

_LONGEST_WAIT = 86400.0
"""Seconds; a deadline may be further away than a condition can wait."""

_PATIENCE = 10.0
"""Seconds for which the end of the service waits for what its threads are doing."""

_NEVER = float("inf")

_log = logging.getLogger("batchcompute.service.scheduler")


@dataclass(slots=True)
class _Running:
    """An attempt that has begun, from the record of its start to that of its end."""

    attempt: Attempt
    deadline: float = _NEVER
    """When its time is up, on the monotonic clock."""
    started: bool = False
    """Whether the engine has it."""
    timed_out: bool = False
    ended: Outcome | None = None
    """How it ended, once that is known; its outputs are being brought away."""


class Scheduler:
    """Runs the instances of a store on an engine.

    Args:
        store: The database.
        engine: What runs them.
        preparer: Makes each attempt ready to run, and brings away what it leaves.
        slots: How many run at once.
    """

    def __init__(self, store: Store, engine: Engine, preparer: Preparer, slots: int) -> None:
        self._store = store
        self._engine = engine
        self._preparer = preparer
        self._slots = slots
        self._running: dict[str, _Running] = {}
        self._results: dict[str, Outcome | None] = {}
        """How attempts ended, until that is recorded; None for one that is to be made again."""
        self._resume = 0.0
        self._held: dict[int, float] = {}
        """When instances may be started again, on the monotonic clock."""
        self._condition = threading.Condition()
        self._ended = threading.Condition()
        self._woken = False
        self._closing = False
        self._leaving = False
        self._beside = Beside(self.wake, self._failed_beside)
        engine.bind(self.wake)
        self._adopt()
        self._thread = threading.Thread(target=self._run, name="batchcompute-scheduler", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that there may be something to do."""
        with self._condition:
            self._woken = True
            self._condition.notify_all()

    def admit(self, job: int) -> None:
        """Take note of a new job: it is to be seen waiting before it runs (reference, 4.1).

        Args:
            job: Its number.
        """
        with self._condition:
            self._held[job] = time.monotonic() + _SEEN_WAITING

    def cancel(self, effects: lifecycle.Effects) -> None:
        """End the attempts that a committed transaction gave up."""
        if effects.cancel:
            self._engine.cancel(effects.cancel)
            for token in effects.cancel:
                running = self._running.get(token)
                if running is not None:
                    # What is being made ready, or brought away, is not wanted any more.
                    running.attempt.abort.set()
        with self._ended:
            self._ended.notify_all()

    def wait_for(self, is_over: Callable[[], bool]) -> bool:
        """Wait until something is so that only changes when an instance ends or a job is stopped.

        Returns:
            Whether it is; False when the service ends before.
        """
        with self._ended:
            self._ended.wait_for(lambda: self._leaving or is_over())
            return not self._leaving

    def give_up_waits(self) -> None:
        """Let everybody know who waits that the service is about to end."""
        # Not with the lock: it is called by the handler of a signal, in whichever thread has it.
        self._leaving = True
        threading.Thread(target=self._tell_waiters, daemon=True).start()

    def _tell_waiters(self) -> None:
        with self._ended:
            self._ended.notify_all()

    def close(self, leave: bool = False) -> None:
        """Stop the loop and everything that runs; instances that ran wait for the next start.

        Args:
            leave: Whether what runs is left alone, to be adopted by the next start.
        """
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        self.give_up_waits()
        self._thread.join()
        for running in list(self._running.values()):
            # What is not yet brought away is so by the next start, as after a kill.
            running.attempt.abort.set()
        self._beside.join(_PATIENCE)
        self._beside.take_in()
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
            except Exception:  # noqa: BLE001
                # A defect, or a full disk: the loop must outlive it, or no job ever runs again.
                _log.exception("a round of the scheduler failed; the next one comes in a second")
                with self._condition:
                    self._condition.wait_for(lambda: self._closing, timeout=1)
                    self._woken = True

    def _until_next_deadline(self) -> float | None:
        now = time.monotonic()
        deadlines = [running.deadline for running in self._running.values() if not running.timed_out]
        if self._resume > now:
            deadlines.append(self._resume)
        deadlines += self._held.values()
        nearest = min(deadlines, default=_NEVER)
        return None if nearest == _NEVER else min(_LONGEST_WAIT, max(0.0, nearest - now))

    def step(self) -> None:
        """Do one round."""
        self._beside.take_in()
        self._collect()
        self._end_overdue()
        self._advance()

    # -- ends ---------------------------------------------------------------------------------

    def _collect(self) -> None:
        tokens = [
            token for token, running in self._running.items() if running.started and running.ended is None
        ]
        over = {
            token: state
            for token, state in self._engine.poll(tokens).items()
            if state.phase in ("gone", "lost")
        }
        if not over:
            return
        for token, state in over.items():
            running = self._running[token]
            running.ended = self._outcome(running, state)
            if state.again:
                # The machine had no room for it.
                self._resume = time.monotonic() + _PAUSE
                self._results[token] = None
            elif running.attempt.quick:
                self._results[token] = running.ended
            else:
                self._finish(running, running.ended)
        self._engine.forget(over)

    def _outcome(self, running: _Running, state: EngineState) -> Outcome:
        if running.timed_out:
            return TIMEOUT
        if state.phase == "lost":
            return Outcome(126, "StartFailed", f"The program did not run: {state.reason}.")
        start = running.attempt.start
        return outcome(start.exit_file, start.stderr, state.signal)

    def _finish(self, running: _Running, ended: Outcome) -> None:
        """Bring away what an attempt has left, beside the loop; then record its end."""
        attempt = running.attempt
        self._preparer.note_end(attempt, ended)

        def work() -> Callable[[], None]:
            with self._store.read() as db:
                current = is_current(db, attempt.key, attempt.token)
            final = self._preparer.finish(attempt, ended if current else STOPPED)
            return partial(self._finished, attempt, final)

        self._beside.do(attempt.token, work)

    def _failed_beside(self, token: str, error: Exception) -> None:
        # A defect; the instance must end all the same, and give its slot back.
        self._results[token] = Outcome(1, "StartFailed", f"The service failed: {error}")

    def _finished(self, attempt: Attempt, final: Outcome | None) -> None:
        if final is not None or not self._closing:
            self._results[attempt.token] = final or STOPPED

    def _record(self, db: sqlite3.Connection, now: str, effects: lifecycle.Effects) -> None:
        """Record how attempts ended."""
        for token, result in self._results.items():
            attempt = self._running[token].attempt
            if not is_current(db, attempt.key, token):
                # It was stopped, or its job is deleted: nobody waits for its result.
                continue
            if result is None:
                lifecycle.requeue(db, attempt.key, ran=False)
            else:
                lifecycle.end(db, attempt.key, result, now, effects, attempt.keep_at)
                if attempt.key in effects.failed and attempt.keep_at:
                    # Within the transaction: it says that the directory is there.
                    self._preparer.keep(attempt)

    def _recorded(self, effects: lifecycle.Effects) -> None:
        """Do what follows from ends that are on disk now."""
        self.cancel(effects)
        for token in self._results:
            self._preparer.clean(self._running.pop(token).attempt)
        self._results.clear()

    def _settle_at_end(self) -> None:
        lost: list[_Running] = []
        for token, running in self._running.items():
            if token in self._results:
                continue
            attempt = running.attempt
            ended = running.ended
            if ended is None and running.timed_out:
                ended = TIMEOUT
            elif ended is None and running.started and read_exit(attempt.start.exit_file) is not None:
                ended = outcome(attempt.start.exit_file, attempt.start.stderr, 0)
            if ended is None:
                lost.append(running)
            elif attempt.quick:
                self._results[token] = ended
        effects = lifecycle.Effects()
        with self._store.write() as db:
            for running in lost:
                if is_current(db, running.attempt.key, running.attempt.token):
                    lifecycle.requeue(db, running.attempt.key, ran=running.started)
            self._record(db, format_time(datetime.now(UTC)), effects)
        self._recorded(effects)
        for running in lost:
            if running.started and running.attempt.way == "container":
                self._preparer.finish(running.attempt, STOPPED)
            self._preparer.clean(running.attempt)
        self._running.clear()

    def _end_overdue(self) -> None:
        now = time.monotonic()
        overdue = [
            token
            for token, running in self._running.items()
            if running.deadline <= now and not running.timed_out and running.ended is None
        ]
        for token in overdue:
            self._running[token].timed_out = True
            self._preparer.mark_late(self._running[token].attempt)
        if overdue:
            self._engine.cancel(overdue)

    # -- starts -------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Record what has ended, and start what may start: one transaction for both.

        What cannot be recorded, on a full disk, is kept and tried again.
        """
        starts = self._may_start()
        if not self._results and not starts:
            return
        now = format_time(datetime.now(UTC))
        effects = lifecycle.Effects()
        with self._store.write() as db:
            self._record(db, now, effects)
            begun = self._begin(db, now) if starts else []
        self._recorded(effects)
        for running in begun:
            self._running[running.attempt.token] = running
            if not running.attempt.quick:
                self._make_ready(running)
        for running in begun:
            if running.attempt.quick:
                self._launch(running, self._preparer.make(running.attempt))

    def _may_start(self) -> bool:
        return time.monotonic() >= self._resume and self._free > 0

    @property
    def _free(self) -> int:
        return self._slots - len(self._running) + len(self._results)

    def _begin(self, db: sqlite3.Connection, now: str) -> list[_Running]:
        """Choose what starts, and record that it does."""
        moment = time.monotonic()
        with self._condition:
            self._held = {job: until for job, until in self._held.items() if until > moment}
            held = frozenset(self._held)
        describer = self._preparer.describer
        begun: list[_Running] = []
        for picked in pick(db, self._free, held):
            token = describer.new_token(picked.key)
            attempt = describer.describe(picked.key, token, picked.worker)
            lifecycle.begin(db, picked.key, token, picked.worker, "127.0.0.1", now, attempt.way)
            begun.append(_Running(attempt))
        return begun

    def _make_ready(self, running: _Running) -> None:
        def work() -> Callable[[], None]:
            failure = self._preparer.make(running.attempt)
            return lambda: self._launch(running, failure)

        self._beside.do(running.attempt.token, work)

    def _launch(self, running: _Running, failure: Outcome | None) -> None:
        """Hand an attempt that is ready to the engine."""
        if failure is not None:
            running.ended = failure
            self._results[running.attempt.token] = failure
            self.wake()
            return
        running.started = True
        running.deadline = time.monotonic() + running.attempt.timeout
        self._engine.start([running.attempt.start])

    def _adopt(self) -> None:
        """Take over what an earlier service left."""
        for found in recover(self._store, self._engine, self._preparer):
            running = _Running(found.attempt, started=True)
            self._running[found.attempt.token] = running
            if found.ended is None:
                running.deadline = time.monotonic() + found.time_left
                continue
            running.ended = found.ended
            if found.attempt.quick:
                self._results[found.attempt.token] = found.ended
            else:
                self._finish(running, found.ended)
        self._woken = True
