"""What became of the instances that ran when the service last ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchcompute.service import lifecycle
from batchcompute.service.runtime.command import Outcome, outcome, read_exit
from batchcompute.service.runtime.prepare import STOPPED

if TYPE_CHECKING:
    from batchcompute.service.engines.base import Engine
    from batchcompute.service.runtime.attempts import Attempt
    from batchcompute.service.runtime.prepare import Preparer
    from batchcompute.service.store import Store

__all__: list[str] = []

TIMEOUT = Outcome(137, "Timeout", "The program ran longer than its Timeout allows.")
"""How an attempt ended whose time was up."""


@dataclass(frozen=True, slots=True)
class Found:
    """An attempt of an earlier service that still runs, or that has ended since."""

    attempt: Attempt
    """The attempt."""
    time_left: float = 0.0
    """Seconds that it may still take."""
    ended: Outcome | None = None
    """How it ended; None while it runs."""


def recover(store: Store, engine: Engine, preparer: Preparer) -> list[Found]:
    """Find what still runs and what has ended; what is lost waits to run again.

    Args:
        store: The database.
        engine: What ran it.
        preparer: Tells what attempts are made of.
    """
    with store.read() as db:
        rows = db.execute("SELECT * FROM instances WHERE state = 'Running'").fetchall()
    started: dict[str, str] = {row["token"]: row["started"] for row in rows}
    attempts = {
        row["token"]: preparer.describer.describe(
            (row["job"], row["task"], row["number"]), row["token"], row["worker"], row["way"]
        )
        for row in rows
    }
    # An exit file has the last word, whatever the program may have left running.
    alive = [token for token, attempt in attempts.items() if read_exit(attempt.start.exit_file) is None]
    handles = engine.reconcile(alive, preparer.describer.family)
    found: list[Found] = []
    lost: list[Attempt] = []
    for token, attempt in attempts.items():
        start = attempt.start
        late = preparer.was_late(attempt)
        if handles.get(token) is not None:
            found.append(Found(attempt, 0.0 if late else preparer.time_left(attempt, started[token])))
        elif late:
            found.append(Found(attempt, ended=TIMEOUT))
        elif read_exit(start.exit_file) is not None:
            found.append(Found(attempt, ended=outcome(start.exit_file, start.stderr, 0)))
        else:
            lost.append(attempt)
    with store.write() as db:
        for attempt in lost:
            lifecycle.requeue(db, attempt.key)
    for attempt in lost:
        if attempt.way == "container":
            # It goes on without the command that started it.
            preparer.finish(attempt, STOPPED)
    preparer.clean_all_but({known.attempt.token for known in found})
    return found
