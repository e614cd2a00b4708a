"""Recording that attempts start."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING

from batchcompute.service import lifecycle
from batchcompute.service.confined import is_transient
from batchcompute.service.ends import Running
from batchcompute.service.faults import Refusal
from batchcompute.service.runtime.command import Outcome

if TYPE_CHECKING:
    from batchcompute.service.picking import Pick
    from batchcompute.service.runtime.attempts import Describer

__all__: list[str] = []

_NODE = "127.0.0.1"

_log = logging.getLogger("batchcompute.service.scheduler")


def begin(
    db: sqlite3.Connection, describer: Describer, picks: Iterable[Pick], now: str, effects: lifecycle.Effects
) -> list[Running]:
    """Record the starts of attempts.

    Args:
        db: The database, in a transaction.
        describer: Tells what attempts are made of.
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
        token = describer.new_token(picked.key)
        try:
            attempt = describer.describe(picked.key, token, picked.worker)
        except (sqlite3.Error, OSError, Refusal):
            raise
        except Exception as error:
            if is_transient(error):
                raise
            _log.exception("instance %s cannot be described", picked.key)
            lifecycle.begin(db, picked.key, token, picked.worker, _NODE, now)
            lost = Outcome(1, "StartFailed", f"The instance cannot be described: {error!r}")
            lifecycle.end(db, picked.key, lost, now, effects)
            continue
        lifecycle.begin(db, picked.key, token, picked.worker, _NODE, now, attempt.way, str(attempt.work.path))
        begun.append(Running(attempt))
    return begun
