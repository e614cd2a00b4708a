"""The loop that makes jobs run: collect what has ended, end what is overdue, start what may start.

It sleeps until something happens: a job came, an attempt ended, or a time limit is reached.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from batchcompute._values import format_time
from batchcompute.service import lifecycle
from batchcompute.service.engines.base import Engine, EngineState
from batchcompute.service.lifecycle import Key
from batchcompute.service.runtime.command import Outcome, outcome, read_exit

if TYPE_CHECKING:
    from batchcompute.service.runtime.prepare import Preparer
    from batchcompute.service.store import Store

__all__: list[str] = []

_SEEN_WAITING = 0.03
"""Seconds for which a new job is not started, so that who asks right after the create sees it wait."""

_PAUSE = 0.5
"""Seconds without starts after the machine had no room for one."""

_LONGEST_WAIT = 86400.0
"""Seconds; a deadline may be further away than a condition can wait."""

_log = logging.getLogger("batchcompute.service.scheduler")


# The joins are in the order in which the indices give the rows, so nothing is sorted, and no more rows
# are read than are taken: with 100,000 instances waiting, too.
_PICK = """
SELECT i.job, i.task, i.number
FROM jobs j INDEXED BY jobs_active
CROSS JOIN tasks t ON t.job = j.seq
CROSS JOIN instances i INDEXED BY instances_waiting ON i.job = t.job AND i.task = t.position
WHERE j.state IN ('Waiting', 'Running') AND t.blockers = 0 AND t.Waiting > 0 AND i.state = 'Waiting'
ORDER BY j.priority DESC, j.seq, t.position, i.number
LIMIT ?
"""


@dataclass(slots=True)
class _Running:
    """An attempt that the engine has."""

    key: Key
    stderr: Path
    exit_file: Path
    deadline: float
    """When its time is up, on the monotonic clock."""
    directory: Path
    timed_out: bool = False


def pick(db: sqlite3.Connection, free: int) -> list[Key]:
    """Choose the instances that start now: higher priority first, then older jobs.

    Args:
        db: The database, read only.
        free: How many may start.
    """
    if free <= 0:
        return []
    rows = db.execute(_PICK, (free,))
    return [(row[0], row[1], row[2]) for row in rows]


class Scheduler:
    """Runs the instances of a store on an engine.

    Args:
        store: The database.
        engine: What runs them.
        preparer: Makes each attempt ready to run.
        slots: How many run at once.
    """

    def __init__(self, store: Store, engine: Engine, preparer: Preparer, slots: int) -> None:
        self._store = store
        self._engine = engine
        self._preparer = preparer
        self._slots = slots
        self._running: dict[str, _Running] = {}
        self._resume = 0.0
        self._held: dict[int, float] = {}
        """When instances may be started again, on the monotonic clock."""
        self._condition = threading.Condition()
        self._woken = False
        self._closing = False
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

    def close(self, leave: bool = False) -> None:
        """Stop the loop and everything that runs; instances that ran wait for the next start.

        Args:
            leave: Whether what runs is left alone, to be adopted by the next start.
        """
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        self._thread.join()
        self._engine.close(leave)
        if leave:
            # What has ended since is found by the next start, too, by its exit file.
            return
        # By now all have ended; those that did so by themselves have their exit code on file.
        self._collect(self._engine.poll(list(self._running)), closing=True)

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
        return min(_LONGEST_WAIT, max(0.0, min(deadlines) - now)) if deadlines else None

    def step(self) -> None:
        """Do one round."""
        self._collect(self._engine.poll(list(self._running)), closing=False)
        self._end_overdue()
        self._start()

    def _collect(self, states: Mapping[str, EngineState], closing: bool) -> None:
        over = {token: state for token, state in states.items() if state.phase in ("gone", "lost")}
        if not over:
            return
        now = format_time(datetime.now(UTC))
        effects = lifecycle.Effects()
        with self._store.write() as db:
            for token, state in over.items():
                running = self._running[token]
                if not _is_current(db, running.key, token):
                    # It was stopped, or its job is deleted: nobody waits for its result.
                    continue
                if state.again:
                    lifecycle.requeue(db, running.key, ran=False)
                    self._resume = time.monotonic() + _PAUSE
                    continue
                if closing and read_exit(running.exit_file) is None:
                    lifecycle.requeue(db, running.key)
                    continue
                effects.cancel += lifecycle.end(db, running.key, self._outcome(running, state), now).cancel
        if not closing:
            self.cancel(effects)
        self._engine.forget(over)
        for token in over:
            self._preparer.clean(self._running.pop(token).directory)

    def _outcome(self, running: _Running, state: EngineState) -> Outcome:
        if running.timed_out:
            return Outcome(137, "Timeout", "The program ran longer than its Timeout allows.")
        if state.phase == "lost":
            return Outcome(126, "StartFailed", f"The program did not run: {state.reason}.")
        return outcome(running.exit_file, running.stderr, state.signal)

    def _end_overdue(self) -> None:
        now = time.monotonic()
        overdue = [
            token
            for token, running in self._running.items()
            if running.deadline <= now and not running.timed_out
        ]
        for token in overdue:
            self._running[token].timed_out = True
        if overdue:
            self._engine.cancel(overdue)

    def _start(self) -> None:
        """Start what may start, each attempt right after its start is recorded."""
        if time.monotonic() < self._resume:
            return
        with self._store.read() as db:
            keys = pick(db, self._slots - len(self._running))
        # After the look: a job that can be seen was admitted before.
        moment = time.monotonic()
        with self._condition:
            self._held = {job: until for job, until in self._held.items() if until > moment}
            held = frozenset(self._held)
        for key in keys:
            if key[0] in held:
                # Those behind it wait with it, for as long as nobody would notice.
                continue
            try:
                prepared = self._preparer.prepare(key)
            except LookupError:
                # Stopped and deleted since it was chosen.
                continue
            start = prepared.start
            now = format_time(datetime.now(UTC))
            effects = lifecycle.Effects()
            with self._store.write() as db:
                waits = _still_waits(db, key)
                if waits:
                    lifecycle.begin(db, key, prepared.token, "127.0.0.1", now)
                if waits and prepared.failure is not None:
                    effects = lifecycle.end(db, key, prepared.failure, now)
            self.cancel(effects)
            if not waits or prepared.failure is not None:
                self._preparer.clean(start.directory)
                self.wake()
                continue
            self._running[prepared.token] = _Running(
                key, start.stderr, start.exit_file, time.monotonic() + prepared.timeout, start.directory
            )
            self._engine.start([start])

    def _adopt(self) -> None:
        """Find out what became of the instances that ran when the service last ended."""
        with self._store.read() as db:
            rows = db.execute("SELECT * FROM instances WHERE state = 'Running'").fetchall()
        known = {
            row["token"]: (
                row,
                self._preparer.describe((row["job"], row["task"], row["number"]), row["token"]),
            )
            for row in rows
        }
        # An exit file has the last word, whatever the program may have left running.
        alive = [token for token, (_, start) in known.items() if read_exit(start.exit_file) is None]
        handles = self._engine.reconcile(alive, self._preparer.family)
        now = format_time(datetime.now(UTC))
        for token, (row, start) in known.items():
            key = (row["job"], row["task"], row["number"])
            if handles.get(token) is not None:
                left = self._preparer.time_left(key, row["started"])
                self._running[token] = _Running(
                    key, start.stderr, start.exit_file, time.monotonic() + left, start.directory
                )
                continue
            effects = lifecycle.Effects()
            with self._store.write() as db:
                if not _is_current(db, key, token):
                    # Its job has failed by another one's result, just now.
                    continue
                if read_exit(start.exit_file) is None:
                    lifecycle.requeue(db, key)
                else:
                    effects = lifecycle.end(db, key, outcome(start.exit_file, start.stderr, 0), now)
            # A job that fails now may have other instances that are still running.
            self.cancel(effects)
        self._preparer.clean_all_but(self._running)
        self._woken = True


def _is_current(db: sqlite3.Connection, key: Key, token: str) -> bool:
    row = db.execute(
        "SELECT 1 FROM instances WHERE job = ? AND task = ? AND number = ? AND state = 'Running' AND token = ?",
        (*key, token),
    ).fetchone()
    return row is not None


def _still_waits(db: sqlite3.Connection, key: Key) -> bool:
    row = db.execute(
        "SELECT 1 FROM instances WHERE job = ? AND task = ? AND number = ? AND state = 'Waiting'", key
    ).fetchone()
    return row is not None
