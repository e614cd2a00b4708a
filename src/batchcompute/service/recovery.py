"""Recovery: determines what happened to the attempts that ran when the service last ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchcompute.runner.outcome import Outcome
from batchcompute.service.clock import SYSTEM_CLOCK, Clock, timestamp
from batchcompute.service.domain.states import Key
from batchcompute.service.store import transitions

if TYPE_CHECKING:
    from batchcompute.service.engines.base import Engine
    from batchcompute.service.store.database import Store
    from batchcompute.service.workspaces.attempt import Attempt
    from batchcompute.service.workspaces.local import LocalWorkspace

__all__: list[str] = []

TIMEOUT = Outcome(137, "Timeout", "The program ran longer than its Timeout allows.")
"""The outcome of an attempt that exceeded its time limit."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """An attempt that an earlier service started and that still runs, or has ended meanwhile."""

    attempt: Attempt
    """The attempt."""
    is_running: bool
    """Whether it still runs."""
    timed_out: bool = False
    """Whether it exceeded its time limit."""
    time_left: float = 0.0
    """Seconds that it may still run."""


def recover(
    store: Store, engine: Engine, workspace: LocalWorkspace, clock: Clock = SYSTEM_CLOCK
) -> list[Recovered]:
    """Return the attempts that still run or have ended; requeue the instances of lost attempts.

    Args:
        store: The database.
        engine: The engine that ran them.
        workspace: The files of attempts.
        clock: The source of time.

    Raises:
        OSError: The machine cannot report the state of an attempt at this moment.
    """
    with store.read() as transaction:
        rows = transaction.instances.running()
    started = {row.token: row.started for row in rows}
    timed_out = {row.token for row in rows if row.late}
    attempts: dict[str, Attempt] = {}
    gone: list[Key] = []
    for row in rows:
        try:
            attempts[row.token] = workspace.planner.plan(
                row.key, row.token, row.worker, row.isolation, row.work
            )
        except (FileNotFoundError, NotADirectoryError):
            # The directory of the attempt is gone, for example because it was in memory. Its results are lost.
            gone.append(row.key)
    # An exit file is conclusive, even if the program has left other processes running.
    ended = {token for token, attempt in attempts.items() if workspace.has_ended(attempt)}
    handles = engine.reconcile(
        [token for token in attempts if token not in ended], workspace.planner.token_prefix
    )
    recovered: list[Recovered] = []
    lost: list[Attempt] = []
    for token, attempt in attempts.items():
        late = token in timed_out
        if handles.get(token) is not None:
            time_left = 0.0 if late else workspace.time_left(attempt, started[token])
            recovered.append(Recovered(attempt, True, late, time_left))
        elif late or token in ended or workspace.has_ended(attempt):
            recovered.append(Recovered(attempt, False, late))
        else:
            lost.append(attempt)
    now = timestamp(clock)
    with store.write() as transaction:
        for key in gone:
            transitions.requeue(transaction, key, now, "The directory of the attempt is gone.")
        for attempt in lost:
            reason = "The service ended while the attempt ran, and its processes are gone."
            transitions.requeue(transaction, attempt.key, now, reason)
    for attempt in lost:
        if attempt.isolation == "container":
            # A container keeps running after the command that started it has ended.
            workspace.end_container(attempt)
        workspace.clean(attempt)
    workspace.clean_all_but({each.attempt.token for each in recovered})
    with store.read() as transaction:
        job_ids = transaction.jobs.ids()
    workspace.kept.remove_all_but(job_ids)
    return recovered
