"""What became of the instances that ran when the service last ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchcompute.runner.shim import Outcome
from batchcompute.runner.spec import load_isolation
from batchcompute.service.store import transitions

if TYPE_CHECKING:
    from batchcompute.service.engines.base import Engine
    from batchcompute.service.store.database import Store
    from batchcompute.service.workspaces.attempt import Attempt
    from batchcompute.service.workspaces.local import LocalWorkspace

__all__: list[str] = []

TIMEOUT = Outcome(137, "Timeout", "The program ran longer than its Timeout allows.")
"""How an attempt ended whose time was up."""


@dataclass(frozen=True, slots=True)
class Found:
    """An attempt of an earlier service that still runs, or that has ended since."""

    attempt: Attempt
    """The attempt."""
    runs: bool
    """Whether it still runs."""
    late: bool = False
    """Whether its time was up."""
    time_left: float = 0.0
    """Seconds that it may still take."""


def recover(store: Store, engine: Engine, workspace: LocalWorkspace) -> list[Found]:
    """Find what still runs and what has ended; what is lost waits to run again.

    Args:
        store: The database.
        engine: What ran it.
        workspace: Tells what attempts are made of.

    Raises:
        OSError: The machine cannot tell at this moment what became of an attempt.
    """
    with store.read() as db:
        rows = db.execute("SELECT * FROM instances WHERE state = 'Running'").fetchall()
    started: dict[str, str] = {row["token"]: row["started"] for row in rows}
    late: set[str] = {row["token"] for row in rows if row["late"]}
    attempts: dict[str, Attempt] = {}
    gone: list[transitions.Key] = []
    for row in rows:
        key = (row["job"], row["task"], row["number"])
        try:
            attempts[row["token"]] = workspace.planner.plan(
                key, row["token"], row["worker"], load_isolation(row["way"]), row["work"]
            )
        except (FileNotFoundError, NotADirectoryError):
            # The directory that it worked in is gone, in memory for example: so is all that it did.
            gone.append(key)
    # An exit file has the last word, whatever the program may have left running.
    ended = {token for token, attempt in attempts.items() if workspace.has_ended(attempt)}
    handles = engine.reconcile(
        [token for token in attempts if token not in ended], workspace.planner.token_prefix
    )
    found: list[Found] = []
    lost: list[Attempt] = []
    for token, attempt in attempts.items():
        if handles.get(token) is not None:
            time_left = 0.0 if token in late else workspace.time_left(attempt, started[token])
            found.append(Found(attempt, True, token in late, time_left))
        elif token in late or token in ended or workspace.has_ended(attempt):
            found.append(Found(attempt, False, token in late))
        else:
            lost.append(attempt)
    with store.write() as db:
        for key in [*gone, *(attempt.key for attempt in lost)]:
            transitions.requeue(db, key)
    for attempt in lost:
        if attempt.isolation == "container":
            # It goes on without the command that started it.
            workspace.end_container(attempt)
        workspace.clean(attempt)
    workspace.clean_all_but({known.attempt.token for known in found})
    with store.read() as db:
        workspace.clean_kept({row["id"] for row in db.execute("SELECT id FROM jobs WHERE NOT hidden")})
    return found
