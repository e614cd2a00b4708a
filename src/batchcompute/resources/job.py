"""Jobs: DAGs of tasks, their instances and results (REST API, 2.1, 2.2, 3.1, 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, cast

from pydantic import Discriminator, Field, Tag

from batchcompute.errors import Problem
from batchcompute.models.base import Description, Status
from batchcompute.models.constraints import MAX_INSTANCES, EachKey, Name, OneOf, Range, Required, join
from batchcompute.models.field_types import AnyMap, Boolean, Integer, Text, TextOrInteger, Time
from batchcompute.models.problems import short_repr
from batchcompute.resources._literals import JobState, JobType
from batchcompute.resources._rules import count_instances, find_cycle, job_type_of
from batchcompute.resources.appjob import App, AppJobDescription, Config, Logging
from batchcompute.resources.configs import Configs, InputMappingConfig, Mounts, Notification
from batchcompute.resources.task import (
    AutoCluster,
    Command,
    CredentialConfig,
    Docker,
    Parameters,
    TaskDescription,
)

__all__ = [
    "DAG",
    "AnyJobDescription",
    "App",
    "AppJobDescription",
    "AutoCluster",
    "Command",
    "Config",
    "Configs",
    "CredentialConfig",
    "Docker",
    "Error",
    "InputMappingConfig",
    "Instance",
    "InstanceMetrics",
    "Job",
    "JobDescription",
    "Logging",
    "Mounts",
    "Notification",
    "Parameters",
    "Result",
    "SynchronousInstance",
    "Task",
    "TaskDescription",
    "TaskMetrics",
]


class DAG(Description):
    """The tasks of a job, and which of them wait for which."""

    tasks: Annotated[dict[str, TaskDescription], Required("one task or more"), EachKey(Name(32))] | None = (
        Field(default_factory=dict)
    )
    """The tasks by name. Required."""
    dependencies: dict[str, list[str]] | None = Field(default_factory=dict)
    """From a task to those that start after it: ``{"A": ["B", "C"]}``."""

    def add_task(
        self, task_name: str, task: TaskDescription | Mapping[str, object], after: str | Sequence[str] = ()
    ) -> None:
        """Add a task; it is copied in.

        Args:
            task_name: Letters, digits, ``_`` and ``-``, no digit first, at most 32 bytes.
            task: The task, or a mapping of its fields.
            after: The task, or the tasks, that it starts after; they may be added later.
        """
        self.tasks[task_name] = cast("TaskDescription", task)
        for name in (after,) if isinstance(after, str) else after:
            followers = self.dependencies.get(name, [])
            if task_name not in followers:
                self.dependencies[name] = [*followers, task_name]

    def get_task(self, task_name: str) -> TaskDescription:
        """Return a task by name.

        Raises:
            KeyError: There is none of this name.
        """
        return self.tasks[task_name]

    def delete_task(self, task_name: str) -> None:
        """Take out a task by name; dependencies that name it stay.

        Raises:
            KeyError: There is none of this name.
        """
        del self.tasks[task_name]

    def _cross_field_problems(self, at: str) -> Iterator[Problem]:
        count = count_instances(self.tasks.values())
        if count > MAX_INSTANCES:
            allowed = f"may have at most {MAX_INSTANCES} instances"
            yield Problem(join(at, "Tasks"), f"{count} instances", allowed)
        unknown = False
        for key, followers in self.dependencies.items():
            for name in (key, *followers):
                if name not in self.tasks:
                    unknown = True
                    path = join(at, "Dependencies", key)
                    yield Problem(path, short_repr(name), "is no task of this DAG")
        loop = [] if unknown else find_cycle(self.dependencies)
        if loop:
            yield Problem(join(at, "Dependencies"), " -> ".join(loop), "must not form a cycle", "cycle")


class JobDescription(Description):
    """A job to run (CreateJob; REST API, 3.1)."""

    _examples = (
        {
            "Name": "demo",
            "Type": "DAG",
            "DAG": {
                "Tasks": {
                    "echo": {
                        "InstanceCount": 3,
                        "Parameters": {
                            "Command": {"CommandLine": "echo $BATCH_COMPUTE_DAG_INSTANCE_ID"},
                            "StdoutRedirectPath": "oss://bucket/logs/",
                        },
                        "AutoCluster": {"InstanceType": "ecs.s3.large"},
                    }
                }
            },
        },
    )

    name: Annotated[Text, Name(64)] | None = None
    """Name: letters, digits, ``_`` and ``-``, no digit first, at most 64 bytes. Required."""
    description: Text | None = "Batchcompute Python SDK"
    """Free text."""
    priority: Annotated[Integer, Range(0, 1000)] | None = None
    """0 to 1000, larger first; the service takes 0 where nothing is said."""
    notification: Notification | None = None
    """Who is told of events."""
    job_fail_on_instance_fail: Boolean | None = True
    """Whether the job fails as soon as one instance has failed for good."""
    auto_release: Boolean | None = False
    """Whether the job is deleted once it has finished."""
    type: Annotated[JobType, Required("DAG"), OneOf(("DAG",))] | None = "DAG"
    """``DAG``."""
    dag: Annotated[DAG, Required()] | None = Field(
        default=None, validation_alias="DAG", serialization_alias="DAG"
    )
    """The tasks, and which of them wait for which. Required."""
    id: Text | None = None
    """The job's id where the service describes an existing one; not sent with a create."""


def _tag_of(description: Any) -> str:
    if isinstance(description, (JobDescription, AppJobDescription)):
        return "App" if isinstance(description, AppJobDescription) else "DAG"
    return job_type_of(description)


AnyJobDescription = Annotated[
    Annotated[JobDescription, Tag("DAG")] | Annotated[AppJobDescription, Tag("App")], Discriminator(_tag_of)
]
"""A job of either kind: a field of a model of one's own, the body of a web service, or what a ``TypeAdapter`` reads."""


class _Counts(Status):
    waiting_count: Integer | None = None
    """How many wait."""
    running_count: Integer | None = None
    """How many run."""
    finished_count: Integer | None = None
    """How many have finished."""
    failed_count: Integer | None = None
    """How many have failed."""
    stopped_count: Integer | None = None
    """How many were stopped."""


class TaskMetrics(_Counts):
    """How many tasks of a job are in which state."""


class InstanceMetrics(_Counts):
    """How many instances of a job or a task are in which state."""


class Job(Status):
    """A job (GetJob, ListJobs)."""

    _identity = "Id"

    name: Text | None = None
    """Name of the job."""
    id: Text | None = None
    """Id of the job, ``job-…``."""
    priority: Integer | None = None
    """Its priority, where the service tells it."""
    owner: Text | None = None
    """The owner, where the service tells it so."""
    owner_id: TextOrInteger | None = None
    """The owner's account; a number or a text, as the service has it."""
    state: JobState | None = None
    """``Waiting``, ``Running``, ``Finished``, ``Failed`` or ``Stopped``."""
    message: Text | None = None
    """Why it failed; else empty."""
    creation_time: Time | None = None
    """When it was made."""
    start_time: Time | None = None
    """When its first instance started; None before."""
    end_time: Time | None = None
    """When it ended; None before."""
    task_metrics: TaskMetrics | None = None
    """How many tasks are in which state."""
    instance_metrics: InstanceMetrics | None = None
    """How many instances are in which state."""


class Task(Status):
    """A task of a job (GetTask, ListTasks)."""

    _identity = "TaskName"

    task_name: Text | None = None
    """Name of the task."""
    state: JobState | None = None
    """``Waiting``, ``Running``, ``Finished``, ``Failed`` or ``Stopped``."""
    start_time: Time | None = None
    """When its first instance started; None before."""
    end_time: Time | None = None
    """When it ended; None before."""
    instance_metrics: InstanceMetrics | None = None
    """How many instances are in which state."""


class Result(Status):
    """How the program of an instance ended (REST API, 4.3)."""

    exit_code: Integer | None = None
    """Exit code of the program; 0 before it ended, too."""
    error_code: Text | None = None
    """Empty after success, else why the instance failed, for example ``ProgramFailed``."""
    error_message: Text | None = None
    """The same in words."""
    detail_text: Text | None = Field(default=None, validation_alias="Detail", serialization_alias="Detail")
    """More of it, for example the end of stderr (``Detail``; ``detail()`` is a method)."""


class Error(Status):
    """What went wrong while an app ran."""

    code: Text | None = None
    """Code of the error."""
    message: Text | None = None
    """The same in words."""


class Instance(Status):
    """An instance of a task (GetInstance, ListInstances)."""

    _identity = "InstanceId"

    instance_id: Integer | None = None
    """Its number, from 0."""
    state: JobState | None = None
    """``Waiting``, ``Running``, ``Finished``, ``Failed`` or ``Stopped``."""
    start_time: Time | None = None
    """When its last attempt started; None before."""
    end_time: Time | None = None
    """When it ended; None before."""
    retry_count: Integer | None = None
    """How often it was run again."""
    progress: Integer | None = None
    """0 to 100; the real service always said 0."""
    stdout_redirect_path: Text | None = None
    """The object that holds its stdout."""
    stderr_redirect_path: Text | None = None
    """The object that holds its stderr."""
    result: Result | None = None
    """How its program ended."""
    error: Error | None = None
    """What went wrong while an app ran."""
    outputs: AnyMap | None = Field(default_factory=dict)
    """From output name to OSS place, for App jobs."""
    node_ip: Text | None = None
    """Address of the machine that it ran on."""

    def get_output(self, name: str) -> object:
        """Return an output of an App job by name.

        Raises:
            KeyError: There is none of this name.
        """
        return self.outputs[name]


class SynchronousInstance(Status):
    """The finished run that a synchronous App job answers with."""

    _identity = "RequestId"

    request_id: Text | None = None
    """Id of the request."""
    start_time: Time | None = None
    """When it started."""
    end_time: Time | None = None
    """When it ended."""
    outputs: AnyMap | None = None
    """From output name to value."""
    error: Error | None = None
    """What went wrong."""

    def get_output(self, name: str) -> object:
        """Return an output by name.

        Raises:
            KeyError: There is none of this name.
        """
        return self.outputs[name]
