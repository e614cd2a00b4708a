"""The rows of the database as typed objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from batchcompute.resources import (
    AppDescription,
    AppJobDescription,
    ClusterDescription,
    ImageDescription,
    JobDescription,
    TaskDescription,
)
from batchcompute.runner.spec import Isolation
from batchcompute.service.domain.states import Key, State

__all__: list[str] = []

# Stored descriptions never change in place, and readers do not write to them.
_job_description = lru_cache(maxsize=64)(JobDescription)
_app_job_description = lru_cache(maxsize=64)(AppJobDescription)
task_description: Callable[[str], TaskDescription] = lru_cache(maxsize=256)(TaskDescription)
cluster_description: Callable[[str], ClusterDescription] = lru_cache(maxsize=64)(ClusterDescription)


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job."""

    seq: int
    """Number of its row; it counts up."""
    id: str
    """Its id."""
    owner: str
    """Its owner."""
    name: str
    """Its name."""
    state: State
    """Its state."""
    message: str
    """Why it failed, or what was not uploaded; empty for neither."""
    notes: str
    """What its Message says while it waits: where it asks for more than the machine has."""
    created: str
    """When it was created."""
    started: str
    """When its first instance started; empty before."""
    ended: str
    """When it ended; empty before."""
    is_app: bool
    """Whether it runs an app."""
    text: str
    """Its description as JSON."""

    @property
    def description(self) -> JobDescription | AppJobDescription:
        """Its description; it must not be changed."""
        return (_app_job_description if self.is_app else _job_description)(self.text)


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task of a job."""

    job: int
    """Row number of its job."""
    position: int
    """Its position in the description of the job, from 0."""
    name: str
    """Its name."""
    state: State
    """Its state."""
    cluster: str
    """Id of its cluster; empty for one of its own."""
    timeout: int
    """Seconds that an attempt may take."""
    blockers: int
    """How many tasks have to finish before it starts."""
    started: str
    """When its first instance started; empty before."""
    ended: str
    """When it ended; empty before."""
    counts: Mapping[State, int]
    """The number of its instances in each state."""

    @property
    def size(self) -> int:
        """The number of its instances."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task that is about to be written."""

    name: str
    """Its name."""
    cluster: str
    """Id of its cluster; empty for one of its own."""
    max_retries: int
    """How often a failed instance is repeated."""
    timeout: int
    """Seconds that an attempt may take."""
    size: int
    """The number of its instances."""
    blockers: int
    """How many tasks have to finish before it starts."""
    followers: tuple[int, ...]
    """Positions of the tasks that wait for it."""
    description: Mapping[str, Any]
    """Its description."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job that is about to be written."""

    owner: str
    """Its owner."""
    name: str
    """Its name."""
    priority: int
    """Its priority."""
    fail_fast: bool
    """Whether one failed instance fails the job."""
    auto_release: bool
    """Whether it is deleted when it has finished."""
    description: Mapping[str, Any]
    """Its description."""
    plan: Mapping[str, Any] | None
    """The description of the DAG that an App job runs; None for a DAG job."""
    notes: str
    """What its Message says while it waits."""
    created: str
    """When it was created."""
    tasks: tuple[NewTask, ...]
    """Its tasks."""


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """An instance of a task."""

    number: int
    """Its number, from 0."""
    state: State
    """Its state."""
    started: str
    """When its last attempt started; empty before."""
    ended: str
    """When it ended; empty before."""
    retries: int
    """How often it was repeated: after failures, and after attempts that were lost."""
    node: str
    """Address of the machine of its last attempt."""
    exit_code: int
    """Exit code of its last attempt."""
    error_code: str
    """Code of what went wrong; empty for nothing."""
    error_message: str
    """The same in words."""
    detail: str
    """The end of its stderr."""


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """An attempt of an instance."""

    number: int
    """Its number, from 1."""
    state: str
    """``Running``, ``Finished``, ``Failed``, ``Stopped`` or ``Lost``."""
    token: str
    """Its name."""
    node: str
    """Address of its machine."""
    worker: str
    """Id of the machine of its cluster; empty for one of its task's own."""
    started: str
    """When it started."""
    ended: str
    """When it ended; empty before."""
    exit_code: int
    """Exit code of its program."""
    error_code: str
    """Code of what went wrong; empty for nothing."""
    error_message: str
    """The same in words."""


@dataclass(frozen=True, slots=True)
class RunningRow:
    """An instance with an attempt that has not ended, as far as the database knows."""

    key: Key
    """The instance."""
    token: str
    """Name of the attempt."""
    worker: str
    """Id of the machine of its cluster; empty for one of its task's own."""
    isolation: Isolation | None
    """How mappings got to their paths; None if that is not on record."""
    work: str
    """The directory that it works below."""
    started: str
    """When it started."""
    late: bool
    """Whether its time was up."""


@dataclass(frozen=True, slots=True)
class TaskToRun:
    """What an attempt has to know of its task."""

    owner: str
    """Owner of the job."""
    job_id: str
    """Id of the job."""
    name: str
    """Name of the task."""
    cluster: str
    """Id of its cluster; empty for one of its own."""
    timeout: int
    """Seconds that an attempt may take."""
    description: TaskDescription
    """Its description."""
    cluster_description: ClusterDescription | None
    """The description of its cluster; None for one of its own, or one that is gone."""


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """A cluster."""

    seq: int
    """Number of its row; it counts up."""
    id: str
    """Its id."""
    owner: str
    """Its owner."""
    state: str
    """``Active`` or ``Deleting``."""
    text: str
    """Its description as JSON."""
    logs: tuple[str, ...]
    """Lines about what was done with it."""
    created: str
    """When it was created."""

    @property
    def description(self) -> ClusterDescription:
        """Its description; it must not be changed."""
        return cluster_description(self.text)


@dataclass(frozen=True, slots=True)
class MachineRow:
    """A machine of a cluster."""

    seq: int
    """Number of its row; it counts up."""
    id: str
    """Its id."""
    state: str
    """``Running`` or ``Deleting``."""
    created: str
    """When it was created."""


@dataclass(frozen=True, slots=True)
class ImageRow:
    """An image of an owner."""

    seq: int
    """Number of its row; it counts up."""
    id: str
    """Its id."""
    owner: str
    """Its owner."""
    description: ImageDescription
    """Its description."""
    created: str
    """When it was created."""


@dataclass(frozen=True, slots=True)
class AppRow:
    """An app."""

    seq: int
    """Number of its row; it counts up."""
    name: str
    """Its name."""
    created: str
    """When it was created."""


@dataclass(frozen=True, slots=True)
class RevisionRow:
    """A revision of an app."""

    number: int
    """Its number, from 0."""
    updated: str
    """When it was written."""
    description: AppDescription
    """Its description."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """An idempotent token that was used."""

    request: str
    """Digest of the request."""
    id: str
    """Id of what the request made."""
