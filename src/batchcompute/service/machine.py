"""The machine of the service: its cores and its memory."""

from __future__ import annotations

import os

from batchcompute.service.domain.capacity import Machine

__all__: list[str] = []


def this_machine(slots: int) -> Machine:
    """Return the machine of the service.

    Args:
        slots: Largest number of instances that run at the same time.
    """
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    except (AttributeError, ValueError, OSError):
        memory = 0.0
    return Machine(cores(), memory, slots)


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
