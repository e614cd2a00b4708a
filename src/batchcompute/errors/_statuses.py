"""Protocols of the statuses that exceptions hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from datetime import datetime

__all__: list[str] = []


class JobStatus(Protocol):
    """The attributes of `batchcompute.resources.Job`, which is the class of the object.

    A protocol, because the exceptions import no resources.
    """

    @property
    def Id(self) -> str:  # noqa: N802
        """Id of the job."""
        ...

    @property
    def id(self) -> str:
        """Id of the job."""
        ...

    @property
    def Name(self) -> str:  # noqa: N802
        """Name of the job."""
        ...

    @property
    def name(self) -> str:
        """Name of the job."""
        ...

    @property
    def State(self) -> str:  # noqa: N802
        """State of the job."""
        ...

    @property
    def state(self) -> str:
        """State of the job."""
        ...

    @property
    def Message(self) -> str:  # noqa: N802
        """The service's message about the state."""
        ...

    @property
    def message(self) -> str:
        """The service's message about the state."""
        ...

    @property
    def CreationTime(self) -> datetime | None:  # noqa: N802
        """Time of the creation."""
        ...

    @property
    def creation_time(self) -> datetime | None:
        """Time of the creation."""
        ...

    @property
    def StartTime(self) -> datetime | None:  # noqa: N802
        """Time of the start."""
        ...

    @property
    def start_time(self) -> datetime | None:
        """Time of the start."""
        ...

    @property
    def EndTime(self) -> datetime | None:  # noqa: N802
        """Time of the end."""
        ...

    @property
    def end_time(self) -> datetime | None:
        """Time of the end."""
        ...

    @property
    def TaskMetrics(self) -> Any:  # noqa: N802
        """Number of tasks in each state."""
        ...

    @property
    def task_metrics(self) -> Any:
        """Number of tasks in each state."""
        ...

    @property
    def InstanceMetrics(self) -> Any:  # noqa: N802
        """Number of instances in each state."""
        ...

    @property
    def instance_metrics(self) -> Any:
        """Number of instances in each state."""
        ...

    def detail(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        ...


class TaskStatus(Protocol):
    """The attributes of `batchcompute.resources.Task`, which is the class of the object."""

    @property
    def TaskName(self) -> str:  # noqa: N802
        """Name of the task."""
        ...

    @property
    def task_name(self) -> str:
        """Name of the task."""
        ...

    @property
    def State(self) -> str:  # noqa: N802
        """State of the task."""
        ...

    @property
    def state(self) -> str:
        """State of the task."""
        ...

    @property
    def StartTime(self) -> datetime | None:  # noqa: N802
        """Time of the start."""
        ...

    @property
    def start_time(self) -> datetime | None:
        """Time of the start."""
        ...

    @property
    def EndTime(self) -> datetime | None:  # noqa: N802
        """Time of the end."""
        ...

    @property
    def end_time(self) -> datetime | None:
        """Time of the end."""
        ...

    @property
    def InstanceMetrics(self) -> Any:  # noqa: N802
        """Number of instances in each state."""
        ...

    @property
    def instance_metrics(self) -> Any:
        """Number of instances in each state."""
        ...

    def detail(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        ...
