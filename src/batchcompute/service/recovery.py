"""Recovery: determines what happened to the attempts that were active when the service last ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from batchcompute.service.active_attempts import ActiveAttempt
from batchcompute.service.clock import SYSTEM_CLOCK, Clock, timestamp
from batchcompute.service.engines.base import Attachment
from batchcompute.service.store import transitions

if TYPE_CHECKING:
    from batchcompute.service.engines.base import Engine
    from batchcompute.service.store.database import Store
    from batchcompute.service.store.rows import ActiveRow
    from batchcompute.service.workspaces.planner import AttemptPlanner

__all__: list[str] = []

_LOST = "The service ended while the attempt ran, and its processes are gone."


def recover(
    store: Store, engine: Engine, planner: AttemptPlanner, clock: Clock = SYSTEM_CLOCK
) -> Sequence[ActiveAttempt]:
    """Return the attempts that the engine still has; requeue the instances of all others.

    Args:
        store: The database.
        engine: The engine that ran them.
        planner: Describes the attempts.
        clock: The source of time.

    Raises:
        OSError: The engine cannot tell the state of the attempts at this moment.
    """
    with store.read() as transaction:
        rows = transaction.instances.active()
    attachments = [_attachment(row, planner) for row in rows]
    handles = engine.attach(attachments)
    now = timestamp(clock)
    recovered: list[ActiveAttempt] = []
    with store.write() as transaction:
        for row, attachment in zip(rows, attachments, strict=True):
            handle = handles.get(row.token)
            if handle is None:
                # The loss is one of the service, and not of the engine.
                history = transitions.history_of(transaction, row.key)
                transitions.requeue(transaction, history, now, _LOST)
                continue
            if handle not in (row.handle, row.token):
                transaction.instances.set_handles([(row.key, row.token, handle)])
            recovered.append(ActiveAttempt(row.key, attachment.spec, handle, row.is_running))
    return recovered


def _attachment(row: ActiveRow, planner: AttemptPlanner) -> Attachment:
    started = datetime.fromisoformat(row.started).timestamp() if row.started else None
    return Attachment(planner.plan(row.key, row.token, row.worker), row.handle, started)
