"""Plans the attempts of selected instances, and records their starts in the database."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING

from batchcompute.runner.os_errors import is_transient
from batchcompute.runner.outcome import Outcome
from batchcompute.service.attempt_ends import Running
from batchcompute.service.errors import ApiError
from batchcompute.service.store import transitions

if TYPE_CHECKING:
    from batchcompute.service.domain.selection import Selected
    from batchcompute.service.store.database import Transaction
    from batchcompute.service.workspaces.planner import AttemptPlanner

__all__: list[str] = []

_NODE = "127.0.0.1"

_log = logging.getLogger("batchcompute.service.dispatcher")


def begin(
    transaction: Transaction, planner: AttemptPlanner, selection: Iterable[Selected], now: str
) -> list[Running]:
    """Plan attempts, and record their starts.

    Args:
        transaction: The transaction.
        planner: Plans the attempts.
        selection: The instances that start, and their machines.
        now: The time.

    Returns:
        The attempts. An instance that cannot be planned because of a defect ends with ``StartFailed``.

    Raises:
        OSError: An attempt cannot be planned at this moment.
    """
    begun: list[Running] = []
    for selected in selection:
        token = planner.new_token(selected.key)
        try:
            attempt = planner.plan(selected.key, token, selected.worker)
        except (sqlite3.Error, OSError, ApiError):
            raise
        except Exception as error:
            if is_transient(error):
                raise
            _log.exception("the attempt of instance %s cannot be planned", selected.key)
            transitions.begin(transaction, selected.key, token, selected.worker, _NODE, now)
            failure = Outcome(1, "StartFailed", f"The attempt cannot be planned: {error!r}")
            transitions.end(transaction, selected.key, failure, now)
            continue
        transitions.begin(
            transaction,
            selected.key,
            token,
            selected.worker,
            _NODE,
            now,
            attempt.isolation,
            str(attempt.work.path),
        )
        begun.append(Running(attempt))
    return begun
