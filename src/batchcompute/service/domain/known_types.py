"""Instance types that no engine knows: refused, or mentioned in the message of the job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from batchcompute.resources import JobDescription
from batchcompute.service.domain.instance_types import TYPES, InstanceType
from batchcompute.service.spelling import nearest

__all__ = ["KnownTypes"]

_MOST_NAMED = 20
"""Instance types that a message lists."""


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

    def refusal(self, job: JobDescription) -> str:
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

    def notes(self, job: JobDescription) -> str:
        """Return a message about unknown types of a job; empty if there are none, or all types mean the same."""
        if not self._mentions:
            return ""
        return " ".join(
            f"Task {task} asks for the instance type {name[:100]!r}, which the service does not know; it gets the resources "
            "of the default."
            for task, name in self._unknown(job)
        )

    def _unknown(self, job: JobDescription) -> Iterator[tuple[str, str]]:
        for task_name, task in job.dag.tasks.items():
            name = task.auto_cluster.instance_type if "AutoCluster" in task and not task.cluster_id else ""
            if name and name not in self._names:
                yield task_name, str(name)
