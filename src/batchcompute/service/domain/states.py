"""The states of jobs, tasks and instances (REST API, 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal, TypeAlias

__all__: list[str] = []

Key: TypeAlias = tuple[int, int, int]
"""Identifies an instance: the row number of its job, the position of its task, and its number."""

State: TypeAlias = Literal["Waiting", "Running", "Finished", "Failed", "Stopped"]

ActiveState: TypeAlias = Literal["Submitted", "Running"]
"""The stored state of an instance whose attempt has no recorded end. ``Submitted``: it waits in its engine."""

StoredState: TypeAlias = State | Literal["Submitted"]
"""The stored state of an instance; the API shows ``Submitted`` as ``Waiting``."""

MAX_LOSSES: Final = 10
"""Attempts in a row that an engine may lose, before the instance fails."""

STATES: Final[tuple[State, ...]] = ("Waiting", "Running", "Finished", "Failed", "Stopped")
"""Every state, in the order in which metrics list them."""

ENDED: Final = frozenset({"Finished", "Failed", "Stopped"})
"""Final states: only a request of a client changes them."""

ALLOWED: Final[Mapping[str, frozenset[str]]] = {
    "stop": frozenset({"Waiting", "Running"}),
    "start": frozenset({"Stopped", "Failed"}),
    # The vendor's API page allows only Stopped; its Java page also allows Failed.
    "priority": frozenset({"Stopped", "Failed"}),
    "delete": ENDED,
}
"""The states of a job in which each action is allowed (REST API, 4.1)."""


def task_state(counts: Mapping[State, int], fail_fast: bool) -> State:
    """Return the state of a task, given its instances.

    Args:
        counts: The number of instances in each state.
        fail_fast: ``JobFailOnInstanceFail``; without it, a task whose instances have all ended is
            finished even if some of them failed (REST API, 4.2).
    """
    if counts["Running"]:
        return "Running"
    if counts["Failed"] and fail_fast:
        return "Failed"
    if counts["Waiting"]:
        started = counts["Finished"] or counts["Failed"]
        return "Running" if started else "Waiting"
    if counts["Stopped"]:
        return "Stopped"
    return "Finished"


def next_of_failed(retries: int, max_retries: int) -> State:
    """Return the next state of an instance whose attempt has failed."""
    return "Waiting" if retries < max_retries else "Failed"


def next_of_lost(lost: int, max_losses: int = MAX_LOSSES) -> State:
    """Return the next state of an instance whose engine has lost an attempt.

    Args:
        lost: The number of attempts in a row that it lost before.
        max_losses: The number of lost attempts in a row with which the instance fails.
    """
    return "Waiting" if lost + 1 < max_losses else "Failed"


@lru_cache(maxsize=1024)
def owner_number(owner: str) -> int:
    """Return the ``OwnerId`` of an owner: a number, because the old SDK refuses texts there."""
    return int(hashlib.sha256(owner.encode("utf-8")).hexdigest()[:8], 16) % 1_000_000
