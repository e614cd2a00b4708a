"""What jobs ask for, and what this machine has: said, and never silently cut."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from batchcompute.resources import JobDescription, TaskDescription
from batchcompute.service.domain.instance_types import InstanceType

__all__: list[str] = []


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine that everything runs on."""

    cores: int
    """Cores that the service may use."""
    memory: float
    """Memory in GB; 0 where it cannot be told."""
    slots: int
    """Instances that run at once."""

    @classmethod
    def here(cls, slots: int) -> Machine:
        """Return this machine."""
        try:
            memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
        except (AttributeError, ValueError, OSError):
            memory = 0.0
        return cls(cores(), memory, slots)

    def described(self) -> str:
        """Return it in words."""
        memory = f" and {self.memory:.0f} GB of memory" if self.memory else ""
        return f"{self.cores} cores{memory}"


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def shortage(db: sqlite3.Connection, slots: int) -> str:
    """Say that all slots are taken, so that what is ready to run has to wait; empty if one is free.

    Args:
        db: The database.
        slots: How many there are.
    """
    taken = db.execute("SELECT COUNT(*) FROM instances WHERE state = 'Running'").fetchone()[0]
    if taken < slots:
        return ""
    return f"It waits for a slot of this machine: {'the only one is' if slots == 1 else f'all {slots} are'} taken."


def notes_of(job: JobDescription, machine: Machine, types: Mapping[str, InstanceType]) -> str:
    """Say where a job asks for more than the machine has; empty where it does not."""
    return " ".join(
        note for name, task in job.dag.tasks.items() for note in _notes(name, task, machine, types)
    )


def _notes(
    name: str, task: TaskDescription, machine: Machine, types: Mapping[str, InstanceType]
) -> Iterator[str]:
    asked = task.auto_cluster.instance_type if "AutoCluster" in task and not task.cluster_id else ""
    kind = types.get(asked or "")
    if kind is not None and (kind.cores > machine.cores or 0 < machine.memory < kind.memory * 0.9):
        yield (
            f"Task {name} asks for {kind.name} with {kind.cores} cores and {kind.memory:g} GB of memory; this machine "
            f"has {machine.described()}, and nothing is reserved."
        )
    if task.instance_count > machine.slots:
        yield f"Task {name} asks for {task.instance_count} instances at a time; {machine.slots} run at a time here."
