"""Jobs: DAGs of tasks, with their instances and results (REST API, 2.1, 2.2, 3.1, 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, cast

from pydantic import Discriminator, Field, Tag

from batchcompute.models.base import Description, Status
from batchcompute.models.constraints import EachKey, Name, OneOf, Range, Required
from batchcompute.models.field_types import AnyMap, Boolean, Integer, Text, TextOrInteger, Time
from batchcompute.resources._drawn import DrawnPlan, DrawnStatus
from batchcompute.resources._literals import JobState, JobType
from batchcompute.resources._rules import dag_problems, job_type_of
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
    "InstanceAttempt",
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


class DAG(DrawnPlan, Description):
    """The tasks of a job and their dependencies."""

    tasks: Annotated[dict[str, TaskDescription], Required("one task or more"), EachKey(Name(32))] | None = (
        Field(default_factory=dict)
    )
    """The tasks by name. Required."""
    dependencies: dict[str, list[str]] | None = Field(default_factory=dict)
    """For each task, the tasks that start after it: ``{"A": ["B", "C"]}``."""

    def add_task(
        self,
        task_name: str,
        task: TaskDescription | Mapping[str, object],
        after: str | Sequence[str] | None = None,
    ) -> None:
        """Add a task. The description stores a copy.

        Args:
            task_name: Letters, digits, ``_`` and ``-``, no digit first, at most 32 bytes.
            task: The task, or a mapping of its fields.
            after: The tasks that have to end before this one starts: a name, or several; None for none. They may be
                added later.
        """
        self.tasks[task_name] = cast("TaskDescription", task)
        for name in (after,) if isinstance(after, str) else after or ():
            followers = self.dependencies.get(name, [])
            if task_name not in followers:
                self.dependencies[name] = [*followers, task_name]

    def get_task(self, task_name: str) -> TaskDescription:
        """Return a task.

        Raises:
            KeyError: This name does not exist.
        """
        return self.tasks[task_name]

    def delete_task(self, task_name: str) -> None:
        """Remove a task. Its dependencies stay.

        Raises:
            KeyError: This name does not exist.
        """
        del self.tasks[task_name]

    def _dag(self) -> DAG:
        return self

    _cross_field_problems = dag_problems


class JobDescription(DrawnPlan, Description):
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
    """Priority, 0 to 1000; the default of the service is 0. Jobs with a higher priority start first."""
    notification: Notification | None = None
    """The topic that receives events, and the names of these events."""
    job_fail_on_instance_fail: Boolean | None = True
    """Whether the job fails as soon as an instance fails and has no retries left."""
    auto_release: Boolean | None = False
    """Whether the service deletes the job when it finishes."""
    type: Annotated[JobType, Required("DAG"), OneOf(("DAG",))] | None = "DAG"
    """Type of the job: ``DAG``."""
    dag: Annotated[DAG, Required()] | None = Field(
        default=None, validation_alias="DAG", serialization_alias="DAG"
    )
    """The tasks and their dependencies. Required."""
    id: Text | None = None
    """Id of the job, in descriptions of existing jobs. A create does not send it."""

    def _dag(self) -> object:
        return self.dag


def _tag_of(description: Any) -> str:
    if isinstance(description, (JobDescription, AppJobDescription)):
        return "App" if isinstance(description, AppJobDescription) else "DAG"
    return job_type_of(description)


AnyJobDescription = Annotated[
    Annotated[JobDescription, Tag("DAG")] | Annotated[AppJobDescription, Tag("App")], Discriminator(_tag_of)
]
"""A job of either type: for fields of your own models, bodies of web services, and ``TypeAdapter``."""


class _Counts(Status):
    waiting_count: Integer | None = None
    """Number in the state ``Waiting``."""
    running_count: Integer | None = None
    """Number in the state ``Running``."""
    finished_count: Integer | None = None
    """Number in the state ``Finished``."""
    failed_count: Integer | None = None
    """Number in the state ``Failed``."""
    stopped_count: Integer | None = None
    """Number in the state ``Stopped``."""


class TaskMetrics(_Counts):
    """Number of tasks of a job in each state."""


class InstanceMetrics(_Counts):
    """Number of instances of a job or a task in each state."""


class Job(DrawnStatus, Status):
    """A job (GetJob, ListJobs)."""

    _identity = "Id"

    name: Text | None = None
    """Name of the job."""
    id: Text | None = None
    """Id of the job, ``job-…``."""
    priority: Integer | None = None
    """Priority of the job, if the service sends it."""
    owner: Text | None = None
    """Owner of the job, if the service sends this field."""
    owner_id: TextOrInteger | None = None
    """The account of the owner: a number or a string, as the service sends it."""
    state: JobState | None = None
    """State: ``Waiting``, ``Running``, ``Finished``, ``Failed`` or ``Stopped``."""
    message: Text | None = None
    """Reason why the job failed, or reason why it waits; empty for none."""
    creation_time: Time | None = None
    """Time of creation."""
    start_time: Time | None = None
    """Time when the first instance started; None before."""
    end_time: Time | None = None
    """Time of the end; None before."""
    task_metrics: TaskMetrics | None = None
    """Number of tasks in each state."""
    instance_metrics: InstanceMetrics | None = None
    """Number of instances in each state."""

    def _name(self) -> str:
        return f"{self.name} {self.id}".strip()


class Task(DrawnStatus, Status):
    """A task of a job (GetTask, ListTasks)."""

    _identity = "TaskName"

    task_name: Text | None = None
    """Name of the task."""
    state: JobState | None = None
    """State: ``Waiting``, ``Running``, ``Finished``, ``Failed`` or ``Stopped``."""
    start_time: Time | None = None
    """Time when the first instance started; None before."""
    end_time: Time | None = None
    """Time of the end; None before."""
    instance_metrics: InstanceMetrics | None = None
    """Number of instances in each state."""

    def _name(self) -> str:
        return self.task_name


class Result(Status):
    """The result of the program of an instance (REST API, 4.3)."""

    exit_code: Integer | None = None
    """Exit code of the program. It is also 0 before the program ends."""
    error_code: Text | None = None
    """Code of the reason of the failure, for example ``ProgramFailed``; empty after success."""
    error_message: Text | None = None
    """Message about the failure."""
    detail_text: Text | None = Field(default=None, validation_alias="Detail", serialization_alias="Detail")
    """Details of the failure, for example the end of stderr. The wire name is ``Detail``; ``detail()`` is a method."""


class Error(Status):
    """The error of the run of an app."""

    code: Text | None = None
    """Code of the error."""
    message: Text | None = None
    """Message of the error."""


class Instance(Status):
    """An instance of a task (GetInstance, ListInstances)."""

    _identity = "InstanceId"

    instance_id: Integer | None = None
    """Number of the instance, from 0."""
    state: JobState | None = None
    """State: ``Waiting``, ``Running``, ``Finished``, ``Failed`` or ``Stopped``."""
    start_time: Time | None = None
    """Time when the last attempt started; None before."""
    end_time: Time | None = None
    """Time of the end; None before."""
    retry_count: Integer | None = None
    """Number of retries."""
    progress: Integer | None = None
    """Progress, 0 to 100. The service of Alibaba always sends 0."""
    stdout_redirect_path: Text | None = None
    """URL of the object with the stdout."""
    stderr_redirect_path: Text | None = None
    """URL of the object with the stderr."""
    result: Result | None = None
    """The result of the program."""
    error: Error | None = None
    """The error of the run of an app."""
    outputs: AnyMap | None = Field(default_factory=dict)
    """The ``oss://`` URLs of the outputs of an App job, by name."""
    node_ip: Text | None = None
    """IP address of the machine."""

    def get_output(self, name: str) -> object:
        """Return the URL of an output of an App job.

        Raises:
            KeyError: This name does not exist.
        """
        return self.outputs[name]


class InstanceAttempt(Status):
    """An attempt of an instance (ListAttempts, an extension of this package: REST API, 2.7)."""

    number: Integer | None = None
    """Number of the attempt, from 1."""
    state: Text | None = None
    """``Waiting`` in its engine, ``Running``, ``Finished``, ``Failed``, ``Stopped``, or ``Lost`` (unknown outcome)."""
    token: Text | None = None
    """Unique name of the attempt; its processes have it in the variable ``BC_INSTANCE``."""
    node_ip: Text | None = None
    """IP address of the machine."""
    worker_id: Text | None = None
    """Id of the machine of a cluster; empty for a machine of an AutoCluster."""
    start_time: Time | None = None
    """Time of the start."""
    end_time: Time | None = None
    """Time of the end; None before."""
    exit_code: Integer | None = None
    """Exit code of the program; 0 if there is none."""
    error_code: Text | None = None
    """Code of the error; empty after success. An attempt that is ``Lost`` has the code ``Lost``."""
    error_message: Text | None = None
    """Message of the error, or the reason why the attempt is lost."""


class SynchronousInstance(Status):
    """The finished run of a synchronous App job."""

    _identity = "RequestId"

    request_id: Text | None = None
    """Id of the request."""
    start_time: Time | None = None
    """Time of the start."""
    end_time: Time | None = None
    """Time of the end."""
    outputs: AnyMap | None = None
    """The values of the outputs, by name."""
    error: Error | None = None
    """The error of the run."""

    def get_output(self, name: str) -> object:
        """Return the value of an output.

        Raises:
            KeyError: This name does not exist.
        """
        return self.outputs[name]
