"""The rows of the database as typed objects."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from batchcompute import resources
from batchcompute.service.domain.states import ActiveState, Key, State, StoredState

__all__: list[str] = ["ActiveState"]


# Stored descriptions never change in place, and readers do not write to them.
@lru_cache(maxsize=64)
def _job_description(text: str) -> resources.JobDescription:
    return resources.JobDescription(text)


@lru_cache(maxsize=256)
def task_description(text: str) -> resources.TaskDescription:
    """Return a stored description of a task, which must not be changed."""
    return resources.TaskDescription(text)


@lru_cache(maxsize=64)
def _app_job_description(text: str) -> resources.AppJobDescription:
    return resources.AppJobDescription(text)


@lru_cache(maxsize=64)
def cluster_description(text: str) -> resources.ClusterDescription:
    """Return a stored description of a cluster, which must not be changed."""
    return resources.ClusterDescription(text)


class JobRow(NamedTuple):
    """A job."""

    seq: int
    """Row number; it increases with each new job."""
    id: str
    """Id."""
    owner: str
    """Owner."""
    name: str
    """Name."""
    state: State
    """State."""
    message: str
    """Reason of the failure, or the outputs that were not uploaded; empty for neither."""
    notes: str
    """``Message`` while the job waits: the resources that the machine does not have."""
    waits: str
    """``Message`` from the engine: why attempts wait in it, and why the last one was lost."""
    created: str
    """Time of creation."""
    started: str
    """Time when the first instance started; empty before."""
    ended: str
    """Time of the end; empty before."""
    is_app: bool
    """Whether the job runs an app."""
    text: str
    """Description as JSON."""

    @property
    def description(self) -> resources.JobDescription | resources.AppJobDescription:
        """The description, which must not be changed."""
        return (_app_job_description if self.is_app else _job_description)(self.text)


class TaskRow(NamedTuple):
    """A task of a job."""

    job: int
    """Row number of the job."""
    position: int
    """Its position in the description of the job, from 0."""
    name: str
    """Name."""
    state: State
    """State."""
    cluster: str
    """Id of the cluster; empty if the task has none."""
    timeout: int
    """Seconds that an attempt may take."""
    blockers: int
    """Number of tasks that have to finish before this task starts."""
    started: str
    """Time when the first instance started; empty before."""
    ended: str
    """Time of the end; empty before."""
    counts: Mapping[State, int]
    """Number of instances in each state."""

    @property
    def size(self) -> int:
        """Number of instances."""
        return sum(self.counts.values())


class NewTask(NamedTuple):
    """A task to insert."""

    name: str
    """Name."""
    cluster: str
    """Id of the cluster; empty if the task has none."""
    max_retries: int
    """Largest number of retries of an instance."""
    timeout: int
    """Seconds that an attempt may take."""
    size: int
    """Number of instances."""
    blockers: int
    """Number of tasks that have to finish before this task starts."""
    followers: tuple[int, ...]
    """Positions of the tasks that wait for this task."""
    description: Mapping[str, Any]
    """Description."""


class NewJob(NamedTuple):
    """A job to insert."""

    owner: str
    """Owner."""
    name: str
    """Name."""
    priority: int
    """Priority."""
    fail_fast: bool
    """Whether one failed instance fails the job."""
    auto_release: bool
    """Whether the job is deleted when it has finished."""
    description: Mapping[str, Any]
    """Description."""
    plan: Mapping[str, Any] | None
    """The description of the DAG that an App job runs; None for a DAG job."""
    notes: str
    """``Message`` while the job waits."""
    created: str
    """Time of creation."""
    tasks: tuple[NewTask, ...]
    """The tasks."""


class InstanceRow(NamedTuple):
    """An instance of a task."""

    number: int
    """Number of the instance, from 0."""
    state: State
    """State."""
    started: str
    """Time when the last attempt started; empty before."""
    ended: str
    """Time of the end; empty before."""
    retries: int
    """Number of retries after failed and lost attempts."""
    node: str
    """Address of the machine of the last attempt."""
    exit_code: int
    """Exit code of the last attempt."""
    error_code: str
    """Error code; empty for no error."""
    error_message: str
    """Error message; empty for no error."""
    detail: str
    """The end of stderr."""


class AttemptRow(NamedTuple):
    """An attempt of an instance."""

    number: int
    """Number of the attempt, from 1."""
    state: str
    """``Running``, ``Finished``, ``Failed``, ``Stopped`` or ``Lost``."""
    token: str
    """The token that identifies the attempt."""
    node: str
    """Address of the machine."""
    worker: str
    """Id of the machine of a cluster; empty if the task has no cluster."""
    started: str
    """Time of the start; empty for an attempt that waits in its engine."""
    ended: str
    """Time of the end; empty before."""
    exit_code: int
    """Exit code of the program."""
    error_code: str
    """Error code; empty for no error."""
    error_message: str
    """Error message; empty for no error."""


class ActiveRow(NamedTuple):
    """An instance with an attempt that has no recorded end."""

    key: Key
    """The instance."""
    token: str
    """The token that identifies the attempt."""
    worker: str
    """Id of the machine of a cluster; empty if the task has no cluster."""
    engine: str
    """Name of the engine."""
    handle: str
    """The engine's name of the attempt; empty if it is the token, or not known."""
    is_running: bool
    """Whether the attempt runs; one that does not waits in the engine."""
    started: str
    """Time of the start; empty for an attempt that waits in the engine."""


class History(NamedTuple):
    """The properties of an instance that decide what its attempt's end means."""

    key: Key
    """The instance."""
    state: StoredState
    """Stored state of the instance."""
    retries: int
    """Number of retries after failures."""
    lost: int
    """Number of attempts in a row that the engine lost."""
    attempt: int
    """Number of the attempt, from 1."""
    started: str
    """Time of the start of the attempt; empty if it has not started."""
    max_retries: int
    """Largest number of retries after failures."""
    task: str
    """Name of the task."""
    job_id: str
    """Id of the job."""
    fail_fast: bool
    """Whether a failure of the instance fails the job."""


class Progress(NamedTuple):
    """The state of a task, and of its instances."""

    state: State
    """State of the task."""
    counts: Mapping[State, int]
    """Number of its instances in each state."""


class TaskToRun(NamedTuple):
    """The properties of a task that its attempts need."""

    owner: str
    """Owner of the job."""
    job_id: str
    """Id of the job."""
    name: str
    """Name of the task."""
    cluster: str
    """Id of the cluster; empty if the task has none."""
    timeout: int
    """Seconds that an attempt may take."""
    description: resources.TaskDescription
    """Description."""
    cluster_description: resources.ClusterDescription | None
    """The description of its cluster; None for one of its own, or one that is gone."""


class ClusterRow(NamedTuple):
    """A cluster."""

    seq: int
    """Row number; it increases with each new job."""
    id: str
    """Id."""
    owner: str
    """Owner."""
    state: str
    """``Active`` or ``Deleting``."""
    text: str
    """Description as JSON."""
    logs: tuple[str, ...]
    """The operation log, in lines."""
    created: str
    """Time of creation."""

    @property
    def description(self) -> resources.ClusterDescription:
        """The description, which must not be changed."""
        return cluster_description(self.text)


class MachineRow(NamedTuple):
    """A machine of a cluster."""

    seq: int
    """Row number; it increases with each new job."""
    id: str
    """Id."""
    state: str
    """``Running`` or ``Deleting``."""
    created: str
    """Time of creation."""


class ImageRow(NamedTuple):
    """An image of an owner."""

    seq: int
    """Row number; it increases with each new job."""
    id: str
    """Id."""
    owner: str
    """Owner."""
    description: resources.ImageDescription
    """Description."""
    created: str
    """Time of creation."""


class AppRow(NamedTuple):
    """An app."""

    seq: int
    """Row number; it increases with each new job."""
    name: str
    """Name."""
    created: str
    """Time of creation."""


class RevisionRow(NamedTuple):
    """A revision of an app."""

    number: int
    """Number of the instance, from 0."""
    updated: str
    """Time of its last change."""
    description: resources.AppDescription
    """Description."""


class TokenRow(NamedTuple):
    """The request of a used idempotent token."""

    request: str
    """Digest of the request."""
    id: str
    """Id of the resource that the request created."""
