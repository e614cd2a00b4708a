"""A service without threads on the simulated engine and a virtual clock, for random schedules."""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from batchcompute.service.clock import timestamp
from batchcompute.service.dispatcher import Dispatcher
from batchcompute.service.domain.states import MAX_LOSSES, STATES
from batchcompute.service.engines.base import Exited, Lost, Rejected
from batchcompute.service.engines.simulated import Script, SimulatedEngine
from batchcompute.service.objects.ownership import Buckets
from batchcompute.service.resolved_settings import ResolvedSettings
from batchcompute.service.simulated_clock import SimulatedClock
from batchcompute.service.store import large_jobs, transitions
from batchcompute.service.store.database import Store
from batchcompute.service.store.rows import NewJob, NewTask
from batchcompute.service.workspaces.planner import AttemptPlanner

SLOTS = 4
TIMEOUT = 7200
TASKS: Mapping[str, Callable[[Script], Script]] = {
    "quick": lambda script: script.task("quick").succeeds(after=1),
    "slow": lambda script: script.task("slow").succeeds(after=3000),
    "endless": lambda script: script.task("endless").hangs(),
    "flaky": lambda script: script.task("flaky").fails(2, code=3, after=2).then_succeeds(after=1),
    "broken": lambda script: script.task("broken").fails(code=7),
    "killed": lambda script: script.task("killed").killed(1, signal=9).then_succeeds(),
    "queued": lambda script: script.task("queued").pending(3600, "Resources").succeeds(after=10),
    "lost": lambda script: script.task("lost").lost(3, after=1).then_succeeds(),
    "vanishing": lambda script: script.task("vanishing").lost(100, after=1),
    "refused": lambda script: script.task("refused").rejected("too large"),
    "crowded": lambda script: (
        script.task("crowded").rejected("no room", retryable=True, times=2).then_succeeds()
    ),
    "deaf": lambda script: script.task("deaf").hangs().ignores_cancel(2),
    "hidden": lambda script: script.task("hidden").unknown(60).succeeds(after=5),
    "unanswered": lambda script: script.task("unanswered").submit_raises(2, accepted=True).succeeds(after=4),
    "nonsense": lambda script: script.task("nonsense").submit_answers_nonsense(2).succeeds(after=4),
}
"""The tasks by name, with what the engine does to their attempts."""


def script() -> Script:
    made = Script(1).node("n1", 2).node("n2", 3)
    for rule in TASKS.values():
        made = rule(made)
    return made


class World:
    """A database, an engine, and one service after another.

    Args:
        store: The database.
    """

    def __init__(self, store: Store, clock: SimulatedClock) -> None:
        self.store, self.clock = store, clock
        self.engine = SimulatedEngine(clock, script(), cancel_seconds=0.3)
        self.planner = AttemptPlanner(
            store, "file:///", ResolvedSettings(), Buckets(store, lambda _: True, clock), lambda: {"local"}
        )
        self.jobs: list[int] = []
        self.ends: dict[tuple[int, int, int], str] = {}
        self.start()

    # -- actions ------------------------------------------------------------------------------

    def start(self) -> None:
        self.dispatcher = Dispatcher(self.store, self.engine, self.planner, SLOTS, self.clock)
        self.dispatcher.prepare()

    def create(self, tasks: Sequence[tuple[str, int, int, bool]], chained: bool, fail_fast: bool) -> None:
        """Create a job: name, number of instances and of retries of each task; one after the other, or at once."""
        rows = tuple(
            NewTask(
                name, "", retries, TIMEOUT, count, int(chained and position > 0),
                (position + 1,) if chained and position + 1 < len(tasks) else (),
                {"Parameters": {"Command": {"CommandLine": "true"}}},
            )
            for position, (name, count, retries, _) in enumerate(tasks)
        )  # fmt: skip
        now = timestamp(self.clock)
        new = NewJob("local", "job", 1, fail_fast, False, {"Name": "job"}, None, "", now, rows)
        with self.store.write() as transaction:
            seq, _ = transaction.jobs.insert(new, "job-")
            for part in large_jobs.ranges(transaction.tasks.sizes(seq)):
                transaction.jobs.insert_instances(seq, part)
            transaction.jobs.show(seq)
        self.jobs.append(seq)

    def step(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            self.dispatcher.step()
            self.check()

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.step()

    def stop(self, index: int) -> None:
        for seq in self._in_state(index, "Waiting", "Running"):
            with self.store.write() as transaction:
                transitions.stop_job(transaction, seq, timestamp(self.clock))
            self.dispatcher.apply(transaction.effects)

    def restart_job(self, index: int) -> None:
        for seq in self._in_state(index, "Stopped", "Failed"):
            large_jobs.reset(self.store, seq)
            with self.store.write() as transaction:
                transitions.start_job(transaction, seq)
            self.ends = {
                key: state for key, state in self.ends.items() if key[0] != seq or state == "Finished"
            }

    def delete(self, index: int) -> None:
        for seq in self._in_state(index, "Stopped", "Failed", "Finished"):
            with self.store.write() as transaction:
                transitions.remove_job(transaction, seq)
            self.dispatcher.apply(transaction.effects)
            self.jobs.remove(seq)
            self.ends = {key: state for key, state in self.ends.items() if key[0] != seq}

    def restart(self, how: str) -> None:
        """End the service in an orderly way, with attempts that run on, or as by ``kill -9``; and start the next one."""
        if how == "killed":
            self.dispatcher._cleaner.close()
        else:
            self.dispatcher.close(leave_running=how == "detached")
        self.start()
        self.check()

    def lose(self, node: str) -> None:
        self.engine.lose_node(node)

    def back(self, node: str) -> None:
        self.engine.return_node(node)

    @contextmanager
    def _outage(self) -> Generator[None]:
        logging.disable(logging.CRITICAL)
        try:
            with self.engine.outage():
                yield
        finally:
            logging.disable(logging.NOTSET)

    def outage(self, rounds: int) -> None:
        """Let the engine give no answer for some rounds: nothing may change but the jobs with a result that was known before."""
        known = {active.key[0] for active in self.dispatcher._active if active.result is not None}
        before = {key: state for key, state in self._states().items() if key[0] not in known}
        with self._outage():
            for _ in range(rounds):
                self.clock.advance(0.2)
                self.step()
        after = self._states()
        assert all(after[key] in (state, "Submitted") for key, state in before.items() if state != "Running")
        assert all(after[key] == "Running" for key, state in before.items() if state == "Running")

    def finish(self) -> None:
        """Run until nothing can happen any more."""
        for node in ("n1", "n2"):
            self.engine.return_node(node)
        for _ in range(5_000):
            self.step()
            pause = self.dispatcher.seconds_until_due()
            if pause is None and not self.dispatcher._woken:
                break
            self.dispatcher._woken = False
            self.clock.advance(pause or 0)
        for seq in self.jobs:
            state = self._rows("SELECT state FROM jobs WHERE seq = ?", seq)[0][0]
            assert state in ("Finished", "Failed", "Stopped"), (seq, state)
        assert not len(self.dispatcher._active)
        assert [self.engine.running_on(node) for node in ("n1", "n2")] == [0, 0], (
            "a slot of the engine has leaked"
        )
        assert self.dispatcher._free == SLOTS, "a slot of the service has leaked"
        assert all(isinstance(status, (Exited, Lost, Rejected)) for status in self.engine.statuses().values())

    def close(self) -> None:
        self.dispatcher._cleaner.close()
        with self.store.write() as transaction:
            for seq in self.jobs:
                transaction.jobs.delete(seq)

    # -- invariants ---------------------------------------------------------------------------

    def check(self) -> None:
        self._check_counters()
        active = {active.spec.token for active in self.dispatcher._active}
        rows = self._rows("SELECT token FROM instances WHERE state IN ('Submitted', 'Running')")
        missing = {row[0] for row in rows} - active
        assert not missing, "an attempt without an owner"
        assert self.dispatcher._active.unfinished <= SLOTS
        self._check_attempts()

    def _check_counters(self) -> None:
        for seq in self.jobs:
            for position, task_state, *counts in self._rows(
                "SELECT position, state, Waiting, Submitted, Running, Finished, Failed, Stopped FROM tasks WHERE job = ?",
                seq,
            ):
                rows = Counter(
                    row[0]
                    for row in self._rows(
                        "SELECT state FROM instances WHERE job = ? AND task = ?", seq, position
                    )
                )
                shown = dict(zip(("Waiting", "Submitted", *STATES[1:]), counts, strict=True))
                assert shown == {state: rows[state] for state in shown}, (seq, position, task_state)

    def _check_attempts(self) -> None:
        """Each attempt of each instance is on record, and an instance that has ended does not end again."""
        columns = "job, task, number, state, attempt, retries, losses, lost, token"
        for job, task, number, state, attempt, retries, losses, lost, token in self._rows(
            f"SELECT {columns} FROM instances"
        ):
            key = (job, task, number)
            numbers = [
                row[0]
                for row in self._rows(
                    "SELECT attempt FROM attempts WHERE job = ? AND task = ? AND number = ? ORDER BY attempt",
                    *key,
                )
            ]
            last = attempt if state in ("Submitted", "Running", "Finished", "Failed", "Stopped") else 0
            assert sorted({*numbers, *([last] if last else [])}) == list(range(1, attempt + 1)), (
                key,
                numbers,
                state,
            )
            assert lost <= losses
            assert lost < MAX_LOSSES or state == "Failed"
            assert retries + losses <= attempt
            assert token or not attempt
            if key in self.ends:
                assert self.ends[key] == state, f"{key} had ended as {self.ends[key]}"
            elif state in ("Finished", "Failed", "Stopped"):
                self.ends[key] = state

    # -- rows ---------------------------------------------------------------------------------

    def _rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.store._db.execute(statement, values)]

    def _states(self) -> dict[tuple[int, int, int], str]:
        return {row[:3]: row[3] for row in self._rows("SELECT job, task, number, state FROM instances")}

    def _in_state(self, index: int, *states: str) -> list[int]:
        chosen = self.jobs[index % len(self.jobs) :][:1] if self.jobs else []
        return [
            seq for seq in chosen if self._rows("SELECT state FROM jobs WHERE seq = ?", seq)[0][0] in states
        ]


class Worlds:
    """Worlds that share a database, because making one takes longer than a schedule."""

    def __init__(self, folder: Path) -> None:
        self._clock = SimulatedClock()
        self._store = Store(folder / "schedules.db")
        self.count = itertools.count(1)

    @contextmanager
    def new(self) -> Generator[World]:
        next(self.count)
        with closing(World(self._store, self._clock)) as world:
            yield world

    def close(self) -> None:
        self._store.close()
