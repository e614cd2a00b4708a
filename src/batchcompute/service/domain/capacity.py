"""Compares what jobs ask for with what the service has: instance types, the machine, slots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from batchcompute import resources
from batchcompute.service.domain.instance_types import TYPES, InstanceType
from batchcompute.service.spelling import nearest

__all__: list[str] = []

_MOST_NAMED = 20
"""Instance types that a message lists."""


class Machine(NamedTuple):
    """The machine of the service."""

    cores: int
    """Cores that the service may use."""
    memory: float
    """Memory in GB; 0 if it is unknown."""
    slots: int
    """Instances that run at once."""

    def described(self) -> str:
        """Return a description of the machine in words."""
        memory = f" and {self.memory:.0f} GB of memory" if self.memory else ""
        return f"{self.cores} cores{memory}"


def slot_shortage(running: int, slots: int, others: int = 0) -> str:
    """Return why instances that are ready to run have to wait; empty if a slot is free.

    Args:
        running: Number of running instances.
        slots: Number of slots.
        others: Number of running instances of other owners.
    """
    if running < slots:
        return ""
    taken = "the only one is taken" if slots == 1 else f"all {slots} are taken"
    if others >= running:
        taken += " by jobs of other owners"
    elif others:
        taken += f", {others} by jobs of other owners"
    return f"It waits for a slot: {taken}."


def cluster_shortage(task: str, cluster_id: str, machines: int, busy: int, mention_busy: bool) -> str:
    """Return why a task has to wait for its cluster; empty if the cluster has a machine for it.

    Args:
        task: Name of the task.
        cluster_id: Id of the cluster.
        machines: Number of machines of the cluster.
        busy: Number of busy machines.
        mention_busy: Whether a cluster without an idle machine counts as a reason.
    """
    if not machines:
        return f"Task {task} waits: cluster {cluster_id} has no machines."
    if not mention_busy or busy < machines:
        return ""
    which = "the only machine" if machines == 1 else f"each of the {machines} machines"
    return f"Task {task} waits: {which} of cluster {cluster_id} is busy."


def notes_of(job: resources.JobDescription, machine: Machine, types: Mapping[str, InstanceType]) -> str:
    """Return a message about tasks that ask for more than the machine has; empty if there are none."""
    return " ".join(
        note for name, task in job.dag.tasks.items() for note in _notes(name, task, machine, types)
    )


def _notes(
    name: str, task: resources.TaskDescription, machine: Machine, types: Mapping[str, InstanceType]
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


class KnownTypes:
    """The instance types that a service knows.

    On one machine each type means a slot, so any name is accepted. An engine that gives types their own resources would
    run a misspelt one with the defaults.

    Args:
        engine: Name of the engine.
        types: The instance types by name.
        special: Those with options in the engine; None if the engine treats all types alike.
    """

    def __init__(
        self, engine: str, types: Mapping[str, InstanceType], special: frozenset[str] | None
    ) -> None:
        self._engine = engine
        self._names = {*types, *(special or ())}
        is_configured = bool(special) or len(types) > len(TYPES)
        self._refuses = special is not None and is_configured
        self._mentions = special is not None or any(kind.engine for kind in types.values())

    def refusal(self, job: resources.JobDescription) -> str:
        """Return why a job is refused whose instance type is misspelt; empty if it is not."""
        if self._refuses:
            for task, name in self._unknown(job):
                return self._refusal(f"Task {task}", name)
        return ""

    def refusal_of_names(self, asked: Mapping[str, str]) -> str:
        """Return why instance types of a cluster are refused; empty if they are not.

        Args:
            asked: The names, by the place that asks for them, such as ``Group g``.
        """
        if self._refuses:
            for place, name in asked.items():
                if name and name not in self._names:
                    return self._refusal(place, name)
        return ""

    def _refusal(self, place: str, name: str) -> str:
        names = sorted(self._names)
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        return (
            f"{place} asks for {name[:100]!r}, which is neither in [instance_types] nor in the options of the engine "
            f"{self._engine}. The nearest is {nearest(name, names)!r}; there are {', '.join(names[:_MOST_NAMED])}{more}."
        )

    def notes(self, job: resources.JobDescription) -> str:
        """Return a message about unknown types of a job; empty if there are none, or all types mean the same."""
        if not self._mentions:
            return ""
        return " ".join(
            f"Task {task} asks for the instance type {name[:100]!r}, which the service does not know; it gets the resources "
            "of the default."
            for task, name in self._unknown(job)
        )

    def _unknown(self, job: resources.JobDescription) -> Iterator[tuple[str, str]]:
        for task_name, task in job.dag.tasks.items():
            name = task.auto_cluster.instance_type if "AutoCluster" in task and not task.cluster_id else ""
            if name and name not in self._names:
                yield task_name, str(name)
