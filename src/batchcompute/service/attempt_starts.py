"""Recording that attempts start."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING

from batchcompute.runner.os_errors import is_transient
from batchcompute.runner.shim import Outcome
from batchcompute.runner.spec import STORED_ISOLATION
from batchcompute.service.attempt_ends import Running
from batchcompute.service.errors import ApiError
from batchcompute.service.store import transitions

if TYPE_CHECKING:
    from batchcompute.service.domain.selection import Pick
    from batchcompute.service.workspaces.planner import AttemptPlanner

__all__: list[str] = []

_NODE = "127.0.0.1"

_log = logging.getLogger("batchcompute.service.dispatcher")


def begin(
    db: sqlite3.Connection,
    planner: AttemptPlanner,
    picks: Iterable[Pick],
    now: str,
    effects: transitions.Effects,
) -> list[Running]:
    """Record the starts of attempts.

    Args:
        db: The database, in a transaction.
        planner: Tells what attempts are made of.
        picks: The instances that start, and the machines that they get.
        now: The time.
        effects: Takes what is to be done once the transaction is committed.

    Returns:
        The attempts.

    Raises:
        OSError: The machine cannot tell at this moment what one of them is made of.
    """
    begun: list[Running] = []
    for picked in picks:
        token = planner.new_token(picked.key)
        try:
            attempt = planner.plan(picked.key, token, picked.worker)
        except (sqlite3.Error, OSError, ApiError):
            raise
        except Exception as error:
            if is_transient(error):
                raise
            _log.exception("instance %s cannot be described", picked.key)
            transitions.begin(db, picked.key, token, picked.worker, _NODE, now)
            lost = Outcome(1, "StartFailed", f"The instance cannot be described: {error!r}")
            transitions.end(db, picked.key, lost, now, effects)
            continue
        transitions.begin(
            db,
            picked.key,
            token,
            picked.worker,
            _NODE,
            now,
            STORED_ISOLATION[attempt.isolation],
            str(attempt.work.path),
        )
        begun.append(Running(attempt))
    return begun
